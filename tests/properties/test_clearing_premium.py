"""What moving the skew costs and moving it back earns (SPEC §3.3), on the compiled bytecode.

Market 0 has K = 500, S = 12 and B = K mmr / 2 = 12.5; funding is off, an advance of time is a new
block at the same index. The premium rate at skew k is I clamp(k, ±B) / K, its integral from 0 the
potential.
"""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from tests.properties.revm_venue import CASH_UNIT, Margin, RevmVenue, wad
from tests.properties.test_clearing_properties import DUST, examples
from tests.reference.integers import WAD

PEOPLE = ("trader", "hedger", "liquidator", "bystander")
SCALE, BOUND, LIMIT = 500, Fraction(25, 2), 12
BLOCK = 12  # seconds
RICH = 10**8 * 10**6  # raw USDC

people = st.sampled_from(PEOPLE)
# Skews that orders lead to, percent of S. Whoever reduces may go beyond it.
targets = st.integers(-100, 100)
orders = st.tuples(people, targets)
# The skew before, in S: up to 1 by opening, beyond by reductions of the other side.
starts = st.integers(-350, 350).map(lambda percent: Fraction(percent, 100))
ratios = st.integers(-60, 99).map(lambda percent: Fraction(percent, 100))


def skew(venue: RevmVenue) -> int:
    return int(venue.get("last_market_state", 0)[0])


def pool(venue: RevmVenue) -> int:
    return int(venue.get("premium_pool", 0))


def rate(venue: RevmVenue, size: int) -> Fraction:
    """Premium of the next base unit at this skew, in USDC."""
    clamped = max(-BOUND, min(Fraction(size, WAD), BOUND))
    return venue.prices["BTC"] * clamped / SCALE


def potential(venue: RevmVenue, size: int) -> Fraction:
    """What the premium rate integrates to from no skew to this one, USDC WAD."""
    k = abs(Fraction(size, WAD))
    doubled = k * k if k <= BOUND else BOUND * (2 * k - BOUND)
    return venue.prices["BTC"] * doubled / (2 * SCALE) * WAD


def conserved(venue: RevmVenue) -> bool:
    """Whether the cash of all, the maker's, the insurance's and the pools are the USDC held."""
    owed = sum(venue.get("cash", venue.account(name, sub)) for name in PEOPLE for sub in (0, 1))
    owed += sum(venue.get("maker_cash", m) for m in (0, 1)) + venue.get("insurance_fund")
    owed += sum(venue.get("premium_pool", m) for m in range(len(venue.venue.markets)))
    held = venue.get("collateral_held", 0)
    return bool(owed == held * CASH_UNIT and held == venue.token_balance("USDC"))


def move(venue: RevmVenue, name: str, percent: int) -> tuple[int, int]:
    """An order that would lead the skew there; (size, premium paid), zeros when it is refused."""
    size, before = percent * LIMIT * WAD // 100 - skew(venue), pool(venue)
    if not size:
        return 0, 0
    refused = venue.trade(name, 0, size)
    event(f"order: {refused or 'done'}")
    assert refused in ("", "clearing: inventory limit", "clearing: open interest cap")
    assert conserved(venue)
    return (0, 0) if refused else (size, pool(venue) - before)


def opened(start: Fraction) -> RevmVenue:
    """Everybody rich and the skew at ``start`` S, where reductions have led it if beyond S."""
    venue = RevmVenue(funding=False)
    for name in PEOPLE:
        venue.deposit(name, RICH)
    side, (whole, left) = 1 if start > 0 else -1, divmod(abs(start), 1)
    way: list[tuple[str, int | Fraction]] = [("trader", 1), ("hedger", -1)] * int(whole)
    way += [("trader", left), ("hedger", whole)]
    for name, sides in way:  # each in a block of its own, so that the pool holds the claim
        if sides:
            assert not venue.trade(name, 0, wad(side * LIMIT * sides))
            venue.advance(BLOCK)
    assert skew(venue) == wad(start * LIMIT)
    return venue


