"""A risk manager who posts what is wrong by a factor: when, how far, and what it cannot do."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from simulator.agents.base import Agent
from simulator.config import Config, from_mapping, load
from simulator.runner import fingerprint
from simulator.types import COVARIANCE_RAMP, Status
from simulator.verify import verify_paths
from simulator.world import actions
from simulator.world.actions import Action, Fill
from simulator.world.base import World
from tests.agents.runs import Log, run

#: It posts every four steps of an hour, once a day of returns is there.
POSTS = (
    "clearing.margin=portfolio",
    "vault.pledged=false",
    "vault.beta_interval_hours=4",
    "agents.risk_manager={window_hours: 24, every_hours: 4, posts_covariance: true}",
)
FIRST, END = 40, 72


def wrong(what: str, factor: float) -> tuple[str, ...]:
    window = f"at_hours: {FIRST}, duration_hours: {END - FIRST}"
    return (*POSTS, f"shocks=[{{kind: misposted, what: {what}, factor: {factor}, {window}}}]")


def test_betas_are_wrong_by_the_factor_as_far_as_the_vault_lets_them() -> None:
    _, log, _ = run(settings=wrong("betas", 3.0))
    _, right, _ = run(settings=POSTS)
    asked, found = (
        {step: action.betas for step, action, _ in one.of("risk_manager", actions.PostBetas)}
        for one in (log, right)
    )
    assert asked.keys() == found.keys()
    for step in asked:
        if step < FIRST:
            np.testing.assert_array_equal(asked[step], found[step])
    vault = load("calm", list(POSTS)).vault
    steps = sorted(asked)
    for before, step in pairwise(steps):
        moved = np.abs(asked[step] - asked[before])
        assert (moved <= vault.beta_max_change * (1.0 + 1e-12)).all()
    last = max(step for step in steps if step < END)
    wanted = np.clip(3.0 * found[last], -vault.beta_max, vault.beta_max)
    np.testing.assert_allclose(asked[last], wanted, atol=0.05)
    np.testing.assert_allclose(asked[steps[-1]], found[steps[-1]], rtol=1e-9)


def test_a_covariance_is_wrong_in_all_its_entries_and_then_right_again() -> None:
    _, log, _ = run(settings=wrong("covariance", 4.0))
    _, right, _ = run(settings=POSTS)
    pairs = zip(
        log.of("risk_manager", actions.PostCovariance),
        right.of("risk_manager", actions.PostCovariance),
        strict=True,
    )
    seen = set()
    for (step, ours, _), (same, theirs, _) in pairs:
        assert step == same
        factor = 4.0 if FIRST <= step < END else 1.0
        seen.add(factor)
        np.testing.assert_allclose(ours.factor, np.sqrt(factor) * theirs.factor, rtol=1e-9)
    assert seen == {1.0, 4.0}


class Margins(Log):
    """Holds every post of a covariance to what it may do to margins in its block."""

    def __init__(self) -> None:
        super().__init__()
        self.before: Any = None
        self.posts = 0

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None:
        if isinstance(action, actions.PostCovariance):
            seen = world.observe()
            self.before = seen.maintenance.copy(), seen.equity.copy()

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
        super().acted(step, world, agent, action, fill)
        if isinstance(action, actions.PostCovariance):
            seen = world.observe()
            np.testing.assert_array_equal(seen.maintenance, self.before[0])
            np.testing.assert_array_equal(seen.equity, self.before[1])
            self.posts += int((fill.status == Status.OK).any())


@pytest.mark.parametrize("factor", [0.01, 100.0])
def test_no_post_makes_anybody_liquidatable_in_its_block(factor: float) -> None:
    """Margins stand where they stood; then comes a quarter of each row at most, over six hours."""
    margins = Margins()
    run(observer=margins, settings=wrong("covariance", factor))
    assert margins.posts > 3
    posts = margins.of("risk_manager", actions.PostCovariance)
    times = [step for step, _, fill in posts if fill.status[0] == Status.OK]
    assert (np.diff(times) * 3600 >= COVARIANCE_RAMP).all()
    # Volatilities are to be a tenth, or ten times, what they were.
    way = next(fill.amount_out[0] for step, _, fill in posts if step in times and step >= FIRST)
    assert way == pytest.approx(0.25 / abs(np.sqrt(factor) - 1.0), rel=0.2)


def test_the_margin_asked_for_grows_over_the_ramp_and_not_before() -> None:
    world, _, _ = run(steps=END, settings=wrong("covariance", 100.0))
    right, _, _ = run(steps=END, settings=POSTS)
    ratio = world.observe().maintenance[0] / right.observe().maintenance[0]
    assert (ratio > 1.5).all()
    world, _, _ = run(steps=FIRST, settings=wrong("covariance", 100.0))
    right, _, _ = run(steps=FIRST, settings=POSTS)
    np.testing.assert_array_equal(world.observe().maintenance, right.observe().maintenance)


# -------------------------------------------------------------------------------- both worlds, runs


def small(what: str) -> Config:
    data = load("misposted-covariance").model_dump() | {"horizon_hours": 40.0}
    data["agents"]["risk_manager"] |= {"window_hours": 6.0, "every_hours": 6.0}
    shock = {"kind": "misposted", "what": what, "factor": 5.0}
    return from_mapping(data | {"shocks": [shock | {"at_hours": 10.0, "duration_hours": 15.0}]})


@pytest.mark.parametrize("what", ["betas", "covariance"])
def test_both_worlds_have_it(what: str) -> None:
    comparison = verify_paths(small(what), 0, 1, 80)
    assert comparison.agrees


def test_it_draws_nothing_and_makes_another_run() -> None:
    wrong_, right = small("betas"), from_mapping(small("betas").model_dump() | {"shocks": []})
    assert wrong_.market.digest() == right.market.digest()
    assert len({fingerprint.of_protocol(c, "model", (), 1) for c in (wrong_, right)}) == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (("agents.risk_manager=null",), r"nobody posts; agents\.risk_manager must be given"),
        (("agents.risk_manager.estimator=fixed",), r"estimator = fixed posts at the first step"),
        (("clearing.margin=gross",), r"clearing\.margin = gross; must be portfolio"),
        (("agents.risk_manager.posts_covariance=false",), r"posts_covariance must be true"),
        (("shocks.0.at_hours=10", "shocks.0.duration_hours=5"), r"must reach a post, of one every"),
        (("shocks.0.factor=0",), r"shocks\.0\.factor = 0"),
    ],
)
def test_what_would_have_no_effect_is_refused(changes: tuple[str, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        load("misposted-covariance", list(changes))
