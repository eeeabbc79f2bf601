"""The vault's margin accounts and hedges, at whichever venue they are (contracts/SPEC.md §4.7).

An account is an index of the ClearingHouse's accounts, or :data:`AAVE`.
"""

from __future__ import annotations

from simulator.world.model import lending
from simulator.world.model.aave import trade as borrow_and_sell
from simulator.world.model.clearing import deposit, release, trade
from simulator.world.model.codes import OK
from simulator.world.model.jit import inner
from simulator.world.model.margin import Account, has_position, value_account
from simulator.world.model.margin import usdc_worth as clearing_worth
from simulator.world.model.margin import withdrawable as clearing_withdrawable
from simulator.world.model.parameters import AAVE
from simulator.world.model.portfolio import USDC_ASSET
from simulator.world.model.record import Path
from simulator.world.model.rounding import floor_raw

_lending_deposit, _lending_value = lending.deposit, lending.value
_lending_withdrawable, _take = lending.withdrawable, lending.take
_size_of, _supplied = lending.size_of, lending.supplied
# What float64 leaves of a debt that was covered in full, USD: nobody owes it.
_NOTHING = 1e-9


@inner
def subs(w: Path) -> int:
    """Number of margin accounts the vault uses."""
    table = w.tables.vault
    return table.sub_count


@inner
def sub_account(w: Path, sub: int) -> int:
    """Its ``sub``-th: those at the ClearingHouse first, then Aave."""
    table = w.tables.vault
    return table.accounts[sub]


@inner
def value_margin(w: Path, account: int) -> Account:
    """An account at the last prices; on Aave all of the equity is cash."""
    oracle = w.now
    if account != AAVE:
        return value_account(w, account)
    loan = _lending_value(w)
    cash = loan.equity / oracle.price[USDC_ASSET]
    equity, nothing = loan.equity, 0.0
    return Account(
        loan.fresh,
        loan.has_debt,
        cash,
        nothing,
        nothing,
        equity,
        equity,
        equity,
        loan.maintenance,
        loan.maintenance,
        nothing,
        1.0,
        nothing,
        nothing,
        nothing,
        nothing,
    )


@inner
def insolvent(valued: Account) -> bool:
    """Whether an account is worth less than nothing, what is pledged to it counted in.

    Liquidation forgives what it owes: margin put into it before would pay that for others.
    """
    return valued.value < -_NOTHING


@inner
def usdc_worth(w: Path, account: int, valued: Account) -> float:
    """USD of equity per USDC of balance: u of the specification."""
    oracle = w.now
    if account != AAVE:
        return clearing_worth(w, valued)
    return oracle.price[USDC_ASSET]


@inner
def is_flat(w: Path, account: int) -> bool:
    """Whether the account holds no position."""
    if account != AAVE:
        return not has_position(w, account)
    return not _lending_value(w).has_debt


@inner
def settled(w: Path, account: int) -> float:
    """Settled USDC of an account, raw, rounded down; a debt counts as such."""
    tables, state = w.tables, w.state
    if account != AAVE:
        return floor_raw(state.clearing.cash[account] * tables.vault.usdc_unit)
    return _supplied(w)


@inner
def hedge_size(w: Path, market: int) -> float:
    """The vault's position in place of or in ``market``, base units."""
    tables, state = w.tables, w.state
    account = tables.vault.account_of[market]
    if account != AAVE:
        return state.clearing.size[account, market]
    return _size_of(w, tables.aave.leg_of[market])


@inner
def hedge(w: Path, market: int, delta: float) -> int:
    """Trade ``delta`` of a hedge within the slippage bound."""
    tables, oracle = w.tables, w.now
    side = 1.0 if delta > 0.0 else -1.0
    price = oracle.price[tables.clearing.asset[market]]
    limit = price * (1.0 + side * tables.vault.max_slippage)
    account = tables.vault.account_of[market]
    if account != AAVE:
        status, _, _ = trade(w, account, market, delta, limit)
        return status
    leg = tables.aave.leg_of[market]
    status, _ = borrow_and_sell(w, leg, delta, limit)
    return status


@inner
def withdrawable(w: Path, account: int) -> tuple[bool, float]:
    """(fresh, raw USDC) that can leave an account down to the margin target."""
    tables = w.tables
    ratio = tables.vault.margin_target
    if account != AAVE:
        return clearing_withdrawable(w, account, ratio)
    return _lending_withdrawable(w, ratio)


@inner
def add_margin(w: Path, account: int, raw: float) -> int:
    """Deposit idle USDC as margin."""
    state = w.state
    status = OK
    if account != AAVE:
        status = deposit(w, account, 0, raw)
    else:
        _lending_deposit(w, raw)
    if status == OK:
        state.vault.idle_usdc -= raw
    return status


@inner
def take_margin(w: Path, account: int, raw: float) -> None:
    """Withdraw at most what :func:`withdrawable` allows to idle; it has found the prices fresh."""
    state = w.state
    if raw <= 0.0:
        return
    if account != AAVE:
        release(w, account, raw)
    else:
        _take(w, raw)
    state.vault.idle_usdc += raw
