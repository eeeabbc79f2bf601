"""Agents around the vault's exits, its oracle and the venue's waterfall."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.agents.build import build_agents
from simulator.books.hooks import BOOK
from simulator.books.keeper import Books
from simulator.config import load, resolve
from simulator.engine import simulate
from simulator.market.draw import draw
from simulator.market.paths import MarketPaths
from simulator.model.world import ModelWorld
from simulator.types import Floats, Status
from simulator.world import actions
from simulator.world.actions import Action
from simulator.world.base import World
from simulator.world.protocol import Protocol
from tests.agents.runs import PATHS, Log, Ran, run

CRASH = 66 * 4  # step of the liquidation-cascade scenario at which the fall begins


@pytest.fixture(scope="module")
def cascade() -> Ran:
    return run("liquidation-cascade", steps=420)


@pytest.fixture(scope="module")
def lagging() -> Ran:
    return run("oracle-lag", steps=480)


# -------------------------------------------------------------------------------------- depositor


def test_what_cannot_be_redeemed_at_once_is_queued(cascade: Ran) -> None:
    _, log, _ = cascade
    waits = (
        Status.INSUFFICIENT_LIQUIDITY,
        Status.SLIPPAGE,
        Status.BELOW_INITIAL_MARGIN,
        Status.WITHDRAWALS_QUEUED,
    )
    nothing = np.zeros(PATHS)
    refused: dict[int, Floats] = {}
    for step, wish, fill in log.of("depositor", actions.Redeem):
        late = np.where(np.isin(fill.status, waits), wish.shares, 0.0)
        refused[step] = refused.get(step, nothing) + late
    returned: dict[int, Floats] = {}
    for step, _, fill in log.of("depositor", actions.CancelRequest):
        returned[step] = returned.get(step, nothing) + fill.amount_in
    asked = log.of("depositor", actions.RequestRedeem)
    assert asked
    for step, action, fill in asked:
        asking = action.shares > 0.0
        expected = refused[step] + returned.get(step, nothing)
        np.testing.assert_array_equal(action.shares[asking], expected[asking])
        assert (fill.status[asking] == Status.OK).all()
    wishes = sum((shares > 0.0).sum() for shares in refused.values())
    assert wishes == sum((action.shares > 0.0).sum() for _, action, _ in asked)


def test_a_silent_oracle_is_left_in_kind_and_the_slice_is_closed_when_it_speaks(
    lagging: Ran,
) -> None:
    world, log, market = lagging
    exits = [
        (step, fill.status == Status.OK)
        for step, _, fill in log.of("depositor", actions.RedeemInKind)
    ]
    left = np.zeros(PATHS, np.bool_)
    for step, done in exits:
        age = step * market.step_seconds - market.oracle_time[:3, step].min(axis=0)
        assert (age[done] > 150 * 60).all()
        left |= done
    assert left.all()
    own = world.protocol.account_of(0)
    assert (world.observe().size[own] == 0.0).all()
    assert (world.observe().cash[own] < 1e-6).all()  # less than a raw unit cannot be moved
    assert (world.observe().wallet_base[0] > 0.0).all()  # its part of the liquidity


def test_depositors_who_stay_out_of_the_hedge_have_no_margin_account() -> None:
    assert not resolve(load("calm")).agents[0].has_account
    assert resolve(load("oracle-lag")).agents[0].has_account


# ----------------------------------------------------------------------------------------- keeper


def test_the_keeper_settles_less_at_a_time_while_it_is_refused() -> None:
    def thin(market: MarketPaths) -> MarketPaths:
        depth = market.pool_depth.copy()
        depth[CRASH + 8 :] *= 0.05
        return replace(market, pool_depth=depth)

    _, log, _ = run("liquidation-cascade", thin, steps=420)
    smaller = 0
    last: dict[tuple[int, int], int] = {}  # by step and path
    for step, action, fill in log.of("keeper", actions.SettleWithdrawals):
        for path in np.flatnonzero(action.when):
            if action.fraction[path] < 1.0:
                assert last[step, path] != Status.OK
                smaller += 1
            last[step, path] = fill.status[path]
    assert last
    assert smaller > 0


def test_the_keeper_does_not_settle_at_any_price(cascade: Ran) -> None:
    _, log, _ = run(
        "liquidation-cascade", steps=300, settings=("agents.keeper.settlement_gas_usd=0",)
    )
    assert log.of("depositor", actions.RequestRedeem)
    assert not log.of("keeper", actions.SettleWithdrawals)


def test_the_keeper_leaves_what_is_not_worth_its_gas() -> None:
    def poor(protocol: Protocol) -> Protocol:
        return replace(protocol, vault=replace(protocol.vault, keeper_share=1e-9))

    # A millionth of a thousandth of what it protects pays no gas.
    assert run(terms=poor)[1].of("keeper", Action) == []


# ------------------------------------------------------------------------ traders and liquidators


def test_leveraged_traders_open_once_at_their_leverage_and_hold_on(cascade: Ran) -> None:
    _, log, market = cascade
    section = load("liquidation-cascade").agents.leveraged_long
    assert section is not None
    opened = log.of("leveraged_long", Action)
    assert [step for step, _, _ in opened] == [0] * PATHS  # once on each path
    notional = sum(fill.amount_in for _, _, fill in opened) * market.index[1, 0]
    np.testing.assert_allclose(notional, section.leverage * section.margin["USDC"], rtol=1e-12)
    short = np.sum([fill.amount_in for _, _, fill in log.of("leveraged_short", Action)], axis=0)
    assert (short < 0.0).all()


def test_a_gap_leaves_the_crowd_bankrupt_and_takes_the_vaults_short(cascade: Ran) -> None:
    world, log, _ = cascade
    crowd = world.protocol.account_of(
        next(i for i, slot in enumerate(world.protocol.agents) if slot.name == "leveraged_long")
    )
    taken = [
        (step, fill.status == Status.OK)
        for step, action, fill in log.of("liquidator", actions.Liquidate)
        if action.account == crowd
    ]
    assert taken
    assert min(step for step, _ in taken) >= CRASH
    state = world.observe()
    assert (state.size[crowd] == 0.0).all()
    # Where the price had fallen before, the crowd was closed in time.
    bankrupt = state.bad_debt > 0.0
    assert bankrupt.mean() > 0.5
    assert (state.insurance_fund[bankrupt] < 2e4).all()


def test_the_liquidator_buys_pledged_liquidity_of_an_account_that_is_short_of_margin() -> None:
    class Short(Log):
        """Takes the vault's cash and more between two steps, as a loss elsewhere would."""

        def advanced(self, step: int, world: World) -> None:
            if step == 12:
                assert isinstance(world, ModelWorld)
                clearing = world.state.clearing
                loss = world.observe().equity[0] - 0.9 * world.observe().maintenance[0]
                clearing.maker_cash[0] += loss
                clearing.cash[0] -= loss
                world._observation = None

    _, log, _ = run("liquidation-cascade", observer=Short(), steps=16)
    bought = log.of("liquidator", actions.LiquidatePledge)
    assert bought
    step, _, fill = bought[0]
    assert step == 12
    assert (fill.status[fill.status > 0] == Status.OK).any()
    assert (fill.amount_out <= 1.0).all()


