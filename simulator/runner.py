"""A run from configuration to result: paths in chunks, chunks over processes, one result."""

from __future__ import annotations

import gc
import hashlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.results.store import PARTIAL, Chunks, Outcome, write_chunk
from simulator.types import InputError, SimulatorError

if TYPE_CHECKING:
    from simulator.agents.base import Agent
    from simulator.config import Config
    from simulator.result import Result
    from simulator.results.gates import Gate
    from simulator.world.actions import Action, Fill
    from simulator.world.base import World
    from simulator.world.protocol import Protocol

#: Paths simulated together: enough to amortise the loop, few enough to stay in cache and memory.
CHUNK_PATHS = 800
#: Longer runs take fewer at a time, so that memory does not grow with the horizon for ever.
CHUNK_PATH_STEPS = 1_200_000
#: A chain world holds one EVM per path.
CHAIN_CHUNK_PATHS = 10
#: Fewer paths than this are not worth another process.
WORTH_A_WORKER = 250
#: Seconds a worker has to stop by itself when the run is interrupted.
_GRACE = 5.0

WORLDS = ("model", "chain")
Progress = Callable[[int, int], None]


def run(
    config: Config | Mapping[str, Any] | str | Path,
    *,
    paths: int | None = None,
    seed: int | None = None,
    world: str = "model",
    agents: Sequence[Agent] = (),
    out: str | Path | None = None,
    workers: int = 2,
    progress: Progress | None = None,
    requirements: Iterable[str] = (),
    record: int | None = None,
    keep: bool = False,
) -> Result:
    """Simulate a configuration.

    Args:
        config: name of a built-in scenario, path of a YAML file, plain data, or a Config.
        paths: number of market paths; None: as configured.
        seed: root of all randomness; None: as configured.
        world: ``"model"`` (float64, many paths) or ``"chain"`` (the contracts, one EVM per path).
        agents: agents to add after the configured ones; each states its wallet in ``slot``.
        out: directory for records, summary and report; an interrupted run of the same configuration
            there is resumed. None: nothing is kept on disk.
        workers: processes. Results do not depend on it.
        progress: called with the path-steps done and in all.
        requirements: such as ``"liquidation_probability <= 0.01"``; see :attr:`Result.passed`.
        record: paths whose full series are kept; None: 100.
        keep: leave the finished chunks in ``out``, from which the same run is made again without
            simulating; :func:`forget` throws them away.

    Raises:
        InputError: something in the input is not allowed.
        AttributionError: the attribution of a path does not add up; nothing is written.
    """
    from simulator.results.gates import check_names, parse
    from simulator.results.metrics import path_columns

    plan = _plan(config, paths, seed, world, agents, record)
    if workers < 1:
        raise InputError(f"workers: {workers}; allowed: 1 or more")
    gates = [parse(text) for text in requirements]
    for gate in gates:
        check_names(gate, path_columns(plan.setting()[0]))
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch if out is None else out) / PARTIAL
        chunks = Chunks(directory, plan.key())
        _run_chunks(plan, chunks, workers, progress)
        result = _together(plan, chunks, gates)
        seconds = time.perf_counter() - started
        result.timing = {
            "seconds": seconds,
            "path_steps_per_second": plan.config.paths * plan.config.steps / seconds,
        }
        if out is not None:
            result.save(out)
            if not keep:
                chunks.remove()
    return result


def forget(out: str | Path) -> None:
    """Throw away what a run in ``out`` would be resumed from."""
    shutil.rmtree(Path(out) / PARTIAL, ignore_errors=True)


