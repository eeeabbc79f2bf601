"""Lens.observe(): every word against the contract it comes from (contracts/Lens.vy)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.contracts.mirror import account_of
from tests.reference.venue import wad

HEADER, MARKET = 21, 13


@pytest.fixture(scope="module")
def lens(project: Any, owner: Any) -> Any:
    return owner.deploy(project.Lens)


@pytest.fixture
def observe(
    lens: Any, running: Any, clearing: Any, pool: Any, oracle: Any
) -> Callable[..., list[int]]:
    """The words for some accounts and wallets, from the raw return data as the layout says."""

    def words(accounts: list[int], wallets: list[Any]) -> list[int]:
        arguments = (running, clearing, pool, oracle, accounts, wallets)
        decoded = list(lens.observe(*arguments))
        call = lens.provider.network.ecosystem.create_transaction(
            receiver=lens.address, data=lens.observe.encode_input(*arguments)
        )
        data = bytes(lens.provider.send_call(call))
        assert int.from_bytes(data[32:64]) == len(decoded)
        raw = [int.from_bytes(data[i : i + 32], signed=True) for i in range(64, len(data), 32)]
        assert raw == decoded
        return decoded

    return words


def header(vault: Any, clearing: Any, pool: Any) -> list[int]:
    at = vault.position_state()
    return [
        2, 2, pool.slot0().sqrtPriceX96, pool.liquidity(),
        clearing.insurance_fund(), clearing.bad_debt(),
        vault.last_nav(), vault.totalSupply(), vault.idle_usdc(), vault.idle_base(),
        at.liquidity, at.tick_lower, at.tick_upper,
        at.lp_base, at.lp_usdc, at.fees_base, at.fees_usdc,
        vault.betas_posted_at(),
        vault.balanceOf(vault.fee_receiver()), vault.queued_shares(), vault.high_water_mark(),
    ]  # fmt: skip


def test_words_are_the_contracts_state(
    observe: Callable[..., list[int]], running: Any, clearing: Any, pool: Any, usdc: Any, weth: Any,
    give: Callable[..., int], owner: Any, trader: Any, depositor: Any, keeper: Any,
    swap: Callable[..., None],
) -> None:  # fmt: skip
    clearing.deposit(trader, 0, 0, give(trader, "USDC", 50_000), sender=trader)
    clearing.deposit(trader, 0, 1, give(trader, "WETH", 3), sender=trader)
    clearing.trade(0, 1, wad("123.5"), wad(200), sender=trader)
    swap(-200_000)
    running.set_fee_receiver(depositor, sender=owner)
    running.request_redeem(wad(100), depositor, sender=depositor)
    accounts, wallets = [account_of(running), account_of(trader)], [depositor, trader, keeper]
    words = observe(accounts, wallets)
    expected = header(running, clearing, pool)
    for market in (0, 1):
        state = clearing.market_state(market)
        expected += [
            state.skew, clearing.market(market).skew_scale, state.funding_rate,
            state.funding_index, running.beta(market), clearing.long_interest(market),
            clearing.loss_long(market), clearing.loss_short(market),
            clearing.insurance_drawn(market), clearing.maker_drawn(market),
            clearing.premium_pool(market), clearing.maker_cash(market),
            clearing.unpaid_premium(market),
        ]  # fmt: skip
    for account in accounts:
        state = clearing.account_state(account)
        expected += [clearing.cash(account), state.value, state.equity, state.maintenance]
        expected += [clearing.collateral_balance(account, 1)]
        for market in (0, 1):
            expected += list(clearing.position(account, market))
    for wallet in wallets:
        expected += [usdc.balanceOf(wallet), weth.balanceOf(wallet), running.balanceOf(wallet)]
    assert words == expected
    assert any(word < 0 for word in words)  # sizes of the hedge
    assert words[18] == running.balanceOf(depositor) > 0
    assert words[19] == wad(100)


def test_stale_prices_do_not_stop_an_observer(
    observe: Callable[..., list[int]], running: Any, advance: Callable[..., None]
) -> None:
    before = observe([account_of(running)], [])
    advance(90_000, refresh=False)
    after = observe([account_of(running)], [])
    assert after == before
    assert after[7] > wad(90_000)


def test_vault_without_anything_is_observed_too(
    lens: Any, new_vault: Callable[..., Any], clearing: Any, pool: Any, oracle: Any
) -> None:
    words = list(lens.observe(new_vault(), clearing, pool, oracle, [], []))
    assert len(words) == HEADER + 2 * MARKET
    assert words[6:20] == [0] * 14
    assert words[20] == wad(1)  # the high-water mark a vault starts with
