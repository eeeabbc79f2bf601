"""Who was liquidated and what that moved, in small worlds whose answers are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.books.hooks import BOOK
from simulator.books.keeper import Books
from simulator.config import load, resolve, scenarios
from simulator.config.random import random_config
from simulator.market.paths import MarketPaths
from simulator.model.kernel.record import View
from simulator.model.state import OUTSIDE
from simulator.model.world import ModelWorld
from simulator.protocol.action_spec import Role
from simulator.protocol.impact import felt, felt_by_each
from simulator.types import Status
from simulator.world import actions as act
from simulator.world.parties import VENUES, parties, venues
from simulator.world.protocol import Crowd, ImpactParameters, Protocol
from tests.model import campaign
from tests.model.campaign import SWAPPER, TRADER
from tests.model.test_outside import DEPTH, HALF_LIFE, crowd, falling, outside

EXPONENT = 0.5


class Watched:
    """A world of one path with its books, and actions that go through them as in a run."""

    def __init__(self, market: MarketPaths, impact: ImpactParameters | None) -> None:
        agents = tuple(
            replace(slot, trades_outside=place == TRADER)
            for place, slot in enumerate(campaign.PROTOCOL.agents)
        )
        self.protocol = replace(campaign.PROTOCOL, agents=agents, impact=impact)
        self.world = ModelWorld(self.protocol, market, BOOK)
        self.books = Books(self.world)
        self.rows = {party.name: row for row, party in enumerate(parties(self.protocol))}
        self.step(0)

    def step(self, step: int) -> None:
        self.world.advance(step)
        self.books.advanced(step, self.world)

    def do(self, action: act.Action) -> None:
        self.books.acting(0, self.world, None, action)  # type: ignore[arg-type]
        fill = self.world.execute(action)
        assert fill.status[0] == Status.OK
        self.books.acted(0, self.world, None, action, fill)  # type: ignore[arg-type]

    def trade(self, agent: int, size: float) -> None:
        limit = 3000.0 if size > 0.0 else 1000.0
        self.do(act.Trade(agent, 0, np.array([size]), np.array([limit])))

    def part(self, name: str) -> float:
        """Of the index's log price at its lowest: a party's."""
        return float(self.books.view.pressure.low[self.rows[name], 0])

    def cascade(self, field: str, name: str) -> float:
        return float(getattr(self.books.view.cascade, field)[self.rows[name], 0])

    @property
    def outside(self) -> View:
        return View(self.world.look().outside, OUTSIDE, self.world.tables.counts)


def lived(market: MarketPaths, *crowds: Crowd, **terms: object) -> Watched:
    watched = Watched(market, outside(crowds=crowds, exponent=EXPONENT, **terms))
    for step in range(1, market.steps + 1):
        watched.step(step)
    return watched


# ----------------------------------------------------------------------------------- the rows


def test_every_account_crowd_and_liquidation_is_of_one_party() -> None:
    found = 0
    for protocol in [
        *(resolve(load(name)) for name in scenarios()),
        *(resolve(random_config(3, number)) for number in range(30)),
    ]:
        rows = parties(protocol)
        if not rows:
            continue
        found += 1
        accounts = [account for party in rows for account in party.accounts]
        assert sorted(accounts) == list(range(protocol.accounts))
        crowds = protocol.impact.crowds if protocol.impact is not None else ()
        assert sorted(p.crowd for p in rows if p.crowd >= 0) == list(range(len(crowds)))
        borrowers = protocol.lending.borrowers if protocol.lending is not None else ()
        assert sorted(one for p in rows for one in p.borrowers) == list(range(len(borrowers)))
        alone = {kind for party in rows for kind in party.actions}
        for kind in act.having(Role.LIQUIDATION):
            assert ("account" in kind.__annotations__) != (kind in alone)
        assert len({party.name for party in rows}) == len(rows)
        assert {party.venue for party in rows} == {*venues(protocol)} <= {*VENUES}
    assert found > 3


def test_where_nobody_but_the_vault_could_be_leveraged_there_is_no_cascade() -> None:
    assert parties(resolve(load("calm"))) == ()
    assert [party.name for party in parties(resolve(load("liquidation-cascade")))][-3:] == [
        *("ETH_long", "ETH_short", "ETH_borrowers")
    ]


# ------------------------------------------------------------------------- what moved the index


@pytest.mark.parametrize("volume", [-30.0, -0.001, 0.5, 12.0])
def test_what_each_is_charged_makes_the_whole(volume: float) -> None:
    assert volume * felt_by_each(EXPONENT, volume) == pytest.approx(felt(EXPONENT, volume))


def test_news_and_a_crowd_of_one_make_the_fall_between_them() -> None:
    """One long of a million is closed where the drawn price has fallen by a fifth."""
    watched = lived(falling(1.0, 0.8), crowd())
    book = watched.books.view.pressure
    assert book.low_news[0] == pytest.approx(np.log(0.8), rel=1e-12)
    assert watched.part("eth") == pytest.approx(0.01 * felt(EXPONENT, -1e6 / DEPTH), rel=1e-12)
    assert book.low_other[0] == 0.0
    assert np.log(book.least[0] / book.first[0]) == pytest.approx(
        book.low_news[0] + watched.part("eth"), rel=1e-12
    )
    assert watched.cascade("liquidated", "eth") == pytest.approx(1e6 * 0.8)
    assert watched.cascade("to_outside", "eth") == pytest.approx(1e6 * 0.8)
    assert watched.cascade("first", "eth") == 3600.0
    assert watched.cascade("place", "eth") == 1.0


def test_two_crowds_share_one_impact_by_their_volumes() -> None:
    first, second = crowd(), replace(crowd(open_interest=3e6), name="three")
    watched = lived(falling(1.0, 0.7), first, second)
    whole = 0.01 * felt(EXPONENT, -4e6 / DEPTH)
    assert watched.part("eth") == pytest.approx(0.25 * whole, rel=1e-12)
    assert watched.part("three") == pytest.approx(0.75 * whole, rel=1e-12)
    assert watched.cascade("place", "eth") == watched.cascade("place", "three") == 1.0


def test_a_part_decays_as_the_market_forgets() -> None:
    """The drawn price goes on falling: at the low, three hours on, half of what decays is gone."""
    watched = lived(falling(1.0, 0.8, 0.75, 0.72, 0.7), crowd())
    left = -1e6 / DEPTH * (0.25 + 0.75 * 0.5 ** (3 * 3600 / HALF_LIFE))
    assert watched.part("eth") == pytest.approx(0.01 * felt(EXPONENT, left), rel=1e-12)
    assert watched.books.view.pressure.low_news[0] == pytest.approx(np.log(0.7), rel=1e-12)


def test_what_somebody_sells_of_his_own_will_is_other_flow() -> None:
    watched = Watched(falling(1.0, 0.99), outside(crowds=(crowd(),), exponent=EXPONENT))
    watched.trade(TRADER, 50.0)
    watched.step(1)
    book = watched.books.view.pressure
    expected = 0.01 * felt(EXPONENT, -50.0 * 2000.0 / DEPTH)
    assert book.low_other[0] == pytest.approx(expected, rel=1e-12)
    assert watched.part("eth") == 0.0


def left_by(watched: Watched, name: str, skew: float) -> None:
    """As if a party's liquidation had left skew in the first market."""
    watched.outside.skewed[watched.rows[name], 0, 0] = skew


