"""Pledged liquidity and slices of an account in the model (contracts/SPEC.md §3.4, §3.5)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.model.batch import at
from simulator.model.kernel.jit import kernel
from simulator.model.kernel.record import Paths
from simulator.model.venues.perps.slices import transfer_slice
from simulator.model.world import ModelWorld
from simulator.types import Floats, Status
from simulator.world import actions as act
from tests.model import campaign
from tests.model.campaign import DEPOSITOR, KEEPER, LIQUIDATOR, PROTOCOL, TRADER, portfolio
from tests.model.venue import DAILY, STILL, YES, factor_of

VAULT, TRADER_ACCOUNT, BUYER = 0, 3, 4
_slice = transfer_slice


def hedged(daily: tuple[tuple[float, ...], ...] = DAILY) -> ModelWorld:
    """A million in the vault: liquidity placed and pledged, the hedge on."""
    terms = portfolio()
    pool = replace(
        terms.pool,
        background=tuple(replace(r, liquidity=10**6 * r.liquidity) for r in terms.pool.background),
    )
    clearing = replace(
        terms.clearing,
        covariance_factor=factor_of(daily),
        risk_multiple=3.0,
        markets=tuple(replace(m, skew_scale=1e17) for m in terms.clearing.markets),
        collaterals=(
            replace(terms.clearing.collaterals[0], haircut=0.0),
            *terms.clearing.collaterals[1:],
        ),
    )
    world = ModelWorld(replace(terms, pool=pool, clearing=clearing), campaign.calm_market(1, 3))
    world.advance(0)
    for action in (
        act.Deposit(DEPOSITOR, np.array([1e6])),
        act.PostBetas(KEEPER, np.array([[0.5], [0.4]]), YES),
        act.Recenter(KEEPER, YES),
        act.Rebalance(KEEPER, YES),
    ):
        assert world.execute(action).status[0] == Status.OK
    return world


def exposures(world: ModelWorld) -> Floats:
    """USD of USDC, ETH and BTC behind and in the vault's account, from what is observed."""
    seen = world.observe()
    short = seen.size[VAULT, :, 0] * np.array([2000.0, 30_000.0])
    # Nothing has moved since the trades: profit and loss are what opening cost.
    balance = seen.cash[VAULT, 0] + short.sum() - seen.cost[VAULT, :, 0].sum()
    lp = seen.lp_base[0] * 2000.0
    return np.array([balance + seen.lp_usdc[0], lp + short[0], short[1]])


def test_pledged_liquidity_is_margin_after_its_haircut_and_its_delta_is_netted() -> None:
    world = hedged()
    seen = world.observe()
    n = exposures(world)
    covariance = np.array(DAILY) @ np.array(DAILY).T
    lp = seen.lp_base[0] * 2000.0 + seen.lp_usdc[0]
    assert lp > 700_000
    usdc = n[0] - seen.lp_usdc[0]
    assert seen.account_value[VAULT, 0] == pytest.approx(usdc + lp, rel=1e-12)
    assert seen.equity[VAULT, 0] == pytest.approx(usdc + (1 - 0.12) * lp, rel=1e-12)
    gross = 0.06 * np.abs(seen.size[VAULT, :, 0] * [2000.0, 30_000.0]).sum()
    expected = max(0.4 * gross, 3.0 * np.sqrt(n @ covariance @ n))
    assert expected > 0.4 * gross  # the risk rule rules
    assert seen.maintenance[VAULT, 0] == pytest.approx(expected, rel=1e-12)


def test_the_hedge_needs_less_margin_than_without_the_liquidity_behind_it() -> None:
    pledged = hedged()
    seen = pledged.observe()
    alone = exposures(pledged)
    alone[1] -= seen.lp_base[0] * 2000.0
    covariance = np.array(DAILY) @ np.array(DAILY).T
    assert seen.maintenance[VAULT, 0] < 0.7 * 3.0 * np.sqrt(alone @ covariance @ alone)


def _drain(world: ModelWorld, ratio: float) -> None:
    """Take cash out of the vault's account until its margin ratio is ``ratio``."""
    for _ in range(60):  # M follows the cash where USDC has a risk
        seen = world.observe()
        over = seen.equity[VAULT, 0] - ratio * seen.maintenance[VAULT, 0]
        world.state.clearing.cash[VAULT] -= over
        world._observation = None


def test_part_of_a_pledge_restores_initial_margin() -> None:
    world = hedged(STILL)
    _drain(world, 0.9)
    before = world.observe()
    liquidity, maintenance = before.liquidity[0], before.maintenance[VAULT, 0]
    lp_base, lp_usdc = before.lp_base[0], before.lp_usdc[0]
    cash, bought = before.cash[VAULT, 0], before.cash[BUYER, 0]
    assert before.equity[VAULT, 0] == pytest.approx(0.9 * maintenance, rel=1e-9)
    fill = world.execute(act.LiquidatePledge(LIQUIDATOR, VAULT, YES))
    assert fill.status[0] == Status.OK
    paid, part = fill.amount_in[0], fill.amount_out[0]
    assert 0.0 < part < 1.0
    seen = world.observe()
    # The pool is so deep that it stays at the oracle's price.
    assert seen.equity[VAULT, 0] == pytest.approx(1.5 * seen.maintenance[VAULT, 0], rel=1e-6)
    assert seen.liquidity[0] == pytest.approx((1 - part) * liquidity, rel=1e-12)
    eth = seen.collateral[BUYER, 1, 0]
    assert eth == pytest.approx(part * lp_base, rel=1e-5)
    assert paid == pytest.approx(eth * 2000.0 * 0.99, rel=1e-12)
    assert seen.cash[BUYER, 0] == pytest.approx(bought - paid, rel=1e-12)
    assert seen.cash[VAULT, 0] - cash - paid == pytest.approx(part * lp_usdc, rel=1e-5)


