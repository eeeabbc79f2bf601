"""The pool in which the vault provides liquidity, whichever it is: what everybody asks of it.

One branch for each pool of a folder beside; no other module asks which it is. Raw amounts, √P as
:mod:`simulator.model.pools.interface` has them. ``w.state.pool.sqrt_price`` is the spot price of
every pool.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.model.kernel.codes import INSUFFICIENT_BALANCE, OK, SLIPPAGE
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path, Record
from simulator.model.pools.stableswap import pool as stable
from simulator.model.pools.stableswap import shares
from simulator.model.pools.stableswap.invariant import FEE_ONE, fee_rate, invariant
from simulator.model.pools.stableswap.worth import balances_at
from simulator.model.pools.uniswap_v3 import pool as uniswap
from simulator.model.pools.uniswap_v3.tick import amounts_for_liquidity, liquidity_for_amounts

_add_shares = shares.shares_for
_PPM = 1e-6
_HALF_TICK = 0.5 * np.log(1.0001)

_stable_quote, _stable_settle, _stable_passed = stable.quote, stable.settle, stable.limit_passed
_stable_open, _stable_depth, _stable_active = (
    stable.initialise,
    stable.set_depth,
    stable.active_liquidity,
)
_stable_burn, _count, _scaled = stable.burn_and_collect, stable.count, stable.scaled
_quote, _settle, _earn, _passed = (
    uniswap.quote,
    uniswap.settle,
    uniswap.earn,
    uniswap.limit_passed,
)
_open, _depth, _active = uniswap.initialise, uniswap.set_depth, uniswap.active_liquidity
_mint, _burn, _burn_part, _place = (
    uniswap.mint,
    uniswap.burn_and_collect,
    uniswap.burn_part,
    uniswap.place,
)


@inner
def initialise(w: Path) -> None:
    """Open at the first price."""
    if w.tables.stable.on:
        _stable_open(w.tables.stable, w.state.stable, w.now.pool_depth)
        w.state.pool.sqrt_price = w.state.stable.sqrt_price
    else:
        _open(w.tables.pool, w.state.pool, w.now.pool_depth)


@inner
def set_depth(w: Path) -> None:
    """Scale the liquidity of others to what the depth is now."""
    if w.tables.stable.on:
        _stable_depth(w.tables.stable, w.state.stable, w.now.pool_depth)
    else:
        _depth(w.tables.pool, w.state.pool, w.now.pool_depth)


@inner
def active_liquidity(w: Path) -> float:
    """Liquidity that trades at the spot price, all shares of a pool that has no ranges."""
    if w.tables.stable.on:
        return _stable_active(w.state.stable, w.state.position)
    return _active(w.state.pool, w.state.position)


@inner
def fee(w: Path) -> float:
    """Fee of a small swap now, fraction."""
    if not w.tables.stable.on:
        return _PPM * w.tables.pool.fee_ppm
    table, x = w.tables.stable, _scaled(w.state.stable)
    return fee_rate(x[0], x[1], table.fee, table.off_peg) / FEE_ONE


# ------------------------------------------------------------------------------------------- swaps


class Asked(NamedTuple):
    """What is asked of a swap, raw: it stops at the limit, and is refused below ``least``."""

    amount: float
    limit: float  # √P
    least: float  # that must come out
    held: float  # by who asks, of what goes in


@inner
def swap(w: Path, down: bool, asked: Asked) -> tuple[int, float, float]:
    """A swap by somebody else than the vault: (status, raw in, raw out)."""
    if w.tables.stable.on:
        return _swap_stable(w, down, asked)
    return swap_at(w.tables.pool, w.state.pool, w.state.position, down, asked)


@inner
def swap_at(
    table: Record, pool: Record, position: Record, down: bool, asked: Asked
) -> tuple[int, float, float]:
    """The same in a pool of Uniswap v3."""
    if _passed(pool.sqrt_price, down, asked.limit):
        return SLIPPAGE, 0.0, 0.0
    swapped = _quote(table, pool, position, down, asked.amount, asked.limit)
    if asked.held < swapped.amount_in:
        return INSUFFICIENT_BALANCE, 0.0, 0.0
    if swapped.amount_out < asked.least:
        return SLIPPAGE, 0.0, 0.0
    _earn(table, pool, position, down, asked.amount, asked.limit)
    _settle(pool, position, down, swapped)
    return OK, swapped.amount_in, swapped.amount_out


@inner
def _swap_stable(w: Path, down: bool, asked: Asked) -> tuple[int, float, float]:
    """An exchange, which pays something or is refused; the amount is found before it is sent."""
    pool, position = w.state.stable, w.state.position
    if _stable_passed(pool.sqrt_price, down, asked.limit):
        return SLIPPAGE, 0.0, 0.0
    swapped = _stable_quote(w.tables.stable, pool, position, down, asked.amount, asked.limit)
    if swapped.amount_out <= 0.0 or swapped.amount_out < asked.least:
        return SLIPPAGE, 0.0, 0.0
    if asked.held < swapped.amount_in:
        return INSUFFICIENT_BALANCE, 0.0, 0.0
    _stable_settle(pool, position, down, swapped)
    w.state.pool.sqrt_price = pool.sqrt_price
    return OK, swapped.amount_in, swapped.amount_out


@inner
def swap_whole(w: Path, down: bool, amount: float, limit: float) -> tuple[int, float]:
    """A swap of all of ``amount`` before the limit, or none: (status, raw out)."""
    pool, position = w.state.pool, w.state.position
    if w.tables.stable.on:
        return _swap_whole_stable(w, down, amount, limit)
    if _passed(pool.sqrt_price, down, limit):
        return SLIPPAGE, 0.0
    swapped = _quote(w.tables.pool, pool, position, down, amount, limit)
    if swapped.amount_in < amount:
        return SLIPPAGE, 0.0
    _earn(w.tables.pool, pool, position, down, amount, limit)
    _settle(pool, position, down, swapped)
    return OK, swapped.amount_out


@inner
def _swap_whole_stable(w: Path, down: bool, amount: float, limit: float) -> tuple[int, float]:
    pool, position = w.state.stable, w.state.position
    if _stable_passed(pool.sqrt_price, down, limit):
        return SLIPPAGE, 0.0
    swapped = _stable_quote(w.tables.stable, pool, position, down, amount, limit)
    if swapped.amount_in < amount or swapped.amount_out <= 0.0:
        return SLIPPAGE, 0.0
    _stable_settle(pool, position, down, swapped)
    w.state.pool.sqrt_price = pool.sqrt_price
    return OK, swapped.amount_out


# ------------------------------------------------------------------------------ vault's position


@inner
def amounts_at(w: Path, root: float) -> tuple[float, float]:
    """(base, USDC) of the position at a √P, not rounded; of shares what no swap can raise."""
    position = w.state.position
    if w.tables.stable.on:
        pool = w.state.stable
        base, usdc = balances_at(pool, root)
        part = position.liquidity / (pool.others + pool.own)
        return base * part, usdc * part
    return amounts_for_liquidity(root, position.sqrt_lower, position.sqrt_upper, position.liquidity)


@inner
def unit_worth(w: Path) -> float:
    """What fees that stay in a position make more of: of shares their part of the invariant."""
    if w.tables.stable.on:
        pool = w.state.stable
        return invariant(_scaled(pool), int(pool.coins), pool.ann) / (pool.others + pool.own)
    return 1.0


@inner
def amounts_by_ticks(w: Path, root: float) -> tuple[float, float]:
    """The same by the ticks of the range, which are known of a chain without their √P."""
    position = w.state.position
    if w.tables.stable.on:
        return amounts_at(w, root)
    low, high = np.exp(_HALF_TICK * position.tick_lower), np.exp(_HALF_TICK * position.tick_upper)
    root = min(max(root, low), high)
    return position.liquidity * (1.0 / root - 1.0 / high), position.liquidity * (root - low)


@inner
def proportion(w: Path) -> tuple[float, float]:
    """(base, USDC) of a position minted now where the next is placed; of shares the pool's own."""
    if w.tables.stable.on:
        return w.state.stable.raw[0], w.state.stable.raw[1]
    lower, upper = w.state.position.sqrt_lower, w.state.position.sqrt_upper
    root = min(max(w.state.pool.sqrt_price, lower), upper)
    return (upper - root) / (root * upper), root - lower


