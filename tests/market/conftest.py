from __future__ import annotations

from pathlib import Path

import pytest

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "history"


@pytest.fixture
def history() -> Path:
    """Folder of recorded prices beside the project."""
    if not DATA.is_dir():
        pytest.skip(f"recorded market data is not there: {DATA}")
    return DATA
