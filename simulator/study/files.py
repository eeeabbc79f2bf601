"""Files of a hedge study: figures, series and pages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pandas as pd

from simulator.report.study import render
from simulator.report.study_table import render as markdown
from simulator.results.store import replacing, write_parquet, write_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from simulator.study.studies import Study


def figures_of(studies: Sequence[Study]) -> pd.DataFrame:
    """Figures of all studies, one row per target, horizon and estimator."""
    frames = []
    for study in studies:
        frame = study.figures.reset_index()
        walk = study.walk
        frame.insert(0, "horizon", walk.settings.horizon)
        frame.insert(0, "hedges", "+".join(walk.hedges))
        frame.insert(0, "target", walk.target)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def write(studies: Sequence[Study], directory: Path) -> list[Path]:
    """Write ``figures.csv``, a page per target, and the series behind each study; return the pages.

    Raises:
        OSError: the directory cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with replacing(directory / "figures.csv") as temporary:
        figures_of(studies).to_csv(temporary, index=False)
    pages = []
    for target in dict.fromkeys(study.walk.target for study in studies):
        mine = [study for study in studies if study.walk.target == target]
        pages.append(directory / f"{_file_name(target)}.html")
        write_text(pages[-1], render(mine))
        for study in mine:
            name = f"{_file_name(target)}-{study.walk.settings.horizon}.parquet"
            write_parquet(directory / name, study.series())
    return pages


def _file_name(symbol: str) -> str:
    """A symbol without the signs that part folders: ``SOL/USDT`` is SOL-USDT."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", symbol)


def write_table(path: Path, file: str, studies: Sequence[Study], left_out: Sequence[str]) -> None:
    """Write what was found over all targets as Markdown."""
    hedges = max((study.walk.hedges for study in studies), key=len)
    command = f"hedgesim hedge {file} --all --hedges {','.join(hedges)} --table {path}"
    write_text(path, markdown(studies, left_out, command))
