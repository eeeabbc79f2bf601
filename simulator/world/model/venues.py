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
from simulator.world.model.parameters import AAVE, Tables, VaultTable
from simulator.world.model.portfolio import USDC_ASSET
from simulator.world.model.rounding import floor_raw
from simulator.world.model.state import Oracle, State

_lending_deposit, _lending_value = lending.deposit, lending.value
_lending_withdrawable, _take = lending.withdrawable, lending.take
_size_of, _supplied = lending.size_of, lending.supplied
# What float64 leaves of a debt that was covered in full, USD: nobody owes it.
_NOTHING = 1e-9


@inner
def subs(table: VaultTable) -> int:
    """Number of margin accounts the vault uses."""
    return table.accounts.size


@inner
def sub_account(table: VaultTable, sub: int) -> int:
    """Its ``sub``-th: those at the ClearingHouse first, then Aave."""
    return table.accounts[sub]


@inner
def value_margin(tables: Tables, state: State, oracle: Oracle, account: int, i: int) -> Account:
    """An account at the last prices; on Aave all of the equity is cash."""
    if account != AAVE:
        return value_account(tables.clearing, state.clearing, oracle, account, i)
    loan = _lending_value(tables.aave, state.aave, oracle, i)
    cash = loan.equity / oracle.price[USDC_ASSET, i]
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
def usdc_worth(tables: Tables, oracle: Oracle, account: int, valued: Account, i: int) -> float:
    """USD of equity per USDC of balance: u of the specification."""
    if account != AAVE:
        return clearing_worth(tables.clearing, oracle, valued, i)
    return oracle.price[USDC_ASSET, i]


@inner
def is_flat(tables: Tables, state: State, oracle: Oracle, account: int, i: int) -> bool:
    """Whether the account holds no position."""
    if account != AAVE:
        return not has_position(state.clearing, account, i)
    return not _lending_value(tables.aave, state.aave, oracle, i).has_debt


@inner
def settled(tables: Tables, state: State, oracle: Oracle, account: int, i: int) -> float:
    """Settled USDC of an account, raw, rounded down; a debt counts as such."""
    if account != AAVE:
        return floor_raw(state.clearing.cash[account, i] * tables.vault.usdc_unit)
    return _supplied(state.aave, oracle, i)


@inner
def hedge_size(tables: Tables, state: State, oracle: Oracle, market: int, i: int) -> float:
    """The vault's position in place of or in ``market``, base units."""
    account = tables.vault.account_of[market]
    if account != AAVE:
        return state.clearing.size[account, market, i]
    return _size_of(tables.aave, state.aave, oracle, tables.aave.leg_of[market], i)


@inner
def hedge(tables: Tables, state: State, oracle: Oracle, market: int, delta: float, i: int) -> int:
    """Trade ``delta`` of a hedge within the slippage bound."""
    side = 1.0 if delta > 0.0 else -1.0
    price = oracle.price[tables.clearing.asset[market], i]
    limit = price * (1.0 + side * tables.vault.max_slippage)
    account = tables.vault.account_of[market]
    if account != AAVE:
        status, _, _ = trade(
            tables.clearing, state.clearing, oracle, account, market, delta, limit, i
        )
        return status
    leg = tables.aave.leg_of[market]
    status, _ = borrow_and_sell(tables.aave, state.aave, oracle, leg, delta, limit, i)
    return status


@inner
def withdrawable(
    tables: Tables, state: State, oracle: Oracle, account: int, i: int
) -> tuple[bool, float]:
    """(fresh, raw USDC) that can leave an account down to the margin target."""
    ratio = tables.vault.margin_target
    if account != AAVE:
        return clearing_withdrawable(tables.clearing, state.clearing, oracle, account, ratio, i)
    return _lending_withdrawable(tables.aave, state.aave, oracle, ratio, i)


@inner
def add_margin(
    tables: Tables, state: State, oracle: Oracle, account: int, raw: float, i: int
) -> int:
    """Deposit idle USDC as margin."""
    status = OK
    if account != AAVE:
        status = deposit(tables.clearing, state.clearing, account, 0, raw, i)
    else:
        _lending_deposit(tables.aave, state.aave, oracle, raw, i)
    if status == OK:
        state.vault.idle_usdc[i] -= raw
    return status


@inner
def take_margin(
    tables: Tables, state: State, oracle: Oracle, account: int, raw: float, i: int
) -> None:
    """Withdraw at most what :func:`withdrawable` allows to idle; it has found the prices fresh."""
    if raw <= 0.0:
        return
    if account != AAVE:
        release(tables.clearing, state.clearing, oracle, account, raw, i)
    else:
        _take(tables.aave, state.aave, oracle, raw, i)
    state.vault.idle_usdc[i] += raw
