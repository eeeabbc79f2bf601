"""Liquidation of a hedged account: no close raises risk above what it frees, and none is stuck."""

from __future__ import annotations

import pytest
from hypothesis import assume, event, example, given, settings
from hypothesis import strategies as st

from simulator.types import Status
from tests.model.venue import BTC, ETH, FIRST, Venue, factor_of, protocol
from tests.reference.clearing import liquidation, margin
from tests.reference.clearing.state import (
    Collateral,
    Ledger,
    Market,
    Parameters,
    Position,
    Terms,
)
from tests.reference.integers import WAD

# ETH 4 % a day and BTC 3 %, all but the same move.
ALIKE = ((0.0, 0.0, 0.0), (0.04, 0.0, 0.0), (0.03, 0.001, 0.0))
HEDGED = {"risk_multiple": 3.0, "gross_floor": 0.6, "covariance_factor": factor_of(ALIKE)}


def hedged(ratio: float) -> Venue:
    """Long 50 ETH, short 4.4 BTC at E/M = ``ratio``: netted so well that the gross rule binds."""
    venue = Venue(protocol((1e6, 0.0), (1e6, 0.0), market={"half_spread": 0.0002}, **HEDGED))
    venue.trade(0, ETH, 50.0)
    venue.trade(0, BTC, -4.4)
    missing = venue.of("equity", 0) - ratio * venue.of("maintenance", 0)
    venue.model.state.clearing.cash[FIRST] -= missing
    venue.model._observation = None
    return venue


def gross(venue: Venue) -> float:
    """phi G of the account."""
    notional = 2000.0 * abs(venue.of("size", 0, ETH)) + 30_000.0 * abs(venue.of("size", 0, BTC))
    return 0.6 * 0.05 * notional


@pytest.mark.parametrize("leg", [ETH, BTC])
@pytest.mark.parametrize("ratio", [0.1, 0.4, 0.695, 0.9])
def test_closing_a_leg_stops_before_risk_lowers_the_margin_ratio(leg: int, ratio: float) -> None:
    venue = hedged(ratio)
    assert venue.of("maintenance", 0) == pytest.approx(gross(venue), rel=1e-12)
    size = abs(venue.of("size", 0, leg))
    fill = venue.liquidate(1, 0, leg)
    assert fill.status[0] == Status.OK
    assert 0.0 < fill.amount_in[0] < size
    # Risk sets the requirement now, and with it the ratio is no lower: all of it would have been.
    assert venue.of("maintenance", 0) > gross(venue) * (1 + 1e-9)
    after = venue.of("equity", 0) / venue.of("maintenance", 0)
    assert ratio * (1 - 1e-12) <= after < ratio * (1 + 1e-4)


volatilities = st.tuples(st.integers(1, 8), st.integers(-8, 8)).map(
    lambda pair: (0, *(10**6 * x for x in pair), 0, 0, 0, 0, 0)
)


@given(
    sizes=st.lists(st.integers(-100, 100).filter(bool), min_size=2, max_size=3),
    rows=st.lists(volatilities, min_size=3, max_size=3),
    floor=st.sampled_from([WAD // 2, WAD * 8 // 10, WAD]),
    multiple=st.integers(1, 6),
    spread=st.sampled_from([0, 2 * 10**14, 10**15]),
    ratio=st.integers(1, 999),
)
@example(  # two legs that cancel to the last wei
    sizes=[1, -1],
    rows=[(0, 6 * 10**6, *[0] * 6)] * 3,
    floor=WAD // 2,
    multiple=1,
    spread=0,
    ratio=500,
)
@settings(max_examples=100, deadline=None)
def test_an_unhealthy_hedged_account_is_never_stuck(
    sizes: list[int],
    rows: list[tuple[int, ...]],
    floor: int,
    multiple: int,
    spread: int,
    ratio: int,
) -> None:
    """Some leg can always be closed, and closing what can be ends with it healthy or flat."""
    ledger = book(sizes, rows, floor, multiple * WAD, spread)
    state = margin.valuation(ledger, ACCOUNT)
    ledger.account(ACCOUNT).cash -= state.equity - state.maintenance * ratio // 1_000
    for turn in range(60):
        positions = ledger.account(ACCOUNT).positions
        state = margin.valuation(ledger, ACCOUNT)
        if not positions or state.equity >= state.maintenance:
            event(f"{'flat' if not positions else 'healthy'} after {turn // 5 * 5} or more")
            return
        assume(state.value >= 0)
        closed = [close(ledger, m) for m in sorted(positions)]
        assert any(closed), "stuck"
    raise AssertionError("sixty rounds of liquidations did not heal the account")


def close(ledger: Ledger, m: int) -> bool:
    """Liquidate in one market; whether anything was closed. A refusal changes nothing."""
    if m not in ledger.account(ACCOUNT).positions:
        return False
    reason = ledger.attempt(liquidation.liquidate, LIQUIDATOR, ACCOUNT, m)
    assert reason in ("", "clearing: not reducing risk", "clearing: not liquidatable")
    return not reason


USDC, ACCOUNT, LIQUIDATOR = 1, 0x1000 << 8, 0xBEEF


def book(
    sizes: list[int], rows: list[tuple[int, ...]], floor: int, multiple: int, spread: int
) -> Ledger:
    """One account at cost, at prices of 100 USD, in markets so deep that nobody moves them."""
    deep, price = 10**14 * WAD, 100 * WAD
    terms = [
        Terms(2 + m, deep, spread, 0, 0, deep, 5 * WAD // 100, deep, deep, deep)
        for m in range(len(sizes))
    ]
    ledger = Ledger(
        usdc=USDC,
        terms=terms,
        collaterals=[Collateral(USDC, 0, 10**30, 10**6)],
        parameters=Parameters(3 * WAD // 2, WAD // 100, WAD // 2, WAD, floor, multiple, 0),
        rows=dict(zip(range(2, 5), rows, strict=True)),
        prices=dict.fromkeys(range(2, 5), price) | {USDC: WAD},
        markets=[Market() for _ in sizes],
        held=[10**20],
    )
    account = ledger.account(ACCOUNT)
    for m, size in enumerate(sizes):
        account.positions[m] = Position(size * WAD, size * price, 0, 0, 1)
        market = ledger.markets[m]
        market.skew, market.longs, market.opened = size * WAD, max(size, 0) * WAD, 1
    return ledger
