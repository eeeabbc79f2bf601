"""Answers of the vault worked out by hand from contracts/SPEC.md §4."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from simulator.model.pools.uniswap_v3 import tick
from simulator.model.world import ModelWorld
from simulator.types import Status
from simulator.world import actions as act
from tests.model import campaign
from tests.model.campaign import DEPOSITOR, SWAPPER, isolated
from tests.model.vault_steps import (
    BTC,
    DEEP,
    ETH,
    PROTOCOL,
    YES,
    deposit,
    do,
    hedged,
    opened,
    redeem,
)


def test_the_first_deposit_gets_shares_for_its_net_against_the_virtual_ones() -> None:
    made = opened()
    fill = deposit(made, 1_000.0)
    # net 999 USDC; 999e6 · (0 + 1e12) / (0 + 1) = 999e18 raw shares
    assert (fill.amount_in[0], fill.amount_out[0]) == (1_000.0, 999.0)
    assert made.observe().idle_usdc[0] == 1_000.0
    # The entry fee stays with the vault: the second depositor gets fewer shares for the same.
    second = deposit(made, 1_000.0)
    assert second.amount_out[0] == pytest.approx(999.0 * 999.000001 / 1000.000001, rel=1e-12)


def test_a_deposit_and_its_redemption_cost_both_fees() -> None:
    made = opened()
    deposit(made, 1_000.0)
    fill = redeem(made, 999.0)
    gross = math.floor(999e18 * (1e9 + 1) / (999e18 + 1e12))
    assert fill.amount_out[0] == math.floor(gross * 0.998) / 1e6
    assert made.observe().shares[0] == 0.0
    assert made.observe().wallet_shares[DEPOSITOR, 0] == 0.0


def test_a_frozen_oracle_locks_nobody_in_a_vault_that_is_all_usdc() -> None:
    market = campaign.calm_market(1, 9)
    made = ModelWorld(PROTOCOL, replace(market, oracle_time=np.zeros_like(market.oracle_time)))
    made.advance(0)
    deposit(made, 1_000.0)
    made.advance(9)
    assert do(made, act.Recenter, YES).status[0] == Status.STALE_ORACLE
    assert redeem(made, 500.0).status[0] == Status.OK


@pytest.mark.parametrize(
    ("usdc", "expected"),
    [
        (2_500_000.0, Status.OK),
        (2_500_000.000001, Status.DEPOSIT_CAP),
        (7_000_000.0, Status.DEPOSIT_CAP),
        (0.000001, Status.ZERO_AMOUNT),  # the entry fee takes the whole unit
    ],
)
def test_deposits_at_the_edges(usdc: float, expected: Status) -> None:
    assert deposit(opened(), usdc).status[0] == expected


def test_no_share_is_sold_while_a_whole_one_is_worth_less_than_a_raw_unit() -> None:
    made = hedged(eth=(2000.0, 20_000.0, 2000.0))
    supply = float(made.observe().shares[0])
    made.advance(1)  # the shorts of 0.8 have lost more than the vault has
    assert made.observe().nav[0] == 0.0
    assert deposit(made, 1_000.0).status[0] == Status.DEPOSIT_CAP
    assert redeem(made, 1.0).status[0] == Status.ZERO_AMOUNT
    # The line waits: a liquidation would forgive the debt that its shares are worth nothing for.
    assert do(made, act.RequestRedeem, np.array([1_000.0])).status[0] == Status.OK
    settled = do(made, act.SettleWithdrawals, np.zeros(1), YES)
    assert settled.status[0] == Status.ACCOUNT_INSOLVENT
    made.advance(2)
    assert do(made, act.SettleWithdrawals, np.zeros(1), YES).amount_in[0] == 1_000.0
    left, nav = float(made.observe().shares[0]), float(made.observe().nav[0])
    assert left == pytest.approx(supply - 1_000.0, rel=1e-15)
    fill = deposit(made, 1_000.0)
    assert fill.status[0] == Status.OK
    fair = 999.0 * left / nav
    assert fill.amount_out[0] == pytest.approx(fair, rel=1e-6)


def test_recenter_places_the_allocation_around_the_oracle_tick() -> None:
    made = opened()
    deposit(made, 1e6)
    fill = do(made, act.Recenter, YES)
    assert fill.amount_out[0] == 5.0
    seen = made.observe()
    # ⌊log₁.₀₀₀₁(2000e-12)⌋ = -200 312 → centre -200 340, half width 1 800
    assert (seen.tick_lower[0], seen.tick_upper[0]) == (-202_140.0, -198_540.0)
    value = seen.lp_base[0] * 2000 + seen.lp_usdc[0]
    # 75 % of NAV, less what the swap's fee and impact left short of the base asset.
    assert 0.98 * 0.75e6 < value < 0.75e6
    assert seen.cash[0, 0] == 150_000.0
    assert seen.nav[0] == pytest.approx(1e6 - 5.0, rel=2e-3)
    assert do(made, act.Recenter, YES).status[0] == Status.CENTRED


def test_a_share_of_nav_comes_back_short_by_one_unit_where_the_contracts_cut_digits() -> None:
    # 15 % of 1,000,000 USDC is 150,000 exactly, but USD at 0.99987654321 a piece are cut at 1e-18.
    exact, cut = opened(usdc=0.88), opened(usdc=0.9998765432101234)
    for made in (exact, cut):
        deposit(made, 1e6)
        assert do(made, act.Recenter, YES).status[0] == Status.OK
    assert exact.observe().cash[0, 0] == 150_000.0
    assert cut.observe().cash[0, 0] == 149_999.999999


def test_recenter_refuses_a_spot_away_from_the_oracle() -> None:
    made = opened(eth=(2000.0, 2045.0))
    deposit(made, 1e6)
    made.advance(1)
    # √(2000/2045) - 1 = -1.1 %, more than half of the 2 % slippage.
    assert do(made, act.Recenter, YES).status[0] == Status.SPOT_DEVIATES


def test_rebalance_shorts_the_exposure_by_the_betas() -> None:
    made = opened()
    deposit(made, 1e6)
    do(made, act.PostBetas, np.array([[0.8], [0.2]]), YES)
    do(made, act.Recenter, YES)
    seen = made.observe()
    exposure = (seen.lp_base[0] + seen.idle_base[0]) * 2000
    assert do(made, act.Rebalance, YES).status[0] == Status.OK
    size = made.observe().size[0, :, 0]
    assert size[ETH] == pytest.approx(-0.8 * exposure / 2000, rel=1e-13)
    assert size[BTC] == pytest.approx(-0.2 * exposure / 30_000, rel=1e-13)
    assert do(made, act.Rebalance, YES).status[0] == Status.WITHIN_BAND


def test_isolated_accounts_share_the_margin_by_their_betas_and_trade_their_own_market() -> None:
    made = hedged(isolated(DEEP))
    seen = made.observe()
    assert seen.cash[0, 0] == 0.0
    assert seen.size[0].tolist() == [[0.0], [0.0]]
    assert seen.size[1, ETH, 0] < 0.0
    assert seen.size[2, BTC, 0] < 0.0
    assert seen.size[1, BTC, 0] == seen.size[2, ETH, 0] == 0.0
    # 80 % and 20 % of 150,000, less what the trades cost.
    assert seen.cash[1, 0] == pytest.approx(120_000.0, rel=2e-3)
    assert seen.cash[2, 0] == pytest.approx(30_000.0, rel=2e-3)


def test_betas_are_limited_in_size_speed_and_frequency() -> None:
    made = opened()

    def post(eth: float) -> int:
        return int(do(made, act.PostBetas, np.array([[eth], [0.0]]), YES).status[0])

    assert post(1.6) == Status.BETA_OUT_OF_BOUNDS
    assert post(1.5) == Status.OK  # the first post may be anything within bounds
    assert post(1.5) == Status.BETA_TOO_FAST
    made.advance(2)
    assert post(0.8) == Status.BETA_TOO_FAST
    assert post(1.0) == Status.OK
    assert made.observe().last_betas_time[0] == 7200.0


def test_redeeming_half_unwinds_both_legs_in_proportion() -> None:
    made = hedged()
    before = made.observe()
    lp, size = before.liquidity[0], before.size[0, :, 0].copy()
    nav = before.nav[0]
    fill = redeem(made, float(before.wallet_shares[DEPOSITOR, 0]) / 2)
    assert fill.status[0] == Status.OK
    # Half of NAV, of which the depositor holds all but the virtual share, less 0.2 %.
    assert fill.amount_out[0] == pytest.approx(nav / 2 * 0.998, rel=1e-5)
    seen = made.observe()
    kept = seen.liquidity[0] / lp
    assert 0.3 < kept < 0.7
    np.testing.assert_allclose(seen.size[0, :, 0] / size, kept, rtol=1e-9)


def test_everybody_can_leave() -> None:
    made = hedged()
    shares = made.observe().wallet_shares[DEPOSITOR].copy()
    assert redeem(made, float(shares[0]) * 0.9).status[0] == Status.OK
    last = redeem(made, float(made.observe().wallet_shares[DEPOSITOR, 0]))
    if last.status[0] == Status.INSUFFICIENT_LIQUIDITY:  # the cost of unwinding: SPEC §4.7
        pytest.fail("the exit and entry fees left in the vault cover the unwinding here")
    seen = made.observe()
    assert seen.wallet_shares[DEPOSITOR, 0] == 0.0
    assert seen.shares[0] == 0.0


def test_top_up_brings_the_margin_ratio_to_its_target() -> None:
    made = hedged(eth=(2000.0, 2420.0))
    made.advance(1)
    seen = made.observe()
    ratio = seen.equity[0, 0] / seen.maintenance[0, 0]
    assert ratio < 3.5
    idle = seen.idle_usdc[0]
    missing = (5.0 * seen.maintenance[0, 0] - seen.equity[0, 0]) / 0.99
    assert missing < idle
    assert do(made, act.TopUp, YES).status[0] == Status.OK
    seen = made.observe()
    assert seen.equity[0, 0] / seen.maintenance[0, 0] == pytest.approx(5.0, rel=1e-9)
    assert seen.idle_usdc[0] == pytest.approx(idle - missing - 5.0, abs=2e-6)
    assert do(made, act.TopUp, YES).status[0] == Status.MARGIN_SUFFICIENT


def test_an_account_that_owes_is_left_to_liquidation() -> None:
    """NAV counts what liquidation will forgive: no shares are sold, no margin is put in (§4.5)."""
    made = hedged(PROTOCOL, eth=(2000.0, 4500.0), usdc=2e5)
    made.advance(1)
    seen = made.observe()
    assert seen.account_value[0, 0] < 0.0 < seen.nav[0]
    held, idle = seen.cash[0, 0], seen.idle_usdc[0]
    assert idle > 0.0
    assert deposit(made, 1_000.0).status[0] == Status.ACCOUNT_INSOLVENT
    for action in (act.TopUp, act.Deleverage):
        assert do(made, action, YES).status[0] == Status.MARGIN_SUFFICIENT
    seen = made.observe()
    assert (seen.cash[0, 0], seen.idle_usdc[0]) == (held, idle)


def test_deleverage_shrinks_hedge_and_liquidity_alike() -> None:
    made = hedged(PROTOCOL, eth=(2000.0, 2500.0), usdc=2e5)
    made.advance(1)
    # An arbitrageur brings the pool to the oracle; else the sale would be refused for slippage.
    price = np.array([2500.0])
    made.execute(act.Swap(SWAPPER, np.array([-9e6]), price, np.zeros(1)))
    seen = made.observe()
    equity, required = seen.equity[0, 0], 5.0 * seen.maintenance[0, 0]
    assert equity < 3.0 * seen.maintenance[0, 0]
    lp_value = seen.lp_base[0] * 2500 + seen.lp_usdc[0]
    fraction = (required - equity) / (required + lp_value)
    lp, size = seen.liquidity[0], seen.size[0, ETH, 0]
    assert do(made, act.Deleverage, YES).status[0] == Status.OK
    seen = made.observe()
    assert seen.liquidity[0] == pytest.approx(lp * (1 - fraction), rel=1e-12)
    assert seen.size[0, ETH, 0] == pytest.approx(size * (1 - fraction), rel=1e-12)
    assert seen.equity[0, 0] / seen.maintenance[0, 0] > 3.0


def test_fees_earned_are_part_of_nav_and_collected_on_exit() -> None:
    made = hedged()
    nav = made.observe().nav[0]
    price = made.observe().sqrt_price ** 2 * 1e12
    made.execute(act.Swap(SWAPPER, np.array([300.0]), np.zeros(1), np.zeros(1)))
    made.execute(act.Swap(SWAPPER, np.array([-9e6]), price, np.zeros(1)))
    seen = made.observe()
    assert seen.fees_base[0] > 0.0
    assert seen.fees_usdc[0] > 0.0
    # Back at the same price, the fees are all that changed.
    gained = seen.fees_base[0] * 2000 + seen.fees_usdc[0]
    assert seen.nav[0] - nav == pytest.approx(gained, rel=1e-3)
    own = seen.liquidity[0] / seen.pool_liquidity[0]
    assert gained == pytest.approx(2 * 300 * 2000 * 0.003 * own, rel=0.05)
    assert redeem(made, float(seen.wallet_shares[DEPOSITOR, 0]) / 2).status[0] == Status.OK
    seen = made.observe()
    assert seen.fees_usdc[0] == 0.0
    assert seen.idle_base[0] > 0.0  # base earned as fees is not sold, SPEC §4.4


def test_the_position_is_valued_at_the_oracle_not_at_the_spot() -> None:
    made = hedged()
    before = made.observe()
    spot = float(before.sqrt_price[0])
    held = before.lp_base[0], before.lp_usdc[0]
    made.execute(act.Swap(SWAPPER, np.array([200.0]), np.zeros(1), np.zeros(1)))
    seen = made.observe()
    assert seen.sqrt_price[0] < spot
    assert (seen.lp_base[0], seen.lp_usdc[0]) == held
    root = math.sqrt(2000e-12)
    lower, upper = (tick.sqrt_price_at_tick(t[0]) for t in (seen.tick_lower, seen.tick_upper))
    base = seen.liquidity[0] * (1 / root - 1 / upper) / 1e18
    assert seen.lp_base[0] == pytest.approx(base, rel=1e-12)
    usdc = seen.liquidity[0] * (root - lower) / 1e6
    assert seen.lp_usdc[0] == pytest.approx(usdc, abs=1.1e-6)
