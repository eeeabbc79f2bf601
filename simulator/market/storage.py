"""Market paths as a Parquet file that describes itself."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.market.paths import SINGLE, STACKED, MarketPaths
from simulator.types import InputError

if TYPE_CHECKING:
    import pyarrow as pa

    from simulator.types import Floats

_KEY = b"hedgesim.market_paths"
_UNITS = {
    "step": "steps from the start",
    "path": "path number",
    "index": "USD per whole token",
    "oracle_price": "USD per whole token, last round posted",
    "oracle_time": "seconds from the start at which that round was posted",
    "gas_usd": "USD per unit of gas",
    "pool_depth": "factor on the pool's background liquidity",
    "perp_depth": "factor on every market's skew scale",
    "noise_swap": "USD of base bought (+) or sold (-) by noise traders",
    "noise_trade": "USD of perp bought (+) or sold (-) by noise traders",
    "deposit_flow": "USDC to deposit (+); fraction of holdings to redeem (-)",
}


def write(market: MarketPaths, file: str | Path) -> None:
    """Write one row per (step, path), and float64 columns ``index/ETH``, ``noise_trade/0``, ….

    Each column's metadata gives its unit; the schema's gives assets, step and first path. Written
    to a temporary name first, then renamed.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    points, paths = market.steps + 1, market.paths
    columns: dict[str, Any] = {
        "step": np.repeat(np.arange(points, dtype=np.int32), paths),
        "path": np.tile(np.arange(market.first_path, market.first_path + paths), points),
    }
    for name in STACKED:
        for row, values in enumerate(getattr(market, name)):
            label = str(row) if name == "noise_trade" else market.assets[row]
            columns[f"{name}/{label}"] = values.ravel()
    for name in SINGLE:
        columns[name] = getattr(market, name).ravel()
    about = {
        "version": 1,
        "assets": market.assets,
        "markets": len(market.noise_trade),
        "step_seconds": market.step_seconds,
        "first_path": market.first_path,
        "paths": paths,
        "steps": market.steps,
    }
    fields = [
        pa.field(
            name, pa.array(values[:0]).type, False, {"unit": _UNITS[name.split("/", maxsplit=1)[0]]}
        )
        for name, values in columns.items()
    ]
    schema = pa.schema(fields, metadata={_KEY: json.dumps(about).encode()})
    table = pa.table(list(columns.values()), schema=schema)
    file = Path(file)
    partial = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        pq.write_table(table, partial, compression="zstd")
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def read(file: str | Path) -> MarketPaths:
    """Read what :func:`write` wrote, to the bit.

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
    if about.get("version") != 1:
        raise InputError(
            f"paths file = {file}: holds no market paths (no {_KEY.decode()} metadata)"
        )
    shape = (about["steps"] + 1, about["paths"])
    if table.num_rows != shape[0] * shape[1]:
        raise InputError(
            f"paths file = {file}: {table.num_rows} rows, must be {shape[0] * shape[1]}"
        )
    stacks = {
        name: np.stack(
            [_column(table, file, f"{name}/{label}", shape) for label in _labels(name, about)]
        )
        for name in STACKED
    }
    singles = {name: _column(table, file, name, shape) for name in SINGLE}
    return MarketPaths(
        assets=tuple(about["assets"]),
        step_seconds=about["step_seconds"],
        first_path=about["first_path"],
        **stacks,
        **singles,
    )


def _labels(name: str, about: dict[str, Any]) -> list[str]:
    if name == "noise_trade":
        return [str(number) for number in range(about["markets"])]
    return list(about["assets"])


def _column(table: pa.Table, file: str | Path, name: str, shape: tuple[int, int]) -> Floats:
    if name not in table.column_names:
        raise InputError(f"paths file = {file}: column {name} is missing")
    values: Floats = table.column(name).to_numpy().reshape(shape).copy()
    return values
