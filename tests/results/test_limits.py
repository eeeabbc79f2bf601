"""The limit a refusal is laid to was exceeded by what was asked for, refusal by refusal."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np
import pytest

import simulator
from simulator.agents.base import Agent
from simulator.books import limits
from simulator.books.hooks import BOOK
from simulator.books.limit_kinds import REFUSED_AS, Limit
from simulator.books.limits import Bound
from simulator.config import Config, load, resolve
from simulator.config.random import random_config
from simulator.model.batch import at, blank
from simulator.model.kernel.jit import kernel
from simulator.model.kernel.record import Paths, View
from simulator.model.parameters import tables_of
from simulator.model.world import ModelWorld
from simulator.results.reasons import OF_LIMIT
from simulator.results.tallies import Limited
from simulator.types import Status
from simulator.world.actions import Action, Fill, Rebalance, Recenter
from simulator.world.base import World
from tests.books.watched import Watch, run

# Others' trades of the same block are not in what is observed, so a price is an estimate.
ESTIMATED = {Limit.SLIPPAGE}
_of_rebalance, _of_recentring, _note = limits.of_rebalance, limits.of_recentring, limits.note


@kernel
def _bounds(paths: Paths, recentring: bool, out: Any) -> None:
    """Limit, asked, value, place of each path's refusal, ``[4, paths]``."""
    for i in range(paths.states.size):
        w = at(paths, i)
        place, status = -1, w.order.status
        if recentring:
            bound = _of_recentring(w, status)
        else:
            place, bound = _of_rebalance(w, status)
        out[0, i], out[1, i], out[2, i], out[3, i] = bound.kind, bound.asked, bound.value, place


class _Refusals(Watch):
    """Asks for the limit of every refused rebalance and recentring."""

    def __init__(self, world: ModelWorld) -> None:
        self.world = world
        self.seen: Counter[Limit] = Counter()
        self.over: Counter[Limit] = Counter()

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
        if not isinstance(action, (Rebalance, Recenter)) or not (fill.status > Status.OK).any():
            return
        found = np.empty((4, fill.status.size))
        _bounds(self.world.paths, isinstance(action, Recenter), found)
        for path in np.flatnonzero(fill.status > Status.OK):
            kind, asked, value = Limit(int(found[0, path])), found[1, path], found[2, path]
            self.seen[kind] += 1
            self.over[kind] += bool(asked > value)
            if kind != Limit.OTHER:
                assert fill.status[path] in REFUSED_AS[kind]


def refusals(config: Config) -> _Refusals:
    """All of a run, which the book has counted too."""
    _, books, (watch,) = run(config, lambda world, _: [_Refusals(world)])
    assert isinstance(watch, _Refusals)
    refused = books.view.limits.refused
    for kind in Limit:
        assert refused.times[kind].sum() == (watch.seen[kind] if kind != Limit.OTHER else 0)
    named = ~np.isnan(refused.asked)
    over = np.delete(named & ~(refused.asked > refused.value), list(ESTIMATED), axis=0)
    assert not over.any()
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


@kernel
def _note_all(paths: Paths, path: int, kinds: Any, asked: Any, allowed: Any) -> None:
    for k in range(kinds.size):
        _note(at(paths, path), 0, Bound(kinds[k], asked[k], allowed[k]))


def test_limits_of_one_place_are_told_apart() -> None:
    """A limit exceeded further does not hide one that refused more often."""
    tables = tables_of(resolve(load("calm")))
    paths = blank(tables, 2, BOOK)
    view = View(paths.books, BOOK, tables.counts).limits.refused
    view.asked[:] = view.value[:] = np.nan
    spot, slippage, other = Limit.SPOT, Limit.SLIPPAGE, Limit.OTHER
    noted = [(spot, 0.004), (spot, 0.003), (slippage, 0.0053), (other, np.nan)]
    for path, rows in enumerate((noted, [noted[0], *noted[2:]])):
        kinds = np.array([int(kind) for kind, _ in rows])
        asked = np.array([value for _, value in rows])
        _note_all(paths, path, kinds, asked, np.full(kinds.size, 0.0028))
    tally = Limited(view.times[:, 0], view.asked[:, 0], view.value[:, 0])
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


@pytest.mark.parametrize("limit", OF_LIMIT)
@pytest.mark.parametrize("value", [0.0, -5.0])
def test_a_limit_of_nothing_is_a_reason_too(limit: Limit, value: float) -> None:
    reason = OF_LIMIT[limit](load("calm", []), "BTC", 1e12, value)
    _, now, needed = reason.figures
    assert now is not None
    assert needed is None or needed > 0.0
    assert not re.search(r"\b(inf|nan)\b", reason.text)


def luna(*more: str) -> simulator.Result:
    return simulator.run(load("ust-luna-2022", ["paths=2", *more]), workers=1, record=1)


def test_where_two_fields_bind_at_once_both_are_named_and_both_would_have_done() -> None:
    """One of them alone leaves it refused."""
    found = luna()
    (text,) = [
        finding["text"]
        for finding in found.summary["diagnosis"]
        if finding["name"] == "binding_limit" and "skew" in finding["text"]
    ]
    said = re.findall(r"(max_skew_usd|skew_scale_usd) = [\d.e+]+, (\d+) would have done", text)
    assert [name for name, _ in said] == ["max_skew_usd", "skew_scale_usd"]
    assert text.endswith("would have done, both.")
    more = [f"clearing.markets.LUNA.{name}={value}" for name, value in said]
    column = "LUNA_inventory_refusals"
    assert (found.paths[column] > 30).all()
    for one in more:
        assert (luna(one).paths[column] > 30).all()
    assert (luna(*more).paths[column] == 0).all()


def test_a_limit_that_would_refuse_next_is_named_though_it_refused_nothing() -> None:
    small = ["max_skew_usd=1e4", "max_open_interest_usd=2e4"]
    config = load("calm", ["horizon_hours=24", *(f"clearing.markets.SOL.{one}" for one in small)])
    result = simulator.run(config, paths=2, workers=1, requirements=(), allow=["idle"])
    (first,) = [f for f in result.summary["diagnosis"] if f["name"] == "binding_limit"]
    kinds = ("inventory", "open_interest")
    refused = [kind for kind in kinds if result.paths[f"SOL_{kind}_refusals"].any()]
    assert len(refused) == 1  # the other was never come to
    assert "and then clearing.markets.SOL." in first["text"]
    assert {one.partition("=")[0] for one in small} <= set(re.findall(r"SOL\.(\w+)", first["text"]))
