"""Perp arbitrageur: trades mark against index and earns the funding that skew pays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from simulator.agents.crossing import between, is_wide, narrowed
from simulator.agents.do import part
from simulator.agents.scalar import ScalarAgent
from simulator.model.kernel.codes import BELOW_INITIAL_MARGIN
from simulator.model.kernel.kinds import TRADE

if TYPE_CHECKING:
    from simulator.agents.plain_do import PlainDo


@dataclass(eq=False)
class PerpArbitrageur(ScalarAgent):
    """Sells perps trading above the index and buys those below, hedged outside at the index.

    Observes skew, premium pool, index, funding, its account and gas; may trade perps and post
    margin. Its edge is the premium, as far as the pool can pay it, plus the funding it expects over
    ``carry_hours`` at the present rate. Profitable when the edge exceeds spread, fee and
    ``entry_basis`` on average over the fill, beyond gas; holds no more than
    ``maximum_inventory_usd`` per market and tops its margin up to twice the initial requirement.
    """

    entry_basis: float
    carry_hours: float
    maximum_inventory_usd: float
    missed: float = field(default=0.0, init=False)

    @staticmethod
    def act(do: PlainDo, my: PerpArbitrageur) -> None:  # type: ignore[override]
        """Keep the account margined, then push each market's edge back to the entry basis."""
        _post_margin(do)
        for market in range(do.w.tables.count.markets):
            _arbitrage(do, my, market)


@part
def _arbitrage(do: PlainDo, my: PerpArbitrageur, market: int) -> None:
    table = do.w.tables.clearing
    price, scale = do.index(table.asset[market]), do.skew_scale(market)
    rate, _ = do.funding(market)
    carry = rate * (my.carry_hours / 24.0)
    edge = do.skew(market) / scale + carry
    size = _size(do, my, market, edge)
    cost = table.half_spread[market] + table.taker_fee[market]
    moved = abs(do.moved_by(table.asset[market], -size) - 1.0)
    average = abs(edge) - cost - 0.5 * (abs(size) / scale + moved)
    gained = abs(size) * price * average - _unfunded(do, market, size)
    if gained > do.gas_cost(TRADE):
        # Never worse than the index after the fee and the carry.
        fee = (-1.0 if size > 0.0 else 1.0) * table.taker_fee[market]
        if do.trade(market, size, price * (1.0 + fee - carry)) == BELOW_INITIAL_MARGIN:
            my.missed += 1.0


@part
def _size(do: PlainDo, my: PerpArbitrageur, market: int, edge: float) -> float:
    """Size that takes the edge to the entry basis, within the inventory limit."""
    table = do.w.tables.clearing
    cost = table.half_spread[market] + table.taker_fee[market] + my.entry_basis
    excess = np.sign(edge) * max(abs(edge) - cost, 0.0)
    held = do.size(do.account, market)
    most = my.maximum_inventory_usd / do.index(table.asset[market])
    size = min(max(held - excess * do.skew_scale(market), -most), most) - held
    # The limit may ask to shed inventory that no edge pays for: trade only against the edge.
    return _outside(do, market, size, abs(edge) - cost) if size * edge < 0.0 else 0.0


@part
def _outside(do: PlainDo, market: int, size: float, excess: float) -> float:
    """As much of a size as pays where its trade outside moves the index against it.

    ``excess``: what the edge is above its cost. It falls with what is traded, by the skew's price
    and by that of the index, to where nothing is left of it.
    """
    asset, scale = do.w.tables.clearing.asset[market], do.skew_scale(market)
    moved = abs(do.moved_by(asset, -size) - 1.0)
    left = excess - abs(size) / scale - moved
    if moved == 0.0 or left >= 0.0:
        return size
    span = between(0.0, size, excess, left)
    while is_wide(span):
        moved = abs(do.moved_by(asset, -span.place) - 1.0)
        span = narrowed(span, excess - abs(span.place) / scale - moved)
    return span.place


@part
def _post_margin(do: PlainDo) -> None:
    margin = do.margin_of(do.account)
    wanted = 2.0 * do.w.tables.clearing.initial_multiple * margin.maintenance
    amount = min(max(wanted - margin.equity, 0.0), do.wallet_usdc)
    if amount > 0.0:
        do.post_margin(0, amount)


@part
def _unfunded(do: PlainDo, market: int, size: float) -> float:
    """USDC of the premium for taking skew back that the pool does not hold or nobody has paid."""
    skew = abs(do.skew(market))
    taken = min(abs(size), skew) if size * do.skew(market) < 0.0 else 0.0
    rate = 0.5 * do.index(do.w.tables.clearing.asset[market]) / do.skew_scale(market)
    whole = skew * skew
    unpaid = min(do.unpaid_premium(market), whole)
    released = taken * (2.0 * skew - taken)
    paid_for = max(released - unpaid, 0.0)
    part_of_pool = paid_for / max(whole - unpaid, paid_for + 1e-300)
    earned = min(rate * paid_for, do.premium_pool(market) * part_of_pool)
    return rate * released - earned
