"""What the vault set out to do on a path, and how much of it was done: columns, from the books.

:mod:`simulator.books.upkeep` and :mod:`simulator.books.limits` keep the sums.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.books.limit_kinds import POOL
from simulator.protocol.statuses import REFUSALS
from simulator.results.tallies import Limited, part
from simulator.results.upkeep_limits import kinds_at, limit_columns
from simulator.world.actions import Deleverage, Rebalance, Recenter, TopUp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.books.metric import Ended
    from simulator.types import Status
    from simulator.world.protocol import Protocol

#: Keeper functions, by the name their columns begin with, in the keeper's order.
FUNCTIONS = {kind.spec.task: kind for kind in (Recenter, TopUp, Deleverage, Rebalance)}
#: Endings of columns that hold codes, not amounts: no figure of a distribution describes them.
CODES = ("_undone_as", "_limit")


def columns(ended: Ended) -> dict[str, NDArray[Any]]:
    """Columns of the per-path frame, ``[paths]`` each, read off the books of a run that is over.

    :func:`upkeep_columns` and :func:`~simulator.results.upkeep_limits.limit_columns`.
    """
    book, refused = ended.book.upkeep, ended.book.limits.refused
    hours = ended.market.step_seconds / 3_600
    found: dict[str, NDArray[Any]] = {
        "funded_time": book.funded / (ended.market.steps + 1),
        "invested_time": part(book.placed, book.funded),
        "idle_share": part(book.idle, book.funded),
        "out_of_range": part(book.outside, book.placed),
        "position_opened": book.position_opened * hours,
        "hedge_opened": book.hedge_opened * hours,
        "hedge_demanded": part(book.demanded, book.funded),
        "hedge_off_target": part(book.off, book.demanded),
        "hedge_held": part(book.held, book.asked),
        "keeper_calls": book.calls,
        "keepers_penniless": book.penniless,
        "reward_needed": part(book.needed, book.short),
        "reward_needed_most": np.where(book.short > 0, book.needed_most, np.nan),
        "reward_share_needed": part(book.share_needed, book.short),
    }
    for index, name in enumerate(FUNCTIONS):
        found |= _of_task(book.tasks, index, name, hours)
    for index, place in enumerate(places(ended.protocol)):
        figures = (refused.times, refused.asked, refused.value)
        limited = Limited(*(each[:, index] for each in figures))
        found |= limited.columns(place) | limited.by_limit(place, kinds_at(place))
    found |= {refused_column(status): book.refused[status] for status in REFUSALS}
    names = (*upkeep_columns(ended.protocol), *limit_columns(ended.protocol))
    return {name: np.array(found[name]) for name in names}


def _of_task(tasks: Any, index: int, name: str, hours: float) -> dict[str, NDArray[Any]]:
    """Columns of a keeper function, which begin with its name; ``hours``: length of a step."""
    longest = tasks.longest[index]
    return {
        f"{name}_undone": tasks.undone[index],
        f"{name}_unpaid": tasks.unpaid[index],
        f"{name}_undone_hours": longest * hours,
        f"{name}_undone_from": np.where(longest > 0, tasks.since[index] * hours, np.nan),
        f"{name}_undone_as": tasks.why[index].astype(np.int8),
    }


def refused_column(status: Status) -> str:
    """Column of what was refused with a status to those who run the vault."""
    return f"upkeep_refused_{status.label}"


def places(protocol: Protocol) -> list[str]:
    """Where a limit can refuse the vault: the pool, then each market by its symbol."""
    return [POOL, *(protocol.assets[m.asset].symbol for m in protocol.clearing.markets)]


def upkeep_columns(protocol: Protocol) -> list[str]:
    """Columns of the per-path frame on what the vault set out to do, and what became of it.

    Parts of the time with shares outstanding: ``invested_time``, ``hedge_demanded``; of NAV then:
    ``idle_share``. Of the time with a position: ``out_of_range``. Of the time a hedge was asked
    for: ``hedge_off_target`` (a deviation beyond the band), and of the dollars asked for, summed
    over time, ``hedge_held``. ``…_opened``: hours, NaN for never. By keeper function: steps at
    whose end it was due ``…_undone``, of these those for which the reward was no more than gas
    ``…_unpaid``, the longest spell (``…_undone_hours``, ``…_undone_from``) and the
    :class:`~simulator.types.Status` that refused it (``…_undone_as``; 0: nobody called).
    ``keepers_penniless``: of the unpaid ones those that the vault had nothing idle to pay for.
    ``reward_needed``: USD that keepers would have acted for, mean of the steps they were not
    paid, ``…_most`` the largest, ``reward_share_needed`` the same per USD protected. By market,
    and for the pool: ``…_limit`` (:class:`~simulator.books.limit_kinds.Limit`), refusals it made,
    what was asked for and what it allows where that was furthest apart.
    """
    return [
        "funded_time",
        "invested_time",
        "idle_share",
        "out_of_range",
        "position_opened",
        "hedge_opened",
        "hedge_demanded",
        "hedge_off_target",
        "hedge_held",
        "keeper_calls",
        "keepers_penniless",
        "reward_needed",
        "reward_needed_most",
        "reward_share_needed",
        *(
            f"{name}_{what}"
            for name in FUNCTIONS
            for what in ("undone", "unpaid", "undone_hours", "undone_from", "undone_as")
        ),
        *(
            f"{place}_limit{what}"
            for place in places(protocol)
            for what in ("", "_refusals", "_asked", "_value")
        ),
        *map(refused_column, REFUSALS),
    ]
