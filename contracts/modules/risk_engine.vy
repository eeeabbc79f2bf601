# pragma version 0.4.3
"""
@title  Risk engine
@license MIT
@notice What an account is worth and what it must hold (contracts/SPEC.md §3.4), by subject: positions, collateral, pledged
        liquidity, cash. A new kind of holding is one more function here and a part that closes it; the ledger of cash
        and positions does not know it.
@dev    Worth is rounded down, requirements up. Risk exposures are the very amounts of the valuation: s I as the
        notional rounded up, with the sign of s; every other one as it enters the value.
"""

from contracts.interfaces import IClearingHouse
from contracts.modules import basket
from contracts.modules import errors
from contracts.modules import fixed_point
from contracts.modules import ledger
from contracts.modules import maker
from contracts.modules import margin
from contracts.modules import perp_math
from contracts.modules import portfolio_math

uses: basket
uses: ledger
uses: maker
uses: margin


WAD: constant(uint256) = fixed_point.WAD
MAX_MARKETS: constant(uint256) = ledger.MAX_MARKETS
MAX_COLLATERALS: constant(uint256) = ledger.MAX_COLLATERALS
USDC: constant(uint256) = ledger.USDC


struct Holdings:  # beside cash and positions
    value: uint256   # USD WAD
    equity: uint256  # after haircuts, USD WAD
    usdc: uint256    # the part of value that is USDC
    v: int256[8]     # what it adds to W^T n, scaled by the entries


@internal
def _check_health():
    """
    @notice That the account of which the operation has asked for initial margin has it; without positions and debt
            nothing has to be priced.
    """
    account: uint256 = ledger.unchecked
    if account == 0:
        return
    ledger.unchecked = 0
    if ledger._accrue_held(account) or ledger.cash[account] < 0:
        state: IClearingHouse.AccountState = self._valuation(account, True, True).state
        errors.check(
            state.initial_equity >= margin._initial(state.maintenance),
            "clearing: below initial margin",
        )


@view
@internal
def _valuation(account: uint256, fresh: bool, risk: bool) -> margin.Valuation:
    """
    @param risk Whether M is asked for: without, portfolio risk is left out of it.
    """
    markets: DynArray[uint256, MAX_MARKETS] = ledger._open_markets(account)
    portfolio: bool = (
        risk
        and len(markets) != 0
        and account & 255 == 0
        and ledger.parameters.risk_multiple != 0
    )
    out: margin.Valuation = empty(margin.Valuation)
    unsettled: int256 = 0
    out, unsettled = self._positions(account, markets, fresh, portfolio)
    held: Holdings = self._collateral(account, fresh, portfolio)
    held = self._with_pledges(held, account, fresh, portfolio)

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
    equity: int256 = convert(held.equity, int256)
    out.floored = out.gross
    maintenance: uint256 = out.gross
    if portfolio:
        v: int256[8] = portfolio_math.add_exposure(
            out.v, ledger._row(ledger.USDC_TOKEN), in_usdc + convert(held.usdc, int256)
        )
        for j: uint256 in range(8):
            v[j] += held.v[j]
        out.v = portfolio_math.scale_up(v, 1, portfolio_math.ENTRY_SCALE)
        # Hedged to the last wei, an account is still under the rule: closing one leg of two brings its risk back.
        out.risk = max(portfolio_math.norm_up(out.v), 1)
        out.floored = fixed_point.mul_div_up(out.gross, ledger.parameters.gross_floor, WAD)
        maintenance = max(
            out.floored, fixed_point.mul_div_up(out.risk, ledger.parameters.risk_multiple, WAD)
        )
    out.state = IClearingHouse.AccountState(
        balance=balance,
        value=in_usdc + convert(held.value, int256),
        equity=perp_math.usdc_equity(balance, out.usdc_price, haircut) + equity,
        initial_equity=perp_math.usdc_equity(cash + capped, out.usdc_price, haircut) + equity,
        maintenance=maintenance,
    )
    return out


# ------------------------------------------------------------------------------------- what is held


