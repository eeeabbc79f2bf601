"""Model and contracts under the same random actions: every variable, every status, every fill."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from simulator.chain.world import ChainWorld
from simulator.model.world import ModelWorld
from simulator.types import Floats, Status
from simulator.verify import TOLERANCE, VARIABLES, history, least_magnitude, relative_error
from simulator.world.actions import Action, Fill
from simulator.world.base import World
from simulator.world.protocol import Protocol
from tests.model import campaign
from tests.model import venue as stage
from tests.model.campaign import PROTOCOL, isolated, portfolio, rough_market

STEPS, PATHS = 40, 4


def transcript(
    world: World, first_path: int
) -> tuple[list[str], list[Fill], dict[str, list[Floats]]]:
    names: list[str] = []
    fills: list[Fill] = []
    states: dict[str, list[Floats]] = {name: [] for name in VARIABLES}

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


def test_winners_who_owe_are_written_off_alike() -> None:
    """Two whom auto-deleveraging of ETH leaves with nothing but a debt from BTC, in rank order."""
    margins = ((30_000.0, 0.0), (20_000.0, 0.0), (20_000.0, 0.0), (50_000.0, 0.0))
    eth, btc = (2_000.0, 1_600.0, 1_600.0), (30_000.0, 15_000.0, 15_000.0)
    seen: dict[str, list[Floats]] = {name: [] for name in VARIABLES}
    for kind in (ModelWorld, ChainWorld):
        terms = stage.protocol(*margins, market={"skew_scale": 1e12})
        venue = stage.Venue(terms, eth=eth, btc=btc, kind=kind)
        bets = [(0, stage.ETH, 100.0)]
        bets += [(n, m, size) for n in (1, 2) for m, size in ((stage.ETH, -40.0), (stage.BTC, 2.5))]
        for bet in bets:
            assert venue.trade(*bet) == Status.OK
        venue.world.advance(1)
        for trader, market in ((1, stage.BTC), (2, stage.BTC), (0, stage.ETH)):
            assert venue.liquidate(3, trader, market).amount_in[0] > 0.0
        assert [venue.of("size", n, stage.ETH) for n in (0, 1, 2)] == [0.0] * 3
        assert [venue.of("cash", n) for n in (0, 1, 2)] == [0.0] * 3
        assert venue.common("bad_debt") > 10_000.0
        observed = venue.world.observe()
        for name in VARIABLES:
            seen[name].append(np.array(getattr(observed, name)))
        if isinstance(venue.world, ChainWorld):
            venue.world.close()
    for name, (ours, theirs) in seen.items():
        least = least_magnitude(seen, name)
        assert relative_error(ours[None], theirs[None], least) <= TOLERANCE, name
