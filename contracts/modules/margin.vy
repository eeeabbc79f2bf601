# pragma version 0.4.3
"""
@title  Margin
@license MIT
@notice What an account is worth and what it must hold (contracts/SPEC.md §3.4).
@dev    Worth is rounded down, requirements up. Risk exposures are the very amounts of the valuation: s I as the
        notional rounded up, with the sign of s; every other one as it enters the value.
"""

from contracts.interfaces import IClearingHouse
from contracts.modules import errors
from contracts.modules import fixed_point
from contracts.modules import ledger
from contracts.modules import liquidity_math
from contracts.modules import maker
from contracts.modules import perp_math
from contracts.modules import portfolio_math
from contracts.modules import vault_math

uses: ledger
uses: maker


WAD: constant(uint256) = fixed_point.WAD
MAX_MARKETS: constant(uint256) = ledger.MAX_MARKETS
MAX_COLLATERALS: constant(uint256) = ledger.MAX_COLLATERALS
USDC: constant(uint256) = ledger.USDC
ENTRY_SCALE: constant(uint256) = 10**8  # of the covariance factor


struct Valuation:
    state: IClearingHouse.AccountState
    gross: uint256     # G, USD WAD
    floored: uint256   # phi' G, USD WAD: G unless the margin is portfolio margin
    notional: uint256  # sum |s| I, USD WAD
    risk: uint256      # R, USD WAD; 0 unless the margin is portfolio margin
    v: int256[8]       # W^T n, USD WAD; likewise
    usdc_price: uint256


@view
@internal
def _pledge_amounts(token_id: uint256, fresh: bool) -> (uint256, uint256):
    """
    @notice Raw (base, USDC) of a pledged position at the oracle price, without uncollected fees, rounded down.
    """
    usdc_price: uint256 = ledger._price(ledger.USDC_TOKEN, fresh)
    if usdc_price == 0:  # only among last prices, where its source answers nothing: nothing can be said
        return 0, 0
    sqrt_price: uint256 = vault_math.sqrt_price_x96(
        ledger._collateral_price(ledger.lp_base, fresh), usdc_price, ledger.lp_unit_ratio
    )
    pledge: IClearingHouse.Pledge = ledger.pledge_terms[token_id]
    return liquidity_math.amounts_for_liquidity_down(
        sqrt_price, pledge.sqrt_lower, pledge.sqrt_upper, pledge.liquidity
    )


@view
@internal
def _worth(collateral: uint256, raw: uint256, fresh: bool) -> uint256:
    """
    @notice USD WAD of a raw amount of a collateral, rounded down.
    """
    return fixed_point.mul_div_down(
        raw, ledger._collateral_price(collateral, fresh), ledger.collateral[collateral].unit
    )


@view
@internal
def _valuation(account: uint256, fresh: bool) -> Valuation:
    out: Valuation = empty(Valuation)
    markets: DynArray[uint256, MAX_MARKETS] = ledger._open_markets(account)
    portfolio: bool = (
        len(markets) != 0 and account & 255 == 0 and ledger.parameters.risk_multiple != 0
    )
    v: int256[8] = empty(int256[8])

    unsettled: int256 = 0
    for market: uint256 in markets:
        position: IClearingHouse.Position = ledger.position[account][market]
        asset: address = ledger.market[market].asset
        index: uint256 = ledger._price(asset, fresh)
        state: IClearingHouse.MarketState = ledger._market_state(market, index)
        unsettled += (
            fixed_point.mul_div_floor(position.size, index, WAD)
            - position.cost
            - ledger._owed(
                market,
                position,
                state.funding_index,
                maker._unpaid(market, position.size > 0, state, index),
            )
        )
        notional: uint256 = perp_math.notional(fixed_point.magnitude(position.size), index)
        out.notional += notional
        out.gross += fixed_point.mul_div_up(notional, ledger.market[market].maintenance_rate, WAD)
        if portfolio:
            exposure: int256 = convert(notional, int256)
            if position.size < 0:
                exposure = -exposure
            v = portfolio_math.add_exposure(v, ledger._row(asset), exposure)

    basket_value: uint256 = 0
    basket_equity: uint256 = 0
    for i: uint256 in range(1, ledger.collateral_count, bound=MAX_COLLATERALS):
        raw: uint256 = ledger.collateral_balance[account][i]
        if raw != 0:
            worth: uint256 = self._worth(i, raw, fresh)
            basket_value += worth
            basket_equity += fixed_point.mul_div_down(
                worth, WAD - ledger.collateral[i].haircut, WAD
            )
            if portfolio:
                v = portfolio_math.add_exposure(
                    v, ledger._row(ledger.collateral[i].token), convert(worth, int256)
                )

    pledged_usdc: uint256 = 0
    for token_id: uint256 in ledger.pledges[account]:
        base: uint256 = 0
        usdc: uint256 = 0
        base, usdc = self._pledge_amounts(token_id, fresh)
        worth: uint256 = self._worth(ledger.lp_base, base, fresh)
        worth_usdc: uint256 = self._worth(USDC, usdc, fresh)
        pledged_usdc += worth_usdc
        basket_value += worth + worth_usdc
        basket_equity += fixed_point.mul_div_down(
            worth + worth_usdc, WAD - ledger.lp_collateral.haircut, WAD
        )
        if portfolio:
            v = portfolio_math.add_exposure(
                v, ledger._row(ledger.collateral[ledger.lp_base].token), convert(worth, int256)
            )

    out.usdc_price = ledger._price(ledger.USDC_TOKEN, fresh)
    haircut: uint256 = ledger.collateral[USDC].haircut
    cash: int256 = ledger.cash[account]
    balance: int256 = cash + unsettled
    capped: int256 = unsettled
    if unsettled > 0:
        capped = min(
            unsettled,
            fixed_point.mul_div_floor(max(cash, 0), ledger.parameters.profit_cap, WAD),
        )
    in_usdc: int256 = fixed_point.mul_div_floor(balance, out.usdc_price, WAD)
    equity: int256 = convert(basket_equity, int256)
    out.floored = out.gross
    maintenance: uint256 = out.gross
    if portfolio:
        v = portfolio_math.add_exposure(
            v, ledger._row(ledger.USDC_TOKEN), in_usdc + convert(pledged_usdc, int256)
        )
        out.v = portfolio_math.scale_up(v, 1, ENTRY_SCALE)
        # Hedged to the last wei, an account is still under the rule: closing one leg of two brings its risk back.
        out.risk = max(portfolio_math.norm_up(out.v), 1)
        out.floored = fixed_point.mul_div_up(out.gross, ledger.parameters.gross_floor, WAD)
        maintenance = max(
            out.floored, fixed_point.mul_div_up(out.risk, ledger.parameters.risk_multiple, WAD)
        )
    out.state = IClearingHouse.AccountState(
        balance=balance,
        value=in_usdc + convert(basket_value, int256),
        equity=perp_math.usdc_equity(balance, out.usdc_price, haircut) + equity,
        initial_equity=perp_math.usdc_equity(cash + capped, out.usdc_price, haircut) + equity,
        maintenance=maintenance,
    )
    return out


