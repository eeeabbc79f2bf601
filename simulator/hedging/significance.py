"""Is one hedge better than another, or was it luck? Tests on paired series of hedged returns.

Hedged returns are heavy-tailed and their squares hang together over time, so every variance here is
a long-run one and every resample keeps blocks together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.arguments import whole
from simulator.hedging import check
from simulator.kernel_files import njit

if TYPE_CHECKING:
    from simulator.types import Floats


#: 97.5 % point of the t statistic with Bartlett's kernel over a part b of the sample, highest power
#: of b first, and the same without lags.
_FIXED_B, _NORMAL = (-0.5324, 0.4160, 2.9694, 1.9600), 1.9600


@dataclass(frozen=True)
class Difference:
    """Mean loss less that of the benchmark; negative is better. ``p_value`` is two-sided."""

    mean: float
    statistic: float
    p_value: float


def robust_lags(rows: int) -> int:
    """⌊1.3 √T⌋ (Lazarus, Lewis, Stock & Watson 2018, J. Business & Economic Statistics 36).

    Days of lags where the older rules take hours: squares of hourly returns hang together that
    long, and a test that looks away from it finds everything significant.
    """
    return int(1.3 * np.sqrt(rows))


def long_run_variance(values: Floats, lags: int) -> float:
    """Bartlett-weighted long-run variance of a series ``[T]`` (Newey & West 1987)."""
    rows = len(values)
    centred = values - np.mean(values)
    total = np.sum(centred**2)
    for lag in range(1, min(lags, rows - 1) + 1):
        weight = 1.0 - lag / (lags + 1.0)
        total += 2.0 * weight * np.sum(centred[lag:] * centred[:-lag])
    return float(total / rows)


def diebold_mariano(
    loss: Floats, benchmark: Floats, *, horizon: int = 1, lags: int | None = None
) -> Difference:
    """Test of equal expected loss (Diebold & Mariano 1995, J. Business & Economic Statistics 13).

    Losses ``[T]`` of the same intervals. The long-run variance is Bartlett's, which unlike the
    paper's truncated sum is never negative, over ``lags`` (None: :func:`robust_lags`). The
    statistic takes the small-sample factor of Harvey, Leybourne & Newbold (1997) for forecasts
    ``horizon`` intervals ahead; its p-value is Student's t with T − 1 degrees of freedom after the
    statistic is shrunk to the 5 % critical value that so many lags call for (Kiefer & Vogelsang
    2005, Econometric Theory 21, table 1). Equal losses throughout differ with p-value 1.

    Raises:
        InputError: losses are fewer than two, not finite or of different length, the horizon is
            less than one interval or longer than they are, or lags are negative.
    """
    from scipy.stats import t as student

    loss = check.series("loss", loss, least=2)
    benchmark = check.series("benchmark", benchmark, least=2)
    check.same_shape(loss=loss, benchmark=benchmark)
    whole("horizon", horizon, 1)
    check.number("horizon", horizon, most=len(loss))
    if lags is not None:
        whole("lags", lags, 0)
        check.number("lags", lags, most=len(loss) - 1)
    gap = loss - benchmark
    rows, mean = len(gap), float(np.mean(gap))
    lags = robust_lags(rows) if lags is None else lags
    variance = long_run_variance(gap, lags)
    if not variance > 0.0:
        return Difference(mean, 0.0, 1.0)
    small = np.sqrt((rows + 1 - 2 * horizon + horizon * (horizon - 1) / rows) / rows)
    statistic = float(small * mean / np.sqrt(variance / rows))
    shrunk = abs(statistic) * _NORMAL / np.polyval(_FIXED_B, (lags + 1) / rows)
    return Difference(mean, statistic, float(2.0 * student.sf(shrunk, rows - 1)))


def shortfall_loss(pnl: Floats, level: float) -> Floats:
    """Terms ``[T]`` whose mean is the expected shortfall of a series at ``level``, e.g. 0.95.

    v + (L − v)⁺/(1 − level) with L = −pnl and v its ``level`` quantile (Rockafellar & Uryasev 2000,
    theorem 1). v minimises the mean, so that v was estimated matters to second order only, and a
    difference of two such means is tested like any mean: it *is* the difference of both ES. (The
    joint score of Fissler & Ziegel 2016 ranks forecasts of one series; two hedges make two series.)
    Of a sample their mean *is* :func:`~simulator.hedging.risk.expected_shortfall` at 1 − level.
    InputError where the series is empty or not finite, or level not within (0, 1).
    """
    losses = -check.series("pnl", pnl)
    check.fraction("level", level)
    rank = min(int(np.ceil(round(level * len(losses), 9))), len(losses)) - 1
    quantile = np.partition(losses, rank)[rank]
    return quantile + np.maximum(losses - quantile, 0.0) / (1.0 - level)


def stationary_counts(
    generator: np.random.Generator, rows: int, block: float, replications: int
) -> Floats:
    """How often each row is in each resample ``[replications, rows]``, as float64.

    Stationary bootstrap (Politis & Romano 1994, J. American Statistical Association 89): blocks
    wrap around, lengths are geometric with mean ``block`` rows. The order within a resample does
    not matter to moments and shortfalls, so counts are all there is to keep.
    """
    counts = np.zeros((replications, rows))
    for resample in counts:
        _count(generator.random(rows), generator.random(rows), 1.0 / block, resample)
    return counts


@njit(cache=True, nogil=True)
def _count(starts: Floats, breaks: Floats, chance: float, counts: Floats) -> None:
    rows = len(counts)
    at = int(starts[0] * rows)
    for row in range(rows):
        counts[at] += 1.0
        at = (at + 1) % rows
        if breaks[row] < chance and row + 1 < rows:
            at = int(starts[row + 1] * rows)


def block_length(values: Floats) -> float:
    """Mean block for a series' stationary bootstrap (Patton, Politis & White 2009), 1 or more."""
    from arch.bootstrap import optimal_block_length

    found = float(optimal_block_length(values)["stationary"].iloc[0])
    return min(max(found, 1.0), len(values) / 3.0) if np.isfinite(found) else 1.0


