"""An adversary beside the agents: it tries every action on every path when nobody has a reason to.

The keeper never asks inside its own band, nor the liquidator for a healthy account: of a rule that
is looser in one world than in the other, agents alone would show nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.agents.base import Actions, Agent, View
from simulator.market.streams import Stream
from simulator.verify.attempts import Attempt, by_state_alone, calls
from simulator.verify.transcript import PROBER
from simulator.world.actions import Trade
from simulator.world.protocol import AgentSlot

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.types import Floats
    from simulator.world.actions import Action
    from simulator.world.protocol import Protocol

#: Part of the steps of a path at which something is tried, half before the agents, half after them.
PROBED = 0.25
BEFORE, AFTER = TURNS = (1, 2)
# What it holds of each token it may use, and the margin it trades on, USD: so little that what it
# tries comes up against initial margin, and its account near liquidation.
_WEALTH, _MARGIN = 1e5, 4e3
# How many positions in the pool it may hold.
_POSITIONS = 2
# What the state alone decides is tried more often than what arguments do; so are trades.
_OFTEN = 3


@dataclass(frozen=True, eq=False)
class Script:
    """What is tried when: the same for both worlds, and for a path whatever the others are.

    ``turn``, ``call`` ``[steps + 1, paths]``: 0, :data:`BEFORE` or :data:`AFTER` the agents, and
    which of ``kinds``. ``numbers`` ``[paths, steps + 1, n]``, uniform: what arguments are made of.
    """

    kinds: tuple[type[Action], ...]
    turn: NDArray[np.int8]
    call: NDArray[np.intp]
    numbers: Floats


def script(
    protocol: Protocol, seed: int, first_path: int, paths: int, steps: int, probed: float = PROBED
) -> Script:
    """Draw it; every action comes up as often as another of its sort, on every path."""
    kinds = tuple(calls(protocol))
    deck = [
        index
        for index, kind in enumerate(kinds)
        for _ in range(_OFTEN if by_state_alone(kind) or kind is Trade else 1)
    ]
    turn = np.zeros((steps + 1, paths), np.int8)
    call = np.zeros((steps + 1, paths), np.intp)
    numbers = np.empty((paths, steps + 1, 10 + protocol.markets))
    for path, generator in enumerate(Stream(seed, "probes").paths(first_path, paths)):
        drawn = generator.random(steps + 1)
        turn[:, path] = np.where(drawn < probed, np.where(drawn < probed / 2, BEFORE, AFTER), 0)
        due = np.flatnonzero(turn[:, path])
        decks = [generator.permutation(deck) for _ in range(-(-len(due) // len(deck)))]
        if decks:
            call[due, path] = np.concatenate(decks)[: len(due)]
        numbers[path] = generator.random(numbers.shape[1:])
    return Script(kinds, turn, call, numbers)


@dataclass(eq=False)
class Prober(Agent):
    """Tries what its script says for its turn, on each path by itself."""

    script: Script
    turn: int
    slot: AgentSlot | None = None

    def act(self, view: View) -> Actions:
        """Calls that differ in amounts alone are one action."""
        protocol = view.protocol
        tried: dict[tuple[Any, ...], list[Attempt]] = {}
        for path in np.flatnonzero(self.script.turn[view.step] == self.turn).tolist():
            kind = self.script.kinds[self.script.call[view.step, path]]
            numbers = iter(self.script.numbers[path, view.step].tolist())
            attempt = Attempt(kind, protocol, view, path, numbers)
            attempt.draw()
            tried.setdefault((kind, *attempt.chosen.values()), []).append(attempt)
        for (kind, *_), attempts in tried.items():
            yield kind(**attempts[0].chosen, **columns(attempts, view.market.paths))


def columns(attempts: Sequence[Attempt], paths: int) -> dict[str, Any]:
    """The values of attempts, ``[..., paths]``; zero or False on the other paths."""
    found = {}
    for name, value in attempts[0].values.items():
        column = np.zeros((*np.shape(value), paths), np.asarray(value).dtype)
        for attempt in attempts:
            column[..., attempt.path] = attempt.values[name]
        found[name] = column
    return found


def slot(protocol: Protocol) -> AgentSlot:
    """Its wallet, and USDC in a margin account."""
    legs = protocol.aave.legs if protocol.aave is not None else ()
    others = protocol.lending.others if protocol.lending is not None else ()
    return AgentSlot(
        PROBER,
        usdc=_WEALTH,
        base=_WEALTH / protocol.assets[1].price,
        has_account=True,
        margin=(_MARGIN, *(0.0 for _ in protocol.clearing.collaterals[1:])),
        hedge=tuple(_WEALTH / protocol.assets[leg.reserve.asset].price for leg in legs),
        # In a StableSwap nobody but the vault is counted.
        positions=_POSITIONS if protocol.stable is None else 0,
        listed=tuple(_WEALTH / protocol.assets[asset].price for asset in others),
    )
