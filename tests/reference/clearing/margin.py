"""What an account is worth and what it must hold (contracts/SPEC.md §3.4)."""

from __future__ import annotations

from dataclasses import dataclass

from tests.reference.amounts import amounts_down, sqrt_price_of
from tests.reference.clearing import maker, perp
from tests.reference.clearing.portfolio import (
    ENTRY_SCALE,
    NO_ROW,
    Vector,
    exposure_vector,
    norm_up,
)
from tests.reference.clearing.state import Asset, Ledger, Pledge, require
from tests.reference.integers import WAD, ceil, floor, sign


@dataclass(frozen=True)
class Valuation:
    """SPEC §3.4 of one account, USD WAD (``balance``: USDC).

    ``floored``: phi' G; ``risk``: R, 0 unless the margin is portfolio margin.
    """

    balance: int
    value: int
    equity: int
    initial_equity: int
    maintenance: int
    gross: int
    floored: int
    notional: int
    risk: int
    v: Vector

    @property
    def state(self) -> tuple[int, int, int, int, int]:
        """IClearingHouse.AccountState."""
        return self.balance, self.value, self.equity, self.initial_equity, self.maintenance


def unit_equity(ledger: Ledger, balance: int) -> int:
    """u: equity of one more USDC, USD WAD."""
    price = ledger.price(ledger.usdc)
    return price if balance < 0 else floor(price, WAD - ledger.usdc_haircut, WAD)


def usdc_equity(ledger: Ledger, balance: int) -> int:
    return floor(balance, unit_equity(ledger, balance), WAD)


def worth(ledger: Ledger, c: int, raw: int) -> int:
    """USD WAD of raw collateral, without haircut."""
    terms = ledger.collaterals[c]
    return floor(raw, ledger.price(terms.asset), terms.unit)


def pledge_amounts(ledger: Ledger, pledge: Pledge) -> tuple[int, int]:
    """Raw (base, USDC) of a pledge at the oracle price."""
    terms = ledger.liquidity_terms
    assert terms is not None
    base = ledger.price(ledger.collaterals[terms.base].asset)
    sqrt_price = sqrt_price_of(base, ledger.price(ledger.usdc), terms.base_decimals)
    return amounts_down(sqrt_price, pledge.lower, pledge.upper, pledge.liquidity)


def unsettled(ledger: Ledger, number: int, m: int) -> int:
    """PnL of a position at the index less what it owes, USDC WAD; without one nothing."""
    position = ledger.account(number).positions.get(m)
    if not position:
        return 0
    market = maker.covered(ledger, m)
    profit = floor(position.size, ledger.index_price(m), WAD) - position.cost
    profit -= perp.owed(market, position)
    if market.settlement and not market.closed and profit > 0:
        # As the books will be closed, with the debts that are known.
        profit -= ceil(profit, min(market.shortfall, market.gains), market.gains)
    return profit


