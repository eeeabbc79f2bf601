"""A market is wound down and settled, and everybody gets what there is (SPEC §3.7)."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import product
from random import Random

import pytest

from tests.properties.revm_venue import CASH_UNIT, HIGHEST, Margin, RevmVenue, wad
from tests.properties.test_clearing_portfolio import portfolio_venue
from tests.reference.integers import WAD

USDC = 10**6
DAY = 86_400
NOTICE, FEED_WAIT, HEDGE_GRACE = 7 * DAY, 3 * DAY, DAY
BTC, SOL = 0, 1
CROWD = ("trader", "hedger", "bystander", "ann", "ben", "cyd", "dan", "eve")


def rich(venue: RevmVenue, *names: str) -> None:
    """Tokens and allowances for actors the venue does not come with."""
    for name, symbol in product(names, ("USDC", "WETH")):
        token, actor = venue._contracts[symbol], venue.address(name)
        token.transact(venue.address("owner"), "mint", actor, 10**24)
        token.transact(actor, "approve", venue.addresses["clearing"], HIGHEST)


def silent(venue: RevmVenue, seconds: int, *dead: str) -> None:
    """Time passes; the feeds named do not report at its end."""
    venue.silent = set(dead)
    venue.advance(seconds)
    venue.silent = set()


def settled(venue: RevmVenue, market: int = BTC) -> int:
    """Announced, waited for, and settled by a stranger."""
    venue.do("owner", "wind_down", market)
    venue.advance(NOTICE)
    return int(venue.do("bystander", "settle_market", market))


def pair(venue: RevmVenue, size: int = WAD) -> None:
    """A long and a short of as much, with plenty of margin."""
    for actor, signed in (("trader", size), ("hedger", -size)):
        venue.deposit(actor, 10**6 * USDC)
        assert venue.trade(actor, BTC, signed) == ""


def accounted(venue: RevmVenue, accounts: Iterable[int]) -> int:
    """Cash of accounts, makers, pools and insurance, WAD."""
    markets = range(len(venue.venue.markets))
    return sum(int(venue.get("cash", a)) for a in accounts) + int(
        sum(venue.get("maker_cash", m) + venue.get("premium_pool", m) for m in markets)
        + venue.get("insurance_fund")
    )


# --------------------------------------------------------------------------------------- wind-down


def test_a_market_that_winds_down_is_only_reduced() -> None:
    """No growth, no flip, nobody new; reductions fill at the price they would have had."""
    venue = RevmVenue(funding=False)
    pair(venue)
    checkpoint = venue.chain.evm.snapshot()
    usual = venue.do("trader", "trade", 0, BTC, -WAD // 2, 0)
    venue.chain.evm.revert(checkpoint)
    venue.do("owner", "wind_down", BTC)
    due = venue.chain.time() + NOTICE
    assert tuple(venue.get("settlement", BTC)) == (0, due, False, 0)
    for size in (1, -WAD - 1):
        assert venue.trade("trader", BTC, size) == "clearing: winding down"
    assert venue.trade("bystander", BTC, WAD) == "clearing: winding down"
    assert venue.do("trader", "trade", 0, BTC, -WAD // 2, 0) == usual
    assert venue.trade("trader", BTC, -WAD // 2) == ""
    assert venue.trade("trader", SOL, WAD) == ""  # another market is another matter
    assert venue.attempt("owner", "wind_down", BTC) == "clearing: winding down"
    assert venue.attempt("owner", "wind_down", 2) == "clearing: wrong market"
    assert venue.attempt("trader", "wind_down", SOL) == "roles: not the owner"


def test_accounts_are_liquidated_in_a_market_that_winds_down() -> None:
    venue = RevmVenue(funding=False)
    venue.deposit("trader", 3_000 * USDC)
    assert venue.trade("trader", BTC, WAD) == ""
    venue.do("owner", "wind_down", BTC)
    venue.report(BTC=Fraction(28_000))
    venue.do("liquidator", "liquidate", venue.account("trader"), BTC)
    assert venue.size(venue.account("trader"), BTC) < WAD


def test_it_is_settled_no_earlier_than_announced_and_once() -> None:
    venue = RevmVenue(funding=False)
    pair(venue)
    account = venue.account("trader")
    assert venue.attempt("owner", "settle_market", BTC) == "clearing: too soon"
    assert venue.attempt("owner", "settle_market", 2) == "clearing: wrong market"
    venue.do("owner", "wind_down", BTC)
    venue.advance(NOTICE - 1)
    assert venue.attempt("owner", "settle_market", BTC) == "clearing: too soon"
    assert venue.attempt("trader", "settle_position", account, BTC) == "clearing: too soon"
    venue.advance(1)
    assert venue.do("bystander", "settle_market", BTC) == wad(venue.prices["BTC"])
    venue.report(BTC=Fraction(1))
    assert venue.attempt("owner", "settle_market", BTC) == "clearing: settled"
    assert venue.get("settlement", BTC)[0] == wad(Fraction(30_000))
    assert venue.trade("trader", BTC, -WAD) == "clearing: settled"
    assert venue.attempt("liquidator", "liquidate", account, BTC) == "clearing: settled"
    terms = tuple(venue.get("market", BTC))
    assert venue.attempt("owner", "set_market", BTC, terms) == "clearing: settled"
    venue.do("trader", "settle_position", account, BTC)
    assert venue.attempt("trader", "settle_position", account, BTC) == "clearing: no position"


# --------------------------------------------------------------------------------------- the price


@pytest.mark.parametrize("seconds", [0, FEED_WAIT - 1])
def test_a_feed_that_is_silent_for_a_while_fixes_no_price(seconds: int) -> None:
    """Whoever likes its last price cannot use a pause of the feed to be paid by it."""
    venue = RevmVenue(funding=False)
    pair(venue)
    venue.do("owner", "wind_down", BTC)
    silent(venue, NOTICE + seconds, "BTC")
    assert venue.attempt("trader", "settle_market", BTC) == "oracle: stale"
    venue.report(BTC=Fraction(31_000))
    assert venue.do("trader", "settle_market", BTC) == wad(Fraction(31_000))


def test_a_feed_that_speaks_again_is_heard_however_late() -> None:
    venue = RevmVenue(funding=False)
    pair(venue)
    venue.do("owner", "wind_down", BTC)
    silent(venue, NOTICE + 2 * FEED_WAIT, "BTC")
    venue.report(BTC=Fraction(29_000))
    assert venue.do("trader", "settle_market", BTC) == wad(Fraction(29_000))


def test_a_dead_feed_holds_nobody_and_no_margin() -> None:
    """Locked before; settled at its last price, all cross margin is free, whatever it does then."""
    venue = RevmVenue()
    pair(venue, 2 * WAD)
    assert venue.trade("trader", BTC, WAD) == ""
    assert venue.trade("trader", SOL, 10 * WAD) == ""
    venue.advance(DAY)
    funding = venue.get("market_state", BTC)[2]  # up to the last price
    silent(venue, 30 * DAY, "BTC")
    owner, trader = venue.address("owner"), venue.address("trader")
    for call in (("trade", 0, SOL, WAD, HIGHEST), ("withdraw", 0, 0, 1, trader)):
        assert venue.attempt("trader", *call) == "oracle: stale"
    venue.do("owner", "wind_down", BTC)
    silent(venue, NOTICE + FEED_WAIT, "BTC")
    assert venue.get("last_market_state", BTC)[2] > 100 * funding > 0
    assert venue.do("bystander", "settle_market", BTC) == wad(Fraction(30_000))
    # The time in which nobody could leave is not paid for.
    assert tuple(venue.get("market_state", BTC))[1:3] == (0, funding)
    assert venue.attempt("trader", "withdraw", 0, 0, 1, trader) == ""
    assert venue.attempt("trader", "trade", 0, SOL, -10 * WAD, 0) == ""
    accounts = [venue.account(actor) for actor in ("trader", "hedger")]
    for _ in accounts:
        for account in accounts:
            venue.attempt("bystander", "settle_position", account, BTC)
    assert [venue.size(account, BTC) for account in accounts] == [0, 0]
    raw = int(venue.get("maker_cash", BTC)) // CASH_UNIT
    assert venue.attempt("owner", "withdraw_maker", BTC, raw, owner) == ""
    for actor in ("trader", "hedger"):
        left = int(venue.get("cash", venue.account(actor))) // CASH_UNIT
        assert venue.attempt(actor, "withdraw", 0, 0, left, venue.address(actor)) == ""


def test_funding_ends_with_the_market() -> None:
    """It is paid up to the settlement by a live feed, not a second longer."""
    venue = RevmVenue()
    venue.deposit("trader", 10**6 * USDC)
    assert venue.trade("trader", BTC, 10 * WAD) == ""
    settled(venue)
    state = venue.get("market_state", BTC)
    assert state[2] > 0  # a skew of longs: they have paid
    shown = venue.margin(venue.account("trader"))
    venue.advance(30 * DAY)
    assert venue.margin(venue.account("trader")) == shown
    assert tuple(venue.get("market_state", BTC))[:3] == tuple(state)[:3]


# ------------------------------------------------------------------------ who is owed and who pays


def test_a_position_is_settled_at_the_index_and_nothing_else() -> None:
    """Without spread, fee or premium; and what was paid in premiums is not lost."""
    venue = RevmVenue(funding=False)
    pair(venue, 2 * WAD)
    assert venue.trade("trader", BTC, 6 * WAD) == ""
    assert venue.trade("bystander", BTC, 0) == "clearing: zero size"
    venue.deposit("bystander", 10**6 * USDC)
    assert venue.trade("bystander", BTC, 2 * WAD) == ""
    venue.advance(12)
    pool = venue.get("premium_pool", BTC)
    assert pool > 0
    accounts = {actor: venue.account(actor) for actor in ("trader", "hedger", "bystander")}
    before = {a: venue.get("cash", n) for a, n in accounts.items()}
    costs = {a: venue.get("position", n, BTC)[1] for a, n in accounts.items()}
    venue.report(BTC=Fraction(30_010))
    price = settled(venue)
    assert venue.get("premium_pool", BTC) == 0
    parts = {a: venue.get("cash", n) - before[a] for a, n in accounts.items()}
    # The skew of eight was made by the longs, ten in all, and goes back to them by their size.
    claim = 8 * 8 * WAD // (2 * 500) * 30_010
    assert parts["hedger"] == 0
    assert parts["trader"] + parts["bystander"] == pytest.approx(min(pool, claim), rel=1e-12)
    assert parts["trader"] == pytest.approx(4 * parts["bystander"], rel=1e-12)
    for actor in ("hedger", "bystander", "trader"):
        size = venue.size(accounts[actor], BTC)
        gain = venue.do("liquidator", "settle_position", accounts[actor], BTC)
        assert gain == size * price // WAD - costs[actor]
        assert venue.get("cash", accounts[actor]) == before[actor] + parts[actor] + gain


def test_losses_are_taken_before_gains_are_paid() -> None:
    venue = RevmVenue(funding=False)
    pair(venue)
    venue.report(BTC=Fraction(33_000))
    settled(venue)
    winner, loser = venue.account("trader"), venue.account("hedger")
    assert venue.attempt("trader", "settle_position", winner, BTC) == "clearing: losses first"
    venue.do("trader", "settle_position", loser, BTC)
    assert venue.get("settlement", BTC)[2] is False
    assert venue.do("trader", "settle_position", winner, BTC) > 0
    assert venue.get("settlement", BTC)[2] is True


class Crowd:
    """Eight traders at high leverage, an index that jumps, and a maker with little to lose."""

    def __init__(self, seed: int) -> None:
        random = Random(seed)
        self.venue = venue = RevmVenue()
        rich(venue, *CROWD[3:])
        terms = list(venue.get("market", BTC))
        terms[4] = WAD // 100  # or a week of funding would be most of what is lost
        terms[8:10] = [
            random.choice((0, 200 * WAD)),
            random.choice((0, 0, 10_000 * WAD, 10**6 * WAD)),
        ]
        venue.do("owner", "set_market", BTC, tuple(terms))
        self.accounts = [venue.account(actor) for actor in CROWD]
        for actor in CROWD:
            venue.deposit(actor, random.randrange(10_000, 60_000) * USDC)
            if random.random() < 0.3:
                venue.deposit(actor, random.randrange(1, 8) * WAD, 1)
        for _ in range(30):
            actor = random.choice(CROWD)
            market = BTC if random.random() < 0.8 else SOL
            size = random.uniform(-4, 4) * (1 if market == BTC else 200)
            venue.trade(actor, market, int(size * WAD))
            venue.advance(random.choice((0, 12, 3_600)))
            venue.report(BTC=venue.prices["BTC"] * random.randrange(990, 1_011) / 1_000)
        venue.do("owner", "wind_down", BTC)
        venue.advance(NOTICE)
        if random.random() < 0.5:  # no more behind the market than the reserve
            for power in range(44, 0, -1):
                venue.attempt("owner", "withdraw_maker", BTC, 2**power, venue.address("owner"))
        jump = random.choice((-40, -15, -2, 1, 15, 35))
        venue.report(BTC=venue.prices["BTC"] * (100 + jump) / 100)
        self.held = accounted(venue, self.accounts)
        venue.do("bystander", "settle_market", BTC)
        # Whoever is bankrupt is liquidated elsewhere first, or the feed there is silent.
        if random.random() < 0.5:
            self.liquidate()
        silent(venue, HEDGE_GRACE + 1, "SOL")

    def liquidate(self) -> None:
        """In the other market, in as many blocks as it takes."""
        venue = self.venue
        for _ in range(60):
            bankrupt = [
                account
                for account in self.accounts
                if venue.size(account, SOL) and venue.margin(account).value < 0
            ]
            if not bankrupt:
                return
            for account in bankrupt:
                venue.attempt("eve", "liquidate", account, SOL)
            venue.advance(12)
        raise AssertionError("still there")

    def settle(self, order: list[int]) -> tuple[int, ...]:
        """Everybody, going round in an order as long as somebody can be; what all have then."""
        venue = self.venue
        waiting = [a for a in order if venue.size(a, BTC)]
        while waiting:
            left = [a for a in waiting if venue.attempt("eve", "settle_position", a, BTC)]
            assert len(left) < len(waiting)
            waiting = left
        cash = [int(venue.get("cash", a)) for a in self.accounts]
        funds = ("insurance_fund", "bad_debt")
        return (*cash, int(venue.get("maker_cash", BTC)), *(int(venue.get(f)) for f in funds))


SEEDS = range(16)


@pytest.mark.parametrize("seed", SEEDS)
def test_in_whatever_order_everybody_gets_the_same(seed: int) -> None:
    """No money appears or goes; what is paid out is there.

    To a wei for each position: what the maker is worth is rounded down in one or piece by piece.
    """
    crowd, random = Crowd(seed), Random(~seed)
    venue = crowd.venue
    seen = []
    for _ in range(4):
        checkpoint = venue.chain.evm.snapshot()
        order = random.sample(crowd.accounts, len(crowd.accounts))
        seen.append(crowd.settle(order))
        assert accounted(venue, crowd.accounts) == crowd.held
        assert venue.get("last_market_state", BTC)[0] == venue.get("long_interest", BTC) == 0
        assert list(venue.get("holders", BTC)) == []
        # Whatever the gains could make up for they have: the maker owes nobody.
        shortfall, closed = venue.get("settlement", BTC)[3], venue.get("settlement", BTC)[2]
        if closed or not shortfall:
            assert venue.get("maker_cash", BTC) >= -len(crowd.accounts)
        venue.chain.evm.revert(checkpoint)
    for amounts in zip(*seen, strict=True):
        assert max(amounts) - min(amounts) <= len(crowd.accounts)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_position_that_is_settled_moves_nobodys_equity_but_of_gains(seed: int) -> None:
    """Whoever has lost, or has nothing in the market, is worth what he was to the wei.

    Gains fall by their part of what is short, on whichever side they are.
    """
    crowd = Crowd(seed)
    venue, price = crowd.venue, crowd.venue.get("settlement", BTC)[0]

    def gains(account: int) -> bool:
        size, cost, *_ = venue.get("position", account, BTC)
        return bool(size * price // WAD - cost > 0)

    def last(account: int) -> Margin:
        return Margin(*venue.get("last_account_state", account))

    waiting = [a for a in crowd.accounts if venue.size(a, BTC)]
    while waiting:
        before = {a: (gains(a), last(a)) for a in crowd.accounts}
        short = venue.get("settlement", BTC)[3]
        done = next(a for a in waiting if not venue.attempt("eve", "settle_position", a, BTC))
        waiting.remove(done)
        short = venue.get("settlement", BTC)[3] - short
        for account in set(crowd.accounts) - {done}:
            gained, was = before[account]
            now = last(account)
            assert now.maintenance == was.maintenance
            assert was.equity - now.equity <= (short + len(crowd.accounts) if gained else 0)


def test_the_phantom_of_a_shortfall_liquidates_nobody() -> None:
    """A maker at its reserve, one bankrupt: whoever lost beside him stays healthy."""
    venue = RevmVenue(funding=False)
    rich(venue, "ann", "ben", "cyd", "dan")
    venue.deposit("ann", 26_500 * USDC, sub=1)
    venue.deposit("ben", 136_000 * USDC)
    for name in ("cyd", "dan"):
        venue.deposit(name, 300_000 * USDC)
    for name, size, sub in (
        *(("dan", -9, 0), ("ann", 10, 1), ("ben", 10, 0)),
        *(("cyd", -14, 0), ("dan", -9, 0), ("ben", 6, 0)),
    ):
        assert venue.trade(name, BTC, size * WAD, sub) == ""
    assert venue.trade("ben", SOL, -800 * WAD) == ""
    for power in range(44, 0, -1):
        venue.attempt("owner", "withdraw_maker", BTC, 2**power, venue.address("owner"))
    venue.do("owner", "wind_down", BTC)
    venue.advance(NOTICE)
    venue.report(BTC=Fraction(24_000))
    venue.do("cyd", "settle_market", BTC)
    loser, winners = venue.account("ben"), [venue.account(name) for name in ("cyd", "dan")]
    before, worth = venue.margin(loser), sum(venue.margin(winner).value for winner in winners)
    venue.do("eve", "settle_position", venue.account("ann", 1), BTC)
    short = venue.get("settlement", BTC)[3]
    assert short > 15_000 * WAD
    assert venue.margin(loser) == before
    left = sum(venue.margin(winner).value for winner in winners)
    assert worth - left == pytest.approx(short, rel=1e-9)
    assert venue.attempt("eve", "liquidate", loser, SOL) == "clearing: not liquidatable"


def test_the_crowds_meet_debts_and_shortfalls() -> None:
    """The test above is worth something only if there are some."""
    debts, shortfalls = [], []
    for seed in SEEDS:
        crowd = Crowd(seed)
        crowd.settle(crowd.accounts)
        debts.append(crowd.venue.get("bad_debt") > 0)
        shortfalls.append(crowd.venue.get("settlement", BTC)[3] > 0)
    assert sum(debts) >= 4
    assert len(debts) - sum(debts) >= 2
    assert sum(shortfalls) >= 4


def debtor(venue: RevmVenue) -> None:
    """A long that loses more than it has, to two shorts, with nothing behind the market."""
    terms = list(venue.get("market", BTC))
    terms[8:10] = [0, 0]
    venue.do("owner", "set_market", BTC, tuple(terms))
    venue.deposit("trader", 10_000 * USDC)
    assert venue.trade("trader", BTC, 3 * WAD) == ""
    for actor, size in (("hedger", 2 * WAD), ("bystander", WAD)):
        venue.deposit(actor, 10**6 * USDC)
        assert venue.trade(actor, BTC, -size) == ""
    venue.do("owner", "wind_down", BTC)
    venue.advance(NOTICE)
    venue.report(BTC=Fraction(24_000))
    venue.do("bystander", "settle_market", BTC)


def test_what_losers_cannot_pay_all_gains_bear_alike() -> None:
    """Eighteen thousand lost, some ten thousand paid: each gain by the same part of itself."""
    venue = RevmVenue(funding=False)
    debtor(venue)
    loser = venue.account("trader")
    venue.do("eve", "settle_position", loser, BTC)
    shortfall = venue.get("settlement", BTC)[3]
    assert 8_000 * WAD < shortfall < 8_500 * WAD
    assert venue.get("bad_debt") == shortfall
    assert venue.get("cash", loser) == 0
    price, maker = venue.get("settlement", BTC)[0], venue.get("maker_cash", BTC)
    kept: list[int] = []
    full: list[int] = []
    for actor in ("hedger", "bystander"):
        size, cost, _, _ = venue.get("position", venue.account(actor), BTC)
        full.append(size * price // WAD - cost)
    for actor in ("bystander", "hedger"):
        kept.insert(0, venue.do(actor, "settle_position", venue.account(actor), BTC))
    assert 0 <= sum(full) - sum(kept) - shortfall <= 2
    assert kept[0] * full[1] == pytest.approx(kept[1] * full[0], rel=1e-12)
    assert venue.get("maker_cash", BTC) == maker - sum(kept)


def test_gains_are_shown_as_they_will_be_paid_once_losses_are_taken() -> None:
    venue = RevmVenue(funding=False)
    debtor(venue)
    for actor in ("trader", "hedger"):
        venue.do("eve", "settle_position", venue.account(actor), BTC)
    account = venue.account("bystander")
    shown = venue.margin(account).balance
    venue.do("eve", "settle_position", account, BTC)
    assert venue.get("cash", account) == shown


def test_what_the_maker_lacks_is_borne_as_it_was_shown() -> None:
    """By the size of the side that wins: before, at the settlement and in what is paid."""
    venue = RevmVenue(funding=False)
    actors = ("trader", "bystander")
    for actor, price in zip(actors, (30_000, 31_000), strict=True):
        venue.report(BTC=Fraction(price))
        venue.deposit(actor, 10**6 * USDC)
        assert venue.trade(actor, BTC, 5 * WAD) == ""
    for power in range(44, 0, -1):
        venue.attempt("owner", "withdraw_maker", BTC, 2**power, venue.address("owner"))
    venue.report(BTC=Fraction(36_000))
    venue.do("owner", "wind_down", BTC)
    venue.advance(NOTICE)
    accounts = [venue.account(actor) for actor in actors]
    shown = [venue.margin(account).balance for account in accounts]
    cash = [venue.get("cash", account) for account in accounts]
    gains = [b - c for b, c in zip(shown, cash, strict=True)]
    assert sum(gains) < 25_000 * WAD  # of fifty-five thousand
    assert gains[0] - gains[1] == pytest.approx(5_000 * WAD, rel=0.01)  # what entry is worth
    venue.do("bystander", "settle_market", BTC)
    for account, was, before in zip(accounts, shown, cash, strict=True):
        due = was + venue.get("cash", account) - before  # and the premiums returned
        assert 0 <= due - venue.margin(account).balance <= 10
        venue.do("eve", "settle_position", account, BTC)
        assert 0 <= due - venue.get("cash", account) <= 10
    assert 0 <= venue.get("maker_cash", BTC) < 10


def test_a_market_with_every_seat_taken_is_settled() -> None:
    """Sixty-four positions, half of them losing more than they have."""
    venue = RevmVenue(funding=False)
    names = [f"holder {number}" for number in range(64)]
    rich(venue, *names)
    for number, name in enumerate(names):
        venue.deposit(name, 1_000 * USDC)
        size = (WAD if number % 2 == 0 else -WAD) // 4
        assert venue.trade(name, BTC, size) == ""
    assert len(venue.get("holders", BTC)) == 64
    venue.do("owner", "wind_down", BTC)
    venue.advance(NOTICE)
    venue.report(BTC=Fraction(24_000))
    venue.do("bystander", "settle_market", BTC)
    # A slice that would take a seat: nobody is traded out of a settled market.
    venue.do("trader", "set_slice_consent", venue.address("holder 1"), True)
    part = ("transfer_slice", 0, WAD // 2, venue.address("trader"))
    assert venue.attempt("holder 1", *part) == "clearing: settled"
    accounts = [venue.account(name) for name in names]
    first = accounts[1]
    for account in accounts[::2]:
        assert venue.attempt("eve", "settle_position", first, BTC) == "clearing: losses first"
        venue.do("eve", "settle_position", account, BTC)
    for account in accounts[1::2]:
        venue.do("eve", "settle_position", account, BTC)
    assert list(venue.get("holders", BTC)) == []
    assert venue.get("bad_debt") > 32 * 400 * WAD


def test_the_maker_stays_until_everybody_is_settled() -> None:
    venue = RevmVenue(funding=False)
    pair(venue)
    settled(venue)
    owner = venue.address("owner")
    assert venue.attempt("owner", "withdraw_maker", BTC, 1, owner) == "clearing: settled"
    for actor in ("trader", "hedger"):
        venue.do("eve", "settle_position", venue.account(actor), BTC)
    raw = int(venue.get("maker_cash", BTC)) // CASH_UNIT
    assert (
        venue.attempt("owner", "withdraw_maker", BTC, raw + 1, owner) == "clearing: maker reserve"
    )
    assert venue.attempt("owner", "withdraw_maker", BTC, raw, owner) == ""


# ----------------------------------------------------------------------------- nobody is surprised


def test_settling_a_market_lowers_nobodys_equity() -> None:
    """Nor raises a requirement: whoever may be liquidated after it might have been before."""
    for seed in (1, 5):
        crowd = Crowd.__new__(Crowd)
        random = Random(seed)
        crowd.venue = venue = RevmVenue()
        rich(venue, *CROWD[3:])
        for actor in CROWD:
            venue.deposit(actor, 50_000 * USDC)
            venue.trade(actor, BTC, int(random.uniform(-3, 3) * WAD))
        venue.do("owner", "wind_down", BTC)
        venue.advance(NOTICE)
        before = [venue.margin(venue.account(actor)) for actor in CROWD]
        venue.do("eve", "settle_market", BTC)
        for actor, was in zip(CROWD, before, strict=True):
            now = venue.margin(venue.account(actor))
            assert now.equity >= was.equity
            assert now.maintenance == was.maintenance


def test_no_stranger_takes_a_hedge_that_an_account_needs_on_the_first_day() -> None:
    """Long BTC against short SOL: without the short the account is below maintenance."""
    venue = portfolio_venue()
    venue.deposit("hedger", 35_400 * USDC)
    # The two legs in turn, so that the account never holds much of one alone.
    for _ in range(18):
        assert venue.trade("hedger", BTC, 4 * WAD // 10) == ""
        assert venue.trade("hedger", SOL, -64 * WAD) == ""
    settled(venue, SOL)
    account = venue.account("hedger")
    hedged = venue.margin(account)
    assert hedged.equity > hedged.maintenance
    call = ("settle_position", account, SOL)
    assert venue.attempt("bystander", *call) == "clearing: too soon"
    assert venue.attempt("liquidator", "liquidate", account, BTC) == "clearing: not liquidatable"
    venue.advance(HEDGE_GRACE - 1)
    assert venue.attempt("bystander", *call) == "clearing: too soon"
    checkpoint = venue.chain.evm.snapshot()
    assert venue.attempt("hedger", *call) == ""  # its own affair
    venue.chain.evm.revert(checkpoint)
    venue.advance(1)
    assert venue.attempt("bystander", *call) == ""
    after = venue.margin(account)
    assert after.equity < after.maintenance


def test_a_part_of_a_settled_position_is_handed_over_without_a_price() -> None:
    venue = RevmVenue(funding=False)
    pair(venue)
    settled(venue)
    silent(venue, 30 * DAY, *venue.prices)
    heir = venue.address("heir")
    venue.do("heir", "set_slice_consent", venue.address("trader"), True)
    venue.do("trader", "transfer_slice", 0, WAD // 4, heir)
    accounts = [venue.account(actor) for actor in ("trader", "heir", "hedger")]
    assert [venue.size(a, BTC) for a in accounts] == [3 * WAD // 4, WAD // 4, -WAD]
    total = sum(int(venue.get("cash", a)) for a in accounts[:2])
    gains = [venue.do(a, "settle_position", venue.account(a), BTC) for a in ("heir", "trader")]
    assert sum(int(venue.get("cash", a)) for a in accounts[:2]) == total + sum(gains)


# ------------------------------------------------------------------------------ what has no price


def lossy(*, sol: int = 0) -> RevmVenue:
    """A BTC market settled at a loss that its one long cannot pay in USDC, and nobody backs.

    ``sol``: what the long has in SOL beside it, and then he is solvent by his WETH.
    """
    venue = RevmVenue(funding=False)
    terms = list(venue.get("market", BTC))
    terms[8:10] = [0, 0]
    venue.do("owner", "set_market", BTC, tuple(terms))
    venue.deposit("trader", 30_000 * USDC)
    if sol:
        venue.deposit("trader", 100 * WAD, 1)
        assert venue.trade("trader", SOL, sol * WAD) == ""
    assert venue.trade("trader", BTC, 3 * WAD) == ""
    for actor, size in (("hedger", 2 * WAD), ("bystander", WAD)):
        venue.deposit(actor, 200_000 * USDC)
        assert venue.trade(actor, BTC, -size) == ""
    for power in range(44, 0, -1):  # all that the maker can spare
        venue.attempt("owner", "withdraw_maker", BTC, 2**power, venue.address("owner"))
    venue.do("owner", "wind_down", BTC)
    venue.advance(NOTICE)
    venue.report(BTC=Fraction(12_000))
    venue.do("bystander", "settle_market", BTC)
    return venue


def settling(venue: RevmVenue, *actors: str) -> list[str]:
    """How settling each is refused."""
    return [venue.attempt("eve", "settle_position", venue.account(a), BTC) for a in actors]


def test_no_debt_is_nothing_because_usdc_has_no_price() -> None:
    """Nor is it the winners' to leave before it, nor the loser's to close past his winners."""
    venue = lossy()
    venue.advance(HEDGE_GRACE)
    healthy = venue.chain.evm.snapshot()
    venue.silence("USDC")
    venue.answer_nothing("USDC")
    refused = ["oracle: stale", "clearing: losses first", "clearing: losses first"]
    assert settling(venue, "trader", "hedger", "bystander") == refused
    venue.chain.evm.revert(healthy)
    venue.silent = set()
    venue.report()
    assert settling(venue, "trader", "hedger", "bystander") == ["", "", ""]
    assert venue.get("settlement", BTC)[3] > 20_000 * WAD  # and they bear it
    assert venue.get("maker_cash", BTC) >= 0


def test_nobody_worth_less_than_nothing_closes_while_usdc_has_no_price() -> None:
    venue = RevmVenue(funding=False)
    venue.deposit("trader", 100_000 * USDC)
    assert venue.trade("trader", BTC, 8 * WAD) == ""
    venue.report(BTC=Fraction(12_000))
    assert venue.trade("trader", BTC, -8 * WAD) == "clearing: insolvent"
    venue.silence("USDC")
    venue.answer_nothing("USDC")
    assert venue.trade("trader", BTC, -8 * WAD) == "oracle: stale"


@pytest.mark.parametrize("dead", ["SOL", "WETH"])
def test_no_debt_is_forgiven_for_what_has_no_price(dead: str) -> None:
    """Until what it is worth may be asked no longer: winners do not wait for good."""
    venue = lossy(sol=500)
    account = venue.account("trader")
    silent(venue, HEDGE_GRACE + 1, "SOL", "WETH")
    assert Margin(*venue.get("last_account_state", account)).value > 0
    venue.answer_nothing(dead)
    assert settling(venue, "trader", "hedger") == ["oracle: stale", "clearing: losses first"]
    assert venue.get("bad_debt") == 0
    silent(venue, FEED_WAIT - HEDGE_GRACE, "SOL", "WETH", "BTC")
    assert settling(venue, "trader", "hedger") == ["", ""]


def test_who_is_bankrupt_is_liquidated_elsewhere_before_he_is_settled() -> None:
    """Or who is called first would decide which market bears his debt."""
    venue = RevmVenue(funding=False)
    venue.deposit("trader", 60_000 * USDC)
    for market, size in ((BTC, 5), (SOL, 2_000)):
        assert venue.trade("trader", market, size * WAD) == ""
    venue.deposit("hedger", 400_000 * USDC)
    assert venue.trade("hedger", BTC, -5 * WAD) == ""
    venue.do("owner", "wind_down", BTC)
    venue.advance(NOTICE)
    venue.report(BTC=Fraction(22_000), SOL=Fraction(60))
    venue.do("bystander", "settle_market", BTC)
    account = venue.account("trader")
    assert venue.margin(account).value < 0
    checkpoint = venue.chain.evm.snapshot()
    silent(venue, HEDGE_GRACE + 1, "SOL")
    assert settling(venue, "trader") == [""]  # a feed that stopped holds up nobody
    venue.chain.evm.revert(checkpoint)
    venue.report()
    assert settling(venue, "trader") == ["clearing: losses first"]
    for _ in range(60):
        if not venue.size(account, SOL):
            break
        assert venue.attempt("eve", "liquidate", account, SOL) == ""
        venue.advance(12)
    assert settling(venue, "trader") == [""]
