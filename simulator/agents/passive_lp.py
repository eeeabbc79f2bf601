"""Another liquidity provider: a range of its own, left when that hurts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.agents.do import part
from simulator.agents.scalar import ScalarAgent

if TYPE_CHECKING:
    from simulator.agents.plain_do import PlainDo
    from simulator.config import Config
    from simulator.config.agents import passive_lp as sections

_HOUR, _DAY = 3600.0, 86_400.0
_LOG_TICK = np.log(1.0001)
# Of what it has, more than which it swaps before it mints: less costs more than it brings.
_UNBALANCED = 0.02


@dataclass(eq=False)
class PassiveLp(ScalarAgent):
    """Provides all it has between two prices around the spot, unhedged.

    Observes the pool's price, the index, its position and its wallet; may swap, provide and remove
    liquidity. It withdraws when its impermanent loss, the volatility of the index or the price has
    left its limits (out of its range, that is), stays away for a while and comes back, around the
    price of then, when the volatility is below its limit. Objective: fees without being the one
    who holds what falls.
    """

    half_width: float  # fraction of the price
    maximum_loss: float  # fraction of having held
    maximum_volatility: float  # per √day
    memory: float  # seconds over which the volatility is measured
    away: float  # seconds
    base: float = 0.0  # put into the position
    usdc: float = 0.0
    until: float = 0.0  # stays away, seconds since the start
    variance: float = 0.0  # per day
    before: float = 0.0  # index of the step before, USD; 0: none
    asked_at: float = 0.0  # seconds

    @classmethod
    def configured(cls, section: sections.PassiveLp, config: Config, name: str) -> PassiveLp:
        """Hours are seconds here."""
        return cls(
            section.half_width,
            section.maximum_loss,
            section.maximum_volatility,
            section.volatility_hours * _HOUR,
            section.away_hours * _HOUR,
        )

    @staticmethod
    def act(do: PlainDo, my: PassiveLp) -> None:  # type: ignore[override]
        """Measure, leave if it hurts, come back if it does not."""
        _measure(do, my)
        calm = my.variance <= my.maximum_volatility**2
        if do.positions > 0:
            if not calm or _hurts(do, my):
                do.withdraw(0)
                my.until = do.seconds + my.away
        elif calm and do.seconds >= my.until:
            _enter(do, my)


@part
def _measure(do: PlainDo, my: PassiveLp) -> None:
    """Exponentially weighted variance of the index a day, zero at the start."""
    price, passed = do.index(1), do.seconds - my.asked_at
    if my.before > 0.0 and passed > 0.0:
        weight = 1.0 - np.exp(-passed / my.memory)
        a_day = np.log(price / my.before) ** 2 * _DAY / passed
        my.variance += weight * (a_day - my.variance)
    my.before, my.asked_at = price, do.seconds


@part
def _hurts(do: PlainDo, my: PassiveLp) -> bool:
    """Whether the price is out of the range, or too much was lost against having held."""
    held, price = do.position(0), do.pool_price
    if not held.lower <= do.tick < held.upper:
        return True
    kept = my.base * price + my.usdc
    return held.base * price + held.usdc < (1.0 - my.maximum_loss) * kept


@part
def _enter(do: PlainDo, my: PassiveLp) -> None:
    """Swap to the range's proportions, and mint around the price."""
    price = do.pool_price
    root, reach = np.sqrt(price), np.sqrt(1.0 + my.half_width)
    base_part = (1.0 - 1.0 / reach) * root  # USDC worth of the base tokens of one unit of L
    usdc_part = root - root / reach
    wealth = do.wallet_base * price + do.wallet_usdc
    surplus = do.wallet_base * price - wealth * base_part / (base_part + usdc_part)
    if surplus > _UNBALANCED * wealth:
        do.swap(min(surplus / price, do.wallet_base))
    elif -surplus > _UNBALANCED * wealth:
        do.swap(-min(-surplus, do.wallet_usdc))
    ticks = np.log(1.0 + my.half_width) / _LOG_TICK
    do.provide(0, do.tick - ticks, do.tick + ticks, do.wallet_base, do.wallet_usdc)
    my.base, my.usdc = do.amount_in, do.amount_out
