"""Hedges under constraints: least variance or least expected shortfall of exposure plus hedge.

``exposure`` is what is to be hedged, as USD of value per unit return of asset 0 (``delta``); hedges
are USD positions in assets 1 … N − 1, negative: short. Returns and covariances have the target
first, per interval. All amounts USD.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.hedging import check, rank
from simulator.hedging.quadratic import InfeasibleError, minimise_semidefinite
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from simulator.types import Floats


@dataclass(frozen=True, eq=False)
class Limits:
    """What a hedge may be.

    Attributes:
        leverage: most of Σ|h|, USD.
        shorts_only: no hedge is held long.
        caps: most |h| per hedge asset, USD; a venue's room. Empty: none.
    """

    leverage: float = np.inf
    shorts_only: bool = False
    caps: tuple[float, ...] = ()

    def room(self, hedges: int) -> Floats:
        """Most USD of each hedge, ``[hedges]``; InputError unless caps are one per hedge, ≥ 0."""
        caps = np.asarray(self.caps or (np.inf,) * hedges, np.float64)
        if caps.shape != (hedges,) or not np.all(caps >= 0.0):
            raise InputError(f"caps = {self.caps}: must be {hedges} amounts of 0 USD or more")
        if not self.leverage >= 0.0:
            raise InputError(f"leverage = {self.leverage}: must be 0 USD or more")
        return np.minimum(caps, self.leverage)


@dataclass(frozen=True, eq=False)
class Trading:
    """What changing the hedge costs: ``holdings [hedges]`` USD now, ``costs [hedges]`` of notional.

    ``costs`` are fractions (0.0005: five basis points), fee and half spread together.
    """

    holdings: tuple[float, ...]
    costs: tuple[float, ...]

    def arrays(self, hedges: int) -> tuple[Floats, Floats]:
        """Holdings and costs as arrays; InputError unless one per hedge and costs ≥ 0."""
        held = check.numbers("holdings", self.holdings)
        costs = check.numbers("costs", self.costs, least=0.0)
        if held.shape != (hedges,) or costs.shape != (hedges,):
            raise InputError(
                f"holdings = {self.holdings}, costs = {self.costs}: must be {hedges} each"
            )
        return held, costs


@dataclass(frozen=True, eq=False)
class Position:
    """A position to second order in the assets' returns r: δᵀr + ½rᵀΓr.

    Attributes:
        delta: ``[N]`` USD per unit return of each asset.
        gamma: ``[N, N]`` USD per unit return squared, cross-gammas off the diagonal.
    """

    delta: Floats
    gamma: Floats

    def exposure(self, mean: ArrayLike | None = None) -> Floats:
        """Effective first-order exposure δ + Γμ ``[N]``: the best linear fit under mean returns μ.

        Of Gaussian returns with zero mean, odd moments vanish: gamma does not change the
        minimum-variance hedge at all, it only adds :meth:`gamma_variance`, which no linear hedge
        removes. InputError where a figure is not finite or shapes differ.
        """
        delta, gamma = self._arrays()
        if mean is None:
            return np.array(delta)
        drift = check.series("mean", mean)
        check.same_shape(delta=delta, mean=drift)
        return delta + gamma @ drift

    def gamma_variance(self, covariance: Floats) -> float:
        """Variance ½tr((ΓΣ)²) of ½rᵀΓr, USD squared, for Gaussian returns around zero.

        Isserlis (1918): Var(rᵀAr) = 2tr(AΣAΣ) for symmetric A. InputError where the covariance
        is none, or of other assets.
        """
        _, gamma = self._arrays()
        sigma = check.covariances("covariance", covariance)
        check.same_shape(gamma=gamma, covariance=sigma)
        product = gamma @ sigma
        return float(0.5 * np.sum(product * product.T))

    def _arrays(self) -> tuple[Floats, Floats]:
        delta, gamma = check.series("delta", self.delta), check.panel("gamma", self.gamma)
        if gamma.shape != (len(delta),) * 2 or not np.allclose(gamma, gamma.T):
            raise InputError(f"gamma {gamma.shape}: must be [N, N] and symmetric, N {len(delta)}")
        return delta, gamma


@dataclass(frozen=True, eq=False)
class Hedge:
    """``positions [hedges]`` USD, and the ``risk`` left: USD² of variance, or USD of shortfall."""

    positions: Floats
    risk: float


def minimum_variance(
    covariance: Floats,
    exposure: ArrayLike,
    limits: Limits | None = None,
    trading: Trading | None = None,
    risk_aversion: float = 1.0,
) -> Hedge:
    """Hedge h that minimises ½λ·Var(eᵀr + hᵀr_h) + Σ cᵢ|hᵢ − hᵢ⁰| within the limits.

    Without limits and costs this is Johnson's (1960) and Ederington's (1979) hedge −Σ_hh⁻¹Σ_h·e.
    ``covariance`` ``[N, N]`` per interval; ``exposure`` USD: a scalar of asset 0, or ``[N]`` where
    the position moves with the hedge assets too (:meth:`Position.exposure`). ``risk_aversion`` λ,
    per USD, weighs the variance of an interval against the cost of trading now; without costs it
    changes nothing. Hedges that move as one (:mod:`simulator.hedging.rank`) are told apart by
    limits and costs alone.

    Raises:
        InputError: shapes differ, the covariance is not finite, symmetric and positive
            semi-definite, or a limit is negative.
    """
    sigma = check.covariances("covariance", covariance, least=2)
    if sigma.ndim != 2:
        raise InputError(f"covariance {sigma.shape}: must be [N, N]")
    exposures, hedges = _exposures(exposure, len(sigma)), len(sigma) - 1
    check.number("risk_aversion", risk_aversion, above=0.0)
    limits = limits or Limits()
    # What rounding tells apart must not pull the hedge anywhere.
    seen = rank.projector(sigma[1:, 1:])
    # In units of the exposure and of the hedges' mean variance every figure is near one.
    size = _size(exposures, limits, trading)
    spread = float(np.trace(sigma[1:, 1:])) / hedges or 1.0
    program = _Program(hedges, limits, trading, size)
    quadratic = np.zeros((program.columns,) * 2)
    quadratic[:hedges, :hedges] = seen @ sigma[1:, 1:] @ seen.T / spread
    linear = program.costs / (risk_aversion * size * spread)
    linear[:hedges] += seen @ sigma[1:] @ exposures / (size * spread)
    x = minimise_semidefinite(quadratic, linear, program.rows, program.bounds).x
    positions = x[:hedges] * size
    total = exposures + np.concatenate([[0.0], positions])
    return Hedge(positions, float(total @ sigma @ total))


def minimum_shortfall(
    returns: Floats,
    exposure: ArrayLike,
    tail: float = 0.05,
    limits: Limits | None = None,
    trading: Trading | None = None,
) -> Hedge:
    """Hedge that minimises the expected shortfall of eᵀr + hᵀr_h − Σ cᵢ|hᵢ − hᵢ⁰|.

    Over equally likely scenarios ``returns`` ``[S, N]``, as the linear programme of Rockafellar and
    Uryasev (2000), equation 17: min α + Σ uₛ/(tail·S), uₛ ≥ loss − α, uₛ ≥ 0. ``tail`` is the share
    of the scenarios the shortfall is the mean of (0.05: ES 95 %). Simple returns make it exact.

    Raises:
        InputError: shapes differ, a figure is not finite, a limit is negative, tail is not within
            (0, 1), or the scenarios let the shortfall fall without bound (an arbitrage among the
            hedges).
    """
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, eye_array, hstack, vstack

    scenarios = check.panel("returns", returns, columns=2)
    check.fraction("tail", tail)
    count, hedges = len(scenarios), scenarios.shape[1] - 1
    exposures, limits = _exposures(exposure, hedges + 1), limits or Limits()
    size = _size(exposures, limits, trading)
    program = _Program(hedges, limits, trading, size)
    own, extra = scenarios @ exposures / size, program.columns - hedges
    losses = -np.hstack([scenarios[:, 1:], np.zeros((count, extra)), np.ones((count, 1))])
    upper = vstack(
        [
            hstack([csr_array(losses), -eye_array(count)]),
            hstack([csr_array(-program.rows), csr_array((len(program.rows), 1 + count))]),
        ]
    )
    found = linprog(
        np.concatenate([program.costs, [1.0], np.full(count, 1.0 / (tail * count))]),
        A_ub=upper,
        b_ub=np.concatenate([own, -program.bounds]),
        bounds=[(None, None)] * (program.columns + 1) + [(0.0, None)] * count,
        method="highs",
    )
    if found.status == 2:
        raise InfeasibleError("limits: no hedge meets them all")
    if not found.success:
        raise InputError(f"returns: no hedge of least shortfall: {found.message}")
    return Hedge(found.x[:hedges] * size, float(found.fun) * size)


class _Program:
    """Limits and costs as rows · x ≥ bounds, over x = (h, t ≥ |h − h⁰|, v ≥ |h|), over ``size``.

    Absolute values are split into variables of their own, only where something depends on them.
    """

    def __init__(self, hedges: int, limits: Limits, trading: Trading | None, size: float) -> None:
        split = not limits.shorts_only and limits.leverage < np.inf
        self.columns = hedges * (1 + (trading is not None) + split)
        self.costs = np.zeros(self.columns)
        self._eye = np.eye(hedges)
        self._blocks: list[tuple[Floats, Floats]] = [(np.zeros((0, self.columns)), np.zeros(0))]
        room = limits.room(hedges) / size
        bounded = np.isfinite(room)
        self._both_signs(lambda sign: (self._placed(sign * self._eye)[bounded], -room[bounded]))
        if limits.shorts_only:
            self._add(self._placed(-self._eye), np.zeros(hedges))
        if trading is not None:
            held, costs = trading.arrays(hedges)
            self.costs[hedges : 2 * hedges] = costs
            self._absolute(1, held / size)
        if limits.leverage < np.inf:
            self._lever(limits.leverage / size, split)
        self.rows = np.vstack([rows for rows, _ in self._blocks])
        self.bounds = np.concatenate([bounds for _, bounds in self._blocks])

    def _lever(self, most: float, split: bool) -> None:
        """Σ|h| ≤ most; of shorts −Σh."""
        ones = np.ones((1, len(self._eye)))
        if split:
            last = self.columns // len(self._eye) - 1
            self._absolute(last, np.zeros(len(self._eye)))
            self._add(self._placed(0.0 * ones, -ones, last), np.array([-most]))
        else:
            self._add(self._placed(ones), np.array([-most]))

    def _absolute(self, group: int, centre: Floats) -> None:
        """The variables of ``group`` are at least |h − centre|."""
        self._both_signs(
            lambda sign: (self._placed(sign * self._eye, self._eye, group), sign * centre)
        )

    def _both_signs(self, block: Callable[[float], tuple[Floats, Floats]]) -> None:
        self._add(*block(-1.0))
        self._add(*block(1.0))

    def _add(self, rows: Floats, bounds: Floats) -> None:
        self._blocks.append((rows, bounds))

    def _placed(self, own: Floats, other: Floats | None = None, group: int = 0) -> Floats:
        """Rows with ``own`` at the hedges and ``other`` at a group of split variables."""
        hedges = own.shape[1]
        rows = np.zeros((len(own), self.columns))
        rows[:, :hedges] = own
        if other is not None:
            rows[:, group * hedges : (group + 1) * hedges] = other
        return rows


def _exposures(exposure: ArrayLike, assets: int) -> Floats:
    given = check.numbers("exposure", exposure)
    result = np.zeros(assets)
    if given.ndim == 0:
        result[0] = given
    elif given.shape == (assets,):
        result[:] = given
    else:
        raise InputError(f"exposure {given.shape}: must be a number or [{assets}] USD")
    return result


def _size(exposures: Floats, limits: Limits, trading: Trading | None) -> float:
    """USD that makes the programme's figures near one."""
    held = 0.0 if trading is None else float(np.max(np.abs(trading.holdings), initial=0.0))
    return max(float(np.max(np.abs(exposures))), held) or 1.0
