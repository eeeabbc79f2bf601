"""Speed and memory, measured on this machine in one go; every ratio comes from one run.

All is warmed up before a clock starts, but for the row that says what compiling takes. Times are
wall-clock; ratios of what one core does alone are of its own time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.bench.row import WORKERS, Row

if TYPE_CHECKING:
    from collections.abc import Callable


def bench(progress: Callable[[str], None] | None = None) -> list[Row]:
    """Measure everything; ``progress`` is told what is being measured."""
    from simulator.bench import ecosystem, latency, processes, reduced, study, worlds

    rows: list[Row] = []
    for what, measure in (
        # First, while this process is small: on Linux a process starts with the peak of its parent.
        (f"whole runs, {WORKERS} cores", worlds.runs),
        ("one path, and the first run", latency.rows),
        ("model world, one core", worlds.pieces),
        ("model world against a kernel fused by hand, one core", reduced.rows),
        ("market processes, one core", processes.rows),
        (f"model world, {WORKERS} cores", worlds.model),
        (f"populations, lending and every agent, {WORKERS} cores", ecosystem.rows),
        (f"hedge study, {WORKERS} cores", study.rows),
        ("chain world against message calls of raw pyrevm", worlds.chain),
    ):
        if progress is not None:
            progress(what)
        rows += measure()
    return rows
