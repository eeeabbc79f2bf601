"""Speed of both worlds and of whole runs, and the memory these take."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from simulator.bench.row import WORKERS, Row, clock, spent

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.config import Config

SCENARIO = "correlation-breakdown"
LARGE_PATHS, SMALL_PATHS = 10_000, 2_500
MODEL_PATHS = 2_000
# Of a run that only compiles: so few are simulated in one process.
WARM_PATHS = 2
CHAIN_PATHS, CHAIN_STEPS = 20, 200
ONE_PATH_STEPS = 700
# Of a chain measurement, which is short; the fastest counts, for both sides of the ratio.
REPEATS = 3


def config_of(paths: int, **changes: float) -> Config:
    """The scenario that is measured."""
    from simulator.config import load

    return load(SCENARIO, [f"paths={paths}", *(f"{key}={value}" for key, value in changes.items())])


def pieces() -> list[Row]:
    """The pieces of a run, each timed alone in this process."""
    from simulator.market.draw import draw
    from simulator.runner import Plan, simulate_chunk
    from simulator.runner.worlds import ran

    config = config_of(MODEL_PATHS)
    plan = Plan(config, "model", (), 0)
    simulate_chunk(plan, 0, 2, 0)  # compiles
    market = draw(config.market, 0, MODEL_PATHS)
    path_steps = MODEL_PATHS * config.steps
    seconds = {
        "draw": clock(lambda: draw(config.market, 0, MODEL_PATHS)),
        "loop": clock(lambda: ran(plan, market, 0, None)),
        "chunk": clock(lambda: simulate_chunk(plan, 0, MODEL_PATHS, 0)),
    }
    meaning = {
        "draw": "market paths, one core",
        "loop": "all agents, the model world and all books, one core",
        "chunk": "draw, loop and frames, one core",
    }
    return [
        Row(f"{name}_path_steps_per_second", path_steps / taken, "1/s", "", meaning[name])
        for name, taken in seconds.items()
    ]


def side_by_side(job: Callable[[int, int], None], paths: int) -> float:
    """Seconds that a job takes on every core at once, each its own ``paths`` of them."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ExitStack() as stack:
        # One process each: an executor of several may give the second job to the first again.
        pools = [
            stack.enter_context(ProcessPoolExecutor(1, get_context("spawn")))
            for _ in range(WORKERS)
        ]

        def all_of_them(paths: int) -> None:
            jobs = [pool.submit(job, paths * worker, paths) for worker, pool in enumerate(pools)]
            for each in jobs:
                each.result()

        all_of_them(2)  # starts the processes and loads the kernels
        return clock(partial(all_of_them, paths))


def model() -> list[Row]:
    """The model on every core at once: each draws its paths and runs all agents over them."""
    steps, seconds = config_of(1).steps, side_by_side(_draw_and_simulate, MODEL_PATHS)
    return [
        Row(
            "model_path_steps_per_second",
            WORKERS * MODEL_PATHS * steps / seconds,
            "1/s",
            ">= 1,500,000",
            f"market paths, all agents, the model world and all books, {WORKERS} cores",
        )
    ]


def _draw_and_simulate(first: int, paths: int) -> None:
    from simulator.market.draw import draw
    from simulator.runner import Plan
    from simulator.runner.worlds import ran

    config = config_of(paths)
    ran(Plan(config, "model", (), 0), draw(config.market, first, paths), 0, None)


