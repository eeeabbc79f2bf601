"""A market is drawn once for all that run on it, and a run is of one market, protocol and code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import simulator
from simulator.comparison import compare
from simulator.config import Config
from simulator.market import draw as drawing
from simulator.market.draw import draw
from simulator.market.paths import SINGLE, STACKED, MarketPaths
from simulator.results.store import Chunks, Key, write_chunk
from simulator.runner import Plan, fingerprint, simulate_chunk
from simulator.runner import plan as limits
from simulator.runner.chunk import simulate_market
from simulator.types import InputError, Notice

BANDS = ("0.01", "0.02", "0.2")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six paths are two chunks of three, for one worker or two."""
    monkeypatch.setattr(limits, "CHUNK_PATHS", 3)
    monkeypatch.setattr(limits, "WORTH_A_WORKER", 2)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Chunks drawn in this process, of more than the one path that is the worst."""
    chunks: list[tuple[int, int]] = []
    plain = drawing.draw

    def counted(settings: Any, first: int, count: int) -> MarketPaths:
        if count > 1:
            chunks.append((first, count))
        return plain(settings, first, count)

    monkeypatch.setattr(drawing, "draw", counted)
    return chunks


def bands(config: Config) -> dict[str, Config]:
    """Alternatives with the same market."""
    return {
        band: config.model_copy(
            update={"vault": config.vault.model_copy(update={"hedge_band": float(band)})}
        )
        for band in BANDS
    }


def wild(config: Config) -> Config:
    """Another market."""
    return config.model_copy(update={"gas": config.gas.model_copy(update={"gwei": 1.5})})


@pytest.mark.usefixtures("few")
def test_alternatives_are_what_they_are_alone_and_their_market_is_drawn_once(
    short: Config, drawn: list[tuple[int, int]]
) -> None:
    configs = bands(short)
    together = compare(configs, workers=1)
    assert drawn == [(0, 3), (3, 3)]
    assert together.shared.startswith("the same paths in all")
    for name, config in configs.items():
        alone = simulator.run(config, workers=1)
        for frame in ("paths", "series", "events", "fan"):
            pd.testing.assert_frame_equal(
                getattr(together.results[name], frame), getattr(alone, frame), check_exact=True
            )


@pytest.mark.usefixtures("few")
def test_workers_share_a_market_too(short: Config) -> None:
    here, there = (compare(bands(short), workers=workers) for workers in (1, 2))
    for name in BANDS:
        one, other = here.results[name], there.results[name]
        pd.testing.assert_frame_equal(one.paths, other.paths, check_exact=True)


@pytest.mark.usefixtures("few")
def test_of_a_comparison_that_goes_on_only_what_is_left_is_simulated(
    short: Config, tmp_path: Path, drawn: list[tuple[int, int]]
) -> None:
    configs = bands(short)
    seen: list[int] = []

    def interrupt(done: int, total: int) -> None:
        seen.append(done)
        if done > 4 * 3 * short.steps:  # within the second chunk of the second alternative
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare(configs, out=tmp_path, workers=1, progress=interrupt)
    drawn.clear()
    seen.clear()
    compare(configs, out=tmp_path, workers=1, progress=lambda done, _: seen.append(done))
    assert seen[0] == 4 * 3 * short.steps
    assert drawn == [(3, 3)]


@pytest.mark.usefixtures("few")
def test_another_market_among_alternatives_is_drawn_by_itself(
    short: Config, drawn: list[tuple[int, int]]
) -> None:
    together = compare({"a": short, "b": wild(short), "c": bands(short)["0.2"]}, workers=1)
    assert sorted(drawn[:4]) == [(0, 3), (0, 3), (3, 3), (3, 3)]
    assert "the same paths" not in together.shared


def test_nobody_writes_to_the_market(short: Config) -> None:
    market = draw(short.market, 0, 3)
    before = {name: getattr(market, name).tobytes() for name in (*STACKED, *SINGLE)}
    simulate_market(Plan(short, "model", (), 3), market, 3)
    assert {name: getattr(market, name).tobytes() for name in (*STACKED, *SINGLE)} == before


def test_paths_of_another_market_are_not_taken_for_these(short: Config) -> None:
    plan = Plan(short, "model", (), 0)
    with pytest.raises(InputError, match="market: these paths were drawn from other market set"):
        simulate_market(plan, draw(wild(short).market, 0, 2), 0)
    same, by_hand = draw(bands(short)["0.2"].market, 0, 2), draw(short.market, 0, 2)
    for market in (same, replace(by_hand, key="")):
        assert np.array_equal(
            simulate_market(plan, market, 0).paths["return"],
            simulate_chunk(plan, 0, 2, 0).paths["return"],
        )


# --------------------------------------------------------------------------------------------- keys


def key(config: Config) -> Key:
    return Plan(config, "model", (), 100).key()


def test_a_key_has_a_part_for_the_market_the_protocol_and_the_code(
    short: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = key(short)
    assert key(wild(short)) == replace(plain, market=key(wild(short)).market) != plain
    other = bands(short)["0.2"]
    assert key(other) == replace(plain, protocol=key(other).protocol) != plain
    assert Plan(short, "model", (), 99).key().protocol != plain.protocol
    assert Plan(short, "chain", (), 100).key().market == plain.market
    # In the market's sections, but the token's: nothing is drawn from it.
    btc = short.assets["BTC"].model_copy(update={"decimals": 8})
    decimals = short.model_copy(update={"assets": {**short.assets, "BTC": btc}})
    assert key(decimals) == replace(plain, protocol=key(decimals).protocol) != plain
    (tmp_path / "engine.py").write_text("step = 1\n")
    monkeypatch.setattr(fingerprint, "_PACKAGE", tmp_path)
    assert key(short) == replace(plain, code=key(short).code) != plain


@pytest.mark.parametrize("part", ["market", "protocol", "code"])
def test_chunks_of_another_key_are_thrown_away_and_it_is_known_why(
    short: Config, tmp_path: Path, part: str
) -> None:
    plan, begun = Plan(short, "model", (), 0), Key("a", "b", "c")
    chunks = Chunks(tmp_path, begun, [(0, 3), (3, 3)])
    assert chunks.others == ()
    write_chunk(tmp_path, 0, simulate_chunk(plan, 0, 3, 0))
    assert Chunks(tmp_path, begun, [(0, 6)]).layout == ((0, 3), (3, 3))
    again = Chunks(tmp_path, replace(begun, **{part: "z"}), [(0, 6)])
    assert again.others == (part,)
    assert not list(tmp_path.glob("chunk-*"))
    assert again.layout == ((0, 6),)


def interrupting(steps: int) -> Callable[[int, int], None]:
    """Stops a run once three paths are done."""

    def interrupt(done: int, total: int) -> None:
        if done > 3 * steps:
            raise KeyboardInterrupt

    return interrupt


@pytest.mark.usefixtures("few")
def test_a_run_that_cannot_go_on_says_which_part_differs(short: Config, tmp_path: Path) -> None:
    for number, (other, said) in enumerate(
        ((wild(short), "another market"), (bands(short)["0.2"], "another protocol"))
    ):
        out = tmp_path / str(number)
        with pytest.raises(KeyboardInterrupt):
            simulator.run(short, out=out, workers=1, progress=interrupting(short.steps))
        with pytest.warns(Notice, match=f"{number}: what was begun there had {said}"):
            simulator.run(other, out=out, workers=1)


@pytest.mark.usefixtures("few")
def test_code_that_changes_during_a_run_leaves_no_chunk_of_it(
    short: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, out = tmp_path / "package", tmp_path / "out"
    package.mkdir()
    (package / "engine.py").write_text("step = 1\n")
    monkeypatch.setattr(fingerprint, "_PACKAGE", package)

    def edit(done: int, total: int) -> None:
        if done > 3 * short.steps:
            (package / "engine.py").write_text("step = 2\n")

    with pytest.raises(InputError, match="code: hedgesim's own files changed during the run"):
        simulator.run(short, out=out, workers=1, progress=edit)
    assert {file.name for file in (out / ".partial").glob("chunk-*")} == {"chunk-000000000"}
    assert not (out / "summary.json").exists()
    with pytest.warns(Notice, match="another version of hedgesim's code"):
        simulator.run(short, out=out, workers=1)
