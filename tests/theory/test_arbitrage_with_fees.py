"""Arbitrage with fees at discrete blocks: what is left to the arbitrageur of LVR, and how often.

Milionis, Moallemi, Roughgarden (2023) for blocks of a Poisson process, Nezlobin and Tassy (2025)
for blocks at equal intervals. The price is a martingale; with √P as the unit of account its
logarithm has no drift, which is the symmetric case that the closed forms are for: as a ratio of
expectations they are exact but for the start, and the first blocks are left out of every sum.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy import stats

from simulator.hedging import arbitrage, lp
from simulator.market.streams import Stream
from simulator.types import Floats, InputError
from tests.sizes import sized
from tests.theory.frictionless import Setting
from tests.theory.pools import VOLATILITY, pool, ratio_to_theory, run, step_years

# Blocks of a minute: a block's return has a standard deviation of 11 basis points.
BLOCK_MINUTES, BLOCKS, WARM_UP = 1, 400, 100
PATHS = sized(2_500, 10_000)
FULL_RANGE = {"value_usd": 1e8}
CONCENTRATED = {"value_usd": 1e8, "half_width_percent": 100.0}
# Regular blocks: the closed form is off by terms exponentially small in the fee over the return of
# a block (1 % of the trades at 5 basis points), so it is put to the test from 2.7 of them on.
CASES = [
    pytest.param(FULL_RANGE, 500, False, id="poisson-500"),
    pytest.param(CONCENTRATED, 3_000, False, id="poisson-3000"),
    pytest.param(FULL_RANGE, 10_000, False, id="poisson-10000"),
    pytest.param(FULL_RANGE, 3_000, True, id="regular-3000"),
    pytest.param(CONCENTRATED, 10_000, True, id="regular-10000"),
]
# Two comparisons a case, all within their intervals at 99 % together (Bonferroni).
QUANTILE = float(stats.norm.ppf(1.0 - 0.005 / (2 * len(CASES))))


def at_poisson_blocks(setting: Setting) -> Setting:
    """The same Brownian motion seen after exponential times of mean one step."""
    market = setting.market
    uniforms = Stream(setting.config.seed, "blocks").uniforms(0, market.paths, market.steps)
    elapsed = -np.log1p(-uniforms)
    convexity = VOLATILITY**2 / 2 * step_years(setting)
    noise = np.diff(np.log(market.index[1]), axis=0) + convexity
    steps = np.sqrt(elapsed) * noise - convexity * elapsed
    index = market.index.copy()
    index[1, 1:] = index[1, 0] * np.exp(np.cumsum(steps, axis=0))
    return replace(setting, market=replace(market, index=index))


@dataclass(frozen=True, eq=False)
class Taken:
    """By path ``[P]``: USDC after the warm-up, and the part of blocks traded in."""

    profit: Floats  # at the index of each block
    fees: Floats  # of the arbitrageur's trades, at the index of each block
    lvr: Floats  # at the mean time between blocks
    traded: Floats


def taken(band: dict[str, float], fee_ppm: int, *, regular: bool, seed: int) -> Taken:
    """Arbitrage of a pool with this liquidity and fee."""
    setting = pool(
        band, seed=seed, paths=PATHS, steps=BLOCKS, step_minutes=BLOCK_MINUTES, fee_ppm=fee_ppm
    )
    observed, price, ((liquidity, lower, upper),) = run(
        setting if regular else at_poisson_blocks(setting)
    )
    assert np.all(lp.in_range(price, lower, upper))
    rate = lp.lvr_rate(price[WARM_UP - 1 : -1], liquidity, VOLATILITY, lower, upper)
    put_in = np.maximum(-observed.base, 0.0) * price + np.maximum(-observed.usdc, 0.0)
    return Taken(
        profit=observed.profit[WARM_UP:].sum(axis=0),
        fees=put_in[WARM_UP:].sum(axis=0) * fee_ppm * 1e-6,
        lvr=rate.sum(axis=0) * step_years(setting),
        traded=np.mean(observed.base[WARM_UP:] != 0.0, axis=0),
    )


@pytest.mark.parametrize(("band", "fee_ppm", "regular"), CASES)
def test_fees_leave_the_arbitrageur_his_share_of_lvr_and_his_part_of_blocks(
    band: dict[str, float], fee_ppm: int, regular: bool
) -> None:
    """ARB/LVR is the closed form's and so is P_trade, both within their intervals.

    Milionis, Moallemi, Roughgarden (2023) for Poisson blocks, Nezlobin and Tassy (2025) for regular
    ones. Tolerance: nothing but the sampling error, whose width is asserted too.
    """
    seen = taken(band, fee_ppm, regular=regular, seed=11)
    terms = (VOLATILITY, fee_ppm * 1e-6, 365 * 1_440 / BLOCK_MINUTES)
    share = float(arbitrage.arbitrage_share(*terms, regular=regular))
    chance = float(arbitrage.trade_probability(*terms, regular=regular))
    ratio, half_width = ratio_to_theory(seen.profit, share * seen.lvr, QUANTILE)
    part, spread = ratio_to_theory(seen.traded, np.full(PATHS, chance), QUANTILE)
    print(
        f"fee {fee_ppm} ppm, {'regular' if regular else 'Poisson'}: ARB/LVR {share * ratio:.4f}, "
        f"theory {share:.4f}, ratio {ratio:.4f} ± {half_width:.4f}; trades in {chance * part:.4f} "
        f"of blocks, theory {chance:.4f}, ratio {part:.4f} ± {spread:.4f}"
    )
    assert abs(ratio - 1.0) <= half_width <= 0.06
    assert abs(part - 1.0) <= spread <= 0.06


@pytest.mark.parametrize("regular", [False, True], ids=["poisson", "regular"])
def test_what_the_arbitrageur_does_not_keep_of_lvr_he_pays_in_fees(regular: bool) -> None:
    """E[profit + fees] = E[LVR], however blocks are spaced: the mispricing is stationary.

    Its square grows by σ²Δt a block in the index and falls by y² + 2γy in a trade that overshoots
    the fee γ by y; the first is the profit and the second the fee, in units of L√P/4. Tolerance:
    the sampling error, and γ/2 for terms of the order of the fee.
    """
    fee_ppm = 3_000
    seen = taken(FULL_RANGE, fee_ppm, regular=regular, seed=12)
    ratio, half_width = ratio_to_theory(seen.profit + seen.fees, seen.lvr, QUANTILE)
    print(f"(profit + fees)/LVR {ratio:.4f} ± {half_width:.4f}, fees {seen.fees.sum():.3g}")
    assert half_width <= 0.02
    assert abs(ratio - 1.0) <= half_width + 0.5 * fee_ppm * 1e-6
    assert seen.fees.sum() > 3.0 * seen.profit.sum()  # at this fee, most of it


def test_without_a_fee_nothing_is_kept_from_the_arbitrageur() -> None:
    """At γ = 0 both clocks give the whole of LVR, and regular blocks never give more of it."""
    fees = np.array([0.0, 1e-4, 1e-3, 1e-2])
    poisson = arbitrage.arbitrage_share(VOLATILITY, fees, 1e6)
    regular = arbitrage.arbitrage_share(VOLATILITY, fees, 1e6, regular=True)
    assert poisson[0] == pytest.approx(1.0, abs=1e-6)
    assert regular[0] == 1.0
    assert np.all(regular[1:] < poisson[1:])
    assert np.all(np.diff(poisson) < 0.0)
    assert arbitrage.trade_probability(VOLATILITY, 0.0, 1e6) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("terms", "name"),
    [
        ((0.0, 0.003, 1e6), "volatility"),
        ((0.8, 1.0, 1e6), "fee"),
        ((0.8, -0.1, 1e6), "fee"),
        ((0.8, 0.003, np.inf), "blocks"),
        ((3.0, 0.003, 1.0), "volatility squared"),
    ],
)
def test_closed_forms_refuse_what_they_do_not_hold_for(
    terms: tuple[float, float, float], name: str
) -> None:
    for closed_form in (arbitrage.arbitrage_share, arbitrage.trade_probability):
        with pytest.raises(InputError, match=name):
            closed_form(*terms)