@dataclass(frozen=True, eq=False)
class Plan:
    """What is to be simulated; the same for every chunk, and sent to every worker."""

    config: Config
    world: str
    agents: tuple[Agent, ...]
    record: int

    def setting(self) -> tuple[Protocol, list[Agent]]:
        """The protocol, and fresh agents with their places in it."""
        from simulator.agents.build import add_agents, build_agents
        from simulator.config import resolve

        protocol = resolve(self.config)
        return add_agents(protocol, build_agents(self.config, protocol), self.agents)

    def key(self) -> str:
        """Identifies the run and its code: its chunks may be reused by a run with the same key."""
        from simulator import __version__

        newcomers = [f"{type(agent).__qualname__} {vars(agent)}" for agent in self.agents]
        parts = (__version__, self.world, self.record, newcomers, self.config.model_dump_json())
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def chunks(self, workers: int) -> list[tuple[int, int]]:
        """First path and number of paths of every chunk, sizes as equal as they can be."""
        paths = self.config.paths
        largest = CHAIN_CHUNK_PATHS
        if self.world == "model":
            largest = max(1, min(CHUNK_PATHS, CHUNK_PATH_STEPS // (self.config.steps + 1)))
        worth = WORTH_A_WORKER if self.world == "model" else 1
        count = max(-(-paths // largest), min(workers, paths // worth))
        if count > 1:  # the same number for every worker, so that none waits for another
            count = min(-(-count // workers) * workers, paths)
        edges = np.linspace(0, paths, count + 1).round().astype(int)
        return [(int(a), int(b - a)) for a, b in pairwise(edges)]


def _plan(
    config: Config | Mapping[str, Any] | str | Path,
    paths: int | None,
    seed: int | None,
    world: str,
    agents: Sequence[Agent],
    record: int | None,
) -> Plan:
    from simulator.config import Config, from_mapping, load
    from simulator.results.records import RECORDED_PATHS

    if world not in WORLDS:
        raise InputError(f"world: {world!r}; allowed: {', '.join(WORLDS)}")
    record = RECORDED_PATHS if record is None else record
    if record < 1:
        raise InputError(f"record: {record}; allowed: 1 or more")
    if isinstance(config, str | Path):
        config = load(config)
    given = {"paths": paths, "seed": seed}
    changes = {name: value for name, value in given.items() if value is not None}
    if isinstance(config, Config) and changes:
        config = config.model_dump()
    if not isinstance(config, Config):
        config = from_mapping({**config, **changes})
    return Plan(config, world, tuple(agents), record)


# --------------------------------------------------------------------------------------- chunks


class _StoppedError(SimulatorError):
    """Raised in a worker when the run was interrupted."""


class _Meter:
    """Observer that reports path-steps as they are done, a few times a second."""

    def __init__(self, report: Callable[[int], None], paths: int) -> None:
        self._report, self._paths = report, paths
        self._pending, self._last = 0, time.monotonic()

    def advanced(self, step: int, world: World) -> None:
        """Nothing to note."""

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None:
        """Nothing to note."""

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
        """Nothing to note."""

    def stepped(self, step: int, world: World) -> None:
        """Count the step; step 0 is the setting-up and counts for nothing."""
        self._pending += self._paths * (step > 0)
        now = time.monotonic()
        if now - self._last > 0.2 or step == world.market.steps:
            self._report(self._pending)
            self._pending, self._last = 0, now


def simulate_chunk(
    plan: Plan, first: int, count: int, record: int, report: Callable[[int], None] | None = None
) -> Outcome:
    """Paths ``first`` … ``first + count − 1``: draw, simulate, check the attribution, sum up.

    ``record``: number of paths, counted from the first, whose series are kept.
    """
    from simulator.engine import simulate
    from simulator.market.draw import draw
    from simulator.market.importance import weights
    from simulator.results.attribution import Attribution
    from simulator.results.latency import LatencyProfit
    from simulator.results.metrics import PathMetrics, SharePrice
    from simulator.results.records import Fan, Recorder

    protocol, agents = plan.setting()
    market = draw(plan.config, first, count)
    world = _world(plan.world, protocol, market)
    try:
        attribution, price = Attribution(world), SharePrice(world)
        latency, fan = LatencyProfit(world), Fan(world, attribution, price)
        metrics = PathMetrics(world, attribution, price, latency)
        observers: list[Any] = [attribution, price, latency, metrics, fan]
        recorder = Recorder(world, attribution, price, record) if record > 0 else None
        if recorder is not None:
            observers.append(recorder)
        if report is not None:
            observers.append(_Meter(report, count))
        simulate(world, agents, observers)
        attribution.check()
        fan.finish(metrics.mean_betas())
        if recorder is not None:
            recorder.finish(metrics.mean_betas())
        return Outcome(
            paths=metrics.frame(world.observe(), weights(plan.config, first, count)),
            fan=fan.values,
            series=None if recorder is None else recorder.series(),
            events=None if recorder is None else recorder.events(),
        )
    finally:
        world.close()


def _world(kind: str, protocol: Protocol, market: Any) -> World:
    if kind == "model":
        from simulator.world.model.world import ModelWorld

        return ModelWorld(protocol, market)
    from simulator.world.chain.world import ChainWorld

    return ChainWorld(protocol, market)


def _run_chunks(plan: Plan, chunks: Chunks, workers: int, progress: Progress | None) -> None:
    layout = plan.chunks(workers)
    total, done = plan.config.paths * plan.config.steps, 0

    def report(path_steps: int) -> None:
        nonlocal done
        done += path_steps
        if progress is not None:
            progress(done, total)

    report(sum(count * plan.config.steps for first, count in layout if chunks.has(first)))
    jobs = [(first, count) for first, count in layout if not chunks.has(first)]
    if workers == 1 or len(jobs) == 1:
        for first, count in jobs:
            record = plan.record - first
            write_chunk(chunks.directory, first, simulate_chunk(plan, first, count, record, report))
    elif jobs:
        _run_in_processes(plan, chunks.directory, jobs, min(workers, len(jobs)), report)


def _run_in_processes(
    plan: Plan,
    directory: Path,
    jobs: list[tuple[int, int]],
    workers: int,
    report: Callable[[int], None],
) -> None:
    context = get_context("spawn")
    queue, stop = context.SimpleQueue(), context.Event()
    pool = ProcessPoolExecutor(workers, context, initializer=_attach, initargs=(queue, stop))
    try:
        pending: set[Future[None]] = {pool.submit(_job, plan, directory, *job) for job in jobs}
        while pending:
            finished, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
            while not queue.empty():
                report(queue.get())
            for future in finished:
                future.result()
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


_report: Callable[[int], None]


def _attach(queue: Any, stop: Any) -> None:
    """Set up a worker: Ctrl-C is the parent's to handle, which then asks the workers to stop."""
    import signal

    global _report  # noqa: PLW0603 (the way to hand a queue to an executor)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave, args=(stop,), daemon=True).start()

    def report(path_steps: int) -> None:
        if stop.is_set():
            raise _StoppedError("interrupted")
        queue.put(path_steps)

    _report = report


def _leave(stop: Any) -> None:
    """End a worker that nobody waits for, or that was asked to stop but reports nothing.

    It may be compiling for a minute.
    """
    parent = parent_process()
    while not stop.wait(1.0) and parent is not None and parent.is_alive():
        pass
    time.sleep(_GRACE)
    os._exit(1)  # a chunk half written has a temporary name


def _job(plan: Plan, directory: Path, first: int, count: int) -> None:
    write_chunk(directory, first, simulate_chunk(plan, first, count, plan.record - first, _report))
    gc.collect()  # world, view and observers refer to each other; the next chunk needs the memory


# --------------------------------------------------------------------------------------- together


def _together(plan: Plan, chunks: Chunks, gates: Iterable[Gate]) -> Result:
    from simulator.report.story import tell
    from simulator.result import Result
    from simulator.results.records import fan_frame
    from simulator.results.summary import summarise

    paths = chunks.frames("paths")
    weight = None if plan.config.sampling is None else paths["weight"].to_numpy()
    summary = summarise(plan.config, plan.world, paths, gates)
    number = summary["worst_path"]["path"]
    worst = simulate_chunk(plan, number, 1, 1)
    assert worst.series is not None
    assert worst.events is not None
    summary["worst_path"]["story"] = tell(
        plan.config, worst.series, worst.events, worst.paths.iloc[0]
    )
    return Result(
        config=plan.config,
        summary=summary,
        timing={},
        paths=paths,
        series=chunks.frames("series"),
        events=chunks.frames("events"),
        fan=fan_frame(plan.config, chunks.fan, weight),
        worst_series=worst.series,
        worst_events=worst.events,
    )
