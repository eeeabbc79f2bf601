# pragma version 0.4.3
# pragma optimize codesize
"""
@title  CollateralSale
@license MIT
@notice What backs a failing account sold to liquidators: collateral, pledged liquidity (contracts/SPEC.md §3.5). Code of
        the ClearingHouse that runs on its storage by delegatecall and refuses to be called directly.
@dev    Functions, events and scales are documented in IClearingHouse. The ClearingHouse's reentrancy lock is held
        throughout. Its own storage is never used.
"""

from ethereum.ercs import IERC20Detailed

from contracts.interfaces import IClearingHouse
from contracts.modules import basket
from contracts.modules import errors
from contracts.modules import fixed_point
from contracts.modules import ledger
from contracts.modules import liquidation
from contracts.modules import margin
from contracts.modules import pledged_liquidity
from contracts.modules import portfolio_math

initializes: ledger
initializes: margin[ledger := ledger]
initializes: basket[ledger := ledger]
initializes: liquidation[ledger := ledger, margin := margin]
initializes: pledged_liquidity[ledger := ledger]
exports: (ledger.ORACLE, ledger.USDC_TOKEN)


WAD: constant(uint256) = fixed_point.WAD
USDC: constant(uint256) = ledger.USDC


@deploy
def __init__(oracle: address, usdc: address):
    ledger.__init__(
        self, oracle, usdc, 10 ** convert(staticcall IERC20Detailed(usdc).decimals(), uint256)
    )


@external
def liquidate_collateral(account: uint256, collateral: uint256, raw: uint256) -> (uint256, uint256):
    ledger._check_delegated()
    ledger._check_collateral(collateral)
    liquidation._check_liquidatable(collateral != USDC and ledger.cash[account] < 0)
    if len(ledger._open_markets(account)) != 0:
        liquidation._unhealthy_valuation(account)
    taken: uint256 = min(raw, ledger.collateral_balance[account][collateral])
    paid: uint256 = 0
    if taken != 0:
        taken, paid = self._collateral_sale(
            collateral, taken, convert(-ledger.cash[account], uint256)
        )
        ledger.collateral_balance[account][collateral] -= taken
        self._buy(account, collateral, taken, paid)
    ledger.emptied.append(account)
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
    base, usdc = basket._pledge_amounts(token_id, True)
    fraction: uint256 = WAD
    discount: uint256 = self._discounted_price(ledger.lp_base)
    before: margin.Valuation = empty(margin.Valuation)
    if len(ledger._open_markets(account)) != 0:
        before = liquidation._unhealthy_valuation(account)
        fraction = self._fraction_to_burn(before, base, usdc, discount)
        liquidation._check_reduces(fraction != 0)
    else:
        liquidation._check_liquidatable(ledger.cash[account] < 0)
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
        liquidation._room(before, margin._valuation(account, False), before.state.equity <= 0)
    ledger.emptied.append(account)
    log IClearingHouse.LiquidityLiquidated(
        account=account,
        token_id=token_id,
        liquidator=msg.sender,
        liquidity=liquidity,
        paid=paid,
    )
    return fraction, paid


@view
@internal
def _fraction_to_burn(
    before: margin.Valuation, base: uint256, usdc: uint256, discount: uint256
) -> uint256:
    """
    @notice Least fraction (WAD) of a pledge whose sale restores initial margin, as far as portfolio risk does not lower
            the margin ratio on the way; rounded up, at most one.
    """
    worth_base: uint256 = basket._worth(ledger.lp_base, base, True)
    worth_usdc: uint256 = basket._worth(USDC, usdc, True)
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
    z: int256[8] = liquidation._direction(
        ledger.collateral[ledger.lp_base].token,
        convert(worth_base, int256),
        -convert(received, int256),
    )
    cost: int256 = -convert(fixed_point.mul_div_down(gain, WAD, worth), int256)
    reduced: uint256 = liquidation._reduction(
        before,
        portfolio_math.scale_up(z, convert(liquidation.ROW_TO_WAD, uint256), worth),
        cost,
        cost,
        worth,
        fixed_point.wad_mul_up(min(fraction, WAD), worth),
    )
    return min(WAD, fixed_point.mul_div_up(reduced, WAD, worth))


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
    margin._require_initial_margin(buyer)

