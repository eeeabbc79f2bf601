"""Replay of recorded prices: a scenario's vault and venues, history's prices.

A bar stands for its own time stamp: its close is the price at that step.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isclose
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from simulator.config import from_mapping
from simulator.config.history import notes
from simulator.market.assumed import measure
from simulator.market.by_hand import overridden, shape_of
from simulator.market.history_file import Bars, SymbolReport, on_grid, read_bars
from simulator.market.prices import price_moves
from simulator.market.recast import Recast, followed
from simulator.types import USDC, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from simulator.config.models import Config
    from simulator.types import Floats

QUOTES = ("USDT", "USDC", "BUSD", "USD")
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
    """Recorded prices ``[T + 1]`` by asset, USD; assets without a symbol are left out.

    Raises:
        InputError: the file cannot give them, or an asset's price is not the first recorded one.
    """
    series = {asset: prices for asset, (prices, _) in _series(config).items()}
    for asset, prices in series.items():
        given = config.assets[asset].price
        # The pool opens at the configured price, and the first step must not be a jump to another.
        if not isclose(given, prices[0], rel_tol=1e-9):
            raise InputError(
                f"assets.{asset}.price = {given:g}: must be the first recorded price, "
                f"{float(prices[0])!r}"
            )
    return series


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
        notes=notes(config),
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
    usdc: str | None = None,
    step_minutes: int | None = None,
    keep_shocks: bool = False,
    overrides: Sequence[str] = (),
) -> Config:
    """The same vault, venues and agents with prices replayed from ``file``.

    ``lp``, ``hedges`` and ``usdc`` (None: USDC's price is drawn) are symbols of the file; the LP's
    own may be among the hedges. Markets keep the parameters of the scenario's by position, wallets
    their value. Volatilities and correlations, hence the first hedge ratios, are measured on what
    is *before* the window (:func:`simulator.market.assumed.measure`): what the designer could have
    known. Background liquidity follows the price: it has the depth it has at the start around
    every price of the replay. Shocks are dropped unless ``keep_shocks``. ``step_minutes`` (None:
    the file's bars) may skip bars. ``overrides``, ``a.b=value``, change fields of the result.

    Raises:
        InputError: something in the file or the arguments is not allowed, or an override would be
            undone by what is recorded.
    """
    symbols = _symbols(lp, hedges, usdc)
    bars = {asset: read_bars(file, symbol) for asset, symbol in symbols.items()}
    shape = shape_of(overrides)
    step = shape.step_minutes or step_minutes or _bar_minutes(bars.values())
    first, steps = _span(list(bars.values()), window, step, shape.horizon_hours)
    gap = config.history.max_gap_hours if shape.max_gap_hours is None else shape.max_gap_hours
    series = {asset: on_grid(bar, first, steps + 1, step, gap) for asset, bar in bars.items()}
    prices = {asset: float(found[0]) for asset, (found, _) in series.items()}
    recast = Recast(config, prices, [_asset(symbol) for symbol in hedges])
    moments = measure(list(bars.values()), first, step) or recast.scenario_moments()
    fall = float(series[recast.lp][0].min()) / prices[recast.lp]
    data = recast.data(moments, step, fall, keep_shocks=keep_shocks)
    end = first + timedelta(minutes=steps * step)
    notes = [moments.note, *recast.notes, *_quotes(symbols), *_ends(bars.values(), end)]
    notes += [line for _, report in series.values() if (line := _filled(report))]
    data |= {
        "description": f"{config.name} on {Path(file).name}, {first:{_SHOWN}} to {end:{_SHOWN}}",
        "horizon_hours": steps * step / 60,
        "step_minutes": step,
        "history": {
            "prices": str(file),
            "symbols": symbols,
            "start": first.isoformat(),
            "max_gap_hours": gap,
            "notes": notes,
        },
    }
    return _following(overridden(data, overrides, recast))


def _symbols(lp: str, hedges: Sequence[str], usdc: str | None) -> dict[str, str]:
    """Symbols in the file by asset: USDC's if any, the LP's, then the hedges'."""
    if not hedges or len(set(hedges)) != len(hedges):
        raise InputError(f"hedge = {', '.join(hedges)}: must be one or more different symbols")
    symbols = {} if usdc is None else {USDC: usdc}
    for field, symbol in (("lp", lp), *(("hedge", hedge) for hedge in hedges)):
        asset = _asset(symbol)
        if asset == USDC or symbol == usdc:
            raise InputError(
                f"{field} = {symbol}: USDC is what the vault counts in; --usdc {symbol} replays "
                "its price"
            )
        if symbols.setdefault(asset, symbol) != symbol:
            raise InputError(
                f"{field} = {symbol}: must be another asset than {symbols[asset]}, both are {asset}"
            )
    return symbols


def _bar_minutes(bars: Iterable[Bars]) -> int:
    return max(round(max(bar.bar for bar in bars) / pd.Timedelta(minutes=1)), 1)


def _span(
    bars: list[Bars],
    window: str | tuple[datetime, datetime] | None,
    step: int,
    horizon_hours: float | None,
) -> tuple[datetime, int]:
    """First moment and number of steps of a window, cut to ``horizon_hours`` where given."""
    first, last = _window(bars, window)
    steps = int((last - first) / timedelta(minutes=step))
    if horizon_hours is not None:
        wanted = horizon_hours * 60 / step
        if not 0 < wanted <= steps:
            raise InputError(
                f"horizon_hours = {horizon_hours}: must be from {step / 60:g} to "
                f"{steps * step / 60:g}, what the window has"
            )
        steps = round(wanted)
    if steps < 1:
        raise InputError(
            f"window = {first} to {last}: must hold two or more steps of {step} minutes"
        )
    return first, steps


def _quotes(symbols: dict[str, str]) -> list[str]:
    return [
        f"{symbol}: quoted in {symbol.removeprefix(asset)}, taken as USD"
        for asset, symbol in symbols.items()
        if symbol != asset and symbol.startswith(asset)
    ]


def _ends(bars: Iterable[Bars], end: datetime) -> list[str]:
    """Symbols whose record is what ends the replay, where others go on."""
    last = {bar.symbol: bar.times[-1] for bar in bars}
    longest = max(last.values())
    return [
        f"{symbol} ends at {moment}, others go on to {longest}"
        for symbol, moment in last.items()
        if moment < longest and moment <= end
    ]


def _filled(report: SymbolReport) -> str | None:
    if not report.filled and not report.duplicates:
        return None
    return (
        f"{report.symbol}: of {report.bars} bars {report.missing} missing and {report.unusable} "
        f"without a usable price, filled with the price before; {report.duplicates} duplicates "
        "dropped"
    )


def _following(config: Config) -> Config:
    """Background liquidity follows the replayed price, unless it was said how far."""
    if any(item.lowest_price is not None for item in config.pool.background):
        return config
    lowest, highest = followed(config, replay(config), price_moves(config))
    data = config.model_dump(mode="json")
    for item in data["pool"]["background"]:
        if item["half_width_percent"] is not None or item["half_width_ticks"] is not None:
            item |= {"lowest_price": lowest, "highest_price": highest}
    data["history"]["notes"].append(
        "background liquidity follows the price: as deep as at the start around every price from "
        f"{lowest:.6g} to {highest:.6g}"
    )
    return from_mapping(data)


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
    for bar in bars:
        # A last day's bars end before midnight.
        if end - bar.times[-1] >= bar.bar:
            raise InputError(
                f"window = {begin} to {end}: {bar.file} has {bar.symbol} to {bar.times[-1]} only; "
                f"all symbols have prices to {last}"
            )
    return begin, min(end, last)


def _asset(symbol: str) -> str:
    for quote in QUOTES:
        if symbol.endswith(quote) and symbol != quote:
            return symbol.removesuffix(quote)
    return symbol
