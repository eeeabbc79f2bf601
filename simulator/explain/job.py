"""The whole of it: coalitions simulated, shared out, told; and the files it leaves."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.arguments import money, texts, whole
from simulator.config.replays import is_one_history
from simulator.explain import shapley
from simulator.explain.coalitions import simulate
from simulator.explain.evidence import Records
from simulator.explain.figures import TAIL, Shared, figures, losses, needed, values
from simulator.explain.frictions import BY_NAME, chosen, present
from simulator.explain.rescue import Search, everywhere, rescue
from simulator.explain.story import tell
from simulator.explain.timeline import timeline
from simulator.market.weights import weights
from simulator.report.explanation import render
from simulator.report.verdict import ONE_HISTORY
from simulator.results.absence import misposted, stopped
from simulator.results.diagnosis import IDLE, diagnose
from simulator.results.directory import claimed, foreign_to_explanation
from simulator.results.store import PARTIAL, write_json, write_parquet, write_text
from simulator.runner import forget, simulate_chunk
from simulator.runner.plan import plan_of
from simulator.types import InputError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from simulator.arguments import Trust
    from simulator.config import Config
    from simulator.explain.scene import Friction
    from simulator.runner.plan import Plan

#: Pairs of orders where not all coalitions are looked at.
#: Findings of a vault in which nothing could go wrong.
_NOTHING_DONE = ("never_funded", "never_invested", "never_hedged")
#: Paths that a tail must have for an interval.
_LEAST_TAIL = 2
_PAIRS = 16
Progress = Callable[[int, int], None]


@dataclass(eq=False)
class Explanation:
    """Which friction made the loss.

    Attributes:
        config: what was explained.
        summary: everything said, ready for JSON.
        paths: one row per path: ``path``, ``weight``, ``loss`` of a share (fraction), whether it
            was ``liquidated``; ``without_any``, what it loses with no friction; and for each
            friction ``<name>``, its Shapley value: these and ``without_any`` sum to ``loss``.
    """

    config: Config
    summary: dict[str, Any]
    paths: pd.DataFrame

    def report_html(self) -> str:
        """The page: it needs nothing from the network."""
        return render(self.summary)

    def save(self, directory: str | Path) -> Path:
        """Write ``explain.html``, ``explain.json`` and ``losses.parquet``; the path of the page."""
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        write_parquet(directory / "losses.parquet", self.paths)
        write_json(directory / "explain.json", self.summary)
        page = directory / "explain.html"
        write_text(page, self.report_html())
        return page


def explain(
    config: Config | Mapping[str, Any] | str | Path,
    *,
    paths: int | None = None,
    seed: int | None = None,
    run: str | Path | None = None,
    frictions: Sequence[str] = (),
    pairs: int | None = None,
    limit: float | None = None,
    liquidations: float | None = None,
    search: bool = True,
    out: str | Path | None = None,
    workers: int = 2,
    progress: Progress | None = None,
    searching: Progress | None = None,
    force: bool = False,
    trust: Trust = False,
) -> Explanation:
    """Replay a scenario's market paths with its frictions removed, and share out the loss.

    Args:
        config: name of a built-in scenario, path of a YAML file, plain data, or a Config.
        paths: number of market paths; None: as configured.
        seed: root of all randomness; None: as configured.
        run: directory of a finished run of it, whose returns must come out the same.
        frictions: names of those asked about (:data:`simulator.explain.frictions.FRICTIONS`); the
            others stay. None of them: all.
        pairs: instead of all coalitions, those met in so many random orders of the frictions and
            their reverses, with the error of that; None: all, or 16 pairs where more than
            ten frictions are there.
        limit: most that the worst path may lose for it to be saved, fraction of a share; None: half
            of what it lost.
        liquidations: instead, most of the first 200 paths that may be liquidated, fraction.
        search: whether the smallest change is looked for that would have saved the worst path.
        out: directory; what is finished there of the same explanation is not simulated again.
        workers: processes.
        progress: called with the path-steps done and in all.
        searching: called with the runs of the worst path done, and about how many there will be.
        force: write to ``out`` even where it holds files of others.
        trust: as in :func:`simulator.run`.

    Raises:
        InputError: something in the input is not allowed, or ``run`` comes out otherwise.
        MachineError: ``out`` cannot be written to; a worker died.
    """
    texts("frictions", frictions)
    workers = whole("workers", workers, 1)
    limit = None if limit is None else money("limit", limit)
    share = None if liquidations is None else _share(liquidations)
    asked = chosen(frictions)
    plan = plan_of(config, paths, seed, "model", (), None, trust)
    there = present(plan.config, asked)
    order = _orders(len(there), pairs, plan.config.seed)
    masks = needed(len(there), order)
    with ExitStack() as stack:
        if out is None:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        else:
            directory = Path(out)
            stack.enter_context(claimed(directory, foreign_to_explanation, force=force))
        found = simulate(plan, there, masks, directory / PARTIAL, workers, progress)
        if run is not None:
            _refuse_another(Path(run), found[(1 << len(there)) - 1])
        explanation = _explained(plan, asked, there, order, found)
        if search:
            target = Search(
                plan, explanation.summary["worst_path"]["path"], limit, share, searching
            )
            _search(target, explanation)
        explanation.summary["story"] = _tell(plan, explanation.summary)
        if out is not None:
            explanation.save(directory)
            forget(directory)
    return explanation


def _refuse_another(run: Path, full: NDArray[Any]) -> None:
    """Hold the returns of a finished run against those with every friction, to nine digits."""
    import pandas as pd

    before = pd.read_parquet(run / "paths.parquet", columns=["return"])["return"].to_numpy()
    both = min(len(before), len(full))
    if not np.allclose(before[:both], full["return"][:both], rtol=0.0, atol=1e-9):
        raise InputError(
            f"{run}: its paths do not come out the same; was it of another version, or with "
            "--agent or --seed? Run it again first"
        )


def _orders(count: int, pairs: int | None, seed: int) -> NDArray[np.int64] | None:
    if pairs is not None:
        whole("permutations", pairs, 2)
    if not count or (pairs is None and count <= shapley.EXACT):
        return None
    return shapley.orders(count, _PAIRS if pairs is None else pairs, seed)


def path_weights(plan: Plan) -> NDArray[np.float64] | None:
    """Likelihood ratios of importance sampling; None in plain Monte Carlo."""
    if plan.config.sampling is None:
        return None
    return weights(plan.config.market, 0, plan.config.paths)


def _explained(
    plan: Plan,
    asked: Sequence[Friction],
    there: Sequence[Friction],
    order: NDArray[np.int64] | None,
    found: Mapping[int, NDArray[Any]],
) -> Explanation:
    weight, names = path_weights(plan), [one.name for one in there]
    shared = losses(found, len(there), order, weight)
    frame = _frame(shared, names, found[(1 << len(there)) - 1], weight)
    summary = _about(plan.config) | {
        "frictions": [_declared(one, plan.config) for one in asked],
        "asked_about": [one.name for one in asked],
        "method": _method(there, order, len(found)),
        "statistics": figures(found, names, order, weight),
        "worst_path": _worst(frame, names),
    }
    return Explanation(plan.config, summary, frame)


def _share(given: float) -> float:
    found = money("liquidations", given)
    if found > 1.0:
        raise InputError(f"liquidations = {given:g}: must be from 0 to 1, a share of the paths")
    return found


def _search(search: Search, explanation: Explanation) -> None:
    """Look for the smallest change that saves, and what it does to all paths."""
    found = rescue(search)
    if found["smallest"] is not None:
        change = {one["setting"]: one["to"] for one in found["smallest"]["changes"]}
        found["after"] = values(everywhere(search.plan, change), path_weights(search.plan))
    explanation.summary["rescue"] = found


def _tell(plan: Plan, summary: dict[str, Any]) -> list[str]:
    """The paragraph; the worst path is simulated again, in full, and its timeline noted.

    What the vault did not do there leads, and what intervals cannot say.
    """
    path, idle = _recorded(plan, summary["worst_path"]["path"])
    summary["worst_path"]["timeline"] = [
        entry.told() for entry in timeline(path.config, path.series, path.events)
    ]
    if is_one_history(plan.config):
        idle.append(ONE_HISTORY)
    if plan.config.paths * TAIL < _LEAST_TAIL:
        idle.append(
            f"The worst 5 % of {plan.config.paths} paths is one path: what is said of it has no "
            f"interval; from {round(_LEAST_TAIL / TAIL)} paths on it has."
        )
    # No friction takes these away.
    stays = (*stopped(plan.config), *misposted(plan.config))
    idle += [f"Also where no friction is left: {one.text}" for one in stays]
    summary["notes"] = idle
    return tell(summary, path)


def _recorded(plan: Plan, number: int) -> tuple[Records, list[str]]:
    """A path again, in full, and what its vault did not do at all."""
    found = simulate_chunk(plan, number, 1, 1)
    assert found.series is not None
    assert found.events is not None
    idle = [
        f"On the worst path the vault was idle: {one['text']}"
        for one in diagnose(plan.config, found.paths, ())
        if one["severity"] == IDLE and one["name"] in _NOTHING_DONE
    ]
    return Records(plan.config, found.series, found.events, found.paths.iloc[0]), idle


def _about(config: Config) -> dict[str, Any]:
    from simulator import __version__

    return {
        "hedgesim": __version__,
        "scenario": config.name,
        "description": config.description,
        "assets": list(config.symbols),
        "seed": config.seed,
        "paths": config.paths,
        "steps": config.steps,
        "step_minutes": config.step_minutes,
        "loss": "of a share since the first deposit, entry fee included, fraction",
    }


def _declared(friction: Friction, config: Config) -> dict[str, Any]:
    absent = friction.absent(config)
    said = {name: getattr(friction, name) for name in ("name", "title", "cause", "sentence")}
    said |= {"removal": friction.removal, "residual": friction.residual}
    return said | {"present": not absent, "absent": absent}


def _method(
    there: Sequence[Friction], order: NDArray[np.int64] | None, count: int
) -> dict[str, Any]:
    return {
        "exact": order is None,
        "orders": 0 if order is None else len(order),
        "coalitions": count,
        "stay": [name for name in BY_NAME if name not in {one.name for one in there}],
    }


def _frame(
    shared: Shared, names: Sequence[str], full: NDArray[Any], weight: NDArray[np.float64] | None
) -> pd.DataFrame:
    import pandas as pd

    count = len(full)
    return pd.DataFrame(
        {
            "path": np.arange(count),
            "weight": np.ones(count) if weight is None else weight,
            "loss": shared.all,
            "liquidated": full["liquidated"],
            "without_any": shared.none,
            **{name: shared.values[row] for row, name in enumerate(names)},
        }
    )


def _worst(frame: pd.DataFrame, names: Sequence[str]) -> dict[str, Any]:
    row = frame.loc[frame["loss"].idxmax()]
    return {
        "path": int(row["path"]),
        "loss": float(row["loss"]),
        "liquidated": bool(row["liquidated"]),
        "without_any": float(row["without_any"]),
        "frictions": {name: float(row[name]) for name in names},
    }
