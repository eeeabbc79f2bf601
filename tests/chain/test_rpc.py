"""The same actions on a real node and in process end in the same state, to the last unit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulator.chain.world import ChainWorld
from simulator.market.paths import MarketPaths
from simulator.types import Status
from simulator.world import actions
from simulator.world.protocol import Protocol

YES = np.array([True])
REFUSED = 6  # place in the script of the swap that asks for too much


def script(protocol: Protocol, agent: Callable[[str], int]) -> list[list[actions.Action]]:
    """A few actions of every kind by step, one refusal among them."""
    one = np.ones(1)
    trader, keeper = agent("noise_trader"), agent("keeper")
    risk, depositor = agent("risk_manager"), agent("depositor")
    taker, price = agent("perp_arbitrageur"), protocol.assets[1].price
    return [
        [
            actions.Deposit(depositor, one * 2e6),
            actions.PostBetas(risk, np.full((protocol.markets, 1), 0.3), YES),
            actions.Recenter(keeper, YES),
            actions.Rebalance(keeper, YES),
        ],
        [
            actions.Swap(trader, one * 250.0, one * 0.0, one * 0.0),
            actions.Swap(trader, one * -5e5, one * price * 1.004, one * 0.0),
            actions.Swap(trader, one * 10.0, one * 0.0, one * 1e9),
            actions.Trade(trader, 0, one * -3.25, one * 0.0),
            actions.PostMargin(trader, 1, one * 2.0),
        ],
        [
            actions.Trade(trader, 1, one * 100.0, one * 1e6),
            actions.Redeem(depositor, one * 1e5),
            actions.PostMargin(trader, 0, one * -10.5),
            actions.Deposit(taker, one * 1e5),
            actions.RedeemInKind(taker, one * 3e4),
            actions.RequestRedeem(depositor, one * 2e5),
            actions.RequestRedeem(taker, one * 1e4),
            actions.CancelRequest(taker, YES),
            actions.SettleWithdrawals(keeper, one * 0.5, YES),
        ],
    ]


def run(
    world: ChainWorld, protocol: Protocol, agent: Callable[[str], int]
) -> tuple[list[actions.Fill], list[bytes]]:
    fills, states = [], []
    for step, batch in enumerate(script(protocol, agent)):
        world.advance(step)
        fills += [world.execute(action) for action in batch]
        world.observe()
        states.append(world.transports[0].call(world.deployment.lens, world.layout.calldata))
    return fills, states


def test_anvil_and_revm_end_in_the_same_state(
    protocol: Protocol,
    anvil_url: str,
    agent: Callable[[str], int],
    quiet_paths: Callable[..., MarketPaths],
) -> None:
    paths = quiet_paths()
    here, states_here = run(ChainWorld(protocol, paths), protocol, agent)
    there, states_there = run(ChainWorld(protocol, paths, anvil_url), protocol, agent)
    statuses = [Status(int(fill.status[0])) for fill in here]
    assert [Status(int(fill.status[0])) for fill in there] == statuses
    assert statuses == [
        Status.SLIPPAGE if index == REFUSED else Status.OK for index in range(len(statuses))
    ]
    for mine, other in zip(here, there, strict=True):
        assert mine.amount_in.tolist() == other.amount_in.tolist()
        assert mine.amount_out.tolist() == other.amount_out.tolist()
    assert states_there == states_here
