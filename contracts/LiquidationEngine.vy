# pragma version 0.4.3
# pragma optimize codesize
"""
@title  LiquidationEngine
@license MIT
@notice Liquidation and the waterfall behind it (contracts/SPEC.md §3.5): code of the ClearingHouse that runs on its
        storage by delegatecall and refuses to be called directly.
@dev    Functions, events and scales are documented in IClearingHouse. The ClearingHouse's reentrancy lock is held
        throughout. Its own storage is never used.
"""

from ethereum.ercs import IERC20Detailed

from contracts.interfaces import IClearingHouse
from contracts.modules import errors
from contracts.modules import fixed_point
from contracts.modules import ledger
from contracts.modules import margin
from contracts.modules import perp_math
from contracts.modules import pledged_liquidity
from contracts.modules import portfolio_math
from contracts.modules import waterfall

initializes: ledger
initializes: margin[ledger := ledger]
initializes: pledged_liquidity[ledger := ledger]
initializes: waterfall[ledger := ledger, margin := margin]


WAD: constant(uint256) = fixed_point.WAD
USDC: constant(uint256) = ledger.USDC
ROW_TO_WAD: constant(int256) = 10**10  # entries of the covariance factor are scaled 10**8

SELF: immutable(address)


@deploy
def __init__(oracle: address, usdc: address):
    ledger.__init__(
        self, oracle, usdc, 10 ** convert(staticcall IERC20Detailed(usdc).decimals(), uint256)
    )
    SELF = self


@external
def liquidate(account: uint256, market: uint256) -> (uint256, uint256):
    self._delegated()
    size: int256 = ledger.position[account][market].size
    errors.check(size != 0, "clearing: no position")
    ledger._accrue_held(account)
    before: margin.Valuation = margin._valuation(account, True)
    self._check_unhealthy(before.state)
    index: uint256 = ledger._index(market, True)
    magnitude: uint256 = fixed_point.magnitude(size)
    deleveraged: uint256 = 0
    closing: uint256 = 0
    # What the spread takes of a USD closed; and whether it would take all there is if all were closed.
    half_spread: uint256 = ledger.market[market].half_spread
    spread: uint256 = fixed_point.mul_div_up(before.usdc_price, half_spread, WAD)
    spent: bool = before.state.equity <= convert(
        fixed_point.mul_div_up(before.notional, spread, WAD), int256
    )
    if before.state.value < 0:
        deleveraged = waterfall._absorb(account, market, before, index)
        closing = magnitude - deleveraged
    else:
        closing = magnitude
        if not spent:
            closing = self._size_to_close(before, market, size, index, spread)
            self._check_reduces(closing != 0)

    fill: uint256 = 0
    penalty: uint256 = 0
    if closing != 0:
        delta: int256 = convert(closing, int256)
        if size > 0:
            delta = -delta
        fill = ledger._fill_price(market, delta, index, half_spread)
        ledger._apply_fill(account, market, delta, fill)
        after: margin.Valuation = margin._valuation(account, True)
        penalty = self._penalty(before, after, closing, index, spent)
        share: uint256 = fixed_point.mul_div_down(penalty, ledger.parameters.liquidator_share, WAD)
        ledger.cash[account] -= convert(penalty, int256)
        ledger.cash[ledger._account(msg.sender, 0)] += convert(share, int256)
        ledger.insurance_fund += penalty - share
    ledger._note_failure(account, market, size)
    waterfall._write_off(account)
    log IClearingHouse.Liquidated(
        account=account,
        market=market,
        liquidator=msg.sender,
        size=deleveraged + closing,
        fill=fill,
        penalty=penalty,
    )
    return deleveraged + closing, penalty


@external
def liquidate_collateral(account: uint256, collateral: uint256, raw: uint256) -> (uint256, uint256):
    self._delegated()
    ledger._check_collateral(collateral)
    errors.check(collateral != USDC, "clearing: no collateral")
    self._check_liquidatable(ledger.cash[account] < 0)
    if ledger._accrue_held(account):
        self._check_unhealthy(margin._valuation(account, True).state)
    taken: uint256 = min(raw, ledger.collateral_balance[account][collateral])
    paid: uint256 = 0
    if taken != 0:
        taken, paid = self._collateral_sale(
            collateral, taken, convert(-ledger.cash[account], uint256)
        )
        ledger.collateral_balance[account][collateral] -= taken
        self._buy(account, collateral, taken, paid)
    waterfall._write_off(account)
    log IClearingHouse.CollateralLiquidated(
        account=account, collateral=collateral, liquidator=msg.sender, raw=taken, paid=paid
    )
    return taken, paid


