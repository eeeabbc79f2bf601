"""deposit, mint, withdraw, redeem and the price of a share (SPEC §4.3, EIP-4626)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ape
import pytest

from tests.contracts.mirror import account_of
from tests.contracts.vault.conftest import TERMS, UNLIMITED, usdc_raw
from tests.reference.integers import WAD

VIRTUAL = 10**12


def ceil_div(x: int, y: int) -> int:
    return -(-x // y)


@pytest.fixture
def funded(vault: Any, depositor: Any) -> Any:
    """The depositor holds the shares of 100,000 USDC; nothing is invested."""
    vault.deposit(usdc_raw(100_000), depositor, sender=depositor)
    return vault


def test_first_deposit_buys_virtual_price_shares_net_of_the_entry_fee(
    vault: Any, depositor: Any
) -> None:
    receipt = vault.deposit(usdc_raw(100_000), depositor, sender=depositor)
    # 100,000 less 0.1 % at 10**12 shares per raw USDC: 99,900 whole shares
    assert vault.balanceOf(depositor) == vault.totalSupply() == 99_900 * WAD
    assert vault.totalAssets() == vault.idle_usdc() == usdc_raw(100_000)
    (event,) = receipt.decode_logs(vault.Deposit)
    assert (event.assets, event.shares) == (usdc_raw(100_000), 99_900 * WAD)


def test_deposit_mint_withdraw_redeem_round_against_the_caller(
    funded: Any, depositor: Any, counterparty: Any
) -> None:
    supply, total = funded.totalSupply() + VIRTUAL, funded.totalAssets() + 1
    assets, shares = 1_234_567, 987_654_321_987_654_321
    net = assets * (WAD - TERMS.entry_fee) // WAD
    assert funded.previewDeposit(assets) == net * supply // total
    cost = ceil_div(ceil_div(shares * total, supply) * WAD, WAD - TERMS.entry_fee)
    assert funded.previewMint(shares) == cost
    gross = ceil_div(assets * WAD, WAD - TERMS.exit_fee)
    assert funded.previewWithdraw(assets) == ceil_div(gross * supply, total)
    assert (
        funded.previewRedeem(shares) == (shares * total // supply) * (WAD - TERMS.exit_fee) // WAD
    )
    assert funded.convertToShares(assets) == assets * supply // total
    assert funded.convertToAssets(shares) == shares * total // supply


@pytest.mark.parametrize("function", ["deposit", "mint", "withdraw", "redeem"])
def test_preview_is_what_happens(funded: Any, usdc: Any, depositor: Any, function: str) -> None:
    amount = 777_777_777 if function in ("deposit", "withdraw") else 777 * WAD + 777
    receivers = (depositor,) if function in ("deposit", "mint") else (depositor, depositor)
    promised = getattr(funded, f"preview{function.capitalize()}")(amount)
    money, shares = usdc.balanceOf(depositor), funded.balanceOf(depositor)
    getattr(funded, function)(amount, *receivers, sender=depositor)
    moved = abs(usdc.balanceOf(depositor) - money), abs(funded.balanceOf(depositor) - shares)
    assert moved == (
        (amount, promised) if function in ("deposit", "withdraw") else (promised, amount)
    )


def test_round_trip_never_profits(funded: Any, usdc: Any, counterparty: Any) -> None:
    before = usdc.balanceOf(counterparty)
    funded.deposit(usdc_raw("123.456789"), counterparty, sender=counterparty)
    shares = funded.balanceOf(counterparty)
    funded.redeem(shares, counterparty, counterparty, sender=counterparty)
    lost = before - usdc.balanceOf(counterparty)
    # both fees, of which the counterparty's own share gets a little back
    assert 0.0059 * 123_456_789 < lost < 0.0061 * 123_456_789


def test_fees_stay_with_the_holders(funded: Any, depositor: Any, counterparty: Any) -> None:
    before = funded.convertToAssets(WAD)
    funded.deposit(usdc_raw(50_000), counterparty, sender=counterparty)
    funded.redeem(funded.balanceOf(counterparty), counterparty, counterparty, sender=counterparty)
    # On 100,000: two thirds of the entry fee of 50 (the rest was the counterparty's own) and 249.8
    # of exit fee.
    assert funded.convertToAssets(WAD) / before == pytest.approx(1.002832, abs=2e-6)


def test_inflation_attack_costs_the_attacker_not_the_victim(
    vault: Any, usdc: Any, owner: Any, clearing: Any, depositor: Any, counterparty: Any
) -> None:
    attacker, victim = counterparty, depositor
    vault.deposit(2, attacker, sender=attacker)
    usdc.approve(clearing, UNLIMITED, sender=attacker)
    # The only donation that counts: margin, which anyone may add to any account.
    clearing.deposit(vault, 0, 0, usdc_raw(100_000), sender=attacker)
    vault.deposit(usdc_raw(100_000), victim, sender=victim)
    claim = vault.convertToAssets(vault.balanceOf(victim))
    assert claim >= usdc_raw(100_000) * (WAD - TERMS.entry_fee) // WAD - 10**6


def test_tokens_sent_to_the_vault_change_nothing(
    funded: Any, usdc: Any, weth: Any, owner: Any
) -> None:
    before = funded.totalAssets(), funded.nav(), funded.convertToAssets(WAD)
    usdc.mint(funded, usdc_raw(1_000_000), sender=owner)
    weth.mint(funded, 100 * WAD, sender=owner)
    assert (funded.totalAssets(), funded.nav(), funded.convertToAssets(WAD)) == before


def test_deposit_cap_and_max_deposit_agree(funded: Any, owner: Any, depositor: Any) -> None:
    funded.set_parameters(TERMS.tuple(deposit_cap=usdc_raw(150_000)), sender=owner)
    assert funded.maxDeposit(depositor) == usdc_raw(50_000)
    assert funded.maxMint(depositor) == funded.previewDeposit(usdc_raw(50_000))
    with ape.reverts("vault: deposit cap"):
        funded.deposit(usdc_raw(50_000) + 1, depositor, sender=depositor)
    funded.deposit(usdc_raw(50_000), depositor, sender=depositor)
    assert funded.maxDeposit(depositor) == funded.maxMint(depositor) == 0


def test_nothing_is_refused(vault: Any, depositor: Any) -> None:
    with ape.reverts("vault: zero amount"):
        vault.deposit(0, depositor, sender=depositor)
    with ape.reverts("vault: zero amount"):
        vault.mint(0, depositor, sender=depositor)
    with ape.reverts("vault: zero amount"):
        vault.redeem(0, depositor, depositor, sender=depositor)
    with ape.reverts("vault: zero amount"):
        vault.withdraw(0, depositor, depositor, sender=depositor)


def test_more_shares_than_held_are_refused(funded: Any, depositor: Any) -> None:
    with ape.reverts("vault: insufficient shares"):
        funded.redeem(funded.balanceOf(depositor) + 1, depositor, depositor, sender=depositor)
    with ape.reverts("vault: insufficient shares"):
        funded.transfer(funded, funded.balanceOf(depositor) + 1, sender=depositor)


def test_another_account_redeems_only_within_its_allowance(
    funded: Any, usdc: Any, depositor: Any, keeper: Any
) -> None:
    with ape.reverts("vault: insufficient allowance"):
        funded.redeem(WAD, keeper, depositor, sender=keeper)
    funded.approve(keeper, 3 * WAD, sender=depositor)
    funded.redeem(WAD, keeper, depositor, sender=keeper)
    assert funded.allowance(depositor, keeper) == 2 * WAD
    assert usdc.balanceOf(keeper) == funded.previewRedeem(WAD)
    funded.transferFrom(depositor, keeper, 2 * WAD, sender=keeper)
    assert funded.balanceOf(keeper) == 2 * WAD
    with ape.reverts("vault: insufficient allowance"):
        funded.transferFrom(depositor, keeper, 1, sender=keeper)


def test_shares_do_not_go_to_the_zero_address(funded: Any, depositor: Any) -> None:
    zero = "0x" + "00" * 20
    with ape.reverts("vault: zero receiver"):
        funded.transfer(zero, 1, sender=depositor)
    with ape.reverts("vault: zero receiver"):
        funded.deposit(usdc_raw(1), zero, sender=depositor)


def test_vault_of_usdc_alone_opens_without_an_oracle(
    funded: Any, usdc: Any, clearing: Any, advance: Callable[..., None], depositor: Any
) -> None:
    advance(90_000, refresh=False)
    with ape.reverts("oracle: stale"):
        funded.nav()
    shares = funded.balanceOf(depositor)
    assert funded.maxRedeem(depositor) == shares
    before = usdc.balanceOf(depositor)
    funded.redeem(shares, depositor, depositor, sender=depositor)
    assert usdc.balanceOf(depositor) - before >= usdc_raw("99_400")
    assert funded.totalSupply() == 0
    assert clearing.cash(account_of(funded)) == 0
