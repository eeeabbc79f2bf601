"""A log-normal fitted to values, or to what was published of them, and how well it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, log, sqrt

import numpy as np

from simulator.types import Floats, InputError

#: Values below the cap that a fit needs, at least.
LEAST = 20
#: Lilliefors' distance times √n that a log-normal whose parameters were fitted passes in 5 % of
#: samples: 0.886 asymptotically (Lilliefors 1967, J. Am. Stat. Assoc. 62, 399).
_REJECTED = 0.886
#: Of a cap: a table that was written and read may miss it by so much.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Held:
    """A share of the values beyond a point, fitted, of the values and of what they weigh."""

    point: float
    fitted: float
    values: float
    weight: float


@dataclass(frozen=True)
class LogNormal:
    """A fitted log-normal.

    Attributes:
        median, spread: exp of the mean of the log, and the log's standard deviation.
        median_error: standard error of the log of the median: a part of it.
        spread_error: standard error of the spread. Both hold where the log is not normal too
            (the sandwich of White 1982, Econometrica 50, 1).
        count: values it was fitted to.
        capped: how many of them lie at the cap or beyond it, of which no more is taken.
        distance: largest difference between the shares of values below a point (Kolmogorov and
            Smirnov), below the cap.
    """

    median: float
    spread: float
    median_error: float
    spread_error: float
    count: int
    capped: int
    distance: float

    @property
    def rejected(self) -> bool:
        """Whether no log-normal (at 5 %); of many values one is, however near."""
        return self.distance * sqrt(self.count) > _REJECTED

    def above(self, point: float) -> float:
        """Share of it above a point."""
        if self.spread == 0.0:
            return float(self.median > point)
        return _above(log(point / self.median) / self.spread)

    def point(self, below: float) -> float:
        """The value that a share lies below."""
        from scipy.special import ndtri

        return self.median * exp(self.spread * float(ndtri(below)))


def fit(values: Floats, cap: float = inf) -> LogNormal:
    """Maximum likelihood; of values at or above ``cap`` no more is taken than that they are.

    Raises:
        InputError: too few values below the cap, or one value alone there.
    """
    from scipy.optimize import minimize

    logs, at_cap = np.log(values), values >= cap * (1.0 - _ROUNDING)
    inside, beyond = logs[~at_cap], int(at_cap.sum())
    if len(inside) < LEAST:
        raise InputError(f"{len(inside)} with a figure below {cap:g}; allowed: {LEAST} or more")
    start = np.array([float(np.mean(inside)), log(max(float(np.std(inside)), 1e-12))])
    if not beyond and np.ptp(inside) == 0.0:
        return LogNormal(exp(start[0]), 0.0, 0.0, 0.0, len(inside), 0, 0.0)
    edge = log(cap) if beyond else 0.0
    if np.ptp(inside) == 0.0:
        raise InputError(
            f"all {len(inside)} below {cap:g} have one figure, {values[~at_cap][0]:g}, and "
            f"{beyond} are at it; allowed: figures that differ, or a higher cap"
        )
    if beyond:
        start = minimize(
            lambda at: -_likelihood(at, inside, beyond, edge) / len(values), start,
            jac=lambda at: -_scores(at, inside, beyond, edge).mean(axis=1), method="BFGS",
        ).x  # fmt: skip
    error = _errors(start, inside, beyond, edge)
    found = LogNormal(
        exp(start[0]), exp(start[1]), error[0], exp(start[1]) * error[1], len(values), beyond, 0.0
    )
    return LogNormal(**(vars(found) | {"distance": _distance(inside, len(values), found)}))


def of_shares(points: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Median, spread and largest error of a share, of the log-normal with these shares below.

    ``points``: (value, share of all below it), two or more; more than two by least squares of the
    normal quantiles.

    Raises:
        InputError: shares that do not grow with the value.
    """
    from scipy.special import ndtri

    value, share = np.log([p[0] for p in points]), np.array([p[1] for p in points])
    quantile = ndtri(share)
    spread, middle = (float(x) for x in np.polyfit(quantile, value, 1))
    if not spread > 0.0:
        raise InputError("shares below do not grow with the value; allowed: larger at larger ones")
    off = max(
        abs(1.0 - _above((x - middle) / spread) - s) for x, s in zip(value, share, strict=True)
    )
    return exp(middle), spread, off


