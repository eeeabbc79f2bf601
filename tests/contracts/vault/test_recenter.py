"""recenter(): where the liquidity goes and what the allocations become (SPEC §4.5)."""

from __future__ import annotations

from collections.abc import Callable
from math import log, sqrt
from typing import Any

import ape
import pytest
from ape import compilers

from tests.contracts.vault.conftest import SPACING, Reading, usdc_raw
from tests.reference.venue import wad

DONOR = """
# pragma version 0.4.3
from ethereum.ercs import IERC20

interface Pool:
    def mint(
        to: address, lower: int24, upper: int24, liquidity: uint128, data: Bytes[32]
    ) -> (uint256, uint256): nonpayable

POOL: immutable(Pool)
TOKEN0: immutable(IERC20)
TOKEN1: immutable(IERC20)

@deploy
def __init__(pool: Pool, token0: IERC20, token1: IERC20):
    POOL = pool
    TOKEN0 = token0
    TOKEN1 = token1

@external
def donate(to: address, lower: int24, upper: int24, liquidity: uint128):
    extcall POOL.mint(to, lower, upper, liquidity, b"")

@external
def uniswapV3MintCallback(amount0: uint256, amount1: uint256, data: Bytes[32]):
    extcall TOKEN0.transfer(msg.sender, amount0)
    extcall TOKEN1.transfer(msg.sender, amount1)
"""


@pytest.fixture(scope="module")
def placed(vault: Any, depositor: Any, keeper: Any) -> Any:
    """100,000 USDC deposited and recentred for the first time at 2,000."""
    vault.deposit(usdc_raw(100_000), depositor, sender=depositor)
    vault.recenter(sender=keeper)
    return vault


def test_first_recenter_reaches_the_allocations(
    placed: Any, pool: Any, read: Callable[[Any], Reading]
) -> None:
    at = placed.position_state()
    # 2,000 USDC/WETH is tick -200,312 (rounded down), so the centre is -200,320
    assert (at.tick_lower, at.tick_upper) == (-202_320, -198_320)
    reading = read(placed)
    assert reading.lp == pytest.approx(60_000, rel=1e-3)  # less the swap's fee and impact
    assert reading.margin == pytest.approx(35_000, rel=1e-6)
    assert reading.idle == pytest.approx(4_995, abs=30)  # 5 % less the reward, the swap's dust
    assert reading.nav == pytest.approx(100_000, rel=1e-3)
    assert at.liquidity < pool.liquidity()


def test_amounts_are_those_of_the_range_at_the_oracle_price(
    placed: Any, swap: Callable[..., None]
) -> None:
    swap(-5_000_000)  # the spot price is elsewhere
    at = placed.position_state()
    root, a, b = (
        sqrt(1.0001**tick) for tick in (log(2_000e-12, 1.0001), at.tick_lower, at.tick_upper)
    )
    assert at.lp_base == pytest.approx(at.liquidity * (1 / root - 1 / b), rel=1e-10)
    assert at.lp_usdc == pytest.approx(
        at.liquidity * (root - a), rel=1e-8
    )  # rounded down to raw USDC


def test_keeper_is_paid_at_most_the_idle_usdc(
    strategy: Any, new_vault: Callable[..., Any], usdc: Any, depositor: Any, keeper: Any
) -> None:
    """A hundredth of NAV stays for keepers, whatever the reward and its share."""
    terms = {"keeper_reward": usdc_raw(50), "keeper_share": wad("0.05")}
    vault = new_vault(lp_allocation=wad("0.65"), margin_allocation=wad("0.35"), **terms)
    vault.deposit(usdc_raw(1_000), depositor, sender=depositor)
    before = usdc.balanceOf(keeper)
    receipt = vault.recenter(sender=keeper)
    paid = usdc.balanceOf(keeper) - before
    (event,) = receipt.decode_logs(strategy.KeeperPaid)
    assert (event.keeper, event.reward) == (keeper.address, paid)
    assert paid == pytest.approx(usdc_raw(10), rel=0.01)
    assert vault.idle_usdc() == 0


def test_centred_position_stays(placed: Any, keeper: Any) -> None:
    with ape.reverts("vault: centred"):
        placed.recenter(sender=keeper)


def test_distance_from_the_centre_allows_it_from_the_threshold_on(
    placed: Any, move_market: Callable[..., None], keeper: Any
) -> None:
    # Threshold 0.5 of 2,000 ticks. The oracle at tick -200,320 + 999 is still too near.
    move_market(2_208)  # tick -199,323
    with ape.reverts("vault: centred"):
        placed.recenter(sender=keeper)
    move_market(2_210)  # tick -199,314
    placed.recenter(sender=keeper)
    at = placed.position_state()
    assert (at.tick_lower, at.tick_upper) == (-201_320, -197_320)


