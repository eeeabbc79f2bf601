"""Impermanent loss and LVR: the same mean if the price is a martingale, never the same lottery.

LVR compares the position with a portfolio rebalanced to its delta x*(P), impermanent loss with the
tokens held at the start (Milionis, Moallemi, Roughgarden, Zhang 2022, arXiv:2208.06046). The
difference, ∫(x*(P₀) − x*(P)) dP, is a martingale. In the model's pool both are seen from the
arbitrageur's side: LVR is each of his trades at the price of its moment, impermanent loss all of
them at the last.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from simulator.hedging import lp
from simulator.types import Floats
from tests.sizes import sized
from tests.theory.pools import QUANTILE, VOLATILITY, pool, run, step_years

# Four days: a return of 8.4 % in one standard deviation.
PATHS, STEPS, STEP_MINUTES = sized(12_000, 100_000), 48, 2 * 60
VARIANCE = VOLATILITY**2 * STEPS * STEP_MINUTES / (365 * 1_440)  # σ²T
FULL = ({"value_usd": 1e8},)
NARROW = ({"value_usd": 1e8, "half_width_percent": 6.0}, {"value_usd": 1e6})


@dataclass(frozen=True, eq=False)
class Losses:
    """Of one pool, by path ``[P]``, USDC; losses are positive."""

    impermanent: Floats
    rebalancing: Floats  # LVR
    price: Floats  # the last
    bands: list[tuple[float, float, float]]


def losses(background: tuple[dict[str, float], ...], seed: int) -> Losses:
    """What arbitrage without a fee takes from a pool with this liquidity."""
    setting = pool(*background, seed=seed, paths=PATHS, steps=STEPS, step_minutes=STEP_MINUTES)
    assert step_years(setting) * STEPS * VOLATILITY**2 == pytest.approx(VARIANCE)
    observed, price, bands = run(setting)
    taken_base, taken_usdc = observed.base.sum(axis=0), observed.usdc.sum(axis=0)
    return Losses(
        taken_base * price[-1] + taken_usdc, observed.profit.sum(axis=0), price[-1], bands
    )


def within(sample: Floats, expected: float) -> float:
    """Mean of ``sample`` over ``expected``, asserted to be 1 within its 99 % interval."""
    ratio = float(sample.mean()) / expected
    half_width = QUANTILE * float(sample.std(ddof=1)) / np.sqrt(sample.size) / expected
    print(f"  {ratio:.4f} ± {half_width:.4f}")
    assert abs(ratio - 1.0) <= half_width
    return half_width


@pytest.mark.parametrize("background", [FULL, NARROW], ids=["full", "narrow"])
def test_impermanent_loss_and_lvr_have_one_mean_and_two_distributions(
    background: tuple[dict[str, float], ...],
) -> None:
    """E[IL] = E[LVR], over the full range and in a range out of which many paths end.

    Tolerance: the sampling error of their difference, under 5 % of the mean. Impermanent loss is a
    function of the last price alone and LVR a sum over the path, hence the wider and more skewed
    lottery: of twice the variance at least, whatever the range.
    """
    seen = losses(background, seed=21)
    ended_outside = np.mean(~lp.in_range(seen.price, *seen.bands[0][1:]))
    assert (0.3 < ended_outside < 0.7) == (background is NARROW)
    closed = sum(-lp.divergence_loss(seen.price, 2_000.0, *band) for band in seen.bands)
    # The arbitrageur's tokens are the position's impermanent loss, token by token: 48 trades are
    # rounded to raw USDC, and the pool's first √P is floored.
    np.testing.assert_allclose(seen.impermanent, closed, atol=1e-3)
    mean = float(seen.rebalancing.mean())
    assert within(seen.impermanent - seen.rebalancing + mean, mean) <= 0.05
    spread = np.var(seen.impermanent) / np.var(seen.rebalancing)
    skews = [float(stats.skew(loss)) for loss in (seen.impermanent, seen.rebalancing)]
    print(f"variance of IL over LVR's {spread:.2f}, skewness {skews[0]:.2f}, {skews[1]:.2f}")
    assert spread > 2.0
    assert skews[0] > skews[1]


def test_both_distributions_over_the_full_range_have_the_moments_of_their_closed_forms() -> None:
    """With q = √(P/P₀): IL/(L√P₀) = (q − 1)², whose moments are those of a log-normal, exactly.

    Both means are 2(1 − e^(−σ²T/8)) in that unit (tolerance: sampling error). LVR's variance is
    (2/n + σ²T/12)·mean², from n squares of normal returns and from the √P they are weighted with,
    to first order in σ²T = 0.7 %; three standard errors of a variance from 12,000 are 4 %, hence
    a tolerance of 5 %.
    """
    seen = losses(FULL, seed=22)
    unit = seen.bands[0][0] * np.sqrt(2_000.0)
    mean = 2.0 * -np.expm1(-VARIANCE / 8)
    within(seen.impermanent / unit, mean)
    assert within(seen.rebalancing / unit, mean) <= 0.01

    def moment(power: int) -> float:  # E[qᵏ]
        return float(np.exp((power**2 - 2 * power) * VARIANCE / 8))

    fourth = moment(4) - 4 * moment(3) + 6 * moment(2) - 4 * moment(1) + 1.0  # E[(q − 1)⁴]
    within((seen.impermanent / unit - mean) ** 2, fourth - mean**2)
    spread = float(np.var(seen.rebalancing / unit)) / mean**2
    expected = 2.0 / STEPS + VARIANCE / 12
    print(f"relative variance of LVR {spread:.4f}, theory {expected:.4f}")
    assert spread == pytest.approx(expected, rel=0.05)
    assert fourth / mean**2 - 1.0 > 40 * expected
