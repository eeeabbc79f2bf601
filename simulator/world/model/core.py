"""What the operations of the model world share: the state, and the reading of what agents ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from simulator.types import InputError
from simulator.world.actions import Action, Fill

if TYPE_CHECKING:
    from simulator.types import Booleans, Floats
    from simulator.world.model.parameters import Tables
    from simulator.world.model.state import Oracle, State
    from simulator.world.protocol import Protocol

#: What carries out each kind of action, filling the empty fill it is given.
Operations: TypeAlias = dict[type[Action], Callable[[Any, Fill], Fill]]


@dataclass(frozen=True, eq=False)
class Core:
    """The protocol, its state on all paths, and one column to set a path aside in."""

    protocol: Protocol
    paths: int
    tables: Tables
    state: State
    oracle: Oracle
    saved: Floats

    @property
    def decimals(self) -> tuple[int, ...]:
        """Decimals by asset."""
        return tuple(asset.decimals for asset in self.protocol.assets)

    def own_account(self, action: Action) -> int:
        """Margin account of the actor; raises :class:`InputError` when it has none."""
        try:
            return self.protocol.account_of(action.actor)
        except ValueError as error:
            raise InputError(f"actor: {error}") from error

    def column(self, array: Floats) -> Floats:
        """``[paths]``."""
        if np.shape(array) != (self.paths,):
            array = np.broadcast_to(array, (self.paths,))
        return floats(array)

    def finite(self, action: Action, name: str) -> Floats:
        """A field of an action ``[paths]``; raises :class:`InputError` where it is not finite."""
        column = self.column(getattr(action, name))
        if not np.isfinite(column).all():
            path = int(np.flatnonzero(~np.isfinite(column))[0])
            raise InputError(
                f"{type(action).__name__}.{name}: {column[path]} on path {path}; allowed: finite"
            )
        return column

    def when(self, array: Booleans) -> Booleans:
        """``[paths]``, in the layout kernels are compiled for."""
        if np.shape(array) != (self.paths,):
            array = np.broadcast_to(array, (self.paths,))
        return np.require(array, np.bool_, ("C", "W"))


def check(name: str, index: int, count: int, first: int = 0) -> None:
    """Raise :class:`InputError` unless ``index`` is from ``first`` to ``count`` - 1."""
    if not first <= index < count:
        raise InputError(f"{name}: {index}; allowed: {first} to {count - 1}")


def floats(array: Floats) -> Floats:
    """C-contiguous, writeable float64: the one layout kernels are compiled for; else a copy."""
    if isinstance(array, np.ndarray):
        flags = array.flags
        if array.dtype == np.float64 and flags.c_contiguous and flags.writeable:
            return array
    return np.require(array, np.float64, ("C", "W"))
