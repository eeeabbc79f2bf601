"""What a hedge took out of a series, and how deep it fell; any figure's interval by resampling.

Series are ``[n]`` arrays, as in :mod:`simulator.hedging.risk`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.arguments import whole
from simulator.hedging import check
from simulator.hedging.risk import CONFIDENCE, Estimate, expected_shortfall
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from simulator.types import Floats


def max_drawdown(values: ArrayLike) -> Floats:
    """Largest fall from a peak as a fraction of the peak, over axis 0.

    Raises:
        InputError: no values, one that is not finite or below 0, or the first not positive: there
            is no fraction of nothing, and no fall of more than all.
    """
    array = check.numbers("values", values, least=0.0)
    if not array.ndim or not array.size:
        raise InputError(f"values {array.shape}: must be [T, ...], one or more")
    check.numbers("values[0]", array[0], above=0.0)
    return np.asarray(np.max(1.0 - array / np.maximum.accumulate(array, axis=0), axis=0))


def hedge_effectiveness(unhedged: ArrayLike, hedged: ArrayLike) -> float:
    """Ederington's (1979) 1 − Var(hedged)/Var(unhedged), out of sample; NaN: nothing moved.

    InputError where either is empty or not finite, or they differ in length.
    """
    plain, left = check.series("unhedged", unhedged), check.series("hedged", hedged)
    check.same_shape(unhedged=plain, hedged=left)
    before, after = float(plain.var()), float(left.var())
    return 1.0 - after / before if before > 0.0 else np.nan


def shortfall_reduction(unhedged: ArrayLike, hedged: ArrayLike, tail: float = 0.05) -> float:
    """1 − ES(hedged)/ES(unhedged): part of the expected shortfall that the hedge removed.

    NaN where there was none to remove. InputError as :func:`hedge_effectiveness`, or for a tail
    not within (0, 1).
    """
    plain, left = check.series("unhedged", unhedged), check.series("hedged", hedged)
    check.same_shape(unhedged=plain, hedged=left)
    before = expected_shortfall(unhedged, tail)
    return 1.0 - expected_shortfall(hedged, tail) / before if before > 0.0 else np.nan


def bootstrap(
    statistic: Callable[..., float],
    samples: tuple[ArrayLike, ...],
    generator: np.random.Generator,
    draws: int = 1_000,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Percentile interval of ``statistic(*samples)`` (Efron 1979), scenarios redrawn together.

    ``samples`` are ``[n, ...]`` arrays of the same scenarios, as ``(unhedged, hedged)``. Scenarios
    must be independent; of a time series resample blocks instead.

    Raises:
        InputError: samples are none, empty, not finite or of different length, draws fewer than
            one, or confidence not within (0, 1).
    """
    whole("draws", draws, 1)
    check.fraction("confidence", confidence)
    arrays = [check.numbers("samples", np.atleast_1d(sample)) for sample in samples]
    count = len(arrays[0]) if arrays else 0
    if any(len(array) != count for array in arrays) or not count:
        raise InputError("samples: must hold the same scenarios, one or more")
    found = np.empty(draws)
    for draw in range(draws):
        picked = generator.integers(0, count, count)
        found[draw] = statistic(*(array[picked] for array in arrays))
    miss = (1.0 - confidence) / 2
    low, high = np.quantile(found, [miss, 1.0 - miss])
    return Estimate(float(statistic(*arrays)), float(low), float(high))
