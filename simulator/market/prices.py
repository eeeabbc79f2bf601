"""Index prices: a process and jumps, or recorded prices, with the shocks on top."""

from __future__ import annotations

from math import exp, log1p
from typing import TYPE_CHECKING

import numpy as np

from simulator.config.shocks import Crash, Depeg, Squeeze
from simulator.market import kernels, processes, staked, variates
from simulator.market.streams import Stream
from simulator.types import SECONDS_PER_YEAR, USDC

if TYPE_CHECKING:
    from simulator.config.market import Jumps
    from simulator.config.market_settings import MarketSettings
    from simulator.types import Floats


def draw_index(
    settings: MarketSettings, first_path: int, paths: int, out: Floats | None = None
) -> Floats:
    """Index prices ``[A, T + 1, P]``, USD per whole token, in order of ``settings.symbols``.

    Put into ``out`` when one is given.
    """
    symbols, own = settings.symbols, settings.of_drawn
    index = np.empty((len(symbols), settings.steps + 1, paths)) if out is None else out
    drawn = index[: len(own.symbols)]
    drawn.fill(0.0)
    compensators = _add_jumps(own, drawn, first_path, paths)
    processes.of(own.process).add(own, drawn, compensators, first_path, paths)
    log_factors = price_moves(settings)
    prices = np.array([own.assets[symbol].price for symbol in own.symbols])
    kernels.exponentiate(drawn, prices, log_factors[: len(drawn)])
    for symbol in settings.staked:
        index[symbols.index(symbol)] = staked.premium(settings, symbol, first_path, paths)
        index[symbols.index(symbol)] *= np.exp(log_factors[symbols.index(symbol)])[:, np.newaxis]
    recorded = {}
    if settings.history.prices is not None:
        from simulator.market.replayed import replay

        # Recorded prices take the place of the process, and shocks act on them all the same.
        recorded = replay(settings)
        for symbol, series in recorded.items():
            row = symbols.index(symbol)
            index[row] = (series * np.exp(log_factors[row]))[:, np.newaxis]
    _depeg(settings, index, first_path, paths)
    for symbol, item in settings.staked.items():
        if symbol not in recorded:
            rate = staked.exchange_rate(settings, symbol, first_path, paths)
            index[symbols.index(symbol)] *= rate * index[symbols.index(item.underlying)]
    return index


def price_moves(settings: MarketSettings) -> Floats:
    """Log factors ``[A, T + 1]`` of all crashes and squeezes: ramp, hold, recovery, each linear."""
    hours = np.arange(settings.steps + 1) * (settings.step_minutes / 60)
    result = np.zeros((len(settings.symbols), settings.steps + 1))
    for shock in settings.shocks:
        if not isinstance(shock, Crash | Squeeze):
            continue
        since = hours - shock.at_hours
        # Without a ramp the full size is there at `at_hours`.
        shape = np.where(since >= shock.ramp_hours, 1.0, 0.0)
        if shock.ramp_hours > 0:
            shape = np.clip(since / shock.ramp_hours, 0.0, 1.0)
        if shock.recovery_hours is not None:
            after = since - shock.ramp_hours - shock.hold_hours
            if shock.recovery_hours > 0:
                shape = shape * (1.0 - np.clip(after / shock.recovery_hours, 0.0, 1.0))
            else:
                shape = np.where(after > 0, 0.0, shape)
        for symbol in shock.assets:
            result[settings.symbols.index(symbol)] += log1p(shock.size) * shape
    return result


# ------------------------------------------------------------------------------------------- jumps


def _add_jumps(settings: MarketSettings, index: Floats, first_path: int, paths: int) -> Floats:
    """Add every jump to the log return of its step; returns drifts ``[A]`` that compensate them.

    Merton (1976): a jump's log size is normal, so E[e^J − 1] = e^(m + s²/2) − 1.
    """
    compensators = np.zeros(len(settings.symbols))
    for row, symbol in enumerate(settings.symbols):
        jumps = settings.assets[symbol].jumps
        if jumps is not None:
            loading = np.zeros(len(settings.symbols))
            loading[row] = 1.0
            name = f"jumps/{symbol}"
            _scatter(settings, name, jumps, loading, index, first_path, paths)
            compensators += _compensator(jumps, loading)
    common = settings.common_jumps
    if common is not None:
        loading = np.array(
            [common.loading.get(symbol, float(symbol != USDC)) for symbol in settings.symbols]
        )
        _scatter(settings, "jumps/common", common, loading, index, first_path, paths)
        compensators += _compensator(common, loading)
    return compensators


def _compensator(jumps: Jumps, loading: Floats) -> Floats:
    return np.array(
        [
            jumps.intensity * (exp(factor * jumps.mean + (factor * jumps.std) ** 2 / 2) - 1)
            for factor in loading
        ]
    )


def _scatter(
    settings: MarketSettings,
    name: str,
    jumps: Jumps,
    loading: Floats,
    index: Floats,
    first_path: int,
    paths: int,
) -> None:
    """Compound Poisson: a number of jumps over the horizon, each at a uniform moment."""
    steps = settings.steps
    expected = jumps.intensity * steps * settings.step_seconds / SECONDS_PER_YEAR
    stream = Stream(settings.seed, name)
    if expected < variates.FEW:
        law, words = (jumps.mean, jumps.std), np.empty(16, np.uint64)
        variates.scatter(stream.key, first_path, expected, law, loading, index, words)
        return
    rows = np.flatnonzero(loading)
    for path, generator in enumerate(stream.paths(first_path, paths)):
        count = generator.poisson(expected)
        moments = 1 + (generator.random(count) * steps).astype(np.int64)
        sizes = jumps.mean + jumps.std * generator.standard_normal(count)
        for row in rows:
            np.add.at(index[row, :, path], moments, loading[row] * sizes)


# ------------------------------------------------------------------------------------------- depegs


def _depeg(settings: MarketSettings, index: Floats, first_path: int, paths: int) -> None:
    seen: dict[str, int] = {}
    for shock in settings.shocks:
        if not isinstance(shock, Depeg):
            continue
        number = seen[shock.asset] = seen.get(shock.asset, -1) + 1
        steps = np.array([round(hour * 60 / settings.step_minutes) for hour, _ in shock.anchors])
        stream = Stream(settings.seed, f"bridge/{shock.asset}/{number}")
        anchors = np.repeat([[price] for _, price in shock.anchors], paths, axis=1)
        if shock.dispersion > 0.0:
            depth = Stream(settings.seed, f"bridge/{shock.asset}/{number}/depth")
            stretch = np.exp(shock.dispersion * depth.normals(first_path, paths, 1)[0])
            anchors = anchors[0] * (anchors / anchors[0]) ** stretch
        kernels.bridge(
            index[settings.symbols.index(shock.asset)],
            steps,
            anchors,
            stream.normals(first_path, paths, int(steps[-1] - steps[0])),
            np.square(shock.bridge_volatilities) * (settings.step_seconds / SECONDS_PER_YEAR),
        )
