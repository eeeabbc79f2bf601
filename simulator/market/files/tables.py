"""Rows and columns of a file as they are written: nothing is judged, text stays text.

The kind of file is told by its first bytes, not by its name: exports are renamed, compressed, or
written as text under any suffix. Parsing is pandas' and pyarrow's.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import zipfile
from collections import Counter
from dataclasses import dataclass
from io import BytesIO, StringIO
from itertools import islice
from typing import TYPE_CHECKING, Any

import pandas as pd

from simulator.market.files.sources import unreadable
from simulator.types import InputError

if TYPE_CHECKING:
    from pathlib import Path

_SAMPLE = 50  # lines looked at to tell separator and header
_SEPARATORS = (";", "\t", "|", ",")
_BINARY = (".parquet", ".pq", ".feather", ".arrow")


@dataclass(frozen=True, eq=False)
class Raw:
    """What is in a file.

    Attributes:
        frame: columns as written; of a text file all text. A header of two lines (field over
            ticker) becomes a column index of two levels.
        kind: CSV, JSON, Parquet or Feather.
        header: whether the columns have names.
        separator: of a text file, else empty.
        skipped: lines before the header that hold no data.
    """

    frame: pd.DataFrame
    kind: str
    header: bool = True
    separator: str = ""
    skipped: tuple[str, ...] = ()


def read(path: Path) -> Raw:
    """Read a file of any supported kind.

    Raises:
        InputError: it cannot be read, or is no table.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from None
    try:
        content = _unpacked(path, content)
        if content[:4] == b"PAR1":
            return Raw(_flat(pd.read_parquet(BytesIO(content))), "Parquet")
        if content[:6] == b"ARROW1" or content[:4] == b"FEA1":
            return Raw(_flat(pd.read_feather(BytesIO(content))), "Feather")
        if path.suffix.lower() in _BINARY:
            raise InputError(
                f"prices = {path}: neither Parquet nor CSV: it begins with {content[:16]!r}"
            )
        wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
        text = content.decode("utf-16" if wide else "utf-8-sig")
        if text.lstrip()[:1] in ("[", "{"):
            return Raw(_from_json(path, text), "JSON")
        return _from_text(path, text)
    except (OSError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"prices = {path}: the archive is damaged: {error}") from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"prices = {path}: neither Parquet nor CSV: byte {error.start} is no UTF-8 text"
        ) from None
    except pd.errors.ParserError as error:
        found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
        what = str(error).strip()
        if found is not None:
            what = f"line {found[2]} has {found[3]} fields, those before it {found[1]}"
        raise InputError(
            f"prices = {path}: {what}; a number with a comma in it must be in quotes"
        ) from None
    except ValueError as error:  # pyarrow's errors are
        if isinstance(error, InputError):
            raise
        raise InputError(f"prices = {path}: neither Parquet nor CSV: {error}") from None


def _unpacked(path: Path, content: bytes) -> bytes:
    if content[:2] == b"\x1f\x8b":
        return gzip.decompress(content)
    if content[:4] != b"PK\x03\x04":
        return content
    if path.suffix.lower() in (".xlsx", ".xlsm", ".ods"):
        raise InputError(f"prices = {path}: a spreadsheet; save the sheet as CSV")
    with zipfile.ZipFile(BytesIO(content)) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        if len(names) != 1:
            raise InputError(
                f"prices = {path}: holds {len(names)} files ({', '.join(names[:3])} …); unpack it "
                "and name the folder"
            )
        return archive.read(names[0])


def _flat(frame: pd.DataFrame) -> pd.DataFrame:
    """An index that says something is a column too."""
    if isinstance(frame.index, pd.RangeIndex) or (
        frame.index.nlevels == 1 and frame.index.name is None and frame.index.dtype.kind in "iu"
    ):
        return frame.reset_index(drop=True)
    names = ["index" if name is None else str(name) for name in frame.index.names]
    return frame.rename_axis(index=names).reset_index()