@examples(60)
@given(
    start=starts,
    owned=st.sets(people, min_size=1),
    block=st.lists(orders, min_size=2, max_size=8),
)
def test_whoever_ends_a_block_where_he_began_has_got_no_premium(
    start: Fraction, owned: set[str], block: list[tuple[str, int]]
) -> None:
    """Accounts of one owner, others trading in between, at a fixed index.

    No order of a block is better than the marginal price at its opening skew, so that premiums
    are at least that rate times the size, and what sums to no size sums to no gain.
    """
    venue = opened(start)
    marginal, net, paid = rate(venue, skew(venue)), 0, 0
    for name, percent in block:
        size, premium = move(venue, name, percent)
        assert premium >= marginal * size
        if name in owned:
            net, paid = net + size, paid + premium
    assert venue.get("opening_skew", 0) in (0, wad(start * LIMIT), skew(venue))
    last, before = min(owned), pool(venue)
    assume(not net or not venue.trade(last, 0, -net))
    paid += pool(venue) - before
    event("a gain was possible" if net else "no order was left open")
    assert paid >= 0
    assert conserved(venue)


@examples(60)
@given(
    start=starts,
    blocks=st.lists(st.lists(orders, min_size=1, max_size=3), min_size=2, max_size=5),
)
def test_the_pool_holds_what_closing_the_skew_would_earn(
    start: Fraction, blocks: list[list[tuple[str, int]]]
) -> None:
    """After any orders in any blocks, at one index and one depth: to the last unit."""
    venue = opened(start)
    assert pool(venue) >= potential(venue, skew(venue))
    for block in blocks:
        venue.advance(BLOCK)
        for name, percent in block:
            before = potential(venue, skew(venue))
            size, premium = move(venue, name, percent)
            assert premium >= potential(venue, skew(venue)) - before
            assert pool(venue) >= potential(venue, skew(venue))
            if len(block) == 1 and size:  # nobody else: the potential and nothing more
                event("alone in its block")
                assert premium <= potential(venue, skew(venue)) - before + DUST


@examples(40)
@given(start=starts.filter(bool), rise=st.integers(100, 300), stops=st.sets(st.integers(1, 99)))
def test_a_pool_too_small_is_shared_by_what_each_takes_back(
    start: Fraction, rise: int, stops: set[int]
) -> None:
    """After a rise of the index: closing in any pieces leaves the others their part of it."""
    venue = opened(start)
    venue.report(BTC=venue.prices["BTC"] * rise / 100)
    whole, held, opening = potential(venue, skew(venue)), pool(venue), skew(venue)
    closers = ("trader", "hedger") if start > 0 else ("hedger", "trader")
    for stop in [*sorted(stops, reverse=True)[:4], 0]:
        venue.advance(BLOCK)
        size = opening * stop // 100 - skew(venue)
        name = next(n for n in (*closers, "trader") if venue.size(venue.account(n), 0) * size < 0)
        assert not venue.trade(name, 0, size)
        left = held * potential(venue, skew(venue)) / whole
        # The pool may hold a little more than the claim at the old index: rounding for it.
        assert left <= pool(venue) <= left + DUST * (1 + len(stops))
        assert conserved(venue)


