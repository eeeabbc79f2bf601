"""DCC-GARCH (Engle 2002, J. Business & Economic Statistics 20): correlations with a memory.

Two steps: a GARCH(1,1) per asset, then Q_t = (1 − a − b)Q̄ + a zzᵀ + bQ_{t−1} of the standardised
returns z, of which R_t = diag(Q)^−½ Q diag(Q)^−½ is the correlation. Q̄ is targeted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.arguments import whole
from simulator.hedging import rank
from simulator.hedging.estimators import garch
from simulator.hedging.estimators.base import as_returns, refits, undefined
from simulator.hedging.estimators.one_core import one_core
from simulator.kernel_files import njit

if TYPE_CHECKING:
    from simulator.types import Floats

# Box of the search: a's part of a + b, and a + b.
_BOX = ((1e-4, 0.5), (1e-3, 0.9999))
_START = (0.03, 0.97)
#: Least part of an asset's variance that is its own; a compiled function needs it by this name.
RANK = rank.RANK


@dataclass(frozen=True)
class DccGarch:
    """Engle's DCC(1,1) over GARCH(1,1).

    Attributes:
        warmup: rows before the first fit.
        refit_every: rows between two fits, each on all rows before it.
    """

    warmup: int
    refit_every: int
    name: str = "dcc-garch"

    def __post_init__(self) -> None:
        whole("warmup", self.warmup, 2)
        whole("refit_every", self.refit_every, 1)

    def forecast(self, returns: Floats) -> Floats:
        """See :class:`~simulator.hedging.estimators.base.Estimator`."""
        returns = as_returns(returns)
        rows, assets = returns.shape
        result = undefined(returns)
        for first, last in refits(rows, self.warmup, self.refit_every):
            seen = returns[: min(last, rows)]
            variance = np.empty((len(seen) + 1, assets))
            for asset in range(assets):
                series = returns[:first, asset]
                model = garch.fit(series)
                begin = garch.backcast(series)
                variance[:, asset] = model.variances(seen[:, asset].copy(), begin)
            # A series that never moved has variance 0, and z = 0 is right for it.
            scales = np.sqrt(variance)
            z = np.divide(seen, scales[:-1], out=np.zeros_like(seen), where=scales[:-1] > 0.0)
            news, memory, target = fit(z[:first])
            correlations = np.empty((len(seen) + 1, assets, assets))
            follow(z, news, memory, target, correlations)
            there = slice(first, last)
            outer = scales[there, :, None] * scales[there, None, :]
            result[there] = correlations[there] * outer
        return result


def fit(z: Floats) -> tuple[float, float, Floats]:
    """a, b and Q̄ of standardised returns ``[T, N]``, by the correlation part of the likelihood.

    The likelihood is that of the assets that add information to those before them: one that
    another moves with has a density of its own only by rounding.
    """
    from scipy.optimize import minimize

    scales = np.sqrt(np.mean(z**2, axis=0))
    scales[scales == 0.0] = 1.0
    target = (z / scales).T @ (z / scales) / len(z)
    np.fill_diagonal(target, 1.0)
    kept = rank.independent(target)
    known, within = np.ascontiguousarray(z[:, kept]), target[np.ix_(kept, kept)]
    unused = np.empty((0, 0, 0))

    def loss(point: Floats) -> float:
        part, persistence = point
        news, memory = part * persistence, (1.0 - part) * persistence
        return -follow(known, news, memory, within, unused) / len(z)

    with one_core():
        found = minimize(loss, np.array(_START), method="L-BFGS-B", bounds=_BOX)
    part, persistence = found.x
    return part * persistence, (1.0 - part) * persistence, target


@njit(cache=True, nogil=True)
def follow(z: Floats, news: float, memory: float, target: Floats, result: Floats) -> float:
    """Run the recursion; fills ``result [T + 1, N, N]`` with R_t unless it is empty.

    Returns the log likelihood −½Σ(log|R| + zᵀR⁻¹z), Engle's L_C with the constant zᵀz left in.
    """
    rows, assets = z.shape
    q, root = target.copy(), np.zeros((assets, assets))
    solved = np.zeros(assets)
    total = 0.0
    for row in range(rows + 1):
        for i in range(assets):  # Cholesky factor of R, row by row
            for j in range(i + 1):
                value = q[i, j] / np.sqrt(q[i, i] * q[j, j])
                if len(result):
                    result[row, i, j] = value
                    result[row, j, i] = value
                for k in range(j):
                    value -= root[i, k] * root[j, k]
                root[i, j] = np.sqrt(max(value, RANK)) if i == j else value / root[j, j]
        if row == rows:
            break
        for i in range(assets):
            value = z[row, i]
            for k in range(i):
                value -= root[i, k] * solved[k]
            solved[i] = value / root[i, i]
            total -= 0.5 * solved[i] * solved[i] + np.log(root[i, i])
        for i in range(assets):
            for j in range(assets):
                fresh = (1.0 - news - memory) * target[i, j] + news * z[row, i] * z[row, j]
                q[i, j] = fresh + memory * q[i, j]
    return total
