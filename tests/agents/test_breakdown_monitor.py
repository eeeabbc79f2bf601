"""What the breakdown monitor promises: answers within the vault's limits, in both worlds."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.comparison import compare, expand
from simulator.config import load
from simulator.market.paths import MarketPaths
from simulator.types import InputError, Status
from simulator.verify import TOLERANCE, verify_paths
from simulator.world import actions
from tests.agents.runs import run

BREAK = 60  # step at which the hedge assets leave the base asset
SETTINGS = (
    "agents.breakdown_monitor={window_hours: 24, warmup_hours: 36, false_alarm_hours: 20000}",
    "vault.beta_interval_hours=4",
    "agents.breakdown_monitor.beta_multiple=1",
)


def _decoupled(market: MarketPaths) -> MarketPaths:
    """From :data:`BREAK` on the base asset moves ten times as much, the other way."""
    prices = market.index[1]
    moves = np.diff(np.log(prices), axis=0)
    moves[BREAK:] *= -10.0
    prices[1:] = prices[0] * np.exp(np.cumsum(moves, axis=0))
    return market


def test_it_answers_a_breakdown_and_keeps_within_the_vaults_limits() -> None:
    world, log, _ = run("calm", change=_decoupled, settings=SETTINGS)
    posts = log.of("breakdown_monitor", actions.PostBetas)
    vault = world.protocol.vault
    rang = np.zeros(world.market.paths, np.bool_)
    for step, action, fill in posts:
        assert set(np.unique(fill.status)) <= {Status.NONE, Status.OK}
        assert np.all(np.abs(action.betas[:, action.when]) <= vault.beta_max)
        rang |= action.when & (step >= BREAK)
    assert rang.mean() > 0.7
    early = sum(int(action.when.sum()) for step, action, _ in posts if step < BREAK)
    assert early <= 1


def test_betas_turn_with_what_was_seen_since() -> None:
    """The base asset now falls when its hedges rise: the short is taken back."""
    settings = (*SETTINGS, "agents.risk_manager.estimator=fixed")
    world, log, _ = run("calm", change=_decoupled, settings=settings)
    answered = np.zeros(world.market.paths, np.bool_)
    for _, action, _ in log.of("breakdown_monitor", actions.PostBetas):
        answered |= action.when
    before = log.of("risk_manager", actions.PostBetas)[0][1].betas.sum(axis=0)
    after = world.observe().betas.sum(axis=0)
    assert answered.any()
    assert np.all(after[answered] < before[answered] - 0.3)


def test_after_the_answer_betas_go_back() -> None:
    short = SETTINGS[0].replace("}", ", hold_hours: 6, every_hours: 4}")

    def brief(market: MarketPaths) -> MarketPaths:
        prices = market.index[1]
        moves = np.diff(np.log(prices), axis=0)
        moves[BREAK : BREAK + 4] += 0.03
        prices[1:] = prices[0] * np.exp(np.cumsum(moves, axis=0))
        return market

    settings = (
        short,
        SETTINGS[2],
        "vault.beta_interval_hours=1",
        "agents.risk_manager.estimator=fixed",
    )
    world, log, _ = run("calm", change=brief, settings=settings)
    posts = log.of("breakdown_monitor", actions.PostBetas)
    answered = np.any([action.when for _, action, _ in posts], axis=0)
    opening = log.of("risk_manager", actions.PostBetas)[0][1].betas
    back = np.all(np.abs(world.observe().betas / opening - 1.0) < 1e-9, axis=0)
    # One may answer another alarm when the run ends.
    assert answered.sum() >= 4
    assert (answered & back).sum() >= answered.sum() - 1


def test_it_widens_the_covariance_where_margin_nets_risk() -> None:
    settings = (*SETTINGS, "clearing.margin=portfolio")
    _, log, market = run("calm", change=_decoupled, settings=settings)
    monitor = load("calm", [*settings]).agents.breakdown_monitor
    assert monitor is not None
    multiple = monitor.covariance_multiple
    posts = log.of("breakdown_monitor", actions.PostCovariance)
    assert posts
    step, action, fill = posts[-1]
    path = int(np.flatnonzero(action.when)[0])
    assert fill.status[path] == Status.OK
    returns = np.diff(np.log(market.index[:, step - 24 : step + 1, path]), axis=1)
    posted = action.factor[:, :, path] @ action.factor[:, :, path].T
    daily = np.cov(returns) * 24.0
    # Risk assets are ordered as the venue lists them: compare what does not depend on order.
    assert np.trace(posted) == pytest.approx(multiple * np.trace(daily), rel=0.3)


def test_both_worlds_agree_about_it() -> None:
    settings = [
        "paths=1",
        "clearing.margin=portfolio",
        "agents.breakdown_monitor={window_hours: 8, warmup_hours: 12, false_alarm_hours: 40}",
        "agents.breakdown_monitor.beta_multiple=1",
        "vault.beta_interval_hours=2",
        "agents.risk_manager.estimator=fixed",
    ]
    found = verify_paths(load("correlation-breakdown", settings), 0, 1, 40)
    assert found.worst <= TOLERANCE
    assert found.flips == ()
    # The risk manager posts at the start only, and no covariance.
    assert found.outcomes["PostBetas"]["OK"] > 1
    assert found.outcomes["PostCovariance"]["OK"] > 0


def test_what_its_warning_is_worth_when_the_hedge_is_squeezed() -> None:
    """A short unwound on the alarm is not liquidated: the same paths with and without it."""
    answer = "agents.breakdown_monitor={beta_multiple: 0, false_alarm_hours: 50000}"
    settings = ["paths=16", "horizon_hours=320"]
    alternatives = {
        "without": load("hedge-liquidation", settings),
        "with": load("hedge-liquidation", [*settings, answer]),
    }
    found = compare(alternatives, workers=1, record=1).summary["alternatives"]
    lost = {name: figures["liquidation"]["estimate"] for name, figures in found.items()}
    assert lost["with"] < lost["without"] - 0.3
    assert found["with"]["return"]["es95"] < found["without"]["return"]["es95"]
    assert found["with"]["return_difference"]["low"] > 0.0


def test_it_is_set_and_left_out_by_an_override() -> None:
    found = expand(["agents.breakdown_monitor={hold_hours: 24}|null"])
    assert list(found) == ["{hold_hours: 24}", "null"]
    configs = [load("calm", settings) for settings in found.values()]
    monitor, none = (config.agents.breakdown_monitor for config in configs)
    assert monitor is not None
    assert monitor.hold_hours == 24
    assert none is None


def test_a_rate_its_window_cannot_have_is_refused() -> None:
    with pytest.raises(InputError, match="false_alarm_hours"):
        load("calm", ["agents.breakdown_monitor={window_hours: 48, false_alarm_hours: 100}"])


def test_betas_are_left_alone_unless_it_is_told_otherwise() -> None:
    """What new betas were worth depends on what broke: docs/breakdown-monitor.md."""
    _, log, _ = run("calm", change=_decoupled, settings=SETTINGS[:2])
    assert not log.of("breakdown_monitor", actions.PostBetas)
