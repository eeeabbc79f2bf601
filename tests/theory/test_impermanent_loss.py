"""Impermanent loss: closed form, fifty-digit arithmetic and the model's pool say the same."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, localcontext

import numpy as np
import pytest

from simulator.hedging import lp
from simulator.model.pools.uniswap_v3.tick import sqrt_ratio_at_tick
from simulator.types import Floats
from simulator.world.base import World
from simulator.world.protocol import BackgroundRange, PoolParameters
from tests.model.lone_pool import LonePool
from tests.theory.frictionless import Onlooker, frictionless, whole_price
from tests.theory.watched import watch

SPACING = 60
LAST = 887_272 // SPACING * SPACING
# ETH/USDC about 2,000: √(raw USDC per raw wei). Ticks are basis points, 6,960 a factor of two.
CENTRE = -200_340
RANGES = [(-60, 60), (-600, 600), (-6_960, 6_960), (-1_200, 12_000), (-12_000, 1_200)]
FULL = (-LAST, LAST)
# Where the price is at entry and at exit, ticks from the centre: near, in, at and beyond the ends.
ENTRIES = [-13_021, -1_201, -30, 0, 45, 599, 7_001]
EXITS = [-20_003, -6_960, -601, -59, 0, 1, 60, 333, 6_959, 12_000, 25_007]


def price_at(tick: int) -> float:
    return (sqrt_ratio_at_tick(tick) / 2**96) ** 2


def exact_loss(price: float, entry: float, lower: float, upper: float) -> float:
    """V(P)/V_hold(P) − 1 from the two values in fifty digits, straight from the whitepaper."""
    with localcontext() as context:
        context.prec = 50
        P, entry_price, low, high = (Decimal(x) for x in (price, entry, lower, upper))

        def amounts(at: Decimal) -> tuple[Decimal, Decimal]:
            root = min(max(at, low), high).sqrt()
            return 1 / root - 1 / high.sqrt(), root - low.sqrt()

        base, quote = amounts(P)
        base_held, quote_held = amounts(entry_price)
        return float((base * P + quote) / (base_held * P + quote_held) - 1)


@pytest.mark.parametrize("bounds", [*RANGES, FULL])
def test_closed_form_equals_the_definition_in_fifty_digits_in_and_out_of_range(
    bounds: tuple[int, int],
) -> None:
    offset = 0 if bounds == FULL else CENTRE
    lower, upper = (price_at(offset + tick) for tick in bounds)
    worst = max(
        abs(
            float(
                lp.impermanent_loss(price_at(CENTRE + end), price_at(CENTRE + start), lower, upper)
            )
            - exact_loss(price_at(CENTRE + end), price_at(CENTRE + start), lower, upper)
        )
        for start in ENTRIES
        for end in EXITS
    )
    print(f"IL closed form vs 50 digits, range {bounds}: max error {worst:.1e}")
    # The narrowest range is 1.2 % wide: a difference of roots keeps 13 digits of 16.
    assert worst <= 1e-12


@pytest.mark.parametrize("fee_ppm", [0, 3_000])
@pytest.mark.parametrize("bounds", [*RANGES, FULL])
def test_mint_move_and_burn_in_the_pool_loses_what_the_closed_form_says(
    bounds: tuple[int, int], fee_ppm: int
) -> None:
    """Fees are kept apart by ``burn_and_collect``, so the principal alone must match."""
    offset = 0 if bounds == FULL else CENTRE
    lower, upper = (offset + tick for tick in bounds)
    worst = 0.0
    for start in ENTRIES:
        exits = len(EXITS)
        minted, burnt, price = _round_trip(CENTRE + start, lower, upper, fee_ppm)
        entry_price = np.full(exits, price_at(CENTRE + start))
        held = minted[0] * price + minted[1]
        loss = (burnt[0] * price + burnt[1]) / held - 1.0
        closed = lp.impermanent_loss(price, entry_price, price_at(lower), price_at(upper))
        worst = max(worst, float(np.max(np.abs(loss - closed))))
    print(f"IL pool vs closed form, range {bounds}, fee {fee_ppm} ppm: max error {worst:.1e}")
    # L = 1e18 raw is 270,000 USDC in the narrowest range: one raw unit is 4e-12 of it.
    assert worst <= 1e-9


def _round_trip(entry_tick: int, lower: int, upper: int, fee_ppm: int) -> tuple[Floats, ...]:
    """Mint at ``entry_tick``, swap to each exit, burn: raw in and out ``[2, exits]``, prices."""
    background = BackgroundRange(-LAST, LAST, 10**20)
    parameters = PoolParameters(fee_ppm, SPACING, sqrt_ratio_at_tick(entry_tick), (background,))
    minted, burnt = [], []
    limits = np.array([sqrt_ratio_at_tick(CENTRE + end) / 2**96 for end in EXITS])
    for limit in limits:
        lone = LonePool(parameters)
        lone.place(lower, upper)
        minted.append(lone.mint(1e18))
        lone.swap(bool(limit < lone.spot), True, 1e40, limit)
        assert lone.spot == limit
        burnt.append(lone.burn(1e18)[:2])
    prices: Floats = np.square(limits)
    return np.array(minted).T, np.array(burnt).T, prices


FIELDS = ("lp_base", "lp_usdc", "idle_base", "idle_usdc", "nav", "sqrt_price")


class Trail(Onlooker):
    """The vault's position and worth at the end of each step; series ``[T + 1, P]``."""

    def __init__(self) -> None:
        self._seen: list[dict[str, Floats]] = []
        self.ends: list[tuple[Floats, Floats]] = []

    def stepped(self, step: int, world: World) -> None:
        """Copy what the test reads."""
        state = world.observe()
        self._seen.append({name: getattr(state, name).copy() for name in FIELDS})
        self.ends.append((state.tick_lower.copy(), state.tick_upper.copy()))

    def series(self, name: str) -> Floats:
        """One of FIELDS over all steps."""
        return np.array([seen[name] for seen in self._seen])


