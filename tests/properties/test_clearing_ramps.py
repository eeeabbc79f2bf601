"""What the covariance and stricter terms may do at once, and by when (SPEC §3.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from math import isqrt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.chain.deploy.artifacts import load
from tests.properties.revm_pledges import CAP, PledgeVenue
from tests.properties.revm_venue import RevmVenue
from tests.properties.test_clearing_portfolio import (
    ENTRY,
    FLOOR,
    KAPPA,
    ROWS,
    USDC,
    portfolio_venue,
    up,
)
from tests.properties.test_clearing_properties import examples
from tests.reference.integers import WAD

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


# --------------------------------------------------------------------------------- every setter

DAY, HOUR = 86_400, 3_600
UNTIGHTENED = "clearing: bad parameter"


class Edge(PledgeVenue):
    """Three accounts: one with all there is to have, one isolated, one hedged with USDC alone.

    The skew is half of the first one's size, so that what it would fetch does not hang on K.
    """

    def __init__(self) -> None:
        super().__init__()
        self._set_parameters(gross_floor=FLOOR, risk_multiple=WAD)
        self.do("owner", "post_covariance", ROWS)
        self.deposit("trader", 20_000 * USDC)
        self.deposit("trader", 2 * WAD, 1)
        self.do("trader", "pledge", 0, self.mint("trader", 2))
        self.deposit("hedger", 4_000 * USDC, 0, 1)
        assert not self.trade("trader", 0, 2 * WAD)
        assert not self.trade("hedger", 0, -WAD // 2, 1)
        self.deposit("bystander", 5_000 * USDC)
        assert not self.trade("bystander", 0, -WAD // 2)
        assert not self.trade("bystander", 1, 150 * WAD)
        self.accounts = (
            self.account("trader"), self.account("hedger", 1), self.account("bystander")
        )  # fmt: skip

    def _set_parameters(self, **changes: int) -> None:
        self.do("owner", "set_parameters", self.parameters(**changes))

    def parameters(self, **changes: int) -> tuple[int, ...]:
        names = [field["name"] for field in _components("set_parameters")]
        values = dict(zip(names, self.get("parameters"), strict=True)) | changes
        return tuple(values.values())

    def market(self, **changes: int | str) -> tuple[int | str, ...]:
        names = [field["name"] for field in _components("set_market")]
        values = dict(zip(names, self.get("market", 0), strict=True)) | changes
        return tuple(values.values())

    def put_on_edge(self, number: int) -> None:
        """Move BTC until an account's E is a millionth above its M."""
        for _ in range(30):
            self.squeeze(self.accounts[number], 0, Fraction(1_000_001, 1_000_000))
        margin = self.margin(self.accounts[number])
        assert 0 <= margin.equity - margin.maintenance < margin.maintenance // 10_000

    def health(self) -> list[tuple[int, int]]:
        """E and M of each."""
        margins = map(self.margin, self.accounts)
        return [(margin.equity, margin.maintenance) for margin in margins]


def hourly(venue: RevmVenue, term: int, hours: int) -> int:
    """What a term is after so many hours in which somebody called every hour."""
    for _ in range(hours):
        venue.advance(HOUR)
        value: int = venue.do("bystander", "tighten", term)
    return value


def _components(name: str) -> list[dict[str, str]]:
    (entry,) = (e for e in load("ClearingHouse").abi if e.get("name") == name)
    return list(entry["inputs"][-1]["components"])


