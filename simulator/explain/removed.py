"""How each friction is removed: from market paths, or from the protocol and its agents."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.agents.breakdown_monitor import BreakdownMonitor
from simulator.agents.build import add_agents
from simulator.agents.depositor import Depositor
from simulator.agents.keeper import Keeper
from simulator.agents.leveraged_trader import LeveragedTrader
from simulator.agents.risk_manager import RiskManager
from simulator.config.resolve import initial_betas
from simulator.explain.foresight import Betas, Posts, betas_of
from simulator.market.draw import calm_flow, post_rounds
from simulator.world.protocol import AgentSlot, CollateralParameters

if TYPE_CHECKING:
    from simulator.agents.base import Agent
    from simulator.config import Config
    from simulator.explain.scene import Scene
    from simulator.market.paths import MarketPaths
    from simulator.types import Floats
    from simulator.world.protocol import MarketParameters

#: Times as deep as it was; the premium of a trade is then below a millionth of it.
_DEEP = 1e6
#: USDC: no debt in a run comes near, and float64 still knows every raw unit of it.
_ENDLESS = 1e9
#: Seconds: a heartbeat shorter than any step.
_AT_ONCE = 1.0
#: Raw units: a cap that caps nothing.
_UNCAPPED = 10**18
#: Those that act for the vault.
_OURS = ("keeper", "risk_manager", "breakdown_monitor")


# ------------------------------------------------------------------------------ hedge and its betas


def own_asset(config: Config, market: MarketPaths) -> MarketPaths:
    """Every hedge asset moves as the pool's base asset does, each from its own first price.

    Their oracle rounds follow by the feeds' own rules, faults included; so does what they are as
    collateral. Gas prices stay as they were drawn.
    """
    base = config.pool.base
    index, price, time = (
        array.copy() for array in (market.index, market.oracle_price, market.oracle_time)
    )
    row = market.assets.index(base)
    moved = market.index[row] / market.index[row, 0]
    for symbol in config.markets:
        if symbol == base:
            continue
        at = market.assets.index(symbol)
        index[at] = market.index[at, 0] * moved
        post_rounds(config.market, symbol, index[at], price[at], time[at])
    return replace(market, key="", index=index, oracle_price=price, oracle_time=time)


def one_for_one(scene: Scene) -> Scene:
    """Hedge ratios that sum to one, but for what the posted ones are off those to come.

    The error of the betas is not the proxy's: what the hedge would have covered too much or too
    little had its assets moved with the base asset alone, it covers so here
    (:meth:`~simulator.explain.foresight.Betas.covered`). In the proportions of the first ratios.
    """
    found = _ratios(scene)
    if found is None:
        return scene
    parts = _parts(scene)
    return _posting(scene, {step: parts * part for step, part in found.covered().items()})


def _parts(scene: Scene) -> Floats:
    """What each market is of a hedge that is perfect in all of them, ``[markets, 1]``."""
    first = np.array(initial_betas(scene.config))
    parts = first if np.all(first >= 0.0) and first.sum() > 0.0 else np.ones(len(first))
    return np.asarray((parts / parts.sum())[:, None])


def foreseen(scene: Scene) -> Scene:
    """Posted betas are those of the window to come, however far from the ones before.

    Where the proxy is perfect they sum to one.
    """
    found = _ratios(scene)
    if found is None:
        return scene
    if not any(isinstance(agent, Posts) for agent in scene.agents):
        return _posting(scene, found.foreseen)
    return _posting(scene, {0: np.repeat(_parts(scene), scene.market.paths, axis=1)})


def _ratios(scene: Scene) -> Betas | None:
    """Hedge ratios of the market as it was drawn; None where nobody posts any."""
    section = scene.config.agents.risk_manager
    managers = [one.past if isinstance(one, Posts) else one for one in scene.agents]
    manager = next((one for one in managers if isinstance(one, RiskManager)), None)
    if section is None or manager is None:
        return None
    per_hour = 60 / scene.config.step_minutes
    window = max(2, round(section.window_hours * per_hour))
    every = max(1, round(section.every_hours * per_hour))
    return betas_of(scene.drawn, scene.protocol, manager, window, every)


def _posting(scene: Scene, betas: dict[int, Floats]) -> Scene:
    """These betas are posted, by step, without limits on their change, and nobody posts others."""

    def posts(agent: Agent) -> Agent:
        if isinstance(agent, RiskManager | Posts):
            past = agent.past if isinstance(agent, Posts) else agent
            return _in_place_of(agent, Posts(betas, past))
        if isinstance(agent, BreakdownMonitor):
            return _but(agent, beta_multiple=None)
        return agent

    for schedule in betas.values():  # what is borrowed and sold can only be short
        lent = list(scene.protocol.leg_of)
        schedule[lent] = np.maximum(schedule[lent], 0.0)
    most = max(scene.protocol.vault.beta_max, *(float(np.abs(b).max()) for b in betas.values()))
    scene = replace(scene, agents=tuple(map(posts, scene.agents)))
    return scene.vault(beta_max=most, beta_interval=0, beta_max_change=math.inf)


# --------------------------------------------------------------------------- trading and its prices


def every_step(scene: Scene) -> Scene:
    """No band around the hedge, and what is decided for the vault is done at once."""

    def prompt(slot: AgentSlot) -> AgentSlot:
        return replace(slot, latency_blocks=0) if slot.kind in _OURS else slot

    return scene.vault(hedge_band=0.0).slots(prompt)


def full_depth(config: Config, market: MarketPaths) -> MarketPaths:
    """Depth is what it is at the start, everywhere."""
    one = np.ones_like(market.pool_depth)
    return replace(market, key="", pool_depth=one, perp_depth=one, outside_depth=one)


def no_slippage(scene: Scene) -> Scene:
    """Perps of any size at the oracle's price: no spread, fee, premium or limit."""

    def deep(market: MarketParameters) -> MarketParameters:
        return replace(
            market,
            skew_scale=market.skew_scale * _DEEP,
            max_skew=market.max_skew * _DEEP,
            max_open_interest=market.max_open_interest * _DEEP,
            half_spread=0.0,
            taker_fee=0.0,
        )

    clearing = scene.protocol.clearing
    markets = tuple(map(deep, clearing.markets))
    funds = max(clearing.maker_funds, _ENDLESS)  # what stands behind the sizes
    scene = _with_room(scene, funds - clearing.maker_funds)
    return _unlagged(scene.clearing(markets=markets, maker_funds=funds))


