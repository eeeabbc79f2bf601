"""An agent as a scalar function of one path: compiled for the model, plain against the chain."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from simulator.agents.base import Agent
from simulator.types import InputError


class ScalarAgent(Agent):
    """One actor on one path. Subclasses are dataclasses whose fields are numbers.

    Its fields are its settings, and what it remembers: each path has its own copy, ``my``, which
    ``act`` may write to. Nothing else outlives a step. It is asked at every step; one that acts
    less often says so in ``act`` (``if do.step % 24 == 0``).

    Beside its place in block order it may have a turn before everybody's in the step, and one after
    everybody's: functions like ``act`` called ``act_first`` and ``act_last``.
    """

    act_first: ClassVar[Any] = None
    act_last: ClassVar[Any] = None

    def __init_subclass__(cls) -> None:
        """Refuse one that says when it is due: nobody asks."""
        if "due" in vars(cls):
            raise InputError(
                f"{cls.__name__}.due: a scalar agent is asked at every step; allowed: a condition "
                "on do.step in act"
            )
        super().__init_subclass__()

    @staticmethod
    @abstractmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        """Look at the path through ``do`` and act through it (:mod:`simulator.agents.do`)."""
