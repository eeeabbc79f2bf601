"""The parameters of a Uniswap v3 pool, which whoever opens it chooses."""

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
