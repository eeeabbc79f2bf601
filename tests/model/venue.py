"""A ClearingHouse with several traders, prices given step by step: the stage of the margin tests.

Fees, funding and spread are zero unless asked for and the skew scale is so large that nobody moves
a price: what is left can be worked out by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from simulator.chain.world import ChainWorld
from simulator.model.world import ModelWorld
from simulator.types import Status
from simulator.world import actions as act
from simulator.world.actions import Fill
from simulator.world.protocol import FACTOR_SCALE, AgentSlot, Protocol
from tests.model import campaign

ETH, BTC = 0, 1
# Accounts: the vault's cross account and its two isolated ones come first.
FIRST = 3
YES = np.array([True])

# Daily volatilities 4 % and 3 %, correlation 0.6; USDC 0.1 %.
DAILY = ((0.001, 0.0, 0.0), (0.0, 0.04, 0.0), (0.0, 0.018, 0.024))
COVARIANCE = np.array(DAILY) @ np.array(DAILY).T
# The same without risk in USDC: what a liquidation pays leaves the other exposures alone.
STILL = ((0.0, 0.0, 0.0), *DAILY[1:])
PLAIN: dict[str, Any] = {
    "skew_scale": 1e30,
    "half_spread": 0.0,
    "taker_fee": 0.0,
    "max_funding_velocity": 0.0,
    "max_skew": 1e6,
    "maintenance_rate": 0.05,
    "max_open_interest": 1e6,
    "insurance_cap": 1e9,
    "maker_loss_cap": 1e9,
}


def factor_of(rows: tuple[tuple[float, ...], ...]) -> tuple[tuple[int, ...], ...]:
    """Daily standard deviations as the factor the venue is given."""
    return tuple(tuple(round(x * FACTOR_SCALE) for x in row) + (0,) * 5 for row in rows)


def protocol(
    *traders: tuple[float, float], market: dict[str, Any] | None = None, **terms: Any
) -> Protocol:
    """Traders with so much (USDC, ETH) of margin; ``market`` and ``terms`` replace the plain ones.

    ``risk_multiple`` among the terms makes it portfolio margin.
    """
    base = campaign.PROTOCOL
    markets = tuple(replace(m, **{**PLAIN, **(market or {})}) for m in base.clearing.markets)
    collaterals = (
        replace(base.clearing.collaterals[0], haircut=0.0),
        replace(base.clearing.collaterals[1], haircut=0.2),
    )
    plain: dict[str, Any] = {
        "initial_multiple": 1.5,
        "liquidation_penalty": 0.01,
        "insurance_funds": 0.0,
        "covariance_factor": factor_of(DAILY) if terms.get("risk_multiple") else (),
    }
    clearing = replace(
        base.clearing,
        markets=markets,
        collaterals=collaterals,
        **{**plain, **terms},
    )
    agents = tuple(
        AgentSlot(f"trader{number}", 1e6, 100.0, has_account=True, margin=margin)
        for number, margin in enumerate(traders)
    )
    return replace(base, clearing=clearing, agents=agents)


class Venue:
    """One path of the protocol; traders and accounts by number."""

    def __init__(
        self,
        terms: Protocol,
        *,
        eth: Sequence[float] = (2000.0,) * 3,
        btc: float | Sequence[float] = 30_000.0,
        usdc: float = 1.0,
        kind: type[ModelWorld | ChainWorld] = ModelWorld,
    ) -> None:
        market = campaign.calm_market(1, len(eth) - 1)
        price = market.oracle_price.copy()
        price[0], price[1, :, 0], price[2, :, 0] = usdc, eth, btc
        self.world = kind(terms, replace(market, oracle_price=price))
        self.world.advance(0)

    @property
    def model(self) -> ModelWorld:
        """The world, of a stage of the model's."""
        assert isinstance(self.world, ModelWorld)
        return self.world

    def trade(self, trader: int, market: int, size: float) -> Status:
        bound = np.array([1e12 if size > 0.0 else 0.0])
        return self._status(act.Trade(trader, market, np.array([size]), bound))

    def withdraw(self, trader: int, usdc: float) -> Status:
        return self._status(act.PostMargin(trader, 0, np.array([-usdc])))

    def liquidate(self, liquidator: int, trader: int, market: int) -> Fill:
        return self.world.execute(act.Liquidate(liquidator, FIRST + trader, market, YES))

    def seize(self, liquidator: int, trader: int, eth: float) -> Fill:
        action = act.LiquidateCollateral(liquidator, FIRST + trader, 1, np.array([eth]))
        return self.world.execute(action)

    def _status(self, action: act.Action) -> Status:
        return Status(int(self.world.execute(action).status[0]))

    def of(self, name: str, trader: int, market: int | None = None) -> float:
        """A field of an account, or of its position."""
        field = getattr(self.world.observe(), name)[FIRST + trader]
        return float(field[0] if market is None else field[market, 0])

    def common(self, name: str, market: int | None = None) -> float:
        """A field of the venue, or of a market."""
        field = getattr(self.world.observe(), name)
        return float(field[0] if market is None else field[market, 0])

    def usdc(self) -> float:
        """All USDC the venue accounts for."""
        seen = self.world.observe()
        pools = seen.premium_pool.sum()
        return float(seen.cash.sum() + seen.maker_cash.sum() + pools + seen.insurance_fund[0])
