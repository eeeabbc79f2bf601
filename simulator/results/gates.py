"""Requirements on the results that decide a run's exit status: ``"bad_debt.max <= 0"``.

Grammar: ``metric[.statistic] operator number``, nothing else, nothing evaluated. A metric without a
statistic is a probability (``liquidation_probability``) or stands for its mean.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from simulator.results.statistics import statistics_of
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}
_FORM = re.compile(
    r"\s*([A-Za-z_]\w*)(?:\.(\w+))?\s*(<=|>=|==|!=|<|>)\s*"
    r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(%?)\s*"
)
#: Names told where one is unknown; letters by which words are of one stem (``liquidated`` and
#: ``liquidation``), and how alike names of no such word must be.
_MOST_NEAR, _STEM, _ALIKE = 4, 6, 0.7


@dataclass(frozen=True)
class Gate:
    """One requirement, parsed."""

    text: str
    metric: str
    statistic: str
    comparison: str
    bound: float

    def value(self, summary: Mapping[str, Any]) -> float | None:
        """What the run came to; None when no path gives the metric a value."""
        if self.metric.endswith("_probability"):
            found = summary["probabilities"][self.metric.removesuffix("_probability")]
            return float(found[self.statistic])
        figure = summary["metrics"][self.metric][self.statistic]
        return None if figure is None else float(figure)

    def verdict(self, summary: Mapping[str, Any]) -> dict[str, Any]:
        """The requirement, the value and whether it holds; no value never holds."""
        value = self.value(summary)
        holds = value is not None and _OPERATORS[self.comparison](value, self.bound)
        return {"requirement": self.text, "value": value, "holds": holds}


def parse(text: str) -> Gate:
    """Read one requirement; :class:`InputError` when it is not of the form above."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise InputError(
            f"require: {text!r} cannot be read; allowed: metric[.statistic] operator number, "
            f'such as "liquidation_probability <= 0.01", with an operator of {" ".join(_OPERATORS)}'
        )
    metric, statistic, comparison, number, percent = match.groups()
    default = "estimate" if metric.endswith("_probability") else "mean"
    bound = float(number) / (100 if percent else 1)
    return Gate(text.strip(), metric, statistic or default, comparison, bound)


def check_names(gate: Gate, metrics: Iterable[str]) -> None:
    """Raise :class:`InputError`, naming those near, when a requirement names no metric.

    ``metrics``: the columns of the per-path frame.
    """
    known = statistics_of(metrics)
    if gate.metric not in known:
        near = _near(gate.metric, known)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise InputError(
            f"require: {gate.text!r} names no metric {gate.metric!r}; {hint}"
            "`hedgesim metrics` lists all that there are"
        )
    if gate.statistic not in known[gate.metric]:
        raise InputError(
            f"require: {gate.text!r}: {gate.metric} has no statistic {gate.statistic!r}; allowed: "
            + ", ".join(known[gate.metric])
        )


def _near(name: str, known: Iterable[str]) -> list[str]:
    """Metrics that may have been meant, probabilities first: what people ask for most."""

    def stems(text: str) -> set[str]:
        return {word[:_STEM] for word in text.lower().split("_") if len(word) >= _STEM - 1}

    likeness = {other: SequenceMatcher(None, name.lower(), other).ratio() for other in known}
    near = [
        other for other, alike in likeness.items() if alike >= _ALIKE or stems(name) & stems(other)
    ]
    near.sort(key=lambda other: (not other.endswith("_probability"), -likeness[other]))
    return near[:_MOST_NEAR]
