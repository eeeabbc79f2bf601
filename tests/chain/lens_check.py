"""What the chain world shows, against ``Lens.observe``."""

from __future__ import annotations

import numpy as np

from simulator.chain.reading.observation import LensSource
from simulator.chain.world import ChainWorld
from simulator.protocol.state.table import SHOWN

# Derived by the model's formulas, or read from other words; all others to the last unit.
DERIVED = {"funding", "margin", "nav", "position"}


def compare_with_the_lens(world: ChainWorld) -> None:
    """Every group of words both ways, and every field."""
    for transport, source in zip(world.transports, world.sources, strict=True):
        lens = LensSource(transport, world.deployment, world.layout)
        for group in world.layout.groups.keys() - DERIVED:
            assert source.read(group) == lens.read(group), group
    shown, reported = world.observe(), world.reported()
    for name in SHOWN:
        ours, theirs = getattr(shown, name), getattr(reported, name)
        # The formulas are float64, and may floor to the raw USDC unit beside.
        scale = np.maximum(np.abs(theirs).max(initial=0.0), 1e-9)
        assert np.all(np.abs(ours - theirs) <= 1e-11 * scale), name
