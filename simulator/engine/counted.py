"""What agents of one's own count (``Agent.metrics``), as columns, when a run is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulator.agents.base import Agent
    from simulator.types import Floats
    from simulator.world.base import World


def counted(
    world: World, agents: Sequence[Agent], remembers: Callable[[Agent, str], Any]
) -> dict[str, Floats]:
    """By column, ``[paths]``; ``remembers`` gives what an agent has by a name on all paths.

    Raises:
        InputError: it is not there, no numbers, or of another shape.
    """
    found, shape = {}, (world.market.paths,)
    for agent in agents:
        slot = world.protocol.agents[agent.index]
        for name, column in zip(slot.metrics, slot.columns, strict=True):
            try:
                values = np.array(remembers(agent, name), np.float64)
            except (AttributeError, TypeError, ValueError) as error:
                raise InputError(f"{type(agent).__name__}.{name}, a metric: {error}") from error
            if values.shape not in ((), shape):
                raise InputError(
                    f"{type(agent).__name__}.{name}, a metric: shape {values.shape}; allowed: "
                    f"{shape}, a number for each path"
                )
            found[column] = np.broadcast_to(values, shape).copy()
    return found
