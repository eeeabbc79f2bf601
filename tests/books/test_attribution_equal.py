"""The books of the attribution beside the vectorised observers they come from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from simulator.books.hooks import BOOK
from simulator.books.keeper import Books
from simulator.config import Config, load, scenarios
from simulator.config.random import random_config
from simulator.engine import simulate
from simulator.market.draw import draw
from simulator.results.attribution import Attribution
from simulator.results.entries import FeesKept
from simulator.results.latency import LatencyProfit
from simulator.results.metrics import SharePrice
from simulator.runner.plan import Plan
from simulator.world.model.world import ModelWorld

PATHS, RANDOM = 8, 8
SETTINGS = [*((name, None) for name in sorted(scenarios())), *((None, n) for n in range(RANDOM))]


def configuration(name: str | None, number: int | None) -> Config:
    if name is not None:
        return load(name, [f"paths={PATHS}"])
    assert number is not None
    return random_config(1, number).model_copy(update={"paths": PATHS})


def pairs(old: Any, books: Books) -> Iterator[tuple[str, Any, Any]]:
    attribution, price, fees, latency = old
    view = books.view
    yield "buckets", attribution.buckets, view.attribution.buckets
    for name in ("flows", "residual", "largest_nav", "deleveraged"):
        yield name, getattr(attribution, name), getattr(view.attribution, name)
    for name in ("first", "now"):
        yield name, getattr(price, name), getattr(view.share_price, name)
    for name in ("usd", "growth"):
        yield name, getattr(fees, name), getattr(view.entries, name)
    yield "latency", latency.usd, view.latency.usd


@pytest.mark.parametrize(("name", "number"), SETTINGS)
def test_the_books_say_what_the_observers_say(name: str | None, number: int | None) -> None:
    config = configuration(name, number)
    protocol, agents = Plan(config, "model", (), 0).setting()
    world = ModelWorld(protocol, draw(config.market, 0, PATHS), BOOK)
    old: Any = [Attribution(world), SharePrice(world), FeesKept(world), LatencyProfit(world)]
    books = Books(world)
    simulate(world, agents, [*old, books])
    tolerated = 1e-12 * old[0].largest_nav.max()
    for what, then, now in pairs(old, books):
        assert np.array_equal(np.isnan(then), np.isnan(now)), what
        scale = np.nanmax(np.abs(then), axis=-1, keepdims=True, initial=0.0)
        atol = 1e-12 * scale if what not in ("residual", "buckets") else tolerated
        assert np.all(np.isnan(then) | (np.abs(now - then) <= atol)), what
