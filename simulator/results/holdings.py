"""The vault's hedges and margin at both venues together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.hedging.lp import amounts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.types import Floats
    from simulator.world.base import Observation
    from simulator.world.protocol import Protocol


def vault_sizes(state: Observation, protocol: Protocol) -> Floats:
    """``[1 + M, M, P]`` positions by account and market; a debt on Aave is short, in row 0."""
    sizes = state.size[: 1 + protocol.markets]
    if protocol.aave is None:
        return sizes
    sizes = np.array(sizes)
    for market, leg in protocol.leg_of.items():
        sizes[0, market] -= state.aave_debt[leg]
    return sizes


def vault_margin(state: Observation, accounts: range) -> Floats:
    """``[P]`` USD in the vault's margin accounts."""
    values = state.account_value[accounts.start : accounts.stop]
    return sum([*values[1:], *state.aave_equity], start=values[0])


def margin_ratio(state: Observation, accounts: range) -> Floats:
    """Lowest equity over maintenance of the vault's accounts, ``[P]``; NaN: no position."""
    low = np.full(state.maintenance.shape[1], np.nan)
    pairs = [(state.equity[account], state.maintenance[account]) for account in accounts]
    pairs += zip(state.aave_equity, state.aave_maintenance, strict=True)
    for equity, needed in pairs:
        ratio = np.full(needed.shape, np.nan)
        np.divide(equity, needed, out=ratio, where=needed > 0.0)
        np.fmin(low, ratio, out=low)
    return low


def tokens_at_spot(
    state: Observation, protocol: Protocol, where: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Base tokens and USDC of the vault on the paths ``where``, whole tokens ``[n]`` each.

    Idle, in its position at the *pool's* price, uncollected, and in its margin accounts. A swap of
    its own moves them by what others got and gave.
    """
    decimals = protocol.assets[0].decimals, protocol.assets[1].decimals
    liquidity = state.liquidity[where]
    some = liquidity > 0.0
    base, usdc = amounts(
        state.sqrt_price[where] ** 2,
        liquidity,
        # Without a position there is no range either; any will do.
        np.where(some, 1.0001 ** state.tick_lower[where], 0.0),
        np.where(some, 1.0001 ** state.tick_upper[where], np.inf),
    )
    base = base / 10.0 ** decimals[1] + state.idle_base[where] + state.fees_base[where]
    usdc = usdc / 10.0 ** decimals[0] + state.idle_usdc[where] + state.fees_usdc[where]
    usdc += state.cash[: 1 + protocol.markets][:, where].sum(axis=0)
    return base, usdc + state.aave_supplied[:, where].sum(axis=0)
