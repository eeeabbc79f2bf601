"""Liquidity of any coins: what the contract gives for amounts, and pays in one coin, SPEC §9.

Beyond the model's interface, which adds and takes in the pool's own proportions.
"""

from __future__ import annotations

import numpy as np

from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Record
from simulator.model.pools.stableswap.invariant import (
    FEE_ONE,
    Balances,
    balance_of,
    changed,
    fee_rate,
    invariant,
)
from simulator.model.pools.stableswap.pool import count, scaled

_MARGIN = 2.0


@inner
def _imbalance_fee(table: Record, doubled: float, mean: float, gap: float) -> float:
    """On what a coin is away from its part: ``doubled`` its balance, ``mean`` of all coins."""
    n = float(table.coins)
    if table.fee == 0.0 or gap <= 0.0:
        return 0.0
    base = np.ceil(table.fee * n / (4.0 * (n - 1.0)))
    return gap * fee_rate(doubled, mean, base, table.off_peg) / FEE_ONE


@inner
def shares_for(table: Record, pool: Record, raw: Balances) -> float:
    """Shares that raw amounts are given, whole; 0 where they are worth none."""
    n, ann = int(pool.coins), pool.ann
    before = scaled(pool)
    after = (
        before[0] + raw[0] * pool.rate[0],
        before[1] + raw[1] * pool.rate[1],
        before[2] + raw[2] * pool.rate[2],
        before[3] + raw[3] * pool.rate[3],
    )
    d0, d1 = invariant(before, n, ann), invariant(after, n, ann)
    left = after
    for k in range(n):
        gap = abs(before[k] * (d1 / d0) - after[k])
        fee = _imbalance_fee(table, before[k] + after[k], (d0 + d1) / n, gap)
        left = changed(left, k, after[k] - fee)
    gained = max(invariant(left, n, ann) - d0 - _MARGIN, 0.0)
    return np.floor((pool.others + pool.own) * gained / (d0 + _MARGIN))


@inner
def add(table: Record, pool: Record, raw: Balances) -> float:
    """Add raw amounts for shares of others' own; the shares."""
    shares = shares_for(table, pool, raw)
    if shares > 0.0:
        pool.others += shares
        for k in range(int(pool.coins)):
            count(pool, k, pool.raw[k] + raw[k])
    return shares


@inner
def remove(pool: Record, shares: float) -> Balances:
    """Others' shares for their part of every coin; raw, whole."""
    part = shares / (pool.others + pool.own)
    paid = (0.0, 0.0, 0.0, 0.0)
    pool.others -= shares
    for k in range(int(pool.coins)):
        paid = changed(paid, k, np.floor(pool.raw[k] * part))
        count(pool, k, pool.raw[k] - paid[k])
    return paid


@inner
def one_coin_for(table: Record, pool: Record, shares: float, coin: int) -> float:
    """What shares are paid in one coin alone; raw, whole."""
    n, ann = int(pool.coins), pool.ann
    x = scaled(pool)
    d0 = invariant(x, n, ann)
    d = d0 * (1.0 - shares / (pool.others + pool.own)) + _MARGIN
    y = balance_of(x, n, ann, coin, d)
    left = x
    for k in range(n):
        due = x[k] * (d / d0)
        gap, doubled = (due - y, x[k] + y) if k == coin else (x[k] - due, 2.0 * x[k])
        left = changed(left, k, x[k] - _imbalance_fee(table, doubled, (d0 + d) / n, gap))
    paid = left[coin] - balance_of(left, n, ann, coin, d) - 1.0
    return np.floor(max(paid, 0.0) / pool.rate[coin])


@inner
def remove_one_coin(table: Record, pool: Record, shares: float, coin: int) -> float:
    """Others' shares for one coin; raw, whole."""
    paid = one_coin_for(table, pool, shares, coin)
    if paid > 0.0:
        pool.others -= shares
        count(pool, coin, pool.raw[coin] - paid)
    return paid
