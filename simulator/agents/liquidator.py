"""Liquidator: closes accounts below maintenance margin for a share of the penalty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.agents.accounts import flat, unhealthy
from simulator.agents.do import part
from simulator.agents.scalar import ScalarAgent
from simulator.model.kernel.kinds import (
    LIQUIDATE,
    LIQUIDATE_COLLATERAL,
    LIQUIDATE_LOAN,
    LIQUIDATE_PLEDGE,
    SWAP,
)

if TYPE_CHECKING:
    from simulator.agents.plain_do import PlainDo

# Worst price against the pool's it buys or sells at on the way, fee included.
_SLIPPAGE = 0.01
# Accounts it looks through at once: a bit each of an integer.
_AT_ONCE = 62


@dataclass(eq=False)
class Liquidator(ScalarAgent):
    """Watches every margin account but its own.

    Observes equity and maintenance margin at oracle prices; may liquidate positions, and buy
    collateral of accounts in debt and of the liquidity the vault pledged. Profitable when its share
    of the penalty, or the discount it buys at, exceeds gas plus ``minimum_profit_usd``. On Aave it
    buys what is owed in the leg's pool, as far as its USDC goes, and repays it for the bonus.
    """

    minimum_profit_usd: float

    @staticmethod
    def act(do: PlainDo, my: Liquidator) -> None:  # type: ignore[override]
        """Liquidate what is below maintenance, account by account and market by market."""
        count = do.w.tables.count
        for first in range(0, count.accounts, _AT_ONCE):
            last = min(first + _AT_ONCE, count.accounts)
            due = _due(do, first, last)
            for account in range(first, last):
                if (due >> (account - first)) & 1 == 1 and account != do.account:
                    _positions(do, my, account)
                    _collateral(do, my, account)
        if do.w.tables.clearing.pledged:
            _pledge(do, my)
        for leg in range(count.legs):
            _loan(do, my, leg)


@part
def _due(do: PlainDo, first: int, last: int) -> int:
    """Accounts unhealthy or in debt before it acts, a bit each from ``first``.

    Those that its own liquidations bring down are for the next step.
    """
    due = 0
    for account in range(first, last):
        if do.cash(account) < 0.0 or (not flat(do, account) and unhealthy(do, account)):
            due |= 1 << (account - first)
    return due


@part
def _positions(do: PlainDo, my: Liquidator, account: int) -> None:
    table = do.w.tables.clearing
    rate = table.liquidation_penalty * table.liquidator_share
    for market in range(do.w.tables.count.markets):
        if not unhealthy(do, account):  # an earlier close may have restored the account
            return
        closing = _closing_size(do, account, market)
        profit = closing * do.oracle(table.asset[market]) * rate
        if closing > 0.0 and profit > my.minimum_profit_usd + do.gas_cost(LIQUIDATE):
            do.liquidate(account, market)


@part
def _closing_size(do: PlainDo, account: int, market: int) -> float:
    """Estimate of the size a liquidation closes: to initial margin, or all of it."""
    table, margin = do.w.tables.clearing, do.margin_of(account)
    missing = table.initial_multiple * margin.maintenance - margin.equity
    freed = table.initial_multiple * table.gross_floor * table.maintenance_rate[market]
    freed -= table.half_spread[market] + table.liquidation_penalty
    held = abs(do.size(account, market))
    return min(held, missing / (freed * do.oracle(table.asset[market])))


@part
def _pledge(do: PlainDo, my: Liquidator) -> None:
    """Buy the base asset in the vault's pledged liquidity, where perps alone did not do."""
    table, margin = do.w.tables.clearing, do.margin_of(0)
    # An estimate: what is missing to initial margin, or owed, is the most it would buy.
    if flat(do, 0):
        due = do.cash(0) < 0.0
        most = max(-do.cash(0), 0.0) * do.oracle(0)
    else:
        due = margin.equity < margin.maintenance
        most = table.initial_multiple * margin.maintenance - margin.equity
    if not due or not do.liquidity > 0.0:
        return
    bought = min(do.vault().lp_base * do.oracle(1), most)
    profit = bought * table.liquidation_penalty
    if profit > my.minimum_profit_usd + do.gas_cost(LIQUIDATE_PLEDGE):
        do.liquidate_pledge(0)


@part
def _loan(do: PlainDo, my: Liquidator, leg: int) -> None:
    """Buy, repay, and sell what Aave's close factor left over."""
    table, loan = do.w.tables.aave, do.loan()
    if not loan.equity < loan.maintenance:
        return
    price, spot = do.oracle(table.asset[leg + 1]), do.leg_price(leg)
    cost = min(do.debt(leg) * price * 0.5, do.wallet_usdc * do.oracle(0))
    cost = min(cost, loan.supplied * do.oracle(0) / (1.0 + table.liquidation_bonus))
    lost = cost * (abs(spot * do.oracle(0) / price - 1.0) + _SLIPPAGE)
    profit = cost * table.liquidation_bonus - lost
    gas = 2.0 * do.gas_cost(SWAP) + do.gas_cost(LIQUIDATE_LOAN)
    if not profit > my.minimum_profit_usd + gas:
        return
    do.swap(-cost / do.oracle(0), spot * (1.0 + _SLIPPAGE), 0.0, leg)
    do.liquidate_loan(leg, do.wallet_leg(leg))
    do.swap(do.wallet_leg(leg), 0.0, 0.0, leg)


@part
def _collateral(do: PlainDo, my: Liquidator, account: int) -> None:
    """Buy what the account holds beside USDC for what it owes."""
    table = do.w.tables.clearing
    for number in range(1, do.w.tables.count.collaterals):
        price = do.oracle(table.collateral_asset[number])
        owed = max(-do.cash(account), 0.0)
        worth = owed * do.oracle(0) / (price * (1.0 - table.liquidation_penalty))
        amount = min(do.collateral(account, number), worth)
        profit = amount * price * table.liquidation_penalty
        pays = profit > my.minimum_profit_usd and profit > do.gas_cost(LIQUIDATE_COLLATERAL)
        if pays and (flat(do, account) or unhealthy(do, account)):
            do.liquidate_collateral(account, number, amount)