@external
def liquidate_pledge(account: uint256, token_id: uint256) -> (uint256, uint256):
    self._delegated()
    pledged_liquidity._check_backs(account, token_id)
    base: uint256 = 0
    usdc: uint256 = 0
    base, usdc = margin._pledge_amounts(token_id, True)
    fraction: uint256 = WAD
    discount: uint256 = self._discounted_price(ledger.lp_base)
    if ledger._accrue_held(account):
        before: margin.Valuation = margin._valuation(account, True)
        self._check_unhealthy(before.state)
        fraction = self._fraction_to_burn(before, base, usdc, discount)
        self._check_reduces(fraction != 0)
    else:
        self._check_liquidatable(ledger.cash[account] < 0)
        worth: uint256 = self._in_usdc(ledger.lp_base, base, discount) + usdc * ledger.CASH_UNIT
        if worth != 0:
            debt: uint256 = convert(-ledger.cash[account], uint256)
            fraction = min(WAD, fixed_point.mul_div_up(debt, WAD, worth))

    liquidity: uint256 = fixed_point.mul_div_up(
        ledger.pledge_terms[token_id].liquidity, fraction, WAD
    )
    base, usdc = pledged_liquidity._burn(account, token_id, liquidity, 0)
    ledger.cash[account] += convert(usdc * ledger.CASH_UNIT, int256)
    paid: uint256 = self._in_usdc(ledger.lp_base, base, discount)
    self._buy(account, ledger.lp_base, base, paid)
    waterfall._write_off(account)
    log IClearingHouse.LiquidityLiquidated(
        account=account,
        token_id=token_id,
        liquidator=msg.sender,
        liquidity=liquidity,
        paid=paid,
    )
    return fraction, paid


# -------------------------------------------------------------------------------------------- conditions


@view
@internal
def _delegated():
    errors.check(self != SELF, "clearing: delegatecall only")


@pure
@internal
def _check_unhealthy(state: IClearingHouse.AccountState):
    self._check_liquidatable(state.equity < convert(state.maintenance, int256))


@pure
@internal
def _check_liquidatable(ok: bool):
    errors.check(ok, "clearing: not liquidatable")


@pure
@internal
def _check_reduces(ok: bool):
    errors.check(ok, "clearing: not reducing risk")


# ------------------------------------------------------------------------------------------------- sizes


