"""Every coalition of frictions on every path: over processes, kept as they are finished."""

from __future__ import annotations

import hashlib
import json
import shutil
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.explain.frictions import BY_NAME
from simulator.explain.replay import OUTCOME, market_part, outcomes
from simulator.results.store import replacing, write_json
from simulator.runner import fingerprint, pool
from simulator.runner.chunk import begun, refuse_traces
from simulator.runner.workers import HereOnlyError, pack, unpack
from simulator.types import Notice, SimulatorError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from simulator.explain.scene import Friction
    from simulator.runner.plan import Plan
    from simulator.runner.workers import Packed

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Job:
    """Coalitions with one market part in common, on a chunk of paths."""

    first: int
    count: int
    part: int
    masks: tuple[int, ...]


@dataclass(frozen=True)
class Task:
    """What all jobs have in common: who is asked about, what was begun, where results go."""

    frictions: tuple[str, ...]
    code: str
    directory: Path
    mark: str  # of what was asked: a worker that outlives its command writes under another

    def file(self, job: Job) -> Path:
        """Where a job's results go."""
        return self.directory / f"part-{self.mark}-{job.first:09d}-{job.part:05d}.npy"

    @property
    def asked(self) -> tuple[Friction, ...]:
        """The frictions themselves, which cannot be sent to another process."""
        return tuple(BY_NAME[name] for name in self.frictions)


def jobs(masks: Sequence[int], frictions: Sequence[Friction], layout: Any) -> list[Job]:
    """What is to be done: by chunk, then by what the market lacks."""
    parts: dict[int, list[int]] = {}
    for mask in sorted(set(masks)):
        parts.setdefault(market_part(mask, frictions), []).append(mask)
    return [
        Job(first, count, part, tuple(of))
        for first, count in layout
        for part, of in sorted(parts.items())
    ]


def simulate(
    plan: Plan,
    frictions: Sequence[Friction],
    masks: Sequence[int],
    directory: Path,
    workers: int,
    progress: Progress | None = None,
) -> dict[int, NDArray[Any]]:
    """What each coalition comes to on every path, ``[paths]`` of :data:`~.replay.OUTCOME`.

    Finished parts in ``directory``, of the same key, are not simulated again.

    Raises:
        InputError: code or files changed meanwhile, or an agent does what it may not.
        MachineError: a worker died.
    """
    files = fingerprint.of_files(plan.config)
    layout, key = plan.chunks(workers), asdict(plan.key())
    whole = key | _asked(frictions, masks)
    layout = _begin(directory, whole, layout)
    mark = hashlib.sha256(json.dumps([whole, layout]).encode()).hexdigest()[:12]
    task = Task(tuple(one.name for one in frictions), key["code"], directory, mark)
    todo = jobs(masks, frictions, layout)
    total = sum(job.count * len(job.masks) for job in todo) * plan.config.steps
    done = 0

    def report(path_steps: int) -> None:
        nonlocal done
        done += path_steps
        if progress is not None:
            progress(done, total)

    left = [job for job in todo if not _is_whole(task.file(job), job)]
    finished = set(todo) - set(left)
    report(sum(job.count * len(job.masks) for job in finished) * plan.config.steps)
    if workers > 1 and len(left) > 1:
        try:
            packed = pack([plan], task.code)
            work = partial(_work_elsewhere, packed, task)
            pool.run_jobs(work, left, min(workers, len(left)), directory / ".stop", report)
        except HereOnlyError as error:
            warnings.warn(f"agents: all is simulated in this process: {error}", stacklevel=2)
    for job in todo:
        if not _is_whole(task.file(job), job):
            _work(plan, task, job, report)
    fingerprint.refuse_changes(plan.config, files)
    return _read(task, todo, layout)


def _work(plan: Plan, task: Task, job: Job, report: Callable[[int], None]) -> None:
    before = begun(plan.agents)
    found = outcomes(plan, task.asked, job.first, job.count, job.masks, report)
    refuse_traces(plan.agents, before)
    fingerprint.refuse_other_code(plan.world, task.code)
    with replacing(task.file(job)) as temporary, temporary.open("wb") as file:
        np.save(file, np.stack([found[mask] for mask in job.masks]))


def _work_elsewhere(packed: Packed, task: Task, job: Job, report: Callable[[int], None]) -> None:
    (plan,) = unpack(packed)
    _work(plan, task, job, report)


# ------------------------------------------------------------------------------------------- files


def _asked(frictions: Sequence[Friction], masks: Sequence[int]) -> dict[str, Any]:
    digest = hashlib.sha256(np.array(sorted(masks), np.int64).tobytes()).hexdigest()
    return {"frictions": [one.name for one in frictions], "coalitions": digest}


def _begin(directory: Path, key: dict[str, Any], layout: Any) -> list[tuple[int, int]]:
    """The chunks, of what is resumed if anything is; what was begun otherwise is thrown away."""
    stamp = directory / "run.json"
    try:
        found = json.loads(stamp.read_text(encoding="utf-8"))
        if found["key"] == key:
            return [(int(first), int(count)) for first, count in found["layout"]]
        if any(directory.glob("part-*")):
            warnings.warn(
                f"{directory}: what was begun there was another explanation; it is begun anew",
                Notice,
                stacklevel=3,
            )
    except (OSError, ValueError, KeyError, TypeError):  # none, or not one of ours
        pass
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    write_json(stamp, {"key": key, "layout": [list(chunk) for chunk in layout]})
    return list(layout)


def _is_whole(file: Path, job: Job) -> bool:
    try:
        found = np.load(file, mmap_mode="r")
    except (OSError, ValueError):
        return False
    return found.dtype == OUTCOME and found.shape == (len(job.masks), job.count)


def _read(
    task: Task, todo: Sequence[Job], layout: Sequence[tuple[int, int]]
) -> dict[int, NDArray[Any]]:
    paths = sum(count for _, count in layout)
    found: dict[int, NDArray[Any]] = {}
    for job in todo:
        file = task.file(job)
        if not _is_whole(file, job):
            raise SimulatorError(f"{file}: gone while the work was done")
        for mask, row in zip(job.masks, np.load(file), strict=True):
            whole = found.setdefault(mask, np.empty(paths, OUTCOME))
            whole[job.first : job.first + job.count] = row
    return found
