"""The stateful campaign in small: the machine of Hypothesis, seeded runs, the search for profit."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.stateful import checked, driver, profit, replay
from tests.stateful.machine import SystemMachine
from tests.stateful.mismatch import Mismatch
from tests.stateful.rules import RULES

SystemMachine.TestCase.settings = settings(
    max_examples=6,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
TestSystemMachine = SystemMachine.TestCase

ATTACKERS = {
    "donor": ("donate", "donate_liquidity"),
    "flash borrower": ("flash",),
    "sandwicher": ("sandwich",),
    "oracle pusher": ("faulty_report",),
    "two colluders": ("collude",),
    "reentrant token": ("reenter",),
    "griefer": ("grief",),
    "stolen role key": ("stolen_risk_key", "stolen_owner_key"),
}


def test_there_are_25_rules_40_invariants_and_every_attacker() -> None:
    assert len(RULES) >= 25
    assert len(checked.INVARIANTS) >= 40
    assert all(rule in RULES for rules in ATTACKERS.values() for rule in rules)


@pytest.fixture(scope="module")
def runs() -> driver.Campaign:
    """Twelve runs of all rules from a fixed seed, in every variant."""
    return driver.campaign(1, 1_800, workers=1)


def test_books_agree_and_invariants_hold_after_every_step(runs: driver.Campaign) -> None:
    assert not runs.failures, runs.failures[0].script()
    assert runs.steps >= 1_800
    assert runs.seen["trade done"] > 20


@pytest.mark.parametrize("name", sorted(checked.INVARIANTS))
def test_invariant(runs: driver.Campaign, name: str) -> None:
    """Each by its name, as tests/PROPERTIES.md lists them: checked as often as its turn came."""
    turns = runs.steps // checked.SOMETIMES.get(name, 1)
    assert runs.seen[name] >= turns - 12
    assert not any(name in failure.message for failure in runs.failures)


def test_no_attack_pays() -> None:
    found = profit.search(1, 2_400, workers=1)
    assert found.sequences >= 2_400
    assert found.best <= 0, found.by


def test_the_search_finds_money_that_lies_around() -> None:
    """A pool one percent away from the index pays whoever brings it back."""
    found = profit.Search(1, astray=100).run(150)
    assert found.best > 0


def test_a_failure_is_printed_as_a_script_that_fails_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A planted invariant: the failure is found, shrunk to the culprit, and replayed."""

    def no_donations(world: Any) -> None:
        if world.book.donated_usdc:
            raise Mismatch("somebody gave the vault something")

    monkeypatch.setitem(checked.INVARIANTS, "inv_no_donations", no_donations)
    operations: driver.Operations = [
        ("deposit", ["depositor", 10**9]),
        ("donate", ["vault", 0, 10**6]),
        ("advance", [12, 0, 0, 0, 0, 0]),
    ]
    failed = driver.Failure("gross", operations, f"seed 0: {driver.fails('gross', operations)}")
    script = driver.shrunk(failed).script()
    assert [json.loads(line)[0] for line in script.splitlines()[1:]] == ["donate"]
    with pytest.raises(Mismatch, match="gave the vault"):
        replay.replay(script)
    monkeypatch.delitem(checked.INVARIANTS, "inv_no_donations")
    assert replay.replay(script) == 0
    assert "donate" in capsys.readouterr().out
