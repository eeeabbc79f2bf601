"""What the model shows of its state: stored numbers copied, derived ones when first read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from simulator.model.batch import at
from simulator.model.kernel.jit import kernel, often
from simulator.model.kernel.record import Paths, View
from simulator.model.parameters import Tables
from simulator.model.pools.held import active_liquidity
from simulator.model.vault.valuation import value_vault
from simulator.model.venues.aave.borrowers import owed_by, standing, supplied_by
from simulator.model.venues.aave.interest import borrow_index
from simulator.model.venues.aave.lending import size_of
from simulator.model.venues.aave.lending import value as value_loan
from simulator.model.venues.perps.maker import accrued, unpaid
from simulator.model.venues.perps.margin import value_account
from simulator.model.venues.perps.portfolio import BASE_ASSET, USDC_ASSET
from simulator.protocol.state.table import SUBJECTS, shown
from simulator.protocol.state.variable import Derived, Kept, Scale, Shown
from simulator.types import Floats
from simulator.world.base import Observation

#: Raw shares of one; what is WAD on the chain.
WAD = 1e18


@often
@kernel
def _pool_liquidity(paths: Paths, out: Floats) -> None:
    for i in range(out.size):
        out[i] = active_liquidity(at(paths, i))


@often
@kernel
def _markets(paths: Paths, out: Floats) -> None:
    """Up to now: funding rate, index, socialised loss per long and short unit, ``[4, M, P]``."""
    for i in range(paths.states.size):
        w = at(paths, i)
        for market in range(out.shape[1]):
            out[0, market, i], out[1, market, i] = accrued(w, market)
            out[2, market, i] = w.state.clearing.loss_long[market] + unpaid(w, market, True)
            out[3, market, i] = w.state.clearing.loss_short[market] + unpaid(w, market, False)


@often
@kernel
def _accounts(paths: Paths, out: Floats) -> None:
    """Value, equity and maintenance of every account, into ``out`` ``[3, N, P]``, USD."""
    for i in range(paths.states.size):
        w = at(paths, i)
        for account in range(out.shape[1]):
            valued = value_account(w, account)
            out[0, account, i] = valued.value
            out[1, account, i] = valued.equity
            out[2, account, i] = valued.maintenance


@often
@kernel
def _vault(paths: Paths, out: Floats) -> None:
    """NAV, then the position's amounts and fees in whole tokens, into ``out`` ``[5, P]``."""
    for i in range(paths.states.size):
        w = at(paths, i)
        valuation = value_vault(w)
        out[0, i] = max(valuation.nav, 0.0)
        out[1, i] = valuation.lp_base / w.tables.vault.base_unit
        out[2, i] = valuation.lp_usdc / w.tables.vault.usdc_unit
        out[3, i] = valuation.fees_base / w.tables.vault.base_unit
        out[4, i] = valuation.fees_usdc / w.tables.vault.usdc_unit


@often
@kernel
def _lending(paths: Paths, out: Floats) -> None:
    """USDC supplied, equity, maintenance, then each leg's debt, into ``out`` ``[3 + L, P]``."""
    for i in range(paths.states.size):
        w = at(paths, i)
        loan = value_loan(w)
        out[0, i] = loan.supplied / w.tables.aave.unit[0]
        out[1, i] = loan.equity
        out[2, i] = loan.maintenance
        for leg in range(out.shape[0] - 3):
            out[3 + leg, i] = -size_of(w, leg)


@often
@kernel
def _borrowers(paths: Paths, out: Floats) -> None:
    """Collateral, debt and health of every borrower, into ``out`` ``[3, B, P]``, USD."""
    for i in range(paths.states.size):
        w = at(paths, i)
        for borrower in range(out.shape[1]):
            found = standing(w, borrower)
            out[0, borrower, i] = found.collateral
            out[1, borrower, i] = found.debt
            out[2, borrower, i] = found.health


