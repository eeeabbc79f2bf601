"""Positions of several owners in one pool, swap by swap, against Uniswap's own bytecode."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.chain.deploy import artifacts
from simulator.chain.deploy import uniswap_v3 as uniswap
from simulator.chain.evm.codec import MAX_UINT256, Contract, encode_constructor
from simulator.chain.evm.revm import RevmTransport
from simulator.chain.evm.transport import created_address
from simulator.model.pools.uniswap_v3 import pool as uniswap_pool
from simulator.model.pools.uniswap_v3 import providers, tick
from simulator.testing.records import compiled
from simulator.world.protocol import BackgroundRange, PoolParameters
from tests.model.lone_pool import LonePool

OWNERS = 3
SPACING, FEE = 60, 3000
# √P of 2,000 USDC of 6 decimals for a token of 18, and a background that none of the swaps leaves.
START = int(math.sqrt(2000e-12) * 2**96)
CENTRE = int(tick.tick_at_sqrt_price(START / 2**96)) // SPACING * SPACING
BACKGROUND = (
    BackgroundRange(CENTRE - 60_000, CENTRE + 60_000, 10**16),
    BackgroundRange(CENTRE - 600, CENTRE + 1_200, 2 * 10**16),
)
PARAMETERS = PoolParameters(FEE, SPACING, START, BACKGROUND)
FUNDS = 10**30

_earn, _quote, _settle = uniswap_pool.earn, uniswap_pool.quote, uniswap_pool.settle
_add, _take, _collect = providers.add, providers.take, providers.collect
_settle_in, _amounts = providers.settle_in, providers.amounts_of
_liquidity = tick.liquidity_for_amounts


@cache
def kernels() -> dict[str, Any]:
    """Functions of agents' positions, for Python to call."""

    def swap(table: Any, pools: Any, positions: Any, down: bool, given: Any) -> Any:
        amount, limit = given[0], given[1]
        made = _quote(table[0], pools[0], positions[0], down, amount, limit)
        _earn(table[0], pools[0], positions[0], down, amount, limit)
        _settle(pools[0], positions[0], down, made)
        return made.amount_in, made.amount_out

    def mint(pools: Any, k: int, ends: Any, most: Any) -> Any:
        pool = pools[0]
        if pool.provided[k] == 0.0:
            _settle_in(pool, k, ends[0], ends[1])
        roots = pool.provided_root_lower[k], pool.provided_root_upper[k]
        bought = _liquidity(pool.sqrt_price, roots[0], roots[1], most[0], most[1])
        liquidity = np.floor(bought)
        due = _amounts(pool, k, liquidity)
        _add(pool, k, liquidity)
        return min(np.ceil(due[0]), most[0]), min(np.ceil(due[1]), most[1])

    def put(pools: Any, k: int, ends: Any, liquidity: float) -> None:
        _settle_in(pools[0], k, ends[0], ends[1])
        _add(pools[0], k, liquidity)

    def burn(pools: Any, k: int, liquidity: float) -> Any:
        return _take(pools[0], k, liquidity)

    def collect(pools: Any, k: int) -> Any:
        return _collect(pools[0], k)

    return {one.__name__: compiled(one) for one in (swap, mint, put, burn, collect)}


