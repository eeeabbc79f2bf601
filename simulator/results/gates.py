"""Requirements on the results that decide a run's exit status: ``"bad_debt.max <= 0"``.

Grammar: ``metric[.statistic] operator number``, nothing else, nothing evaluated. A metric without a
statistic is a probability (``liquidation_probability``) or stands for its mean.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
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
    """Raise :class:`InputError`, listing the valid names, when a requirement names no metric.

    ``metrics``: the columns of the per-path frame.
    """
    known = statistics_of(metrics)
    if gate.metric not in known:
        raise InputError(
            f"require: {gate.text!r} names no metric {gate.metric!r}; allowed: "
            + ", ".join(sorted(known))
        )
    if gate.statistic not in known[gate.metric]:
        raise InputError(
            f"require: {gate.text!r}: {gate.metric} has no statistic {gate.statistic!r}; allowed: "
            + ", ".join(known[gate.metric])
        )
