"""What is installed; an installation that cannot be written, and a user without a home."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "simulator"
#: Every module, so that every function that is cached on disk meets its cache; and some compiled.
PROGRAM = """
import importlib, pkgutil
import simulator
print(simulator.__file__)
for found in pkgutil.walk_packages(simulator.__path__, "simulator."):
    if "__main__" not in found.name and ".chain" not in found.name:
        importlib.import_module(found.name)
import numpy as np
from simulator import hedging
from simulator.market.draw import draw
print(hedging.covariance(np.random.default_rng(1).standard_normal((2, 50, 3)))[0, 0, 0] > 0)
print(draw(simulator.load_config("calm", ["horizon_hours=24"]).market, 0, 2).index.shape)
from matplotlib import pyplot
print(pyplot.figure().number)
"""
_DROP, _OVERRIDE, _READ_SEARCH = 24, 1, 2  # prctl(2), capabilities(7)


def _heed_permissions() -> None:
    """Also of root: without these capabilities its writes are checked as anybody's."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (_OVERRIDE, _READ_SEARCH):
            if libc.prctl(_DROP, capability, 0, 0, 0):
                raise OSError(ctypes.get_errno(), "PR_CAPBSET_DROP")


def test_every_file_of_the_package_is_shipped() -> None:
    """``py.typed`` among them: without it a type checker takes nothing from our annotations."""
    settings = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["*"]
    files = [path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix != ".py"]
    beside = [file for file in files if "__pycache__" not in file.parts]
    assert PACKAGE / "py.typed" in beside
    left_out = [file for file in beside if not any(file.match(pattern) for pattern in patterns)]
    assert left_out == []


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Path]:
    """A copy of the package nobody may write."""
    copy = tmp_path / "site" / "simulator"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for place in (copy, *copy.rglob("*")):
        place.chmod(0o555 if place.is_dir() else 0o444)
    yield copy.parent
    for place in (copy, *copy.rglob("*")):
        if place.is_dir():
            place.chmod(0o755)


@pytest.mark.skipif(sys.platform != "linux", reason="drops capabilities as Linux has them")
@pytest.mark.parametrize("home", [None, "/proc/nowhere"])
def test_a_read_only_installation_works_without_a_home(
    installed: Path, tmp_path: Path, home: str | None
) -> None:
    """Numba refused every cached function; the warning of Matplotlib is for users to see."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(installed),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(temporary),
        "XDG_CACHE_HOME": "/proc/nowhere",
    }
    if home is not None:
        environment["HOME"] = home
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, cwd=tmp_path, timeout=400,
        capture_output=True, text=True, check=False, preexec_fn=_heed_permissions,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == str(installed / "simulator" / "__init__.py")
    assert done.stdout.splitlines()[1:] == ["True", "(4, 25, 2)", "1"]
    assert done.stderr == ""
    (cache,) = temporary.glob("hedgesim-*")
    assert list(cache.rglob("*.nbi"))
    assert not list(installed.rglob("*.nbi"))


def test_the_models_kernels_are_kept_where_numba_is_told(tmp_path: Path) -> None:
    """Else what the bench says of a first run would be of kernels compiled long before."""
    told = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "deep" / "er")}
    program = "from simulator.model.kernel import jit; print(jit._CACHE_DIRECTORY, jit.is_cold())"
    said = subprocess.run(
        [sys.executable, "-c", program], env=told, capture_output=True, text=True, check=True
    )
    where, cold = said.stdout.split()
    assert Path(where).parent == tmp_path / "deep" / "er"
    assert cold == "True"
