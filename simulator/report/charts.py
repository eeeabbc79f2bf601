"""Line, fan, waterfall and timeline charts as inline SVG, coloured by the page's CSS variables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.types import Floats

Format = Callable[[float], str]
#: Widths in CSS pixels at which charts of the whole or half the page show: text keeps its size.
FULL, HALF = 1070, 521
LEFT, RIGHT, TOP, BOTTOM = 58, 104, 10, 26
_LABEL_GAP = 14.0
_MOST_DECIMALS = 6


def nice_ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round numbers within [low, high], about ``wanted`` of them (steps of 1, 2, 2.5, 5 · 10ⁿ)."""
    span = high - low
    if not span > 0:
        return [low]
    raw = span / wanted
    magnitude = 10.0 ** np.floor(np.log10(raw))
    step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude >= raw * 0.999)
    first = np.ceil(low / step - 1e-9)
    ticks = [float(first + i) * step for i in range(int((high - first * step) / step + 1e-9) + 1)]
    return [0.0 if abs(tick) < step * 1e-9 else float(tick) for tick in ticks]


def decimals(ticks: Sequence[float]) -> int:
    """The fewest decimals with which every tick is written as what it is, not as what is near."""
    span = max(ticks) - min(ticks) or 1.0
    exact = (
        digits
        for digits in range(_MOST_DECIMALS)
        if all(abs(round(tick, digits) - tick) < 1e-6 * span for tick in ticks)
    )
    return next(exact, _MOST_DECIMALS)


