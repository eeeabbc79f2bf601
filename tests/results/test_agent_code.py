"""What tells two agents of a user's apart: all their state, and all their code looks at."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from simulator.agents.base import Actions, Agent, View
from simulator.runner.agent_code import digest, read

HELPER = "FACTOR = 1.0\n\n\ndef size():\n    return FACTOR\n"
AGENT = """
import importlib

from simulator.agents.base import Agent

{top}


class Looking(Agent):
    def act(self, view):
        {body}
"""
#: What stands at the top of an agent's module, and in its function.
WAYS = {
    "module": ("import looked_helper", "yield looked_helper.size()"),
    "other name": ("import looked_helper as other", "yield other.FACTOR"),
    "function": ("from looked_helper import size", "yield size()"),
    "import in function": ("", "import looked_helper; yield looked_helper.size()"),
    "from in function": ("", "from looked_helper import size; yield size()"),
    "handed on": ("import looked_helper", "yield getattr(looked_helper, 'si' + 'ze')()"),
    "in a table": ("import looked_helper\nTABLE = {'a': looked_helper}", "yield TABLE['a'].size()"),
    "in a package": ("import looked_pack.sub", "yield looked_pack.sub.size()"),
    "package in function": ("", "import looked_pack.sub as sub; yield sub.size()"),
    "by name": ("", "yield importlib.import_module('looked_helper').size()"),
    "through another": ("import looked_between", "yield looked_between.size()"),
    "generator": ("import looked_helper", "yield from (looked_helper.size() for _ in view)"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "looked_helper.py").write_text(HELPER)
    (tmp_path / "looked_between.py").write_text(
        "def size():\n    from looked_helper import size\n    return size()\n"
    )
    (tmp_path / "looked_pack").mkdir()
    (tmp_path / "looked_pack" / "__init__.py").write_text("")
    (tmp_path / "looked_pack" / "sub.py").write_text(HELPER)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("looked_")]:
        del sys.modules[name]


def made(folder: Path, top: str, body: str) -> Agent:
    (folder / "looked_agent.py").write_text(AGENT.format(top=top, body=body))
    return importlib.import_module("looked_agent").Looking()


@pytest.mark.parametrize("way", WAYS)
def test_what_a_helper_holds_is_seen_however_it_is_reached(folder: Path, way: str) -> None:
    agent = made(folder, *WAYS[way])
    first = digest(agent)
    assert first is not None
    helper: Any = importlib.import_module("looked_pack.sub" if "pack" in way else "looked_helper")
    helper.FACTOR = 9.0
    assert digest(agent) not in (None, first)
    helper.FACTOR = 1.0
    assert digest(agent) == first


@pytest.mark.parametrize(
    ("body", "unseen"),
    [
        ("yield eval('siz' + 'e')()", "code that it makes up by eval"),
        (
            "yield importlib.import_module(view.name).size()",
            "a module that it imports by a name it computes",
        ),
    ],
)
def test_code_that_nobody_can_find_is_said(folder: Path, body: str, unseen: str) -> None:
    agent = made(folder, "", body)
    assert read(agent).unseen == (unseen,)
    assert digest(agent) is None


# ------------------------------------------------------------------------------------------- state


class Idle(Agent):
    def act(self, view: View) -> Actions:
        yield from ()


@dataclass(eq=False, slots=True)
class Slotted(Idle):
    what: object = None


class Slots(Idle):
    __slots__ = ("__what",)

    def __init__(self, what: object) -> None:
        self.__what = what


class Silent(Idle):
    """Gives pickle nothing."""

    def __init__(self, what: object) -> None:
        self.what = what

    def __getstate__(self) -> object:
        return None


class Inner:
    __slots__ = ("what",)

    def __init__(self, what: object) -> None:
        self.what = what


class Nested(Silent):
    def __init__(self, what: object) -> None:
        self.inner = Inner([what, self])


class Listed(list[object]):
    pass


class Partial(partial[str]):
    pass


class OfOthers(Silent):
    """Holds what a base written in C keeps."""

    def __init__(self, what: object) -> None:
        self.what = Listed([what]), Partial(repr, what)


@pytest.mark.parametrize("kind", [Slotted, Slots, Silent, Nested, OfOthers])
def test_all_that_an_instance_holds_is_seen(kind: Callable[[object], Agent]) -> None:
    assert digest(kind(1)) == digest(kind(1))
    assert len({digest(kind(1)), digest(kind(2)), digest(kind("1")), None}) == 4


@pytest.mark.parametrize("what", [threading.Lock(), threading.local(), (i for i in range(0))])
def test_what_nobody_can_look_into_is_said(what: object) -> None:
    assert read(Slotted(what)).unseen == (f"a {type(what).__qualname__} that it holds",)
    assert digest(Slotted(what)) is None


def test_equal_values_are_one_whatever_objects_they_are() -> None:
    """Another process makes other objects of them, and walks sets in another order."""
    text, joined = "a longer text", "".join(["a longer", " text"])
    assert text is not joined
    assert digest(Slotted([text, text])) == digest(Slotted([text, joined]))
    backwards = {str(number) for number in reversed(range(64))}
    assert digest(Slotted({str(n) for n in range(64)})) == digest(Slotted(backwards))
    assert digest(Slotted({"a"})) != digest(Slotted({"b"}))


class Meta(type(Idle)):  # type: ignore[misc]
    rate = 1.0


class Made(Idle, metaclass=Meta):
    @cached_property
    def once(self) -> float:
        return 2.0

    def __new__(cls) -> Made:
        return super().__new__(cls)


def test_the_class_of_a_class_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    first = digest(Made())
    assert first is not None
    monkeypatch.setattr(Meta, "rate", 2.0)
    assert digest(Made()) != first
    monkeypatch.setattr(Meta, "rate", 1.0)
    assert digest(Made()) == first
    monkeypatch.setattr(Made, "__new__", staticmethod(lambda kind: Idle.__new__(kind)))  # noqa: PLW0108
    assert digest(Made()) != first


def test_a_modules_own_names_are_no_variables() -> None:
    module = ModuleType("looked_at_nothing")
    one = digest(Slotted(module))
    module.__dict__["__cached__"] = "elsewhere"
    assert digest(Slotted(module)) == one
    module.__dict__["rate"] = 1
    assert digest(Slotted(module)) != one
