# pragma version 0.4.3
# pragma optimize codesize
"""
@title  LiquidationEngine
@license MIT
@notice Liquidation of positions (contracts/SPEC.md §3.5): code of the ClearingHouse that runs on its storage by
        delegatecall and refuses to be called directly.
@dev    Functions, events and scales are documented in IClearingHouse. The ClearingHouse's reentrancy lock is held
        throughout. Its own storage is never used.
"""

from ethereum.ercs import IERC20Detailed

from contracts.interfaces import IClearingHouse
from contracts.modules import errors
from contracts.modules import fixed_point
from contracts.modules import ledger
from contracts.modules import liquidation
from contracts.modules import maker
from contracts.modules import margin
from contracts.modules import perp_math
from contracts.modules import pricing

initializes: ledger
initializes: maker[ledger := ledger]
initializes: margin[ledger := ledger]
initializes: pricing[ledger := ledger]
initializes: liquidation[ledger := ledger, margin := margin]
exports: (ledger.ORACLE, ledger.USDC_TOKEN)


WAD: constant(uint256) = fixed_point.WAD


@deploy
def __init__(oracle: address, usdc: address):
    ledger.__init__(
        self, oracle, usdc, 10 ** convert(staticcall IERC20Detailed(usdc).decimals(), uint256)
    )


@external
def liquidate(account: uint256, market: uint256) -> (uint256, uint256):
    ledger._check_delegated()
    size: int256 = ledger.position[account][market].size
    errors.check(size != 0, "clearing: no position")
    ledger._check_not_settled(market)
    ledger._accrue(market)
    index: uint256 = ledger._index(market, True)
    maker._cover(market, index)
    cash: int256 = ledger.cash[account]
    before: margin.Valuation = liquidation._unhealthy_valuation(account)
    magnitude: uint256 = fixed_point.magnitude(size)
    deleveraged: uint256 = 0
    closing: uint256 = 0
    # What the spread takes of a USD closed; and whether it would take all there is if all were closed.
    half_spread: uint256 = pricing._half_spread(market)
    spread: uint256 = fixed_point.wad_mul_up(before.usdc_price, half_spread)
    spent: bool = before.state.equity <= convert(
        fixed_point.wad_mul_up(before.notional, spread), int256
    )
    most: uint256 = min(self._most_now(market, size), magnitude)
    if before.state.value < 0:
        debt: uint256 = fixed_point.mul_div_up(
            convert(-before.state.value, uint256), WAD, before.usdc_price
        )
        deleveraged = self._waterfall(
            abi_encode(
                account, market, debt, index, most, self._earned(market, size, most, index),
                method_id=method_id("absorb(uint256,uint256,uint256,uint256,uint256,uint256)"),
            )
        )
        # Of what the winners have not taken the part that may be closed now: the rest keeps its part of the debt.
        closing = fixed_point.mul_div_up(most, magnitude - deleveraged, magnitude)
    else:
        closing = magnitude
        if not spent:
            closing = self._size_to_close(before, market, size, index, spread)
            liquidation._check_reduces(closing != 0)
    closing = min(closing, most)
    errors.check(closing + deleveraged != 0, "clearing: liquidation limit")

    fill: uint256 = 0
    penalty: uint256 = 0
    if closing != 0:
        fill, penalty = self._close(account, market, closing, size > 0, index, before, spent)
    ledger._note_debt(account, market, size, cash)
    closing += deleveraged
    log IClearingHouse.Liquidated(
        account=account,
        market=market,
        liquidator=msg.sender,
        size=closing,
        fill=fill,
        penalty=penalty,
    )
    return closing, penalty


@internal
def _waterfall(data: Bytes[196]) -> uint256:
    """
    @notice A call of Deleveraging on this storage; returns its answer.
    """
    return abi_decode(
        raw_call(
            (staticcall IClearingHouse(self).parts()).deleveraging,
            data,
            max_outsize=32,
            is_delegate_call=True,
        ),
        uint256,
    )


