"""Those who live around the hedge on Aave: who keeps its pool at the index, who liquidates."""

from __future__ import annotations

import numpy as np

from simulator.agents.base import Agent
from simulator.types import Status
from simulator.world import actions
from simulator.world.actions import Action, Fill
from simulator.world.base import World
from tests.agents.runs import Log, run

STORM = ("shocks.0.at_hours=20", "shocks.0.ramp_hours=1", "shocks.0.size=1.6")
BTC = 2


def test_the_leg_arbitrageur_leaves_its_pool_within_the_fee_of_the_index() -> None:
    seen = []

    class Band(Log):
        def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
            if world.protocol.agents[agent.index].name != "leg_arbitrageur":
                return
            assert world.protocol.aave is not None
            state, index = world.observe(), world.market.index[:, step]
            decimals = world.protocol.assets[BTC].decimals - world.protocol.assets[0].decimals
            price = state.leg_sqrt_price[0] ** 2 * 10.0**decimals
            kept = 1.0 - world.protocol.aave.legs[0].pool.fee_ppm * 1e-6
            done = fill.status == Status.OK
            ratio = (price * index[0] / index[BTC])[done]
            assert (ratio >= kept * (1.0 - 1e-9)).all()
            assert (ratio <= (1.0 + 1e-9) / kept).all()
            seen.append(done.sum())

    run("aave-hedge", observer=Band(), steps=60)
    assert sum(seen) > 100


def test_the_leg_arbitrageur_never_trades_at_a_loss_before_gas() -> None:
    _, log, market = run("aave-hedge", steps=60)
    gains = []
    for step, action, fill in log.of("leg_arbitrageur", Action):
        assert isinstance(action, actions.Swap)
        usdc, btc = market.index[0, step], market.index[BTC, step]
        sold = action.amount > 0.0
        paid = fill.amount_in * np.where(sold, btc, usdc)
        got = fill.amount_out * np.where(sold, usdc, btc)
        gains.append((got - paid)[fill.status == Status.OK])
    assert np.concatenate(gains).min() > 0.0


def test_the_liquidator_gains_by_every_loan_it_repays_and_keeps_nothing_of_the_asset() -> None:
    world, log, market = run("aave-hedge", steps=30, settings=STORM)
    loans = log.of("liquidator", actions.LiquidateLoan)
    done = sum(int((fill.status == Status.OK).sum()) for _, _, fill in loans)
    assert done > 0
    for step, _, fill in loans:
        repaid = fill.amount_in * market.oracle_price[BTC, step]
        taken = fill.amount_out * market.oracle_price[0, step]
        assert (taken >= repaid * 1.04)[fill.status == Status.OK].all()
    liquidator = [slot.name for slot in world.protocol.agents].index("liquidator")
    assert (world.observe().wallet_leg[liquidator] * market.index[BTC, -1] < 1.0).all()


def test_betas_of_the_borrowed_asset_are_never_posted_negative() -> None:
    _, log, _ = run("aave-hedge", settings=("agents.risk_manager.window_hours=24",))
    posts = log.of("risk_manager", actions.PostBetas)
    assert len(posts) > 3
    assert min(action.betas[0].min() for _, action, _ in posts) >= 0.0
    assert all((fill.status[action.when] == Status.OK).all() for _, action, fill in posts)
