"""Results beside what is documented of the crisis that a scenario is modelled on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.results.gates import check_names, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from simulator.config import Config
    from simulator.config.documented import Documented
    from simulator.results.gates import Gate

#: Ends of the range over paths that stands beside a figure.
RANGE = ("p5", "p95")


def _as_gate(one: Documented) -> Gate:
    """Its metric, as requirements name it."""
    return parse(f"{one.metric} >= 0")


def check(config: Config, columns: Iterable[str]) -> None:
    """Raise :class:`~simulator.types.InputError` where a figure's metric is none."""
    columns = list(columns)
    for one in config.documented:
        check_names(_as_gate(one), columns)


def beside(config: Config, summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each documented figure with ours, its range over paths, and whether it is near enough."""
    rows = []
    for one in config.documented:
        gate = _as_gate(one)
        found = gate.value(summary)
        described = summary["metrics"].get(gate.metric, {})
        rows.append(
            {
                **one.model_dump(),
                "simulated": found,
                **{end: described.get(end) for end in RANGE},
                "inside": found is not None and one.low <= found <= one.high,
            }
        )
    return rows
