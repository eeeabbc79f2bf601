"""The limit a refusal is laid to was exceeded by what was asked for, refusal by refusal."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from simulator.agents.base import Agent, View
from simulator.config import Config, load
from simulator.config.random import random_config
from simulator.engine import simulate
from simulator.market.draw import draw
from simulator.results import limits
from simulator.results.limits import REFUSED_AS, Limit
from simulator.results.tallies import Limited
from simulator.runner import Plan
from simulator.types import Status
from simulator.world.actions import Action, Fill, Rebalance, Recenter
from simulator.world.base import World
from simulator.world.model.world import ModelWorld

# Others' trades of the same block are not in what is observed, so a price is an estimate.
ESTIMATED = {Limit.SLIPPAGE}


class _Refusals:
    """Asks for the limit of every refused rebalance and recentring."""

    def __init__(self) -> None:
        self.seen: Counter[Limit] = Counter()
        self.over: Counter[Limit] = Counter()

    def advanced(self, step: int, world: World) -> None: ...

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None: ...

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
        view = View(step, world.market, world.protocol, world)
        if not isinstance(action, (Rebalance, Recenter)) or not (fill.status > Status.OK).any():
            return
        if isinstance(action, Recenter):
            bound = limits.of_recentring(view, fill.status)
        else:
            market, bound = limits.of_rebalance(view, fill.status)
            assert (market[fill.status <= Status.OK] == -1).all()
        assert (bound.kind[fill.status <= Status.OK] == Limit.NONE).all()
        for path in np.flatnonzero(fill.status > Status.OK):
            kind = Limit(bound.kind[path])
            self.seen[kind] += 1
            self.over[kind] += bool(bound.asked[path] > bound.value[path])
            if kind != Limit.OTHER:
                assert fill.status[path] in REFUSED_AS[kind]

    def stepped(self, step: int, world: World) -> None: ...


def refusals(config: Config) -> _Refusals:
    protocol, agents = Plan(config, "model", (), 1).setting()
    watch = _Refusals()
    simulate(ModelWorld(protocol, draw(config.market, 0, config.paths)), agents, [watch])
    return watch


ALONE = ("agents.perp_arbitrageur=null", "agents.noise_trader=null")
CALM = [
    (["clearing.markets.BTC.max_skew_usd=1"], Limit.INVENTORY),
    (["clearing.markets.BTC.skew_scale_usd=2e7", "agents.perp_arbitrageur=null"], Limit.INVENTORY),
    (["clearing.markets.SOL.max_open_interest_usd=1e4"], Limit.OPEN_INTEREST),
    (["clearing.maker_funds=1000"], Limit.MAKER_RESERVE),
    (["vault.margin_allocation=0.01"], Limit.MARGIN),
    (["vault.margin_allocation=0.01", "clearing.margin=isolated"], Limit.MARGIN),
    (["pool.background=[{value_usd: 2.0e+5}]"], Limit.SLIPPAGE),
    (["clearing.markets.SOL.skew_scale_usd=5e6", *ALONE], Limit.SLIPPAGE),
    (
        [
            "agents.amm_arbitrageur=null",
            "agents.noise_trader=null",
            "vault.recenter_threshold=0.05",
        ],
        Limit.SPOT,
    ),
]


@pytest.mark.parametrize(("overrides", "kind"), CALM)
def test_what_is_asked_for_exceeds_the_limit_named(overrides: list[str], kind: Limit) -> None:
    found = refusals(load("calm", ["paths=4", "horizon_hours=48", *overrides]))
    assert found.seen[kind] > 0, found.seen
    for each in (found.seen.keys() - ESTIMATED - {Limit.OTHER}) | {kind}:
        assert found.over[each] == found.seen[each]


def test_limits_of_one_place_are_told_apart() -> None:
    """A limit exceeded further does not hide one that refused more often."""
    tally, refused = Limited(2), np.array([True, True])

    def bound(kind: Limit, asked: float, value: float) -> limits.Bound:
        return limits.Bound(np.full(2, kind, np.int8), np.full(2, asked), np.full(2, value))

    tally.note(refused, bound(Limit.SPOT, 0.004, 0.0028))
    tally.note(refused & [True, False], bound(Limit.SPOT, 0.003, 0.0028))
    tally.note(refused, bound(Limit.SLIPPAGE, 0.0053, 0.0028))
    tally.note(refused, bound(Limit.OTHER, np.nan, np.nan))
    found = tally.by_limit("pool", (Limit.SPOT, Limit.SLIPPAGE, Limit.LP_CAP))
    assert found["pool_spot_refusals"].tolist() == [2, 1]
    assert found["pool_slippage_refusals"].tolist() == [1, 1]
    assert found["pool_spot_asked"].tolist() == [0.004, 0.004]
    assert found["pool_slippage_asked"].tolist() == [0.0053, 0.0053]
    assert found["pool_lp_cap_refusals"].tolist() == [0, 0]
    assert np.isnan(found["pool_lp_cap_asked"]).all()
    together = tally.columns("pool")
    assert together["pool_limit_refusals"].tolist() == [3, 2]
    assert (together["pool_limit"][0], together["pool_limit_asked"][0]) == (Limit.SPOT, 0.004)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(6))
def test_so_it_does_in_random_scenarios(number: int) -> None:
    found = refusals(random_config(20_210_519, number))
    for kind in found.seen.keys() - ESTIMATED - {Limit.OTHER}:
        assert found.over[kind] == found.seen[kind]
