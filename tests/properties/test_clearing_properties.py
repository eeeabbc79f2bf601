"""What is true of the clearing house whatever is done to it (SPEC §3), on the compiled bytecode."""

from __future__ import annotations

from dataclasses import astuple
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.properties.revm_venue import (
    CASH_UNIT,
    HIGHEST,
    INSURANCE_FUNDS,
    MAKER_FUNDS,
    PRICES,
    VENUE,
    RevmVenue,
    wad,
)
from tests.reference.clearing import liquidation, trading
from tests.reference.clearing.margin import valuation
from tests.reference.clearing.state import Ledger, Position
from tests.reference.integers import WAD
from tests.reference.venue import Venue, asset
from tests.sizes import sized

DUST = 100  # WAD units: roundings of one operation


def examples(count: int, **more: Any) -> settings:
    """The same examples on every machine, so that the gate never fails by chance."""
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        **more,
    )


markets = st.integers(0, 1)
traders = st.sampled_from(["trader", "hedger"])
accounts = st.sampled_from([(name, sub) for name in ("trader", "hedger") for sub in (0, 1, 2)])
# Sizes as a part of what the account can carry: most are accepted, some are too much.
parts = st.one_of(st.integers(-120, -1), st.integers(1, 120)).map(
    lambda percent: Fraction(percent, 100)
)
moves = st.integers(-2_500, 3_000).map(lambda basis_points: 1 + Fraction(basis_points, 10_000))
# Margin ratios around liquidation: bankrupt, deep, just below and just above maintenance.
ratios = st.integers(-60, 115).map(lambda percent: Fraction(percent, 100))


