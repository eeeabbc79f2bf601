"""The judge knows what the audit found when it sees it, and calls nothing else so.

The sequences here are for the judge alone: a hunt has to come upon its own (`campaign`).
"""

from __future__ import annotations

from functools import cache

import pytest

from tests.hunt.ground import ALT, BTC, GUSD, SOL
from tests.hunt.judge import Judge, Verdict
from tests.hunt.known import AUDIT, missed, unknown
from tests.hunt.moves import (
    EACH,
    Bet,
    Close,
    Flash,
    Give,
    Index,
    Key,
    Liquidate,
    Repeat,
    Sequence,
    Share,
    Silence,
    Wait,
)
from tests.hunt.scene import Scene
from tests.hunt.search import GROUNDS, Finding, Found, Hunt

LEAST = 1_001_000  # margin, millionths of what a position needs
S = 64  # of S/64

CASCADE = (
    Bet(0, 0, 1, S, LEAST),
    Repeat(32, (Bet(1, 0, -1, S // 4, LEAST), Bet(EACH, 0, 1, S // 4, LEAST))),
    Close(0, 0, 64),
    Bet(1, 0, -1, S, LEAST),
    Index(BTC, -10, 1),
    Liquidate(0, True, True),
)
LOSER_CLOSES_FIRST = (
    Bet(0, 0, -1, S, LEAST),
    Bet(1, 0, 1, S, 5 * LEAST),
    Index(BTC, 200, 8),
    Close(0, 0, 64),
)
DUST = (Give("vault", 3, 1), Silence(ALT, 10_000))
SEATS = (Repeat(64, (Bet(EACH, 0, 1, 0, LEAST),)),)
TRAP = (Bet(0, 0, 1, S, LEAST),)
_FOUND: tuple[Sequence, ...] = (CASCADE, LOSER_CLOSES_FIRST, DUST, SEATS, TRAP)
ATTACKS = dict(zip(AUDIT, _FOUND, strict=True))

# What anybody may do, and costs nobody else anything.
INNOCENT: dict[str, Sequence] = {
    "nothing": (),
    "time": (Wait(3_600), Wait(12)),
    "a bet that is closed": (Bet(0, 0, 1, 8, 2 * LEAST), Close(0, 0, 64)),
    "a bet that wins": (Bet(0, 1, -1, 4, 2 * LEAST), Index(SOL, -200, 4)),
    "a bet that loses more than it has": (
        Bet(0, 0, -1, 4, LEAST), Index(BTC, 200, 8), Liquidate(0, True, True),
    ),
    "a bet left at the old price while its feed is silent": (
        Silence(BTC, 3_600), Bet(0, 0, 1, 4, 2 * LEAST), Index(BTC, -100, 1), Close(0, 0, 64),
    ),
    "a bet whose feed stops": (
        Bet(0, 0, 1, 4, 2 * LEAST), Index(BTC, 50, 1), Silence(BTC, 3_600), Index(BTC, -50, 2),
    ),
    "in and out of the vault": (Share("deposit", 16), Wait(12), Share("redeem", 64)),
    "a flash loan paid back": (Flash(), Bet(0, 0, 1, 8, LEAST), Close(0, 0, 64)),
    "a liar among the reporters": (Key("reporter", "lie", 1_000), Wait(12)),
    "keepers": (Share("rebalance", 1), Share("recenter", 1), Share("deleverage", 1)),
}  # fmt: skip


@cache
def judge(version: str) -> Judge:
    return Judge(Scene(GROUNDS[version]()))


def found(verdict: Verdict) -> Found:
    made = Found()
    for what, worth in verdict.findings.items():
        made.note(what, Finding(worth, (), 1))
    return made


@pytest.mark.parametrize("name", AUDIT)
def test_judge_sees_what_the_audit_found_in_fe8ea04(name: str) -> None:
    assert name not in missed(found(judge("then").judge(ATTACKS[name])))


@pytest.mark.parametrize("version", GROUNDS)
@pytest.mark.parametrize("name", INNOCENT)
def test_judge_calls_nothing_a_finding_that_is_none(name: str, version: str) -> None:
    verdict = judge(version).judge(INNOCENT[name])
    assert not verdict.findings
    assert verdict.profit <= 0


@pytest.mark.parametrize(
    "sequence",
    [CASCADE, LOSER_CLOSES_FIRST, DUST, (Give("vault", GUSD - 2, 1),)],
    ids=["cascade", "loser closes first", "dust whose feed stops", "a cent of a coarse token"],
)
def test_what_was_closed_stays_closed(sequence: Sequence) -> None:
    assert not unknown(found(judge("now").judge(sequence)))


def test_a_sequence_is_judged_alike_whatever_was_judged_before() -> None:
    first = judge("then").judge(LOSER_CLOSES_FIRST)
    judge("then").judge(CASCADE)
    assert judge("then").judge(LOSER_CLOSES_FIRST) == first


def test_a_loan_not_paid_back_within_its_block_is_no_sequence() -> None:
    bets = Repeat(16, (Bet(EACH, 0, 1, S // 4, 10 * LEAST), Bet(0, 0, -1, S // 4, 10 * LEAST)))
    assert judge("now").judge((Flash(), bets, Wait(12))) == Verdict()
    assert judge("now").judge((Flash(), bets)).cell


def test_a_stolen_key_is_named_only_where_it_takes_one() -> None:
    hunt = Hunt("then", 0)
    hunt.step((*TRAP, Key("guardian", "pause", 0)))
    assert "denial of reduce: clearing: inventory limit" in hunt.found.findings
    hunt.step((Key("owner", "guardian", 0), Key("owner", "owner", 0)))
    denial = "denial of cancel: roles: not the guardian"
    assert f"{denial}, with the key of owner" in hunt.found.findings
    assert denial not in hunt.found.findings


def test_a_seed_decides_a_hunt() -> None:
    one, other = (Hunt("then", 7).run(25) for _ in range(2))
    assert one == other
    assert one.sequences == 25


def test_a_hunt_finds_a_denial_by_itself() -> None:
    assert "denial of reduce: clearing: inventory limit" in Hunt("then", 1).run(60).findings


def test_a_finding_is_told_without_the_moves_it_does_not_need() -> None:
    hunt = Hunt("then", 0)
    hunt.step((Wait(12), *SEATS, Share("accrue_fees", 1), Bet(0, 1, 1, 1, LEAST)))
    finding = hunt.found.findings["denial of open: clearing: too many accounts"]
    assert hunt.shortest(finding) == SEATS
