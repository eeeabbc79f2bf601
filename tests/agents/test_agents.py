"""What each agent promises, held against runs of the model world."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.agents.base import Agent, View
from simulator.agents.build import add_agents, build_agents
from simulator.agents.depositor import Depositor
from simulator.config import load, resolve
from simulator.types import InputError, Status
from simulator.world import actions
from simulator.world.actions import Action, Fill
from simulator.world.base import World
from simulator.world.protocol import AgentSlot
from tests.agents.runs import PATHS, Log, run


def test_the_depositor_opens_the_vault_and_never_spends_more_than_it_has() -> None:
    world, log, _ = run()
    deposits = log.of("depositor", actions.Deposit)
    opened = [fill.status for step, _, fill in deposits if step == 0]
    np.testing.assert_array_equal(np.sum(np.equal(opened, Status.OK), axis=0), 1)
    assert (world.observe().wallet_usdc[0] >= 0.0).all()


def test_the_amm_arbitrageur_leaves_the_pool_within_the_fee_of_the_index() -> None:
    seen = []

    class Band(Log):
        def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
            if world.protocol.agents[agent.index].name != "amm_arbitrageur":
                return
            view = View(step, world.market, world.protocol, world)
            fair = view.index(1) / view.index(0)
            kept = 1.0 - world.protocol.pool.fee_ppm * 1e-6
            done = fill.status == Status.OK
            ratio = (view.pool_price / fair)[done]
            assert (ratio >= kept * (1.0 - 1e-9)).all()
            assert (ratio <= (1.0 + 1e-9) / kept).all()
            seen.append(done.sum())

    run(observer=Band())
    assert sum(seen) > 100


def test_the_amm_arbitrageur_never_trades_at_a_loss_before_gas() -> None:
    _, log, market = run()
    gains = []
    for step, action, fill in log.of("amm_arbitrageur", Action):
        assert isinstance(action, actions.Swap)
        usdc, base = market.index[0, step], market.index[1, step]
        sold = action.amount > 0.0
        paid = fill.amount_in * np.where(sold, base, usdc)
        got = fill.amount_out * np.where(sold, usdc, base)
        gains.append((got - paid)[fill.status == Status.OK])
    assert np.concatenate(gains).min() > 0.0


def test_the_perp_arbitrageur_keeps_to_its_inventory() -> None:
    config = load("calm")
    assert config.agents.perp_arbitrageur is not None
    most = config.agents.perp_arbitrageur.maximum_inventory_usd
    held = []

    class Inventory(Log):
        def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
            if isinstance(action, actions.Trade) and (
                world.protocol.agents[agent.index].name == "perp_arbitrageur"
            ):
                account = world.protocol.account_of(agent.index)
                asset = world.protocol.clearing.markets[action.market].asset
                size = world.observe().size[account, action.market]
                held.append(np.abs(size * world.market.index[asset, step]).max())

    run(observer=Inventory())
    assert 0.0 < max(held) <= most * (1.0 + 1e-9)


def test_keepers_stay_away_when_gas_costs_more_than_the_reward() -> None:
    _, log, _ = run(change=lambda market: replace(market, gas_usd=np.full_like(market.gas_usd, 1)))
    assert log.of("keeper", Action) == []


def test_keepers_place_the_range_and_the_hedge_in_the_first_step() -> None:
    _, log, _ = run()
    first = [(type(action), fill) for step, action, fill in log.of("keeper", Action) if step == 0]
    for path in range(PATHS):
        kinds = [kind for kind, fill in first if fill.status[path] != Status.NONE]
        assert kinds == [actions.Recenter, actions.Rebalance]


def test_noise_traders_refuse_a_price_worse_than_their_limit() -> None:
    thin = lambda market: replace(market, pool_depth=np.full_like(market.pool_depth, 1e-3))  # noqa: E731
    _, log, _ = run(change=thin)
    swaps = log.of("noise_trader", actions.Swap)
    assert any((fill.status == Status.SLIPPAGE).any() for _, _, fill in swaps)


def test_a_newcomer_needs_a_wallet_and_a_name_of_its_own() -> None:
    config = load("calm")
    protocol = resolve(config)
    agents = build_agents(config, protocol)
    newcomer = Depositor(initial_deposit=1.0)
    with pytest.raises(InputError, match="Depositor has no slot"):
        add_agents(protocol, agents, [newcomer])
    newcomer.slot = AgentSlot("keeper", 1.0, 0.0, has_account=False)
    with pytest.raises(InputError, match="'keeper', which is taken"):
        add_agents(protocol, agents, [newcomer])
    newcomer.slot = AgentSlot("late", 1.0, 0.0, has_account=False)
    grown, everyone = add_agents(protocol, agents, [newcomer])
    assert grown.agents[newcomer.index].name == "late"
    assert everyone[-1] is newcomer
