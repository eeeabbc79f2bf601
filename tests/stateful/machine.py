"""The rules as a state machine of Hypothesis, which shrinks what fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.stateful.checked import CheckedWorld, prologue
from tests.stateful.draws import HypothesisDraw
from tests.stateful.driver import Failure
from tests.stateful.genesis import VARIANTS
from tests.stateful.rules import RULES


class SystemMachine(RuleBasedStateMachine):
    """One method per rule, made below."""

    @initialize(variant=st.sampled_from(VARIANTS), data=st.data())
    def start(self, variant: str, data: Any) -> None:
        self.world = CheckedWorld(variant)
        for name, arguments in prologue(HypothesisDraw(data)):
            self.do(name, arguments)

    def do(self, name: str, arguments: list[Any]) -> None:
        """The operation; what fails is printed as a script for ``replay.py``."""
        try:
            self.world.do(name, arguments)
        except Exception as error:
            failure = Failure(self.world.variant, list(self.world.history), repr(error))
            print(failure.script())
            raise


def _method(name: str) -> Callable[..., None]:
    def method(self: SystemMachine, data: Any) -> None:
        self.do(name, RULES[name].propose(self.world, HypothesisDraw(data)))

    method.__name__ = f"rule_{name}"
    return rule(data=st.data())(method)


for _name in RULES:
    setattr(SystemMachine, f"rule_{_name}", _method(_name))
