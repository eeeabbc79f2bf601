"""What the covariance and stricter terms may do at once, and by when (SPEC §3.5)."""

from __future__ import annotations

from math import isqrt

from hypothesis import given
from hypothesis import strategies as st

from tests.properties.revm_venue import WAD, RevmVenue
from tests.properties.test_clearing_portfolio import ENTRY, ROWS, USDC, portfolio_venue
from tests.properties.test_clearing_properties import examples

RAMP = 6 * 3_600
Rows = tuple[tuple[int, ...], ...]
entries = st.integers(-ENTRY // 4, ENTRY // 4)
factors = st.tuples(*[st.lists(entries, min_size=8, max_size=8).map(tuple)] * len(ROWS))


def exposed() -> RevmVenue:
    """Two accounts with positions, one of them hedged."""
    venue = portfolio_venue()
    for actor in ("trader", "hedger"):
        venue.deposit(actor, 100_000 * USDC)
    assert not venue.trade("trader", 0, 2 * WAD)
    assert not venue.trade("hedger", 0, -2 * WAD)
    assert not venue.trade("hedger", 1, 600 * WAD)
    return venue


def factor(venue: RevmVenue) -> Rows:
    return tuple(tuple(venue.get("factor", i)) for i in range(len(ROWS)))


def square(row: tuple[int, ...]) -> int:
    return sum(entry * entry for entry in row)


def states(venue: RevmVenue) -> list[tuple[int, ...]]:
    return [
        tuple(venue.get("account_state", venue.account(actor))) for actor in ("trader", "hedger")
    ]


def post(venue: RevmVenue, rows: Rows) -> str:
    return venue.attempt("owner", "post_covariance", rows)


@given(factors, st.integers(1, RAMP - 1))
@examples(15)
def test_a_posted_covariance_changes_nothing_in_its_block_and_never_more_than_a_quarter(
    wanted: Rows, elapsed: int
) -> None:
    """At once E and M are as they were, to the wei; on the way M is at most that of both ends."""
    venue = exposed()
    before, was = factor(venue), states(venue)
    start = venue.chain.time()
    assert post(venue, wanted) == ""
    assert (factor(venue), states(venue)) == (before, was)
    assert post(venue, wanted) == "clearing: too soon"
    venue.advance(elapsed)
    between = states(venue)
    venue.chain.set_time(start + RAMP - 1)
    venue.report()
    assert post(venue, wanted) == "clearing: too soon"
    venue.advance(1)
    after, then = factor(venue), states(venue)
    for old, new, asked in zip(before, after, wanted, strict=True):
        move = tuple(b - a for a, b in zip(old, new, strict=True))
        step = max(ENTRY // 100, isqrt(square(old)) // 4)
        assert square(move) <= step * step
        assert all(a <= b <= c or a >= b >= c for a, b, c in zip(old, new, asked, strict=True))
    for first, middle, last in zip(was, between, then, strict=True):
        # A unit of rounding of every entry, at the notional of both positions.
        assert middle[4] <= max(first[4], last[4]) + 4 * 240_000 * WAD * 8 // ENTRY
    assert post(venue, wanted) == ""


def test_a_quarter_a_post_gets_anywhere_in_time() -> None:
    """Doubling every volatility takes four posts, hence a day; from nothing a post gives 1 %."""
    venue = exposed()
    double: Rows = tuple(tuple(2 * entry for entry in row) for row in ROWS)
    posts = 0
    while factor(venue) != double:
        assert post(venue, double) == ""
        venue.advance(RAMP)
        posts += 1
    assert posts == 4
    usdc: Rows = ((ENTRY // 2,) + (0,) * 7, *double[1:])
    assert post(venue, usdc) == ""
    venue.advance(RAMP)
    assert factor(venue)[0] == (ENTRY // 100,) + (0,) * 7
    assert factor(venue)[1:] == double[1:]


def test_a_covariance_is_there_at_once_where_nobody_holds_a_position() -> None:
    venue = portfolio_venue()
    other: Rows = tuple(tuple(3 * entry for entry in row) for row in ROWS)
    assert post(venue, other) == ""
    assert factor(venue) == other
    assert post(venue, ROWS) == ""
    assert factor(venue) == ROWS


def test_no_volatility_above_all_of_the_price_a_day() -> None:
    for venue in (portfolio_venue(), exposed()):
        full: Rows = ((ENTRY,) + (0,) * 7, *ROWS[1:])
        beyond: Rows = ((ENTRY, 0, 0, 1) + (0,) * 4, *ROWS[1:])
        assert post(venue, beyond) == "clearing: bad parameter"
        assert post(venue, full) == ""
