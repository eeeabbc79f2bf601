"""From which step to which somebody is away, or a venue stands still."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.config.faults import Congestion as CongestionShock
from simulator.config.faults import Outage, VenueOutage
from simulator.types import GWEI
from simulator.world.protocol import Congestion, Halt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.config.models import Config
    from simulator.config.shock import WindowShock


def outages(config: Config) -> Iterator[tuple[str, int, int]]:
    """Who is down from one step to another, which is not part of it."""
    for shock in config.shocks:
        if isinstance(shock, Outage):
            yield from ((name, *steps(config, shock)) for name in shock.agents)


def congestions(config: Config) -> Iterator[Congestion]:
    """Who bids what, from one step to another."""
    native = config.gas.native_asset
    asset = None if native is None else config.symbols.index(native)
    for shock in config.shocks:
        if not isinstance(shock, CongestionShock):
            continue
        for name in shock.agents:
            price = config.gas.native_price if asset is None else 1.0
            yield Congestion(name, *steps(config, shock), asset, shock.highest_gwei * GWEI * price)


def halts(config: Config) -> Iterator[Halt]:
    """Which venue stands still, from one step to another."""
    for shock in config.shocks:
        if isinstance(shock, VenueOutage):
            yield Halt(shock.venue, *steps(config, shock))


def steps(config: Config, shock: WindowShock) -> tuple[int, int]:
    """The first step of a window, and the first after it."""
    hours = np.arange(config.steps + 1) * (config.step_minutes / 60)
    found = np.flatnonzero(shock.active(hours))
    return int(found[0]), int(found[-1]) + 1
