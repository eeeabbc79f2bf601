"""The hedged vault without frictions: it drifts by −LVR, and its error shrinks as √Δt.

A delta-hedged position over one step earns the convexity alone: −LVR·Δt·z² with z the step's
standard normal return, −LVR·Δt in the mean. What is left, Σ LVR·Δt·(1 − z²), is a martingale whose
variance is 2Δt ∫LVR² dt: the discrete-hedging error of Boyle and Emanuel (1980) and of Bertsimas,
Kogan and Lo (2000), with the gamma of a Uniswap v3 position.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from simulator.hedging import lp
from simulator.types import SECONDS_PER_YEAR, Floats
from tests.theory.frictionless import (
    Position,
    Setting,
    frictionless,
)
from tests.theory.watched import watch

VOLATILITY = 0.8
PATHS, STEPS, STEP_MINUTES = 1_000, 512, 1
STRIDES = (1, 2, 4, 8, 16, 32)  # steps of 1 to 32 minutes over the same 8.5 hours
GROUPS = 20  # of paths, for confidence intervals by independent replication


@dataclass(frozen=True, eq=False)
class Hedged:
    """A run at one step size: gains of the vault and of the closed form ``[P]``, USD."""

    years: float  # length of a step
    gain: Floats  # change of NAV
    predicted: Floats  # Σ ΔV − Δ·ΔP of the closed form, on the same prices
    loss: Floats  # ∫ LVR dt
    loss_squared: Floats  # ∫ LVR² dt


@pytest.fixture(scope="module")
def runs() -> list[Hedged]:
    """The whole vault (depositor, arbitrageur, risk manager, keeper) at every step size."""
    setting = frictionless(
        seed=5,
        paths=PATHS,
        steps=STEPS,
        step_minutes=STEP_MINUTES,
        volatility=VOLATILITY,
        background=[{"value_usd": 1e10}],  # setting up moves the price by a basis point
        agents=("depositor", "amm_arbitrageur", "risk_manager", "keeper"),
    )
    return list(_runs(setting))


def _runs(setting: Setting) -> Iterator[Hedged]:
    for stride in STRIDES:
        world = setting.world(stride)
        seen = Position(world)
        watch(world, setting.agents(), [seen])
        price = world.market.index[1]
        position = (seen.liquidity, seen.lower, seen.upper)
        assert np.all(lp.in_range(price, seen.lower, seen.upper))
        held = lp.delta(price[:-1], *position)
        value = lp.value(price, *position)
        rate = lp.lvr_rate(price[:-1], seen.liquidity, VOLATILITY, seen.lower, seen.upper)
        years = world.market.step_seconds / SECONDS_PER_YEAR
        yield Hedged(
            years=years,
            gain=seen.nav[1] - seen.nav[0],
            predicted=value[-1] - value[0] - np.sum(held * np.diff(price, axis=0), axis=0),
            loss=rate.sum(axis=0) * years,
            loss_squared=(rate**2).sum(axis=0) * years,
        )


def test_frictionless_vault_gains_what_the_closed_form_predicts_path_by_path(
    runs: list[Hedged],
) -> None:
    """Contracts' arithmetic, perps, margin and all: nothing but Σ ΔV − Δ·ΔP is left."""
    for run in runs:
        worst = np.max(np.abs(run.gain - run.predicted)) / 1e6
        print(f"step {run.years * 365 * 1440:2.0f} min: NAV vs closed form {worst:.1e} of NAV")
        # The idle base of the set-up and perps of 1e13 USD depth, whose impact on a hedge of 3e5 is
        # of the order of 1e-8 of its size, leave less than a cent on a NAV of a million.
        assert worst <= 5e-9


def test_delta_hedged_position_drifts_by_minus_lvr(runs: list[Hedged]) -> None:
    """Mean gain is −∫LVR dt, within its 99 % interval, at every step size."""
    for run in runs:
        error = run.gain + run.loss
        half_width = 2.576 * error.std(ddof=1) / np.sqrt(PATHS) / run.loss.mean()
        drift = -run.gain.mean() / run.loss.mean()
        print(f"step {run.years * 365 * 1440:2.0f} min: -gain/LVR {drift:.4f} ± {half_width:.4f}")
        assert abs(drift - 1.0) <= half_width
    finest = runs[0].gain + runs[0].loss
    assert 2 * 2.576 * finest.std(ddof=1) / np.sqrt(PATHS) / runs[0].loss.mean() <= 0.02


def test_hedging_error_shrinks_with_the_root_of_the_step(runs: list[Hedged]) -> None:
    """Regression of the log root-mean-square error on log Δt over six step sizes: slope ½."""
    log_step = np.log([run.years for run in runs])
    squared = np.array([(run.gain + run.loss) ** 2 for run in runs])
    slopes = np.array(
        [
            np.polyfit(log_step, 0.5 * np.log(group.mean(axis=1)), 1)[0]
            for group in np.split(squared, GROUPS, axis=1)
        ]
    )
    slope, spread = slopes.mean(), stats.sem(slopes)
    half_width = float(stats.t.ppf(0.995, GROUPS - 1)) * spread
    print(f"slope of log RMS hedging error on log step: {slope:.4f} ± {half_width:.4f} (99 %)")
    assert abs(slope - 0.5) <= half_width
    assert half_width <= 0.05  # neither order 0 nor order 1 fits


def test_hedging_error_has_the_variance_twice_step_times_integral_of_lvr_squared(
    runs: list[Hedged],
) -> None:
    """Not only the rate but the constant: E[error²] = 2Δt·E∫LVR² dt at every step size."""
    for run in runs:
        ratio = np.mean((run.gain + run.loss) ** 2) / (2 * run.years * run.loss_squared.mean())
        print(f"step {run.years * 365 * 1440:2.0f} min: error variance / theory {ratio:.3f}")
        # A mean of 1,000 squares; a sum of 16 χ² still has excess kurtosis 12/16, so the mean has a
        # relative deviation of √(2.75/1000), and 3.5 of them cover six sizes at more than 99 %.
        assert ratio == pytest.approx(1.0, rel=3.5 * np.sqrt(2.75 / PATHS))
