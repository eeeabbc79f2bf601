"""Inner loops of ``costs.py`` and ``entries.py``: what trades, swaps, entries and exits pay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from simulator.results.buckets import hold_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.types import Booleans, Codes, Floats

# Rows of the attribution's buckets that are filled here; not derived, as in kernels.py.
PERP_FEES, PERP_SPREAD, PERP_PREMIUM, POOL_FEES = 6, 7, 8, 9
hold_rows(perp_fees=PERP_FEES, perp_spread=PERP_SPREAD, perp_premium=PERP_PREMIUM,
          pool_fees=POOL_FEES)  # fmt: skip

# Rows of what an operation can swap: the position (raw L, √P, ticks), whole tokens beside it.
LIQUIDITY, ROOT, LOWER, UPPER, BASE, USDC = range(6)
SWAP_ROWS = 6
_HALF_TICK = 0.5 * np.log(1.0001)


@njit(cache=True, nogil=True)
def book_trades(
    done: Booleans,
    size: Floats,
    size_after: Floats,
    pool: Floats,
    pool_after: Floats,
    price: Floats,
    terms: Floats,
    asset: NDArray[np.int64],
    explicit: Floats,
    book: Floats,
) -> None:
    """Add spread, premium and fees of the perps that an operation traded where it was ``done``.

    ``size [N, M, P]`` of the vault's accounts and premium ``pool [M, P]`` before it, and after;
    ``price [A, P]``; ``terms [2, M]``: half spread and fee of each market, ``asset [M]``. Costs are
    negative, in ``book [buckets, P]`` and ``explicit [P]``, USD.
    """
    for i in range(done.size):
        if not done[i]:
            continue
        spread, premium, fees = 0.0, 0.0, 0.0
        for m in range(asset.size):
            delta = 0.0
            for account in range(size.shape[0]):
                delta += size_after[account, m, i] - size[account, m, i]
            if delta == 0.0:
                continue
            half = delta * price[asset[m], i] * terms[0, m]
            moved = pool_after[m, i] - pool[m, i]
            notional = abs(delta) * price[asset[m], i] + half
            notional += moved if delta > 0.0 else -moved
            spread += abs(half)
            premium += moved
            fees += terms[1, m] * max(notional, 0.0)
        usdc = price[0, i]
        book[PERP_FEES, i] -= fees * usdc
        book[PERP_SPREAD, i] -= spread * usdc
        book[PERP_PREMIUM, i] -= premium * usdc
        explicit[i] -= (fees + spread + premium) * usdc


@njit(cache=True, nogil=True, inline="always")
def _root(tick: float) -> float:
    return np.exp(_HALF_TICK * tick)


@njit(cache=True, nogil=True)
def position_at_spot(row: Floats, i: int) -> tuple[float, float]:
    """Raw base and USDC of the position at the pool's own price, on path ``i``."""
    if row[LIQUIDITY, i] <= 0.0:
        return 0.0, 0.0
    low, high = _root(row[LOWER, i]), _root(row[UPPER, i])
    root = min(max(row[ROOT, i], low), high)
    return row[LIQUIDITY, i] * (1.0 / root - 1.0 / high), row[LIQUIDITY, i] * (root - low)


@njit(cache=True, nogil=True)
def book_swap(
    done: Booleans,
    buys: bool,
    before: Floats,
    after: Floats,
    price: Floats,
    unit: Floats,
    rate: float,
    explicit: Floats,
    book: Floats,
) -> None:
    """Add the pool's fee on what an operation swapped where it was ``done``.

    ``before`` and ``after`` ``[SWAP_ROWS, P]``; ``unit [2]``: raw units of a USDC and of a whole
    base token; ``rate``: the fee, fraction of what goes in. Only an operation that ``buys`` the
    base asset moves USDC by nothing but its swap. USD, negative, as in :func:`book_trades`.
    """
    for i in range(done.size):
        if not done[i]:
            continue
        base, usdc = position_at_spot(before, i)
        base_after, usdc_after = position_at_spot(after, i)
        sold = (base - base_after) / unit[1] + before[BASE, i] - after[BASE, i]
        given = sold * price[1, i]
        if buys and sold < 0.0:
            spent = (usdc - usdc_after) / unit[0] + before[USDC, i] - after[USDC, i]
            given = spent * price[0, i]
        fee = rate * max(given, 0.0)
        book[POOL_FEES, i] -= fee
        explicit[i] -= fee


@njit(cache=True, nogil=True)
def keep_entry_fees(
    status: Codes,
    done_code: int,
    shares: Floats,
    new: Floats,
    brought: Floats,
    fee: float,
    kept: Floats,
    growth: Floats,
) -> None:
    """What deposits of ``brought`` USD leave to others, USD ``kept`` and ``growth`` (entries.py).

    ``shares``: the supply after it, of which ``new`` are theirs. All ``[P]``.
    """
    for i in range(status.size):
        others = shares[i] - new[i]
        if status[i] == done_code and others > 0.0:
            part = new[i] / others
            kept[i] += fee * brought[i]
            growth[i] *= (1.0 + part / (1.0 - fee)) / (1.0 + part)


@njit(cache=True, nogil=True)
def keep_exit_fees(
    status: Codes,
    done_code: int,
    shares: Floats,
    burnt: Floats,
    paid: Floats,
    fee: float,
    kept: Floats,
    growth: Floats,
) -> None:
    """As :func:`keep_entry_fees` of redemptions of ``burnt`` shares that were ``paid`` USD."""
    for i in range(status.size):
        if status[i] == done_code and shares[i] > 0.0:
            part = burnt[i] / (shares[i] + burnt[i])
            kept[i] += paid[i] * fee / (1.0 - fee)
            growth[i] *= (1.0 - part * (1.0 - fee)) / (1.0 - part)
