"""Borrower liquidator: repays debts of the lending market's borrowers for their collateral."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from simulator.agents.capital import begin, lack, sold_outside, written
from simulator.agents.do import part
from simulator.agents.scalar import ScalarAgent
from simulator.model.kernel.codes import OK
from simulator.model.kernel.kinds import LIQUIDATE_BORROWER, SWAP
from simulator.protocol.borrowers import CLOSED_WHOLE_FROM, LIQUIDATED_BELOW, PERCENT
from simulator.protocol.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from simulator.agents.plain_do import PlainDo
    from simulator.config import Config
    from simulator.config.agents import borrower_liquidator as sections

_USDC, _BASE = 0, 1  # among the assets
# A debt repaid to within this part of what may be is repaid in full.
_IN_FULL = 1.0 - 1e-6
# Liquidations of one borrower at a step, at most: a close factor of a half comes up a few times.
_ROUNDS = 8


@dataclass(eq=False)
class BorrowerLiquidator(ScalarAgent):
    """Watches every borrower of the lending market.

    Observes health factors, what borrowers have and owe, the index and gas; may call Aave's
    liquidation and swap in the pool. Of each borrower below a health factor of one it asks Aave
    what each pair of collateral and debt would bring (a quote), as far as its own tokens go, and
    takes the pair whose collateral is worth most more than the debt repaid, at the index, when that
    exceeds gas, as often as it bids, plus ``minimum_profit_usd``. Base tokens it seized it sells in
    the pool, no cheaper than ``slippage`` below the index; of the rest, and of other assets, it
    keeps the tokens and sells as many outside (``trades_outside``), which pays at the next step. Or
    it sells in the pool alone (``pool``), as fast as it likes, and has what that brings. With a
    capital it repays no more than is not tied up in what it seized; what it would have gained by
    and could not pay for is counted.
    """

    minimum_profit_usd: float
    slippage: float
    base: float  # whole tokens it keeps: what it began with
    pool: bool = False  # whether it sells there, and not outside
    sale_half_life: float = 0.0  # seconds in which half of what it holds is sold there
    gas_bid: float = 1.0  # times the block's gas
    capital_usd: float = inf
    left: float = field(default=0.0, init=False)  # USD it may still pay
    unsold: float = field(default=0.0, init=False)  # USD, sold outside and not yet paid
    lacking: float = field(default=0.0, init=False)  # USD, in this step
    missed: float = field(default=0.0, init=False)
    short_usd: float = field(default=0.0, init=False)
    inventory_usd: float = field(default=0.0, init=False)
    sold_at: float = field(default=0.0, init=False)  # seconds

    def __post_init__(self) -> None:
        """Nothing is tied up yet."""
        self.left = self.capital_usd

    @classmethod
    def configured(
        cls, section: sections.BorrowerLiquidator, config: Config, name: str
    ) -> BorrowerLiquidator:
        """Without a capital that is written it is endless."""
        return cls(
            section.minimum_profit_usd,
            section.slippage,
            section.base,
            section.sells == "pool",
            section.sale_half_life_hours * SECONDS_PER_HOUR,
            section.gas_bid,
            written(section.capital_usd),
        )

    @staticmethod
    def act(do: PlainDo, my: BorrowerLiquidator) -> None:  # type: ignore[override]
        """Borrower by borrower, while one of their pairs pays."""
        begin(my)
        for borrower in range(do.w.tables.count.borrowers):
            for _ in range(_ROUNDS):
                if not do.borrower(borrower).health < LIQUIDATED_BELOW:
                    break
                if not _liquidate(do, my, borrower):
                    _count_lack(do, my, borrower)
                    break
        _sell(do, my)
        held = max(do.wallet_base - my.base, 0.0) * do.index(_BASE)
        my.inventory_usd = held if my.pool else my.unsold


@part
def _takes(do: PlainDo, my: BorrowerLiquidator, seized: int) -> bool:
    """Whether it can sell a listing's asset."""
    asset = do.w.tables.lending.asset[seized]
    return not my.pool or asset in (_USDC, _BASE)


@part
def _brings(do: PlainDo, my: BorrowerLiquidator, repaid: int) -> float:
    """Whole tokens it can repay of a listing: what it has, and may tie up."""
    return min(do.wallet_listed(repaid), my.left / do.index(do.w.tables.lending.asset[repaid]))


