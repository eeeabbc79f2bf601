"""modules/stableswap_math.vy by itself: the reference's numbers to the unit, and the roots."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.chain.evm.codec import Contract
from simulator.chain.evm.revm import RevmTransport
from tests.reference.stableswap import (
    FEE_ONE,
    WAD,
    StablePool,
    balance_of,
    invariant,
    least_balance,
    root,
)
from tests.reference.vyper_probe import deploy_source

EXAMPLES = settings(max_examples=300, deadline=None, derandomize=True, database=None)

HARNESS = """
from contracts.modules import stableswap_math

@external
@pure
def invariant(x: DynArray[uint256, 4], ann: uint256) -> uint256:
    return stableswap_math.invariant(x, ann)

@external
@pure
def balance_of(coin: uint256, x: DynArray[uint256, 4], d: uint256, ann: uint256) -> uint256:
    return stableswap_math.balance_of(coin, x, d, ann)

@external
@pure
def fee_rate(a: uint256, b: uint256, fee: uint256, off_peg: uint256) -> uint256:
    return stableswap_math.fee_rate(a, b, fee, off_peg)
"""


@pytest.fixture(scope="module")
def math(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    return deploy_source(RevmTransport(), HARNESS, tmp_path_factory.mktemp("probe"))


@st.composite
def states(draw: Any) -> tuple[list[int], int]:
    """Scaled balances up to 1,000 to one apart, and A."""
    size = 10.0 ** draw(st.floats(12.0, 28.0))
    parts = draw(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=4))
    a = int(10.0 ** draw(st.floats(0.0, 5.0)))
    return [int(size * 1e3**-part) + draw(st.integers(1, 999)) for part in parts], a


def test_invariant_and_balance_are_the_references_and_the_roots(math: Contract) -> None:
    @EXAMPLES
    @given(states(), st.integers(0, 3), st.floats(0.05, 20.0))
    def law(state: tuple[list[int], int], coin: int, times: float) -> None:
        x, a = state
        ann, coin = len(x) * a * 100, coin % len(x)
        d = math.call("invariant", x, ann)
        assert d == invariant(x, ann)
        assert 0 <= d - root(x, a) <= 1
        moved = [int(held * times) + 1 if k != coin else held for k, held in enumerate(x)]
        y = math.call("balance_of", coin, moved, d, ann)
        assert y == balance_of(coin, moved, d, ann)
        # One unit more is a balance that D needs, at least.
        assert y + 1 >= least_balance(coin, moved, d, a)

    law()


@pytest.mark.parametrize(
    ("a", "x"),
    [
        (2, [17832345252988356609, 3083744554358578689, 641089655860172673, 160696576220313921]),
        (1, [2133001681715497149661185, 45858251559966630477825, 14311566044360312094721]),
        (2, [33526770017722814465, 42454044711523786753, 218174908440973249, 202226402414543521]),
    ],
)  # fmt: skip
def test_newton_ends_where_a_test_of_its_step_alone_swings_for_ever(
    math: Contract, a: int, x: list[int]
) -> None:
    ann = len(x) * a * 100
    d = last = sum(x)
    for _ in range(255):  # as usually written: until |step| <= 1
        p = d
        for held in x:
            p = p * d // (held * len(x))
        last, d = (
            d,
            (ann * sum(x) // 100 + p * len(x)) * d // ((ann - 100) * d // 100 + (len(x) + 1) * p),
        )
        assert abs(d - last) > 1
    assert 0 <= math.call("invariant", x, ann) - root(x, a) <= 1


def test_a_pool_of_nothing_has_an_invariant_of_nothing(math: Contract) -> None:
    assert math.call("invariant", [0, 0, 0], 30_000) == 0


def test_fee_rate_is_the_references(math: Contract) -> None:
    held = st.integers(1, 10**32)

    @EXAMPLES
    @given(held, held, st.integers(0, 5 * 10**8), st.integers(FEE_ONE, 10 * FEE_ONE))
    def law(a: int, b: int, fee: int, off_peg: int) -> None:
        rate = math.call("fee_rate", a, b, fee, off_peg)
        assert rate == StablePool((18, 18), 1, fee, off_peg).fee_rate(a, b, fee)
        # Up: m f (a + b)^2 / (4 (m - 1) a b + (a + b)^2), at most a unit above.
        exact = off_peg * fee * (a + b) ** 2 * WAD
        below = ((off_peg - FEE_ONE) * 4 * a * b + FEE_ONE * (a + b) ** 2) * FEE_ONE
        assert exact <= rate * below
        assert (rate - 2 - rate // 10**9) * below <= exact

    law()
    assert math.call("fee_rate", 1, 10**30, 10**6, FEE_ONE) == 10**14
