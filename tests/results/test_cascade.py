"""What a run says of a cascade, beside its own records; the feedback by the depth of the market."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest

import simulator
from simulator.config import Config, load, resolve
from simulator.market.draw import draw
from simulator.report.cascade import multipliers
from simulator.report.graph import Flow, graph
from simulator.result import Result
from simulator.results.cascade import cascade, feedback, median_path
from simulator.results.registry import path_columns
from simulator.runner.chunk import simulate_chunk
from simulator.runner.plan import plan_of
from simulator.types import Floats, InputError
from simulator.world.actions import Liquidate
from simulator.world.parties import parties

NAME = "liquidation-cascade"
THIN = 1e8  # USD for 1 %, as the scenario has it


def deep(times: float, paths: int = 24) -> Config:
    """Five days of it, the crash on the third, in a market so many times as deep."""
    depth = f"impact.depth_usd.ETH={times * THIN}"
    return load(NAME, [f"paths={paths}", "horizon_hours=96", depth])


@pytest.fixture(scope="module")
def result() -> Result:
    return simulator.run(deep(1.0), workers=1, feedback=True)


@pytest.fixture(scope="module")
def told(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = result.summary["cascade"]
    return found


# ------------------------------------------------------------------------------------- its figures


def test_news_forced_orders_and_other_flow_make_the_fall_on_every_path(result: Result) -> None:
    rows = [party.name for party in parties(resolve(result.config))]
    forced = result.paths[[f"low_{name}" for name in rows]].sum(axis=1)
    np.testing.assert_allclose(result.paths["low_forced"], forced, rtol=0, atol=1e-15)
    parts = result.paths["low_news"] + result.paths["low_other"] + forced
    np.testing.assert_allclose(parts, result.paths["index_low"], rtol=0, atol=1e-12)
    assert (forced < -0.02).all()


def test_without_what_flows_did_every_step_is_the_drawn_price(result: Result) -> None:
    """The parts are followed by whose they are; their sum must be what the market was moved by."""
    market = draw(result.config.market, 0, 3)
    for path in range(3):
        series = result.series[result.series["path"] == path]
        moved = series["impact_forced"] + series["impact_other"]
        drawn = series["index_ETH"] / np.exp(moved)
        np.testing.assert_allclose(drawn, market.index[1, :, path], rtol=1e-12)


def test_the_summary_adds_up_as_the_paths_do(told: dict[str, Any]) -> None:
    for which in ("median_path", "worst_path"):
        low = told["low"][which]
        assert sum(low["parts"].values()) == pytest.approx(low["fall"], abs=1e-12)
    mean = told["low"]["mean"]
    parts = sum(part["estimate"] for part in mean["parts"].values())
    assert parts == pytest.approx(mean["fall"]["estimate"], abs=1e-12)
    assert mean["forced"]["low"] < mean["forced"]["estimate"] < mean["forced"]["high"]


def test_what_was_liquidated_at_the_venue_is_what_its_events_say(result: Result) -> None:
    """Size closed at the oracle's price of the step, event by event, by account."""
    protocol = resolve(result.config)
    found = result.events[
        (result.events["action"] == Liquidate.__name__) & (result.events["status"] == "OK")
    ]
    prices = result.series.set_index(["path", "step"])["oracle_ETH"]
    usd = (
        found["amount_in"] * prices.loc[list(zip(found["path"], found["step"], strict=True))].values
    )
    recorded = result.series["path"].unique()
    seen = 0.0
    for party in parties(protocol):
        if not party.accounts:
            continue
        of = usd[found["account"].isin(party.accounts)].groupby(found["path"]).sum()
        column = result.paths.set_index("path")[f"liquidated_{party.name}"].loc[recorded]
        expected = of.reindex(recorded, fill_value=0.0)
        # Beyond that, those whom somebody closed who left at a profit: no event names them.
        more = column - expected
        assert (more > -1e-6).all()
        assert (more < 0.2 * column + 1e-6).all()
        assert np.isclose(column, expected, rtol=1e-9).mean() > 0.5
        seen += float(expected.sum())
    assert seen > 1e6


def test_whom_it_was_sold_to_is_all_that_was_liquidated(result: Result) -> None:
    for party in parties(resolve(result.config)):
        if party.venue != "clearing_house":
            continue
        columns = [f"sold_to_{whom}_{party.name}" for whom in ("maker", "winners", "vault")]
        sold = result.paths[columns].sum(axis=1).abs()
        np.testing.assert_allclose(sold, result.paths[f"liquidated_{party.name}"], rtol=1e-9)
    taken = result.paths["sold_to_vault_leveraged_long"]
    np.testing.assert_allclose(taken, result.paths["adl_notional"], rtol=1e-9, atol=1e-6)
    assert taken.max() > 1e4


