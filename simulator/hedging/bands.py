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

from simulator.hedging import check

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
    costs = check.numbers("cost", cost, least=0.0)
    gammas = check.numbers("dollar_gamma", dollar_gamma)
    aversions = check.numbers("risk_aversion", risk_aversion, above=0.0)
    return np.cbrt(1.5 * costs * gammas**2 / aversions)


def implied_risk_aversion(
    cost: ArrayLike, dollar_gamma: ArrayLike, half_width: ArrayLike
) -> Floats:
    """Risk aversion λ, per USD, for which a fixed band of ``half_width`` USD is the optimal one.

    The inverse of :func:`whalley_wilmott`: what the designer of a fixed band has said of risk.

    Raises:
        InputError: the half width is not positive, or cost is negative.
    """
    widths = check.numbers("half_width", half_width, above=0.0)
    return whalley_wilmott(cost, dollar_gamma, 1.0) ** 3 / widths**3


def fixed(nav: ArrayLike, band: ArrayLike) -> Floats:
    """Half width of the vault's own band: a fraction of NAV, USD (contracts/SPEC.md §4).

    Raises:
        InputError: the band is not within [0, 1], or NAV not finite.
    """
    fraction = check.numbers("band", band, least=0.0, most=1.0)
    return fraction * np.maximum(check.numbers("nav", nav), 0.0)


def trade_to_edge(holding: ArrayLike, target: ArrayLike, half_width: ArrayLike) -> Floats:
    """USD to trade: nothing within the band, else as far as its nearer edge.

    With proportional costs the last dollar up to the target is worth less than it costs
    (Davis and Norman 1990). Arguments broadcast.

    Raises:
        InputError: the half width is negative, or a figure not finite.
    """
    held, wanted = check.numbers("holding", holding), check.numbers("target", target)
    width = check.numbers("half_width", half_width, least=0.0)
    return np.clip(held, wanted - width, wanted + width) - held
