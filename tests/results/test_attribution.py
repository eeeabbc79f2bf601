from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from simulator.agents.base import Actions, Agent, View
from simulator.agents.build import add_agents
from simulator.books import attribution as book
from simulator.books.buckets import BUCKETS, TRADING_COST
from simulator.books.hooks import BOOK
from simulator.books.keeper import Books
from simulator.books.readings import READING, value
from simulator.config import Config, load, resolve
from simulator.engine import simulate
from simulator.market.draw import draw
from simulator.model.batch import at, blank
from simulator.model.kernel.jit import kernel
from simulator.model.kernel.record import Paths
from simulator.model.parameters import tables_of
from simulator.model.world import ModelWorld
from simulator.results.attribution import TOLERANCE, Attribution, AttributionError
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
from simulator.world.base import World
from simulator.world.protocol import AgentSlot
from tests.scenarios import CHECKED

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
    world = ModelWorld(protocol, market, BOOK)
    books = Books(world)
    attribution = Attribution(books)
    diary = Diary(attribution)
    simulate(world, agents, [books, diary])
    attribution.check()
    assert all((fill.status == Status.OK).all() for fill in agent.fills)
    return agent, diary, attribution, world


@pytest.mark.parametrize("name", CHECKED)
def test_every_dollar_is_explained_on_every_path_of_scenarios(name: str) -> None:
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


class Appearing:
    """Puts money that nobody brought into the vault's idle USDC on its second path."""

    def advanced(self, step: int, world: World) -> None: ...
    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None: ...
    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None: ...

    def stepped(self, step: int, world: World) -> None:
        assert isinstance(world, ModelWorld)
        if step == 3:
            world.state.vault.idle_usdc[1] += 1e6  # one dollar, a millionth of the vault


def test_a_nav_that_nothing_explains_is_refused_naming_the_path(quiet: Config) -> None:
    market = draw(quiet.market, 0, 2)
    protocol, agents = add_agents(resolve(quiet), [], [Scripted({0: opening(quiet)})])
    world = ModelWorld(protocol, market, BOOK)
    simulate(world, agents, [books := Books(world), Appearing()])
    with pytest.raises(AttributionError, match=r"^path 1: .*1 of 2 paths"):
        Attribution(books).check()


def test_a_nan_does_not_pass_the_check(quiet: Config) -> None:
    attribution = Attribution(Books(ModelWorld(resolve(quiet), draw(quiet.market, 0, 2), BOOK)))
    attribution.residual[0] = np.nan
    with pytest.raises(AttributionError, match="path 0"):
        attribution.check()


def test_a_nav_that_is_nan_for_a_step_is_not_forgotten(quiet: Config) -> None:
    market = draw(quiet.market, 0, 2).first_steps(4)
    protocol, agents = add_agents(resolve(quiet), [], [Scripted({0: opening(quiet)})])
    world = ModelWorld(protocol, market, BOOK)
    market.oracle_price[2, 2, 1] = np.nan
    simulate(world, agents, [books := Books(world)])
    with pytest.raises(AttributionError, match=r"^path 1: nan"):
        Attribution(books).check()


@kernel
def explained(paths: Paths, gained: Floats) -> None:
    """Explain the last reading by the next; what NAV gained between them, ``[paths]``."""
    for i in range(gained.size):
        w = at(paths, i)
        kept = w.book.attribution
        gained[i] = value(w, kept.next) - value(w, kept.last)
        book.explain_gap(w, kept.last, kept.next)


@pytest.mark.parametrize("collaterals", [1, 3])
def test_a_gap_is_explained_exactly_whatever_changed_in_it(quiet: Config, collaterals: int) -> None:
    draws, paths = np.random.default_rng(7), 5
    tables = tables_of(resolve(quiet))
    tables.record["count"]["collaterals"] = collaterals
    kept = blank(tables, paths, BOOK)
    last, after = (kept.books["attribution"][name] for name in ("last", "next"))
    for member in READING:
        for reading in (last, after):
            reading[member.name] = draws.uniform(1.0, 2.0, reading[member.name].shape)
    # What a gap cannot change: idle balances, settled cash, quantities of other collateral.
    for name in ("idle_usdc", "idle_base", "settled", "held"):
        after[name] = last[name]
    gained = np.zeros(paths)
    explained(kept, gained)
    buckets = kept.books["attribution"]["buckets"]
    assert np.abs(gained).min() > 1e-3
    np.testing.assert_allclose(buckets.sum(axis=1), gained, atol=1e-13)


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
