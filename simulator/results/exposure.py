"""The vault's exposure at one moment: net delta by asset, gamma and cross-gamma of its LP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.hedging.exposure import lp_exposure
from simulator.results.holdings import vault_sizes

if TYPE_CHECKING:
    from simulator.types import Floats
    from simulator.world.base import Observation
    from simulator.world.protocol import Protocol


def exposure_names(protocol: Protocol) -> list[str]:
    """``delta_<asset>`` of every asset but USDC, their sum, and both second-order terms."""
    deltas = [f"delta_{token.symbol}" for token in protocol.assets[1:]]
    return [*deltas, "net_delta", "gamma", "cross_gamma"]


def exposures(state: Observation, protocol: Protocol, oracle: Floats, paths: int) -> list[Floats]:
    """USD per unit return (squared) of the first ``paths`` paths, in order of the names.

    ``oracle``: ``[A, P]`` prices. A delta counts what the vault holds of the asset in its position,
    its fees, idle and as margin, and its perps and debts; ``net_delta`` is what is left when all
    assets move by the same fraction. ``cross_gamma`` is that of the pair, base by USDC.
    """
    deltas = vault_deltas(state, protocol, oracle)[1:, :paths]
    position = np.array([state.liquidity, state.tick_lower, state.tick_upper])[:, :paths]
    pair = curvature(protocol, oracle[:, :paths], position)
    return [*deltas, _total(deltas), *pair]


def vault_deltas(state: Observation, protocol: Protocol, oracle: Floats) -> Floats:
    """``[A, P]`` USD the vault gains per unit return of each asset; row 0, USDC, stays zero."""
    deltas = np.zeros_like(oracle)
    deltas[1] = state.lp_base + state.fees_base + state.idle_base
    accounts = range(1 + protocol.markets)
    for number, collateral in enumerate(protocol.clearing.collaterals):
        if collateral.asset != 0:
            for account in accounts:
                deltas[collateral.asset] += state.collateral[account, number]
    sizes = vault_sizes(state, protocol)
    for market, parameters in enumerate(protocol.clearing.markets):
        for account in accounts:
            deltas[parameters.asset] += sizes[account, market]
    return deltas * oracle


def curvature(protocol: Protocol, oracle: Floats, position: Floats) -> tuple[Floats, Floats]:
    """Gamma and cross-gamma of a position, USD per unit return squared.

    ``oracle``: ``[A, …]`` prices; ``position`` ``[3, …]``: raw liquidity, lower and upper tick.
    """
    quote, base = protocol.assets[0].decimals, protocol.assets[1].decimals
    liquidity, lower, upper = position
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


def _total(rows: Floats) -> Floats:
    """Sum over assets in their order."""
    return np.asarray(sum(rows[1:], start=rows[0]))
