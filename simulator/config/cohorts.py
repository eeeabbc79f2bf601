"""Cohorts: one entry of a configuration that stands for several accounts, unequal by even ranks.

Members of a crowd elsewhere and cohorts at the vault's own venues are spread by the same rule
(:func:`simulator.world.crowd.even_ranks`): no number is drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
from pydantic import Field

from simulator.types import USDC
from simulator.world.crowd import even_ranks

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Cohorts of one entry, at most.
MOST_COHORTS = 64
Count = Annotated[
    int,
    Field(
        ge=1,
        le=MOST_COHORTS,
        description="accounts it stands for, of sizes and figures by even ranks (number)",
    ),
]
Spread = Annotated[float, Field(ge=0, le=4)]
SIZE_SPREAD = "standard deviation of the log of the cohorts' sizes (number)"


class Trader(NamedTuple):
    """One cohort of leveraged traders: collateral posted at the start, and what it opens with."""

    margin: dict[str, float]  # whole tokens by asset
    leverage: float


def names(name: str, count: int) -> tuple[str, ...]:
    """What cohorts are called; one alone as what it stands for."""
    return (name,) if count == 1 else tuple(f"{name}_{place + 1}" for place in range(count))


def traders(section: Any, usdc: float) -> tuple[Trader, ...]:
    """Cohorts of a section of leveraged traders; ``usdc``: the price of USDC at the start."""
    if section.cohorts == 1 and section.open_interest_usd is None:
        return (Trader(section.margin, section.leverage),)
    parts, leverage = even_ranks(
        section.cohorts, section.leverage, section.leverage_spread, section.size_spread
    )
    if section.most_leverage is not None:
        leverage = np.minimum(leverage, section.most_leverage)
    margin = parts / leverage  # of an open interest of one
    if section.open_interest_usd is not None:
        whole = {USDC: section.open_interest_usd / usdc}
    else:
        whole, margin = section.margin, margin / margin.sum()
    return tuple(
        Trader({symbol: amount * float(part) for symbol, amount in whole.items()}, float(times))
        for part, times in zip(margin, leverage, strict=True)
    )


def borrowers(section: Any, least: float) -> Iterator[tuple[float, float]]:
    """Of each cohort its part of all collateral and debts, and its health factor at the start.

    ``least``: what the market lends up to; who would be below stands there.
    """
    if section.cohorts == 1:
        yield 1.0, section.health
        return
    parts, above = even_ranks(
        section.cohorts, section.health - 1.0, section.health_spread, section.size_spread
    )
    for part, more in zip(parts, above, strict=True):
        yield float(part), max(1.0 + float(more), least)
