"""Figures across paths: location, tails, and probabilities with their confidence intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.books.metric import DESCRIBED, TAILS, WITH_TAILS
from simulator.hedging.risk import (
    CONFIDENCE,
    Estimate,
    expected_shortfall,
    expected_shortfall_interval,
    mean,
    normal_quantile,
    probability,
    quantiles,
    tail_shares,
    value_at_risk,
    value_at_risk_interval,
)
from simulator.results.registry import CHANCES, counted, metric_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from simulator.types import Floats

#: What a probability is said with, the default first.
OF_PROBABILITY = ("estimate", "low", "high")


def describe(values: Floats, weights: Floats | None = None) -> dict[str, float | None]:
    """Mean, standard deviation, quantiles, extremes of the finite values; None: there are none."""
    array = np.asarray(values, np.float64)
    finite = np.isfinite(array)
    known, weight = array[finite], None if weights is None else weights[finite]
    if not known.size:
        return dict.fromkeys(DESCRIBED)
    p5, median, p95 = quantiles(known, [0.05, 0.5, 0.95], weight)
    centre = np.average(known, weights=weight)
    spread = np.sqrt(np.average((known - centre) ** 2, weights=weight))
    figures = (centre, spread, known.min(), p5, median, p95, known.max())
    return {name: float(figure) for name, figure in zip(DESCRIBED, figures, strict=True)}


def tail_losses(returns: Floats, weights: Floats | None = None) -> dict[str, float]:
    """Value at risk and expected shortfall of ``returns``, as losses (positive = money lost).

    As :func:`~simulator.hedging.risk.value_at_risk` and
    :func:`~simulator.hedging.risk.expected_shortfall` define them.
    """
    result = {}
    for name, tail in TAILS.items():
        result[name] = value_at_risk(returns, tail, weights)
        result[name.replace("var", "es")] = expected_shortfall(returns, tail, weights)
    return result


def tail_means(paths: pd.DataFrame, columns: Iterable[str]) -> dict[str, float]:
    """Mean of each column over the worst 5 % of paths by return, those of ``es95``."""
    shares = tail_weights(paths)
    return {name: float(np.dot(shares, paths[name].to_numpy())) for name in columns}


def tail_weights(paths: pd.DataFrame) -> Floats:
    """What each path is of the worst 5 % by return, ``[paths]``; they sum to 1."""
    return tail_shares(paths["return"].to_numpy(), TAILS["var95"], path_weights(paths))


def mean_of_known(paths: pd.DataFrame, column: str, weights: Floats | None) -> float | None:
    """Weighted mean over the paths on which a column has a value; None: on none of any weight."""
    values = paths[column].to_numpy()
    known = np.isfinite(values)
    weight = np.ones(known.sum()) if weights is None else weights[known]
    return float(np.average(values[known], weights=weight)) if weight.sum() > 0.0 else None


def probabilities(paths: pd.DataFrame) -> dict[str, dict[str, float | int]]:
    """Share of the paths that were liquidated, lost money, or left bad debt, with its interval."""
    weights, result = path_weights(paths), {}
    for name, (metric, chance) in CHANCES.items():
        happened = chance.happened(paths[metric.name].to_numpy())
        found = probability(happened, weights)
        result[name] = dict(zip(OF_PROBABILITY, found, strict=True))
        result[name]["paths"] = int(happened.sum())
    return result


def metrics(paths: pd.DataFrame) -> dict[str, dict[str, float | None]]:
    """Every per-path metric described across paths; the return with its tail losses."""
    weights, result = path_weights(paths), {}
    for name in paths.columns:
        statistics = _statistics(name)
        if statistics:
            values = paths[name].to_numpy()
            result[name] = describe(values, weights)
            if statistics == WITH_TAILS:
                result[name] |= tail_losses(values, weights)
    return result


def counted_figures(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Of figures by metric those of what agents of one's own count."""
    return {metric.name: figures[metric.name] for metric in counted(figures)}


def intervals(paths: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Tail losses of the return, and means of what a hedge is judged by, each with its interval."""
    weights, returns = path_weights(paths), paths["return"].to_numpy()
    found = {
        "var95": value_at_risk_interval(returns, TAILS["var95"], weights),
        "es95": expected_shortfall_interval(returns, TAILS["var95"], weights),
    }
    for name in ("return", "max_drawdown", "hedge_effectiveness"):
        values = paths[name].to_numpy()
        known = np.isfinite(values)
        if known.any():
            weight = None if weights is None else weights[known]
            centre, error = mean(values[known], weight)
            half = normal_quantile(CONFIDENCE) * error
            found[name] = Estimate(centre, centre - half, centre + half)
    return {
        name: {
            end: float(figure)
            for end, figure in zip(OF_PROBABILITY, estimate, strict=True)
            if np.isfinite(figure)
        }
        for name, estimate in found.items()
    }


def path_weights(paths: pd.DataFrame) -> Floats | None:
    """Likelihood ratios of importance sampling; None in plain Monte Carlo, where all are 1."""
    if "weight" not in paths or (paths["weight"] == 1.0).all():
        return None
    return paths["weight"].to_numpy()


def statistics_of(columns: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Statistics by metric of a run with these per-path columns, probabilities included."""
    known = {name: _statistics(name) for name in columns}
    known = {name: statistics for name, statistics in known.items() if statistics}
    return known | {f"{name}_probability": OF_PROBABILITY for name in CHANCES}


def _statistics(column: str) -> tuple[str, ...]:
    """Those of a column; one that a user's own agent counted is described as any."""
    metric = metric_of(column)
    return DESCRIBED if metric is None else metric.statistics
