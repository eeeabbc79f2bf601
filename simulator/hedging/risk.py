"""Risk measures over equally likely or weighted scenarios, with confidence intervals.

Returns, losses and weights are ``[n]`` arrays, one entry per independent scenario (a path, or a
period); losses are positive where money is lost. ``weights`` are likelihood ratios of importance
sampling, of any scale: estimators are self-normalised (Owen 2013, "Monte Carlo theory, methods and
examples", §9.2), so only their proportions count. The one home of these definitions: the summary of
a run and the walk-forward study take them from here.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulator.arguments import whole
from simulator.hedging import check
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from simulator.types import Booleans, Floats

CONFIDENCE = 0.95


class Estimate(NamedTuple):
    """A figure and the ends of its confidence interval."""

    value: float
    low: float
    high: float


# ------------------------------------------------------------------------------- tails


def value_at_risk(
    returns: ArrayLike, tail: float = 0.05, weights: ArrayLike | None = None
) -> float:
    """Smallest loss such that at most ``tail`` of the scenarios (by weight) lose more.

    Of n equally likely ones: the ⌈tail·n⌉-th largest loss.

    Raises:
        InputError: no returns, one that is not finite, tail not within (0, 1), or weights negative
            or of another length.
    """
    order, worst, _ = _worst(returns, tail, weights)
    return float(-np.asarray(returns, np.float64)[order[worst - 1]])


def expected_shortfall(
    returns: ArrayLike, tail: float = 0.05, weights: ArrayLike | None = None
) -> float:
    """Mean of the worst ``tail`` of the distribution, the scenario at its edge counted in part.

    min over v of v + E[(loss − v)⁺]/tail (Rockafellar and Uryasev 2000, theorem 1; for a sample
    their 2002, proposition 8): of losses 0 … 4 at 25 % it is (4 + ¼·3)/1.25 = 3.8, one scenario and
    a quarter of the next. Raises InputError as :func:`value_at_risk`.
    """
    return float(-np.dot(tail_shares(returns, tail, weights), np.asarray(returns, np.float64)))


def tail_shares(returns: ArrayLike, tail: float = 0.05, weights: ArrayLike | None = None) -> Floats:
    """What each scenario is of the worst ``tail``, which sums to 1; zero outside of it.

    The mean of anything with these weights is its mean in the tail: of the loss it is
    :func:`expected_shortfall`, of the parts of a loss they are what that is made of (Euler
    allocation; Tasche 1999). Of equal returns at its edge the first belong to the tail. Raises
    InputError as :func:`value_at_risk`.
    """
    order, worst, weight = _worst(returns, tail, weights)
    beyond = worst - 1  # scenarios that count whole
    shares = np.zeros(order.size)
    if weight is None:
        size = tail * order.size
        shares[order[:beyond]] = 1.0 / size
        shares[order[beyond]] = (size - beyond) / size
    else:
        shares[order[:beyond]] = weight[:beyond] / tail
        shares[order[beyond]] = (tail - np.sum(weight[:beyond])) / tail
    return shares


def value_at_risk_interval(
    returns: ArrayLike,
    tail: float = 0.05,
    weights: ArrayLike | None = None,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Value at risk between two order statistics, whatever the distribution.

    The number of losses beyond the true value at risk is Binomial(n, tail), so the interval covers
    it with at least the stated confidence (David and Nagaraja 2003, §7.1). With weights the share
    beyond it is nearly normal, and its interval is read off the sample (Woodruff 1952). An end no
    observation bounds is infinite. Raises InputError as :func:`value_at_risk`, or unless
    0 < confidence < 1.
    """
    check.fraction("confidence", confidence)
    if weights is not None:
        return _woodruff(np.asarray(returns, np.float64), tail, weights, confidence)
    order, worst, _ = _worst(returns, tail, None)
    ordered = np.asarray(returns, np.float64)[order]
    count, miss = len(ordered), (1.0 - confidence) / 2
    nearer = binomial_quantile(1.0 - miss, count, tail) + 1
    further = binomial_quantile(miss, count, tail)
    low = -np.inf if nearer > count else float(-ordered[nearer - 1])
    high = np.inf if further < 1 else float(-ordered[further - 1])
    return Estimate(float(-ordered[worst - 1]), low, high)