def test_what_was_owed_is_the_bad_debt(result: Result) -> None:
    """At the venue all bad debt is borne by insurance, venue or traders, and nobody else's."""
    borne = [f"owes_{whom}" for whom in ("insurance", "venue", "traders")]
    names = [party.name for party in parties(resolve(result.config))]
    owed = result.paths[[f"{one}_{name}" for one in borne for name in names]].sum(axis=1)
    np.testing.assert_allclose(owed, result.paths["bad_debt"], rtol=0.02)
    assert owed.max() > 1e3


def test_crowds_elsewhere_are_what_their_own_metrics_say(result: Result) -> None:
    crowds = [party.name for party in parties(resolve(result.config)) if party.crowd >= 0]
    total = result.paths[[f"liquidated_{name}" for name in crowds]].sum(axis=1)
    np.testing.assert_allclose(total, result.paths["forced_usd"], rtol=1e-9)
    np.testing.assert_allclose(
        result.paths["sold_to_outside_ETH_short"], -result.paths["liquidated_ETH_short"], rtol=1e-9
    )


def test_over_time_it_comes_to_what_it_is_in_the_end(result: Result, told: dict[str, Any]) -> None:
    for venue in told["venues"]:
        name = f"liquidated_{venue['name']}"
        series = result.worst_series[name].to_numpy()
        assert (np.diff(series) >= 0.0).all()
        assert series[-1] == pytest.approx(venue["liquidated"]["worst_path"])
        over_time = venue["over_time"]["mean"]
        assert over_time[-1] == pytest.approx(venue["liquidated"]["mean"], rel=1e-6)
        assert over_time[0] == 0.0


def test_the_order_told_is_that_of_the_first_liquidations(
    result: Result, told: dict[str, Any]
) -> None:
    assert [one["place"] for one in told["order"]] == sorted(one["place"] for one in told["order"])
    hours = [one["hours"] for one in told["order"]]
    assert hours == sorted(hours)
    events = result.worst_events
    done = events[(events["action"] == Liquidate.__name__) & (events["status"] == "OK")]
    first = {one["party"]: one for one in told["order"]}
    checked = 0
    for party in parties(resolve(result.config)):
        own = done[done["account"].isin(party.accounts)]
        assert (party.name in first) == bool(len(own)) or party.crowd >= 0
        if len(own):
            assert first[party.name]["step"] == own["step"].iloc[0]
            checked += 1
    assert checked
    sold = result.worst_series["liquidated_perps_elsewhere"].to_numpy()
    crowds = [one["step"] for name, one in first.items() if name in ("ETH_long", "ETH_short")]
    assert min(crowds) == int(np.argmax(sold > 0.0))


def test_who_fell_before_whom_is_counted_over_all_paths() -> None:
    """Three paths by hand: a before b, b alone, both at once."""
    protocol = resolve(load(NAME))
    names = [party.name for party in parties(protocol)]
    paths, fan = _nothing(names, 3)
    paths["fell_place_ETH_long"] = [1.0, np.nan, 1.0]
    paths["fell_place_ETH_short"] = [2.0, 1.0, 1.0]
    found = cascade(protocol, paths, fan, 0, 0.25)
    assert found is not None
    assert found["before"]["ETH_long"]["ETH_short"] == pytest.approx(1 / 3)
    assert found["before"]["ETH_short"]["ETH_long"] == pytest.approx(1 / 3)
    assert [one["party"] for one in found["order"]] == ["ETH_long", "ETH_short"]


