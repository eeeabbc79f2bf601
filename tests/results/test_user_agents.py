"""A user's agent is the same on every path: whatever the chunks, the processes, the way it came."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import threading
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba import njit

import simulator
from simulator.agents.base import Actions, Agent, View
from simulator.config import Config
from simulator.results.store import Key
from simulator.runner import Plan
from simulator.runner import plan as limits
from simulator.runner.agent_code import digest
from simulator.types import Booleans, Floats, InputError, MachineError, Status
from simulator.world.actions import Swap
from simulator.world.protocol import AgentSlot
from tests.results.files import assert_same

ROOT = Path(__file__).parents[2]
PARENT = os.getpid()
SLOT = AgentSlot("trader", usdc=0.0, base=1e4, has_account=False)


def sale(agent: Agent, amount: Floats) -> Swap:
    nothing = np.zeros(amount.shape)
    return Swap(agent.index, amount, nothing, nothing)


class Once(Agent):
    """Sells once on each path, and remembers where it did."""

    slot = SLOT

    def __init__(self) -> None:
        self.done: Booleans | None = None

    def act(self, view: View) -> Actions:
        if self.done is None:
            self.done = np.zeros(view.market.paths, bool)
        if not self.done.all():
            fill = yield sale(self, np.where(self.done, 0.0, 5.0))
            self.done |= fill.status == Status.OK


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("largest", [1, 4])
def test_an_agent_that_remembers_acts_on_every_path_whatever_chunks_and_workers(
    short: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, largest: int, workers: int
) -> None:
    simulator.run(short, agents=[Once()], out=tmp_path / "one", workers=1)
    monkeypatch.setattr(limits, "CHUNK_PATHS", largest)
    remembering = Once()
    result = simulator.run(short, agents=[remembering], out=tmp_path / "cut", workers=workers)
    assert_same(tmp_path / "one", tmp_path / "cut")
    sold = result.events[result.events["agent"] == SLOT.name]
    assert sorted(sold["path"]) == list(range(short.paths))
    told = result.worst_events
    assert (told["agent"] == SLOT.name).sum() == 1
    assert remembering.done is None  # the user's own is left as it was


def test_an_agent_that_remembers_is_resumed_as_it_was(
    short: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.run(short, agents=[Once()], out=tmp_path / "one", workers=1)
    monkeypatch.setattr(limits, "CHUNK_PATHS", 2)
    starts: list[int] = []

    def interrupt(done: int, total: int) -> None:
        if done > 2 * short.steps:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulator.run(short, agents=[Once()], out=tmp_path / "cut", workers=1, progress=interrupt)
    simulator.run(
        short,
        agents=[Once()],
        out=tmp_path / "cut",
        workers=2,
        progress=lambda done, _: starts.append(done),
    )
    assert starts[0] >= 2 * short.steps
    assert_same(tmp_path / "one", tmp_path / "cut")


# ------------------------------------------------------------------------------- traces left behind


class Forgetful(Agent):
    """Keeps what it remembers where every instance sees it."""

    slot = SLOT
    sold: list[int] = []  # noqa: RUF012 (that is the fault)

    def act(self, view: View) -> Actions:
        if not self.sold:
            self.sold.append(view.step)
            yield sale(self, np.full(view.market.paths, 5.0))


LUCK = np.random.default_rng(0)


class Gambler(Agent):
    """Draws its own chances, which paths in other chunks would not see."""

    slot = SLOT

    def act(self, view: View) -> Actions:
        yield sale(self, LUCK.uniform(0.0, 5.0, view.market.paths))


class Counter(Agent):
    """Keeps what it remembers where only its function sees it."""

    slot = SLOT

    def act(self, view: View) -> Actions:
        sale.calls = getattr(sale, "calls", 0) + 1  # type: ignore[attr-defined]
        yield from ()


@pytest.mark.parametrize(
    "agent",
    [Forgetful(), Gambler(), Counter()],
    ids=["its class", "its module", "a function"],
)
def test_what_an_agent_leaves_outside_itself_is_refused(short: Config, agent: Agent) -> None:
    kind = type(agent).__name__
    with pytest.raises(InputError, match=f"agents: {kind} changes variables of its class or modul"):
        simulator.run(short, agents=[agent], workers=1)


class Everybodys(Agent):
    """Draws from the generator that numpy keeps for everybody."""

    slot = SLOT

    def act(self, view: View) -> Actions:
        yield sale(self, np.random.uniform(0.0, 5.0, view.market.paths))  # noqa: NPY002


def test_the_generators_of_everybody_are_no_agents(short: Config) -> None:
    with pytest.raises(InputError, match="agents: Everybodys: one draws from the generator of nu"):
        simulator.run(short, agents=[Everybodys()], workers=1)


class Fickle(Agent):
    """Sells what nobody can foresee."""

    slot = SLOT

    def act(self, view: View) -> Actions:
        if view.step == 1:
            yield sale(self, np.random.default_rng().uniform(1.0, 50.0, view.market.paths))


class Neighbour(Agent):
    """Sells where the price is above that of the first path of its chunk."""

    slot = SLOT

    def act(self, view: View) -> Actions:
        if view.step == 3:
            now = view.index(1)
            yield sale(self, np.where(now > now[0], 50.0, 0.0))


def test_an_agent_that_goes_by_other_paths_is_refused(short: Config) -> None:
    """Its worst path may be one on which it does nothing."""
    match = (
        r"agents: path \d came to .* again to .*; Neighbour: an agent must do the same on a path"
    )
    with pytest.raises(InputError, match=match):
        simulator.run(short, agents=[Neighbour()], workers=1)


def test_a_path_that_comes_to_something_else_when_it_is_told_is_refused(
    short: Config, tmp_path: Path
) -> None:
    match = r"agents: path \d came to \w+ = .* again to .*; Fickle: an agent must do the same"
    with pytest.raises(InputError, match=match):
        simulator.run(short, agents=[Fickle()], workers=1, out=tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [".partial"]


@cache
def noticed() -> list[int]:
    return []


class Cached(Agent):
    """Remembers in what a function of its module caches."""

    slot = SLOT

    def act(self, view: View) -> Actions:
        if not noticed():
            noticed().append(view.step)
            yield sale(self, np.full(view.market.paths, 5.0))


def test_what_functions_cache_is_forgotten_before_each_chunk(
    short: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CHUNK_PATHS", 2)
    events = simulator.run(short, agents=[Cached()], workers=1).events
    assert sorted(events[events["agent"] == SLOT.name]["path"]) == list(range(short.paths))


# --------------------------------------------------------------------------------- what it looks at

AMOUNT = 5.0


# Named like an attribute that the agent below reads, and no business of it.
step = 0


def amount() -> float:
    return AMOUNT


@dataclass(eq=False)
class Seller(Agent):
    """Its amount is written in its module, and read by a function of it."""

    slot = SLOT
    hours: int = 1

    @property
    def now(self) -> float:
        return amount()

    def act(self, view: View) -> Actions:
        if view.step == self.hours:
            yield sale(self, np.full(view.market.paths, self.now))


def test_the_key_goes_by_what_the_code_of_an_agent_looks_at(
    short: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def key() -> Key:
        return Plan(short, "model", (Seller(),), 100).key()

    first = key()
    assert key() == first
    monkeypatch.setattr(sys.modules[__name__], "step", 1)
    assert key() == first
    monkeypatch.setattr(sys.modules[__name__], "AMOUNT", 6.0)
    assert key() != first
    monkeypatch.setattr(sys.modules[__name__], "AMOUNT", 5.0)
    assert key() == first
    monkeypatch.setattr(sys.modules[__name__], "amount", lambda: 5.0)
    other = key()
    assert other != first
    monkeypatch.setattr(Seller, "hours", 2)
    assert key() != other


@njit
def doubled(x: float) -> float:
    return 2.0 * x


@cache
def halved(x: float) -> float:
    return 0.5 * x


class Compiled(Seller):
    """Calls functions that keep what they compiled, and what they answered."""

    def act(self, view: View) -> Actions:
        if view.step == self.hours:
            yield sale(self, np.full(view.market.paths, doubled(halved(5.0))))


def test_what_is_compiled_or_cached_on_the_way_is_no_trace(short: Config) -> None:
    before = digest(Compiled())
    assert before is not None
    simulator.run(short, agents=[Compiled()], workers=1)
    assert doubled.signatures
    assert digest(Compiled()) == before


def test_agents_of_the_same_code_are_one_wherever_it_stands() -> None:
    text = (
        "class Still({base}):\n    slot = None\n    def act(self, view):\n        yield from ()\n"
    )

    def made(source: str) -> Agent:
        names: dict[str, Any] = {"Agent": Agent}
        exec(source, names)
        agent: Agent = names["Still"]()
        return agent

    first = digest(made(text.format(base="Agent")))
    assert first == digest(made("# moved\n\n" + text.format(base="Agent")))
    assert first != digest(made(text.replace("from ()", "from (1,)").format(base="Agent")))


# ------------------------------------------------------------------------------- another process


class Traveller(Agent):
    """Writes down in which process, of which parent, each path acted."""

    slot = SLOT

    def __init__(self, log: Path, *held: object) -> None:
        self.log, self.held = log, held

    def __deepcopy__(self, memory: dict[int, object]) -> Traveller:
        return Traveller(self.log, *self.held)

    def act(self, view: View) -> Actions:
        if view.step == 1:
            with self.log.open("a") as file:
                file.write(f"{os.getpid()}\n" * view.market.paths)
            yield sale(self, np.full(view.market.paths, 5.0))


def at_home() -> None:
    if os.getpid() != PARENT:
        raise LookupError("far from home")


class Homesick:
    """Can be pickled, and not made again elsewhere."""

    def __reduce__(self) -> tuple[object, ...]:
        return at_home, ()


HERE = "agents: Traveller: all paths are simulated in this process, not in 2 workers: "
LOCK, HOMESICK = threading.Lock(), Homesick()


@pytest.mark.parametrize(
    ("held", "why"),
    [
        ((), ""),
        ((LOCK,), "nobody can see whether a lock that it holds would be the same"),
        ((HOMESICK,), r"they cannot be sent to another \(LookupError: far from home"),
        (((i for i in range(0)),), "nobody can see whether a generator that it holds would"),
    ],
    ids=["sent", "unseen", "cannot arrive", "cannot leave"],
)
def test_an_agent_that_cannot_be_sent_to_another_process_acts_in_this_one(
    short: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    held: tuple[object, ...],
    why: str,
) -> None:
    monkeypatch.setattr(limits, "WORTH_A_WORKER", 3)
    log = tmp_path / "log"
    with pytest.warns(UserWarning, match=HERE + why) if why else nullcontext():
        events = simulator.run(short, agents=[Traveller(log, *held)], workers=2).events
    assert len(events[events["agent"] == SLOT.name]) == short.paths
    here = log.read_text().split().count(str(PARENT))
    # The worst path is told here in any case, and all but the first are simulated again.
    assert here == 1 + (short.paths - 1) + short.paths * bool(why)


SETTINGS = "amount_settings"


class Set(Agent):
    """Sells as much as a module says that is imported by name."""

    slot = SLOT

    def act(self, view: View) -> Actions:
        import amount_settings  # type: ignore[import-not-found]

        if view.step == 1:
            yield sale(self, np.full(view.market.paths, amount_settings.AMOUNT))


@pytest.mark.parametrize("later", [5.0, 7.0])
def test_what_was_set_in_a_module_before_the_run_holds_in_every_process(
    short: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, later: float
) -> None:
    monkeypatch.setattr(limits, "WORTH_A_WORKER", 3)
    (tmp_path / f"{SETTINGS}.py").write_text("AMOUNT = 5.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    settings: Any = importlib.import_module(SETTINGS)
    monkeypatch.setitem(sys.modules, SETTINGS, settings)
    settings.AMOUNT = later
    match = "Set: all paths .* this process.* Set would be another there, where its modules are"
    with pytest.warns(UserWarning, match=match) if later != 5.0 else nullcontext():
        events = simulator.run(short, agents=[Set()], workers=2).events
    assert set(events[events["agent"] == SLOT.name]["amount_in"]) == {later}
    monkeypatch.delitem(sys.modules, SETTINGS)


class Killed(Agent):
    """Ends its process as the system does when memory runs out."""

    slot = SLOT

    def act(self, view: View) -> Actions:
        if os.getpid() != PARENT:
            os.kill(os.getpid(), signal.SIGKILL)
        yield from ()


def test_a_worker_that_is_killed_is_told_in_a_line(
    short: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WORTH_A_WORKER", 3)
    with pytest.raises(MachineError, match=r"a worker process ended .*SIGKILL.* memory") as raised:
        simulator.run(short, agents=[Killed()], workers=2)
    assert "\n" not in str(raised.value)


def test_a_class_is_no_agent(short: Config) -> None:
    with pytest.raises(InputError, match="agents: Once is a class; allowed: an agent made of it"):
        simulator.run(short, agents=[Once], workers=1)  # type: ignore[list-item]


SCRIPT = """
import os

