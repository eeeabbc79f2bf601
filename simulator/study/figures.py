"""The figures of a hedge study: how much risk each estimator's hedge took out, and at what cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from simulator.hedging.significance import (
    Difference,
    block_length,
    confidence_set,
    diebold_mariano,
    resampled_shortfall,
    resampled_variance,
    shortfall_loss,
    stationary_counts,
)
from simulator.market.streams import Stream
from simulator.study.walks import EXPANDING, STATIC

if TYPE_CHECKING:
    from simulator.study.walks import Walk
    from simulator.types import Floats

LEVELS = {"es95": 0.95, "es975": 0.975}
#: The 80–125 rule of FAS 133 and IAS 39 (AG105).
OFFSET = (0.8, 1.25)

COLUMNS = {
    "variance_reduction": "1 − variance of the hedged over that of the unhedged return",
    "es95_reduction": "the same of the 95 % expected shortfall",
    "es975_reduction": "the same of the 97.5 % expected shortfall",
    "offset_passes": "windows whose dollar offset lies within 80 to 125 %",
    "offset_windows": "windows judged",
    "turnover": "USD of hedges traded per USD held and year",
    "fees": "taker fees, USD per USD held and year",
    "funding": "funding received on the hedges sold, USD per USD held and year",
    "cost": "fees less funding, USD per USD held and year",
    "worst_day": "least return of a day of UTC, hedged",
    "dm_statistic": "Diebold–Mariano on squared hedged returns against static; negative is better",
    "dm_p": "its two-sided p-value",
    "es95_difference": "95 % ES less that of static, part of one USD; negative is better",
    "es95_p": "its two-sided p-value",
    "es975_p": "the same at 97.5 %",
    "expanding_difference": "95 % ES less that of the expanding beta",
    "expanding_p": "its two-sided p-value",
    "mcs_variance": "model confidence set p-value on squared hedged returns",
    "mcs_es95": "model confidence set p-value on 95 % ES losses",
}


def figures(walk: Walk) -> pd.DataFrame:
    """One row per estimator, columns as in :data:`COLUMNS`; reductions also with ``_low/_high``."""
    names = list(walk.betas)
    hedged = {name: walk.hedged(name) for name in names}
    static = hedged[STATIC]
    block = max(block_length(static**2), block_length(shortfall_loss(static, 0.95)))
    reductions = _Reductions(walk, block)
    sets = _confidence_sets(walk, hedged, block)
    rows = []
    for name in names:
        pnl = hedged[name]
        row: dict[str, float] = {}
        row |= reductions.of(pnl)
        row |= _offset(walk, name)
        row |= _cost(walk, name)
        row["worst_day"] = worst_day(pnl, walk.settings.rows_per_day)
        row |= _against(pnl, static, hedged[EXPANDING])
        row |= {column: found[name] for column, found in sets.items()}
        rows.append(row)
    return pd.DataFrame(rows, index=pd.Index(names, name="estimator"))


def worst_day(pnl: Floats, rows_per_day: int) -> float:
    """Least sum of returns over a day; the series begins at midnight and holds whole days."""
    return float(pnl.reshape(-1, rows_per_day).sum(axis=1).min())


class _Reductions:
    """Risk taken out, with percentile intervals from resamples shared by all estimators."""

    def __init__(self, walk: Walk, block: float) -> None:
        self._unhedged, self._settings = walk.unhedged, walk.settings
        generator = next(Stream(walk.settings.seed, f"study.{walk.settings.horizon}").paths(0, 1))
        self._counts = stationary_counts(
            generator, len(walk.unhedged), block, walk.settings.replications
        )
        self._variance = resampled_variance(walk.unhedged, self._counts)
        self._shortfall = {
            name: resampled_shortfall(walk.unhedged, self._counts, level)
            for name, level in LEVELS.items()
        }

    def of(self, pnl: Floats) -> dict[str, float]:
        """Reductions of one hedged series."""
        plain, counts = self._unhedged, self._counts
        found = self._interval(
            "variance_reduction",
            1.0 - float(np.var(pnl) / np.var(plain)),
            1.0 - resampled_variance(pnl, counts) / self._variance,
        )
        for name, level in LEVELS.items():
            whole = shortfall_loss(pnl, level).mean() / shortfall_loss(plain, level).mean()
            drawn = resampled_shortfall(pnl, counts, level) / self._shortfall[name]
            found |= self._interval(f"{name}_reduction", 1.0 - whole, 1.0 - drawn)
        return found

    def _interval(self, name: str, value: float, drawn: Floats) -> dict[str, float]:
        rest = 0.5 * (1.0 - self._settings.confidence)
        low, high = np.quantile(drawn, [rest, 1.0 - rest])
        return {name: float(value), f"{name}_low": float(low), f"{name}_high": float(high)}


def _offset(walk: Walk, name: str) -> dict[str, float]:
    """Dollar offset −Δhedge/Δitem over windows one after the other; a rest at the end is left."""
    length = walk.settings.offset_days * walk.settings.rows_per_day
    windows = len(walk.unhedged) // length
    item = walk.unhedged[: windows * length].reshape(windows, length).sum(axis=1)
    hedge = np.sum(walk.betas[name] * walk.moves, axis=1)[: windows * length]
    offset = hedge.reshape(windows, length).sum(axis=1)
    # Products, because an item that did not move has no ratio; it passes if the hedge did not.
    low, high = OFFSET
    passes = (offset * item >= low * item**2) & (offset * item <= high * item**2)
    return {"offset_passes": float(passes.sum()), "offset_windows": float(windows)}


def _cost(walk: Walk, name: str) -> dict[str, float]:
    per_year = 365.0 * walk.settings.rows_per_day
    turnover = float(walk.turnover(name).mean()) * per_year
    fees = turnover * walk.settings.taker_fee
    funding = float(walk.betas[name].sum(axis=1).mean()) * walk.settings.funding_per_year
    return {"turnover": turnover, "fees": fees, "funding": funding, "cost": fees - funding}


def _against(pnl: Floats, static: Floats, expanding: Floats) -> dict[str, float]:
    squares = diebold_mariano(pnl**2, static**2)
    tails = {name: _tail(pnl, static, level) for name, level in LEVELS.items()}
    grown = _tail(pnl, expanding, 0.95)
    return {
        "dm_statistic": squares.statistic,
        "dm_p": squares.p_value,
        "es95_difference": tails["es95"].mean,
        "es95_p": tails["es95"].p_value,
        "es975_p": tails["es975"].p_value,
        "expanding_difference": grown.mean,
        "expanding_p": grown.p_value,
    }


def _tail(pnl: Floats, benchmark: Floats, level: float) -> Difference:
    return diebold_mariano(shortfall_loss(pnl, level), shortfall_loss(benchmark, level))


def _confidence_sets(
    walk: Walk, hedged: dict[str, Floats], block: float
) -> dict[str, dict[str, float]]:
    losses = {
        "mcs_variance": np.stack([pnl**2 for pnl in hedged.values()], axis=1),
        "mcs_es95": np.stack([shortfall_loss(pnl, 0.95) for pnl in hedged.values()], axis=1),
    }
    # Means over days have the mean of the hours, and blocks are longer than a day anyway. A basis
    # point squared is 1e-8: in units of the mean loss the set's variances stay normal.
    per_day = walk.settings.rows_per_day
    losses = {
        name: loss.reshape(-1, per_day, len(hedged)).mean(axis=1) / loss.mean()
        for name, loss in losses.items()
    }
    return {
        name: dict(
            zip(
                hedged,
                confidence_set(
                    loss,
                    block=max(block / per_day, 2.0),
                    replications=walk.settings.replications,
                    seed=walk.settings.seed,
                ),
                strict=True,
            )
        )
        for name, loss in losses.items()
    }