@often
@kernel
def _loans(paths: Paths, out: Floats) -> None:
    """Supplied and owed by every borrower, whole tokens, into ``out`` ``[2, B, L, P]``."""
    for i in range(paths.states.size):
        w = at(paths, i)
        for borrower in range(out.shape[1]):
            for listing in range(out.shape[2]):
                unit = w.tables.lending.unit[listing]
                out[0, borrower, listing, i] = supplied_by(w, borrower, listing) / unit
                out[1, borrower, listing, i] = owed_by(w, borrower, listing) / unit


@often
@kernel
def _listings(paths: Paths, out: Floats) -> None:
    """Not lent, and owed by everyone, whole tokens, into ``out`` ``[2, L, P]``."""
    for i in range(paths.states.size):
        w = at(paths, i)
        lending = w.state.lending
        for listing in range(out.shape[1]):
            unit = w.tables.lending.unit[listing]
            owed = lending.owed[listing] * borrow_index(lending, w.now.clock, listing)
            out[0, listing, i] = lending.available[listing] / unit
            out[1, listing, i] = np.rint(owed) / unit


def _read_only(array: Floats) -> Floats:
    """A copy: who keeps it finds later what it was."""
    copy = array.copy()
    copy.flags.writeable = False
    return copy


class lazy:  # noqa: N801 -- used as a decorator
    """functools.cached_property without its lock, which cost more than most of these fields."""

    def __init__(self, compute: Callable[[Any], Any]) -> None:
        self._compute = compute

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        value = self._compute(instance)
        instance.__dict__[self._name] = value
        return value


class ModelObservation(Observation):
    """Observation whose fields are computed when first read, which must be before the world moves.

    What was read stays what it was.
    """

    _tables: Tables
    _state: View
    _paths: Paths

    def __init__(self, tables: Tables, paths: Paths, state: View) -> None:
        self.__dict__.update(_tables=tables, _state=state, _paths=paths)

    def _read(self, variable: Shown) -> Floats:
        return _HOW[variable.name](self)

    def _derived(self, kernel: Callable[..., None], *shape: int) -> Floats:
        """What a kernel writes into ``[*shape, P]``."""
        out = np.empty((*shape, self._paths.states.size))
        kernel(self._paths, out)
        return out

    @lazy
    def _markets(self) -> Floats:
        return self._derived(_markets, 4, self._tables.counts.markets)

    @lazy
    def _valued(self) -> Floats:
        return self._derived(_accounts, 3, self._tables.counts.accounts)

    @lazy
    def _vault_values(self) -> Floats:
        return self._derived(_vault, 5)

    @lazy
    def _lent(self) -> Floats:
        legs = self._tables.counts.legs
        return self._derived(_lending, 3 + legs) if legs else np.empty((0, self._paths.states.size))

    @lazy
    def _stand(self) -> Floats:
        return self._derived(_borrowers, 3, self._tables.counts.borrowers)

    @lazy
    def _lendings(self) -> Floats:
        counts = self._tables.counts
        return self._derived(_loans, 2, counts.borrowers, counts.listings)

    @lazy
    def _listed(self) -> Floats:
        return self._derived(_listings, 2, self._tables.counts.listings)

    @property
    def _others(self) -> Any:
        """Listings that are neither of USDC nor of the base asset, by their indices."""
        return np.flatnonzero(self._tables.view.lending.asset > BASE_ASSET)

    def _wallet(self, assets: Any, units: Floats) -> Floats:
        """Whole tokens of some assets, by agent."""
        return self._state.wallet.token[:, assets] / units


_How: TypeAlias = "Callable[[ModelObservation], Floats]"

#: How many of the record's units are one of what is shown, along the last axes.
RAW: dict[Scale, Callable[[Tables], Any]] = {
    Scale.WAD: lambda tables: WAD,
    Scale.USDC: lambda tables: tables.view.vault.usdc_unit,
    Scale.BASE: lambda tables: tables.view.vault.base_unit,
    Scale.COLLATERAL: lambda tables: tables.view.clearing.unit[:, None],
    Scale.COIN: lambda tables: tables.view.oracle.unit[[BASE_ASSET, USDC_ASSET], None][
        : tables.counts.coins
    ],
}


