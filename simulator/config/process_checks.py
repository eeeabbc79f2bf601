"""Checks of the ``process:`` section against the rest: names, stationarity, possible matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.config import correlation, markov
from simulator.config.process import Bootstrap, Dcc, Egarch, Factor, Gbm, Regime, StudentT
from simulator.config.shocks import Convergence, Decoupling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.config.fields import Fields

# A row of transitions written with a few decimals.
ROW_TOLERANCE = 1e-6
# Rounding of β·σ_m where it is meant to be all of an asset's volatility.
VARIANCE_TOLERANCE = 1e-12
# Of the log variance: beyond it the long-run volatility is made of bursts that no run contains.
LARGEST_DEVIATION = 2.5


def named_assets(config: Fields) -> Iterator[tuple[str, list[str]]]:
    """Fields of the process whose keys are assets, with these keys."""
    process = config.process
    if isinstance(process, Dcc):
        yield "process.garch", list(process.garch)
    elif isinstance(process, Egarch):
        yield "process.components", list(process.components)
    elif isinstance(process, Regime):
        for number, regime in enumerate(process.regimes):
            yield f"process.regimes.{number}.volatility", list(regime.volatility)
    elif isinstance(process, Bootstrap):
        yield "process.symbols", list(process.symbols)
    elif isinstance(process, Factor):
        yield "process.betas", list(process.betas)
        yield "process.dof", list(process.dof)


def named_pairs(config: Fields) -> Iterator[tuple[str, dict[str, float]]]:
    """Fields of the process whose keys are pairs of assets, with what they hold."""
    if isinstance(config.process, Regime):
        for number, regime in enumerate(config.process.regimes):
            yield f"process.regimes.{number}.correlation.pairs", regime.correlation.pairs


def problems(config: Fields) -> Iterator[str]:
    """What is wrong with the process, its names being known."""
    process = config.process
    yield from _shocks(config)
    fitted = getattr(process, "fitted_minutes", None)
    if fitted is not None and fitted != config.step_minutes:
        yield (
            f"process.fitted_minutes = {fitted}: must be {config.step_minutes} (step_minutes) or "
            "null: weights and probabilities per step do not carry over to another step"
        )
    if isinstance(process, Dcc):
        yield from _dcc(process)
    elif isinstance(process, Egarch):
        yield from _egarch(process)
    elif isinstance(process, Regime):
        yield from _regime(config, process)
    elif isinstance(process, Bootstrap):
        yield from _bootstrap(process)
    elif isinstance(process, Factor):
        yield from _factor(config, process)


def _shocks(config: Fields) -> Iterator[str]:
    if isinstance(config.process, Gbm | StudentT):
        return
    for number, shock in enumerate(config.shocks):
        if isinstance(shock, Decoupling | Convergence):
            yield (
                f"shocks.{number} ({shock.kind}): changes the correlation, must be left out with "
                f"process.kind = {config.process.kind}, or process.kind be gbm or t"
            )


def _dcc(process: Dcc) -> Iterator[str]:
    for symbol, garch in process.garch.items():
        if garch.alpha + garch.gamma < 0:
            yield (
                f"process.garch.{symbol}.gamma = {garch.gamma:g}: must be at least "
                f"{-garch.alpha:g}, minus alpha, or the variance turns negative"
            )
        if garch.persistence >= 1:
            yield (
                f"process.garch.{symbol}: alpha + gamma / 2 + beta = {garch.persistence:g}: must "
                "be less than 1, or there is no long-run variance"
            )
    if process.news + process.memory >= 1:
        yield (
            f"process.news + process.memory = {process.news + process.memory:g}: must be less than "
            "1, or there is no long-run correlation"
        )


def _egarch(process: Egarch) -> Iterator[str]:
    for symbol in process.components:
        deviation = sum(process.deviations(symbol))
        if deviation > LARGEST_DEVIATION:
            yield (
                f"process.components.{symbol}: its log variance has a standard deviation of up to "
                f"{deviation:.3g}: must be at most {LARGEST_DEVIATION:g}; lower news or market, or "
                "the memory of either"
            )


def _regime(config: Fields, process: Regime) -> Iterator[str]:
    count, before = len(process.regimes), "process.transition"
    if len(process.transition) != count:
        yield f"{before}: has {len(process.transition)} rows, must have {count}, one per regime"
        return
    for number, row in enumerate(process.transition):
        if len(row) != count:
            yield f"{before}.{number}: has {len(row)} entries, must have {count}, one per regime"
            return
        if abs(sum(row) - 1) > ROW_TOLERANCE:
            yield f"{before}.{number}: sums to {sum(row):g}, must sum to 1"
            return
    closed = markov.closed_classes(np.array(process.transition))
    if closed != 1:
        yield (
            f"{before}: {closed} sets of regimes are never left, must be 1, or the stationary law "
            "a path starts from is not unique"
        )
    for number, regime in enumerate(process.regimes):
        matrix = correlation.build(
            config.drawn, regime.correlation.default, regime.correlation.pairs
        )
        if not correlation.is_positive_semidefinite(matrix):
            yield correlation.impossible(
                f"process.regimes.{number}.correlation", config.drawn, matrix
            )


def _bootstrap(process: Bootstrap) -> Iterator[str]:
    for name in ("start", "end"):
        moment = getattr(process, name)
        if moment is not None and moment.tzinfo is not None:
            yield f"process.{name} = {moment}: must be naive UTC, without a time zone"
            return
    if process.start is not None and process.end is not None and process.end <= process.start:
        yield f"process.end = {process.end}: must be after process.start ({process.start})"


def _factor(config: Fields, process: Factor) -> Iterator[str]:
    for symbol, beta in process.betas.items():
        volatility = config.assets[symbol].volatility
        explained = abs(beta) * process.market_volatility
        if explained**2 > volatility**2 * (1 + VARIANCE_TOLERANCE):
            yield (
                f"process.betas.{symbol} = {beta:g}: times market_volatility is {explained:g}, "
                f"must be at most {volatility:g}, assets.{symbol}.volatility"
            )
