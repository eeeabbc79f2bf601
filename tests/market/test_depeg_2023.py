"""The weekend of 11 March 2023 as two venues recorded it, minute by minute: figures and bands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from simulator.config import load
from simulator.market.prices import draw_index
from simulator.types import Floats

PATHS = 400
STEP = 0.25  # hours
LOW_AT = 55.25  # 11 March 07:15, in hours from 9 March 00:00 UTC


@dataclass(frozen=True)
class Depeg:
    """What happened on each path ``[P]``; hours, but the half-life in minutes."""

    low: Floats
    when: Floats
    below_95: Floats
    below_90: Floats
    back_at_95: Floats
    back_at_97: Floats
    half_life: Floats
    hourly: Floats
    worst: Floats


def _since(prices: Floats, lows: Floats, level: Floats) -> Floats:
    """Hours from each path's low to its first price of ``level`` ``[P]``."""
    later = np.arange(len(prices))[:, None] >= lows
    return (np.argmax((prices >= level) & later, axis=0) - lows) * STEP


def measured(prices: Floats) -> Depeg:
    """Of quarter-hourly prices ``[T + 1, P]`` that end above 0.97."""
    lows = np.argmin(prices, axis=0)
    low = prices.min(axis=0)
    hours = np.diff(np.log(prices[24 * 4 : 120 * 4 + 1 : 4]), axis=0)  # 10 to 13 March
    return Depeg(
        low=low,
        when=lows * STEP,
        below_95=np.sum(prices < 0.95, axis=0) * STEP,
        below_90=np.sum(prices < 0.90, axis=0) * STEP,
        back_at_95=_since(prices, lows, np.full_like(low, 0.95)),
        back_at_97=_since(prices, lows, np.full_like(low, 0.97)),
        half_life=60 * _since(prices, lows, (1.0 + low) / 2),
        hourly=hours.std(axis=0),
        worst=np.min(prices[1:] / prices[:-1] - 1.0, axis=0),
    )


def test_the_measure_reads_a_path_that_was_written_down() -> None:
    prices = np.ones((121 * 4, 1))
    prices[200:208, 0] = [0.96, 0.94, 0.88, 0.89, 0.94, 0.95, 0.949, 0.97]
    found = measured(prices)
    assert found.low[0] == 0.88
    assert found.when[0] == 202 * STEP
    assert found.below_95[0] == 5 * STEP
    assert found.below_90[0] == 2 * STEP
    assert found.back_at_95[0] == 3 * STEP
    assert found.back_at_97[0] == 5 * STEP
    assert found.half_life[0] == 30
    assert found.worst[0] == pytest.approx(0.88 / 0.94 - 1)


@pytest.fixture(scope="module")
def depeg() -> Depeg:
    return measured(draw_index(load("usdc-depeg-2023").market, 0, PATHS)[0])


@pytest.mark.parametrize(
    ("figure", "low", "high"),
    [
        ("low", 0.864, 0.884),
        ("when", LOW_AT - 0.5, LOW_AT + 0.5),
        ("below_95", 0.8 * 14.8, 1.2 * 14.8),
        ("below_90", 0.9, 1.5),
        ("back_at_95", 0.8 * 10.7, 1.2 * 10.7),
        ("back_at_97", 0.8 * 13.2, 1.2 * 13.2),
        ("half_life", 0.8 * 455, 1.2 * 486),
        ("hourly", 0.8 * 0.0120, 1.2 * 0.0120),
        ("worst", -1.2 * 0.040, -0.8 * 0.040),
    ],
)
def test_the_median_path_is_that_of_the_record(
    depeg: Depeg, figure: str, low: float, high: float
) -> None:
    assert low <= np.median(getattr(depeg, figure)) <= high


def test_paths_differ_in_how_deep_they_fall(depeg: Depeg) -> None:
    fifth, last = np.quantile(depeg.low, [0.05, 0.95])
    assert 0.83 < fifth < 0.86
    assert 0.885 < last < 0.90
    assert len(np.unique(depeg.low)) == PATHS


def test_bitcoin_falls_on_the_day_before() -> None:
    config = load("usdc-depeg-2023")
    noon = draw_index(config.market, 0, PATHS)[config.symbols.index("BTC"), 12 * 4 :: 24 * 4]
    days = np.median(noon[1:3] / noon[:2] - 1, axis=1)  # from noon of the 9th, of the 10th
    assert days == pytest.approx([-0.087, 0.021], abs=0.01)
