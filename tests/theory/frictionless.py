"""A world without frictions: no fee, spread, gas or funding; perps as deep as configurable."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from simulator.agents.base import Agent
from simulator.agents.build import build_agents
from simulator.books.hooks import BOOK
from simulator.config import Config, from_mapping, resolve
from simulator.market.draw import draw
from simulator.market.paths import MarketPaths
from simulator.model.world import ModelWorld
from simulator.types import Floats, Status
from simulator.world.actions import Action, Fill
from simulator.world.base import World
from simulator.world.protocol import Protocol


class Onlooker:
    """Observer that lets no refusal pass: without frictions there is nothing to refuse."""

    def advanced(self, step: int, world: World) -> None:
        """Nothing to note."""

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None:
        """Nothing to note."""

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
        refused = {Status(code).name for code in np.unique(fill.status) if code > Status.OK}
        assert not refused, f"step {step}: {type(action).__name__} refused: {refused}"

    def stepped(self, step: int, world: World) -> None:
        """Nothing to note."""


def whole_liquidity(raw: Floats | float, protocol: Protocol) -> Floats:
    """L in √(whole base · whole USDC)."""
    return np.asarray(raw * 10.0 ** (-_decimals(protocol, 1) / 2))


def whole_price(raw: Floats | float, protocol: Protocol) -> Floats:
    """USDC per whole base token."""
    return np.asarray(raw * 10.0 ** _decimals(protocol, -1))


def _decimals(protocol: Protocol, sign: int) -> int:
    usdc, base = (asset.decimals for asset in protocol.assets[:2])
    return base + sign * usdc


class Position(Onlooker):
    """Observer: what the vault is worth at both ends of a run, and the position it holds."""

    def __init__(self, world: World) -> None:
        self._last = world.market.steps
        self.nav: list[Floats] = []

    def stepped(self, step: int, world: World) -> None:
        """After the vault was set up and hedged, and at the end."""
        if step in (0, self._last):
            state = world.observe()
            self.nav.append(state.nav.copy())
            self.liquidity = whole_liquidity(state.liquidity, world.protocol)
            self.lower = whole_price(1.0001**state.tick_lower, world.protocol)
            self.upper = whole_price(1.0001**state.tick_upper, world.protocol)


AGENTS: dict[str, dict[str, Any]] = {
    "depositor": {"usdc": 1e6, "initial_deposit": 1e6},
    "amm_arbitrageur": {"usdc": 1e9, "base": 1e6},
    "risk_manager": {"estimator": "fixed"},
    "keeper": {"minimum_profit_usd": -1.0},  # works for no reward
    "noise_trader": {
        "usdc": 1e10,
        "base": 5e6,
        "maximum_slippage": 0.05,
    },
}
#: No order in a million is refused for its size.
ORDERS = {"swap_usd_per_hour": 2e8, "dispersion": 0.5, "persistence": 0.0}


@dataclass(frozen=True, eq=False)
class Setting:
    """A protocol, its agents, and the market paths they meet."""

    config: Config
    protocol: Protocol
    market: MarketPaths

    def agents(self) -> list[Agent]:
        """Fresh agents in block order."""
        return build_agents(self.config, self.protocol)

    def world(self, stride: int = 1) -> ModelWorld:
        """A model world on every ``stride``-th point of the paths; the oracle posts every price.

        What noise traders would have traded in between, they trade at the next point, at once.
        """
        index = np.ascontiguousarray(self.market.index[:, ::stride])
        _, points, paths = index.shape
        seconds = self.market.step_seconds * stride
        posted = np.repeat(np.arange(points)[:, None] * float(seconds), paths, axis=1)
        nothing = np.zeros((points, paths))
        market = replace(
            self.market,
            step_seconds=seconds,
            index=index,
            oracle_price=index,
            oracle_time=np.stack([posted] * len(index)),
            gas_usd=nothing,
            pool_depth=nothing + 1.0,
            perp_depth=nothing + 1.0,
            outside_depth=nothing + 1.0,
            noise_swap=_netted(self.market.noise_swap, stride),
            noise_trade=np.stack([_netted(flow, stride) for flow in self.market.noise_trade]),
            deposit_flow=nothing,
        )
        return ModelWorld(self.protocol, market, BOOK)


def _netted(flow: Floats, stride: int) -> Floats:
    """Order flow ``[T + 1, P]`` summed between the points that are kept."""
    between = flow[1:].reshape(-1, stride, flow.shape[1]).sum(axis=1)
    return np.concatenate([flow[:1], between])


def frictionless(
    *,
    seed: int,
    paths: int,
    steps: int,
    step_minutes: int,
    volatility: float,
    background: list[dict[str, float]],
    agents: tuple[str, ...],
) -> Setting:
    """An ETH/USDC pool, and a vault hedged with stETH if there is somebody to deposit.

    stETH is a perfect proxy: another price, the same volatility, correlation 1. ``background``,
    ``volatility`` and ``seed`` as in a configuration; ``agents`` are keys of :data:`AGENTS`.
    """
    config = from_mapping(
        {
            "name": "frictionless",
            "seed": seed,
            "paths": paths,
            "horizon_hours": steps * step_minutes / 60,
            "step_minutes": step_minutes,
            "assets": {
                "USDC": {"price": 1.0, "decimals": 6},
                "ETH": {"price": 2_000.0, "volatility": volatility},
                "stETH": {"price": 1_500.0, "volatility": volatility},
            },
            "correlation": {"pairs": {"ETH/stETH": 1.0}},
            # Every move is a round: fees of zero leave no option on the oracle's lag.
            "oracle": {"deviation": 0.0},
            "pool": {"base": "ETH", "fee_ppm": 100, "background": background},
            "clearing": {
                "liquidation_penalty": 0.0,
                "maker_funds": 1e7,
                "markets": {
                    "stETH": {
                        "skew_scale_usd": 1e13,
                        "max_skew_usd": 1e12,
                        "half_spread": 0.0,
                        "taker_fee": 0.0,
                        "max_funding_velocity": 0.0,
                        "maintenance_rate": 0.005,
                    }
                },
            },
            "vault": {
                "range_half_width_percent": 50.0,
                "lp_allocation": 0.6,
                "margin_allocation": 0.4,
                "hedge_band": 0.0,
                "keeper_reward": 0.0,
                "entry_fee": 0.0,
                "exit_fee": 0.0,
            },
            "flow": {"orders": ORDERS},
            "agents": {"risk_manager": None, **{name: AGENTS[name] for name in agents}},
        }
    )
    protocol = resolve(config)
    # No configuration may ask for a pool without a fee: Uniswap's factory has no such tier.
    protocol = replace(protocol, pool=replace(protocol.pool, fee_ppm=0))
    return Setting(config, protocol, draw(config.market, 0, paths))
