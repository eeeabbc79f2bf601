"""Price files as exchanges, sites and neighbouring tools write them, all with the same prices."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

ROWS = 72
TIMES = pd.date_range("2024-03-01", periods=ROWS, freq="1h")
CLOSE = np.round(2_000 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.005, ROWS))), 2)
MS = (TIMES.astype("int64") // 10**6).to_numpy()
HOUR_MS = 3_600_000


def _candles() -> pd.DataFrame:
    return pd.DataFrame({"open": CLOSE, "high": CLOSE, "low": CLOSE, "close": CLOSE})


def klines(folder: Path, scale: int = 1, name: str = "ETHUSDT-1h-2024-03.csv") -> Path:
    """Binance: twelve columns without a header; open time in ms, from 2025 on in µs."""
    columns = [MS * scale, *[CLOSE] * 4, np.ones(ROWS), (MS + HOUR_MS) * scale - 1]
    rest = [np.ones(ROWS)] * 4 + [np.zeros(ROWS, int)]
    file = folder / name
    pd.DataFrame(dict(enumerate([*columns, *rest]))).to_csv(file, index=False, header=False)
    return file


def klines_zip(folder: Path) -> Path:
    file = folder / "ETHUSDT-1h-2024-03.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.write(klines(folder), "ETHUSDT-1h-2024-03.csv")
    return file


def klines_us(folder: Path) -> Path:
    return klines(folder, 1_000)


def klines_with_header(folder: Path) -> Path:
    frame = pd.read_csv(klines(folder), header=None)
    frame.columns = [
        "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume",
        "count", "taker_buy_volume", "taker_buy_quote_volume", "ignore",
    ]  # fmt: skip
    file = folder / "ETHUSDT-1h.csv"
    frame.to_csv(file, index=False)
    return file


def coingecko_csv(folder: Path) -> Path:
    file = folder / "eth-usd-max.csv"
    snapped = TIMES.strftime("%Y-%m-%d %H:%M:%S UTC")
    pd.DataFrame(
        {"snapped_at": snapped, "price": CLOSE, "market_cap": 1.0, "total_volume": 2.0}
    ).to_csv(file, index=False)
    return file


def coingecko_json(folder: Path) -> Path:
    """Moments of queries, minutes off the hour, and a last one of now."""
    jitter = np.random.default_rng(2).integers(0, 180_000, ROWS)
    moments = [*(MS + jitter).tolist(), int(MS[-1]) + 1_500_000]
    prices = [[at, price] for at, price in zip(moments, [*CLOSE, CLOSE[-1]], strict=True)]
    file = folder / "eth-usd.json"
    file.write_text(json.dumps({"prices": prices, "market_caps": [], "total_volumes": []}))
    return file


def kraken(folder: Path) -> Path:
    file = folder / "ETHUSD_60.csv"
    columns = [MS // 1_000, *[CLOSE] * 4, np.full(ROWS, 1.5), np.full(ROWS, 3)]
    pd.DataFrame(dict(enumerate(columns))).to_csv(file, index=False, header=False)
    return file


def kraken_json(folder: Path) -> Path:
    rows = [[int(at) // 1_000, *[str(p)] * 5, "1", 3] for at, p in zip(MS, CLOSE, strict=True)]
    file = folder / "ETHUSD.json"
    file.write_text(json.dumps({"error": [], "result": {"XETHZUSD": rows, "last": 5}}))
    return file


def hyperliquid(folder: Path) -> Path:
    rows = [
        {"t": int(at), "T": int(at) + HOUR_MS - 1, "s": "ETH", "i": "1h", "o": str(price),
         "c": str(price), "h": str(price), "l": str(price), "v": "1.0", "n": 3}
        for at, price in zip(MS, CLOSE, strict=True)
    ]  # fmt: skip
    file = folder / "candles.json"
    file.write_text(json.dumps(rows))
    return file


def cryptodatadownload(folder: Path) -> Path:
    """A line with the site's address first, the newest row on top."""
    frame = pd.DataFrame({"unix": MS, "date": TIMES, "symbol": "ETH/USDT"}).join(_candles())
    file = folder / "Binance_ETHUSDT_1h.csv"
    frame = frame.assign(**{"Volume ETH": 1.0, "Volume USDT": 2.0, "tradecount": 3})
    file.write_text("https://www.CryptoDataDownload.com\n" + frame[::-1].to_csv(index=False))
    return file


