"""Plants every bug of the catalogue, one at a time, and notes which test caught it.

Exits 1 when a bug survives, or when a test that caught one fails without it too. A verdict is kept
while the mutated file and the file of the test that caught it stay as they are, so an interrupted
hunt goes on where it was; ``--fresh`` forgets all.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from scripts.mutants.catalogue import MUTANTS
from scripts.mutants.patch import ROOT, patched, unoptimised
from scripts.mutants.plant import Mutant, copied, plant

TABLE = ROOT / "tests" / "MUTANTS.md"
VERDICTS = ROOT / ".build" / "mutants.json"
WORKERS = 2
TESTS_FAILED = 1  # pytest's exit status; any other is no verdict
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


class HuntError(RuntimeError):
    """A mutant that gives no verdict: it does not compile, or its tests do not run."""


def hunt(mutant: Mutant, likely: str | None = None) -> str | None:
    """Name of the first test that fails on the mutant; None when it survives.

    ``likely`` is tried first: it may be gone by now.
    """
    with tempfile.TemporaryDirectory() as folder:
        tree = plant(mutant, Path(folder))
        environment = os.environ | {
            "HYPOTHESIS_STORAGE_DIRECTORY": str(Path(folder) / "hypothesis"),
        }
        if not mutant.of_simulator:
            environment["HEDGESIM_CONTRACTS"] = folder
            _compile(mutant, environment)
        for test in (*([likely] if likely else []), *mutant.tests):
            command = [
                sys.executable,
                "-m",
                "pytest",
                "-p",
                "no:ape_test",
            ]
            command += ["-o", f"cache_dir={folder}/cache", "-x", "-q", "--tb=no", "-rfE", test]
            run = subprocess.run(
                command, cwd=tree, env=environment, capture_output=True, text=True, check=False
            )
            if run.returncode == TESTS_FAILED and (failed := _FAILED.search(run.stdout)):
                return _whole(failed.group(1))
            if run.returncode != 0 and test != likely:
                raise HuntError(
                    f"{mutant.name}: {test} gives {run.returncode}:\n{run.stdout}{run.stderr}"
                )
    return None


def _whole(test: str) -> str:
    """The test's name without its parameters if they were cut at a space."""
    return test if test.endswith("]") or "[" not in test else test.split("[", maxsplit=1)[0]


def _hold_without(tests: list[str], *, of_simulator: bool) -> bool:
    """Whether the tests that caught bugs pass in a copy without any, made alike."""
    if not tests:
        return True
    with tempfile.TemporaryDirectory() as folder:
        environment, tree = dict(os.environ), ROOT
        if of_simulator:
            tree = copied(Path(folder))
        else:
            unoptimised(patched(Path(folder), []))
            environment["HEDGESIM_CONTRACTS"] = folder
        command = [sys.executable, "-m", "pytest", "-p", "no:ape_test", "-n", str(WORKERS)]
        command += ["-o", f"cache_dir={folder}/cache", "-q", "--tb=short", "-rfE", *tests]
        return subprocess.run(command, cwd=tree, env=environment, check=False).returncode == 0


