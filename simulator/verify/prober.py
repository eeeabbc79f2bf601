"""An adversary beside the agents: it tries every action on every path when nobody has a reason to.

The keeper never asks inside its own band, nor the liquidator for a healthy account: of a rule that
is looser in one world than in the other, agents alone would show nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.agents.base import Actions, Agent, View
from simulator.market.streams import Stream
from simulator.world import actions
from simulator.world.actions import Action
from simulator.world.protocol import FACTOR_COLUMNS, FACTOR_SCALE, AgentSlot

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.types import Floats
    from simulator.world.protocol import Protocol

#: Every action there is: a new one is tried without being named here.
KINDS: tuple[type[Action], ...] = tuple(
    kind
    for kind in map(actions.__dict__.__getitem__, actions.__all__)
    if issubclass(kind, Action) and kind is not Action
)
#: Part of the steps of a path at which something is tried, half before the agents, half after them.
PROBED = 0.25
NAME = "prober"
#: What it holds of each token it may use, USD, and the values it tries: from a raw USDC unit to
#: more than it has.
_WEALTH, _LEAST, _MOST = 1e5, 1e-6, 3e5
# What the state alone decides (no amount to choose) is tried more often than what arguments do.
_OFTEN = 3
# Tried in somebody else's name once in so many calls, and of a vault's account where one is named.
_OTHERS, _VAULTS = 0.25, 0.5

_SIGNED = (actions.Swap, actions.Trade, actions.PostMargin)
# The clearing house settles these with the caller's own account.
_OF_AN_ACCOUNT = (
    actions.Trade,
    actions.PostMargin,
    actions.Liquidate,
    actions.LiquidateCollateral,
    actions.LiquidatePledge,
)

BEFORE, AFTER = TURNS = (1, 2)  # the agents


@dataclass
class _Attempt:
    """One call on one path while its arguments are drawn, in whole units."""

    kind: type[Action]
    protocol: Protocol
    view: View
    path: int
    numbers: Iterator[float]  # uniform on [0, 1)
    chosen: dict[str, int | None] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    def one_of(self, options: Sequence[int | None]) -> int | None:
        return options[int(next(self.numbers) * len(options))]

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * next(self.numbers)

    @property
    def asset(self) -> int:
        """What an amount is of, but for USDC paid or asked for."""
        clearing, aave = self.protocol.clearing, self.protocol.aave
        if (collateral := self.chosen.get("collateral")) is not None:
            return clearing.collaterals[collateral].asset
        if (market := self.chosen.get("market")) is not None:
            return clearing.markets[market].asset
        if (leg := self.chosen.get("leg")) is not None and aave is not None:
            return aave.legs[leg].reserve.asset
        return 1

    @property
    def price(self) -> float:
        """Of that, now, USD."""
        return float(self.view.index(self.asset)[self.path])


# ---------------------------------------------------------------------------------------- arguments
# Drawn from what both worlds have in common to the bit (parameters, market), never from the state,
# whose last digits may differ.


def _usd(attempt: _Attempt) -> float:
    return float(np.exp(attempt.between(np.log(_LEAST), np.log(_MOST))))


def _tokens(attempt: _Attempt) -> float:
    """Of the asset; for a signed action either side, and USDC where a swap sells that."""
    worth = _usd(attempt)
    if not issubclass(attempt.kind, _SIGNED):
        return worth / attempt.price
    if next(attempt.numbers) < 0.5:
        return worth / attempt.price
    return -worth if attempt.kind is actions.Swap else -worth / attempt.price


def _limit(attempt: _Attempt) -> float:
    """Worst price of what is bought or sold: mostly fair, at times beyond the market."""
    size = attempt.values["size" if "size" in attempt.values else "amount"]
    buys = (size > 0.0) != (attempt.kind is actions.Swap)
    room = attempt.between(-0.002, 0.05)
    return attempt.price * (1.0 + (room if buys else -room))


def _least_out(attempt: _Attempt) -> float:
    """Of a swap: none in one half of the calls, else about what is fair."""
    amount, price = attempt.values["amount"], attempt.price
    fair = amount * price if amount > 0.0 else -amount / price
    part = attempt.between(0.95, 1.05)
    return fair * part if next(attempt.numbers) < 0.5 else 0.0


def _betas(attempt: _Attempt) -> Floats:
    most = attempt.protocol.vault.beta_max
    return np.array(
        [attempt.between(-0.25, 1.25) * most for _ in attempt.protocol.clearing.markets]
    )


def _factor(attempt: _Attempt) -> Floats:
    """That of the start, or 5 % a day each, times a half to twice."""
    assets = len(attempt.protocol.risk_assets)
    given = attempt.protocol.clearing.covariance_factor
    factor = np.array(given) / FACTOR_SCALE if given else 0.05 * np.eye(assets, FACTOR_COLUMNS)
    return np.asarray(factor * np.exp2(attempt.between(-1.0, 1.0)), np.float64)


_VALUES: Mapping[str, Callable[[_Attempt], Any]] = {
    "when": lambda _attempt: True,
    "amount": _tokens,
    "size": _tokens,
    "assets": _usd,
    "shares": _usd,
    "fraction": lambda attempt: attempt.between(0.0, 1.25),
    "price_limit": _limit,
    "minimum_out": _least_out,
    "betas": _betas,
    "factor": _factor,
}


def _actors(kind: type[Action], protocol: Protocol) -> Sequence[int]:
    """Agents that can be asked for it; the prober is the last."""
    needs = issubclass(kind, _OF_AN_ACCOUNT)
    return [i for i, slot in enumerate(protocol.agents) if slot.has_account or not needs]


def _indices(kind: type[Action], name: str, protocol: Protocol) -> Sequence[int | None] | None:
    """What an index of an action can be; None where the field is no index."""
    legs = range(len(protocol.aave.legs) if protocol.aave is not None else 0)
    first = int(kind is actions.LiquidateCollateral)  # USDC is what is owed
    options: dict[str, Sequence[int | None]] = {
        "actor": _actors(kind, protocol),
        "account": range(protocol.accounts),
        "market": range(protocol.markets),
        "collateral": range(first, len(protocol.clearing.collaterals)),
        "leg": [None, *legs] if kind is actions.Swap else legs,
    }
    return options.get(name)


def _choose(attempt: _Attempt, name: str, options: Sequence[int | None]) -> int | None:
    protocol = attempt.protocol
    if name == "actor" and next(attempt.numbers) >= _OTHERS:
        return len(protocol.agents) - 1
    if name == "account" and next(attempt.numbers) < _VAULTS:
        return attempt.one_of(range(1 + protocol.markets))
    return attempt.one_of(options)


def calls(protocol: Protocol) -> list[type[Action]]:
    """The actions that this protocol has something to try on.

    Raises:
        TypeError: an action has a field nobody knows a value for.
    """
    found = []
    for kind in KINDS:
        options = {f.name: _indices(kind, f.name, protocol) for f in fields(kind)}
        unknown = [name for name, of in options.items() if of is None and name not in _VALUES]
        if unknown:
            raise TypeError(f"the prober knows no value for {kind.__name__}.{unknown[0]}")
        if all(of is None or len(of) > 0 for of in options.values()):
            found.append(kind)
    return found


def _by_state_alone(kind: type[Action]) -> bool:
    """Whether a call has no amount to choose."""
    return not {f.name for f in fields(kind)} & (_VALUES.keys() - {"when"})


# ------------------------------------------------------------------------------------------- script


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
        for _ in range(
            1 if {f.name for f in fields(kind)} & (_VALUES.keys() - {"when"}) else _OFTEN
        )
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
        tried: dict[tuple[Any, ...], list[_Attempt]] = {}
        for path in np.flatnonzero(self.script.turn[view.step] == self.turn).tolist():
            kind = self.script.kinds[self.script.call[view.step, path]]
            numbers = iter(self.script.numbers[path, view.step].tolist())
            attempt = _Attempt(kind, protocol, view, path, numbers)
            names = [f.name for f in fields(kind)]
            for name in names:
                options = _indices(kind, name, protocol)
                if options is not None:
                    attempt.chosen[name] = _choose(attempt, name, options)
            for name in names:
                if name in _VALUES:
                    attempt.values[name] = _VALUES[name](attempt)
            tried.setdefault((kind, *attempt.chosen.values()), []).append(attempt)
        for (kind, *_), attempts in tried.items():
            yield kind(**attempts[0].chosen, **_columns(attempts, view.market.paths))


def _columns(attempts: Sequence[_Attempt], paths: int) -> dict[str, Any]:
    """The values of attempts, ``[..., paths]``; zero or False on the other paths."""
    columns = {}
    for name, value in attempts[0].values.items():
        column = np.zeros((*np.shape(value), paths), np.asarray(value).dtype)
        for attempt in attempts:
            column[..., attempt.path] = attempt.values[name]
        columns[name] = column
    return columns


def slot(protocol: Protocol) -> AgentSlot:
    """Its wallet, and USDC in a margin account."""
    legs = protocol.aave.legs if protocol.aave is not None else ()
    return AgentSlot(
        NAME,
        usdc=_WEALTH,
        base=_WEALTH / protocol.assets[1].price,
        has_account=True,
        margin=(_WEALTH, *(0.0 for _ in protocol.clearing.collaterals[1:])),
        hedge=tuple(_WEALTH / protocol.assets[leg.reserve.asset].price for leg in legs),
    )
