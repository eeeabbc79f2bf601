"""A misprint or a wick is found where the next bar takes it back; a crash and a calm are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.market.files.outliers import find
from simulator.market.history import with_history
from simulator.market.history_file import Reading, on_grid, read_bars, reading_lines
from simulator.market.replayed import recorded_series
from simulator.types import Floats, InputError

ROWS = 500


def _walk(seed: int = 0, volatility: float = 0.01, dof: float = 3.0) -> Floats:
    """A price with fat tails (Student-t with three degrees of freedom), ``[ROWS]``."""
    moves = np.random.default_rng(seed).standard_t(dof, ROWS) * volatility / 3**0.5
    return 100 * np.exp(np.cumsum(moves))


@given(
    at=st.integers(0, ROWS - 1),
    factor=st.sampled_from([100.0, 0.01, 10.0, 0.1]),
    seed=st.integers(0, 30),
)
def test_a_misprint_is_found_wherever_it_is(at: int, factor: float, seed: int) -> None:
    prices = _walk(seed)
    before = find(prices)[0]
    prices[at] *= factor
    found, bound = find(prices)
    assert found[at]
    assert found.sum() <= before.sum() + 1
    assert abs(np.log(bound[at] / prices[max(at - 1, 1 - at)])) < abs(np.log(factor)) / 2


@pytest.mark.parametrize("rows", [2, 1])
def test_two_misprints_in_a_row_are_found(rows: int) -> None:
    prices = _walk()
    prices[200 : 200 + rows] *= 100
    assert np.flatnonzero(find(prices)[0]).tolist() == list(range(200, 200 + rows))


@pytest.mark.parametrize("fall", [0.9, 0.6, 0.3, 0.01])
def test_a_crash_that_stays_is_no_outlier(fall: float) -> None:
    prices = _walk()
    prices[250:] *= fall
    assert not find(prices)[0][245:255].any()


@pytest.mark.parametrize("dof", [3.0, 30.0])
def test_fat_tails_alone_are_seldom_taken_for_one(dof: float) -> None:
    found = [find(_walk(seed, dof=dof))[0].sum() for seed in range(200)]
    assert sum(found) <= 2  # of 100,000 bars


def test_a_pegged_price_has_no_outliers_in_its_noise() -> None:
    prices = np.where(np.random.default_rng(0).random(ROWS) < 0.02, 1.001, 1.0)
    assert not find(prices)[0].any()
    prices[100] = 0.87
    assert np.flatnonzero(find(prices)[0]).tolist() == [100]


def test_prices_that_are_none_are_nobodys_neighbours() -> None:
    prices = _walk()
    prices[[99, 101, 102]] = [np.nan, 0.0, -1.0]
    assert not find(prices)[0].any()
    prices[100] *= 100
    assert np.flatnonzero(find(prices)[0]).tolist() == [100]


@pytest.fixture
def misprinted(tmp_path: Path) -> Path:
    times = pd.date_range("2024-01-01", periods=ROWS, freq="1h")
    eth, btc = _walk(1), _walk(2)
    eth[300] *= 100
    frame = pd.DataFrame({"timestamp": times, "ETHUSDT": eth, "BTCUSDT": btc})
    frame.to_csv(tmp_path / "wide.csv", index=False)
    return tmp_path / "wide.csv"


def test_an_outlier_is_kept_and_said_cut_or_dropped(misprinted: Path) -> None:
    true = _walk(1)
    kept, cut, dropped = (
        read_bars(misprinted, "ETHUSDT", Reading(outliers=how)) for how in ("keep", "cut", "drop")
    )
    assert kept.prices[300] == pytest.approx(100 * true[300])
    assert true[300] < cut.prices[300] < 1.5 * true[300]
    assert np.isnan(dropped.prices[300])
    prices, report = on_grid(dropped, kept.times[0].to_pydatetime(), ROWS, 60, 3.0)
    assert prices[300] == prices[299]
    assert (report.outliers, report.unusable) == (1, 1)
    for bars, did in ((kept, "kept; --outliers cut or drop"), (cut, "cut"), (dropped, "dropped")):
        (line,) = reading_lines(misprinted, [bars], Reading())
        assert "ETHUSDT: 1 price far off the bars around, first" in line
        assert f"in row 301 (2024-01-13 12:00:00): {did}" in line
    with pytest.raises(InputError, match="outliers = no: must be one of keep, cut, drop"):
        Reading(outliers="no")


def test_a_replay_reads_as_it_was_told_and_keeps_that_in_its_configuration(
    misprinted: Path,
) -> None:
    from simulator.config import from_mapping, load
    from simulator.market.draw import draw

    config = with_history(
        load("calm"), misprinted, "ETH", ["BTC"], reading=Reading(outliers="drop")
    )
    again = from_mapping(config.model_dump(mode="json"))
    index = draw(again.market, 0, 1).index[1, :, 0]
    assert index[300] == index[299]
    assert [report.outliers for _, report in recorded_series(again.market).values()] == [1, 0]


@pytest.mark.data
def test_the_record_has_two_known_spikes_and_no_more(history: Path) -> None:
    """Dogecoin on 19 May 2021, and Litecoin on a forged press release, 13 September 2021."""
    file = history / "spot_1h_2020_2022.parquet"
    found = {}
    for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT", "LTCUSDT"):
        for moment in read_bars(file, symbol).odd:
            found[symbol] = str(moment)
    assert found == {"DOGEUSDT": "2021-05-19 12:00:00", "LTCUSDT": "2021-09-13 13:00:00"}
