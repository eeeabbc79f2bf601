"""The hedge on Aave in the results: interest apart from price, liquidations counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.agents.build import build_agents
from simulator.books.buckets import BUCKETS, SUMS
from simulator.books.hooks import BOOK
from simulator.books.keeper import Books
from simulator.config import load, resolve
from simulator.engine import simulate
from simulator.market.draw import draw
from simulator.model.batch import at
from simulator.model.kernel.jit import kernel
from simulator.model.kernel.record import Paths
from simulator.model.venues.margin_accounts import hedge_size as _hedge_size
from simulator.model.world import ModelWorld
from simulator.results.attribution import Attribution
from simulator.types import Floats
from simulator.world.actions import LiquidateLoan
from simulator.world.base import World
from tests.agents.runs import Log

PATHS = 4
STORM = ("shocks.0.at_hours=20", "shocks.0.ramp_hours=1", "shocks.0.size=1.6")
DEAR = ("aave.assets.BTC.base_rate=0.5", "aave.usdc.borrowed=0")


def attributed(*settings: str, steps: int = 60) -> tuple[ModelWorld, Attribution, Log]:
    config = load("aave-hedge", settings)
    protocol = resolve(config)
    world = ModelWorld(protocol, draw(config.market, 0, PATHS).first_steps(steps), BOOK)
    books, log = Books(world), Log()
    simulate(world, build_agents(config, protocol), [books, log])
    attribution = Attribution(books)
    attribution.check()
    return world, attribution, log


def test_interest_is_funding_and_nothing_else() -> None:
    """At fifty percent a year for sixty hours on some half million dollars."""
    settings = ("clearing.markets.SOL.max_funding_velocity=0", "vault.betas={BTC: 0.7}")
    fixed = ("agents.risk_manager.estimator=fixed",)
    _, free, _ = attributed(*settings, *fixed, "aave.usdc.borrowed=0", "aave.assets.BTC.slope1=0")
    world, dear, _ = attributed(*settings, *fixed, *DEAR, "aave.assets.BTC.slope1=0")
    assert np.abs(free.bucket("funding")).max() < 1.0
    debt = world.observe().aave_debt[0] * world.market.oracle_price[2, -1]
    expected = -0.5 * 60 / 8_760 * debt
    assert dear.bucket("funding") == pytest.approx(expected, rel=0.25)
    hedged = dear.leg(SUMS["hedge_price"]), free.leg(SUMS["hedge_price"])
    assert hedged[0] == pytest.approx(hedged[1], rel=0.02)


def test_a_liquidation_on_aave_costs_its_bonus() -> None:
    world, attribution, log = attributed(*STORM, steps=30)
    price = world.market.oracle_price
    bonus = np.zeros(PATHS)
    for step, _, fill in log.of("liquidator", LiquidateLoan):
        bonus += fill.amount_out * price[0, step] - fill.amount_in * price[2, step]
    assert bonus.max() > 0.0
    assert attribution.bucket("liquidation_penalty") == pytest.approx(-bonus, rel=1e-9)


@kernel
def held(paths: Paths, out: Floats) -> None:
    """The vault's hedge of each market, into ``[M, P]``."""
    for i in range(out.shape[1]):
        for market in range(out.shape[0]):
            out[market, i] = _hedge_size(at(paths, i), market)


def test_a_debt_on_aave_is_a_short_position_of_its_market() -> None:
    world, _, _ = attributed(steps=5)
    held(world.paths, sizes := np.empty((2, PATHS)))
    assert (sizes[0] == -world.observe().aave_debt[0]).all()
    assert (sizes[1] == world.observe().size[0, 1]).all()
    assert (world.observe().size[0, 0] == 0.0).all()


def test_a_debt_is_owed_in_its_asset_whatever_becomes_of_usdc() -> None:
    """USDC loses a tenth and nothing else moves: that tenth of the USDC supplied, and no more."""
    config = load("aave-hedge", [])
    protocol, market = resolve(config), draw(config.market, 0, 1).first_steps(2)
    still = np.repeat(market.oracle_price[:, :1], 3, axis=1)
    still[0] = [[1.0], [0.9], [0.9]]
    world = ModelWorld(protocol, replace(market, oracle_price=still), BOOK)
    aave, unit = world.state.aave, world.tables.view.aave.unit
    aave.supplied[:], aave.debt[0] = 900_000.0 * unit[0], 10.0 * unit[1]
    aave.liquidity_rate[:], aave.borrow_rate[:] = 0.0, 0.0
    simulate(world, [], [books := Books(world)])
    attribution = Attribution(books)
    attribution.check()
    total = attribution.buckets[:, 0]
    moved = {name: usd for name, usd in zip(BUCKETS, total, strict=True) if abs(usd) > 1e-6}
    assert moved == {"collateral_revaluation": pytest.approx(-90_000.0)}


def test_what_was_interest_is_principal_once_time_moves_on() -> None:
    """A debt doubles by interest, then by price: that is funding, the second move is not."""
    config = load("aave-hedge", [])
    protocol, market = resolve(config), draw(config.market, 0, 1).first_steps(2)
    prices = np.repeat(market.oracle_price[:, :1], 3, axis=1)
    prices[0] = 1.0
    assert protocol.aave is not None
    asset = protocol.aave.legs[0].reserve.asset
    prices[asset, 2] *= 2.0
    world = ModelWorld(protocol, replace(market, oracle_price=prices), BOOK)
    aave, unit = world.state.aave, world.tables.view.aave.unit
    aave.supplied[:], aave.debt[0] = 900_000.0 * unit[0], 1.0 * unit[1]
    aave.liquidity_rate[:], aave.borrow_rate[:] = 0.0, 0.0

    class Doubling:
        """The index doubles before the first step, and stands still after."""

        def advanced(self, step: int, world: World) -> None:
            if step == 1:
                aave.borrow_index[1] *= 2.0

        def acting(self, *given: object) -> None: ...
        def acted(self, *given: object) -> None: ...
        def stepped(self, *given: object) -> None: ...

    simulate(world, [], [Doubling(), books := Books(world)])
    attribution = Attribution(books)
    attribution.check()
    worth = prices[asset, 0, 0]
    assert attribution.bucket("funding") == pytest.approx(-worth)
    assert attribution.bucket("hedge_drift") == pytest.approx(-2.0 * worth)
