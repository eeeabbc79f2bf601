"""The Uniswap v3 pool, and the vault's position in it."""

from __future__ import annotations

from simulator.protocol.state.variable import (
    Computed,
    Derived,
    Kept,
    Scale,
    Shown,
    Subject,
    Word,
)


class Pool(Subject):
    """A Uniswap v3 pool; in the record those of the legs on Aave are such records too."""

    sqrt_price = Shown(
        "", "raw", "√P: sqrt(raw USDC / raw base)",
        Word("pool", 2, Scale.X96), Computed(),
    )  # fmt: skip
    tick = Kept("", "1", "slot0.tick")
    segment = Kept("", "1", "number of background ticks <= tick")
    depth = Kept("", "1", "factor the profile was built with")
    profile = Kept("segments", "raw L", "background liquidity in each segment")
    pool_liquidity = Derived(
        "", "raw L", "active liquidity of the pool",
        Word("pool", 3, Scale.WHOLE), Computed(),
    )  # fmt: skip


class Position(Subject):
    """The vault's position in the pool; where the vault pledges, it backs account 0."""

    liquidity = Shown(
        "", "raw L", "L of the vault's position",
        Word("position", 10, Scale.WHOLE), Computed("place"),
    )  # fmt: skip
    tick_lower = Shown(
        "", "ticks", "lower end of its range",
        Word("position", 11, Scale.WHOLE), Computed("place"),
    )  # fmt: skip
    tick_upper = Shown(
        "", "ticks", "upper end of its range",
        Word("position", 12, Scale.WHOLE), Computed("place"),
    )  # fmt: skip
    sqrt_lower = Kept("", "raw", "√P at tick_lower", group="place", scale=Scale.X96)
    sqrt_upper = Kept("", "raw", "√P at tick_upper", group="place", scale=Scale.X96)
    lp_base = Derived(
        "", "base", "base in the position at the oracle √P",
        Word("position", 13, Scale.BASE),
    )  # fmt: skip
    lp_usdc = Derived(
        "", "USDC", "USDC in the position at the oracle √P",
        Word("position", 14, Scale.USDC),
    )  # fmt: skip
    fees_base = Derived(
        "", "base", "uncollected base",
        Word("position", 15, Scale.BASE), Computed("fees"),
        kept=Kept(
            "", "raw base", "what a collect would pay, not yet floored",
            raw=Scale.BASE, name="fees0",
        ),
    )  # fmt: skip
    fees_usdc = Derived(
        "", "USDC", "uncollected USDC",
        Word("position", 16, Scale.USDC), Computed("fees"),
        kept=Kept(
            "", "raw USDC", "what a collect would pay, not yet floored",
            raw=Scale.USDC, name="fees1",
        ),
    )  # fmt: skip
