"""What a liquidity position is worth in USD as both its prices move: delta, gamma, cross-gamma.

With P_b and P_q the USD prices of base and quote token, the value is V = P_q·v(P_b/P_q), v as in
:mod:`simulator.hedging.lp`. V is homogeneous of degree one, so all second derivatives follow from
one: with G = P_b²·∂²V/∂P_b² = P_q·P²·v''(P), P = P_b/P_q, the matrix of dollar gammas is

    [ G  −G ]
    [ −G  G ]

and the position gains nothing from both tokens moving together but its value (Euler's theorem).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulator.hedging import check, lp

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from simulator.types import Floats


class LpExposure(NamedTuple):
    """Sensitivities to relative moves r of the two prices, USD: δ_b r_b + δ_q r_q + ½ rᵀΓr.

    Attributes:
        delta_base: USD per unit return of the base token.
        delta_quote: USD per unit return of the quote token.
        gamma: Γ_bb and Γ_qq, USD per unit return squared; never positive.
        cross_gamma: Γ_bq = −gamma.
    """

    delta_base: Floats
    delta_quote: Floats
    gamma: Floats
    cross_gamma: Floats


def lp_exposure(
    base_price: ArrayLike,
    quote_price: ArrayLike,
    liquidity: ArrayLike,
    lower: ArrayLike = 0.0,
    upper: ArrayLike = np.inf,
) -> LpExposure:
    """Exposure of a position to the USD prices of its tokens; arguments broadcast.

    ``liquidity`` in whole units √(base · quote); the range in whole quote tokens per base token.

    Raises:
        InputError: as :mod:`simulator.hedging.lp`.
    """
    base = check.numbers("base_price", base_price, above=0.0)
    quote = check.numbers("quote_price", quote_price, above=0.0)
    price = base / quote
    held_base, held_quote = lp.amounts(price, liquidity, lower, upper)
    gamma = quote * price**2 * lp.gamma(price, liquidity, lower, upper)
    return LpExposure(held_base * base, held_quote * quote, gamma, 0.0 - gamma)
