"""Replay of recorded prices: a scenario's vault and venues, history's prices."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.config import from_mapping
from simulator.config.history import VISITS
from simulator.config.process import Bootstrap
from simulator.market.assumed import measure
from simulator.market.by_hand import overridden, shape_of
from simulator.market.files import symbols as naming
from simulator.market.files.window import chosen
from simulator.market.history_file import (
    AS_WRITTEN,
    Reading,
    read_together,
    reading_lines,
    resolve,
)
from simulator.market.monitor_limits import with_limits
from simulator.market.prices import price_moves
from simulator.market.recast import Recast, followed
from simulator.market.recorded import (
    Record,
    filled,
    has_extremes,
    record_of,
    wicks,
    zigzag,
    zigzagging,
)
from simulator.market.replayed import replay
from simulator.types import USDC, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.config.models import Config

_SHOWN = "%Y-%m-%d %H:%M"
_MOMENT = r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?"


def said(config: Config) -> list[str]:
    """How the files a configuration names are read and what is guessed, a line each.

    Raises:
        InputError: a file cannot be used.
    """
    history, lines = config.history, []
    if history.prices is not None:
        reading = Reading.of(history)
        lines += reading_lines(history.prices, record_of(history).bars, reading)
    if isinstance(config.process, Bootstrap):
        drawn = config.process
        reading = Reading.of(drawn)
        bars = read_together(drawn.file, list(drawn.symbols.values()), reading)
        lines += reading_lines(drawn.file, bars, reading)
    return lines


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
    bars: str | None = None,
    step_minutes: int | None = None,
    keep_shocks: bool = False,
    reading: Reading = AS_WRITTEN,
    overrides: Sequence[str] = (),
) -> Config:
    """The same vault, venues and agents with prices replayed from ``file``.

    ``file`` may be several (:func:`simulator.market.files.sources.expand`), ``reading`` says how
    they are read. ``lp``, ``hedges`` and ``usdc`` (None: USDC's price is drawn) are symbols of the
    file, short where only one fits (``ETH``), or ``ASSET=SYMBOL``; the LP's own may be among the
    hedges. ``bars``: ``close``, or ``ohlc`` for wicks (:mod:`simulator.market.recorded`).

    Markets keep the parameters of the scenario's by position, wallets their value. Volatilities and
    correlations, hence the first hedge ratios, are measured on what is *before* the window
    (:func:`simulator.market.assumed.measure`): what the designer could have known. Background
    liquidity follows the price: it has the depth it has at the start around every price of the
    replay. Shocks are dropped unless ``keep_shocks``. ``step_minutes`` (None: the longest bars of
    the legs) may skip bars. ``overrides``, ``a.b=value``, change fields of the result.

    Raises:
        InputError: something in the file or the arguments is not allowed, or an override would be
            undone by what is recorded.
    """
    symbols, perps = _symbols(file, lp, hedges, usdc, reading)
    bars = bars or "close"
    if bars not in ("close", "ohlc"):
        raise InputError(f"bars = {bars}: must be close or ohlc")
    record = Record(file, symbols, reading, extremes=bars == "ohlc")
    shape, visited = shape_of(overrides), VISITS if record.extremes else 1
    step = shape.step_minutes or step_minutes or _step(record, visited)
    closes = list(record.closes.values())
    asked = parse_window(window) if isinstance(window, str) else window
    first, last, moved = chosen(closes, asked)
    steps = _steps(first, last, step, visited, shape.horizon_hours)
    gap = config.history.max_gap_hours if shape.max_gap_hours is None else shape.max_gap_hours
    series = record.series(first, steps, step, gap)
    prices = {asset: float(found[0]) for asset, (found, _) in series.items()}
    recast = Recast(config, prices, perps)
    moments = measure(closes, first, step * visited) or recast.scenario_moments()
    fall = float(series[recast.lp][0].min()) / prices[recast.lp]
    data = recast.data(moments, step, fall, keep_shocks=keep_shocks)
    end = first + timedelta(minutes=steps * step)
    lines = [moments.note, *reading_lines(file, record.bars, reading), *moved, *recast.notes]
    lines += [*_quotes(symbols), *filled([report for _, report in series.values()])]
    ratio = zigzag(series[recast.lp][0]) if record.extremes else None
    if record.extremes:
        lines += [zigzagging(recast.lp, ratio), *record.stretched(first, steps * step)]
    elif has_extremes(file, list(symbols.values()), reading):
        lines += wicks(Record(file, symbols, reading, extremes=True), series, first, step)
    data |= {
        "description": f"{config.name} on {Path(file).name}, {first:{_SHOWN}} to {end:{_SHOWN}}",
        "horizon_hours": steps * step / 60,
        "step_minutes": step,
        "history": {
            **recast.beside(),
            "prices": str(file),
            "symbols": symbols,
            "start": first.isoformat(),
            "max_gap_hours": gap,
            "bars": bars,
            "squared_returns": ratio,
            "stamps": reading.stamps,
            "outliers": reading.outliers,
            "pool": reading.pool,
            "notes": lines,
        },
    }
    return with_limits(_following(overridden(data, overrides, recast)))


def _symbols(
    file: str | Path, lp: str, hedges: Sequence[str], usdc: str | None, reading: Reading
) -> tuple[dict[str, str], list[str]]:
    """Symbols in the file by asset (USDC's if any, the LP's, the hedges'), and the hedges' assets.

    Raises:
        InputError: a symbol that is not there or is quoted in something else, a hedge twice.
    """
    wanted = [lp, *hedges]
    given = dict(part.split("=", 1)[::-1] for part in wanted if "=" in part)
    found = resolve(file, [part.split("=", 1)[-1] for part in wanted], reading)
    if not hedges or len(set(found[1:])) != len(hedges):
        raise InputError(f"hedge = {', '.join(hedges)}: must be one or more different symbols")
    dollars = () if usdc is None else resolve(file, [usdc], reading)
    by_name = [
        symbol for symbol, part in zip(found, wanted, strict=True) if part.split("=")[-1] in given
    ]
    naming.refuse_other_quotes([*dollars, *found], str(file), named=by_name)
    names = [
        given.get(part.split("=", 1)[-1], name)
        for part, name in zip(wanted, naming.asset_names(found), strict=True)
    ]
    symbols = dict(zip([USDC] * len(dollars), dollars, strict=True))
    for name, symbol in zip(names, found, strict=True):
        if symbols.setdefault(name, symbol) != symbol:
            raise InputError(f"{name} = {symbol}: must be another asset than {symbols[name]}")
    return symbols, names[1:]


def _step(record: Record, visited: int) -> int:
    """Minutes of a step: the longest bar, or the part of it that a visited price takes."""
    minutes = record.bar_minutes()
    if minutes % visited:
        raise InputError(
            f"bars = ohlc: bars of {minutes} minutes do not split into {visited} steps of whole "
            "minutes; set step_minutes (four of them are replayed as one bar), or bars = close"
        )
    return minutes // visited


def _steps(
    first: datetime, last: datetime, step: int, visited: int, horizon_hours: float | None
) -> int:
    """Number of steps of a window, whole bars of them, cut to ``horizon_hours`` where given."""
    steps = int((last - first) / timedelta(minutes=step)) // visited * visited
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
    return steps


def _quotes(symbols: dict[str, str]) -> list[str]:
    return [
        f"{symbol}: quoted in {quote}, taken as USD"
        for symbol in symbols.values()
        if (quote := naming.split(symbol)[1]) not in (None, "USD")
    ]


def _following(config: Config) -> Config:
    """Background liquidity follows the replayed price, unless it was said how far."""
    if config.pool.kind == "stableswap":  # which has its price from what is in it
        return config
    if any(item.lowest_price is not None for item in config.pool.background):
        return config
    lowest, highest = followed(config, replay(config.market), price_moves(config.market))
    data = config.model_dump(mode="json")
    for item in data["pool"]["background"]:
        if item["half_width_percent"] is not None or item["half_width_ticks"] is not None:
            item |= {"lowest_price": lowest, "highest_price": highest}
    data["history"]["notes"].append(
        "background liquidity follows the price: as deep as at the start around every price from "
        f"{lowest:.6g} to {highest:.6g}"
    )
    return from_mapping(data)