@examples(40)
@given(
    longs=st.lists(people, min_size=2, max_size=6),
    limits=st.tuples(st.integers(0, 12), st.integers(0, 40), st.integers(50, 500)),
    closing=st.lists(st.tuples(people, st.integers(1, 100)), min_size=3, max_size=10),
    paused=st.booleans(),
)
def test_a_reduction_fills_at_any_skew(
    longs: list[str],
    limits: tuple[int, int, int],
    closing: list[tuple[str, int]],
    paused: bool,
) -> None:
    """Neither the inventory limit nor caps, lowered to nothing behind it, nor a pause refuse it."""
    venue = RevmVenue(funding=False)
    for name in PEOPLE:
        venue.deposit(name, RICH)
    for name in longs:  # sides of up to 72: what does not fit is refused
        venue.trade(name, 0, LIMIT * WAD)
        venue.trade(next(n for n in PEOPLE if n != name), 0, -LIMIT * WAD)
    terms = list(venue.get("market", 0))
    most, interest, scale = limits
    terms[1], terms[5], terms[7] = scale * WAD, max(most, 1) * WAD // 10, interest * WAD // 10
    venue.do("owner", "set_market", 0, tuple(terms))
    if paused:
        venue.do("owner", "pause")
    furthest = 0
    for name, percent in (*closing, *((name, 100) for name in PEOPLE)):
        size = venue.size(venue.account(name), 0) * percent // 100
        if size:
            assert venue.trade(name, 0, -size) == ""
            furthest = max(furthest, abs(skew(venue)))
            assert conserved(venue)
    event(f"skew reached {furthest // LIMIT // WAD} S")
    assert skew(venue) == 0


def unhealthy(venue: RevmVenue, size: int, percent: int) -> int:
    """The bystander long or short in both markets; then SOL moves and its margin is short."""
    account = venue.account("bystander")
    venue.deposit("bystander", 60_000 * 10**6)
    assert not venue.trade("bystander", 0, size)
    assert not venue.trade("bystander", 1, wad(venue.capacity(account, 1) / 3))
    assume(venue.squeeze(account, 1, Fraction(percent, 100)))
    margin = venue.margin(account)
    assume(0 < margin.equity < margin.maintenance)
    return account


@examples(40)
@given(
    side=st.sampled_from([1, -1]),
    ratio=st.integers(101, 130),
    blocks=st.lists(st.lists(targets, min_size=1, max_size=3), min_size=1, max_size=4),
    victim=st.tuples(st.sampled_from([1, -1]), st.integers(10, 95)),
)
def test_a_crowd_is_not_liquidated_by_the_skew_alone(
    side: int, ratio: int, blocks: list[list[int]], victim: tuple[int, int]
) -> None:
    """At leverage of up to 20, whatever others trade or are liquidated for, the index standing."""
    venue = RevmVenue(funding=False)
    venue.deposit("hedger", RICH)
    crowd = [venue.account("trader", sub) for sub in (0, 1)]
    for sub, account in enumerate(crowd):
        venue.deposit("trader", 10_000 * 10**6, sub=sub)
        size = wad(venue.capacity(account, 0) * Fraction(80, 100)) * side
        assert not venue.trade("trader", 0, size, sub)
    for _ in range(3):  # the requirement follows the index too
        assume(venue.squeeze(crowd[0], 0, Fraction(ratio, 100)))
    loser = unhealthy(venue, victim[0] * WAD, victim[1])
    before = [venue.margin(account) for account in crowd]
    assume(all(margin.equity >= margin.maintenance for margin in before))
    event(f"leverage {20 * before[0].maintenance // before[0].equity}")

    def unmoved() -> None:
        assert [venue.margin(account) for account in crowd] == before
        for account in crowd:
            refused = venue.attempt("liquidator", "liquidate", account, 0)
            assert refused == "clearing: not liquidatable"

    for number, block in enumerate(blocks):
        for percent in block:
            size = percent * LIMIT * WAD // 100 - skew(venue)
            if size:
                assert venue.trade("hedger", 0, size) in ("", "clearing: inventory limit")
            unmoved()
        if number == len(blocks) // 2:
            assert not venue.attempt("liquidator", "liquidate", loser, 0)
            unmoved()
        venue.advance(BLOCK)
        unmoved()


def no_worse(before: Margin, after: Margin) -> bool:
    """Whether equity over maintenance has not fallen, as far as there is any equity."""
    if before.equity <= 0:
        return after.equity >= before.equity - DUST
    slack = DUST * before.maintenance
    return after.equity * before.maintenance >= before.equity * after.maintenance - slack


