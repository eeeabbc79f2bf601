"""A vault whose liquidity backs its own hedge: contracts/SPEC.md §4.4, §4.5, §4.7 by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.model.world import ModelWorld
from simulator.types import Status
from simulator.world import actions as act
from tests.model import campaign
from tests.model.campaign import DEPOSITOR, SWAPPER
from tests.model.vault_steps import DEEP, ETH, PROTOCOL, YES, deposit, do, hedged, opened, redeem

PLEDGED = campaign.portfolio(DEEP)
SHALLOW = campaign.portfolio(PROTOCOL)  # an arbitrageur can move this pool
HAIRCUT = PLEDGED.clearing.lp_haircut
USDC_HAIRCUT = PLEDGED.clearing.collaterals[0].haircut


def lp_value(made: ModelWorld, price: float) -> float:
    seen = made.observe()
    return float(seen.lp_base[0] * price + seen.lp_usdc[0])


def follow(made: ModelWorld, price: float, *, buys: bool) -> None:
    """An arbitrageur brings the pool to ``price``."""
    amount = -9e6 if buys else 4_000.0
    made.execute(act.Swap(SWAPPER, np.array([amount]), np.array([price]), np.zeros(1)))


def lose(made: ModelWorld, ratio: float) -> None:
    """Leave the vault's account with ``ratio`` times its maintenance margin."""
    clearing, seen = made.state.clearing, made.observe()
    loss = seen.equity[0] - ratio * seen.maintenance[0]
    # A debt counts in full, a balance after its haircut.
    cash = float(clearing.cash[0, 0])
    loss = np.where(
        loss <= cash * (1 - USDC_HAIRCUT), loss / (1 - USDC_HAIRCUT), loss + cash * USDC_HAIRCUT
    )
    clearing.cash[0] -= loss
    clearing.maker_cash[0] += loss
    made._observation = None


def test_pledged_liquidity_is_margin_after_its_haircut_and_counts_once() -> None:
    made = opened(PLEDGED)
    deposit(made, 1e6)
    assert do(made, act.Recenter, YES).status[0] == Status.OK
    seen = made.observe()
    lp = lp_value(made, 2000.0)
    assert seen.cash[0, 0] == 150_000.0
    assert seen.account_value[0, 0] == pytest.approx(150_000.0 + lp, rel=1e-12)
    expected = 150_000.0 * (1 - USDC_HAIRCUT) + lp * (1 - HAIRCUT)
    assert seen.equity[0, 0] == pytest.approx(expected, rel=1e-12)
    own = lp + seen.cash[0, 0] + seen.idle_usdc[0] + seen.idle_base[0] * 2000.0
    assert seen.nav[0] == pytest.approx(own, rel=1e-12)


def test_what_a_redemption_unwinds_passes_through_the_account() -> None:
    made = hedged(PLEDGED)
    before = made.observe()
    liquidity, cash, nav = before.liquidity[0], before.cash[0, 0], before.nav[0]
    fill = redeem(made, float(before.wallet_shares[DEPOSITOR, 0]) / 2)
    assert fill.status[0] == Status.OK
    seen = made.observe()
    assert seen.liquidity[0] < liquidity
    # Idle pays what it had and what the account could spare, to the last raw unit.
    assert seen.idle_usdc[0] == 0.0
    assert fill.amount_out[0] == pytest.approx(nav / 2 * 0.998, rel=1e-5)
    assert seen.cash[0, 0] >= 0.0
    terms = PLEDGED.clearing
    assert seen.equity[0, 0] >= terms.initial_multiple * seen.maintenance[0, 0]
    assert cash > seen.cash[0, 0]


