"""What of the liquidated was auto-deleveraged, and what was lacking: figures to follow by hand.

Trader 0 is long 100 ETH from 2,000 with 30,000 USDC; at 1,600 it is worth -10,000, and all of it is
liquidated, 160,000 USD at the oracle's price. At 1,700 it would leave with exactly nothing.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from simulator.books.hooks import BOOK
from simulator.books.keeper import Books
from simulator.model.world import ModelWorld
from simulator.results.registry import BY_NAME
from simulator.types import Status
from simulator.world import actions as act
from tests.books.test_cascade import lived
from tests.model.test_outside import falling
from tests.model.venue import ETH, FIRST, YES, Venue, protocol

FALL = (2000.0, 1600.0, 1600.0)


class Kept:
    """A venue whose books are kept around every order."""

    def __init__(self, *others: tuple[float, float], **terms: Any) -> None:
        """Each other trader with (USDC, size of ETH); a liquidator."""
        margins = [(30_000.0, 0.0), *((usdc, 0.0) for usdc, _ in others), (50_000.0, 0.0)]
        market = Venue(protocol(*margins, **terms), eth=FALL).model.market
        self.world = ModelWorld(protocol(*margins, **terms), market, BOOK)
        self.books = Books(self.world)
        self.step(0)
        self.trade(0, 100.0)
        for number, (_, size) in enumerate(others, start=1):
            self.trade(number, size)
        self.step(1)

    def step(self, step: int) -> None:
        self.world.advance(step)
        self.books.advanced(step, self.world)

    def do(self, action: act.Action) -> None:
        self.books.acting(0, self.world, None, action)  # type: ignore[arg-type]
        fill = self.world.execute(action)
        assert fill.status[0] == Status.OK
        self.books.acted(0, self.world, None, action, fill)  # type: ignore[arg-type]

    def trade(self, trader: int, size: float) -> None:
        self.do(act.Trade(trader, ETH, np.array([size]), np.array([1e12 if size > 0 else 0.0])))

    def liquidate(self) -> None:
        self.do(act.Liquidate(len(self.world.protocol.agents) - 1, FIRST, ETH, YES))

    def metric(self, name: str) -> float:
        ended: Any = SimpleNamespace(book=self.books.view)
        return float(BY_NAME[name].of(ended)[0])


@pytest.mark.parametrize(
    ("others", "terms", "share"),
    [
        ([(20_000.0, -60.0), (200_000.0, -60.0)], {}, 1.0),
        # 60 ETH of a winner; 40 find nobody, and the maker pays 100 of each.
        ([(20_000.0, -60.0)], {}, 0.6),
        # The same, but that the maker pays nothing: the 4,000 are nobody's, or of who is short yet.
        ([(20_000.0, -60.0)], {"market": {"maker_loss_cap": 0.0}}, 0.6),
        ([(20_000.0, -60.0), (90_000.0, 10.0)], {"market": {"maker_loss_cap": 0.0}}, 0.6),
        # The insurance fund pays 4,000 of 10,000, and so much of the position is the maker's.
        ([(20_000.0, -100.0)], {"insurance_funds": 4_000.0}, 0.6),
        ([(20_000.0, -100.0)], {"insurance_funds": 10_001.0}, 0.0),
        ([], {}, 0.0),
    ],
)
def test_whoever_bears_it_an_account_lacks_what_it_lacks(
    others: list[tuple[float, float]], terms: dict[str, Any], share: float
) -> None:
    venue = Kept(*others, **terms)
    assert np.isnan(venue.metric("adl_share"))
    assert np.isnan(venue.metric("deficit_share"))
    venue.liquidate()
    assert venue.metric("adl_share") == pytest.approx(share, rel=1e-12)
    assert venue.metric("deficit_share") == pytest.approx(10_000.0 / 160_000.0, rel=1e-9)
    venue.step(2)
    assert venue.metric("adl_share") == pytest.approx(share, rel=1e-12)


def test_an_account_that_can_pay_lacks_nothing() -> None:
    """Worth 5,000 against 8,000 of maintenance: the maker takes it all over."""
    venue = Kept((200_000.0, -100.0), market={"maintenance_rate": 0.05})
    venue.do(act.PostMargin(0, 0, np.array([15_000.0])))
    venue.liquidate()
    assert venue.metric("adl_share") == 0.0
    assert venue.metric("deficit_share") == 0.0


# -------------------------------------------------------------------------------- recovery


def recovered(*factors: float) -> tuple[float, float]:
    """After six hours and after a day, of an ETH index that goes so, hour by hour."""
    watched: Any = lived(falling(*factors))
    ended: Any = SimpleNamespace(book=watched.books.view)
    six, day = (float(BY_NAME[f"index_recovered_{h}h"].of(ended)[0]) for h in (6, 24))
    return six, day


def test_of_a_fall_by_a_fifth_the_quarter_that_came_back_is_counted() -> None:
    """The low is in hour 2: 0.85 stands in hour 8, 1.1 in hour 26."""
    path = (1.0, 0.9, 0.8, *[0.81] * 5, 0.85, *[0.9] * 17, 1.1, 0.7 + 0.2)
    six, day = recovered(*path)
    assert six == pytest.approx(0.25, rel=1e-12)
    assert day == pytest.approx(1.5, rel=1e-12)


def test_a_deeper_low_begins_anew_and_an_equal_one_does_not() -> None:
    six, day = recovered(1.0, 0.8, *[0.9] * 10, 0.6, *[0.7] * 6)
    assert six == pytest.approx(0.25, rel=1e-12)
    assert np.isnan(day)
    six, _ = recovered(1.0, 0.8, *[0.9] * 3, 0.8, 0.8, 0.84, 0.9)
    assert six == pytest.approx(0.2, rel=1e-9)


def test_what_never_fell_has_no_recovery() -> None:
    assert np.isnan(recovered(1.0, *[1.1] * 30)).all()
    assert np.isnan(recovered(*[1.0] * 30)).all()
