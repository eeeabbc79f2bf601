"""StableSwap and its share token: each function's answers, events and refusals (SPEC §9)."""

from __future__ import annotations

from typing import Any

import ape
import pytest

from tests.reference.stableswap import FEE_ONE, LOCKED_SHARES, WAD, StablePool

A, FEE = 200, 4_000_000  # 0.04 %
ZERO = "0x" + "00" * 20
USDC_UNIT = 10**6


@pytest.fixture(scope="module")
def usdt(project: Any, owner: Any) -> Any:
    return owner.deploy(project.Token, "Tether USD", "USDT", 6)


@pytest.fixture(scope="module")
def build(project: Any, owner: Any, usdc: Any, usdt: Any) -> Any:
    """``build(fee=…)``: a pool of USDC and USDT, or what refuses to be one."""

    def make(**other: Any) -> Any:
        terms = {
            "coins": [usdc, usdt], "providers": [ZERO, ZERO], "a": A, "fee": FEE,
            "off_peg": FEE_ONE, "name": "USDC/USDT", "symbol": "ssUSD",
        } | other  # fmt: skip
        return owner.deploy(project.StableSwap, *terms.values())

    return make


@pytest.fixture(scope="module")
def pool(build: Any, owner: Any, usdc: Any, usdt: Any, depositor: Any, trader: Any) -> Any:
    """A million of each in it, all of the depositor's."""
    made = build()
    for coin in (usdc, usdt):
        for holder in (depositor, trader):
            coin.mint(holder, 10**7 * USDC_UNIT, sender=owner)
            coin.approve(made, 2**256 - 1, sender=holder)
    made.add_liquidity([10**12, 10**12], 0, depositor, sender=depositor)
    return made


@pytest.fixture
def reference() -> StablePool:
    twin = StablePool((6, 6), A, FEE)
    twin.add([10**12, 10**12])
    return twin


def test_it_says_what_it_is(pool: Any, usdc: Any, usdt: Any) -> None:
    assert (pool.N_COINS(), pool.A(), pool.fee(), pool.off_peg_multiplier()) == (2, A, FEE, FEE_ONE)
    assert (pool.coins(0), pool.coins(1)) == (usdc.address, usdt.address)
    assert (pool.name(), pool.symbol(), pool.decimals()) == ("USDC/USDT", "ssUSD", 18)
    assert pool.rates() == [10**30, 10**30]


def test_the_first_deposit_leaves_shares_that_nobody_has(pool: Any, depositor: Any) -> None:
    assert pool.totalSupply() == pool.get_D() == 2 * 10**6 * WAD
    assert pool.balanceOf(depositor) == pool.totalSupply() - LOCKED_SHARES
    assert pool.balanceOf(ZERO) == LOCKED_SHARES
    assert pool.get_virtual_price() == WAD


def test_the_first_deposit_has_every_coin_and_some_size(
    build: Any, usdc: Any, usdt: Any, owner: Any, trader: Any
) -> None:
    made = build()
    with ape.reverts("stable: zero amount"):
        made.add_liquidity([1, 0], 0, trader, sender=trader)
    places = {"coins": [usdc, usdt]}
    assert made.calc_token_amount([1, 1]) == 2 * 10**12 - LOCKED_SHARES
    assert build(**places).totalSupply() == 0