def runs() -> list[Row]:
    """Whole runs in processes of their own: speed, how it scales, and memory."""
    base = config_of(1)
    _run_apart(WARM_PATHS, base.horizon_hours)  # compiles
    small = _run_apart(SMALL_PATHS, base.horizon_hours)
    long = _run_apart(SMALL_PATHS, base.horizon_hours * 2)
    large = _run_apart(LARGE_PATHS, base.horizon_hours)
    path_steps = LARGE_PATHS * base.steps
    return [
        Row(
            "run_path_steps_per_second",
            path_steps / large.seconds,
            "1/s",
            "",
            f"whole run of {LARGE_PATHS:,} paths × {base.steps} steps, start-up, attribution, "
            f"metrics and report included, {WORKERS} cores",
        ),
        Row(
            "time_ratio_paths",
            large.seconds / small.seconds,
            "×",
            f"<= {LARGE_PATHS / SMALL_PATHS:.0f}",
            f"{LARGE_PATHS:,} paths against {SMALL_PATHS:,}",
        ),
        Row(
            "time_ratio_steps",
            long.seconds / small.seconds,
            "×",
            "<= 2",
            f"{2 * base.steps} steps against {base.steps}, {SMALL_PATHS:,} paths",
        ),
        Row(
            "peak_memory_bytes",
            large.memory,
            "B",
            "<= 8e8",
            f"{LARGE_PATHS:,} paths × {base.steps} steps, all processes together",
        ),
        Row(
            "memory_ratio_paths",
            large.memory / small.memory,
            "×",
            "about 1",
            f"{LARGE_PATHS:,} paths against {SMALL_PATHS:,}",
        ),
    ]


@dataclass(frozen=True)
class _Apart:
    seconds: float
    memory: float


_APART = """
import resource, sys
from simulator.bench.row import WORKERS, clock
from simulator.bench.worlds import config_of
from simulator.runner import run
paths, hours = int(sys.argv[1]), float(sys.argv[2])
config = config_of(paths, horizon_hours=hours)
seconds = clock(lambda: run(config, workers=WORKERS))
kib = [resource.getrusage(w).ru_maxrss for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
# ru_maxrss of the children is the largest of them: an upper bound counts every worker as that one.
print(seconds, 1024 * (kib[0] + WORKERS * kib[1]))
"""


def _run_apart(paths: int, hours: float) -> _Apart:
    """A run in a fresh interpreter, whose memory nothing else has touched."""
    done = subprocess.run(
        [sys.executable, "-c", _APART, str(paths), str(hours)],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, memory = done.stdout.split()
    return _Apart(float(seconds), float(memory))


def chain() -> list[Row]:
    """The chain world's loop against raw pyrevm making the same message calls.

    A message call is a transaction without what surrounds it: no nonce, no signature, no gas
    bought; state is changed, a revert undone.
    """
    many, one = _chain(CHAIN_PATHS, CHAIN_STEPS), _chain(1, ONE_PATH_STEPS)
    against = "over raw pyrevm making the same message calls (no nonces, no gas bought)"
    return [
        Row(
            "chain_to_raw_ratio",
            many.raw / many.loop,
            "×",
            ">= 0.75",
            f"rate of the chain world, {CHAIN_PATHS} paths, {against}",
        ),
        Row(
            "chain_one_path_to_raw_ratio",
            one.raw / one.loop,
            "×",
            ">= 0.7",
            f"rate of the chain world, 1 path, {against}",
        ),
        Row(
            "chain_transactions_per_second",
            many.transactions / many.loop,
            "1/s",
            "",
            f"{CHAIN_PATHS} paths × {CHAIN_STEPS} steps, agents and observations included",
        ),
        Row(
            "chain_path_steps_per_second",
            CHAIN_PATHS * CHAIN_STEPS / many.loop,
            "1/s",
            "",
            "the same in path-steps",
        ),
    ]


@dataclass(frozen=True)
class _Chain:
    transactions: int
    loop: float  # CPU seconds of the fastest
    raw: float


def _chain(paths: int, steps: int) -> _Chain:
    from simulator.agents.build import build_agents
    from simulator.books.hooks import BOOK
    from simulator.chain.world import ChainWorld
    from simulator.config import resolve
    from simulator.engine import simulate
    from simulator.market.draw import draw

    config = config_of(paths)
    protocol = resolve(config)
    market = draw(config.market, 0, paths).first_steps(steps)

    def run(whole: ChainWorld) -> float:
        """Path by path, as runs do."""
        worlds = whole.apart(BOOK)

        def one_after_the_other() -> None:
            for world in worlds:
                simulate(world, build_agents(config, protocol))

        return spent(one_after_the_other)

    run(ChainWorld(protocol, market.first_steps(2)))  # warm
    loop, raw, transactions = [], [], 0
    for _ in range(REPEATS):
        world = ChainWorld(protocol, market, record=True)
        loop.append(run(world))
        transactions, seconds = world.replay_raw()
        raw.append(seconds)
    return _Chain(transactions, min(loop), min(raw))
