"""Where a function of one amount crosses zero, in code that agents run compiled as plain.

The Illinois method (Dowell and Jarratt 1971, BIT 11, 168): regula falsi that halves the value at an
end which stays. It keeps the crossing between its ends as bisection does, and has ten digits of
it after some six values where that takes thirty. Agents ask the market for each value, and that is
most of what they cost where their own trades move it.

    span = between(0.0, most, value_at(0.0), value_at(most))
    while is_wide(span):
        span = narrowed(span, value_at(span.place))
    return span.place
"""

from __future__ import annotations

from typing import NamedTuple

from simulator.agents.do import part

#: Part of the smaller value at the ends that is as good as zero, and how many places are tried.
_NEAR, _MOST = 1e-10, 60


class Span(NamedTuple):
    """Two amounts between which a function crosses zero, and where to look next."""

    first: float
    last: float
    at_first: float
    at_last: float
    place: float
    nothing: float  # value that is as good as zero
    moved: int  # which end was moved before: 1 the first, -1 the last
    tries: int  # that are left; 0: it is found


@part
def between(first: float, last: float, at_first: float, at_last: float) -> Span:
    """A span to begin with; an end itself where the values there have one sign."""
    nothing = _NEAR * min(abs(at_first), abs(at_last))
    if at_first * at_last >= 0.0:
        end = first if abs(at_first) <= abs(at_last) else last
        return Span(first, last, at_first, at_last, end, nothing, 0, 0)
    place = (first * at_last - last * at_first) / (at_last - at_first)
    return Span(first, last, at_first, at_last, place, nothing, 0, _MOST)


@part
def is_wide(span: Span) -> bool:
    """Whether it is worth another value."""
    return span.tries > 0


@part
def narrowed(span: Span, value: float) -> Span:
    """The span, its place being of that value."""
    first, last, at_first, at_last, place, nothing, moved, tries = span
    if abs(value) <= nothing or place in (first, last):
        return Span(first, last, at_first, at_last, place, nothing, moved, 0)
    if value * at_last > 0.0:
        at_first = 0.5 * at_first if moved == -1 else at_first
        last, at_last, moved = place, value, -1
    else:
        at_last = 0.5 * at_last if moved == 1 else at_last
        first, at_first, moved = place, value, 1
    place = (first * at_last - last * at_first) / (at_last - at_first)
    return Span(first, last, at_first, at_last, place, nothing, moved, tries - 1)
