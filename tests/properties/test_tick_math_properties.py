"""tick_math.vy and liquidity_math.vy against Uniswap's bytecode: pool and position manager."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from simulator.chain.deploy import artifacts
from simulator.chain.deploy.artifacts import ROOT, Artifact
from simulator.chain.deploy.uniswap_v3 import MAX_SQRT_RATIO, MIN_SQRT_RATIO, Q96
from simulator.chain.evm.codec import MAX_UINT256, Contract, Reverted, encode_constructor
from simulator.chain.evm.revm import RevmTransport

MAX_TICK = 887_272
SPACING, FEE_PPM = 10, 500
FUNDS = 2**200
EXAMPLES = settings(max_examples=150, deadline=None, derandomize=True, database=None)

ticks = st.integers(-MAX_TICK, MAX_TICK)
# Uniform in the number of bits, as ticks are.
sqrt_ratios = st.integers(33, 160).flatmap(
    lambda bits: st.integers(max(2 ** (bits - 1), MIN_SQRT_RATIO), min(2**bits, MAX_SQRT_RATIO) - 1)
)
usable = st.integers(-40_000, 40_000).map(lambda n: n * SPACING)

PROBE = """
# pragma version 0.4.3
from ethereum.ercs import IERC20
from contracts.interfaces import IUniswapV3Pool
from contracts.modules import liquidity_math
from contracts.modules import tick_math

@external
@pure
def sqrt_ratio_at_tick(tick: int24) -> uint256:
    return tick_math.sqrt_ratio_at_tick(tick)

@external
@pure
def tick_at_sqrt_ratio(sqrt_ratio: uint256) -> int24:
    return tick_math.tick_at_sqrt_ratio(sqrt_ratio)

@external
@pure
def amounts(p: uint256, a: uint256, b: uint256, liquidity: uint256) -> (uint256, uint256):
    return liquidity_math.amounts_for_liquidity_down(p, a, b, liquidity)

@external
@pure
def liquidity(p: uint256, a: uint256, b: uint256, x: uint256, y: uint256) -> uint128:
    return liquidity_math.liquidity_for_amounts_down(p, a, b, x, y)

@external
@pure
def growth_inside(
    tick: int24, lower: int24, upper: int24, growth: uint256, below: uint256, above: uint256
) -> uint256:
    return liquidity_math.fee_growth_inside(tick, lower, upper, growth, below, above)

@external
@pure
def fees(liquidity: uint256, inside: uint256, inside_last: uint256, owed: uint256) -> uint256:
    return liquidity_math.fees_owed_down(liquidity, inside, inside_last, owed)

@external
def mint_and_burn(
    pool: IUniswapV3Pool, lower: int24, upper: int24, liquidity: uint128
) -> (uint256, uint256):
    extcall pool.mint(self, lower, upper, liquidity, b"")
    return extcall pool.burn(lower, upper, liquidity)

@external
def uniswapV3MintCallback(amount0: uint256, amount1: uint256, data: Bytes[32]):
    pool: IUniswapV3Pool = IUniswapV3Pool(msg.sender)
    extcall IERC20(staticcall pool.token0()).transfer(msg.sender, amount0)
    extcall IERC20(staticcall pool.token1()).transfer(msg.sender, amount1)
"""


@dataclass(frozen=True)
class Bench:
    """The probe, a pool that is not initialised yet, and the position manager."""

    chain: RevmTransport
    owner: str
    tokens: tuple[str, str]
    probe: Contract
    pool: Contract
    manager: Contract

    @contextmanager
    def pool_at(self, sqrt_price: int) -> Iterator[None]:
        """The pool initialised at a price, undone afterwards."""
        checkpoint = self.chain.evm.snapshot()
        try:
            self.pool.transact(self.owner, "initialize", sqrt_price)
            yield
        finally:
            self.chain.evm.revert(checkpoint)

    def pool_tick(self, sqrt_price: int) -> int:
        """TickMath.getTickAtSqrtRatio, as the pool computes it."""
        with self.pool_at(sqrt_price):
            return int(self.pool.call("slot0")[1])


def _position_manager() -> Artifact:
    """LiquidityAmounts is an internal library: the contract that inlines it stands for it."""
    name = "NonfungiblePositionManager"
    path = ROOT / f"node_modules/@uniswap/v3-periphery/artifacts/contracts/{name}.sol/{name}.json"
    text = json.loads(path.read_text(encoding="utf-8"))
    return Artifact(name, text["abi"], bytes.fromhex(text["bytecode"].removeprefix("0x")), b"")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    chain = RevmTransport()
    owner = chain.account("owner")

    def new(artifact: Artifact, *arguments: Any) -> Contract:
        address = chain.deploy(owner, encode_constructor(artifact, *arguments))
        return Contract(artifact, address, chain)

    source = tmp_path_factory.mktemp("probe") / "Probe.vy"
    source.write_text(PROBE, encoding="utf-8")
    probe = new(artifacts.compiled(source))
    tokens = sorted(
        (new(artifacts.load("Token"), name, name, 18) for name in ("X", "Y")),
        key=lambda token: int(token.address, 16),
    )
    factory = new(artifacts.load("UniswapV3Factory"))
    manager = new(_position_manager(), *3 * [factory.address])
    for token in tokens:
        for holder in (probe.address, owner):
            token.transact(owner, "mint", holder, FUNDS)
        token.transact(owner, "approve", manager.address, MAX_UINT256)
    pair = (tokens[0].address, tokens[1].address)
    factory.transact(owner, "createPool", *pair, FEE_PPM)
    pool = Contract(artifacts.load("UniswapV3Pool"), factory.call("getPool", *pair, FEE_PPM), chain)
    return Bench(chain, owner, pair, probe, pool, manager)


@EXAMPLES
@given(tick=ticks)
@example(tick=0)
@example(tick=-MAX_TICK)
@example(tick=MAX_TICK - 1)
@example(tick=2**19)
def test_sqrt_ratio_at_tick_is_the_lowest_the_pool_gives_that_tick(bench: Bench, tick: int) -> None:
    """Uniswap defines a price's tick by getSqrtRatioAtTick: both sides of the edge pin it."""
    ratio = bench.probe.call("sqrt_ratio_at_tick", tick)
    if ratio < MAX_SQRT_RATIO:
        assert bench.pool_tick(ratio) == tick
    if ratio > MIN_SQRT_RATIO:
        assert bench.pool_tick(ratio - 1) == tick - 1


