"""Which randomness alternatives of a run share: by their settings, and measured on paths drawn.

Streams are keyed by seed, name and path number, so alternatives draw the same numbers; what becomes
of them depends on their settings. Another volatility makes of the same draws moves of another size.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from simulator.market.draw import draw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.config.market_settings import MarketSettings
    from simulator.market.paths import MarketPaths
    from simulator.types import Floats

#: What people call the arrays of :class:`~simulator.market.paths.MarketPaths`.
PARTS = {
    "prices": ("index",),
    "oracle rounds": ("oracle_price", "oracle_time"),
    "gas": ("gas_usd",),
    "depth": ("pool_depth", "perp_depth", "outside_depth"),
    "orders of traders": ("noise_swap", "noise_trade"),
    "deposits": ("deposit_flow",),
}
_PRICES = {"assets", "correlation", "process", "common_jumps"}
#: Parts that other sections may change on few paths alone (a jump, a deposit), by these sections.
_RARELY = {
    "prices": _PRICES,
    "oracle rounds": _PRICES | {"oracle"},
    "gas": _PRICES,
    "deposits": {"flow"},
}
#: Correlation of the log returns from which prices count as the same draws at another scale.
SAME_DRAWS = 0.99


def differing(markets: Sequence[MarketPaths]) -> list[str]:
    """Names of :data:`PARTS` that are not the same, to the bit, in all of ``markets``."""
    first = markets[0]
    return [
        part
        for part, names in PARTS.items()
        if not all(
            first.assets == other.assets
            and np.array_equal(getattr(first, name), getattr(other, name), equal_nan=True)
            for other in markets[1:]
            for name in names
        )
    ]


def same_draws(markets: Sequence[MarketPaths]) -> bool:
    """Whether the prices of every asset of all markets come from the same draws.

    True where the log returns of each asset they share correlate by :data:`SAME_DRAWS` or more
    between any two; an asset that does not move in one of them says nothing.
    """
    shared = [a for a in markets[0].assets if all(a in market.assets for market in markets)]
    returns = {a: [_returns(market, a) for market in _distinct(markets)] for a in shared}
    return all(
        _correlation(one, other) >= SAME_DRAWS
        for found in returns.values()
        for one, other in combinations(found, 2)
        if one.any() and other.any()
    )


def sentence(settings: Sequence[MarketSettings], paths: int) -> str:
    """What alternatives share, as the end of a sentence that began with their paths.

    Markets are called the same where their settings are, never because a few ``paths``, which are
    drawn to see what becomes of other settings, came out equal.
    """
    first = settings[0]
    sections = dict.fromkeys(name for other in settings[1:] for name in first.differing(other))
    if not sections:
        return f"the same paths in all: {_listed(list(PARTS))} are equal to the bit"
    markets = [draw(each, 0, paths) for each in settings]
    changed = differing(markets)
    if not changed:
        return (
            f"other market settings ({_listed(list(sections))}), so not the same paths, though the "
            f"first {paths} came out equal"
        )
    rare = {part for part, of in _RARELY.items() if of & sections.keys()}
    kept = [part for part in PARTS if part not in changed and part not in rare]
    if "prices" in kept:
        return f"the same prices in all; {_listed(changed)} follow the settings"
    if same_draws(markets):
        begun = "the same random draws in all, at the scale their settings give them: "
    else:
        begun = "paths of the same seed, but no longer the same draws: "
    rest = f"; {_listed(kept)} are equal" if kept else ""
    return f"{begun}{_listed(changed)} differ{rest}"


def _distinct(markets: Sequence[MarketPaths]) -> list[MarketPaths]:
    """Of markets with equal prices, the first."""
    found: list[MarketPaths] = []
    for market in markets:
        if not any(
            market.assets == other.assets and np.array_equal(market.index, other.index)
            for other in found
        ):
            found.append(market)
    return found


def _returns(market: MarketPaths, asset: str) -> Floats:
    """Log returns of an asset, all paths in one row, each path's own mean taken out."""
    returns = np.diff(np.log(market.index[market.assets.index(asset)]), axis=0)
    returns -= returns.mean(axis=0)
    # What is left of a price that stands still is rounding.
    return np.where(np.abs(returns) > 1e-12, returns, 0.0).ravel()


def _correlation(one: Floats, other: Floats) -> float:
    return float(np.sum(one * other) / np.sqrt(np.sum(one * one) * np.sum(other * other)))


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
