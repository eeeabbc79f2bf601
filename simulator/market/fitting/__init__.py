"""Calibration: the ``process:`` section, volatilities and correlation that recorded returns have.

``fit`` gives what ``hedgesim paths fit`` writes. One module per kind, each with the estimator of
the paper it names; standard errors are those of the likelihood that was maximised.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

from simulator.arguments import whole
from simulator.hedging import rank
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
#: Fewer rows say nothing about a tail, a memory or a second regime, whatever the number of assets.
LEAST_ROWS = 50
ROWS_PER_ASSET = 10


def fit(
    kind: str, returns: Floats, names: Sequence[str], step_minutes: int, regimes: int | None = None
) -> Fitted:
    """Calibrate a process to log returns ``[T, A]`` of the assets ``names``, ``step_minutes`` long.

    Means are taken out first. An asset that moves as others before it do adds no information: it
    has the moments it has, and no part in the likelihood (:mod:`simulator.hedging.rank`). A
    ``bootstrap`` takes an asset that rarely moves; a law fitted to one is a law of the few moments
    at which it did. ``regimes``: how many, for that kind only (None: two). A
    ``bootstrap`` leaves ``file`` and ``symbols`` of its section to the caller, who knows where the
    returns come from.

    Raises:
        InputError: no such kind; returns that are not finite, never or too rarely move, or are too
            few; a factor of assets that move as one.
    """
    if kind not in _MODULES:
        raise InputError(f"process = {kind}: must be one of {', '.join(KINDS)}")
    returns = np.ascontiguousarray(returns, np.float64)
    if returns.ndim != 2 or returns.shape[1] != len(names) or not len(names):
        raise InputError(f"returns {returns.shape}: must be [rows, {len(names)}], one per name")
    if not np.all(np.isfinite(returns)):
        row, column = np.argwhere(~np.isfinite(returns))[0]
        raise InputError(f"returns of {names[column]}, row {row}: not finite")
    whole("step_minutes", step_minutes, 1)
    least = max(LEAST_ROWS, ROWS_PER_ASSET * returns.shape[1])
    if len(returns) < least:
        raise InputError(f"returns = {len(returns)} rows: must be {least} or more")
    _refuse_still(kind, returns, names)
    if regimes is not None and (kind != "regime" or not 2 <= regimes <= MOST_REGIMES):
        raise InputError(
            f"regimes = {regimes}: must be from 2 to {MOST_REGIMES}, with --process regime only"
        )
    module = import_module(f"{__name__}.{_MODULES[kind]}")
    options = {} if regimes is None else {"regimes": regimes}
    return module.fit(returns - returns.mean(axis=0), tuple(names), step_minutes, **options)


def _refuse_still(kind: str, returns: Floats, names: Sequence[str]) -> None:
    for name, series, share in zip(names, returns.T, rank.moving(returns), strict=True):
        if np.ptp(series) == 0:
            raise InputError(f"{name}: never moves, nothing can be fitted to it")
        if share < rank.LEAST_MOVING and kind != "bootstrap":
            raise InputError(
                f"{name}: moves in {round(share * len(series))} of {len(series)} rows, must in "
                f"{rank.LEAST_MOVING:.0%} or more for a {kind} to be fitted to it; "
                "a bootstrap takes it as it is"
            )
    scale = rank.scales(np.cov(returns, rowvar=False).reshape(len(names), len(names)))
    if np.any(scale == 0.0):
        name, most = names[int(np.argmin(scale))], names[int(np.argmax(scale))]
        raise InputError(f"{name}: moves no more than rounding does beside {most}")
