"""The compiled clearing house against the integer reference: every word, every unit, every refusal.

Each state of a venue (three markets, seven accounts) is drawn, written into storage, valued, and
then tried with operations one by one, each on the same state again. ``make campaign`` draws 12,000
states, which is 84,000 margin states and 36,000 of funding; ``make test`` 800.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from tests.reference import drawing
from tests.reference.bench import Bench
from tests.reference.clearing import liquidation, maker, margin, perp, pledging, trading
from tests.reference.clearing.state import Ledger, RefusedError
from tests.reference.drawing import LIQUIDATOR, MARKETS, OWNERS
from tests.reference.integers import WAD
from tests.reference.storage import differences
from tests.sizes import sized

STATES = sized(800, 12_000)
SHARDS = 4
FRESH = 250  # states per EVM, whose journal keeps all it has seen
FAR = 2**255 - 1

Operation = Callable[[Ledger], object]


@dataclass
class Comparison:
    """What was compared, and what differed."""

    bench: Bench = field(default_factory=Bench)
    seen: Counter[str] = field(default_factory=Counter)
    found: list[str] = field(default_factory=list)

    def equal(self, what: str, ours: object, theirs: object) -> None:
        self.seen[what] += 1
        if ours != theirs:
            self.found.append(f"{what}: contract {theirs}, reference {ours}")

    def operation(
        self, ledger: Ledger, run: Operation, sender: int, signature: str, *arguments: int
    ) -> Ledger | None:
        """Both sides do it; answers, refusals and everything stored must agree, then it is undone.

        The ledger after it; None when it was refused.
        """
        after = ledger.copy()
        expected: object
        try:
            answer = run(after)
            expected = list(answer) if isinstance(answer, tuple) else []
        except RefusedError as refusal:
            expected, after = str(refusal), ledger
        checkpoint = self.bench.evm.snapshot()
        actual = self.bench.call(sender, signature, *arguments)
        name = signature.split("(", maxsplit=1)[0]
        self.equal(name, expected, actual)
        if not isinstance(expected, str):
            wrong = differences(after, self.bench.read)
            if wrong:
                self.found.append(f"{name}: {wrong[:3]}")
        self.bench.evm.revert(checkpoint)
        refused = isinstance(expected, str)
        self.seen[f"{name} {expected if refused else 'done'}"] += 1
        return None if refused else after


def compare_views(check: Comparison, ledger: Ledger, draw: random.Random) -> None:
    call, last = check.bench.call, ledger.at_last_prices()

    def now(read: Callable[..., object], *arguments: Any) -> object:
        """What a view says, or why it is refused."""
        try:
            return read(*arguments)
        except RefusedError as refused:
            return str(refused)

    def values(here: Ledger, m: int) -> list[int]:
        here.index_price(m)  # which the view reads whatever has been accrued
        state = perp.accrued(here, m)
        return [state.skew, state.rate, state.index, state.updated_at]

    for m in range(MARKETS):
        check.equal("funding", now(values, ledger, m), call(1, "market_state(uint256)", m))
        check.equal("funding", values(last, m), call(1, "last_market_state(uint256)", m))
        state, whole = perp.accrued(last, m), maker.covered(last, m)
        check.equal("loss", [whole.loss_long], call(1, "loss_long(uint256)", m))
        check.equal("loss", [whole.loss_short], call(1, "loss_short(uint256)", m))
        check.seen["maker lacks"] += whole != state
        mark = now(lambda m: [perp.mark_price(ledger, m)], m)
        check.equal("mark", mark, call(1, "mark_price(uint256)", m))
    for number in list(ledger.accounts):
        state_now = now(lambda n: list(margin.valuation(ledger, n).state), number)
        check.equal("margin", state_now, call(1, "account_state(uint256)", number))
        state_last = list(margin.valuation(last, number).state)
        check.equal("margin", state_last, call(1, "last_account_state(uint256)", number))
        ratio = drawing.wad(draw, 1, 4)
        spare = now(lambda n, r: [margin.withdrawable(ledger, n, r)], number, ratio)
        asked = call(1, "withdrawable(uint256,uint256)", number, ratio)
        check.equal("withdrawable", spare, asked)


def compare_liquidations(check: Comparison, ledger: Ledger) -> None:
    for number, account in list(ledger.accounts.items()):
        for m in account.positions:
            after = check.operation(
                ledger,
                partial(liquidation.liquidate, caller=LIQUIDATOR, number=number, m=m),
                LIQUIDATOR,
                "liquidate(uint256,uint256)",
                number,
                m,
            )
            if after is not None:
                note_waterfall(check, ledger, after, number, m)


def note_waterfall(check: Comparison, before: Ledger, after: Ledger, number: int, m: int) -> None:
    """Which branches a liquidation took."""
    was = before.accounts[number].positions[m].size
    others = [n for n in before.holders(m) if n != number]
    moved = [
        n for n in others if before.accounts[n].positions[m] != after.accounts[n].positions.get(m)
    ]
    seen = check.seen
    seen["liquidation"] += 1
    seen["deleveraged"] += bool(moved)
    seen["deleveraged against several"] += len(moved) > 1
    seen["closed whole"] += m not in after.accounts[number].positions
    seen["closed in part"] += m in after.accounts[number].positions
    seen["insurance paid"] += after.markets[m].insurance_drawn > before.markets[m].insurance_drawn
    seen["maker paid"] += any(
        a.maker_drawn > b.maker_drawn for a, b in zip(after.markets, before.markets, strict=True)
    )
    seen["socialised"] += any(
        (a.loss_long, a.loss_short) != (b.loss_long, b.loss_short)
        for a, b in zip(after.markets, before.markets, strict=True)
    )
    seen["insurance gained"] += after.insurance_fund > before.insurance_fund
    seen["long" if was > 0 else "short"] += 1
    state = margin.valuation(before.at_last_prices(), number)
    seen["portfolio" if state.risk else "gross"] += 1
    account = before.accounts[number]
    backing = {before.collaterals[c].asset for c, raw in account.basket.items() if raw}
    backing |= {before.terms[k].asset for k in account.positions}
    seen["liquidation past a silent feed"] += bool(backing & before.silent)


def compare_others(check: Comparison, ledger: Ledger, draw: random.Random) -> None:
    number = draw.choice([n for n in ledger.accounts if n >> 8 in OWNERS])
    owner, sub, account = number >> 8, number & 255, ledger.accounts[number]
    raw = draw.choice([1, draw.randrange(10**21), FAR])
    debtors = [n for n, a in ledger.accounts.items() if a.cash < 0] or [number]
    debtor = draw.choice(debtors)
    check.operation(
        ledger,
        lambda out: liquidation.liquidate_collateral(out, LIQUIDATOR, debtor, 1, raw),
        LIQUIDATOR,
        "liquidate_collateral(uint256,uint256,uint256)",
        *(debtor, 1, raw),
    )
    pledged = [(n, t) for n, a in ledger.accounts.items() for t in a.pledges]
    for n, token_id in draw.sample(pledged, min(2, len(pledged))):
        check.operation(
            ledger,
            partial(
                pledging.liquidate_pledge,
                caller=LIQUIDATOR,
                number=n,
                token_id=token_id,
                spot=check.bench.spot,
            ),
            LIQUIDATOR,
            "liquidate_pledge(uint256,uint256)",
            *(n, token_id),
        )
    m = sub - 1 if sub else draw.randrange(MARKETS)
    held = account.positions[m].size if m in account.positions else 0
    worth = draw.randint(1, 10**24) * WAD // ledger.at_last_prices().index_price(m)
    size = draw.choice([-held, -held // 2, held, 2 * -held, worth, -worth]) or 1
    limit = FAR if size > 0 else 0
    check.operation(
        ledger,
        lambda out: trading.trade(out, owner, sub, m, size, limit),
        owner,
        "trade(uint256,uint256,int256,uint256)",
        *(sub, m, size, limit),
    )
    target = draw.choice([o for o in OWNERS if o != owner])
    fraction = draw.choice([WAD, WAD // 2, draw.randint(1, WAD)])
    ledger.consents.add((target, owner))
    if not account.pledges:  # their fees: tests of the vault's exits in kind
        check.operation(
            ledger,
            lambda out: trading.transfer_slice(out, owner, sub, fraction, target),
            owner,
            "transfer_slice(uint256,uint256,address)",
            *(sub, fraction, target),
        )
    amount = max(account.cash, 0) // ledger.cash_unit
    amount = draw.choice([0, 1, amount, amount // 2, amount // 10])
    check.operation(
        ledger,
        lambda out: trading.transfer_margin(out, owner, sub, 0, amount),
        owner,
        "transfer_margin(uint256,uint256,uint256)",
        *(sub, 0, amount),
    )


MUST_SEE = {
    "margin": 7,
    "funding": 3,
    "liquidation": 0.5,
    "liquidation past a silent feed": 0.02,
    "deleveraged": 0.1,
    "deleveraged against several": 0.01,
    "closed whole": 0.1,
    "closed in part": 0.1,
    "insurance paid": 0.05,
    "insurance gained": 0.05,
    "maker paid": 0.01,
    "socialised": 0.01,
    "maker lacks": 0.1,
    "long": 0.1,
    "short": 0.1,
    "portfolio": 0.1,
    "gross": 0.1,
    "liquidate clearing: not liquidatable": 0.1,
    "liquidate clearing: not reducing risk": 0.001,
    "liquidate_collateral done": 0.05,
    "liquidate_pledge done": 0.05,
    "trade done": 0.05,
    "trade clearing: below initial margin": 0.05,
    "trade clearing: inventory limit": 0.01,
    "trade clearing: open interest cap": 0.01,
    "trade clearing: maker reserve": 0.01,
    "transfer_slice done": 0.05,
    "transfer_margin done": 0.05,
    "transfer_margin clearing: withdrawals gated": 0.005,
}


@pytest.mark.parametrize("shard", range(SHARDS))
def test_margin_funding_liquidation_and_waterfall_are_the_references(shard: int) -> None:
    states = STATES // SHARDS
    check = Comparison()
    for i in range(states):
        if i and i % FRESH == 0:
            check.bench = Bench()
        draw = random.Random(shard * 10**9 + i)
        ledger = drawing.ledger(draw, check.bench.deployed.place)
        ledger.consents |= {(t, o) for t in OWNERS for o in OWNERS if t != o}
        with check.bench.state(ledger):
            compare_views(check, ledger, draw)
            compare_liquidations(check, ledger)
            compare_others(check, ledger, draw)
        assert check.found == [], f"state {i} of shard {shard}: {check.found[:3]}"
    rare = {
        what: check.seen[what]
        for what, part in MUST_SEE.items()
        if check.seen[what] < part * states
    }
    assert rare == {}, check.seen