def _stored(record: str, name: str) -> _How:
    """In whole units already."""
    return lambda seen: _read_only(getattr(getattr(seen._state, record), name))


def _scaled(record: str, name: str, raw: Callable[[Tables], Any]) -> _How:
    return lambda seen: getattr(getattr(seen._state, record), name) / raw(seen._tables)


def _kept(record: str, name: str, number: Kept) -> _How:
    place = number.name or name
    if number.raw is Scale.WHOLE:
        return _stored(record, place)
    return _scaled(record, place, RAW[number.raw])


# How the variables are derived that are not kept as they are shown.
_DERIVED: dict[str, _How] = {
    "pool_liquidity": lambda seen: seen._derived(_pool_liquidity),
    "provided_fees_base": lambda seen: (
        np.floor(seen._state.pool.provided_fees0) / seen._tables.view.vault.base_unit
    ),
    "provided_fees_usdc": lambda seen: (
        np.floor(seen._state.pool.provided_fees1) / seen._tables.view.vault.usdc_unit
    ),
    "funding_rate": lambda seen: seen._markets[0],
    "funding_index": lambda seen: seen._markets[1],
    "loss_long": lambda seen: seen._markets[2],
    "loss_short": lambda seen: seen._markets[3],
    "long_interest": lambda seen: np.maximum(seen._state.clearing.size, 0.0).sum(axis=0),
    "account_value": lambda seen: seen._valued[0],
    "equity": lambda seen: seen._valued[1],
    "maintenance": lambda seen: seen._valued[2],
    "nav": lambda seen: seen._vault_values[0],
    "lp_base": lambda seen: seen._vault_values[1],
    "lp_usdc": lambda seen: seen._vault_values[2],
    "fees_base": lambda seen: seen._vault_values[3],
    "fees_usdc": lambda seen: seen._vault_values[4],
    "queued_shares": lambda seen: seen._state.vault.request.sum(axis=0) / WAD,
    "wallet_usdc": lambda seen: seen._wallet(USDC_ASSET, seen._tables.view.vault.usdc_unit),
    "wallet_base": lambda seen: seen._wallet(BASE_ASSET, seen._tables.view.vault.base_unit),
    "wallet_leg": lambda seen: seen._wallet(
        seen._tables.view.aave.asset[1:], seen._tables.view.aave.unit[1:, None]
    ),
    "aave_supplied": lambda seen: seen._lent[:1],
    "aave_equity": lambda seen: seen._lent[1:2],
    "aave_maintenance": lambda seen: seen._lent[2:3],
    "aave_debt": lambda seen: seen._lent[3:],
    "aave_available": lambda seen: (
        seen._state.aave.available[1:] / seen._tables.view.aave.unit[1:, None]
    ),
    "listing_available": lambda seen: seen._listed[0],
    "listing_owed": lambda seen: seen._listed[1],
    "borrower_collateral": lambda seen: seen._stand[0],
    "borrower_debt": lambda seen: seen._stand[1],
    "borrower_health": lambda seen: seen._stand[2],
    "bad_loans": lambda seen: np.maximum(seen._stand[1] - seen._stand[0], 0.0),
    "borrower_supplied": lambda seen: seen._lendings[0],
    "borrower_owed": lambda seen: seen._lendings[1],
    "borrower_uses": lambda seen: _read_only(seen._state.lending.used),
    "wallet_other": lambda seen: seen._wallet(
        seen._tables.view.lending.asset[seen._others],
        seen._tables.view.lending.unit[seen._others, None],
    ),
    "leg_sqrt_price": lambda seen: _read_only(seen._state.aave.pools.sqrt_price),
}
_HOW: dict[str, _How] = _DERIVED | {
    name: _kept(record, name, row.kept)
    for record, subject in SUBJECTS.items()
    for name, row in shown(subject).items()
    if row.kept is not None and not isinstance(row, Derived)
}
