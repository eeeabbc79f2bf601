"""The parameters of a pool, Uniswap v3's or a StableSwap, which whoever opens it chooses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from simulator.protocol.terms import Scale, Term

#: Fee tiers of UniswapV3Factory, for type checkers.
Tier = Literal[100, 500, 3_000, 10_000]
#: And their tick spacing; governance enabled 100 ppm in 2021.
TICK_SPACING: dict[int, int] = {100: 1, 500: 10, 3_000: 60, 10_000: 200}


@dataclass(frozen=True)
class PoolTerms:
    """What a pool is created with; its initial price is the market's."""

    fee_ppm: Annotated[
        int,
        Term(
            "swap fee, millionths of the amount in",
            unit="ppm", default=500, choices=tuple(TICK_SPACING), scale=Scale.INTEGER,
        ),
    ]  # fmt: skip
    tick_spacing: Annotated[
        int,
        Term(
            "ticks between initialisable ticks; null: the fee tier's own",
            unit="ticks", optional=True, gt=0, le=16_384, scale=Scale.INTEGER,
        ),
    ]  # fmt: skip


#: What a vault's StableSwap may charge at most, off the peg too, fraction: as Uniswap's dearest
#: tier. contracts/modules/pool_leg.vy holds it.
MAX_STABLE_FEE = 0.01


@dataclass(frozen=True)
class StableTerms:
    """What a StableSwap of two coins is created with (contracts/SPEC.md §9)."""

    amplification: Annotated[
        int,
        Term(
            "A, as Curve's pools have it: how flat the curve is at the peg (pure number)",
            unit="number", default=200, gt=0, le=1_000_000, scale=Scale.INTEGER,
        ),
    ]  # fmt: skip
    fee: Annotated[
        float,
        Term(
            "swap fee at the peg, fraction of the amount out",
            unit="fraction", default=0.0001, ge=0.0, le=MAX_STABLE_FEE,
        ),
    ]  # fmt: skip
    off_peg_multiplier: Annotated[
        float,
        Term(
            "what the fee grows towards, times itself, as coins come apart (pure number)",
            unit="number", default=1.0, ge=1.0, le=1_000.0,
        ),
    ]  # fmt: skip