import numpy as np

import simulator
from simulator.runner import plan

PARENT, LOG = os.getpid(), "log"
plan.WORTH_A_WORKER = 3


class Once(simulator.Agent):
    slot = simulator.AgentSlot("once", usdc=0.0, base=1e4, has_account=False)

    def __init__(self):
        self.done = False

    def act(self, view):
        if not self.done:
            self.done = True
            nothing = np.zeros(view.market.paths)
            with open(LOG, "a") as file:
                file.write("here " if os.getpid() == PARENT else "there ")
            yield simulator.actions.Swap(self.index, nothing + 5.0, nothing, nothing)


config = simulator.load_config("calm", ["paths=6", "horizon_hours=6"])
events = simulator.run(config, agents=[Once()], workers=2).events
sold = events[events["agent"] == "once"]
print(sorted(sold["path"]), sorted(open(LOG).read().split()))
"""
EXECUTED = "import sys; exec(compile(open(sys.argv[1]).read(), 'cell', 'exec'), {})"


@pytest.mark.slow
@pytest.mark.parametrize("way", ["script", "pipe", "cell"])
def test_a_script_needs_no_guard_and_no_file(tmp_path: Path, way: str) -> None:
    file = tmp_path / "study.py"
    file.write_text(SCRIPT)
    given = {"script": [str(file)], "pipe": ["-"], "cell": ["-c", EXECUTED, str(file)]}[way]
    with file.open() as piped:
        ran = subprocess.run(
            [sys.executable, *given],
            stdin=piped,
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            timeout=300,
        )
    assert ran.stderr == ""
    assert ran.stdout.split("\n")[0] == "[0, 1, 2, 3, 4, 5] ['here', 'here', 'there', 'there']"
