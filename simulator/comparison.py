"""One scenario under alternative settings: ``--set clearing.margin=isolated|gross|portfolio``.

Alternatives share the seed, so each path is drawn from the same numbers in all of them. Where their
settings leave the market alone, so that paths are equal too, what differs is the setting alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.arguments import instance, shown, texts, whole
from simulator.hedging.risk import CONFIDENCE, normal_quantile
from simulator.hedging.risk import mean as weighted_mean
from simulator.results.directory import claimed, foreign_to_run
from simulator.results.statistics import counted_figures, path_weights
from simulator.results.store import write_page
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from simulator.arguments import Trust
    from simulator.config import Config
    from simulator.result import Result

SEPARATOR = "|"
#: Paths drawn of alternatives with other markets to see which randomness they share.
_SEEN_PATHS = 4
_FIGURES = {
    "capital_efficiency": ("mean", "p5", "median"),
    "margin_to_nav": ("mean", "median", "p95"),
    "min_margin_ratio": ("min", "p5", "median"),
    "return": ("mean", "median", "es95"),
    "bad_debt": ("mean", "max"),
}


def expand(overrides: Sequence[str]) -> dict[str, list[str]]:
    """Overrides of every alternative, by its name; one alternative, "", where none is given.

    ``["a=1|2", "b=3"]`` gives ``{"1": ["a=1", "b=3"], "2": ["a=2", "b=3"]}``. Several fields with
    alternatives make every combination, named ``a=1, c=4`` by the shortest ends of the fields'
    names that tell them apart.

    Raises:
        InputError: an alternative is empty or given twice.
    """
    return {
        _name(values): list(combination)
        for combination, values in zip(
            product(*map(_choices, overrides)), _settings(overrides), strict=True
        )
    }


def settings(overrides: Sequence[str]) -> dict[str, dict[str, str]]:
    """What tells alternatives apart: by name as :func:`expand`, the value of each varied field."""
    return {_name(values): values for values in _settings(overrides)}


def _settings(overrides: Sequence[str]) -> list[dict[str, str]]:
    """Of each combination in turn, the varied fields by short name, and their values."""
    choices = [_choices(override) for override in overrides]
    varied = [found for found in choices if len(found) > 1]
    names = _short([found[0].partition("=")[0].strip() for found in varied])
    every = []
    for combination in product(*choices):
        chosen = [
            text.partition("=")[2].strip()
            for text, found in zip(combination, choices, strict=True)
            if len(found) > 1
        ]
        every.append(dict(zip(names, chosen, strict=True)))
    return every


def _name(values: Mapping[str, str]) -> str:
    """Name of an alternative: its value, or where several fields vary all with their names."""
    if len(values) == 1:
        return next(iter(values.values()))
    return ", ".join(f"{field}={value}" for field, value in values.items())


def _short(fields: Sequence[str]) -> list[str]:
    """The shortest ends of dotted names that tell them apart: ``margin``, ``BTC.taker_fee``.

    What is an asset's keeps its name: ``ETH.volatility``.
    """
    ends = []
    for field in fields:
        parts = field.split(".")
        others = [other for other in fields if other != field]
        least = 2 if len(parts) > 1 and parts[-2].isupper() else 1
        for length in range(least, len(parts) + 1):
            end = ".".join(parts[-length:])
            if not any(f".{other}".endswith(f".{end}") for other in others):
                break
        ends.append(end)
    return ends


def _choices(override: str) -> list[str]:
    """The alternatives of one override."""
    field, equals, text = override.partition("=")
    if not equals or SEPARATOR not in text:
        return [override]
    values = [value.strip() for value in text.split(SEPARATOR)]
    if not all(values) or len(set(values)) < len(values):
        raise InputError(
            f"{field.strip()} = {text}: alternatives (separated by {SEPARATOR}) must not be empty "
            "or given twice"
        )
    return [f"{field}={value}" for value in values]


def folder(name: str) -> str:
    """Directory of an alternative's own report."""
    return re.sub(r"[^A-Za-z0-9.=_-]+", "_", name).strip("_.") or "alternative"


@dataclass(eq=False)
class SideBySide:
    """Results by alternative. Shows itself as its report in a notebook.

    Attributes:
        results: by name of the alternative.
        settings: of each alternative the varied fields by short name, and their values as text.
        shared: which randomness the alternatives share, in words.
    """

    results: dict[str, Result]
    settings: dict[str, dict[str, str]]
    shared: str

    @cached_property
    def summary(self) -> dict[str, Any]:
        """What is compared, ready for JSON; differences are to the first alternative."""
        first = next(iter(self.results.values()))
        shared = ("hedgesim", "scenario", "description", "world", "seed", "paths", "steps")
        return {
            **{name: first.summary[name] for name in (*shared, "step_minutes")},
            "assets": list(first.config.symbols),
            "shared": self.shared,
            "alternatives": {
                name: {
                    "settings": self.settings[name],
                    "report": f"{folder(name)}/report.html",
                    "liquidation": result.summary["probabilities"]["liquidation"],
                    **{
                        metric: {key: result.summary["metrics"][metric][key] for key in keys}
                        for metric, keys in _FIGURES.items()
                    },
                    "return_difference": _difference(result, first),
                    "counted": counted_figures(result.summary["metrics"]),
                    **{part: result.summary[part] for part in ("gates", "diagnosis")},
                }
                for name, result in self.results.items()
            },
        }

    @property
    def passed(self) -> bool:
        """Whether every requirement holds in every alternative."""
        return all(result.passed for result in self.results.values())

    def report_html(self) -> str:
        """The comparison: one page that needs nothing from the network."""
        from simulator.report.side_by_side import render

        return render(self.summary, {name: r.fan for name, r in self.results.items()})

    def save(self, directory: str | Path) -> Path:
        """Write ``summary.json`` and ``report.html``; the alternatives have their own folders."""
        return write_page(Path(directory), self.summary, self.report_html())

    def _repr_html_(self) -> str:
        from simulator.report.template import framed

        return framed(self.report_html(), "hedgesim comparison")


