"""Failures are told apart by their exit status, each in one line, and nobody's files are lost."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pytest

from simulator.chain.deploy import artifacts
from simulator.cli import status
from simulator.results import store
from simulator.types import InputError, MachineError, UnknownRevertError

from .conftest import COMMAND, Run

SHORT = ("calm", "--set", "horizon_hours=6", "--paths", "2")


@pytest.mark.parametrize(
    ("error", "ends_with"),
    [
        (InputError("x = 1: must be 2"), 2),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "file/x"), 2),
        (OSError(errno.ENOSPC, "No space left on device", "out"), 3),
        (OSError(errno.EROFS, "Read-only file system", "out"), 3),
        (PermissionError(errno.EACCES, "Permission denied", "out"), 3),
        (OSError("512 requested and 0 written"), 3),  # as numpy says that a disk is full
        (MemoryError(), 3),
        (BrokenProcessPool("a process was terminated abruptly"), 3),
        (ModuleNotFoundError("No module named 'pyrevm'"), 3),
        (MachineError("a worker was killed"), 3),
        (artifacts.ArtifactError("SwapRouter.json is missing: run `make setup`"), 3),
        (KeyboardInterrupt(), 130),
    ],
)
def test_every_failure_has_its_status_and_one_line(
    error: BaseException, ends_with: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status.report(error) == ends_with
    said = capsys.readouterr().err
    assert said.startswith("hedgesim: ")
    assert said.count("\n") == 1
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("header", "symbol", "cell"),
    [
        ("close", "EVIL", "1.0"),
        ("EVIL", "ETHUSDT", "1.0"),
        ("close", "ETHUSDT", "EVIL"),
    ],
)
def test_what_a_file_holds_does_not_order_the_terminal_about(
    called: Run, tmp_path: Path, header: str, symbol: str, cell: str
) -> None:
    """Symbols, headers and cells come from a file; an escape sequence in one is shown."""
    rows = [f"timestamp,symbol,{header}"]
    for day in range(1, 9):
        rows += [f"2024-01-{day:02},{name},{cell}" for name in (symbol, "BTCUSDT")]
    text = "\n".join(rows).replace("EVIL", "\x1b[31m\x07\u202eSOL\x9b2J")
    (tmp_path / "prices.csv").write_text(text)
    ran = called("run", "calm", "--prices", "prices.csv", "--lp", "ETH", "--hedge", "BTC")
    assert ran.returncode == 2
    assert r"\x1b[31m\x07\u202e" in ran.stderr
    assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(ran.stderr)


def test_signs_that_are_only_shown_stay_as_they_are() -> None:
    assert status.printable("ß – 中 \u202f\n") == "ß – 中 \u202f\n"


@pytest.mark.parametrize("error", [UnknownRevertError("clearing: new"), ZeroDivisionError("/ 0")])
def test_a_bug_is_neither_a_requirement_nor_input_nor_the_machine(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status.report(error) == 70
    assert "a bug, please report it" in capsys.readouterr().err


def test_a_bug_in_a_command_shows_where_it_is(called: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("simulator.config.scenarios", broken)
    ran = called("scenarios")
    assert ran.returncode == 70
    assert "in broken" in ran.stderr


def test_a_place_that_cannot_be_made_is_the_machines_fault(called: Run) -> None:
    ran = called("run", *SHORT, "--out", "/proc/x")
    assert ran.returncode == 3
    assert ran.stderr.splitlines() == [
        "hedgesim: out = /proc/x: cannot be made: No such file or directory"
    ]


def test_a_file_in_the_way_is_bad_input(called: Run, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    for place in ("notes", "notes/below"):
        ran = called("run", *SHORT, "--out", place)
        assert ran.returncode == 2, ran.stderr
        assert "notes" in ran.stderr
    assert (tmp_path / "notes").read_text() == "mine"


@pytest.mark.parametrize("name", ["paths.parquet", "report.html"])
def test_a_full_disk_ends_with_3_and_nothing_half_written(
    called: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    replace = Path.replace

    def full(self: Path, target: Path) -> Path:
        if Path(target).name == name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))
        return replace(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        ran = called("run", *SHORT, "--out", "there")
    assert ran.returncode == 3
    assert "No space left on device" in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert ran.stdout == ""
    there = tmp_path / "there"
    assert not (there / name).exists()
    assert not list(there.rglob("*.tmp"))
    again = called("run", *SHORT, "--out", "there")  # goes on, with room again
    assert again.returncode == 0, again.stderr
    assert (there / "report.html").is_file()


def test_a_disk_that_takes_part_of_an_array_is_called_full(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """NumPy gives neither errno nor cause. The full disk is a limit on the size of files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, hard))
        with pytest.raises(OSError, match="requested and") as caught:
            np.save(tmp_path / "fan.npy", np.zeros(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert status.report(caught.value) == 3
    said = capsys.readouterr().err
    assert said.startswith("hedgesim: no space left on device, or a quota is reached (100000 req")
    assert said.endswith("; make room; the same command goes on from here\n")


def test_no_memory_and_no_artifacts_end_with_3(
    called: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def starved(*_: object, **__: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr("simulator.runner.workers.simulate_market", starved)
        ran = called("run", *SHORT, "--workers", "1", "--out", "there")
    assert (ran.returncode, ran.stdout) == (3, "")
    assert "out of memory" in ran.stderr
    monkeypatch.setattr(artifacts, "ROOT", tmp_path)
    artifacts.load.cache_clear()
    ran = called("run", *SHORT, "--world", "chain", "--workers", "1", "--out", "elsewhere")
    artifacts.load.cache_clear()
    assert ran.returncode == 3
    assert "make setup" in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_a_full_stdout_is_no_success() -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [COMMAND, "scenarios"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ran.returncode == 3
    assert ran.stderr == (
        "hedgesim: No space left on device; make room; the same command goes on from here\n"
    )


# ------------------------------------------------------------------------------- files of others


def test_a_directory_that_holds_other_files_is_refused_and_left_alone(
    called: Run, tmp_path: Path
) -> None:
    place = tmp_path / "thesis"
    place.mkdir()
    for name in ("report.html", "paths.parquet", "chapter.md"):
        (place / name).write_text("mine")
    ran = called("run", *SHORT, "--out", "thesis")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "--force" in ran.stderr
    assert "report.html" in ran.stderr
    assert {file.read_text() for file in place.iterdir()} == {"mine"}
    forced = called("run", *SHORT, "--out", "thesis", "--force")
    assert forced.returncode == 0, forced.stderr
    assert (place / "chapter.md").read_text() == "mine"


def test_a_run_is_made_anew_where_an_earlier_one_was_but_not_over_what_was_put_beside_it(
    called: Run, tmp_path: Path
) -> None:
    arguments = ("run", *SHORT, "--out", "there", "--workers", "1")
    assert called(*arguments).returncode == 0
    assert called(*arguments).returncode == 0
    report = tmp_path / "there" / "report.html"
    written = report.read_text()
    for name, text in (
        ("report.html", "<title>my own</title>"),
        ("notes.txt", "mine"),
        ("config.yaml", (tmp_path / "there" / "config.yaml").read_text() + "# mine\nseed: 9\n"),
        ("config.yaml", (tmp_path / "there" / "config.yaml").read_text() + "# only a remark\n"),
    ):
        file = tmp_path / "there" / name
        before = file.read_text() if file.exists() else None
        file.write_text(text)
        ran = called(*arguments)
        assert ran.returncode == 2, name
        assert name in ran.stderr
        assert file.read_text() == text
        if before is None:
            file.unlink()
        else:
            file.write_text(before)
    report.write_text("<title>my own</title>")
    ran = called("report", "there")
    assert ran.returncode == 2
    assert report.read_text() == "<title>my own</title>"
    assert called("report", "there", "--force").returncode == 0
    assert report.read_text() == written


def test_pictures_and_paths_are_made_anew_but_not_over_anothers(
    called: Run, tmp_path: Path
) -> None:
    arguments = ("paths", "draw", *SHORT, "--out", "few.parquet")
    assert called(*arguments).returncode == 0
    assert called(*arguments).returncode == 0
    (tmp_path / "few.png").write_bytes(b"\x89PNG of a cat")
    ran = called(*arguments)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "few.png" in ran.stderr
    assert (tmp_path / "few.png").read_bytes() == b"\x89PNG of a cat"
    assert called(*arguments, "--force").returncode == 0


def test_a_file_there_to_be_edited_is_never_written_over_unasked(
    called: Run, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("# hedgesim run mine.yaml\n")
    fit = ("paths", "fit", "nowhere.csv", "--process", "t", "--symbols", "ETH=ETHUSDT")
    ran = called(*fit, "--out", "mine.yaml")
    assert ran.returncode == 2
    assert "mine.yaml: is there already" in ran.stderr
    assert "nowhere.csv" in called(*fit, "--out", "mine.yaml", "--force").stderr


def test_a_run_that_cannot_be_saved_leaves_no_mixture_of_two(
    called: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("run", *SHORT, "--out", "there", "--workers", "1")
    assert called(*arguments).returncode == 0

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("simulator.results.dataset.write_json", full)
    assert called(*arguments, "--seed", "9").returncode == 3
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    ran = called("report", "there")
    assert ran.returncode == 2
    assert "no finished run" in ran.stderr
    assert store.PARTIAL in {file.name for file in (tmp_path / "there").iterdir()}