def spread_of_largest(part: float, share: float) -> float:
    """Spread of a log-normal of which the largest ``part`` hold ``share`` of the sum.

    Φ(σ − Φ⁻¹(1 − part)) = share: the Lorenz curve of a log-normal (Aitchison and Brown 1957).
    """
    from scipy.special import ndtri

    return float(ndtri(share) + ndtri(1.0 - part))


def share_of_largest(part: float, spread: float) -> float:
    """The inverse: share of the sum that the largest ``part`` hold."""
    from scipy.special import ndtri

    return _above(float(ndtri(1.0 - part)) - spread)


def _above(quantile: float) -> float:
    from scipy.special import ndtr

    return float(ndtr(-quantile))


def _likelihood(at: Floats, inside: Floats, beyond: int, edge: float) -> float:
    from scipy.special import log_ndtr

    z = (inside - at[0]) / exp(at[1])
    tail = log_ndtr(-(edge - at[0]) / exp(at[1]))
    return float(-len(inside) * at[1] - 0.5 * z @ z + beyond * tail)


def _hazard(at: Floats, edge: float) -> tuple[float, float]:
    """Standardised edge z, and φ(z) over what lies above it."""
    from scipy.special import log_ndtr

    z = (edge - at[0]) / exp(at[1])
    return z, exp(-0.5 * z * z - 0.5 * log(2.0 * np.pi) - float(log_ndtr(-z)))


def _scores(at: Floats, inside: Floats, beyond: int, edge: float) -> Floats:
    """Derivatives of each value's log-likelihood by mean and log of the spread ``[2, n]``."""
    z, scale = (inside - at[0]) / exp(at[1]), exp(at[1])
    found = np.array([z / scale, z * z - 1.0])
    if not beyond:
        return found
    far, hazard = _hazard(at, edge)
    capped = np.array([[hazard / scale], [hazard * far]])
    return np.concatenate([found, np.repeat(capped, beyond, axis=1)], axis=1)


def _errors(at: Floats, inside: Floats, beyond: int, edge: float) -> tuple[float, float]:
    """Standard errors of mean and log of the spread: H⁻¹·S·H⁻¹."""
    z, scale = (inside - at[0]) / exp(at[1]), exp(at[1])
    hessian = np.array(
        [
            [len(z) / scale**2, 2.0 * z.sum() / scale],
            [2.0 * z.sum() / scale, 2.0 * z @ z],
        ]
    )
    if beyond:
        far, hazard = _hazard(at, edge)
        slope = hazard * (hazard - far)
        cross = (far * slope + hazard) / scale
        hessian += beyond * np.array(
            [[slope / scale**2, cross], [cross, far * (far * slope + hazard)]]
        )
    scores = _scores(at, inside, beyond, edge)
    inverse = np.linalg.inv(hessian)
    found = np.sqrt(np.diag(inverse @ (scores @ scores.T) @ inverse))
    return float(found[0]), float(found[1])


def _distance(inside: Floats, count: int, fitted: LogNormal) -> float:
    """Kolmogorov–Smirnov distance over the values below the cap, of ``count`` in all."""
    from scipy.special import ndtr

    points, last = np.unique(inside, return_counts=True)
    upto = np.cumsum(last) / count
    expected = ndtr((points - log(fitted.median)) / fitted.spread)
    before = upto - last / count
    return float(max(np.max(np.abs(upto - expected)), np.max(np.abs(before - expected))))
