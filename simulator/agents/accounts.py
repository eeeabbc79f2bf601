"""What agents ask about margin accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.agents.do import part
from simulator.model.kernel.codes import OK

if TYPE_CHECKING:
    from simulator.agents.plain_do import PlainDo

# Of the room to a bound of the vault's own: at the bound itself rounding decides, and whoever
# stands there may find its order refused.
DARES = 0.99


@part
def flat(do: PlainDo, account: int) -> bool:
    """Whether an account holds no position."""
    for market in range(do.w.tables.count.markets):  # noqa: SIM110 (compiled)
        if do.size(account, market) != 0.0:
            return False
    return True


@part
def unhealthy(do: PlainDo, account: int) -> bool:
    """Whether an account is below its maintenance margin."""
    margin = do.margin_of(account)
    return margin.equity < margin.maintenance


@part
def largest_skew(do: PlainDo, market: int) -> float:
    """The largest skew into which a market lets risk be added, base units (SPEC §3.3: S)."""
    table = do.w.tables.clearing
    bound = do.skew_scale(market) * table.gross_floor * table.maintenance_rate[market] / 2.0
    return min(table.max_skew[market], bound)


@part
def ahead_of(do: PlainDo, market: int, size: float, order: float) -> float:
    """USD of trading a size now and back in the next block, if an order comes behind it now.

    Gas and what the index does meanwhile apart, and if nobody else trades. What is paid now the
    venue says (a quote: within a block nobody trades better than where it opened); what it closes
    at follows from the skew that both leave (contracts/SPEC.md §3.3).
    """
    table = do.w.tables.clearing
    price, side = do.oracle(table.asset[market]), 1.0 if size > 0.0 else -1.0
    limit = 2.0 * price if size > 0.0 else 0.0
    if size == 0.0 or do.trade(market, size, limit, quote=True) != OK:
        return 0.0
    paid = do.amount_out
    premium = (do.skew(market) + order + 0.5 * size) / do.skew_scale(market)
    closed = price * (1.0 - side * table.half_spread[market] + premium)
    return size * (closed - paid) - abs(size) * (closed + paid) * table.taker_fee[market]
