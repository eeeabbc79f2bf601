"""When the monitor would have alarmed on a recorded hedge, and what was lost by then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.hedging.monitor.hedge import HedgeMonitor
from simulator.hedging.monitor.settings import ALARMS, Settings
from simulator.types import InputError

if TYPE_CHECKING:
    from simulator.types import Booleans, Floats


@dataclass(frozen=True)
class FirstAlarm:
    """The first alarm at or after a stated row, and losses of one USD of the target by then.

    Attributes:
        row: row of the returns at whose end it rang; None: it never did.
        kinds: which of :data:`~simulator.hedging.monitor.settings.ALARMS` rang there.
        lost: fall of the target from its peak since the stated row, as a fraction.
        hedged: the same of target plus hedge.
        trough: deepest fall of the target from that peak on, over the whole record.
        trough_row: row at whose end it was reached.
    """

    row: int | None
    kinds: tuple[str, ...]
    lost: float
    hedged: float
    trough: float
    trough_row: int


def alarms(returns: Floats, betas: Floats, settings: Settings) -> dict[str, Booleans]:
    """Every alarm on log returns ``[T, N]`` hedged with ``betas`` ``[T, N − 1]``: ``[T]`` by kind.

    ``betas`` at row t must be known before it, as an estimator's forecast is; rows where any is NaN
    are hedged with none.

    Raises:
        InputError: shapes do not match.
    """
    if returns.ndim != 2 or betas.shape != (len(returns), returns.shape[1] - 1):
        raise InputError(
            f"returns {returns.shape}, betas {betas.shape}: must be [T, N], [T, N - 1]"
        )
    monitor = HedgeMonitor(1, settings)
    result = {kind: np.zeros(len(returns), np.bool_) for kind in ALARMS}
    for row, (step, beta) in enumerate(zip(returns, np.nan_to_num(betas), strict=True)):
        for kind, rang in monitor.update(step[:, None], beta[:, None]).items():
            result[kind][row] = rang[0]
    return result


def first_alarm(
    returns: Floats, betas: Floats, settings: Settings, since: int, kinds: tuple[str, ...] = ALARMS
) -> FirstAlarm:
    """First alarm of ``kinds`` in rows ``since`` and after, against the loss already taken.

    Raises:
        InputError: as :func:`alarms`, or ``since`` lies outside the record.
    """
    if not 0 <= since < len(returns):
        raise InputError(f"since = {since}: must be from 0 to {len(returns) - 1}")
    found = alarms(returns, betas, settings)
    rang = np.any([found[kind] for kind in kinds], axis=0)
    rows = np.flatnonzero(rang[since:]) + since
    target = np.exp(np.cumsum(returns[since:, 0]))
    left = returns[since:, 0] - np.sum(np.nan_to_num(betas[since:]) * returns[since:, 1:], axis=1)
    fall, hedged = _fall(target), _fall(np.exp(np.cumsum(left)))
    trough = int(np.argmax(fall))
    if not rows.size:
        return FirstAlarm(None, (), np.nan, np.nan, float(fall[trough]), trough + since)
    row = int(rows[0])
    return FirstAlarm(
        row=row,
        kinds=tuple(kind for kind in kinds if found[kind][row]),
        lost=float(fall[row - since]),
        hedged=float(hedged[row - since]),
        trough=float(fall[trough]),
        trough_row=trough + since,
    )


def _fall(values: Floats) -> Floats:
    """Fall from the peak so far, where 1 is the value before the first."""
    peak = np.maximum(np.maximum.accumulate(values), 1.0)
    return np.asarray(1.0 - values / peak)