@view
@internal
def _risk_reduction(
    before: margin.Valuation, z: int256[8], cost: int256, most: uint256
) -> uint256:
    """
    @notice USD to reduce along z that restores the risk rule; 0 when it holds.
    """
    if before.risk == 0:
        return 0
    multiple: uint256 = fixed_point.mul_div_up(
        ledger.parameters.initial_multiple, ledger.parameters.risk_multiple, WAD
    )
    return portfolio_math.least_reduction(
        before.state.equity, before.v, z, cost, multiple, most
    )


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
    cost: uint256 = fixed_point.mul_div_up(
        margin._usdc_unit_equity(before.state.balance, before.usdc_price),
        ledger.market[market].half_spread + ledger.parameters.liquidation_penalty,
        WAD,
    )
    shortfall: int256 = margin._initial(before.floored) - before.state.equity
    worth: uint256 = 0
    if shortfall > 0:
        rate: uint256 = ledger.parameters.initial_multiple
        if before.floored != before.gross:
            rate = fixed_point.mul_div_down(rate, ledger.parameters.gross_floor, WAD)
        worth = perp_math.gross_reduction(
            convert(shortfall, uint256),
            fixed_point.mul_div_down(rate, ledger.market[market].maintenance_rate, WAD),
            cost,
        )
    if before.risk != 0:
        z: int256[8] = self._direction(
            ledger.market[market].asset,
            ROW_TO_WAD if size > 0 else -ROW_TO_WAD,
            convert(spread // 10**8, int256),
        )
        worth = max(worth, self._risk_reduction(before, z, convert(cost, int256), most))
        # Up to here kappa R' / E' <= M / E.
        weight: uint256 = fixed_point.mul_div_up(
            ledger.parameters.risk_multiple,
            convert(before.state.equity, uint256),
            before.state.maintenance,
        )
        worth = min(
            worth,
            portfolio_math.greatest_reduction(
                before.state.equity, before.v, z, convert(spread, int256), weight, most
            ),
        )
    if worth >= most:
        return magnitude
    return min(fixed_point.mul_div_up(worth, WAD, index), magnitude)


@view
@internal
def _direction(asset: address, amount: int256, usdc: int256) -> int256[8]:
    """
    @notice W^T of two exposures: entries times amounts.
    """
    return portfolio_math.add_exposure(
        portfolio_math.add_exposure(empty(int256[8]), ledger.row[asset], amount),
        ledger.row[ledger.USDC_TOKEN],
        usdc,
    )


@view
@internal
def _fraction_to_burn(
    before: margin.Valuation, base: uint256, usdc: uint256, discount: uint256
) -> uint256:
    """
    @notice Least fraction (WAD) of a pledge whose sale restores initial margin, rounded up, at most one.
    """
    if before.state.equity < 0:
        return WAD
    worth_base: uint256 = margin._worth(ledger.lp_base, base, True)
    worth_usdc: uint256 = margin._worth(USDC, usdc, True)
    worth: uint256 = worth_base + worth_usdc
    if worth == 0:
        return WAD
    received: uint256 = fixed_point.mul_div_down(
        base, discount, ledger.collateral[ledger.lp_base].unit
    )
    gain: uint256 = fixed_point.mul_div_down(
        received + worth_usdc, WAD - ledger.collateral[USDC].haircut, WAD
    )
    gain -= min(gain, fixed_point.mul_div_up(worth, WAD - ledger.lp_collateral.haircut, WAD))
    shortfall: int256 = margin._initial(before.floored) - before.state.equity
    fraction: uint256 = 0
    if shortfall > 0:
        fraction = WAD
        if gain != 0:
            fraction = fixed_point.mul_div_up(convert(shortfall, uint256), WAD, gain)
    # Per USD of the pledge: what it takes off the risk and what it adds to equity.
    z: int256[8] = self._direction(
        ledger.collateral[ledger.lp_base].token,
        convert(worth_base, int256),
        -convert(received, int256),
    )
    reduced: uint256 = self._risk_reduction(
        before,
        portfolio_math.scale_up(z, convert(ROW_TO_WAD, uint256), worth),
        -convert(fixed_point.mul_div_down(gain, WAD, worth), int256),
        worth,
    )
    return min(WAD, max(fraction, fixed_point.mul_div_up(reduced, WAD, worth)))


@view
@internal
def _penalty(
    before: margin.Valuation,
    after: margin.Valuation,
    closed: uint256,
    index: uint256,
    spent: bool,
) -> uint256:
    """
    @notice Penalty in USDC, no more than leaves the margin ratio and a non-negative equity as they were.
    @dev Refused where portfolio risk has lowered the ratio, unless the spread was enough to.
    """
    room: int256 = after.state.equity
    if before.state.equity > 0:
        kept: uint256 = fixed_point.mul_div_up(
            convert(before.state.equity, uint256), after.state.maintenance, before.state.maintenance
        )
        room -= convert(kept, int256)
    self._check_reduces(room >= 0 or spent or after.state.maintenance == after.floored)
    if room <= 0:
        return 0
    full: uint256 = fixed_point.mul_div_down(
        fixed_point.mul_div_down(closed, index, WAD), ledger.parameters.liquidation_penalty, WAD
    )
    return min(full, fixed_point.mul_div_down(convert(room, uint256), WAD, before.usdc_price))


# ------------------------------------------------------------------------------------- sales to liquidators


@view
@internal
def _discounted_price(collateral: uint256) -> uint256:
    """
    @notice P_c (1 - pi), rounded up.
    """
    return fixed_point.mul_div_up(
        ledger._collateral_price(collateral, True),
        WAD - ledger.parameters.liquidation_penalty,
        WAD,
    )


@view
@internal
def _in_usdc(collateral: uint256, raw: uint256, price: uint256) -> uint256:
    """
    @notice USDC WAD of a raw amount of a collateral at a price, rounded up.
    """
    worth: uint256 = fixed_point.mul_div_up(raw, price, ledger.collateral[collateral].unit)
    return fixed_point.mul_div_up(worth, WAD, ledger._price(ledger.USDC_TOKEN, True))


@view
@internal
def _collateral_sale(collateral: uint256, raw: uint256, debt: uint256) -> (uint256, uint256):
    """
    @notice (raw sold, USDC paid) of at most `raw` at the discounted price, for at most `debt` USDC.
    """
    price: uint256 = self._discounted_price(collateral)
    paid: uint256 = self._in_usdc(collateral, raw, price)
    if paid <= debt:
        return raw, paid
    worth: uint256 = fixed_point.mul_div_down(debt, ledger._price(ledger.USDC_TOKEN, True), WAD)
    sold: uint256 = fixed_point.mul_div_down(worth, ledger.collateral[collateral].unit, price)
    return min(raw, sold), debt


@internal
def _buy(account: uint256, collateral: uint256, raw: uint256, paid: uint256):
    """
    @notice The caller's cross account pays the account and gets the collateral; it must keep its initial margin.
    """
    buyer: uint256 = ledger._account(msg.sender, 0)
    amount: int256 = convert(paid, int256)
    errors.check(ledger.cash[buyer] >= amount, "clearing: insufficient collateral")
    ledger.cash[buyer] -= amount
    ledger.cash[account] += amount
    ledger.collateral_balance[buyer][collateral] += raw
    if ledger._accrue_held(buyer):
        margin._check_initial_margin(buyer)
