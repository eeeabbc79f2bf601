"""top_up() and deleverage(): the margin of the hedge (SPEC §4.5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ape
import pytest

from tests.contracts.mirror import account_of
from tests.contracts.vault.conftest import TERMS, Reading, usdc_raw
from tests.reference.integers import WAD
from tests.reference.venue import wad

KEPT_REWARDS = 100  # what stays idle for the pay of keepers
RATIOS = {"margin_target": wad("16.5"), "top_up_ratio": wad(16), "deleverage_ratio": wad(12)}


@pytest.fixture(scope="module")
def thin(running: Any, owner: Any) -> Any:
    """The running vault (ratio about 19) with bounds that a move of the hedge assets reaches."""
    running.set_parameters(TERMS.tuple(**RATIOS), sender=owner)
    return running


def ratio(clearing: Any, vault: Any, sub: int = 0) -> float:
    state = clearing.last_account_state(account_of(vault, sub))
    return state.equity / state.maintenance


def test_margin_that_suffices_is_left_alone(thin: Any, keeper: Any) -> None:
    with ape.reverts("vault: margin sufficient"):
        thin.top_up(sender=keeper)
    with ape.reverts("vault: margin sufficient"):
        thin.deleverage(sender=keeper)


def test_top_up_restores_the_target_from_idle(
    strategy: Any, thin: Any, clearing: Any, usdc: Any, keeper: Any, set_price: Callable[..., None]
) -> None:
    set_price(BTC=33_500, SOL=110)
    assert ratio(clearing, thin) < 16
    idle, before = thin.idle_usdc(), usdc.balanceOf(keeper)
    receipt = thin.top_up(sender=keeper)
    (added,) = receipt.decode_logs(strategy.MarginAdded)
    assert ratio(clearing, thin) == pytest.approx(16.5, rel=1e-9)
    assert usdc.balanceOf(keeper) - before == TERMS.keeper_reward
    assert thin.idle_usdc() == idle - added.raw - TERMS.keeper_reward


def test_top_up_gives_idle_but_for_keepers_when_that_is_not_enough(
    thin: Any, clearing: Any, usdc: Any, keeper: Any, set_price: Callable[..., None]
) -> None:
    set_price(BTC=45_000, SOL=160)
    before = ratio(clearing, thin)
    thin.top_up(sender=keeper)
    assert before < ratio(clearing, thin) < 16.5
    assert thin.idle_usdc() == KEPT_REWARDS * TERMS.keeper_reward - TERMS.keeper_reward
    with ape.reverts("vault: no idle assets"):
        thin.top_up(sender=keeper)


def test_deleverage_shrinks_both_legs_alike_and_restores_the_target(
    strategy: Any,
    thin: Any,
    clearing: Any,
    keeper: Any,
    set_price: Any,
    read: Callable[[Any], Reading],
) -> None:
    set_price(BTC=42_000, SOL=150)
    assert ratio(clearing, thin) < 12
    before, held = read(thin), thin.position_state().liquidity
    receipt = thin.deleverage(sender=keeper)
    (unwound,) = receipt.decode_logs(strategy.Unwound)
    f = unwound.fraction / WAD
    assert 0 < f < 1
    after = read(thin)
    assert thin.position_state().liquidity == pytest.approx((1 - f) * held, rel=1e-9)
    assert after.sizes == pytest.approx([(1 - f) * size for size in before.sizes], rel=1e-9)
    # Spread, fees and the swap cost a little of what was raised.
    assert ratio(clearing, thin) == pytest.approx(16.5, rel=0.01)
    assert before.nav - after.nav < 0.001 * before.nav
    # Idle USDC from before is not touched but for the reward.
    assert after.idle == pytest.approx(before.idle - 5, abs=1)


def test_a_lost_account_is_closed_by_liquidation_and_takes_no_liquidity_with_it(
    thin: Any,
    clearing: Any,
    keeper: Any,
    liquidator: Any,
    set_price: Any,
    read: Callable[[Any], Reading],
) -> None:
    set_price(BTC=130_000, SOL=430)
    before = read(thin)
    assert before.margin < 0 < before.nav
    # Left to liquidation, which forgives the debt: neither closed at its own cost nor topped up.
    for keep in (thin.deleverage, thin.top_up):
        with ape.reverts("vault: margin sufficient"):
            keep(sender=keeper)
    for market in (0, 1):
        clearing.liquidate(int(thin.address, 16) << 8, market, sender=liquidator)
    after = read(thin)
    assert after.sizes == (0.0, 0.0)
    assert after.margin == 0
    assert after.lp == before.lp > 0


def test_deleverage_refuses_a_pool_price_far_from_the_oracle(
    thin: Any, keeper: Any, set_price: Any, swap: Callable[..., None]
) -> None:
    set_price(BTC=42_000, SOL=150)
    swap(1_000_000, to=1_950)  # 2.5 % below, bound 2 %
    with ape.reverts("vault: slippage"):
        thin.deleverage(sender=keeper)


def test_both_refuse_a_stale_oracle(thin: Any, keeper: Any, advance: Any) -> None:
    advance(90_000, refresh=False)
    with ape.reverts("oracle: stale"):
        thin.top_up(sender=keeper)
    with ape.reverts("oracle: stale"):
        thin.deleverage(sender=keeper)


def test_anyone_keeps_the_vault_while_it_is_paused(
    thin: Any, guardian: Any, keeper: Any, set_price: Any
) -> None:
    thin.set_paused(True, sender=guardian)
    set_price(BTC=35_000, SOL=115)
    thin.top_up(sender=keeper)
    set_price(BTC=42_000, SOL=150)
    thin.deleverage(sender=keeper)
    assert thin.idle_usdc() < usdc_raw(100_000)
