"""Fees paid in shares, the bound on keepers' rewards: contracts/SPEC.md §4.3, §4.5 by integers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.types import Status
from simulator.world import actions as act
from simulator.world.protocol import Protocol
from tests.model import campaign
from tests.model.campaign import DEPOSITOR, KEEPER
from tests.model.vault_steps import DEEP, YES, deposit, do, hedged, opened, redeem

WAD, V = 10**18, 10**12
YEAR = 365 * 86_400
STEP = campaign.STEP_SECONDS


def charging(management: float = 0.0, performance: float = 0.0, **others: Any) -> Protocol:
    vault = replace(DEEP.vault, management_fee=management, performance_fee=performance, **others)
    return replace(DEEP, vault=vault)


def due(
    total: int, supply: int, seconds: int, mark: int, management: float, performance: float
) -> tuple[int, int]:
    """(shares due, high-water mark after) in the contract's integers."""
    if supply == 0:
        return 0, max(WAD, (total + 1) * 10**30 // V)
    part = min(round(management * WAD) * seconds // YEAR, WAD // 2)
    shares = supply * part // (WAD - part)
    supply += shares
    over = max((total + 1) * 10**30 // (supply + V) - mark, 0)
    fee = round(performance * WAD) * over * supply // (10**30 * WAD)
    gained = fee * (supply + V) // (total - fee + 1)
    return shares + gained, max(mark, (total + 1) * 10**30 // (supply + gained + V))


def raw(whole: float, decimals: int) -> int:
    return round(float(whole) * 10**decimals)


def test_a_year_costs_the_management_fee_and_nobody_its_shares() -> None:
    hours = 8760
    made = opened(charging(management=0.02, entry_fee=0.0), eth=(2000.0,) * (hours + 1))
    deposit(made, 1e6)
    made.advance(hours)
    nav = made.observe().nav[0]
    deposit(made, 1.0)
    seen = made.observe()
    # 2 % of all the shares there then are: supply · 0.02 / 0.98.
    assert seen.fee_shares[0] == pytest.approx(1e6 * 0.02 / 0.98, rel=1e-12)
    assert seen.nav[0] == nav + 1.0
    assert seen.wallet_shares[DEPOSITOR, 0] == pytest.approx(1e6 + 1e6 / 0.98 / 1e6, rel=1e-12)


def test_however_long_nobody_came_the_fee_takes_half_at_most() -> None:
    steps = 60_000  # nearly seven years, of which the fee of 10 % takes 68 % undiminished
    made = opened(charging(management=0.1, entry_fee=0.0), eth=(2000.0,) * (steps + 1))
    deposit(made, 1e6)
    made.advance(steps)
    deposit(made, 1.0)
    assert made.observe().fee_shares[0] == pytest.approx(1e6, rel=1e-12)


def test_the_performance_fee_is_taken_once_from_a_gain_and_never_below_the_mark() -> None:
    rate = 0.2
    eth = (2000.0, 2400.0, 2000.0, 2400.0, 2700.0)
    made = opened(charging(performance=rate, entry_fee=0.0), eth=eth)
    deposit(made, 1e6)
    assert do(made, act.Recenter, YES).status[0] == Status.OK  # long: no betas, no hedge
    paid = []
    for step in range(len(eth)):
        made.advance(step)
        before = made.observe()
        total, supply = raw(before.nav[0], 6), raw(before.shares[0], 18)
        mark, held = raw(before.high_water_mark[0], 18), float(before.fee_shares[0])
        shares, after = due(total, supply, STEP, mark, 0.0, rate)
        deposit(made, 100.0)
        seen = made.observe()
        assert seen.fee_shares[0] - held == pytest.approx(shares / 1e18, rel=1e-6, abs=1e-9)
        assert seen.high_water_mark[0] == pytest.approx(after / 1e18, rel=1e-12)
        paid.append(seen.fee_shares[0] - held)
    gains = [fee > 1.0 for fee in paid]
    assert gains == [False, True, False, False, True]  # the way back up is no gain


@settings(max_examples=25, deadline=None)
@given(
    assets=st.integers(10**6, 10**13),
    rates=st.tuples(st.floats(0.0, 0.1), st.floats(0.0, 0.5)),
    gain=st.floats(0.5, 2.0),
    hours=st.integers(0, 50_000),
)
def test_fees_are_the_contracts_integers(
    assets: int, rates: tuple[float, float], gain: float, hours: int
) -> None:
    made = opened(charging(*rates, entry_fee=0.0, deposit_cap=1e12), eth=(2000.0,))
    state = made.state
    state.wallet.token[DEPOSITOR, 0] = 2 * assets
    made.execute(act.Deposit(DEPOSITOR, np.array([assets / 1e6])))
    state.vault.idle_usdc[:] = np.floor(assets * gain)  # what the vault earned or lost since
    state.vault.fees_time[:] = -3600.0 * hours
    supply, mark = raw(made.observe().shares[0], 18), raw(state.vault.high_water_mark[0], 18)
    total = int(state.vault.idle_usdc[0])
    shares, after = due(total, supply, 3600 * hours, mark, *rates)
    fill = made.execute(act.Deposit(DEPOSITOR, np.array([1.0])))
    if fill.status[0] == Status.OK:
        # One raw unit of assets_p either way is all that float64 leaves open.
        slack = (supply + V) / (total + 1) * 1e-18
        assert made.observe().fee_shares[0] == pytest.approx(
            shares / 1e18, rel=1e-11, abs=1.01 * slack
        )
        assert made.observe().high_water_mark[0] == pytest.approx(after / 1e18, rel=1e-11)


def test_fees_are_shares_of_the_supply_and_leave_nav_alone() -> None:
    made = hedged(charging(management=0.1, performance=0.3), eth=(2000.0, 2050.0))
    made.advance(1)
    nav, price = made.observe().nav[0], made.observe().nav[0] / made.observe().shares[0]
    assert redeem(made, 1.0).status[0] == Status.OK
    seen = made.observe()
    assert seen.fee_shares[0] > 0.0
    assert nav - seen.nav[0] < price
    held = seen.wallet_shares[:, 0].sum() + seen.fee_shares[0] + seen.queued_shares[0]
    assert held == pytest.approx(seen.shares[0], rel=1e-15)


@pytest.mark.parametrize(("share", "reward"), [(0.05, 5.0), (1e-5, 7.5), (0.0, 0.0)])
def test_a_keeper_is_paid_at_most_a_share_of_what_the_call_protects(
    share: float, reward: float
) -> None:
    protocol = charging(keeper_share=share, keeper_reward=5.0 if share == 0.05 else 100.0)
    made = opened(protocol)
    deposit(made, 1e6)
    fill = do(made, act.Recenter, YES)
    # Recentring protects what it invests: 75 % of a million, of which 1e-5 are 7.5 USDC.
    assert fill.amount_out[0] == reward
    assert made.observe().wallet_usdc[KEEPER, 0] == reward


def test_topping_up_again_and_again_by_little_pays_little() -> None:
    made = hedged(charging(keeper_share=0.001), eth=(2000.0, 2420.0))
    made.advance(1)
    idle = made.observe().idle_usdc[0]
    fill = do(made, act.TopUp, YES)
    assert fill.status[0] == Status.OK
    moved = idle - made.observe().idle_usdc[0] - fill.amount_out[0]
    assert fill.amount_out[0] == min(5.0, np.floor(moved * 1e6 * 0.001) / 1e6)