def yahoo(folder: Path) -> Path:
    names = [(name, ticker) for name in ("Close", "High", "Low", "Open") for ticker in ("ETH-USD",)]
    frame = pd.DataFrame(dict.fromkeys(names, CLOSE) | {("Close", "BTC-USD"): CLOSE * 20})
    frame.columns = pd.MultiIndex.from_tuples(
        [*names, ("Close", "BTC-USD")], names=["Price", "Ticker"]
    )
    file = folder / "yahoo.csv"
    frame.set_axis(pd.Index(TIMES, name="Date")).to_csv(file)
    return file


def fractal_binance(folder: Path) -> Path:
    file = folder / "ETHUSDT-1h-1709251200000-1709510400000.csv"
    pd.DataFrame({"openTime": TIMES.tz_localize("UTC")}).join(_candles()).to_csv(file)
    return file


def fractal_hyperliquid(folder: Path) -> Path:
    file = folder / "ETH-USD-1h.csv"
    frame = _candles().add_suffix("_price").assign(volume=1.0)
    frame.insert(0, "open_time", TIMES.tz_localize("UTC"))
    frame.to_csv(file)
    return file


def pandas_index(folder: Path) -> Path:
    """Time as index, in the zone of Tokyo; no name over it."""
    file = folder / "series.csv"
    times = TIMES.tz_localize("UTC").tz_convert("Asia/Tokyo")
    pd.DataFrame({"symbol": "ETHUSDT", "close": CLOSE}, index=times).to_csv(file)
    return file


def _plain() -> pd.DataFrame:
    return pd.DataFrame({"timestamp_utc": TIMES, "symbol": "ETHUSDT", "close": CLOSE})


def feather(folder: Path) -> Path:
    _plain().to_feather(folder / "prices.feather")
    return folder / "prices.feather"


def parquet_index(folder: Path) -> Path:
    _plain().set_index("timestamp_utc").to_parquet(folder / "prices.parquet")
    return folder / "prices.parquet"


def text_tabs(folder: Path) -> Path:
    _plain().to_csv(folder / "prices.txt", sep="\t", index=False)
    return folder / "prices.txt"


def gzipped(folder: Path) -> Path:
    _plain().to_csv(folder / "prices.csv.gz", index=False)
    return folder / "prices.csv.gz"


def semicolons(folder: Path) -> Path:
    _plain().to_csv(folder / "prices.csv", sep=";", decimal=",", index=False)
    return folder / "prices.csv"


def thousands(folder: Path) -> Path:
    frame = _plain().assign(close=[f"{price:,.2f}" for price in CLOSE])
    frame.to_csv(folder / "prices.csv", index=False)
    return folder / "prices.csv"


def mixed_fractions(folder: Path) -> Path:
    times = [f"{at}.000" if n % 7 == 3 else f"{at}" for n, at in enumerate(TIMES)]
    _plain().assign(timestamp_utc=times).to_csv(folder / "prices.csv", index=False)
    return folder / "prices.csv"


def wide(folder: Path) -> Path:
    frame = pd.DataFrame({"timestamp": TIMES, "ETHUSDT": CLOSE, "BTCUSDT": CLOSE * 20})
    frame.to_csv(folder / "wide.csv", index=False)
    return folder / "wide.csv"


def records(folder: Path) -> Path:
    _plain().to_json(folder / "prices.json", orient="records")
    return folder / "prices.json"


def spreadsheet(folder: Path) -> Path:
    """Two bytes a letter, as spreadsheets write "Unicode text"."""
    _plain().to_csv(folder / "prices.txt", sep="\t", index=False, encoding="utf-16")
    return folder / "prices.txt"


def investing(folder: Path) -> Path:
    """The close is called Price, and the newest row comes first."""
    cells = [f"{price:,.2f}" for price in CLOSE]
    dates = pd.date_range("2024-03-01", periods=ROWS).strftime("%b %d, %Y")
    frame = pd.DataFrame({"Date": dates, "Price": cells, "Open": cells, "High": cells})
    frame = frame.assign(**{"Low": cells, "Vol.": "1.2M", "Change %": "0.1%"})
    frame[::-1].to_csv(folder / "ETH_USD.csv", index=False)
    return folder / "ETH_USD.csv"


