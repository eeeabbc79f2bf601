"""Replay of recorded prices: a scenario's vault and venues, history's prices.

A bar stands for its own time stamp: its close is the price at that step.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from simulator.config import correlation, from_mapping
from simulator.market.history_file import Bars, SymbolReport, on_grid, read_bars
from simulator.market.monitor_limits import with_limits
from simulator.types import SECONDS_PER_YEAR, USDC, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.config.models import Config
    from simulator.types import Floats

QUOTES = ("USDT", "USDC", "BUSD", "USD")
# What a designer would have had to hand: a month of returns, and too few say nothing.
ESTIMATION_DAYS = 30
LEAST_RETURNS = 48
_SHOWN = "%Y-%m-%d %H:%M"
_MOMENT = r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?"


@dataclass(frozen=True)
class HistoryReport:
    """What a replay rests on: where the prices come from, what was filled, what was assumed."""

    file: str
    start: datetime
    end: datetime
    step_minutes: int
    symbols: tuple[SymbolReport, ...]
    notes: tuple[str, ...]


def replay(config: Config) -> dict[str, Floats]:
    """Recorded prices ``[T + 1]`` by asset, USD; assets without a symbol are left out."""
    return {asset: prices for asset, (prices, _) in _series(config).items()}


def history_report(config: Config) -> HistoryReport | None:
    """What the replay of a configuration rests on; None where nothing is replayed."""
    history = config.history
    if history.prices is None or history.start is None:
        return None
    return HistoryReport(
        file=history.prices,
        start=history.start,
        end=history.start + timedelta(minutes=config.step_minutes * config.steps),
        step_minutes=config.step_minutes,
        symbols=tuple(report for _, report in _series(config).values()),
        notes=history.notes,
    )


def _series(config: Config) -> dict[str, tuple[Floats, SymbolReport]]:
    history = config.history
    if history.prices is None or history.start is None:
        return {}
    return {
        asset: on_grid(
            read_bars(history.prices, symbol),
            history.start,
            config.steps + 1,
            config.step_minutes,
            history.max_gap_hours,
        )
        for asset, symbol in history.symbols.items()
    }


def parse_window(text: str) -> tuple[datetime, datetime]:
    """First and last moment of ``2022-10-15:2022-11-30`` or ``…T06:00:…T18:00``, naive UTC.

    A last moment given as a date means that whole day. Raises InputError for anything else.
    """
    match = re.fullmatch(f"({_MOMENT}):({_MOMENT})", text.strip())
    try:
        if match is None:
            raise ValueError
        first, last = (datetime.fromisoformat(part) for part in match.groups())
    except ValueError:
        raise InputError(
            f"window = {text}: must be FIRST:LAST, each YYYY-MM-DD or YYYY-MM-DDTHH:MM"
        ) from None
    if len(match[2]) == len("2022-11-30"):
        last += timedelta(days=1) - timedelta(microseconds=1)
    if last <= first:
        raise InputError(f"window = {text}: must end after it begins")
    return first, last


def with_history(
    config: Config,
    file: str | Path,
    lp: str,
    hedges: Sequence[str],
    window: str | tuple[datetime, datetime] | None = None,
    *,
    step_minutes: int | None = None,
    keep_shocks: bool = False,
) -> Config:
    """The same vault, venues and agents with prices replayed from ``file``.

    ``lp`` and ``hedges`` are symbols of the file; markets keep the parameters of the scenario's by
    position, wallets their value. Volatilities and correlations, hence the first hedge ratios, are
    measured on up to 30 days *before* the window: what the designer could have known. Shocks are
    dropped unless ``keep_shocks``. ``step_minutes`` (None: the file's bars) may skip bars.

    Raises:
        InputError: something in the file or the arguments is not allowed.
    """
    symbols = (lp, *hedges)
    if not hedges or len(set(symbols)) != len(symbols):
        raise InputError(
            f"lp, hedges = {', '.join(symbols)}: must be two or more different symbols"
        )
    bars = [read_bars(file, symbol) for symbol in symbols]
    first, last = _window(bars, window)
    step = step_minutes or max(round(max(b.bar for b in bars) / pd.Timedelta(minutes=1)), 1)
    steps = int((last - first) / timedelta(minutes=step))
    if steps < 1:
        raise InputError(
            f"window = {first} to {last}: must hold two or more steps of {step} minutes"
        )
    gap = config.history.max_gap_hours
    series = [on_grid(bar, first, steps + 1, step, gap)[0] for bar in bars]
    names = [_asset(symbol) for symbol in symbols]
    prices = {name: float(prices[0]) for name, prices in zip(names, series, strict=True)}
    fall = float(series[0].min()) / prices[names[0]]
    plan = _Plan(config, prices, fall, keep_shocks=keep_shocks)
    volatilities, correlations, measured = _measure(bars, first, step) or plan.scenario_moments()
    data = plan.data(volatilities, correlations)
    notes = [measured, *plan.notes]
    notes += [
        f"{s}: quoted in {s.removeprefix(n)}, taken as USD"
        for s, n in zip(symbols, names, strict=True)
        if s != n
    ]
    end = first + timedelta(minutes=steps * step)
    data |= {
        "description": f"{config.name} on {Path(file).name}, {first:{_SHOWN}} to {end:{_SHOWN}}",
        "horizon_hours": steps * step / 60,
        "step_minutes": step,
        "history": {
            "prices": str(file),
            "symbols": dict(zip(names, symbols, strict=True)),
            "start": first,
            "max_gap_hours": gap,
            "notes": notes,
        },
    }
    return with_limits(from_mapping(data))


def _window(
    bars: list[Bars], window: str | tuple[datetime, datetime] | None
) -> tuple[datetime, datetime]:
    """First and last moment to replay; without a window all that every symbol has."""
    first = max(bar.times[0] for bar in bars).to_pydatetime()
    last = min(bar.times[-1] for bar in bars).to_pydatetime()
    if window is None:
        return first, last
    begin, end = parse_window(window) if isinstance(window, str) else window
    for bar in bars:
        if end < bar.times[0] or begin > bar.times[-1]:
            raise InputError(
                f"window = {begin} to {end}: {bar.file} has {bar.symbol} from {bar.times[0]} to "
                f"{bar.times[-1]}"
            )
    # A last day's bars end before midnight, and a listing or halt may come sooner still.
    return begin, min(end, last)


def _asset(symbol: str) -> str:
    for quote in QUOTES:
        if symbol.endswith(quote) and symbol != quote:
            return symbol.removesuffix(quote)
    return symbol


def _measure(bars: list[Bars], start: datetime, step: int) -> tuple[Floats, Floats, str] | None:
    """Volatilities per √year, correlations and a note, from log returns before ``start``."""
    times = pd.date_range(
        end=start, periods=ESTIMATION_DAYS * 24 * 60 // step + 1, freq=f"{step}min"
    )
    columns = []
    for bar in bars:
        position = bar.times.get_indexer(times)
        prices = np.where(position >= 0, bar.prices[position], np.nan)
        columns.append(np.where(prices > 0, prices, np.nan))
    with np.errstate(invalid="ignore"):
        returns = np.diff(np.log(np.array(columns)), axis=1)
    returns = returns[:, np.all(np.isfinite(returns), axis=0)]
    if returns.shape[1] < LEAST_RETURNS:
        return None
    covariance = np.cov(returns)
    deviation = np.sqrt(np.diag(covariance))
    scale = np.where(deviation > 0, deviation, 1.0)
    matrix = covariance / np.outer(scale, scale)
    np.fill_diagonal(matrix, 1.0)
    matrix = np.clip(np.round(matrix, 6), -1.0, 1.0)
    if not correlation.is_positive_semidefinite(matrix):
        matrix = correlation.nearest(matrix)
    yearly = deviation * np.sqrt(SECONDS_PER_YEAR / (step * 60))
    note = f"volatilities and correlations measured on {returns.shape[1]} returns before {start}"
    return yearly, matrix, note


class _Plan:
    """A scenario rewritten for other assets: its base asset and markets keep their places."""

    def __init__(
        self, config: Config, prices: dict[str, float], fall: float, *, keep_shocks: bool
    ) -> None:
        """``prices`` at the start; ``fall``: the LP asset's lowest price over its first."""
        self.config, self.prices, self.keep_shocks = config, prices, keep_shocks
        self.fall = fall
        self.notes: list[str] = []
        self.names = list(prices)
        markets = config.markets
        # The scenario's asset each new one takes the place of; spare hedges copy the last market.
        self.places = [config.pool.base]
        self.places += [markets[min(n, len(markets) - 1)] for n in range(len(self.names) - 1)]
        self.renamed = dict(zip(reversed(self.places), reversed(self.names), strict=True))

    def scenario_moments(self) -> tuple[Floats, Floats, str]:
        """Volatilities and correlations of the scenario, where history has nothing earlier."""
        rows = [self.config.symbols.index(place) for place in self.places]
        matrix = correlation.initial(self.config)[np.ix_(rows, rows)]
        volatilities = np.array([self.config.assets[place].volatility for place in self.places])
        note = "too little data before the window: volatilities and correlations are the scenario's"
        return volatilities, matrix, note

    def data(self, volatilities: Floats, correlations: Floats) -> dict[str, Any]:
        """The rewritten configuration as plain data."""
        data = self.config.model_dump()
        old = data["assets"]
        data["assets"] = {USDC: old[USDC]}
        for name, place, sigma in zip(self.names, self.places, volatilities, strict=True):
            data["assets"][name] = {
                "price": self.prices[name],
                "volatility": float(sigma),
                "decimals": old[place]["decimals"],
            }
        pairs = {
            f"{self.names[row]}/{self.names[column]}": float(correlations[row, column])
            for row in range(len(self.names))
            for column in range(row)
        }
        data["correlation"] = {"default": 0.0, "pairs": pairs}
        data["process"] = {
            "kind": "gbm"
        }  # prices are recorded; what is not has no other asset's law
        data["common_jumps"] = None
        data["pool"]["base"] = self.names[0]
        data["vault"] |= {"betas": None, "assumed_correlation": None}
        markets = data["clearing"]["markets"]
        data["clearing"]["markets"] = {
            name: markets[place]
            for name, place in zip(self.names[1:], self.places[1:], strict=True)
        }
        data["oracle"]["feeds"] = {
            self.renamed.get(name, name): feed
            for name, feed in data["oracle"]["feeds"].items()
            if self.renamed.get(name, name) in data["assets"]
        }
        self._gas(data, old)
        self._collaterals(data)
        self._wallets(data, old)
        self._shocks(data)
        return data

    def _gas(self, data: dict[str, Any], old: dict[str, Any]) -> None:
        native = data["gas"]["native_asset"]
        if native is not None and native not in data["assets"]:
            data["gas"] |= {"native_asset": None, "native_price": old[native]["price"]}
            self.notes.append(
                f"gas is paid at the scenario's {native} price, {native} not replayed"
            )

    def _collaterals(self, data: dict[str, Any]) -> None:
        collaterals = data["clearing"]["collaterals"]
        for name in [name for name in collaterals if name not in data["assets"]]:
            del collaterals[name]
            self.notes.append(f"collateral {name} left out: it is not replayed")
        for agent in data["agents"].values():
            if agent is not None and "margin" in agent:
                agent["margin"] = {c: q for c, q in agent["margin"].items() if c in collaterals}

    def _wallets(self, data: dict[str, Any], old: dict[str, Any]) -> None:
        """Wallets of base tokens keep their value in USD.

        The arbitrageur restocks outside as a price falls: what a pool takes grows as 1/√P (Uniswap
        v3 whitepaper, eq. 6.29), so its wallet holds that much for the lowest price replayed.
        """
        scale = old[self.places[0]]["price"] / self.prices[self.names[0]]
        for name, agent in data["agents"].items():
            if agent is not None and "base" in agent:
                fall = self.fall if name == "amm_arbitrageur" else 1.0
                agent["base"] *= scale / sqrt(fall)

    def _shocks(self, data: dict[str, Any]) -> None:
        if not self.keep_shocks:
            if data["shocks"]:
                kinds = ", ".join(shock["kind"] for shock in data["shocks"])
                self.notes.append(f"shocks of the scenario left out: {kinds}")
            data["shocks"] = []
        for shock in data["shocks"]:
            if "asset" in shock:
                shock["asset"] = self.renamed.get(shock["asset"], shock["asset"])
            if "assets" in shock:
                shock["assets"] = [self.renamed.get(name, name) for name in shock["assets"]]
