"""The directory of a run at its scenario's defaults is at most 5 MB."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import simulator
from simulator.config import load
from simulator.results.records import RECORDED_PATHS, RECORDED_STEPS, recorded_paths
from simulator.results.store import write_parquet
from tests.scenarios import CHECKED

MOST = 5_000_000


@pytest.mark.slow
@pytest.mark.parametrize("scenario", CHECKED)
def test_a_run_at_its_defaults_takes_five_megabytes_at_most(scenario: str, tmp_path: Path) -> None:
    config = load(scenario)
    few = recorded_paths(config.steps)
    result = simulator.run(config, paths=few, out=tmp_path, workers=1)
    # All that is recorded is there; only the frame of one row per path is larger by default.
    rows = result.paths.sample(config.paths, replace=True, random_state=1, ignore_index=True)
    values = rows.select_dtypes("float64")
    rows[values.columns] = values * np.random.default_rng(1).normal(1, 0.1, values.shape)
    write_parquet(tmp_path / "paths.parquet", rows)
    size = {file.name: file.stat().st_size for file in tmp_path.iterdir()}
    assert sum(size.values()) <= MOST, size


def test_recorded_paths_are_those_of_so_many_steps() -> None:
    assert recorded_paths(24) == RECORDED_PATHS
    assert recorded_paths(720) == RECORDED_STEPS // 720 == 15
    assert recorded_paths(1_000_000) == 1


def test_what_is_written_is_read_back_to_the_bit(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "path": [0, 1],
            "value": [0.1 + 0.2, float("nan")],
            "done": [True, False],
            "agent": pd.Categorical(["keeper", "depositor"]),
        }
    )
    write_parquet(tmp_path / "f.parquet", frame)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "f.parquet"), frame, check_exact=True)
