"""A vault that is not ours: its own range, hedged with one perp (docs/own-strategies.md)."""

from dataclasses import dataclass

import numpy as np

from simulator.agents.do import part
from simulator.agents.scalar import ScalarAgent
from simulator.world.protocol import AgentSlot


@dataclass(eq=False)
class HedgedLp(ScalarAgent):
    """Provides liquidity around the price and shorts a perp against its delta.

    It recentres when the price leaves its range, hedges anew when the hedge is off by ``band`` of
    what it has, and moves USDC to its account when that is thin.
    """

    half_width: float = 0.1  # of its range, fraction of the price
    ratio: float = 1.0  # USD short per USD of delta
    market: int = 0  # the perp
    band: float = 0.02  # of what it has
    thin: float = 2.0  # equity over maintenance below which margin is posted

    slot = AgentSlot(
        "hedged_lp", usdc=1_500_000.0, base=0.0, has_account=True, margin=(500_000.0,), positions=1
    )

    @staticmethod
    def act(do, my):
        """Look after the range, the margin and the hedge, in this order."""
        place(do, my)
        margin = do.margin_of(do.account)
        if margin.equity < my.thin * margin.maintenance and do.wallet_usdc > 0.0:
            do.post_margin(0, min(do.wallet_usdc, my.thin * margin.maintenance))
        hedge(do, my)


@part
def place(do, my):
    """Keep what it has in a range around the price, and a tenth beside it for margin calls."""
    if do.positions > 0:
        held = do.position(0)
        if held.lower <= do.tick < held.upper:
            return
        do.withdraw(0)
    price = do.pool_price
    spare = 0.9 * (do.wallet_usdc + do.wallet_base * price)
    missing = 0.5 * spare / price - do.wallet_base
    if missing > 0.0:
        do.swap(-missing * price)
    else:
        do.swap(-missing)
    ticks = np.log(1.0 + my.half_width) / np.log(1.0001)
    # As much USDC as the base takes; a hundredth of that stays, so that the wallet is never dust.
    do.provide(0, do.tick - ticks, do.tick + ticks, 0.99 * do.wallet_base, 0.6 * spare)


@part
def hedge(do, my):
    """Short as many dollars of the perp as the base asset makes the strategy long, by its ratio."""
    base = do.wallet_base
    if do.positions > 0:
        held = do.position(0)
        base += held.base + held.fees_base
    asset = do.w.tables.clearing.asset[my.market]
    price = do.index(asset)
    missing = -my.ratio * base * do.index(1) / price - do.size(do.account, my.market)
    if abs(missing) * price > my.band * do.worth():
        do.trade(my.market, missing, price * (1.0 + 0.02 * np.sign(missing)))
