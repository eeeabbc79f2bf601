"""Leg arbitrageur: keeps the pools in which borrowed hedge assets are sold at the index."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulator.agents.amm_arbitrageur import Pool, bring_to_index
from simulator.agents.scalar import ScalarAgent

if TYPE_CHECKING:
    from simulator.agents.plain_do import PlainDo


@dataclass(eq=False)
class LegArbitrageur(ScalarAgent):
    """The AMM arbitrageur of the other pools: one for each hedge asset on Aave.

    Observes their spot prices, the index and gas; may swap there. Profitable when the value taken,
    marked at the index, exceeds gas plus ``minimum_profit_usd``.
    """

    minimum_profit_usd: float
    missed: float = field(default=0.0, init=False)

    @staticmethod
    def act(do: PlainDo, my: LegArbitrageur) -> None:  # type: ignore[override]
        """Leg by leg, to the edge of the no-arbitrage band where that pays."""
        table = do.w.tables.aave
        for leg in range(do.w.tables.count.legs):
            asset, fee_ppm = table.asset[leg + 1], table.pools[leg].fee_ppm
            pool = Pool(leg, asset, fee_ppm, do.leg_price(leg), do.leg_liquidity(leg))
            my.missed += bring_to_index(do, pool, my.minimum_profit_usd)
