"""The door is compiled by a process of its own where it was not compiled before, and only there."""

from __future__ import annotations

import os
from typing import Any

import numba
import pytest

from simulator import load_config, run
from simulator.engine.beside import beside
from simulator.engine.door import DOOR
from simulator.model.kernel import jit

pytestmark = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")


def test_what_is_on_disk_is_compiled_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    run(load_config("calm", ["horizon_hours=24"]), paths=2, workers=1)
    assert jit.is_kept(DOOR)

    def refuse() -> int:
        raise AssertionError("a process was begun")

    monkeypatch.setattr(os, "fork", refuse)
    with beside(DOOR, refuse):
        pass
    run(load_config("calm", ["horizon_hours=24"]), paths=2, workers=1)


def test_what_is_not_is_compiled_elsewhere_and_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr("simulator.engine.beside.is_kept", lambda _: False)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    made = tmp_path / "made"
    with beside(DOOR, lambda: made.write_text(str(os.getpid()))):
        pass
    assert int(made.read_text()) != os.getpid()


def test_one_that_fails_there_is_left_to_who_calls_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.engine.beside.is_kept", lambda _: False)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)

    def fail() -> None:
        raise ValueError

    with beside(DOOR, fail):
        pass