class Bytecode:
    """The pool as Uniswap compiled it: owners hold NFTs of the real position manager."""

    def __init__(self) -> None:
        self.evm = RevmTransport()
        deployer = self.evm.account("deployer")
        nonce = self.evm.nonce(deployer)
        first = int(created_address(deployer, nonce), 16)
        second = int(created_address(deployer, nonce + 1), 16)
        names = ("USDC", "BASE") if first > second else ("BASE", "USDC")
        made = {
            name: Contract(
                artifacts.load("Token"),
                self.evm.deploy(
                    deployer,
                    encode_constructor(
                        artifacts.load("Token"), name, name, 6 if name == "USDC" else 18
                    ),
                ),
                self.evm,
            )
            for name in names
        }
        self.tokens = made["BASE"], made["USDC"]
        base, usdc = (token.address for token in self.tokens)
        self.uniswap = uniswap.deploy(self.evm, deployer, base, usdc, FEE, SPACING, START)
        self.owners = [self.evm.account(f"owner {k}") for k in range(OWNERS)]
        self.trader = self.evm.account("trader")
        provider = self.evm.account("liquidity owner")
        artifact = artifacts.load("PassiveProvider")
        others = Contract(
            artifact,
            self.evm.deploy(
                deployer, encode_constructor(artifact, provider, self.uniswap.pool.address)
            ),
            self.evm,
        )
        spenders = self.uniswap.router.address, self.uniswap.manager.address
        for token in self.tokens:
            token.transact(deployer, "mint", others.address, 2**112)
            for account in (*self.owners, self.trader):
                token.transact(deployer, "mint", account, FUNDS)
                for spender in spenders:
                    token.transact(account, "approve", spender, MAX_UINT256)
        others.transact(
            provider,
            "set_liquidity",
            [(one.tick_lower, one.tick_upper, one.liquidity) for one in BACKGROUND],
        )
        self.held: dict[int, int] = {}

    def balances(self, account: str) -> tuple[int, int]:
        base, usdc = (token.call("balanceOf", account) for token in self.tokens)
        return base, usdc

    def moved(self, account: str, act: Any) -> tuple[int, int]:
        before = self.balances(account)
        act()
        after = self.balances(account)
        return after[0] - before[0], after[1] - before[1]

    def swap(self, down: bool, amount: int) -> tuple[int, int]:
        base, usdc = (token.address for token in self.tokens)
        way = (base, usdc) if down else (usdc, base)
        given = (*way, FEE, self.trader, MAX_UINT256, amount, 0, 0)
        moved = self.moved(
            self.trader,
            lambda: self.uniswap.router.transact(self.trader, "exactInputSingle", given),
        )
        return moved if down else moved[::-1]

    def liquidity(self, k: int) -> int:
        return int(self.uniswap.manager.call("positions", self.held[k])[7])

    def mint(self, k: int, lower: int, upper: int, base: int, usdc: int) -> tuple[int, int]:
        """Raw tokens it took; ``liquidity`` says of how much."""
        manager, owner = self.uniswap.manager, self.owners[k]
        most = (base, usdc, 0, 0)
        tokens = [token.address for token in self.tokens]

        def act() -> None:
            if k in self.held:
                given = (self.held[k], *most, MAX_UINT256)
                manager.transact(owner, "increaseLiquidity", given)
                return
            terms = (*tokens, FEE, lower, upper, *most, owner, MAX_UINT256)
            manager.transact(owner, "mint", terms)
            self.held[k] = manager.call("tokenOfOwnerByIndex", owner, 0)

        paid = self.moved(owner, act)
        return -paid[0], -paid[1]

    def burn(self, k: int, liquidity: int) -> tuple[int, int]:
        manager, owner, token = self.uniswap.manager, self.owners[k], self.held[k]
        every = self.liquidity(k) == liquidity

        def act() -> None:
            given = (token, liquidity, 0, 0, MAX_UINT256)
            manager.transact(owner, "decreaseLiquidity", given)
            manager.transact(owner, "collect", (token, owner, 2**128 - 1, 2**128 - 1))
            if every:
                manager.transact(owner, "burn", token)
                del self.held[k]

        return self.moved(owner, act)

    def collect(self, k: int) -> tuple[int, int]:
        given = (self.held[k], self.owners[k], 2**128 - 1, 2**128 - 1)
        return self.moved(
            self.owners[k],
            lambda: self.uniswap.manager.transact(self.owners[k], "collect", given),
        )


@cache
def fresh() -> Bytecode:
    return Bytecode()


step = st.one_of(
    st.tuples(
        st.just("mint"),
        st.integers(0, OWNERS - 1),
        st.integers(-20, 20),
        st.integers(1, 15),
        st.integers(10**9, 10**12),
    ),
    st.tuples(st.just("burn"), st.integers(0, OWNERS - 1), st.sampled_from([0.25, 0.5, 1.0])),
    st.tuples(st.just("collect"), st.integers(0, OWNERS - 1)),
    st.tuples(st.just("swap"), st.booleans(), st.integers(10**6, 10**11)),
    st.tuples(st.just("swap"), st.booleans(), st.integers(10**6, 10**11)),
)