@view
@internal
def _positions(
    account: uint256, markets: DynArray[uint256, MAX_MARKETS], fresh: bool, portfolio: bool
) -> (margin.Valuation, int256):
    """
    @notice Gross requirement, notional and exposures (scaled by the entries) of the perps; and their PnL less what
            they owe, USDC WAD.
    """
    out: margin.Valuation = empty(margin.Valuation)
    unsettled: int256 = 0
    for market: uint256 in markets:
        position: IClearingHouse.Position = ledger.position[account][market]
        index: uint256 = ledger._index(market, fresh)
        state: IClearingHouse.MarketState = ledger._market_state(market, index)
        unsettled += maker._unsettled(market, position, state, index)
        notional: uint256 = perp_math.notional(fixed_point.magnitude(position.size), index)
        out.notional += notional
        out.gross += fixed_point.mul_div_up(notional, ledger.market[market].maintenance_rate, WAD)
        if portfolio:
            exposure: int256 = convert(notional, int256)
            if position.size < 0:
                exposure = -exposure
            row: uint256 = ledger._row(ledger.market[market].asset)
            out.v = portfolio_math.add_exposure(out.v, row, exposure)
    return out, unsettled


@view
@internal
def _collateral(account: uint256, fresh: bool, portfolio: bool) -> Holdings:
    out: Holdings = empty(Holdings)
    for i: uint256 in range(1, ledger.collateral_count, bound=MAX_COLLATERALS):
        raw: uint256 = ledger.collateral_balance[account][i]
        if raw != 0:
            worth: uint256 = basket._worth(i, raw, fresh)
            out.value += worth
            out.equity += fixed_point.mul_div_down(worth, WAD - ledger.collateral[i].haircut, WAD)
            if portfolio:
                out.v = portfolio_math.add_exposure(
                    out.v, ledger._row(ledger.collateral[i].token), convert(worth, int256)
                )
    return out


@view
@internal
def _with_pledges(held: Holdings, account: uint256, fresh: bool, portfolio: bool) -> Holdings:
    out: Holdings = held
    for token_id: uint256 in ledger.pledges[account]:
        base: uint256 = 0
        usdc: uint256 = 0
        base, usdc = basket._pledge_amounts(token_id, fresh)
        worth: uint256 = basket._worth(ledger.lp_base, base, fresh)
        worth_usdc: uint256 = basket._worth(USDC, usdc, fresh)
        out.usdc += worth_usdc
        out.value += worth + worth_usdc
        out.equity += fixed_point.mul_div_down(
            worth + worth_usdc, WAD - ledger.lp_collateral.haircut, WAD
        )
        if portfolio:
            out.v = portfolio_math.add_exposure(
                out.v, ledger._row(ledger.collateral[ledger.lp_base].token), convert(worth, int256)
            )
    return out


# -------------------------------------------------------------------------------- what may be taken


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
    valuation: margin.Valuation = self._valuation(account, True, True)
    state: IClearingHouse.AccountState = valuation.state
    usdc_price: uint256 = valuation.usdc_price
    haircut: uint256 = ledger.collateral[USDC].haircut
    unsettled: int256 = state.balance - cash
    other: int256 = state.equity - perp_math.usdc_equity(state.balance, usdc_price, haircut)

    # Least balances with E >= minimum_ratio M and E0 >= mu M, were M to stay as it is.
    ratio: int256 = convert(fixed_point.mul_div_up(state.maintenance, minimum_ratio, WAD), int256)
    for_ratio: int256 = perp_math.usdc_balance_for(ratio - other, usdc_price, haircut)
    for_initial: int256 = perp_math.usdc_balance_for(
        margin._initial(state.maintenance) - other, usdc_price, haircut
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
            portfolio_math.norm_up(portfolio_math.unpack_row(row)),
            usdc_price,
            portfolio_math.ENTRY_SCALE,
        )
        unit: uint256 = perp_math.usdc_unit_equity(usdc_price, haircut)
        spare = fixed_point.mul_div_down(
            spare, unit, unit + fixed_point.mul_div_up(multiple, added, WAD)
        )
    return spare
