"""Maps of a comparison: each figure over the two fields that vary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.results.diagnosis import IDLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.report.figure import Alternative, Figure


def maps(summary: dict[str, Any], shown: Sequence[Figure]) -> list[dict[str, Any]]:
    """Maps of figures over the two varied fields, where every combination of these is there."""
    found = list(summary["alternatives"].values())
    if len(found[0]["settings"]) != 2:
        return []
    rows, columns = (
        list(dict.fromkeys(list(a["settings"].values())[axis] for a in found)) for axis in (0, 1)
    )
    if len(found) != len(rows) * len(columns) or min(len(rows), len(columns)) < 2:
        return []
    down, across = found[0]["settings"]
    by_place = {tuple(a["settings"].values()): a for a in found}
    idle = {place: _idle(a) for place, a in by_place.items()}
    found_maps = []
    for figure in shown:
        if figure.value is None:
            continue
        values = {place: figure.value(a) for place, a in by_place.items()}
        # What an idle vault came to is no mark of how good the others are.
        known = [value for place, value in values.items() if value is not None and not idle[place]]
        low, high = (min(known), max(known)) if known else (0.0, 0.0)
        found_maps.append(
            {
                "title": figure.title,
                "gate": figure.gate,
                "down": down,
                "across": across,
                "columns": columns,
                "rows": [
                    (row, [_cell(figure, by_place[row, c], low, high) for c in columns])
                    for row in rows
                ],
            }
        )
    return found_maps


def _idle(found: Alternative) -> bool:
    return any(one["severity"] == IDLE for one in found["diagnosis"])


def _cell(figure: Figure, found: Alternative, low: float, high: float) -> dict[str, Any]:
    """Text of a map's cell, its report, and how good it is among all, from 0 to 1."""
    value = figure.value(found) if figure.value is not None else None
    share = 0.5 if value is None or high == low else (value - low) / (high - low)
    share = min(max(share, 0.0), 1.0)
    good = share if figure.better > 0 else 1.0 - share
    return {
        "text": figure.brief(found),
        "report": found["report"],
        "good": round(good, 3),
        "idle": _idle(found),
    }
