"""Flash borrower: makes the vault trade in a pool it has pushed, on money it does not have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulator.agents.around import Order, best_ahead, recentring, whole_liquidity
from simulator.agents.do import part
from simulator.agents.gains import count, spend
from simulator.agents.scalar import ScalarAgent
from simulator.model.kernel.codes import OK
from simulator.model.kernel.kinds import RECENTER, SETTLE_WITHDRAWALS, SWAP

if TYPE_CHECKING:
    from simulator.agents.plain_do import PlainDo


@dataclass(eq=False)
class FlashBorrower(ScalarAgent):
    """Borrows, swaps, calls what the vault lets anybody call, swaps back and repays, all at once.

    What it may borrow is its wallet; a loan costs ``fee``. It calls ``recenter`` and
    ``settle_withdrawals`` itself, first of all in the block, and is paid as a keeper is. It borrows
    only where what it counts on repays the loan, the fee and gas with ``minimum_profit_usd`` over.
    The transactions are sent one by one, in both worlds, by an account that has the money, and
    cannot be undone together as a flash loan is: what it could not have repaid out of the
    transaction is counted (``missing``), and its loss.
    """

    fee: float
    minimum_profit_usd: float
    loans: float = field(default=0.0, init=False)
    missing: float = field(default=0.0, init=False)  # USD
    begun: bool = field(default=False, init=False)
    began_usdc: float = field(default=0.0, init=False)
    began_base: float = field(default=0.0, init=False)
    spent: float = field(default=0.0, init=False)  # on gas and fees of loans, USD
    profit: float = field(default=0.0, init=False)  # USD

    @staticmethod
    def act_first(do: PlainDo, my: FlashBorrower) -> None:
        """Make the vault trade where that pays."""
        if not my.begun:
            count(do, my, 0.0)
        due = do.due().recenter
        if due > 0.0 and do.recenter(quote=True) == OK:
            paid = do.reward(RECENTER, due) - do.gas_cost(RECENTER)
            _around(do, my, recentring(do), RECENTER, paid)
        if do.queued_shares > 0.0 and do.settle_withdrawals(1.0, quote=True) == OK:
            order = _settlement(do)
            if order.amount > 0.0:
                _around(do, my, order, SETTLE_WITHDRAWALS, -do.gas_cost(SETTLE_WITHDRAWALS))

    @staticmethod
    def act(do: PlainDo, my: FlashBorrower) -> None:  # type: ignore[override]
        """Everything is done at once, before others act."""

    @staticmethod
    def act_last(do: PlainDo, my: FlashBorrower) -> None:
        """Count."""
        count(do, my, 0.0)


@part
def _around(do: PlainDo, my: FlashBorrower, order: Order, kind: int, paid: float) -> None:
    """Swap, call, swap back; ``paid``: what the call brings by itself, USD."""
    ahead = best_ahead(do, order, my.fee)
    least = 2.0 * do.gas_cost(SWAP) + my.minimum_profit_usd
    if not (ahead.amount > 0.0 and ahead.gain + paid > least):
        return
    usdc, base = do.wallet_usdc, do.wallet_base
    spend(do, my, SWAP)
    if do.swap(-ahead.amount if order.buys else ahead.amount) != OK:
        return
    got = do.amount_out
    spend(do, my, kind)
    if kind == RECENTER:
        do.recenter()
    else:
        do.settle_withdrawals(1.0)
    spend(do, my, SWAP)
    do.swap(got if order.buys else -got)
    my.loans += 1.0
    price = do.index(0) if order.buys else do.index(1)
    fee = ahead.amount * my.fee
    my.spent += fee * price
    left = do.wallet_usdc - usdc if order.buys else do.wallet_base - base
    my.missing += max(fee - left, 0.0) * price


@part
def _settlement(do: PlainDo) -> Order:
    """What settling the queue sells: of the liquidity the part that idle USDC does not pay."""
    vault, own = do.vault(), whole_liquidity(do)
    owed = do.queued_shares / do.shares * vault.nav / do.oracle(0) - do.idle_usdc
    part_sold = min(max(owed * do.oracle(0) / max(vault.nav, 1.0), 0.0), 1.0)
    in_range = vault.lp_base > 0.0 and vault.lp_usdc > 0.0
    during = do.pool_liquidity - (part_sold * own if in_range else 0.0)
    return Order(False, part_sold * vault.lp_base, do.pool_liquidity, during, during)
