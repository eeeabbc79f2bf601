"""Who provides liquidity: what it earns is its share, when it comes and when it leaves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import simulator
from simulator.agents.base import Agent
from simulator.agents.build import add_agents, build_agents
from simulator.agents.scalar import ScalarAgent
from simulator.books.hooks import BOOK
from simulator.config import load, resolve
from simulator.engine import simulate
from simulator.engine.compiled import Loop
from simulator.engine.turns import block_order
from simulator.market.draw import draw
from simulator.market.paths import MarketPaths
from simulator.model.kernel.codes import INSUFFICIENT_BALANCE, NO_POSITION, OK, ZERO_AMOUNT
from simulator.model.world import ModelWorld
from simulator.types import InputError, Status
from simulator.world.actions import (
    Action,
    Fill,
    ProvideLiquidity,
    RemoveLiquidity,
    Swap,
)
from simulator.world.base import World
from simulator.world.protocol import AgentSlot
from tests.agents.runs import PATHS, Log, run

EXAMPLE = Path(__file__).parents[2] / "docs/examples/hedged_lp.py"
JIT = ("agents.jit_lp.usdc=5e6", "agents.jit_lp.base=2000")
PASSIVE = ("agents.passive_lp.usdc=5e5", "agents.jit_lp=null")
#: Of gas, USD a unit: 20 gwei of a token of 3,000 USD.
MAINNET = 20e-9 * 3_000


def still(gas: float, flow: float) -> Any:
    """A market whose index stands still, with so much uninformed flow at each step, USD."""

    def change(market: MarketPaths) -> MarketPaths:
        index = np.broadcast_to(market.index[:, :1], market.index.shape).copy()
        signs = np.where(np.arange(market.steps + 1) % 2 == 0, 1.0, -1.0)[:, None]
        return replace(
            market,
            index=index,
            oracle_price=np.broadcast_to(
                market.oracle_price[:, :1], market.oracle_price.shape
            ).copy(),
            gas_usd=np.full_like(market.gas_usd, gas),
            noise_swap=flow * signs * np.ones_like(market.noise_swap),
        )

    return change


class Shares(Log):
    """What part of the liquidity at the price is whose when a swap comes, and what it earned."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[float, float, float]] = []  # share, fee of the swap, earned
        self._before: Any = None

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None:
        name = world.protocol.agents[agent.index].name
        if isinstance(action, Swap) and name == "noise_trader" and action.amount[0] != 0.0:
            self._before = self._look(world)

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
        super().acted(step, world, agent, action, fill)
        if self._before is None or not isinstance(action, Swap):
            return
        before, self._before = self._before, None
        after = self._look(world)
        within = [one["lower"] + 5 < one["tick"] < one["upper"] - 5 for one in (before, after)]
        # A narrower range of another is not crossed on the way: the liquidity is the same.
        if all(within) and before["active"] == after["active"] and fill.status[0] == Status.OK:
            price = before["price"]
            paid = fill.amount_in[0] * (price if action.amount[0] > 0.0 else 1.0)
            fee = paid * world.protocol.pool.fee_ppm * 1e-6
            earned = (after["fees"] - before["fees"]) @ np.array([price, 1.0])
            self.found.append((before["own"] / before["active"], fee, earned))

    def _look(self, world: World) -> dict[str, Any]:
        state, assets = world.observe(), world.protocol.assets
        raw = float(state.sqrt_price[0]) ** 2
        return {
            "price": raw * 10.0 ** (assets[1].decimals - assets[0].decimals),
            "tick": np.log(raw) / np.log(1.0001),
            "own": float(state.provided[0, 0]),
            "active": float(state.pool_liquidity[0]),
            "lower": float(state.provided_lower[0, 0]),
            "upper": float(state.provided_upper[0, 0]),
            "fees": np.array(
                [state.provided_fees_base[0, 0], state.provided_fees_usdc[0, 0]], float
            ),
        }


def test_just_in_time_liquidity_earns_its_share_of_the_order_it_wraps() -> None:
    shares = Shares()
    run(change=still(0.0, 20_000.0), observer=shares, settings=(*JIT, "agents.passive_lp=null"))
    assert len(shares.found) > 20
    for share, fee, earned in shares.found:
        assert 0.2 < share < 1.0
        assert earned == pytest.approx(share * fee, rel=1e-6)