def test_sqrt_ratio_has_the_published_ends(bench: Bench) -> None:
    assert bench.probe.call("sqrt_ratio_at_tick", -MAX_TICK) == MIN_SQRT_RATIO
    assert bench.probe.call("sqrt_ratio_at_tick", MAX_TICK) == MAX_SQRT_RATIO
    assert bench.probe.call("sqrt_ratio_at_tick", 0) == Q96
    for tick in (-MAX_TICK - 1, MAX_TICK + 1):
        with pytest.raises(Reverted, match="math: tick out of range"):
            bench.probe.call("sqrt_ratio_at_tick", tick)


@EXAMPLES
@given(sqrt_ratio=sqrt_ratios)
@example(sqrt_ratio=MIN_SQRT_RATIO)
@example(sqrt_ratio=MAX_SQRT_RATIO - 1)
@example(sqrt_ratio=Q96)
@example(sqrt_ratio=Q96 - 1)
def test_tick_at_sqrt_ratio_is_the_pools(bench: Bench, sqrt_ratio: int) -> None:
    assert bench.probe.call("tick_at_sqrt_ratio", sqrt_ratio) == bench.pool_tick(sqrt_ratio)


@pytest.mark.parametrize("sqrt_ratio", [0, MIN_SQRT_RATIO - 1, MAX_SQRT_RATIO, MAX_UINT256])
def test_prices_no_pool_can_have_are_refused(bench: Bench, sqrt_ratio: int) -> None:
    with pytest.raises(Reverted, match="math: price out of range"):
        bench.probe.call("tick_at_sqrt_ratio", sqrt_ratio)


@EXAMPLES
@given(
    place=st.integers(-400_000, 400_000),
    lower=usable,
    width=st.integers(1, 5_000),
    bits=st.integers(1, 100),
    fraction=st.floats(0, 1),
)
@example(place=-200_312, lower=-202_320, width=400, bits=80, fraction=0.5)
def test_amounts_of_liquidity_are_what_the_pool_pays_for_a_burn(
    bench: Bench, place: int, lower: int, width: int, bits: int, fraction: float
) -> None:
    upper = lower + width * SPACING
    liquidity = 2 ** (bits - 1) + int(fraction * 2 ** (bits - 1))
    p, a, b = (bench.probe.call("sqrt_ratio_at_tick", tick) for tick in (place, lower, upper))
    with bench.pool_at(p):
        paid = bench.probe.transact(
            bench.owner, "mint_and_burn", bench.pool.address, lower, upper, liquidity
        )
    assert bench.probe.call("amounts", p, a, b, liquidity) == paid


@EXAMPLES
@given(
    distance=st.integers(-3_000, 3_000),
    lower=st.integers(-20_000, 20_000).map(lambda n: n * SPACING),
    width=st.integers(1, 200),
    x=st.integers(0, 10**26),
    y=st.integers(0, 10**26),
)
@example(distance=2_008, lower=-202_320, width=400, x=15 * 10**18, y=30_000 * 10**6)
def test_liquidity_for_amounts_is_the_position_managers(
    bench: Bench, distance: int, lower: int, width: int, x: int, y: int
) -> None:
    upper = lower + width * SPACING
    p, a, b = (
        bench.probe.call("sqrt_ratio_at_tick", tick) for tick in (lower + distance, lower, upper)
    )
    ours = bench.probe.call("liquidity", p, a, b, x, y)
    assume(0 < ours < 2**100)  # nothing to mint, or more than a tick of the pool may hold
    with bench.pool_at(p):
        _, theirs, used_x, used_y = bench.manager.transact(
            bench.owner,
            "mint",
            (*bench.tokens, FEE_PPM, lower, upper, x, y, 0, 0, bench.owner, 2**40),
        )
    assert ours == theirs
    assert used_x <= x
    assert used_y <= y


@EXAMPLES
@given(
    tick=st.integers(-5, 5),
    below=st.integers(0, MAX_UINT256),
    above=st.integers(0, MAX_UINT256),
    growth=st.integers(0, MAX_UINT256),
    grown=st.integers(0, 2**128 - 1),
    liquidity=st.integers(0, 2**100),
    owed=st.integers(0, 2**100),
)
def test_fees_follow_growth_through_any_wrap_of_the_counters(
    bench: Bench,
    tick: int,
    below: int,
    above: int,
    growth: int,
    grown: int,
    liquidity: int,
    owed: int,
) -> None:
    """In range, global growth is the position's; outside, none of it. Counters wrap at 2**256."""
    lower, upper = -3, 3
    later = (growth + grown) % 2**256
    inside = bench.probe.call("growth_inside", tick, lower, upper, growth, below, above)
    inside_later = bench.probe.call("growth_inside", tick, lower, upper, later, below, above)
    gained = grown if lower <= tick < upper else 0
    assert (inside_later - inside) % 2**256 == gained
    assert bench.probe.call("fees", liquidity, inside_later, inside, owed) == (
        owed + liquidity * gained // 2**128
    )
