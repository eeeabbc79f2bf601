"""Market paths as a Parquet file that describes itself."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pyarrow as pa

    from simulator.types import Floats

_KEY = b"hedgesim.market_paths"
#: Of what the columns hold.
VERSION = 3
_UNITS = {
    "step": "steps from the start",
    "path": "path number",
    "index": "USD per whole token",
    "oracle_price": "USD per whole token, last round posted",
    "oracle_time": "seconds from the start at which that round was posted",
    "gas_usd": "USD per unit of gas",
    "pool_depth": "factor on the pool's background liquidity",
    "perp_depth": "factor on every market's skew scale",
    "outside_depth": "factor on the depths outside",
    "noise_swap": "USD of base bought (+) or sold (-) by noise traders",
    "noise_trade": "USD of perp bought (+) or sold (-) by noise traders",
    "deposit_flow": "fraction of the first deposit to bring (+), of holdings to redeem (-)",
}


def write(
    file: str | Path,
    about: Mapping[str, Any],
    stacked: Mapping[str, Floats],
    single: Mapping[str, Floats],
) -> None:
    """Write one row per (step, path), and float64 columns ``index/ETH``, ``noise_trade/0``, ….

    ``about`` says at least ``assets`` and ``first_path``; ``stacked`` arrays are ``[…, T + 1, P]``
    by asset (``noise_trade``: by market), ``single`` ones ``[T + 1, P]``. Each column's metadata
    gives its unit; the schema's gives ``about``. Written to a temporary name first, then renamed.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    points, paths = next(iter(stacked.values())).shape[1:]
    first, assets = about["first_path"], about["assets"]
    columns: dict[str, Any] = {
        "step": np.repeat(np.arange(points, dtype=np.int32), paths),
        "path": np.tile(np.arange(first, first + paths), points),
    }
    for name, rows in stacked.items():
        for row, values in enumerate(rows):
            label = str(row) if name == "noise_trade" else assets[row]
            columns[f"{name}/{label}"] = values.ravel()
    for name, values in single.items():
        columns[name] = values.ravel()
    told = {
        **about,
        "version": VERSION,
        "markets": len(stacked["noise_trade"]),
        "paths": paths,
        "steps": points - 1,
    }
    fields = [
        pa.field(
            name, pa.array(values[:0]).type, False, {"unit": _UNITS[name.split("/", maxsplit=1)[0]]}
        )
        for name, values in columns.items()
    ]
    schema = pa.schema(fields, metadata={_KEY: json.dumps(told).encode()})
    table = pa.table(list(columns.values()), schema=schema)
    file = Path(file)
    partial = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        pq.write_table(table, partial, compression="zstd")
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def read(
    file: str | Path, stacked: Iterable[str], single: Iterable[str]
) -> tuple[dict[str, Any], dict[str, Floats]]:
    """What :func:`write` was told, and the arrays of these names, to the bit.

    Raises:
        InputError: no such file, or not one of market paths, whole.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(file)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"paths file = {file}: cannot be read: {error}") from None
    about = json.loads((table.schema.metadata or {}).get(_KEY, b"{}"))
    if "version" not in about:
        raise InputError(
            f"paths file = {file}: holds no market paths (no {_KEY.decode()} metadata)"
        )
    if about["version"] != VERSION:
        raise InputError(
            f"paths file = {file}: is of format {about['version']}, must be {VERSION} (1 held "
            "deposits in USDC, 2 no depth outside); draw the paths again"
        )
    shape = (about["steps"] + 1, about["paths"])
    if table.num_rows != shape[0] * shape[1]:
        raise InputError(
            f"paths file = {file}: {table.num_rows} rows, must be {shape[0] * shape[1]}"
        )
    arrays = {
        name: np.stack(
            [_column(table, file, f"{name}/{label}", shape) for label in _labels(name, about)]
        )
        for name in stacked
    }
    return about, arrays | {name: _column(table, file, name, shape) for name in single}


def _labels(name: str, about: dict[str, Any]) -> list[str]:
    if name == "noise_trade":
        return [str(number) for number in range(about["markets"])]
    return list(about["assets"])


def _column(table: pa.Table, file: str | Path, name: str, shape: tuple[int, int]) -> Floats:
    if name not in table.column_names:
        raise InputError(f"paths file = {file}: column {name} is missing")
    values: Floats = table.column(name).to_numpy().reshape(shape).copy()
    return values
