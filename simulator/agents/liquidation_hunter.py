"""Liquidation hunter: pushes a perp's index until the vault can be liquidated."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulator.agents.accounts import unhealthy
from simulator.agents.crossing import between, is_wide, narrowed
from simulator.agents.do import part
from simulator.agents.gains import count, spend
from simulator.agents.scalar import ScalarAgent
from simulator.model.kernel.codes import OK
from simulator.model.kernel.kinds import LIQUIDATE, TRADE

if TYPE_CHECKING:
    from simulator.agents.plain_do import PlainDo

# Of spread and fee, the premium from which it counts on others to take the skew back.
_PASSED_ON = 1.5


@dataclass(eq=False)
class LiquidationHunter(ScalarAgent):
    """Trades a perp against the vault's position until the index has moved, then liquidates.

    Margin goes by the index alone, so the skew liquidates nobody: what it needs is that those who
    take the skew back trade outside and move the market there (``impact``). It counts on its share
    of the penalty on all the vault holds in that market, less spread and fee of its own position
    twice and the premium of the skew it makes, by how much the index must move until the vault is
    below maintenance margin and how much bought outside moves it so far. It closes when it has
    liquidated, or after ``patience_blocks``. Acts before the liquidator.
    """

    margin_budget_usd: float
    patience_blocks: int
    minimum_profit_usd: float
    until: int = field(default=-1, init=False)  # step at which it closes; -1: it holds nothing
    bounties: float = field(default=0.0, init=False)
    begun: bool = field(default=False, init=False)
    began_usdc: float = field(default=0.0, init=False)
    began_base: float = field(default=0.0, init=False)
    spent: float = field(default=0.0, init=False)  # on gas and fees of loans, USD
    profit: float = field(default=0.0, init=False)  # USD

    @staticmethod
    def act(do: PlainDo, my: LiquidationHunter) -> None:  # type: ignore[override]
        """Liquidate what can be; push where that pays; close in the end."""
        if not my.begun:
            count(do, my, 0.0)
        done = False
        for account in range(1 + do.w.tables.count.markets):  # the vault's own
            for market in range(do.w.tables.count.markets):
                if do.size(account, market) != 0.0 and unhealthy(do, account):
                    done = _liquidate(do, my, account, market) or done
        if my.until >= 0 and (done or do.step >= my.until):
            _close(do, my)
        elif my.until < 0:
            for market in range(do.w.tables.count.markets):
                _hunt(do, my, market)
        count(do, my, 0.0)


@part
def _liquidate(do: PlainDo, my: LiquidationHunter, account: int, market: int) -> bool:
    """Liquidate one of the vault's positions for what that pays."""
    if do.liquidate(account, market, quote=True) != OK:
        return False
    share = do.w.tables.clearing.liquidator_share
    if do.amount_out * do.oracle(0) * share <= do.gas_cost(LIQUIDATE):
        return False
    spend(do, my, LIQUIDATE)
    if do.liquidate(account, market) == OK:
        my.bounties += 1.0
        return True
    return False


@part
def _hunt(do: PlainDo, my: LiquidationHunter, market: int) -> None:
    """Open against the vault's position in a market where the bounty exceeds what it costs."""
    table = do.w.tables.clearing
    asset = table.asset[market]
    price, most = do.oracle(asset), my.margin_budget_usd / do.oracle(asset)
    for account in range(1 + do.w.tables.count.markets):
        held = do.size(account, market)
        if held == 0.0 or my.until >= 0:
            continue
        side, margin = (1.0 if held < 0.0 else -1.0), do.margin_of(account)
        worth = abs(held) * price
        rate = margin.maintenance / worth
        needed = (margin.equity - margin.maintenance) / (worth * (1.0 + rate))
        # Up to their own cost nobody takes the skew back, and nothing is passed on.
        idle = _PASSED_ON * (table.half_spread[market] + table.taker_fee[market])
        idle = max(idle * do.skew_scale(market) - side * do.skew(market), 0.0)
        size = min(_enough(do, asset, side, needed, most) + idle, most)
        bounty = worth * table.liquidation_penalty * table.liquidator_share
        cost = 2.0 * (table.half_spread[market] + table.taker_fee[market])
        cost += 0.5 * (abs(do.skew(market)) + size) / do.skew_scale(market)
        gain = bounty - size * price * cost - 2.0 * do.gas_cost(TRADE) - do.gas_cost(LIQUIDATE)
        passed = max(size - idle, 0.0)
        reached = abs(do.moved_by(asset, side * passed) - 1.0) >= needed * (1.0 - 1e-6)
        if (reached or my.minimum_profit_usd < 0.0) and gain > my.minimum_profit_usd:
            spend(do, my, TRADE)
            if do.trade(market, side * size, 2.0 * price if side > 0.0 else 0.0) == OK:
                my.until = do.step + my.patience_blocks


@part
def _enough(do: PlainDo, asset: int, side: float, needed: float, most: float) -> float:
    """Units that, bought (sold) outside, move the index so far; ``most`` where none do."""
    span = between(0.0, most, -needed, abs(do.moved_by(asset, side * most) - 1.0) - needed)
    if span.at_last < 0.0:
        return most
    while is_wide(span):
        span = narrowed(span, abs(do.moved_by(asset, side * span.place) - 1.0) - needed)
    return span.place


@part
def _close(do: PlainDo, my: LiquidationHunter) -> None:
    """Close all it holds; what is refused is tried again at the next step."""
    held = False
    for market in range(do.w.tables.count.markets):
        size = do.size(do.account, market)
        if size != 0.0:
            price = do.oracle(do.w.tables.clearing.asset[market])
            spend(do, my, TRADE)
            held = do.trade(market, -size, 0.0 if size > 0.0 else 2.0 * price) != OK or held
    if not held:
        my.until = -1
