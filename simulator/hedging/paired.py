"""Two figures of the same scenarios: the ratio of their means, with an interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.hedging import check
from simulator.hedging.risk import CONFIDENCE, Estimate, normal_quantile
from simulator.types import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def ratio_of_means(
    above: ArrayLike,
    below: ArrayLike,
    weights: ArrayLike | None = None,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Mean of ``above`` over that of ``below`` ``[n]``, paired, between Fieller's (1954) limits.

    J. R. Stat. Soc. B 16, 175. The ratios θ that are not refused: those at which the mean of
    above − θ·below is within its normal interval of 0. Where the mean below cannot be told from 0
    no ratio is refused for being large, and the limits are infinite. ``weights`` are likelihood
    ratios, of any scale; errors are those of self-normalised means.

    Raises:
        InputError: no scenarios or not as many in both, one that is not finite, bad weights, a
            confidence not within (0, 1), or a mean below of 0.
    """
    one, other = check.series("above", above), check.series("below", below)
    if one.shape != other.shape:
        raise InputError(f"above {one.shape}, below {other.shape}: must be of the same scenarios")
    given = np.ones(one.size) if weights is None else check.numbers("weights", weights, least=0.0)
    if given.shape != one.shape or not given.sum() > 0.0:
        raise InputError("weights: must be one for each scenario, not all 0")
    share = given / given.sum()
    means = np.array([share @ one, share @ other])
    if means[1] == 0.0:
        raise InputError("below: must have a mean that is not 0")
    errors = share * (np.stack([one, other]) - means[:, None])
    square = normal_quantile(confidence) ** 2 * (errors @ errors.T)
    value = float(means[0] / means[1])
    # a·θ² − 2·b·θ + c ≤ 0
    a = means[1] ** 2 - square[1, 1]
    b = means[0] * means[1] - square[0, 1]
    c = means[0] ** 2 - square[0, 0]
    if a <= 0.0:
        return Estimate(value, -np.inf, np.inf)
    root = float(np.sqrt(max(b * b - a * c, 0.0)))
    return Estimate(value, float((b - root) / a), float((b + root) / a))
