"""What StableSwap refuses whoever asks for more than is his, on revm."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.chain.evm.codec import MAX_UINT256
from tests.properties.revm_stable import Pool, refused
from tests.reference.stableswap import WAD

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
