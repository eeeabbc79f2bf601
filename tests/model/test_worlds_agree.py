"""Model and contracts under the same random actions: every variable, every status, every fill."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from simulator.types import Status
from simulator.verify import TOLERANCE, VARIABLES, history, least_magnitude, relative_error
from simulator.world.actions import Action, Fill
from simulator.world.base import World
from simulator.world.chain.world import ChainWorld
from simulator.world.model.world import ModelWorld
from simulator.world.protocol import Protocol
from tests.model import campaign
from tests.model.campaign import PROTOCOL, isolated, portfolio, rough_market

STEPS, PATHS = 40, 4


def transcript(world: World, first_path: int) -> tuple[list[str], list[Fill], dict]:
    names: list[str] = []
    fills: list[Fill] = []
    states: dict[str, list[np.ndarray]] = {name: [] for name in VARIABLES}

    def after(action: Action, fill: Fill) -> None:
        names.append(repr(type(action).__name__))
        fills.append(fill)
        seen = world.observe()
        for name in VARIABLES:
            states[name].append(np.array(getattr(seen, name)))

    campaign.run(world, STEPS, first_path=first_path, after=after)
    return names, fills, states


@pytest.mark.parametrize(
    ("protocol", "first_path"),
    [(PROTOCOL, 20), (isolated(), 30), (portfolio(), 40)],
    ids=["gross", "isolated", "portfolio"],
)
def test_random_actions_do_the_same_in_both_worlds(protocol: Protocol, first_path: int) -> None:
    market = rough_market(PATHS, STEPS, first_path=first_path)
    names, ours, model = transcript(ModelWorld(protocol, market), first_path)
    chain_world = ChainWorld(protocol, market)
    _, theirs, chain = transcript(chain_world, first_path)
    chain_world.close()

    flips = [
        (number, names[number], Status(a).name, Status(b).name)
        for number, (mine, other) in enumerate(zip(ours, theirs, strict=True))
        for a, b in zip(mine.status, other.status, strict=True)
        if a != b
    ]
    assert not flips
    for name in VARIABLES:
        least = least_magnitude(chain, name)
        error = relative_error(history(model, name), history(chain, name), least)
        assert error <= TOLERANCE, name
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.amount_in, other.amount_in, rtol=1e-9, atol=2e-6)
        np.testing.assert_allclose(mine.amount_out, other.amount_out, rtol=1e-9, atol=2e-6)
    met = Counter(Status(code) for fill in theirs for code in fill.status)
    assert len(met) > 15, met
