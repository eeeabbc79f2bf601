"""The hedge on Aave in the results: interest apart from price, liquidations counted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from simulator.agents.build import build_agents
from simulator.config import load, resolve
from simulator.engine import simulate
from simulator.market.draw import draw
from simulator.results import kernels
from simulator.results.attribution import Attribution
from simulator.results.buckets import BUCKETS, SUMS
from simulator.results.holdings import vault_sizes
from simulator.results.lending import LoanReading
from simulator.types import Floats
from simulator.world.actions import LiquidateLoan
from simulator.world.model.world import ModelWorld
from tests.agents.runs import Log

PATHS = 4
STORM = ("shocks.0.at_hours=20", "shocks.0.ramp_hours=1", "shocks.0.size=1.6")
DEAR = ("aave.assets.BTC.base_rate=0.5", "aave.usdc.borrowed=0")


def attributed(*settings: str, steps: int = 60) -> tuple[ModelWorld, Attribution, Log]:
    config = load("aave-hedge", settings)
    protocol = resolve(config)
    world = ModelWorld(protocol, draw(config.market, 0, PATHS).first_steps(steps))
    attribution, log = Attribution(world), Log()
    simulate(world, build_agents(config, protocol), [attribution, log])
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


def test_a_debt_on_aave_is_a_short_position_of_its_market() -> None:
    world, _, _ = attributed(steps=5)
    sizes = vault_sizes(world.observe(), world.protocol)
    assert (sizes[0, 0] == -world.observe().aave_debt[0]).all()
    assert (sizes[0, 1] == world.observe().size[0, 1]).all()
    assert (world.observe().size[0, 0] == 0.0).all()


def test_a_debt_is_owed_in_its_asset_whatever_becomes_of_usdc() -> None:
    """USDC loses a tenth and nothing else moves: that tenth of the USDC supplied, and no more."""
    aave = resolve(load("aave-hedge", [])).aave
    assert aave is not None
    loans = LoanReading(aave, 1)
    state: Any = SimpleNamespace(
        aave_debt=np.array([[10.0]]), aave_supplied=np.array([[900_000.0]])
    )
    rows: list[Floats] = []
    for usdc in (1.0, 0.9):
        row = np.zeros((kernels.ROWS, 1))
        row[kernels.PRICE_U] = usdc
        if rows:
            loans.advance(rows[0], state)
        loans.add(row, state, np.array([[usdc], [2_000.0], [30_000.0], [20.0]]))
        rows.append(row)
    book = np.zeros((len(BUCKETS), 1))
    kernels.explain_gap(*rows, 0, book)
    moved = {name: usd for name, usd in zip(BUCKETS, book[:, 0], strict=True) if abs(usd) > 1e-6}
    assert moved == {"collateral_revaluation": pytest.approx(-90_000.0)}
