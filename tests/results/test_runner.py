from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import simulator
from simulator.agents.base import Actions, Agent, View
from simulator.config import Config
from simulator.result import Result
from simulator.runner import Plan, simulate_chunk
from simulator.runner import plan as limits
from simulator.types import InputError
from simulator.world.actions import Swap
from simulator.world.protocol import AgentSlot
from tests.results.files import assert_same


@pytest.mark.parametrize("largest", [1, 4])
def test_results_do_not_depend_on_the_chunks(
    short: Config, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, largest: int
) -> None:
    monkeypatch.setattr(limits, "CHUNK_PATHS", largest)
    simulator.run(short, out=tmp_path, workers=1)
    assert_same(whole, tmp_path)


def test_results_do_not_depend_on_the_processes(
    short: Config, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WORTH_A_WORKER", 3)
    reports: list[tuple[int, int]] = []
    simulator.run(
        short, out=tmp_path, workers=2, progress=lambda done, total: reports.append((done, total))
    )
    assert_same(whole, tmp_path)
    total = short.paths * short.steps
    assert reports[0] == (0, total)
    assert reports[-1] == (total, total)


def test_the_worst_path_alone_is_the_worst_path_among_others(short: Config, whole: Path) -> None:
    result = Result.load(whole)
    number = result.summary["worst_path"]["path"]
    again = simulate_chunk(Plan(short, "model", (), 1), number, 1, 1).paths
    among = result.paths[result.paths["path"] == number].reset_index(drop=True)
    pd.testing.assert_frame_equal(again, among, check_exact=True)
    recorded = result.series[result.series["path"] == number].reset_index(drop=True)
    pd.testing.assert_frame_equal(result.worst_series, recorded, check_exact=True)


def test_frames_in_memory_are_those_on_disk(short: Config, whole: Path) -> None:
    result = simulator.run(short, workers=1)
    loaded = Result.load(whole)
    assert result.directory is None
    assert loaded.config == result.config == short
    assert result.summary == loaded.summary
    for name in ("paths", "series", "fan", "worst_series"):
        pd.testing.assert_frame_equal(getattr(result, name), getattr(loaded, name))
    assert len(result.series) == short.paths * (short.steps + 1)
    assert list(result.attribution.index) == list(range(short.paths))
    assert np.allclose(result.attribution.sum(axis=1), result.paths["pnl"])
    assert "<iframe" in result._repr_html_()


def test_fan_quantiles_are_those_of_all_paths(whole: Path) -> None:
    result = Result.load(whole)
    fan = result.fan[result.fan["quantity"] == "share_price"].set_index("step")
    last = result.series.groupby("path").last()["share_price"]
    assert fan["p50"].iloc[-1] == pytest.approx(last.median(), rel=1e-6)
    assert fan["mean"].iloc[-1] == pytest.approx(last.mean(), rel=1e-6)


class Whale(Agent):
    """Sells a little every step."""

    slot = AgentSlot("whale", usdc=0.0, base=1e4, has_account=False)

    def act(self, view: View) -> Actions:
        nothing = np.zeros(view.market.paths)
        yield Swap(self.index, nothing + 5.0, nothing, nothing)


def test_a_users_agent_acts_after_the_configured_ones(short: Config) -> None:
    result = simulator.run(short, agents=[Whale()], workers=1)
    sold = result.events[result.events["agent"] == "whale"]
    assert len(sold) == short.paths * (short.steps + 1)
    assert (sold["amount_in"] == 5.0).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"world": "moon"}, r"world: 'moon'; allowed: model, chain"),
        ({"workers": 0}, "workers = 0: must be 1 or more"),
        ({"record": 0}, "record = 0: must be 1 or more"),
        ({"paths": 0}, r"paths = 0"),
        ({"requirements": ["ruin < 1"]}, r"no metric 'ruin'"),
    ],
)
def test_bad_arguments_are_refused_before_anything_runs(
    short: Config, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        simulator.run(short, **arguments)


def test_a_directory_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no finished run"):
        Result.load(tmp_path)


@pytest.mark.parametrize("name", ["perp_premium", "diagnosis", "upkeep_refusals"])
def test_a_run_with_other_terms_is_refused_by_name(whole: Path, tmp_path: Path, name: str) -> None:
    old = shutil.copytree(whole, tmp_path / "old")
    text = (old / "summary.json").read_text(encoding="utf-8")
    (old / "summary.json").write_text(text.replace(f'"{name}"', '"of_old"'))
    with pytest.raises(InputError, match=rf"another version .*{name}"):
        Result.load(old)


def test_chunks_are_bounded_in_paths_and_in_path_steps(config: Config) -> None:
    def sizes(paths: int, hours: float, workers: int = 2) -> list[int]:
        changed = config.model_copy(update={"paths": paths, "horizon_hours": hours})
        layout = Plan(changed, "model", (), 100).chunks(workers)
        assert layout[0][0] == 0
        assert sum(count for _, count in layout) == paths
        assert all(a + n == b for (a, n), (b, _) in pairwise(layout))
        return [count for _, count in layout]

    assert sizes(1, 48) == [1]
    assert sizes(400, 48) == [400]
    assert sizes(600, 48) == [300, 300]
    assert max(sizes(10_001, 48)) <= limits.CHUNK_PATHS
    assert max(sizes(500, 20_000)) <= limits.CHUNK_PATH_STEPS / 10_000