def _compile(mutant: Mutant, environment: dict[str, str]) -> None:
    """Compile the smallest contract with the bug: what the compiler finds tests no test."""
    code = (
        "import sys; from simulator.chain.deploy import artifacts as a\n"
        "bug = a.CONTRACTS / sys.argv[1]\n"
        "closures = {s.stem: a.closure(s) for s in sorted(a.CONTRACTS.glob('*.vy'))}\n"
        "hit = [name for name, files in closures.items() if bug in files]\n"
        "a.load(min(hit, key=lambda name: len(closures[name])))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, mutant.file],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if run.returncode != 0:
        raise HuntError(f"{mutant.name}: does not compile:\n{run.stderr[-2_000:]}")


def _stamp(mutant: Mutant, caught_by: str) -> str:
    """Hash of what a verdict rests on: the file with the bug, and that of the test."""
    digest = hashlib.sha256(mutant.source().encode())
    test = ROOT / caught_by.split("::", maxsplit=1)[0]
    digest.update(test.read_bytes() if test.is_file() else b"")
    return digest.hexdigest()


def described(mutant: Mutant) -> list[str]:
    """What the table says of a bug: name, kind, file, change."""

    def cell(source: str) -> str:
        return "`" + " ".join(source.split()).replace("|", "\\|") + "`"

    change = f"{cell(mutant.old)} → {cell(mutant.new) if mutant.new.strip() else '(nothing)'}"
    return [mutant.name, mutant.kind, f"`{mutant.file}`", change]


def _write_table(verdicts: dict[str, str | None]) -> None:
    caught = [mutant for mutant in MUTANTS if verdicts[mutant.name]]
    count = f"{len(caught)} of {len(MUTANTS)} are caught."
    lines = [
        "# Planted bugs",
        "",
        "Made by `make mutants`: each bug is planted alone in a copy of the contracts, or of the",
        "simulator, and the tests the catalogue names are run until one fails; a verdict stands",
        f"while its file and that test's are unchanged. {count}",
        "",
        "| bug | kind | file | change | caught by |",
        "|---|---|---|---|---|",
        *(
            f"| {' | '.join(described(mutant))} | `{verdicts[mutant.name] or 'SURVIVED'}` |"
            for mutant in MUTANTS
        ),
    ]
    temporary = TABLE.with_suffix(".tmp")
    temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    temporary.replace(TABLE)


def _recall() -> dict[str, dict[str, str]]:
    return json.loads(VERDICTS.read_text(encoding="utf-8")) if VERDICTS.is_file() else {}


def _remember(mutant: Mutant, caught_by: str) -> None:
    VERDICTS.parent.mkdir(parents=True, exist_ok=True)
    temporary = VERDICTS.with_suffix(".tmp")
    known = _recall() | {mutant.name: {"test": caught_by, "stamp": _stamp(mutant, caught_by)}}
    temporary.write_text(json.dumps(known, indent=1), encoding="utf-8")
    temporary.replace(VERDICTS)


def main(arguments: list[str]) -> int:
    """Hunt all mutants, or those whose names are given (then the table stays as it is)."""
    wanted = {name for name in arguments if not name.startswith("--")}
    chosen = [mutant for mutant in MUTANTS if not wanted or mutant.name in wanted]
    verdicts: dict[str, str | None] = {}
    likely: dict[str, str] = {}  # what caught a bug before its file or the test changed
    for mutant in chosen:
        old = None if "--fresh" in arguments else _recall().get(mutant.name)
        if old and old["stamp"] == _stamp(mutant, old["test"]):
            verdicts[mutant.name] = old["test"]
        elif old and (ROOT / old["test"].split("::", maxsplit=1)[0]).is_file():
            likely[mutant.name] = old["test"]
    began = time.perf_counter()
    with ThreadPoolExecutor(WORKERS) as pool:
        jobs = {
            pool.submit(hunt, m, likely.get(m.name)): m for m in chosen if m.name not in verdicts
        }
        for job in as_completed(jobs):
            mutant = jobs[job]
            try:
                caught_by = job.result()
            except HuntError as error:
                print(error, file=sys.stderr, flush=True)
                caught_by = None
            verdicts[mutant.name] = caught_by
            if caught_by:
                _remember(mutant, caught_by)
            seconds = time.perf_counter() - began
            done = f"{len(verdicts)}/{len(chosen)}"
            print(
                f"{done:>8} {seconds:6.0f} s  {mutant.name}: {caught_by or 'SURVIVED'}", flush=True
            )
    caught = [(mutant.of_simulator, verdicts[mutant.name]) for mutant in chosen]
    if not all(
        _hold_without(
            sorted({test for of, test in caught if test and of is kind}), of_simulator=kind
        )
        for kind in (False, True)
    ):
        print("tests above fail without any bug: their verdicts mean nothing", file=sys.stderr)
        VERDICTS.unlink(missing_ok=True)
        return 1
    if not wanted:
        _write_table(verdicts)
    survivors = [name for name, verdict in verdicts.items() if verdict is None]
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} caught", *survivors, sep="\n  ")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
