"""A delta-hedged liquidity provider earns fees less LVR, path by path but for an order of √Δt.

Milionis, Moallemi, Roughgarden, Zhang (2022, arXiv:2208.06046): what is left of a position after
its delta has been hedged is −LVR, to which the fees of all who trade with it add. Here noise
traders and the arbitrageur trade in a pool with a fee, and the vault's perps are without frictions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from simulator.agents.base import Agent
from simulator.hedging import lp
from simulator.types import SECONDS_PER_YEAR, Floats
from simulator.world.actions import Action, Fill, Swap
from simulator.world.base import World
from tests.sizes import sized
from tests.theory.frictionless import Position, Setting, frictionless
from tests.theory.pools import QUANTILE, VOLATILITY
from tests.theory.watched import watch

FEE_PPM = 500
PATHS, STEPS, STEP_MINUTES = sized(400, 5_000), 512, 1
STRIDES = (2, 8, 32)  # minutes of a step, over the same 8.5 hours


class Fees(Position):
    """Observer: the vault's part of the fee of every swap after the first step, whole tokens."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.base, self.usdc = np.zeros((2, world.market.paths))
        self.swaps: set[str] = set()

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
        """The fee of the amount in, by liquidity: the vault is in range throughout."""
        super().acted(step, world, agent, action, fill)
        if step == 0 or not isinstance(action, Swap):
            return
        self.swaps.add(type(agent).__name__)
        state = world.observe()
        part = state.liquidity / state.pool_liquidity * world.protocol.pool.fee_ppm * 1e-6
        self.base += np.where(action.amount > 0.0, fill.amount_in * part, 0.0)
        self.usdc += np.where(action.amount < 0.0, fill.amount_in * part, 0.0)


@dataclass(frozen=True, eq=False)
class Hedged:
    """A run at one step size ``[P]``, USD."""

    years: float  # length of a step
    gain: Floats  # change of the vault's NAV
    fees: Floats  # by the swaps seen, at the last price
    predicted: Floats  # Σ ΔV − Δ·ΔP of the closed form, on the same prices
    loss: Floats  # ∫ LVR dt


@pytest.fixture(scope="module")
def runs() -> list[Hedged]:
    """The whole vault beside noise traders and the arbitrageur, at every step size."""
    setting = frictionless(
        seed=31,
        paths=PATHS,
        steps=STEPS,
        step_minutes=STEP_MINUTES,
        volatility=VOLATILITY,
        background=[{"value_usd": 1e10}],  # setting up moves the price by a basis point
        agents=("depositor", "noise_trader", "amm_arbitrageur", "risk_manager", "keeper"),
    )
    charged = replace(setting.protocol.pool, fee_ppm=FEE_PPM)
    setting = replace(setting, protocol=replace(setting.protocol, pool=charged))
    return [_run(setting, stride) for stride in STRIDES]


def _run(setting: Setting, stride: int) -> Hedged:
    world = setting.world(stride)
    seen = Fees(world)
    watch(world, setting.agents(), [seen])
    assert seen.swaps == {"NoiseTrader", "AmmArbitrageur"}
    price = world.market.index[1]
    position = (seen.liquidity, seen.lower, seen.upper)
    assert np.all(lp.in_range(price, seen.lower, seen.upper))
    held = lp.delta(price[:-1], *position)
    value = lp.value(price, *position)
    years = world.market.step_seconds / SECONDS_PER_YEAR
    rate = lp.lvr_rate(price[:-1], seen.liquidity, VOLATILITY, seen.lower, seen.upper)
    return Hedged(
        years=years,
        gain=seen.nav[1] - seen.nav[0],
        fees=seen.base * price[-1] + seen.usdc,
        predicted=value[-1] - value[0] - np.sum(held * np.diff(price, axis=0), axis=0),
        loss=rate.sum(axis=0) * years,
    )


def test_hedged_vault_gains_its_fees_and_the_convexity_of_its_position_path_by_path(
    runs: list[Hedged],
) -> None:
    """ΔNAV = fees + Σ (ΔV − Δ·ΔP) on every path: nothing else earns or costs anything.

    Fees are counted from the swaps, not read from the vault. Tolerance 5e-9 of NAV, half a cent:
    the impact of hedging on perps of 1e13 USD depth, and raw units.
    """
    for run in runs:
        worst = np.max(np.abs(run.gain - run.fees - run.predicted)) / 1e6
        print(f"step {run.years * 365 * 1440:2.0f} min: NAV vs fees and convexity {worst:.1e}")
        assert worst <= 5e-9


def test_hedged_vault_earns_fees_less_lvr_but_for_an_error_of_the_root_of_the_step(
    runs: list[Hedged],
) -> None:
    """E[ΔNAV] = E[fees − LVR], and the difference on a path has the deviation √(2Δt·∫LVR²dt).

    Tolerance: the mean within its 99 % interval at every step size. The deviation at each within
    √(2.75/P) · 3 / 2, three standard errors of a root mean square of P sums of at least 16 χ²
    (as in test_hedging_error.py), and so of order ½ in Δt between a step of 2 and one of 32.
    """
    errors = [run.gain - (run.fees - run.loss) for run in runs]
    for run, error in zip(runs, errors, strict=True):
        half_width = QUANTILE * float(error.std(ddof=1)) / np.sqrt(PATHS)
        # LVR is all but constant over the hours of a run: ∫LVR²dt = (∫LVR dt)²/T.
        steps = STEPS * STEP_MINUTES * 60 / (run.years * SECONDS_PER_YEAR)
        expected = np.sqrt(2.0 / steps * np.mean(run.loss**2))
        deviation = float(np.sqrt(np.mean(error**2)))
        print(
            f"step {run.years * 365 * 1440:2.0f} min: fees {run.fees.mean():.2f}, LVR "
            f"{run.loss.mean():.2f}, gain {run.gain.mean():.2f}, error {error.mean():.2f} ± "
            f"{half_width:.2f}, deviation {deviation:.2f}, theory {expected:.2f}"
        )
        assert abs(error.mean()) <= half_width
        assert deviation == pytest.approx(expected, rel=1.5 * np.sqrt(2.75 / PATHS))
    roots = [float(np.sqrt(np.mean(error**2))) for error in errors]
    order = np.log(roots[-1] / roots[0]) / np.log(STRIDES[-1] / STRIDES[0])
    print(f"order of the error in the step: {order:.3f}")
    assert order == pytest.approx(0.5, abs=0.05)


def test_hedged_vault_gains_or_loses_as_fees_exceed_lvr_or_not(runs: list[Hedged]) -> None:
    """The same noise in fewer, netted orders pays less: the sign of the gain is that of fees − LVR.

    No tolerance: both signs occur, by ten standard errors.
    """
    signs = set()
    for run in (runs[0], runs[-1]):
        score = float(run.gain.mean() / (run.gain.std(ddof=1) / np.sqrt(PATHS)))
        assert abs(score) > 10.0
        assert np.sign(score) == np.sign(run.fees.mean() - run.loss.mean())
        signs.add(np.sign(score))
    assert signs == {1.0, -1.0}
