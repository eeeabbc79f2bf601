"""Liquidators with finite money, a bid for gas, and collateral that they have to sell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulator.config import load, resolve
from simulator.result import Result
from simulator.runner import run
from simulator.types import Status
from simulator.verify import TOLERANCE, verify_paths
from simulator.world import actions
from simulator.world.gas import GAS_UNITS
from tests.agents.runs import Ran
from tests.agents.runs import run as played

NAME = "borrower_liquidator"
EARLY = ("shocks.0.at_hours=3", "shocks.1.at_hours=3", "horizon_hours=24")
STEPS = 48
CAPITAL = 5e6
FINITE = f"agents.{NAME}.capital_usd={CAPITAL:g}"
POOL = (f"agents.{NAME}.sells=pool", f"agents.{NAME}.slippage=0.02")
SLOWLY = f"agents.{NAME}.sale_half_life_hours=1"


def ran(*settings: str) -> Ran:
    return played("lending-cascade", steps=STEPS, settings=(*EARLY, *settings))


def repaid(one: Ran) -> np.ndarray[Any, Any]:
    """USD repaid at the index by step and path, and what was gained by it then ``[2, T, P]``."""
    world, log, _ = one
    market = world.market  # as flows have moved it
    lending = world.protocol.lending
    assert lending is not None
    found = np.zeros((2, STEPS + 1, market.paths))
    for step, action, fill in log.of(NAME, actions.LiquidateBorrower):
        ok = fill.status == Status.OK
        paid, taken = (lending.listings[i].asset for i in (action.repaid, action.seized))
        usd = np.where(ok, fill.amount_in * market.index[paid, step], 0.0)
        found[0, step] += usd
        found[1, step] += np.where(ok, fill.amount_out * market.index[taken, step], 0.0) - usd
    return found


def test_a_capital_nobody_reaches_changes_nothing() -> None:
    endless, large = ran(), ran(f"agents.{NAME}.capital_usd=1e13")
    rows = [
        [
            (s, type(a).__name__, f.amount_in.tolist(), f.status.tolist())
            for s, _, a, f in one[1].entries
        ]
        for one in (endless, large)
    ]
    assert rows[0] == rows[1]


def test_what_is_repaid_in_a_step_is_never_more_than_its_capital_and_gains() -> None:
    """What it seizes is paid for at the next step."""
    usd, gained = repaid(ran(FINITE))
    before = np.cumsum(gained, axis=0) - gained
    assert (usd <= (CAPITAL + np.maximum(before, 0.0)) * (1.0 + 1e-9)).all()
    assert (usd > 0.99 * CAPITAL).any()
    free, _ = repaid(ran())
    assert free.max() > 2.0 * CAPITAL


def test_in_the_pool_it_takes_only_what_it_can_sell_there_and_sells_by_halves() -> None:
    world, log, market = ran(*POOL, SLOWLY)
    lending = world.protocol.lending
    assert lending is not None
    slot = next(slot for slot in world.protocol.agents if slot.name == NAME)
    assert not slot.trades_outside
    agent = world.protocol.agents.index(slot)
    assert resolve(load("lending-cascade")).agents[agent].trades_outside
    held = np.zeros(market.paths)
    steps = 3600.0 / market.step_seconds
    sold = 0
    for step, who, action, fill in log.entries:
        if who != NAME:
            continue
        ok = fill.status == Status.OK
        if isinstance(action, actions.LiquidateBorrower):
            assert lending.listings[action.seized].asset in (0, 1)
            seized = lending.listings[action.seized].asset == 1
            held += np.where(ok & seized, fill.amount_out, 0.0)
        elif isinstance(action, actions.Swap):
            part = 1.0 - 0.5 ** (1.0 / steps)
            wanted = np.asarray(action.amount)
            np.testing.assert_allclose(wanted[ok], (part * held)[ok], rtol=1e-6)
            held -= np.where(ok, fill.amount_in, 0.0)
            sold += int(ok.sum())
        assert step <= STEPS
    assert sold > 20
    left = world.observe().wallet_base[agent] - slot.base
    np.testing.assert_allclose(left, held, rtol=1e-6, atol=1e-6)


def test_what_is_not_worth_its_gas_yet_is_sold_once_it_is() -> None:
    """Each step's half was less than the gas of a sale, and it was dry for good."""
    dear = (
        f"agents.{NAME}.sale_half_life_hours=48",
        "gas.gwei=100",
        f"agents.{NAME}.capital_usd=4e3",
    )
    _, log, _ = ran(*POOL, *dear)
    sold = [fill for _, _, fill in log.of(NAME, actions.Swap)]
    for path in range(len(sold[0].status)):
        assert sum(fill.status[path] == Status.OK for fill in sold) >= 2


