"""The compiled settlement of a market against the integer reference: every word of storage.

States are those of ``test_clearing_bytecode``; a market of each is settled, and then everybody in
it, in an order that is drawn, by strangers and by owners, within a day and after it.
"""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial

import pytest

from tests.reference import drawing
from tests.reference.bench import Bench
from tests.reference.clearing import liquidation, margin, settlement
from tests.reference.clearing.state import Ledger
from tests.reference.drawing import LIQUIDATOR, MARKETS, NOW
from tests.reference.test_clearing_bytecode import Comparison, Operation
from tests.sizes import sized

STATES = sized(200, 3_000)
FRESH = 100  # states per EVM
LAST = 7_200  # seconds in which whoever is bankrupt is liquidated elsewhere


class Course(Comparison):
    """A comparison in which what is done stays done."""

    def step(
        self, ledger: Ledger, run: Operation, sender: int, signature: str, *arguments: int
    ) -> Ledger:
        after = self.operation(ledger, run, sender, signature, *arguments)
        if after is None:
            return ledger
        self.bench.call(sender, signature, *arguments)
        for number in after.accounts:
            state = list(margin.valuation(after, number).state)
            self.equal("margin", state, self.bench.call(1, "account_state(uint256)", number))
        return after


def settle(check: Course, ledger: Ledger, m: int, draw: random.Random) -> Ledger:
    """The market, then its holders in turn, again and again until nobody is left."""
    ledger = check.step(
        ledger, lambda out: settlement.settle_market(out, m), LIQUIDATOR,
        "settle_market(uint256)", m,
    )  # fmt: skip
    drawn = ledger.markets[m].maker_drawn
    later = 0
    while True:
        check.bench.chain.set_time(NOW + later)
        ledger.now = NOW + later
        for _ in range(len(ledger.holders(m))):
            waiting = ledger.holders(m)
            for number in draw.sample(waiting, len(waiting)):
                if draw.random() < 0.5:
                    ledger = liquidated_elsewhere(check, ledger, number)
                caller = draw.choice([LIQUIDATOR, LIQUIDATOR, number >> 8])
                ledger = check.step(
                    ledger,
                    partial(settlement.settle_position, caller=caller, number=number, m=m),
                    caller,
                    "settle_position(uint256,uint256)",
                    *(number, m),
                )
        if later == settlement.HEDGE_GRACE:
            break
        # A block's liquidations are limited: as many blocks as it takes, while prices are young.
        later = later + 12 if stuck(ledger, m) and later < LAST else settlement.HEDGE_GRACE
    market = ledger.markets[m]
    assert ledger.holders(m) == []
    check.seen["gains cut"] += market.closed and market.shortfall > 0
    check.seen["nobody gained"] += not market.closed
    check.seen["maker paid"] += market.maker_drawn > drawn
    return ledger


def stuck(ledger: Ledger, m: int) -> bool:
    """Whether somebody bankrupt has to be liquidated elsewhere before he is settled."""
    return any(
        margin.valuation(ledger, number).value < 0
        and any(not ledger.markets[k].settlement for k in ledger.account(number).positions)
        for number in ledger.holders(m)
    )


def liquidated_elsewhere(check: Course, ledger: Ledger, number: int) -> Ledger:
    """A bankrupt account, as far as this block allows."""
    for k in list(ledger.account(number).positions):
        bankrupt = margin.valuation(ledger, number).value < 0
        if bankrupt and not ledger.markets[k].settlement:
            ledger = check.step(
                ledger,
                partial(liquidation.liquidate, caller=LIQUIDATOR, number=number, m=k),
                LIQUIDATOR,
                "liquidate(uint256,uint256)",
                *(number, k),
            )
    return ledger


MUST_SEE = {
    "liquidate done": 0.05,
    "settle_position done": 2,
    "settle_position clearing: losses first": 0.2,
    "settle_position clearing: too soon": 0.005,
    "gains cut": 0.05,
    "maker paid": 0.02,
    "nobody gained": 0.02,
}


def test_settlement_is_the_references() -> None:
    check = Course()
    for i in range(STATES):
        if i and i % FRESH == 0:
            check.bench = Bench()
        draw = random.Random(8 * 10**9 + i)
        ledger = drawing.ledger(draw, check.bench.deployed.place)
        ledger = replace(ledger, silent=frozenset())
        m = draw.randrange(MARKETS)
        ledger.markets[m].settlement_at = NOW - draw.choice([0, 1, 10**6])
        with check.bench.state(ledger):
            settle(check, ledger, m, draw)
            check.bench.chain.set_time(NOW)
        assert check.found == [], f"state {i}: {check.found[:3]}"
    rare = {w: check.seen[w] for w, part in MUST_SEE.items() if check.seen[w] < part * STATES}
    assert rare == {}, check.seen


@pytest.mark.parametrize("due", [0, NOW + 1])
def test_no_market_is_settled_before_it_is_due(due: int) -> None:
    check = Course()
    ledger = drawing.ledger(random.Random(5), check.bench.deployed.place)
    ledger.markets[0].settlement_at = due
    with check.bench.state(ledger):
        for signature in ("settle_market(uint256)", "settle_position(uint256,uint256)"):
            number = ledger.holders(0)[0]
            arguments = (0,) if signature.startswith("settle_market") else (number, 0)
            assert check.bench.call(LIQUIDATOR, signature, *arguments) == "clearing: too soon"
