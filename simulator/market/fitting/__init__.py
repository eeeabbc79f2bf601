"""Calibration: the ``process:`` section, volatilities and correlation that recorded returns have.

``fit`` gives what ``hedgesim paths fit`` writes. One module per kind, each with the estimator of
the paper it names; standard errors are those of the likelihood that was maximised.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.market.fitting.base import Fitted
    from simulator.types import Floats

_MODULES = {
    "t": "student",
    "dcc": "dcc",
    "egarch": "egarch",
    "regime": "regime",
    "bootstrap": "bootstrap",
    "factor": "factor",
}
KINDS = tuple(_MODULES)
MOST_REGIMES = 8  # that a `process:` section takes


def fit(
    kind: str, returns: Floats, names: Sequence[str], step_minutes: int, regimes: int | None = None
) -> Fitted:
    """Calibrate a process to log returns ``[T, A]`` of the assets ``names``, ``step_minutes`` long.

    Means are taken out first. ``regimes``: how many, for that kind only (None: two). A
    ``bootstrap`` leaves ``file`` and ``symbols`` of its section to the caller, who knows where the
    returns come from.

    Raises:
        InputError: no such kind; returns that are not finite, never move or are too few.
    """
    if kind not in _MODULES:
        raise InputError(f"process = {kind}: must be one of {', '.join(KINDS)}")
    returns = np.ascontiguousarray(returns, np.float64)
    if not np.all(np.isfinite(returns)):
        row, column = np.argwhere(~np.isfinite(returns))[0]
        raise InputError(f"returns of {names[column]}, row {row}: not finite")
    still = np.flatnonzero(np.ptp(returns, axis=0) == 0)
    if len(still):
        raise InputError(f"{names[still[0]]}: never moves, nothing can be fitted to it")
    least = 10 * returns.shape[1]
    if len(returns) < least:
        raise InputError(f"returns = {len(returns)} rows: must be {least} or more")
    if regimes is not None and (kind != "regime" or not 2 <= regimes <= MOST_REGIMES):
        raise InputError(
            f"regimes = {regimes}: must be from 2 to {MOST_REGIMES}, with --process regime only"
        )
    module = import_module(f"{__name__}.{_MODULES[kind]}")
    options = {} if regimes is None else {"regimes": regimes}
    return module.fit(returns - returns.mean(axis=0), tuple(names), step_minutes, **options)
