"""What is written of every agent: the bases of their sections."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from simulator.config.section import Section, Symbol
from simulator.world.protocol import MOST_LATENCY

Tokens = Annotated[float, Field(ge=0, le=1e15)]
Latency = Annotated[int, Field(ge=0, le=MOST_LATENCY)]
#: Of those who act around others within a block.
AtOnce = Annotated[
    int, Field(ge=0, le=0, description="0: it acts around others within a block (number)")
]
MINIMUM_PROFIT = "expected profit after gas below which it does not act, USD"
LATENCY = "steps (blocks) between what it sees and its orders being carried out (number)"


class Actor(Section):
    """Base of all agents."""

    #: Its keys of ``agents``, and what who is called so does; a base has none.
    named: ClassVar[dict[str, str]] = {}

    #: Whether it wants no position, and trades outside what it takes here.
    trades_outside: ClassVar[bool] = False

    #: How many positions in the pool it may hold.
    positions: ClassVar[int] = 0
    #: Whether what it does is worked out for a pool with ranges alone.
    needs_ranges: ClassVar[bool] = False
    #: What it counts that is a metric of each path: by name, unit and meaning.
    metrics: ClassVar[dict[str, tuple[str, str]]] = {}

    latency_blocks: Latency = Field(default=0, description=LATENCY)
    usdc: Tokens = Field(default=100_000.0, description="wallet at the start, USDC")

    def counts(self) -> tuple[str, ...]:
        """Of its metrics those that say something as it is written: all, where it says no more."""
        return tuple(self.metrics)


class MarginTrader(Actor):
    """Base of agents with a margin account."""

    margin: dict[Symbol, Tokens] = Field(
        default_factory=dict, description="collateral posted at the start, whole tokens by asset"
    )


CAPITAL = (
    "money it may have tied up at once in what it liquidated and has not sold, at the start, USD; "
    "gains and losses add to it (null: as much as it has)"
)
GAS_BID = "times the block's gas that a liquidation has to be worth to it (number)"
_MISSED = (
    "times it would have gained by a liquidation and did not make it in full, for want of money: "
    "one for each account (or collateral of it) and step, so one that lasts is counted again"
)
#: What every liquidator counts of its money: unit and meaning.
MONEY = {
    "missed": ("number", _MISSED),
    "short_usd": ("USD", "most that it lacked for those of one step"),
    "inventory_usd": ("USD", "what it took and has not sold, at the index, at the end"),
}
_STOPPED = (
    "times it did not go as far as it would have gained, for want of money or margin; one for each "
    "pool or market and step"
)
#: What every arbitrageur counts of its money: unit and meaning.
STOPPED = {"missed": ("number", _STOPPED)}

_GAINED = "what it holds at the index, less what it would hold had it done nothing, less gas"
#: What every adversary counts: unit and meaning.
PROFIT = ("USD", _GAINED)
