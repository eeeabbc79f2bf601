"""Funding parity of a velocity-funded perp (SIP-279) beside an arbitrageur.

With premium π = skew/skew scale, the daily rate obeys dr/dt = v·π. The arbitrageur counts on the
present rate for τ days, trades at a cost c (half the spread, fee and the basis he enters at), and
so leaves |π + r·τ| ≤ c whatever others trade: the mark stands off the index by what funding will
pay back over τ, within his costs. He is the first of a block to act: bringing the skew back pays in
a later block than the one that made it only (SPEC §3.3). What others add in a block, f at most,
stays until the next, so in dr/dt = v·(±c ± f − r·τ) the rate reverts at v·τ a day and never leaves
±(c + f)/τ. Under a demand that always comes from one side it converges to (c + f)/τ and the premium
to zero: in a steady state mark and index agree, and longs pay his costs and f, once every τ.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from simulator.agents.base import Agent
from simulator.agents.noise_trader import NoiseTrader
from simulator.config import from_mapping, resolve
from simulator.market.draw import draw
from simulator.types import SECONDS_PER_DAY, Floats
from simulator.world.actions import Action
from simulator.world.base import World
from tests.sizes import sized
from tests.theory.frictionless import Onlooker, Setting
from tests.theory.watched import watch

PATHS, STEPS = sized(100, 2_000), 240  # hours
DAYS = 1 / 24  # a step
PRICE, SCALE = 1_500.0, 1e9  # USD; skew scale, USD
VELOCITY, CARRY = 10.0, 0.5  # 1/day², days
HALF_SPREAD, TAKER_FEE, BASIS = 0.0002, 0.0005, 0.001
COST = HALF_SPREAD + TAKER_FEE + BASIS
AGENTS: dict[str, dict[str, Any]] = {
    "noise_trader": {
        "margin": {"USDC": 1e11},  # enough for the funding of ten days without an arbitrageur
        "maximum_slippage": 0.5,
    },
    "perp_arbitrageur": {
        "margin": {"USDC": 5e8},  # he tops up what he has open only
        "usdc": 1e10,
        "entry_basis": BASIS,
        "carry_hours": 24 * CARRY,
        "maximum_inventory_usd": 1e9,
    },
}
# Moves the premium by 5 basis points.
ORDERS = {"trade_usd_per_hour": 5e5, "dispersion": 0.5, "persistence": 0.0}


def venue(*agents: str) -> Setting:
    """One perp market, and these agents; no gas."""
    config = from_mapping(
        {
            "name": "parity",
            "seed": 41,
            "paths": PATHS,
            "horizon_hours": STEPS,
            "step_minutes": 60,
            "assets": {
                "USDC": {"price": 1.0, "decimals": 6},
                "ETH": {"price": 2_000.0, "volatility": 0.8},
                "stETH": {"price": PRICE, "volatility": 0.8},
            },
            "correlation": {"pairs": {"ETH/stETH": 0.9}},
            "oracle": {"deviation": 0.0},  # the spread is the market's own
            "pool": {"base": "ETH", "background": [{"value_usd": 1e6}]},
            "clearing": {
                "collaterals": {"USDC": {"cap": 1e12}},
                "maker_funds": 1e10,
                "markets": {
                    "stETH": {
                        "skew_scale_usd": SCALE,
                        "max_skew_usd": SCALE,
                        "max_open_interest_usd": 1e12,
                        "half_spread": HALF_SPREAD,
                        "taker_fee": TAKER_FEE,
                        "max_funding_velocity": VELOCITY,
                        "maintenance_rate": 0.3,  # leaves room for the skew
                    }
                },
            },
            "vault": {"range_half_width_percent": 50.0},
            "flow": {"orders": ORDERS},
            "agents": {name: AGENTS[name] for name in agents},
        }
    )
    return Setting(config, resolve(config), draw(config.market, 0, PATHS))


class Trail(Onlooker):
    """Observer: the market after each step; series ``[T + 1, P]``."""

    def __init__(self) -> None:
        self._seen: list[tuple[Floats, Floats, Floats, Floats]] = []
        self._kept: Floats | None = None

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None:
        """What the arbitrageur has left, before the others trade."""
        if isinstance(agent, NoiseTrader):
            self._kept = _premium(world)

    def stepped(self, step: int, world: World) -> None:
        """What the next hour's funding follows from."""
        state, premium = world.observe(), _premium(world)
        kept = premium if self._kept is None else self._kept
        self._kept = None
        self._seen.append((premium, kept, state.funding_rate[0], state.funding_index[0]))

    def series(self) -> Market:
        """All steps seen."""
        return Market(*(np.array(field) for field in zip(*self._seen, strict=True)))


@dataclass(frozen=True, eq=False)
class Market:
    """Series ``[T + 1, P]`` of the market at the end of each step."""

    premium: Floats  # mark over index, less one
    kept: Floats  # the same before the others have traded
    rate: Floats  # per day
    index: Floats  # funding a long has paid, USD per unit


def _premium(world: World) -> Floats:
    state = world.observe()
    return np.asarray(state.skew[0] / state.skew_scale[0])


