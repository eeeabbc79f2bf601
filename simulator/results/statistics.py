"""Figures across paths: location, tails, and probabilities with their confidence intervals."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from simulator.types import Floats

CONFIDENCE = 0.95
PROBABILITIES = ("liquidation", "loss", "bad_debt")
_DESCRIBED = ("mean", "std", "min", "p5", "median", "p95", "max")
_TAILS = {"var95": 0.05, "var99": 0.01}


def normal_quantile(confidence: float) -> float:
    """Half width, in standard errors, of a two-sided interval under the normal distribution."""
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def wilson(successes: int, trials: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson (1927) score interval of a binomial proportion; honest at 0 and at ``trials``."""
    z = normal_quantile(confidence)
    share = successes / trials
    spread = z * z / trials
    centre = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * np.sqrt(share * (1 - share) / trials + spread / (4 * trials))
    # At the ends the interval reaches 0 or 1 exactly; rounding must not push it a hair inside.
    low = 0.0 if successes == 0 else max(0.0, float(centre - half))
    high = 1.0 if successes == trials else min(1.0, float(centre + half))
    return low, high


def describe(values: Floats) -> dict[str, float | None]:
    """Mean, standard deviation, quantiles, extremes of the finite values; None: there are none."""
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    if not known.size:
        return dict.fromkeys(_DESCRIBED)
    p5, median, p95 = np.quantile(known, [0.05, 0.5, 0.95])
    figures = (known.mean(), known.std(), known.min(), p5, median, p95, known.max())
    return {name: float(figure) for name, figure in zip(_DESCRIBED, figures, strict=True)}


def tail_losses(returns: Floats) -> dict[str, float]:
    """Value at risk and expected shortfall of ``returns``, as losses (positive = money lost).

    VaR_q is the smallest loss such that at most 1 − q of the paths lose more; ES_q the mean loss of
    the worst ⌈(1 − q)·n⌉ paths (Rockafellar and Uryasev 2000, for equally likely scenarios).
    """
    ordered = np.sort(np.asarray(returns, np.float64))
    result = {}
    for name, tail in _TAILS.items():
        worst = int(np.ceil(round(tail * ordered.size, 9)))
        result[name] = float(-ordered[worst - 1])
        result[name.replace("var", "es")] = float(-ordered[:worst].mean())
    return result


def probabilities(paths: pd.DataFrame) -> dict[str, dict[str, float | int]]:
    """Share of the paths that were liquidated, lost money, or left bad debt, with its interval."""
    happened = (paths["liquidated"], paths["return"] < 0.0, paths["bad_debt"] > 0.0)
    result: dict[str, dict[str, float | int]] = {}
    for name, column in zip(PROBABILITIES, happened, strict=True):
        count = int(column.sum())
        low, high = wilson(count, len(paths))
        result[name] = {"estimate": count / len(paths), "low": low, "high": high, "paths": count}
    return result


def metrics(paths: pd.DataFrame) -> dict[str, dict[str, float | None]]:
    """Every per-path metric described across paths; the return with its tail losses."""
    result = {name: describe(paths[name].to_numpy()) for name in paths.columns if _is_metric(name)}
    result["return"] |= tail_losses(paths["return"].to_numpy())
    return result


def statistics_of(columns: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Statistics by metric of a run with these per-path columns, probabilities included."""
    known: dict[str, tuple[str, ...]] = {n: _DESCRIBED for n in columns if _is_metric(n)}
    known["return"] = (*_DESCRIBED, *_TAILS, *(name.replace("var", "es") for name in _TAILS))
    return known | {f"{name}_probability": ("estimate", "low", "high") for name in PROBABILITIES}


def _is_metric(column: str) -> bool:
    return column not in {"path", "liquidated"}
