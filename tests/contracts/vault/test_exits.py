"""Exits from an invested vault: idle, spare margin, both legs in proportion (SPEC §4.3, §4.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ape
import pytest

from tests.contracts.mirror import account_of
from tests.contracts.vault.conftest import TERMS, Reading, usdc_raw
from tests.reference.venue import wad


def redeem(vault: Any, usdc: Any, depositor: Any, part: float) -> tuple[int, Any]:
    """Redeem a part of the depositor's shares; returns (raw USDC received, receipt)."""
    before = usdc.balanceOf(depositor)
    shares = int(vault.balanceOf(depositor) * part) if part < 1 else vault.balanceOf(depositor)
    receipt = vault.redeem(shares, depositor, depositor, sender=depositor)
    return usdc.balanceOf(depositor) - before, receipt


def test_small_exit_is_paid_from_idle(
    strategy: Any, running: Any, usdc: Any, depositor: Any, read: Callable[[Any], Reading]
) -> None:
    before = read(running)
    paid, receipt = redeem(running, usdc, depositor, 0.03)
    after = read(running)
    assert not receipt.decode_logs(strategy.Unwound)
    assert (after.lp, after.margin, after.sizes) == (before.lp, before.margin, before.sizes)
    assert paid / 1e6 == pytest.approx(0.03 * before.nav * 0.995, rel=1e-4)


def test_larger_exit_takes_spare_margin_down_to_the_target(
    strategy: Any,
    running: Any,
    clearing: Any,
    usdc: Any,
    depositor: Any,
    read: Callable[[Any], Reading],
) -> None:
    before = read(running)
    paid, receipt = redeem(running, usdc, depositor, 0.25)
    after = read(running)
    assert not receipt.decode_logs(strategy.Unwound)
    assert after.lp == before.lp
    assert after.sizes == before.sizes
    kept = 100 * TERMS.keeper_reward / 1e6  # stays idle for keepers
    drawn = paid / 1e6 - before.idle + kept
    assert before.margin - after.margin == pytest.approx(drawn, abs=100)
    assert after.idle == pytest.approx(kept)
    state = clearing.account_state(account_of(running))
    assert state.equity * 10**18 >= TERMS.margin_target * state.maintenance


@pytest.mark.parametrize("part", [0.5, 0.8])
def test_large_exit_unwinds_both_legs_in_proportion(
    strategy: Any,
    running: Any,
    clearing: Any,
    usdc: Any,
    depositor: Any,
    read: Callable[[Any], Reading],
    part: float,
) -> None:
    before, held = read(running), running.position_state().liquidity
    paid, receipt = redeem(running, usdc, depositor, part)
    (unwound,) = receipt.decode_logs(strategy.Unwound)
    left = 1 - unwound.fraction / 1e18
    after = read(running)
    assert 0 < left < 1
    assert running.position_state().liquidity == pytest.approx(left * held, rel=1e-9)
    assert after.sizes == pytest.approx([left * size for size in before.sizes], rel=1e-9)
    assert paid / 1e6 == pytest.approx(part * before.nav * 0.995, rel=1e-4)
    # Those who stay gain the exit fee and bear the cost of unwinding, a fifth of it.
    assert after.nav == pytest.approx(before.nav - paid / 1e6, rel=5e-3)
    assert running.nav() / running.totalSupply() > before.nav / 99_900
    state = clearing.account_state(account_of(running))
    assert state.equity * 10**18 >= TERMS.margin_target * state.maintenance


def test_everybody_can_leave(
    strategy: Any,
    running: Any,
    clearing: Any,
    usdc: Any,
    depositor: Any,
    read: Callable[[Any], Reading],
) -> None:
    nav = read(running).nav
    paid, receipt = redeem(running, usdc, depositor, 1)
    (unwound,) = receipt.decode_logs(strategy.Unwound)
    assert unwound.fraction == 10**18
    assert running.totalSupply() == 0
    after = read(running)
    assert after.sizes == (0.0, 0.0)
    assert after.lp == 0
    assert running.idle_base() == 0
    assert clearing.cash(account_of(running)) < 10**12  # less than a raw unit
    assert paid / 1e6 == pytest.approx(nav * 0.995, rel=1e-6)
    assert after.nav < 0.005 * nav


