"""What a feed may lag is in the spread (SPEC §3.3, §7), on the compiled bytecode."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import assume, event, given
from hypothesis import strategies as st

from tests.properties.revm_venue import RevmVenue
from tests.properties.test_clearing_properties import examples
from tests.reference.integers import WAD

LIMIT = 12  # S of market 0
BLOCK = 12  # seconds
RICH = 10**8 * 10**6  # raw USDC

deviations = st.one_of(st.integers(0, WAD // 100), st.integers(0, WAD // 10))
fractions = st.one_of(st.just(0), st.integers(0, WAD // 100))


def lagging(deviation: int, half_spread: int, taker_fee: int) -> RevmVenue:
    """A venue without funding whose feed of BTC has a deviation, and terms of its market."""
    venue = RevmVenue(funding=False)
    terms = list(venue.get("market", 0))
    terms[2], terms[3] = half_spread, taker_fee
    venue.do("owner", "set_market", 0, tuple(terms))
    venue.let_lag("BTC", deviation)
    venue.deposit("trader", RICH)
    return venue


def cash(venue: RevmVenue) -> int:
    return int(venue.get("cash", venue.account("trader")))


def pays(spread: Fraction, fee: Fraction, deviation: Fraction) -> bool:
    """Whether selling now and buying back after a fall by ``deviation`` gains, premium apart."""
    return (1 - spread) * (1 - fee) > (1 - deviation) * (1 + spread) * (1 + fee)


@examples(80)
@given(
    deviation=deviations,
    half_spread=fractions,
    taker_fee=fractions,
    move=st.integers(-100, 100),
    percent=st.integers(1, 100),
    side=st.sampled_from([1, -1]),
    later=st.booleans(),
)
def test_a_round_trip_across_one_push_of_the_feed_gains_nothing(
    deviation: int,
    half_spread: int,
    taker_fee: int,
    move: int,
    percent: int,
    side: int,
    later: bool,
) -> None:
    """At any fee, spread, size and side, the index moving once by the deviation at most."""
    venue = lagging(deviation, half_spread, taker_fee)
    before, size = cash(venue), side * LIMIT * WAD * percent // 100
    assert not venue.trade("trader", 0, size)
    venue.report(BTC=venue.prices["BTC"] * (1 + Fraction(move * deviation // 100, WAD)))
    if later:  # then the premium of the trader's own skew comes back
        venue.advance(BLOCK)
    assert not venue.trade("trader", 0, -size)
    event("the spread is the market's" if half_spread >= deviation / 2 else "the feed's")
    assert cash(venue) <= before


@examples(80)
@given(
    deviation=deviations, half_spread=fractions, taker_fee=fractions, side=st.sampled_from([1, -1])
)
def test_the_spread_is_the_least_at_which_such_a_round_trip_does_not_pay(
    deviation: int, half_spread: int, taker_fee: int, side: int
) -> None:
    """To a wei of the fraction; the market's own where that is more."""
    venue = lagging(deviation, half_spread, taker_fee)
    assert not venue.trade("trader", 0, side * WAD)
    cost = int(venue.get("position", venue.account("trader"), 0)[1])
    index = venue.prices["BTC"]
    charged = Fraction(cost - side * index * WAD, index)
    fee, lag = Fraction(taker_fee, WAD), Fraction(deviation, WAD)
    assert charged >= half_spread
    assert not pays(charged / WAD, fee, lag)
    if charged > half_spread:
        assert pays((charged - 1) / WAD, fee, lag)


@examples(40)
@given(
    deviation=st.integers(WAD // 1_000, WAD // 20),
    ratio=st.integers(60, 99),
    side=st.sampled_from([1, -1]),
)
def test_a_liquidation_pays_the_spread_of_its_feed(deviation: int, ratio: int, side: int) -> None:
    """What the maker gains by a close at the index is that fraction of the notional."""
    venue = lagging(deviation, 0, 0)
    account = venue.account("hedger")
    venue.deposit("hedger", 15_000 * 10**6)
    size = int(venue.capacity(account, 0) * WAD / 2)
    assert not venue.trade("hedger", 0, side * size)
    for _ in range(3):  # the requirement follows the index too
        assume(venue.squeeze(account, 0, Fraction(ratio, 100)))
    held = venue.size(account, 0)
    maker = maker_worth(venue)
    venue.do("liquidator", "liquidate", account, 0)
    closed = abs(held - venue.size(account, 0))
    lag = Fraction(deviation, WAD)
    spread = lag / (2 - lag)
    gained = maker_worth(venue) - maker
    event("all of it" if closed == abs(held) else "a part")
    expected = spread * closed * venue.prices["BTC"]
    assert abs(gained - expected) <= closed / WAD * venue.prices["BTC"] + 10


def maker_worth(venue: RevmVenue) -> Fraction:
    """The maker's cash and its side of the market at the index, USDC WAD."""
    index, total = venue.prices["BTC"], Fraction(venue.get("maker_cash", 0))
    for name in ("trader", "hedger"):
        size, cost, *_ = venue.get("position", venue.account(name), 0)
        total -= size * index - cost
    return total
