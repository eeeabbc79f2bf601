"""What the code of somebody else's agent raises is told as theirs, and where."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from simulator.types import InputError, MachineError, SimulatorError

if TYPE_CHECKING:
    from simulator.agents.base import Agent

# What is said already, is of the machine, or is how an agent ends its turn.
_OTHERS = (InputError, MachineError, SimulatorError, OSError, MemoryError, StopIteration)

# What NumPy says of a number of its own that is divided by zero.
_DIVIDED = (
    r"(divide by zero|invalid value) encountered in scalar (divide|floor_divide|remainder|divmod)"
)


@contextmanager
def told_of(who: Callable[[], Agent | None]) -> Iterator[None]:
    """Tell what is raised as raised by who acted then; of our own agents it is a bug, as it is.

    Raises:
        InputError: something was.
    """
    try:
        yield
    except _OTHERS:
        raise
    except (Exception, SystemExit) as error:
        agent = who()
        if agent is None or type(agent).__module__.startswith("simulator."):
            raise
        name = type(agent).__name__
        raise InputError(f"agent {name}: {_line(error)}{type(error).__name__}: {error}") from error


@contextmanager
def dividing(agent: Agent) -> Iterator[None]:
    """Let NumPy's numbers divide by zero as Python's do, and compiled agents: it raises.

    What it finds in an agent's code only; nothing is changed for one of our own.
    """
    if type(agent).__module__.startswith("simulator."):
        yield
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("error", _DIVIDED, RuntimeWarning, r"(?!simulator\.)")
        try:
            yield
        except RuntimeWarning as error:
            raised = ZeroDivisionError("division by zero")
            raise raised.with_traceback(error.__traceback__) from error


def _line(error: BaseException) -> str:
    """Where it was raised, if not in the simulator: compiled code does not say."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if "simulator" not in frame.filename.split("/") and "site-packages" not in frame.filename:
            return f"{frame.filename} line {frame.lineno}: "
    return ""
