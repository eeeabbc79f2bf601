"""The compiled door for agents' actions: checked, carried out, noted in the books."""

from __future__ import annotations

import math
from typing import Any

from simulator.books.events import note_event
from simulator.books.hooks import acted, acting
from simulator.engine.indices import AMOUNT, ROOM, misnamed
from simulator.engine.latency import send
from simulator.model.batch import at
from simulator.model.kernel import kinds
from simulator.model.kernel.codes import NONE, OK
from simulator.model.kernel.jit import (
    address_of,
    call_door,
    compiled_whole,
    inner,
    kernel,
)
from simulator.model.kernel.record import Path, Paths
from simulator.model.known import forget, forget_vault
from simulator.model.venues.perps.owing import forget_trade
from simulator.model.verbs import attempt, submit

_misnamed, _send = misnamed, send
_acting, _acted, _note_event = acting, acted, note_event
_attempt, _submit = attempt, submit
_ASKED_BY_AMOUNT = (
    *(kinds.SWAP, kinds.TRADE, kinds.POST_MARGIN, kinds.DEPOSIT, kinds.REDEEM),
    *(kinds.REQUEST_REDEEM, kinds.REDEEM_IN_KIND),
    *(kinds.LIQUIDATE_COLLATERAL, kinds.LIQUIDATE_LOAN, kinds.LIQUIDATE_BORROWER),
)


@inner
def _is_asked(kind: int, amount: float) -> bool:
    """Whether an order asks for anything: an amount of zero does not."""
    return not (amount == 0.0 and kind in _ASKED_BY_AMOUNT)


@inner
def _move_on(w: Path) -> None:
    """Forget what the order that was carried out may have changed; refused, it changed nothing."""
    order = w.order
    if order.status != OK:
        return
    if order.kind == kinds.TRADE:
        forget_trade(w, w.tables.agent.account[order.agent], order.market)
    elif order.kind in (kinds.SWAP, kinds.DEPOSIT):
        forget_vault(w)
    else:
        forget(w)


@inner
def _blame(w: Path, wrong: int) -> None:
    """Note the first order on the path that cannot be."""
    order, book = w.order, w.book.engine
    if book.fault != 0:
        return
    book.fault, book.at_fault, book.wrong = order.kind, order.agent, wrong
    book.account, book.market = order.account, order.market
    book.collateral, book.leg = order.collateral, order.leg
    book.borrower, book.seized, book.repaid = order.borrower, order.seized, order.repaid
    book.position = order.position


def _enter(w: Path) -> None:
    """Carry out ``w.order``, or try it; what cannot be is left undone and ends the run."""
    order = w.order
    order.status, order.amount_in, order.amount_out = NONE, 0.0, 0.0
    if not math.isfinite(order.amount + order.limit + order.minimum + order.usdc) or not (
        math.isfinite(order.lower + order.upper)
    ):
        _blame(w, AMOUNT)
        return
    if not _is_asked(order.kind, order.amount):
        return
    wrong = _misnamed(w)
    if wrong != 0:
        _blame(w, wrong)
        return
    if order.quote:
        _attempt(w)
        return
    if w.book.engine.outbox != 0:
        if not _send(w):
            _blame(w, ROOM)
        return
    _acting(w)
    _submit(w)
    _move_on(w)
    _acted(w)
    _note_event(w)


DOOR = compiled_whole(_enter, no_cpython_wrapper=True)


def door(path: Any) -> int:
    """Where the door lies for paths of a Numba type."""
    return address_of(DOOR, path)


@kernel
def enter_all(paths: Paths) -> None:
    """Send the orders of all paths that have one through the door, which the tables know."""
    for i in range(paths.states.size):
        if paths.orders[i].kind != 0:
            call_door(paths.tables[0].door.submit, at(paths, i))
