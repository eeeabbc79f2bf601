"""The same paths a second time, in a market that liquidations do not move (``run --feedback``)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.result import Result
    from simulator.runner.plan import Plan


def with_and_without(plan: Plan) -> list[Plan]:
    """The plan, and the same where no liquidation moves a price.

    Raises:
        InputError: none could.
    """
    from simulator.world.parties import parties

    protocol = plan.setting()[0]
    if protocol.impact is None or not parties(protocol):
        raise InputError(
            f"feedback = True: in {plan.config.name} no liquidation moves a price; it needs "
            "impact, and somebody leveraged: population, or leveraged agents"
        )
    return [plan, replace(plan, feedback=False)]


def compared(results: Sequence[Result]) -> None:
    """Say in the first of two runs how often as much was lost as in the second, without it."""
    from simulator.results.cascade import feedback

    with_it, without = results
    with_it.summary["cascade"]["feedback"] = feedback(with_it.paths, without.paths)
