"""Is the engine still the engine? ``python -m scripts.equivalence write|check DIRECTORY``.

``write`` keeps what the code of today makes of every built-in scenario and of random ones: the
market paths, what each path comes to, and every action with its outcome. ``check`` runs the code of
then on the *kept* paths and demands the same decisions and figures equal to 1e-12 relative (to the
largest magnitude of the figure over all paths); it says too whether the market is still drawn to
the bit. For redesigns: write before, check after each step. The directory, some 600 MB, is nobody's
but yours; it is not part of the repository.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from simulator.config import Config, load, scenarios
from simulator.config.random import random_config
from simulator.market.draw import draw
from simulator.market.paths import SINGLE, STACKED, MarketPaths
from simulator.results.store import Outcome, write_parquet
from simulator.runner.chunk import simulate_market
from simulator.runner.plan import Plan

PATHS, RANDOM, RANDOM_SEED = 200, 20, 1
TOLERANCE = 1e-12
#: What is a decision in a row of the events: who asked for what, and what came of it.
DECISIONS = ["path", "step", "agent", "action", "account", "market", "status"]
AMOUNTS = ["amount_in", "amount_out"]


def configurations() -> Iterator[Config]:
    """Built-in scenarios, then random ones, each with :data:`PATHS` paths."""
    for name in scenarios():
        yield load(name, [f"paths={PATHS}"])
    for number in range(RANDOM):
        yield random_config(RANDOM_SEED, number).model_copy(update={"paths": PATHS})


def outcome(config: Config, market: MarketPaths) -> Outcome:
    """All its paths, each recorded in full."""
    return simulate_market(Plan(config, "model", (), PATHS), market, PATHS)


def write(directory: Path) -> int:
    """Keep markets, figures and events."""
    directory.mkdir(parents=True, exist_ok=True)
    for config in configurations():
        market = draw(config.market, 0, PATHS)
        found = outcome(config, market)
        assert found.events is not None
        market.to_parquet(directory / f"{config.name}.market.parquet")
        write_parquet(directory / f"{config.name}.paths.parquet", found.paths)
        write_parquet(directory / f"{config.name}.events.parquet", found.events)
        print(f"{config.name:28} {len(found.events):9,} actions", flush=True)
    return 0


def check(directory: Path) -> int:
    """1 where a decision or a figure differs; a market drawn otherwise is said."""
    differing = 0
    for config in configurations():
        # Whatever settings have become since: these are the paths.
        kept_paths = MarketPaths.from_parquet(directory / f"{config.name}.market.parquet")
        market = replace(kept_paths, key="")
        found = outcome(config, market)
        assert found.events is not None
        kept = {
            what: pd.read_parquet(directory / f"{config.name}.{what}.parquet")
            for what in ("paths", "events")
        }
        said = [*_decisions(kept["events"], found.events), *_figures(kept["paths"], found.paths)]
        drawn = (
            "drawn alike"
            if same_market(market, draw(config.market, 0, PATHS))
            else "DRAWN OTHERWISE"
        )
        print(f"{config.name:28} {'; '.join(said) or 'equal'}; {drawn}", flush=True)
        differing += any(not text.startswith("largest") for text in said)
    return int(bool(differing))


def same_market(one: MarketPaths, other: MarketPaths) -> bool:
    """To the bit."""
    return all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in (*STACKED, *SINGLE)
    )


def _decisions(kept: pd.DataFrame, found: pd.DataFrame) -> Iterator[str]:
    if len(kept) != len(found):
        yield f"{len(found):,} actions instead of {len(kept):,}"
        return
    for name in DECISIONS:
        differ = kept[name].astype(str).to_numpy() != found[name].astype(str).to_numpy()
        if differ.any():
            first = kept.iloc[int(np.argmax(differ))]
            where = f"first on path {first.path} step {first.step}"
            yield f"{name} differs {differ.sum():,} times, {where}"
    yield from _beyond(kept[AMOUNTS], found[AMOUNTS])


def _figures(kept: pd.DataFrame, found: pd.DataFrame) -> Iterator[str]:
    if missing := sorted(set(kept.columns) ^ set(found.columns)):
        yield f"columns {', '.join(missing)} on one side only"
    both = [name for name in kept.columns if name in found.columns]
    yield from _beyond(kept[both], found[both])


def _beyond(kept: pd.DataFrame, found: pd.DataFrame) -> Iterator[str]:
    """Columns that differ by more than :data:`TOLERANCE`, and how far the others do."""
    largest = 0.0
    for name in kept.columns:
        then, now = (frame[name].to_numpy(np.float64) for frame in (kept, found))
        if not np.array_equal(np.isnan(then), np.isnan(now)):
            yield f"{name} is known on other paths"
            continue
        scale = np.max(np.abs(np.nan_to_num(then)), initial=0.0) or 1.0
        error = float(np.max(np.abs(np.nan_to_num(then - now)), initial=0.0) / scale)
        if error > TOLERANCE:
            yield f"{name} differs by {error:.1e}"
        else:
            largest = max(largest, error)
    yield f"largest difference {largest:.1e}"


if __name__ == "__main__":
    jobs = {"write": write, "check": check}
    if len(sys.argv) != 3 or sys.argv[1] not in jobs:
        sys.exit(f"usage: python -m scripts.equivalence {'|'.join(jobs)} DIRECTORY")
    sys.exit(jobs[sys.argv[1]](Path(sys.argv[2])))
