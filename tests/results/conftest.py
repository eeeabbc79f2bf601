"""Small real runs, shared by the tests of results, report and command line."""

from __future__ import annotations

import pytest

from simulator.config import Config, load


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
    agents = config.agents.model_copy(update=dict.fromkeys(type(config.agents).model_fields, None))
    return config.model_copy(update={"assets": assets, "agents": agents})
