"""Gas units each action costs its actor: one schedule, charged in both worlds.

Agents decide with these numbers and results charge them, so the two worlds agree to the last digit.
``tests/chain/test_gas_schedule.py`` measures the real transactions and keeps the schedule honest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.world.actions import ACTIONS, Action

if TYPE_CHECKING:
    from collections.abc import Mapping

GAS_UNITS: Mapping[type[Action], int] = {kind: kind.spec.gas for kind in ACTIONS}
