"""The ``history:`` section: recorded prices a run replays."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from simulator.config.market import PriceFiles
from simulator.config.section import Section, Symbol

#: Steps of a bar whose open, extremes and close are replayed.
VISITS = 4


class Beside(Section):
    """A recorded series other than a replayed price."""

    file: str | None = Field(
        default=None, description="file that holds it, read as those of prices; null: the same"
    )
    symbol: str | None = Field(
        default=None, description="its symbol in the file (text); null: the only one there is"
    )
    column: str = Field(
        default="close", min_length=1, description="column of the file that holds it (text)"
    )
    scale: float = Field(
        default=1.0,
        gt=0,
        le=1e30,
        description="factor on the recorded numbers (1e-9: wei to gwei)",
    )


class Depth(Section):
    """Recorded depth, in any unit: what counts is what it is over what it is at the start."""

    pool: Beside | None = Field(default=None, description="of the pool's background liquidity")
    perp: Beside | None = Field(default=None, description="of the perp markets' skew scale")


class History(PriceFiles):
    """Replay of recorded prices; without ``prices`` the processes of the assets are drawn."""

    prices: str | None = Field(
        default=None,
        description="file of prices, several with commas, a folder or pattern; null: none",
    )
    symbols: dict[Symbol, str] = Field(
        default_factory=dict, description="symbol in the file, by asset (SOL: SOLUSDT)"
    )
    start: datetime | None = Field(default=None, description="first price replayed, naive UTC")
    max_gap_hours: float = Field(
        default=3.0, ge=0, le=168, description="longest gap filled with the price before it, hours"
    )
    bars: Literal["close", "ohlc"] = Field(
        default="close",
        description="what of a bar is replayed: its close, a step each; or open, extremes and "
        "close in four steps (low first where it closes above its open, else high first)",
    )
    gas: Beside | None = Field(
        default=None, description="recorded gas price, gwei; null: drawn around gas.gwei"
    )
    depth: Depth = Field(
        default=Depth(), description="recorded depth of venues; null: as in pool and clearing"
    )
    oracle: dict[Symbol, Beside] = Field(
        default_factory=dict,
        description="recorded rounds by asset, USD: a round where there is a row, else none",
    )
    funding: dict[Symbol, Beside] = Field(
        default_factory=dict,
        description="recorded funding by market, fraction of the notional a row (positive: longs "
        "pay); its asset's price falls by it, in place of the venue's own funding",
    )
    squared_returns: float | None = Field(
        default=None,
        gt=0,
        le=1e12,
        description="with bars: ohlc, squared returns of the pool's base asset over those of its "
        "closes (pure number, written by hedgesim); null: not measured",
    )
    notes: tuple[str, ...] = Field(
        default=(), description="what was assumed when the file was read (written by hedgesim)"
    )
