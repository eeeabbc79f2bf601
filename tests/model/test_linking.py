"""A kernel is closed: of all the functions in its machine code others see its own alone.

Numba numbers functions in the order in which a process defines them, and names them by it. Two
processes that compiled for one cache gave two functions one name; the loader then put one in the
other's place.
"""

from __future__ import annotations

from typing import Any

import numba
import pytest

from simulator import load_config, run
from simulator.config import load, resolve, scenarios
from simulator.config.random import random_config
from simulator.engine import compiled, door
from simulator.model.kernel.record import counts_of


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")
@pytest.mark.parametrize("function", [compiled._run, door.DOOR], ids=["run", "door"])
def test_nothing_that_a_kernel_reaches_has_a_name_outside_it(function: Any) -> None:
    run(load_config("calm", ["horizon_hours=24"]), paths=2, workers=1)
    assert function.overloads
    for made in function.overloads.values():
        functions = [
            one
            for one in made.library._get_module_for_linking().functions
            if not one.is_declaration
        ]
        inside = [one.name for one in functions if one.linkage.name == "internal"]
        seen = [one.name for one in functions if one.linkage.name != "internal"]
        own = made.fndesc.mangled_name.removeprefix("_ZN")
        assert inside, "all was put inside: this shows nothing"
        assert seen == [name for name in seen if own in name], seen


def test_built_in_and_random_scenarios_are_one_type_of_record() -> None:
    """Whatever has more of something is compiled for anew, which takes a minute."""
    protocols = [
        *(resolve(load(name)) for name in scenarios()),
        *(resolve(random_config(seed, number)) for seed in (1, 2, 3) for number in range(20)),
    ]
    rooms = {counts_of(protocol).room() for protocol in protocols}
    assert len(rooms) == 1
