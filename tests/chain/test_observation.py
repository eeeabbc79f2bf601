"""What the chain world shows is what ``Lens.observe`` returns, whatever happened."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.agents.base import Agent
from simulator.agents.build import build_agents
from simulator.chain.reading.observation import ChainObservation
from simulator.chain.world import ChainWorld
from simulator.config import load, resolve
from simulator.engine import simulate
from simulator.market.draw import draw
from simulator.protocol.state.table import SHOWN
from simulator.types import Status
from simulator.world.actions import (
    Action,
    Deposit,
    Fill,
    LiquidateBorrower,
    PostBetas,
    ProvideLiquidity,
    Rebalance,
    Recenter,
    RemoveLiquidity,
    Swap,
    Trade,
)
from simulator.world.base import World
from simulator.world.protocol import Protocol
from tests.chain.lens_check import compare_with_the_lens

PATHS, STEPS = 2, 30
#: Borrowers are liquidated within these steps.
EARLY = {"lending-cascade": ("shocks.0.at_hours=1", "shocks.1.at_hours=1")}

#: Who provides liquidity beside the vault, and leaves again.
PROVIDERS = {
    "calm": (
        *("agents.passive_lp.usdc=5e5", "agents.passive_lp.maximum_loss=0.0001"),
        *("agents.passive_lp.away_hours=2", "agents.jit_lp.usdc=1e6", "agents.jit_lp.base=300"),
    )
}


class AgainstTheLens:
    """Observer that reads every group both ways after each step and each action done.

    At every other step agents that look at records (:meth:`ChainWorld.look`) have done so before:
    what is shown afterwards is the same.
    """

    def __init__(self) -> None:
        self.seen: set[type[Action]] = set()

    def advanced(self, step: int, world: World) -> None:
        assert isinstance(world, ChainWorld)
        compare_with_the_lens(world)

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None:
        pass

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
        assert isinstance(world, ChainWorld)
        if (fill.status == Status.OK).any():
            self.seen.add(type(action))
            if step % 2:
                world.look()
            compare_with_the_lens(world)

    def stepped(self, step: int, world: World) -> None:
        pass


@pytest.mark.parametrize(
    ("scenario", "margin"),
    [
        ("correlation-breakdown", "gross"),
        ("calm", "portfolio"),
        ("hedge-liquidation", "isolated"),
        ("aave-hedge", "gross"),
        ("lending-cascade", "gross"),
    ],
)
def test_what_is_read_in_process_is_what_the_lens_returns(scenario: str, margin: str) -> None:
    settings = (*EARLY.get(scenario, ()), *PROVIDERS.get(scenario, ()))
    config = load(scenario, [f"paths={PATHS}", f"clearing.margin={margin}", *settings])
    protocol = resolve(config)
    world = ChainWorld(protocol, draw(config.market, 0, PATHS).first_steps(STEPS))
    check = AgainstTheLens()
    simulate(world, build_agents(config, protocol), [check])
    assert {Swap, Trade, Deposit, PostBetas, Recenter, Rebalance} <= check.seen
    assert (LiquidateBorrower in check.seen) == (scenario in EARLY)
    liquidity = {ProvideLiquidity, RemoveLiquidity}
    assert check.seen & liquidity == (liquidity if scenario in PROVIDERS else set())


def test_every_group_of_words_is_a_part_of_the_lens_and_none_is_in_two(world: ChainWorld) -> None:
    every = [index for group in world.layout.groups.values() for index in group]
    assert sorted(every) == list(range(2, world.layout.words))  # 0 and 1 count markets, collaterals


def test_every_variable_is_shown_with_its_axes(world: ChainWorld, protocol: Protocol) -> None:
    state = world.observe()
    assert isinstance(state, ChainObservation)
    lengths = {
        "markets": len(protocol.clearing.markets),
        "accounts": 1
        + len(protocol.clearing.markets)
        + sum(a.has_account for a in protocol.agents),
        "collaterals": len(protocol.clearing.collaterals),
        "agents": len(protocol.agents),
        "loans": 0,  # no hedge on Aave here
        "legs": 0,
        "listings": 0,  # nor a lending market
        "borrowers": 0,
        "others": 0,
        "positions": 0,
        "coins": 0,  # the pool is no StableSwap
    }
    for name, variable in SHOWN.items():
        values = getattr(state, name)
        assert values.shape == (*(lengths[axis] for axis in variable.axes), 2), name
        assert values.dtype == np.float64


def test_nobody_writes_to_what_is_shown_or_asks_for_what_is_not(world: ChainWorld) -> None:
    state = world.observe()
    with pytest.raises(AttributeError, match="nav"):
        state.nav = np.zeros(2)  # type: ignore[assignment]
    with pytest.raises(AttributeError, match="navv"):
        _ = state.navv  # type: ignore[attr-defined]


def test_groups_that_both_sources_have_are_read_alike(world: ChainWorld) -> None:
    layout = world.layout
    both = [name for name, place in layout.lens.items() if layout.stored.get(name) is not None]
    assert len(both) > len(layout.lens) / 2
    for name in both:
        read, stored = layout.lens[name], layout.stored[name]
        if read.group == stored.group:
            assert (read.words, read.shape) == (stored.words, stored.shape), name
