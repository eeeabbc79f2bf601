"""Impermanent loss: closed form, fifty-digit arithmetic and the model's pool say the same."""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
import pytest

from simulator.hedging import lp
from simulator.world.model import pool as kernels
from simulator.world.model.parameters import pool_table
from simulator.world.model.state import allocate
from simulator.world.model.tick import MAX_SQRT_PRICE, MIN_SQRT_PRICE, sqrt_ratio_at_tick
from simulator.world.protocol import BackgroundRange, PoolParameters

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


def _round_trip(
    entry_tick: int, lower: int, upper: int, fee_ppm: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mint at ``entry_tick``, swap one path to each exit, burn: raw amounts in, out, and prices."""
    exits = len(EXITS)
    background = BackgroundRange(-LAST, LAST, 10**20)
    root = sqrt_ratio_at_tick(entry_tick)
    table = pool_table(PoolParameters(fee_ppm, SPACING, root, (background,)))
    state = allocate(
        exits,
        segments=table.ticks.size + 1,
        markets=1,
        collaterals=1,
        accounts=1,
        agents=1,
        assets=2,
    )
    pool, position = state.pool, state.position
    kernels.initialise(table, pool, root / 2**96, np.ones(exits))
    minted, burnt = np.zeros((2, exits)), np.zeros((2, exits))
    for path, exit_ticks in enumerate(EXITS):
        kernels.place(position, path, float(lower), float(upper))
        minted[:, path] = kernels.mint(pool, position, path, 1e18)
        limit = sqrt_ratio_at_tick(CENTRE + exit_ticks) / 2**96
        down = limit < pool.sqrt_price[path]
        assert MIN_SQRT_PRICE < limit < MAX_SQRT_PRICE
        if not kernels.limit_passed(pool, path, down, limit):
            swapped = kernels.quote(table, pool, position, path, down, True, 1e40, limit)
            kernels.settle(pool, position, path, down, swapped)
        assert pool.sqrt_price[path] == limit
        burnt[:, path] = kernels.burn_and_collect(pool, position, path, 1e18)[:2]
    return minted, burnt, pool.sqrt_price**2