@inner
def stays(w: Path) -> bool:
    """Whether what is placed stays while more is added: shares, which have no range to move."""
    return w.tables.stable.on


@inner
def is_off_centre(w: Path, tick: float) -> bool:
    """Whether a price is so far from the middle of the range that it is to be moved."""
    table, position = w.tables.vault, w.state.position
    if w.tables.stable.on:
        return False
    centre = 0.5 * (position.tick_lower + position.tick_upper)
    return abs(tick - centre) >= table.recenter_threshold * table.range_half_width


@inner
def in_range(w: Path) -> bool:
    """Whether the pool's price lies in the range of the position.

    By the price: of the chain's pool neither tick nor profile are known.
    """
    position = w.state.position
    if w.tables.stable.on:
        return position.liquidity > 0.0
    return position.sqrt_lower <= w.state.pool.sqrt_price < position.sqrt_upper


@inner
def others_reserve(w: Path) -> float:
    """L√P of others at the spot price: raw USDC that doubles √P; NaN: there is no such figure."""
    if w.tables.stable.on:
        return np.nan
    others = active_liquidity(w)
    if in_range(w):
        others -= w.state.position.liquidity
    return others * w.state.pool.sqrt_price


@inner
def place(w: Path, tick: float) -> None:
    """Say that an empty position will be around a tick; nothing without ranges."""
    if w.tables.stable.on:
        return
    spacing, half = w.tables.pool.tick_spacing, w.tables.vault.range_half_width
    centre = np.floor(tick / spacing) * spacing
    _place(w.state.position, centre - half, centre + half)


