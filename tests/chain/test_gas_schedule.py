"""The gas agents are charged is what the transactions really use, measured on Anvil."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.types import Status
from simulator.world import actions
from simulator.world.chain.world import ChainWorld
from simulator.world.gas import GAS_UNITS

# A schedule has one number for transactions whose cost depends on ticks crossed and markets held.
TOLERANCE = 0.35

ONE, YES = np.ones(1), np.array([True])
# Hedge markets' prices by step: hedged, margin thin, margin short.
RALLY = (1.0, 1.3, 1.45)


@pytest.fixture(scope="module")
def measured(protocol, anvil_url, agent, quiet_paths):
    """Gas by kind of action, the mean of a course of events in which each kind succeeds."""
    quiet = quiet_paths(steps=len(RALLY) - 1)
    price = quiet.oracle_price.copy()
    for market in protocol.clearing.markets:
        price[market.asset, :, 0] *= RALLY
    world = ChainWorld(protocol, replace(quiet, index=price, oracle_price=price), anvil_url)
    used: dict[type, list[int]] = {}
    for step, batch in enumerate(course(protocol, agent)):
        world.advance(step)
        for action in batch:
            fill = world.execute(action)
            assert Status(int(fill.status[0])) is Status.OK, (step, action)
            used.setdefault(type(action), []).append(world.transports[0].gas_used)
    return {kind: float(np.mean(gas)) for kind, gas in used.items()}


def course(protocol, agent):
    trader, keeper, venue = agent("noise_trader"), agent("keeper"), agent("liquidator")
    depositor, account = agent("depositor"), protocol.account_of(agent("noise_trader"))
    spot = protocol.assets[1].price
    first = protocol.assets[protocol.clearing.markets[0].asset].price
    base = [terms.asset for terms in protocol.clearing.collaterals].index(1)
    cash = protocol.agents[trader].margin[0]
    none = ONE * 0.0
    return [
        [
            actions.Deposit(depositor, ONE * 2e6),
            actions.PostBetas(agent("risk_manager"), np.ones((protocol.markets, 1)), YES),
            actions.Recenter(keeper, YES),
            actions.Rebalance(keeper, YES),
            actions.Swap(trader, ONE * 50.0, none, none),
            actions.Swap(trader, ONE * -50.0 * spot, none, none),
            # A short worth most of what two hundred base tokens and little cash can carry.
            actions.PostMargin(trader, base, ONE * 200.0),
            actions.PostMargin(trader, 0, ONE * -(cash - 1e4)),
            actions.Trade(trader, 0, ONE * -2.5e6 / first, none),
            actions.Redeem(depositor, ONE * 1e3),
        ],
        [
            actions.Liquidate(venue, account, 0, YES),
            actions.LiquidateCollateral(venue, account, base, ONE * 10.0),
            actions.TopUp(keeper, YES),
        ],
        [actions.Deleverage(keeper, YES)],
    ]


@pytest.mark.parametrize("kind", GAS_UNITS, ids=lambda kind: kind.__name__)
def test_the_schedule_is_what_the_transactions_use(measured, kind):
    assert measured[kind] == pytest.approx(GAS_UNITS[kind], rel=TOLERANCE)
