"""tick_math, liquidity_math and fixed_point against Uniswap's own bytecode: exact, in bulk.

Both sides run on revm and hand back words; whole answers are compared as bytes.
``make campaign`` compares the edges of all ticks, 100,000 cases of the other functions, and the
inverse of ticks, which bisects over them, at every fortieth; ``make test`` a part of them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import pytest

from simulator.chain.deploy.uniswap_v3 import MAX_SQRT_RATIO, MIN_SQRT_RATIO, Q96
from simulator.chain.evm.codec import MAX_UINT256, Contract, word, words
from simulator.chain.evm.revm import RevmTransport
from tests.reference import uniswap_bytecode
from tests.reference.vyper_probe import deploy_source
from tests.sizes import sized

MAX_TICK = 887_272
BATCH = 2_000
CASES = sized(20_000, 100_000)
TICK_SPACING = sized(7, 1)  # of the edges compared; coprime to every power of two
SEED = 20_210_505  # Uniswap v3 went live
INVERSE_SPACING = sized(1_800, 40)

BATCHED = """
# pragma version 0.4.3
from contracts.modules import fixed_point
from contracts.modules import liquidity_math
from contracts.modules import tick_math

N: constant(uint256) = 2_000

@external
@pure
def sqrt_ratios(rows: DynArray[int24[1], N]) -> DynArray[uint256, N]:
    answers: DynArray[uint256, N] = []
    for row: int24[1] in rows:
        answers.append(tick_math.sqrt_ratio_at_tick(row[0]))
    return answers

@external
@pure
def tick_at(rows: DynArray[uint256[1], N]) -> DynArray[int24, N]:
    answers: DynArray[int24, N] = []
    for row: uint256[1] in rows:
        answers.append(tick_math.tick_at_sqrt_ratio(row[0]))
    return answers

@external
@pure
def mul_div(rows: DynArray[uint256[3], N]) -> DynArray[uint256, N]:
    answers: DynArray[uint256, N] = []
    for row: uint256[3] in rows:
        answers.append(fixed_point.mul_div_down(row[0], row[1], row[2]))
    return answers

@external
@pure
def amount0(rows: DynArray[uint256[4], N]) -> DynArray[uint256, N]:
    answers: DynArray[uint256, N] = []
    for row: uint256[4] in rows:
        answers.append(
            liquidity_math.amounts_for_liquidity_down(row[0], row[0], row[1], row[2])[0]
        )
    return answers

@external
@pure
def amount1(rows: DynArray[uint256[4], N]) -> DynArray[uint256, N]:
    answers: DynArray[uint256, N] = []
    for row: uint256[4] in rows:
        answers.append(
            liquidity_math.amounts_for_liquidity_down(row[1], row[0], row[1], row[2])[1]
        )
    return answers

@external
@pure
def liquidity(rows: DynArray[uint256[5], N]) -> DynArray[uint128, N]:
    answers: DynArray[uint128, N] = []
    for row: uint256[5] in rows:
        answers.append(
            liquidity_math.liquidity_for_amounts_down(row[0], row[1], row[2], row[3], row[4])
        )
    return answers
"""

Row = tuple[int, ...]
Ask = Callable[[str, list[Row]], bytes]


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """``ours(function, rows)``: one answer word per row, as bytes."""
    chain = RevmTransport()
    probe: Contract = deploy_source(chain, BATCHED, tmp_path_factory.mktemp("uniswap"))

    def ask(name: str, rows: list[Row]) -> bytes:
        head = probe.calldata(name, [])[:4] + words(32, len(rows))
        answer = chain.call(probe.address, head + b"".join(words(*row) for row in rows))
        return answer[64:]

    return ask


def batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH)):
        yield batch


def differences(
    ours: Ask, name: str, theirs: uniswap_bytecode.Function, rows: Iterable[Row]
) -> tuple[int, list[Row]]:
    """Number of cases compared, and those that differ."""
    compared, found = 0, []
    for batch in batches(rows):
        mine, reference = (
            ours(name, batch),
            uniswap_bytecode.run(theirs, b"".join(words(*row) for row in batch)),
        )
        assert len(mine) == len(reference) == 32 * len(batch)
        compared += len(batch)
        if mine != reference:
            found += [r for i, r in enumerate(batch) if word(mine, i) != word(reference, i)]
    return compared, found


def ratios(first: int, last: int) -> list[int]:
    """Uniswap's sqrt ratios of the ticks first … last."""
    answer = uniswap_bytecode.run(
        uniswap_bytecode.TICK_MATH_SQRT_RATIO, words(*range(first, last + 1))
    )
    return [word(answer, i) for i in range(last - first + 1)]


def of_bits(draw: random.Random, least: int, most: int) -> int:
    """Uniform in the number of bits, so that small and huge numbers are both drawn."""
    return draw.randrange(2 ** draw.randint(least, most))


def sqrt_ratio(draw: random.Random) -> int:
    low = 2 ** draw.randint(32, 159)
    return min(max(draw.randrange(low, 2 * low), MIN_SQRT_RATIO), MAX_SQRT_RATIO - 1)


