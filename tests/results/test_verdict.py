"""The verdict says what a depositor would say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.books.buckets import BUCKETS
from simulator.report import verdict as module
from simulator.report.verdict import verdict


def summary(
    *,
    mean: float = 0.01,
    median: float = 0.01,
    es95: float = 0.0,
    loss: float = 0.0,
    liquidated: float = 0.0,
    debts: int = 0,
    fees: float = 0.0,
    **more: Any,
) -> dict[str, Any]:
    """A summary of 1,000 paths as far as the verdict reads it."""

    def share(estimate: float) -> dict[str, float]:
        paths = round(1_000 * estimate)
        return {"estimate": estimate, "low": estimate, "high": estimate, "paths": paths}

    terms = dict.fromkeys(BUCKETS, 0.0) | {"lp_fees": 100.0, "collateral_revaluation": -70.0}
    return {
        "paths": 1_000,
        "metrics": {
            "return": {"mean": mean, "median": median, "es95": es95},
            "return_from_fees": {"mean": fees},
            "bad_debt": {"max": 5_000.0 * debts},
        },
        "probabilities": {
            "loss": share(loss),
            "liquidation": share(liquidated),
            "bad_debt": share(debts / 1_000),
        },
        "attribution": {
            "mean": terms,
            "tail": terms | {"funding": -20.0},
            "worst_path": terms | {"rewards": -900.0},
        },
        "hedge_held": {"mean": 1.0, "tail": 1.0, "worst_path": None},
        "sampling": None,
        "diagnosis": [],
        **more,
    }


@pytest.mark.parametrize(
    ("case", "tone"),
    [
        ({}, "good"),
        ({"loss": 0.25}, "good"),
        ({"loss": 0.4}, "warn"),  # calm, once green
        ({"mean": -0.006}, "warn"),
        ({"median": -0.006}, "warn"),
        ({"liquidated": 0.01}, "warn"),
        ({"loss": 0.51}, "bad"),
        ({"mean": -0.051}, "bad"),
        ({"es95": 0.11}, "bad"),
        ({"debts": 1}, "bad"),
        ({"liquidated": 0.06}, "bad"),
        ({"diagnosis": [{"name": "x", "severity": "idle", "text": "Never opened."}]}, "bad"),
        ({"diagnosis": [{"name": "x", "severity": "note", "text": "Near a limit."}]}, "good"),
    ],
)
def test_tone(case: dict[str, Any], tone: str) -> None:
    assert verdict(summary(**case))["tone"] == tone


@given(
    st.floats(-0.9, 0.9), st.floats(-0.9, 0.9), st.floats(-0.5, 0.9), st.floats(0, 1),
    st.floats(0, 1), st.integers(0, 9),
)  # fmt: skip
def test_green_only_where_no_depositor_would_object(
    mean: float, median: float, es95: float, loss: float, liquidated: float, debts: int
) -> None:
    tone = verdict(
        summary(mean=mean, median=median, es95=es95, loss=loss, liquidated=liquidated, debts=debts)
    )["tone"]
    bad = loss > 0.5 or es95 > module.TAIL_LOST or debts > 0 or liquidated > 0.05 or mean < -0.05
    assert (tone == "bad") == bad
    if tone == "good":
        assert min(mean, median) >= -module.A_LITTLE
        assert loss <= module.NOT_RARE


def test_the_depositors_outcome_comes_first_then_liquidations_and_the_causes() -> None:
    said = verdict(summary(median=0.003, loss=0.4, es95=0.032, fees=0.0012))
    text = said["text"].replace("\N{NO-BREAK SPACE}", " ")
    details = said["details"].replace("\N{NO-BREAK SPACE}", " ")
    assert text == (
        "A loss is not rare: a share gained 0.3 % in the median, 40.0 % of the paths lost money, "
        "and the worst 5 % lost 3.2 % on average"
    )
    assert details.startswith("Never liquidated on any of 1,000 paths")
    assert "Largest cost on average: USDC and collateral, −$70 (in all +$30)." in details
    assert "Largest cost in the worst 5 %: USDC and collateral, −$70 (in all +$10)." in details
    cause = "keeper rewards, −$900 (in all −$870)"
    assert f"Largest cause of loss on the worst path: {cause}." in details
    assert "+0.12 % are entry and exit fees" in details


@pytest.mark.parametrize(
    ("mean", "tail", "ending"),
    [
        (-70.0, -70.0, "; the largest cause is USDC and collateral, on average and in these"),
        (
            -70.0,
            -700.0,
            "; the largest cause is USDC and collateral on average and funding in these",
        ),
        (90.0, -700.0, "; the largest cause in these is funding"),
        (-70.0, 90.0, "; on average the largest cause is USDC and collateral"),
        (90.0, 90.0, "gained 0.0 % on average"),
    ],
)
def test_the_headline_names_the_largest_cause_of_a_loss(
    mean: float, tail: float, ending: str
) -> None:
    """Of the mean and of the worst 5 %, where each lost."""

    def terms(result: float) -> dict[str, float]:
        name = "funding" if result < -100.0 else "collateral_revaluation"
        return dict.fromkeys(BUCKETS, 0.0) | {"lp_delta": -9.0, name: result}

    found = {"mean": terms(mean), "tail": terms(tail), "worst_path": terms(tail)}
    text = verdict(summary(attribution=found))["text"]
    assert text.replace("\N{NO-BREAK SPACE}", " ").endswith(ending)


def test_a_vault_that_did_nothing_is_told_so_first() -> None:
    finding = {"name": "never_opened", "severity": "idle", "text": "Never opened on any path."}
    assert verdict(summary(diagnosis=[finding]))["text"].startswith("Never opened on any path: ")


def test_the_headline_of_an_idle_vault_is_short_and_the_remedy_is_a_detail() -> None:
    why = "vault.keeper_reward = 5 USDC, where a call had to pay $40.34; 132.6 would have paid."
    finding = {
        "name": "never_invested",
        "severity": "idle",
        "text": f"The vault never invested on any path: {why}",
        "field": "vault.keeper_reward",
        "value": 5.0,
        "needed": 132.6,
    }
    said = verdict(summary(diagnosis=[finding]))
    start = "The vault never invested on any path (vault.keeper_reward = 5): a share gained "
    assert said["text"].startswith(start)
    assert "132.6" not in said["text"]
    assert said["details"].startswith(f"Why: {why} ")
    nobody = finding | {"text": "No hedge: nobody posts.", "field": "agents.risk_manager"}
    text = verdict(summary(diagnosis=[nobody | {"value": None}]))["text"]
    assert text.startswith("No hedge (agents.risk_manager): ")


def test_a_replay_of_one_history_is_one_case_and_has_no_interval_of_a_thousand() -> None:
    for one, interval in ((False, True), (True, False)):
        told = verdict(summary(one_history=one))["details"]
        assert ("95\N{NO-BREAK SPACE}% interval" in told) == interval
        assert ("this is one case" in told) == one


@pytest.mark.parametrize(
    ("case", "tone", "lead"),
    [
        ({}, "warn", "Margin holds"),
        ({"mean": -0.7, "median": -0.7, "es95": 0.9, "loss": 1.0}, "warn", "Margin holds"),
        ({"liquidated": 0.01}, "warn", "The vault is liquidated, wicks included: liquidated on 10"),
        ({"liquidated": 0.2}, "bad", "The vault is liquidated"),
        ({"debts": 3}, "bad", "The vault leaves debts"),
    ],
)
def test_where_wicks_are_replayed_it_is_of_liquidation_and_margin_alone(
    case: dict[str, Any], tone: str, lead: str
) -> None:
    made = summary(**case, diagnosis=[{"name": "wicks", "severity": "warning", "text": "Wicks."}])
    made["metrics"]["min_margin_ratio"] = {"min": 0.4321}
    said = verdict(made)
    assert said["tone"] == tone
    assert said["text"].startswith(lead)
    assert "0.43" in said["text"]
    assert "in the median" not in said["text"] + said["details"]
    made["diagnosis"].append({"name": "never_hedged", "severity": "idle", "text": "No hedge."})
    assert verdict(made)["tone"] == "bad"
    assert verdict(made)["text"].startswith("No hedge")
