"""A run from configuration to result: chunks simulated, put together, saved."""

from __future__ import annotations

import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.arguments import texts, whole
from simulator.results.store import PARTIAL, Chunks
from simulator.runner import fingerprint
from simulator.runner.chunk import simulate_chunk
from simulator.runner.feedback import compared, with_and_without
from simulator.runner.plan import Plan, plan_of
from simulator.runner.workers import Progress, run_chunks
from simulator.types import InputError, Notice

#: Parts of a run's key, as people call what differs in them.
_PARTS = {
    "market": "another market (prices, shocks, gas, oracle, flow, seed or a file of these)",
    "protocol": "another protocol (vault, venues, agents or what is recorded)",
    "code": "another version of hedgesim's code",
}
#: Paths that are simulated again beside the worst where a user's agents act.
_AGAIN = 8

if TYPE_CHECKING:
    import pandas as pd

    from simulator.agents.base import Agent
    from simulator.arguments import Trust
    from simulator.config import Config
    from simulator.result import Result
    from simulator.results.gates import Gate


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
    allow: Iterable[str] = (),
    record: int | None = None,
    keep: bool = False,
    force: bool = False,
    trust: Trust = False,
    plain: bool = False,
    feedback: bool = False,
) -> Result:
    """Simulate a configuration.

    Args:
        config: name of a built-in scenario, path of a YAML file, plain data, or a Config.
        paths: number of market paths; None: as configured.
        seed: root of all randomness; None: as configured.
        world: ``"model"`` (float64, many paths) or ``"chain"`` (the contracts, one EVM per path).
        agents: agents to add after the configured ones; each states its wallet in ``slot``, and is
            copied, as it is now, for every chunk of paths. One that changes variables of its class
            or module, or of modules it uses, which other chunks would see, is refused; so is one
            with which the worst path, or a few others, come to something else when they are
            simulated again. What functions keep by :mod:`functools` is forgotten before each chunk.
        out: directory for records, summary and report; an interrupted run of the same configuration
            and code, on files of the same contents, there is resumed; another is begun anew, and a
            :class:`~simulator.types.Notice` warns which part differs. None: nothing is kept.
        workers: processes, which import nothing of the caller's script: it needs no main guard, and
            may be a notebook. Results do not depend on it, nor on its change when a run is resumed.
            Agents that cannot be sent to another process, or would be others there since modules
            they use are imported anew, act in this one, with a warning.
        progress: called with the path-steps done and in all.
        requirements: such as ``"liquidation_probability <= 0.01"``; see :attr:`Result.passed`.
        allow: idle findings of the diagnosis (:data:`simulator.results.diagnosis.NAMES`; ``"idle"``
            for all) in spite of which requirements may hold, and limits under which the vault can
            never open are simulated.
        record: paths whose full series are kept; None: as many as make 10,800 steps, at most
            100.
        keep: leave the finished chunks in ``out``, from which the same run is made again without
            simulating; :func:`forget` throws them away.
        force: write to ``out`` even where it holds files that are not of an earlier run.
        trust: whether the Python files may run that the configuration names (``agents.custom``);
            or which of them. A scenario from somebody else with such a file runs their code.
        plain: let agents act on the model in plain Python, in this process, to debug them:
            breakpoints and print work, figures are the same, and it takes a hundred times as long.
        feedback: run the same paths a second time in a market that liquidations do not move, and
            say how often as much was lost because they do (``summary["cascade"]["feedback"]``).

    Raises:
        InputError: something in the input is not allowed, or limits do not let the vault open;
            ``out`` holds what others wrote, or another run is writing there; a file of prices or
            this package's code changed during the run, or something else wrote to ``out``: then
            nothing is written there.
        MachineError: ``out`` cannot be made or written to; a worker died.
        AttributionError: the attribution of a path does not add up; nothing is written.
    """
    plan = plan_of(config, paths, seed, world, agents, record, trust, plain=plain)
    return run_together(
        with_and_without(plan) if feedback else [plan],
        outs=[None if out is None else Path(out), *([None] * feedback)],
        workers=1 if plain else workers,
        progress=progress,
        requirements=requirements,
        allow=allow,
        keep=keep,
        force=force,
        told=compared if feedback else None,
    )[0]


