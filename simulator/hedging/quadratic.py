"""Small convex quadratic programmes: min ½xᵀGx + aᵀx subject to Cx ≥ b.

The dual active-set method of Goldfarb and Idnani, "A numerically stable dual method for solving
strictly convex quadratic programs", Mathematical Programming 27 (1983): start at the unconstrained
minimum and take up one violated constraint after the other, so no feasible start is needed and
infeasibility shows itself. Steps are solved afresh rather than by updated factors: a hedge has a
handful of variables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.hedging import check, rank
from simulator.types import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from simulator.types import Booleans, Floats

#: A constraint counts as violated beyond this part of the largest term it is made of.
TOLERANCE = 1e-12
#: Squared sine of the angle below which a normal lies within the span of others.
_DEPENDENT = 1e-20
_PROXIMAL_ROUNDS = 200
#: δ of a proximal round, of the largest entry; and by how much of itself x may still move. Along
#: what is nearly singular a round moves it by rounding over δ, 2e-16 / 1e-6, for ever: whether the
#: rounding is 0 is the processor's business.
_PULL, _SETTLED = 1e-6, 1e-9


class InfeasibleError(InputError):
    """No point meets all constraints."""


@dataclass(frozen=True, eq=False)
class Solution:
    """Minimiser ``x [n]`` and the Lagrange multipliers ``multipliers [m]`` ≥ 0 of Cx ≥ b.

    ``value`` is ½xᵀGx + aᵀx. Stationarity reads Gx + a = Cᵀu.
    """

    x: Floats
    multipliers: Floats
    value: float


def minimise(
    quadratic: ArrayLike, linear: ArrayLike, rows: ArrayLike, bounds: ArrayLike
) -> Solution:
    """Minimum of a strictly convex quadratic over the polyhedron ``rows`` · x ≥ ``bounds``.

    ``quadratic`` ``[n, n]`` symmetric and positive definite, ``linear`` ``[n]``, ``rows``
    ``[m, n]`` (m may be 0), ``bounds`` ``[m]``; any consistent units.

    Raises:
        InputError: shapes differ, a figure is not finite, or G is not symmetric and positive
            definite.
        InfeasibleError: no x meets the constraints.
    """
    G, a, C, b = _checked(quadratic, linear, rows, bounds)
    try:
        lower = np.linalg.cholesky(G)
    except np.linalg.LinAlgError:
        raise InputError("quadratic: must be positive definite") from None
    # In y = Lᵀx the quadratic is ½|y|² and every projection is orthogonal; rows of length one make
    # the violation of one constraint comparable with another's.
    normals = np.linalg.solve(lower, C.T).T
    lengths = np.linalg.norm(normals, axis=1)
    empty = lengths == 0.0
    if np.any(b[empty] > 0.0):
        raise InfeasibleError(f"constraints: row {_first(empty & (b > 0))} asks for 0 >= a gain")
    scale = np.where(empty, 1.0, lengths)
    y, dual = _active_set(
        -np.linalg.solve(lower, a), normals / scale[:, None], b / scale, np.flatnonzero(~empty)
    )
    x = np.linalg.solve(lower.T, y)
    return Solution(x, dual / scale, float(0.5 * x @ G @ x + a @ x))


def minimise_semidefinite(
    quadratic: ArrayLike, linear: ArrayLike, rows: ArrayLike, bounds: ArrayLike
) -> Solution:
    """:func:`minimise` where G may be singular, as it is once costs are split into own variables.

    Proximal-point iteration (Rockafellar 1976): each round adds ½δ|x − x_k|², and on a quadratic
    programme it ends after finitely many rounds. The problem must be bounded below.

    Raises:
        InputError: as :func:`minimise`, or the objective falls without bound.
        InfeasibleError: no x meets the constraints.
    """
    G, a, C, b = _checked(quadratic, linear, rows, bounds)
    size = float(np.max(np.abs(G), initial=0.0)) or 1.0
    check.covariances("quadratic", G)
    pull = _PULL * size
    proximal = G + pull * np.eye(len(a))
    x = np.zeros(len(a))
    for _ in range(_PROXIMAL_ROUNDS):
        found = minimise(proximal, a - pull * x, C, b)
        moved, x = np.max(np.abs(found.x - x)), found.x
        if moved <= _SETTLED * (1.0 + np.max(np.abs(x))):
            return Solution(x, found.multipliers, float(0.5 * x @ G @ x + a @ x))
    raise InputError("linear: the objective falls without bound over the constraints")


def _active_set(
    y: Floats, normals: Floats, b: Floats, usable: NDArray[np.intp]
) -> tuple[Floats, Floats]:
    """Goldfarb and Idnani (1983), section 3, where G is the identity and rows have length one."""
    active: list[int] = []
    multipliers = np.zeros(0)
    # Each full step raises the dual objective; n + m full steps meet no small problem twice.
    for _ in range(50 * (len(b) + len(y) + 1)):
        slack = normals @ y - b
        size = 1.0 + np.abs(b) + np.linalg.norm(y)
        slack[active] = 0.0
        violated = usable[slack[usable] < -TOLERANCE * size[usable]]
        if not violated.size:
            dual = np.zeros(len(b))
            dual[active] = multipliers
            return y, dual
        entering = int(violated[np.argmin(slack[violated])])
        y, active, multipliers = _take_up(y, normals, b, active, multipliers, entering)
    raise InputError("constraints: no end of the active-set method; the problem is ill-conditioned")


def _take_up(
    y: Floats, normals: Floats, b: Floats, active: list[int], multipliers: Floats, entering: int
) -> tuple[Floats, list[int], Floats]:
    """Make ``entering`` active, dropping those whose multiplier would turn negative."""
    normal, gained = normals[entering], 0.0
    while True:
        held = normals[active]
        ratio = np.linalg.lstsq(held.T, normal, rcond=None)[0] if active else np.zeros(0)
        step = normal - held.T @ ratio
        length = float(step @ step)
        falling = np.flatnonzero(ratio > TOLERANCE)
        limits = multipliers[falling] / ratio[falling]
        partial = float(np.min(limits, initial=np.inf))
        # A normal within the span of the active ones cannot be approached without dropping one.
        dependent = length <= _DEPENDENT
        full = np.inf if dependent else float(b[entering] - normal @ y) / length
        size = min(partial, full)
        if not np.isfinite(size):
            raise InfeasibleError(
                f"constraints: row {entering} contradicts rows {sorted(active)}; no point meets all"
            )
        if not dependent:
            y = y + size * step
        multipliers, gained = multipliers - size * ratio, gained + size
        if full <= partial:
            return y, [*active, entering], np.append(np.maximum(multipliers, 0.0), gained)
        dropped = int(falling[np.argmin(limits)])
        active = active[:dropped] + active[dropped + 1 :]
        multipliers = np.delete(multipliers, dropped)


def _checked(
    quadratic: ArrayLike, linear: ArrayLike, rows: ArrayLike, bounds: ArrayLike
) -> tuple[Floats, Floats, Floats, Floats]:
    a = np.atleast_1d(np.asarray(linear, np.float64))
    b = np.asarray(bounds, np.float64).reshape(-1)
    G = np.asarray(quadratic, np.float64)
    C = np.asarray(rows, np.float64).reshape(len(b), -1) if len(b) else np.zeros((0, len(a)))
    if G.shape != (len(a), len(a)) or C.shape != (len(b), len(a)):
        raise InputError(
            f"quadratic {G.shape}, linear {a.shape}, rows {C.shape}, bounds {b.shape}: "
            "must be [n, n], [n], [m, n], [m]"
        )
    for name, array in (("quadratic", G), ("linear", a), ("rows", C), ("bounds", b)):
        check.numbers(name, array)
    if not np.allclose(
        G, G.T, rtol=0.0, atol=rank.ROUNDING * float(np.max(np.abs(G), initial=0.0))
    ):
        raise InputError("quadratic: must be symmetric")
    return G, a, C, b


def _first(where: Booleans) -> int:
    return int(np.flatnonzero(where)[0])
