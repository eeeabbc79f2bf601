"""A user's agent in a file of its own, named from YAML or the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

import simulator
from simulator.agents.custom import custom_agents
from simulator.cli import main
from simulator.config import Config, load
from simulator.runner import plan
from simulator.types import InputError

AGENT = """
from dataclasses import dataclass
from pathlib import Path

from simulator.agents.do import part
from simulator.agents.scalar import ScalarAgent
from simulator.world.protocol import AgentSlot

Path(__file__).with_suffix(".ran").touch()


@part
def worth(do, usdc):
    return usdc / do.pool_price


@dataclass(eq=False)
class Seller(ScalarAgent):
    every: int = 2
    usdc: float = 1_000.0

    slot = AgentSlot("seller", usdc=0.0, base=100.0, has_account=False)

    @staticmethod
    def act(do, my):
        if do.step % my.every == 0:
            do.swap(worth(do, my.usdc))
"""
SETTINGS = ("horizon_hours=8", "paths=4")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "seller.py").write_text(AGENT)
    return tmp_path


def scenario(folder: Path, **section: Any) -> Path:
    """A YAML file beside the agent's, which names it."""
    data = load("calm", SETTINGS).model_dump(mode="json")
    data["agents"]["custom"] = {"seller": {"file": "seller.py", **section}}
    file = folder / "mine.yaml"
    file.write_text(yaml.safe_dump(data, sort_keys=False))
    return file


def sales(result: simulator.Result) -> pd.DataFrame:
    return result.events[result.events["agent"] == "seller"]


def test_an_agent_named_in_yaml_acts_with_its_own_parameters_and_wallet(folder: Path) -> None:
    file = scenario(folder, base=50.0, parameters={"every": 4, "usdc": 2000})
    result = simulator.run(file, trust=True, workers=1)
    done = sales(result)
    assert set(done["step"]) == {0, 4, 8}
    assert (done["status"] == "OK").all()
    (agent,) = custom_agents(load(file), trust=True)
    assert agent.slot is not None
    assert (agent.slot.name, agent.slot.usdc, agent.slot.base) == ("seller", 0.0, 50.0)
    by_hand = simulator.run(load("calm", SETTINGS), agents=[agent], workers=1)
    pd.testing.assert_frame_equal(by_hand.paths, result.paths)