def near(found: Any, exact: Any, reserve: float) -> None:
    """Of USDC to the raw unit; of 18 decimals to the digits that float64 has.

    What a swap moves is a difference of virtual reserves, and a narrow range one of close prices.
    """
    for place, (ours, theirs) in enumerate(zip(found, exact, strict=True)):
        slack = max(1e-12 * abs(theirs), 1e-15 * reserve, 1.0) if place == 0 else 1.0
        assert abs(ours - theirs) <= slack, (place, ours, theirs)


@given(st.lists(step, min_size=6, max_size=24))
def test_overlapping_positions_are_those_of_the_bytecode(steps: list[Any]) -> None:
    chain = fresh()
    held, snapshot = dict(chain.held), chain.evm.snapshot()
    try:
        _run(chain, steps)
    finally:
        chain.evm.revert(snapshot)
        chain.held = held


def _run(chain: Bytecode, steps: list[Any]) -> None:
    """The same in both, amounts and price compared after each."""
    model, do = LonePool(PARAMETERS, OWNERS), kernels()
    pools = model.pools
    for kind, *told in steps:
        reserve = 1e17 / float(pools["sqrt_price"][0])
        if kind == "swap":
            down, worth = told
            amount = worth * 500_000_000 if down else worth  # wei of as many raw USDC
            asked = np.array([float(amount), tick.MIN_SQRT_PRICE if down else tick.MAX_SQRT_PRICE])
            ours = do["swap"](model.table, pools, model.positions, down, asked)
            theirs = chain.swap(down, amount)
            spent, got = ours
            near(
                (-spent, got) if down else (got, -spent), theirs if down else theirs[::-1], reserve
            )
        elif kind == "mint":
            k, at, wide, worth = told
            lower = CENTRE + at * SPACING
            upper = lower + wide * SPACING
            ends, most = np.array([lower, upper], float), np.array([worth * 5e8, worth])
            ours = do["mint"](pools, k, ends, most)
            near(ours, chain.mint(k, lower, upper, worth * 500_000_000, worth), reserve)
            assert float(pools["provided"][0, k]) == pytest.approx(chain.liquidity(k), rel=1e-12)
        elif told[0] in chain.held:
            k = told[0]
            if kind == "collect":
                near(do["collect"](pools, k), chain.collect(k), reserve)
            else:
                ours, every = float(pools["provided"][0, k]), chain.liquidity(k)
                part = every if told[1] == 1.0 else int(every * told[1])
                near(do["burn"](pools, k, np.floor(told[1] * ours)), chain.burn(k, part), reserve)
        price, _ = chain.uniswap.pool.call("slot0")[:2]
        assert float(pools["sqrt_price"][0]) == pytest.approx(price / 2**96, rel=1e-12)
        active = chain.uniswap.pool.call("liquidity")
        assert model.active_liquidity() == pytest.approx(active, rel=1e-12)


def test_fees_are_shared_by_liquidity_and_go_to_those_in_range() -> None:
    """Known answer: 3 of 4 parts of the liquidity at the price earn three quarters of the fee."""
    model, do = LonePool(PARAMETERS, OWNERS), kernels()
    base = model.active_liquidity()
    for k, (lower, upper, liquidity) in enumerate(
        ((CENTRE - 60.0, CENTRE + 120.0, 3.0 * base), (CENTRE + 600.0, CENTRE + 660.0, base))
    ):
        do["put"](model.pools, k, np.array([lower, upper]), liquidity)
    amount = 1e14
    asked = np.array([amount, tick.MIN_SQRT_PRICE])
    do["swap"](model.table, model.pools, model.positions, True, asked)
    fee = amount * FEE * 1e-6
    assert model.pools["provided_fees0"][0, 0] == pytest.approx(0.75 * fee, rel=1e-12)
    assert model.pools["provided_fees0"][0, 1] == 0.0
    assert model.pools["provided_fees1"][0].tolist() == [0.0] * len(model.pools["provided"][0])
