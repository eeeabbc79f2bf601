"""The whole simulator under every process, and both worlds under one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import simulator
from simulator.result import Result
from simulator.verify import verify_paths

from .panels import DCC, PROCESSES, configured


@pytest.fixture(scope="module")
def brownian(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """Two days under the default process."""
    config = configured(PROCESSES["gbm"], horizon_hours=48, paths=3)
    return simulator.run(config, out=tmp_path_factory.mktemp("gbm"), workers=1)


@pytest.mark.parametrize("name", ["t", "dcc", "egarch", "regime", "factor"])
def test_a_whole_run_goes_through_and_depends_on_the_process(
    brownian: Result, name: str, tmp_path: Path
) -> None:
    config = configured(PROCESSES[name], horizon_hours=48, paths=3)
    result = simulator.run(config, out=tmp_path, workers=1)
    assert np.all(np.isfinite(result.paths["return"]))
    assert not np.any(result.paths["return"].to_numpy() == brownian.paths["return"].to_numpy())


def test_a_whole_run_goes_through_on_resampled_prices(spot: Path, tmp_path: Path) -> None:
    symbols = {name: f"{name}USDT" for name in ("ETH", "BTC", "SOL")}
    process = {
        "kind": "bootstrap",
        "file": str(spot),
        "symbols": symbols,
        "mean_block_hours": 24,
    }
    config = configured(process, horizon_hours=48, paths=3)
    result = simulator.run(config, out=tmp_path, workers=1)
    assert np.all(np.isfinite(result.paths["return"]))


def test_both_worlds_agree_under_dcc() -> None:
    config = configured({**DCC, "dof": 4}, horizon_hours=48)
    assert verify_paths(config, 0, 1, 30).agrees