def test_workers_do_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its helper too, which is another function there, that nobody registered."""
    monkeypatch.setattr(plan, "WORTH_A_WORKER", 2)
    file = scenario(folder)
    alone, together = (simulator.run(file, trust=True, workers=n) for n in (1, 2))
    assert len(sales(together)) == 5 * 4
    pd.testing.assert_frame_equal(alone.paths, together.paths)


def test_its_file_is_not_run_unless_that_is_allowed(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, ran = scenario(folder), folder / "seller.ran"
    for ask in (["run", str(file), "--out", str(folder / "out")], ["verify", str(file)]):
        with pytest.raises(SystemExit) as ended:
            main(ask)
        assert ended.value.code == 2
        assert "--trust" in capsys.readouterr().err
    with pytest.raises(InputError, match=r"agents\.custom\.seller\.file = .*trust=True"):
        simulator.run(file)
    with pytest.raises(InputError, match="trust"):
        simulator.compare({"a": load(file), "b": load(file)}, trust=[folder / "other.py"])
    assert not ran.exists()
    assert load(file).agents.custom["seller"].agent is None  # reading is no running
    monkeypatch.chdir(folder)
    assert custom_agents(load("mine.yaml"), trust=["seller.py"])
    assert ran.exists()


@pytest.mark.parametrize("named", ["seller.py", "seller.py:Seller"])
def test_an_agent_of_the_command_line_is_as_one_of_yaml(
    folder: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    expected = simulator.run(scenario(folder, parameters={"every": 3}), trust=True, workers=1)
    monkeypatch.chdir(folder)
    asked = ["run", "calm", "--paths", "4", "--workers", "1", "--out", "out", "--agent", named]
    with pytest.raises(SystemExit) as ended:
        main([*asked, "--set", SETTINGS[0], "--set", "agents.custom.seller.parameters.every=3"])
    assert ended.value.code == 0
    found = simulator.Result.load("out")
    pd.testing.assert_frame_equal(found.paths, expected.paths)
    assert found.config.agents.custom["seller"].file == "seller.py"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["run", "calm", "--agent", "seller.py", "--agent", "seller.py:Seller"], "seller twice"),
        (["run", "calm", "--agent", "none.py"], "--agent = none.py: cannot be read"),
        (["run", "calm", "--agent", "seller.py:Buyer"], "--agent = Buyer: no such agent"),
        (["verify", "--random", "1", "--agent", "seller.py"], "not allowed together with --random"),
        (["verify", "--random", "1", "--trust"], "not allowed together with --random"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_said(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    asked: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit) as ended:
        main(asked)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_both_worlds_agree_where_it_acts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    asked = ["verify", "calm", "--paths", "1", "--steps", "4", "--agent", "seller.py"]
    with pytest.raises(SystemExit) as ended:
        main(asked)
    assert ended.value.code == 0


def key(config: Config) -> str:
    return plan.plan_of(config, None, None, "model", (), 1, trust=True).key().protocol


def test_its_source_is_part_of_what_a_run_is_known_by(folder: Path) -> None:
    config = load(scenario(folder))
    before = key(config)
    assert key(config) == before
    for old, new in (("usdc / do", "2.0 * usdc / do"), ("every == 0", "every == 1")):
        assert old in AGENT
        (folder / "seller.py").write_text(AGENT.replace(old, new))
        assert key(config) != before
    (folder / "seller.py").write_text(AGENT)
    assert key(config) == before


@pytest.mark.parametrize(
    ("section", "source", "said"),
    [
        ({"file": "none.py"}, AGENT, r"seller\.file = .*none\.py: cannot be read: No such file"),
        ({"agent": "Buyer"}, AGENT, r"seller\.agent = Buyer: no such agent; .*: Seller"),
        ({"agent": "Path"}, AGENT, r"seller\.agent = Path: no such agent; .*: Seller"),
        ({}, "x = 1", r"seller\.file = .*says not which agent; allowed: .*none is"),
        ({}, AGENT + "\nclass B(Seller): pass", r"says not which agent; allowed: .*: Seller, B"),
        ({}, "x = 1\nx = y", r"seller\.file = .*line 2: NameError: name 'y'"),
        ({}, "x =", r"seller\.file = .*line 1: SyntaxError"),
        ({"parameters": {"evry": 1}}, AGENT, r"parameters\.evry = 1: .*allowed: every, usdc"),
        ({"parameters": {"every": 1.5}}, AGENT, r"parameters\.every = 1.5: allowed: int"),
        ({"parameters": {"usdc": True}}, AGENT, r"parameters\.usdc = True: allowed: float"),
        ({}, AGENT.replace("int = 2", "int"), r"parameters\.every: missing"),
        ({}, AGENT.replace("slot =", "other ="), r"agents\.custom\.seller: has no money"),
        ({"margin": {"DOGE": 1.0}}, AGENT, r"agents\.custom\.seller\.margin = DOGE: must be one"),
        ({"usdc": -1.0}, AGENT, r"agents\.custom\.seller\.usdc = -1\.0: must be"),
        ({"purse": 1.0}, AGENT, r"agents\.custom\.seller\.purse: unknown field"),
    ],
)
def test_what_is_wrong_is_said(
    folder: Path, section: dict[str, Any], source: str, said: str
) -> None:
    (folder / "seller.py").write_text(source)
    with pytest.raises(InputError, match=said):
        custom_agents(load(scenario(folder, **section)), trust=True)


def test_a_name_that_is_taken_is_refused(folder: Path) -> None:
    data = yaml.safe_load(scenario(folder).read_text())
    data["agents"]["custom"]["keeper"] = data["agents"]["custom"].pop("seller")
    with pytest.raises(InputError, match=r"agents\.custom\.keeper: .*built-in"):
        simulator.config.from_mapping(data)


def test_in_plain_python_it_does_the_same_and_may_print(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = scenario(folder)
    expected = simulator.run(file, trust=True, workers=1)
    (folder / "seller.py").write_text(AGENT.replace("if do", "print('at', do.step)\n        if do"))
    with pytest.raises(SystemExit) as ended:
        main(["run", str(file), "--trust", "--plain", "--out", str(folder / "out")])
    assert ended.value.code == 0
    assert capsys.readouterr().out.count("at 8") >= 4
    found = simulator.Result.load(folder / "out")
    pd.testing.assert_frame_equal(found.paths, expected.paths, rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--plain", "--world", "chain"], "plain = True: world chain"),
        (["--plain", "--set", "seed=1|2"], "no alternatives"),
    ],
)
def test_plain_python_is_for_one_run_of_the_model(
    asked: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["run", "calm", "--paths", "1", "--out", str(tmp_path / "out"), *asked])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
