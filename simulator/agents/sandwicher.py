"""Sandwicher: trades ahead of the vault's own orders and back behind them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulator.agents.accounts import DARES, ahead_of, largest_skew
from simulator.agents.around import PIECES, Order, best_ahead, push, recentring, settlement
from simulator.agents.do import part
from simulator.agents.gains import count, spend
from simulator.agents.scalar import ScalarAgent
from simulator.model.kernel.codes import OK
from simulator.model.kernel.kinds import REBALANCE, RECENTER, SETTLE_WITHDRAWALS, SWAP, TRADE

if TYPE_CHECKING:
    from simulator.agents.plain_do import PlainDo


@dataclass(eq=False)
class Sandwicher(ScalarAgent):
    """Foresees what the keeper is about to call, and stands around it.

    Acts before the keeper in the block. Where a recentring or a settlement of the queue is due and
    goes through (a quote), it pushes the pool the way the vault will; where a rebalance is, it
    trades the perp on the vault's side, as far as the vault's own slippage bound leaves room. The
    pool it leaves after everybody's turn in the same block, the perp before anybody's in the next:
    within a block nobody sells above the skew it opened at (contracts/SPEC.md §3.3). Each only
    where what it counts on exceeds fees, spreads and gas by ``minimum_profit_usd``.
    """

    margin_budget_usd: float
    minimum_profit_usd: float
    bought: float = field(default=0.0, init=False)  # base ahead of a purchase; USDC ahead of a sale
    sells: bool = field(default=False, init=False)  # what it bought was USDC
    begun: bool = field(default=False, init=False)
    began_usdc: float = field(default=0.0, init=False)
    began_base: float = field(default=0.0, init=False)
    spent: float = field(default=0.0, init=False)  # on gas and fees of loans, USD
    profit: float = field(default=0.0, init=False)  # USD

    @staticmethod
    def act_first(do: PlainDo, my: Sandwicher) -> None:
        """Close what was opened ahead of the last block's rebalance."""
        if not my.begun:
            count(do, my, 0.0)
        for market in range(do.w.tables.count.markets):
            size = do.size(do.account, market)
            if size != 0.0:
                price = do.oracle(do.w.tables.clearing.asset[market])
                do.trade(market, -size, 0.0 if size > 0.0 else 2.0 * price)
                spend(do, my, TRADE)

    @staticmethod
    def act(do: PlainDo, my: Sandwicher) -> None:  # type: ignore[override]
        """Trade ahead of what the keeper is about to call."""
        due = do.due()
        if _is_called(do, RECENTER, due.recenter) and do.recenter(quote=True) == OK:
            _push(do, my, recentring(do), RECENTER)
        elif do.queued_shares > 0.0 and do.settle_withdrawals(1.0, quote=True) == OK:
            _push(do, my, settlement(do), SETTLE_WITHDRAWALS)
        if do.w.tables.count.legs > 0:  # hedged on Aave: swaps of another pool
            return
        if _is_called(do, REBALANCE, due.rebalance) and do.rebalance(quote=True) == OK:
            for market in range(do.w.tables.count.markets):
                _trade_ahead(do, my, market)

    @staticmethod
    def act_last(do: PlainDo, my: Sandwicher) -> None:
        """Swap back what was bought in the pool."""
        if my.bought > 0.0:
            do.swap(-my.bought if my.sells else my.bought)
            spend(do, my, SWAP)
            my.bought = 0.0
        count(do, my, 0.0)


@part
def _is_called(do: PlainDo, kind: int, protected: float) -> bool:
    """Whether a keeper is paid for a function that is due."""
    return protected > 0.0 and do.reward(kind, protected) > do.gas_cost(kind)


@part
def _push(do: PlainDo, my: Sandwicher, order: Order, kind: int) -> None:
    ahead = best_ahead(do, order, 0.0)
    least = (1.0 + PIECES) * do.gas_cost(SWAP) + my.minimum_profit_usd
    if order.amount > 0.0 and ahead.amount > 0.0 and ahead.gain > least:
        my.bought = push(do, my, order, ahead.amount, kind).got
        my.sells = not order.buys


@part
def _trade_ahead(do: PlainDo, my: Sandwicher, market: int) -> None:
    """Trade a perp on the side of the vault's order, up to where that order would be refused."""
    table, vault = do.w.tables.clearing, do.w.tables.vault
    price, scale = do.oracle(table.asset[market]), do.skew_scale(market)
    held = 0.0
    for account in range(1 + do.w.tables.count.markets):  # the vault's own
        held += do.size(account, market)
    exposed = (do.vault().lp_base + do.idle_base) * do.oracle(1)
    order = -do.beta(market) * exposed / price - held
    if abs(order) * price <= vault.hedge_band * do.vault().nav:
        return
    side, spread = (1.0 if order > 0.0 else -1.0), table.half_spread[market]
    room = (vault.max_slippage - spread) * scale - side * do.skew(market) - 0.5 * abs(order)
    # Nor may both together take the skew beyond what the venue takes.
    left = largest_skew(do, market) - side * do.skew(market) - abs(order)
    size = min(my.margin_budget_usd / price, DARES * room, DARES * left)
    if not size > 0.0:
        return
    gain = ahead_of(do, market, side * size, order)
    if gain > 2.0 * do.gas_cost(TRADE) + my.minimum_profit_usd:
        spend(do, my, TRADE)
        do.trade(market, side * size, price * (1.0 + side * (vault.max_slippage + spread)))