# Each as strict as it may be: the call, the account it bears on, the term that then has a ramp.
Setter = Callable[[Edge], tuple[Any, ...]]
STRICTER: dict[str, tuple[Setter, int, int | None]] = {
    "mmr": (lambda v: ("set_market", 0, v.market(maintenance_rate=WAD)), 1, 0),
    "phi": (lambda v: ("set_parameters", v.parameters(gross_floor=WAD)), 2, 17),
    "kappa": (lambda v: ("set_parameters", v.parameters(risk_multiple=100 * WAD)), 0, 18),
    "h_0": (lambda v: ("set_collateral", 0, 8 * WAD // 100, CAP), 2, 8),
    "h_1": (lambda v: ("set_collateral", 1, WAD, CAP), 0, 9),
    "h_L": (lambda v: ("set_lp_collateral", v.manager.address, v.pool.address, WAD, CAP), 0, 16),
    "covariance": (lambda v: ("post_covariance", ((ENTRY,) + (0,) * 7,) * 4), 0, None),
}
HARMLESS: dict[str, Setter] = {
    "K": lambda v: ("set_skew_scale", 0, v.get("market", 0)[1] // 2),
    "K of the owner": lambda v: ("set_market", 0, v.market(skew_scale=100 * WAD)),
    "mu, pi": lambda v: (
        "set_parameters",
        v.parameters(initial_multiple=10 * WAD, liquidation_penalty=4 * WAD // 100, profit_cap=0),
    ),
    "caps": lambda v: ("set_collateral", 1, v.get("collateral", 1)[1], 0),
    "another market": lambda v: ("add_market", v.market(asset=v.addresses["WETH"])),
    "another collateral": lambda v: ("add_collateral", v.addresses["SOL"], WAD, 0),
    "maker": lambda v: ("withdraw_maker", 0, 10**6, v.owner),
    "ramp": lambda v: ("tighten", 17),
    "switch on": lambda v: ("unpause",),
    "switch off": lambda v: ("pause",),
}


@pytest.fixture(scope="module")
def edge() -> Edge:
    return Edge()


@pytest.fixture
def undone(edge: Edge) -> Iterator[Edge]:
    checkpoint, prices = edge.chain.evm.snapshot(), dict(edge.prices)
    now = edge.chain.time()
    yield edge
    edge.chain.evm.revert(checkpoint)
    edge.chain.set_time(now)
    edge.prices = prices


def test_every_setter_of_the_venue_is_tried(edge: Edge) -> None:
    tried = {call(edge)[0] for call, *_ in STRICTER.values()}
    tried |= {call(edge)[0] for call in HARMLESS.values()}
    written = (f for f in load("Governance").abi if f.get("stateMutability") == "nonpayable")
    assert tried == {f["name"] for f in written if f["type"] == "function"}


@pytest.mark.parametrize("name", STRICTER)
def test_no_stricter_term_costs_a_healthy_account_anything_in_its_first_block(
    undone: Edge, name: str
) -> None:
    """E and M as they were, to the wei, at E = M but for a millionth; over a day they follow."""
    venue = undone
    call, number, term = STRICTER[name]
    venue.put_on_edge(number)
    before = venue.health()
    assert venue.attempt("owner", *call(venue)) == ""
    if term is not None:
        venue.do("bystander", "tighten", term)
    assert venue.health() == before
    account = venue.accounts[number]
    assert venue.attempt("liquidator", "liquidate", account, 0) == "clearing: not liquidatable"
    if term is None:
        venue.advance(DAY)
    else:
        begin, end, *_ = venue.get("ramp", term)
        assert hourly(venue, term, 12) == (begin + end) // 2
        assert hourly(venue, term, 12) == end
        assert venue.attempt("bystander", "tighten", term) == UNTIGHTENED
    margin = venue.margin(account)
    assert margin.equity < margin.maintenance


@pytest.mark.parametrize("name", HARMLESS)
def test_other_terms_change_no_accounts_health(undone: Edge, name: str) -> None:
    venue = undone
    if name == "ramp":
        call, _, _ = STRICTER["phi"]
        assert venue.attempt("owner", *call(venue)) == ""
    venue.put_on_edge(0)
    before = venue.health()[0]
    assert venue.attempt("owner", *HARMLESS[name](venue)) == ""
    assert venue.health()[0] == before
    refused = venue.attempt("liquidator", "liquidate", venue.accounts[0], 0)
    assert refused == "clearing: not liquidatable"


def test_easier_terms_are_there_at_once_and_end_a_ramp(undone: Edge) -> None:
    venue = undone
    assert venue.attempt("owner", "set_collateral", 1, WAD // 2, CAP) == ""
    assert hourly(venue, 9, 6) == WAD // 10 + WAD // 10
    assert venue.attempt("owner", "set_collateral", 1, WAD // 8, CAP) == ""
    assert venue.get("collateral", 1)[1] == WAD // 8
    assert venue.attempt("bystander", "tighten", 9) == UNTIGHTENED


@given(st.lists(st.integers(0, 3 * DAY), min_size=1, max_size=12))
@examples(15)
def test_no_call_brings_more_of_a_ramp_than_an_hour_whoever_has_not_called(
    waits: list[int],
) -> None:
    """After any silence; a second call of a block brings nothing."""
    venue = exposed()
    venue.do("owner", "set_collateral", 1, WAD, CAP)
    begin, end, *_ = venue.get("ramp", 9)
    value, hour, counted = begin, (end - begin) // 24, 0
    for wait in waits:
        venue.chain.set_time(venue.chain.time() + wait)
        now = venue.do("bystander", "tighten", 9)
        counted += min(wait, HOUR)
        assert value <= now <= value + hour + 1
        assert now == begin + (end - begin) * counted // DAY
        assert venue.do("bystander", "tighten", 9) == now
        value = now


def test_a_new_collateral_has_its_haircut_from_the_first(undone: Edge) -> None:
    number = undone.do("owner", "add_collateral", undone.addresses["SOL"], WAD // 2, CAP)
    assert undone.get("collateral", number)[1] == WAD // 2


def test_liquidity_that_nobody_pledged_gets_its_haircut_at_once() -> None:
    venue = PledgeVenue()
    venue.deposit("trader", 20_000 * USDC)
    assert not venue.trade("trader", 0, WAD)
    terms = venue.manager.address, venue.pool.address, WAD // 2, CAP
    venue.do("owner", "set_lp_collateral", *terms)
    assert venue.get("lp_collateral")[2] == WAD // 2


def test_the_gross_rule_comes_back_only_when_phi_is_one(undone: Edge) -> None:
    venue = undone
    gross = venue.parameters(gross_floor=WAD, risk_multiple=0)
    assert venue.attempt("owner", "set_parameters", gross) == UNTIGHTENED
    venue.do("owner", "set_parameters", venue.parameters(gross_floor=WAD))
    hourly(venue, 17, 24)
    before = venue.health()
    assert venue.attempt("owner", "set_parameters", gross) == ""
    assert venue.health()[0][1] <= before[0][1]


def test_risk_margin_comes_from_the_gross_rule_without_a_jump() -> None:
    venue = RevmVenue(funding=False)
    venue.do("owner", "post_covariance", tuple(tuple(5 * e for e in row) for row in ROWS))
    venue.deposit("trader", 100_000 * USDC)
    assert not venue.trade("trader", 0, 2 * WAD)
    before = venue.margin(venue.account("trader"))
    parameters = list(venue.get("parameters"))
    parameters[4:6] = [FLOOR, KAPPA]
    venue.do("owner", "set_parameters", tuple(parameters))
    now = venue.margin(venue.account("trader"))
    assert now.maintenance == up(before.maintenance, FLOOR, WAD)
    assert hourly(venue, 18, 24) == KAPPA
    assert venue.margin(venue.account("trader")).maintenance > before.maintenance


def test_without_positions_stricter_terms_are_there_at_once() -> None:
    venue = RevmVenue()
    venue.do("owner", "set_collateral", 1, WAD // 2, CAP)
    assert venue.get("collateral", 1)[1] == WAD // 2
    assert venue.attempt("bystander", "tighten", 9) == UNTIGHTENED
