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
    ledger._accrue_held(account)
    before: margin.Valuation = self._unhealthy_valuation(account)
    index: uint256 = ledger._index(market, True)
    magnitude: uint256 = fixed_point.magnitude(size)
    deleveraged: uint256 = 0
    closing: uint256 = 0
    # What the spread takes of a USD closed; and whether it would take all there is if all were closed.
    half_spread: uint256 = ledger.market[market].half_spread
    spread: uint256 = fixed_point.wad_mul_up(before.usdc_price, half_spread)
    spent: bool = before.state.equity <= convert(
        fixed_point.wad_mul_up(before.notional, spread), int256
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
        room: uint256 = self._room(before, margin._valuation(account, True), spent)
        penalty = min(
            fixed_point.wad_mul_down(
                fixed_point.wad_mul_down(closing, index), ledger.parameters.liquidation_penalty
            ),
            fixed_point.mul_div_down(room, WAD, before.usdc_price),
        )
        share: uint256 = fixed_point.wad_mul_down(penalty, ledger.parameters.liquidator_share)
        ledger.cash[account] -= convert(penalty, int256)
        ledger.cash[ledger._account(msg.sender, 0)] += convert(share, int256)
        ledger.insurance_fund += penalty - share
    ledger._note_failure(account, market, size)
    waterfall._write_off(account)
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


@external
def liquidate_collateral(account: uint256, collateral: uint256, raw: uint256) -> (uint256, uint256):
    ledger._check_delegated()
    ledger._check_collateral(collateral)
    self._check_liquidatable(collateral != USDC and ledger.cash[account] < 0)
    if ledger._accrue_held(account):
        self._unhealthy_valuation(account)
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
    ledger._check_delegated()
    pledged_liquidity._check_backs(account, token_id)
    base: uint256 = 0
    usdc: uint256 = 0
    base, usdc = margin._pledge_amounts(token_id, True)
    fraction: uint256 = WAD
    discount: uint256 = self._discounted_price(ledger.lp_base)
    before: margin.Valuation = empty(margin.Valuation)
    if ledger._accrue_held(account):
        before = self._unhealthy_valuation(account)
        fraction = self._fraction_to_burn(before, base, usdc, discount)
        self._check_reduces(fraction != 0)
    else:
        self._check_liquidatable(ledger.cash[account] < 0)
        worth: uint256 = self._in_usdc(ledger.lp_base, base, discount) + usdc * ledger.CASH_UNIT
        if worth != 0:
            debt: uint256 = convert(-ledger.cash[account], uint256)
            fraction = min(WAD, fixed_point.mul_div_up(debt, WAD, worth))

    liquidity: uint256 = fixed_point.wad_mul_up(
        ledger.pledge_terms[token_id].liquidity, fraction
    )
    base, usdc = pledged_liquidity._burn(account, token_id, liquidity, 0)
    ledger.cash[account] += convert(usdc * ledger.CASH_UNIT, int256)
    paid: uint256 = self._in_usdc(ledger.lp_base, base, discount)
    self._buy(account, ledger.lp_base, base, paid)
    if before.notional != 0:
        self._room(before, margin._valuation(account, True), before.state.equity <= 0)
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
def _unhealthy_valuation(account: uint256) -> margin.Valuation:
    valuation: margin.Valuation = margin._valuation(account, True)
    self._check_liquidatable(
        valuation.state.equity < convert(valuation.state.maintenance, int256)
    )
    return valuation


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
def _reduction(
    before: margin.Valuation,
    z: int256[8],
    cost: int256,
    lost: int256,
    most: uint256,
    worth: uint256,
) -> uint256:
    """
    @notice USD to reduce along z: `worth`, or more where the risk rule needs it, as far as portfolio risk does not
            lower the margin ratio on the way.
    @param cost What a USD reduced may take of equity, penalty included.
    @param lost What it takes for certain.
    """
    if before.risk == 0:
        return worth
    multiple: uint256 = convert(margin._initial(ledger.parameters.risk_multiple), uint256)
    # Up to here kappa R' / E' <= M / E.
    weight: uint256 = fixed_point.mul_div_up(
        ledger.parameters.risk_multiple,
        convert(before.state.equity, uint256),
        before.state.maintenance,
    )
    return min(
        max(
            worth,
            portfolio_math.least_reduction(
                before.state.equity, before.v, z, cost, multiple, most
            ),
        ),
        portfolio_math.greatest_reduction(before.state.equity, before.v, z, lost, weight, most),
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
    cost: uint256 = fixed_point.wad_mul_up(
        margin._usdc_unit_equity(before.state.balance, before.usdc_price),
        ledger.market[market].half_spread + ledger.parameters.liquidation_penalty
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
    z: int256[8] = self._direction(
        ledger.market[market].asset,
        ROW_TO_WAD if size > 0 else -ROW_TO_WAD,
        convert(spread // 10**8, int256),
    )
    worth = self._reduction(
        before, z, convert(cost, int256), convert(spread, int256), most, worth
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
    @notice Least fraction (WAD) of a pledge whose sale restores initial margin, as far as portfolio risk does not lower
            the margin ratio on the way; rounded up, at most one.
    """
    worth_base: uint256 = margin._worth(ledger.lp_base, base, True)
    worth_usdc: uint256 = margin._worth(USDC, usdc, True)
    worth: uint256 = worth_base + worth_usdc
    if before.state.equity < 0 or worth == 0:
        return WAD
    received: uint256 = fixed_point.mul_div_down(
        base, discount, ledger.collateral[ledger.lp_base].unit
    )
    gain: uint256 = fixed_point.wad_mul_down(
        received + worth_usdc, WAD - ledger.collateral[USDC].haircut
    )
    gain -= min(gain, fixed_point.wad_mul_up(worth, WAD - ledger.lp_collateral.haircut))
    shortfall: int256 = max(margin._initial(before.floored) - before.state.equity, 0)
    fraction: uint256 = fixed_point.mul_div_up(convert(shortfall, uint256), WAD, max(gain, 1))
    # Per USD of the pledge: what it takes off the risk and what it adds to equity.
    z: int256[8] = self._direction(
        ledger.collateral[ledger.lp_base].token,
        convert(worth_base, int256),
        -convert(received, int256),
    )
    cost: int256 = -convert(fixed_point.mul_div_down(gain, WAD, worth), int256)
    reduced: uint256 = self._reduction(
        before,
        portfolio_math.scale_up(z, convert(ROW_TO_WAD, uint256), worth),
        cost,
        cost,
        worth,
        fixed_point.wad_mul_up(min(fraction, WAD), worth),
    )
    return min(WAD, fixed_point.mul_div_up(reduced, WAD, worth))


@view
@internal
def _room(before: margin.Valuation, after: margin.Valuation, spent: bool) -> uint256:
    """
    @notice USD of equity above what leaves the margin ratio as it was; refused where portfolio risk has lowered that.
    @param spent Whether the account had no more to lose.
    """
    room: int256 = after.state.equity
    if before.state.equity > 0:
        kept: uint256 = fixed_point.mul_div_up(
            convert(before.state.equity, uint256), after.state.maintenance, before.state.maintenance
        )
        room -= convert(kept, int256)
    self._check_reduces(room >= 0 or spent or after.state.maintenance == after.floored)
    return convert(max(room, 0), uint256)


# ------------------------------------------------------------------------------------- sales to liquidators


@view
@internal
def _discounted_price(collateral: uint256) -> uint256:
    """
    @notice P_c (1 - pi), rounded up.
    """
    return fixed_point.wad_mul_up(
        ledger._collateral_price(collateral, True), WAD - ledger.parameters.liquidation_penalty
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
    worth: uint256 = fixed_point.wad_mul_down(debt, ledger._price(ledger.USDC_TOKEN, True))
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
