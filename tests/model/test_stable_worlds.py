"""A vault that holds shares of a StableSwap: the worlds agree, and the model by itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import simulator
from simulator.config import Config, load
from simulator.hedging import stable_lp
from simulator.model.pools.stableswap import worth
from simulator.testing.records import compiled
from simulator.verify import verify_paths

# What other pools of two dollars are like: of another decimals, flat, steep, dear off the peg.
TERMS = {
    "of 18 decimals": ["assets.USDT.decimals=18"],
    "steep": ["pool.stableswap.amplification=20", "pool.stableswap.fee=0.001"],
    "isolated": ["clearing.margin=isolated"],
}
_curve_at = worth.curve_at


def scenario(name: str) -> Config:
    """From ten hours before the low, so that few steps have it."""
    return load("usdt-depeg", TERMS[name])


@pytest.mark.parametrize("name", TERMS)
def test_the_worlds_agree(name: str) -> None:
    comparison = verify_paths(scenario(name), 0, 1, 160)
    assert comparison.agrees
    assert comparison.worst <= 1e-9
    assert comparison.outcomes["Swap"]["OK"] > 50
    assert comparison.outcomes["Recenter"]["OK"] >= 1


def test_attribution_adds_up_and_fees_are_told_apart_from_the_depeg() -> None:
    result = simulator.run("usdt-depeg", paths=4, workers=1)
    assert (result.paths["residual"] <= 1e-9 * result.paths["largest_nav"]).all()
    booked = result.attribution
    assert (booked["lp_fees"] > 0.0).all()
    # The pool buys what falls, and is paid back for most of it as the price returns.
    assert (booked["lp_convexity"] < 0.0).all()
    assert (booked["lp_fees"] < 0.01 * result.paths["largest_nav"]).all()


def curve() -> object:
    def at(price: float, ann: float) -> tuple[float, float]:
        return _curve_at(price, ann)

    return compiled(at)


@given(price=st.floats(1e-4, 1e4), amplification=st.floats(1.0, 1e4))
def test_balances_at_a_price_are_those_of_the_closed_form(
    price: float, amplification: float
) -> None:
    found = CURVE(price, 2.0 * amplification)  # type: ignore[operator]
    expected = stable_lp.balances([price, 1.0], 1.0, amplification)
    # Both are differences of terms that A multiplies: of 20,000 points the worst is 2e-14 A.
    np.testing.assert_allclose(found, expected, rtol=1e-12 + 1e-13 * amplification)


CURVE = curve()
