"""What is ours in a directory and what is not, told by what stands in the files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import simulator
from simulator.comparison import compare
from simulator.results.directory import (
    TABLE,
    claim_file,
    claimed,
    foreign_to_run,
    foreign_to_study,
)
from simulator.runner import forget
from simulator.types import InputError, MachineError

PAGE = "<!doctype html><title>BTC – hedgesim</title>"


def test_a_study_is_told_by_its_pages(tmp_path: Path) -> None:
    for name, text in (
        ("SOL.html", PAGE),
        ("SOL-1h.parquet", "…"),
        ("figures.csv", "target"),
        (".figures.csv.123.tmp", "left"),
    ):
        (tmp_path / name).write_text(text)
    with claimed(tmp_path, foreign_to_study):
        pass
    (tmp_path / "ETH.html").write_text("<title>my notes</title>")
    (tmp_path / "ETH-1h.parquet").write_text("mine")
    assert sorted(foreign_to_study(tmp_path)) == ["ETH-1h.parquet", "ETH.html"]
    with (
        pytest.raises(InputError, match=r"ETH-1h\.parquet, ETH\.html.*--force"),
        claimed(tmp_path, foreign_to_study),
    ):
        pass
    with claimed(tmp_path, foreign_to_study, force=True):
        pass


def test_figures_of_nobodys_study_are_not_ours(tmp_path: Path) -> None:
    (tmp_path / "figures.csv").write_text("mine")
    assert list(foreign_to_study(tmp_path)) == ["figures.csv"]


def test_a_comparison_is_its_summary_and_the_runs_below(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text('{"hedgesim": "0.1.0"}')
    (tmp_path / "report.html").write_text(PAGE)
    below = tmp_path / "gross"
    below.mkdir()
    (below / "summary.json").write_text('{"hedgesim": "0.1.0"}')
    (below / "paths.parquet").write_text("…")
    assert not list(foreign_to_run(tmp_path))
    (below / "notes.md").write_text("mine")
    assert list(foreign_to_run(tmp_path)) == ["gross/notes.md"]


def test_chunks_of_a_run_are_ours_and_nothing_beside_them(tmp_path: Path) -> None:
    """The directory is thrown away with all that is in it."""
    partial = tmp_path / ".partial"
    for name in ("chunk-000000000/fan.npy", ".chunk-000000800.tmp/paths.npy", "run.json",
                 ".run.json.12.tmp", ".stop"):  # fmt: skip
        (partial / name).parent.mkdir(parents=True, exist_ok=True)
        (partial / name).write_text("…")
    assert not list(foreign_to_run(tmp_path))
    (partial / "thesis.txt").write_text("mine")
    (partial / "chunk-000000000" / "notes.txt").write_text("mine")
    (partial / "chapters").mkdir()
    found = ["chapters", "chunk-000000000/notes.txt", "thesis.txt"]
    assert list(foreign_to_run(tmp_path)) == [f".partial/{name}" for name in found]
    forget(tmp_path)
    assert (partial / "thesis.txt").read_text() == "mine"
    with pytest.raises(InputError, match=r"\.partial/chapters, .*--force"):
        simulator.run("calm", paths=1, out=tmp_path, workers=1)
    assert (partial / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("summary", ["", "[]", '{"author": "me"}', None])
def test_a_summary_of_anothers_makes_nothing_ours(tmp_path: Path, summary: str | None) -> None:
    if summary is not None:
        (tmp_path / "summary.json").write_text(summary)
    (tmp_path / "paths.parquet").write_text("mine")
    assert "paths.parquet" in set(foreign_to_run(tmp_path))


def test_a_table_is_made_anew_but_not_over_other_words(tmp_path: Path) -> None:
    table = tmp_path / "study.md"
    table.write_text("# Hedges\n\nWritten by `hedgesim hedge prices.parquet --all`;\n")
    claim_file(table, mark=TABLE)
    table.write_text("# What I think of `hedgesim hedge`\n")
    with pytest.raises(InputError, match=r"study\.md: is there already"):
        claim_file(table, mark=TABLE)


def test_a_link_is_followed_nowhere(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert list(foreign_to_run(tmp_path)) == ["loop"]


def test_a_directory_of_the_machines_is_the_machines_fault() -> None:
    with (
        pytest.raises(MachineError, match="/proc/x: cannot be made"),
        claimed(Path("/proc/x"), foreign_to_run),
    ):
        pass
    with pytest.raises(MachineError, match="/proc/x: cannot be made"):
        claim_file(Path("/proc/x/paths.parquet"))


HOLDS = """
import sys, time
from pathlib import Path
from simulator.results.directory import claimed, foreign_to_run
with claimed(Path(sys.argv[1]), foreign_to_run):
    print("held", flush=True)
    time.sleep(600)
"""


def test_two_at_once_do_not_mix_their_files(tmp_path: Path) -> None:
    """While another process writes there; once it is gone, however it went, the place is free."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        for force in (False, True):
            with pytest.raises(InputError, match="another hedgesim is writing there"):
                simulator.run("calm", paths=1, out=tmp_path, force=force)
        assert list(tmp_path.iterdir()) == []
        other.kill()
    with claimed(tmp_path, foreign_to_run):
        pass


def test_a_comparison_holds_its_directory_and_those_below(tmp_path: Path) -> None:
    config = simulator.load_config("calm", ["paths=1", "horizon_hours=2"])
    with (
        claimed(tmp_path / "a", foreign_to_run),
        pytest.raises(InputError, match=f"{tmp_path / 'a'}: another hedgesim"),
    ):
        compare({"a": config, "b": config}, out=tmp_path)
