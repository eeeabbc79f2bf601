"""Strategies that are not the vault's beside it, on the same paths.

Each agent that may provide liquidity is a strategy (:mod:`simulator.books.strategies`): its return
is that of all it has, at index prices, gas paid. The vault's is that of a share at the same prices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.hedging.risk import CONFIDENCE, Estimate, mean, normal_quantile, probability
from simulator.results.statistics import OF_PROBABILITY, describe, path_weights, tail_losses

if TYPE_CHECKING:
    import pandas as pd

    from simulator.types import Floats

_RETURN, _EXCESS = "strategy_return_", "strategy_excess_"
_DRAWDOWN, _CLOSED = "strategy_drawdown_", "strategy_liquidations_"
_MONEY = ("profit", "fees", "gas")
#: What the vault is called among them.
VAULT = "HedgeVault"


def names_of(columns: Any) -> list[str]:
    """The strategies of a run by its columns, in block order."""
    return [name.removeprefix(_RETURN) for name in columns if name.startswith(_RETURN)]


def strategies(paths: pd.DataFrame) -> list[dict[str, Any]] | None:
    """The vault, then each strategy; None: there is none but the vault.

    ``excess``: mean of its return less the vault's on the same path, with its interval; None of the
    vault, and where no path has both.
    """
    found = names_of(paths.columns)
    if not found:
        return None
    own = _row(VAULT, paths, "return_at_index", "max_drawdown", "liquidations")
    rows = [{**own, "excess": None, **dict.fromkeys(_MONEY)}]
    weights = path_weights(paths)
    for name in found:
        row = _row(name, paths, _RETURN + name, _DRAWDOWN + name, _CLOSED + name)
        row["excess"] = _interval(paths[_EXCESS + name].to_numpy(), weights)
        for what in _MONEY:
            row[what] = describe(paths[f"strategy_{what}_{name}"].to_numpy(), weights)["mean"]
        rows.append(row)
    return rows


def _row(name: str, paths: pd.DataFrame, gain: str, fall: str, closed: str) -> dict[str, Any]:
    weights = path_weights(paths)
    returned = paths[gain].to_numpy()
    known = np.isfinite(returned)
    weight = None if weights is None else weights[known]
    liquidated = probability(paths[closed].to_numpy() > 0, weights)
    return {
        "name": name,
        "return": describe(returned, weights),
        "es95": tail_losses(returned[known], weight)["es95"] if known.any() else None,
        "max_drawdown": describe(paths[fall].to_numpy(), weights),
        "liquidation": dict(zip(OF_PROBABILITY, map(float, liquidated), strict=True)),
    }


def _interval(values: Floats, weights: Floats | None) -> dict[str, float] | None:
    """Mean with its normal interval; one path has none."""
    known = np.isfinite(values)
    if not known.any():
        return None
    centre, error = mean(values[known], None if weights is None else weights[known])
    half = normal_quantile(CONFIDENCE) * error
    ends = Estimate(centre, centre - half, centre + half)
    named = zip(OF_PROBABILITY, map(float, ends), strict=True)
    return {end: figure for end, figure in named if np.isfinite(figure)}
