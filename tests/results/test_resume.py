from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import simulator
from simulator.agents.base import Actions, Agent, View
from simulator.comparison import compare
from simulator.config import Config, from_mapping, json_schema, load
from simulator.market.history import with_history
from simulator.results.store import Chunks, Key, write_chunk
from simulator.runner import Plan, fingerprint, forget, simulate_chunk
from simulator.runner import plan as limits
from simulator.types import InputError, Notice
from simulator.world.actions import Swap
from simulator.world.protocol import AgentSlot
from tests.results.files import assert_same


def begin(config: Config, out: Path, workers: int, finished: tuple[int, ...] = (0,)) -> int:
    """A run for so many workers, interrupted with chunks ``finished``; path-steps that are done."""
    plan = Plan(config, "model", (), 100)
    chunks = Chunks(out / ".partial", plan.key(), plan.chunks(workers))
    for number in finished:
        first, count = chunks.layout[number]
        write_chunk(
            chunks.directory, first, simulate_chunk(plan, first, count, plan.record - first)
        )
    return sum(chunks.layout[number][1] for number in finished) * config.steps


def start_of(config: Config, out: Path, workers: int = 1, *, keep: bool = False) -> int:
    """Run to the end; path-steps that were done when it began."""
    done: list[int] = []
    simulator.run(config, out=out, workers=workers, progress=lambda d, _: done.append(d), keep=keep)
    return done[0]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six paths are two chunks of three for one worker or two, three of two for three."""
    monkeypatch.setattr(limits, "CHUNK_PATHS", 3)
    monkeypatch.setattr(limits, "WORTH_A_WORKER", 2)


def interrupted(config: Config, out: Path) -> None:
    """A run that is stopped once more than two paths are done."""

    def interrupt(done: int, total: int) -> None:
        if done > 2 * config.steps:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulator.run(config, out=out, workers=1, progress=interrupt)


def test_an_interrupted_run_goes_on_where_it_was(
    short: Config, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CHUNK_PATHS", 2)
    interrupted(short, tmp_path)
    partial = tmp_path / ".partial"
    assert {file.name for file in tmp_path.iterdir()} == {".partial"}
    assert not list(partial.glob(".*.tmp"))
    finished = sorted(partial.glob("chunk-*"))
    assert finished
    first: list[int] = []
    simulator.run(short, out=tmp_path, workers=1, progress=lambda done, _: first.append(done))
    assert first[0] == 2 * short.steps * len(finished)
    assert_same(whole, tmp_path)


def test_another_configuration_does_not_go_on_with_old_chunks(
    short: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CHUNK_PATHS", 2)
    interrupted(short, tmp_path)
    starts: list[int] = []
    with pytest.warns(Notice, match="another market"):
        simulator.run(
            short, seed=99, out=tmp_path, workers=1, progress=lambda done, _: starts.append(done)
        )
    assert starts[0] == 0
    assert json.loads((tmp_path / "summary.json").read_text())["seed"] == 99


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    ("before", "after", "finished"),
    [(1, 3, (0,)), (1, 3, (1,)), (3, 1, (0, 1)), (3, 1, (1, 2)), (3, 2, (0, 2))],
)
def test_a_run_resumed_with_other_workers_is_the_run_without_interruption(
    short: Config, whole: Path, tmp_path: Path, before: int, after: int, finished: tuple[int, ...]
) -> None:
    plan = Plan(short, "model", (), 100)
    assert plan.chunks(before) != plan.chunks(after)
    done = begin(short, tmp_path, before, finished)
    assert start_of(short, tmp_path, after) == done
    assert_same(whole, tmp_path)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 1)])
def test_a_run_that_was_kept_is_made_again_with_other_workers(
    short: Config, whole: Path, tmp_path: Path, before: int, after: int
) -> None:
    begin(short, tmp_path, before, (0, 1))  # what is left is one chunk at most: no processes
    start_of(short, tmp_path, after, keep=True)
    for workers in (after, before):
        total = short.paths * short.steps
        assert start_of(short, tmp_path, workers, keep=True) == total
    forget(tmp_path)
    assert_same(whole, tmp_path)


def _other_layout(partial: Path) -> None:
    """A chunk that begins within another, as versions before this one could leave it."""
    (partial / "chunk-000000000").rename(partial / "chunk-000000001")


def _truncated(partial: Path) -> None:
    file = partial / "chunk-000000000" / "paths.npy"
    file.write_bytes(file.read_bytes()[:-100])


def _truncated_series(partial: Path) -> None:
    file = partial / "chunk-000000000" / "series.npy"
    file.write_bytes(file.read_bytes()[:-100])


def _a_path_twice(partial: Path) -> None:
    file = partial / "chunk-000000000" / "paths.npy"
    rows = np.load(file)
    rows["path"][1] = 0
    np.save(file, rows)


def _a_path_missing(partial: Path) -> None:
    file = partial / "chunk-000000000" / "paths.npy"
    np.save(file, np.load(file)[:-1])


def _fan_of_others(partial: Path) -> None:
    file = partial / "chunk-000000000" / "fan.npy"
    np.save(file, np.load(file)[..., :-1])


def _stamp_of_another_version(partial: Path) -> None:
    stamp = partial / "run.json"
    stamp.write_text(json.dumps({"key": json.loads(stamp.read_text())["key"]}))


def _layout_with_a_hole(partial: Path) -> None:
    stamp = partial / "run.json"
    stamp.write_text(json.dumps(json.loads(stamp.read_text()) | {"layout": [[0, 3], [4, 2]]}))


def _no_json(partial: Path) -> None:
    (partial / "run.json").write_text("{")


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    "damage",
    [
        _other_layout,
        _truncated,
        _truncated_series,
        _a_path_twice,
        _a_path_missing,
        _fan_of_others,
        _stamp_of_another_version,
        _layout_with_a_hole,
        _no_json,
    ],
)
def test_what_is_not_exactly_a_chunk_of_the_run_is_simulated_again(
    short: Config, whole: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    begin(short, tmp_path, 1)
    damage(tmp_path / ".partial")
    assert start_of(short, tmp_path) == 0
    assert_same(whole, tmp_path)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("damage", [_other_layout, _truncated, _a_path_twice, _fan_of_others])
def test_chunks_that_change_during_the_run_are_refused(
    short: Config, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    left = [tmp_path / ".partial"]

    def progress(done: int, total: int) -> None:
        if done == total and left:
            damage(left.pop())

    with pytest.raises(InputError, match=r"not hold each path of the run once \(wrong: 0 to 2"):
        simulator.run(short, out=tmp_path, workers=1, progress=progress)
    assert [file.name for file in tmp_path.iterdir()] == [".partial"]


# ------------------------------------------------------------------------------------------- files


def write_prices(file: Path, factor: float = 1.0) -> None:
    """Twenty days of hourly bars of two symbols, those of the last ten times ``factor``."""
    generator = np.random.default_rng(8)
    times = pd.date_range("2022-01-01", periods=480, freq="1h")
    frames = []
    for symbol, level in (("AAAUSDT", 30.0), ("BBBUSDT", 100.0)):
        close = level * np.exp(np.cumsum(generator.normal(0, 0.01, 480)))
        close[240:] *= factor
        frames.append(
            pd.DataFrame({"timestamp_utc": times, "symbol": symbol, "close": close.round(6)})
        )
    pd.concat(frames).to_parquet(file)


def replayed(file: Path) -> Config:
    """Six paths of what is replayed from the days that ``factor`` changes, and two before."""
    config = load("calm", ["paths=6"])
    return with_history(config, file, "AAAUSDT", ["BBBUSDT"], "2022-01-09:2022-01-12")


def resampled(file: Path) -> Config:
    """Six paths of what is drawn from blocks of the file."""
    process = {
        "kind": "bootstrap",
        "file": str(file),
        "symbols": {"ETH": "AAAUSDT", "BTC": "BBBUSDT"},
        "mean_block_hours": 12,
    }
    config = load("calm", ["paths=6", "horizon_hours=48"])
    return from_mapping(config.model_dump() | {"process": process})


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("configured", [replayed, resampled])
def test_a_changed_price_file_is_another_run(
    tmp_path: Path, configured: Callable[[Path], Config]
) -> None:
    file = tmp_path / "prices.parquet"
    write_prices(file)
    config = configured(file)
    begin(config, tmp_path / "old", 1, (0, 1))
    begin(config, tmp_path / "resumed", 1)
    before = file.stat()
    write_prices(file, 1.01)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))  # as a copy that keeps times
    with pytest.warns(Notice, match="another market"):
        assert start_of(config, tmp_path / "resumed") == 0
    assert start_of(config, tmp_path / "anew") == 0
    assert_same(tmp_path / "anew", tmp_path / "resumed")
    write_prices(file)
    assert start_of(config, tmp_path / "old") == 6 * config.steps  # the old contents are back
    old, new = (pd.read_parquet(tmp_path / o / "paths.parquet") for o in ("old", "anew"))
    assert not old["pnl"].equals(new["pnl"])


@pytest.mark.usefixtures("few")
def test_prices_that_change_during_the_run_are_refused(tmp_path: Path) -> None:
    file, out = tmp_path / "prices.parquet", tmp_path / "out"
    write_prices(file)
    config = replayed(file)

    def progress(done: int, total: int) -> None:
        if 0 < done < total:
            write_prices(file, 1.01)

    with pytest.raises(InputError, match=r"prices = .*prices.parquet: changed during the run"):
        simulator.run(config, out=out, workers=1, progress=progress)
    assert [file.name for file in out.iterdir()] == [".partial"]
    with pytest.warns(Notice, match="another market"):
        assert start_of(config, out) == 0


def test_prices_that_change_between_alternatives_are_refused(tmp_path: Path) -> None:
    file, out = tmp_path / "prices.parquet", tmp_path / "out"
    write_prices(file)
    config = replayed(file)
    alternatives = {"a": config, "b": config.model_copy(update={"description": "the other"})}

    def progress(done: int, total: int) -> None:
        if done > total // 2:
            write_prices(file, 1.01)

    with pytest.raises(InputError, match=r"prices = .*prices.parquet: changed during the run"):
        compare(alternatives, out=out, workers=1, progress=progress)
    assert not (out / "summary.json").exists()


def test_a_price_file_that_went_away_is_named(tmp_path: Path) -> None:
    file = tmp_path / "prices.parquet"
    write_prices(file)
    config = replayed(file)
    file.unlink()
    with pytest.raises(InputError, match=r"prices = .*prices.parquet: cannot be read: No such"):
        simulator.run(config, workers=1)


def test_every_file_a_configuration_can_name_is_among_its_files(tmp_path: Path) -> None:
    file = tmp_path / "prices.parquet"
    write_prices(file)
    assert replayed(file).files == resampled(file).files == (str(file),)
    # A field for another kind of file would have to be added to config/files.py.
    schema = json.dumps(json_schema())
    assert schema.count("file of prices, several") == 2
    assert schema.count("file that holds it, read as") == 1


# ---------------------------------------------------------------------------------- code and agents


class Holder(Agent):
    """Does nothing, with parameters."""

    slot = AgentSlot("holder", usdc=0.0, base=0.0, has_account=False)

    def __init__(self, what: object) -> None:
        self.what = what

    def act(self, view: View) -> Actions:
        yield from ()


class Once(Agent):
    """Sells a little the first time it is asked, and remembers that it did."""

    slot = AgentSlot("once", usdc=0.0, base=1e4, has_account=False)
    sold = False

    def act(self, view: View) -> Actions:
        nothing = np.zeros(view.market.paths)
        if not self.sold:
            self.sold = True
            yield Swap(self.index, nothing + 5.0, nothing, nothing)


def key(config: Config, *agents: Agent) -> Key:
    return Plan(config, "model", agents, 100).key()


def test_the_key_goes_by_agents_and_all_they_hold(short: Config) -> None:
    array = np.zeros(5_000)  # longer than what is printed of an array
    other = array.copy()
    other[2_500] = 1.0
    assert key(short, Holder(array)) == key(short, Holder(array.copy()))
    assert len({key(short), *(key(short, Holder(what)) for what in (array, other, 1))}) == 4
    placed = Holder(1)
    placed.index = 7
    assert key(short, placed) == key(short, Holder(1))


def test_agents_that_cannot_be_told_apart_are_never_taken_for_each_other(short: Config) -> None:
    def made(amount: float) -> Agent:
        class Local(Holder):
            def act(self, view: View) -> Actions:
                nothing = np.zeros(view.market.paths)
                yield Swap(self.index, nothing + amount, nothing, nothing)

        return Local(None)

    assert key(short, made(1.0)) != key(short, made(2.0))
    assert key(short, Holder(lambda: 1)) != key(short, Holder(lambda: 2))


def test_the_key_goes_by_the_code(
    short: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "engine.py").write_text("step = 1\n")
    monkeypatch.setattr(fingerprint, "_PACKAGE", tmp_path)
    before = key(short)
    assert key(short) == before
    (tmp_path / "engine.py").write_text("step = 2\n")
    assert key(short) != before
    assert fingerprint.of_code("chain") != fingerprint.of_code("model")


def test_an_agent_that_remembers_begins_every_chunk_afresh(
    short: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.run(short, agents=[Once()], out=tmp_path / "one", workers=1)
    monkeypatch.setattr(limits, "CHUNK_PATHS", 2)
    simulator.run(short, agents=[Once()], out=tmp_path / "three", workers=1)
    assert_same(tmp_path / "one", tmp_path / "three")


def test_an_agent_that_cannot_be_copied_is_refused(short: Config) -> None:
    with pytest.raises(InputError, match=r"agents: Holder cannot be copied .*lock"):
        simulator.run(short, agents=[Holder(threading.Lock())], workers=1)


class Wrong(Agent):
    """Acts as nobody may, from the second step on."""

    slot = AgentSlot("wrong", usdc=0.0, base=0.0, has_account=False)

    def act(self, view: View) -> Actions:
        if view.step:
            raise InputError("size = 0: must be more than 0")
        yield from ()


def test_a_run_that_is_refused_leaves_nothing_behind(short: Config, tmp_path: Path) -> None:
    """Nor its directory; but what was there, or finished, stays."""
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "notes.txt").write_text("mine")
    for out in (tmp_path / "new", kept):
        with pytest.raises(InputError, match="size = 0"):
            simulator.run(short, agents=[Wrong()], out=out, workers=1, force=True)
    assert not (tmp_path / "new").exists()
    assert [file.name for file in kept.iterdir()] == ["notes.txt"]
