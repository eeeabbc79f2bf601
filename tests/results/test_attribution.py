from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from simulator.agents.base import Actions, Agent, View
from simulator.agents.build import add_agents
from simulator.config import Config, load, resolve, scenarios
from simulator.engine import simulate
from simulator.market.draw import draw
from simulator.results import cost_kernels, kernels
from simulator.results.attribution import TOLERANCE, Attribution, AttributionError
from simulator.results.buckets import BUCKETS, TRADING_COST, hold_rows
from simulator.runner import Plan, simulate_chunk
from simulator.types import Booleans, Floats, Status
from simulator.world.actions import (
    Action,
    Deposit,
    Fill,
    PostBetas,
    PostMargin,
    Rebalance,
    Recenter,
    Redeem,
    RedeemInKind,
    RequestRedeem,
    SettleWithdrawals,
    Swap,
    Trade,
)
from simulator.world.base import Observation, World
from simulator.world.model.world import ModelWorld
from simulator.world.protocol import AgentSlot

Script = dict[int, list[Callable[[View, int], Action]]]


class Scripted(Agent):
    """Does at each step what a script says; keeps what came of it and the sizes around it."""

    slot = AgentSlot("scripted", 5e6, 2_000.0, True, (1e6, 0.0))

    def __init__(self, script: Script) -> None:
        self.script = script
        self.fills: list[Fill] = []
        self.sizes: list[Floats] = []

    def act(self, view: View) -> Actions:
        for make in self.script.get(view.step, []):
            self.sizes.append(view.state.size[0].copy())
            self.fills.append((yield make(view, self.index)))
            self.sizes.append(view.state.size[0].copy())


class Diary:
    """Copies the buckets at the end of each step."""

    def __init__(self, attribution: Attribution) -> None:
        self.attribution = attribution
        self.buckets: list[Floats] = []
        self.flows: list[Floats] = []

    def advanced(self, step: int, world: World) -> None: ...
    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None: ...
    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None: ...

    def stepped(self, step: int, world: World) -> None:
        self.buckets.append(self.attribution.buckets.copy())
        self.flows.append(self.attribution.flows.copy())

    def moved(self, step: int) -> dict[str, Floats]:
        """What each bucket gained in one step, buckets that gained nothing left out."""
        change = self.buckets[step] - self.buckets[step - 1]
        return {
            name: row
            for name, row in zip(BUCKETS, change, strict=True)
            if np.any(np.abs(row) > 1e-6)
        }


def always(paths: int) -> Booleans:
    return np.ones(paths, np.bool_)


def opening(config: Config) -> list[Callable[[View, int], Action]]:
    """Deposit, post betas, place the range and the hedge."""
    paths = config.paths
    return [
        lambda view, me: Deposit(me, np.full(paths, 1e6)),
        lambda view, me: PostBetas(me, np.full((2, paths), 0.4), always(paths)),
        lambda view, me: Recenter(me, always(paths)),
        lambda view, me: Rebalance(me, always(paths)),
    ]


def play(config: Config, script: Script) -> tuple[Scripted, Diary, Attribution, World]:
    market = draw(config.market, 0, config.paths)
    agent = Scripted(script)
    protocol, agents = add_agents(resolve(config), [], [agent])
    world = ModelWorld(protocol, market)
    attribution = Attribution(world)
    diary = Diary(attribution)
    simulate(world, agents, [attribution, diary])
    attribution.check()
    assert all((fill.status == Status.OK).all() for fill in agent.fills)
    return agent, diary, attribution, world


@pytest.mark.parametrize("name", sorted(scenarios()))
def test_every_dollar_is_explained_on_every_path_of_every_scenario(name: str) -> None:
    config = load(name, ["paths=4"])
    paths = simulate_chunk(Plan(config, "model", (), 0), 0, 4, 0).paths
    explained = paths[list(BUCKETS)].sum(axis=1) + paths["flows"]
    assert (paths["residual"] <= TOLERANCE * paths["largest_nav"]).all()
    assert np.allclose(explained, paths["final_nav"], rtol=1e-9, atol=1e-3)
    assert (paths["lp_delta"] != 0).all()