class AnyHistory(RuleBasedStateMachine):
    """Anything in any order; every rule states what it must do and what it must leave alone."""

    everyone = (
        *((name, sub) for name in ("trader", "hedger") for sub in (0, 1, 2)),
        ("liquidator", 0),
        ("bystander", 0),
    )

    @initialize(
        usdc=st.integers(10**9, 60 * 10**9),
        weth=st.integers(0, 20),
        opening=st.lists(st.tuples(accounts, markets, parts), min_size=4, max_size=8),
    )
    def open(self, usdc: int, weth: int, opening: list[tuple[Any, int, Fraction]]) -> None:
        self.venue = RevmVenue()
        self.keys = [self.venue.account(name, sub) for name, sub in self.everyone]
        for name in ("trader", "hedger"):
            for sub in (0, 1, 2):
                self.venue.deposit(name, usdc, sub=sub)
                self.venue.deposit(name, weth * WAD, collateral=1, sub=sub)
        self.venue.deposit("liquidator", 100_000 * 10**6)
        self.venue.deposit("bystander", 12_345_678_901)
        for who, market, part in opening:
            self.trade(who, market, part)

    def frame(self, *touched: int) -> dict[int, Any]:
        """What is stored of every account but those an operation names."""
        return {key: self.venue.stored(key) for key in self.keys if key not in touched}

    @rule(who=accounts, collateral=st.integers(0, 1), amount=st.integers(0, 20_000))
    def deposit(self, who: tuple[str, int], collateral: int, amount: int) -> None:
        raw = amount * (10**6 if collateral == 0 else 10**15)
        key = self.venue.account(*who)
        others = self.frame(key)
        self.venue.deposit(who[0], raw, collateral, who[1])
        assert self.frame(key) == others

    @rule(who=accounts, market=markets, part=parts)
    def trade(self, who: tuple[str, int], market: int, part: Fraction) -> None:
        venue, key = self.venue, self.venue.account(*who)
        market = who[1] - 1 if who[1] else market
        size, others = wad(venue.capacity(key, market) * part), self.frame(key)
        if not size:
            return
        before, held = venue.margin(key), venue.size(key, market)
        pool = venue.get("premium_pool", market)
        refused = venue.trade(who[0], market, size, who[1])
        event(f"trade: {refused or 'done'}")
        assert self.frame(key) == others
        after = venue.margin(key)
        reduces = abs(held + size) <= abs(held) and (held + size) * held >= 0
        if refused:
            assert after == before
            assert not reduces or refused == "clearing: insolvent"
            return
        # Positions are worth the index: the balance falls by half a spread, premium and fee.
        terms = venue.venue.markets[market]
        spread = abs(size) * venue.prices[terms.asset] * terms.half_spread
        premium = venue.get("premium_pool", market) - pool
        fee = before.balance - after.balance - spread - premium
        assert -DUST <= fee <= abs(size) * venue.prices[terms.asset] * terms.taker_fee * 2 + DUST
        if not reduces:
            assert after.initial_equity >= venue.venue.initial_multiple * after.maintenance

    @rule(who=accounts, market=markets, part=st.sampled_from([1, 2, 3]))
    def reduce(self, who: tuple[str, int], market: int, part: int) -> None:
        key = self.venue.account(*who)
        size = self.venue.size(key, market) // part
        if size:
            refused = self.venue.trade(who[0], market, -size, who[1])
            assert refused in ("", "clearing: insolvent")
            if refused == "clearing: insolvent":
                # Worth less than closing costs, at most half of maintenance as premium: anyone
                # may liquidate it.
                event("left to liquidation")
                margin, terms = self.venue.margin(key), self.venue.venue.markets[market]
                rate = terms.half_spread + 2 * terms.taker_fee + terms.maintenance_rate / 2
                notional = abs(size) * self.venue.prices[terms.asset]
                assert margin.value <= rate * notional * self.venue.prices["USDC"] + WAD
                assert margin.equity < margin.maintenance

    @rule(who=accounts, excess=st.integers(1, 10**9))
    def withdraw_all_that_is_free(self, who: tuple[str, int], excess: int) -> None:
        venue, (name, sub), key = self.venue, who, self.venue.account(*who)
        free, others = venue.get("withdrawable", key, 0), self.frame(key)
        too_much = venue.attempt(name, "withdraw", sub, 0, free + excess, venue.address(name))
        assert too_much in (
            "clearing: insufficient collateral",
            "clearing: withdrawals gated",
            "clearing: below initial margin",
        )
        if free:
            event("withdrew")
            venue.do(name, "withdraw", sub, 0, free // 2, venue.address(name))
            venue.do(name, "withdraw", sub, 0, free - free // 2, venue.address(name))
            margin = venue.margin(key)
            assert margin.initial_equity >= venue.venue.initial_multiple * margin.maintenance
        assert self.frame(key) == others

    @rule(name=traders, subs=st.permutations([0, 1, 2]), raw=st.integers(0, 20 * 10**9))
    def transfer(self, name: str, subs: list[int], raw: int) -> None:
        source, target = (self.venue.account(name, sub) for sub in subs[:2])
        others = self.frame(source, target)
        total = self.venue.get("cash", source) + self.venue.get("cash", target)
        if not self.venue.attempt(name, "transfer_margin", subs[0], subs[1], raw):
            event("transferred")
        assert self.venue.get("cash", source) + self.venue.get("cash", target) == total
        assert self.frame(source, target) == others

    @rule(btc=moves, sol=moves, weth=moves, usdc=st.integers(-800, 300))
    def move_prices(self, btc: Fraction, sol: Fraction, weth: Fraction, usdc: int) -> None:
        flat = {k: self.venue.stored(k) for k in self.keys}
        prices = {
            symbol: Fraction(wad(self.venue.prices[symbol] * move), WAD)
            for symbol, move in (("BTC", btc), ("SOL", sol), ("WETH", weth))
        }
        self.venue.report(**prices, USDC=1 + Fraction(usdc, 10_000))
        assert {k: self.venue.stored(k) for k in self.keys} == flat

    @rule(seconds=st.integers(1, 3 * 86_400))
    def wait(self, seconds: int) -> None:
        self.venue.advance(seconds)

    @rule(market=markets, percent=st.integers(20, 300))
    def change_depth(self, market: int, percent: int) -> None:
        before = self.venue.get("market", market)[1]
        scale = wad(self.venue.venue.markets[market].skew_scale * percent / 100)
        refused = self.venue.attempt("owner", "set_skew_scale", market, scale)
        bounds = {"clearing: too soon", "clearing: inventory limit", "clearing: bad parameter"}
        assert refused in {"", *bounds}
        after = self.venue.get("market", market)[1]
        assert before <= 2 * after <= 4 * before
        assert after <= self.venue.get("deepest", market)

    @rule(who=accounts, market=markets, ratio=ratios)
    def squeeze_and_liquidate(self, who: tuple[str, int], market: int, ratio: Fraction) -> None:
        venue, key = self.venue, self.venue.account(*who)
        market = who[1] - 1 if who[1] else market
        venue.squeeze(key, market, ratio)
        before, size = venue.margin(key), venue.size(key, market)
        # Only who holds the other side against an account worth less than nothing is touched.
        touched = [key, venue.account("liquidator")]
        if before.value < 0:
            touched += [k for k in self.keys if venue.size(k, market) * size < 0]
        others = self.frame(*touched)
        refused = venue.attempt("liquidator", "liquidate", key, market)
        event(f"liquidate: {refused or 'done'}")
        assert self.frame(*touched) == others
        if not size:
            assert refused == "clearing: no position"
        elif before.equity >= before.maintenance:
            assert refused == "clearing: not liquidatable"
        elif refused:
            # No more of this block may push the skew out, and this close would.
            assert refused == "clearing: liquidation limit"
            assert self.at_the_limit(market)
            assert size * venue.get("last_market_state", market)[0] <= 0
        else:
            assert not refused
            self.check_liquidated(key, market, before, size)

    def at_the_limit(self, market: int) -> bool:
        """Whether liquidations of this block have raised the skew by K mmr / 2."""
        scale, rate = self.venue.get("market", market)[1], self.venue.get("market", market)[6]
        return bool(self.venue.get("liquidated", market) >= scale * rate // WAD // 2)

    def check_liquidated(self, key: int, market: int, before: Any, size: int) -> None:
        venue, after = self.venue, self.venue.margin(key)
        left = venue.size(key, market)
        assert abs(left) < abs(size)
        assert left * size >= 0
        assert after.maintenance < before.maintenance
        terms = venue.venue.markets[market]
        if before.equity > 0:
            # Penalty and premium never lower the ratio; the half spread can, at little equity.
            lost = (
                (abs(size) - abs(left))
                * terms.half_spread
                * venue.prices[terms.asset]
                * venue.prices["USDC"]
            )
            kept = Fraction(before.equity * after.maintenance, before.maintenance)
            freed = before.equity - kept
            # The price is rounded to a wei, so what is closed to a wei for each unit of it.
            assert after.equity >= kept - max(lost - freed, 0) - DUST - abs(size) // WAD
            event("liquidated while solvent")
        if left and self.at_the_limit(market):
            event("cut at the limit")
        elif left and before.balance >= 0 and after.balance >= 0 and venue.prices["USDC"] <= 1:
            target = venue.venue.initial_multiple * after.maintenance
            assert after.equity >= target - DUST * after.maintenance // WAD - DUST
            event("restored to initial margin")

    @rule(
        who=accounts,
        raw=st.integers(0, 20 * WAD),
        squeeze=st.one_of(st.none(), ratios),
        close=st.booleans(),
    )
    def liquidate_collateral(
        self, who: tuple[str, int], raw: int, squeeze: Fraction | None, close: bool
    ) -> None:
        venue, key = self.venue, self.venue.account(*who)
        for market in (0, 1):
            if squeeze is not None:
                venue.squeeze(key, market, squeeze)
            if close and venue.size(key, market):
                venue.trade(who[0], market, -venue.size(key, market), who[1])
        before, cash = venue.margin(key), venue.get("cash", key)
        held = any(venue.size(key, m) for m in (0, 1))
        refused = venue.attempt("liquidator", "liquidate_collateral", key, 1, raw)
        event(f"liquidate_collateral: {refused or 'done'}")
        allowed = cash < 0 and (not held or before.equity < before.maintenance)
        assert (refused == "clearing: not liquidatable") == (not allowed)
        if not refused:
            assert venue.margin(key).equity >= before.equity - DUST
            assert cash <= venue.get("cash", key) <= 0

    @invariant()
    def sizes_sum_to_the_skew(self) -> None:
        for market in (0, 1):
            total = sum(self.venue.size(key, market) for key in self.keys)
            assert total == self.venue.get("last_market_state", market)[0]

    @invariant()
    def usdc_is_conserved(self) -> None:
        owed = sum(self.venue.get("cash", key) for key in self.keys)
        owed += self.venue.get("insurance_fund")
        for name in ("maker_cash", "premium_pool"):
            owed += sum(self.venue.get(name, market) for market in (0, 1))
        assert owed == self.venue.get("collateral_held", 0) * CASH_UNIT
        assert self.venue.get("collateral_held", 0) == self.venue.token_balance("USDC")

    @invariant()
    def collateral_is_conserved(self) -> None:
        total = sum(self.venue.get("collateral_balance", key, 1) for key in self.keys)
        assert total == self.venue.get("collateral_held", 1) == self.venue.token_balance("WETH")

    @invariant()
    def nobody_without_a_position_ever_loses(self) -> None:
        assert self.venue.get("cash", self.venue.account("bystander")) == 12_345_678_901 * CASH_UNIT


TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = examples(sized(20, 60), stateful_step_count=30)


skews = st.integers(-1_200, 1_200).map(lambda hundredths: hundredths * WAD // 100)
sizes = st.one_of(st.integers(-5_000, -1), st.integers(1, 5_000)).map(lambda n: n * WAD // 100)


@examples(60)
@given(skew=skews, part=parts, market=markets, pieces=st.integers(1, 5))
def test_round_trip_never_gains(skew: int, part: Fraction, market: int, pieces: int) -> None:
    """Opening and closing at unmoved prices costs two half spreads and fees, whatever the skew."""
    venue = RevmVenue(funding=False)
    account = venue.account("trader")
    for name in ("trader", "hedger"):
        venue.deposit(name, 10**8 * 10**6)
    if skew:
        assert not venue.trade("hedger", 0, skew)
        venue.advance(12)
    size = wad(venue.venue.markets[market].max_skew * part)
    before = venue.get("cash", account)
    assume(not venue.trade("trader", market, size))
    for _ in range(pieces - 1):
        venue.trade("trader", market, -size // pieces)
    assert not venue.trade("trader", market, -venue.size(account, market))
    terms = venue.venue.markets[market]
    spread = 2 * abs(size) * venue.prices[terms.asset] * terms.half_spread
    assert before - venue.get("cash", account) >= spread - DUST


@examples(60)
@given(
    skew=skews,
    cents=st.integers(100, 10**8),
    pieces=st.integers(2, 6),
    sign=st.sampled_from([1, -1]),
)
def test_splitting_an_order_never_pays(skew: int, cents: int, pieces: int, sign: int) -> None:
    """The premium is an integral: a size costs the same in one order or in many of a block."""
    costs, rounding = [], 30_000 + 2  # a unit of size at the index, and of fee and premium
    size = sign * cents * WAD // 30_000 // 100
    assume(abs(skew + size) <= 12 * WAD)
    for orders in (1, pieces):
        venue = RevmVenue(funding=False)
        for name in ("trader", "hedger"):
            venue.deposit(name, 10**8 * 10**6)
        if skew:
            assert not venue.trade("hedger", 0, skew)
            venue.advance(12)
        for order in range(orders):
            assert not venue.trade(
                "trader", 0, size * (order + 1) // orders - size * order // orders
            )
        account = venue.account("trader")
        costs.append(venue.get("position", account, 0)[1] - venue.get("cash", account))
    once, split = costs
    assert once - 2 * rounding <= split <= once + 2 * pieces * rounding


def exact_first_trade(
    venue: Venue, index: Fraction, usdc: Fraction, cash: Fraction, size: Fraction
) -> tuple[Fraction, dict[str, Fraction]]:
    """Fill and margin of SPEC §3.3–3.4 after the only trade, in market 0, without any rounding."""
    terms = venue.markets[0]
    lean, side = size / 2 / terms.skew_scale, 1 if size > 0 else -1
    fill = index * (1 + lean + side * terms.half_spread)
    cash -= abs(size) * fill * terms.taker_fee + size * index * lean  # fee and premium
    unsettled = -abs(size) * index * terms.half_spread
    balance = cash + unsettled
    assert unsettled < 0 < balance  # half a spread; no profit to be capped, no debt
    equity = balance * usdc * (1 - venue.haircuts["USDC"])
    maintenance = abs(size) * index * terms.maintenance_rate
    worth = {"balance": balance, "value": balance * usdc, "equity": equity}
    return fill, worth | {"initial_equity": equity, "maintenance": maintenance}


@examples(80)
@given(
    price=st.integers(10**6, 10**24),
    part=st.integers(-(10**9), 10**9).map(lambda n: Fraction(n or 1, 10**9)),
    peg=st.integers(9 * 10**17, 11 * 10**17),
)
def test_roundings_go_against_the_trader(price: int, part: Fraction, peg: int) -> None:
    """Fill, fee, cost, requirement never better than exact; balance, equity never higher."""
    venue, cash = RevmVenue(funding=False), 10**8
    venue.report(BTC=Fraction(price, WAD), USDC=Fraction(peg, WAD))
    venue.deposit("trader", cash * 10**6)
    account, size = venue.account("trader"), wad(venue.venue.markets[0].max_skew * part)
    limit = HIGHEST if size > 0 else 0
    fill, fee = (Fraction(n, WAD) for n in venue.do("trader", "trade", 0, 0, size, limit))
    exact_fill, exact = exact_first_trade(
        venue.venue, Fraction(price, WAD), Fraction(peg, WAD), Fraction(cash), Fraction(size, WAD)
    )
    assert fill >= exact_fill if size > 0 else fill <= exact_fill
    # The premium is rounded by a unit and by a unit of size at the index, which its rate spreads
    # over the size.
    assert abs(fill - exact_fill) <= Fraction(2, WAD) + (Fraction(price, WAD) + 1) / abs(size)
    assert fee >= abs(size) * fill * venue.venue.markets[0].taker_fee / WAD
    terms = venue.venue.markets[0]
    booked = Fraction(price, WAD) * (size + abs(size) * terms.half_spread)
    assert venue.get("position", account, 0)[1] >= booked

    margin = venue.margin(account)
    assert Fraction(margin.maintenance, WAD) >= exact["maintenance"]
    for worth in ("balance", "value", "equity", "initial_equity"):
        error = exact[worth] - Fraction(getattr(margin, worth), WAD)
        assert 0 <= error <= Fraction(DUST + cash, WAD)  # a unit of the price, per USDC


@examples(60)
@given(skew=skews, size=sizes, move=moves, seconds=st.integers(0, 20 * 86_400))
def test_what_traders_win_the_maker_loses(
    skew: int, size: int, move: Fraction, seconds: int
) -> None:
    """Once everybody is out, profits, losses, fees and funding sum to nothing."""
    venue = RevmVenue()
    for name in ("trader", "hedger"):
        venue.deposit(name, 10**8 * 10**6)
    assume(not venue.trade("hedger", 0, skew) if skew else True)
    assume(not venue.trade("trader", 0, size))
    venue.advance(seconds)
    venue.report(BTC=Fraction(wad(30_000 * move), WAD))
    for name in ("trader", "hedger"):
        held = venue.size(venue.account(name), 0)
        assert not held or not venue.trade(name, 0, -held)
    won = sum(venue.get("cash", venue.account(name)) - 10**8 * WAD for name in ("trader", "hedger"))
    left = venue.get("maker_cash", 0) + venue.get("premium_pool", 0)
    assert won == MAKER_FUNDS * WAD - left
    assert venue.get("last_market_state", 0)[0] == 0
    # Nothing is held back for nobody: the maker account and a pool that nobody has a claim to can
    # leave, and not a cent more.
    raw = left // CASH_UNIT
    if raw >= 0:
        assert (
            venue.attempt("owner", "withdraw_maker", 0, raw + 1, venue.address("owner"))
            == "clearing: maker reserve"
        )
        assert not venue.attempt("owner", "withdraw_maker", 0, raw, venue.address("owner"))


@examples(80)
@given(
    usdc=st.integers(10_000, 80_000),
    weth=st.integers(0, 10),
    part=parts,
    moves=st.tuples(moves, moves),
    peg=st.integers(-2_000, 300),
    ratio=st.integers(0, 5_000),
)
def test_withdrawable_is_the_most_that_can_leave(
    usdc: int, weth: int, part: Fraction, moves: tuple[Fraction, Fraction], peg: int, ratio: int
) -> None:
    venue = RevmVenue(funding=False)
    account = venue.account("trader")
    venue.deposit("trader", usdc * 10**6)
    venue.deposit("trader", weth * WAD, collateral=1)
    assume(not venue.trade("trader", 0, wad(venue.capacity(account, 0) * part)))
    prices = {
        s: Fraction(wad(PRICES[s] * m), WAD) for s, m in zip(("BTC", "WETH"), moves, strict=True)
    }
    venue.report(**prices, USDC=1 + Fraction(peg, 10_000))
    minimum = ratio * WAD // 1_000
    free = venue.get("withdrawable", account, minimum)
    event("some" if free else "none")

    def keeps(raw: int) -> bool:
        """Whether ``raw`` may leave and the contract's own margin numbers are then as asked."""
        checkpoint = venue.chain.evm.snapshot()
        try:
            if venue.attempt("trader", "withdraw", 0, 0, raw, venue.address("trader")):
                return False
            margin = venue.margin(account)
            return margin.equity * WAD >= minimum * margin.maintenance
        finally:
            venue.chain.evm.revert(checkpoint)

    assert free == 0 or keeps(free)
    assert not keeps(free + 1)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("trade"), traders, markets, parts),
        st.tuples(st.just("move"), moves, moves, st.integers(-500, 200)),
        st.tuples(st.just("wait"), st.integers(1, 86_400 * 2)),
        st.tuples(st.just("liquidate"), traders, markets, ratios),
    ),
    min_size=4,
    max_size=14,
)


@examples(60)
@given(usdc=st.integers(2_000, 60_000), weth=st.integers(0, 10), steps=steps)
def test_follows_the_exact_reference(usdc: int, weth: int, steps: list[tuple[Any, ...]]) -> None:
    """Any sequence of trades and liquidations gives the numbers of SPEC §3, to the unit."""
    venue = RevmVenue()
    ledger = VENUE.ledger(PRICES, venue.chain.time(), MAKER_FUNDS, INSURANCE_FUNDS)
    owners = {name: int(venue.address(name), 16) for name in ("trader", "hedger", "liquidator")}
    for name in ("trader", "hedger"):
        for collateral, raw in ((0, usdc * 10**6), (1, weth * WAD)):
            venue.deposit(name, raw, collateral)
            trading.deposit(ledger, owners[name], 0, collateral, raw)

    for kind, *arguments in steps:
        if kind == "move":
            btc, sol, peg = arguments
            prices = {
                "BTC": Fraction(wad(venue.prices["BTC"] * btc), WAD),
                "SOL": Fraction(wad(venue.prices["SOL"] * sol), WAD),
                "USDC": 1 + Fraction(peg, 10_000),
            }
            venue.report(**prices)
        elif kind == "wait":
            venue.advance(arguments[0])
        elif kind == "trade":
            name, market, part = arguments
            size = wad(venue.capacity(venue.account(name), market) * part)
            if not size:
                continue
            refused = venue.trade(name, market, size)
            order = (owners[name], 0, market, size, HIGHEST if size > 0 else 0)
            assert refused == ledger.attempt(trading.trade, *order)
            event(f"trade: {refused or 'done'}")
        else:
            name, market, ratio = arguments
            key = venue.account(name)
            venue.squeeze(key, market, ratio)
            _see(venue, ledger)
            refused = venue.attempt("liquidator", "liquidate", key, market)
            liquidator = owners["liquidator"]
            assert refused == ledger.attempt(liquidation.liquidate, liquidator, key, market)
            event(f"liquidate: {refused or 'done'}")
        _see(venue, ledger)
    _equal(venue, ledger)


def _see(venue: RevmVenue, ledger: Ledger) -> None:
    """The reference learns the time and the prices."""
    ledger.now = venue.chain.time()
    ledger.prices.update({asset(symbol): wad(price) for symbol, price in venue.prices.items()})


def _equal(venue: RevmVenue, ledger: Ledger) -> None:
    for name in ("trader", "hedger", "liquidator"):
        key = venue.account(name)
        account = ledger.account(key)
        assert venue.get("cash", key) == account.cash
        for market in (0, 1):
            expected = account.positions.get(market, Position(0, 0, 0, 0))
            stored = tuple(venue.get("position", key, market))
            assert stored == (expected.size, expected.cost, expected.index, expected.loss)
        assert astuple(venue.margin(key)) == valuation(ledger, key).state
    for market, expected_market in enumerate(ledger.markets):
        assert venue.get("last_market_state", market)[0] == expected_market.skew
        assert venue.get("premium_pool", market) == expected_market.pool
        assert venue.get("maker_cash", market) == expected_market.maker_cash
        assert venue.get("opening_skew", market) == expected_market.opening_skew
        assert venue.get("liquidated", market) == expected_market.liquidated
    assert venue.get("insurance_fund") == ledger.insurance_fund
    assert venue.get("bad_debt") == ledger.bad_debt


def test_largest_orders_are_refused_not_wrapped() -> None:
    """Sizes at the ends of int256 revert."""
    venue = RevmVenue()
    venue.deposit("trader", 10**6)
    for size in (2**255 - 1, -(2**255), 2**200, -(2**200)):
        assert venue.trade("trader", 0, size)
    assert venue.trade("trader", 0, 1) == ""
    with pytest.raises(Exception, match="no position"):
        venue.do("liquidator", "liquidate", HIGHEST, 0)