def run(setting: Setting) -> tuple[Market, Floats]:
    """The market, and the index price ``[T + 1, P]``."""
    world, trail = setting.world(), Trail()
    watch(world, setting.agents(), [trail])
    assert world.market.step_seconds == DAYS * SECONDS_PER_DAY
    return trail.series(), world.market.index[2]


def test_arbitrageur_keeps_premium_and_expected_funding_within_his_costs() -> None:
    """|π + r·τ| ≤ c after each of his turns, hence |r| ≤ (c + f)/τ and |mean π + τ·mean r| ≤ c.

    Tolerance: rounding, 1e-12. He is often at the bound, and without him the same orders leave it.
    """
    seen, _ = run(venue("noise_trader", "perp_arbitrageur"))
    alone, _ = run(venue("noise_trader"))
    edge, unkept = (np.abs(market.kept + CARRY * market.rate) for market in (seen, alone))
    added = float(np.max(np.abs(seen.premium - seen.kept)))
    highest, unbounded = (float(np.max(np.abs(market.rate))) for market in (seen, alone))
    at_bound = float(np.mean(edge > 0.999 * COST))
    means = np.abs(seen.kept.mean(axis=0) + CARRY * seen.rate.mean(axis=0))
    print(
        f"cost {COST:.4f}: edge at most {edge.max():.6f}, there in {at_bound:.3f} of hours, "
        f"of means {means.max():.6f}; others add {added:.5f} at most; "
        f"rate at most {highest:.5f} of {(COST + added) / CARRY:.5f} a day; "
        f"alone {unkept.max():.4f} and {unbounded:.4f}"
    )
    assert edge.max() <= COST + 1e-12
    assert highest <= (COST + added) / CARRY + 1e-12
    assert means.max() <= COST + 1e-12
    assert at_bound > 0.2
    assert highest > 0.8 * COST / CARRY  # it comes near what his costs alone allow
    assert unkept.max() > 10 * COST
    assert unbounded > 10 * COST / CARRY


def test_longs_pay_the_funding_that_the_premium_implies() -> None:
    """r(T) = v·Σ π·Δt, and a long has paid Σ I·(r + r')/2·Δt: the premium, integrated twice.

    An identity of velocity funding (SIP-279), with the arbitrageur at work and prices moving.
    Tolerance: rounding, 1e-12 of a rate of 1e-3 and 1e-9 of what was paid.
    """
    seen, price = run(venue("noise_trader", "perp_arbitrageur"))
    rate = VELOCITY * DAYS * np.cumsum(seen.premium[:-1], axis=0)
    np.testing.assert_allclose(seen.rate[1:], rate, atol=1e-15, rtol=1e-12)
    mean = np.diff(seen.rate, axis=0) / 2 + seen.rate[:-1]
    paid = np.cumsum(price[1:] * mean, axis=0) * DAYS
    np.testing.assert_allclose(seen.index[1:], paid, atol=1e-9 * np.abs(paid).max())
    assert np.abs(paid[-1]).max() > 1.0  # USD a unit: there is something to agree on


def test_under_one_sided_demand_the_premium_fades_and_funding_comes_to_equal_the_carry() -> None:
    """Step by step: π_n = C·aⁿ and r_n = (C/τ)·(1 − aⁿ), a = 1 − v·τ·Δt, from the first trade on.

    C = c + f: he leaves c − r·τ, on which the others put f. So in the steady state longs (or
    shorts, if they are the ones in demand) pay C·I every τ, and the mark is at the index.
    Tolerance: rounding, 1e-12; the recursion is exact, not a limit.
    """
    setting = venue("noise_trader", "perp_arbitrageur")
    side = np.where(np.arange(PATHS) % 2 == 0, 1.0, -1.0)  # long on even paths, short on odd ones
    flow = np.zeros_like(setting.market.noise_trade)
    added = 0.5e-4
    full = COST + added
    premium_usd = SCALE / PRICE * setting.market.index[2, 1:]  # what a premium of 1 takes to make
    flow[0, 1:] = added * premium_usd * side
    flow[0, 1] = full * premium_usd[0] * side  # the first order takes the premium there at once
    setting = replace(setting, market=replace(setting.market, noise_trade=flow))
    seen, price = run(setting)
    fading = (1.0 - VELOCITY * CARRY * DAYS) ** np.arange(STEPS)[:, None]
    assert 0.0 < fading[1, 0] < 1.0
    np.testing.assert_allclose(seen.premium[1:], side * full * fading, atol=1e-12)
    np.testing.assert_allclose(seen.rate[1:], side * full / CARRY * (1.0 - fading), atol=1e-12)
    carry = round(CARRY / DAYS)
    paid = seen.index[-1] - seen.index[-1 - carry]
    owed = side * full * price[-carry:].mean(axis=0)
    np.testing.assert_allclose(paid, owed, rtol=1e-9)
    print(
        f"after {STEPS} hours: premium {np.abs(seen.premium[-1]).max():.1e}, rate "
        f"{np.abs(seen.rate[-1]).mean():.6f} a day, carry {full / CARRY:.6f}; paid over {carry} "
        f"hours {np.abs(paid / price[-1]).mean():.6f} of the price, cost {full:.6f}"
    )
