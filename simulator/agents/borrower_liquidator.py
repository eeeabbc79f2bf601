"""Borrower liquidator: repays debts of the lending market's borrowers for their collateral."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.agents.do import part
from simulator.agents.scalar import ScalarAgent
from simulator.model.kernel.codes import OK
from simulator.model.kernel.kinds import LIQUIDATE_BORROWER, SWAP
from simulator.protocol.borrowers import LIQUIDATED_BELOW

if TYPE_CHECKING:
    from simulator.agents.plain_do import PlainDo

_BASE = 1  # among the assets
# Liquidations of one borrower at a step, at most: a close factor of a half comes up a few times.
_ROUNDS = 8


@dataclass(eq=False)
class BorrowerLiquidator(ScalarAgent):
    """Watches every borrower of the lending market.

    Observes health factors, what borrowers have and owe, the index and gas; may call Aave's
    liquidation and swap in the pool. Of each borrower below a health factor of one it asks Aave
    what each pair of collateral and debt would bring (a quote), as far as its own tokens go, and
    takes the pair whose collateral is worth most more than the debt repaid, at the index, when that
    exceeds gas plus ``minimum_profit_usd``. Base tokens it seized it sells in the pool, no cheaper
    than ``slippage`` below the index; of the rest, and of other assets, it keeps the tokens and
    sells as many outside (``trades_outside``).
    """

    minimum_profit_usd: float
    slippage: float
    base: float  # whole tokens it keeps: what it began with

    @staticmethod
    def act(do: PlainDo, my: BorrowerLiquidator) -> None:  # type: ignore[override]
        """Borrower by borrower, while one of their pairs pays."""
        for borrower in range(do.w.tables.count.borrowers):
            for _ in range(_ROUNDS):
                if not do.borrower(borrower).health < LIQUIDATED_BELOW:
                    break
                if not _liquidate(do, my, borrower):
                    break
        _sell(do, my)


@part
def _profit(do: PlainDo, borrower: int, seized: int, repaid: int) -> float:
    """USD that a liquidation would bring before gas; -1: it is refused, or its wallet is empty."""
    table, brought = do.w.tables.lending, do.wallet_listed(repaid)
    if brought <= 0.0:
        return -1.0
    if do.liquidate_borrower(borrower, seized, repaid, brought, quote=True) != OK:
        return -1.0
    taken = do.amount_out * do.index(table.asset[seized])
    return taken - do.amount_in * do.index(table.asset[repaid])


@part
def _liquidate(do: PlainDo, my: BorrowerLiquidator, borrower: int) -> bool:
    """Liquidate by the pair that pays most: whether that was done."""
    count = do.w.tables.count.listings
    best, of_seized, of_repaid = 0.0, -1, -1
    for seized in range(count):
        if do.supplied_by(borrower, seized) <= 0.0:
            continue
        for repaid in range(count):
            if do.owed_by(borrower, repaid) <= 0.0:
                continue
            profit = _profit(do, borrower, seized, repaid)
            if profit > best:
                best, of_seized, of_repaid = profit, seized, repaid
    gas, asset = do.gas_cost(LIQUIDATE_BORROWER), do.w.tables.lending.asset
    if of_seized >= 0 and asset[of_seized] == _BASE:
        gas += do.gas_cost(SWAP)
    if of_seized < 0 or not best > gas + my.minimum_profit_usd:
        return False
    brought = do.wallet_listed(of_repaid)
    return do.liquidate_borrower(borrower, of_seized, of_repaid, brought) == OK


@part
def _sell(do: PlainDo, my: BorrowerLiquidator) -> None:
    """Sell what it has of the base token beyond that, as far as the pool's price allows."""
    more = do.wallet_base - my.base
    limit = do.index(_BASE) / do.index(0) * (1.0 - my.slippage)
    if do.pool_price > limit and more * limit > do.gas_cost(SWAP):
        do.swap(more, limit)
