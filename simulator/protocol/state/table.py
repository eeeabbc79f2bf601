"""All state variables, and which of them are read together."""

from __future__ import annotations

from typing import NamedTuple

from simulator.protocol.state.borrowers import Borrowing
from simulator.protocol.state.clearing import Clearing
from simulator.protocol.state.lending import Lending
from simulator.protocol.state.pool import Pool, Position, Stable
from simulator.protocol.state.variable import (
    Computed,
    Kept,
    Scale,
    Shown,
    Slot,
    Subject,
)
from simulator.protocol.state.vault import Vault, Wallet

#: By the name of their record inside the model's.
SUBJECTS: dict[str, type[Subject]] = {
    "pool": Pool,
    "stable": Stable,
    "position": Position,
    "clearing": Clearing,
    "vault": Vault,
    "wallet": Wallet,
    "aave": Lending,
    "lending": Borrowing,
}


def shown(subject: type[Subject]) -> dict[str, Shown]:
    """What an observation shows of a subject, by name."""
    return {name: row for name, row in vars(subject).items() if isinstance(row, Shown)}


def kept(subject: type[Subject]) -> dict[str, Kept]:
    """The numbers of a subject's record, by their names there."""
    found: dict[str, Kept] = {}
    for name, row in vars(subject).items():
        number = row.kept if isinstance(row, Shown) else row
        if isinstance(number, Kept):
            found[number.name or name] = number
    return found


#: All that an observation shows, by name.
SHOWN: dict[str, Shown] = {
    name: row for subject in SUBJECTS.values() for name, row in shown(subject).items()
}
#: What a chain in process does not read: there the model's formulas derive it, by its record.
UNREAD: dict[str, frozenset[str]] = {
    record: frozenset(name for name, row in shown(subject).items() if row.stored is None)
    for record, subject in SUBJECTS.items()
}


class Read(NamedTuple):
    """Words that a source reads, one along each of the axes, and the number they fill in.

    ``place``: (record, name) of a number of the model's record, ``raw`` units of which are one of
    the value; None: the value is none.
    """

    name: str
    axes: tuple[str, ...]
    scale: Scale
    start: float
    stored: Slot | Computed | None
    place: tuple[str, str] | None
    raw: Scale


def of_lens() -> dict[str, list[Read]]:
    """Groups of words of the Lens."""
    groups: dict[str, list[Read]] = {}
    for record, subject in SUBJECTS.items():
        for name, row in shown(subject).items():
            groups.setdefault(row.word.group, []).append(_shown(record, name, row))
    return groups


def of_storage() -> dict[str, list[Read]]:
    """Groups of words that a chain in process is read by, in the order of declaration."""
    groups: dict[str, list[Read]] = {}
    for record, subject in SUBJECTS.items():
        for name, row in vars(subject).items():
            if isinstance(row, Shown) and row.stored is not None:
                other = row.stored.group if isinstance(row.stored, Computed) else ""
                read = _shown(record, name, row)
                groups.setdefault(other or row.word.group, []).append(read)
            else:
                number = row.kept if isinstance(row, Shown) else row
                if isinstance(number, Kept) and number.group:
                    groups.setdefault(number.group, []).append(_kept(record, name, number))
    return groups


def _shown(record: str, name: str, row: Shown) -> Read:
    number, scale = row.kept, row.word.scale
    if number is None:
        return Read(name, row.axes, scale, 0.0, row.stored, None, Scale.WHOLE)
    place = record, number.name or name
    return Read(name, row.axes, scale, number.start, row.stored, place, number.raw)


def _kept(record: str, name: str, row: Kept) -> Read:
    place, axes = (record, row.name or name), tuple(row.axes.split())
    return Read(name, axes, row.scale, row.start, row.stored, place, row.raw)