def binomial_quantile(share: float, trials: int, probability: float) -> int:
    """Least number of successes whose distribution function is at least ``share``."""
    # Importing scipy.special takes a twentieth of a small run.
    successes = np.arange(trials)
    odds = np.log(probability / (1.0 - probability))
    ratios = np.log((trials - successes) / (successes + 1.0)) + odds
    logs = trials * np.log1p(-probability) + np.concatenate([[0.0], np.cumsum(ratios)])
    reached = np.cumsum(np.exp(logs))
    return min(int(np.searchsorted(reached, share)), trials)


def _woodruff(returns: Floats, tail: float, weights: ArrayLike, confidence: float) -> Estimate:
    value = value_at_risk(returns, tail, weights)
    _, error = mean(-returns > value, weights)
    half = normal_quantile(confidence) * error
    low = -np.inf if tail + half >= 1.0 else value_at_risk(returns, tail + half, weights)
    high = np.inf if tail - half <= 0.0 else value_at_risk(returns, tail - half, weights)
    return Estimate(value, low, high)


def expected_shortfall_interval(
    returns: ArrayLike,
    tail: float = 0.05,
    weights: ArrayLike | None = None,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Expected shortfall with the normal interval of its influence function.

    Scenario i moves the estimate by (max(lossᵢ − VaR, 0)/tail + VaR − ES)·wᵢ/Σw (Manistre and
    Hancock 2005); the standard error is the root of the sum of their squares.
    :func:`~simulator.hedging.outcomes.bootstrap` is the slower way that assumes less. Raises
    InputError as :func:`value_at_risk_interval`.
    """
    check.fraction("confidence", confidence)
    losses = -np.asarray(returns, np.float64)
    value, at_risk = (f(returns, tail, weights) for f in (expected_shortfall, value_at_risk))
    share = _shares(losses, weights)
    influence = np.maximum(losses - at_risk, 0.0) / tail + at_risk - value
    half = normal_quantile(confidence) * float(np.sqrt(np.sum((share * influence) ** 2)))
    return Estimate(value, value - half, value + half)


def quantiles(
    values: ArrayLike, levels: Sequence[float], weights: ArrayLike | None = None
) -> Floats:
    """Quantiles of the sample, ``[levels]``; by weight, the inverse of its distribution function.

    Without weights as NumPy interpolates between order statistics (Hyndman and Fan 1996, type 7).

    Raises:
        InputError: no values, one that is not finite, a level outside [0, 1], or bad weights.
    """
    array = check.series("values", values)
    check.numbers("levels", levels, least=0.0, most=1.0)
    if weights is None:
        return np.quantile(array, levels)
    order = np.argsort(array, kind="stable")
    reached = np.cumsum(_shares(array, weights)[order])
    places = np.searchsorted(reached, np.asarray(levels) * (1.0 - 1e-12))
    return array[order][np.minimum(places, array.size - 1)]


def _worst(
    returns: ArrayLike, tail: float, weights: ArrayLike | None
) -> tuple[NDArray[np.intp], int, Floats | None]:
    """Scenarios from the worst on, how many of them are the tail, and their weights."""
    array = check.series("returns", returns)
    check.fraction("tail", tail)
    order = np.argsort(array, kind="stable")
    if weights is None:
        # Rounded: 0.05 · 100 must be 5.
        return order, max(int(np.ceil(round(tail * array.size, 9))), 1), None
    weight = _shares(array, weights)[order]
    worst = int(np.searchsorted(np.cumsum(weight), tail * (1.0 - 1e-12))) + 1
    return order, min(worst, array.size), weight


# ----------------------------------------------------------------------- probabilities


def normal_quantile(confidence: float) -> float:
    """Half width, in standard errors, of a two-sided interval under the normal distribution."""
    check.fraction("confidence", confidence)
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def wilson(successes: float, trials: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson (1927) score interval of a binomial proportion; honest at 0 and at ``trials``.

    Raises:
        InputError: trials are not positive, successes not from 0 to trials, or confidence not
            within (0, 1).
    """
    check.number("trials", trials, above=0.0)
    check.number("successes", successes, least=0.0, most=trials)
    z = normal_quantile(confidence)
    share = successes / trials
    spread = z * z / trials
    centre = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * np.sqrt(share * (1 - share) / trials + spread / (4 * trials))
    # At the ends the interval reaches 0 or 1 exactly; rounding must not push it a hair inside.
    low = 0.0 if successes == 0 else max(0.0, float(centre - half))
    high = 1.0 if successes == trials else min(1.0, float(centre + half))
    return low, high


def clopper_pearson(
    successes: int, trials: int, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Clopper and Pearson (1934): covers with at least the stated confidence, so is wider.

    Raises InputError as :func:`wilson`, and unless both are whole numbers.
    """
    from scipy.special import betaincinv

    whole("trials", trials, 1)
    whole("successes", successes, 0)
    check.number("successes", successes, most=trials)
    check.fraction("confidence", confidence)
    miss = (1.0 - confidence) / 2
    low = 0.0 if successes == 0 else float(betaincinv(successes, trials - successes + 1, miss))
    high = 1.0
    if successes < trials:
        high = float(betaincinv(successes + 1, trials - successes, 1.0 - miss))
    return low, high


def probability(
    happened: Booleans, weights: ArrayLike | None = None, confidence: float = CONFIDENCE
) -> Estimate:
    """Share of the scenarios in which it happened, between the ends of :func:`wilson`'s interval.

    With weights the interval is that of as many equally likely scenarios as would estimate the
    share with the same standard error (Korn and Graubard 1998); while nothing has happened, of the
    effective sample size.

    Raises:
        InputError: no scenarios, flags that are not true or false, bad weights, or confidence not
            within (0, 1).
    """
    flags = np.asarray(happened)
    if flags.dtype != np.bool_ or flags.ndim != 1 or not flags.size:
        raise InputError(f"happened {flags.dtype} {flags.shape}: must be [n] true or false")
    if weights is None:
        count = int(flags.sum())
        return Estimate(count / flags.size, *wilson(count, flags.size, confidence))
    value, error = mean(flags.astype(np.float64), weights)
    trials = effective_sample_size(weights)
    if error > 0.0:
        trials = value * (1.0 - value) / error**2
    return Estimate(value, *wilson(value * trials, trials, confidence))


def mean(values: ArrayLike, weights: ArrayLike | None = None) -> tuple[float, float]:
    """Self-normalised mean Σwv/Σw and its standard error √Σ(w(v − mean))²/Σw.

    Owen (2013), §9.2, equation 9.9; without weights the usual one, over n. InputError for no
    values, one that is not finite, or bad weights.
    """
    array = check.series("values", values)
    share = _shares(array, weights)
    centre = float(np.sum(share * array))
    return centre, float(np.sqrt(np.sum((share * (array - centre)) ** 2)))


def effective_sample_size(weights: ArrayLike) -> float:
    """(Σw)²/Σw²: how many equally weighted scenarios know as much of an average (Kish 1965).

    InputError for no weights, one below 0 or not finite, or 0 throughout.
    """
    array = check.series("weights", weights)
    return 1.0 / float(np.sum(_shares(array, array) ** 2))


def _shares(values: Floats, weights: ArrayLike | None) -> Floats:
    if weights is None:
        return np.full(values.shape, 1.0 / values.size)
    array = check.numbers("weights", weights, least=0.0)
    if array.shape != values.shape:
        raise InputError(f"weights {array.shape}: must be {values.shape}, one for each scenario")
    total = float(array.sum())
    if not total > 0.0:
        raise InputError("weights: must not all be 0")
    return array / total
