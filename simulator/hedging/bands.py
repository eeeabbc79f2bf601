"""No-trade bands: how far a hedge may drift from its target before trading is worth its cost.

Whalley and Wilmott, "An asymptotic analysis of an optimal hedging model for option pricing with
transaction costs", Mathematical Finance 7 (1997): to leading order in small proportional costs the
holder of a position with gamma Γ keeps the hedge within

    |y − Δ| ≤ (3/2 · κ S Γ² / γ)^⅓   units of the asset

(without discounting), κ the cost as a fraction of notional, γ the absolute risk
aversion, and trades to the nearer edge, not to the target. Times S, and with the dollar gamma
Γ_$ = S²Γ, every figure is in USD: half width (3/2 · κ Γ_$² / λ)^⅓. Volatility cancels: it moves the
target and the risk of being off it alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.types import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from simulator.types import Floats


def whalley_wilmott(cost: ArrayLike, dollar_gamma: ArrayLike, risk_aversion: ArrayLike) -> Floats:
    """Half width of the band, USD of hedge notional.

    ``cost`` is a fraction of notional (fee and half spread), ``dollar_gamma`` USD per unit return
    squared (S²·Γ; the sign does not matter), ``risk_aversion`` per USD: the λ of
    E[P&L] − ½λ·Var[P&L]. Arguments broadcast.

    Raises:
        InputError: cost is negative, or risk aversion not positive.
    """
    costs, gammas, aversions = (
        np.asarray(given, np.float64) for given in (cost, dollar_gamma, risk_aversion)
    )
    if not np.all((costs >= 0.0) & np.isfinite(costs)):
        raise InputError(f"cost = {cost!r}: must be a fraction of 0 or more")
    if not np.all((aversions > 0.0) & np.isfinite(aversions)):
        raise InputError(f"risk_aversion = {risk_aversion!r}: must be positive, per USD")
    if not np.all(np.isfinite(gammas)):
        raise InputError(f"dollar_gamma = {dollar_gamma!r}: must be finite")
    return np.cbrt(1.5 * costs * gammas**2 / aversions)


def implied_risk_aversion(
    cost: ArrayLike, dollar_gamma: ArrayLike, half_width: ArrayLike
) -> Floats:
    """Risk aversion λ, per USD, for which a fixed band of ``half_width`` USD is the optimal one.

    The inverse of :func:`whalley_wilmott`: what the designer of a fixed band has said of risk.

    Raises:
        InputError: the half width is not positive, or cost is negative.
    """
    widths = np.asarray(half_width, np.float64)
    if not np.all((widths > 0.0) & np.isfinite(widths)):
        raise InputError(f"half_width = {half_width!r}: must be positive USD")
    return whalley_wilmott(cost, dollar_gamma, 1.0) ** 3 / widths**3


def fixed(nav: ArrayLike, band: ArrayLike) -> Floats:
    """Half width of the vault's own band: a fraction of NAV, USD (contracts/SPEC.md §4).

    Raises:
        InputError: the band is not within [0, 1].
    """
    fraction = np.asarray(band, np.float64)
    if not np.all((fraction >= 0.0) & (fraction <= 1.0)):
        raise InputError(f"band = {band!r}: must be within [0, 1] of NAV")
    return fraction * np.maximum(np.asarray(nav, np.float64), 0.0)


def trade_to_edge(holding: ArrayLike, target: ArrayLike, half_width: ArrayLike) -> Floats:
    """USD to trade: nothing within the band, else as far as its nearer edge.

    With proportional costs the last dollar up to the target is worth less than it costs
    (Davis and Norman 1990). ``half_width`` must be 0 or more.
    """
    held, wanted = np.asarray(holding, np.float64), np.asarray(target, np.float64)
    width = np.asarray(half_width, np.float64)
    return np.clip(held, wanted - width, wanted + width) - held
