"""What the chain world shows is what ``Lens.observe`` returns, whatever happened."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from simulator.agents.base import Agent
from simulator.agents.build import build_agents
from simulator.chain.reading.observation import ChainObservation
from simulator.chain.world import ChainWorld
from simulator.config import load, resolve
from simulator.engine import simulate
from simulator.market.draw import draw
from simulator.types import Status
from simulator.world.actions import (
    Action,
    Deposit,
    Fill,
    PostBetas,
    Rebalance,
    Recenter,
    Swap,
    Trade,
)
from simulator.world.base import Observation, World
from simulator.world.protocol import Protocol
from tests.chain.lens_check import compare_with_the_lens

PATHS, STEPS = 2, 30


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
    ],
)
def test_what_is_read_in_process_is_what_the_lens_returns(scenario: str, margin: str) -> None:
    config = load(scenario, [f"paths={PATHS}", f"clearing.margin={margin}"])
    protocol = resolve(config)
    world = ChainWorld(protocol, draw(config.market, 0, PATHS).first_steps(STEPS))
    check = AgainstTheLens()
    simulate(world, build_agents(config, protocol), [check])
    assert {Swap, Trade, Deposit, PostBetas, Recenter, Rebalance} <= check.seen


def test_every_group_of_words_is_a_part_of_the_lens_and_none_is_in_two(world: ChainWorld) -> None:
    every = [index for group in world.layout.groups.values() for index in group]
    assert sorted(every) == list(range(2, world.layout.words))  # 0 and 1 count markets, collaterals


def test_every_field_is_shown_with_the_axes_the_border_promises(
    world: ChainWorld, protocol: Protocol
) -> None:
    state = world.observe()
    assert isinstance(state, ChainObservation)
    axes = {
        "collateral": (protocol.accounts, len(protocol.clearing.collaterals), 2),
        **dict.fromkeys(
            (
                *("skew", "skew_scale", "funding_rate", "funding_index", "betas"),
                *("long_interest", "loss_long", "loss_short", "insurance_drawn", "maker_drawn"),
                *("premium_pool", "maker_cash", "unpaid_premium"),
            ),
            (protocol.markets, 2),
        ),
        **dict.fromkeys(("cash", "account_value", "equity", "maintenance"), (protocol.accounts, 2)),
        **dict.fromkeys(
            ("size", "cost", "funding_entry", "loss_entry"),
            (protocol.accounts, protocol.markets, 2),
        ),
        # no hedge on Aave here
        **dict.fromkeys(
            (
                *("aave_supplied", "aave_equity", "aave_maintenance"),
                *("aave_debt", "aave_available", "leg_sqrt_price"),
            ),
            (0, 2),
        ),
        "wallet_leg": (len(protocol.agents), 0, 2),
        **dict.fromkeys(("wallet_usdc", "wallet_base", "wallet_shares"), (len(protocol.agents), 2)),
    }
    for field in fields(Observation):
        values = getattr(state, field.name)
        assert values.shape == axes.get(field.name, (2,)), field.name
        assert values.dtype == np.float64
