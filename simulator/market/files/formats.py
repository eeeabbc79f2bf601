"""What the columns of a file are: time, symbol, prices; told by their names, or by their number.

Layouts looked up where they are documented or written: Binance public data (klines, 12 columns
without a header, ms and from 2025 on µs), Kraken OHLCVT downloads (no header), CoinGecko exports
and ``market_chart``, Hyperliquid ``candleSnapshot``, CryptoDataDownload, yfinance ``to_csv``,
demeter-fetch ``minute`` and ``rel-price``, fractal-defi loaders.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from simulator.market.files.tables import Raw

#: Names of columns by what they hold, without case, spaces and signs; earlier ones are preferred.
TIME = (
    "timestamputc", "opentime", "timeopen", "timeperiodstart", "startedat", "unix",
    "unixtimestamp", "timestamp", "snappedat", "coingeckotime", "time", "datetime", "date",
    "blocktimestamp", "periodstartunix", "opendatetime", "ts", "index",
)  # fmt: skip
CLOSE_TIME = ("closetime", "timeclose", "closedatetime", "timestampclose", "timeperiodend")
SYMBOL = ("symbol", "ticker", "coin", "asset", "pair", "instrument", "instrumentname", "instid")
FIELDS = {
    "open": ("open", "openprice", "priceopen"),
    "high": ("high", "highprice", "pricehigh"),
    "low": ("low", "lowprice", "pricelow"),
    "close": ("close", "closeprice", "priceclose"),
    "volume": ("volume", "vol", "volumebtc", "basevolume"),
}
#: A price of a moment rather than of a bar.
MOMENT = ("price", "markprice", "lastprice", "last", "indexprice", "value")
TICKS = {"open": "opentick", "high": "highesttick", "low": "lowesttick", "close": "closetick"}
_BARE_TICK = "tick"
#: Columns beside tokens that are no token (demeter-fetch rel-price).
_NO_TOKEN = ("totalliquidity", "sqrtpricex96", "blocknumber", "volume", "")
_TOKEN = r"[A-Z0-9]{2,}([/\-_:.][A-Z0-9]+)*"
_KLINES = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count",
    "taker_buy_volume", "taker_buy_quote_volume", "ignore",
)  # fmt: skip
_KRAKEN = ("time", "open", "high", "low", "close", "volume", "trades")
#: Layouts without a header by their number of columns, and what writes them.
_HEADERLESS = {
    12: (_KLINES, "Binance klines"),
    8: ((*_KRAKEN[:5], "vwap", *_KRAKEN[5:]), "Kraken OHLCVT"),
    7: (_KRAKEN, "Kraken OHLCVT"),
    6: (_KRAKEN[:6], "OHLCV without a header"),
    5: (_KRAKEN[:5], "OHLC without a header"),
    2: (("time", "price"), "time and price without a header"),
}
#: Orders of the four prices after the time, the usual one first: some venues have another.
_ORDERS: dict[tuple[str, ...], str] = {
    ("open", "high", "low", "close"): "",
    ("low", "high", "open", "close"): "in Coinbase's order",
    ("open", "close", "high", "low"): "in the order of KuCoin and Bitfinex",
}
_HYPERLIQUID = {
    "t": "open_time", "T": "close_time", "s": "symbol", "i": "interval", "o": "open", "h": "high",
    "l": "low", "c": "close", "v": "volume", "n": "trades",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Layout:
    """Columns of a file with their roles.

    Attributes:
        name: what writes such files, for the line that says how it was read.
        frame: columns by role (``time``, ``symbol`` if there is one, ``open`` … ``close``), all
            others by their own names.
        names: how the columns with a role are called in the file.
        rows: row of the file each row comes from, counted from 1.
        at_close: whether a time stamp is the moment of the price rather than the bar's opening.
        ticks: whether ``open`` … ``close`` are ticks of a pool.
        relative: whether ``close`` is in a pool's token 1 per token 0.
        sampled: whether stamps are moments of a query, near the step but not on it.
        notes: what else to say.
    """

    name: str
    frame: pd.DataFrame
    names: dict[str, str]
    rows: np.ndarray[tuple[int], np.dtype[np.int64]]
    at_close: bool = False
    ticks: bool = False
    relative: bool = False
    sampled: bool = False
    notes: tuple[str, ...] = field(default=())


def recognise(path: Path, raw: Raw) -> Layout:
    """Tell what the columns of a file are.

    Raises:
        InputError: no rows, or no column of times, naming what is there.
    """
    frame, notes = raw.frame, []
    if not len(frame):
        raise InputError(f"prices = {path}: holds no rows")
    if raw.skipped:
        notes.append(f"{len(raw.skipped)} line(s) before the header skipped")
    if frame.columns.nlevels == 2:
        return _wide_fields(path, frame, notes)
    name = ""
    if not raw.header or all(isinstance(column, int) for column in frame.columns):
        frame, name = _named(path, frame)
    elif {"t", "o", "c", "h", "l"} <= set(frame.columns):
        frame, name = frame.rename(columns=_HYPERLIQUID), "Hyperliquid candles"
    keys = {_key(column): column for column in reversed(frame.columns)}
    time, at_close = _time(path, frame, keys)
    symbol = _first(SYMBOL, keys)
    prices, at_moment, ticks = _prices(keys)
    if not prices:
        others = [column for column in frame.columns if column not in (time, symbol)]
        tokens = [column for column in others if _key(column) not in _NO_TOKEN]
        if symbol is None and tokens and all(re.fullmatch(_TOKEN, str(each)) for each in tokens):
            return _wide(frame, time, tokens, notes)
    roles = {"time": time} | ({"symbol": symbol} if symbol is not None else {}) | prices
    return Layout(
        name or _origin(keys, ticks=ticks),
        _by_role(frame, roles),
        {role: str(column) for role, column in roles.items()},
        np.arange(1, len(frame) + 1),
        at_close or at_moment,
        ticks,
        {"tvl", "fees", "price"} <= set(keys),
        sampled="snappedat" in keys or "coingeckotime" in keys,
        notes=tuple(notes),
    )


def _time(path: Path, frame: pd.DataFrame, keys: dict[str, str]) -> tuple[str, bool]:
    """Column of times, and whether it holds closes."""
    for names, at_close in ((TIME, False), (CLOSE_TIME, True), (("",), False)):
        time = _first(names, keys)  # the last: pandas to_csv writes an index without a name
        if time is not None:
            return time, at_close
    raise InputError(
        f"prices = {path}: no column of times among {_listed(frame)}; call it timestamp_utc"
    )


def _prices(keys: dict[str, str]) -> tuple[dict[str, str], bool, bool]:
    """Columns by role, whether they are prices of a moment, and whether they are ticks."""
    found = {role: column for role, names in FIELDS.items() if (column := _first(names, keys))}
    moment = _first(MOMENT, keys)
    if "close" in found:
        return found, False, False
    if TICKS["close"] in keys:
        return {role: keys[key] for role, key in TICKS.items() if key in keys}, False, True
    if moment is not None:  # beside an opening and extremes it is what a bar closed at
        bars = {"open", "high", "low"} <= set(found)
        return (found if bars else {}) | {"close": moment}, not bars, False
    if _BARE_TICK in keys:
        return {"close": keys[_BARE_TICK]}, True, True
    return {}, False, False


def resembles(columns: Iterable[object]) -> str:
    """What a file without prices looks like, as the end of a sentence."""
    known = {_key(column) for column in columns}
    if {"tvl", "fees"} <= known:
        return "; it looks like fractal's pool history without a price"
    if any("funding" in name for name in known):
        return "; it looks like funding rates"
    return ""


def _key(column: object) -> str:
    return re.sub(r"[^a-z0-9]", "", str(column).lower())


def _first(names: tuple[str, ...], keys: dict[str, str]) -> str | None:
    return next((keys[name] for name in names if name in keys), None)


def _listed(frame: pd.DataFrame) -> str:
    names = [str(name) or "(no name)" for name in frame.columns]
    return ", ".join(names[:12]) + (" …" if len(names) > 12 else "")


def _by_role(frame: pd.DataFrame, roles: dict[str, str]) -> pd.DataFrame:
    columns = {role: frame[column] for role, column in roles.items()}
    taken = set(roles.values())
    columns |= {
        name: frame[name] for name in frame.columns if name not in taken and name not in columns
    }
    return pd.DataFrame(columns)


def _named(path: Path, frame: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """A file without a header by the number of its columns."""
    known = _HEADERLESS.get(frame.shape[1])
    first = ", ".join(map(str, frame.iloc[0]))
    if known is None:
        sizes = ", ".join(f"{size} ({name})" for size, (_, name) in _HEADERLESS.items())
        raise InputError(
            f"prices = {path}: no header and {frame.shape[1]} columns ({first[:80]}); known "
            f"without a header: {sizes}. Add a line of names, e.g. timestamp_utc,symbol,close"
        )
    names, name = list(known[0]), known[1]
    if len(names) >= 5:
        order = _order(path, frame)
        names[1:5] = order
        name = f"candles without a header {_ORDERS[order]}" if _ORDERS[order] else name
    return frame.set_axis(names, axis=1), name


def _order(path: Path, frame: pd.DataFrame) -> tuple[str, ...]:
    """Which of four prices is which: no bar closes or opens outside its low and high."""
    for order in _ORDERS:
        prices = frame.iloc[:, 1:5].set_axis(list(order), axis=1)
        numbers = prices.apply(pd.to_numeric, errors="coerce").astype(np.float64)
        ends = numbers[["open", "close"]]
        inside = ends.le(numbers["high"], axis=0) & ends.ge(numbers["low"], axis=0)
        if (inside.all(axis=1) | numbers.isna().any(axis=1)).all():
            return order
    raise InputError(
        f"prices = {path}: no header, and no usual order of open, high, low and close fits every "
        "row; add a line of names, e.g. time,open,high,low,close,volume"
    )


def _origin(keys: dict[str, str], *, ticks: bool) -> str:
    """Who writes such columns."""
    known = set(keys)
    for name, needed in (
        ("CoinGecko", {"snappedat", "price"}),
        ("CoinGecko", {"coingeckotime", "price"}),
        ("CryptoDataDownload", {"unix", "date", "symbol"}),
        ("Binance klines", {"opentime", "closetime"}),
        ("fractal Hyperliquid candles", {"opentime", "openprice", "closeprice"}),
        ("fractal klines", {"opentime", "open", "close"}),
        ("fractal pool history", {"tvl", "fees", "price"}),
        ("Yahoo", {"date", "adjclose", "close"}),
        ("Hyperliquid mark prices", {"markprice", "fundingrate1h"}),
        ("demeter-fetch GMX minute", {"indexprice", "longprice", "shortprice"}),
        ("Kraken OHLCVT", {"time", "vwap", "count"}),
    ):
        if needed <= known:
            return name
    if ticks:
        return "demeter-fetch minute (pool ticks)" if "closetick" in known else "pool ticks"
    return "table"


def _wide_fields(path: Path, frame: pd.DataFrame, notes: list[str]) -> Layout:
    """Yahoo's table: a column for each field and ticker, told by a header of two lines."""
    level = next(
        (
            n
            for n in (0, 1)
            if "close" in {_key(name) for name in frame.columns.get_level_values(n)}
        ),
        None,
    )
    if level is None:
        raise InputError(f"prices = {path}: a header of two lines without Close")
    time = frame.columns[0]
    parts = []
    others = frame.columns[1:]
    for ticker in dict.fromkeys(column[1 - level] for column in others):
        mine = {_key(column[level]): column for column in others if column[1 - level] == ticker}
        fields = {role: frame[mine[role]] for role in FIELDS if role in mine}
        parts.append(pd.DataFrame({"time": frame[time], "symbol": str(ticker)} | fields))
    long = pd.concat(parts, ignore_index=True)
    rows = np.tile(np.arange(1, len(frame) + 1), len(parts))
    names = {role: role.capitalize() for role in long.columns} | {"time": "Date"}
    return Layout("Yahoo wide", long, names, rows, notes=tuple(notes))


def _wide(frame: pd.DataFrame, time: str, tokens: list[str], notes: list[str]) -> Layout:
    """A column of prices for each symbol."""
    relative = "sqrtpricex96" in {_key(column) for column in frame.columns}
    if relative:  # one of the two is the unit, and always 1
        notes = [*notes, "prices relative to the pool's other token"]
    parts = [
        pd.DataFrame({"time": frame[time], "symbol": str(name), "close": frame[name]})
        for name in tokens
    ]
    return Layout(
        "demeter-fetch relative prices" if relative else "wide table",
        pd.concat(parts, ignore_index=True),
        {"time": str(time), "close": "price", "symbol": "symbol"},
        np.tile(np.arange(1, len(frame) + 1), len(parts)),
        notes=tuple(notes),
    )