def test_it_mints_right_before_the_order_and_burns_right_after_it() -> None:
    _, log, _ = run(change=still(0.0, 20_000.0), settings=JIT)
    asked = [
        (step, who, type(action))
        for step, who, action, _ in log.entries
        if isinstance(action, Swap | ProvideLiquidity | RemoveLiquidity)
        and who in ("jit_lp", "noise_trader")
    ]
    wrapped = 0
    for place, (step, who, kind) in enumerate(asked):
        if kind is not ProvideLiquidity:
            continue
        # Path by path in plain Python: all of the first turn, all orders, all of the second.
        later = [one for one in asked[place + 1 :] if one[0] == step]
        kinds = [(name, one) for _, name, one in later]
        assert ("noise_trader", Swap) in kinds
        assert kinds[-1] == ("jit_lp", RemoveLiquidity)
        first = kinds.index(("jit_lp", RemoveLiquidity))
        assert all(one is not Swap for _, one in kinds[first:])
        assert who == "jit_lp"
        wrapped += 1
    assert wrapped > 50 * PATHS


def test_just_in_time_liquidity_pays_without_gas_and_not_at_what_gas_costs() -> None:
    """An order of 5,000 USD pays 15 USD at most; two transactions cost 40 on Ethereum."""
    small = 5_000.0
    for gas, minted in ((0.0, True), (MAINNET, False)):
        world, log, _ = run(change=still(gas, small), settings=JIT)
        asked = log.of("jit_lp", ProvideLiquidity)
        assert bool(asked) is minted
        place = [slot.name for slot in world.protocol.agents].index("jit_lp")
        slot, state = world.protocol.agents[place], world.observe()
        price = world.market.index[1, 0] / world.market.index[0, 0]
        gained = (state.wallet_usdc[place] - slot.usdc) + (
            state.wallet_base[place] - slot.base
        ) * price
        assert np.all(gained > 0.0) if minted else np.all(gained == 0.0)
    # Where the order is large it pays at that price, too.
    _, log, _ = run(change=still(MAINNET, 500_000.0), settings=JIT)
    assert log.of("jit_lp", ProvideLiquidity)


def test_other_providers_leave_when_it_hurts_and_come_back() -> None:
    def crash(market: MarketPaths) -> MarketPaths:
        """Calm but for a fall by 15 % at step 30, all at once."""
        quiet = still(0.0, 0.0)(market)
        for prices in (quiet.index, quiet.oracle_price):
            prices[1, 30:] *= 0.85
        return quiet

    settings = (*PASSIVE, "agents.passive_lp.away_hours=12")
    _, log, market = run(change=crash, settings=settings)
    came, left = log.of("passive_lp", ProvideLiquidity), log.of("passive_lp", RemoveLiquidity)
    first = {step for step, _, fill in came if step == 0 and np.any(fill.status == Status.OK)}
    assert first == {0}
    gone = [step for step, _, fill in left for _ in np.flatnonzero(fill.status == Status.OK)]
    assert min(gone) >= 30
    assert sum(step <= 31 for step in gone) == PATHS
    back = [
        step for step, _, fill in came for _ in np.flatnonzero(fill.status == Status.OK) if step
    ]
    hours = market.step_seconds / 3_600
    assert min(back) - min(gone) >= 12 / hours
    assert len(back) >= PATHS


def test_they_do_not_leave_where_nothing_hurts() -> None:
    _, log, _ = run(change=still(0.0, 1_000.0), settings=PASSIVE)
    assert not log.of("passive_lp", RemoveLiquidity)
    fills = [fill for _, _, fill in log.of("passive_lp", ProvideLiquidity)]
    assert sum(int(np.sum(fill.status == Status.OK)) for fill in fills) == PATHS


@dataclass(eq=False)
class Careless(ScalarAgent):
    """Mints what it does not have, nothing at all, takes out what is not there, then something."""

    poor: int = -1
    nothing: int = -1
    absent: int = -1
    done: int = -1
    held: int = -1
    liquidity: float = 0.0

    slot = AgentSlot("careless", 1_000.0, 0.0, has_account=False, positions=2)
    metrics = ("poor", "nothing", "absent", "done", "held", "liquidity")

    @staticmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        if do.step > 0:
            return
        my.poor = do.provide(0, do.tick - 600.0, do.tick + 600.0, 1.0, 3_000.0)
        my.nothing = do.provide(0, do.tick - 600.0, do.tick + 600.0, 0.0, 0.0)
        my.absent = do.withdraw(1)
        below = do.tick - 120.0
        my.done = do.provide(1, below, below - 600.0, 0.0, do.wallet_usdc)
        my.held, my.liquidity = do.positions, do.position(0).liquidity


@pytest.mark.parametrize("plain", [False, True], ids=["compiled", "plain"])
def test_who_mints_with_nothing_in_the_wallet_is_told_why(*, plain: bool) -> None:
    config = load("calm", ["paths=1"])
    protocol = resolve(config)
    protocol, agents = add_agents(protocol, build_agents(config, protocol), [Careless()])
    world = ModelWorld(protocol, draw(config.market, 0, 1).first_steps(2), BOOK, 1)
    if plain:
        counted = simulate(world, agents)
    else:
        loop = Loop(world, agents, np.array([0, 2]))
        loop.run()
        counted = loop.counted()
    mind = {name: float(counted[f"careless_{name}"][0]) for name in Careless.metrics}
    told = [int(mind[name]) for name in ("poor", "nothing", "absent", "done", "held")]
    assert told == [INSUFFICIENT_BALANCE, ZERO_AMOUNT, NO_POSITION, OK, 1]
    assert mind["liquidity"] > 0.0
    assert "wanted to spend" in Status.INSUFFICIENT_BALANCE.sentence


