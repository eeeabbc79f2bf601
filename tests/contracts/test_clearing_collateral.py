"""deposit(), withdraw(), transfer_margin(), maker and insurance funds (SPEC §3.5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ape

from tests.contracts.conftest import INSURANCE_FUNDS, MAKER_FUNDS, USDC_UNIT
from tests.contracts.mirror import Mirror, account_of
from tests.reference.integers import WAD
from tests.reference.venue import wad


def test_deposit_credits_any_account_and_withdraw_returns_it(
    clearing: Any, usdc: Any, trader: Any, depositor: Any, give: Callable[..., int]
) -> None:
    raw = give(depositor, "USDC", "1234.567891")
    clearing.deposit(trader, 0, 0, raw, sender=depositor)
    assert clearing.cash(account_of(trader)) == wad("1234.567891")
    assert clearing.collateral_held(0) == raw + (2 * MAKER_FUNDS + INSURANCE_FUNDS) * USDC_UNIT
    with ape.reverts("clearing: insufficient collateral"):
        clearing.withdraw(0, 0, 1, depositor, sender=depositor)
    receipt = clearing.withdraw(0, 0, raw, depositor, sender=trader)
    assert usdc.balanceOf(depositor) == raw
    assert clearing.cash(account_of(trader)) == 0
    (event,) = receipt.events.filter(clearing.Withdrawn)
    assert (event.account, event.collateral, event.receiver, event.raw) == (
        account_of(trader), 0, depositor.address, raw,
    )  # fmt: skip


def test_basket_collateral_is_kept_in_raw_units(
    clearing: Any, weth: Any, trader: Any, give: Callable[..., int]
) -> None:
    raw = give(trader, "WETH", "2.5")
    clearing.deposit(trader, 0, 1, raw, sender=trader)
    assert clearing.collateral_balance(account_of(trader), 1) == raw == clearing.collateral_held(1)
    assert clearing.cash(account_of(trader)) == 0
    state = clearing.account_state(account_of(trader))
    assert (state.value, state.equity) == (5_000 * WAD, 4_500 * WAD)
    with ape.reverts("clearing: insufficient collateral"):
        clearing.withdraw(0, 1, raw + 1, trader, sender=trader)
    clearing.withdraw(0, 1, raw, trader, sender=trader)
    assert weth.balanceOf(trader) == raw


def test_cap_counts_everything_held(
    clearing: Any, owner: Any, trader: Any, give: Callable[..., int]
) -> None:
    give(trader, "USDC", 100)
    cap = clearing.collateral_held(0) + 50 * USDC_UNIT
    clearing.set_collateral(0, wad("0.01"), cap, sender=owner)
    with ape.reverts("clearing: collateral cap"):
        clearing.deposit(trader, 0, 0, 50 * USDC_UNIT + 1, sender=trader)
    clearing.deposit(trader, 0, 0, 50 * USDC_UNIT, sender=trader)
    clearing.withdraw(0, 0, 10 * USDC_UNIT, trader, sender=trader)
    clearing.deposit(trader, 0, 0, 10 * USDC_UNIT, sender=trader)


def test_unknown_collateral_and_sub_are_refused(
    clearing: Any, trader: Any, give: Callable[..., int]
) -> None:
    give(trader, "USDC", 100)
    with ape.reverts("clearing: no collateral"):
        clearing.deposit(trader, 0, 2, 1, sender=trader)
    with ape.reverts("clearing: no collateral"):
        clearing.withdraw(0, 2, 1, trader, sender=trader)
    for sub in (3, 256):  # 256 would be another owner's account
        with ape.reverts("clearing: wrong market"):
            clearing.deposit(trader, sub, 0, 1, sender=trader)


def test_deposit_without_tokens_or_allowance_is_refused(
    clearing: Any, usdc: Any, trader: Any, owner: Any
) -> None:
    with ape.reverts("token: insufficient allowance"):
        clearing.deposit(trader, 0, 0, 1, sender=trader)
    usdc.approve(clearing, 1, sender=trader)
    with ape.reverts("token: insufficient balance"):
        clearing.deposit(trader, 0, 0, 1, sender=trader)


def test_account_without_positions_withdraws_under_a_stale_oracle(
    clearing: Any, trader: Any, give: Callable[..., int], advance: Callable[..., None]
) -> None:
    clearing.deposit(trader, 0, 0, give(trader, "USDC", 100), sender=trader)
    clearing.deposit(trader, 0, 1, give(trader, "WETH", 1), sender=trader)
    advance(90_000, refresh=False)
    clearing.withdraw(0, 0, 100 * USDC_UNIT, trader, sender=trader)
    clearing.withdraw(0, 1, WAD, trader, sender=trader)


def test_withdrawal_keeps_initial_margin(mirror: Mirror, trader: Any) -> None:
    clearing = mirror.clearing
    mirror.deposit(trader, 100_000)
    mirror.trade(trader, 0, 10)
    # cash 98,439.67; E0 ≥ 30,000 needs cash - 150 ≥ 30,303.0303…: 67,986.6396… can go
    free = clearing.withdrawable(account_of(trader), 0)
    assert free == 67_986_639_696
    with ape.reverts("clearing: below initial margin"):
        clearing.withdraw(0, 0, free + 1, trader, sender=trader)
    clearing.withdraw(0, 0, free, trader, sender=trader)
    assert clearing.withdrawable(account_of(trader), 0) == 0


def test_withdrawable_keeps_the_asked_margin_ratio(mirror: Mirror, trader: Any) -> None:
    clearing = mirror.clearing
    mirror.deposit(trader, 100_000)
    mirror.deposit(trader, 3, "WETH")
    mirror.trade(trader, 0, 10)
    free = clearing.withdrawable(account_of(trader), 3 * WAD)
    clearing.withdraw(0, 0, free, trader, sender=trader)
    state = clearing.account_state(account_of(trader))
    assert state.equity >= 3 * state.maintenance
    assert state.equity - 3 * state.maintenance < wad("0.000001")
    assert clearing.withdrawable(account_of(trader), wad("3.01")) == 0


def test_unrealised_profit_is_capped_as_collateral(mirror: Mirror, trader: Any) -> None:
    """Profit frees at most half the cash behind it, whatever the price (the Mango lesson)."""
    clearing = mirror.clearing
    mirror.deposit(trader, 10_000)
    mirror.trade(trader, 0, 2)
    mirror.set_price(BTC=90_000)
    state = clearing.account_state(account_of(trader))
    assert state.initial_equity < state.equity // 8
    mirror.check()
    # cash 9,927.982: E0 = 0.99 · 1.5 · cash must stay above 18,000: nothing can leave
    assert clearing.withdrawable(account_of(trader), 0) == 0
    mirror.deposit(trader, 10_000)
    free = clearing.withdrawable(account_of(trader), 0)
    assert free == 7_806_769_878  # 19,927.982 - 18,000/(0.99 · 1.5)
    with ape.reverts("clearing: below initial margin"):
        clearing.withdraw(0, 0, free + 1, trader, sender=trader)
    clearing.withdraw(0, 0, free, trader, sender=trader)


def test_account_in_debt_keeps_its_collateral(mirror: Mirror, trader: Any) -> None:
    mirror.deposit(trader, 1_000)
    mirror.deposit(trader, 10, "WETH")
    mirror.trade(trader, 0, 1)
    mirror.set_price(BTC=25_000)
    mirror.trade(trader, 0, -1)
    debt = -mirror.clearing.cash(account_of(trader))
    assert debt > 4_000 * WAD
    # E0 = 0.9 · 2,000 q - debt ≥ 0 bounds what may go
    most = 10 * WAD - debt * 10 // 18_000 - 1
    with ape.reverts("clearing: below initial margin"):
        mirror.clearing.withdraw(0, 1, most + 10, trader, sender=trader)
    mirror.clearing.withdraw(0, 1, most, trader, sender=trader)
    assert mirror.clearing.withdrawable(account_of(trader), 0) == 0


def test_transfer_between_own_accounts(mirror: Mirror, trader: Any) -> None:
    clearing = mirror.clearing
    mirror.deposit(trader, 10_000)
    clearing.transfer_margin(0, 2, 4_000 * USDC_UNIT, sender=trader)
    assert clearing.cash(account_of(trader)) == 6_000 * WAD
    assert clearing.cash(account_of(trader, 2)) == 4_000 * WAD
    with ape.reverts("clearing: insufficient collateral"):
        clearing.transfer_margin(2, 0, 4_000 * USDC_UNIT + 1, sender=trader)
    clearing.trade(2, 1, wad(100), wad(200), sender=trader)
    with ape.reverts("clearing: below initial margin"):
        clearing.transfer_margin(2, 0, 3_000 * USDC_UNIT, sender=trader)
    clearing.transfer_margin(2, 0, 2_000 * USDC_UNIT, sender=trader)
    with ape.reverts("clearing: wrong market"):
        clearing.transfer_margin(0, 3, 1, sender=trader)


def test_owner_takes_no_more_than_the_maker_can_spare(
    mirror: Mirror, trader: Any, counterparty: Any, owner: Any, usdc: Any
) -> None:
    clearing = mirror.clearing
    mirror.deposit(trader, 500_000)
    mirror.deposit(counterparty, 500_000)
    mirror.trade(trader, 0, 10)
    mirror.trade(counterparty, 0, -4)
    mirror.set_price(BTC=40_000)
    # What the maker would hold were both to close at the index. The pool holds 540 and closing the
    # skew of 6 would earn 720: it has no surplus for the maker.
    spare = mirror.ledger.markets[0].maker_cash
    for actor, size in ((trader, 10), (counterparty, -4)):
        position = mirror.ledger.account(account_of(actor)).positions[0]
        assert position.size == wad(size)
        spare += position.cost
    spare -= 6 * 40_000 * WAD
    # Were the shorts liquidated, the maker would stand against all of the longs.
    spare -= 10 * 40_000 * mirror.ledger.terms[0].maintenance_rate
    raw = spare // 10**12
    with ape.reverts("clearing: maker reserve"):
        clearing.withdraw_maker(0, raw + 1, owner, sender=owner)
    with ape.reverts("roles: not the owner"):
        clearing.withdraw_maker(0, 1, trader, sender=trader)
    clearing.withdraw_maker(0, raw, owner, sender=owner)
    assert usdc.balanceOf(owner) == raw


def test_funding_the_venue_moves_tokens(
    clearing: Any, usdc: Any, keeper: Any, give: Callable[..., int]
) -> None:
    give(keeper, "USDC", 30)
    clearing.fund_maker(1, 10 * USDC_UNIT, sender=keeper)
    clearing.fund_insurance(20 * USDC_UNIT, sender=keeper)
    assert usdc.balanceOf(keeper) == 0
    assert clearing.maker_cash(1) == (MAKER_FUNDS + 10) * WAD
    assert clearing.insurance_fund() == (INSURANCE_FUNDS + 20) * WAD
    assert usdc.balanceOf(clearing) == clearing.collateral_held(0)