def run_together(
    plans: Sequence[Plan],
    *,
    outs: Sequence[Path | None],
    workers: int,
    progress: Progress | None,
    requirements: Iterable[str],
    allow: Iterable[str],
    keep: bool,
    force: bool,
    told: Callable[[Sequence[Result]], None] | None = None,
) -> list[Result]:
    """Run plans of one world, each into its own directory; arguments and errors as :func:`run`.

    Each chunk of a market that several have in common is drawn once. ``timing`` of each result is
    an equal part of the time they took together, and what its own report took. ``told``: is given
    all results before any is saved, to put into one what others tell of it.
    """
    from simulator.results import documented
    from simulator.results.diagnosis import check_allowed, check_opens
    from simulator.results.directory import claimed, foreign_to_run
    from simulator.results.gates import check_names, parse
    from simulator.results.registry import path_columns

    workers = whole("workers", workers, 1)
    gates = [parse(text) for text in texts("requirements", requirements)]
    allowed = check_allowed(texts("allow", allow))
    for plan in plans:
        check_opens(plan.config, allowed)
        columns = path_columns(plan.setting()[0])
        documented.check(plan.config, columns)
        for gate in gates:
            check_names(gate, columns)
    started = time.perf_counter()
    with ExitStack() as held:
        scratch = held.enter_context(tempfile.TemporaryDirectory())
        for out in outs:
            held.enter_context(claimed(out, foreign_to_run, force=force))
        files = [fingerprint.of_files(plan.config) for plan in plans]
        begun = _begin(plans, outs, Path(scratch), workers)
        try:
            run_chunks(list(zip(plans, begun, strict=True)), workers, progress)
        except InputError:  # what is refused leaves nothing half-written
            for chunks in begun:
                chunks.remove_if_empty()
            raise
        part = (time.perf_counter() - started) / len(plans)
        results = []
        for plan, chunks, before in zip(plans, begun, files, strict=True):
            started = time.perf_counter()
            result = _unchanged(plan, chunks, before, gates, allowed)
            seconds = part + time.perf_counter() - started
            result.timing = {
                "seconds": seconds,
                "path_steps_per_second": plan.config.paths * plan.config.steps / seconds,
            }
            results.append(result)
        if told is not None:
            told(results)
        for result, chunks, out in zip(results, begun, outs, strict=True):
            if out is not None:
                result.save(out)
                if not keep:
                    chunks.remove()
    return results


def _begin(
    plans: Sequence[Plan],
    outs: Sequence[Path | None],
    scratch: Path,
    workers: int,
) -> list[Chunks]:
    """The chunks of each plan, as far as they are finished; it is said where others are thrown."""
    begun = []
    for number, (plan, out) in enumerate(zip(plans, outs, strict=True)):
        directory = (scratch / str(number) if out is None else out) / PARTIAL
        chunks = Chunks(directory, plan.key(), plan.chunks(workers))
        if chunks.others:
            what = " and ".join(_PARTS[part] for part in chunks.others)
            warnings.warn(
                f"{out}: what was begun there had {what}; it is begun anew", Notice, stacklevel=4
            )
        begun.append(chunks)
    return begun


def forget(out: str | Path) -> None:
    """Throw away what a run in ``out`` would be resumed from; what others wrote there stays."""
    from simulator.results.directory import foreign_to_chunks

    partial = Path(out) / PARTIAL
    if partial.is_dir() and not any(foreign_to_chunks(partial)):
        shutil.rmtree(partial, ignore_errors=True)


