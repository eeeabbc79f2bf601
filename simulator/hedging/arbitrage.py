"""Closed forms of arbitrage against a pool that takes a fee and trades once a block.

Sources, by the short names the docstrings use:

* *ARB*: Milionis, Moallemi, Roughgarden, "Automated Market Making and Arbitrage Profits in the
  Presence of Fees" (2023, arXiv:2305.14604): blocks arrive as a Poisson process.
* *NT*: Nezlobin, Tassy, "Loss-Versus-Rebalancing under Deterministic and Generalized Block-Times"
  (2025, arXiv:2505.05113): blocks at equal intervals; their γ is the whole spread, twice ours.

The mispricing log(index/pool) moves by the index's return from block to block and is cut back to
±γ by the arbitrageur, γ = −log(1 − fee) being the fee in logarithmic price. What he earns is what
it overshoots by, so that one number of the return between two blocks decides, that of the ladder
heights H of its random walk: ρ = E[H²]/(2·s·E[H]) with s its standard deviation. It is 1/√2 for
Poisson blocks, whose returns are Laplace's, and −ζ(½)/√(2π) = 0.5826 for regular ones (Siegmund
1985, *Sequential Analysis*, chapter X).

``volatility`` is per square root of a year, ``fee`` the fraction of the amount in, ``blocks`` the
mean number of blocks a year. All broadcast; results are float64. The functions raise
:class:`~simulator.types.InputError` unless 0 < volatility < ∞, 0 ≤ fee < 1, 0 < blocks < ∞, and σ²
is less than 8 blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.arguments import shown
from simulator.hedging import check
from simulator.types import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from simulator.types import Floats

_ZETA_HALF = -1.4603545088095868  # Riemann's ζ(½)
_POISSON = 1.0 / np.sqrt(2.0)
_REGULAR = -_ZETA_HALF / np.sqrt(2.0 * np.pi)


def trade_probability(
    volatility: ArrayLike, fee: ArrayLike, blocks: ArrayLike, *, regular: bool = False
) -> Floats:
    """Fraction of blocks in which the pool's price is worth correcting: 1/(√2·(ρ + γ/s)).

    With Poisson blocks 1/(1 + √(2λ)·γ/σ) exactly, λ blocks a year (ARB, P_trade). ``regular``:
    blocks at equal intervals, up to a term that vanishes exponentially in γ/s (NT): 1 % of it at
    γ = 0.45 s.
    """
    rho, fees, step = _walk(volatility, fee, blocks, regular=regular)
    return 1.0 / (np.sqrt(2.0) * (rho + fees / step))


def arbitrage_share(
    volatility: ArrayLike, fee: ArrayLike, blocks: ArrayLike, *, regular: bool = False
) -> Floats:
    """Part of loss-versus-rebalancing that the arbitrageur keeps; the rest is paid in fees.

    1/(1 + γ/(ρ·s)) to leading order (ARB for Poisson blocks, where it is P_trade, and NT for
    ``regular`` ones, up to a term as in :func:`trade_probability`), times e^{γ/2}, and over
    1 − σ²/(8λ) for Poisson blocks. These make it exact there, for the constant product and for a
    range while the price is within it: a trade that overshoots by y earns
    2L√P·e^{γ/2}·(cosh(y/2) − 1) where the fee is taken from the amount in, as Uniswap does (ARB
    takes it in the quote token), and y has the exponential law of rate √(2λ)/σ.
    """
    rho, fees, step = _walk(volatility, fee, blocks, regular=regular)
    share = np.exp(fees / 2.0) / (1.0 + fees / (rho * step))
    return share if regular else share / (1.0 - step**2 / 8.0)


def _walk(
    volatility: ArrayLike, fee: ArrayLike, blocks: ArrayLike, *, regular: bool
) -> tuple[float, Floats, Floats]:
    """ρ, the fee in logarithmic price, and the standard deviation of a block's return."""
    sigma = check.numbers("volatility", volatility, above=0.0)
    rate = check.numbers("blocks", blocks, above=0.0)
    fraction = check.numbers("fee", fee, least=0.0, below=1.0)
    step = sigma / np.sqrt(rate)
    if not np.all(step**2 < 8.0):
        raise InputError(
            f"volatility = {shown(volatility)}: volatility squared must be less than 8 blocks"
        )
    return (_REGULAR if regular else _POISSON), -np.log1p(-fraction), step