def _outside(scene: Scene, **changes: Any) -> Scene:
    """The market outside with other terms, where flows move prices at all."""
    impact = scene.protocol.impact
    if impact is None:
        return scene
    return replace(scene, protocol=replace(scene.protocol, impact=replace(impact, **changes)))


def _with_room(scene: Scene, usdc: float) -> Scene:
    """The venue's own USDC, so much more of it, takes nobody's room under the cap of collateral."""
    first, *others = scene.protocol.clearing.collaterals
    return scene.clearing(collaterals=(replace(first, cap=first.cap + usdc), *others))


def fresh_rounds(config: Config, market: MarketPaths) -> MarketPaths:
    """A round at every step, of the price of that step."""
    points, paths = market.gas_usd.shape
    now = np.arange(points, dtype=np.float64) * market.step_seconds
    time = np.broadcast_to(now[:, None], (len(market.assets), points, paths))
    return replace(market, key="", oracle_price=market.index, oracle_time=time)


def _unlagged(scene: Scene) -> Scene:
    """No spread is charged for the feeds' lag (contracts/SPEC.md §3.3)."""
    feeds = tuple(replace(feed, deviation=0.0) for feed in scene.protocol.feeds)
    return replace(scene, protocol=replace(scene.protocol, feeds=feeds))


def fresh_oracle(scene: Scene) -> Scene:
    """The same; and where flows move prices, rounds of the moved ones at every step."""
    assets = len(scene.protocol.assets)
    return _outside(_unlagged(scene), heartbeat=(_AT_ONCE,) * assets, lag=(0,) * assets, special=())


# ----------------------------------------------------------------------------- margin and the venue


