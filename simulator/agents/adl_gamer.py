"""ADL gamer: a winner who is not there when somebody opposite goes bankrupt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulator.agents.do import part
from simulator.agents.gains import count, spend
from simulator.agents.scalar import ScalarAgent
from simulator.model.kernel.codes import OK
from simulator.model.kernel.kinds import TRADE

if TYPE_CHECKING:
    from simulator.agents.plain_do import PlainDo


@dataclass(eq=False)
class AdlGamer(ScalarAgent):
    """Holds a position in the first market, and moves before the liquidator does.

    Opens ``position_usd`` as soon as it can. Where it gains, and somebody on the other side has
    equity below ``flees_below`` times maintenance margin, it closes before the liquidator's turn,
    so that it has no rank; after everybody's turn, once nobody there is failing, it opens again,
    its rank that of a newcomer. What that pays is what auto-deleveraging would have taken, what it
    costs two spreads and fees and what prices do meanwhile; it shows in a run with it against one
    where ``flees_below`` is 0, which never moves.
    """

    position_usd: float
    flees_below: float
    moves: float = field(default=0.0, init=False)
    entered: float = field(default=0.0, init=False)  # USD of a unit, as it opened
    begun: bool = field(default=False, init=False)
    began_usdc: float = field(default=0.0, init=False)
    began_base: float = field(default=0.0, init=False)
    spent: float = field(default=0.0, init=False)  # on gas and fees of loans, USD
    profit: float = field(default=0.0, init=False)  # USD

    @staticmethod
    def act(do: PlainDo, my: AdlGamer) -> None:  # type: ignore[override]
        """Close before somebody opposite is liquidated."""
        if not my.begun:
            count(do, my, 0.0)
        size = do.size(do.account, 0)
        if size == 0.0 or my.flees_below == 0.0:
            return
        price = do.oracle(do.w.tables.clearing.asset[0])
        if size * (price - my.entered) > 0.0 and _is_failing(do, my, size):
            spend(do, my, TRADE)
            if do.trade(0, -size, 0.0 if size > 0.0 else 2.0 * price) == OK:
                my.moves += 1.0

    @staticmethod
    def act_last(do: PlainDo, my: AdlGamer) -> None:
        """Open, or open again."""
        wanted = my.position_usd
        out = do.size(do.account, 0) == 0.0 and wanted != 0.0
        if out and not (my.flees_below > 0.0 and _is_failing(do, my, wanted)):
            price = do.oracle(do.w.tables.clearing.asset[0])
            limit = 2.0 * price if my.position_usd > 0.0 else 0.0
            spend(do, my, TRADE)
            if do.trade(0, my.position_usd / price, limit) == OK:
                my.entered = price
        count(do, my, 0.0)


@part
def _is_failing(do: PlainDo, my: AdlGamer, size: float) -> bool:
    """Whether somebody on the other side of the first market is about to be liquidated."""
    for account in range(do.w.tables.count.accounts):
        if do.size(account, 0) * size < 0.0:
            margin = do.margin_of(account)
            if margin.equity < my.flees_below * margin.maintenance:
                return True
    return False
