"""The compiled door for agents' actions: checked, carried out, noted in the books."""

from __future__ import annotations

import math
from typing import Any

from simulator.books.events import note_event
from simulator.books.hooks import acted, acting
from simulator.model.kernel import kinds
from simulator.model.kernel.codes import NONE
from simulator.model.kernel.jit import address_of, compiled_whole, copy_record, inner
from simulator.model.kernel.record import Path
from simulator.model.verbs import submit

_acting, _acted, _submit, _note_event = acting, acted, submit, note_event
_ASKED_BY_AMOUNT = (
    *(kinds.SWAP, kinds.TRADE, kinds.POST_MARGIN, kinds.DEPOSIT, kinds.REDEEM),
    *(kinds.REQUEST_REDEEM, kinds.REDEEM_IN_KIND),
    *(kinds.LIQUIDATE_COLLATERAL, kinds.LIQUIDATE_LOAN),
)


@inner
def _is_asked(kind: int, amount: float) -> bool:
    """Whether an order asks for anything: an amount of zero does not."""
    return not (amount == 0.0 and kind in _ASKED_BY_AMOUNT)


def _enter(w: Path) -> None:
    """Carry out ``w.order``, or try it; what is not finite is left undone and ends the run."""
    order = w.order
    order.status, order.amount_in, order.amount_out = NONE, 0.0, 0.0
    if not math.isfinite(order.amount + order.limit + order.minimum):
        if w.book.engine.fault == 0:
            w.book.engine.fault = order.kind
            w.book.engine.at_fault = order.agent
        return
    if not _is_asked(order.kind, order.amount):
        return
    if order.quote:
        copy_record(w.spare, w.state)
        _submit(w)
        copy_record(w.state, w.spare)
        return
    _acting(w)
    _submit(w)
    _acted(w)
    _note_event(w)


_DOOR = compiled_whole(_enter, no_cpython_wrapper=True)


def door(path: Any) -> int:
    """Where the door lies for paths of a Numba type."""
    return address_of(_DOOR, path)
