# pragma version 0.4.3
"""
@title  Waterfall
@license MIT
@notice Who pays for an account that is worth less than nothing (contracts/SPEC.md §3.5): the insurance fund, the
        winners of the other side at the bankruptcy price, the maker up to its cap, the rest of the market.
"""

from contracts.interfaces import IClearingHouse
from contracts.modules import fixed_point
from contracts.modules import ledger
from contracts.modules import maker
from contracts.modules import margin
from contracts.modules import perp_math

uses: ledger
uses: maker


WAD: constant(uint256) = fixed_point.WAD
LEAST_GATED: constant(uint256) = 100 * WAD  # USDC; a smaller debt closes no gate, or dust could hold it shut


@internal
def _absorb(
    account: uint256,
    market: uint256,
    before: margin.Valuation,
    index: uint256,
    most: uint256,
    earned: uint256,
) -> uint256:
    """
    @notice Cover the market's share of a negative value as far as the premium that closing earns does not: for what can
            be closed now from the insurance fund, and where that is not enough by closing against the other side at
            the price that makes up for it. Returns the size closed.
    @param most What may be closed against the maker in this block.
    @param earned USDC that closing so much earns.
    """
    size: int256 = ledger.position[account][market].size
    magnitude: uint256 = fixed_point.magnitude(size)
    debt: uint256 = fixed_point.mul_div_up(
        fixed_point.mul_div_up(convert(-before.state.value, uint256), WAD, before.usdc_price),
        perp_math.notional(magnitude, index),
        before.notional,
    )
    if debt <= earned:
        return 0
    # What cannot be closed now keeps its part of the debt: else it could be paid for and then win.
    wanted: uint256 = fixed_point.mul_div_up(debt - earned, most, magnitude)
    paid: uint256 = self._draw_insurance(market, wanted)
    ledger.cash[account] += convert(paid, int256)
    ledger.bad_debt += paid
    if paid != 0:
        log IClearingHouse.WrittenOff(
            account=account, market=market, debt=paid, from_insurance=paid, from_maker=0
        )
    if paid == wanted:
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
    @notice The code of Deleveraging on this storage; returns the size closed.
    """
    return abi_decode(
        raw_call(
            (staticcall IClearingHouse(self).parts()).deleveraging,
            abi_encode(
                account, market, size, index, price,
                method_id=method_id("deleverage(uint256,uint256,int256,uint256,uint256)"),
            ),
            max_outsize=32,
            is_delegate_call=True,
        ),
        uint256,
    )


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
    self._pay_debt(account, market, debt, ledger.failure[account] & 1 == 0)


@internal
def _pay_debt(account: uint256, market: uint256, debt: uint256, longs: bool):
    """
    @notice Pay USDC WAD that an account cannot: the insurance fund, the maker, each up to what it has and the market
            may take from it, then the side named; of a settled market, its gains.
    """
    from_insurance: uint256 = self._draw_insurance(market, debt)
    rest: uint256 = debt - from_insurance
    ledger.bad_debt += debt
    ledger.cash[account] += convert(debt, int256)
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
    if rest == from_maker:
        return
    if ledger._settlement_price(market) != 0:
        ledger.shortfall[market] += rest - from_maker
    else:
        maker._socialise(market, longs, rest - from_maker)


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