def valuation(ledger: Ledger, number: int) -> Valuation:
    account = ledger.account(number)
    profit = gross = notional = 0
    exposures: list[tuple[tuple[int, ...], int]] = []

    def expose(asset: Asset, amount: int) -> None:
        exposures.append((ledger.row(asset), amount))

    for m, position in sorted(account.positions.items()):
        terms = ledger.terms[m]
        profit += unsettled(ledger, number, m)
        size = ceil(abs(position.size), ledger.index_price(m), WAD)
        notional += size
        gross += ceil(size, terms.maintenance_rate, WAD)
        expose(terms.asset, sign(position.size) * size)

    full = net = pledged_usdc = 0
    for c, raw in account.basket.items():
        if raw:
            usd, terms_c = worth(ledger, c, raw), ledger.collaterals[c]
            full += usd
            net += floor(usd, WAD - terms_c.haircut, WAD)
            expose(terms_c.asset, usd)
    for pledge in account.pledges.values():
        assert ledger.liquidity_terms is not None
        base, usdc = pledge_amounts(ledger, pledge)
        base_usd = worth(ledger, ledger.liquidity_terms.base, base)
        usdc_usd = worth(ledger, 0, usdc)
        full += base_usd + usdc_usd
        net += floor(base_usd + usdc_usd, WAD - ledger.liquidity_terms.haircut, WAD)
        pledged_usdc += usdc_usd
        expose(ledger.collaterals[ledger.liquidity_terms.base].asset, base_usd)

    parameters = ledger.parameters
    capped = profit
    if profit > 0:
        capped = min(profit, floor(max(account.cash, 0), parameters.profit_cap, WAD))
    balance = account.cash + profit
    balance_usd = floor(balance, ledger.price(ledger.usdc), WAD)
    expose(ledger.usdc, balance_usd + pledged_usdc)

    floored = maintenance = gross
    risk, v = 0, NO_ROW
    if account.positions and not account.isolated and parameters.risk_multiple:
        v = exposure_vector(exposures)
        risk = max(norm_up(v), 1)
        floored = ceil(gross, parameters.gross_floor, WAD)
        maintenance = max(floored, ceil(risk, parameters.risk_multiple, WAD))
    return Valuation(
        balance=balance,
        value=balance_usd + full,
        equity=usdc_equity(ledger, balance) + net,
        initial_equity=usdc_equity(ledger, account.cash + capped) + net,
        maintenance=maintenance,
        gross=gross,
        floored=floored,
        notional=notional,
        risk=risk,
        v=v,
    )


def initial(ledger: Ledger, maintenance: int) -> int:
    """mu M."""
    return ceil(maintenance, ledger.parameters.initial_multiple, WAD)


def require_initial_margin(ledger: Ledger, number: int) -> None:
    state = valuation(ledger, number)
    holds = state.initial_equity >= initial(ledger, state.maintenance)
    require(holds, "clearing: below initial margin")


def require_release(ledger: Ledger, number: int) -> None:
    """Whether collateral may have left the account."""
    account = ledger.account(number)
    if account.positions:
        require(ledger.now >= ledger.gate_until, "clearing: withdrawals gated")
        perp.accrue_held(ledger, number)
        require_initial_margin(ledger, number)
    elif account.cash < 0:
        require_initial_margin(ledger, number)


def withdrawable(ledger: Ledger, number: int, ratio: int) -> int:
    """Raw USDC that may leave, keeping E >= ratio M as well."""
    account, parameters = ledger.account(number), ledger.parameters
    cash = account.cash
    if cash <= 0:
        return 0
    if not account.positions:
        return cash // ledger.cash_unit
    if ledger.now < ledger.gate_until:
        return 0
    state = valuation(ledger, number)
    usdc, unit = ledger.price(ledger.usdc), unit_equity(ledger, 0)
    unsettled = state.balance - cash
    net = state.equity - usdc_equity(ledger, state.balance)

    def balance_for(equity: int) -> int:
        return ceil(equity, WAD, usdc if equity < 0 else unit)

    for_initial = balance_for(initial(ledger, state.maintenance) - net)
    for_ratio = balance_for(ceil(state.maintenance, ratio, WAD) - net)
    kept = max(for_ratio - unsettled, for_initial - unsettled, 0)
    if unsettled > 0:  # the cap on profit falls with the cash that leaves
        kept = max(kept, ceil(for_initial, WAD, WAD + parameters.profit_cap))
    spare = max(cash - kept, 0)
    row = ledger.row(ledger.usdc)
    if any(row) and not account.isolated:
        steepest = max(ratio, parameters.initial_multiple)
        multiple = ceil(steepest, parameters.risk_multiple, WAD)
        added = ceil(norm_up(row), usdc, ENTRY_SCALE)
        spare = floor(spare, unit, unit + ceil(multiple, added, WAD))
    return spare // ledger.cash_unit
