"""Books of activity, margin, hedge and records beside the vectorised observers they come from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from simulator.books.hooks import BOOK
from simulator.books.keeper import Books
from simulator.books.metric import Ended
from simulator.books.recorder import Records
from simulator.config import Config, load, scenarios
from simulator.config.random import random_config
from simulator.engine import simulate
from simulator.market.draw import draw
from simulator.results.attribution import Attribution
from simulator.results.entries import FeesKept
from simulator.results.latency import LatencyProfit
from simulator.results.metrics import PathMetrics, SharePrice
from simulator.results.records import Fan, Recorder, fan_steps, fan_values, series_frame
from simulator.results.registry import paths_frame
from simulator.results.upkeep import Upkeep
from simulator.runner.plan import Plan
from simulator.world.model.world import ModelWorld

PATHS, RANDOM = 8, 8
SETTINGS = [*((name, None) for name in sorted(scenarios())), *((None, n) for n in range(RANDOM))]


def configuration(name: str | None, number: int | None) -> Config:
    if name is not None:
        return load(name, [f"paths={PATHS}"])
    assert number is not None
    return random_config(1, number).model_copy(update={"paths": PATHS})


class Frames(NamedTuple):
    """What a run leaves."""

    paths: pd.DataFrame
    series: pd.DataFrame
    events: pd.DataFrame
    fan: Any


def both(config: Config) -> tuple[Frames, Frames]:
    """The frames of observers and of books, of one run."""
    protocol, agents = Plan(config, "model", (), 0).setting()
    world = ModelWorld(protocol, draw(config.market, 0, PATHS), BOOK, PATHS)
    attribution, price = Attribution(world), SharePrice(world)
    upkeep, latency, fees = Upkeep(world), LatencyProfit(world), FeesKept(world)
    metrics = PathMetrics(world, attribution, price, upkeep, latency, fees)
    fan, recorder = Fan(world, attribution, price), Recorder(world, attribution, price, PATHS)
    books, records = Books(world), Records(world, fan_steps(config.steps))
    old: list[Any] = [attribution, price, upkeep, latency, fees, metrics, fan, recorder]
    simulate(world, agents, [*old, books, records])
    betas, state = metrics.mean_betas(), world.observe()
    fan.finish(betas)
    recorder.finish(betas)
    ended = Ended(books.view, state, world.market, protocol, 1.0, upkeep.columns())
    return (
        Frames(metrics.frame(state), recorder.series(), recorder.events(), fan.values),
        Frames(
            paths_frame(ended),
            series_frame(world, records.kept.rows, betas),
            records.log.frame(),
            fan_values(world, records.kept.fan, betas),
        ),
    )


def differing(then: pd.DataFrame, now: pd.DataFrame) -> Iterator[str]:
    """Columns that differ by more than 1e-12 of the largest, whole numbers by anything."""
    assert list(then) == list(now)
    for name in map(str, then):
        one, other = then[name].to_numpy(), now[name].to_numpy()
        assert one.dtype == other.dtype, name
        if one.dtype.kind != "f":
            if not np.array_equal(one, other):
                yield name
            continue
        scale = np.max(np.abs(one[np.isfinite(one)]), initial=0.0)
        if not np.allclose(one, other, rtol=0.0, atol=1e-12 * scale, equal_nan=True):
            yield name


@pytest.mark.parametrize(("name", "number"), SETTINGS)
def test_books_leave_the_frames_that_observers_leave(name: str | None, number: int | None) -> None:
    then, now = both(configuration(name, number))
    assert not [*differing(then.paths, now.paths)]
    assert not [*differing(then.series, now.series)]
    pd.testing.assert_frame_equal(then.events, now.events)
    np.testing.assert_allclose(now.fan, then.fan, rtol=1e-6)
    if name is not None:
        assert (then.paths[["turnover", "gas", "rebalances"]] > 0).any().all()


def test_the_comparison_sees_the_last_digit_but_three() -> None:
    frame = pd.DataFrame({"gas": [1.0, 2.0], "top_ups": [0, 1]})
    assert not [*differing(frame, frame)]
    assert [*differing(frame, frame.assign(gas=[1.0, 2.0 + 1e-11]))] == ["gas"]
    assert [*differing(frame, frame.assign(top_ups=[0, 2]))] == ["top_ups"]
    assert [*differing(frame, frame.assign(gas=[1.0, np.nan]))] == ["gas"]