def test_unhedged_vault_loses_what_the_closed_form_says_in_and_out_of_range() -> None:
    """Deposit, mint, and arbitrage to a fifth … five times the price, elsewhere, and back."""
    factors = np.geomspace(0.2, 5.0, 41)
    setting = frictionless(
        seed=1,
        paths=factors.size,
        steps=3,
        step_minutes=60,
        volatility=0.5,
        background=[{"value_usd": 5e8}],
        agents=("depositor", "amm_arbitrageur", "keeper"),
    )
    index = np.repeat(setting.market.index[:, :1], 4, axis=1)
    index[1, 1], index[1, 2] = 2_000.0 * factors, 2_000.0 * factors[::-1]
    # Ranges are never moved, no margin is kept, and nobody posts betas: the vault is its position.
    vault = replace(
        setting.protocol.vault, recenter_threshold=1e6, lp_allocation=1.0, margin_allocation=0.0
    )
    setting = replace(
        setting,
        protocol=replace(setting.protocol, vault=vault),
        market=replace(setting.market, index=index),
    )
    world, trail = setting.world(), Trail()
    watch(world, setting.agents(), [trail])
    np.testing.assert_array_equal(trail.ends[0], trail.ends[-1])
    lower, upper = (whole_price(1.0001**tick, setting.protocol) for tick in trail.ends[0])
    price = world.market.index[1]
    assert 5 < np.count_nonzero(lp.in_range(price[1], lower, upper)) < factors.size - 20
    base, usdc = trail.series("lp_base"), trail.series("lp_usdc")
    loss = (base * price + usdc) / (base[0] * price + usdc[0]) - 1.0
    worst = np.max(np.abs(loss - lp.impermanent_loss(price, 2_000.0, lower, upper)))
    print(f"IL vault vs closed form: max error {worst:.1e}, largest loss {loss.min():.3f}")
    assert worst <= 1e-9
    # And the vault is worth that: its NAV is the position and the idle dust of its set-up.
    dust = trail.series("idle_base") * price + trail.series("idle_usdc")
    # Amounts are floored to raw USDC, 1e-12 of a million.
    np.testing.assert_allclose(trail.series("nav"), base * price + usdc + dust, rtol=1e-11)
    pool_price = whole_price(trail.series("sqrt_price") ** 2, setting.protocol)
    # The pool really went there, once arbitrage had undone the swap of the set-up.
    np.testing.assert_allclose(pool_price[1:], price[1:], rtol=1e-9)
