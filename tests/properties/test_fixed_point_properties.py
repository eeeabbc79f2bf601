"""fixed_point.vy against Python's integers: roundings go where their names say, at any width."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simulator.chain.evm.codec import Reverted
from simulator.chain.evm.revm import RevmTransport
from tests.reference.vyper_probe import deploy_source

TOP = 2**256 - 1
EXAMPLES = settings(max_examples=300, deadline=None, derandomize=True, database=None)
# Uniform in the number of bits: most products then need 512 of them, and some only 8.
unsigned = st.integers(0, 256).flatmap(lambda bits: st.integers(0, 2**bits - 1))
signed = st.one_of(unsigned, unsigned.map(lambda x: -x)).filter(lambda x: abs(x) < 2**255)

HARNESS = """
from contracts.modules import fixed_point

@external
@pure
def mul_div_down(x: uint256, y: uint256, d: uint256) -> uint256:
    return fixed_point.mul_div_down(x, y, d)

@external
@pure
def mul_div_up(x: uint256, y: uint256, d: uint256) -> uint256:
    return fixed_point.mul_div_up(x, y, d)

@external
@pure
def mul_div_floor(x: int256, y: uint256, d: uint256) -> int256:
    return fixed_point.mul_div_floor(x, y, d)

@external
@pure
def mul_div_ceil(x: int256, y: uint256, d: uint256) -> int256:
    return fixed_point.mul_div_ceil(x, y, d)

@external
@pure
def div_up(x: uint256, d: uint256) -> uint256:
    return fixed_point.div_up(x, d)

@external
@pure
def magnitude(x: int256) -> uint256:
    return fixed_point.magnitude(x)
"""

Evaluate = Callable[..., int | None]


@pytest.fixture(scope="module")
def evaluate(tmp_path_factory: pytest.TempPathFactory) -> Evaluate:
    """``evaluate("mul_div_up", x, y, d)`` on revm; None when it reverts."""
    contract = deploy_source(RevmTransport(), HARNESS, tmp_path_factory.mktemp("harness"))

    def call(name: str, *arguments: Any) -> int | None:
        try:
            return int(contract.call(name, *arguments))
        except Reverted:
            return None

    return call


@EXAMPLES
@given(x=unsigned, y=unsigned, d=unsigned)
@example(x=TOP, y=TOP, d=TOP)
@example(x=TOP, y=TOP, d=TOP - 1)
@example(x=2**255, y=2**255, d=2**254)
@example(x=2**128, y=2**128, d=1)
@example(x=0, y=TOP, d=0)
def test_mul_div_down_and_up_are_exact(evaluate: Evaluate, x: int, y: int, d: int) -> None:
    down = x * y // d if d else TOP + 1
    up = -(-x * y // d) if d else TOP + 1
    assert evaluate("mul_div_down", x, y, d) == (down if down <= TOP else None)
    assert evaluate("mul_div_up", x, y, d) == (up if up <= TOP else None)


@EXAMPLES
@given(quotient=unsigned, y=unsigned, d=unsigned.filter(bool), offset=st.integers(-1, 1))
def test_mul_div_is_exact_where_the_quotient_just_fits(
    evaluate: Evaluate, quotient: int, y: int, d: int, offset: int
) -> None:
    """Operands made from a quotient: the full range of answers is met, not only overflow."""
    x = min(max(quotient * d // max(y, 1) + offset, 0), TOP)
    down = x * y // d
    assert evaluate("mul_div_down", x, y, d) == (down if down <= TOP else None)


@EXAMPLES
@given(x=signed, y=unsigned, d=unsigned.filter(bool))
def test_floor_and_ceil_go_towards_their_infinity(
    evaluate: Evaluate, x: int, y: int, d: int
) -> None:
    exact = Fraction(x * y, d)
    for name, value in (("mul_div_floor", exact.__floor__()), ("mul_div_ceil", exact.__ceil__())):
        assert evaluate(name, x, y, d) == (value if abs(value) < 2**255 else None)


@EXAMPLES
@given(x=unsigned, d=unsigned)
def test_div_up_is_exact(evaluate: Evaluate, x: int, d: int) -> None:
    assert evaluate("div_up", x, d) == (-(-x // d) if d else None)


def test_magnitude(evaluate: Evaluate) -> None:
    for x in (0, 1, -1, 2**255 - 1, 1 - 2**255):
        assert evaluate("magnitude", x) == abs(x)
    assert evaluate("magnitude", -(2**255)) is None
