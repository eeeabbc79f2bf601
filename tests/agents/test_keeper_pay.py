"""The keeper works for pay: every call of its is paid more than it costs, in every scenario."""

from __future__ import annotations

import pytest

import simulator
from simulator.config import load
from simulator.results.upkeep import FUNCTIONS
from tests.scenarios import CHECKED

NAMES = [kind.__name__ for kind in FUNCTIONS.values()]


@pytest.mark.parametrize("name", CHECKED)
def test_no_call_is_made_for_nothing(name: str) -> None:
    """Of what was done, with what the vault had to pay; a rollup's gas is some cents."""
    config = load(name, ["paths=3"])
    result = simulator.run(config, record=3, workers=1)
    keeper = result.events[result.events["agent"] == "keeper"]
    done = keeper[keeper["action"].isin(NAMES) & (keeper["status"] == "OK")]
    assert len(done) > 10
    assert (done["amount_out"] > 0.0).all()


def test_where_nothing_is_idle_nobody_is_paid_and_the_diagnosis_says_why() -> None:
    """Everything invested, and exits that take what comes in."""
    placed = ["vault.lp_allocation=0.65", "vault.margin_allocation=0.35"]
    fall = ["impact=null", "population={}", "shocks.1.size=-0.24", "shocks.1.hold_hours=3"]
    back = ["shocks.0.hold_hours=24", "shocks.0.recovery_hours=48", "shocks.1.recovery_hours=24"]
    others = [*fall, *back, "flow.deposits.flow_per_day=0", "paths=4"]
    config = load("liquidation-cascade", [*placed, *others])
    result = simulator.run(config, workers=1)
    assert (result.paths["keepers_penniless"] > 0).all()
    (said,) = [
        finding for finding in result.summary["diagnosis"]
        if finding["name"] == "keeper_unprofitable"
    ]  # fmt: skip
    assert said["severity"] == "warning"
    assert "no idle USDC to pay them with" in said["text"]
    assert "vault.lp_allocation + vault.margin_allocation = 1," in said["text"]