def _unchanged(
    plan: Plan, chunks: Chunks, before: Any, gates: Iterable[Gate], allowed: Iterable[str]
) -> Result:
    """What came of a plan, if files and code are what they were when it began."""
    chunks.check()
    fingerprint.refuse_changes(plan.config, before)  # first: paths drawn from others differ
    result = _together(plan, chunks, gates, allowed)
    fingerprint.refuse_changes(plan.config, before)
    fingerprint.refuse_other_code(plan.world, chunks.key.code)
    return result


def _together(plan: Plan, chunks: Chunks, gates: Iterable[Gate], allowed: Iterable[str]) -> Result:
    from simulator.report.story import tell
    from simulator.result import Result
    from simulator.results.cascade import cascade
    from simulator.results.own_agents import refused, unopened
    from simulator.results.records import fan_frame, fan_names
    from simulator.results.summary import summarise, worst_path

    paths = chunks.frame("paths")
    weight = None if plan.config.sampling is None else paths["weight"].to_numpy()
    protocol, row = plan.setting()[0], worst_path(paths)
    number = int(paths["path"].iloc[row])
    worst = simulate_chunk(plan, number, 1, 1)
    assert worst.series is not None
    assert worst.events is not None
    _refuse_another(plan, paths, worst.paths)
    if (others := _beside_others(plan)) is not None:
        _refuse_another(plan, paths, simulate_chunk(plan, *others, 0).paths)
    events = chunks.frame("events", worst.names)
    own = [agent.slot.name for agent in plan.agents if agent.slot is not None]
    found = [
        *refused(own, events, worst.events),
        *unopened(protocol.cohorts, events, worst.events),
    ]
    summary = summarise(plan.config, plan.world, paths, gates, allowed, found)
    summary["worst_path"]["story"] = tell(
        plan.config, worst.series, worst.events, worst.paths.iloc[0]
    )
    fan = fan_frame(plan.config, fan_names(protocol), chunks.fan, weight)
    summary["cascade"] = cascade(protocol, paths, fan, row, plan.config.step_minutes / 60)
    return Result(
        config=plan.config,
        summary=summary,
        timing={},
        paths=paths,
        series=chunks.frame("series"),
        events=events,
        fan=fan,
        worst_series=worst.series,
        worst_events=worst.events,
    )


def _beside_others(plan: Plan) -> tuple[int, int] | None:
    """First and number of a few paths that are simulated again, for the sake of a user's agents.

    They stand beside others than in any chunk of the run, begin with none that a chunk begins with,
    and say whether what an agent does on a path goes by its neighbours. In the chain world they
    would cost too much.
    """
    count = min(_AGAIN, plan.config.paths - 1)
    if not plan.agents or plan.world != "model" or count < 1:
        return None
    return max((plan.config.paths - count) // 2, 1), count


def _refuse_another(plan: Plan, paths: pd.DataFrame, again: pd.DataFrame) -> None:
    """Hold paths that were simulated again, in this process, against their rows.

    To nine digits: whole columns are equal to the bit on one machine, which those of finished
    chunks need not have come from.
    """
    rows = paths[paths["path"].isin(again["path"])]
    for name in again.columns:
        before, now = rows[name].to_numpy(), again[name].to_numpy()
        same = before == now
        if now.dtype.kind == "f":
            same |= np.isclose(before, now, 1e-9, 1e-9, equal_nan=True)
        if same.all():
            continue
        at = int(np.argmin(same))
        names = ", ".join(type(agent).__name__ for agent in plan.agents)
        why = (
            f"{names}: an agent must do the same on a path whatever others are in its chunk, in "
            "any process and at any time"
            if names
            else "were finished chunks made on another machine, or with other libraries?"
        )
        raise InputError(
            f"agents: path {rows['path'].iloc[at]} came to {name} = {before[at]}, and simulated "
            f"again to {now[at]}; {why}"
        )
