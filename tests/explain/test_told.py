"""What is told of the worst path: its timeline, its story, what would have saved it, the page."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from markupsafe import escape

from simulator.config import Config, load
from simulator.config.bounds import bounds
from simulator.explain import rescue
from simulator.explain.evidence import Records
from simulator.explain.frictions import FRICTIONS
from simulator.explain.job import Explanation, explain
from simulator.explain.rescue import Search
from simulator.explain.settings import changed, settings
from simulator.explain.story import saved, tell
from simulator.explain.timeline import clock, span, timeline
from simulator.runner import simulate_chunk
from simulator.runner.plan import Plan, plan_of
from simulator.types import InputError
from tests.explain.planted import FALL, perp, scenario

#: The vault is liquidated at hour 24, just before the fall that its short was there for.
LIQUIDATED = (
    "assets.ETH.volatility=0.05",
    "vault.lp_allocation=0.95",
    "vault.margin_allocation=0.04",
    "vault.margin_target=3",
    "vault.top_up_ratio=2",
    "clearing.markets.ETH.maintenance_rate=0.03",
    "clearing.liquidation_penalty=0.02",
    (
        "shocks=[{kind: squeeze, assets: [ETH], size: 0.12, at_hours: 24},"
        " {kind: crash, assets: [ETH], size: -0.3, at_hours: 25}]"
    ),
)


def recorded(config: Config) -> tuple[Plan, Records]:
    plan = plan_of(config, None, None, "model", (), None)
    found = simulate_chunk(plan, 0, 1, 1)
    assert found.series is not None
    assert found.events is not None
    return plan, Records(plan.config, found.series, found.events, found.paths.iloc[0])


@pytest.fixture(scope="module")
def liquidated() -> tuple[Plan, Records]:
    return recorded(scenario(*LIQUIDATED))


@pytest.fixture(scope="module")
def explained() -> Explanation:
    return explain(scenario(*LIQUIDATED), workers=1)


def test_clocks_are_days_from_zero() -> None:
    assert clock(0.0) == "day 0, 00:00"
    assert clock(302.25) == "day 12, 14:15"
    assert span(302.0, 302.0) == "day 12, 14:00"
    assert span(302.0, 305.0) == "day 12, 14:00 to 17:00"
    assert span(302.0, 330.5) == "day 12, 14:00 to day 13, 18:30"


def test_the_timeline_says_who_was_liquidated_and_how_far_the_pool_moved(
    liquidated: tuple[Plan, Records],
) -> None:
    _, path = liquidated
    entries = timeline(path.config, path.series, path.events)
    assert [entry.start for entry in entries] == sorted(entry.start for entry in entries)
    told = [entry.told() for entry in entries if entry.kind == "liquidation"]
    assert told[0]["hours"] == 24.0
    assert told[0]["text"].startswith("the vault is liquidated")
    size = float(re.search(r"([\d,.]+) ETH closed", told[0]["text"])[1].replace(",", ""))  # type: ignore[index]
    done = path.events[(path.events["action"] == "Liquidate") & (path.events["hours"] == 24.0)]
    assert size == pytest.approx(done["amount_in"].sum(), rel=1e-3)
    price = path.series["pool_price"].to_numpy()
    moved = price[24] / price[23] - 1.0
    assert f"the pool moves {100 * moved:+.1f}" in told[0]["text"].replace("\N{NO-BREAK SPACE}", "")
    assert any("squeeze ETH" in entry.text for entry in entries if entry.kind == "shock")


def test_what_happens_often_is_told_once() -> None:
    _, path = recorded(load("correlation-breakdown", ["paths=1"]))
    entries = timeline(path.config, path.series, path.events)
    assert len(entries) < 60
    done = path.events[(path.events["action"] == "Rebalance") & (path.events["status"] == "OK")]
    told = [entry.times for entry in entries if entry.text == "keeper: rebalance, {times}"]
    assert sum(told) == len(done) > 50
    assert len(told) < 12
    refused = [entry for entry in entries if entry.kind == "refused"]
    ours = path.events["agent"].isin(["keeper", "risk_manager"])
    assert sum(entry.times for entry in refused) == int(
        (ours & ~path.events["status"].isin(["OK", "NONE"])).sum()
    )
    assert any("slippage" in entry.text for entry in refused)


def test_a_configured_monitor_is_the_one_that_warns() -> None:
    settings = ["paths=1", "agents.breakdown_monitor={answers: [breakdown]}"]
    _, path = recorded(load("correlation-breakdown", settings))
    texts = [e.text for e in timeline(path.config, path.series, path.events) if e.kind == "monitor"]
    assert texts
    assert all(text.startswith("the monitor warns") for text in texts)


def test_the_story_names_the_planted_cause_and_when_it_struck(explained: Explanation) -> None:
    story = explained.summary["story"]
    said = explained.summary["statistics"]["es95"]
    part = said["frictions"]["margin"]["shapley"]["value"] / said["all"]["value"]
    first = story[0].replace("\N{NO-BREAK SPACE}", " ")
    assert f"{100 * part:.0f} % is margin that ran short" in first
    assert "first at day 1, 00:00" in story[1]
    assert "It was liquidated on 100.0" in " ".join(story)


def test_the_basis_is_told_with_the_hour_it_opened() -> None:
    config = scenario(perp("BTC"), "vault.betas={BTC: 1.0}", "assets.BTC.volatility=0.01", FALL)
    _, path = recorded(config)
    said = FRICTIONS[0].evidence(path)
    assert said.startswith("ETH left its beta at day 1, ")


@pytest.mark.parametrize("friction", FRICTIONS, ids=lambda one: one.name)
@pytest.mark.parametrize("name", ["calm", "liquidation-cascade", "hedge-liquidation"])
def test_every_friction_has_something_or_nothing_to_say_of_any_path(
    friction: object, name: str
) -> None:
    said = friction.evidence(_path(name))  # type: ignore[attr-defined]
    assert "nan" not in said
    assert not said.endswith(".")


_PATHS: dict[str, Records] = {}


def _path(name: str) -> Records:
    if name not in _PATHS:
        _PATHS[name] = recorded(load(name, ["paths=1"]))[1]
    return _PATHS[name]


# ---------------------------------------------------------------------------------------- rescue


def test_what_saves_the_path_is_found_by_running_it(explained: Explanation) -> None:
    found = explained.summary["rescue"]
    plan = plan_of(explained.config, None, None, "model", (), None)
    before = explained.summary["worst_path"]
    assert found["before"]["value"] == pytest.approx(before["loss"], abs=1e-12)
    assert found["limit"] == pytest.approx(0.5 * before["loss"])
    for key in ("one", "smallest"):
        change = {one["setting"]: one["to"] for one in found[key]["changes"]}
        config = changed(plan.config, change)
        again = simulate_chunk(plan_of(config, None, None, "model", (), None), before["path"], 1, 0)
        row = again.paths.iloc[0]
        assert -row["return"] == pytest.approx(found[key]["value"], abs=1e-12)
        assert -row["return"] <= found["limit"]
        assert not row["liquidated"]
    assert found["smallest"]["size"] <= found["one"]["size"]


def test_a_little_less_of_the_change_does_not_save() -> None:
    """A band that is never left is closed until the hedge is traded again, and no further."""
    config = scenario("paths=1", "vault.hedge_band=0.5", FALL)
    search = Search(plan_of(config, None, None, "model", (), None), 0)
    found = rescue.rescue(search)
    assert found["needed"]
    [change] = found["one"]["changes"]
    grown = change["to"] / change["from"]
    less = change["from"] * grown ** (1.0 - 4.0 * found["resolution"] / abs(np.log(grown)))
    assert search.saves({change["setting"]: change["to"]})
    assert not search.saves({change["setting"]: less})


def test_a_vault_that_never_invests_is_not_saved() -> None:
    config = scenario("paths=1", "vault.hedge_band=0.5", FALL)
    search = Search(plan_of(config, None, None, "model", (), None), 0)
    idle = {"vault.max_slippage": 1e-9}
    found = search.of(idle)
    assert found is None or found.invested < 0.5 or not search.saves(idle)


@pytest.mark.parametrize(
    ("tried", "why"),
    [
        (("vault.hedge_band",), "it saves by hedging less"),
        (("vault.lp_allocation",), "less is at stake, position and hedge alike"),
    ],
)
def test_a_rescue_that_hedges_less_is_told_as_that(
    monkeypatch: pytest.MonkeyPatch, tried: tuple[str, ...], why: str
) -> None:
    """BTC rises under a short that nothing it hedges asked for: all that helps is less of it."""
    monkeypatch.setattr("simulator.explain.settings.TRIED", tried)
    squeeze = "shocks=[{kind: squeeze, assets: [BTC], size: 0.3, at_hours: 24, ramp_hours: 24}]"
    band = "vault.hedge_band=0.02"
    config = scenario(perp("BTC"), "paths=1", "vault.betas={BTC: 1.0}", band, squeeze)
    found = explain(config, frictions=["margin"], workers=1).summary
    best = found["rescue"]["smallest"]
    assert best["hedge"] < 0.9 * found["rescue"]["before"]["hedge"]
    assert why in found["story"][-1]
    # What it is said to hold is what it holds.
    change = {one["setting"]: one["to"] for one in best["changes"]}
    held = []
    for settings_ in ({}, change):
        plan = plan_of(changed(config, settings_), None, None, "model", (), None)
        series = simulate_chunk(plan, 0, 1, 1).series
        assert series is not None
        held.append((series["size_BTC"].abs() * series["oracle_BTC"]).mean())
    expected = [found["rescue"]["before"]["hedge"], best["hedge"]]
    assert held == pytest.approx(expected, rel=0.03)


def test_a_rescue_that_holds_the_hedge_is_not(explained: Explanation) -> None:
    rescue_ = explained.summary["rescue"]
    assert rescue_["smallest"]["hedge"] >= 0.9 * rescue_["before"]["hedge"]
    assert "hedging less" not in " ".join(explained.summary["story"])


def test_liquidations_of_many_paths_are_brought_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rescue, "_LADDER", (0.2, 0.7, 2.0))  # a coarser search, a third as long
    monkeypatch.setattr(rescue, "_PAIRED", 2)
    config = scenario(*LIQUIDATED, "paths=6", "assets.ETH.volatility=0.6")
    found = explain(config, frictions=["margin"], workers=1, liquidations=0.2).summary
    said = found["rescue"]
    assert said["before"]["value"] == found["statistics"]["liquidation"]["all"]["value"] > 0.2
    assert said["smallest"]["value"] <= 0.2
    # Six paths are all there are, so over all of them it is the same.
    assert said["after"]["liquidation"] == pytest.approx(said["smallest"]["value"])
    assert "brings liquidations of the first 6 paths to 20.0" in found["story"][-1]


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(InputError, match="liquidations = "):
        explain("calm", liquidations=share)


def test_a_path_that_loses_less_than_it_may_needs_no_saving() -> None:
    found = explain(scenario(FALL, "paths=1"), workers=1, limit=0.9).summary
    assert not found["rescue"]["needed"]
    assert saved(found) == []


def test_bounds_are_those_of_the_fields() -> None:
    config = scenario(FALL)
    assert bounds(config, "vault.lp_allocation")[1] == 1.0
    assert bounds(config, "vault.lp_allocation")[0] > 0.0
    assert bounds(config, "vault.keeper_share") == (0.0, 0.05)
    for name in settings(config):
        low, high = bounds(config, name)
        assert low < high
    with pytest.raises(InputError, match="lp_allocation"):
        changed(config, {"vault.lp_allocation": 1.5})


# ------------------------------------------------------------------------------------------ page


def test_the_page_says_what_the_summary_says(explained: Explanation, tmp_path: Path) -> None:
    page = explained.save(tmp_path)
    text = page.read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "explain.html",
        "explain.json",
        "losses.parquet",
    ]
    for sentence in explained.summary["story"]:
        assert str(escape(sentence)) in text
    for one in explained.summary["frictions"]:
        assert str(escape(one["title"])) in text
    for entry in explained.summary["worst_path"]["timeline"]:
        assert entry["when"] in text
    assert text.count("<svg") == 5
    assert "http" not in text


def test_the_story_is_the_same_when_it_is_told_again(
    explained: Explanation,
) -> None:
    summary = explained.summary
    plan = plan_of(explained.config, None, None, "model", (), None)
    found = simulate_chunk(plan, summary["worst_path"]["path"], 1, 1)
    assert found.series is not None
    assert found.events is not None
    path = Records(plan.config, found.series, found.events, found.paths.iloc[0])
    assert tell(summary, path) == summary["story"]


def test_a_vault_that_did_nothing_is_said_before_anything_else() -> None:
    found = explain(scenario(FALL, "agents.keeper=null"), workers=1, search=False).summary
    assert "never" in found["notes"][0]
    assert found["notes"][0].startswith("On the worst path the vault was idle: ")
    assert found["notes"][-1].startswith("The worst 5 % of 3 paths is one path")


def test_no_coalition_of_a_stableswap_pledges_what_cannot_be_pledged() -> None:
    """Shares that were valued as a range lost two thirds of a vault with its margin removed."""
    found = explain(load("usdt-depeg", ["paths=2"]), workers=1, search=False).summary
    (margin,) = [one for one in found["frictions"] if one["name"] == "margin"]
    assert margin["absent"].startswith("not measured: shares of a StableSwap")
    said = found["statistics"]["es95"]
    assert abs(said["none"]["value"]) < 0.02
    for name, one in said["frictions"].items():
        assert abs(one["shapley"]["value"]) < 0.02, name
