"""Withdrawal griefer: makes its own leaving cost others, or holds up their leaving."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulator.agents.accounts import DARES, ahead_of
from simulator.agents.do import part
from simulator.agents.gains import count, spend
from simulator.agents.scalar import ScalarAgent
from simulator.model.kernel.codes import OK
from simulator.model.kernel.kinds import (
    CANCEL_REQUEST,
    DEPOSIT,
    REQUEST_REDEEM,
    SETTLE_WITHDRAWALS,
    TRADE,
)

if TYPE_CHECKING:
    from simulator.agents.plain_do import PlainDo


@dataclass(eq=False)
class WithdrawalGriefer(ScalarAgent):
    """Holds little of the vault and uses what every holder may do.

    ``holds_line``: it stands in the queue from the end of one block to just before the keeper's
    turn in the next, so that whoever wants to leave meanwhile finds its request before him, and is
    never served: that costs it gas and is for nobody's profit. Else it has the queue of others
    settled: it takes the side of the perps that the vault must buy back, calls
    ``settle_withdrawals``, which anybody may, and closes in the next block, where that brings more
    than spread, fees and gas by ``minimum_profit_usd``. Of its own leaving it could not live: who
    leaves pays for what the vault unwinds for him (contracts/SPEC.md §4.3).
    """

    stake: float
    holds_line: bool
    margin_budget_usd: float
    minimum_profit_usd: float
    queued: float = field(default=0.0, init=False)  # its shares in the queue
    requests: float = field(default=0.0, init=False)
    begun: bool = field(default=False, init=False)
    began_usdc: float = field(default=0.0, init=False)
    began_base: float = field(default=0.0, init=False)
    spent: float = field(default=0.0, init=False)  # on gas and fees of loans, USD
    profit: float = field(default=0.0, init=False)  # USD

    @staticmethod
    def act_first(do: PlainDo, my: WithdrawalGriefer) -> None:
        """Close what was opened ahead of the last block's unwinding."""
        if not my.begun:
            count(do, my, 0.0)
        for market in range(do.w.tables.count.markets):
            size = do.size(do.account, market)
            if size != 0.0:
                price = do.oracle(do.w.tables.clearing.asset[market])
                do.trade(market, -size, 0.0 if size > 0.0 else 2.0 * price)
                spend(do, my, TRADE)

    @staticmethod
    def act(do: PlainDo, my: WithdrawalGriefer) -> None:  # type: ignore[override]
        """Come in, and leave the line or make the vault unwind."""
        if not do.shares > 0.0:
            return
        if my.queued > 0.0 and my.holds_line:
            spend(do, my, CANCEL_REQUEST)
            do.cancel_request()  # refused where somebody has had it settled
            my.queued = 0.0
        elif my.holds_line and do.wallet_shares == 0.0:
            spend(do, my, DEPOSIT)
            do.deposit(min(my.stake, do.wallet_usdc))
        elif not my.holds_line and do.queued_shares > 0.0:
            _settle(do, my)

    @staticmethod
    def act_last(do: PlainDo, my: WithdrawalGriefer) -> None:
        """Take the last place in the line again."""
        if my.holds_line and my.queued == 0.0 and do.wallet_shares > 0.0:
            shares = do.wallet_shares
            spend(do, my, REQUEST_REDEEM)
            if do.request_redeem(shares) == OK:
                my.queued = shares
                my.requests += 1.0
        count(do, my, my.queued)


@part
def _forced(do: PlainDo) -> float:
    """Part of both legs that a settlement unwinds: what the queue is owed beyond idle USDC."""
    nav = do.vault().nav
    owed = nav * do.queued_shares / do.shares - do.idle_usdc * do.oracle(0)
    return min(max(owed / nav, 0.0), 1.0) if nav > 0.0 else 0.0


@part
def _ahead(do: PlainDo, my: WithdrawalGriefer, market: int, forced: float) -> float:
    """What it trades ahead of the vault in a market, base units; 0 where that does not pay."""
    held = 0.0
    for account in range(1 + do.w.tables.count.markets):  # the vault's own
        held += do.size(account, market)
    # The vault, short, buys back: so does it, first.
    size = _size(do, my, market) * (1.0 if held < 0.0 else -1.0)
    gain = ahead_of(do, market, size, -forced * held) - 2.0 * do.gas_cost(TRADE)
    return size if gain > my.minimum_profit_usd + do.gas_cost(SETTLE_WITHDRAWALS) else 0.0


@part
def _size(do: PlainDo, my: WithdrawalGriefer, market: int) -> float:
    """What it trades ahead: its budget, as far as the vault's own slippage bound leaves room."""
    table = do.w.tables.clearing
    price, scale = do.oracle(table.asset[market]), do.skew_scale(market)
    room = (do.w.tables.vault.max_slippage - table.half_spread[market]) * scale
    return max(min(my.margin_budget_usd / price, DARES * room - abs(do.skew(market))), 0.0)


@part
def _settle(do: PlainDo, my: WithdrawalGriefer) -> None:
    """Trade ahead of the vault where that pays, and have the queue settled."""
    if do.settle_withdrawals(1.0, quote=True) != OK:
        return
    forced, opened = _forced(do), False
    for market in range(do.w.tables.count.markets):
        size = _ahead(do, my, market, forced)
        if size != 0.0:
            price = do.oracle(do.w.tables.clearing.asset[market])
            spend(do, my, TRADE)
            opened = do.trade(market, size, 2.0 * price if size > 0.0 else 0.0) == OK or opened
    if opened:
        spend(do, my, SETTLE_WITHDRAWALS)
        do.settle_withdrawals(1.0)
