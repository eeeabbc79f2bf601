"""The public functions refuse what their docstrings do not allow, before anything is simulated."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import simulator
from simulator import InputError
from simulator.fuzz import verify_random
from simulator.study.studies import study_all
from simulator.verify import verify

SHORT = simulator.load_config("calm", ["horizon_hours=2", "paths=2"])
NAN = float("nan")
#: No counts: below one, not whole, a flag, no number.
NO_COUNT = (0, -1, 1.5, True, "2", NAN)
#: No lists of texts; a text alone is a list of its letters.
NO_TEXTS = ("liquidation_probability <= 0.01", "idle", 3, [3], [None])

GOOD: dict[Callable[..., Any], dict[str, Any]] = {
    simulator.run: {"config": SHORT, "workers": 1},
    simulator.compare: {"configs": {"a": SHORT, "b": SHORT}, "workers": 1},
    verify: {"config": SHORT, "paths": 1, "workers": 1},
    verify_random: {"seed": 1, "count": 1, "steps": 1, "workers": 1},
    study_all: {"file": "none.csv", "targets": [], "settings": [], "workers": 1},
    simulator.load_config: {"name_or_path": "calm"},
    simulator.resolve: {"config": SHORT},
}
BAD: dict[Callable[..., Any], dict[str, tuple[Any, ...]]] = {
    simulator.run: {
        "config": (3, None, [SHORT], "nowhere"),
        "paths": (0, -1, 1.5, True, NAN),
        "seed": (-1, 1.5, True, "x", NAN),
        "world": ("x", 3, None),
        "agents": (3, [3], [None], "x", [simulator.Agent]),
        "workers": (*NO_COUNT, None),
        "requirements": (*NO_TEXTS, ["no requirement"]),
        "allow": (*NO_TEXTS, ["no finding"]),
        "record": NO_COUNT,
    },
    simulator.compare: {
        "configs": ({}, 3, [SHORT], {"a": "calm"}, {1: SHORT}),
        "settings": ({}, {"a": {}}, 3),
        "workers": (*NO_COUNT, None),
        "requirements": NO_TEXTS,
        "allow": (*NO_TEXTS, ["no finding"]),
        "world": ("x",),
        "record": NO_COUNT,
    },
    verify: {
        "config": (3, None, "calm"),
        "paths": (*NO_COUNT, None),
        "steps": (*NO_COUNT, 3),
        "workers": (*NO_COUNT, None),
    },
    verify_random: {
        "seed": (-1, 1.5, True, "x", NAN),
        "count": NO_COUNT,
        "paths": NO_COUNT,
        "steps": NO_COUNT,
        "workers": NO_COUNT,
    },
    study_all: {"workers": NO_COUNT},
    simulator.load_config: {
        "name_or_path": (3, None, "", "nowhere"),
        "overrides": ("paths=3", 3, [3], ["paths"], ["nothing=1"]),
    },
    simulator.resolve: {"config": (3, None, "calm")},
}
CASES = [
    pytest.param(function, argument, value, id=f"{function.__name__}-{argument}-{n}")
    for function, arguments in BAD.items()
    for argument, values in arguments.items()
    for n, value in enumerate(values)
]
#: How the command line calls it, in whose messages it is named so.
SAID = {
    "configs": "configs|alternatives",
    "count": "random",
    "name_or_path": "scenario",
    "requirements": "requirements|require",
    "overrides": "overrides|override|nothing|paths",
    "config": "config|scenario",
}


@pytest.mark.parametrize(("function", "argument", "value"), CASES)
def test_what_is_not_allowed_is_refused_by_name(
    function: Callable[..., Any], argument: str, value: Any
) -> None:
    with pytest.raises(InputError, match=rf"^({SAID.get(argument, argument)})\b"):
        function(**{**GOOD[function], argument: value})


@pytest.mark.parametrize("function", [simulator.load_config, simulator.resolve])
def test_what_the_table_calls_good_is_taken(function: Callable[..., Any]) -> None:
    assert partial(function, **GOOD[function])() is not None
