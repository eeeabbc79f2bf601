"""What stands behind a market: the maker's value, its reserve, and who bears what it lacks.

contracts/SPEC.md §3.2 and §3.6.
"""

from __future__ import annotations

from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.types import SECONDS_PER_DAY

_DAY = float(SECONDS_PER_DAY)
# USDC; less is what float64 leaves of a value that is nothing.
_NOTHING = 1e-6


@inner
def open_interest(w: Path, market: int, side: float) -> float:
    """Σ of the long (``side`` 1) or short (-1) sizes, as a positive number."""
    clearing = w.state.clearing
    total = 0.0
    for account in range(w.tables.count.accounts):
        total += max(side * clearing.size[account, market], 0.0)
    return total


@inner
def accrued(w: Path, market: int) -> tuple[float, float]:
    """Funding rate (per day) and index (USD per unit of size) up to now (SIP-279)."""
    table, clearing, oracle = w.tables.clearing, w.state.clearing, w.now
    rate, index = clearing.funding_rate[market], clearing.funding_index[market]
    seconds = oracle.clock - clearing.funding_time[market]
    if seconds <= 0.0:
        return rate, index
    days = seconds / _DAY
    skew = clearing.skew[market] / clearing.skew_scale[market]
    skew = min(max(skew, -1.0), 1.0)
    new_rate = rate + table.max_funding_velocity[market] * skew * days
    price = oracle.price[table.asset[market]]
    return new_rate, index + 0.5 * (rate + new_rate) * price * days


@inner
def maker_value(w: Path, market: int) -> float:
    """USDC the maker would hold were every position closed at the index, funding up to now."""
    table, clearing, oracle = w.tables.clearing, w.state.clearing, w.now
    skew = clearing.skew[market]
    value = clearing.maker_cash[market] + clearing.basis[market]
    if skew != 0.0:
        _, index = accrued(w, market)
        value += skew * (index - oracle.price[table.asset[market]])
    long_loss, short_loss = clearing.loss_long[market], clearing.loss_short[market]
    if long_loss > 0.0 or short_loss > 0.0:
        longs = open_interest(w, market, 1.0)
        value += longs * long_loss + (longs - skew) * short_loss
    return value


@inner
def reserve_met(w: Path, market: int) -> bool:
    """Whether the maker can pay for a move by the maintenance rate were only one side left."""
    table, clearing, oracle = w.tables.clearing, w.state.clearing, w.now
    longs = open_interest(w, market, 1.0)
    side = max(longs, longs - clearing.skew[market])
    reserve = side * oracle.price[table.asset[market]] * table.maintenance_rate[market]
    return maker_value(w, market) >= reserve


@inner
def unpaid(w: Path, market: int, long: bool) -> float:
    """USDC that :func:`cover` would now add to the loss per unit of size of a side."""
    clearing = w.state.clearing
    skew = clearing.skew[market]
    if skew == 0.0 or (skew > 0.0) != long:
        return 0.0
    missing = -maker_value(w, market)
    if missing <= _NOTHING:
        return 0.0
    return missing / open_interest(w, market, 1.0 if long else -1.0)


@inner
def cover(w: Path, market: int) -> None:
    """Before the maker pays anything: the side that wins against it bears what it lacks."""
    clearing = w.state.clearing
    if clearing.skew[market] > 0.0:
        clearing.loss_long[market] += unpaid(w, market, True)
    elif clearing.skew[market] < 0.0:
        clearing.loss_short[market] += unpaid(w, market, False)
