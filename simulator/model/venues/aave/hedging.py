"""Aave as a hedge venue of the vault: one account, shorts only (contracts/SPEC.md §4.7, §4.8).

What :class:`~simulator.model.venues.interface.HedgeVenue` says of each function is not said again.
"""

from __future__ import annotations

from simulator.model.kernel.codes import BELOW_INITIAL_MARGIN, INSUFFICIENT_BALANCE, OK
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.model.venues.aave.borrowing import exit_slice, owed_in_kind, trade
from simulator.model.venues.aave.lending import deposit, legs, size_of, supplied, take, value
from simulator.model.venues.aave.lending import withdrawable as _withdrawable
from simulator.model.venues.perps.margin import Account
from simulator.model.venues.perps.portfolio import USDC_ASSET


@inner
def value_margin(w: Path, account: int) -> Account:
    """All of the equity is cash."""
    loan = value(w)
    cash = loan.equity / w.now.price[USDC_ASSET]
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
def usdc_worth(w: Path, account: int, valued: Account) -> float:
    """Its price."""
    return w.now.price[USDC_ASSET]


@inner
def settled(w: Path, account: int) -> float:
    """What is supplied."""
    return supplied(w)


@inner
def hedge_size(w: Path, account: int, market: int) -> float:
    """Less what is owed of the leg's asset."""
    return size_of(w, w.tables.aave.leg_of[market])


@inner
def hedge(w: Path, account: int, market: int, delta: float, limit: float) -> int:
    """Borrow and sell, or buy and repay."""
    status, _ = trade(w, w.tables.aave.leg_of[market], delta, limit)
    return status


@inner
def withdrawable(w: Path, account: int) -> tuple[bool, float]:
    """What Aave lends against holds as well, and it must have it."""
    return _withdrawable(w, w.tables.vault.margin_target)


@inner
def add_margin(w: Path, account: int, raw: float) -> int:
    """Never refused."""
    deposit(w, raw)
    w.state.vault.idle_usdc -= raw
    return OK


@inner
def take_margin(w: Path, account: int, raw: float) -> None:
    """Nothing is asked again that ``withdrawable`` has found."""
    take(w, raw)
    w.state.vault.idle_usdc += raw


@inner
def give_slice(
    w: Path, account: int, agent: int, receiver: int, fraction: float
) -> tuple[int, float]:
    """The agent brings ``fraction`` of every debt; the USDC it releases is paid to it."""
    table, wallet = w.tables.aave, w.state.wallet
    for leg in range(legs(w)):
        asset = table.asset[leg + 1]
        due = owed_in_kind(w, leg, fraction)
        if wallet.token[agent, asset] < due:
            return INSUFFICIENT_BALANCE, 0.0
        wallet.token[agent, asset] -= due
    loan = value(w)
    if fraction < 1.0 and loan.equity < loan.maintenance:
        return BELOW_INITIAL_MARGIN, 0.0
    return OK, exit_slice(w, fraction)
