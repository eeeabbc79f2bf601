"""Walk-forward study of hedges on recorded prices: what each estimator's beta would have done.

One USD of the target is held and β USD of every hedge sold, set anew each interval from rows before
it alone. The first training window is nobody's score. The benchmark is the static beta: least
squares on that window, never touched again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from simulator.hedging.estimators import TRAINING_DAYS, standard
from simulator.hedging.estimators.base import betas
from simulator.hedging.estimators.moments import window_covariance
from simulator.hedging.minimum_variance import hedge_ratios
from simulator.hedging.significance import shortfall_loss
from simulator.market.history_file import (
    AS_WRITTEN,
    Reading,
    on_grid,
    read_together,
    span,
    step_minutes,
)
from simulator.study.usable import usable
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from simulator.types import Floats

ROWS_PER_DAY = {"1h": 24, "4h": 6, "1d": 1}
#: Fewer out-of-sample intervals say nothing about a tail of 5 %: twelve losses.
LEAST_TEST_ROWS = 240
MAX_GAP_HOURS = 6.0
STATIC, EXPANDING, LEADER = "static", "sample", "leader"
#: Days after which the leader is named anew.
LEADER_DAYS = 30


@dataclass(frozen=True)
class Settings:
    """What a study assumes.

    Attributes:
        horizon: interval between two rebalances, ``1h``, ``4h`` or ``1d`` (sums; days of UTC).
        taker_fee: fee of the hedge's venue, as a part of notional traded.
        funding_per_year: what longs pay shorts, as a part of notional; the default is 0.01 % per
            8 h, the base rate of perpetual venues.
        offset_days: length of the windows in which the dollar offset is judged.
        replications: bootstrap resamples behind every interval.
        confidence: of the intervals.
        seed: root of the bootstrap's randomness.
    """

    horizon: str = "1h"
    taker_fee: float = 0.0005
    funding_per_year: float = 0.1095
    offset_days: int = 30
    replications: int = 500
    confidence: float = 0.95
    seed: int = 1

    def __post_init__(self) -> None:
        for name, allowed, holds in (
            ("horizon", "1h, 4h or 1d", self.horizon in ROWS_PER_DAY),
            ("taker_fee", "in [0, 0.1]", 0.0 <= self.taker_fee <= 0.1),
            ("funding_per_year", "in [-10, 10]", -10.0 <= self.funding_per_year <= 10.0),
            ("offset_days", "1 to 365", 1 <= self.offset_days <= 365),
            ("replications", "100 to 100,000", 100 <= self.replications <= 100_000),
            ("confidence", "in [0.5, 1)", 0.5 <= self.confidence < 1.0),
        ):
            if not holds:
                raise InputError(f"{name} = {getattr(self, name)}: must be {allowed}")

    @property
    def rows_per_day(self) -> int:
        """Intervals per day."""
        return ROWS_PER_DAY[self.horizon]


@dataclass(frozen=True, eq=False)
class Walk:
    """Out-of-sample series of one target; simple returns per USD held, ``[T]``, by estimator.

    Attributes:
        target, hedges: symbols.
        settings: what was assumed.
        start: beginning of the first out-of-sample interval.
        unhedged: return of the target.
        moves: returns of the hedges ``[T, H]``.
        betas: USD of each hedge sold per USD held ``[T, H]``.
        correlations: of the target with each hedge, rolling window ``[T, H]``.
        left_out: why a hedge that was asked for is not among ``hedges``, a line each.
    """

    target: str
    hedges: tuple[str, ...]
    settings: Settings
    start: datetime
    unhedged: Floats
    moves: Floats
    betas: dict[str, Floats]
    correlations: Floats
    left_out: tuple[str, ...] = ()

    @property
    def end(self) -> datetime:
        """End of the last out-of-sample interval."""
        return self.start + len(self.unhedged) * timedelta(days=1) / self.settings.rows_per_day

    def hedged(self, name: str) -> Floats:
        """Return of the hedged position ``[T]``."""
        return self.unhedged - np.sum(self.betas[name] * self.moves, axis=1)

    def turnover(self, name: str) -> Floats:
        """USD traded at the start of each interval but the first ``[T - 1]``.

        What is held has moved with its price since; the position in the target is one USD again.
        """
        held = self.betas[name][:-1] * (1.0 + self.moves[:-1])
        return np.asarray(np.abs(self.betas[name][1:] - held).sum(axis=1))


def read_returns(
    file: str | Path, symbols: Sequence[str], horizon: str, reading: Reading = AS_WRITTEN
) -> tuple[pd.Timestamp, Floats]:
    """First bar of the first whole day all symbols have, and log returns ``[T, N]`` from there.

    Bars of unlike length are taken at the closes they share.

    Raises:
        InputError: the file or a symbol cannot be used, or its bars are longer than the horizon.
    """
    bars = read_together(file, symbols, reading)
    longest, minutes = step_minutes(bars), 24 * 60 // ROWS_PER_DAY[horizon]
    if minutes % longest:
        raise InputError(
            f"horizon = {horizon}: the bars of {file} are {longest} minutes long, must be at most "
            f"{minutes} and divide it"
        )
    first, last = span(bars)
    bar = pd.Timedelta(minutes=longest)
    start = first.ceil("D") + (first - first.ceil("D")) % bar
    days = (last - start) // pd.Timedelta(days=1)
    if days < 1:
        raise InputError(f"{file}: {', '.join(symbols)} have no whole day of prices in common")
    points = ROWS_PER_DAY[horizon] * days + 1
    logs = [np.log(on_grid(each, start, points, minutes, MAX_GAP_HOURS)[0]) for each in bars]
    return start, np.diff(np.stack(logs, axis=1), axis=0)


def usual_horizons(
    file: str | Path, symbols: Sequence[str], reading: Reading = AS_WRITTEN
) -> tuple[str, ...]:
    """Horizons studied unless one is asked for: hours and days, or what the bars allow.

    Raises:
        InputError: the file or a symbol cannot be used.
    """
    longest = step_minutes(read_together(file, symbols, reading))
    shortest = next((h for h, rows in ROWS_PER_DAY.items() if 1_440 // rows % longest == 0), "1d")
    return tuple(dict.fromkeys((shortest, "1d")))


def walk(
    file: str | Path,
    target: str,
    hedges: Sequence[str],
    settings: Settings | None = None,
    reading: Reading = AS_WRITTEN,
) -> Walk:
    """Forecast walk-forward with every estimator and hedge by what each said.

    A hedge that never or hardly moves is left out and named.

    Raises:
        InputError: bad symbols, too little history for the training window and a score, a target
            that never or hardly moves or that its hedges are already, or no hedge that moves.
    """
    settings = settings or Settings()
    start, returns = read_returns(file, different(target, hedges), settings.horizon, reading)
    per_day = settings.rows_per_day
    training = TRAINING_DAYS[per_day] * per_day
    if len(returns) < training + LEAST_TEST_ROWS:
        raise InputError(
            f"{file}: {target} with {', '.join(hedges)} has {len(returns):,} intervals of "
            f"{settings.horizon}; needs {training:,} to train and {LEAST_TEST_ROWS} to score"
        )
    columns, left_out = usable(returns, target, hedges, training)
    returns, hedges = returns[:, columns], [hedges[column - 1] for column in columns[1:]]
    found: dict[str, Floats] = {}
    static = hedge_ratios(window_covariance(returns, 0, training))
    found[STATIC] = np.tile(static, (len(returns) - training, 1))
    correlations = np.empty((len(returns) - training, len(hedges)))
    for estimator in standard(per_day):
        covariances = estimator.forecast(returns)[training:-1]
        found[estimator.name] = betas(covariances)
        if estimator.name == "rolling":
            scales = np.sqrt(np.einsum("tii->ti", covariances))
            outer = scales[:, :1] * scales[:, 1:]
            np.divide(covariances[:, 0, 1:], outer, out=correlations, where=outer > 0.0)
    simple = np.expm1(returns[training:])
    first = start + pd.Timedelta(days=TRAINING_DAYS[per_day])
    made = Walk(
        target, tuple(hedges), settings, first.to_pydatetime(),
        simple[:, 0], simple[:, 1:], found, correlations, tuple(left_out),
    )  # fmt: skip
    return replace(made, betas=found | {LEADER: _leader(made)})


def _leader(made: Walk) -> Floats:
    """Betas of whoever had the least 95 % ES out of sample so far; static until there is a record.

    The answer to picking the best estimator once the results are in: this one was picked before.
    """
    rows = len(made.unhedged)
    stretch = LEADER_DAYS * made.settings.rows_per_day
    hedged = {name: made.hedged(name) for name in made.betas}
    result = made.betas[STATIC].copy()
    for first in range(max(stretch, LEAST_TEST_ROWS // 4), rows, stretch):
        records = {name: shortfall_loss(pnl[:first], 0.95).mean() for name, pnl in hedged.items()}
        best = min(records, key=lambda name: records[name])
        result[first : first + stretch] = made.betas[best][first : first + stretch]
    return result


def different(target: str, hedges: Sequence[str]) -> tuple[str, ...]:
    """Target and hedges; raises InputError unless they are two or more, all different."""
    symbols = (target, *hedges)
    if not hedges or len(set(symbols)) != len(symbols):
        raise InputError(
            f"target, hedges = {', '.join(symbols)}: must be two or more, all different"
        )
    return symbols
