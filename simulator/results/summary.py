"""The summary of a run: probabilities, metrics, attribution, gates. No clock in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.books.buckets import BUCKETS
from simulator.books.correlation import portfolio_correlation
from simulator.config.replays import is_one_history
from simulator.hedging.risk import effective_sample_size
from simulator.protocol.statuses import REFUSALS
from simulator.results.diagnosis import diagnose, verdicts
from simulator.results.documented import beside
from simulator.results.statistics import (
    intervals,
    mean_of_known,
    metrics,
    path_weights,
    probabilities,
    tail_means,
    tail_weights,
)
from simulator.results.strategies import strategies

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from simulator.config import Config
    from simulator.results.finding import Finding
    from simulator.results.gates import Gate


def summarise(
    config: Config,
    world: str,
    paths: pd.DataFrame,
    gates: Iterable[Gate],
    allow: Iterable[str] = (),
    found: Iterable[Finding] = (),
) -> dict[str, Any]:
    """What is said of the run as a whole, ready for JSON; the same for every split of its paths.

    ``allow``: names of findings in spite of which the ``gates`` may hold. ``found``: findings
    beside those that its paths tell.
    """
    from simulator import __version__

    worst = worst_path(paths)
    summary: dict[str, Any] = {
        "hedgesim": __version__,
        "scenario": config.name,
        "description": config.description,
        "world": world,
        "seed": config.seed,
        "paths": len(paths),
        "steps": config.steps,
        "step_minutes": config.step_minutes,
        "probabilities": probabilities(paths),
        "metrics": metrics(paths),
        "intervals": intervals(paths),
        "attribution": {
            "mean": {name: _mean(paths, name) for name in BUCKETS},
            "tail": tail_means(paths, BUCKETS),
            "worst_path": {name: float(paths[name].iloc[worst]) for name in BUCKETS},
        },
        "hedge_held": {
            "mean": mean_of_known(paths, "hedge_held", path_weights(paths)),
            "tail": mean_of_known(paths, "hedge_held", tail_weights(paths)),
            "worst_path": mean_of_known(paths.iloc[[worst]], "hedge_held", None),
        },
        "worst_path": {
            "path": int(paths["path"].iloc[worst]),
            "return": float(paths["return"].iloc[worst]),
        },
        "assumed_correlation": assumed_correlation(config),
        "diagnosis": diagnose(config, paths, found),
        "refusals": _refusals(paths, "refused"),
        "upkeep_refusals": _refusals(paths, "upkeep_refused"),
        "sampling": _sampling(paths),
        "one_history": is_one_history(config),
        "strategies": strategies(paths),
    }
    gates = list(gates)
    summary["gates"] = [gate.verdict(summary) for gate in gates]
    if gates:  # what is required of a vault that did nothing is not met
        required = [gate.metric for gate in gates]
        summary["gates"] += verdicts(summary["diagnosis"], allow, required)
    summary["documented"] = beside(config, summary)
    summary["config"] = config.model_dump(mode="json")
    return summary


def _mean(paths: pd.DataFrame, column: str) -> float:
    return float(np.average(paths[column], weights=path_weights(paths)))


def _sampling(paths: pd.DataFrame) -> dict[str, float] | None:
    """What importance sampling did to the paths; None: plain Monte Carlo."""
    weights = path_weights(paths)
    if weights is None:
        return None
    return {
        "effective_sample_size": effective_sample_size(weights),
        "mean_weight": float(weights.mean()),
        "largest_weight": float(weights.max()),
    }


def worst_path(paths: pd.DataFrame) -> int:
    """Row of the lowest return; of several, the one that lost the most money, then the first."""
    order = np.lexsort((paths["path"], paths["pnl"], paths["return"]))
    return int(order[0])


def assumed_correlation(config: Config) -> float | None:
    """Correlation of the LP asset with the first hedge portfolio under the designer's assumptions.

    None where the assumed portfolio does not move.
    """
    from simulator.config import initial_betas
    from simulator.config.correlation import assumed_covariance

    symbols = (config.pool.base, *config.markets)
    moments = assumed_covariance(config, symbols)
    weights = np.array(initial_betas(config))[:, None]
    value = float(portfolio_correlation(moments[:, :, None], weights)[0])
    return None if np.isnan(value) else value


def _refusals(paths: pd.DataFrame, columns: str) -> dict[str, int]:
    """How many actions were refused over all paths, by status; statuses never seen left out.

    ``columns``: ``refused`` of everybody, ``upkeep_refused`` of those who run the vault.
    """
    counts = {status.label: int(paths[f"{columns}_{status.label}"].sum()) for status in REFUSALS}
    return {name: count for name, count in counts.items() if count}
