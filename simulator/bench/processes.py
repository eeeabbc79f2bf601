"""Speed of drawing: a whole market, and index prices against NumPy's normals for them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.bench.row import Row
from simulator.bench.worlds import REPEATS, SCENARIO, config_of

if TYPE_CHECKING:
    from simulator.config import Config

PATHS, CHUNK = 10_000, 500
COINS = ("ETH", "BTC", "SOL", "LTC", "XRP")  # and USDC: six assets
_GARCH = {"alpha": 0.05, "gamma": 0.03, "beta": 0.9}
_STATE = {"correlation": {"default": 0.6}}
# The process, and what its time over that of the normals is held to.
PROCESSES: dict[str, tuple[dict[str, Any], str]] = {
    "gbm": ({}, "<= 1.5"),
    "t": ({"dof": 4}, ""),
    "dcc": (
        {"garch": dict.fromkeys(COINS, _GARCH), "news": 0.03, "memory": 0.95, "dof": 5},
        "<= 6",
    ),
    "egarch": (
        {
            "dof": 5,
            "components": {coin: {"news": 0.15, "memory": 0.7, "market": 0.1} for coin in COINS},
            "market_memory": 0.995,
        },
        "<= 6",
    ),
    "regime": (
        {
            "regimes": [_STATE] * 3,
            "transition": [[0.98, 0.01, 0.01], [0.02, 0.97, 0.01], [0.05, 0.05, 0.9]],
        },
        "<= 6",
    ),
    "factor": ({"market_volatility": 0.3, "betas": dict.fromkeys(COINS, 1.0)}, ""),
}


def rows() -> list[Row]:
    """A market, and every process over NumPy's normals that a geometric Brownian motion needs."""
    return [
        Row(
            "draw_path_step_nanoseconds",
            _market(),
            "ns",
            "<= 200",
            f"drawing, a path-step: all market paths of {SCENARIO}, one core's own time",
        ),
        *_ratios(),
    ]


def _market() -> float:
    """Nanoseconds of a chunk of a run, the fastest of a few; nobody else's load counts."""
    from simulator.market.draw import draw
    from simulator.runner.plan import CHUNK_PATHS

    config = config_of(CHUNK_PATHS)
    draw(config.market, 0, 2)  # compiles
    taken = []
    for _ in range(REPEATS):
        began = time.process_time()
        draw(config.market, 0, CHUNK_PATHS)
        taken.append(time.process_time() - began)
    return min(taken) / (CHUNK_PATHS * config.steps) * 1e9


def _ratios() -> list[Row]:
    return [
        Row(
            f"draw_{kind}_to_normals_ratio",
            _ratio(_config({"kind": kind, **parameters})),
            "×",
            target,
            f"time of {PATHS:,} paths × 720 steps × 6 assets, process {kind}, over NumPy's "
            "normals for them",
        )
        for kind, (parameters, target) in PROCESSES.items()
    ]


def _config(process: dict[str, Any]) -> Config:
    from simulator.config import from_mapping, load

    data = load("calm").model_dump()
    for coin in COINS:
        data["assets"].setdefault(coin, {"price": 1.0, "volatility": 0.8})
    return from_mapping(data | {"process": process})


def _ratio(config: Config) -> float:
    """CPU seconds on one core, both sides in turns: a neighbour's load must not tip the ratio."""
    from simulator.market.prices import draw_index
    from simulator.market.streams import Stream

    draw_index(config.market, 0, 2)  # compiles
    drawn = np.empty((CHUNK, config.steps))
    needed = taken = 0.0
    for first in range(0, PATHS, CHUNK):
        began = time.process_time()
        for symbol in config.symbols:
            for row, generator in zip(
                drawn, Stream(config.seed, symbol).paths(first, CHUNK), strict=True
            ):
                generator.standard_normal(out=row)
        between = time.process_time()
        draw_index(config.market, first, CHUNK)
        needed += between - began
        taken += time.process_time() - between
    return taken / needed
