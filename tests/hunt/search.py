"""A guided search over sequences: it keeps the best of every way things can be bent.

The space is cut into cells (how far the skew went, how thin an account of the party got, what debt
there is, how many seats are taken, how many keys were used) and each cell keeps its most profitable
sequence (MAP-Elites; Mouret and Clune, 2015). Children of kept sequences fill further cells: a
profit needs several steps none of which pays, so profit alone leads nowhere. Cells seldom chosen
come first. A seed and a number of sequences decide everything.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

from tests.hunt import now, then
from tests.hunt.ground import Ground
from tests.hunt.judge import Judge
from tests.hunt.moves import (
    MARKET,
    MARKETS,
    Bet,
    Close,
    Liquidate,
    Move,
    Repeat,
    Sequence,
    changed,
    draw,
    length,
    repeated,
    without_keys,
)
from tests.hunt.scene import Scene

LONGEST, LONGEST_BODY = 9, 4
MOST = 140  # single moves of a sequence
MOVE = 100  # USD, what a move is charged: of two that do the same the shorter is kept
AIMS = {"profit": 0.75, "denial": 0.25}  # parts of the sequences
FRESH = 0.1  # sequences that have no parent
GROUNDS: dict[str, Callable[[], Ground]] = {"then": then.ground, "now": now.ground}


@dataclass
class Finding:
    """``worth``: USD, 1 for a denial. ``at``: the number of the sequence it was first met at."""

    worth: int
    sequence: Sequence
    at: int


@dataclass
class Found:
    """What a search found, by what it is."""

    sequences: int = 0
    cells: int = 0
    best: int = -(10**12)  # USD
    findings: dict[str, Finding] = field(default_factory=dict)

    @property
    def worths(self) -> dict[str, int]:
        """USD by finding, 1 for a denial."""
        return {what: finding.worth for what, finding in self.findings.items()}

    def add(self, other: Found) -> None:
        self.sequences += other.sequences
        self.cells = max(self.cells, other.cells)
        self.best = max(self.best, other.best)
        for what, finding in other.findings.items():
            self.note(what, finding)

    def note(self, what: str, finding: Finding) -> None:
        """Keep the more telling one: more money, or else fewer moves."""
        old = self.findings.get(what)
        first = min(finding.at, old.at) if old else finding.at
        if old is None or _telling(finding) > _telling(old):
            old = finding
        self.findings[what] = replace(old, at=first)


@dataclass
class Elite:
    worth: int  # profit in USD, less what its moves are charged
    sequence: Sequence
    counts: bool  # a profit of it would be one
    chosen: int = 0


class Hunt:
    """One population on one scene."""

    def __init__(self, version: str, seed: int, aim: str = "denial") -> None:
        """``aim``: profit, by what moves money, or denial, by any move."""
        self.judge = Judge(Scene(GROUNDS[version]()))
        self.random = Random(f"{version} {seed} {aim}")
        self.denials = aim == "denial"
        self.kinds = () if self.denials else MARKET
        self.elites: dict[tuple[int, ...], Elite] = {}
        self.found = Found()

    def run(self, sequences: int) -> Found:
        while self.found.sequences < sequences:
            self.step(self._next())
        for finding in self.found.findings.values():
            finding.sequence = self.shortest(finding)
        return self.found

    def step(self, sequence: Sequence) -> None:
        """Play one and keep what is worth keeping."""
        found, verdict = self.found, self.judge.judge(sequence, denials=self.denials)
        found.sequences += 1
        found.best = max(found.best, verdict.profit)
        for what, worth in verdict.findings.items():
            self._note(what, Finding(worth, sequence, found.sequences), verdict.keys)
        elite = self.elites.get(verdict.cell)
        worth = verdict.profit - MOVE * len(sequence)
        if verdict.cell and (elite is None or worth > elite.worth):
            counts = verdict.calm and not verdict.keys
            self.elites[verdict.cell] = Elite(worth, sequence, counts)
            found.cells = len(self.elites)

    def _note(self, what: str, finding: Finding, keys: frozenset[str]) -> None:
        """Name the stolen keys it takes: none where it goes without, or has gone before."""
        if not keys or what in self.found.findings:
            if not keys:
                self.found.note(what, finding)
            return
        named = f"{what}, with the key of {' and '.join(sorted(keys))}"
        if len(keys) > 1 or named in self.found.findings:
            return  # another sequence will do it with one key or none
        sequence = without_keys(finding.sequence)
        worth = self.judge.judge(sequence).findings.get(what, 0)
        if worth:
            self.found.note(what, replace(finding, worth=worth, sequence=sequence))
        else:
            self.found.note(named, finding)

    def shortest(self, finding: Finding) -> Sequence:
        """Without the moves it does not need."""
        what = next(key for key, value in self.found.findings.items() if value is finding)
        what = what.split(", with")[0]
        sequence, at = finding.sequence, 0
        while at < len(sequence):
            less = sequence[:at] + sequence[at + 1 :]
            if self.judge.judge(less).findings.get(what, 0) >= 0.9 * finding.worth:
                sequence = less
            else:
                at += 1
        return sequence

    # ----------------------------------------------------------------------------------- children

    def _next(self) -> Sequence:
        random = self.random
        if len(self.elites) < 5 or random.random() < FRESH:
            return tuple(draw(random, self.kinds) for _ in range(random.randint(1, 5)))
        elite = self._pick()
        elite.chosen += 1
        sequence = elite.sequence
        for _ in range(random.choice((1, 1, 2, 3))):
            sequence = self._mutated(sequence)
        sequence = sequence[:LONGEST]
        return sequence if 0 < length(sequence) <= MOST else (draw(random, self.kinds),)

    def _pick(self) -> Elite:
        """Of three the one least chosen, every fourth time the one that pays most.

        Half of the time only those are asked whose profit would count.
        """
        all_ = list(self.elites.values())
        some = [elite for elite in all_ if elite.counts]
        three = self.random.choices(some if some and self.random.random() < 0.5 else all_, k=3)
        if self.random.random() < 0.25:
            return max(three, key=lambda elite: elite.worth)
        return min(three, key=lambda elite: elite.chosen)

    def _mutated(self, sequence: Sequence) -> Sequence:
        return self.random.choices(list(MUTATIONS), list(MUTATIONS.values()))[0](self, sequence)

    def _cut(self, sequence: Sequence) -> tuple[Sequence, Sequence, Sequence]:
        """A short run somewhere, what is before and what after."""
        at = self.random.randrange(len(sequence) + 1)
        to = self.random.randint(at, min(at + LONGEST_BODY, len(sequence)))
        return sequence[:at], sequence[at:to], sequence[to:]

    def append(self, sequence: Sequence) -> Sequence:
        return (*sequence, draw(self.random, self.kinds))

    def insert(self, sequence: Sequence) -> Sequence:
        before, run, after = self._cut(sequence)
        return (*before, draw(self.random, self.kinds), *run, *after)

    def change(self, sequence: Sequence) -> Sequence:
        at = self.random.randrange(len(sequence) or 1)
        new = [changed(self.random, move) for move in sequence[at : at + 1]]
        return (*sequence[:at], *new, *sequence[at + 1 :])

    def drop(self, sequence: Sequence) -> Sequence:
        at = self.random.randrange(len(sequence) or 1)
        return sequence[:at] + sequence[at + 1 :]

    def repeat(self, sequence: Sequence) -> Sequence:
        """A run of it for many accounts."""
        before, run, after = self._cut(sequence)
        return (*before, repeated(self.random, run), *after)

    def reverse(self, sequence: Sequence) -> Sequence:
        before, run, after = self._cut(sequence)
        return (*before, *run[::-1], *after)

    def liquidate(self, sequence: Sequence) -> Sequence:
        """A round of liquidations more."""
        before, run, after = self._cut(sequence)
        market = self.random.choice(MARKETS)
        forward, whole = self.random.choices((True, False), k=2)
        return (*before, *run, Liquidate(market, forward, whole), *after)

    def undo(self, sequence: Sequence) -> Sequence:
        """Close what an account named before holds."""
        before, run, after = self._cut(sequence)
        bets = [move for move in before + run if isinstance(move, Bet)]
        closes = [Close(bet.who, bet.market, 64) for bet in bets]
        return (*before, *run, *self.random.sample(closes, min(len(closes), 1)), *after)

    def flip(self, sequence: Sequence) -> Sequence:
        """Every bet on the other side."""
        return tuple(map(_flipped, sequence))

    def splice(self, sequence: Sequence) -> Sequence:
        """Its beginning and the end of another."""
        other = self.random.choice(list(self.elites.values())).sequence
        before, _, _ = self._cut(sequence)
        return before + other[self.random.randrange(len(other)) :]


def _flipped(move: Move) -> Move:
    if isinstance(move, Repeat):
        return replace(move, body=tuple(map(_flipped, move.body)))
    return replace(move, side=-move.side) if isinstance(move, Bet) else move


# How a sequence becomes another, and how often.
MUTATIONS: dict[Callable[[Hunt, Sequence], Sequence], int] = {
    Hunt.append: 20,
    Hunt.insert: 10,
    Hunt.change: 25,
    Hunt.drop: 12,
    Hunt.repeat: 12,
    Hunt.reverse: 5,
    Hunt.liquidate: 8,
    Hunt.undo: 6,
    Hunt.flip: 3,
    Hunt.splice: 6,
}


def _telling(finding: Finding) -> tuple[int, int]:
    return finding.worth, -len(finding.sequence)


def _hunt(job: tuple[str, int, str, int]) -> Found:
    version, seed, aim, sequences = job
    return Hunt(version, seed, aim).run(sequences)


def search(version: str, seed: int, sequences: int, workers: int) -> Found:
    """So many sequences in populations of two aims; ``version``: then or now."""
    jobs = [
        (version, seed * 1_000_003 + i, aim, int(sequences * part / 2))
        for aim, part in AIMS.items()
        for i in (0, 1)
    ]
    total = Found()
    if workers == 1:
        for job in jobs:
            total.add(_hunt(job))
        return total
    with multiprocessing.get_context("fork").Pool(workers, maxtasksperchild=1) as pool:
        for part in pool.imap(_hunt, jobs, chunksize=1):
            total.add(part)
    return total
