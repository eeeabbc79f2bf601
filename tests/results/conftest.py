"""Small real runs, shared by the tests of results, report and command line."""

from __future__ import annotations

from pathlib import Path

import pytest

import simulator
from simulator.config import Config, load
from simulator.world.protocol import AGENT_KINDS


@pytest.fixture(scope="session")
def config() -> Config:
    """SOL decouples and crashes; ten days of it, six paths."""
    return load("correlation-breakdown", ["paths=6", "step_minutes=120"])


@pytest.fixture(scope="session")
def quiet() -> Config:
    """Prices that stand still, and nobody there but who a test puts there."""
    config = load("calm", ["paths=2", "horizon_hours=10"])
    assets = {
        symbol: asset.model_copy(update={"volatility": 0.0})
        for symbol, asset in config.assets.items()
    }
    agents = config.agents.model_copy(update=dict.fromkeys(AGENT_KINDS, None))
    return config.model_copy(update={"assets": assets, "agents": agents})


@pytest.fixture(scope="session")
def short(config: Config) -> Config:
    """Two days: enough for every file, little enough to run often."""
    return config.model_copy(update={"horizon_hours": 48.0, "shocks": ()})


@pytest.fixture(scope="session")
def whole(short: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One chunk, one process."""
    out = tmp_path_factory.mktemp("whole")
    simulator.run(short, out=out, workers=1)
    return out
