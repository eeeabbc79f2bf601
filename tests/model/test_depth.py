"""The venue's depth in both worlds: how far and how often the skew scale follows it (SPEC §3.5)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.chain.world import ChainWorld
from simulator.model.world import ModelWorld
from simulator.types import SCALE_INTERVAL, Status
from simulator.world import actions as act
from tests.model import campaign
from tests.model.campaign import PROTOCOL

STEPS = 6
TERMS = PROTOCOL.clearing.markets[0]
PRICE = PROTOCOL.assets[TERMS.asset].price
# Skew per unit of K that a trade may leave: phi mmr / 2.
ROOM = PROTOCOL.clearing.gross_floor * TERMS.maintenance_rate / 2


class Both:
    """The model and the chain on one path of a calm market whose perp depth is given."""

    def __init__(self, depth: list[float]) -> None:
        market = campaign.calm_market(1, len(depth) - 1)
        market = replace(market, perp_depth=np.array(depth)[:, None])
        self.seconds = market.step_seconds
        self.worlds = [ModelWorld(PROTOCOL, market), ChainWorld(PROTOCOL, market)]
        self.advance(0)

    def advance(self, step: int) -> None:
        for world in self.worlds:
            world.advance(step)

    def trade(self, agent: int, size: float) -> None:
        """``size`` base units of market 0, at any price."""
        bound = np.array([1e12 if size > 0.0 else 0.0])
        for world in self.worlds:
            fill = world.execute(act.Trade(agent, 0, np.array([size]), bound))
            assert fill.status.tolist() == [Status.OK]

    def scale(self) -> float:
        """K of market 0, the same in both worlds."""
        model, chain = (float(w.observe().skew_scale[0, 0]) for w in self.worlds)
        assert model == pytest.approx(chain, rel=1e-12)
        return chain


HALVINGS = 10
CUT = 2.0**-HALVINGS


def test_a_cut_goes_as_far_as_the_open_skew_allows_and_on_when_it_closes() -> None:
    both = Both([1.0, *[CUT] * (HALVINGS + 2)])
    skew = 3 * CUT * TERMS.skew_scale * ROOM
    both.trade(campaign.TRADER, skew)
    for step in range(1, HALVINGS + 1):
        both.advance(step)
        expected = max(skew / ROOM, 0.5**step * TERMS.skew_scale)
        assert both.scale() == pytest.approx(expected, rel=1e-12)
    both.trade(campaign.TRADER, -skew)
    for step in (1, 2):
        both.advance(HALVINGS + step)
        expected = max(skew / ROOM * 0.5**step, CUT * TERMS.skew_scale)
        assert both.scale() == pytest.approx(expected, rel=1e-12)


def test_depth_comes_back_whatever_is_open() -> None:
    both = Both([1.0, *[CUT] * HALVINGS, *[1.0] * HALVINGS])
    for step in range(1, HALVINGS + 1):
        both.advance(step)
    assert both.scale() == pytest.approx(CUT * TERMS.skew_scale, rel=1e-12)
    both.trade(campaign.TRADER, CUT * TERMS.skew_scale * ROOM * 0.99)
    for step in range(1, HALVINGS + 1):
        both.advance(HALVINGS + step)
        assert both.scale() == pytest.approx(CUT * 2**step * TERMS.skew_scale, rel=1e-12)


def test_a_second_change_waits_until_the_interval_has_passed() -> None:
    both = Both([1.0, 0.9, 0.8, 0.8, 0.8, 0.8])
    scales = []
    for step in range(STEPS):
        both.advance(step)
        scales.append(both.scale() / TERMS.skew_scale)
    wait = -(-SCALE_INTERVAL // both.seconds)
    expected = [1.0, 0.9, *[0.9] * (wait - 1), *[0.8] * 5][:STEPS]
    assert scales == pytest.approx(expected, rel=1e-12)
