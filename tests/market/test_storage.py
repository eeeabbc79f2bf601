from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simulator.config import load
from simulator.market.draw import draw
from simulator.market.paths import SINGLE, STACKED, MarketPaths
from simulator.types import InputError


@pytest.fixture
def saved(tmp_path: Path) -> tuple[MarketPaths, Path]:
    market = draw(load("correlation-breakdown").market, 7, 5).first_steps(90)
    market.to_parquet(tmp_path / "paths.parquet")
    return market, tmp_path / "paths.parquet"


def test_paths_come_back_from_parquet_to_the_bit(saved: tuple[MarketPaths, Path]) -> None:
    market, file = saved
    back = MarketPaths.from_parquet(file)
    assert (back.assets, back.step_seconds, back.first_path) == (
        market.assets,
        market.step_seconds,
        7,
    )
    for name in (*STACKED, *SINGLE):
        assert np.array_equal(getattr(back, name), getattr(market, name))
        assert getattr(back, name).dtype == np.float64


def test_the_file_explains_itself_and_nothing_is_left_beside_it(
    saved: tuple[MarketPaths, Path],
) -> None:
    market, file = saved
    schema = pq.read_schema(file)
    assert all(field.metadata[b"unit"] for field in schema)
    frame = pq.read_table(file).to_pandas()
    row = frame[(frame["step"] == 3) & (frame["path"] == 9)].iloc[0]
    assert row["index/SOL"] == market.index[1, 3, 2]
    assert list(file.parent.iterdir()) == [file]


def test_what_is_not_a_file_of_paths_is_refused(saved: tuple[MarketPaths, Path]) -> None:
    _, file = saved
    table = pq.read_table(file)
    other = file.with_name("other.parquet")
    with pytest.raises(InputError, match="cannot be read"):
        MarketPaths.from_parquet(other)
    other.write_text("no")
    with pytest.raises(InputError, match="cannot be read"):
        MarketPaths.from_parquet(other)
    pq.write_table(pa.table({"a": [1]}), other)
    with pytest.raises(InputError, match="holds no market paths"):
        MarketPaths.from_parquet(other)
    pq.write_table(table.slice(1), other)
    with pytest.raises(InputError, match="454 rows, must be 455"):
        MarketPaths.from_parquet(other)
    pq.write_table(table.drop_columns(["gas_usd"]), other)
    with pytest.raises(InputError, match="column gas_usd is missing"):
        MarketPaths.from_parquet(other)
