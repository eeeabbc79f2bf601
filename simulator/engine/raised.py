"""What the code of somebody else's agent raises is told as theirs, and where."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from simulator.types import InputError, MachineError, SimulatorError

if TYPE_CHECKING:
    from simulator.agents.base import Agent

# What is said already, is of the machine, or is how an agent ends its turn.
_OTHERS = (InputError, MachineError, SimulatorError, OSError, MemoryError, StopIteration)


@contextmanager
def told_of(agents: Sequence[Agent]) -> Iterator[None]:
    """Tell what is raised as raised by one of these agents; of our own it is a bug, as it is.

    Raises:
        InputError: something was.
    """
    try:
        yield
    except _OTHERS:
        raise
    except (Exception, SystemExit) as error:
        theirs = [a for a in agents if not type(a).__module__.startswith("simulator.")]
        if not theirs:
            raise
        names = " or ".join(type(agent).__name__ for agent in theirs)
        raise InputError(f"agent {names}: {_line(error)}{type(error).__name__}: {error}") from error


def _line(error: BaseException) -> str:
    """Where it was raised, if not in the simulator: compiled code does not say."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if "simulator" not in frame.filename.split("/") and "site-packages" not in frame.filename:
            return f"{frame.filename} line {frame.lineno}: "
    return ""
