"""Who can be forced to sell: one row each, declared by where it is found in a protocol.

Everything a run says of a cascade is said of these rows, venue by venue. Another venue is another
function of :data:`SOURCES`: its rows name the accounts, the crowd or the actions they are known by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.world import actions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.world.protocol import Protocol

#: Built-in agents who trade with more than their own money.
_LEVERAGED = ("leveraged_long", "leveraged_short")
#: Where parties are, by the names of columns, and what people call it.
VAULT, CLEARING_HOUSE = "vault", "clearing_house"
LENDING_MARKET = "lending_market"
PERPS_ELSEWHERE, LENDING_ELSEWHERE = "perps_elsewhere", "lending_elsewhere"
VENUES = {
    VAULT: "the vault",
    CLEARING_HOUSE: "clearing house",
    LENDING_MARKET: "lending market",
    PERPS_ELSEWHERE: "perps elsewhere",
    LENDING_ELSEWHERE: "lending elsewhere",
}

#: Names that columns of a cascade have for something else than an agent.
TAKEN = (VAULT, "news", "other", "forced")


@dataclass(frozen=True)
class Party:
    """Somebody whose positions can be closed against his will.

    Attributes:
        name: what columns call it.
        title: what people call it.
        venue: where, a key of :data:`VENUES`.
        accounts: at the ClearingHouse, which are its.
        actions: liquidations that name no account there and are of it alone.
        borrowers: of the lending market's, which are its.
        crowd: of those elsewhere, which; -1: none.
        leveraged: whether it is there to be leveraged: a protocol in which nobody but the vault is
            has no cascade to tell of.
    """

    name: str
    title: str
    venue: str
    accounts: tuple[int, ...] = ()
    actions: tuple[type[actions.Action], ...] = ()
    borrowers: tuple[int, ...] = ()
    crowd: int = -1
    leveraged: bool = True


def _vault(protocol: Protocol) -> Iterator[Party]:
    own = tuple(range(1 + protocol.markets))
    yield Party(VAULT, VENUES[VAULT], VAULT, own, (actions.LiquidateLoan,), leveraged=False)


def _traders_here(protocol: Protocol) -> Iterator[Party]:
    """Margin accounts of agents; one of one's own may be leveraged, which nobody can tell."""
    found: dict[str, list[int]] = {}
    for agent, slot in enumerate(protocol.agents):
        if slot.has_account:  # cohorts are of one kind, and one party
            found.setdefault(slot.kind or slot.name, []).append(protocol.account_of(agent))
    kinds = {slot.kind for slot in protocol.agents}
    for name, accounts in found.items():
        title, leveraged = name.replace("_", " "), name in _LEVERAGED or name not in kinds
        yield Party(name, title, CLEARING_HOUSE, tuple(accounts), leveraged=leveraged)


def _borrowers(protocol: Protocol) -> Iterator[Party]:
    borrowers = protocol.lending.borrowers if protocol.lending is not None else ()
    found: dict[str, list[int]] = {}
    for number, borrower in enumerate(borrowers):
        found.setdefault(borrower.group or borrower.name, []).append(number)
    for name, own in found.items():
        title = f"borrower {name}" if len(own) == 1 else f"borrowers {name}"
        yield Party(f"borrower_{name}", title, LENDING_MARKET, borrowers=tuple(own))


def _crowds(protocol: Protocol) -> Iterator[Party]:
    for number, crowd in enumerate(protocol.impact.crowds if protocol.impact is not None else ()):
        venue = LENDING_ELSEWHERE if crowd.at_oracle else PERPS_ELSEWHERE
        sort = "borrowers" if crowd.at_oracle else "longs" if crowd.side > 0 else "shorts"
        title = f"{protocol.assets[crowd.asset].symbol} {sort} elsewhere"
        yield Party(crowd.name, title, venue, crowd=number)


SOURCES = (_vault, _traders_here, _borrowers, _crowds)


def parties(protocol: Protocol) -> tuple[Party, ...]:
    """All of a protocol, in the order of their rows; none where nobody is there to be leveraged."""
    found = tuple(party for source in SOURCES for party in source(protocol))
    return found if any(party.leveraged for party in found) else ()


def venues(protocol: Protocol) -> tuple[str, ...]:
    """Where they are, in the order of their rows."""
    return tuple(dict.fromkeys(party.venue for party in parties(protocol)))
