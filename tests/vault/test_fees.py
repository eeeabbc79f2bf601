"""Management and performance fees against closed forms, the mark, who gets them (SPEC §4.3)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from tests.properties.revm_vault import USDC_UNIT, WAD, System

YEAR = 365 * 86_400
VIRTUAL = 10**12
MARK = 10**30
STRANGER = "0x" + "33" * 20
MANAGEMENT, PERFORMANCE = 0.02, 0.2


def funded(**terms: Any) -> System:
    """1,000,000 USDC in idle: nothing moves the assets but the test."""
    system = System(entry_fee=0.005, **terms)
    depositor = system.depositors[0]
    system.do(depositor, "deposit", 1_000_000 * USDC_UNIT, depositor)
    return system


def gain(system: System, usdc: int) -> None:
    """Margin anyone may add to the vault's account is a gain; it costs no trade to make."""
    system.usdc.transact(system.owner, "mint", system.owner, usdc * USDC_UNIT)
    system.clearing.transact(system.owner, "deposit", system.vault.address, 0, 0, usdc * USDC_UNIT)


def fee_shares(system: System) -> int:
    return int(system.get("balanceOf", system.deployed.roles.fee_receiver))


def price(system: System) -> int:
    """Assets per share as the mark counts them."""
    supply, assets = system.get("totalSupply"), system.get("totalAssets")
    return int((assets + 1) * MARK // (supply + VIRTUAL))


@pytest.mark.parametrize("days", [1, 30, 365, 1_000, 36_500])
def test_management_fee_is_a_fraction_of_the_shares_after(days: int) -> None:
    system = funded(management_fee=MANAGEMENT)
    supply, start = system.get("totalSupply"), system.get("fees_accrued_at")
    system.wait(days * 86_400)
    system.do(STRANGER, "accrue_fees")
    part = min(int(MANAGEMENT * WAD) * (system.chain.time() - start) // YEAR, WAD // 2)
    assert fee_shares(system) == supply * part // (WAD - part)
    held = Fraction(fee_shares(system), system.get("totalSupply"))
    assert abs(held - Fraction(part, WAD)) < Fraction(1, 10**17)
    assert system.get("fees_accrued_at") == system.chain.time()


def test_performance_fee_is_the_rate_on_the_gain_above_the_mark() -> None:
    system = funded(performance_fee=PERFORMANCE)
    system.do(STRANGER, "accrue_fees")
    mark, supply, held = (
        system.get("high_water_mark"),
        system.get("totalSupply"),
        fee_shares(system),
    )
    gain(system, 100_000)
    system.do(STRANGER, "accrue_fees")
    total, rate = system.get("totalAssets"), int(PERFORMANCE * WAD)
    over = (total + 1) * MARK // (supply + VIRTUAL) - mark
    fee = rate * over * supply // (MARK * WAD)
    assert fee == pytest.approx(20_000 * USDC_UNIT, abs=2)
    issued = fee_shares(system) - held
    assert issued == fee * (supply + VIRTUAL) // (total + 1 - fee)
    assert system.get("convertToAssets", issued) == pytest.approx(fee, abs=2)
    assert system.get("high_water_mark") == price(system)


def test_a_gain_is_charged_once() -> None:
    """The first gain is the entry fee, which belongs to those who are in."""
    system = funded(performance_fee=PERFORMANCE)
    system.do(STRANGER, "accrue_fees")
    first = fee_shares(system)
    assert system.get("convertToAssets", first) == pytest.approx(1_000 * USDC_UNIT, abs=2)
    system.do(STRANGER, "accrue_fees")
    assert fee_shares(system) == first
    assert system.get("high_water_mark") == price(system)


def test_no_fee_until_the_loss_is_made_good() -> None:
    system = System(performance_fee=PERFORMANCE).invest()
    system.do(STRANGER, "accrue_fees")
    mark, held = system.get("high_water_mark"), fee_shares(system)
    start = system.prices[1]
    system.prices[1] = 0.8 * start
    system.report()
    system.do(STRANGER, "accrue_fees")
    assert (system.get("high_water_mark"), fee_shares(system)) == (mark, held)
    system.prices[1] = 0.9 * start
    system.report()
    system.do(STRANGER, "accrue_fees")
    assert (system.get("high_water_mark"), fee_shares(system)) == (mark, held)
    gain(system, 500_000)
    system.do(STRANGER, "accrue_fees")
    assert system.get("high_water_mark") > mark
    assert fee_shares(system) > held


def test_accruing_often_changes_the_fees_by_a_fee_on_a_fee_at_most() -> None:
    """Ten days at once, the management fee is taken first and lessens the gain; day by day, the
    gain is charged on the first."""
    often, once = (funded(management_fee=MANAGEMENT, performance_fee=PERFORMANCE) for _ in "ab")
    for system in (often, once):
        gain(system, 50_000)
    for _ in range(10):
        often.wait(86_400)
        often.do(STRANGER, "accrue_fees")
    once.wait(10 * 86_400)
    once.do(STRANGER, "accrue_fees")
    management = once.get("totalSupply") * MANAGEMENT * 10 / 365
    assert 0 <= fee_shares(often) - fee_shares(once) <= 1.01 * PERFORMANCE * management


def test_previews_and_conversions_count_the_fees_due() -> None:
    system = funded(management_fee=MANAGEMENT, performance_fee=PERFORMANCE)
    gain(system, 100_000)
    system.wait(90 * 86_400)
    views = [
        ("convertToAssets", WAD), ("convertToShares", USDC_UNIT), ("previewRedeem", WAD),
        ("previewDeposit", USDC_UNIT), ("previewMint", WAD), ("previewWithdraw", USDC_UNIT),
    ]  # fmt: skip
    before = [system.get(*view) for view in views]
    assert before[0] < system.get("totalAssets") * WAD // system.get("totalSupply")
    system.do(STRANGER, "accrue_fees")
    assert fee_shares(system) > 0
    assert [system.get(*view) for view in views] == before


def test_fees_are_due_before_who_comes_or_goes() -> None:
    """A deposit pays none of the fee on a gain before it, a redemption all of its own."""
    for function in ("deposit", "redeem"):
        system, twin = (funded(performance_fee=PERFORMANCE) for _ in "ab")
        gain(system, 100_000)
        gain(twin, 100_000)
        twin.do(STRANGER, "accrue_fees")
        second = system.depositors[1]
        first = system.depositors[0]
        if function == "deposit":
            amounts = [s.do(second, "deposit", 50_000 * USDC_UNIT, second) for s in (system, twin)]
        else:
            amounts = [s.do(first, "redeem", 50_000 * WAD, first, first) for s in (system, twin)]
        assert amounts[0] == amounts[1]
        assert fee_shares(system) == fee_shares(twin) > 0


def test_without_a_receiver_no_fee_is_taken_and_time_moves_on() -> None:
    system = funded(management_fee=MANAGEMENT, performance_fee=PERFORMANCE)
    system.do(system.owner, "set_fee_receiver", "0x" + "00" * 20)
    supply, held = system.get("totalSupply"), fee_shares(system)
    gain(system, 100_000)
    system.wait(365 * 86_400)
    system.do(STRANGER, "accrue_fees")
    assert system.get("totalSupply") == supply
    assert system.get("high_water_mark") == price(system)
    system.do(system.owner, "set_fee_receiver", system.deployed.roles.fee_receiver)
    system.do(STRANGER, "accrue_fees")
    assert fee_shares(system) == held


def test_new_rates_do_not_reach_back() -> None:
    system = funded(management_fee=0.0, performance_fee=0.0)
    gain(system, 100_000)
    system.wait(365 * 86_400)
    system.set_terms(management_fee=WAD // 10, performance_fee=WAD // 2)
    system.do(STRANGER, "accrue_fees")
    assert fee_shares(system) == 0


def test_fees_wait_for_a_price() -> None:
    system = System(management_fee=MANAGEMENT).invest()
    system.wait(10**6, refresh=False)
    assert system.refusal(STRANGER, "accrue_fees") == "oracle: stale"


def test_mark_starts_anew_when_nobody_is_in() -> None:
    system = funded(performance_fee=PERFORMANCE, exit_fee=0.005)
    depositor = system.depositors[0]
    gain(system, 1_000_000)
    system.do(system.owner, "set_fee_receiver", "0x" + "00" * 20)
    for holder in (depositor, system.deployed.roles.fee_receiver):
        system.do(holder, "redeem", system.get("balanceOf", holder), holder, holder)
    assert system.get("totalSupply") == 0
    system.do(STRANGER, "accrue_fees")
    assert system.get("high_water_mark") == max(10**18, price(system))