def resampled_variance(pnl: Floats, counts: Floats) -> Floats:
    """Variance (divisor T) of a series ``[T]`` in each resample."""
    mean = counts @ pnl / len(pnl)
    return np.asarray(counts @ pnl**2 / len(pnl) - mean**2)


def resampled_shortfall(pnl: Floats, counts: Floats, level: float) -> Floats:
    """Expected shortfall of a series ``[T]`` in each resample: what its `shortfall_loss` means."""
    order = np.argsort(pnl, kind="stable")
    return _tail_means(-pnl[order], order, counts, (1.0 - level) * len(pnl))


@njit(cache=True, nogil=True)
def _tail_means(
    losses: Floats, order: np.ndarray[tuple[int], np.dtype[np.intp]], counts: Floats, size: float
) -> Floats:
    """Mean of the worst ``size`` (a fractional number of) losses, given largest first."""
    result = np.zeros(len(counts))
    for which in range(len(counts)):
        left = size
        for place in range(len(losses)):
            taken = min(counts[which, order[place]], left)
            result[which] += taken * losses[place]
            left -= taken
            if left <= 0.0:
                break
        result[which] /= size
    return result


def confidence_set(losses: Floats, *, block: float, replications: int, seed: int) -> Floats:
    """Model confidence set p-values ``[K]`` of losses ``[T, K]`` (Hansen, Lunde & Nason 2011).

    A model with a p-value of at least q belongs to the set that holds the best with confidence
    1 − q. Stationary bootstrap with mean block ``block``; the range statistic T_R. Models that
    lose the same but for rounding stand and fall together: their difference has no variance.

    Raises:
        InputError: losses are not finite ``[T, K]`` of two rows or more, the block is not positive
            or longer than they are, or replications are fewer than one.
    """
    from arch.bootstrap import MCS

    losses = check.panel("losses", losses, least=2)
    check.number("block", block, above=0.0, most=len(losses))
    whole("replications", replications, 1)
    whole("seed", seed, 0)
    scale = 1e-9 * np.mean(np.abs(losses))
    first = [
        next(k for k in range(model + 1) if np.abs(losses[:, k] - losses[:, model]).max() <= scale)
        for model in range(losses.shape[1])
    ]
    distinct = sorted(set(first))
    if len(distinct) == 1:
        return np.ones(len(first))
    test = MCS(
        losses[:, distinct], size=0.1, reps=replications, block_size=max(round(block), 1),
        method="R", bootstrap="stationary", seed=seed,
    )  # fmt: skip
    test.compute()
    found = test.pvalues["Pvalue"]
    return np.array([float(found.loc[distinct.index(model)]) for model in first])