def test_skew_that_a_liquidation_left_is_forced_where_it_is_passed_on() -> None:
    """Thirty of the fifty that the trader buys were sold by force; the market feels all fifty."""
    watched = Watched(falling(1.0, 0.99), outside(crowds=(crowd(),), exponent=EXPONENT))
    left_by(watched, "vault", -30.0)
    watched.trade(TRADER, 50.0)
    assert watched.outside.due[watched.rows["vault"], 1, 0] == pytest.approx(-30.0)
    assert watched.outside.skewed[watched.rows["vault"], 0, 0] == 0.0
    watched.step(1)
    whole = 0.01 * felt(EXPONENT, -50.0 * 2000.0 / DEPTH)
    assert watched.part("vault") == pytest.approx(0.6 * whole, rel=1e-12)
    assert watched.books.view.pressure.low_other[0] == pytest.approx(0.4 * whole, rel=1e-12)
    assert watched.cascade("to_outside", "vault") == pytest.approx(
        30.0 * float(watched.world.look().moments["index"][0, 1])
    )


def test_of_several_who_left_skew_each_is_taken_back_in_proportion() -> None:
    watched = Watched(falling(1.0, 0.99), outside(crowds=(crowd(),)))
    left_by(watched, "vault", -30.0)
    left_by(watched, "eth", -10.0)
    watched.trade(TRADER, 20.0)
    due = watched.outside.due[:, 1, 0]
    assert due[watched.rows["vault"]] == pytest.approx(-15.0)
    assert due[watched.rows["eth"]] == pytest.approx(-5.0)


def test_a_trade_that_adds_to_the_skew_takes_nothing_back() -> None:
    watched = Watched(falling(1.0, 0.99), outside(crowds=(crowd(),)))
    left_by(watched, "vault", -30.0)
    watched.trade(TRADER, -20.0)
    assert watched.outside.due.max() == watched.outside.due.min() == 0.0
    assert watched.outside.skewed[watched.rows["vault"], 0, 0] == -30.0


# -------------------------------------------------------------------------------- no feedback


def test_without_feedback_the_same_triggers_fall_and_the_drawn_price_stands() -> None:
    market = falling(1.0, 0.808, 0.81, 0.9)
    found = lived(market, crowd(), crowd(leverage=4.95), feedback=False, depth=(0.0, DEPTH, 0.0))
    np.testing.assert_array_equal(found.world.market.index, market.index)
    assert found.outside.gone[:, 0].tolist() == [1.0, 0.0]
    felt_by_all = lived(market, crowd(), crowd(leverage=4.95))
    assert felt_by_all.outside.gone[:, 0].tolist() == [1.0, 1.0]


def test_without_feedback_what_is_passed_on_moves_the_market_but_for_what_was_forced() -> None:
    impact = outside(crowds=(crowd(),), exponent=EXPONENT, feedback=False)
    watched = Watched(falling(1.0, 0.99), impact)
    left_by(watched, "vault", -30.0)
    watched.trade(TRADER, 50.0)
    watched.step(1)
    expected = np.log(0.99) + 0.01 * felt(EXPONENT, -20.0 * 2000.0 / DEPTH)
    index = watched.world.look().moments["index"][0, 1]
    assert np.log(index / 2000.0) == pytest.approx(expected, rel=1e-12)
    assert watched.part("vault") == 0.0


def test_where_no_flow_moves_prices_liquidations_are_counted_all_the_same() -> None:
    watched = Watched(falling(1.0, 0.99), None)
    assert len(watched.rows) > 1  # agents without a kind may be leveraged
    watched.trade(SWAPPER if _trades(watched.protocol, SWAPPER) else TRADER, 5.0)
    watched.step(1)
    book = watched.books.view.pressure
    assert book.low_news[0] == pytest.approx(np.log(0.99), rel=1e-12)
    assert book.low_other[0] == 0.0


def _trades(protocol: Protocol, agent: int) -> bool:
    return protocol.agents[agent].has_account