def test_the_last_holder_leaves_through_the_queue_when_costs_exceed_the_fee(
    running: Any, owner: Any, usdc: Any, depositor: Any
) -> None:
    running.set_parameters(TERMS.tuple(exit_fee=0), sender=owner)
    with ape.reverts("vault: slippage"):
        redeem(running, usdc, depositor, 1)
    shares, had = running.balanceOf(depositor), usdc.balanceOf(depositor)
    running.request_redeem(shares, depositor, sender=depositor)
    running.settle_withdrawals(wad(1), sender=depositor)
    assert running.queued_shares() <= shares // 10**6
    assert (usdc.balanceOf(depositor) - had) / 1e6 == pytest.approx(100_000, rel=5e-3)


def test_account_below_its_target_does_not_block_exits(
    running: Any, clearing: Any, owner: Any, usdc: Any, depositor: Any, read: Any
) -> None:
    running.set_parameters(
        TERMS.tuple(margin_target=wad(25), top_up_ratio=wad(15), deleverage_ratio=wad(10)),
        sender=owner,
    )
    state = clearing.account_state(account_of(running))
    assert 15 < state.equity / state.maintenance < 25  # nobody may top up, nothing may be freed
    nav = read(running).nav
    paid, _ = redeem(running, usdc, depositor, 0.1)
    assert paid / 1e6 == pytest.approx(0.1 * nav * 0.995, rel=1e-4)
    state = clearing.account_state(account_of(running))
    assert state.equity / state.maintenance > 15


def test_withdraw_pays_exactly_and_burns_the_preview(
    running: Any, usdc: Any, depositor: Any
) -> None:
    assets = usdc_raw("45_678.901234")
    shares, before = running.previewWithdraw(assets), running.balanceOf(depositor)
    money = usdc.balanceOf(depositor)
    running.withdraw(assets, depositor, depositor, sender=depositor)
    assert usdc.balanceOf(depositor) - money == assets
    assert before - running.balanceOf(depositor) == shares


def test_exits_continue_while_paused(
    running: Any, usdc: Any, depositor: Any, guardian: Any
) -> None:
    running.set_paused(True, sender=guardian)
    paid, _ = redeem(running, usdc, depositor, 0.5)
    assert paid > usdc_raw(49_000)


def test_exit_at_an_unknown_value_is_refused(
    running: Any, usdc: Any, depositor: Any, advance: Any
) -> None:
    advance(90_000, refresh=False)
    with ape.reverts("oracle: stale"):
        redeem(running, usdc, depositor, 0.01)
    assert running.maxRedeem(depositor) == running.maxWithdraw(depositor) == 0
    assert running.maxDeposit(depositor) == running.maxMint(depositor) == 0


def test_exit_through_a_distorted_pool_is_refused(
    running: Any, usdc: Any, depositor: Any, swap: Callable[..., None]
) -> None:
    swap(1_000_000, to=1_950)  # 2.5 % below the oracle, bound 2 %
    with ape.reverts("vault: slippage"):
        redeem(running, usdc, depositor, 0.6)
    paid, _ = redeem(running, usdc, depositor, 0.2)  # idle and spare margin need no pool
    assert paid > usdc_raw(19_000)


def test_depeg_moves_nav_and_assets_apart(running: Any, set_price: Callable[..., None]) -> None:
    before = running.totalAssets()
    set_price(USDC="0.9")
    # The WETH leg is worth more USDC, everything else as many as before.
    assert before < running.totalAssets() < before * 1.05
    assert running.nav() / 1e12 == pytest.approx(0.9 * running.totalAssets(), rel=1e-9)


def test_spot_price_moves_nav_by_the_fees_alone(running: Any, swap: Callable[..., None]) -> None:
    before = running.nav()
    for amount, to in ((1_000_000, 1_500), (-2_000_000_000, 2_600), (1_000_000, 2_100)):
        swap(amount, to=to)
        at = running.position_state()
        fees = at.fees_base / 1e18 * 2_000 + at.fees_usdc / 1e6
        assert (running.nav() - before) / 1e18 == pytest.approx(fees, rel=1e-6)
