"""Explanations of small runs: exact sums, the plain run itself, files, resumption, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import simulator
from simulator.cli import main
from simulator.config import Config, load
from simulator.explain import replay, shapley
from simulator.explain.frictions import BY_NAME
from simulator.explain.job import Explanation, explain
from simulator.explain.replay import Stage, outcome, play
from simulator.hedging.risk import expected_shortfall, expected_shortfall_interval
from simulator.market.draw import draw
from simulator.runner.plan import plan_of
from simulator.types import InputError
from tests.explain.planted import GAP, scenario

ASKED = ("proxy", "depth", "keeping")


@pytest.fixture(scope="module")
def config() -> Config:
    return load("correlation-breakdown", ["paths=20", "horizon_hours=340"])


@pytest.fixture(scope="module")
def plain(config: Config) -> simulator.Result:
    return simulator.run(config, workers=1)


@pytest.fixture(scope="module")
def found(config: Config) -> Explanation:
    return explain(config, frictions=ASKED, workers=1, search=False)


def test_with_all_frictions_it_is_the_plain_run_to_the_bit(
    plain: simulator.Result, found: Explanation
) -> None:
    assert np.array_equal(found.paths["loss"], -plain.paths["return"])
    assert np.array_equal(found.paths["liquidated"], plain.paths["liquidated"])


def test_parts_sum_to_the_loss_of_every_path(found: Explanation) -> None:
    parts = found.paths[["without_any", *ASKED]].sum(axis=1)
    assert parts.to_numpy() == pytest.approx(found.paths["loss"].to_numpy(), abs=1e-12)


def test_figures_are_those_of_the_losses_and_share_them_out(found: Explanation) -> None:
    returns = -found.paths["loss"].to_numpy()
    said = found.summary["statistics"]
    assert said["mean"]["all"]["value"] == pytest.approx(-returns.mean())
    shortfall = expected_shortfall_interval(returns)
    assert tuple(said["es95"]["all"].values()) == pytest.approx(tuple(shortfall))
    none = expected_shortfall(-found.paths["without_any"].to_numpy())
    assert said["es95"]["none"]["value"] == pytest.approx(none)
    for one in said.values():
        parts = sum(each["shapley"]["value"] for each in one["frictions"].values())
        assert one["none"]["value"] + parts == pytest.approx(one["all"]["value"], abs=1e-12)
    mean = found.paths[list(ASKED)].mean()
    for name in ASKED:
        assert said["mean"]["frictions"][name]["shapley"]["value"] == pytest.approx(mean[name])


def test_one_friction_taken_away_or_left_alone_is_that_run(
    config: Config, found: Explanation
) -> None:
    plan = plan_of(config, None, None, "model", (), None)
    asked = [BY_NAME[name] for name in ASKED]
    market = draw(config.market, 0, config.paths)
    means = {
        mask: -float(outcome(Stage.of(plan, asked, market, mask).scene(mask))["return"].mean())
        for mask in (0, 1, 6, 7)
    }
    basis = found.summary["statistics"]["mean"]["frictions"]["proxy"]
    assert basis["removed"]["value"] == pytest.approx(means[7] - means[6])
    assert basis["only"]["value"] == pytest.approx(means[1] - means[0])


def test_orders_come_near_all_coalitions_within_the_error_they_state(
    config: Config, found: Explanation
) -> None:
    sampled = explain(config, frictions=ASKED, pairs=4, workers=1, search=False)
    assert not sampled.summary["method"]["exact"]
    parts = sampled.paths[["without_any", *ASKED]].sum(axis=1)
    assert parts.to_numpy() == pytest.approx(sampled.paths["loss"].to_numpy(), abs=1e-12)
    for name in ASKED:
        truth, near = (
            one.summary["statistics"]["mean"]["frictions"][name]["shapley"]
            for one in (found, sampled)
        )
        assert abs(truth["value"] - near["value"]) < 2.0 * (near["high"] - near["low"])


def test_more_frictions_than_all_coalitions_are_looked_at_for_are_sampled(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shapley, "EXACT", 2)
    few = config.model_copy(update={"paths": 2, "horizon_hours": 48.0, "shocks": ()})
    assert not explain(few, frictions=ASKED, workers=1, search=False).summary["method"]["exact"]


def test_where_a_friction_did_not_act_the_path_is_not_simulated_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And it comes to what it comes to when it is."""
    plan = plan_of(
        scenario(
            GAP,
            "agents.leveraged_long={usdc: 0, margin: {USDC: 2.0e+5}, leverage: 3.6}",
            "assets.ETH.volatility=1.5",
            "paths=12",
        ),
        *(None, None, "model", (), None),
    )
    asked = [BY_NAME["adl"]]
    market = draw(plan.config.market, 0, 12)
    stage = Stage.of(plan, asked, market, 1)
    before, after = outcome(stage.scene(1)), outcome(stage.scene(0))
    acted = before["bad_debt"] > 0.0
    assert 0 < acted.sum() < 12
    assert np.array_equal(before[~acted], after[~acted])
    played: list[int] = []

    def counted(scene: object, record: int = 0) -> object:
        ran = play(scene, record)  # type: ignore[arg-type]
        played.append(ran.market.paths)
        return ran

    monkeypatch.setattr("simulator.explain.replay.play", counted)
    shared = replay.outcomes(plan, asked, 0, 12, [0, 1])
    assert played == [12, int(acted.sum())]
    assert np.array_equal(shared[0], after)