@inner
def mint(w: Path, base: float, usdc: float) -> tuple[float, float, float]:
    """The most liquidity that raw amounts pay for at the spot price: (it, base due, USDC due).

    None: nothing is done.
    """
    pool, position = w.state.pool, w.state.position
    if w.tables.stable.on:
        return _mint_shares(w, base, usdc)
    liquidity = np.floor(
        liquidity_for_amounts(pool.sqrt_price, position.sqrt_lower, position.sqrt_upper, base, usdc)
    )
    if liquidity <= 0.0:
        return 0.0, 0.0, 0.0
    due_base, due_usdc = _mint(pool, position, liquidity)
    return liquidity, due_base, due_usdc


@inner
def _mint_shares(w: Path, base: float, usdc: float) -> tuple[float, float, float]:
    """In the pool's own proportions, rounded down, by the contract's rule for any amounts."""
    pool, position = w.state.stable, w.state.position
    due_base = min(base, np.floor(usdc * pool.raw[0] / pool.raw[1]))
    due_usdc = min(usdc, np.floor(base * pool.raw[1] / pool.raw[0]))
    made = 0.0
    if due_base > 0.0 and due_usdc > 0.0:
        made = _add_shares(w.tables.stable, pool, (due_base, due_usdc, 0.0, 0.0))
    if made <= 0.0:
        return 0.0, 0.0, 0.0
    pool.own += made
    position.liquidity += made
    _count(pool, 0, pool.raw[0] + due_base)
    _count(pool, 1, pool.raw[1] + due_usdc)
    return made, due_base, due_usdc


@inner
def burn_and_collect(w: Path, liquidity: float) -> tuple[float, float, float, float]:
    """Take from it, and all fees: whole (base, USDC, fees in base, fees in USDC)."""
    if w.tables.stable.on:
        return _stable_burn(w.state.stable, w.state.position, liquidity)
    return _burn(w.state.pool, w.state.position, liquidity)


@inner
def burn_part(w: Path, liquidity: float, part: float) -> tuple[float, float]:
    """Take from it, and ``part`` of the fees: whole (base, USDC) in all."""
    if w.tables.stable.on:
        base, usdc, _, _ = _stable_burn(w.state.stable, w.state.position, liquidity)
        return base, usdc
    return _burn_part(w.state.pool, w.state.position, liquidity, part)
