"""What the transactions of the system really use, measured on Anvil.

The gas agents are charged is near it, and ``tests/gas_snapshot.json`` is equal to it: a change of a
contract shows there as a change to review, and ``make gas`` writes the new figures.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simulator.chain.evm.rpc import RpcTransport
from simulator.chain.world import ChainWorld
from simulator.config import load
from simulator.config.resolve import resolve
from simulator.market.paths import MarketPaths
from simulator.types import Status
from simulator.world import actions
from simulator.world.gas import GAS_UNITS
from simulator.world.protocol import Protocol

# By course of events and kind of action.
Gas = dict[str, dict[str, list[int]]]
# The actions of each step.
Course = list[list[actions.Action]]

SNAPSHOT = Path(__file__).parents[1] / "gas_snapshot.json"
# A schedule has one number for transactions whose cost depends on ticks crossed and markets held.
TOLERANCE = 0.35

ONE, YES = np.ones(1), np.array([True])
# Hedge markets' prices by step: hedged, margin thin, margin short.
RALLY = (1.0, 1.18, 1.3)
# Hedged, worth less than nothing.
JUMP = (1.0, 4.0)


# Of BTC: what a borrower backs a debt in ETH with.
SLUMP = (1.0, 0.7)


# Hedged, the hedge too large.
DRIFT = (1.0, 1.2)


@pytest.fixture(scope="module")
def used(
    protocol: Protocol,
    anvil_url: str,
    agent: Callable[[str], int],
    quiet_paths: Callable[..., MarketPaths],
) -> Gas:
    """Gas of every transaction of courses of events in which each kind of action succeeds."""
    # Orders as large as the courses' cost more than one per cent.
    roomy = replace(protocol, vault=replace(protocol.vault, max_slippage=0.03))
    pledged = resolve(load("calm", ["clearing.margin=portfolio"]))
    lending = resolve(load("aave-hedge"))
    borrowing = resolve(load("lending-cascade", ["impact=null"]))
    providing = replace(
        protocol, agents=tuple(replace(slot, positions=1) for slot in protocol.agents)
    )
    found: Gas = {}
    for name, terms, rises, course in (
        ("a vault and a trader", roomy, RALLY, course_of_a_vault(protocol, agent)),
        ("a hedge that drifts", roomy, DRIFT, course_of_a_drift(protocol, agent)),
        ("pledged liquidity", pledged, JUMP, course_of_a_pledge(pledged, agent)),
        ("a hedge on Aave", lending, JUMP, course_of_a_loan(lending, agent)),
        ("borrowers on Aave", borrowing, SLUMP, course_of_borrowers(borrowing, agent)),
        ("liquidity of an agent", providing, SLUMP, course_of_a_provider(providing, agent)),
    ):
        assert [asset.price for asset in terms.assets] == [a.price for a in protocol.assets]
        quiet = quiet_paths(steps=len(rises) - 1)
        price = quiet.oracle_price.copy()
        for market in terms.clearing.markets:
            price[market.asset, :, 0] *= rises
        world = ChainWorld(terms, replace(quiet, index=price, oracle_price=price), anvil_url)
        (node,) = world.transports
        assert isinstance(node, RpcTransport)
        gas = found.setdefault(name, {})
        for step, batch in enumerate(course):
            world.advance(step)
            for action in batch:
                fill = world.execute(action)
                assert Status(int(fill.status[0])) is Status.OK, (step, action)
                gas.setdefault(type(action).__name__, []).append(node.gas_used)
    if os.environ.get("HEDGESIM_UPDATE_GAS"):
        SNAPSHOT.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return found


def course_of_a_drift(protocol: Protocol, agent: Callable[[str], int]) -> Course:
    keeper, depositor = agent("keeper"), agent("depositor")
    return [
        [
            actions.Deposit(depositor, ONE * 2e6),
            actions.PostBetas(agent("risk_manager"), np.ones((protocol.markets, 1)), YES),
            actions.Recenter(keeper, YES),
            actions.Rebalance(keeper, YES),
        ],
        [
            actions.Rebalance(keeper, YES),
            actions.Deposit(depositor, ONE * 1e5),
            actions.Redeem(depositor, ONE * 1e3),
        ],
    ]


def course_of_a_pledge(protocol: Protocol, agent: Callable[[str], int]) -> Course:
    keeper, venue = agent("keeper"), agent("liquidator")
    factor = np.zeros((len(protocol.risk_assets), 8, 1))
    factor[:, 0] = 0.04
    return [
        [
            actions.Deposit(agent("depositor"), ONE * 1e5),
            actions.PostBetas(agent("risk_manager"), np.ones((protocol.markets, 1)), YES),
            actions.Recenter(keeper, YES),
            actions.Rebalance(keeper, YES),
            actions.PostCovariance(agent("risk_manager"), factor, YES),
        ],
        [actions.LiquidatePledge(venue, 0, YES)],
    ]


def course_of_a_loan(protocol: Protocol, _agent: Callable[[str], int]) -> Course:
    agent = [slot.name for slot in protocol.agents].index
    keeper, liquidator = agent("keeper"), agent("liquidator")
    return [
        [
            actions.Deposit(agent("depositor"), ONE * 1e5),
            actions.PostBetas(agent("risk_manager"), np.ones((protocol.markets, 1)), YES),
            actions.Recenter(keeper, YES),
            actions.Rebalance(keeper, YES),
            actions.Swap(liquidator, ONE * -1e4, ONE * 0.0, ONE * 0.0, leg=0),
        ],
        [actions.LiquidateLoan(liquidator, 0, ONE * 0.1)],
    ]


def course_of_a_provider(protocol: Protocol, agent: Callable[[str], int]) -> Course:
    trader, arbitrageur = agent("noise_trader"), agent("amm_arbitrageur")
    usdc, base = protocol.assets[:2]
    raw = base.price * 10.0 ** (usdc.decimals - base.decimals)
    tick, none = np.log(raw) / np.log(1.0001) * ONE, ONE * 0.0
    mint = actions.ProvideLiquidity(
        trader, 0, tick - 600.0, tick + 600.0, ONE * 10.0, ONE * 10.0 * base.price, YES
    )
    swaps = [
        actions.Swap(arbitrageur, ONE * 5.0, none, none),
        actions.Swap(arbitrageur, ONE * -5.0 * base.price, none, none),
    ]
    return [
        [mint, *swaps, actions.CollectFees(trader, 0, YES)],
        [
            mint,
            *swaps,
            actions.RemoveLiquidity(trader, 0, ONE * 0.5, YES),
            actions.RemoveLiquidity(trader, 0, ONE, YES),
        ],
    ]


def course_of_borrowers(protocol: Protocol, _agent: Callable[[str], int]) -> Course:
    liquidator = [slot.name for slot in protocol.agents].index("borrower_liquidator")
    assert protocol.lending is not None
    mixed = [one.name for one in protocol.lending.borrowers].index("mixed")
    usdc, eth, btc = range(3)
    return [
        [],
        [
            actions.LiquidateBorrower(liquidator, mixed, btc, eth, ONE * 1.0),
            actions.LiquidateBorrower(liquidator, mixed, btc, usdc, ONE * 1e3),
            actions.LiquidateBorrower(liquidator, mixed, usdc, eth, ONE * 1.0),
        ],
    ]


def course_of_a_vault(protocol: Protocol, agent: Callable[[str], int]) -> Course:
    trader, keeper, venue = agent("noise_trader"), agent("keeper"), agent("liquidator")
    taker = agent("perp_arbitrageur")
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
            actions.Trade(trader, 0, ONE * -2e6 / first, none),
            actions.Redeem(depositor, ONE * 1e3),
            actions.RequestRedeem(depositor, ONE * 1e3),
            actions.CancelRequest(depositor, YES),
            actions.Deposit(taker, ONE * 1e4),
            actions.RedeemInKind(taker, ONE * 1e3),
            # More than idle and spare margin hold.
            actions.RequestRedeem(depositor, ONE * 1e6),
            actions.SettleWithdrawals(keeper, ONE, YES),
        ],
        [
            actions.Liquidate(venue, account, 0, YES),
            actions.LiquidateCollateral(venue, account, base, ONE * 10.0),
            actions.Deposit(depositor, ONE * 1e5),
            actions.TopUp(keeper, YES),
        ],
        [actions.Deleverage(keeper, YES)],
    ]


@pytest.mark.parametrize("kind", GAS_UNITS, ids=lambda kind: kind.__name__)
def test_the_schedule_is_what_the_transactions_use(used: Gas, kind: type[actions.Action]) -> None:
    gas = [amount for course in used.values() for amount in course.get(kind.__name__, ())]
    assert np.mean(gas) == pytest.approx(GAS_UNITS[kind], rel=TOLERANCE)


def test_every_transaction_uses_the_gas_of_the_snapshot(used: Gas) -> None:
    assert used == json.loads(SNAPSHOT.read_text(encoding="utf-8"))
