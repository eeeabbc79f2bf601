"""A StableSwap pool as the model's pools are: two coins, a price and a limit on it.

The interface's √P is here a coordinate alone, of the marginal price of the first two coins; there
are no ticks, and a position is shares of the whole, in which fees stay. An exchange rounds as the
contract does (contracts/SPEC.md §9). The contract has neither a limit on the price nor exact
output: whoever wants them finds the amount first, which is what :func:`quote` does, in whole raw
units; exact output pays what was asked, and the rest of what the last unit fetched stays.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Record
from simulator.model.pools.stableswap.invariant import (
    FEE_ONE,
    Balances,
    changed,
    fee_rate,
    invariant,
    marginal_price,
    product_term,
    sold_for,
)

_HALVINGS = 120  # more than float64 has steps between two numbers worth trying


class Swapped(NamedTuple):
    """What an exchange moves, raw, and the price it leaves."""

    sqrt_price: float
    amount_in: float
    amount_out: float


@inner
def scaled(pool: Record) -> Balances:
    """Balances in one unit, 10⁻¹⁸."""
    return (
        pool.raw[0] * pool.rate[0],
        pool.raw[1] * pool.rate[1],
        pool.raw[2] * pool.rate[2],
        pool.raw[3] * pool.rate[3],
    )


@inner
def exchanged(table: Record, pool: Record, coin_in: int, coin_out: int, amount: float) -> float:
    """What the contract's ``exchange`` pays for a whole raw ``amount``; whole."""
    x = scaled(pool)
    n, ann = int(pool.coins), pool.ann
    p = product_term(x, n, invariant(x, n, ann))
    put = amount * table.rate[coin_in]
    gross = sold_for(x[coin_in], x[coin_out], p, ann, put) - 1.0
    if gross <= 0.0:
        return 0.0
    out = np.floor(gross / table.rate[coin_out])
    at = fee_rate(2.0 * x[coin_in] + put, 2.0 * x[coin_out] - gross, table.fee, table.off_peg)
    return out - np.floor(out * at / FEE_ONE)


@inner
def _root_after(pool: Record, down: bool, amount_in: float, amount_out: float) -> float:
    """√P once an exchange has been counted; never behind where it began."""
    coin_in, coin_out = (0, 1) if down else (1, 0)
    x = scaled(pool)
    x = changed(x, coin_in, (pool.raw[coin_in] + amount_in) * pool.rate[coin_in])
    x = changed(x, coin_out, (pool.raw[coin_out] - amount_out) * pool.rate[coin_out])
    price = marginal_price(x, int(pool.coins), pool.ann, 0, 1)
    root = np.sqrt(price * pool.rate[0] / pool.rate[1])
    return min(root, pool.sqrt_price) if down else max(root, pool.sqrt_price)


@inner
def _beyond(table: Record, pool: Record, down: bool, limit: float, amount: float) -> bool:
    """Whether to sell ``amount`` would pass the limit."""
    out = exchanged(table, pool, 0 if down else 1, 1 if down else 0, amount)
    root = _root_after(pool, down, amount, out)
    return root < limit if down else root > limit


@inner
def _short(table: Record, pool: Record, down: bool, wanted: float, amount: float) -> bool:
    """Whether ``amount`` fetches less than is wanted."""
    return exchanged(table, pool, 0 if down else 1, 1 if down else 0, amount) < wanted


@inner
def _most_within(table: Record, pool: Record, down: bool, limit: float, most: float) -> float:
    """The most whole raw units, of ``most``, whose sale stops at the limit."""
    low, high = 0.0, most
    for _ in range(_HALVINGS):
        middle = np.floor(0.5 * (low + high))
        if middle <= low or middle >= high:
            break
        if _beyond(table, pool, down, limit, middle):
            high = middle
        else:
            low = middle
    return low


@inner
def _least_for(table: Record, pool: Record, down: bool, wanted: float, most: float) -> float:
    """The fewest whole raw units, of ``most``, that fetch what is wanted."""
    low, high = 0.0, most
    for _ in range(_HALVINGS):
        middle = np.floor(0.5 * (low + high))
        if middle <= low or middle >= high:
            break
        if _short(table, pool, down, wanted, middle):
            low = middle
        else:
            high = middle
    return high


@inner
def active_liquidity(pool: Record, position: Record) -> float:
    """Shares there are: all of a pool trades at every price."""
    return pool.others + position.liquidity


@inner
def limit_passed(sqrt_price: float, zero_for_one: bool, sqrt_limit: float) -> bool:
    """Whether there is no way to go to the limit."""
    if zero_for_one:
        return not 0.0 < sqrt_limit < sqrt_price
    return not sqrt_price < sqrt_limit < np.inf


