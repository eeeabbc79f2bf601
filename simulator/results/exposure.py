"""The vault's exposure at one moment: net delta by asset, gamma and cross-gamma of its LP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.hedging import stable_lp
from simulator.hedging.exposure import lp_exposure

if TYPE_CHECKING:
    from simulator.types import Floats
    from simulator.world.protocol import Protocol


def exposure_names(protocol: Protocol) -> list[str]:
    """``delta_<asset>`` of every asset but USDC, their sum, and both second-order terms."""
    deltas = [f"delta_{token.symbol}" for token in protocol.assets[1:]]
    return [*deltas, "net_delta", "gamma", "cross_gamma"]


def curvature(protocol: Protocol, oracle: Floats, position: Floats) -> tuple[Floats, Floats]:
    """Gamma and cross-gamma of a position, USD per unit return squared.

    ``oracle``: ``[A, …]`` prices; ``position`` ``[3, …]``: raw liquidity, lower and upper tick. Of
    shares as if each had an invariant of one, as at the start: fees make some thousandths more.
    """
    quote, base = protocol.assets[0].decimals, protocol.assets[1].decimals
    liquidity, lower, upper = position
    if protocol.stable is not None:
        prices = np.stack([oracle[1], oracle[0]], axis=-1)
        worth = stable_lp.gamma(prices, liquidity * 1e-18, protocol.stable.amplification)
        return worth, 0.0 - worth
    some = liquidity > 0.0
    whole = 10.0 ** (base - quote)
    found = lp_exposure(
        oracle[1],
        oracle[0],
        liquidity * 10.0 ** (-(base + quote) / 2),
        # Without a position there is no range either; any will do.
        np.where(some, 1.0001**lower * whole, 0.0),
        np.where(some, 1.0001**upper * whole, np.inf),
    )
    return found.gamma, found.cross_gamma