def test_every_ticks_sqrt_ratio_is_uniswaps(ours: Ask) -> None:
    """In the campaign, all 1,774,545 of them."""
    ticks = range(-MAX_TICK, MAX_TICK + 1, TICK_SPACING)
    rows = ((tick,) for tick in ticks)
    compared, found = differences(ours, "sqrt_ratios", uniswap_bytecode.TICK_MATH_SQRT_RATIO, rows)
    assert compared == len(ticks)
    assert found == []


def test_the_tick_of_a_price_is_uniswaps_on_both_sides_of_tick_edges(ours: Ask) -> None:
    """At each edge, one below and one above; the first and the last prices of all among them."""

    def edges() -> Iterator[Row]:
        near = {s * 2**i + d for i in range(20) for s in (1, -1) for d in (-1, 0, 1)}
        for first in range(-MAX_TICK, MAX_TICK, 10_000):
            last = min(first + 9_999, MAX_TICK)
            for tick, ratio in zip(range(first, last + 1), ratios(first, last), strict=True):
                if (tick + MAX_TICK) % INVERSE_SPACING == 0 or tick in near:
                    yield from ((max(ratio - 1, MIN_SQRT_RATIO),), (ratio,), (ratio + 1,))

    inside = (row for row in edges() if row[0] < MAX_SQRT_RATIO)
    compared, found = differences(ours, "tick_at", uniswap_bytecode.TICK_MATH_TICK, inside)
    assert compared > 3 * 2 * MAX_TICK // INVERSE_SPACING - 3
    assert found == []
    extremes: list[Row] = [(MIN_SQRT_RATIO,), (MAX_SQRT_RATIO - 1,)]
    assert differences(ours, "tick_at", uniswap_bytecode.TICK_MATH_TICK, extremes) == (2, [])


def test_the_tick_of_any_price_is_uniswaps(ours: Ask) -> None:
    draw = random.Random(SEED)
    rows = ((sqrt_ratio(draw),) for _ in range(CASES // 5))
    compared, found = differences(ours, "tick_at", uniswap_bytecode.TICK_MATH_TICK, rows)
    assert (compared, found) == (CASES // 5, [])


def test_mul_div_is_uniswaps(ours: Ask) -> None:
    """Operands of every width whose quotient fits: most products need more than 256 bits."""
    draw = random.Random(SEED + 1)

    def row() -> Row:
        x, y = of_bits(draw, 1, 256), of_bits(draw, 1, 256)
        least = x * y // MAX_UINT256 + 1
        if draw.random() < 0.2 and least < 2**255:  # the quotient is about as great as fits
            return x, y, draw.randint(least, least + least // 1_000 + 3)
        return x, y, min(max(of_bits(draw, 1, 256), least), MAX_UINT256)

    rows: list[Row] = [row() for _ in range(CASES)]
    assert sum(x * y > MAX_UINT256 for x, y, _ in rows) > CASES // 3
    compared, found = differences(ours, "mul_div", uniswap_bytecode.FULL_MATH_MUL_DIV, rows)
    assert (compared, found) == (CASES, [])


def ranges(draw: random.Random) -> tuple[int, int]:
    """a < b: neighbouring, near and far."""
    a = sqrt_ratio(draw)
    b = a + 1 + of_bits(draw, 1, a.bit_length())
    return (a, b) if b < MAX_SQRT_RATIO else (a - 1, a)


@pytest.mark.parametrize("token", [0, 1])
def test_amounts_of_liquidity_are_uniswaps(ours: Ask, token: int) -> None:
    """getAmount0Delta and getAmount1Delta, rounded down, are what LiquidityAmounts computes."""
    theirs = (uniswap_bytecode.SQRT_PRICE_MATH_AMOUNT0, uniswap_bytecode.SQRT_PRICE_MATH_AMOUNT1)
    draw = random.Random(SEED + 2 + token)
    rows: list[Row] = [(*ranges(draw), of_bits(draw, 1, 128), 0) for _ in range(CASES // 2)]
    compared, found = differences(ours, f"amount{token}", theirs[token], rows)
    assert (compared, found) == (CASES // 2, [])


def test_liquidity_of_amounts_is_uniswaps(ours: Ask) -> None:
    """Prices below, inside and above the range, and on its edges."""
    draw = random.Random(SEED + 4)

    def row() -> Row:
        a, b = ranges(draw)
        p = draw.choice([a, b, sqrt_ratio(draw), draw.randint(a, b), draw.randint(a, b)])
        # Each side's liquidity fits 128 bits alone: Uniswap refuses where only the least one fits.
        at, most = max(a, min(p, b)), 2 ** draw.randint(1, 126)
        x = draw.randrange(1 + (most * Q96 * (b - at) // b // at))
        y = draw.randrange(1 + (most * (at - a) // Q96))
        return p, a, b, x, y

    rows: list[Row] = [row() for _ in range(CASES // 2)]
    below = sum(p <= a for p, a, *_ in rows)
    above = sum(p >= b for p, _, b, *_ in rows)
    assert min(below, above, len(rows) - below - above) > CASES // 20
    compared, found = differences(ours, "liquidity", uniswap_bytecode.LIQUIDITY_FOR_AMOUNTS, rows)
    assert (compared, found) == (CASES // 2, [])