def _nothing(names: list[str], count: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Paths on which nothing happened, and a fan of them."""
    of = resolve(load(NAME))
    zero = {name: np.zeros(count) for name in path_columns(of)}
    paths = pd.DataFrame(zero | {"path": np.arange(count), "weight": np.ones(count)})
    for name in names:
        paths[f"fell_place_{name}"] = np.nan
    empty = np.empty(0)
    fan = pd.DataFrame({"quantity": [], **dict.fromkeys(("hours", "mean", "p5", "p95"), empty)})
    return paths, fan


def test_the_median_path_is_the_lower_of_two_in_the_middle() -> None:
    paths = pd.DataFrame({"path": range(4), "return": [0.3, -0.2, 0.1, 0.0]})
    assert median_path(paths) == 3


# ------------------------------------------------------------------------------------ the feedback


def test_the_multiplier_goes_to_one_as_the_market_is_deeper(result: Result) -> None:
    """The same draws in markets 1, 10, 1,000 and ten million times as deep."""
    found = [result.summary["cascade"]["feedback"]]
    for times in (10.0, 1e3, 1e7):
        run = simulator.run(deep(times), workers=1, feedback=True)
        found.append(run.summary["cascade"]["feedback"])
    for what, least in (("index", 1.2), ("vault", 1.5)):
        multipliers = [one[what]["multiplier"] for one in found]
        assert multipliers[0]["low"] > least  # where it is thin, beyond doubt
        excess = [one["estimate"] - 1.0 for one in multipliers]
        assert all(abs(later) < 0.5 * abs(before) for before, later in pairwise(excess))
        assert abs(excess[-1]) < 1e-3


def test_without_feedback_nothing_of_the_fall_is_forced(result: Result) -> None:
    plan = replace(plan_of(deep(1.0), 4, None, "model", (), None), feedback=False)
    paths = simulate_chunk(plan, 0, 4, 0).paths
    assert (paths["low_forced"] == 0.0).all()
    assert (paths["liquidated_ETH_long"] > 0.0).all()
    assert (paths["index_low"] > result.paths["index_low"][:4]).all()


def test_the_same_paths_with_themselves_have_a_multiplier_of_one(result: Result) -> None:
    found = feedback(result.paths, result.paths)
    for what in ("vault", "index"):
        assert found[what]["multiplier"]["estimate"] == 1.0
        assert found[what]["more"] == {"estimate": 0.0, "low": 0.0, "high": 0.0}


def test_where_nothing_is_lost_without_it_there_is_no_multiplier(result: Result) -> None:
    gained = result.paths.assign(**{"return": 0.01})
    found = feedback(result.paths, gained)
    assert found["vault"]["multiplier"] is None
    told = {"feedback": found}
    assert "nothing is lost without it" in multipliers(told)[0]


# ------------------------------------------------------------------------------------------- shown


def test_a_run_that_was_not_asked_shows_no_multiplier(result: Result) -> None:
    page = simulator.run(deep(1.0, 2), workers=1).report_html()
    assert "The cascade" in page
    assert f"hedgesim run {NAME} --feedback" in page
    assert "Multiplier" not in page
    asked = result.report_html()
    assert "--feedback</code>" not in asked
    figure = result.summary["cascade"]["feedback"]["index"]["multiplier"]["estimate"]
    assert f"{figure:.2f} (" in asked


def test_a_report_without_parties_has_no_such_section() -> None:
    calm = simulator.run("calm", paths=2, workers=1)
    assert calm.summary["cascade"] is None
    assert "The cascade" not in calm.report_html()
    assert '<svg class="graph"' not in calm.report_html()


def test_the_graph_s_amounts_are_the_run_s(result: Result, told: dict[str, Any]) -> None:
    from simulator.report.format import usd

    page = result.report_html()
    drawn = re.findall(r'class="amount"[^>]*>([^<]+)<', page)
    assert sorted(drawn) == sorted(usd(flow["usd"]) for flow in told["flows"]["mean"])
    sellers = {flow["from"] for flow in told["flows"]["mean"] if flow["what"] == "sells"}
    assert {"ETH longs elsewhere", "leveraged long", "arbitrageurs"} <= sellers
    table = page[page.index("The same as a table") :]
    for flow in told["flows"]["worst_path"]:
        assert usd(flow["usd"]) in table


def test_an_arrow_is_as_wide_as_the_root_of_its_amount() -> None:
    flows = [Flow("a", "b", 100.0), Flow("a", "c", 25.0), Flow("<d>", "b", 1.0)]
    svg = graph("who", flows, "orange", lambda usd: f"{usd:g}")
    widths = [float(width) - 1.5 for width in re.findall(r'stroke-width="([\d.]+)"', svg)]
    assert widths == pytest.approx([11.0, 5.5, 1.1], abs=0.051)
    assert "&lt;d&gt;" in svg
    assert svg.count("<polygon") == 3


def test_feedback_is_refused_where_nothing_forced_moves_a_price() -> None:
    with pytest.raises(InputError, match="in calm no liquidation moves a price"):
        simulator.run("calm", paths=1, feedback=True)


def test_borrowers_of_the_lending_market_are_parties_of_their_own() -> None:
    """What each repaid is what their own book says, and it went to the liquidator, then outside."""
    config = load("lending-cascade", ["paths=3"])
    paths = simulator.run(config, workers=1).paths
    assert config.lending is not None
    names = [f"borrower_{name}" for name in config.lending.borrowers]
    repaid = of_all(paths, "liquidated", names)
    assert repaid.min() > 1e6
    np.testing.assert_allclose(repaid, paths["borrower_repaid"], rtol=1e-12)
    np.testing.assert_allclose(of_all(paths, "sold_to_liquidator", names), repaid, rtol=1e-12)
    # What was seized is sold, the bonus with it, at an index that had moved on.
    outside = of_all(paths, "sold_to_outside", names)
    np.testing.assert_allclose(outside, 1.045 * repaid, rtol=0.03)
    forced = of_all(paths, "low", names)
    assert forced.max() < 0.0
    np.testing.assert_allclose(forced, paths["low_forced"], rtol=1e-9)
    assert (paths["fell_place_borrower_eager"] == 1.0).all()
    assert paths["fell_place_borrower_careful"].isna().all()


def of_all(paths: pd.DataFrame, what: str, names: list[str]) -> Floats:
    found: Floats = paths[[f"{what}_{name}" for name in names]].sum(axis=1).to_numpy()
    return found