def test_a_first_deposit_of_dust_is_refused(build: Any, project: Any, owner: Any) -> None:
    coins = [owner.deploy(project.Token, f"Coin {k}", f"C{k}", 18) for k in range(2)]
    made = build(coins=coins)
    with ape.reverts("stable: first deposit too small"):
        made.calc_token_amount([LOCKED_SHARES // 2, LOCKED_SHARES // 2])


def test_exchange_pays_what_was_quoted(
    pool: Any, usdc: Any, usdt: Any, trader: Any, keeper: Any, reference: StablePool
) -> None:
    raw = 123_456 * USDC_UNIT
    out = reference.exchange(0, 1, raw)
    assert pool.get_dy(0, 1, raw) == out
    before = usdc.balanceOf(trader)
    with ape.reverts("stable: slippage"):
        pool.exchange(0, 1, raw, out + 1, keeper, sender=trader)
    receipt = pool.exchange(0, 1, raw, out, keeper, sender=trader)
    assert (usdc.balanceOf(trader), usdt.balanceOf(keeper)) == (before - raw, out)
    assert (pool.balances(0), pool.balances(1)) == tuple(reference.raw)
    (event,) = receipt.events.filter(pool.Exchanged)
    assert (event.trader, event.coin_in, event.raw_in, event.coin_out, event.raw_out) == (
        trader.address, 0, raw, 1, out,
    )  # fmt: skip


def test_exchange_refuses_what_it_cannot_do(pool: Any, trader: Any) -> None:
    for i, j in ((0, 0), (0, 2), (2, 0)):
        with ape.reverts("stable: no such coin"):
            pool.exchange(i, j, 1, 0, trader, sender=trader)
    with ape.reverts("stable: zero amount"):
        pool.exchange(0, 1, 0, 0, trader, sender=trader)
    with ape.reverts("stable: slippage"):  # a unit fetches none
        pool.exchange(0, 1, 1, 0, trader, sender=trader)
    with ape.reverts("stable: zero receiver"):
        pool.exchange(0, 1, 10**6, 0, ZERO, sender=trader)


def test_liquidity_of_one_coin_pays_for_the_imbalance(
    pool: Any, trader: Any, keeper: Any, reference: StablePool
) -> None:
    raw = [0, 50_000 * USDC_UNIT]
    shares = reference.add(raw)
    assert shares < 50_000 * WAD
    with ape.reverts("stable: slippage"):
        pool.add_liquidity(raw, shares + 1, keeper, sender=trader)
    receipt = pool.add_liquidity(raw, shares, keeper, sender=trader)
    assert pool.balanceOf(keeper) == shares
    assert pool.totalSupply() == reference.supply
    (event,) = receipt.events.filter(pool.LiquidityAdded)
    assert (event.holder, event.raw, event.shares) == (trader.address, raw, shares)
    for bad in ([1], [1, 1, 1]):
        with ape.reverts("stable: bad coins"):
            pool.add_liquidity(bad, 0, keeper, sender=trader)
    with ape.reverts("stable: slippage"):
        pool.add_liquidity([0, 0], 0, keeper, sender=trader)
    with ape.reverts("stable: zero receiver"):
        pool.add_liquidity(raw, 0, ZERO, sender=trader)


def test_liquidity_is_taken_as_its_part_of_every_coin(
    pool: Any, usdc: Any, depositor: Any, keeper: Any, reference: StablePool
) -> None:
    shares = 777 * WAD + 1
    paid = reference.remove(shares)
    with ape.reverts("stable: slippage"):
        pool.remove_liquidity(shares, [0, paid[1] + 1], keeper, sender=depositor)
    receipt = pool.remove_liquidity(shares, paid, keeper, sender=depositor)
    assert usdc.balanceOf(keeper) == paid[0]
    (event,) = receipt.events.filter(pool.LiquidityRemoved)
    assert (event.holder, event.raw, event.shares) == (depositor.address, paid, shares)
    with ape.reverts("stable: bad coins"):
        pool.remove_liquidity(1, [0], keeper, sender=depositor)
    with ape.reverts("stable: zero amount"):
        pool.remove_liquidity(0, [0, 0], keeper, sender=depositor)
    with ape.reverts("stable: insufficient shares"):
        pool.remove_liquidity(1, [0, 0], keeper, sender=keeper)
    with ape.reverts("stable: zero receiver"):
        pool.remove_liquidity(1, [0, 0], ZERO, sender=depositor)


def test_liquidity_is_taken_in_one_coin(
    pool: Any, usdt: Any, depositor: Any, keeper: Any, reference: StablePool
) -> None:
    shares = 10_000 * WAD
    paid = reference.one_coin_for(shares, 1)
    assert paid < 10_000 * USDC_UNIT
    assert pool.calc_withdraw_one_coin(shares, 1) == paid
    with ape.reverts("stable: slippage"):
        pool.remove_liquidity_one_coin(shares, 1, paid + 1, keeper, sender=depositor)
    pool.remove_liquidity_one_coin(shares, 1, paid, keeper, sender=depositor)
    assert usdt.balanceOf(keeper) == paid
    everything = pool.totalSupply()
    for amount, coin, why in (
        (1, 2, "stable: no such coin"),
        (0, 0, "stable: zero amount"),
        (1, 0, "stable: slippage"),
        (everything + 1, 0, "stable: insufficient shares"),
    ):
        with ape.reverts(why):
            pool.remove_liquidity_one_coin(amount, coin, 0, keeper, sender=depositor)
    with ape.reverts("stable: insufficient shares"):
        pool.remove_liquidity_one_coin(WAD, 0, 0, keeper, sender=keeper)
    with ape.reverts("stable: zero receiver"):
        pool.remove_liquidity_one_coin(WAD, 0, 0, ZERO, sender=depositor)


def test_all_can_leave_and_the_pool_opens_again(
    pool: Any, depositor: Any, trader: Any, reference: StablePool
) -> None:
    paid = reference.remove(reference.supply - LOCKED_SHARES)
    pool.remove_liquidity(pool.balanceOf(depositor), paid, depositor, sender=depositor)
    assert (pool.totalSupply(), pool.balances(0), pool.balances(1)) == (LOCKED_SHARES, 1, 1)
    raw = [500 * USDC_UNIT, 500 * USDC_UNIT]
    assert pool.calc_token_amount(raw) == reference.shares_for(raw)
    pool.add_liquidity(raw, 0, trader, sender=trader)
    back = reference.add(raw) * reference.raw[0] // reference.supply
    assert raw[0] - back <= 1


def test_what_is_sent_unasked_is_nobodys(pool: Any, usdc: Any, trader: Any) -> None:
    before = pool.get_virtual_price(), pool.get_dy(0, 1, USDC_UNIT)
    usdc.transfer(pool, 10**12, sender=trader)
    assert (pool.get_virtual_price(), pool.get_dy(0, 1, USDC_UNIT)) == before
    assert pool.balances(0) == 10**12


def test_shares_are_an_erc20(pool: Any, depositor: Any, trader: Any, keeper: Any) -> None:
    held = pool.balanceOf(depositor)
    receipt = pool.transfer(trader, WAD, sender=depositor)
    assert (pool.balanceOf(depositor), pool.balanceOf(trader)) == (held - WAD, WAD)
    (event,) = receipt.events.filter(pool.Transfer)
    assert (event.sender, event.receiver, event.value) == (depositor.address, trader.address, WAD)
    pool.approve(keeper, 5, sender=trader)
    pool.transferFrom(trader, keeper, 2, sender=keeper)
    assert pool.allowance(trader, keeper) == 3
    with ape.reverts("stable: insufficient allowance"):
        pool.transferFrom(trader, keeper, 4, sender=keeper)
    pool.approve(keeper, 2**256 - 1, sender=trader)
    pool.transferFrom(trader, keeper, 1, sender=keeper)
    assert pool.allowance(trader, keeper) == 2**256 - 1
    with ape.reverts("stable: insufficient shares"):
        pool.transferFrom(trader, keeper, 2 * WAD, sender=keeper)
    with ape.reverts("stable: insufficient shares"):
        pool.transfer(depositor, 4, sender=keeper)
    with ape.reverts("stable: zero receiver"):
        pool.transfer(ZERO, 1, sender=keeper)