def test_an_interrupted_explanation_goes_on_where_it_was(
    config: Config, found: Explanation, tmp_path: Path
) -> None:
    class Enough(Exception):  # noqa: N818 (it stands for Ctrl-C)
        pass

    def stop(done: int, total: int) -> None:
        if done > 0.5 * total:
            raise Enough

    with pytest.raises(Enough):
        explain(config, frictions=ASKED, workers=1, out=tmp_path, progress=stop, search=False)
    begun = sorted((tmp_path / ".partial").glob("part-*"))
    assert begun
    steps: list[int] = []
    again = explain(
        config,
        frictions=ASKED,
        workers=1,
        out=tmp_path,
        search=False,
        progress=lambda done, total: steps.append(done),
    )
    assert steps[0] > 0
    assert again.paths.equals(found.paths)
    assert again.summary == found.summary
    assert not (tmp_path / ".partial").exists()


def test_two_processes_come_to_the_same(config: Config, found: Explanation) -> None:
    assert explain(config, frictions=ASKED, workers=2, search=False).paths.equals(found.paths)


def test_the_command_explains_a_finished_run(
    config: Config, plain: simulator.Result, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, out = tmp_path / "run", tmp_path / "why"
    plain.save(run)
    command = ["explain", str(run), "--friction", "proxy", "--out", str(out), "--no-search"]
    command += ["--workers", "1"]
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert "Basis" in text
    said = json.loads((out / "explain.json").read_text(encoding="utf-8"))
    assert said["paths"] == config.paths
    assert list(said["statistics"]["es95"]["frictions"]) == ["proxy"]
    other = plain.paths.assign(**{"return": plain.paths["return"] + 1e-6})
    other.to_parquet(run / "paths.parquet")
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 2
    assert "do not come out the same" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["calm", "--friction", "luck"], "friction = luck: unknown; allowed: proxy, beta"),
        (["calm", "--permutations", "1"], "permutations = 1"),
        (["nowhere"], "nowhere"),
        (["calm", "--paths", "0"], "paths = 0"),
    ],
)
def test_what_cannot_be_explained_is_refused_in_a_line(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["explain", *arguments, "--out", str(tmp_path / "why")])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said
    assert not (tmp_path / "why").exists()


def test_an_empty_directory_is_no_finished_run(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["explain", str(tmp_path)])
    assert ended.value.code == 2


def test_files_of_others_are_not_written_over(config: Config, tmp_path: Path) -> None:
    (tmp_path / "explain.json").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="did not write there"):
        explain(config, frictions=ASKED, out=tmp_path)


LEAKY = """
from dataclasses import dataclass
from simulator.agents.base import Agent
from simulator.world.protocol import AgentSlot

SEEN = []


@dataclass(eq=False)
class Leaky(Agent):
    slot = AgentSlot("leaky", usdc=0.0, base=0.0, has_account=False)

    def act(self, view):
        SEEN.append(view.step)
        yield from ()
"""


def test_an_agent_that_leaves_something_to_the_next_combination_is_refused(
    config: Config, tmp_path: Path
) -> None:
    file = tmp_path / "leaky.py"
    file.write_text(LEAKY, encoding="utf-8")
    data = config.model_copy(update={"horizon_hours": 24.0, "shocks": (), "paths": 2}).model_dump()
    data["agents"]["custom"] = {"leaky": {"file": str(file)}}
    with pytest.raises(InputError, match="Leaky changes variables"):
        explain(data, frictions=["depth"], workers=1, search=False, trust=True)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "venue-outage",
            "Also where no friction is left: The chain halted from hour 60 for 8 hours",
        ),
        ("misposted-covariance", "Also where no friction is left: The risk manager posted"),
    ],
)
def test_a_fault_that_no_friction_takes_away_is_told_to_be_left(name: str, said: str) -> None:
    config = load(name, ["paths=2", "horizon_hours=120"])
    found = explain(config, frictions=("keeping",), workers=1, search=False).summary
    assert any(note.startswith(said) for note in found["notes"])
