"""Many runs of the rules from one seed, on all cores; a failure becomes a list of operations."""

from __future__ import annotations

import json
import multiprocessing
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from simulator.types import SimulatorError
from tests.stateful.checked import CheckedWorld, prologue
from tests.stateful.draws import RandomDraw
from tests.stateful.genesis import VARIANTS, genesis
from tests.stateful.mismatch import Mismatch
from tests.stateful.rules import RULES, WEIGHTED

STEPS = 150  # of one run
SHRINKING = 300  # attempts to leave operations out of a failure
FAILURES = (Mismatch, SimulatorError, ArithmeticError, LookupError, TypeError)

Operations = list[tuple[str, list[Any]]]


@dataclass(frozen=True)
class Failure:
    """A run that failed: replay it with ``replay.py``."""

    variant: str
    operations: Operations
    message: str

    def script(self) -> str:
        """One operation per line."""
        head = json.dumps({"variant": self.variant, "message": self.message[:500]})
        return "\n".join([head, *(json.dumps([name, *args]) for name, args in self.operations)])


@dataclass
class Campaign:
    """What many runs did."""

    steps: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)

    def add(self, other: Campaign) -> None:
        self.steps += other.steps
        self.seen += other.seen
        self.failures += other.failures


def run(seed: int, steps: int = STEPS) -> Campaign:
    """One run: a variant, a start, then rules by weight."""
    draw = RandomDraw(random.Random(seed))
    variant = VARIANTS[seed % len(VARIANTS)]
    world, out = CheckedWorld(variant), Campaign()
    try:
        for name, arguments in prologue(draw):
            world.do(name, arguments)
        for _ in range(steps):
            name = draw.pick(WEIGHTED)
            world.do(name, RULES[name].propose(world, draw))
    except FAILURES as error:
        failure = Failure(variant, list(world.history), f"seed {seed}: {error!r}")
        out.failures.append(shrunk(failure))
    out.steps, out.seen = world.step_number, world.seen
    return out


def fails(variant: str, operations: Operations) -> str:
    """How the operations fail; empty when they do not."""
    world = CheckedWorld(variant)
    try:
        for name, arguments in operations:
            world.do(name, arguments)
    except FAILURES as error:
        return repr(error)
    return ""


def shrunk(failure: Failure) -> Failure:
    """The failure with operations left out as long as it fails alike, long stretches first."""
    operations, kind = list(failure.operations), failure.message[:60].split(":", 1)[-1][:25]
    attempts, width = 0, max(len(operations) // 2, 1)
    while width and attempts < SHRINKING:
        start, shorter = 0, False
        while start < len(operations) and attempts < SHRINKING:
            fewer = operations[:start] + operations[start + width :]
            attempts += 1
            if kind in f" {fails(failure.variant, fewer)}":
                operations, shorter = fewer, True
            else:
                start += width
        if not shorter:
            width //= 2
    return Failure(failure.variant, operations, failure.message)


def _run(arguments: tuple[int, int]) -> Campaign:
    return run(*arguments)


def campaign(seed: int, steps: int, workers: int) -> Campaign:
    """Runs one after the other until there are as many steps, or one fails."""
    for variant in VARIANTS:
        genesis(variant)  # compiled and deployed once, before the processes part
    total = Campaign()
    seeds = [(seed * 1_000_003 + i, STEPS) for i in range(-(-steps // STEPS))]
    if workers == 1:
        for arguments in seeds:
            total.add(_run(arguments))
            if total.failures:
                break
        return total
    with multiprocessing.get_context("fork").Pool(workers, maxtasksperchild=20) as pool:
        for part in pool.imap_unordered(_run, seeds):
            total.add(part)
            if total.failures:
                pool.terminate()
                break
    return total
