"""Model against Aave's bytecode on random borrowers, terms and prices, and what always holds."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.types import Status
from tests.lending.both import ASSETS, Both, config_of
from tests.sizes import sized

STEPS = 3
# Borrower, what is seized and repaid, and which part of the debt.
Try = tuple[int, int, int, float]
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
        "health": draw(st.floats(1.07, 1.25)),
    }


# No round prices: where an amount comes out whole, its floor falls either way in float64 (8,250
# dollars are 8.25e21 of the oracle's units, which no float64 is), and a raw unit is more than 1e-9
# of what the poorest owe.
moves = st.fixed_dictionaries(
    {
        "ETH": st.floats(0.6, 1.3).map(lambda factor: factor * 1.000_000_7),
        "BTC": st.floats(0.5, 1.4).map(lambda factor: factor * 1.000_000_3),
    }
)
attempts = st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2), st.floats(0.05, 3.0))


def test_random_borrowers_are_liquidated_alike() -> None:
    """And what came of it: enough of each kind that the comparison says something."""
    seen: Counter[Status] = Counter()

    @settings(max_examples=sized(60, 200), deadline=None)
    @given(
        reserves(),
        st.lists(borrower(), min_size=3, max_size=3),
        st.lists(moves, min_size=STEPS, max_size=STEPS),
        st.lists(st.lists(attempts, min_size=8, max_size=8), min_size=STEPS, max_size=STEPS),
    )
    def try_all(
        terms: dict[str, Any],
        borrowers: list[dict[str, Any]],
        prices: list[dict[str, float]],
        tried: list[list[Try]],
    ) -> None:
        named = {f"b{i}": one for i, one in enumerate(borrowers)}
        config = config_of({"reserves": terms, "borrowers": named}, assets={"BTC": 1e3})
        both = Both(config, *prices)
        for batch in tried:
            both.advance()
            seen.update(attempt(both, one) for one in batch)

    try_all()
    assert seen[Status.OK] >= 20
    assert seen[Status.NOT_LIQUIDATABLE] >= 20
    assert seen[Status.INSUFFICIENT_COLLATERAL] + seen[Status.NO_POSITION] >= 10


def attempt(both: Both, tried: Try) -> Status:
    """One liquidation, and what holds of it if it was done."""
    who, seized, repaid, part = tried
    before = both.state
    owed, health = float(before.borrower_owed[who, repaid, 0]), before.borrower_health[who, 0]
    status, paid, taken = both.liquidate(who, seized, repaid, max(owed, 1.0) * part)
    if status is Status.OK:
        # Nobody who is healthy is liquidated, and no liquidator pays more than it gets.
        assert health < 1.0
        slack = ROUNDING * (unit(both, seized) + unit(both, repaid))
        assert taken * both.usd(seized) >= paid * both.usd(repaid) * (1 - 1e-12) - slack
        # The close factor holds.
        most = owed if health <= 0.95 else owed / 2
        assert paid <= most * (1 + 1e-12) + 2e-6
    return status


def unit(both: Both, listing: int) -> float:
    """USD of a raw unit of a listing."""
    assert both.protocol.lending is not None
    decimals = both.protocol.assets[both.protocol.lending.listings[listing].asset].decimals
    return both.usd(listing) * 10.0**-decimals
