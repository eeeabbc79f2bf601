"""Depositors: bring USDC into the vault, take it out again, and run when the market says so."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from simulator.agents.accounts import flat
from simulator.agents.do import part
from simulator.agents.scalar import ScalarAgent
from simulator.model.kernel.codes import (
    BELOW_INITIAL_MARGIN,
    INSUFFICIENT_LIQUIDITY,
    OK,
    SLIPPAGE,
    STALE_ORACLE,
    WITHDRAWALS_QUEUED,
)
from simulator.model.vault.fees import VIRTUAL_SHARES
from simulator.model.verbs import WHOLE_SHARE

if TYPE_CHECKING:
    from simulator.agents.plain_do import PlainDo

# Refusals a depositor waits out in the queue: the money is there, only not at once.
_WAIT = (INSUFFICIENT_LIQUIDITY, SLIPPAGE, BELOW_INITIAL_MARGIN, WITHDRAWALS_QUEUED)
# Worst price accepted for closing what came with an exit in kind, fraction of the index.
_CLOSING_SLIPPAGE = 0.05
# Of those who run, all of one of which leave at once.
_GROUPS = 50
# Shares that nobody holds, whole: of an emptied vault they are the most.
_VIRTUAL = VIRTUAL_SHARES / WHOLE_SHARE
# Whole tokens; less than a raw USDC is not worth a transaction, and cannot be moved.
_DUST = 1e-6


@dataclass(eq=False)
class Depositor(ScalarAgent):
    """All depositors as one holder of shares.

    Observes the flow drawn for it, its own wallet and account; may deposit, redeem, wait in the
    queue, and (``exit_in_kind``) leave with a slice of everything when the oracle is silent, which
    it closes once it can. Objective: hold the vault's shares; flows are exogenous (calm in-and-out,
    or a withdrawal run), but for those who run: how much of a share's highest price must be gone
    for one to leave is spread evenly over all, from ``run_from`` to ``run_to``.
    """

    initial_deposit: float  # USDC at step 0
    run_from: float = 1.0  # fraction; 1: nobody looks
    run_to: float = 1.0
    exit_in_kind: bool = False
    highest: float = field(default=0.0, init=False)  # price of a share so far, USD
    gone: float = field(default=0.0, init=False)  # part of them who have run

    @staticmethod
    def act(do: PlainDo, my: Depositor) -> None:  # type: ignore[override]
        """Deposit the opening stake, then follow the market's deposit flow."""
        if my.exit_in_kind:
            _close_slice(do)
        flow = do.deposit_flow
        wanted = max(flow, 0.0) * my.initial_deposit
        if do.step == 0:
            wanted = wanted + my.initial_deposit
        assets = min(wanted, do.wallet_usdc)
        if assets > 0.0:
            do.deposit(assets)
        if flow < 0.0:
            _leave(do, my, min(-flow, 1.0) * do.wallet_shares)
        if my.run_from < 1.0:
            _run(do, my)


@part
def _run(do: PlainDo, my: Depositor) -> None:
    """Those leave whom the loss has reached, of all who are still there."""
    if do.wallet_shares + do.waiting_shares <= 0.0:
        my.highest = my.gone = 0.0  # who comes next has lost nothing
        return
    price = do.vault().nav / (do.shares + _VIRTUAL)
    my.highest = max(my.highest, price)
    lost = 1.0 - price / my.highest if my.highest > 0.0 else 0.0
    if lost < my.run_from:
        return
    spread = my.run_to - my.run_from
    reached = min((lost - my.run_from) / spread, 1.0) if spread > 0.0 else 1.0
    # By whole parts of them: an exact share of it would follow the last digit of the price.
    reached = np.floor(reached * _GROUPS) / _GROUPS
    if reached <= my.gone or do.wallet_shares <= 0.0:
        return
    if _leave(do, my, (reached - my.gone) / (1.0 - my.gone) * do.wallet_shares):
        my.gone = reached


@part
def _leave(do: PlainDo, my: Depositor, shares: float) -> bool:
    """Redeem, else wait in the queue or take a slice of everything; whether any of it was done."""
    status = do.redeem(shares)
    if status in _WAIT:
        status = _queue(do, shares)
    elif status == STALE_ORACLE and my.exit_in_kind and flat(do, do.account):
        status = do.redeem_in_kind(shares)
    return status == OK


@part
def _queue(do: PlainDo, shares: float) -> int:
    """Wait in line, with what waits already: one request at a time."""
    if shares > 0.0 and do.queued_shares > 0.0:
        do.cancel_request()
        shares = shares + do.amount_in
    return do.request_redeem(shares)


@part
def _close_slice(do: PlainDo) -> None:
    """Close positions that came with an exit in kind, then take the margin home."""
    tables = do.w.tables
    for market in range(tables.count.markets):
        size = do.size(do.account, market)
        if size != 0.0:
            price = do.index(tables.clearing.asset[market])
            do.trade(market, -size, price * (1.0 - np.sign(size) * _CLOSING_SLIPPAGE))
    if not flat(do, do.account):
        return
    for number in range(tables.count.collaterals):
        held = do.cash(do.account) if number == 0 else do.collateral(do.account, number)
        if held >= _DUST:
            do.post_margin(number, -held)
