"""The long checks, run by ``make campaign``; exits 0 when all of them hold.

The comparison of the two worlds: every built-in scenario, 500 steps, as many paths each as make
120,000 path-steps of all together (what 12 scenarios of 20 paths took: a longer library is not a
longer campaign), but no fewer than five; both must agree to 1e-9 with no decision flip on all of
them, and between them the runs contain what a comparison must have seen to mean anything. Then
random scenarios, the stateful campaign (``tests/stateful``), the hunt for profit and denial
(``tests/hunt``), and the tests that have a size, at full size. The model's speed is held to what it
was beside that of a kernel fused by hand.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from simulator.bench import reduced
from simulator.config import load, scenarios
from simulator.fuzz import Trial, verify_each, verify_random
from simulator.terminal import show_trials
from simulator.verify import Comparison

STEPS, PATH_STEPS, LEAST_PATHS = 500, 120_000, 5
RANDOM_SCENARIOS, RANDOM_SEED = 50, 1

MUST_SEE: dict[str, Callable[[Comparison], int]] = {
    "a liquidation": lambda seen: seen.outcomes.get("Liquidate", {}).get("OK", 0),
    "a slippage refusal": lambda seen: seen.statuses.get("SLIPPAGE", 0),
    "a margin refusal": lambda seen: seen.statuses.get("BELOW_INITIAL_MARGIN", 0),
    "a stale-oracle refusal": lambda seen: seen.statuses.get("STALE_ORACLE", 0),
    "a crossing out of range": lambda seen: seen.exits_from_range,
}

# Random operations and attacks, each with an exact ledger beside it; then the guided search, which
# has to find an audit's findings in the contracts audited before it says anything about ours.
SEARCHES = (("tests/stateful/campaign.py",), ("tests/hunt/campaign.py",))
# What a test imports that does more when HEDGESIM_CAMPAIGN=1. The command line names those that
# `make test` leaves out.
HAVE_A_SIZE = ("tests.sizes", "tests.scenarios")


def main() -> int:
    """All of it, also where something failed before."""
    checks = [
        as_quick_as_before(),
        worlds_agree(),
        worlds_agree_anywhere(),
        *map(holds, SEARCHES),
        at_full_size(sys.argv[1:]),
    ]
    return 0 if all(checks) else 1


def as_quick_as_before() -> bool:
    """The model beside the fused kernel, against the ratio that is committed."""
    found, least = reduced.ratio(), reduced.LEAST_PART * reduced.COMMITTED
    print(
        f"speed of the model over that of a fused kernel: {found:.3f}; committed on "
        f"{reduced.MEASURED_ON}: {reduced.COMMITTED:.3f}, at least {least:.3f}",
        flush=True,
    )
    return reduced.keeps_up(found)


def holds(search: Sequence[str]) -> bool:
    """Run one of :data:`SEARCHES`; each tells what it found."""
    return subprocess.run([sys.executable, *search], check=False).returncode == 0


def with_a_size(folder: Path) -> list[Path]:
    """The files of tests that import one of :data:`HAVE_A_SIZE`."""
    return [
        path
        for path in sorted(folder.rglob("test_*.py"))
        if any(name in path.read_text(encoding="utf-8") for name in HAVE_A_SIZE)
    ]


def at_full_size(more: Sequence[str]) -> bool:
    """The integer reference, Uniswap's bytecode, and whatever else does less in ``make test``."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:ape_test",
        "-q",
        "-n",
        "2",
        *map(str, with_a_size(Path("tests"))),
        *more,
    ]
    environment = os.environ | {"HEDGESIM_CAMPAIGN": "1"}
    return subprocess.run(command, check=False, env=environment).returncode == 0


def worlds_agree() -> bool:
    """Compare, print a line per scenario, and say what was seen."""
    names = list(scenarios())
    paths = max(LEAST_PATHS, PATH_STEPS // (STEPS * len(names)))
    print(f"{len(names)} scenarios, {paths} paths of {STEPS} steps each")
    print(f"{'scenario':24} {'largest error':>13} {'flips':>6} {'actions':>8}")

    def tell(trial: Trial) -> None:
        found = trial.comparison
        print(
            f"{trial.config.name:24} {found.worst:13.1e} {len(found.flips):6} "
            f"{sum(found.statuses.values()):8,}",
            flush=True,
        )

    trials = verify_each([load(name) for name in names], paths, STEPS, progress=tell)
    comparisons = [trial.comparison for trial in trials]
    counts = {what: sum(map(count, comparisons)) for what, count in MUST_SEE.items()}
    print("seen:", ", ".join(f"{what} {count:,} times" for what, count in counts.items()))
    complete = all(counts.values())
    agree = all(comparison.agrees for comparison in comparisons)
    print("the worlds agree" if agree else "the worlds DIFFER", end="")
    print("" if complete else "; something that had to be seen was not")
    return agree and complete


def worlds_agree_anywhere() -> bool:
    """The comparison on scenarios nobody thought of."""
    trials = verify_random(RANDOM_SEED, RANDOM_SCENARIOS)
    show_trials(trials)
    return all(trial.comparison.agrees for trial in trials)


if __name__ == "__main__":
    sys.exit(main())
