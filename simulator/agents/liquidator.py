"""Liquidator: closes accounts below maintenance margin for a share of the penalty."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from simulator.agents.accounts import flat, unhealthy
from simulator.agents.capital import begin, lack, sold_outside, written
from simulator.agents.do import part
from simulator.agents.scalar import ScalarAgent
from simulator.model.kernel.codes import OK
from simulator.model.kernel.kinds import (
    LIQUIDATE,
    LIQUIDATE_COLLATERAL,
    LIQUIDATE_LOAN,
    LIQUIDATE_PLEDGE,
    SWAP,
)

if TYPE_CHECKING:
    from simulator.agents.plain_do import PlainDo
    from simulator.config import Config
    from simulator.config.agents import liquidator as sections

# Worst price against the pool's it buys or sells at on the way, fee included.
_SLIPPAGE = 0.01
# A penalty that is less than this part of itself is not paid in full; rounding is no such part.
_IN_FULL = 1.0 - 1e-6
# USD of a position below which nobody sends anything: a raw USDC, of which no part is paid.
_DUST = 1e-6
# Accounts it looks through at once: a bit each of an integer.
_AT_ONCE = 62


@dataclass(eq=False)
class Liquidator(ScalarAgent):
    """Watches every margin account but its own.

    Observes equity and maintenance margin at oracle prices; may liquidate positions, and buy
    collateral of accounts in debt and of the liquidity the vault pledged. What that would bring it
    asks the protocol (a quote): it acts when its share of the penalty, or the discount it buys at,
    exceeds gas plus ``minimum_profit_usd``. Of an account whose equity is gone the penalty is paid
    in part or not at all; whoever runs a liquidator has money at the venue too, and closes its
    positions while gas costs no more than ``unpaid_gas_usd``. On Aave it buys what is owed in the
    leg's pool, as far as its USDC goes, and repays it for the bonus. Positions it closes against
    the venue's maker and needs no money for; what it buys it pays for out of its capital, if one is
    written, which is tied up until it is sold: outside, at the next step.
    """

    minimum_profit_usd: float
    unpaid_gas_usd: float = 50.0
    gas_bid: float = 1.0  # times the block's gas
    capital_usd: float = inf
    left: float = field(default=0.0, init=False)  # USD it may still pay
    unsold: float = field(default=0.0, init=False)  # USD, sold outside and not yet paid
    lacking: float = field(default=0.0, init=False)  # USD, in this step
    missed: float = field(default=0.0, init=False)
    short_usd: float = field(default=0.0, init=False)
    inventory_usd: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        """Nothing is tied up yet."""
        self.left = self.capital_usd

    @classmethod
    def configured(cls, section: sections.Liquidator, config: Config, name: str) -> Liquidator:
        """Without a capital that is written it is endless."""
        return cls(
            section.minimum_profit_usd,
            section.unpaid_gas_usd,
            section.gas_bid,
            written(section.capital_usd),
        )

    @staticmethod
    def act(do: PlainDo, my: Liquidator) -> None:  # type: ignore[override]
        """Liquidate what is below maintenance, account by account and market by market."""
        begin(my)
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
        my.inventory_usd = my.unsold


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
    """Liquidate its positions, each judged on what the one before left."""
    table, gas = do.w.tables.clearing, do.gas_cost(LIQUIDATE) * my.gas_bid
    for market in range(do.w.tables.count.markets):
        if do.size(account, market) == 0.0:
            continue
        if not unhealthy(do, account):  # an earlier close may have restored the account
            return
        if do.liquidate(account, market, quote=True) != OK:
            continue
        closed = do.amount_in * do.oracle(table.asset[market])
        if closed < _DUST:
            continue
        penalty = closed * table.liquidation_penalty
        paid = do.amount_out * do.oracle(0)
        pays = paid * table.liquidator_share > my.minimum_profit_usd + gas
        spent = paid < penalty * _IN_FULL and gas <= my.unpaid_gas_usd
        if pays or spent:
            do.liquidate(account, market)


@part
def _pledge(do: PlainDo, my: Liquidator) -> None:
    """Buy the base asset in the vault's pledged liquidity, where perps alone did not do."""
    due = do.cash(0) < 0.0 if flat(do, 0) else unhealthy(do, 0)
    if not due or not do.liquidity > 0.0 or do.liquidate_pledge(0, quote=True) != OK:
        return
    penalty = do.w.tables.clearing.liquidation_penalty
    # What is paid is what is bought less the penalty.
    cost = do.amount_in * do.oracle(0)
    profit = cost * penalty / (1.0 - penalty)
    if not profit > my.minimum_profit_usd + do.gas_cost(LIQUIDATE_PLEDGE) * my.gas_bid:
        return
    if cost > my.left:
        lack(my, cost - my.left)
        return
    base, usdc = _base_held(do), do.wallet_usdc + do.cash(do.account)
    if do.liquidate_pledge(0) == OK:
        my.left += (do.wallet_usdc + do.cash(do.account) - usdc) * do.oracle(0)
        my.unsold += sold_outside(do, 1, _base_held(do) - base)


@part
def _base_held(do: PlainDo) -> float:
    """Whole base tokens it has: in its wallet, and as collateral."""
    table, held = do.w.tables.clearing, do.wallet_base
    if table.base_collateral >= 0:
        held += do.collateral(do.account, table.base_collateral)
    return held


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
    least = my.minimum_profit_usd + gas * my.gas_bid
    if not profit > least:
        return
    if cost > my.left:  # what it buys is repaid and paid for at once: nothing stays tied up
        lack(my, cost - my.left)
        if not profit * max(my.left, 0.0) / cost > least:
            return
        cost = my.left
    do.swap(-cost / do.oracle(0), spot * (1.0 + _SLIPPAGE), 0.0, leg)
    do.liquidate_loan(leg, do.wallet_leg(leg))
    do.swap(do.wallet_leg(leg), 0.0, 0.0, leg)


@part
def _collateral(do: PlainDo, my: Liquidator, account: int) -> None:
    """Buy what the account holds beside USDC, as far as it owes."""
    table = do.w.tables.clearing
    for number in range(1, do.w.tables.count.collaterals):
        held = do.collateral(account, number)
        due = do.cash(account) < 0.0 and (flat(do, account) or unhealthy(do, account))
        if not due or held == 0.0:
            continue
        if do.liquidate_collateral(account, number, held, quote=True) != OK:
            continue
        price = do.oracle(table.collateral_asset[number])
        taken, cost = do.amount_out, do.amount_in * do.oracle(0)
        profit = taken * price - cost
        least = my.minimum_profit_usd + do.gas_cost(LIQUIDATE_COLLATERAL) * my.gas_bid
        if not profit > least:
            continue
        if cost > my.left:
            lack(my, cost - my.left)
            within = max(my.left, 0.0) / cost
            if not profit * within > least:  # what it could still pay for is not worth the gas
                continue
            held = taken * within
        if do.liquidate_collateral(account, number, held) == OK:
            my.left -= do.amount_in * do.oracle(0)
            my.unsold += sold_outside(do, table.collateral_asset[number], do.amount_out)
