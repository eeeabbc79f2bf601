"""What stands behind a market: the maker's value, its reserve, and who bears what it lacks.

contracts/SPEC.md §3.2 and §3.6.
"""

from __future__ import annotations

from simulator.types import SECONDS_PER_DAY
from simulator.world.model.jit import inner
from simulator.world.model.parameters import ClearingTable
from simulator.world.model.state import ClearingState, Oracle

_DAY = float(SECONDS_PER_DAY)
# USDC; less is what float64 leaves of a value that is nothing.
_NOTHING = 1e-6


@inner
def open_interest(clearing: ClearingState, market: int, side: float, i: int) -> float:
    """Σ of the long (``side`` 1) or short (-1) sizes, as a positive number."""
    total = 0.0
    for account in range(clearing.size.shape[0]):
        total += max(side * clearing.size[account, market, i], 0.0)
    return total


@inner
def accrued(
    table: ClearingTable, clearing: ClearingState, oracle: Oracle, market: int, i: int
) -> tuple[float, float]:
    """Funding rate (per day) and index (USD per unit of size) up to now (SIP-279)."""
    rate, index = clearing.funding_rate[market, i], clearing.funding_index[market, i]
    seconds = oracle.clock[0] - clearing.funding_time[market, i]
    if seconds <= 0.0:
        return rate, index
    days = seconds / _DAY
    skew = clearing.skew[market, i] / clearing.skew_scale[market, i]
    skew = min(max(skew, -1.0), 1.0)
    new_rate = rate + table.max_funding_velocity[market] * skew * days
    price = oracle.price[table.asset[market], i]
    return new_rate, index + 0.5 * (rate + new_rate) * price * days


@inner
def maker_value(
    table: ClearingTable, clearing: ClearingState, oracle: Oracle, market: int, i: int
) -> float:
    """USDC the maker would hold were every position closed at the index, funding up to now."""
    skew = clearing.skew[market, i]
    value = clearing.maker_cash[market, i] + clearing.basis[market, i]
    if skew != 0.0:
        _, index = accrued(table, clearing, oracle, market, i)
        value += skew * (index - oracle.price[table.asset[market], i])
    long_loss, short_loss = clearing.loss_long[market, i], clearing.loss_short[market, i]
    if long_loss > 0.0 or short_loss > 0.0:
        longs = open_interest(clearing, market, 1.0, i)
        value += longs * long_loss + (longs - skew) * short_loss
    return value


@inner
def reserve_met(
    table: ClearingTable, clearing: ClearingState, oracle: Oracle, market: int, i: int
) -> bool:
    """Whether the maker can pay for a move by the maintenance rate were only one side left."""
    longs = open_interest(clearing, market, 1.0, i)
    side = max(longs, longs - clearing.skew[market, i])
    reserve = side * oracle.price[table.asset[market], i] * table.maintenance_rate[market]
    return maker_value(table, clearing, oracle, market, i) >= reserve


@inner
def unpaid(
    table: ClearingTable, clearing: ClearingState, oracle: Oracle, market: int, long: bool, i: int
) -> float:
    """USDC that :func:`cover` would now add to the loss per unit of size of a side."""
    skew = clearing.skew[market, i]
    if skew == 0.0 or (skew > 0.0) != long:
        return 0.0
    missing = -maker_value(table, clearing, oracle, market, i)
    if missing <= _NOTHING:
        return 0.0
    return missing / open_interest(clearing, market, 1.0 if long else -1.0, i)


@inner
def cover(
    table: ClearingTable, clearing: ClearingState, oracle: Oracle, market: int, i: int
) -> None:
    """Before the maker pays anything: the side that wins against it bears what it lacks."""
    if clearing.skew[market, i] > 0.0:
        clearing.loss_long[market, i] += unpaid(table, clearing, oracle, market, True, i)
    elif clearing.skew[market, i] < 0.0:
        clearing.loss_short[market, i] += unpaid(table, clearing, oracle, market, False, i)