@view
@internal
def _initial(maintenance: uint256) -> int256:
    """
    @notice mu M, rounded up.
    """
    return convert(
        fixed_point.mul_div_up(maintenance, ledger.parameters.initial_multiple, WAD), int256
    )


@view
@internal
def _check_initial_margin(account: uint256):
    state: IClearingHouse.AccountState = self._valuation(account, True).state
    errors.check(
        state.initial_equity >= self._initial(state.maintenance), "clearing: below initial margin"
    )


@internal
def _check_release(account: uint256):
    """
    @notice Whether collateral may have left the account: without positions and debt nothing has to be priced.
    """
    if len(ledger._open_markets(account)) != 0:
        errors.check(block.timestamp >= ledger.gate_until, "clearing: withdrawals gated")
        ledger._accrue_held(account)
        self._check_initial_margin(account)
    elif ledger.cash[account] < 0:
        self._check_initial_margin(account)


@view
@internal
def _usdc_unit_equity(balance: int256, usdc_price: uint256) -> uint256:
    """
    @notice u: what one more USDC adds to the equity of an account with this balance, USD WAD.
    """
    if balance < 0:
        return usdc_price
    return perp_math.usdc_unit_equity(usdc_price, ledger.collateral[USDC].haircut)


@view
@internal
def _withdrawable(account: uint256, minimum_ratio: uint256) -> uint256:
    cash: int256 = ledger.cash[account]
    if cash <= 0:
        return 0
    if len(ledger._open_markets(account)) == 0:
        return convert(cash, uint256)
    if block.timestamp < ledger.gate_until:
        return 0
    valuation: Valuation = self._valuation(account, True)
    state: IClearingHouse.AccountState = valuation.state
    usdc_price: uint256 = valuation.usdc_price
    haircut: uint256 = ledger.collateral[USDC].haircut
    unsettled: int256 = state.balance - cash
    basket: int256 = state.equity - perp_math.usdc_equity(state.balance, usdc_price, haircut)

    # Least balances with E >= minimum_ratio M and E0 >= mu M, were M to stay as it is.
    ratio: int256 = convert(fixed_point.mul_div_up(state.maintenance, minimum_ratio, WAD), int256)
    for_ratio: int256 = perp_math.usdc_balance_for(ratio - basket, usdc_price, haircut)
    for_initial: int256 = perp_math.usdc_balance_for(
        self._initial(state.maintenance) - basket, usdc_price, haircut
    )
    kept: int256 = max(max(for_ratio, for_initial) - unsettled, 0)
    if unsettled > 0:
        # The cap on profit falls with the cash that leaves: cash + profit_cap cash must do.
        kept = max(
            kept,
            fixed_point.mul_div_ceil(for_initial, WAD, WAD + ledger.parameters.profit_cap),
        )
    if kept >= cash:
        return 0
    spare: uint256 = convert(cash - kept, uint256)

    row: uint256 = ledger._row(ledger.USDC_TOKEN)
    if row != 0 and account & 255 == 0:
        # Each USDC that leaves adds at most kappa |W_USDC| P_u to M.
        multiple: uint256 = fixed_point.mul_div_up(
            max(minimum_ratio, ledger.parameters.initial_multiple),
            ledger.parameters.risk_multiple,
            WAD,
        )
        added: uint256 = fixed_point.mul_div_up(
            portfolio_math.norm_up(portfolio_math.unpack_row(row)), usdc_price, ENTRY_SCALE
        )
        unit: uint256 = perp_math.usdc_unit_equity(usdc_price, haircut)
        spare = fixed_point.mul_div_down(
            spare, unit, unit + fixed_point.mul_div_up(multiple, added, WAD)
        )
    return spare