def test_who_may_hold_none_is_told_so() -> None:
    @dataclass(eq=False)
    class Unplaced(Careless):
        slot = AgentSlot("unplaced", 1_000.0, 0.0, has_account=False)

    with pytest.raises(InputError, match="ProvideLiquidity of unplaced: position = 0; allowed"):
        simulator.run(load("calm", ["paths=1", "horizon_hours=2"]), agents=[Unplaced()], plain=True)


@dataclass(eq=False)
class Queuer(ScalarAgent):
    """Asks for its shares to be redeemed, and looks at what it has before and after."""

    before: float = 0.0
    after: float = 0.0
    wide: float = 0.0
    too_much: int = -1

    slot = AgentSlot("queuer", 2e5, 1_000.0, has_account=False, positions=2)
    metrics = ("before", "after", "wide", "too_much")

    @staticmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        if do.step == 1:
            do.deposit(1e5)
        if do.step == 2:
            my.before = do.worth()
            do.request_redeem(do.wallet_shares)
            my.after = do.worth()
            do.provide(0, -1e300, 1e300, 1.0, 3_000.0)
            my.wide = do.position(0).upper - do.position(0).lower
            my.too_much = do.provide(1, 887_100.0, 887_220.0, 10.0, 0.0)


@pytest.mark.parametrize("where", [{}, {"plain": True}, {"world": "chain"}])
def test_what_waits_in_the_queue_is_its_own_and_everything_is_the_full_range(
    where: dict[str, Any],
) -> None:
    # Somebody else is in line before it.
    run = "shocks=[{kind: withdrawal_run, at_hours: 0, duration_hours: 2, fraction: 0.99}]"
    config = load("calm", ["paths=2", "horizon_hours=6", run])
    paths = simulator.run(config, agents=[Queuer()], workers=1, **where).paths
    assert (paths["queuer_before"] > 1.9e5).all()
    assert paths["queuer_after"].to_numpy() == pytest.approx(paths["queuer_before"].to_numpy())
    assert (paths["queuer_wide"] > 1_774_000).all()
    assert (paths["queuer_too_much"] == Status.ZERO_AMOUNT).all()


def test_an_agent_acts_around_another_only_where_that_is_there() -> None:
    config = load("calm", [*JIT])
    protocol = resolve(config)
    agents = build_agents(config, protocol)
    named = [protocol.agents[agent.index].name for agent, _ in block_order(agents, protocol)]
    place = named.index("noise_trader")
    assert named[place - 1 : place + 2] == ["jit_lp", "noise_trader", "jit_lp"]
    assert named.count("jit_lp") == 2
    others = [agent for agent in agents if protocol.agents[agent.index].name != "noise_trader"]
    alone = [protocol.agents[agent.index].name for agent, _ in block_order(others, protocol)]
    assert alone[-1] == "jit_lp"


def test_a_strategy_that_is_not_ours_stands_beside_the_vault() -> None:
    result = simulator.run(
        load(
            "calm",
            ["paths=6", "horizon_hours=240", f"agents.custom.hedged_lp={{file: {EXAMPLE}}}"],
        ),
        trust=True,
    )
    vault, own = result.summary["strategies"]
    assert (vault["name"], own["name"]) == ("HedgeVault", "hedged_lp")
    paths = result.paths
    assert vault["return"]["mean"] == pytest.approx(paths["return"].mean())
    found = paths["strategy_return_hedged_lp"]
    difference = found - paths["return"]
    assert own["excess"]["estimate"] == pytest.approx(difference.mean())
    half = 1.959964 * difference.std(ddof=0) / np.sqrt(len(difference))
    assert own["excess"]["high"] - own["excess"]["estimate"] == pytest.approx(half, rel=1e-4)
    assert own["max_drawdown"]["max"] > 0.0
    assert np.all(paths["strategy_fees_hedged_lp"] > 0.0)
    # Two million at the start: what it gained is its return.
    assert paths["strategy_profit_hedged_lp"].to_numpy() == pytest.approx(2e6 * found, rel=1e-9)
    fan = result.fan[result.fan["quantity"] == "strategy_hedged_lp"]
    assert fan["p50"].iloc[0] == pytest.approx(1.0, abs=0.01)
    assert fan["mean"].iloc[-1] == pytest.approx(1.0 + found.mean(), rel=1e-6)
    page = result.report_html()
    assert "Strategies beside the vault" in page
    assert "hedged_lp" in page
