"""Fees, spread and price impact apart; basis apart from being off target."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from simulator.agents.base import Agent
from simulator.agents.build import build_agents
from simulator.books.buckets import SUMS, TRADING_COST
from simulator.books.hooks import BOOK
from simulator.books.keeper import Books
from simulator.config import Config, load, resolve
from simulator.engine import simulate
from simulator.market.draw import draw
from simulator.model.world import ModelWorld
from simulator.results.attribution import Attribution
from simulator.runner import Plan, simulate_chunk
from simulator.types import Status
from simulator.world.actions import Action, Fill, Liquidate
from simulator.world.base import World
from tests.results.test_attribution import opening, play

#: The hedge of an ETH position is ETH itself.
SELF = (
    "clearing.markets={{ETH: {{skew_scale_usd: {scale}, half_spread: 0.0003, taker_fee: 0.0005, "
    "max_skew_usd: {skew}, maintenance_rate: 0.05}}}}"
)


def frames(config: Config) -> tuple[pd.DataFrame, pd.DataFrame]:
    outcome = simulate_chunk(Plan(config, "model", (), 0), 0, config.paths, config.paths)
    assert outcome.series is not None
    return outcome.paths, outcome.series


@pytest.fixture(scope="module")
def self_hedged() -> dict[str, pd.DataFrame]:
    """Three days of *calm* hedged with its own asset, on a thin and on a deep venue."""
    venues = {"thin": (4e7, 5e6), "deep": (1e13, 1e13)}
    return {
        name: frames(
            load("calm", ["paths=3", "horizon_hours=72", SELF.format(scale=scale, skew=skew)])
        )[0]
        for name, (scale, skew) in venues.items()
    }


def test_an_asset_hedged_with_itself_has_no_basis(self_hedged: dict[str, pd.DataFrame]) -> None:
    for paths in self_hedged.values():
        assert (paths["lp_delta"].abs() > 100.0).all()
        assert (paths["basis_pnl"].abs() < 1e-6).all()
        # The position's gamma moves the target within the band.
        assert (paths["hedge_drift"].abs() > 1.0).all()


def test_depth_takes_away_the_premium_and_nothing_else(
    self_hedged: dict[str, pd.DataFrame],
) -> None:
    thin, deep = self_hedged["thin"], self_hedged["deep"]
    assert (thin["perp_premium"] < -100.0).all()
    assert (deep["perp_premium"].abs() < 0.1).all()
    for name in ("lp_delta", "hedge_target", "lp_convexity", "pool_fees"):
        np.testing.assert_allclose(thin[name], deep[name], rtol=0.02, atol=5.0)


def test_hedge_on_target_is_what_the_posted_betas_of_the_exposure_would_have_gained() -> None:
    config = load("correlation-breakdown", ["paths=2", "horizon_hours=96", "shocks=[]"])
    _, series = frames(config)
    for _, path in series.groupby("path"):
        exposure = path["delta_SOL"].to_numpy()[:-1]
        move = np.zeros_like(exposure)
        for symbol in ("BTC", "ETH"):
            price = path[f"oracle_{symbol}"].to_numpy()
            move += path[f"beta_{symbol}"].to_numpy()[:-1] * (price[1:] / price[:-1] - 1.0)
        expected = np.concatenate([[0.0], np.cumsum(-exposure * move)])
        assert np.abs(expected).max() > 100.0
        np.testing.assert_allclose(path["hedge_target"], expected, atol=1e-6)


@pytest.mark.parametrize("ppm", [500, 3_000])
def test_a_recentring_pays_the_pools_fee_on_what_it_swaps(quiet: Config, ppm: int) -> None:
    """Half of what is invested is swapped: on USDC in, the fee tier of it."""
    pool = quiet.pool.model_copy(update={"fee_ppm": ppm, "tick_spacing": 60})
    config = quiet.model_copy(update={"pool": pool})
    steps = opening(config)
    _, diary, _, world = play(config, {0: steps[:2], 2: steps[2:3]})
    moved, state = diary.moved(2), world.observe()
    base = state.lp_base + state.idle_base
    bought = base * world.market.oracle_price[1, 2]
    assert (moved["pool_fees"] < 0.0).all()
    # The price paid is above the oracle's by what the swap costs, some per mille.
    np.testing.assert_allclose(-moved["pool_fees"], 1e-6 * ppm * bought, rtol=0.02)
    assert (moved["pool_impact"] < 0.0).all()
    assert set(moved) == {"pool_fees", "pool_impact", "rewards"}


def test_sums_of_terms_are_metrics_beside_them() -> None:
    config = load("hedge-liquidation", ["paths=3", "horizon_hours=48", "shocks=[]"])
    paths, _ = frames(config)
    for name, terms in SUMS.items():
        np.testing.assert_allclose(paths[name], paths[list(terms)].sum(axis=1), atol=1e-6)
    assert set(TRADING_COST) < set(SUMS["pnl"])


class LeftOver:
    """After each liquidation of the vault: what of its change of NAV no term explains, USD."""

    def __init__(self, books: Books) -> None:
        self.attribution, self.book = Attribution(books), books.view.attribution
        self.left: list[float] = []
        self.spread = 0.0

    def advanced(self, step: int, world: World) -> None: ...
    def stepped(self, step: int, world: World) -> None: ...

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None:
        self.value = world.observe().account_value.copy()
        self.spread_before = self.attribution.bucket("perp_spread").copy()

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
        if not isinstance(action, Liquidate) or action.account > world.protocol.markets:
            return
        # NAV as it was asked for, and as it is; before it a liquidation settles what was open.
        change = world.observe().nav - self.book.before.nav
        for i in np.flatnonzero((fill.status == Status.OK) & (self.value[action.account] >= 0.0)):
            self.left.append(change[i] - self.book.explicit[i])
            self.spread += self.attribution.bucket("perp_spread")[i] - self.spread_before[i]


def test_a_liquidation_pays_spread_premium_and_penalty_and_nothing_else() -> None:
    config = load("hedge-liquidation", ["paths=6"])
    protocol = resolve(config)
    world = ModelWorld(
        protocol, draw(config.market, 0, 6).first_steps(min(340, config.steps)), BOOK
    )
    books = Books(world)
    seen = LeftOver(books)
    simulate(world, build_agents(config, protocol), [books, seen])
    seen.attribution.check()
    assert seen.left
    assert seen.spread < -1.0
    assert np.abs(seen.left).max() < 1e-6