def test_a_rebalance_pays_spread_premium_and_fee_each_in_its_own_term(quiet: Config) -> None:
    paths = quiet.paths
    steps = opening(quiet)
    agent, diary, _, world = play(quiet, {0: steps[:3], 2: steps[3:]})
    sizes = agent.sizes[-1] - agent.sizes[-2]
    expected = {name: np.zeros(paths) for name in ("perp_spread", "perp_premium", "perp_fees")}
    clearing, market = world.protocol.clearing, world.market
    for m, parameters in enumerate(clearing.markets):
        index = market.oracle_price[parameters.asset, 2]
        size = sizes[m]
        assert (size < 0).all()
        # The book was flat: skew 0 before the order.
        spread = world.protocol.half_spread(m)
        fill = index * (1 + (size / 2) / parameters.skew_scale - spread)
        expected["perp_spread"] += np.abs(size) * index * spread
        expected["perp_premium"] += index * size**2 / (2 * parameters.skew_scale)
        expected["perp_fees"] += np.abs(size) * fill * parameters.taker_fee
    moved = diary.moved(2)
    reward = world.protocol.vault.keeper_reward
    # Nothing is left over for the pools.
    assert set(moved) == {*expected, "rewards"}
    for name, usdc in expected.items():
        assert np.allclose(moved[name], -usdc * market.oracle_price[0, 2], rtol=1e-9)
    assert np.allclose(moved["rewards"], -reward * market.oracle_price[0, 2], rtol=1e-12)


def test_deposits_and_redemptions_are_flows_not_profit(quiet: Config) -> None:
    paths = quiet.paths
    script: Script = {
        0: [lambda view, me: Deposit(me, np.full(paths, 1e6))],
        1: [lambda view, me: Deposit(me, np.full(paths, 5e5))],
        2: [lambda view, me: Redeem(me, view.state.wallet_shares[me] / 2)],
    }
    agent, diary, attribution, world = play(quiet, script)
    paid_out = agent.fills[2].amount_out
    assert np.allclose(diary.flows[1], 1.5e6 * world.market.oracle_price[0, 1])
    assert np.allclose(diary.flows[2] - diary.flows[1], -paid_out * world.market.oracle_price[0, 2])
    assert np.abs(attribution.leg(BUCKETS)).max() < 1e-6


def test_what_the_queue_pays_is_a_flow_and_the_request_is_none(quiet: Config) -> None:
    paths = quiet.paths
    script: Script = {
        0: opening(quiet),
        2: [lambda view, me: RequestRedeem(me, view.state.wallet_shares[me] / 2)],
        3: [lambda view, me: SettleWithdrawals(me, np.ones(paths), always(paths))],
    }
    agent, diary, _, world = play(quiet, script)
    assert np.array_equal(diary.flows[2], diary.flows[1])
    paid = agent.fills[-1].amount_out * world.market.oracle_price[0, 3]
    assert (paid > 4e5).all()
    assert np.allclose(diary.flows[2] - diary.flows[3], paid, rtol=1e-12)
    moved = diary.moved(3)
    cost = np.sum([moved[name] for name in TRADING_COST], axis=0)
    assert (cost < 0.0).all()
    assert np.abs(cost).max() < 0.02 * paid.min()


def test_an_exit_in_kind_is_a_flow_of_its_part_of_nav(quiet: Config) -> None:
    # The exiting agent's own account takes the slice, so it may hold no position.
    navs: list[Floats] = []

    def leave(view: View, me: int) -> Action:
        navs.append(np.array(view.state.nav))
        return RedeemInKind(me, view.state.wallet_shares[me] / 4)

    agent, diary, _, world = play(quiet, {0: opening(quiet), 2: [leave]})
    part = agent.fills[-1].amount_out
    # The exit fee stays with the others.
    assert np.allclose(part, 0.25 * (1 - world.protocol.vault.exit_fee), rtol=1e-6)
    assert np.allclose(diary.flows[1] - diary.flows[2], part * navs[0], rtol=1e-9)
    # What is left is worth the same per share but for the smaller short, nearer to its close-out.
    moved = diary.moved(2)
    assert not set(moved) & (set(TRADING_COST) - {"pool_impact"})
    assert np.abs(moved.get("pool_impact", np.zeros(1))).max() < 1e-4 * navs[0].min()
    assert (world.observe().size[0] < 0.0).any()


def test_auto_deleveraging_of_the_vault_is_loss_sharing() -> None:
    config = load("liquidation-cascade", ["paths=6"])
    paths = simulate_chunk(Plan(config, "model", (), 0), 0, 6, 0).paths
    taken = paths["adl_notional"] > 0
    assert taken.any()
    assert (paths["loss_sharing"][taken] < 0).all()
    # It is closed above the market, by at most what the crowd still owed: a quarter of it.
    assert (-paths["loss_sharing"][taken] < 0.3 * paths["adl_notional"][taken]).all()
    assert (paths["liquidations"] == 0).all()


def test_a_swap_of_others_pays_the_position_fees_and_nothing_else(quiet: Config) -> None:
    paths = quiet.paths
    # Amounts of the position are taken at the oracle price, which a swap does not move.
    script: Script = {
        0: opening(quiet),
        2: [lambda view, me: Swap(me, np.full(paths, 100.0), np.zeros(paths), np.zeros(paths))],
    }
    _, diary, _, _ = play(quiet, script)
    moved = diary.moved(2)
    funding = moved.pop("funding", np.zeros(paths))
    assert np.abs(funding).max() < 50
    assert set(moved) == {"lp_fees"}
    assert (moved["lp_fees"] > 1.0).all()


