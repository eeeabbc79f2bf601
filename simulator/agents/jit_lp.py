"""Just-in-time liquidity: minted right before a swap that is known, burnt right after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from simulator.agents.do import part
from simulator.agents.scalar import ScalarAgent
from simulator.model.kernel.kinds import PROVIDE_LIQUIDITY, REMOVE_LIQUIDITY

if TYPE_CHECKING:
    from simulator.agents.plain_do import PlainDo


@dataclass(eq=False)
class JitLp(ScalarAgent):
    """Takes most of the fee of one order, and holds a position within a block only.

    Observes the uninformed order of the block before it is executed, the pool's price and active
    liquidity, its wallet and gas; may provide and remove liquidity right before and right after
    that order. Objective: its part of the order's fee above the gas of both transactions.
    """

    half_width_ticks: int
    minimum_profit_usd: float

    around: ClassVar[str] = "noise_trader"

    @staticmethod
    def act(do: PlainDo, my: JitLp) -> None:  # type: ignore[override]
        """Before the order: mint if that pays."""
        if do.noise_swap != 0.0:
            _mint(do, my)

    @staticmethod
    def act_last(do: PlainDo, my: JitLp) -> None:
        """After it: burn."""
        if do.positions > 0:
            do.withdraw(0)


@part
def expected_fee(do: PlainDo, half_width_ticks: int) -> float:
    """USD of the order's fee that all it has would earn in that range, if it is not left."""
    root, reach = np.sqrt(do.pool_price), 1.0001 ** (0.5 * half_width_ticks)
    of_base = do.wallet_base * root * reach / (reach - 1.0)
    of_usdc = do.wallet_usdc / (root * (1.0 - 1.0 / reach))
    own = min(of_base, of_usdc)
    if own <= 0.0:
        return 0.0
    fee = abs(do.noise_swap) * do.w.tables.pool.fee_ppm * 1e-6
    return fee * own / (own + do.pool_liquidity)


@part
def _mint(do: PlainDo, my: JitLp) -> None:
    gas = do.gas_cost(PROVIDE_LIQUIDITY) + do.gas_cost(REMOVE_LIQUIDITY)
    if expected_fee(do, my.half_width_ticks) > gas + my.minimum_profit_usd:
        low, high = do.tick - my.half_width_ticks, do.tick + my.half_width_ticks
        do.provide(0, low, high, do.wallet_base, do.wallet_usdc)
