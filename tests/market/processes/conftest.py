from __future__ import annotations

from pathlib import Path

import pytest

SPOT = Path(__file__).parents[4] / "shared/data/history/spot_1h_2020_2022.parquet"


@pytest.fixture
def spot() -> Path:
    """Hourly spot prices of 2020 to 2022, of 19 coins."""
    if not SPOT.is_file():
        pytest.skip(f"recorded market data is not there: {SPOT}")
    return SPOT
