"""Who lives off the lending market's borrowers, and what the book says of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulator.agents.base import Agent
from simulator.agents.borrower_liquidator import BorrowerLiquidator
from simulator.agents.plain_do import PlainDo
from simulator.config import load
from simulator.result import Result
from simulator.runner import run
from simulator.types import Floats, Status
from simulator.verify import TOLERANCE, verify_paths
from simulator.world import actions
from simulator.world.actions import Action, Fill
from simulator.world.base import World
from simulator.world.gas import GAS_UNITS
from tests.agents.runs import Log
from tests.agents.runs import run as played
from tests.lending.both import Both, config_of, market

USDC, ETH, BTC = range(3)
EARLY = ("shocks.0.at_hours=3", "shocks.1.at_hours=3", "horizon_hours=24")
NAME = "borrower_liquidator"


class Watched(Log):
    """Notes health before each liquidation, and prices."""

    def __init__(self) -> None:
        super().__init__()
        self.health: list[Floats] = []

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None:
        super().acting(step, world, agent, action)
        if isinstance(action, actions.LiquidateBorrower):
            self.health.append(np.array(world.observe().borrower_health[action.borrower]))


@pytest.fixture(scope="module")
def fall() -> tuple[Any, Watched, Any]:
    watched = Watched()
    world, _, _ = played("lending-cascade", steps=48, settings=EARLY, observer=watched)
    return world, watched, world.market  # as flows have moved it


def test_it_liquidates_below_one_and_gains_at_the_index(fall: tuple[Any, Watched, Any]) -> None:
    world, log, market = fall
    lending = world.protocol.lending
    liquidations = log.of(NAME, actions.LiquidateBorrower)
    done = 0
    for (step, action, fill), health in zip(liquidations, log.health, strict=True):
        ok = fill.status == Status.OK
        assert (health[ok] < 1.0).all()
        seized, repaid = (lending.listings[i].asset for i in (action.seized, action.repaid))
        got = fill.amount_out * market.index[seized, step]
        paid = fill.amount_in * market.index[repaid, step]
        gas = GAS_UNITS[actions.LiquidateBorrower] * market.gas_usd[step]
        assert (got - paid > gas)[ok].all()
        done += int(ok.sum())
    assert done > 2


def test_it_sells_what_it_seized_in_the_pool_no_cheaper_than_it_says(
    fall: tuple[Any, Watched, Any],
) -> None:
    _, log, market = fall
    sales = log.of(NAME, actions.Swap)
    sold = 0.0
    for step, _, fill in sales:
        ok = fill.status == Status.OK
        price = fill.amount_out[ok] / fill.amount_in[ok]
        fair = market.index[1, step] / market.index[0, step]
        # The pool's fee comes on top of the limit on its price.
        assert (price > fair[ok] * 0.99 * 0.996).all()
        sold += float(fill.amount_in.sum())
    assert sold > 100.0


def test_it_takes_the_pair_that_pays_most() -> None:
    """BTC is seized at a bonus of 10 %, ETH at 5 %; the BTC debt alone is worth as much as half."""
    one = {
        "collateral": {"ETH": 100, "BTC": 10},
        "debt": {"USDC": 0.7, "BTC": 0.3},
        "health": 1.15,
    }
    lending = market({"one": one})
    lending["reserves"]["BTC"] |= {"liquidation_bonus": 0.1, "protocol_fee": 0.0}
    both = Both(config_of(lending, assets={"BTC": 100.0}), {"ETH": 0.8, "BTC": 0.8})
    both.advance()
    model = both.worlds[0]
    tried: list[actions.LiquidateBorrower] = []

    def execute(action: Action) -> Fill:
        if isinstance(action, actions.LiquidateBorrower):
            tried.append(action)
        return model.execute(action)

    do = PlainDo(model, both.liquidator, 0, execute)
    do.begin(1)
    BorrowerLiquidator.act(do, BorrowerLiquidator(0.0, 0.01, 1e4))
    assert (tried[0].seized, tried[0].repaid) == (BTC, USDC)


def test_what_does_not_pay_for_its_gas_is_left() -> None:
    settings = (*EARLY, f"agents.{NAME}.minimum_profit_usd=1e9")
    _, log, _ = played("lending-cascade", steps=30, settings=settings)
    assert not log.of(NAME, actions.LiquidateBorrower)


@pytest.mark.parametrize("latency", [0, 2])
def test_both_worlds_agree_and_the_prober_meets_the_borrowers(latency: int) -> None:
    """The compiled loop too, through which orders that wait carry what they name."""
    settings = (*EARLY, f"agents.{NAME}.latency_blocks={latency}")
    found = verify_paths(load("lending-cascade", settings), 0, 2, 40, probed=0.5)
    assert found.flips == ()
    assert found.worst <= TOLERANCE
    assert found.agrees
    assert found.outcomes["LiquidateBorrower"]["OK"] > 0
    assert sum(found.probes["LiquidateBorrower"].values()) > 0


@pytest.fixture(scope="module")
def result() -> Result:
    return run(load("lending-cascade", [*EARLY, "paths=4"]))


def test_the_book_is_what_was_liquidated(result: Result, fall: tuple[Any, Watched, Any]) -> None:
    """Of each path what the events of the run say, at the prices of Aave."""
    world, log, market = fall
    lending, paths = world.protocol.lending, len(result.paths)
    repaid, bonus, fee = np.zeros(paths), np.zeros(paths), np.zeros(paths)
    for step, action, fill in log.of(NAME, actions.LiquidateBorrower):
        seized, owed = lending.listings[action.seized], lending.listings[action.repaid]
        paid = fill.amount_in[:paths] * market.oracle_price[owed.asset, step, :paths]
        got = fill.amount_out[:paths] * market.oracle_price[seized.asset, step, :paths]
        part = seized.liquidation_bonus / (1.0 + seized.liquidation_bonus) * seized.protocol_fee
        repaid, bonus = repaid + paid, bonus + got - paid
        fee += got * part / (1.0 - part)
    frame = result.paths
    assert repaid.min() > 0.0
    np.testing.assert_allclose(frame["borrower_repaid"], repaid, rtol=1e-9)
    np.testing.assert_allclose(frame["borrower_bonus"], bonus, rtol=1e-7)
    np.testing.assert_allclose(frame["borrower_fee"], fee, rtol=1e-7)
    assert (frame["bad_loans"] == 0.0).all()


def test_the_book_of_the_chain_is_that_of_the_model(result: Result) -> None:
    chain = run(load("lending-cascade", [*EARLY, "paths=1"]), world="chain").paths
    for name in ("borrower_liquidations", "borrower_repaid", "borrower_bonus", "borrower_fee"):
        assert chain[name][0] == pytest.approx(result.paths[name][0], rel=TOLERANCE)
        assert chain[name][0] > 0.0


def test_without_who_liquidates_a_fall_leaves_bad_debt() -> None:
    settings = [*EARLY, "paths=2", f"agents.{NAME}=null", "shocks.0.size=-0.6"]
    frame = run(load("lending-cascade", settings)).paths
    assert (frame["bad_loans"] > 1e6).all()
    assert (frame["borrower_liquidations"] == 0.0).all()
