"""What became of the orders of a user's own agents, from the events of the paths in full."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

from simulator.protocol.statuses import meaning
from simulator.results.finding import Finding
from simulator.types import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pandas as pd


def refused(names: Iterable[str], events: pd.DataFrame, worst: pd.DataFrame) -> Iterator[Finding]:
    """The agents of these names all of whose orders were refused, as far as events were kept.

    They are, of the recorded paths and of the worst.
    """
    seen = {*events["path"], *worst["path"]}
    for name in names:
        tried: dict[int, list[str]] = {}  # by path; the worst may be one of the recorded
        for frame in (events, worst):
            mine = frame[frame["agent"] == name]
            for path in set(mine["path"]):
                tried[path] = mine.loc[mine["path"] == path, "status"].astype(str).tolist()
        counts = Counter(chain.from_iterable(tried.values()))
        if counts and Status.OK.name not in counts:
            text = _sentence(name, counts, len(seen))
            yield Finding("agent_refused", "warning", text, len(tried) / len(seen))


def unopened(
    cohorts: Mapping[str, Sequence[str]], events: pd.DataFrame, worst: pd.DataFrame
) -> Iterator[Finding]:
    """Cohorts that hold nothing, since what they asked for was refused, by what they are of.

    They would have been the first to fall where it was their leverage.
    """
    others = worst[~worst["path"].isin(events["path"])]
    for name, agents in cohorts.items():
        frames = [frame[frame["agent"].isin(agents)] for frame in (events, others)]
        paths = len({*frames[0]["path"], *frames[1]["path"]})
        status = [row for frame in frames for row in frame["status"].astype(str)]
        counts = Counter(one for one in status if one not in (Status.OK.name, Status.NONE.name))
        if not counts:
            continue
        first = counts.most_common(1)[0][0].lower()
        text = (
            f"Of {len(agents)} cohorts of {name} {sum(counts.values()) / paths:.3g} a path hold "
            f"nothing, most as {first}: {meaning(first)}."
        )
        yield Finding("cohorts_refused", "warning", text, 1.0, f"agents.{name}.most_leverage")


def _sentence(name: str, counts: Counter[str], paths: int) -> str:
    """Whose orders were refused, how many, and as what, the most frequent first."""
    total, often = (
        sum(counts.values()),
        sorted(counts, key=lambda status: (-counts[status], status)),
    )
    first = often[0].lower()
    most = "all" if len(often) == 1 else f"{counts[often[0]]:,}"
    rest = f" (others: {', '.join(status.lower() for status in often[1:])})" if often[1:] else ""
    on = f"{paths:,} recorded paths" if paths > 1 else "the recorded path"
    return (
        f"Every order of {name} was refused: {total:,} on {on}, {most} as {first}: "
        f"{meaning(first)}{rest}."
    )
