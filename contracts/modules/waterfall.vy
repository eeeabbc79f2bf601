# pragma version 0.4.3
"""
@title  Waterfall
@license MIT
@notice Who pays for an account that is worth less than nothing (contracts/SPEC.md §3.5): the insurance fund, the
        winners of the other side at the bankruptcy price (Deleveraging.vy), the maker up to its cap, the rest of the market.
"""

from contracts.interfaces import IClearingHouse
from contracts.modules import fixed_point
from contracts.modules import ledger
from contracts.modules import maker

uses: ledger
uses: maker


WAD: constant(uint256) = fixed_point.WAD
LEAST_GATED: constant(uint256) = 100 * WAD  # USDC; a smaller debt closes no gate, or dust could hold it shut


@internal
def _write_off(account: uint256):
    """
    @notice The debt of an account that holds nothing else, split over the markets that have made it: each part paid by the
            insurance fund, then by the maker, each up to what it has and the market may take from it, then by the
            market's other side.
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
    rest: uint256 = convert(-ledger.cash[account], uint256)
    total: uint256 = ledger._blamed(account)
    if total == 0:
        return
    ledger.bad_debt += rest
    ledger.cash[account] = 0
    uncovered: uint256 = 0
    for i: uint256 in range(2 * ledger.market_count, bound=2 * ledger.MAX_MARKETS):
        blamed: uint256 = ledger.blamed[account][i]
        if blamed != 0:
            ledger.blamed[account][i] = 0
            part: uint256 = fixed_point.mul_div_down(rest, blamed, total)  # of the last all that is left
            rest -= part
            total -= blamed
            uncovered += self._bear(account, i >> 1, part, i & 1 == 0)
    self._gate(uncovered)


@internal
def _bear(account: uint256, market: uint256, debt: uint256, longs: bool) -> uint256:
    """
    @notice Cover the part of a debt that a market has made; returns what the insurance fund did not.
    @param longs Whether they are the other side of the position that made it.
    """
    from_insurance: uint256 = self._draw_insurance(market, debt)
    rest: uint256 = debt - from_insurance
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
    if rest == from_maker:
        return rest
    if ledger._settlement_price(market) != 0:
        ledger.shortfall[market] += rest - from_maker
    else:
        maker._socialise(market, longs, rest - from_maker)
    return rest


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
    paid: uint256 = min(amount, self._insured(market))
    ledger.insurance_fund -= paid
    ledger.insurance_drawn[market] += paid
    return paid


@view
@internal
def _insured(market: uint256) -> uint256:
    """
    @notice What the insurance fund could pay for a market now.
    """
    drawn: uint256 = ledger.insurance_drawn[market]
    return min(
        ledger.insurance_fund, max(ledger.market[market].insurance_cap, drawn) - drawn
    )


@internal
def _gate(uncovered: uint256):
    """
    @notice Keep margin behind positions where it is for a while: the insurance fund was not enough.
    """
    if uncovered >= LEAST_GATED:
        ledger.gate_until = block.timestamp + ledger.parameters.withdrawal_gate
