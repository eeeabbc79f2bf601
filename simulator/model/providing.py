"""Agents' own liquidity in the pool, as they have it at the NonfungiblePositionManager.

An agent's positions are numbered from 0 in the order in which the manager lists its tokens
(ERC721Enumerable): a new one comes last, and where one is closed the last takes its number.
"""

from __future__ import annotations

import numpy as np

from simulator.model.kernel.codes import INSUFFICIENT_BALANCE, NO_POSITION, OK, ZERO_AMOUNT
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path, Record
from simulator.model.pools.uniswap_v3.providers import (
    add,
    amounts_of,
    close_ranks,
    collect,
    settle_in,
    take,
)
from simulator.model.pools.uniswap_v3.tick import (
    liquidity_for_amounts,
    most_liquidity,
    sqrt_price_at_tick,
    usable_range,
)
from simulator.model.raw_amounts import raw_or_all
from simulator.model.venues.perps.portfolio import BASE_ASSET, USDC_ASSET


@inner
def positions_of(w: Path, agent: int) -> int:
    """How many an agent holds."""
    first, held = w.tables.agent.first_position[agent], 0
    for k in range(w.tables.agent.positions[agent]):
        if w.state.pool.provided[first + k] > 0.0:
            held += 1
    return held


@inner
def position_of(w: Path, agent: int, number: int) -> int:
    """Which of all positions is one of an agent's; -1: it holds none of that number."""
    if number >= positions_of(w, agent):
        return -1
    return w.tables.agent.first_position[agent] + number


@inner
def _paid(w: Path, order: Record, base: float, usdc: float) -> None:
    """Pay the actor raw tokens out of a position."""
    token, unit = w.state.wallet.token, w.tables.oracle.unit
    token[order.agent, BASE_ASSET] += base
    token[order.agent, USDC_ASSET] += usdc
    order.status = OK
    order.amount_in, order.amount_out = base / unit[BASE_ASSET], usdc / unit[USDC_ASSET]


@inner
def provide(w: Path, order: Record) -> None:
    """``mint``, or ``increaseLiquidity`` of one there is: whole tokens of each that it took."""
    pool, agent = w.state.pool, order.agent
    token, unit = w.state.wallet.token, w.tables.oracle.unit
    most_base = raw_or_all(order.amount, token[agent, BASE_ASSET], unit[BASE_ASSET])
    most_usdc = raw_or_all(order.usdc, token[agent, USDC_ASSET], unit[USDC_ASSET])
    most_base, most_usdc = max(most_base, 0.0), max(most_usdc, 0.0)
    place = position_of(w, agent, order.position)
    is_new = place < 0
    if is_new:
        place = w.tables.agent.first_position[agent] + positions_of(w, agent)
        lower, upper = usable_range(order.lower, order.upper, w.tables.pool.tick_spacing)
        root_lower, root_upper = sqrt_price_at_tick(lower), sqrt_price_at_tick(upper)
    else:
        lower, upper = pool.provided_lower[place], pool.provided_upper[place]
        root_lower, root_upper = pool.provided_root_lower[place], pool.provided_root_upper[place]
    liquidity = np.floor(
        liquidity_for_amounts(pool.sqrt_price, root_lower, root_upper, most_base, most_usdc)
    )
    if not 0.0 < liquidity < most_liquidity(w.tables.pool.tick_spacing):
        order.status = ZERO_AMOUNT
        return
    if is_new:
        settle_in(pool, place, lower, upper)
    base, usdc = amounts_of(pool, place, liquidity)
    # Rounded up, and still no more than what the liquidity, rounded down, was made of.
    base, usdc = min(np.ceil(base), most_base), min(np.ceil(usdc), most_usdc)
    if token[agent, BASE_ASSET] < base or token[agent, USDC_ASSET] < usdc:
        if is_new:
            close_ranks(pool, place, place)
        order.status = INSUFFICIENT_BALANCE
        return
    add(pool, place, liquidity)
    _paid(w, order, -base, -usdc)
    order.amount_in, order.amount_out = base / unit[BASE_ASSET], usdc / unit[USDC_ASSET]


@inner
def withdraw(w: Path, order: Record) -> None:
    """``decreaseLiquidity`` and ``collect``, of all of it ``burn`` besides: whole tokens out."""
    pool, place = w.state.pool, position_of(w, order.agent, order.position)
    if place < 0:
        order.status = NO_POSITION
        return
    held = pool.provided[place]
    taken = min(np.floor(order.amount * held), held)
    if taken <= 0.0:
        return
    base, usdc = take(pool, place, taken)
    if taken == held:
        others = positions_of(w, order.agent)
        close_ranks(pool, place, w.tables.agent.first_position[order.agent] + others)
    _paid(w, order, base, usdc)


@inner
def collect_fees(w: Path, order: Record) -> None:
    """``collect``: whole tokens out."""
    place = position_of(w, order.agent, order.position)
    if place < 0:
        order.status = NO_POSITION
        return
    base, usdc = collect(w.state.pool, place)
    _paid(w, order, base, usdc)
