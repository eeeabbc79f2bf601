# pragma version 0.4.3
"""
@title  Waterfall
@license MIT
@notice Who pays for an account that is worth less than nothing (contracts/SPEC.md §3.5): the insurance fund, the
        winners of the other side at the bankruptcy price, the maker up to its cap, the rest of the market.
"""

from contracts.interfaces import IClearingHouse
from contracts.modules import errors
from contracts.modules import fixed_point
from contracts.modules import ledger
from contracts.modules import maker
from contracts.modules import margin
from contracts.modules import perp_math

uses: ledger
uses: maker
uses: margin


WAD: constant(uint256) = fixed_point.WAD
MAX_HOLDERS: constant(uint256) = ledger.MAX_HOLDERS
HIGHEST_RANK: constant(uint256) = 2**192 - 1
# Quotients are bounded: no rank may overflow, or a position built for it could stop a liquidation.
MAX_RATIO: constant(uint256) = 2**96 - 1
LEAST_GATED: constant(uint256) = 100 * WAD  # USDC; a smaller debt closes no gate, or dust could hold it shut


@internal
def _absorb(account: uint256, market: uint256, before: margin.Valuation, index: uint256) -> uint256:
    """
    @notice Cover the market's share of a negative value: from the insurance fund, and what that leaves by closing
            against the other side at the price that makes up for it. Returns the size closed.
    """
    size: int256 = ledger.position[account][market].size
    magnitude: uint256 = fixed_point.magnitude(size)
    debt: uint256 = fixed_point.mul_div_up(
        fixed_point.mul_div_up(convert(-before.state.value, uint256), WAD, before.usdc_price),
        perp_math.notional(magnitude, index),
        before.notional,
    )
    paid: uint256 = self._draw_insurance(market, debt)
    ledger.cash[account] += convert(paid, int256)
    ledger.bad_debt += paid
    if paid != 0:
        log IClearingHouse.WrittenOff(
            account=account, market=market, debt=paid, from_insurance=paid, from_maker=0
        )
    if paid == debt:
        return 0
    self._gate(debt - paid)
    # Rounded against the account: down for a seller, up for a buyer.
    gap: uint256 = fixed_point.mul_div_down(debt - paid, WAD, magnitude)
    price: uint256 = index
    if size > 0:
        price += gap
    else:
        price -= min(gap, price)
    return self._deleverage(account, market, size, index, price)


@internal
def _deleverage(
    account: uint256, market: uint256, size: int256, index: uint256, price: uint256
) -> uint256:
    """
    @notice Close the position at `price` against those of the other side who profit at it, highest rank first,
            as far as they go; returns the size closed.
    """
    funding_index: int256 = ledger.state[market].funding_index
    accounts: DynArray[uint256, MAX_HOLDERS] = ledger._holders(market)
    # rank << 64 | 2**64 - 1 - opened as number; 0: no counterparty, or has had its turn.
    keys: uint256[MAX_HOLDERS] = empty(uint256[MAX_HOLDERS])
    place: uint256 = 0
    for holder: uint256 in accounts:
        held: IClearingHouse.Position = ledger.position[holder][market]
        worth: int256 = fixed_point.mul_div_floor(held.size, price, WAD) - held.cost
        if (held.size > 0) != (size > 0) and worth > ledger._owed(market, held, funding_index, 0):
            ledger._accrue_held(holder)
            keys[place] = (
                self._rank(holder, market, held, index) << 64
                | (2**64 - 1 - (ledger.seat[holder][market] >> 8))
            )
        place += 1

    total: uint256 = fixed_point.magnitude(size)
    left: uint256 = total
    for _: uint256 in range(MAX_HOLDERS):
        best: uint256 = 0
        for i: uint256 in range(MAX_HOLDERS):
            if keys[i] > best:
                best = keys[i]
                place = i
        if left == 0 or best == 0:
            break
        keys[place] = 0
        counterparty: uint256 = accounts[place]
        closed: uint256 = min(
            left, fixed_point.magnitude(ledger.position[counterparty][market].size)
        )
        left -= closed
        delta: int256 = convert(closed, int256)
        if size > 0:
            delta = -delta
        ledger._apply_fill(account, market, delta, price)
        ledger._apply_fill(counterparty, market, -delta, price)
        ledger._note_failure(counterparty, market, delta)
        log IClearingHouse.Deleveraged(
            account=account,
            market=market,
            counterparty=counterparty,
            size=closed,
            price=price,
        )
    return total - left