@inner
def quote(
    table: Record,
    pool: Record,
    position: Record,
    zero_for_one: bool,
    amount_specified: float,
    sqrt_limit: float,
) -> Swapped:
    """What an exchange would do that stops at the limit, as near as whole units come to it."""
    coin_in, coin_out = (0, 1) if zero_for_one else (1, 0)
    most, wanted = amount_specified, np.inf
    if amount_specified < 0.0:
        wanted, most = -amount_specified, max(pool.raw[coin_in], 1.0)
        while not _beyond(table, pool, zero_for_one, sqrt_limit, most) and _short(
            table, pool, zero_for_one, wanted, most
        ):
            most *= 2.0
        if not _short(table, pool, zero_for_one, wanted, most):
            most = _least_for(table, pool, zero_for_one, wanted, most)
    if _beyond(table, pool, zero_for_one, sqrt_limit, most):
        most = _most_within(table, pool, zero_for_one, sqrt_limit, most)
        out = exchanged(table, pool, coin_in, coin_out, most) if most > 0.0 else 0.0
        return Swapped(sqrt_limit, most, min(out, wanted))
    out = min(exchanged(table, pool, coin_in, coin_out, most), wanted)
    return Swapped(_root_after(pool, zero_for_one, most, out), most, out)


@inner
def settle(pool: Record, position: Record, zero_for_one: bool, swapped: Swapped) -> None:
    """Write what :func:`quote` found; all of the fee stays with the shares."""
    coin_in, coin_out = (0, 1) if zero_for_one else (1, 0)
    count(pool, coin_in, pool.raw[coin_in] + swapped.amount_in)
    count(pool, coin_out, pool.raw[coin_out] - swapped.amount_out)
    pool.sqrt_price = swapped.sqrt_price


@inner
def place(position: Record, tick_lower: float, tick_upper: float) -> None:
    """Nothing: a share is of the whole curve."""


@inner
def mint(pool: Record, position: Record, liquidity: float) -> tuple[float, float]:
    """Shares for their part of both coins, which are due rounded up; the price stays."""
    part = liquidity / (pool.others + pool.own)
    due0, due1 = np.ceil(pool.raw[0] * part), np.ceil(pool.raw[1] * part)
    pool.own += liquidity
    position.liquidity += liquidity
    count(pool, 0, pool.raw[0] + due0)
    count(pool, 1, pool.raw[1] + due1)
    return due0, due1


@inner
def burn_and_collect(
    pool: Record, position: Record, liquidity: float
) -> tuple[float, float, float, float]:
    """Shares for their part of both coins, rounded down; there are no fees apart."""
    part = liquidity / (pool.others + pool.own)
    paid0, paid1 = np.floor(pool.raw[0] * part), np.floor(pool.raw[1] * part)
    pool.own -= liquidity
    position.liquidity -= liquidity
    count(pool, 0, pool.raw[0] - paid0)
    count(pool, 1, pool.raw[1] - paid1)
    return paid0, paid1, 0.0, 0.0


@inner
def burn_part(pool: Record, position: Record, liquidity: float, part: float) -> tuple[float, float]:
    """The same: ``part`` is of fees, which there are none of."""
    paid0, paid1, _, _ = burn_and_collect(pool, position, liquidity)
    return paid0, paid1


@inner
def count(pool: Record, coin: int, raw: float) -> None:
    """A new balance, and what of it is one share's; whole where float64 has whole numbers."""
    shares = pool.others + pool.own
    pool.part[coin] = raw / shares
    pool.raw[coin] = np.rint(pool.part[coin] * shares)


@inner
def set_depth(table: Record, pool: Record, depth: float) -> None:
    """Others have ``depth`` times their shares: as added or removed in all coins, without fee."""
    if depth == pool.depth:
        return
    pool.depth = depth
    pool.others = np.floor(pool.opened * depth)
    for coin in range(int(pool.coins)):
        pool.raw[coin] = np.rint(pool.part[coin] * (pool.others + pool.own))


@inner
def stand(table: Record, pool: Record, raw0: float, raw1: float, shares: float) -> None:
    """Become a pool of two coins that holds this, all of it others'."""
    pool.coins, pool.ann = table.coins, table.ann
    pool.others, pool.own = shares, 0.0
    for coin in range(table.coins):
        pool.rate[coin] = table.rate[coin]
    count(pool, 0, raw0)
    count(pool, 1, raw1)
    root = np.sqrt(marginal_price(scaled(pool), int(pool.coins), pool.ann, 0, 1))
    pool.sqrt_price = root * np.sqrt(pool.rate[0] / pool.rate[1])


@inner
def initialise(table: Record, pool: Record, depth: float) -> None:
    """Open with what the table says, all of it others'."""
    pool.coins, pool.ann, pool.own = table.coins, table.ann, 0.0
    for coin in range(table.coins):
        pool.raw[coin] = table.opening[coin]
        pool.rate[coin] = table.rate[coin]
    x = scaled(pool)
    pool.opened = np.floor(invariant(x, table.coins, table.ann))
    pool.others, pool.depth = pool.opened, 1.0
    for coin in range(table.coins):
        count(pool, coin, table.opening[coin])
    root = np.sqrt(marginal_price(x, int(pool.coins), pool.ann, 0, 1))
    pool.sqrt_price = root * np.sqrt(pool.rate[0] / pool.rate[1])
    set_depth(table, pool, depth)