@examples(80)
@given(
    side=st.sampled_from([1, -1]),
    percent=targets,
    weth=st.integers(0, 5),
    ratio=ratios,
    later=st.booleans(),
)
def test_the_premium_of_a_liquidation_never_lowers_the_margin_ratio(
    side: int, percent: int, weth: int, ratio: Fraction, later: bool
) -> None:
    """Without a spread, which alone can: premium and penalty come out of what the close frees."""
    venue = RevmVenue(funding=False)
    terms = list(venue.get("market", 0))
    terms[2] = 0
    venue.do("owner", "set_market", 0, tuple(terms))
    venue.deposit("hedger", RICH)
    account = venue.account("trader")
    venue.deposit("trader", 15_000 * 10**6)
    venue.deposit("trader", weth * WAD, collateral=1)
    assert not venue.trade("trader", 0, wad(venue.capacity(account, 0) * side * Fraction(8, 10)))
    size = percent * LIMIT * WAD // 100 - skew(venue)
    assume(size and not venue.trade("hedger", 0, size))
    assume(venue.squeeze(account, 0, ratio))
    if later:
        venue.advance(BLOCK)
    before, held, towards = venue.margin(account), pool(venue), skew(venue) * side
    assume(before.equity < before.maintenance)
    venue.do("liquidator", "liquidate", account, 0)
    after, paid = venue.margin(account), pool(venue) - held
    event("paid" if paid > 0 else "received" if paid < 0 else "none")
    assert no_worse(before, after)
    if before.equity <= 0:
        assert paid <= 0
    if towards <= 0:
        assert paid >= 0  # it leads the skew out


