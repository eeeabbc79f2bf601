"""What a run writes is documented, and what is documented is written."""

from __future__ import annotations

import pytest

import simulator
from simulator.config import load
from simulator.result import Result
from simulator.results import columns
from simulator.results.attribution import BUCKETS
from simulator.results.gates import check_names, parse
from simulator.results.metrics import path_columns
from simulator.results.statistics import statistics_of
from simulator.types import Status

REFUSALS = [status.name.lower() for status in Status if status > Status.OK]


@pytest.fixture(scope="module")
def result() -> Result:
    config = load("calm", ["paths=2", "horizon_hours=6"])
    return simulator.run(config, workers=1)


@pytest.mark.parametrize("frame", columns.FRAMES)
def test_every_column_is_documented_and_every_documented_one_is_there(
    result: Result, frame: str
) -> None:
    config = result.config
    # No exposure to USDC's own price stands among the deltas.
    documented = columns.expanded(columns.FRAMES[frame], config.symbols, config.markets, REFUSALS)
    assert set(documented) - {"delta_USDC"} == set(getattr(result, frame).columns)
    for column in columns.FRAMES[frame]:
        assert column.unit
        assert column.meaning


def test_the_terms_of_the_attribution_are_all_explained() -> None:
    assert tuple(columns.TERMS) == BUCKETS


def test_the_metrics_listed_are_those_that_gates_take(result: Result) -> None:
    produced = path_columns(simulator.resolve(result.config))
    listed = columns.metrics()
    markets, names = result.config.markets, []
    for metric in listed:
        written = columns.expanded([metric], result.config.symbols, markets, REFUSALS)
        names += written
        for name in written:
            for statistic in metric.statistics:
                check_names(parse(f"{name}.{statistic} >= 0"), produced)
    assert set(names) == set(statistics_of(produced))
    assert len(names) == len(set(names))
