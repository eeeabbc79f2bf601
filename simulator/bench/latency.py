"""What a user waits for: the start, one path, and the first run, which compiles."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from simulator.bench.row import Row, clock
from simulator.bench.worlds import SCENARIO, config_of

_COMMAND = "from simulator.cli import main; main()"
# What a user tries first.
START, START_PATHS = "calm", 20


def rows() -> list[Row]:
    """The command for one path, with an empty cache of compiled kernels and with a full one."""
    with TemporaryDirectory() as cache:
        first = _command(cache, SCENARIO, 1)
        again = min(_command(cache, SCENARIO, 1) for _ in range(2))
        start = min([_command(cache, START, START_PATHS) for _ in range(3)][1:])
    steps = config_of(1).steps
    return [
        Row(
            "compile_seconds",
            first - again,
            "s",
            "",
            "compiling the kernels of a run, once: one path in an empty NUMBA_CACHE_DIR, less the "
            "same when they are there",
        ),
        Row(
            "one_path_seconds",
            again,
            "s",
            "",
            f"`hedgesim run` of one path × {steps} steps, from the command to its report",
        ),
        Row(
            "start_seconds",
            start,
            "s",
            "<= 2.5",
            f"`hedgesim run {START} --paths {START_PATHS}`, from the command to its report",
        ),
        Row(
            "one_path_step_seconds",
            _step(steps),
            "s",
            "<= 3e-6",
            "one path, one step: all agents, the model world and all books, one core",
        ),
    ]


def _command(cache: str, scenario: str, paths: int) -> float:
    """Seconds of wall clock of a whole command in a process of its own."""
    with TemporaryDirectory() as out:
        arguments = ["run", scenario, "--paths", str(paths), "--out", str(Path(out) / "run")]
        return clock(
            lambda: subprocess.run(
                [sys.executable, "-c", _COMMAND, *arguments],
                env=os.environ | {"NUMBA_CACHE_DIR": cache},
                capture_output=True,
                check=True,
            )
        )


def _step(steps: int) -> float:
    """Seconds a step of a lone path takes, kernels compiled."""
    from simulator.market.draw import draw
    from simulator.runner import Plan
    from simulator.runner.worlds import ran

    config = config_of(1)
    plan, market = Plan(config, "model", (), 0), draw(config.market, 0, 1)

    def run() -> None:
        ran(plan, market, 0, None)

    run()  # compiles
    return clock(run) / steps
