"""Random configurations: valid by construction, spread over the whole protocol and every shock.

For ``hedgesim verify --random``: a scenario nobody thought of is where two worlds part. Number n of
a seed is always the same configuration; :func:`~simulator.config.to_yaml` writes it for replay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.config.loading import from_mapping
from simulator.config.random.lending import lend
from simulator.config.random.market import STEPS
from simulator.config.random.monitor import watch
from simulator.config.random.outside import halt, move, stop
from simulator.config.random.process import vary
from simulator.config.random.scenario import RandomScenario
from simulator.protocol.clearing import POLICIES

if TYPE_CHECKING:
    from simulator.config.models import Config

__all__ = ["STEPS", "random_config"]


def random_config(seed: int, number: int) -> Config:
    """Configuration ``number`` of ``seed``, of :data:`STEPS` steps and one path."""
    drawn = RandomScenario(np.random.default_rng([seed, number])).mapping(seed, number)
    # Numbers of their own: a venue, a process, a monitor, impact more changes nothing else of it.
    lend(drawn, np.random.default_rng([seed, number, 1]))
    vary(drawn, np.random.default_rng([seed, number, 2]))
    watch(drawn, np.random.default_rng([seed, number, 3]))
    move(drawn, np.random.default_rng([seed, number, 4]))
    stop(drawn, np.random.default_rng([seed, number, 5]))
    policies = np.random.default_rng([seed, number, 6])
    drawn["clearing"]["deleveraging"] = str(policies.choice(POLICIES))
    halt(drawn, np.random.default_rng([seed, number, 7]))
    return from_mapping(drawn)