def test_skew_left_by_another_trader_changes_nothing_of_the_vaults(quiet: Config) -> None:
    paths = quiet.paths
    script: Script = {
        0: opening(quiet),
        2: [lambda view, me: Trade(me, 0, np.full(paths, 10.0), np.full(paths, 1e9))],
    }
    _, diary, _, world = play(quiet, script)
    assert (world.observe().size[0, 0] < 0).all()
    assert (world.observe().premium_pool[0] > 0).all()  # the trade went through
    assert set(diary.moved(2)) <= {"funding"}


class Misreported(ModelWorld):
    """A world whose NAV is wrong by a millionth on its second path."""

    def observe(self) -> Observation:
        state = super().observe()
        if "_wrong" not in state.__dict__:
            state.__dict__["_wrong"] = True
            state.__dict__["nav"] = state.nav * np.array([1.0, 1.0 + 1e-6])
        return state


def test_a_wrong_nav_is_refused_naming_the_path(quiet: Config) -> None:
    market = draw(quiet.market, 0, 2)
    protocol, agents = add_agents(resolve(quiet), [], [Scripted({0: opening(quiet)})])
    attribution = Attribution(world := Misreported(protocol, market))
    simulate(world, agents, [attribution])
    with pytest.raises(AttributionError, match=r"^path 1: .*1 of 2 paths"):
        attribution.check()


def test_a_nan_does_not_pass_the_check(quiet: Config) -> None:
    attribution = Attribution(ModelWorld(resolve(quiet), draw(quiet.market, 0, 2)))
    attribution.residual[0] = np.nan
    with pytest.raises(AttributionError, match="path 0"):
        attribution.check()


def readings(extra: int) -> Iterator[Floats]:
    draws = np.random.default_rng(7)
    for _ in range(2):
        yield draws.uniform(1.0, 2.0, (kernels.ROWS + 2 * extra, 5))


@pytest.mark.parametrize("extra", [0, 2])
def test_a_gap_is_explained_exactly_whatever_changed_in_it(extra: int) -> None:
    before, after = readings(extra)
    # What a gap cannot change: idle balances, settled cash, quantities of other collateral.
    for row in (kernels.IDLE_U, kernels.IDLE_X, kernels.SETTLED):
        after[row] = before[row]
    after[kernels.ROWS : kernels.ROWS + extra] = before[kernels.ROWS : kernels.ROWS + extra]
    book = np.zeros((len(BUCKETS), 5))
    for path in range(5):
        kernels.explain_gap(before, after, path, book)
        gained = kernels.value(after, path) - kernels.value(before, path)
        assert book[:, path].sum() == pytest.approx(gained, abs=1e-13)
    plain = np.zeros_like(book)
    for path in range(5):
        kernels.explain_gap.py_func(before, after, path, plain)
    assert np.array_equal(book, plain)


def test_rows_of_the_kernels_are_the_named_buckets() -> None:
    names = {
        "perp_fees": cost_kernels.PERP_FEES,
        "perp_spread": cost_kernels.PERP_SPREAD,
        "perp_premium": cost_kernels.PERP_PREMIUM,
        "pool_fees": cost_kernels.POOL_FEES,
        "lp_delta": kernels.LP_DELTA,
        "lp_convexity": kernels.LP_CONVEXITY,
        "lp_fees": kernels.LP_FEES,
        "hedge_target": kernels.HEDGE_TARGET,
        "hedge_drift": kernels.HEDGE_DRIFT,
        "funding": kernels.FUNDING,
        "pool_impact": kernels.POOL_IMPACT,
        "collateral_revaluation": kernels.REVALUATION,
        "loss_sharing": kernels.LOSS_SHARING,
    }
    assert {name: BUCKETS.index(name) for name in names} == names
    hold_rows(**names)
    with pytest.raises(ValueError, match=r"where buckets.py has \{'funding': 5\}"):
        hold_rows(**names | {"funding": 6})


def test_a_full_redemption_and_margin_posts_of_others_leave_nothing_unexplained(
    quiet: Config,
) -> None:
    paths = quiet.paths
    script: Script = {
        0: opening(quiet),
        1: [lambda view, me: PostMargin(me, 0, np.full(paths, 1e5))],
        3: [lambda view, me: Redeem(me, view.state.wallet_shares[me])],
    }
    _, diary, attribution, world = play(quiet, script)
    assert (attribution.residual <= TOLERANCE * attribution.largest_nav).all()
    assert set(TRADING_COST) <= set(diary.moved(3))
    assert (world.observe().shares < 1e-6).all()
