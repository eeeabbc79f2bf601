"""Small recorded faults kept beside the project: read alike, or refused naming the true cause."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulator.market.history_file import Bars, read_bars, read_together, symbols_of
from simulator.market.panel import read_panel
from simulator.types import InputError

INPUTS = Path(__file__).parents[3].parent / "shared" / "inputs"
pytestmark = pytest.mark.data


@pytest.fixture
def inputs() -> Path:
    if not INPUTS.is_dir():
        pytest.skip(f"recorded faulty inputs are not there: {INPUTS}")
    return INPUTS


def _all(file: Path) -> list[Bars]:
    return read_together(file, symbols_of(file))


@pytest.mark.parametrize(
    "name",
    ["d02_epoch_s.csv", "d03_epoch_ms.csv", "d04_epoch_us.csv", "e7_us.parquet", "d22_fraction.csv",
     "e3_index.parquet", "e5_decimal.parquet", "e8_text.parquet", "d16_slash.csv",
     "d39_good.csv.gz", "d10_semicolon.csv"],
)  # fmt: skip
def test_unlike_ways_of_writing_are_one_market(inputs: Path, name: str) -> None:
    reference, read = _all(inputs / "d02_epoch_s.csv"), _all(inputs / name)
    assert [bars.symbol.replace("/", "") for bars in read] == [bars.symbol for bars in reference]
    for one, other in zip(reference, read, strict=True):
        rows = min(len(one.prices), len(other.prices))
        assert rows >= 720
        assert other.times[:rows].equals(one.times[:rows])
        assert other.prices[:rows] == pytest.approx(one.prices[:rows], abs=0.006)


def test_mixed_units_are_refused_naming_row_and_both(inputs: Path) -> None:
    with pytest.raises(InputError, match=r"row 361: timestamp_utc = 1735689600000000 .* µs.* ms "):
        _all(inputs / "d07_mixed_ms_us.csv")


@pytest.mark.parametrize("name", ["d08", "thin"])
def test_thousands_are_their_plain_twin_and_no_gaps(inputs: Path, name: str) -> None:
    plain, marked = _all(inputs / f"{name}_plain.csv"), _all(inputs / f"{name}_thousands.csv")
    for one, other in zip(plain, marked, strict=True):
        assert np.array_equal(one.prices, other.prices)


def test_the_thin_series_have_their_true_volatility_and_correlation(inputs: Path) -> None:
    panel = read_panel(inputs / "thin_thousands.csv", ("SOLUSDT", "ETHUSDT"))
    assert panel.returns[:, 1].std() * 8_760**0.5 == pytest.approx(1.602, abs=0.001)
    assert np.corrcoef(panel.returns.T)[0, 1] == pytest.approx(0.533, abs=0.001)


def test_a_live_row_is_dropped_and_local_time_refused(inputs: Path) -> None:
    (live,) = _all(inputs / "m1_live.csv")
    assert live.times[-1] == pd.Timestamp("2024-01-03 11:00")
    assert len(live.notes) == 1
    (fraction,) = _all(inputs / "m2_frac.csv")
    assert np.array_equal(live.prices, fraction.prices)
    with pytest.raises(InputError, match="row 99: 2024-10-27 02:00:00 has two prices"):
        read_bars(inputs / "d53_local_dst.csv", "SOLUSDT")


def test_a_file_without_symbols_is_named_after_itself(inputs: Path) -> None:
    assert symbols_of(inputs / "d34_nosymbol.csv") == ["d34_nosymbol"]
    assert symbols_of(f"ETHUSDT={inputs}/d34_nosymbol.csv") == ["ETHUSDT"]


@pytest.mark.parametrize(("name", "hours"), [("d21_daily.csv", 24), ("d55_4h.csv", 4)])
def test_long_bars_are_told(inputs: Path, name: str, hours: int) -> None:
    assert {bars.bar for bars in _all(inputs / name)} == {pd.Timedelta(hours=hours)}
