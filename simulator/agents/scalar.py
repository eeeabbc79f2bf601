"""An agent as a scalar function of one path: compiled for the model, plain against the chain."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from simulator.agents.base import Agent


class ScalarAgent(Agent):
    """One actor on one path. Subclasses are dataclasses whose fields are numbers.

    Its fields are its settings, and what it remembers: each path has its own copy, ``my``, which
    ``act`` may write to. Nothing else outlives a step.
    """

    @staticmethod
    @abstractmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        """Look at the path through ``do`` and act through it (:mod:`simulator.agents.do`)."""
