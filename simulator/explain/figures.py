"""What frictions cost across paths: mean, expected shortfall, probability of liquidation.

Each statistic is a mean over paths of something a path contributes, so its Shapley values are means
of the paths' own, and their intervals are those of means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.books.metric import TAILS
from simulator.explain import shapley
from simulator.hedging.risk import CONFIDENCE, mean, normal_quantile, probability, value_at_risk
from simulator.types import SimulatorError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.types import Floats

#: Most that the parts of a path's loss may miss it by, fraction of a share.
EXACT_TO = 1e-9
#: The part of the paths that is the tail.
TAIL = TAILS["var95"]

Outcomes = Mapping[int, "NDArray[Any]"]


@dataclass(frozen=True)
class Statistic:
    """A figure across paths.

    Attributes:
        name: in files.
        title: in tables.
        chance: whether it is a probability.
        contributes: of an outcome ``[P]`` and weights, what each path adds: its weighted mean is
            the figure.
    """

    name: str
    title: str
    contributes: Callable[[NDArray[Any], Floats | None], Floats]
    chance: bool = False


def loss(outcome: NDArray[Any]) -> Floats:
    """What a share lost since the first deposit, fraction ``[P]``: minus the metric ``return``."""
    return -np.asarray(outcome["return"], np.float64)


def _shortfall(outcome: NDArray[Any], weights: Floats | None) -> Floats:
    """V + (loss − v)⁺/tail with v the value at risk (Rockafellar and Uryasev 2002, theorem 10).

    Its mean is the expected shortfall, of which v is the argument that makes it least: to first
    order an error of v changes nothing, so the interval is that of the influence function, as
    :func:`~simulator.hedging.risk.expected_shortfall_interval` has it.
    """
    at_risk = value_at_risk(outcome["return"], TAIL, weights)
    return at_risk + np.maximum(loss(outcome) - at_risk, 0.0) / TAIL


STATISTICS = (
    Statistic("mean", "Mean loss", lambda outcome, weights: loss(outcome)),
    Statistic("es95", "Expected shortfall 95 %", _shortfall),
    Statistic(
        "liquidation",
        "Probability of liquidation",
        lambda outcome, weights: outcome["liquidated"].astype(np.float64),
        chance=True,
    ),
)


@dataclass(frozen=True, eq=False)
class Shared:
    """What coalitions are worth, shared out among n frictions.

    Attributes:
        values: Shapley values ``[n, P]``.
        errors: standard error of the *sampling of orders*, of the mean over paths ``[n]``; zeros
            where all coalitions are known.
        all, none: with every friction, and with none ``[P]``.
        without, only: with every friction but one, with one alone ``[n, P]``.
    """

    values: Floats
    errors: Floats
    all: Floats
    none: Floats
    without: Floats
    only: Floats


def needed(count: int, orders: NDArray[np.int64] | None) -> list[int]:
    """The coalitions that are asked about ``count`` frictions: all, or those orders meet."""
    if orders is None:
        return list(range(1 << count))
    whole = (1 << count) - 1
    simple = [0, whole, *(whole ^ 1 << i for i in range(count)), *(1 << i for i in range(count))]
    return sorted({*simple, *map(int, shapley.coalitions(orders).ravel())})


def share(
    worth: Mapping[int, Floats],
    count: int,
    orders: NDArray[np.int64] | None,
    weights: Floats | None,
) -> Shared:
    """Share out ``worth[mask]`` ``[P]`` among ``count`` frictions."""
    whole = (1 << count) - 1
    if orders is None:
        values = shapley.exact(np.stack([worth[mask] for mask in range(whole + 1)]))
        errors = np.zeros(count)
    else:
        values = shapley.sampled(orders, worth).values
        over_paths = {mask: np.average(found, weights=weights) for mask, found in worth.items()}
        errors = shapley.sampled(orders, over_paths).errors
    return Shared(
        values,
        errors,
        worth[whole],
        worth[0],
        np.array([worth[whole ^ 1 << i] for i in range(count)]).reshape(count, -1),
        np.array([worth[1 << i] for i in range(count)]).reshape(count, -1),
    )


def losses(
    found: Outcomes, count: int, orders: NDArray[np.int64] | None, weights: Floats | None
) -> Shared:
    """The losses of every path, shared out.

    Raises:
        SimulatorError: the parts miss the loss of a path.
    """
    shared = share({m: loss(one) for m, one in found.items()}, count, orders, weights)
    missed = np.abs(shared.none + shared.values.sum(axis=0) - shared.all)
    if missed.max(initial=0.0) > EXACT_TO:
        worst = int(missed.argmax())
        raise SimulatorError(f"explain: parts miss the loss of path {worst} by {missed[worst]:g}")
    return shared


def figures(
    found: Outcomes,
    names: Sequence[str],
    orders: NDArray[np.int64] | None,
    weights: Floats | None,
) -> dict[str, Any]:
    """Every statistic, ready for JSON: with all frictions, with none, and what each is of it."""
    result = {}
    for statistic in STATISTICS:
        worth = {mask: statistic.contributes(one, weights) for mask, one in found.items()}
        shared = share(worth, len(names), orders, weights)
        said = partial(_seen if statistic.chance else interval, weights=weights)
        rows = {
            name: {
                "shapley": said(shared.values[row], sampling=float(shared.errors[row])),
                "removed": said(shared.all - shared.without[row]),
                "only": said(shared.only[row] - shared.none),
            }
            for row, name in enumerate(names)
        }
        ends = partial(_chance if statistic.chance else interval, weights=weights)
        result[statistic.name] = {
            "title": statistic.title,
            "all": ends(shared.all),
            "none": ends(shared.none),
            "frictions": rows,
        }
    return result


def values(outcome: NDArray[Any], weights: Floats | None) -> dict[str, float]:
    """Every statistic of an outcome."""
    return {one.name: mean(one.contributes(outcome, weights), weights)[0] for one in STATISTICS}


def interval(values: Floats, weights: Floats | None, sampling: float = 0.0) -> dict[str, float]:
    """A mean over paths with its 95 % interval; ``sampling``: a standard error beside theirs."""
    centre, error = mean(values, weights)
    half = normal_quantile(CONFIDENCE) * float(np.hypot(error, sampling))
    return {"value": centre, "low": centre - half, "high": centre + half}


def _chance(happened: Floats, weights: Floats | None) -> dict[str, float]:
    """A probability with Wilson's interval."""
    return dict(zip(("value", "low", "high"), probability(happened > 0.0, weights), strict=True))


def _seen(values: Floats, weights: Floats | None, sampling: float = 0.0) -> dict[str, float]:
    """A difference of probabilities; where it was seen on no path, as wide as that may hide one."""
    if np.any(values):
        return interval(values, weights, sampling)
    hidden = _chance(values, weights)["high"]
    return {"value": 0.0, "low": -hidden, "high": hidden}
