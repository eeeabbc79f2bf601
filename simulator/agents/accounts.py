"""What agents ask about margin accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.agents.do import part

if TYPE_CHECKING:
    from simulator.agents.plain_do import PlainDo


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
