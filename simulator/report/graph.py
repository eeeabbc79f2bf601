"""A graph of who gives what to whom, as inline SVG: names in two columns, an arrow a flow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from textwrap import wrap

#: CSS pixels: all of it, where arrows begin and end, and the height of one.
WIDTH, FROM, TO, ROW = 440, 132, 312, 40
_LINE = 15  # of text
_HEAD = 9  # of an arrow
_LETTERS = 15  # in a line of a name


@dataclass(frozen=True)
class Flow:
    """So much from one to another."""

    source: str
    target: str
    usd: float


def graph(title: str, flows: Sequence[Flow], style: str, form: Callable[[float], str]) -> str:
    """Arrows as wide as the root of their amount, which stands at their beginning."""
    rows = _in_rows(flows)
    ends = _ends(rows)
    most = max(flow.usd for flow in rows)
    height = ROW * len(rows) + 14
    name, box = escape(title), f"0 0 {WIDTH} {height}"
    parts = [
        f'<svg class="graph" viewBox="{box}" role="img" aria-label="{name}"><title>{name}</title>'
    ]
    for row, (flow, end) in enumerate(zip(rows, ends, strict=True)):
        parts.append(_arrow(_y(row), _y(end), 1.5 + 11.0 * (flow.usd / most) ** 0.5, style))
    for row, flow in enumerate(rows):
        parts.append(
            f'<text class="amount" x="{FROM + 4}" y="{_y(row) - 7:.1f}">'
            f"{escape(form(flow.usd))}</text>"
        )
    parts += _names([flow.source for flow in rows], list(range(len(rows))), 0, "start")
    parts += _names([flow.target for flow in rows], ends, WIDTH, "end")
    return "".join([*parts, "</svg>"])


def _y(row: float) -> float:
    """Where the middle of a row is."""
    return 12 + ROW * (row + 0.5)


def _in_rows(flows: Sequence[Flow]) -> list[Flow]:
    """Those of one source together, the largest source and its largest flow first."""
    total: dict[str, float] = {}
    for flow in flows:
        total[flow.source] = total.get(flow.source, 0.0) + flow.usd
    return sorted(flows, key=lambda flow: (-total[flow.source], flow.source, -flow.usd))


def _ends(rows: Sequence[Flow]) -> list[int]:
    """The row at which each arrow ends: those of one target together, so that few cross."""
    places: dict[str, list[int]] = {}
    for row, flow in enumerate(rows):
        places.setdefault(flow.target, []).append(row)
    middle = {name: sum(found) / len(found) for name, found in places.items()}
    order = sorted(range(len(rows)), key=lambda row: (middle[rows[row].target], rows[row].target))
    ends = [0] * len(rows)
    for end, row in enumerate(order):
        ends[row] = end
    return ends


def _arrow(start: float, end: float, width: float, style: str) -> str:
    middle, tip = (FROM + TO) / 2, TO - _HEAD
    half = max(width, 5.0) / 2 + 2.5
    return (
        f'<path class="flow {style}" stroke-width="{width:.1f}" d="M{FROM},{start:.1f}'
        f'C{middle},{start:.1f} {middle},{end:.1f} {tip},{end:.1f}"/>'
        f'<polygon class="tip {style}" points="{tip},{end - half:.1f} {TO},{end:.1f} '
        f'{tip},{end + half:.1f}"/>'
    )


def _names(names: Sequence[str], rows: Sequence[int], x: int, anchor: str) -> list[str]:
    """Each name once, in the middle of its rows."""
    places: dict[str, list[int]] = {}
    for name, row in zip(names, rows, strict=True):
        places.setdefault(name, []).append(row)
    parts = []
    for name, found in places.items():
        lines = wrap(name, _LETTERS)
        top = _y(sum(found) / len(found)) - _LINE * (len(lines) - 1) / 2 + 4
        parts += [
            f'<text class="node" x="{x}" y="{top + _LINE * number:.1f}" text-anchor="{anchor}">'
            f"{escape(line)}</text>"
            for number, line in enumerate(lines)
        ]
    return parts
