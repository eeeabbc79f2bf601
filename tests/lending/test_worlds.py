"""Model against Aave's bytecode on random borrowers, terms and prices, and what always holds."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.types import Status
from tests.lending.both import ASSETS, Both, config_of
from tests.sizes import sized

STEPS = 3
# Raw units by which rounding may go against a liquidator.
ROUNDING = 2


def fractions(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high).map(lambda number: round(number, 4))


@st.composite
def reserves(draw: st.DrawFn) -> dict[str, Any]:
    found = {}
    for symbol, supplied in zip(ASSETS, (1e8, 5e4, 3e3), strict=True):
        threshold = draw(fractions(0.4, 0.88))
        found[symbol] = {
            "supplied": supplied,
            "borrowed": supplied * draw(st.floats(0.0, 0.25)),
            "optimal_usage": draw(fractions(0.3, 0.9)),
            "base_rate": draw(fractions(0.0, 0.05)),
            "slope1": draw(fractions(0.0, 0.5)),
            "slope2": draw(fractions(0.5, 4.0)),
            "factor": draw(fractions(0.0, 0.5)),
            "ltv": round(threshold * 0.95, 4),
            "liquidation_threshold": threshold,
            "liquidation_bonus": draw(fractions(0.001, 0.12)),
            "protocol_fee": draw(st.sampled_from([0.0, 0.1, 0.3333, 1.0])),
        }
    return found


@st.composite
def borrower(draw: st.DrawFn) -> dict[str, Any]:
    collateral = draw(st.sets(st.sampled_from(ASSETS), min_size=1))
    debts = sorted(draw(st.sets(st.sampled_from(ASSETS), min_size=1)))
    weights = [draw(st.floats(0.1, 1.0)) for _ in debts]
    size = {"USDC": 1.0, "ETH": 1 / 2000, "BTC": 1 / 30000}
    return {
        "collateral": {s: draw(st.floats(1e3, 1e6)) * size[s] for s in sorted(collateral)},
        "debt": {s: weight / sum(weights) for s, weight in zip(debts, weights, strict=True)},
        "health": draw(st.floats(1.07, 1.5)),
    }


moves = st.fixed_dictionaries({"ETH": st.floats(0.6, 1.4), "BTC": st.floats(0.6, 1.4)})
attempts = st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2), st.floats(0.05, 3.0))


@settings(max_examples=sized(12, 150), deadline=None)
@given(
    reserves(),
    st.lists(borrower(), min_size=3, max_size=3),
    st.lists(moves, min_size=STEPS, max_size=STEPS),
    st.lists(st.lists(attempts, min_size=6, max_size=6), min_size=STEPS, max_size=STEPS),
)
def test_random_borrowers_are_liquidated_alike(
    terms: dict[str, Any],
    borrowers: list[dict[str, Any]],
    prices: list[dict[str, float]],
    tried: list[list[tuple[int, int, int, float]]],
) -> None:
    named = {f"b{i}": one for i, one in enumerate(borrowers)}
    config = config_of({"reserves": terms, "borrowers": named}, assets={"BTC": 1e3})
    both = Both(config, *prices)
    for batch in tried:
        both.advance()
        for who, seized, repaid, part in batch:
            before = both.state
            owed = float(before.borrower_owed[who, repaid, 0])
            status, paid, taken = both.liquidate(who, seized, repaid, max(owed, 1.0) * part)
            if status is not Status.OK:
                continue
            # Nobody who is healthy is liquidated, and no liquidator pays more than it gets.
            assert before.borrower_health[who, 0] < 1.0
            slack = ROUNDING * (unit(both, seized) + unit(both, repaid))
            assert taken * both.usd(seized) >= paid * both.usd(repaid) * (1 - 1e-12) - slack
            # What is repaid is owed no longer, and the close factor holds.
            most = owed if before.borrower_health[who, 0] <= 0.95 else owed / 2
            assert paid <= most * (1 + 1e-12) + 2e-6


def unit(both: Both, listing: int) -> float:
    """USD of a raw unit of a listing."""
    assert both.protocol.lending is not None
    decimals = both.protocol.assets[both.protocol.lending.listings[listing].asset].decimals
    return both.usd(listing) * 10.0**-decimals