def test_a_pledged_position_is_moved_with_one_check_at_the_end() -> None:
    made = hedged(SHALLOW, eth=(2000.0, 1800.0), usdc=2e5)
    made.advance(1)
    follow(made, 1800.0, buys=False)
    seen = made.observe()
    lower, ratio = seen.tick_lower[0], seen.equity[0, 0] / seen.maintenance[0, 0]
    nav, sizes = seen.nav[0], seen.size[0, :, 0].copy()
    assert do(made, act.Recenter, YES).status[0] == Status.OK
    seen = made.observe()
    assert seen.tick_lower[0] < lower
    np.testing.assert_array_equal(seen.size[0, :, 0], sizes)
    assert seen.nav[0] == pytest.approx(nav, rel=3e-3)
    initial = PLEDGED.clearing.initial_multiple
    now = seen.equity[0, 0] / seen.maintenance[0, 0]
    assert now >= initial or now >= ratio


def test_the_position_does_not_leave_an_account_that_needs_it() -> None:
    # A fee that pays for any unwinding: it is the margin that refuses.
    dear = replace(SHALLOW, vault=replace(SHALLOW.vault, exit_fee=0.1))
    made = hedged(dear, eth=(2000.0, 1800.0), usdc=2e5)
    made.advance(1)
    follow(made, 1800.0, buys=False)
    lose(made, 1.05)  # what is left hangs on the liquidity
    made.state.vault.idle_usdc[:] = 0.0
    made._observation = None
    before = made.snapshot()
    refused = redeem(made, float(made.observe().wallet_shares[DEPOSITOR, 0]) / 20)
    assert refused.status[0] == Status.INSUFFICIENT_LIQUIDITY
    np.testing.assert_array_equal(made.snapshot(), before)


def test_deleveraging_frees_the_haircut_alone() -> None:
    made = hedged(SHALLOW, eth=(2000.0, 2100.0), usdc=2e5)
    made.advance(1)
    follow(made, 2100.0, buys=True)
    lose(made, 2.5)
    seen = made.observe()
    required, equity = 5.0 * seen.maintenance[0, 0], seen.equity[0, 0]
    fraction = (required - equity) / (required + HAIRCUT * lp_value(made, 2100.0))
    assert 0.0 < fraction < 1.0
    liquidity, size = seen.liquidity[0], seen.size[0, ETH, 0]
    idle, ratio = seen.idle_usdc[0], equity / seen.maintenance[0, 0]
    fill = do(made, act.Deleverage, YES)
    assert fill.status[0] == Status.OK
    seen = made.observe()
    assert seen.liquidity[0] == pytest.approx(liquidity * (1 - fraction), rel=1e-9)
    assert seen.size[0, ETH, 0] == pytest.approx(size * (1 - fraction), rel=1e-9)
    # All it raised is in the account; idle paid the keeper and nothing else.
    assert seen.idle_usdc[0] == pytest.approx(idle - fill.amount_out[0], abs=1e-9)
    assert seen.equity[0, 0] / seen.maintenance[0, 0] > ratio


def test_a_cap_on_pledges_refuses_the_whole_recentring() -> None:
    capped = replace(PLEDGED, clearing=replace(PLEDGED.clearing, lp_cap=10**11))
    made = opened(capped)
    deposit(made, 1e6)
    before = made.snapshot()
    assert do(made, act.Recenter, YES).status[0] == Status.COLLATERAL_CAP
    np.testing.assert_array_equal(made.snapshot(), before)


def test_an_account_in_debt_makes_a_vault_of_usdc_worth_less_and_never_less_than_nothing() -> None:
    made = opened(PLEDGED)
    deposit(made, 1_000.0)
    clearing = made.state.clearing
    clearing.cash[0, 0] = -400.0000005  # half a raw unit: rounded down
    refused = made.execute(act.Deposit(SWAPPER, np.array([100.0])))
    assert refused.status[0] == Status.ACCOUNT_INSOLVENT
    supply, total = 999 * 10**18 + 10**12, 1_000_000_000 - 400_000_001
    net = (total + 1) * 10 * 10**18 / supply * (1 - PLEDGED.vault.exit_fee)
    assert redeem(made, 10.0).amount_out[0] * 1e6 == pytest.approx(net, abs=2)
    clearing.cash[0, 0] = -1e6
    worthless = redeem(made, 1.0)
    assert worthless.status[0] == Status.ZERO_AMOUNT