def _from_json(path: Path, text: str) -> pd.DataFrame:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        try:
            data = [json.loads(line) for line in lines]  # one object a line
        except json.JSONDecodeError:
            raise InputError(
                f"prices = {path}: no JSON: {error.msg}, line {error.lineno}"
            ) from None
    rows = _rows(data)
    if rows is None:
        keys = ", ".join(map(str, data))[:60] if isinstance(data, dict) else type(data).__name__
        raise InputError(
            f"prices = {path}: JSON without a list of candles or prices ({keys}); known: CoinGecko "
            "market_chart, Hyperliquid candles, Kraken OHLC, Binance klines, records of pandas"
        )
    return pd.DataFrame(rows)


def _rows(data: Any) -> list[Any] | dict[str, Any] | None:
    """The list of rows inside a JSON answer; a mapping of columns is taken as it is."""
    if isinstance(data, list):
        return data if data and all(isinstance(row, list | dict) for row in data) else None
    if not isinstance(data, dict):
        return None
    if isinstance(data.get("prices"), list):  # CoinGecko market_chart: [[ms, price], …]
        return [{"coingecko_time": row[0], "price": row[1]} for row in data["prices"]]
    lists = [value for value in data.values() if isinstance(value, list | dict)]
    if data and all(isinstance(value, dict) for value in data.values()):
        inner = next(iter(data.values()))
        if not any(isinstance(value, list) for value in inner.values()):
            return data  # columns of pandas: {column: {row: value}}
    return next((found for value in lists if (found := _rows(value)) is not None), None)


def _from_text(path: Path, text: str) -> Raw:
    head = list(islice(StringIO(text), _SAMPLE))
    if text and not text.endswith("\n") and len(head) < _SAMPLE and len(head) > 2:
        head = head[:-1]  # a last line cut off says nothing about the others
    separator = _separator(head)
    if separator is None:
        raise InputError(
            f"prices = {path}: neither Parquet nor CSV: no columns in {text[:40]!r}; known "
            "separators: comma, semicolon, tab, |"
        )
    rows = list(csv.reader(head, delimiter=separator))
    skip = 0
    while skip < len(rows) and _says_nothing(rows[skip]):
        skip += 1
    if skip == len(rows):
        raise InputError(f"prices = {path}: holds no rows")
    first = rows[skip]
    header: int | list[int] | None = 0 if not _is_data(first) else None
    if header == 0 and len(rows) > skip + 2 and _names_the_index(rows[skip + 2]):
        header = [0, 1]
    frame = pd.read_csv(
        StringIO(text),
        sep=separator,
        header=header,
        skiprows=skip,
        dtype=str,
        keep_default_na=False,
        na_filter=False,
    )
    if not isinstance(frame.index, pd.RangeIndex):
        raise InputError(
            f"prices = {path}, row 1: more fields than the header has names ({len(first)}); a "
            "number with a comma in it must be in quotes"
        )
    if isinstance(header, list):  # the third line names the index, and is read as a row
        frame = frame.iloc[1:].reset_index(drop=True)
    elif header == 0:
        frame.columns = ["" if name.startswith("Unnamed:") else name for name in frame.columns]
    skipped = tuple(line.strip() for line in head[:skip])
    return Raw(frame, "CSV", header is not None, separator, skipped)


def _separator(lines: list[str]) -> str | None:
    """What splits most lines into the same number of fields, two or more."""
    lines = [line for line in lines if line.strip()]
    for mark in _SEPARATORS:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=mark))
        width, count = widths.most_common(1)[0] if widths else (0, 0)
        if width >= 2 and count >= 0.7 * len(lines):
            return mark
    return None


def _says_nothing(row: list[str]) -> bool:
    """Blank, a comment, or an address with nothing beside it."""
    filled = [field for field in row if field.strip()]
    if not filled or filled[0].lstrip().startswith("#"):
        return True
    return len(filled) == 1 and len(row) != 2 and not _is_number(filled[0])


def _is_data(row: list[str]) -> bool:
    return any(_is_number(field) for field in row) or _is_time(row[0])


def _names_the_index(row: list[str]) -> bool:
    return row[0].strip().lower() in ("date", "datetime") and not any(map(str.strip, row[1:]))


def _is_number(field: str) -> bool:
    try:
        float(field.replace(",", "."))
    except ValueError:
        return False
    return field.strip().lower() not in ("nan", "inf", "infinity")


def _is_time(field: str) -> bool:
    return field[:4].isdigit() and field[4:5] in ("-", "/", ".")
