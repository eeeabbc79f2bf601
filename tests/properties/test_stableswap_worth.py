"""Two coins at a price from outside: what contracts/StableSwap.vy says of them (SPEC §9, §4.9)."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.hedging import stable_lp
from tests.properties.revm_stable import Pool, refused
from tests.reference.stableswap import FEE_ONE, WAD, StablePool, root

Q96 = 2**96
DECIMALS = st.tuples(st.sampled_from((6, 18)), st.just(6))
# Of what a unit of the scaled balances, of D and of the last floor may be off.
UNITS = 4


def x96(price: float, decimals: tuple[int, ...]) -> int:
    """√ of a price of whole coins, as the contract has it of raw ones."""
    exact = Fraction(price) * Fraction(10) ** (decimals[1] - decimals[0])
    return isqrt(exact.numerator * Q96 * Q96 // exact.denominator)


@st.composite
def opened(draw: st.DrawFn) -> tuple[Pool, float]:
    """A pool of two coins, up to thirty to one apart, and a price from outside."""
    decimals = draw(DECIMALS)
    size, apart = 10.0 ** draw(st.floats(2.0, 9.0)), 30.0 ** draw(st.floats(-1.0, 1.0))
    a = int(10.0 ** draw(st.floats(0.0, 4.0)))
    pool = Pool(
        decimals, a, draw(st.integers(0, 10**7)), draw(st.sampled_from((FEE_ONE, 4 * FEE_ONE)))
    )
    raw = [int(size * 10 ** decimals[0]), int(size * apart * 10 ** decimals[1])]
    assert pool.add(raw) == pool.twin.add(raw)
    return pool, draw(st.floats(0.05, 20.0))


def value(pool: StablePool, price: float, x: int, y: int) -> Fraction:
    """Of raw balances, in whole coins 1."""
    return Fraction(price) * Fraction(x, 10 ** pool.decimals[0]) + Fraction(
        y, 10 ** pool.decimals[1]
    )


@given(opened())
def test_shares_at_a_price_are_the_closed_form_and_never_worth_more_than_they_are_paid(
    made: tuple[Pool, float],
) -> None:
    pool, price = made
    twin, decimals = pool.twin, pool.twin.decimals
    supply = pool.state()[1]
    x, y = pool.contract.call("balances_at", x96(price, decimals), supply)
    d = root(twin.scaled(), twin.a)
    base, other = stable_lp.balances([price, 1.0], d / WAD, twin.a)
    assert x / 10 ** decimals[0] == pytest.approx(base, rel=1e-9, abs=2 * 10.0 ** -decimals[0])
    assert y / 10 ** decimals[1] == pytest.approx(other, rel=1e-9, abs=2 * 10.0 ** -decimals[1])
    held = value(twin, price, *pool.state()[0])
    assert value(twin, price, x, y) <= held + UNITS * Fraction(1 + Fraction(price), WAD)


@given(opened(), st.floats(1e-6, 0.9), st.booleans())
def test_an_exchange_moves_what_shares_are_worth_by_its_fee_and_up(
    made: tuple[Pool, float], part: float, first: bool
) -> None:
    pool, price = made
    twin, at = pool.twin, x96(price, pool.twin.decimals)
    supply = pool.state()[1]
    before = value(twin, price, *pool.contract.call("balances_at", at, supply))
    pool.exchange(int(first), int(not first), int(pool.state()[0][int(first)] * part) + 10**3)
    after = value(twin, price, *pool.contract.call("balances_at", at, supply))
    # The last floors are of raw units.
    lost = Fraction(price) / 10 ** twin.decimals[0] + Fraction(1, 10 ** twin.decimals[1])
    assert after >= before - lost


@given(opened())
def test_the_price_is_that_of_the_next_unit_without_fee(made: tuple[Pool, float]) -> None:
    pool, _ = made
    twin, decimals = pool.twin, pool.twin.decimals
    x = twin.scaled()
    d, ann = Fraction(root(x, twin.a)), 2 * twin.a
    p = d**3 / (4 * x[0] * x[1])
    exact = (ann + p / x[0]) / (ann + p / x[1])
    told = Fraction(pool.contract.call("sqrt_price"), Q96) ** 2
    told *= Fraction(10) ** (decimals[0] - decimals[1])
    assert float(told / exact) == pytest.approx(1.0, rel=1e-9)
    # What it says is the price at which what its shares would be is what they are.
    found = pool.contract.call("balances_at", pool.contract.call("sqrt_price"), pool.state()[1])
    for one, held in zip(found, pool.state()[0], strict=True):
        # Rounded down to a raw unit.
        assert one == pytest.approx(held, rel=1e-8, abs=1.01)


def test_of_three_coins_there_is_no_price_of_two() -> None:
    pool = Pool((6, 6, 6), 200, 0)
    pool.add([10**12] * 3)
    assert refused(pool.contract.call, "sqrt_price") == "stable: two coins"
    assert refused(pool.contract.call, "balances_at", Q96, 1) == "stable: two coins"
    by = pool.provider
    assert refused(pool.contract.transact, by, "add_in_proportion", 1, 1, by) == "stable: two coins"
    assert refused(pool.contract.transact, by, "remove_pair", 1, by) == "stable: bad coins"


@given(opened(), st.floats(1e-3, 2.0), st.floats(1e-3, 2.0))
def test_what_is_added_in_proportion_is_the_most_that_is_and_pays_next_to_no_fee(
    made: tuple[Pool, float], one: float, other: float
) -> None:
    pool, _ = made
    balances, supply = pool.state()
    most = [int(balances[0] * one), int(balances[1] * other)]
    shares, *taken = pool.contract.transact(
        pool.provider, "add_in_proportion", *most, pool.provider
    )
    assert taken == [
        min(most[0], most[1] * balances[0] // balances[1]),
        min(most[1], most[0] * balances[1] // balances[0]),
    ]
    assert shares == pool.twin.add(taken)
    # A raw unit beside the proportion, of the scarcer coin, is all that can be charged or lost.
    part = min(one, other)
    assert shares / supply == pytest.approx(part, rel=1e-6 + 4.0 / min(balances) / part)