def thinned(values: Floats, most: int = 480) -> NDArray[np.int64]:
    """Indices of at most ``most`` points of a series: its ends and each stretch's extremes."""
    n = len(values)
    if n <= most:
        return np.arange(n)
    edges = np.linspace(0, n, most // 2 + 1).astype(int)
    # Every stretch as a row, its last value repeated to the length of the longest.
    places = edges[:-1, None] + np.arange(np.diff(edges).max())
    places = np.minimum(places, edges[1:, None] - 1)
    there = values[places]
    rows = np.arange(len(places))
    low = places[rows, np.where(np.isfinite(there), there, np.inf).argmin(axis=1)]
    high = places[rows, np.where(np.isfinite(there), there, -np.inf).argmax(axis=1)]
    return np.unique(np.concatenate([[0, n - 1], low, high]))


@dataclass
class Chart:
    """A chart over hours: draw on it, then take :meth:`svg`.

    Attributes:
        title: accessible name, and what a screen reader says first.
        hours: last hour shown; the axis begins at 0.
        low, high: range of the vertical axis.
        form: text of a value on the vertical axis.
        width, height: size in CSS pixels.
        ticks: about how many labels the vertical axis has.
        marks: where the labels of the vertical axis are; None: at round numbers.
    """

    title: str
    hours: float
    low: float
    high: float
    form: Format
    width: int = HALF
    height: int = 230
    ticks: int = 4
    marks: Sequence[float] | None = None
    _body: list[str] = field(default_factory=list)
    _labels: list[tuple[float, str, str]] = field(default_factory=list)

    def x(self, hour: float) -> float:
        """Horizontal place of an hour."""
        return LEFT + (self.width - LEFT - RIGHT) * hour / (self.hours or 1.0)

    def y(self, value: float) -> float:
        """Vertical place of a value, held within the frame."""
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        share = min(max(share, 0.0), 1.0)
        return self.height - BOTTOM - (self.height - TOP - BOTTOM) * share

    def _points(self, hours: Floats, values: Floats) -> list[str]:
        return [f"{self.x(h):.1f},{self.y(v):.1f}" for h, v in zip(hours, values, strict=True)]

    def band(self, hours: Floats, lower: Floats, upper: Floats, style: str) -> None:
        """Fill between two series; points without a value are left out."""
        known = np.isfinite(lower) & np.isfinite(upper)
        if known.sum() < 2:
            return
        there = self._points(hours[known], upper[known])
        back = self._points(hours[known], lower[known])[::-1]
        self._body.append(f'<polygon class="{style}" points="{" ".join(there + back)}"/>')

    def line(self, hours: Floats, values: Floats, style: str, label: str = "") -> None:
        """Draw a series, broken where it has no value, with its name at the right end."""
        values = np.asarray(values, np.float64)
        hours = np.asarray(hours, np.float64)
        kept = thinned(values)
        hours, values = hours[kept], values[kept]
        known = np.isfinite(values)
        path, drawing = [], False
        for point, there in zip(
            self._points(hours, np.where(known, values, 0.0)), known, strict=True
        ):
            if there:
                path.append(("L" if drawing else "M") + point)
            drawing = bool(there)
        if path:
            self._body.append(f'<path class="line {style}" d="{"".join(path)}"/>')
            if label:
                last = float(values[known][-1])
                self._labels.append((self.y(last), label, style))

    def level(self, value: float, label: str, style: str) -> None:
        """Draw a horizontal line with its name, when it lies within the frame."""
        if self.low <= value <= self.high:
            y = self.y(value)
            self._body.append(
                f'<line class="level {style}" x1="{LEFT}" x2="{self.width - RIGHT}" '
                f'y1="{y:.1f}" y2="{y:.1f}"/>'
            )
            self._labels.append((y, label, style))

    def shade(self, spans: Sequence[tuple[float, float]]) -> None:
        """Shade spans of hours behind everything; where they overlap, once."""
        for first, last in _union(spans):
            a, b = self.x(max(first, 0.0)), self.x(min(last, self.hours))
            if b > a:
                self._body.insert(
                    0,
                    f'<rect class="window" x="{a:.1f}" width="{b - a:.1f}" y="{TOP}" '
                    f'height="{self.height - TOP - BOTTOM}"/>',
                )

    def svg(self) -> str:
        """The chart."""
        parts = [_open(self.title, self.width, self.height)]
        marks = nice_ticks(self.low, self.high, self.ticks) if self.marks is None else self.marks
        for tick in marks:
            y = self.y(tick)
            style = "grid zero" if tick == 0 else "grid"
            parts.append(
                f'<line class="{style}" x1="{LEFT}" x2="{self.width - RIGHT}" '
                f'y1="{y:.1f}" y2="{y:.1f}"/>'
                f'<text class="tick" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">'
                f"{escape(self.form(tick))}</text>"
            )
        parts += _time_axis(self.x, self.hours, self.height)
        parts += self._body
        for y, label, style in _apart(self._labels, TOP + 4, self.height - BOTTOM):
            parts.append(
                f'<text class="label {style}" x="{self.width - RIGHT + 8}" y="{y + 4:.1f}">'
                f"{escape(label)}</text>"
            )
        parts.append("</svg>")
        return "".join(parts)


def _union(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans that cover the same hours without overlapping."""
    merged: list[tuple[float, float]] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _open(title: str, width: int, height: int) -> str:
    wide = ' class="wide"' if width >= FULL else ""  # a phone shows it no narrower (page.css)
    return (
        f'<svg{wide} viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>"
    )


def _time_axis(place: Callable[[float], float], hours: float, height: int) -> list[str]:
    """Labels of the horizontal axis: days for runs beyond four days, else hours."""
    scale, unit = (24.0, "day") if hours > 96 else (1.0, "hour")
    parts = []
    for i, tick in enumerate(nice_ticks(0.0, hours / scale, 6)):
        if abs(tick - round(tick)) > 1e-9:
            continue
        text = f"{unit} {tick:.0f}" if i == 0 else f"{tick:.0f}"
        parts.append(
            f'<text class="tick" x="{place(tick * scale):.1f}" y="{height - 6}" '
            f'text-anchor="middle">{text}</text>'
        )
    return parts


def _apart(
    labels: Sequence[tuple[float, str, str]], top: float, bottom: float
) -> list[tuple[float, str, str]]:
    """Move labels apart vertically so that none covers another, keeping their order."""
    ordered = sorted(labels)
    places = [y for y, _, _ in ordered]
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + _LABEL_GAP)
    if places and places[-1] > bottom:
        places[-1] = bottom
        for i in range(len(places) - 2, -1, -1):
            places[i] = min(places[i], places[i + 1] - _LABEL_GAP)
    return [
        (max(y, top), label, style) for y, (_, label, style) in zip(places, ordered, strict=True)
    ]


def waterfall(title: str, steps: Sequence[tuple[str, float]], total: str, form: Format) -> str:
    """Horizontal waterfall: each row starts where the one before ended; the last row is the sum."""
    row, left, right = 25, 158, 70
    ends = np.cumsum([value for _, value in steps])
    low, high = min(0.0, float(ends.min())), max(0.0, float(ends.max()))
    scale = (HALF - left - right) / ((high - low) or 1.0)

    def place(value: float) -> float:
        return left + (value - low) * scale

    height = row * (len(steps) + 1) + 12
    zero = place(0.0)
    parts = [
        _open(title, HALF, height),
        f'<line class="grid zero" x1="{zero:.1f}" x2="{zero:.1f}" y1="4" y2="{height - 4}"/>',
    ]
    rows = [
        (name, end - value, float(end), "") for (name, value), end in zip(steps, ends, strict=True)
    ]
    rows.append((total, 0.0, float(ends[-1]), "total "))
    for i, (name, start, end, style) in enumerate(rows):
        y = 6 + row * i
        a, b = sorted((place(start), place(end)))
        value = end - start
        # Rounding dust has no direction.
        flat = abs(value) * scale < 0.05
        tone = "none" if flat else "gain" if value > 0 else "loss"
        parts.append(
            f'<text class="name" x="{left - 12}" y="{y + 15}" text-anchor="end">'
            f"{escape(name)}</text>"
            f'<rect class="bar {style}{tone}" x="{a:.1f}" width="{max(b - a, 1.2):.1f}" '
            f'y="{y + 3}" '
            f'height="{row - 9}" rx="2"/>'
            f'<text class="value" x="{b + 7:.1f}" y="{y + 15}">{escape(form(value))}</text>'
        )
        if i < len(rows) - 2:
            x = place(end)
            parts.append(
                f'<line class="join" x1="{x:.1f}" x2="{x:.1f}" y1="{y + 3}" y2="{y + row + 3}"/>'
            )
    return "".join([*parts, "</svg>"])


def timeline(
    title: str, lanes: Sequence[tuple[str, str, Sequence[tuple[float, float]]]], hours: float
) -> str:
    """One lane per kind of event: name, style and spans; a moment is a span of no length."""
    row = 22
    height = row * len(lanes) + BOTTOM + 4

    def place(hour: float) -> float:
        return LEFT + (FULL - LEFT - RIGHT) * min(max(hour, 0.0), hours) / (hours or 1.0)

    parts = [_open(title, FULL, height)]
    for i, (name, style, spans) in enumerate(lanes):
        y = 4 + row * i
        middle = y + row / 2
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{FULL - RIGHT}" y1="{middle}" y2="{middle}"/>'
            f'<text class="label {style}" x="{FULL - RIGHT + 8}" y="{middle + 4}">'
            f"{escape(name)}</text>"
        )
        # Moments closer than a pixel are one mark.
        marks = sorted({(round(place(a)), round(place(b))) for a, b in spans})
        parts += [
            f'<rect class="event {style}" x="{a - 0.8:.1f}" width="{max(b - a, 1.6):.1f}" '
            f'y="{y + 5}" height="{row - 10}"/>'
            for a, b in marks
        ]
    parts += _time_axis(place, hours, height)
    return "".join([*parts, "</svg>"])
