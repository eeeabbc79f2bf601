"""Compiled functions in files: what a process reads is what another compiled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from simulator.kernel_files import SUFFIX

pytestmark = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")

_MODULE = """
from simulator.kernel_files import njit

@njit(cache=True)
def double(x):
    return {factor} * x

@njit(cache=True)
def total(values):
    found = 0.0
    for value in values:
        found += double(value)
    return found
"""
_LINKING = """from others import double

@njit(cache=True)
def again(x):
    return double(x)
"""
# What the function comes to, and how often it was compiled and found in a file.
_ASK = """
import numpy as np
import functions
asked = getattr(functions, {name!r})
print(asked({given}), sum(asked.stats.cache_misses.values()), sum(asked.stats.cache_hits.values()))
"""


def _ask(folder: Path, name: str, given: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", _ASK.format(name=name, given=given)],
        check=False,
        env=os.environ | {"PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": str(folder / "kept")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "functions.py").write_text(_MODULE.format(factor=2))
    return tmp_path


def test_a_function_is_compiled_once_for_each_signature(folder: Path) -> None:
    assert _ask(folder, "double", "1.5") == ["3.0", "1", "0"]
    assert _ask(folder, "double", "1.5") == ["3.0", "0", "1"]
    assert _ask(folder, "double", "3") == ["6", "1", "0"]
    assert _ask(folder, "double", "3") == ["6", "0", "1"]
    assert len(list((folder / "kept").rglob(f"*{SUFFIX}"))) == 2


def test_what_was_read_from_a_file_is_compiled_into_others(folder: Path) -> None:
    assert _ask(folder, "double", "1.5") == ["3.0", "1", "0"]
    assert _ask(folder, "total", "np.arange(4.0)") == ["12.0", "1", "0"]
    assert _ask(folder, "total", "np.arange(4.0)") == ["12.0", "0", "1"]


def test_another_source_is_compiled_anew(folder: Path) -> None:
    assert _ask(folder, "double", "1.5") == ["3.0", "1", "0"]
    (folder / "functions.py").write_text(_MODULE.format(factor=10))
    assert _ask(folder, "double", "1.5") == ["15.0", "1", "0"]


def test_another_source_of_what_is_linked_in_is_compiled_anew(folder: Path) -> None:
    (folder / "others.py").write_text((folder / "functions.py").read_text())
    linking = _MODULE.format(factor=2).partition("@njit")[0] + _LINKING
    (folder / "functions.py").write_text(linking)
    assert _ask(folder, "again", "1.5") == ["3.0", "1", "0"]
    (folder / "others.py").write_text(_MODULE.format(factor=10))
    assert _ask(folder, "again", "1.5") == ["15.0", "1", "0"]
    assert _ask(folder, "again", "1.5") == ["15.0", "0", "1"]


@pytest.mark.parametrize("kept", [0, 10, 200, -1])
def test_a_file_cut_short_is_compiled_anew(folder: Path, kept: int) -> None:
    assert _ask(folder, "total", "np.arange(4.0)") == ["12.0", "1", "0"]
    files = list((folder / "kept").rglob(f"*{SUFFIX}"))
    assert len(files) == 2
    for file in files:
        file.write_bytes(file.read_bytes()[:kept])
    assert _ask(folder, "total", "np.arange(4.0)") == ["12.0", "1", "0"]
    assert _ask(folder, "total", "np.arange(4.0)") == ["12.0", "0", "1"]


@pytest.mark.parametrize("place", [0.0, 0.3, 0.6, 0.9])
def test_a_file_that_is_damaged_is_compiled_anew(folder: Path, place: float) -> None:
    assert _ask(folder, "double", "1.5") == ["3.0", "1", "0"]
    (file,) = (folder / "kept").rglob(f"*{SUFFIX}")
    data = bytearray(file.read_bytes())
    data[int(place * len(data))] ^= 1
    file.write_bytes(data)
    assert _ask(folder, "double", "1.5") == ["3.0", "1", "0"]