@pytest.mark.parametrize("price", [1_500, 2_600])
def test_recenter_from_out_of_range_swaps_back_to_both_tokens(
    placed: Any,
    move_market: Callable[..., None],
    read: Callable[[Any], Reading],
    keeper: Any,
    price: int,
) -> None:
    move_market(price)
    before = placed.position_state()
    assert (before.lp_base == 0) == (price > 2_000)
    assert (before.lp_usdc == 0) == (price < 2_000)
    value = read(placed)
    placed.recenter(sender=keeper)
    at, after = placed.position_state(), read(placed)
    assert at.lp_base > 0
    assert at.lp_usdc > 0
    assert at.tick_lower % SPACING == 0
    # It costs the swap of about a third of NAV at 0.05 % and the reward.
    assert 0 < value.nav - after.nav < 100
    assert after.lp == pytest.approx(0.6 * value.nav, rel=2e-3)
    assert after.margin == pytest.approx(0.35 * value.nav, rel=1e-4)


def test_large_idle_balance_allows_it_where_the_position_stands(
    placed: Any,
    read: Callable[[Any], Reading],
    advance: Callable[..., None],
    depositor: Any,
    keeper: Any,
) -> None:
    # Allowed above 2 · 5 % + 1 % of NAV, an hour after the last.
    placed.deposit(usdc_raw(6_000), depositor, sender=depositor)
    with ape.reverts("vault: centred"):
        placed.recenter(sender=keeper)
    placed.deposit(usdc_raw(2_000), depositor, sender=depositor)
    with ape.reverts("vault: centred"):
        placed.recenter(sender=keeper)
    advance(3_600)
    placed.recenter(sender=keeper)
    assert read(placed).lp == pytest.approx(0.6 * 108_000, rel=1e-3)


def test_fees_of_swaps_belong_to_the_nav(
    placed: Any, swap: Callable[..., None], read: Callable[[Any], Reading]
) -> None:
    before = read(placed).nav
    swap(-5_000_000, to=2_100)
    swap(5_000, to=2_000)
    at = placed.position_state()
    fees = at.fees_base / 1e18 * 2_000 + at.fees_usdc / 1e6
    assert at.fees_base > 0
    assert at.fees_usdc > 0
    assert read(placed).nav - before == pytest.approx(fees, rel=1e-6)


def test_fees_counted_are_exactly_what_the_pool_pays(
    placed: Any, pool: Any, swap: Callable[..., None], move_market: Callable[..., None], keeper: Any
) -> None:
    swap(-5_000_000)
    swap(3_000)
    move_market(2_300)
    at = placed.position_state()
    receipt = placed.recenter(sender=keeper)
    (burnt,), (collected,) = receipt.decode_logs(pool.Burn), receipt.decode_logs(pool.Collect)
    assert at.fees_base == collected.amount0 - burnt.amount0 > 0
    assert at.fees_usdc == collected.amount1 - burnt.amount1 > 0


def test_manipulated_spot_price_is_refused(
    placed: Any, set_price: Callable[..., None], move_market: Callable[..., None], keeper: Any
) -> None:
    move_market(2_300)
    set_price(WETH=2_260)  # spot 1.8 % above: sqrt 0.88 %, within max_slippage / 2 = 1 %
    placed.recenter.call(sender=keeper)
    set_price(WETH=2_240)  # 2.7 %: sqrt 1.3 %
    with ape.reverts("vault: spot deviates"):
        placed.recenter(sender=keeper)


def test_swap_beyond_the_slippage_bound_is_refused(
    new_vault: Callable[..., Any], depositor: Any, keeper: Any, move_market: Callable[..., None]
) -> None:
    vault = new_vault(max_slippage=wad("0.0005"))
    vault.deposit(usdc_raw(900_000), depositor, sender=depositor)
    with ape.reverts("vault: slippage"):
        vault.recenter(sender=keeper)


def test_stale_oracle_is_refused(
    placed: Any, move_market: Callable[..., None], advance: Callable[..., None], keeper: Any
) -> None:
    move_market(2_300)
    advance(90_000, refresh=False)
    with ape.reverts("oracle: stale"):
        placed.recenter(sender=keeper)


def test_empty_vault_has_nothing_to_place(new_vault: Callable[..., Any], keeper: Any) -> None:
    with ape.reverts("vault: no idle assets"):
        new_vault().recenter(sender=keeper)


def test_liquidity_given_to_the_position_changes_no_value(
    placed: Any, owner: Any, trader: Any, pool: Any, weth: Any, usdc: Any, read: Any
) -> None:
    """Anyone may mint at a pool for another owner; the vault counts what it minted itself."""
    at, before = placed.position_state(), read(placed)
    donor = owner.deploy(
        compilers.compile_source("vyper", DONOR, contractName="Donor"), pool, weth, usdc
    )
    for token in (weth, usdc):
        token.mint(donor, 10**30, sender=owner)
    donor.donate(placed, at.tick_lower, at.tick_upper, 10 * at.liquidity, sender=trader)
    assert placed.position_state() == at
    assert read(placed) == before
