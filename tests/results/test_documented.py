"""Results beside what is documented: named metrics, bands, and an honest "not"."""

from __future__ import annotations

from typing import Any

import pytest

import simulator
from simulator.config import Config, from_mapping, load
from simulator.types import InputError

FIGURE = {
    "figure": "return",
    "metric": "return.median",
    "value": 0.0,
    "low": -1.0,
    "high": 1.0,
    "source": "made up",
}


def short(**changes: Any) -> Config:
    data = load("calm").model_dump() | {"horizon_hours": 24.0, "paths": 4}
    return from_mapping(data | {"documented": [FIGURE | changes]})


def test_ours_stands_beside_what_was_published_near_or_not() -> None:
    for changes, near in (({}, True), ({"value": 0.5, "low": 0.4}, False)):
        result = simulator.run(short(**changes), workers=1)
        (row,) = result.summary["documented"]
        assert row["simulated"] == result.summary["metrics"]["return"]["median"]
        assert row["p5"] <= row["simulated"] <= row["p95"]
        assert row["inside"] is near


def test_a_metric_that_is_none_is_refused_before_anything_runs() -> None:
    with pytest.raises(InputError, match=r"'retrun.*`hedgesim metrics` lists"):
        simulator.run(short(metric="retrun"), workers=1)
    with pytest.raises(InputError, match="has no statistic 'mode'"):
        simulator.run(short(metric="return.mode"), workers=1)


def test_a_band_holds_its_figure() -> None:
    with pytest.raises(ValueError, match=r"documented\.0: low = 0.5, value = 0, high = 1"):
        short(low=0.5)