def test_who_bids_much_for_gas_leaves_what_pays_less() -> None:
    """Of a liquidation that was made the gain is more than the bid, gas of the sale apart."""
    bid, dear = 1e6, "gas.gwei=1"
    one = ran(dear, f"agents.{NAME}.gas_bid={bid:g}")
    usd, gained = repaid(one)
    gas = bid * GAS_UNITS[actions.LiquidateBorrower] * one[0].market.gas_usd[: STEPS + 1]
    assert (usd > 0.0).any()
    assert (gained > gas)[usd > 0.0].all()
    free, _ = repaid(ran(dear))
    assert (free > 0.0).sum() > (usd > 0.0).sum()


@pytest.mark.parametrize("settings", [(FINITE,), (FINITE, *POOL, SLOWLY)])
def test_both_worlds_agree(settings: tuple[str, ...]) -> None:
    found = verify_paths(load("lending-cascade", (*EARLY, *settings)), 0, 1, 40)
    assert found.flips == ()
    assert found.worst <= TOLERANCE
    assert found.outcomes["LiquidateBorrower"]["OK"] > 0


@pytest.fixture(scope="module")
def dry() -> Result:
    return run(load("lending-cascade", [*EARLY, "paths=4", FINITE, *POOL, SLOWLY]))


def test_what_it_lacked_is_counted_and_told_where_debts_stay(dry: Result) -> None:
    paths = dry.paths
    assert (paths[f"{NAME}_missed"] > 0).any()
    assert (paths[f"{NAME}_short_usd"] > 1e5).any()
    assert (paths[f"{NAME}_inventory_usd"] >= 0.0).all()
    (finding,) = [f for f in dry.summary["diagnosis"] if f["name"] == "liquidators_dry"]
    assert finding["field"] == f"agents.{NAME}.capital_usd"
    assert finding["value"] == CAPITAL
    assert "ran out of money" in finding["text"]
    assert "5,000,000 USD of capital" in finding["text"]


def test_debts_stay_bad_where_liquidators_ran_dry_and_nowhere_else() -> None:
    deep = (*EARLY, "paths=4", "shocks.0.size=-0.3")
    rich, poor = (run(load("lending-cascade", [*deep, *more])) for more in ((), (FINITE,)))
    assert (rich.paths["bad_loans"] == 0.0).all()
    assert (poor.paths["bad_loans"] > 1e6).all()
    (finding,) = [f for f in poor.summary["diagnosis"] if f["name"] == "liquidators_dry"]
    assert f"{poor.paths['bad_loans'].mean():,.0f} USD there" in finding["text"]
    assert (rich.paths[f"{NAME}_missed"] == 0.0).all()
    assert not [f for f in rich.summary["diagnosis"] if f["name"] == "liquidators_dry"]


def test_collateral_is_bought_as_far_as_the_clearing_house_s_liquidator_has_money() -> None:
    """Of an account in debt, piece by piece, each paid for before the next is bought."""
    capital = 20_000.0
    settings = (
        "agents.leveraged_long={usdc: 0, margin: {USDC: 1.0e5, ETH: 150}, leverage: 6}",
        *("shocks.0.at_hours=2", "shocks.1.at_hours=3.5", "shocks.2.at_hours=3"),
        f"agents.liquidator.capital_usd={capital:g}",
    )
    world, log, _ = played("liquidation-cascade", steps=STEPS, settings=settings)
    market, pieces = world.market, 0
    spent = np.zeros((2, STEPS + 1, market.paths))
    for step, action, fill in log.of("liquidator", actions.LiquidateCollateral):
        asset = world.protocol.clearing.collaterals[action.collateral].asset
        paid = fill.amount_in * market.oracle_price[0, step]
        spent[0, step] += paid
        spent[1, step] += fill.amount_out * market.index[asset, step] - paid
        pieces += int((fill.status == Status.OK).sum())
    gained = np.cumsum(spent[1], axis=0) - spent[1]
    assert (spent[0] <= (capital + np.maximum(gained, 0.0)) * (1.0 + 1e-9)).all()
    assert (spent[0] > capital).any()
    assert pieces > 2 * market.paths
    slot = next(slot for slot in world.protocol.agents if slot.name == "liquidator")
    assert slot.metrics == ("missed", "short_usd", "inventory_usd")
    assert resolve(load("liquidation-cascade")).agents[-2].metrics == ()
