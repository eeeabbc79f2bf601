"""A picture of market paths: prices, the law of returns, their memory, their correlation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.types import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.market.paths import MarketPaths
    from simulator.types import Floats

SHOWN = 30  # paths drawn as lines
MOST_PATHS = 500  # that the statistics look at
LAGS = 48
DAYS = 7  # window of the rolling correlation
LEAST_STEPS = 4


def save_picture(market: MarketPaths, title: str, file: str | Path) -> None:
    """Write a PNG: paths of the base asset, histogram, autocorrelation, rolling correlation.

    Raises:
        InputError: fewer than four steps, or a file name matplotlib has no format for.
    """
    from matplotlib.figure import Figure

    if market.steps < LEAST_STEPS:
        raise InputError(f"steps = {market.steps}: a picture needs {LEAST_STEPS} or more")
    names = market.assets[1:]  # USDC hardly moves
    returns = np.diff(np.log(market.index[1:, :, :MOST_PATHS]), axis=1)
    figure = Figure(figsize=(12, 8), layout="constrained")
    axes = figure.subplots(2, 2)
    figure.suptitle(title)
    _prices(axes[0, 0], market)
    _histogram(axes[0, 1], names, returns)
    _memory(axes[1, 0], names, returns)
    _rolling(axes[1, 1], names, returns, market.step_seconds)
    try:
        figure.savefig(file, dpi=110, metadata={"Software": "hedgesim"})
    except ValueError as error:  # a format that matplotlib does not write
        raise InputError(f"picture = {file}: {error}") from None


def _prices(axis: Any, market: MarketPaths) -> None:
    prices = market.index[1]
    days = np.arange(market.steps + 1) * market.step_seconds / 86_400
    axis.plot(days, prices[:, :SHOWN], linewidth=0.6, alpha=0.6)
    axis.plot(days, np.median(prices, axis=1), color="black", label="median")
    axis.set(title=f"{market.assets[1]}, first {min(SHOWN, market.paths)} paths", yscale="log")
    axis.set(xlabel="days", ylabel="USD")
    axis.legend()


def _histogram(axis: Any, names: tuple[str, ...], returns: Floats) -> None:
    edges = np.linspace(-8, 8, 81)
    for name, drawn in zip(names, returns, strict=True):
        deviation = drawn.std()
        if deviation > 0:
            unit = (drawn - drawn.mean()).ravel() / deviation
            density = np.histogram(unit, edges)[0] / (unit.size * np.diff(edges))
            axis.stairs(density, edges, label=name)
    axis.plot(edges, np.exp(-(edges**2) / 2) / np.sqrt(2 * np.pi), "k--", label="normal")
    axis.set(title="returns of a step", yscale="log", ylim=(1e-6, 1), ylabel="density")
    axis.set(xlabel="standard deviations")
    axis.legend()


def _memory(axis: Any, names: tuple[str, ...], returns: Floats) -> None:
    for name, drawn in zip(names, returns, strict=True):
        memory = autocorrelations(np.abs(drawn), min(LAGS, len(drawn) - 2))
        axis.plot(np.arange(1, len(memory) + 1), memory, marker=".", label=name)
    axis.axhline(0, color="black", linewidth=0.6)
    axis.set(title="autocorrelation of absolute returns", xlabel="lag, steps")
    axis.legend()


def autocorrelations(series: Floats, lags: int) -> Floats:
    """Autocorrelation ``[lags]`` of ``series`` ``[T, P]``, the mean over all paths taken out."""
    centred = series - series.mean()
    variance = np.mean(centred**2)
    if variance == 0:
        return np.zeros(lags)
    return np.array(
        [np.mean(centred[lag:] * centred[:-lag]) / variance for lag in range(1, lags + 1)]
    )


def _rolling(axis: Any, names: tuple[str, ...], returns: Floats, step_seconds: int) -> None:
    steps = returns.shape[1]
    window = max(2, min(DAYS * 86_400 // step_seconds, steps // 2))
    days = np.arange(window, steps + 1) * step_seconds / 86_400
    for row, name in enumerate(names[1:], start=1):
        rolled = rolling_correlation(returns[0, :, 0], returns[row, :, 0], window)
        axis.plot(days, rolled, label=f"{names[0]}/{name}")
    axis.set(title=f"rolling correlation, {window} steps, first path", xlabel="days")
    axis.set(ylim=(-1.05, 1.05))
    if len(names) > 1:
        axis.legend()


def rolling_correlation(one: Floats, other: Floats, window: int) -> Floats:
    """Correlation of the last ``window`` entries ``[T − window + 1]``; 0 where one stands still."""
    first = np.lib.stride_tricks.sliding_window_view(one, window)
    second = np.lib.stride_tricks.sliding_window_view(other, window)
    first = first - first.mean(axis=1, keepdims=True)
    second = second - second.mean(axis=1, keepdims=True)
    scale = np.sqrt(np.sum(first**2, axis=1) * np.sum(second**2, axis=1))
    product = np.sum(first * second, axis=1)
    return np.divide(product, scale, out=np.zeros_like(product), where=scale > 0)
