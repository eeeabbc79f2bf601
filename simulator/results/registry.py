"""Every metric of a path, from the books that declare them; columns and frames follow.

A metric is added in the book that counts it (:mod:`simulator.books.metric`); a module that is new
stands here too. Nothing else lists them.
"""

from __future__ import annotations

import functools
import re
from itertools import groupby
from typing import TYPE_CHECKING, Any

from simulator.books import (
    activity,
    capital,
    cascade,
    crowds,
    deleveraged,
    entries,
    hedge,
    impact,
    latency,
    lending,
    margin,
    outcome,
    performance,
    pressure,
    share_price,
    strategies,
    terms,
)
from simulator.books.metric import (
    MARKET,
    PARTY,
    PROVIDER,
    REFUSED,
    STATUS,
    Chance,
    Metric,
    values_of,
)
from simulator.config.agents import BUILT_IN
from simulator.results import upkeep_metrics
from simulator.results.rows import rows_of
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from simulator.books.metric import Ended
    from simulator.results.rows import Rows
    from simulator.world.protocol import Protocol

#: In the order of their columns.
METRICS: tuple[Metric, ...] = tuple(
    metric
    for module in (
        outcome,
        share_price,
        performance,
        terms,
        entries,
        latency,
        margin,
        capital,
        activity,
        hedge,
        impact,
        crowds,
        cascade,
        deleveraged,
        pressure,
        lending,
        strategies,
        upkeep_metrics,
    )
    for metric in module.METRICS
)
BY_NAME = {metric.name: metric for metric in METRICS}
#: What is counted on how many paths it happened, by name, with the metric that tells.
CHANCES: dict[str, tuple[Metric, Chance]] = {
    metric.chance.name: (metric, metric.chance) for metric in METRICS if metric.chance is not None
}


def _columns(protocol: Protocol) -> Iterator[tuple[str, Metric, int]]:
    """Every column with its metric and, where that has a pattern, which of its values it is.

    Those of one pattern that follow each other stand together for each value.
    """
    for pattern, group in groupby(METRICS, key=lambda metric: metric.pattern):
        metrics = list(group)
        if not pattern:
            yield from ((metric.name, metric, 0) for metric in metrics)
            continue
        for place, value in enumerate(values_of(pattern, protocol)):
            for metric in metrics:
                yield metric.name.replace(pattern, value), metric, place


def path_columns(protocol: Protocol) -> list[str]:
    """Columns of the per-path frame; what each means: ``hedgesim metrics --frame paths``.

    Behind those are what agents of one's own count (``Agent.metrics``).

    Raises:
        InputError: an agent counts by a name that is taken.
    """
    columns = [name for name, _, _ in _columns(protocol)]
    for slot in protocol.agents:
        for own, column in zip(slot.metrics, slot.columns, strict=True):
            if column in columns or metric_of(column) is not None:
                raise InputError(
                    f"metrics of {slot.name} = {own}: {column} is a column already; allowed: "
                    "another name"
                )
            columns.append(column)
    return columns


def path_rows(ended: Ended) -> Rows:
    """One row per path, columns :func:`path_columns`."""
    found = {}
    for name, metric, place in _columns(ended.protocol):
        values = ended.once(metric.of)
        found[name] = values[place] if metric.pattern else values
    found |= ended.counted
    return rows_of(found)


@functools.lru_cache
def _patterns() -> list[tuple[re.Pattern[str], Metric]]:
    return [
        (re.compile(".+".join(map(re.escape, metric.name.split(metric.pattern)))), metric)
        for metric in METRICS
        if metric.pattern in (MARKET, PARTY, PROVIDER)
    ]


@functools.lru_cache
def _exact() -> dict[str, Metric]:
    refused = (metric for metric in METRICS if metric.pattern == STATUS)
    written = {
        metric.name.replace(STATUS, refusal): metric for metric in refused for refusal in REFUSED
    }
    return BY_NAME | written


def _counted(column: str) -> Callable[[Ended], Any]:
    return lambda ended: ended.counted[column]


def counted(columns: Iterable[str]) -> list[Metric]:
    """Of columns of the per-path frame those that agents of one's own count, as metrics."""
    return [
        Metric(
            name,
            *_of_built_in().get(name, _OF_ONES_OWN),
            _counted(name),
            only_if_any=name in _of_built_in() and name.endswith("_missed"),
        )
        for name in columns
        if metric_of(name) is None
    ]


_OF_ONES_OWN = ("number", "counted by an agent of one's own")


@functools.lru_cache
def _of_built_in() -> dict[str, tuple[str, str]]:
    """Unit and meaning of what built-in agents count, by column."""
    return {
        f"{name}_{metric}": told
        for name, section in BUILT_IN.items()
        for metric, told in section.metrics.items()
    }


def metric_of(column: str) -> Metric | None:
    """The metric a column of the per-path frame is of, or one of their names; None: of none."""
    if column in _exact():
        return _exact()[column]
    return next((metric for form, metric in _patterns() if form.fullmatch(column)), None)
