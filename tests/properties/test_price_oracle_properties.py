"""PriceOracle on revm: what one reporter can do, and what is taken from an aggregator (SPEC §2)."""

from __future__ import annotations

from statistics import median
from typing import Any

import pytest
from eth_utils import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.chain.deploy.artifacts import load
from tests.properties.revm_oracle import DEVIATION, MAX_AGE, START, WAD, Oracle

ZERO_ADDRESS = "0x" + "00" * 20
HIGHEST_PRICE = 2**192 - 1

prices = st.integers(min_value=1, max_value=HIGHEST_PRICE)
steps = st.lists(
    st.tuples(
        st.integers(min_value=1, max_value=2_000),  # seconds before it
        st.integers(min_value=90, max_value=110),  # what the honest ones report
        st.sampled_from(["honest", "wrong", "late", "silent", "early"]),  # what the third one does
        prices,  # the wrong price
        st.permutations(range(3)),  # who comes first
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(steps)
def test_one_faulty_reporter_among_three_changes_nothing(happenings: list[Any]) -> None:
    """Once all three have reported: the price is what the honest say, and its time advances."""
    oracle = Oracle()
    for reporter in oracle.reporters:
        oracle.report(reporter, 100)
    for seconds, price, fault, wrong, order in happenings:
        oracle.advance(seconds)
        for index in order:
            reporter = oracle.reporters[index]
            if index < 2 or fault == "honest":
                oracle.report(reporter, price)
            elif fault == "wrong":
                oracle.report(reporter, wrong)
            elif fault == "early":
                asked = (reporter, wrong, -1)
                assert oracle.refusal(oracle.report, *asked) == "oracle: future round"
            elif fault == "late":
                late = min(seconds, MAX_AGE)
                oracle.report(reporter, wrong, late)
        assert oracle.price() == price
        assert oracle.latest() == (price, oracle.chain.time())


@settings(max_examples=60, deadline=None)
@given(st.lists(prices, min_size=1, max_size=8), st.data())
def test_the_round_is_the_median_of_the_fresh(reported: list[int], data: st.DataObject) -> None:
    """Any number of reporters, any ages: median of those not too old, time of the q-th newest."""
    quorum = data.draw(st.integers(len(reported) // 2 + 1, len(reported)))
    oracle = Oracle(reporters=len(reported), quorum=quorum)
    reporters = oracle.reporters
    ages = [data.draw(st.integers(0, MAX_AGE * 2)) for _ in reported]
    seen: list[tuple[int, int]] = []
    expected, rounds = (0, 0), 0
    for reporter, price, age in zip(reporters, reported, ages, strict=True):
        oracle.report(reporter, price, age)
        if age <= MAX_AGE:
            seen.append((price, START - age))
        if len(seen) >= quorum:
            ordered = sorted(price for price, _ in seen)
            low, high = ordered[(len(seen) - 1) // 2], ordered[len(seen) // 2]
            middle = (low + high) // 2
            if (high - low) * WAD > middle * DEVIATION:
                continue
            newest = sorted((time for _, time in seen), reverse=True)[quorum - 1]
            expected, rounds = (middle, max(newest, expected[1])), rounds + 1
    assert oracle.latest() == expected
    assert oracle.contract.call("feed", oracle.btc)[1][2] == rounds
    if len(seen) >= quorum and len(seen) % 2:
        assert oracle.price() == median(price for price, _ in seen)


@settings(max_examples=120, deadline=None)
@given(st.integers(1, 8), st.data())
def test_no_minority_moves_the_price_out_of_the_honest(count: int, data: st.DataObject) -> None:
    """After every report, whoever is silent, the round that it makes, if any, is

    * within what the honest say, when of those heard they are the more: so fewer than half of those
      allowed, lying or silent together, move nothing;
    * off from that by half of the deviation at most, when they are half of those heard: so a lone
      liar of two or more never moves it further, the others silent or not;
    * never made by liars alone.
    """
    liars = data.draw(st.integers(0, (count - 1) // 2), label="liars")
    quorum = data.draw(st.integers(count // 2 + 1, count), label="quorum")
    oracle = Oracle(reporters=count, quorum=quorum)
    seen: dict[int, tuple[int, int]] = {}
    for _ in range(data.draw(st.integers(1, 3 * count), label="reports")):
        oracle.advance(data.draw(st.sampled_from([0, 60, MAX_AGE // 2, MAX_AGE, MAX_AGE + 1])))
        who = data.draw(st.integers(0, count - 1), label="who")
        honest = data.draw(st.integers(1_000, 1_050))
        price = data.draw(prices) if who < liars else honest
        before = oracle.contract.call("feed", oracle.btc)[1]
        oracle.report(oracle.reporters[who], price)
        seen[who] = (price, oracle.chain.time())
        after = oracle.contract.call("feed", oracle.btc)[1]
        if after[2] == before[2]:
            assert after == before
            continue
        heard = [who for who, (_, at) in seen.items() if oracle.chain.time() - at <= MAX_AGE]
        said = [seen[who][0] for who in heard if who >= liars]
        assert said, "a round of liars alone"
        lying = len(heard) - len(said)
        if lying < len(said):
            assert min(said) <= after[0] <= max(said)
        elif lying == len(said):
            assert after[0] * (2 * WAD - DEVIATION) <= max(said) * 2 * WAD
            assert (after[0] + 1) * (2 * WAD + DEVIATION) >= min(said) * 2 * WAD


@pytest.mark.parametrize("liar", [1, 990, 1_010, 2_000, HIGHEST_PRICE])
def test_one_silent_and_one_lying_of_three_stop_the_rounds(liar: int) -> None:
    """Served before: the mean of the honest one and the liar, which is what the liar wants."""
    oracle = Oracle()
    first, second, third = oracle.reporters
    for reporter in (first, second, third):
        oracle.report(reporter, 1_000)
    oracle.advance(MAX_AGE + 1)
    oracle.report(first, 1_000)
    oracle.report(third, liar)
    assert oracle.latest() == (1_000, START)
    assert oracle.refusal(oracle.price) == "oracle: stale"
    oracle.report(third, 1_004)  # within the deviation
    assert oracle.price() == 1_002


def test_with_one_reporter_the_round_is_what_it_reports() -> None:
    oracle = Oracle(reporters=1)
    for price, age in ((5, 60), (7, 30), (HIGHEST_PRICE, 0)):
        oracle.report(oracle.reporters[0], price, age)
        assert oracle.latest() == (price, START - age)


def test_without_a_quorum_the_round_stays_and_grows_old() -> None:
    oracle = Oracle()
    first, second, third = oracle.reporters
    oracle.report(first, 1_000)
    assert oracle.refusal(oracle.price) == "oracle: no round"
    oracle.report(second, 1_002)
    assert oracle.latest() == (1_001, START)
    oracle.advance(MAX_AGE)
    oracle.report(third, 3_000)  # all three are still young enough
    assert oracle.latest() == (1_002, START)
    oracle.advance(1)
    oracle.report(third, 4_000)  # now the others are not
    assert oracle.latest() == (1_002, START)
    assert oracle.refusal(oracle.price) == "oracle: stale"
    oracle.report(first, 1_004)  # of these two one lies, nothing tells which
    assert oracle.refusal(oracle.price) == "oracle: stale"
    oracle.report(second, 1_004)
    assert oracle.price() == 1_004


def test_the_time_of_the_round_never_goes_back() -> None:
    """Two newest of 60 and 0 seconds make 60; a third reporter that lags cannot make it older."""
    oracle = Oracle()
    first, second, third = oracle.reporters
    oracle.report(first, 100, 60)
    oracle.report(second, 100)
    assert oracle.latest()[1] == START - 60
    oracle.advance(120)
    oracle.report(first, 100)
    assert oracle.latest()[1] == START
    oracle.own("set_reporter", second, False)
    oracle.report(third, 100, 600)
    assert oracle.latest() == (100, START)


def test_a_reporter_no_longer_allowed_is_not_counted() -> None:
    oracle = Oracle()
    first, second, third = oracle.reporters
    oracle.report(first, 100)
    oracle.report(second, 100)
    oracle.report(third, 102)
    oracle.own("set_reporter", first, False)
    assert set(oracle.contract.call("reporters")) == {second, third}
    assert oracle.refusal(oracle.report, first, 100) == "oracle: not a reporter"
    oracle.report(second, 102)
    assert oracle.price() == 102
    assert tuple(oracle.contract.call("observation", oracle.btc, third)) == (102, START)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 9)), max_size=24))
def test_the_quorum_is_a_majority_that_the_reporters_can_reach(steps: list[Any]) -> None:
    """Whatever the owner does; and it is moved only when it has to be."""
    oracle = Oracle()
    names = [oracle.chain.account(f"reporter {i}") for i in range(8)]
    count, quorum = 3, 2
    for which, wanted in steps:
        if which < 8:
            allowed = not oracle.contract.call("is_reporter", names[which])
            oracle.own("set_reporter", names[which], allowed)
            oracle.own("set_reporter", names[which], allowed)  # again: nothing changes
            count += 1 if allowed else -1
            quorum = min(max(quorum, count // 2 + 1), max(count, 1))
        elif count // 2 < wanted <= max(count, 1):
            oracle.own("set_quorum", wanted)
            quorum = wanted
        else:
            assert oracle.refusal(oracle.own, "set_quorum", wanted) == "oracle: bad quorum"
        assert len(oracle.contract.call("reporters")) == count
        assert oracle.contract.call("quorum") == quorum


def test_there_are_at_most_eight_reporters() -> None:
    oracle = Oracle()
    for index in range(3, 8):
        oracle.own("set_reporter", oracle.chain.account(f"reporter {index}"), True)
    ninth = oracle.chain.account("ninth")
    assert oracle.refusal(oracle.own, "set_reporter", ninth, True) == "oracle: too many reporters"


def test_refuses_reports_that_cannot_be() -> None:
    oracle = Oracle()
    reporter = oracle.reporters[0]
    assert oracle.refusal(oracle.report, reporter, 0) == "oracle: price not positive"
    assert oracle.refusal(oracle.report, reporter, 2**192) == "oracle: price too large"
    oracle.report(reporter, 1)
    assert oracle.refusal(oracle.report, reporter, 1, 1) == "oracle: round out of order"
    oracle.report(oracle.reporters[1], 1, 1)  # its own order only


def test_terms_are_bounded_and_kept_by_kind() -> None:
    oracle = Oracle()
    for reporter in oracle.reporters:
        oracle.report(reporter, 100)
    too_wide = (oracle.btc, MAX_AGE, WAD // 10 + 1)
    assert oracle.refusal(oracle.own, "add_feed", *too_wide) == "oracle: bad deviation"
    oracle.own("add_feed", oracle.btc, MAX_AGE // 2, WAD // 10)
    assert oracle.contract.call("deviation", oracle.btc) == WAD // 10
    assert oracle.price() == 100
    source = oracle.aggregator(8)
    oracle.advance(MAX_AGE)
    oracle.own("add_aggregator", oracle.btc, source.address, MAX_AGE, DEVIATION)
    assert oracle.contract.call("aggregator", oracle.btc) == source.address
    assert oracle.refusal(oracle.report, oracle.reporters[0], 100) == "oracle: no feed"
    assert oracle.refusal(oracle.price) == "oracle: incomplete round"
    oracle.own("add_feed", oracle.btc, MAX_AGE, DEVIATION)  # a feed of the other kind begins anew
    assert oracle.refusal(oracle.price) == "oracle: no round"


# ------------------------------------------------------------------------------------- aggregators


@pytest.mark.parametrize("pushed", [True, False])
def test_another_source_takes_over_a_served_price_only_where_it_says_the_same(
    pushed: bool,
) -> None:
    """Within both deviations, 1 % in all; where nothing is served any more, at any price."""
    oracle = Oracle()
    first, second = oracle.aggregator(18), oracle.aggregator(18)
    asset = oracle.btc
    for reporter in oracle.reporters:
        oracle.report(reporter, 1_000)
    if not pushed:
        asset = oracle.sol
        oracle.own("add_aggregator", asset, first.address, MAX_AGE, DEVIATION)
        oracle.answer(first, 1_000)
    call = ("add_aggregator", asset, second.address, MAX_AGE, DEVIATION)
    assert oracle.refusal(oracle.own, *call) == "oracle: incomplete round"
    for answer in (989, 1_011, 1, 10**30):
        oracle.answer(second, answer)
        assert oracle.refusal(oracle.own, *call) == "oracle: deviates"
    assert oracle.price(asset) == 1_000
    for answer in (990, 1_010):
        checkpoint = oracle.chain.evm.snapshot()
        oracle.answer(second, answer)
        oracle.own(*call)
        assert oracle.price(asset) == answer
        oracle.chain.evm.revert(checkpoint)
    oracle.advance(MAX_AGE + 1)
    oracle.answer(second, 5_000)
    oracle.own(*call)
    assert oracle.price(asset) == 5_000


@pytest.mark.parametrize("decimals", [0, 6, 8, 18, 24, 36])
def test_an_answer_is_scaled_from_the_decimals_of_its_aggregator(decimals: int) -> None:
    oracle = Oracle()
    source = oracle.aggregator(decimals)
    oracle.answer(source, 1_234 * 10**decimals + 10**decimals // 2, updated_at=START - 5)
    half = WAD // 2 if decimals else 0
    assert oracle.price(oracle.sol) == 1_234 * WAD + half
    assert oracle.latest(oracle.sol) == (1_234 * WAD + half, START - 5)
    assert oracle.contract.call("feed", oracle.sol) == (
        MAX_AGE,
        (1_234 * WAD + half, START - 5, 7),
    )


def test_an_aggregator_has_at_most_36_decimals() -> None:
    with pytest.raises(Exception, match="oracle: bad decimals"):
        Oracle().aggregator(37)


@pytest.mark.parametrize(
    ("answer", "parts", "refusal"),
    [
        (0, {}, "oracle: price not positive"),
        (-1, {}, "oracle: price not positive"),
        (-(2**255), {}, "oracle: price not positive"),
        (2**255 - 1, {}, "oracle: price too large"),
        (2**192 // 10**10 + 1, {}, "oracle: price too large"),
        (10**8, {"updated_at": 0}, "oracle: incomplete round"),
        (10**8, {"answered_in": 6}, "oracle: incomplete round"),
        (10**8, {"updated_at": START + 1}, "oracle: future round"),
        (10**8, {"updated_at": START - MAX_AGE - 1}, "oracle: stale"),
    ],
)
def test_refuses_an_answer_that_cannot_be(answer: int, parts: dict[str, int], refusal: str) -> None:
    oracle = Oracle()
    source = oracle.aggregator(8)
    oracle.answer(source, answer, **parts)
    assert oracle.refusal(oracle.price, oracle.sol) == refusal
    oracle.answer(source, 10**8, updated_at=START - MAX_AGE)
    assert oracle.price(oracle.sol) == WAD


@settings(max_examples=80, deadline=None)
@given(
    st.integers(-(2**255), 2**255 - 1),
    st.integers(0, 2**256 - 1),
    st.sampled_from([0, 8, 18, 36]),
    st.booleans(),
)
def test_looking_never_fails(answer: int, updated_at: int, decimals: int, broken: bool) -> None:
    """`latest` answers for any round an aggregator may give, and for one that fails."""
    oracle = Oracle()
    source = oracle.aggregator(decimals)
    oracle.answer(source, answer, updated_at=updated_at)
    source.transact(oracle.owner, "set_broken", broken)
    price = max(answer, 0) * WAD // 10**decimals
    served = 0 < price <= HIGHEST_PRICE and not broken
    assert oracle.latest(oracle.sol) == ((price, updated_at) if served else (0, 0))


def test_looking_at_an_account_without_code_finds_nothing() -> None:
    """An aggregator that destroyed itself, say; and an asset without a feed."""
    oracle = Oracle()
    assert oracle.latest(oracle.sol) == (0, 0)
    source = oracle.aggregator(8)
    oracle.answer(source, 10**8)
    assert oracle.latest(oracle.sol) == (WAD, START)
    gone = Oracle()
    with pytest.raises(Exception, match="no reason given"):  # no decimals to read
        gone.own("add_aggregator", gone.sol, gone.owner, MAX_AGE, 0)


def test_prices_are_refused_while_the_sequencer_is_down_and_some_time_after() -> None:
    oracle = Oracle(reporters=1)
    oracle.report(oracle.reporters[0], 100)
    sequencer = oracle.aggregator(0)
    oracle.answer(sequencer, 0, started_at=0)
    oracle.own("set_sequencer", sequencer.address, 600)
    assert oracle.refusal(oracle.price) == "oracle: grace period"  # its state is not known yet
    oracle.answer(sequencer, 1)
    assert oracle.refusal(oracle.price) == "oracle: sequencer down"
    oracle.answer(sequencer, 0)
    oracle.advance(600)
    assert oracle.refusal(oracle.price) == "oracle: grace period"
    assert oracle.latest()[0] == 100
    oracle.advance(1)
    assert oracle.price() == 100
    oracle.answer(sequencer, 1)
    oracle.own("set_sequencer", ZERO_ADDRESS, 0)
    assert oracle.price() == 100
    too_long = (sequencer.address, 7 * 86_400 + 1)
    assert oracle.refusal(oracle.own, "set_sequencer", *too_long) == "oracle: bad grace period"


def test_whatever_the_price_depends_on_is_changed_only_after_the_delay() -> None:
    """All but the first feed of an asset; exactly what was announced, once, unless cancelled."""
    oracle = Oracle()
    source = oracle.aggregator(8)
    guardian = oracle.chain.account("guardian")
    oracle.own("set_guardian", guardian)
    oracle.own("set_delay", 86_400)
    eth, usdc = oracle.chain.account("ETH"), oracle.chain.account("USDC")
    oracle.own("add_feed", eth, MAX_AGE, 0)
    oracle.own("add_aggregator", usdc, source.address, MAX_AGE, 0)
    for call in (
        ("add_feed", oracle.btc, MAX_AGE, 0),
        ("add_feed", usdc, MAX_AGE, 0),
        ("add_aggregator", oracle.btc, source.address, MAX_AGE, 0),
        ("add_aggregator", eth, source.address, MAX_AGE, 0),
        ("set_reporter", guardian, True),
        ("set_reporter", oracle.reporters[0], False),
        ("set_quorum", 3),
        ("set_sequencer", source.address, 600),
        ("set_guardian", oracle.owner),
        ("set_delay", 0),
    ):
        announced = keccak(oracle.contract.calldata(*call))
        checkpoint = oracle.chain.evm.snapshot()
        assert oracle.refusal(oracle.own, *call) == "roles: not scheduled"
        oracle.own("schedule", announced)
        oracle.advance(86_399)
        assert oracle.refusal(oracle.own, *call) == "roles: too early"
        oracle.advance(1)
        waited = oracle.chain.evm.snapshot()
        oracle.contract.transact(guardian, "cancel", announced)
        assert oracle.refusal(oracle.own, *call) == "roles: not scheduled"
        oracle.chain.evm.revert(waited)
        oracle.own(*call)
        oracle.chain.evm.revert(checkpoint)


def test_only_the_owner_sets_terms() -> None:
    oracle = Oracle()
    outsider = oracle.chain.account("outsider")
    source = oracle.aggregator(8)
    for function, *arguments in (
        ("add_feed", oracle.btc, MAX_AGE, 0),
        ("add_aggregator", oracle.btc, source.address, MAX_AGE, 0),
        ("set_reporter", outsider, True),
        ("set_quorum", 1),
        ("set_sequencer", ZERO_ADDRESS, 0),
    ):
        refused = oracle.refusal(oracle.contract.transact, outsider, function, *arguments)
        assert refused == "roles: not the owner"


# --------------------------------------------------------------------------------------- PriceFeed


@pytest.mark.parametrize("decimals", [0, 6, 8, 18, 24, 36])
def test_a_price_feed_serves_the_oracles_price_in_its_decimals(decimals: int) -> None:
    oracle = Oracle(reporters=1)
    feed = oracle.new(load("PriceFeed"), oracle.contract.address, oracle.btc, decimals, "BTC/USD")
    assert feed.call("latestAnswer") == 0
    assert oracle.refusal(feed.call, "latestRoundData") == "No data present"
    oracle.report(oracle.reporters[0], 30_000 * WAD + WAD // 4, 9)
    answer = (30_000 * 4 + 1) * 10**decimals // 4
    assert feed.call("latestRoundData") == (1, answer, START - 9, START - 9, 1)
    assert feed.call("getRoundData", 1) == feed.call("latestRoundData")
    for unknown in (0, 2):
        assert oracle.refusal(feed.call, "getRoundData", unknown) == "No data present"
    assert (feed.call("latestAnswer"), feed.call("latestTimestamp")) == (answer, START - 9)
    assert (feed.call("latestRound"), feed.call("decimals")) == (1, decimals)
    assert (feed.call("description"), feed.call("version")) == ("BTC/USD", 1)
    # and another oracle reads it as the aggregator it is
    reader = oracle.new(load("PriceOracle"), oracle.owner)
    reader.transact(oracle.owner, "add_aggregator", oracle.sol, feed.address, MAX_AGE, DEVIATION)
    assert reader.call("price", oracle.sol) == answer * WAD // 10**decimals
    oracle.advance(MAX_AGE - 8)
    assert oracle.refusal(reader.call, "price", oracle.sol) == "oracle: stale"
    assert feed.call("latestAnswer") == answer


def test_a_price_feed_has_at_most_36_decimals() -> None:
    oracle = Oracle()
    with pytest.raises(Exception, match="feed: bad decimals"):
        oracle.new(load("PriceFeed"), oracle.contract.address, oracle.btc, 37, "BTC/USD")