def german_dates(folder: Path) -> Path:
    frame = _plain().assign(timestamp_utc=TIMES.strftime("%d.%m.%Y %H:%M"))
    frame.to_csv(folder / "prices.csv", index=False)
    return folder / "prices.csv"


def fractal_pool(folder: Path) -> Path:
    """Hours of a pool USDC/WETH; the price is token 1 per token 0."""
    frame = pd.DataFrame({"date": TIMES, "tvl": 1.0, "volume": 1.0, "fees": 1.0, "liquidity": 1.0})
    file = folder / "0x88e6a0-hour-1709251200-now.csv"
    frame.assign(price=1 / CLOSE).to_csv(file)
    return file


def relative_prices(folder: Path) -> Path:
    file = folder / "polygon-0x45dda9-2024-03-01.rel-price.csv"
    frame = pd.DataFrame({"block_timestamp": TIMES, "WETH": CLOSE, "USDC": 1})
    frame.assign(total_liquidity=10**18, sqrtPriceX96=2**96).to_csv(file, index=False)
    return file


def gmx(folder: Path) -> Path:
    """demeter-fetch minute file of a GMX market."""
    frame = pd.DataFrame({"timestamp": TIMES, "marketTokensSupply": 1.0, "poolValue": 2.0})
    frame = frame.assign(longPrice=CLOSE, shortPrice=1.0, indexPrice=CLOSE)
    frame.to_csv(folder / "ETH-USD.minute.csv", index=False)
    return folder / "ETH-USD.minute.csv"


def ticks(folder: Path) -> Path:
    """demeter-fetch minute file of a pool USDC/WETH: token 1 per token 0 in raw units."""
    at = np.round(np.log(1e12 / CLOSE) / np.log(1.0001)).astype(int)
    frame = pd.DataFrame({"timestamp": TIMES, "netAmount0": -1, "netAmount1": 1, "closeTick": at})
    frame = frame.assign(openTick=at, lowestTick=at, highestTick=at, currentLiquidity=10**18)
    file = folder / "polygon-0x45dda9-2024-03-01.minute.csv"
    frame.to_csv(file, index=False)
    return file


#: What writes it, its symbol, and how the line names it.
LAYOUTS: list[tuple[Callable[[Path], Path], str, str]] = [
    (klines, "ETHUSDT", "Binance klines (CSV): open_time as epoch ms"),
    (klines_zip, "ETHUSDT", "Binance klines"),
    (klines_us, "ETHUSDT", "epoch µs"),
    (klines_with_header, "ETHUSDT", "Binance klines"),
    (coingecko_csv, "ETH-USD", "CoinGecko (CSV)"),
    (coingecko_json, "ETH-USD", "CoinGecko (JSON)"),
    (kraken, "ETHUSD", "Kraken OHLCVT (CSV): time as epoch s"),
    (kraken_json, "ETHUSD", "Kraken OHLCVT (JSON)"),
    (hyperliquid, "ETH", "Hyperliquid candles"),
    (cryptodatadownload, "ETH/USDT", "CryptoDataDownload"),
    (yahoo, "ETH-USD", "Yahoo wide"),
    (fractal_binance, "ETHUSDT", "fractal klines"),
    (fractal_hyperliquid, "ETH-USD", "fractal Hyperliquid candles"),
    (relative_prices, "WETH", "demeter-fetch relative prices"),
    (gmx, "ETH-USD", "demeter-fetch GMX minute"),
    (pandas_index, "ETHUSDT", "index as ISO 8601"),
    (feather, "ETHUSDT", "(Feather)"),
    (parquet_index, "ETHUSDT", "(Parquet)"),
    (text_tabs, "ETHUSDT", "(CSV)"),
    (gzipped, "ETHUSDT", "(CSV)"),
    (semicolons, "ETHUSDT", "close: decimal comma"),
    (thousands, "ETHUSDT", "close: thousands marked"),
    (mixed_fractions, "ETHUSDT", "ISO 8601"),
    (spreadsheet, "ETHUSDT", "(CSV)"),
    (german_dates, "ETHUSDT", "%d.%m.%Y %H:%M"),
    (wide, "ETHUSDT", "wide table"),
    (records, "ETHUSDT", "(JSON): timestamp_utc as epoch ms"),
]
