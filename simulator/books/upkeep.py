"""What the vault set out to do on a path, and how much of it was done: sums alone.

Measured at the end of each step, when everybody has acted: what is due then was left undone.
"""

from __future__ import annotations

import numpy as np

from simulator.model.kernel.codes import NONE, OK
from simulator.model.kernel.jit import inner
from simulator.model.kernel.kinds import POST_BETAS, SETTLE_WITHDRAWALS
from simulator.model.kernel.record import Layout, Member, Path, Record, each
from simulator.model.pools.held import in_range
from simulator.model.vault.protecting import (
    FUNCTIONS,
    band,
    due,
    earned,
    exposure,
    gas_cost,
    hedge_in,
    reward,
)
from simulator.model.vault.valuation import Valuation, usd_of_base, usd_of_usdc
from simulator.types import Status

_COUNT = len(FUNCTIONS)
#: What is done for the vault by those who run it; all others' refusals are not the vault's.
_OURS = (*FUNCTIONS, SETTLE_WITHDRAWALS, POST_BETAS)
_NOTHING = 1e-6  # USD; no hedge is asked for less


def _counted(*rows: tuple[str, str]) -> Layout:
    return tuple(Member(name, "i8", (), "1", what) for name, what in rows)


#: One keeper function: how often it was left undone, and its longest spell undone.
TASK: Layout = _counted(
    ("undone", "steps at whose end it was due"),
    ("unpaid", "of these, those for which the reward was no more than gas"),
    ("status", "of the last call in this step; 0: nobody called"),
    ("spell", "steps it has been due up to now"),
    ("refused", "what refused it last in this spell"),
    ("longest", "spell, steps"),
    ("since", "step the longest spell began"),
    ("why", "what refused it last in the longest"),
)
LAYOUT: Layout = (
    *each("", ("least_profit", "USD", "beyond gas without which the keeper does not act: given")),
    *_counted(
        ("funded", "steps with shares outstanding"),
        ("placed", "of these, with a position"),
        ("outside", "of those, out of its range"),
        ("demanded", "steps with shares that asked for a hedge"),
        ("off", "of these, with a hedge beyond its band"),
        ("calls", "of keeper functions, those refused too"),
        ("penniless", "unpaid functions that the vault had nothing idle to pay for"),
        ("short", "unpaid functions"),
    ),
    *each(
        "",
        ("idle", "1", "idle assets over NAV, summed over steps with shares"),
        ("asked", "USD", "hedges asked for, summed over steps"),
        ("held", "USD", "of these, what was held"),
        ("position_opened", "step", "NaN: never"),
        ("hedge_opened", "step", "NaN: never"),
        ("needed", "USD", "that keepers would have acted for, summed over unpaid functions"),
        ("needed_most", "USD", "the most of these"),
        ("share_needed", "1", "the same per USD protected, summed"),
    ),
    Member("tasks", TASK, (_COUNT,), what="in the keeper's order"),
    Member("refused", "i8", (len(Status),), "1", "what was refused to those who run the vault"),
)


@inner
def advanced(w: Path) -> None:
    """Nothing is open when the run begins."""
    if w.now.step == 0.0:
        w.book.upkeep.position_opened = w.book.upkeep.hedge_opened = np.nan


@inner
def acted(w: Path) -> None:
    """Count what was refused to those who run the vault; the last call of a step counts."""
    order, book = w.order, w.book.upkeep
    if order.kind not in _OURS:
        return
    if order.status > OK:
        book.refused[order.status] += 1
    for place in range(_COUNT):
        if order.kind == FUNCTIONS[place] and order.status != NONE:
            book.calls += 1
            book.tasks[place].status = order.status


@inner
def _end_task(task: Record, step: int, undone: bool, unpaid: bool) -> None:
    """End a step: whether it is due still, and if so whether no reward pays for it."""
    task.undone += undone
    task.unpaid += unpaid
    if task.spell == 0:
        task.refused = NONE
    # Not called on this step: what refused it before still stands.
    if task.status > OK:
        task.refused = task.status
    task.spell = task.spell + 1 if undone else 0
    if task.spell > task.longest:
        task.longest = task.spell
        task.since = step + 1 - task.spell
        task.why = task.refused
    task.status = NONE


@inner
def _measure_tasks(w: Path) -> None:
    """What is due, and whether it is paid for."""
    book, protected = w.book.upkeep, due(w)
    for place in range(_COUNT):
        kind, value = FUNCTIONS[place], protected[place]
        undone = value > 0.0
        needed = gas_cost(w, kind) + book.least_profit
        unpaid = undone and reward(w, kind, value) <= needed
        if unpaid:
            book.penniless += earned(w, value) > needed
            book.short += 1
            book.needed += needed
            book.needed_most = max(book.needed_most, needed)
            book.share_needed += needed / value
        _end_task(book.tasks[place], int(w.now.step), undone, unpaid)


@inner
def _measure_hedge(w: Path, valuation: Valuation, funded: bool) -> None:
    book = w.book.upkeep
    exposed, allowed = exposure(w, valuation), band(w, valuation)
    asked, got, off, any_held = 0.0, 0.0, False, False
    for market in range(w.tables.count.markets):
        wanted, has = hedge_in(w, market, exposed)
        size = abs(wanted)
        asked += size
        got += min(max(np.sign(wanted) * has, 0.0), size)
        off = off or abs(wanted - has) > allowed
        any_held = any_held or has != 0.0
    if funded and asked > _NOTHING:
        book.demanded += 1
        book.off += off
        book.asked += asked
        book.held += got
    if any_held and np.isnan(book.hedge_opened):
        book.hedge_opened = w.now.step


@inner
def stepped(w: Path, valuation: Valuation) -> None:
    """Measure what stands, and what is due and was not done."""
    state, book = w.state, w.book.upkeep
    funded, placed = state.vault.shares > 0.0, state.position.liquidity > 0.0
    book.funded += funded
    if funded and placed:
        book.placed += 1
        book.outside += not in_range(w)
    if funded and valuation.nav > 0.0:
        idle = usd_of_usdc(w, valuation, state.vault.idle_usdc)
        idle += usd_of_base(w, valuation, state.vault.idle_base)
        book.idle += idle / valuation.nav
    if placed and np.isnan(book.position_opened):
        book.position_opened = w.now.step
    _measure_hedge(w, valuation, funded)
    _measure_tasks(w)
