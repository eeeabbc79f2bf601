"""Inner loops of the observers: one pass over the paths instead of dozens of array operations.

Each path is computed alone and in a fixed order, so its figures do not depend on how many paths
stand beside it. ``kernel.py_func`` is the plain twin that tests hold the compiled one against.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from numba import njit

from simulator.results.buckets import hold_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from simulator.types import Booleans, Codes, Floats

# Rows of a reading of the vault's holdings; two for each collateral other than USDC follow: all
# quantities, then all prices. SETTLED = Σ(cash − cost), MARKED = Σ s·index,
# OWED = Σ s·(F − F_entry) and LOST = Σ |s|·(ℓ_side − ℓ_entry) are USDC over the vault's accounts;
# BORROWED is USD: less what is owed in other assets on Aave.
PRICE_U, PRICE_X, IDLE_U, IDLE_X, LP_U, LP_X, FEES_U, FEES_X = range(8)
SETTLED, MARKED, OWED, LOST, BORROWED = 8, 9, 10, 11, 12
ROWS = 13

# Rows of the attribution's buckets (buckets.py) as far as they are filled here; not derived, for a
# compiled kernel that Numba has cached would not see it change.
LP_DELTA, LP_CONVEXITY, LP_FEES, HEDGE_TARGET, HEDGE_DRIFT, FUNDING = range(6)
POOL_IMPACT, REVALUATION, LOSS_SHARING = 10, 11, 12
hold_rows(lp_delta=LP_DELTA, lp_convexity=LP_CONVEXITY, lp_fees=LP_FEES, funding=FUNDING,
          hedge_target=HEDGE_TARGET, hedge_drift=HEDGE_DRIFT, pool_impact=POOL_IMPACT,
          collateral_revaluation=REVALUATION, loss_sharing=LOSS_SHARING)  # fmt: skip


@njit(cache=True, nogil=True)
def read_perps(
    row: Floats,
    cash: Floats,
    size: Floats,
    cost: Floats,
    entry: Floats,
    loss_entry: Floats,
    funding_index: Floats,
    loss_long: Floats,
    loss_short: Floats,
    price: Floats,
    asset: NDArray[np.int64],
) -> None:
    """Fill SETTLED … LOST of a reading from the vault's accounts; nothing is BORROWED there.

    ``cash [N, P]``; ``size`` … ``loss_entry`` ``[N, M, P]``; ``funding_index`` … ``loss_short``
    ``[M, P]``; ``price [A, P]`` with ``asset [M]`` the asset of each market. Account 0 holds every
    market, account m + 1 market m alone. Positions count at the index (contracts/SPEC.md §3.4).
    """
    markets = asset.size
    for i in range(row.shape[1]):
        settled, marked, owed, lost = 0.0, 0.0, 0.0, 0.0
        for account in range(markets + 1):
            settled += cash[account, i]
            for m in range(markets):
                held = size[account, m, i]
                if held == 0.0 or (account > 0 and m != account - 1):
                    continue
                settled -= cost[account, m, i]
                marked += held * price[asset[m], i]
                owed += held * (funding_index[m, i] - entry[account, m, i])
                share = loss_long[m, i] if held > 0.0 else loss_short[m, i]
                lost += abs(held) * (share - loss_entry[account, m, i])
        row[SETTLED, i], row[MARKED, i] = settled, marked
        row[OWED, i], row[LOST, i] = owed, lost
        row[BORROWED, i] = 0.0


@njit(cache=True, nogil=True, inline="always")
def _dollars(row: Floats, i: int) -> float:
    free = row[IDLE_U, i] + row[LP_U, i] + row[FEES_U, i]
    return free + row[SETTLED, i] + row[MARKED, i] - row[OWED, i] - row[LOST, i]


@njit(cache=True, nogil=True, inline="always")
def _held(row: Floats, i: int) -> float:
    return row[IDLE_X, i] + row[LP_X, i] + row[FEES_X, i]


@njit(cache=True, nogil=True)
def value(row: Floats, i: int) -> float:
    """NAV in USD of a reading ``[rows, P]`` on path ``i``."""
    extra = (row.shape[0] - ROWS) // 2
    total = _dollars(row, i) * row[PRICE_U, i]
    total += _held(row, i) * row[PRICE_X, i] + row[BORROWED, i]
    for c in range(extra):
        total += row[ROWS + c, i] * row[ROWS + extra + c, i]
    return total


@njit(cache=True, nogil=True)
def values(row: Floats, out: Floats) -> None:
    """NAV in USD of a reading ``[rows, P]``, into ``out`` ``[P]``."""
    for i in range(out.size):
        out[i] = value(row, i)


@njit(cache=True, nogil=True)
def explain_gap(before: Floats, after: Floats, i: int, book: Floats) -> None:
    """Add to ``book [buckets, P]`` what explains one reading after another on path ``i``.

    All that prices do to the hedge counts as off target until :func:`follow_target`.
    """
    extra = (before.shape[0] - ROWS) // 2
    price_u, price_x = after[PRICE_U, i], after[PRICE_X, i]
    move_u, move_x = price_u - before[PRICE_U, i], price_x - before[PRICE_X, i]
    book[LP_DELTA, i] += _held(before, i) * move_x
    gained_u, gained_x = after[LP_U, i] - before[LP_U, i], after[LP_X, i] - before[LP_X, i]
    book[LP_CONVEXITY, i] += gained_x * price_x + gained_u * price_u
    fees_u, fees_x = after[FEES_U, i] - before[FEES_U, i], after[FEES_X, i] - before[FEES_X, i]
    book[LP_FEES, i] += fees_x * price_x + fees_u * price_u
    book[HEDGE_DRIFT, i] += (after[MARKED, i] - before[MARKED, i]) * price_u
    book[HEDGE_DRIFT, i] += after[BORROWED, i] - before[BORROWED, i]
    book[FUNDING, i] -= (after[OWED, i] - before[OWED, i]) * price_u
    book[LOSS_SHARING, i] -= (after[LOST, i] - before[LOST, i]) * price_u
    revaluation = _dollars(before, i) * move_u
    for c in range(extra):
        now, then = after[ROWS + extra + c, i], before[ROWS + extra + c, i]
        revaluation += before[ROWS + c, i] * (now - then)
    book[REVALUATION, i] += revaluation


@njit(cache=True, nogil=True)
def follow_target(
    last: Floats,
    betas: Floats,
    then: Floats,
    now: Floats,
    asset: NDArray[np.int64],
    book: Floats,
) -> None:
    """Move from off target to on target what a hedge of ``betas`` gains as prices move.

    ``last``: the reading before they did, ``betas [M, P]`` posted then, ``then`` and ``now [A, P]``
    the prices before and after, ``asset [M]`` that of each market. A market of β dollars short per
    dollar of the base asset gains −β times its return on them.
    """
    for i in range(last.shape[1]):
        moved = 0.0
        for m in range(asset.size):
            before = then[asset[m], i]
            moved += betas[m, i] * (now[asset[m], i] - before) / before
        gained = -_held(last, i) * last[PRICE_X, i] * moved
        book[HEDGE_TARGET, i] += gained
        book[HEDGE_DRIFT, i] -= gained


@njit(cache=True, nogil=True)
def settle(
    last: Floats,
    now: Floats,
    chosen: Booleans,
    operating: Booleans,
    explicit: Floats,
    book: Floats,
) -> None:
    """Explain the change since the ``last`` reading on the ``chosen`` paths; ``now`` follows it.

    Where the vault was ``operating``, what ``explicit`` (USD already in a bucket) does not explain
    is what the pools' prices cost, and the run of operations ends; elsewhere the change is a gap. A
    path is settled only when something happens on it: its sums do not depend on those beside it.
    """
    for i in range(chosen.size):
        if not chosen[i]:
            continue
        if operating[i]:
            book[POOL_IMPACT, i] += value(now, i) - value(last, i) - explicit[i]
            explicit[i] = 0.0
            operating[i] = False
        else:
            explain_gap(last, now, i, book)
        for row in range(last.shape[0]):
            last[row, i] = now[row, i]


@njit(cache=True, nogil=True)
def end_run(
    last: Floats,
    now: Floats,
    chosen: Booleans,
    operating: Booleans,
    explicit: Floats,
    bucket: int,
    book: Floats,
) -> None:
    """Put what ``explicit`` does not explain since the ``last`` reading into one ``bucket``."""
    for i in range(chosen.size):
        if not chosen[i]:
            continue
        book[bucket, i] += value(now, i) - value(last, i) - explicit[i]
        explicit[i] = 0.0
        operating[i] = False
        for row in range(last.shape[0]):
            last[row, i] = now[row, i]


@njit(cache=True, nogil=True)
def count_fill(
    status: Codes, units: float, gas: Floats, refused: NDArray[np.int64], done_code: int
) -> int:
    """Charge ``units`` of gas and count the refusal on every path where an action was tried.

    ``gas [P]``, ``refused [statuses, P]``; returns on how many paths it was done.
    """
    done = 0
    for i in range(status.size):
        code = status[i]
        if code != 0:
            gas[i] += units
            if code == done_code:
                done += 1
            else:
                refused[code, i] += 1
    return done


@njit(cache=True, nogil=True)
def add_turnover(
    before: Floats, after: Floats, price: Floats, asset: NDArray[np.int64], turnover: Floats
) -> None:
    """Add |Δsize| · price over accounts and markets ``[accounts, M, P]`` to ``turnover [P]``."""
    for account in range(before.shape[0]):
        for m in range(before.shape[1]):
            for i in range(turnover.size):
                change = abs(after[account, m, i] - before[account, m, i])
                turnover[i] += change * price[asset[m], i]
