"""What a run leaves in its directory."""

from __future__ import annotations

from pathlib import Path

FILES = {
    "config.yaml",
    "events.parquet",
    "fan.parquet",
    "paths.parquet",
    "report.html",
    "series.parquet",
    "summary.json",
    "timing.json",
    "worst_events.parquet",
    "worst_series.parquet",
}


def assert_same(one: Path, other: Path) -> None:
    """Every file but the clock's is the same to the byte."""
    assert {file.name for file in one.iterdir()} == FILES
    assert {file.name for file in other.iterdir()} == FILES
    for name in FILES - {"timing.json"}:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