@internal
def _close(
    account: uint256,
    market: uint256,
    closing: uint256,
    long: bool,
    index: uint256,
    before: margin.Valuation,
    spent: bool,
) -> (uint256, uint256):
    """
    @notice Close against the maker; what the close has left above the margin ratio of before pays the premium, then
            the penalty. Returns the effective price and the penalty.
    """
    delta: int256 = convert(closing, int256)
    if long:
        delta = -delta
    premium: int256 = pricing._premium(market, delta, index)
    skew: int256 = ledger.state[market].skew
    outward: uint256 = fixed_point.magnitude(skew + delta)
    ledger.liquidated[market] += outward - min(outward, fixed_point.magnitude(skew))
    booked: uint256 = perp_math.booked_price(delta, index, pricing._half_spread(market))
    ledger._apply_fill(account, market, delta, booked)
    pricing._pay_premium(account, market, min(premium, 0))
    room: uint256 = fixed_point.mul_div_down(
        liquidation._room(before, margin._valuation(account, False), spent), WAD, before.usdc_price
    )
    missing: uint256 = 0
    if premium > 0:
        due: int256 = premium
        premium = min(premium, convert(room, int256))
        pricing._pay_premium(account, market, premium)
        room -= convert(premium, uint256)
        missing = convert(due - premium, uint256)
    pricing._move_unpaid(market, delta, index, missing)
    penalty: uint256 = min(
        fixed_point.wad_mul_down(
            fixed_point.wad_mul_down(closing, index), ledger.parameters.liquidation_penalty
        ),
        room,
    )
    share: uint256 = fixed_point.wad_mul_down(penalty, ledger.parameters.liquidator_share)
    ledger.cash[account] -= convert(penalty, int256)
    ledger.cash[ledger._account(msg.sender, 0)] += convert(share, int256)
    ledger.insurance_fund += penalty - share
    return perp_math.effective_price(delta, booked, premium), penalty


# ------------------------------------------------------------------------------------------------- sizes


@view
@internal
def _most_now(market: uint256, size: int256) -> uint256:
    """
    @notice Size that may still be closed against the maker in this block: liquidations raise |k| by at most B.
    """
    bound: uint256 = pricing._skew_bound(market)
    allowed: uint256 = bound - min(ledger.liquidated[market], bound)
    skew: int256 = ledger.state[market].skew
    if (size > 0) == (skew > 0):
        allowed += 2 * fixed_point.magnitude(skew)
    return allowed


@view
@internal
def _earned(market: uint256, size: int256, closing: uint256, index: uint256) -> uint256:
    """
    @notice USDC that the premium pool pays for closing so much of the position, rounded down.
    """
    if closing == 0:
        return 0
    delta: int256 = convert(closing, int256)
    premium: int256 = pricing._premium(market, -delta if size > 0 else delta, index)
    return fixed_point.magnitude(min(premium, 0))


@view
@internal
def _size_to_close(
    before: margin.Valuation, market: uint256, size: int256, index: uint256, spread: uint256
) -> uint256:
    """
    @notice Least size whose close restores initial margin, as far as portfolio risk does not lower the margin ratio
            on the way; at most all of it, rounded up.
    """
    magnitude: uint256 = fixed_point.magnitude(size)
    most: uint256 = perp_math.notional(magnitude, index)
    # What a USD closed costs at most: half the spread, the premium of closing all, the penalty.
    premium: int256 = max(pricing._premium(market, -size, index), 0)
    cost: uint256 = fixed_point.wad_mul_up(
        margin._usdc_unit_equity(before.state.balance, before.usdc_price),
        pricing._half_spread(market)
        + fixed_point.mul_div_up(convert(premium, uint256), WAD, most)
        + ledger.parameters.liquidation_penalty,
    )
    shortfall: int256 = margin._initial(before.floored) - before.state.equity
    worth: uint256 = 0
    if shortfall > 0:
        rate: uint256 = ledger.parameters.initial_multiple
        if before.floored != before.gross:
            rate = fixed_point.wad_mul_down(rate, ledger.parameters.gross_floor)
        worth = perp_math.gross_reduction(
            convert(shortfall, uint256),
            fixed_point.wad_mul_down(rate, ledger.market[market].maintenance_rate),
            cost,
        )
    z: int256[8] = liquidation._direction(
        ledger.market[market].asset,
        liquidation.ROW_TO_WAD if size > 0 else -liquidation.ROW_TO_WAD,
        convert(spread // 10**8, int256),
    )
    worth = liquidation._reduction(
        before, z, convert(cost, int256), convert(spread, int256), most, worth
    )
    if worth >= most:
        return magnitude
    return min(fixed_point.mul_div_up(worth, WAD, index), magnitude)
