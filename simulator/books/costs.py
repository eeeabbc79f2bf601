"""What one operation of the vault pays for trading: where, and for what.

All of it is told from the path before and after the operation, and counts at the oracle's prices,
as NAV does. With δ what an operation trades in a market of index I, half spread h and fee f, Q the
market's premium pool (contracts/SPEC.md §3.3)::

    perp spread   |δ| · I · h
    perp premium  ΔQ, what moving the skew costs; negative: the vault took skew back and is paid
    perp fees     f · |δ| · fill,  |δ| · fill = |δ| · I · (1 ± h) ± ΔQ      (none in a liquidation)
    pool fees     φ · what others got of the token that went in

A pool's φ is its fee tier. What others got is the change of all the vault holds of the token, its
own position counted at the pool's price: what it trades with itself costs nothing. For a leg on
Aave it is φ times what was traded. The rest of what an operation costs is the pools' price impact.
"""

from __future__ import annotations

import numpy as np

from simulator.books.buckets import BUCKETS
from simulator.books.operations import (
    DELEVERAGE,
    LIQUIDATE,
    REBALANCE,
    RECENTER,
    REDEEM,
    SETTLE_WITHDRAWALS,
)
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Layout, Path, each
from simulator.model.pools.held import fee
from simulator.model.vault.at_index import position_at
from simulator.model.venues.aave.lending import size_of, supplied
from simulator.model.venues.perps.portfolio import BASE_ASSET, USDC_ASSET

PERP_FEES, PERP_SPREAD = BUCKETS.index("perp_fees"), BUCKETS.index("perp_spread")
PERP_PREMIUM, POOL_FEES = BUCKETS.index("perp_premium"), BUCKETS.index("pool_fees")

#: Operations that trade the hedge, and those that swap in the pool.
_HEDGES = (REBALANCE, DELEVERAGE, REDEEM, SETTLE_WITHDRAWALS, LIQUIDATE)
_SWAPS = (RECENTER, DELEVERAGE, REDEEM, SETTLE_WITHDRAWALS)
_PPM = 1e-6
_ROUNDING = 1e-9  # of a size; less is no trade

#: What the vault held before an operation.
LAYOUT: Layout = (
    *each("subs markets", ("size", "base units", "of its accounts at the clearing house")),
    *each(
        "markets",
        ("premium_pool", "USDC", "of the market"),
        ("skew", "base units", "of the market"),
    ),
    *each("legs", ("debt", "base units", "on Aave")),
    *each(
        "",
        ("liquidity", "raw L", "of the position"),
        ("lp_base", "raw", "in the position at the pool's own price"),
        ("lp_usdc", "raw", "in the position at the pool's own price"),
        ("base", "base units", "beside the position, its fees included"),
        ("usdc", "USDC", "beside the position, in margin accounts too; noted where it buys"),
    ),
)


@inner
def _base(w: Path) -> float:
    """Base units beside the position."""
    unit = w.tables.vault.base_unit
    return w.state.vault.idle_base / unit + np.floor(w.state.position.fees0) / unit


@inner
def _usdc(w: Path) -> float:
    """USDC beside the position; that in margin accounts comes and goes with the rest."""
    unit = w.tables.vault.usdc_unit
    total = w.state.vault.idle_usdc / unit + np.floor(w.state.position.fees1) / unit
    for account in range(1 + w.tables.count.markets):
        total += w.state.clearing.cash[account]
    if w.tables.count.legs > 0:
        total += supplied(w) / w.tables.aave.unit[0]
    return total


@inner
def note(w: Path) -> None:
    """Note what there is before an operation of the vault."""
    before, kind, clearing = w.book.costs, w.order.kind, w.state.clearing
    if kind not in _HEDGES and kind not in _SWAPS:
        return
    for m in range(w.tables.count.markets):
        before.premium_pool[m] = clearing.premium_pool[m]
        before.skew[m] = clearing.skew[m]
        for account in range(1 + w.tables.count.markets):
            before.size[account, m] = clearing.size[account, m]
    for leg in range(w.tables.count.legs):
        before.debt[leg] = -size_of(w, leg)
    if kind in _SWAPS:
        before.liquidity = w.state.position.liquidity
        before.lp_base, before.lp_usdc = position_at(w, w.state.pool.sqrt_price)
        before.base = _base(w)
        before.usdc = _usdc(w) if kind == RECENTER else 0.0


