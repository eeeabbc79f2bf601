"""Studies of one target or of many, over processes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from simulator.arguments import whole
from simulator.hedging.estimators.one_core import one_core
from simulator.market.files.symbols import refuse_mixed_quotes
from simulator.market.history_file import (
    AS_WRITTEN,
    Reading,
    read_bars,
    reading_lines,
    resolve,
    symbols_of,
)
from simulator.study.figures import figures
from simulator.study.walks import Settings, Walk, different, walk
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path


@dataclass(frozen=True, eq=False)
class Study:
    """A walk and its figures, one row per estimator (`simulator.study.figures.COLUMNS`)."""

    walk: Walk
    figures: pd.DataFrame

    def series(self) -> pd.DataFrame:
        """Betas, hedged and unhedged returns over time, one row per interval."""
        made = self.walk
        step = pd.Timedelta(hours=24 // made.settings.rows_per_day)
        columns = {"unhedged": made.unhedged}
        for name, ratios in made.betas.items():
            columns[f"{name}/hedged"] = made.hedged(name)
            for place, hedge in enumerate(made.hedges):
                columns[f"{name}/beta/{hedge}"] = ratios[:, place]
        times = pd.date_range(made.start, periods=len(made.unhedged), freq=step)
        return pd.DataFrame(columns, index=pd.Index(times, name="timestamp_utc")).reset_index()


def study(
    file: str | Path,
    target: str,
    hedges: Sequence[str],
    settings: Settings | None = None,
    reading: Reading = AS_WRITTEN,
) -> Study:
    """The walk-forward study of one target at one horizon; errors as in :func:`walk`."""
    with one_core():
        made = walk(file, target, hedges, settings, reading)
        return Study(made, figures(made))


def pair(
    file: str | Path, target: str, hedges: Sequence[str], reading: Reading = AS_WRITTEN
) -> list[tuple[str, tuple[str, ...]]]:
    """One target with its hedges as the file names them, refused here if it does not have them."""
    held, *sold = resolve(file, (target, *hedges), reading)
    symbols = different(held, sold)
    refuse_mixed_quotes(symbols, str(file))
    for symbol in symbols:
        read_bars(file, symbol, reading)
    return [(symbols[0], symbols[1:])]


def pairs(
    file: str | Path, hedges: Sequence[str], reading: Reading = AS_WRITTEN
) -> list[tuple[str, tuple[str, ...]]]:
    """Every coin of a file with its hedges: a hedge itself by the hedges named before it."""
    hedges, symbols = resolve(file, hedges, reading), symbols_of(file, reading)
    for hedge in hedges:
        read_bars(file, hedge, reading)  # refused here once, not once for every coin
    found: list[tuple[str, tuple[str, ...]]] = []
    for symbol in symbols:
        mine = hedges[: hedges.index(symbol)] if symbol in hedges else hedges
        if mine:
            found.append((symbol, mine))
    return found


def said(
    file: str | Path,
    targets: Iterable[tuple[str, tuple[str, ...]]],
    reading: Reading = AS_WRITTEN,
) -> list[str]:
    """How the file was read for these targets and what was guessed; what cannot be read is silent.

    (It is left out of the study, which says why.)
    """
    bars = []
    for symbol in dict.fromkeys(name for target, hedges in targets for name in (target, *hedges)):
        try:
            bars.append(read_bars(file, symbol, reading))
        except InputError:
            continue
    return reading_lines(file, bars, reading)


def study_all(
    file: str | Path,
    targets: Iterable[tuple[str, tuple[str, ...]]],
    settings: Iterable[Settings],
    *,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
    reading: Reading = AS_WRITTEN,
) -> tuple[list[Study], list[str]]:
    """Studies of many targets over processes, in order, and why coins were left out.

    A script that calls this needs no ``if __name__ == "__main__"``.

    Raises:
        InputError: none of them could be studied, or ``workers`` is less than one.
    """
    workers = whole("workers", workers, 1)
    jobs = [(target, hedges, each) for each in settings for target, hedges in targets]
    attempt = partial(_attempt, str(file), reading)
    found: list[Study | str] = []

    def collect(results: Iterable[Study | str]) -> None:
        for result in results:
            found.append(result)
            if progress is not None:
                progress(len(found), len(jobs))

    if workers > 1 and len(jobs) > 1:
        from joblib import Parallel, delayed  # type: ignore[import-untyped,unused-ignore]

        # Its workers do not import the caller's script again: that needs no main guard.
        pool = Parallel(n_jobs=workers, backend="loky", return_as="generator")
        collect(pool(delayed(attempt)(job) for job in jobs))
    else:
        collect(map(attempt, jobs))
    done = [result for result in found if isinstance(result, Study)]
    reasons: list[str] = []
    for result in found:
        reasons += [result] if isinstance(result, str) else result.walk.left_out
    left_out = list(dict.fromkeys(reasons))  # of both horizons, once
    if not done:
        raise InputError("\n".join(left_out) or f"{file}: nothing to study")
    return done, left_out


def _attempt(
    file: str, reading: Reading, job: tuple[str, tuple[str, ...], Settings]
) -> Study | str:
    target, hedges, settings = job
    try:
        refuse_mixed_quotes((target, *hedges), file)
        return study(file, target, hedges, settings, reading)
    except InputError as error:
        return str(error)
