"""Keeper: runs the vault's permissionless maintenance for the reward it pays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulator.agents.do import part
from simulator.agents.scalar import ScalarAgent
from simulator.model.kernel.codes import (
    BELOW_INITIAL_MARGIN,
    INSUFFICIENT_LIQUIDITY,
    INVENTORY_LIMIT,
    OK,
    SLIPPAGE,
    STALE_ORACLE,
)
from simulator.model.kernel.kinds import DELEVERAGE, REBALANCE, RECENTER, SETTLE_WITHDRAWALS, TOP_UP
from simulator.types import RECENTER_INTERVAL

if TYPE_CHECKING:
    from simulator.agents.plain_do import PlainDo

# Parts of both legs a settlement of the queue may unwind, tried one after the other while refused:
# what a thin pool cannot take whole it may take in pieces.
_FRACTIONS = (1.0, 0.25, 0.0625)
# After a settlement that could pay nobody (the venue holds margin back for hours after an
# insolvency), how long until it tries again, seconds.
_PATIENCE = 3_600


@dataclass(eq=False)
class Keeper(ScalarAgent):
    """Calls ``recenter``, ``top_up``, ``deleverage`` and ``rebalance`` when their conditions hold.

    Observes the vault at oracle prices and gas; may call the vault's keeper functions. It calls
    when the reward, which the value protected and the vault's idle USDC bound, exceeds gas plus
    ``minimum_profit_usd``: in a gas spike, and when nothing is idle, the vault is on its own. A
    recentring is paid once an hour. Settles the queue too, which pays nothing, while gas costs no
    more than ``settlement_gas_usd``: whoever runs a keeper holds shares as well.
    """

    minimum_profit_usd: float
    settlement_gas_usd: float = 50.0
    # Seconds: when the queue is tried again, when a recentring is paid again.
    settles_from: float = field(default=0.0, init=False)
    recenters_from: float = field(default=0.0, init=False)

    @staticmethod
    def act(do: PlainDo, my: Keeper) -> None:  # type: ignore[override]
        """Range first, then margin, then the hedge, each judged on what the one before left."""
        now = do.due()
        if do.seconds >= my.recenters_from and _pays(do, my, RECENTER, now.recenter):
            if do.recenter() == OK:
                my.recenters_from = do.seconds + RECENTER_INTERVAL
            now = do.due()
        if _pays(do, my, TOP_UP, now.top_up):
            do.top_up()
            now = do.due()
        if _pays(do, my, DELEVERAGE, now.deleverage):
            do.deleverage()
            now = do.due()
        if _pays(do, my, REBALANCE, now.rebalance):
            do.rebalance()
        due = do.queued_shares > 0.0 and do.seconds >= my.settles_from
        if due and do.gas_cost(SETTLE_WITHDRAWALS) <= my.settlement_gas_usd:
            _settle(do, my)


@part
def _pays(do: PlainDo, my: Keeper, kind: int, protected: float) -> bool:
    """Whether a keeper function that protects so much is due, and paid more than it costs."""
    least = do.gas_cost(kind) + my.minimum_profit_usd
    return protected > 0.0 and do.reward(kind, protected) > least


@part
def _settle(do: PlainDo, my: Keeper) -> None:
    """Settle the queue, in pieces while that is refused."""
    for fraction in _FRACTIONS:
        status = do.settle_withdrawals(fraction)
        if status in (INSUFFICIENT_LIQUIDITY, STALE_ORACLE):
            my.settles_from = do.seconds + _PATIENCE
        if status not in (SLIPPAGE, INVENTORY_LIMIT, BELOW_INITIAL_MARGIN):
            return