@part
def _profit(do: PlainDo, my: BorrowerLiquidator, borrower: int, seized: int, repaid: int) -> float:
    """USD that a liquidation would bring before gas; -1: it is refused, or its money is gone."""
    table, brought = do.w.tables.lending, _brings(do, my, repaid)
    if brought <= 0.0 or not _takes(do, my, seized):
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
            profit = _profit(do, my, borrower, seized, repaid)
            if profit > best:
                best, of_seized, of_repaid = profit, seized, repaid
    if of_seized < 0 or not best > _costs(do, my, of_seized):
        return False
    asset, brought = do.w.tables.lending.asset, _brings(do, my, of_repaid)
    for_sale = max(do.wallet_base - my.base, 0.0)
    if do.liquidate_borrower(borrower, of_seized, of_repaid, brought) != OK:
        return False
    paid, taken = do.amount_in, do.amount_out
    if my.pool and asset[of_repaid] == _BASE:  # what it has for sale is tied up already
        paid -= min(paid, for_sale)
    my.left -= paid * do.index(asset[of_repaid])
    if my.pool and asset[of_seized] == _BASE:  # what fills up its own stock is not for sale
        my.left += min(taken, max(my.base - (do.wallet_base - taken), 0.0)) * do.index(_BASE)
    elif asset[of_seized] == _USDC:
        my.left += taken * do.index(_USDC)
    elif not my.pool:
        my.unsold += sold_outside(do, asset[of_seized], taken)
    return True


@part
def _costs(do: PlainDo, my: BorrowerLiquidator, seized: int) -> float:
    """USD that a liquidation has to bring: gas, of the sale too, as often as it bids."""
    gas = do.gas_cost(LIQUIDATE_BORROWER)
    if do.w.tables.lending.asset[seized] == _BASE:
        gas += do.gas_cost(SWAP)
    return gas * my.gas_bid + my.minimum_profit_usd


@part
def _count_lack(do: PlainDo, my: BorrowerLiquidator, borrower: int) -> None:
    """Count what it would gain by of who is left below one, and has not the money for.

    By Aave's rule, at the oracle's prices as Aave goes by them, and at the index what it gains.
    """
    table, count, most = do.w.tables.lending, do.w.tables.count.listings, 0.0
    part_of = 1.0 if do.borrower(borrower).health <= CLOSED_WHOLE_FROM else 0.5
    for seized in range(count):
        if do.supplied_by(borrower, seized) <= 0.0 or not _takes(do, my, seized):
            continue
        bonus, taken = table.bonus[borrower, seized] / PERCENT, table.asset[seized]
        for repaid in range(count):
            paid = table.asset[repaid]
            rate = do.oracle(paid) / do.oracle(taken)  # of collateral for a debt token
            wanted = part_of * do.owed_by(borrower, repaid)
            wanted = min(wanted, do.supplied_by(borrower, seized) / (rate * bonus))
            kept = rate * (1.0 + (bonus - 1.0) * (1.0 - table.protocol_fee[seized]))
            gained = wanted * (kept * do.index(taken) - do.index(paid))
            brought = _brings(do, my, repaid)
            if brought < wanted * _IN_FULL and gained > _costs(do, my, seized):
                most = max(most, (wanted - brought) * do.index(paid))
    if most > 0.0:
        lack(my, most)


@part
def _sell(do: PlainDo, my: BorrowerLiquidator) -> None:
    """Sell what it has of the base token beyond that, as far as the pool's price allows."""
    more = do.wallet_base - my.base
    if more <= 0.0:
        my.sold_at = do.seconds
        return
    if my.pool and my.sale_half_life > 0.0:
        more *= 1.0 - 0.5 ** ((do.seconds - my.sold_at) / my.sale_half_life)
    limit = do.index(_BASE) / do.index(0) * (1.0 - my.slippage)
    if do.pool_price <= limit:
        my.sold_at = do.seconds
        return
    if not more * limit > do.gas_cost(SWAP):
        return  # what has been due since waits until it is worth its gas
    my.sold_at = do.seconds
    if do.swap(more, limit) == OK and my.pool:
        my.left += do.amount_out * do.index(_USDC)
