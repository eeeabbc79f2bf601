"""The chain world keeps the World's promises: fills, statuses, and refusals that change nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from simulator.chain.deploy import artifacts
from simulator.chain.deploy.terms import background_targets, wad
from simulator.chain.evm.codec import Contract
from simulator.chain.world import ChainWorld
from simulator.market.paths import MarketPaths
from simulator.types import Floats, InputError, Status
from simulator.world import actions
from simulator.world.protocol import Protocol

YES = np.array([True, True])
FIRST_ONLY = np.array([1.0, 0.0])


def both(value: float) -> Floats:
    return np.full(2, value)


def state_bytes(world: ChainWorld) -> list[bytes]:
    lens, calldata = world.deployment.lens, world.layout.calldata
    return [transport.call(lens, calldata) for transport in world.transports]


def swap(actor: int, amount: Floats, limit: float = 0.0, least: float = 0.0) -> actions.Swap:
    return actions.Swap(actor, amount, np.full_like(amount, limit), np.full_like(amount, least))


# ------------------------------------------------------------------------------------ the beginning


def test_the_first_observation_is_the_protocol(world: ChainWorld, protocol: Protocol) -> None:
    state = world.observe()
    pool = protocol.pool
    np.testing.assert_allclose(state.sqrt_price, pool.sqrt_price_x96 / 2**96, rtol=1e-15)
    scales = [[market.skew_scale] * 2 for market in protocol.clearing.markets]
    np.testing.assert_allclose(state.skew_scale, scales, rtol=1e-15)
    assert state.maker_cash.sum(axis=0).tolist() == [protocol.clearing.maker_funds] * 2
    assert state.wallet_usdc[:, 0].tolist() == [slot.usdc for slot in protocol.agents]
    base = [slot.base for slot in protocol.agents]
    np.testing.assert_allclose(state.wallet_base[:, 0], base, rtol=1e-15)
    for index, slot in enumerate(protocol.agents):
        if slot.has_account:
            account = protocol.account_of(index)
            np.testing.assert_allclose(state.cash[account], slot.margin[0], rtol=1e-15)
            assert state.collateral[account, 0, 0] == 0.0
            assert state.collateral[account, 1:, 0].tolist() == list(slot.margin[1:])
    assert state.last_betas_time.tolist() == [-1.0, -1.0]
    assert state.size.shape == (protocol.accounts, protocol.markets, 2)
    assert not state.size.any()


def test_an_observation_is_cached_until_something_changes(
    world: ChainWorld, protocol: Protocol, agent: Callable[[str], int]
) -> None:
    first = world.observe()
    assert world.observe() is first
    trader = agent("noise_trader")
    refused = world.execute(swap(trader, both(1.0), least=1e9))
    assert refused.status.tolist() == [Status.SLIPPAGE] * 2
    assert world.observe() is first
    prices = first.sqrt_price
    world.execute(swap(trader, both(1.0)))
    assert world.observe() is not first
    assert first.sqrt_price is prices
    with pytest.raises(RuntimeError, match="observe again"):
        _ = first.nav


# --------------------------------------------------------------------------------------------- pool


def test_a_swap_fills_on_the_paths_that_ask_and_nowhere_else(
    world: ChainWorld, protocol: Protocol, agent: Callable[[str], int]
) -> None:
    trader = agent("noise_trader")
    before, untouched = world.observe(), state_bytes(world)[1]
    usdc, sqrt_price = before.wallet_usdc[trader], before.sqrt_price
    fill = world.execute(swap(trader, 10.0 * FIRST_ONLY))
    after = world.observe()
    assert fill.status.tolist() == [Status.OK, Status.NONE]
    assert fill.amount_in.tolist() == [10.0, 0.0]
    price = protocol.assets[1].price
    assert 0.99 * price * 10 < fill.amount_out[0] < price * 10
    np.testing.assert_allclose(after.wallet_usdc[trader] - usdc, fill.amount_out, rtol=1e-9)
    assert after.sqrt_price[0] < sqrt_price[0]
    assert state_bytes(world)[1] == untouched


def test_a_price_limit_stops_the_swap_and_takes_only_what_it_used(
    world: ChainWorld, protocol: Protocol, agent: Callable[[str], int]
) -> None:
    trader = agent("amm_arbitrageur")
    limit = protocol.assets[1].price * 1.001
    usdc = world.observe().wallet_usdc[trader]
    fill = world.execute(swap(trader, both(-40e6), limit=limit))
    after = world.observe()
    assert fill.status.tolist() == [Status.OK] * 2
    assert (fill.amount_in < 40e6).all()
    spent = usdc - after.wallet_usdc[trader]
    np.testing.assert_allclose(fill.amount_in, spent, rtol=1e-12)
    np.testing.assert_allclose(after.sqrt_price**2 * 1e12, limit, rtol=1e-9)


def test_a_limit_already_passed_and_a_poor_wallet_are_refused(
    world: ChainWorld, protocol: Protocol, agent: Callable[[str], int]
) -> None:
    trader = agent("noise_trader")
    before = state_bytes(world)
    price = protocol.assets[1].price
    passed = world.execute(swap(trader, both(-1_000.0), limit=0.5 * price))
    poor = world.execute(swap(agent("keeper"), both(1.0)))
    assert passed.status.tolist() == [Status.SLIPPAGE] * 2
    assert poor.status.tolist() == [Status.INSUFFICIENT_BALANCE] * 2
    assert not passed.amount_in.any()
    assert state_bytes(world) == before


def test_selling_all_one_sees_leaves_nothing(
    world: ChainWorld, protocol: Protocol, agent: Callable[[str], int]
) -> None:
    trader = agent("noise_trader")
    world.execute(swap(trader, both(-12_345.678901)))  # an odd balance, not exact in float64
    for _ in range(2):
        world.execute(swap(trader, world.observe().wallet_base[trader]))
    assert world.observe().wallet_base[trader].tolist() == [0.0, 0.0]
    world.execute(swap(trader, -world.observe().wallet_usdc[trader]))
    assert world.observe().wallet_usdc[trader].tolist() == [0.0, 0.0]


# ----------------------------------------------------------------------------------- clearing house


def test_a_trade_fills_at_the_skew_price(
    world: ChainWorld, protocol: Protocol, agent: Callable[[str], int]
) -> None:
    trader = agent("noise_trader")
    account, terms = protocol.account_of(trader), protocol.clearing.markets[0]
    index = protocol.assets[terms.asset].price
    fill = world.execute(actions.Trade(trader, 0, both(2.0), both(index * 1.01)))
    expected = index * (1 + 1.0 / terms.skew_scale + protocol.half_spread(0))
    np.testing.assert_allclose(fill.amount_out, expected, rtol=1e-15)
    assert fill.amount_in.tolist() == [2.0, 2.0]
    state = world.observe()
    assert state.size[account, 0].tolist() == [2.0, 2.0]
    assert state.skew[0].tolist() == [2.0, 2.0]


def test_trades_are_refused_by_name_and_change_nothing(
    world: ChainWorld, protocol: Protocol, agent: Callable[[str], int]
) -> None:
    trader = agent("noise_trader")
    terms = protocol.clearing.markets[0]
    index = protocol.assets[terms.asset].price
    floor = protocol.clearing.gross_floor
    inventory = min(terms.max_skew, terms.skew_scale * floor * terms.maintenance_rate / 2)
    before = state_bytes(world)
    refusals = {
        (1.0, index * 0.99): Status.SLIPPAGE,
        (inventory * 1.01, 10 * index): Status.INVENTORY_LIMIT,
        (inventory * 0.99, 10 * index): Status.BELOW_INITIAL_MARGIN,
        (1e-20, 10 * index): Status.NONE,  # below the last digit: nothing is asked
    }
    for (size, limit), status in refusals.items():
        actor = agent("liquidator") if status is Status.BELOW_INITIAL_MARGIN else trader
        fill = world.execute(actions.Trade(actor, 0, both(size), both(limit)))
        assert fill.status.tolist() == [status] * 2
    assert state_bytes(world) == before


def test_closing_the_size_one_sees_leaves_no_position(
    world: ChainWorld, protocol: Protocol, agent: Callable[[str], int]
) -> None:
    trader = agent("noise_trader")
    account = protocol.account_of(trader)
    price = protocol.assets[protocol.clearing.markets[1].asset].price
    for size in (0.1, 0.7, 1 / 3):
        world.execute(actions.Trade(trader, 1, both(size), both(2 * price)))
    seen = world.observe().size[account, 1]
    world.execute(actions.Trade(trader, 1, -seen, both(0.5 * price)))
    assert world.observe().size[account, 1].tolist() == [0.0, 0.0]
    assert world.observe().cost[account, 1].tolist() == [0.0, 0.0]


def test_margin_moves_in_and_out(
    world: ChainWorld, protocol: Protocol, agent: Callable[[str], int]
) -> None:
    trader = agent("noise_trader")
    account = protocol.account_of(trader)
    base = [c.asset for c in protocol.clearing.collaterals].index(1)
    posted = world.execute(actions.PostMargin(trader, base, both(3.5)))
    assert posted.amount_in.tolist() == [3.5, 3.5]
    assert world.observe().collateral[account, base].tolist() == [3.5, 3.5]
    taken = world.execute(actions.PostMargin(trader, base, both(-3.5)))
    assert taken.amount_in.tolist() == [-3.5, -3.5]
    too_much = world.execute(actions.PostMargin(trader, 0, both(-1e9)))
    assert too_much.status.tolist() == [Status.INSUFFICIENT_COLLATERAL] * 2
    healthy = world.execute(actions.Liquidate(agent("liquidator"), account, 0, YES))
    assert (healthy.status != Status.OK).all()


# -------------------------------------------------------------------------------------------- vault


def test_the_vault_takes_deposits_places_hedges_and_lets_out(
    world: ChainWorld, protocol: Protocol, agent: Callable[[str], int]
) -> None:
    depositor, keeper = agent("depositor"), agent("keeper")
    deposit = world.execute(actions.Deposit(depositor, both(1e6)))
    assert deposit.status.tolist() == [Status.OK] * 2
    betas = np.full((protocol.markets, 2), 0.4)
    posted = world.execute(actions.PostBetas(agent("risk_manager"), betas, YES))
    again = world.execute(actions.PostBetas(agent("risk_manager"), betas * 1.1, YES))
    placed = world.execute(actions.Recenter(keeper, YES))
    hedged = world.execute(actions.Rebalance(keeper, YES))
    twice = world.execute(actions.Rebalance(keeper, YES))
    assert posted.status.tolist() == placed.status.tolist() == [Status.OK] * 2
    assert hedged.status.tolist() == [Status.OK] * 2
    assert again.status.tolist() == [Status.BETA_TOO_FAST] * 2
    assert twice.status.tolist() == [Status.WITHIN_BAND] * 2
    assert placed.amount_out.tolist() == [protocol.vault.keeper_reward] * 2
    state = world.observe()
    assert (state.liquidity > 0).all()
    assert (state.size[0] < 0).all()
    assert (state.nav > 0.98e6).all()
    assert state.betas.tolist() == betas.tolist()
    assert state.last_betas_time.tolist() == [0.0, 0.0]
    out = world.execute(actions.Redeem(depositor, state.wallet_shares[depositor]))
    assert out.status.tolist() == [Status.OK] * 2
    np.testing.assert_allclose(out.amount_in, deposit.amount_out, rtol=1e-15)
    assert world.observe().wallet_shares[depositor].tolist() == [0.0, 0.0]


# ------------------------------------------------------------------------------------- market paths


def test_depth_factors_reach_the_pool_and_every_market(
    protocol: Protocol, quiet_paths: Callable[..., MarketPaths]
) -> None:
    quiet = quiet_paths(steps=3)
    # The second step rests at the first one's depth, to which the last comes back.
    depth = np.array([[1.0], [1.0], [0.5], [1.0]])
    world = ChainWorld(protocol, replace(quiet, pool_depth=depth, perp_depth=0.5 * depth))
    tick = 2 * np.log(protocol.pool.sqrt_price_x96 / 2**96) / np.log(1.0001)
    for step, factor in enumerate(depth[:, 0]):
        world.advance(step)
        targets = background_targets(protocol, float(factor))
        held = sum(liquidity for lower, upper, liquidity in targets if lower <= tick < upper)
        state = world.observe()
        assert state.pool_liquidity.tolist() == [float(held)]
        for index, market in enumerate(protocol.clearing.markets):
            scale = wad(market.skew_scale * 0.5 * factor) / 1e18
            assert state.skew_scale[index, 0] == scale


def test_a_stale_oracle_refuses_trades_and_defers_the_skew_scale(
    protocol: Protocol, stale_paths: MarketPaths, agent: Callable[[str], int]
) -> None:
    last = stale_paths.steps
    depth = np.ones_like(stale_paths.perp_depth)
    depth[last] = 0.5
    world = ChainWorld(protocol, replace(stale_paths, perp_depth=depth))
    world.advance(0)
    trader = agent("noise_trader")
    order = actions.Trade(trader, 0, np.ones(1), np.full(1, 1e9))
    assert world.execute(order).status.tolist() == [Status.OK]
    world.advance(last)
    assert last * stale_paths.step_seconds > max(feed.max_age for feed in protocol.feeds)
    assert world.execute(order).status.tolist() == [Status.STALE_ORACLE]
    scale = protocol.clearing.markets[0].skew_scale
    np.testing.assert_allclose(world.observe().skew_scale[0], scale, rtol=1e-15)


def test_only_assets_with_a_round_due_are_reported(
    protocol: Protocol, quiet_paths: Callable[..., MarketPaths]
) -> None:
    quiet = quiet_paths(steps=2)
    price, time = quiet.oracle_price.copy(), quiet.oracle_time.copy()
    price[2, 1:] *= 1.1
    time[3, 1:] = 0.0  # asset 3 posts no round after the first
    price[3, 1:] = price[3, 0]
    world = ChainWorld(protocol, replace(quiet, oracle_price=price, oracle_time=time))
    oracle = world.deployment.oracle
    feed = Contract(artifacts.load("PriceOracle"), oracle, world.transports[0])
    world.advance(0)
    world.advance(1)
    for asset, rounds in ((2, 2), (3, 1)):
        _, (value, updated_at, round_id) = feed.call("feed", world.deployment.tokens[asset])
        assert (value, round_id) == (int(np.floor(price[asset, 1, 0] * 1e18)), rounds)
        assert updated_at - world.deployment.genesis == time[asset, 1, 0]


# ----------------------------------------------------------------------------------------- the rest


def test_a_replay_sends_the_same_number_of_transactions(
    protocol: Protocol, agent: Callable[[str], int], quiet_paths: Callable[..., MarketPaths]
) -> None:
    world = ChainWorld(protocol, quiet_paths(paths=2), record=True)
    world.advance(0)
    world.execute(swap(agent("noise_trader"), 10.0 * FIRST_ONLY))
    count, seconds = world.replay_raw()
    assert count == 3  # two oracle rounds and one swap
    assert 0.0 < seconds < 1.0
    _ = world.observe().nav, world.reported().nav  # looking is not a transaction
    assert world.replay_raw()[0] == 3


def test_what_a_transport_cannot_do_is_refused_by_name(
    protocol: Protocol, quiet_paths: Callable[..., MarketPaths]
) -> None:
    two = quiet_paths(paths=2)
    with pytest.raises(InputError, match="paths = 2"):
        ChainWorld(protocol, two, "http://127.0.0.1:1")
    with pytest.raises(InputError, match=r"http://127\.0\.0\.1:1"):
        ChainWorld(protocol, quiet_paths(), "http://127.0.0.1:1")
    with pytest.raises(InputError, match="record"):
        ChainWorld(protocol, quiet_paths()).replay_raw()