@view
@internal
def _rank(
    holder: uint256, market: uint256, held: IClearingHouse.Position, index: uint256
) -> uint256:
    """
    @notice Profit ratio times leverage, WAD: (upnl / |cost|) (|s| I / E), each quotient rounded down.
    """
    equity: int256 = margin._valuation(holder, True).state.equity
    if equity <= 0 or held.cost == 0:
        return HIGHEST_RANK
    profit: int256 = fixed_point.mul_div_floor(held.size, index, WAD) - held.cost
    if profit <= 0:
        return 0
    ratio: uint256 = fixed_point.mul_div_down(
        convert(profit, uint256), WAD, fixed_point.magnitude(held.cost)
    )
    notional: uint256 = perp_math.notional(fixed_point.magnitude(held.size), index)
    leverage: uint256 = fixed_point.mul_div_down(notional, WAD, convert(equity, uint256))
    return fixed_point.mul_div_down(min(ratio, MAX_RATIO), min(leverage, MAX_RATIO), WAD)


@internal
def _write_off(account: uint256):
    """
    @notice The debt of an account that holds nothing else: paid by the insurance fund, then by the maker, each up
            to what it has and the market that failed may take from it, then by that market's other side.
    """
    if (
        ledger.cash[account] >= 0
        or len(ledger._open_markets(account)) != 0
        or len(ledger.pledges[account]) != 0
    ):
        return
    for i: uint256 in range(1, ledger.collateral_count, bound=ledger.MAX_COLLATERALS):
        if ledger.collateral_balance[account][i] != 0:
            return
    debt: uint256 = convert(-ledger.cash[account], uint256)
    market: uint256 = (ledger.failure[account] >> 1) - 1
    from_insurance: uint256 = self._draw_insurance(market, debt)
    rest: uint256 = debt - from_insurance
    ledger.bad_debt += debt
    ledger.cash[account] = 0
    drawn: uint256 = ledger.maker_drawn[market]
    limit: uint256 = ledger.market[market].maker_loss_cap
    from_maker: uint256 = min(min(rest, max(limit, drawn) - drawn), self._maker_worth(market))
    ledger.maker_drawn[market] = drawn + from_maker
    ledger.maker_cash[market] -= convert(rest, int256)
    log IClearingHouse.WrittenOff(
        account=account,
        market=market,
        debt=debt,
        from_insurance=from_insurance,
        from_maker=from_maker,
    )
    self._gate(rest)
    if rest != from_maker:
        maker._socialise(market, ledger.failure[account] & 1 == 0, rest - from_maker)


@view
@internal
def _maker_worth(market: uint256) -> uint256:
    """
    @notice What the maker has at the last price, at least 0: the market may be one whose feed has stopped.
    """
    index: uint256 = ledger._index(market, False)
    value: int256 = maker._value(market, ledger._market_state(market, index), index)
    return convert(max(value, 0), uint256)


@internal
def _draw_insurance(market: uint256, amount: uint256) -> uint256:
    """
    @notice Take at most `amount` from the insurance fund within the market's cap.
    """
    drawn: uint256 = ledger.insurance_drawn[market]
    limit: uint256 = max(ledger.market[market].insurance_cap, drawn) - drawn
    paid: uint256 = min(min(amount, ledger.insurance_fund), limit)
    ledger.insurance_fund -= paid
    ledger.insurance_drawn[market] = drawn + paid
    return paid


@internal
def _gate(uncovered: uint256):
    """
    @notice Keep margin behind positions where it is for a while: the insurance fund was not enough.
    """
    if uncovered >= LEAST_GATED:
        ledger.gate_until = block.timestamp + ledger.parameters.withdrawal_gate