@inner
def pay(w: Path, bucket: int, usd: float) -> None:
    """Book a cost of ``usd`` > 0."""
    w.book.attribution.buckets[bucket] -= usd
    w.book.attribution.explicit -= usd


@inner
def book(w: Path, insolvent: bool) -> float:
    """Book what the operation paid; it was done.

    ``insolvent``: somebody was. Returns what it closed against such accounts, USD.
    """
    before, kind = w.book.costs, w.order.kind
    closed = 0.0
    if kind in _HEDGES:
        closed = _book_trades(w, insolvent)
    if kind in _HEDGES or kind in _SWAPS:
        _book_leg_fees(w)
    # Whatever swaps has moved the position, too.
    if kind in _SWAPS and before.liquidity != w.state.position.liquidity:
        _book_swap(w)
    return closed


@inner
def _book_trades(w: Path, insolvent: bool) -> float:
    """Spread, premium and fees of the perps that it traded; what the maker did not take, USD.

    What goes against other accounts leaves the market's skew as it was, and costs none of them.
    """
    before, clearing, table = w.book.costs, w.state.clearing, w.tables.clearing
    spread = premium = fees = closed = 0.0
    for m in range(w.tables.count.markets):
        delta = 0.0
        for account in range(1 + w.tables.count.markets):
            delta += clearing.size[account, m] - before.size[account, m]
        if delta == 0.0:
            continue
        index = w.now.price[table.asset[m]]
        if insolvent:
            taken = clearing.skew[m] - before.skew[m]
            if abs(delta - taken) > _ROUNDING * abs(delta):
                closed += abs(delta - taken) * index
                delta = taken
        half = delta * index * table.half_spread[m]
        moved = clearing.premium_pool[m] - before.premium_pool[m]
        notional = abs(delta) * index + half
        notional += moved if delta > 0.0 else -moved
        spread += abs(half)
        premium += moved
        if w.order.kind != LIQUIDATE:
            fees += table.taker_fee[m] * max(notional, 0.0)
    usdc, book = w.now.price[USDC_ASSET], w.book.attribution
    book.buckets[PERP_FEES] -= fees * usdc
    book.buckets[PERP_SPREAD] -= spread * usdc
    book.buckets[PERP_PREMIUM] -= premium * usdc
    book.explicit -= (fees + spread + premium) * usdc
    return closed


@inner
def _book_leg_fees(w: Path) -> None:
    """Fees of the pools of Aave's legs."""
    table = w.tables.aave
    for leg in range(w.tables.count.legs):
        traded = abs(-size_of(w, leg) - w.book.costs.debt[leg])
        traded *= w.now.price[table.asset[leg + 1]]
        pay(w, POOL_FEES, _PPM * table.pools[leg].fee_ppm * traded)


@inner
def _book_swap(w: Path) -> None:
    """The pool's fee on what it swapped.

    Only a recentring buys the base asset, and so moves USDC by nothing but its swap and the pay of
    the keeper.
    """
    before, table = w.book.costs, w.tables.vault
    lp_base, lp_usdc = position_at(w, w.state.pool.sqrt_price)
    sold = (before.lp_base - lp_base) / table.base_unit + before.base - _base(w)
    given = sold * w.now.price[BASE_ASSET]
    if w.order.kind == RECENTER and sold < 0.0:
        left = _usdc(w) + w.order.amount_out
        spent = (before.lp_usdc - lp_usdc) / table.usdc_unit + before.usdc - left
        given = spent * w.now.price[USDC_ASSET]
    pay(w, POOL_FEES, fee(w) * max(given, 0.0))
