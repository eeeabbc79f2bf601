"""A pool with nobody but an arbitrageur: what he takes from it, against what theory says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import stats

from simulator.agents.base import Agent
from simulator.types import SECONDS_PER_YEAR, Floats
from simulator.world.actions import Action, Fill, Swap
from simulator.world.base import World
from simulator.world.protocol import BackgroundRange, Protocol
from tests.theory.frictionless import (
    Onlooker,
    Setting,
    frictionless,
    whole_liquidity,
    whole_price,
)
from tests.theory.watched import watch

VOLATILITY = 0.8
QUANTILE = float(stats.norm.ppf(0.995))


class Profit(Onlooker):
    """Observer: what the arbitrageur takes from the pool in each step, and where he leaves it."""

    def __init__(self, world: World) -> None:
        self._market = world.market
        shape = (world.market.steps + 1, world.market.paths)
        self.profit = np.zeros(shape)  # at the index price of the step, USDC
        self.base, self.usdc = np.zeros(shape), np.zeros(shape)  # tokens out of the pool, whole
        self.pool_price = np.zeros(shape)

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
        """Tokens in and out, the base asset at the index."""
        super().acted(step, world, agent, action, fill)
        assert isinstance(action, Swap)
        sold, bought = action.amount > 0.0, action.amount < 0.0
        base = np.where(bought, fill.amount_out, 0.0) - np.where(sold, fill.amount_in, 0.0)
        usdc = np.where(sold, fill.amount_out, 0.0) - np.where(bought, fill.amount_in, 0.0)
        self.base[step] += base
        self.usdc[step] += usdc
        self.profit[step] += base * (self._market.index[1, step] / self._market.index[0, step])
        self.profit[step] += usdc

    def stepped(self, step: int, world: World) -> None:
        """The pool after arbitrage."""
        self.pool_price[step] = whole_price(world.observe().sqrt_price ** 2, world.protocol)


def whole(band: BackgroundRange, protocol: Protocol) -> tuple[float, float, float]:
    """(L, P_a, P_b) of a range in whole tokens."""
    lower, upper = float(1.0001**band.tick_lower), float(1.0001**band.tick_upper)
    return (
        float(whole_liquidity(band.liquidity, protocol)),
        float(whole_price(lower, protocol)),
        float(whole_price(upper, protocol)),
    )


def pool(
    *background: dict[str, float],
    seed: int,
    paths: int,
    steps: int,
    step_minutes: int,
    fee_ppm: int = 0,
) -> Setting:
    """A pool with this liquidity, and nobody but the arbitrageur."""
    setting = frictionless(
        seed=seed,
        paths=paths,
        steps=steps,
        step_minutes=step_minutes,
        volatility=VOLATILITY,
        background=list(background),
        agents=("amm_arbitrageur",),
    )
    charged = replace(setting.protocol.pool, fee_ppm=fee_ppm)
    return replace(setting, protocol=replace(setting.protocol, pool=charged))


def run(setting: Setting) -> tuple[Profit, Floats, list[tuple[float, float, float]]]:
    """(observed, index price [T + 1, P], ranges in whole tokens) of a pool with no vault in it."""
    world = setting.world()
    observed = Profit(world)
    watch(world, setting.agents(), [observed])
    price = world.market.index[1] / world.market.index[0]
    kept = 1.0 - setting.protocol.pool.fee_ppm * 1e-6
    # Arbitrage leaves the pool within the fee of the index: without one, at the index. What a gap
    # of 1e-8 is worth, some nUSD, drowns in the rounding of 1e8, and may be left.
    assert np.all(observed.pool_price >= price * kept * (1.0 - 1e-7))
    assert np.all(observed.pool_price <= price / kept * (1.0 + 1e-7))
    bands = [whole(band, setting.protocol) for band in setting.protocol.pool.background]
    return observed, price, bands


def step_years(setting: Setting) -> float:
    """Length of a step, years."""
    return setting.market.step_seconds / SECONDS_PER_YEAR


def ratio_to_theory(
    loss: Floats, theory: Floats, quantile: float = QUANTILE
) -> tuple[float, float]:
    """Σ loss / Σ theory over paths ``[P]``, and half the width of its interval (99 %).

    Loss less theory is a martingale, so the interval comes from its spread, not from the price's.
    """
    difference = loss - theory
    scale = float(theory.mean())
    half_width = quantile * float(difference.std(ddof=1)) / np.sqrt(difference.size) / scale
    return 1.0 + float(difference.mean()) / scale, half_width