@examples(40)
@given(
    side=st.sampled_from([1, -1]),
    percent=targets,
    ratio=st.integers(5, 60),
    turns=st.permutations([0, 1, 2, 3, 0, 1]),
)
def test_liquidations_of_a_block_push_the_skew_out_by_no_more_than_the_bound(
    side: int, percent: int, ratio: int, turns: list[int]
) -> None:
    """A crowd of up to 4 S in one direction, all of them unhealthy at once."""
    venue = RevmVenue(funding=False)
    venue.deposit("hedger", RICH)
    crowd = [(name, sub) for name in ("trader", "bystander") for sub in (0, 1)]
    for name, sub in crowd:
        venue.deposit(name, 24_000 * 10**6, sub=sub)
        key = venue.account(name, sub)
        size = min(wad(venue.capacity(key, 0) * Fraction(80, 100)), LIMIT * WAD)
        assert not venue.trade(name, 0, side * size, sub)
        assert not venue.trade("hedger", 0, -skew(venue))
    assert not percent or not venue.trade("hedger", 0, percent * LIMIT * WAD // 100)
    assume(venue.squeeze(venue.account(*crowd[0]), 0, Fraction(ratio, 100)))
    keys = [venue.account(*member) for member in crowd]
    while any(venue.size(key, 0) for key in keys):
        venue.advance(BLOCK)
        opening, raised, refused = abs(skew(venue)), 0, []
        for turn in turns:
            key, before = keys[turn], abs(skew(venue))
            refused.append(venue.attempt("liquidator", "liquidate", key, 0))
            raised += max(abs(skew(venue)) - before, 0)
        event(" and ".join(sorted({text or "done" for text in refused})))
        assert raised <= BOUND * WAD
        assert abs(skew(venue)) <= opening + BOUND * WAD
        if "" not in refused:
            break


@examples(40)
@given(start=starts, fall=st.integers(40, 250), scale=st.integers(200, 500))
def test_the_sweep_leaves_the_claim_of_the_skew(start: Fraction, fall: int, scale: int) -> None:
    """What a change of depth gives the maker is the surplus at the old depth, to the unit."""
    venue = opened(start)
    venue.report(BTC=venue.prices["BTC"] * fall / 100)
    claim, held, maker = potential(venue, skew(venue)), pool(venue), venue.get("maker_cash", 0)
    assume(scale != SCALE)
    refused = venue.attempt("owner", "set_skew_scale", 0, scale * WAD)
    if refused:
        assert refused in ("clearing: inventory limit", "clearing: bad parameter")
        assert pool(venue) == held
        return
    event("surplus" if held > claim else "short of the claim")
    least = min(Fraction(held), claim)
    assert least - DUST <= pool(venue) <= least
    assert venue.get("maker_cash", 0) - maker == held - pool(venue)
    assert conserved(venue)


def claims(venue: RevmVenue) -> Fraction:
    """What all who take the skew back can be paid for, USDC WAD: the potential less the unpaid."""
    unpaid = venue.prices["BTC"] * Fraction(venue.get("unpaid_premium", 0), 2 * SCALE * WAD)
    return potential(venue, skew(venue)) - unpaid


def takeable(venue: RevmVenue) -> Fraction:
    return min(claims(venue), Fraction(pool(venue)))


def owned_victim(side: int, start: int, ratio: Fraction) -> RevmVenue:
    """The trader's isolated account: short where the skew is long, its margin nearly gone.

    Others have made the skew, ``start`` percent of S. A new block begins.
    """
    venue = RevmVenue(funding=False)
    for name in PEOPLE:
        venue.deposit(name, RICH)
    account = venue.account("trader", 1)
    venue.deposit("trader", 18_000 * 10**6, sub=1)
    size = wad(venue.capacity(account, 0) * Fraction(8, 10))
    assert not venue.trade("trader", 0, -side * size, 1)
    venue.advance(BLOCK)
    assert not venue.trade("hedger", 0, side * start * LIMIT * WAD // 100 - skew(venue))
    venue.advance(BLOCK)
    assume(venue.squeeze(account, 0, ratio))
    assume(venue.margin(account).equity < venue.margin(account).maintenance)
    return venue


@examples(80)
@given(
    side=st.sampled_from([1, -1]),
    start=st.integers(1, 100),
    ratio=st.integers(-40, 99).map(lambda percent: Fraction(percent, 100)),
    before=st.lists(st.integers(100, 300), max_size=2),
    after=st.lists(st.integers(-100, 300), max_size=4),
)
def test_a_premium_that_a_liquidation_cannot_pay_is_nobodys_to_earn(
    side: int, start: int, ratio: Fraction, before: list[int], after: list[int]
) -> None:
    """Its owner's other account trades in the same block, and takes the skew back at its end.

    Together they have paid at least what they got, and the others can be paid what they could.
    """
    venue = owned_victim(side, start, ratio)
    account, opening = venue.account("trader", 1), skew(venue)
    held, could = pool(venue), takeable(venue)

    def lead(percent: int) -> None:
        size = opening * percent // 100 - skew(venue)
        if size:
            refused = venue.trade("trader", 0, size)
            assert refused in ("", "clearing: inventory limit", "clearing: open interest cap")

    for percent in before:
        lead(percent)
    venue.do("liquidator", "liquidate", account, 0)
    event("premium unpaid" if venue.get("unpaid_premium", 0) else "premium paid")
    for percent in after:
        lead(percent)
        assert claims(venue) >= 0
    lead(100)
    assume(skew(venue) == opening)
    assert pool(venue) >= held
    assert takeable(venue) >= could
    assert conserved(venue)
    venue.advance(BLOCK)
    # The others close: nothing of theirs is missing.
    for name in ("hedger", "trader", "hedger"):
        size = venue.size(venue.account(name), 0)
        if size * skew(venue) > 0:
            most = min(abs(size), abs(skew(venue)))
            assert not venue.trade(name, 0, -most if size > 0 else most)
    assert held - pool(venue) <= could + DUST


@examples(40)
@given(
    side=st.sampled_from([1, -1]),
    start=st.integers(1, 100),
    ratio=st.integers(-40, 40).map(lambda percent: Fraction(percent, 100)),
    stops=st.lists(st.integers(0, 99), min_size=1, max_size=4),
    scale=st.sampled_from([SCALE, 450, 400]),
)
def test_what_is_unpaid_is_worked_off_before_anybody_earns(
    side: int, start: int, ratio: Fraction, stops: list[int], scale: int
) -> None:
    """Over blocks, through a change of depth: the first way home is free, then all claims are met.

    At zero nothing is left unpaid, and the pool has paid what had been paid for and no more.
    """
    venue = owned_victim(side, start, ratio)
    venue.do("liquidator", "liquidate", venue.account("trader", 1), 0)
    unpaid = venue.get("unpaid_premium", 0)
    assume(unpaid)
    top = skew(venue)
    if scale != SCALE:
        refused = venue.attempt("owner", "set_skew_scale", 0, scale * WAD)
        assert refused in ("", "clearing: inventory limit")
    for stop in [*sorted(stops, reverse=True), 0]:
        venue.advance(BLOCK)
        here, held = skew(venue), pool(venue)
        size = top * stop // 100 - here
        if size:
            assert not venue.trade("bystander", 0, size)
            worked_off = unpaid - venue.get("unpaid_premium", 0)
            assert worked_off >= 0
            if venue.get("unpaid_premium", 0):
                assert pool(venue) == held
            unpaid -= worked_off
    assert venue.get("unpaid_premium", 0) == 0
    assert conserved(venue)


# ------------------------------------------------------------------------- terms that move B


def set_phi(venue: RevmVenue, phi: int) -> str:
    """The floor of portfolio margin, under which every market's B is K phi mmr / 2."""
    parameters = list(venue.get("parameters"))
    parameters[4:6] = [phi, WAD]
    return venue.attempt("owner", "set_parameters", tuple(parameters))


def claim_now(venue: RevmVenue) -> Fraction:
    """What closing the skew would earn at the B of now, USDC WAD."""
    scale, mmr = (Fraction(venue.get("market", 0)[i], WAD) for i in (1, 6))
    bound = scale * Fraction(venue.get("parameters")[4], WAD) * mmr / 2
    k = abs(Fraction(skew(venue), WAD))
    doubled = k * k if k <= bound else bound * (2 * k - bound)
    return venue.prices["BTC"] * doubled / (2 * scale) * WAD


@pytest.mark.parametrize("start", [3, -2])
@pytest.mark.parametrize("what", ["phi", "phi by a ramp", "mmr by a ramp"])
def test_the_maker_gets_the_surplus_before_b_moves(start: int, what: str) -> None:
    """Of what the pool holds no more than the claim at the old B is left to who comes back."""
    venue = opened(Fraction(start))
    if what == "phi by a ramp":
        assert set_phi(venue, 6 * WAD // 10) == ""
        assert set_phi(venue, WAD) == ""
    if what == "mmr by a ramp":
        terms = list(venue.get("market", 0))
        terms[6] *= 2
        venue.do("owner", "set_market", 0, tuple(terms))
    venue.advance(3_600)
    venue.report(BTC=venue.prices["BTC"] * Fraction(7, 10))
    claim, held, maker = claim_now(venue), pool(venue), venue.get("maker_cash", 0)
    assert held > claim
    if what == "phi":
        assert set_phi(venue, 6 * WAD // 10) == ""
    else:
        venue.do("bystander", "tighten", 17 if what == "phi by a ramp" else 0)
    assert claim_now(venue) != claim
    assert claim - DUST <= pool(venue) <= claim
    assert venue.get("maker_cash", 0) - maker == held - pool(venue)
    assert conserved(venue)


def test_a_market_whose_feed_has_stopped_holds_up_no_change_of_phi() -> None:
    venue = opened(Fraction(3))
    assert not venue.trade("bystander", 1, -WAD)
    venue.silence("BTC")
    held, other = pool(venue), venue.get("premium_pool", 1)
    venue.report(SOL=venue.prices["SOL"] / 2)
    assert set_phi(venue, 6 * WAD // 10) == ""
    assert venue.get("parameters")[4] == 6 * WAD // 10
    assert pool(venue) == held
    assert venue.get("premium_pool", 1) < other
