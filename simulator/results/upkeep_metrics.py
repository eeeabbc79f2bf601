"""Metrics of the vault's upkeep: what it set out to do, and what kept it from doing so.

How each is counted: :mod:`simulator.books.upkeep`, :mod:`simulator.books.limits`. Parts of the time
with shares outstanding: ``invested_time``, ``hedge_demanded``; of NAV then: ``idle_share``. Of the
time with a position: ``out_of_range``. Of the time a hedge was asked for: ``hedge_off_target``
(beyond the band), and of the dollars asked for, summed over time, ``hedge_held``. ``…_opened``: NaN
for never.
"""

from __future__ import annotations

from simulator.books.limit_kinds import POOL, REFUSES, UNITS
from simulator.books.metric import DESCRIBED, MARKET, STATUS, Metric, column_of
from simulator.results.tallies import limit_column
from simulator.results.upkeep import FUNCTIONS, columns
from simulator.results.upkeep_limits import kinds_at

# What a function of the vault does, as its columns say it.
_DUE = {
    "recentring": "a recentring",
    "top_up": "a top-up",
    "deleveraging": "a deleveraging",
    "rebalancing": "a rebalance",
}


def _metric(name: str, unit: str, meaning: str, *, described: bool = True) -> Metric:
    statistics = DESCRIBED if described else ()
    return Metric(name, unit, meaning, column_of(name, columns), statistics=statistics)


def _of_function(name: str) -> tuple[Metric, ...]:
    """How often one was left undone, and its longest spell."""
    due = _DUE[name]
    unpaid = "of these, steps at which the reward was no more than gas"
    refused = f"Status that refused {due} then; 0: nobody called"
    return (
        _metric(f"{name}_undone", "number", f"steps at whose end {due} was due"),
        _metric(f"{name}_unpaid", "number", unpaid),
        _metric(f"{name}_undone_hours", "hours", f"longest spell {due} was due"),
        _metric(f"{name}_undone_from", "hours", "when that spell began"),
        _metric(f"{name}_undone_as", "number", refused, described=False),
    )


def _of_place(place: str) -> tuple[Metric, ...]:
    """What refused the vault in the pool, or in a market; codes and extremes have no statistics."""
    where = "in the pool" if place == POOL else "in that market"
    allows = "what it allows" if place == POOL else "its value"
    most = f"limit that refused the vault most often {where} (books/limit_kinds.py)"
    asked = f"what was asked of that limit where it was furthest from {allows}"
    return (
        _metric(f"{place}_limit", "number", most, described=False),
        _metric(f"{place}_limit_refusals", "number", "refusals of all limits there"),
        _metric(f"{place}_limit_asked", "of limit", asked, described=False),
        _metric(f"{place}_limit_value", "of limit", "what it allows there", described=False),
    )


def _of_limits(place: str) -> tuple[Metric, ...]:
    """Three columns of each limit that can refuse the vault there."""
    beyond = "what was asked there where that was furthest beyond"
    return tuple(
        _metric(limit_column(place, kind, what), unit, meaning, described=what == "refusals")
        for kind in kinds_at(place)
        for what, unit, meaning in (
            ("refusals", "number", f"refusals of the vault {REFUSES[kind]}"),
            ("asked", UNITS[kind], beyond),
            ("value", UNITS[kind], "what was allowed there"),
        )
    )


METRICS = (
    *(
        _metric(*(cell.strip() for cell in line.split("|")))
        for line in """
funded_time | fraction | part of the time with shares outstanding
invested_time | fraction | part of that time with a position
idle_share | fraction | part of net asset value left idle, mean over that time
out_of_range | fraction | part of the time with a position that the price was outside its range
position_opened | hours | when the first position was opened
hedge_opened | hours | when the first hedge was opened
hedge_demanded | fraction | part of the funded time that a hedge was asked for
hedge_off_target | fraction | part of that time that the hedge was off by more than its band
hedge_held | fraction | part of the dollars of hedge asked for, summed over time, that was held
keeper_calls | number | calls of keeper functions, refused ones included
keepers_penniless | number | steps with a keeper function due and no idle USDC to pay for it
reward_needed | USD | what keepers would have acted for where they were not paid, mean
reward_needed_most | USD | the same, largest
reward_share_needed | fraction | the same per USD protected, mean
""".strip().splitlines()
    ),
    *(metric for name in FUNCTIONS for metric in _of_function(name)),
    *_of_place(POOL),
    *_of_place(MARKET),
    _metric(
        f"upkeep_refused_{STATUS}",
        "number",
        "actions of those who run the vault refused for that reason",
    ),
    *_of_limits(POOL),
    *_of_limits(MARKET),
)
