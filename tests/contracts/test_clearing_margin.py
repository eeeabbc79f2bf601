"""Equity and requirement (SPEC §3.4), at moved prices and in every view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ape
import pytest

from tests.contracts.conftest import rescale
from tests.contracts.mirror import Mirror, account_of
from tests.reference.integers import WAD
from tests.reference.venue import wad


@pytest.fixture
def hedged(mirror: Mirror, trader: Any, counterparty: Any) -> Mirror:
    """The trader holds a long, a short, USDC and WETH; the counterparty leans on the skew."""
    mirror.deposit(trader, 60_000)
    mirror.deposit(trader, "12.25", "WETH")
    mirror.deposit(counterparty, 300_000)
    mirror.trade(trader, 0, 4)
    mirror.trade(trader, 1, -2_000)
    mirror.trade(counterparty, 0, -11)
    mirror.trade(counterparty, 1, 1_500)
    return mirror


@pytest.mark.parametrize(
    "prices",
    [
        {},
        {"BTC": 36_000, "SOL": 80},
        {"BTC": 21_000, "SOL": 130, "WETH": 900},
        {"USDC": "0.88"},
        {"USDC": "0.97", "BTC": 15_000, "SOL": 100, "WETH": 1_500},
    ],
)
def test_every_margin_number_follows_the_reference(hedged: Mirror, prices: dict[str, Any]) -> None:
    if prices:
        hedged.set_price(**prices)
    hedged.check()


def test_negative_balance_is_owed_at_the_full_price_of_usdc(hedged: Mirror, trader: Any) -> None:
    hedged.set_price(BTC=8_000, USDC="1.05")
    state = hedged.clearing.account_state(account_of(trader))
    assert state.balance < 0
    # 12.25 WETH at 2,000 less 10 %; no haircut on the debt
    assert state.equity == wad("22050") + -(-state.balance * 105 // 100) - (
        state.balance * 105 % 100 > 0
    )
    assert state.value - state.equity == wad("2450")


def test_empty_account_is_worth_nothing(mirror: Mirror, keeper: Any) -> None:
    assert tuple(mirror.clearing.account_state(account_of(keeper))) == (0, 0, 0, 0, 0)
    assert mirror.clearing.withdrawable(account_of(keeper), WAD) == 0


def test_a_position_is_worth_the_index_whatever_the_skew(
    mirror: Mirror, trader: Any, counterparty: Any, owner: Any
) -> None:
    """Neither its own part in the skew nor that of others nor the depth; the mark alone moves."""
    clearing, account = mirror.clearing, account_of(trader)
    mirror.deposit(trader, 500_000)
    mirror.deposit(counterparty, 500_000)
    mirror.trade(trader, 0, -20)
    state = clearing.account_state(account)
    assert clearing.cash(account) - state.balance == 20 * wad(15)  # half a spread
    assert clearing.mark_price(0) == wad(29_400)  # 30,000 · (1 - 20/1,000)
    mirror.trade(counterparty, 0, 22)
    assert clearing.mark_price(0) == wad(30_060)
    assert clearing.account_state(account) == state
    rescale(clearing, wad(8), owner)
    assert clearing.mark_price(0) == wad(30_750)  # no further than half of maintenance
    assert clearing.account_state(account) == state


def test_last_views_outlive_the_oracle_and_guarded_ones_do_not(
    hedged: Mirror, trader: Any, advance: Callable[..., None]
) -> None:
    clearing, account = hedged.clearing, account_of(trader)
    fresh = clearing.account_state(account)
    assert tuple(clearing.last_account_state(account)) == tuple(fresh)
    assert tuple(clearing.last_market_state(0))[:3] == tuple(clearing.market_state(0))[:3]
    advance(90_000, refresh=False)
    views: list[tuple[Any, ...]] = [
        (clearing.account_state, account),
        (clearing.market_state, 0),
        (clearing.mark_price, 0),
        (clearing.withdrawable, account, WAD),
    ]
    for view, *arguments in views:
        with ape.reverts("oracle: stale"):
            view(*arguments)
    assert tuple(clearing.last_account_state(account)) == tuple(fresh)
    assert clearing.last_mark_price(0) == clearing.last_mark_price(0) > 0


def test_isolated_accounts_do_not_share_margin(mirror: Mirror, trader: Any) -> None:
    mirror.deposit(trader, 100_000)
    mirror.deposit(trader, 10_000, sub=1)
    mirror.trade(trader, 0, 3, sub=1)
    with ape.reverts("clearing: below initial margin"):
        mirror.clearing.trade(1, 0, wad(1), 2**256 - 1, sender=trader)
    cross = tuple(mirror.clearing.account_state(account_of(trader)))
    mirror.set_price(BTC=25_000)
    assert tuple(mirror.clearing.account_state(account_of(trader))) == cross
    mirror.check()
