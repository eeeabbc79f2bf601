"""What StableSwap refuses whoever asks for more than is his, and a day of it, on revm."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.chain.deploy.artifacts import load
from simulator.chain.deploy.uniswap_v3 import ZERO_ADDRESS
from simulator.chain.evm.codec import MAX_UINT256
from tests.exploits.twin import written
from tests.properties.revm_stable import Pool, refused
from tests.reference.stableswap import FEE_ONE, LOCKED_SHARES, WAD

MILLION = 10**12


@pytest.fixture(scope="module")
def pool() -> Pool:
    made = Pool((6, 6), 200, 4_000_000)
    made.add([MILLION, MILLION])
    return made


def test_less_than_was_asked_for_is_refused(pool: Pool) -> None:
    by, raw = pool.provider, 1000 * 10**6
    asked: tuple[tuple[str, tuple[Any, ...]], ...] = (
        ("exchange", (0, 1, raw, pool.quote(0, 1, raw) + 1, by)),
        ("add_liquidity", ([raw, 0], pool.contract.call("calc_token_amount", [raw, 0]) + 1, by)),
        ("remove_liquidity", (WAD, [10**6, 0], by)),
        (
            "remove_liquidity_one_coin",
            (WAD, 0, pool.contract.call("calc_withdraw_one_coin", WAD, 0) + 1, by),
        ),
    )
    for function, arguments in asked:
        why = refused(pool.contract.transact, by, function, *arguments)
        assert why == "stable: slippage", function


def test_nobody_spends_shares_that_are_not_his(pool: Pool) -> None:
    thief, owner = pool.trader, pool.provider
    for function, arguments in (
        ("transfer", (owner, 1)),
        ("remove_liquidity", (1, [0, 0], thief)),
        ("remove_liquidity_one_coin", (WAD, 0, 0, thief)),
    ):
        why = refused(pool.contract.transact, thief, function, *arguments)
        assert why == "stable: insufficient shares", function
    pool.contract.transact(owner, "approve", thief, WAD)
    pool.contract.transact(thief, "transferFrom", owner, thief, WAD)
    why = refused(pool.contract.transact, thief, "transferFrom", owner, thief, 1)
    assert why == "stable: insufficient allowance"
    pool.contract.transact(owner, "approve", thief, MAX_UINT256)
    pool.contract.transact(thief, "transferFrom", owner, thief, WAD)
    assert pool.contract.call("allowance", owner, thief) == MAX_UINT256
    assert pool.shares(thief) == 2 * WAD


def test_shares_are_only_what_is_not_burnt(pool: Pool) -> None:
    before, supply = pool.shares(pool.provider), pool.state()[1]
    pool.remove_one(WAD, 1)
    pool.remove(WAD)
    assert pool.shares(pool.provider) == before - 2 * WAD
    assert pool.state()[1] == supply - 2 * WAD


def test_a_day_of_operations_is_the_references_to_the_unit() -> None:
    """Three coins of unlike decimals, one with a rate, a fee that grows; chosen, not drawn."""
    day = Pool((6, 18, 8), 85, 3_000_001, 5 * 10**10, told={1: 1_183_000_000_000_000_007})
    twin = day.twin
    first = [1_234_567_890_123, 987_654_321_098_765_432_109_876, 55_555_555_555_551]
    assert day.add(first) == twin.add(first)
    for share in range(1, 6):
        for i, j, raw in ((0, 1, 7_654_321_987), (1, 2, 3 * 10**21 + 1), (2, 0, 99_999_999_999)):
            assert day.exchange(i, j, raw * share) == twin.exchange(i, j, raw * share)
        for added in ([10**9 + share, 0, 7], [0, 10**21 + 3, 0], [3, 10**15, 10**11 + share]):
            assert day.add(added) == twin.add(added)
        shares = 12_345_678_901_234_567_891 * share
        assert day.remove(shares) == twin.remove(shares)
        for coin in range(3):
            assert day.remove_one(shares, coin) == twin.remove_one_coin(shares, coin)
        day.tell(1, twin.told[1] + 10**14)
        assert day.state() == (twin.raw, twin.supply)
        assert day.contract.call("get_virtual_price") == twin.virtual_price()
        assert day.shares(day.provider) == twin.supply - LOCKED_SHARES


def test_an_exit_of_next_to_nothing_rounds_down(pool: Pool) -> None:
    held, supply = pool.state()
    for paid, before in zip(pool.remove(1_000_003, pool.provider), held, strict=True):
        assert paid == before * 1_000_003 // supply


def test_a_coin_that_keeps_a_fee_is_refused() -> None:
    keeping = Pool((18, 18), 200, 0, token=written("FeeToken"))
    assert refused(keeping.add, [MILLION, MILLION]) == "stable: transfer failed"


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"providers": [ZERO_ADDRESS]}, "stable: bad coins"),
        ({"a": 0}, "stable: bad amplification"),
        ({"a": 10**6 + 1}, "stable: bad amplification"),
        ({"off_peg": FEE_ONE - 1}, "stable: bad fee"),
        ({"fee": FEE_ONE // 2 + 1}, "stable: bad fee"),
        ({"fee": FEE_ONE // 4 + 1, "off_peg": 2 * FEE_ONE}, "stable: bad fee"),
        ({"coins": [0], "providers": [ZERO_ADDRESS]}, "stable: bad coins"),
        ({"coins": [0, 0]}, "stable: bad coins"),
    ],
)
def test_what_no_pool_can_be(other: dict[str, Any], why: str) -> None:
    pool = Pool((6, 6), 200, 4_000_000)
    terms: dict[str, Any] = {
        "coins": [0, 1], "providers": [ZERO_ADDRESS] * 2, "a": 200, "fee": 4_000_000,
        "off_peg": FEE_ONE, "name": "Pool", "symbol": "LP",
    } | other  # fmt: skip
    terms["coins"] = [pool.coins[k].address for k in terms["coins"]]
    assert refused(lambda: pool.new(load("StableSwap"), *terms.values())) == why


def test_a_coin_has_at_most_18_decimals() -> None:
    assert refused(lambda: Pool((6, 19), 200, 4_000_000)) == "stable: bad coins"
