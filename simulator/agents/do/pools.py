"""What a compiled ``do`` shows of the pools and of its own wallet."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from simulator.agents.axes import LEG_LIQUIDITY, LEG_PRICE, POSITION_OF, WALLET_LEG
from simulator.agents.do.kind import can, seen
from simulator.agents.do.within import a_leg, a_position
from simulator.model.pools.held import active_liquidity, fee
from simulator.model.pools.uniswap_v3.tick import amounts_for_liquidity, tick_at_sqrt_price
from simulator.model.providing import position_of, positions_of
from simulator.model.venues.perps.portfolio import BASE_ASSET, USDC_ASSET
from simulator.model.verbs import WHOLE_SHARE
from simulator.model.worth import worth_at_index


class Position(NamedTuple):
    """A position of its own in the pool, at the spot price; all zero: there is none."""

    liquidity: float  # raw L
    lower: float  # ticks
    upper: float
    base: float  # whole tokens, without fees, not rounded
    usdc: float
    fees_base: float  # whole tokens, uncollected
    fees_usdc: float


@seen
def pool_price(do: Any) -> Any:
    """Spot price of the pool, USDC per whole base token."""
    unit = do.w.tables.oracle.unit
    return do.w.state.pool.sqrt_price**2 * (unit[BASE_ASSET] / unit[USDC_ASSET])


@seen
def pool_liquidity(do: Any) -> Any:
    """Active liquidity of the pool: √(whole base · whole USDC)."""
    unit = do.w.tables.oracle.unit
    raw = active_liquidity(do.w)
    return raw * (unit[BASE_ASSET] * unit[USDC_ASSET]) ** -0.5


@seen
def pool_fee(do: Any) -> Any:
    """Fee of a small swap in the pool now, fraction."""
    return fee(do.w)


@seen
def tick(do: Any) -> Any:
    """Tick of the pool's price, whole."""
    return tick_at_sqrt_price(do.w.state.pool.sqrt_price)


@seen
def positions(do: Any) -> Any:
    """How many positions in the pool it holds."""
    return positions_of(do.w, do.agent)


@can
def position(do: Any, position: int) -> Any:
    """A position of its own in the pool, by its number."""
    place = position_of(do.w, do.agent, a_position(do, POSITION_OF, position))
    if place < 0:
        return Position(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    pool, unit = do.w.state.pool, do.w.tables.oracle.unit
    base, usdc = amounts_for_liquidity(
        pool.sqrt_price,
        pool.provided_root_lower[place],
        pool.provided_root_upper[place],
        pool.provided[place],
    )
    return Position(
        pool.provided[place],
        pool.provided_lower[place],
        pool.provided_upper[place],
        base / unit[BASE_ASSET],
        usdc / unit[USDC_ASSET],
        np.floor(pool.provided_fees0[place]) / unit[BASE_ASSET],
        np.floor(pool.provided_fees1[place]) / unit[USDC_ASSET],
    )


@can
def worth(do: Any) -> Any:
    """USD of all it has at index prices: wallet, positions with fees, account, vault shares."""
    return worth_at_index(do.w, do.agent)


@can
def leg_price(do: Any, leg: int) -> Any:
    """Spot price of a leg's pool on Aave, USDC per whole token."""
    unit, known = do.w.tables.aave.unit, a_leg(do, LEG_PRICE, leg)
    return do.w.state.aave.pools[known].sqrt_price ** 2 * (unit[known + 1] / unit[0])


@can
def leg_liquidity(do: Any, leg: int) -> Any:
    """Its liquidity, the same over its one range: √(whole asset · whole USDC)."""
    unit, known = do.w.tables.aave.unit, a_leg(do, LEG_LIQUIDITY, leg)
    return do.w.tables.aave.pools[known].liquidity[0] * (unit[known + 1] * unit[0]) ** -0.5


@seen
def wallet_usdc(do: Any) -> Any:
    """USDC in its wallet."""
    unit = do.w.tables.oracle.unit
    return do.w.state.wallet.token[do.agent, USDC_ASSET] / unit[USDC_ASSET]


@seen
def wallet_base(do: Any) -> Any:
    """Whole base tokens in its wallet."""
    unit = do.w.tables.oracle.unit
    return do.w.state.wallet.token[do.agent, BASE_ASSET] / unit[BASE_ASSET]


@can
def wallet_leg(do: Any, leg: int) -> Any:
    """Whole tokens of a leg's asset in its wallet."""
    table, row = do.w.tables.aave, a_leg(do, WALLET_LEG, leg) + 1
    return do.w.state.wallet.token[do.agent, table.asset[row]] / table.unit[row]


@seen
def wallet_shares(do: Any) -> Any:
    """Whole shares in its wallet."""
    return do.w.state.wallet.shares[do.agent] / WHOLE_SHARE
