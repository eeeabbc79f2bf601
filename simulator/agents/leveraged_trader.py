"""Leveraged trader: a directional position on borrowed money, the fuel of a cascade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.agents.scalar import ScalarAgent
from simulator.config import cohorts
from simulator.types import USDC

if TYPE_CHECKING:
    from simulator.agents.plain_do import PlainDo
    from simulator.config import Config
    from simulator.config.agents import leveraged_trader as sections


@dataclass(eq=False)
class LeveragedTrader(ScalarAgent):
    """Holds ``leverage`` times its margin in one market, on one side, until it is closed for it.

    Observes its own account and the index; may trade. Objective: a bet on the direction. It neither
    adds margin nor reduces: a move of some 1/leverage against it ends in liquidation, and a jump
    beyond that in bad debt, auto-deleveraging and socialised loss. Opened once.
    """

    market: int
    side: float  # 1 long, -1 short
    leverage: float  # notional over margin
    maximum_slippage: float  # worst price accepted, fraction of the index

    @classmethod
    def configured(
        cls, section: sections.LeveragedTrader, config: Config, name: str
    ) -> LeveragedTrader:
        """Of one class are ``leveraged_long`` and ``leveraged_short``, and cohorts of either."""
        market = 0 if section.market is None else config.markets.index(section.market)
        of = cohorts.traders(section, config.assets[USDC].price)
        for kind, side in (("leveraged_long", 1.0), ("leveraged_short", -1.0)):
            for own, one in zip(cohorts.names(kind, section.cohorts), of, strict=True):
                if own == name:
                    return cls(market, side, one.leverage, section.maximum_slippage)
        raise LookupError(name)

    @staticmethod
    def act(do: PlainDo, my: LeveragedTrader) -> None:  # type: ignore[override]
        """Open the position in the first step."""
        if do.step > 0:
            return
        price = do.index(do.w.tables.clearing.asset[my.market])
        equity = do.margin_of(do.account).equity
        size = my.side * my.leverage * max(equity, 0.0) / price
        limit = price * (1.0 + my.side * my.maximum_slippage)
        if size != 0.0:
            do.trade(my.market, size, limit)
