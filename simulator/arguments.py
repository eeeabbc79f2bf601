"""What a caller of the Python API gave, or one message that says what is wrong with it.

Messages read as those of a configuration: ``name = value: must be …``. Everything raises
:class:`~simulator.types.InputError`. Numbers and arrays of the hedging mathematics:
:mod:`simulator.hedging.check`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from simulator.types import InputError

#: Whether the files of code may run that a configuration names: all, none, or these.
Trust: TypeAlias = bool | Iterable[str | Path]


def whole(name: str, given: Any, least: int, most: int | None = None) -> int:
    """A whole number of ``least`` or more: rows of a window, draws, lags, workers, paths."""
    # A bool is an int to Python, and never meant as a count.
    if isinstance(given, bool | np.bool_) or not isinstance(given, int | np.integer):
        raise InputError(f"{name} = {shown(given)}: must be a whole number")
    if given < least or (most is not None and given > most):
        bound = "or more" if most is None else f"to {most}"
        raise InputError(f"{name} = {given}: must be {least} {bound}")
    return int(given)


def money(name: str, given: Any) -> float:
    """An amount of tokens: a finite number, zero or more."""
    if isinstance(given, bool | np.bool_) or not isinstance(given, int | float | np.number):
        raise InputError(f"{name} = {shown(given)}: must be a number")
    if not (np.isfinite(given) and given >= 0.0):
        raise InputError(f"{name} = {given}: must be finite, 0 or more")
    return float(given)


def texts(name: str, given: Any) -> list[str]:
    """Several texts. One alone is refused: to Python it is a list of its letters."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InputError(f"{name} = {shown(given)}: must be a list of texts")
    found = list(given)
    for place, text in enumerate(found):
        instance(f"{name}[{place}]", text, str, "a text")
    return found


def instance(name: str, given: Any, kind: type | tuple[type, ...], words: str) -> None:
    """See that it is an object of this kind; ``words`` say in a message what that is."""
    if not isinstance(given, kind):
        raise InputError(f"{name} = {shown(given)}: must be {words}")


def shown(value: object) -> str:
    """A value, short enough for a message."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
