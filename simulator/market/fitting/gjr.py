"""GJR-GARCH(1,1) of one series by Gaussian quasi maximum likelihood.

The long-run variance is the sample's (variance targeting, Engle and Mezrich 1996; Francq, Horváth
and Zakoïan 2011), so a simulation has the volatility that was recorded. The first variance is the
long-run one, as the process starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.kernel_files import njit

if TYPE_CHECKING:
    from simulator.types import Floats

# Box of the search: news' part of the persistence, the asymmetric part of the news, persistence.
# The last stays off 1, where no long-run variance exists and a simulation could not target it.
_BOX = ((1e-4, 1 - 1e-4), (-1.0, 1.0), (1e-3, 0.998))
_STARTS = ((0.05, 0.3, 0.97), (0.15, 0.0, 0.85))


def fit(unit: Floats) -> Floats:
    """α, γ, β of a centred series ``[T]`` of variance one."""
    from scipy.optimize import minimize

    def loss(point: Floats) -> float:
        return -float(np.mean(densities(unit, parameters(point))))

    tries = [minimize(loss, np.array(start), method="L-BFGS-B", bounds=_BOX) for start in _STARTS]
    return parameters(min(tries, key=lambda found: found.fun).x)


def parameters(point: Floats) -> Floats:
    """α, γ, β from a point of the search box; every point has α ≥ 0, α + γ ≥ 0, β ≥ 0."""
    part, asymmetric, persistence = point
    news = part * persistence
    return np.array([(1 - asymmetric) * news, 2 * asymmetric * news, (1 - part) * persistence])


def densities(unit: Floats, garch: Floats) -> Floats:
    """Gaussian log densities ``[T]``; minus infinity where a variance is not positive."""
    h = variances(unit, garch[0], garch[1], garch[2])[:-1]
    if np.min(h) <= 0:
        return np.full(len(h), -np.inf)
    return -0.5 * (np.log(2 * np.pi * h) + unit**2 / h)


@njit(cache=True, nogil=True)
def variances(unit: Floats, alpha: float, gamma: float, beta: float) -> Floats:
    """Conditional variances ``[T + 1]`` around a long-run variance of one."""
    result = np.empty(len(unit) + 1)
    omega = 1.0 - alpha - 0.5 * gamma - beta
    result[0] = 1.0
    for row in range(len(unit)):
        weight = alpha + gamma if unit[row] < 0.0 else alpha
        result[row + 1] = omega + weight * unit[row] ** 2 + beta * result[row]
    return result
