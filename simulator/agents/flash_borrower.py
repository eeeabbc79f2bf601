"""Flash borrower: makes the vault trade in a pool it has pushed, on money it does not have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulator.agents.around import PIECES, Order, best_ahead, push, recentring, settlement
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
            order = settlement(do)
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
    least = (1.0 + PIECES) * do.gas_cost(SWAP) + my.minimum_profit_usd
    if not (ahead.amount > 0.0 and ahead.gain + paid > least):
        return
    usdc, base = do.wallet_usdc, do.wallet_base
    got = push(do, my, order, ahead.amount, kind).got
    if got > 0.0:
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
