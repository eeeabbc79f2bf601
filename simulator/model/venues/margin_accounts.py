"""The vault's margin accounts and hedges, at whichever venue they are (contracts/SPEC.md §4.7).

``sub``: a place among the vault's margin accounts. The tables say at which venue it is, and which
account of that venue's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.model.venues.aave import hedging as aave
from simulator.model.venues.perps import hedging as perps
from simulator.model.venues.perps.margin import (
    Account,
    Standing,
    note_standing,
    noted_standing,
    standing_of,
)

#: The venues there are; the code of one is its place here.
VENUES = (perps, aave)
PERPS, AAVE = range(len(VENUES))
# What float64 leaves of a debt that was covered in full, USD: nobody owes it.
_NOTHING = 1e-9


def by_venue(functions: Sequence[Any]) -> Any:
    """Of functions, one for each of :data:`VENUES`, that of the code given after the path."""

    def either(code: int, others: Any) -> Any:
        here = functions[code]

        def call(w: Path, venue: int, *given: Any) -> Any:
            if venue == code:
                return here(w, *given)
            return others(w, venue, *given)

        return inner(call)

    only = functions[-1]

    def last(w: Path, venue: int, *given: Any) -> Any:
        return only(w, *given)

    found = inner(last)
    for code in reversed(range(len(functions) - 1)):
        found = either(code, found)
    return found


def _at(name: str) -> Any:
    return by_venue([getattr(venue, name) for venue in VENUES])


_value_margin, _usdc_worth, _settled = _at("value_margin"), _at("usdc_worth"), _at("settled")
_hedge_size, _hedge = _at("hedge_size"), _at("hedge")
_withdrawable, _give_slice = _at("withdrawable"), _at("give_slice")
_add_margin, _take_margin = _at("add_margin"), _at("take_margin")


@inner
def subs(w: Path) -> int:
    """Number of margin accounts the vault uses: those at the ClearingHouse first."""
    table = w.tables.vault
    return table.sub_count


@inner
def value_margin(w: Path, sub: int) -> Account:
    """An account at the last prices."""
    table = w.tables.vault
    return _value_margin(w, table.venue[sub], table.account[sub])


@inner
def margin_standing(w: Path, sub: int) -> Standing:
    """How an account stands between two actions."""
    if not w.known.kept:
        return standing_of(value_margin(w, sub))
    row = w.known.sub[sub]
    if row.version != w.known.version:
        note_standing(w, row, standing_of(value_margin(w, sub)))
    return noted_standing(row)


@inner
def insolvent(valued: Account | Standing) -> bool:
    """Whether an account is worth less than nothing, what is pledged to it counted in.

    Liquidation forgives what it owes: margin put into it before would pay that for others.
    """
    return valued.value < -_NOTHING


@inner
def usdc_worth(w: Path, sub: int, valued: Account) -> float:
    """USD of equity per USDC of balance."""
    table = w.tables.vault
    return _usdc_worth(w, table.venue[sub], table.account[sub], valued)


@inner
def settled(w: Path, sub: int) -> float:
    """Settled USDC of an account, raw, rounded down."""
    table = w.tables.vault
    return _settled(w, table.venue[sub], table.account[sub])


@inner
def hedge_size(w: Path, market: int) -> float:
    """The vault's position in place of or in ``market``, base units."""
    table = w.tables.vault
    sub = table.sub_of[market]
    return _hedge_size(w, table.venue[sub], table.account[sub], market)


@inner
def hedge(w: Path, market: int, delta: float) -> int:
    """Trade ``delta`` of a hedge within the slippage bound."""
    table = w.tables.vault
    side = 1.0 if delta > 0.0 else -1.0
    limit = w.now.price[w.tables.clearing.asset[market]] * (1.0 + side * table.max_slippage)
    sub = table.sub_of[market]
    return _hedge(w, table.venue[sub], table.account[sub], market, delta, limit)


@inner
def withdrawable(w: Path, sub: int) -> tuple[bool, float]:
    """(fresh, raw USDC) that can leave an account down to the margin target."""
    table = w.tables.vault
    return _withdrawable(w, table.venue[sub], table.account[sub])


@inner
def add_margin(w: Path, sub: int, raw: float) -> int:
    """Deposit idle USDC as margin."""
    table = w.tables.vault
    return _add_margin(w, table.venue[sub], table.account[sub], raw)


@inner
def take_margin(w: Path, sub: int, raw: float) -> None:
    """Withdraw at most what :func:`withdrawable` allows to idle; it has found the prices fresh."""
    table = w.tables.vault
    if raw > 0.0:
        _take_margin(w, table.venue[sub], table.account[sub], raw)


@inner
def give_slice(w: Path, sub: int, agent: int, receiver: int, fraction: float) -> tuple[int, float]:
    """Who leaves takes ``fraction`` of an account with him: (status, raw USDC paid to him)."""
    table = w.tables.vault
    return _give_slice(w, table.venue[sub], table.account[sub], agent, receiver, fraction)
