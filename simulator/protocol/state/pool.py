"""The pool, Uniswap v3's or a StableSwap, and the vault's position in it."""

from __future__ import annotations

from simulator.protocol.state.variable import (
    Compared,
    Computed,
    Derived,
    Kept,
    Scale,
    Shown,
    Subject,
    Word,
)

_FEES = Compared(floored=1e-6)  # raw USDC: a few dollars of fees show one more or less


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
        "", "raw L", "active liquidity of the pool; of a StableSwap all shares",
        Word("pool", 3, Scale.WHOLE), Computed(),
    )  # fmt: skip

    # Positions of agents: each agent's stand together, those it holds first.
    providing = Kept("", "1", "how many positions of agents hold liquidity")
    provided = Shown(
        "positions", "raw L", "L of an agent's position",
        Word("providers", 0, Scale.WHOLE), Computed(),
    )  # fmt: skip
    provided_lower = Shown(
        "positions", "ticks", "lower end of its range",
        Word("providers", 1, Scale.WHOLE), Computed(),
    )  # fmt: skip
    provided_upper = Shown(
        "positions", "ticks", "upper end of its range",
        Word("providers", 2, Scale.WHOLE), Computed(),
    )  # fmt: skip
    provided_root_lower = Kept("positions", "raw", "√P at its lower end")
    provided_root_upper = Kept("positions", "raw", "√P at its upper end")
    provided_fees_base = Derived(
        "positions", "base", "uncollected base of it",
        Word("providers", 3, Scale.BASE), Computed(),
        kept=Kept(
            "positions", "raw base", "what a collect would pay, not yet floored",
            raw=Scale.BASE, name="provided_fees0",
        ),
    )  # fmt: skip
    provided_fees_usdc = Derived(
        "positions", "USDC", "uncollected USDC of it",
        Word("providers", 4, Scale.USDC), Computed(),
        kept=Kept(
            "positions", "raw USDC", "what a collect would pay, not yet floored",
            raw=Scale.USDC, name="provided_fees1",
        ),
        compared=_FEES,
    )  # fmt: skip


class Stable(Subject):
    """A StableSwap, where the vault's pool is one; the base asset is its coin 0, USDC its coin 1.

    Its price is shown as that of :class:`Pool`, its shares as that one's liquidity.
    """

    coin_balance = Shown(
        "coins", "tokens", "counted of each coin of a StableSwap",
        Word("stable", 0, Scale.COIN), Computed(), raw=Scale.COIN, named="raw",
    )  # fmt: skip
    part = Kept("coins", "raw", "of one share, which a change of depth leaves")
    rate = Kept("coins", "1", "scaled units, 10⁻¹⁸, of one raw unit")
    coins = Kept("", "1", "how many it has")
    ann = Kept("", "1", "n·A")
    opened = Kept("", "shares, raw", "of others at depth one: the invariant it opened with")
    others = Kept("", "shares, raw", "of others")
    own = Kept("", "shares, raw", "the vault's")
    depth = Kept("", "1", "factor on the shares of others")
    root = Kept("", "raw", "√ of the marginal price of the first two coins", name="sqrt_price")


class Position(Subject):
    """The vault's position in the pool; where the vault pledges, it backs account 0."""

    liquidity = Shown(
        "", "raw L", "L of the vault's position; of a StableSwap its shares",
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
        compared=_FEES,
    )  # fmt: skip
