"""rebalance() and the betas it follows (SPEC §4.5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ape
import pytest

from tests.contracts.vault.conftest import TERMS, Reading, usdc_raw
from tests.reference.venue import wad


@pytest.fixture(scope="module")
def invested(vault: Any, depositor: Any, risk: Any, keeper: Any) -> Any:
    """100,000 USDC placed around 2,000, betas posted, nothing hedged yet."""
    vault.deposit(usdc_raw(100_000), depositor, sender=depositor)
    vault.post_betas([wad("0.6"), wad("0.4")], sender=risk)
    vault.recenter(sender=keeper)
    return vault


def exposure(vault: Any, price: float) -> float:
    at = vault.position_state()
    return (at.lp_base + vault.idle_base()) / 1e18 * price


def test_shorts_each_market_by_its_beta(
    strategy: Any, invested: Any, keeper: Any, usdc: Any, read: Callable[[Any], Reading]
) -> None:
    usd = exposure(invested, 2_000)
    before = usdc.balanceOf(keeper)
    receipt = invested.rebalance(sender=keeper)
    btc, sol = read(invested).sizes
    assert btc * 30_000 == pytest.approx(-0.6 * usd, rel=1e-12)
    assert sol * 100 == pytest.approx(-0.4 * usd, rel=1e-12)
    assert usdc.balanceOf(keeper) - before == TERMS.keeper_reward
    fills = receipt.decode_logs(strategy.Hedged)
    assert [event.hedge for event in fills] == [0, 1]
    assert 29_900 * 10**18 < fills[0].fill < 30_000 * 10**18


def test_band_is_measured_in_fractions_of_nav(
    invested: Any, keeper: Any, set_price: Callable[..., None], read: Callable[[Any], Reading]
) -> None:
    invested.rebalance(sender=keeper)
    with ape.reverts("vault: within band"):
        invested.rebalance(sender=keeper)
    # The BTC short of about 17,800 is off by as much as BTC moves: 2 % of NAV is about 2,000.
    set_price(BTC=33_000)
    with ape.reverts("vault: within band"):
        invested.rebalance(sender=keeper)
    set_price(BTC=34_000)
    sol = read(invested).sizes[1]
    invested.rebalance(sender=keeper)
    assert read(invested).sizes[1] == sol  # within its own band
    assert read(invested).sizes[0] * 34_000 == pytest.approx(
        -0.6 * exposure(invested, 2_000), rel=1e-12
    )


def test_delta_grows_as_the_base_falls_and_vanishes_above_the_range(
    invested: Any, keeper: Any, move_market: Callable[..., None], read: Callable[[Any], Reading]
) -> None:
    invested.rebalance(sender=keeper)
    first = read(invested).sizes
    move_market(1_900)
    invested.rebalance(sender=keeper)
    assert read(invested).sizes[0] < first[0]
    move_market(2_600)
    invested.rebalance(sender=keeper)
    # Above the range the position is all USDC; what is left idle in WETH stays hedged.
    assert abs(read(invested).sizes[0] * 30_000) == pytest.approx(
        0.6 * invested.idle_base() / 1e18 * 2_600, rel=1e-6
    )


def test_fill_beyond_the_slippage_bound_is_refused(
    invested: Any, owner: Any, keeper: Any, clearing: Any
) -> None:
    invested.set_parameters(TERMS.tuple(max_slippage=wad("0.005")), sender=owner)
    terms = list(clearing.market(0))
    terms[1] = wad(25)  # 0.6 BTC fill 1.2 % below the index
    clearing.set_market(0, terms, sender=owner)
    with ape.reverts("clearing: slippage"):
        invested.rebalance(sender=keeper)


def test_hedge_the_margin_cannot_carry_is_refused(
    invested: Any, owner: Any, keeper: Any, move_market: Callable[..., None]
) -> None:
    # 29,400 of exposure at 6.2 % average requirement: M = 1,820; E = 34,650 is a ratio of 19.
    invested.set_parameters(
        TERMS.tuple(margin_target=wad(40), top_up_ratio=wad(30), deleverage_ratio=wad(25)),
        sender=owner,
    )
    with ape.reverts("vault: below margin target"):
        invested.rebalance(sender=keeper)


def test_shrinking_the_hedge_needs_no_margin(
    invested: Any, owner: Any, keeper: Any, move_market: Callable[..., None], read: Any
) -> None:
    invested.rebalance(sender=keeper)
    before = read(invested).sizes
    invested.set_parameters(
        TERMS.tuple(margin_target=wad(40), top_up_ratio=wad(30), deleverage_ratio=wad(25)),
        sender=owner,
    )
    move_market(2_150)
    invested.rebalance(sender=keeper)
    assert all(
        abs(after) < abs(size) for after, size in zip(read(invested).sizes, before, strict=True)
    )


@pytest.mark.parametrize("asset", ["WETH", "USDC", "SOL"])
def test_any_stale_price_is_refused(
    invested: Any, keeper: Any, advance: Any, set_price: Any, asset: str
) -> None:
    advance(90_000, refresh=False)
    fresh = {"WETH": 2_000, "USDC": 1, "SOL": 100, "BTC": 30_000}
    del fresh[asset]
    set_price(**fresh)
    with ape.reverts("oracle: stale"):
        invested.rebalance(sender=keeper)


def test_reward_is_limited_by_the_value_traded(
    strategy: Any, invested: Any, owner: Any, keeper: Any, usdc: Any, read: Callable[[Any], Reading]
) -> None:
    invested.set_parameters(TERMS.tuple(keeper_reward=usdc_raw(10_000)), sender=owner)
    before = usdc.balanceOf(keeper)
    (event,) = invested.rebalance(sender=keeper).decode_logs(strategy.KeeperPaid)
    btc, sol = read(invested).sizes
    assert usdc.balanceOf(keeper) - before == event.reward
    assert event.reward / 1e6 == pytest.approx(0.05 * (-btc * 30_000 - sol * 100), rel=1e-9)


# ---------------------------------------------------------------------------------------- betas


def test_first_betas_are_free_within_the_bound(new_vault: Callable[..., Any], risk: Any) -> None:
    vault = new_vault()
    with ape.reverts("vault: beta out of bounds"):
        vault.post_betas([0, -TERMS.beta_max - 1], sender=risk)
    vault.post_betas([TERMS.beta_max, -TERMS.beta_max], sender=risk)
    assert (vault.beta(0), vault.beta(1)) == (TERMS.beta_max, -TERMS.beta_max)


def test_betas_change_slowly_afterwards(invested: Any, risk: Any, advance: Any) -> None:
    with ape.reverts("vault: beta change too fast"):
        invested.post_betas([wad("0.6"), wad("0.4")], sender=risk)
    advance(TERMS.beta_interval)
    with ape.reverts("vault: beta change too fast"):
        invested.post_betas([wad("0.6"), wad("0.4") + TERMS.beta_max_change + 1], sender=risk)
    invested.post_betas([wad("0.6"), wad("0.4") + TERMS.beta_max_change], sender=risk)
    assert invested.beta(1) == wad("0.65")


def test_one_beta_per_market(invested: Any, risk: Any) -> None:
    with ape.reverts("vault: wrong number of betas"):
        invested.post_betas([0], sender=risk)
