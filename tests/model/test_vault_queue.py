"""The withdrawal queue and exits in kind, worked out from contracts/SPEC.md §4.3."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from simulator.model.world import ModelWorld
from simulator.types import Status
from simulator.world import actions as act
from simulator.world.actions import Fill
from simulator.world.protocol import Protocol
from tests.model.campaign import DEPOSITOR, KEEPER, LIQUIDATOR, SWAPPER, TRADER
from tests.model.vault_steps import DEEP, YES, deposit, hedged, opened

# A second and a third depositor; the liquidator has a margin account that holds no position.
STAYS_NOT = 1.0 - 0.002  # of an exit in kind: the exit fee stays
SECOND, THIRD = SWAPPER, LIQUIDATOR


def enter(made: ModelWorld, who: int, usdc: float) -> float:
    return float(made.execute(act.Deposit(who, np.array([usdc]))).amount_out[0])


def request(made: ModelWorld, who: int, shares: float) -> Status:
    return Status(made.execute(act.RequestRedeem(who, np.array([shares]))).status[0])


def cancel(made: ModelWorld, who: int) -> Fill:
    return made.execute(act.CancelRequest(who, YES))


def settle(made: ModelWorld, fraction: float = 1.0) -> Fill:
    return made.execute(act.SettleWithdrawals(KEEPER, np.array([fraction]), YES))


def leave_in_kind(made: ModelWorld, who: int, shares: float) -> Fill:
    return made.execute(act.RedeemInKind(who, np.array([shares])))


def preview_redeem(shares: int, total: int, supply: int, exit_fee: float) -> int:
    gross = shares * (total + 1) // (supply + 10**12)
    return gross * (10**18 - round(exit_fee * 1e18)) // 10**18


# -------------------------------------------------------------------------------------- queue


def test_nobody_passes_the_line() -> None:
    made = hedged()
    enter(made, SECOND, 1e5)
    request(made, DEPOSITOR, float(made.observe().wallet_shares[DEPOSITOR, 0]))
    assert settle(made, 0.0).status[0] == Status.OK  # all that is idle, and it is short
    fill = made.execute(act.Redeem(SECOND, np.array([10.0])))
    assert fill.status[0] in (Status.WITHDRAWALS_QUEUED, Status.SLIPPAGE)


def test_who_waits_stops_nobody_while_there_is_enough_for_both() -> None:
    made = opened()
    deposit(made, 1e6)
    mine = enter(made, SECOND, 1e5)
    assert request(made, DEPOSITOR, 1_000.0) == Status.OK
    state = made.state
    supply, total = int(state.vault.shares[0]), int(state.vault.idle_usdc[0])
    due = preview_redeem(int(state.wallet.shares[SECOND, 0]), total, supply, 0.002)
    fill = made.execute(act.Redeem(SECOND, np.array([mine])))
    assert (fill.status[0], fill.amount_out[0]) == (Status.OK, due / 1e6)
    assert settle(made).status[0] == Status.OK


def test_one_request_each_and_no_more_shares_than_one_has() -> None:
    made = opened()
    shares = deposit(made, 1_000.0).amount_out[0]
    assert request(made, DEPOSITOR, shares * 1.01) == Status.INSUFFICIENT_BALANCE
    assert cancel(made, DEPOSITOR).status[0] == Status.NO_REQUEST
    assert request(made, DEPOSITOR, 99.0) == Status.ZERO_AMOUNT
    assert request(made, DEPOSITOR, shares) == Status.OK
    assert made.observe().wallet_shares[DEPOSITOR, 0] == 0.0
    assert made.observe().queued_shares[0] == shares
    assert request(made, DEPOSITOR, 1.0) == Status.REQUEST_PENDING
    back = cancel(made, DEPOSITOR)
    assert back.amount_in[0] == shares
    assert made.observe().wallet_shares[DEPOSITOR, 0] == shares
    assert made.observe().queued_shares[0] == 0.0
    assert settle(made).status[0] == Status.NOTHING_TO_SETTLE


def test_a_request_needs_no_price_and_its_settlement_does() -> None:
    made = hedged(eth=(2000.0,) * 9)
    stale = replace(made.market, oracle_time=np.zeros_like(made.market.oracle_time))
    made.given = made.market = stale
    made.advance(8)
    assert request(made, DEPOSITOR, 1_000.0) == Status.OK
    assert settle(made).status[0] == Status.STALE_ORACLE


def test_settlement_pays_each_what_its_shares_are_worth() -> None:
    made = opened()
    deposit(made, 1e6)
    second, third = enter(made, SECOND, 3e5), enter(made, THIRD, 2e5)
    request(made, THIRD, third)
    request(made, SECOND, second / 2)
    state = made.state
    supply, total = int(state.vault.shares[0]), int(state.vault.idle_usdc[0])
    due = [
        preview_redeem(int(state.vault.request[who, 0]), total, supply, 0.002)
        for who in (SECOND, THIRD)
    ]
    had = state.wallet.token[:, 0, 0].copy()
    fill = settle(made)
    got = state.wallet.token[:, 0, 0] - had
    assert [got[SECOND], got[THIRD]] == due
    assert fill.amount_out[0] == sum(due) / 1e6
    assert fill.amount_in[0] == pytest.approx(second / 2 + third, rel=1e-15)
    assert made.observe().queued_shares[0] == 0.0


def test_the_head_of_the_line_is_paid_first_and_in_part_when_idle_runs_out() -> None:
    made = hedged()
    shares = float(made.observe().wallet_shares[DEPOSITOR, 0])
    second = enter(made, SECOND, 1e5)
    request(made, DEPOSITOR, shares)
    request(made, SECOND, second)
    state = made.state
    # Fraction 0: idle and spare margin alone, about a third of what is owed.
    fill = settle(made, 0.0)
    assert fill.status[0] == Status.OK
    assert 0.0 < fill.amount_in[0] < shares
    assert state.vault.request[SECOND, 0] == second * 1e18
    assert state.vault.idle_usdc[0] == 0.0
    assert made.observe().liquidity[0] > 0.0
    left = float(state.vault.request[DEPOSITOR, 0]) / 1e18
    assert fill.amount_in[0] == pytest.approx(shares - left, rel=1e-15)
    # The price of a share is the same for those who wait, but for the exit fee the paid left here.
    price = made.observe().nav[0] / made.observe().shares[0]
    assert fill.amount_out[0] / fill.amount_in[0] == pytest.approx(price * 0.998, rel=2e-3)
    assert settle(made, 0.0).status[0] == Status.INSUFFICIENT_LIQUIDITY


def test_no_more_is_unwound_than_the_settlement_allows() -> None:
    made = hedged()
    request(made, DEPOSITOR, float(made.observe().wallet_shares[DEPOSITOR, 0]))
    before = made.observe()
    liquidity, size = before.liquidity[0], before.size[0, :, 0].copy()
    assert settle(made, 0.1).status[0] == Status.OK
    seen = made.observe()
    assert seen.liquidity[0] == pytest.approx(0.9 * liquidity, rel=1e-12)
    np.testing.assert_allclose(seen.size[0, :, 0], 0.9 * size, rtol=1e-12)


def test_a_pool_too_thin_for_all_at_once_pays_in_parts() -> None:
    made = hedged()
    thin = np.full_like(made.market.pool_depth, 0.002)
    made.given = made.market = replace(made.market, pool_depth=thin)
    made.advance(1)
    request(made, DEPOSITOR, float(made.observe().wallet_shares[DEPOSITOR, 0]))
    assert settle(made, 1.0).status[0] == Status.SLIPPAGE
    assert settle(made, 0.05).status[0] == Status.OK
    assert made.observe().queued_shares[0] > 0.0


# ------------------------------------------------------------------------------------- in kind


def idle(protocol: Protocol) -> Protocol:
    """The trader starts without margin, so that its account can take a slice."""
    agents = list(protocol.agents)
    agents[TRADER] = replace(agents[TRADER], margin=(0.0, 0.0))
    return replace(protocol, agents=tuple(agents))


def test_an_exit_in_kind_takes_the_same_part_of_everything_from_a_dead_oracle() -> None:
    made = hedged(idle(DEEP), eth=(2000.0,) * 9)
    mine = enter(made, TRADER, 2.5e5)
    made.given = made.market = replace(
        made.market, oracle_time=np.zeros_like(made.market.oracle_time)
    )
    made.advance(8)
    before = made.snapshot()
    held = {
        name: np.array(getattr(made.observe(), name))
        for name in ("idle_usdc", "idle_base", "liquidity", "lp_base", "lp_usdc", "size", "cash")
    }
    purse = made.observe().wallet_usdc[TRADER, 0], made.observe().wallet_base[TRADER, 0]
    assert made.execute(act.Redeem(TRADER, np.array([mine]))).status[0] == Status.STALE_ORACLE
    np.testing.assert_array_equal(made.snapshot(), before)

    fill = leave_in_kind(made, TRADER, mine)
    assert fill.status[0] == Status.OK
    part = fill.amount_out[0]
    seen, own = made.observe(), made.protocol.account_of(TRADER)
    assert part == pytest.approx(STAYS_NOT * mine / (seen.shares[0] + mine), rel=1e-9)
    assert seen.liquidity[0] == pytest.approx(held["liquidity"][0] * (1 - part), rel=1e-12)
    np.testing.assert_allclose(seen.size[own, :, 0], part * held["size"][0, :, 0], rtol=1e-12)
    np.testing.assert_allclose(
        seen.size[0, :, 0] + seen.size[own, :, 0], held["size"][0, :, 0], rtol=1e-15
    )
    assert seen.cash[own, 0] == pytest.approx(part * held["cash"][0, 0], rel=1e-12)
    # The burn is at the pool's price, half a percent from the oracle's.
    base = part * (held["lp_base"][0] + held["idle_base"][0])
    assert seen.wallet_base[TRADER, 0] - purse[1] == pytest.approx(base, rel=3e-2)
    usdc = part * (held["lp_usdc"][0] + held["idle_usdc"][0])
    assert seen.wallet_usdc[TRADER, 0] - purse[0] == pytest.approx(usdc, rel=3e-2)


def test_those_who_stay_keep_what_a_share_holds() -> None:
    made = hedged(idle(DEEP))
    mine = enter(made, TRADER, 2.5e5)
    seen = made.observe()
    per_share = [float(v[0]) / float(seen.shares[0]) for v in (seen.nav, seen.liquidity)]
    assert leave_in_kind(made, TRADER, mine).status[0] == Status.OK
    seen = made.observe()
    after = [float(v[0]) / float(seen.shares[0]) for v in (seen.nav, seen.liquidity)]
    # The exit fee stays, virtual shares keep a hair; the smaller short would close at less impact.
    gain = 1.0 + (1.0 - STAYS_NOT) * mine / float(seen.shares[0])
    assert after[1] == pytest.approx(gain * per_share[1], rel=1e-8)
    assert after[0] == pytest.approx(gain * per_share[0], rel=1e-4)
    assert after[0] >= gain * per_share[0] * (1.0 - 1e-9)


@pytest.mark.parametrize(
    ("who", "expected"),
    [(SECOND, Status.NO_CONSENT), (TRADER, Status.ACCOUNT_IN_USE)],
    ids=["without an account", "with a position"],
)
def test_a_slice_needs_an_account_to_go_to(who: int, expected: Status) -> None:
    made = hedged()
    mine = enter(made, who, 1e5)
    if who == TRADER:
        order = act.Trade(TRADER, 0, np.array([1.0]), np.array([1e9]))
        assert made.execute(order).status[0] == Status.OK
    assert leave_in_kind(made, who, mine).status[0] == expected


def test_a_vault_that_is_all_usdc_pays_in_kind_without_any_account() -> None:
    made = opened()
    shares = deposit(made, 1e6).amount_out[0]
    fill = leave_in_kind(made, DEPOSITOR, shares / 4)
    part = int(made.state.wallet.token[DEPOSITOR, 0, 0]) - round(5e6 * 1e6)
    burnt = round(shares * 1e18) // 4 * (1_000 - 2) // 1_000  # the exit fee stays
    supply = round(shares * 1e18) + 10**12
    assert part == pytest.approx(math.floor(10**12 * burnt / supply), abs=1)
    assert fill.amount_out[0] == pytest.approx(burnt / supply, rel=1e-12)
