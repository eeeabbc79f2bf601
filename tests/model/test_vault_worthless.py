"""A vault that loses all and gets it back: the same answers from both worlds (SPEC §4.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from simulator.chain.world import ChainWorld
from simulator.model.world import ModelWorld
from simulator.types import Status
from simulator.verify import TOLERANCE
from simulator.world import actions as act
from simulator.world.actions import Action
from simulator.world.base import World
from tests.model import campaign
from tests.model.campaign import DEPOSITOR, KEEPER, LIQUIDATOR
from tests.model.vault_steps import DEEP, YES

ONE = np.ones(1)
ETH = (2000.0, 20_000.0, 2000.0)


@pytest.fixture(scope="module")
def worlds() -> Iterator[tuple[World, World]]:
    market = campaign.calm_market(1, len(ETH) - 1)
    price = market.oracle_price.copy()
    price[1, :, 0] = ETH
    market = replace(market, oracle_price=price)
    chain = ChainWorld(DEEP, market)
    yield ModelWorld(DEEP, market), chain
    chain.close()


def test_losing_everything_closes_the_door_in_and_no_door_out(worlds: tuple[World, World]) -> None:
    def do(action: Action, expected: Status = Status.OK) -> tuple[float, float]:
        fills = [world.execute(action) for world in worlds]
        assert [Status(int(fill.status[0])) for fill in fills] == [expected, expected], action
        ours, theirs = ((fill.amount_in[0], fill.amount_out[0]) for fill in fills)
        assert ours == pytest.approx(theirs, rel=TOLERANCE)
        return float(theirs[0]), float(theirs[1])

    def advance(step: int) -> float:
        for world in worlds:
            world.advance(step)
        ours, theirs = (float(world.observe().nav[0]) for world in worlds)
        assert ours == pytest.approx(theirs, rel=TOLERANCE)
        return theirs

    advance(0)
    do(act.Deposit(DEPOSITOR, 1e6 * ONE))
    leaves = do(act.Deposit(LIQUIDATOR, 1e5 * ONE))[1]
    do(act.PostBetas(KEEPER, np.array([[0.8], [0.2]]), YES))
    do(act.Recenter(KEEPER, YES))
    do(act.Rebalance(KEEPER, YES))

    assert advance(1) == 0.0
    do(act.Deposit(DEPOSITOR, 1_000.0 * ONE), Status.DEPOSIT_CAP)
    do(act.Redeem(DEPOSITOR, ONE), Status.ZERO_AMOUNT)
    assert (
        do(act.RedeemInKind(LIQUIDATOR, leaves / 2 * ONE))[1] > 0.04
    )  # of the vault, its debts too
    do(act.RequestRedeem(DEPOSITOR, 1_000.0 * ONE))
    do(act.SettleWithdrawals(KEEPER, 0.0 * ONE, YES), Status.ACCOUNT_INSOLVENT)

    advance(2)
    burnt, paid = do(act.SettleWithdrawals(KEEPER, 0.0 * ONE, YES))
    assert burnt == 1_000.0
    assert paid > 0.0
    nav = float(worlds[1].observe().nav[0])
    supply = float(worlds[1].observe().shares[0])
    shares = do(act.Deposit(DEPOSITOR, 1_000.0 * ONE))[1]
    assert shares == pytest.approx(999.0 * supply / nav, rel=1e-6)
