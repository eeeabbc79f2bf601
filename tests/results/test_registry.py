"""Metrics are declared once: what a column is of, and what is derived from the declaration."""

from __future__ import annotations

import pytest

from simulator.books.metric import DESCRIBED, MARKET, PARTY, PROVIDER, STATUS, WITH_TAILS
from simulator.config import load, resolve
from simulator.results.registry import BY_NAME, CHANCES, METRICS, metric_of, path_columns
from simulator.terminal import _CHANCES, _SHOWN
from simulator.world.parties import parties

SCENARIOS = ["calm", "aave-hedge", "hedge-liquidation", "liquidation-cascade"]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_column_leads_back_to_the_metric_it_is_of(scenario: str) -> None:
    settings = ["agents.passive_lp.usdc=1e5"] if scenario == "calm" else []
    protocol = resolve(load(scenario, settings))
    columns = path_columns(protocol)
    assert len(columns) == len({*columns})
    counted = {column for slot in protocol.agents for column in slot.columns}  # by agents
    columns = [column for column in columns if column not in counted]
    symbols = [protocol.assets[m.asset].symbol for m in protocol.clearing.markets]
    of = [metric_of(name) for name in columns]
    there = parties(protocol)
    absent = {*([] if there else [PARTY]), *([] if protocol.providers else [PROVIDER])}
    assert {*of} == {metric for metric in METRICS if metric.pattern not in absent}
    for name, metric in zip(columns, of, strict=True):
        assert metric is not None
        if metric.pattern == MARKET:
            assert name in [metric.name.replace(MARKET, symbol) for symbol in symbols]
        elif metric.pattern == PARTY:
            assert name in [metric.name.replace(PARTY, party.name) for party in there]
        elif metric.pattern == PROVIDER:
            assert name == metric.name.replace(PROVIDER, "passive_lp")
        elif not metric.pattern:
            assert name == metric.name


@pytest.mark.parametrize(
    ("column", "metric"),
    [
        ("refused_inventory_limit", f"refused_{STATUS}"),
        ("upkeep_refused_liquidation_limit", f"upkeep_refused_{STATUS}"),
        ("pool_limit", "pool_limit"),
        ("BTC_limit", f"{MARKET}_limit"),
        ("BTC_limit_refusals", f"{MARKET}_limit_refusals"),
        ("realised_beta_SOL", f"realised_beta_{MARKET}"),
    ],
)
def test_a_refusal_that_ends_like_a_limit_is_no_limit(column: str, metric: str) -> None:
    assert metric_of(column) is BY_NAME[metric]


def test_what_nobody_declared_is_of_no_metric() -> None:
    assert metric_of("my_agents_profit") is None
    assert metric_of("refused_nonsense") is None


def test_every_metric_says_what_it_is_and_can_be_shown() -> None:
    assert len(BY_NAME) == len(METRICS)
    for metric in METRICS:
        assert metric.unit
        assert metric.meaning
        assert format(1.5, metric.form)
        assert metric.statistics in ((), DESCRIBED, WITH_TAILS)
    assert {*_SHOWN} <= {*BY_NAME}
    assert all(BY_NAME[name].title and BY_NAME[name].statistics for name in _SHOWN)
    assert {*_CHANCES} == {*CHANCES} == {*("liquidation", "loss", "loss_at_index", "bad_debt")}


def test_money_is_headed_with_its_unit() -> None:
    assert BY_NAME["gas"].heading == "Gas of all agents, USD"
    assert BY_NAME["bad_debt"].heading == "Bad debt, USDC"
    assert BY_NAME["return"].heading == "Return"
