"""What a run writes is documented, and what is documented is written."""

from __future__ import annotations

import pytest

import simulator
from simulator.books.buckets import BUCKETS, TITLES
from simulator.config import load
from simulator.protocol.statuses import REFUSALS
from simulator.result import Result
from simulator.results import columns
from simulator.results.gates import check_names, parse
from simulator.results.registry import path_columns
from simulator.results.statistics import statistics_of
from simulator.types import InputError
from simulator.world.parties import parties
from simulator.world.protocol import Protocol

LABELS = [status.label for status in REFUSALS]

#: Somebody who provides liquidity beside the vault.
SETTINGS = {"calm": ("agents.passive_lp.usdc=1e5",)}


def providers(protocol: Protocol) -> list[str]:
    """Names of agents that may provide liquidity."""
    return [protocol.agents[agent].name for agent in protocol.providers]


@pytest.fixture(scope="module", params=["calm", "liquidation-cascade"])
def result(request: pytest.FixtureRequest) -> Result:
    config = load(
        request.param, ["paths=2", "horizon_hours=6", "shocks=[]", *SETTINGS.get(request.param, ())]
    )
    return simulator.run(config, workers=1)


@pytest.mark.parametrize("frame", columns.FRAMES)
def test_every_column_is_documented_and_every_documented_one_is_there(
    result: Result, frame: str
) -> None:
    config = result.config
    # No exposure to USDC's own price stands among the deltas.
    protocol = simulator.resolve(config)
    given = (config.symbols, config.markets, LABELS, parties(protocol), providers(protocol))
    documented = columns.expanded(columns.FRAMES[frame], *given)
    counted = {column for slot in protocol.agents for column in slot.columns}  # by agents
    assert set(documented) - {"delta_USDC"} == set(getattr(result, frame).columns) - counted
    for column in columns.FRAMES[frame]:
        assert column.unit
        assert column.meaning


def test_the_terms_of_the_attribution_are_all_explained() -> None:
    terms = columns.FRAMES["attribution"]
    assert tuple(term.name for term in terms) == BUCKETS
    assert len({term.meaning for term in terms}) == len({*TITLES.values()}) == len(BUCKETS)


def test_what_was_asked_of_a_limit_has_its_unit_and_is_no_metric() -> None:
    """Fractions and dollars under one name would be averaged, and gated, together."""
    units = {column.name: column.unit for column in columns.PATHS}
    assert units["pool_limit_asked"] == units["<market>_limit_value"] == "of limit"
    assert units["pool_spot_asked"] == units["<market>_slippage_value"] == "fraction"
    assert (units["pool_lp_cap_asked"], units["<market>_inventory_asked"]) == ("USDC", "USD")
    extremes = {name for name in units if name.endswith(("_asked", "_value"))}
    assert len(extremes) == 2 * (2 + 3 + 6)
    assert not extremes & {metric.name for metric in columns.metrics()}
    with pytest.raises(InputError, match=r"pool_limit_asked"):
        check_names(parse("pool_limit_asked.max <= 1"), list(units))


def test_the_metrics_listed_are_those_that_gates_take(result: Result) -> None:
    protocol = simulator.resolve(result.config)
    counted = {column for slot in protocol.agents for column in slot.columns}  # by agents
    produced = [column for column in path_columns(protocol) if column not in counted]
    listed = columns.metrics()
    markets, names = result.config.markets, []
    for metric in listed:
        given = (result.config.symbols, markets, LABELS, parties(protocol), providers(protocol))
        written = columns.expanded([metric], *given)
        names += written
        for name in written:
            for statistic in metric.statistics:
                check_names(parse(f"{name}.{statistic} >= 0"), produced)
    assert set(names) == set(statistics_of(produced))
    assert len(names) == len(set(names))