@pytest.mark.parametrize("ratio", [0.02, 0.2, 0.5])
def test_selling_a_pledge_stops_before_risk_lowers_the_margin_ratio(ratio: float) -> None:
    """The hedges lose what they hedge: all of it would leave them the greatest risk of all."""
    world = hedged()
    _drain(world, ratio)
    before = world.observe()
    gross = 0.4 * 0.06 * np.abs(before.size[VAULT, :, 0] * [2000.0, 30_000.0]).sum()
    assert before.equity[VAULT, 0] < 1.5 * gross  # by the gross rule alone all had to go
    fill = world.execute(act.LiquidatePledge(LIQUIDATOR, VAULT, YES))
    assert fill.status[0] == Status.OK
    assert 0.0 < fill.amount_out[0] < 1.0
    after = world.observe()
    assert after.maintenance[VAULT, 0] > gross
    assert after.equity[VAULT, 0] / after.maintenance[VAULT, 0] >= ratio * (1 - 1e-9)


def test_a_healthy_pledge_cannot_be_taken() -> None:
    world = hedged()
    fill = world.execute(act.LiquidatePledge(LIQUIDATOR, VAULT, YES))
    assert fill.status[0] == Status.NOT_LIQUIDATABLE
    unpledged = ModelWorld(PROTOCOL, campaign.calm_market(1, 1))
    unpledged.advance(0)
    fill = unpledged.execute(act.LiquidatePledge(LIQUIDATOR, VAULT, YES))
    assert fill.status[0] == Status.NOT_PLEDGED


def test_the_debt_of_a_flat_account_is_paid_from_its_pledge_and_no_more() -> None:
    world = hedged()
    state = world.state.clearing
    state.size[VAULT], state.cost[VAULT], state.skew[:] = 0.0, 0.0, 0.0
    state.cash[VAULT] = -50_000.0
    world._observation = None
    fill = world.execute(act.LiquidatePledge(LIQUIDATOR, VAULT, YES))
    assert fill.status[0] == Status.OK
    assert 0.0 < fill.amount_out[0] < 0.1
    assert world.observe().cash[VAULT, 0] == pytest.approx(0.0, abs=0.1)


# --------------------------------------------------------------------------------------- slices


@kernel
def _transfer(paths: Paths, part: float) -> int:
    status: int = _slice(at(paths, 0), VAULT, BUYER, part)
    return status


def _moved(world: ModelWorld, part: float) -> Status:
    status = _transfer(world.paths, part)
    world._observation = None
    return Status(status)


@pytest.mark.parametrize("part", [0.25, 1.0])
def test_a_slice_moves_the_same_part_of_everything_and_nothing_is_lost(part: float) -> None:
    world = hedged()
    world.execute(act.PostMargin(LIQUIDATOR, 0, np.array([-300_000.0])))
    before = world.snapshot()
    was = {name: np.array(getattr(world.observe(), name)) for name in _FIELDS}
    assert _moved(world, part) == Status.OK
    seen = world.observe()
    for name in ("size", "cost"):
        whole = was[name][VAULT, :, 0]
        np.testing.assert_allclose(getattr(seen, name)[BUYER, :, 0], part * whole, rtol=1e-14)
        np.testing.assert_allclose(getattr(seen, name)[:, :, 0].sum(axis=0), whole, rtol=1e-14)
    assert (seen.size[VAULT] == 0.0).all() == (part == 1.0)
    entry = was["funding_entry"][VAULT, :, 0]
    np.testing.assert_array_equal(seen.funding_entry[BUYER, :, 0], entry)
    np.testing.assert_allclose(seen.skew, was["skew"], rtol=0)
    got = part * (was["cash"][VAULT, 0] + was["lp_usdc"][0])
    assert seen.cash[BUYER, 0] == pytest.approx(got, rel=1e-5)  # the liquidity is burnt at spot
    assert seen.collateral[BUYER, 1, 0] == pytest.approx(part * was["lp_base"][0], rel=1e-5)
    assert seen.liquidity[0] == pytest.approx((1 - part) * was["liquidity"][0], rel=1e-12)
    # The giver's health is what it was.
    if part < 1.0:
        ratio = was["equity"][VAULT, 0] / was["maintenance"][VAULT, 0]
        now = seen.equity[VAULT, 0] / seen.maintenance[VAULT, 0]
        assert now == pytest.approx(ratio, rel=1e-9)
    held = world.state.clearing
    assert held.total_collateral[0, 0] / 1e6 == pytest.approx(
        held.cash.sum() + held.maker_cash.sum() + held.insurance_fund[0], rel=1e-12
    )
    assert not np.array_equal(world.snapshot(), before)


def test_a_slice_needs_an_account_that_is_not_in_use() -> None:
    world = hedged()
    bound = np.array([1e9])
    assert world.execute(act.Trade(LIQUIDATOR, 0, np.array([1.0]), bound)).status[0] == Status.OK
    assert _moved(world, 0.5) == Status.ACCOUNT_IN_USE


def test_the_slices_holder_ranks_behind_those_who_opened_before() -> None:
    world = hedged()
    world.execute(act.Trade(TRADER, 0, np.array([-1.0]), np.zeros(1)))
    _moved(world, 0.5)
    opened = world.state.clearing.opened[:, 0, 0]
    assert opened[VAULT] < opened[TRADER_ACCOUNT] < opened[BUYER]


_FIELDS = (
    *("size", "cost", "funding_entry", "skew", "cash", "collateral", "liquidity"),
    *("lp_base", "lp_usdc", "equity", "maintenance"),
)