def backed_by_all(scene: Scene) -> Scene:
    """One account for every hedge, all of the liquidity behind it, and the hedge never shrunk.

    What is left of the limit is that of a vault which is nearly worth nothing itself.
    """
    clearing = scene.protocol.clearing
    listed = clearing.collaterals
    if not any(one.asset == 1 for one in listed):  # what backs an account is listed
        listed = (*listed, CollateralParameters(asset=1, haircut=0.0, cap=1e12))
    scene = scene.clearing(
        collaterals=listed,
        risk_multiple=0.0,
        covariance_factor=(),
        lp_haircut=0.0,
        lp_cap=_UNCAPPED,
    ).vault(isolated=False, pledged=True, deleverage_ratio=0.0)
    if scene.protocol.aave is None:
        return scene
    aave = replace(scene.protocol.aave, ltv=0.98, liquidation_threshold=0.99)
    return replace(scene, protocol=replace(scene.protocol, aave=aave))


def endless_insurance(scene: Scene) -> Scene:
    """The insurance fund pays every debt, of every market."""
    clearing = scene.protocol.clearing
    funds = max(clearing.insurance_funds, _ENDLESS)
    markets = tuple(replace(market, insurance_cap=funds) for market in clearing.markets)
    scene = _with_room(scene, funds - clearing.insurance_funds)
    return scene.clearing(markets=markets, insurance_funds=funds)


def insurance_used(scene: Scene, outcome: Any) -> Any:
    """On which paths the insurance fund was asked at all, so that a larger one could differ."""
    clearing = scene.protocol.clearing
    funds = [clearing.insurance_funds, *(market.insurance_cap for market in clearing.markets)]
    if min(funds) <= 0.0:  # what it was asked for left no trace
        return np.ones(len(outcome), np.bool_)
    return outcome["bad_debt"] > 0.0


def devoted_keeper(scene: Scene) -> Scene:
    """A keeper who calls whatever is due, whatever gas costs, and whom the vault pays nothing.

    Gas of everybody else is as it was. Where no keeper was, there is one, who acts last. Nobody who
    acts for the vault is down.
    """

    def devoted(agent: Agent) -> Agent:
        if isinstance(agent, Keeper):
            return _but(agent, minimum_profit_usd=-math.inf, settlement_gas_usd=math.inf)
        return agent

    agents = tuple(map(devoted, scene.agents))
    up = tuple(outage for outage in scene.protocol.outages if outage[0] not in _OURS)
    paid = tuple(one for one in scene.protocol.congestions if one.agent not in _OURS)
    protocol = replace(scene.protocol, outages=up, congestions=paid)
    if not any(isinstance(agent, Keeper) for agent in agents):
        keeper = Keeper(minimum_profit_usd=-math.inf, settlement_gas_usd=math.inf)
        keeper.slot = AgentSlot("keeper", usdc=0.0, base=0.0, has_account=False)
        protocol, found = add_agents(protocol, list(agents), [keeper])
        agents = tuple(found)
    return replace(scene, protocol=protocol, agents=agents).vault(keeper_reward=0.0)


# ------------------------------------------------------------------------------------------- people


def no_run(config: Config, market: MarketPaths) -> MarketPaths:
    """Depositors come and go as they would have without the withdrawal runs."""
    flow = calm_flow(config.market, market.first_path, market.paths)
    return replace(market, key="", deposit_flow=flow)


def nobody_looks(scene: Scene) -> Scene:
    """Depositors hold on whatever a share has lost."""

    def calm(agent: Agent) -> Agent:
        return _but(agent, run_from=1.0) if isinstance(agent, Depositor) else agent

    return replace(scene, agents=tuple(map(calm, scene.agents)))


def no_crowd(scene: Scene) -> Scene:
    """Leveraged traders keep their money and open nothing; elsewhere nobody is leveraged."""

    def idle(agent: Agent) -> Agent:
        return _but(agent, leverage=0.0) if isinstance(agent, LeveragedTrader) else agent

    return _outside(replace(scene, agents=tuple(map(idle, scene.agents))), crowds=())


def _but(agent: Agent, **changes: Any) -> Agent:
    """The same agent at its place, with other parameters."""
    return _in_place_of(agent, replace(agent, **changes))  # type: ignore[type-var]


def _in_place_of(agent: Agent, other: Agent) -> Agent:
    other.index = agent.index
    return other