# ------------------------------------------------------------------------------- latency, oracles


def latency(fees: float | None) -> Floats:
    """Timing profit by path; ``fees`` None: as the scenario has them."""

    def charge(protocol: Protocol) -> Protocol:
        if fees is None:
            return protocol
        return replace(protocol, vault=replace(protocol.vault, entry_fee=fees, exit_fee=fees))

    config = load("oracle-lag", [f"paths={PATHS}"])
    protocol = charge(resolve(config))
    world = ModelWorld(protocol, draw(config.market, 0, PATHS).first_steps(380), BOOK)
    log, books = Log(), Books(world)
    simulate(world, build_agents(config, protocol), [log, books])
    traded = log.of("latency_arbitrageur", Action)
    assert len(traded) > 50
    profit: Floats = books.view.latency.usd
    return profit


def test_fees_as_large_as_the_oracles_deviation_leave_latency_arbitrage_nothing() -> None:
    assert (latency(None) < 0.0).all()


def test_without_those_fees_the_lag_would_pay() -> None:
    assert (latency(0.0) > 0.0).all()


def test_betas_that_differ_by_rounding_are_not_posted_again() -> None:
    """ETH hedged with ETH, and with BTC beside it: one and nothing, but for the last digits."""
    _, log, _ = run(
        "liquidation-cascade",
        settings=(
            "assets.BTC={price: 30000, volatility: 0.6}",
            "clearing.markets.BTC={skew_scale_usd: 2.0e+8, max_skew_usd: 2.0e+7}",
            "vault.betas={ETH: 1.0, BTC: 0.0}",
            "agents.risk_manager={window_hours: 6, every_hours: 2, estimator: rolling}",
        ),
    )
    asked = [action.when for _, action, _ in log.of("risk_manager", actions.PostBetas)]
    assert len(asked) > 2
    assert asked[0].all()
    assert not np.any(asked[1:])


def test_the_posted_covariance_is_that_of_the_window() -> None:
    _, log, market = run(
        "calm",
        settings=(
            "clearing.margin=portfolio",
            "agents.risk_manager.posts_covariance=true",
            "agents.risk_manager.window_hours=24",
        ),
    )
    posts = log.of("risk_manager", actions.PostCovariance)
    assert posts
    order = [0, *(market.assets.index(symbol) for symbol in ("BTC", "SOL", "ETH"))]
    for step, action, fill in posts:
        assert (fill.status == Status.OK).all()
        for path in range(PATHS):
            window = np.diff(np.log(market.index[order, step - 24 : step + 1, path]), axis=1)
            factor = action.factor[:, :, path]
            np.testing.assert_allclose(factor @ factor.T, 24 * np.cov(window), rtol=1e-9)


def test_the_covariance_has_a_row_for_each_risk_asset() -> None:
    protocol = resolve(load("calm", ["clearing.margin=portfolio"]))
    symbols = [protocol.assets[asset].symbol for asset in protocol.risk_assets]
    assert symbols == ["USDC", "BTC", "SOL", "ETH"]


def test_market_paths_know_nothing_of_agents() -> None:
    # What the agents of these tests do is theirs: the flows drawn for others stay as they were.
    def flows(settings: tuple[str, ...]) -> MarketPaths:
        return run("oracle-lag", steps=4, settings=settings)[2]

    alone = flows(("agents.latency_arbitrageur=null",))
    np.testing.assert_array_equal(alone.noise_trade, flows(()).noise_trade)
    np.testing.assert_array_equal(alone.index, flows(()).index)
