"""The worst path in words says what its metrics and its attribution say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import simulator
from simulator.books.activity import LIQUIDATED
from simulator.config import load
from simulator.protocol.action_spec import Role
from simulator.report import sections, story
from simulator.report.format import count, number, usd
from simulator.result import Result
from simulator.world.actions import having


@pytest.fixture(scope="module")
def liquidated() -> Result:
    return simulator.run("hedge-liquidation", paths=12, workers=1)


def told(result: Result) -> tuple[pd.Series, str]:
    worst = result.summary["worst_path"]
    row = result.paths.set_index("path").loc[worst["path"]]
    return row, " ".join(worst["story"]).replace("\N{NO-BREAK SPACE}", " ")


def test_the_margin_ratio_told_is_the_lowest_of_the_path(liquidated: Result) -> None:
    """Within a step it is thinner than at any step's end, where the series is read."""
    row, text = told(liquidated)
    ends = liquidated.worst_series["margin_ratio"].min()
    assert row["min_margin_ratio"] < ends
    assert f"The margin ratio fell to {number(row['min_margin_ratio'])} times maintenance" in text
    assert f": {number(ends)}." in text


def test_penalties_told_are_those_of_the_attribution(liquidated: Result) -> None:
    row, text = told(liquidated)
    done = liquidated.worst_events["status"] == "OK"
    mine = liquidated.worst_events["account"] <= len(liquidated.config.markets)
    times = int((done & mine & (liquidated.worst_events["action"] == "Liquidate")).sum())
    assert times > 0
    assert f"liquidated {count(times, 'time')} ({times} of a perp), first at hour" in text
    closed = int(row["liquidations"]) - times
    assert ("by others who left at a profit" in text) == (closed > 0)
    assert f"the penalties came to {usd(-row['liquidation_penalty'])} in all." in text


def events(*rows: tuple[str, int, str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["action", "account", "status"])
    figures: dict[str, Any] = {"hours": np.arange(len(rows)) + 5.0, "market": 0, "amount_in": 2.0}
    frame["action"] = frame["action"].astype("category")  # as records keep it
    return frame.assign(**figures, amount_out=100.0)


EVENTS = events(
    ("LiquidatePledge", 0, "OK"),
    ("Liquidate", 1, "OK"),
    ("LiquidateLoan", -1, "OK"),
    ("LiquidateLoan", -1, "OK"),
    ("LiquidatePledge", 7, "OK"),  # somebody else's
    ("Liquidate", 0, "NOT_LIQUIDATABLE"),
    ("Liquidate", 7, "NOT_LIQUIDATABLE"),
)


def test_pledges_and_loans_are_told_among_the_liquidations() -> None:
    config, row = load("calm"), pd.Series({"liquidation_penalty": -4_550.0})
    (text,) = story._liquidations(config, EVENTS, row)
    assert text == (
        "The vault was liquidated 4 times (1 of a perp, 1 of its pledged liquidity and 2 of a loan "
        "on Aave), first at hour 5; the penalties came to $4.55k in all."
    )
    (text,) = story._liquidations(config, EVENTS.iloc[2:3], row)
    assert text.startswith("The vault was liquidated 1 time (1 of a loan on Aave), first at hour 7")
    assert story._liquidations(config, EVENTS.iloc[4:], row) == []


def test_every_way_to_be_liquidated_is_told_and_shown() -> None:
    counted = {kind.__name__ for kind in LIQUIDATED}
    assert set(story._LIQUIDATED) == counted
    shown = {action for _, action, _ in (*sections._LANES, *sections._LANES_IF_ANY)}
    assert {kind.__name__ for kind in having(Role.LIQUIDATION)} <= shown
    # What is longer is cut off at the edge of the page.
    assert all(len(name) <= len("liquidation") for name, *_ in sections._LANES_IF_ANY)


def test_the_timeline_has_the_vaults_pledges_and_loans(liquidated: Result) -> None:
    class Run:
        config, worst_events = liquidated.config, EVENTS

    run: Any = Run()
    shown = sections.worst_events(run)
    for lane in ("liquidation 1", "of pledge 1", "of loan 2", "refused 1"):
        assert f">{lane}</text>" in shown
    assert "collateral" not in shown
    assert "of pledge" not in sections.worst_events(liquidated)
