"""The product on few dynamics, against :mod:`simulator.bench.fused`, which knows no others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulator.bench.fused import PATH, Moments, Ranges, Terms, fused
from simulator.bench.row import Row, spent

if TYPE_CHECKING:
    from simulator.config import Config
    from simulator.market.paths import MarketPaths
    from simulator.runner.worlds import Ran
    from simulator.types import Floats

PATHS, REPEATS = 400, 5
#: What :func:`ratio` was when it was measured last, and the part of it that it may fall to.
COMMITTED, MEASURED_ON, LEAST_PART = 0.080, "2026-11-30", 2 / 3
_HEDGE = "BTC"
#: What the scenario is left with, section by section; ranges and margin that nothing gets out of.
_VAULT = {
    "range_half_width_percent": 150.0,
    "recenter_threshold": 1.0,
    "top_up_ratio": 1.3,
    "deleverage_ratio": 1.2,
    "keeper_reward": 0.0,
}
_AGENTS: dict[str, Any] = {
    "depositor": {"usdc": 1e7, "initial_deposit": 2e6},
    "amm_arbitrageur": {"usdc": 2e8, "base": 1e5},
    "risk_manager": {"estimator": "fixed"},
    "keeper": {"minimum_profit_usd": -1e9},  # it calls whatever is due
}


class Outcome(NamedTuple):
    """Where paths end, ``[P]`` each."""

    nav: Floats  # USD at the oracle's prices
    sqrt_price: Floats  # of the pool, raw
    size: Floats  # of the hedge, base units
    margin_ratio: Floats  # the lowest there was


def config_of(paths: int) -> Config:
    """A quiet month of one position, an arbitrageur, and one hedge that a keeper trades."""
    from simulator.config import from_mapping, load

    data = load("calm").model_dump()
    data |= {"name": "reduced", "paths": paths, "flow": {}, "agents": _AGENTS}
    data["assets"] = {name: data["assets"][name] for name in ("USDC", "ETH", _HEDGE)}
    data["correlation"] = {"default": 0.6, "pairs": {f"ETH/{_HEDGE}": 0.85}}
    data["clearing"]["markets"] = {_HEDGE: data["clearing"]["markets"][_HEDGE]}
    data["vault"] |= _VAULT
    return from_mapping(data)


def product(config: Config, market: MarketPaths) -> Ran:
    """The product on the market's paths."""
    from simulator.runner import Plan
    from simulator.runner.worlds import ran

    return ran(Plan(config, "model", (), 0), market, 0, None)


def outcome(ran: Ran) -> Outcome:
    """Where the product leaves its paths."""
    ended = ran.ended(np.ones(ran.market.paths))
    account = _account(ran)
    states = ran.paths.states
    return Outcome(
        ended.state.nav.copy(),
        states["pool"]["sqrt_price"].copy(),
        states["clearing"]["size"][:, account, 0].copy(),
        ran.paths.books["margin"]["lowest"].copy(),
    )


def _account(ran: Ran) -> int:
    """The vault's margin account."""
    vault = ran.tables.record[0]["vault"]
    return int(vault["account"][vault["sub_of"][0]])


class Reduced:
    """The fused kernel on a market, from where the product stands once its vault has opened."""

    def __init__(self, config: Config, market: MarketPaths) -> None:
        self.opened = product(config, _opening(market))
        self.terms = _terms(self.opened)
        self.moments = _moments(market, self.opened)
        self.ranges = _ranges(self.opened)
        self._begun = _states(self.opened)

    def run(self) -> Outcome:
        """Where its paths end."""
        paths = self._begun.copy()
        nav = fused(self.terms, self.moments, self.ranges, paths)
        return Outcome(nav, paths["root"], paths["size"], paths["lowest"])


def _opening(market: MarketPaths) -> MarketPaths:
    """The market's paths at the first step alone."""
    from simulator.market.paths import SINGLE, STACKED

    arrays = {name: getattr(market, name)[:, :1] for name in STACKED}
    arrays |= {name: getattr(market, name)[:1] for name in SINGLE}
    return replace(market, key="", **arrays)