def _difference(result: Result, first: Result) -> dict[str, float]:
    """Mean return less that of the first alternative, path by path, with its interval."""
    change = result.paths["return"].to_numpy() - first.paths["return"].to_numpy()
    weights = path_weights(first.paths)
    if weights is None:
        mean = float(change.mean())
        error = float(change.std(ddof=1) / np.sqrt(change.size)) if change.size > 1 else 0.0
    else:
        mean, error = weighted_mean(change, weights)
    half = normal_quantile(CONFIDENCE) * error
    return {"mean": mean, "low": mean - half, "high": mean + half}


def _check_alternatives(
    configs: Mapping[str, Config], settings: Mapping[str, Mapping[str, str]] | None
) -> None:
    """See that there are alternatives, each a configuration, and settings of each or of none."""
    from simulator.config import Config

    instance("configs", configs, Mapping, "configurations by name")
    if not configs:
        raise InputError("configs = {}: must be one configuration or more")
    for name, config in configs.items():
        instance("configs", name, str, "configurations by name")
        instance(f"configs[{name!r}]", config, Config, "a Config, as load_config gives it")
    if settings is None:
        return
    instance("settings", settings, Mapping, "values of fields as text, by alternative")
    if set(settings) != set(configs):
        raise InputError(
            f"settings = {shown(settings)}: must be of the same alternatives, {', '.join(configs)}"
        )


def compare(
    configs: Mapping[str, Config],
    *,
    settings: Mapping[str, Mapping[str, str]] | None = None,
    world: str = "model",
    out: str | Path | None = None,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
    requirements: Iterable[str] = (),
    allow: Iterable[str] = (),
    record: int | None = None,
    force: bool = False,
    trust: Trust = False,
) -> SideBySide:
    """Simulate each configuration; other arguments as in :func:`simulator.run`.

    ``settings`` says of each alternative which fields tell it apart, and their values as text, for
    a table with a column of each; None: their names do.

    An interrupted comparison in ``out`` is resumed as a run is: what is finished of its
    alternatives is not simulated again.

    Raises:
        InputError: the alternatives do not share paths, horizon and seed, so are not comparable, or
            a file of prices changed between them.
    """
    from simulator.market.sharing import sentence
    from simulator.results.diagnosis import check_allowed, check_opens
    from simulator.runner import fingerprint, forget, run_together
    from simulator.runner.plan import plan_of

    _check_alternatives(configs, settings)
    requirements = texts("requirements", requirements)
    workers, allow = whole("workers", workers, 1), check_allowed(texts("allow", allow))
    for config in configs.values():
        check_opens(config, allow)
    shape = {(c.seed, c.paths, c.steps, c.step_minutes, repr(c.sampling)) for c in configs.values()}
    if len(shape) != 1:
        raise InputError(
            f"alternatives: {', '.join(configs)}; allowed: those that leave seed, paths, "
            "horizon_hours, step_minutes and sampling as they are"
        )
    places = {folder(name) for name in configs}
    if len(places) < len(configs):
        raise InputError(
            f"alternatives: {', '.join(configs)}; allowed: names that differ in letters"
        )
    files = [fingerprint.of_files(config) for config in configs.values()]
    place = None if out is None else Path(out)
    with claimed(place, foreign_to_run, force=force):
        plans = [
            plan_of(config, None, None, world, (), record, trust) for config in configs.values()
        ]
        found = run_together(
            plans,
            outs=[None if out is None else Path(out) / folder(name) for name in configs],
            workers=workers,
            progress=progress,
            requirements=requirements,
            allow=allow,
            keep=True,
            force=force,
        )
        results = dict(zip(configs, found, strict=True))
        for config, before in zip(configs.values(), files, strict=True):
            fingerprint.refuse_changes(config, before)
        seen = min(_SEEN_PATHS, *(config.paths for config in configs.values()))
        shared = sentence([config.market for config in configs.values()], seen)
        told = settings or {name: {"alternative": name} for name in configs}
        together = SideBySide(results, {name: dict(told[name]) for name in configs}, shared)
        if out is not None:
            together.save(out)
            for name in configs:
                forget(Path(out) / folder(name))
    return together
