"""What is wrong with an action in plain Python, in the words compiled code's faults are told in."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.agents.axes import A_NUMBER, beside, there_are
from simulator.types import InputError
from simulator.world import actions

if TYPE_CHECKING:
    from simulator.world.actions import Action
    from simulator.world.protocol import Protocol

#: Indices that an action may have, in the order they are looked at.
INDICES = ("account", "market", "collateral", "leg", "borrower", "seized", "repaid", "position")


def check(action: Action, protocol: Protocol) -> None:
    """Refuse what cannot be asked for, as the door of the compiled loop does.

    Raises:
        InputError: an amount or a limit is not finite, an index is of nothing, or it takes a margin
            account that the actor does not have.
    """
    kind, who = type(action), protocol.agents[action.actor].name
    given = {field.name: getattr(action, field.name) for field in fields(kind)}
    if not all(map(_is_finite, given.values())):
        raise InputError(infinite(kind, who))
    for name in INDICES:
        index = given.get(name)
        if index is not None and not isinstance(index, int | np.integer):
            raise InputError(f"{kind.__name__} of {who}: {name} = {index}; allowed: {A_NUMBER}")
        if index is not None and index not in indices_of(kind, name, protocol, who):
            raise InputError(misnaming(kind, who, name, int(index), protocol))
    if kind.spec.of_account and not protocol.agents[action.actor].has_account:
        raise InputError(without_account(kind, who))


def _is_finite(value: Any) -> bool:
    floats = isinstance(value, np.ndarray) and value.dtype.kind == "f"
    return bool(np.isfinite(value).all()) if floats else True


def indices_of(kind: type[Action], name: str, protocol: Protocol, who: str) -> range:
    """What an index of an action may be; of collaterals USDC, the first, is what is owed."""
    first = int(name == "collateral" and kind is actions.LiquidateCollateral)
    return there_are(name, protocol, who)[first:]


def misnaming(kind: type[Action], who: str, name: str, index: int, protocol: Protocol) -> str:
    """That an index is of nothing there is."""
    known = indices_of(kind, name, protocol, who)
    return beside(f"{kind.__name__} of {who}", name, index, known)


def infinite(kind: type[Action], who: str) -> str:
    """That an amount or a limit is none."""
    what = "an amount or limit that is not finite; allowed: finite"
    return f"{kind.__name__} of {who}: {what}"


def without_account(kind: type[Action], who: str) -> str:
    """That it takes a margin account."""
    what = "it has no margin account; allowed: an agent that has one"
    return f"{kind.__name__} of {who}: {what}"
