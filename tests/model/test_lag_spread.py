"""The spread that prices a lagging feed in: closed form, SPEC's table and what a trade pays."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from simulator.types import Status
from simulator.world.protocol import lag_spread
from tests.feeds import deviating
from tests.model.venue import BTC, Venue, protocol

SPEC = Path(__file__).parents[2] / "contracts" / "SPEC.md"
ROW = re.compile(r"^  \| ([\d.]+) % \|(.+)\|$", re.MULTILINE)
OWN = 1e-4  # half_spread of SPEC's table
POINT = 1e-4


def rise(move: float, spread: float, fee: float) -> float:
    """Profit per USD of buying, a rise by ``move`` and selling."""
    return (1 + move) * (1 - spread) * (1 - fee) - (1 + spread) * (1 + fee)


def fall(move: float, spread: float, fee: float) -> float:
    """Profit per USD of selling, a fall by ``move`` and buying back."""
    return (1 - spread) * (1 - fee) - (1 - move) * (1 + spread) * (1 + fee)


def test_the_table_of_the_specification_is_the_closed_form() -> None:
    rows = [
        (float(percent) / 100, [float(cell) for cell in rest.split("|")])
        for percent, rest in ROW.findall(SPEC.read_text(encoding="utf-8"))
    ]
    assert sorted({deviation for deviation, _ in rows}) == [0.001, 0.0025, 0.005, 0.01]
    assert len(rows) == 12
    for deviation, (points, *found) in rows:
        fee = points * POINT
        charged = max(OWN, lag_spread(deviation, fee))
        expected = [
            rise(deviation, OWN, fee),
            fall(deviation, OWN, fee),
            charged,
            rise(deviation, charged, fee),
            fall(deviation, charged, fee),
        ]
        assert found == pytest.approx([value / POINT for value in expected], abs=0.0051)


@pytest.mark.parametrize("fee", [0.0, 0.0005, 0.002])
@pytest.mark.parametrize("deviation", [0.0, 0.003, 0.05])
def test_a_trade_pays_the_greater_of_the_markets_spread_and_the_feeds(
    deviation: float, fee: float
) -> None:
    terms = protocol((1e6, 0.0), market={"half_spread": 0.0005, "taker_fee": fee})
    terms = replace(terms, feeds=deviating(terms, 0.0, 0.0, deviation))
    venue = Venue(terms)
    assert venue.trade(0, BTC, 1.0) == Status.OK
    expected = max(0.0005, lag_spread(deviation, fee))
    assert terms.half_spread(BTC) == expected
    assert venue.of("cost", 0, BTC) == pytest.approx(30_000.0 * (1 + expected), rel=1e-12)