def _terms(ran: Ran) -> Terms:
    from simulator.model.kernel.kinds import SWAP

    tables = ran.tables.record[0]
    clearing, vault = tables["clearing"], tables["vault"]
    return Terms(
        step_seconds=float(ran.market.step_seconds),
        base_unit=float(vault["base_unit"]),
        usdc_unit=float(vault["usdc_unit"]),
        fee=float(tables["pool"]["fee_ppm"]) * 1e-6,
        swap_gas=float(tables["gas"][SWAP]),
        skew_scale=float(ran.paths.states["clearing"]["skew_scale"][0, 0]),
        max_skew=float(clearing["max_skew"][0]),
        half_spread=float(clearing["half_spread"][0]),
        taker_fee=float(clearing["taker_fee"][0]),
        funding_velocity=float(clearing["max_funding_velocity"][0]),
        maintenance_rate=float(clearing["maintenance_rate"][0]),
        gross_floor=float(clearing["gross_floor"]),
        initial_multiple=float(clearing["initial_multiple"]),
        profit_cap=float(clearing["profit_cap"]),
        haircut=float(clearing["haircut"][0]),
        beta=float(ran.paths.states["vault"]["betas"][0, 0]),
        band=float(vault["hedge_band"]),
        max_slippage=float(vault["max_slippage"]),
        deleverage_ratio=float(vault["deleverage_ratio"]),
    )


def _moments(market: MarketPaths, ran: Ran) -> Moments:
    hedge = int(ran.tables.record[0]["clearing"]["asset"][0])
    return Moments(
        market.index[0],
        market.index[1],
        market.oracle_price[0],
        market.oracle_price[1],
        market.oracle_price[hedge],
        market.gas_usd,
    )


def _ranges(ran: Ran) -> Ranges:
    """The background's ticks and the vault's own two, path by path in one order."""
    table, position = ran.tables.record[0]["pool"], ran.paths.states["position"]
    ticks = int(table["tick_count"])
    low, high = position["sqrt_lower"], position["sqrt_upper"]
    background = np.broadcast_to(table["sqrt_prices"][..., :ticks], (low.size, ticks))
    edges = np.sort(np.column_stack([background, low, high]), axis=1)
    # Between two edges lies one stretch of the background's, and all or nothing of the vault's.
    inner = np.column_stack([np.zeros(low.size), edges])
    place = np.sum(background[:, None, :] <= inner[:, :, None], axis=2)
    profile = np.take_along_axis(ran.paths.states["pool"]["profile"], place, axis=1)
    inside = (inner >= low[:, None]) & (inner < high[:, None])
    own = np.where(inside, position["liquidity"][:, None], 0.0)
    return Ranges(edges, profile + own, own, low.copy(), high.copy(), position["liquidity"].copy())


def _states(ran: Ran) -> Any:
    """The opened vault and who trades with its pool, :data:`PATH` each."""
    states = ran.paths.states
    pool, position, vault, clearing = (
        states[name] for name in ("pool", "position", "vault", "clearing")
    )
    account = _account(ran)
    trader = next(a for a, who in enumerate(ran.protocol.agents) if who.kind == "amm_arbitrageur")
    token = states["wallet"]["token"][:, trader]
    edges = _ranges(ran).edges
    found = {
        "root": pool["sqrt_price"],
        "segment": np.sum(edges <= pool["sqrt_price"][:, None], axis=1),
        "fees_base": position["fees0"],
        "fees_usdc": position["fees1"],
        "their_base": token[:, 1],
        "their_usdc": token[:, 0],
        "idle_base": vault["idle_base"],
        "idle_usdc": vault["idle_usdc"],
        "cash": clearing["cash"][:, account],
        "size": clearing["size"][:, account, 0],
        "cost": clearing["cost"][:, account, 0],
        "rate": clearing["funding_rate"][:, 0],
        "index": clearing["funding_index"][:, 0],
        "since": clearing["funding_time"][:, 0],
        "entry": clearing["funding_entry"][:, account, 0],
        "premium": clearing["premium_pool"][:, 0],
        "lowest": ran.paths.books["margin"]["lowest"],
    }
    opened = np.zeros(len(states), PATH)
    for name in PATH.names or ():
        opened[name] = found[name]
    return opened


def ratio(repeats: int = REPEATS) -> float:
    """Speed of the product over that of the fused kernel: each at its best of a few turns.

    CPU time of this process, the two in turns, so that a neighbour's load tips nothing.
    """
    from simulator.market.draw import draw

    config = config_of(PATHS)
    market = draw(config.market, 0, PATHS)
    reduced = Reduced(config, market)  # compiles the product
    reduced.run()  # and the kernel
    product(config, market)
    turns = [(spent(lambda: product(config, market)), spent(reduced.run)) for _ in range(repeats)]
    whole, by_hand = (min(times) for times in zip(*turns, strict=True))
    return by_hand / whole


def keeps_up(found: float) -> bool:
    """Whether the product is not much slower, beside the fused kernel, than it was."""
    return found >= LEAST_PART * COMMITTED


def rows() -> list[Row]:
    """The one ratio."""
    return [
        Row(
            "fused_ratio",
            ratio(),
            "×",
            ">= 0.25",
            f"speed of the model with its books over that of a kernel fused by hand for one "
            f"position, one hedge, an arbitrageur and a keeper ({PATHS} paths × "
            f"{config_of(PATHS).steps} steps, one core's own time)",
        )
    ]
