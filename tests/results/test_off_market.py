"""What a share is worth at market prices where the oracle has another."""

from __future__ import annotations

import numpy as np
import pytest

import simulator
from simulator.config import load
from simulator.report.stress import row
from simulator.report.verdict import verdict
from simulator.results.diagnosis import verdicts

BY_RATE = ["oracle.feeds.STETH.source=exchange_rate", "vault.max_slippage=0.08"]


def findings(result: simulator.Result) -> set[str]:
    return {finding["name"] for finding in result.summary["diagnosis"]}


def test_an_oracle_that_does_not_see_a_discount_is_told() -> None:
    result = simulator.run(load("lst-discount", BY_RATE), paths=4, workers=1)
    over = result.paths["return"] - result.paths["return_at_index"]
    # Half of two thirds of NAV is STETH, or more of it as it falls: six per cent of that.
    assert np.all(over.between(0.002, 0.05))
    assert "oracle_off_market" in findings(result)


def test_the_verdict_and_requirements_go_by_the_market_where_the_oracle_hides_a_loss() -> None:
    """A vault that had lost two thirds was said to have gained, and CI was green."""
    required = ["return.mean >= -0.1", "liquidation_probability <= 0.01"]
    config = load("frozen-at-par")
    result = simulator.run(config, paths=8, workers=1, requirements=required)
    said = verdict(result.summary)
    lost = 100 * -result.summary["metrics"]["return_at_index"]["median"]
    assert lost > 40.0
    assert said["tone"] == "bad"
    assert f"at market prices a share lost {lost:.1f}" in said["text"].replace(
        "\N{NO-BREAK SPACE}", " "
    )
    # How often a share lost is counted at the same prices, and told with what the rest goes by.
    lost = (result.paths["return_at_index"] < 0.0).mean()
    assert result.summary["probabilities"]["loss_at_index"]["estimate"] == lost == 1.0
    assert "100.0\N{NO-BREAK SPACE}% of the paths lost money" in said["text"]
    assert row("frozen-at-par", result.summary)["loss"] == 1.0
    page = result.report_html()
    assert page.count(", by the oracle") == 3
    assert "median, by the oracle; worst" in page
    assert "By the oracle that the vault goes by" in page
    assert not result.passed
    (failed,) = [gate for gate in result.summary["gates"] if not gate["holds"]]
    assert failed["requirement"] == "not oracle_off_market"
    assert "return by an oracle" in failed["why"]
    asked = ["return_at_index.mean >= -0.9", "liquidation_probability <= 0.01"]
    assert simulator.run(config, paths=8, workers=1, requirements=asked).passed
    assert row("frozen-at-par", result.summary)["return"] < -0.4


@pytest.mark.parametrize("name", ["lst-discount", "calm"])
def test_an_oracle_at_the_market_is_not(name: str) -> None:
    result = simulator.run(load(name), paths=4, workers=1)
    assert (result.paths["return"] - result.paths["return_at_index"]).abs().max() < 0.006
    assert "oracle_off_market" not in findings(result)
    assert "by the oracle" not in result.report_html().lower()


def test_where_every_round_is_the_index_both_are_one() -> None:
    prompt = ["oracle.deviation=0", "oracle.heartbeat_minutes=1", "vault.entry_fee=0.005"]
    result = simulator.run(load("calm", prompt), paths=3, workers=1)
    assert result.paths["return_at_index"].to_numpy() == pytest.approx(
        result.paths["return"].to_numpy(), abs=1e-9
    )


def test_of_two_findings_of_a_name_the_graver_decides() -> None:
    """A note after a warning, or a warning after an idle one, let requirements hold."""
    named = {"name": "oracle_off_market", "paths": 0.5}
    told = [named | {"severity": severity} for severity in ("warning", "note")]
    idle = [
        {"name": "never_hedged", "paths": 0.5, "severity": each} for each in ("idle", "warning")
    ]
    for order in (1, -1):
        (failed,) = verdicts(told[::order], (), ["return"])
        assert failed["requirement"] == "not oracle_off_market"
        (failed,) = verdicts(idle[::order], (), ["gas"])
        assert failed["requirement"] == "not never_hedged"
    assert verdicts(told, ("oracle_off_market",), ["return"]) == []
    assert verdicts(told, (), ["liquidation_probability"]) == []
