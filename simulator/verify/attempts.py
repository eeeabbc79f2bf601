"""One call that nobody has a reason to make, and what its arguments can be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.world import actions
from simulator.world.actions import ACTIONS, Action
from simulator.world.protocol import FACTOR_COLUMNS, FACTOR_SCALE

if TYPE_CHECKING:
    from simulator.agents.base import View
    from simulator.types import Floats
    from simulator.world.protocol import Protocol

#: Every action there is: a new one is tried without being named here.
KINDS = ACTIONS
# Values tried, USD: from a raw unit of USDC to more than the prober has, one half of them spread
# over magnitudes, the other evenly, which is where limits are.
_LEAST, _MOST = 1e-6, 3e5
# Base units of a perp: of fewer than 10¹⁰ wei, one that the contract cuts off shows at 1e-10.
_LEAST_SIZE = 1e-8
# Part of the calls tried in somebody else's name, and of those naming an account that name the one
# nearest to liquidation.
_OTHERS, _WEAKEST = 0.25, 0.5


@dataclass
class Attempt:
    """One call on one path while its arguments are drawn, in whole units."""

    kind: type[Action]
    protocol: Protocol
    view: View
    path: int
    numbers: Iterator[float]  # uniform on [0, 1)
    chosen: dict[str, int | None] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    def draw(self) -> None:
        """Fill in the fields of the action, its indices first."""
        names = [f.name for f in fields(self.kind)]
        for name in names:
            options = _indices(self.kind, name, self.protocol)
            if name == "position":  # of the actor, who was chosen before
                options = range(self.protocol.agents[self.chosen["actor"] or 0].positions)
            if options is not None:
                self.chosen[name] = _choose(self, name, options)
        for name in names:
            if name in _VALUES:
                self.values[name] = _VALUES[name](self)

    def one_of(self, options: Sequence[int | None]) -> int | None:
        """An option, each as likely."""
        return options[int(next(self.numbers) * len(options))]

    def between(self, low: float, high: float) -> float:
        """A number, uniform."""
        return low + (high - low) * next(self.numbers)

    @property
    def asset(self) -> int:
        """What an amount is of, but for USDC paid or asked for."""
        clearing, aave = self.protocol.clearing, self.protocol.aave
        lending = self.protocol.lending
        if (collateral := self.chosen.get("collateral")) is not None:
            return clearing.collaterals[collateral].asset
        if (market := self.chosen.get("market")) is not None:
            return clearing.markets[market].asset
        if (leg := self.chosen.get("leg")) is not None and aave is not None:
            return aave.legs[leg].reserve.asset
        if (listing := self.chosen.get("repaid")) is not None and lending is not None:
            return lending.listings[listing].asset
        return 1

    @property
    def price(self) -> float:
        """Of that, now, USD."""
        return float(self.view.index(self.asset)[self.path])


# Arguments are drawn from what both worlds have in common to the bit (parameters, market), never
# from the state, whose last digits may differ.


def _usd(attempt: Attempt) -> float:
    # Margin is posted in small amounts, or the prober's account would be far from every limit.
    if next(attempt.numbers) < 0.5 and attempt.kind is not actions.PostMargin:
        return attempt.between(_LEAST, _MOST)
    return float(np.exp(attempt.between(np.log(_LEAST), np.log(_MOST))))


def _tokens(attempt: Attempt) -> float:
    """Of the asset; for a signed action either side, and USDC where a swap sells that."""
    worth = _usd(attempt)
    tokens = worth / attempt.price
    if not attempt.kind.spec.signed or next(attempt.numbers) < 0.5:
        return tokens
    return -worth if attempt.kind is actions.Swap else -tokens


def _size(attempt: Attempt) -> float:
    """Signed, of a perp."""
    size = _tokens(attempt)
    return float(np.copysign(max(abs(size), _LEAST_SIZE), size))


def _limit(attempt: Attempt) -> float:
    """Worst price of what is bought or sold: mostly fair, at times beyond the market."""
    size = attempt.values["size" if "size" in attempt.values else "amount"]
    buys = (size > 0.0) != (attempt.kind is actions.Swap)
    room = attempt.between(-0.002, 0.05)
    return attempt.price * (1.0 + (room if buys else -room))


def _least_out(attempt: Attempt) -> float:
    """Of a swap: none in one half of the calls, else about what is fair."""
    amount, price = attempt.values["amount"], attempt.price
    fair = amount * price if amount > 0.0 else -amount / price
    part = attempt.between(0.95, 1.05)
    return fair * part if next(attempt.numbers) < 0.5 else 0.0


def _betas(attempt: Attempt) -> Floats:
    most = attempt.protocol.vault.beta_max
    return np.array(
        [attempt.between(-0.25, 1.25) * most for _ in attempt.protocol.clearing.markets]
    )


def _factor(attempt: Attempt) -> Floats:
    """That of the start, or 5 % a day each, times a half to twice."""
    assets = len(attempt.protocol.risk_assets)
    given = attempt.protocol.clearing.covariance_factor
    factor = np.array(given) / FACTOR_SCALE if given else 0.05 * np.eye(assets, FACTOR_COLUMNS)
    return np.asarray(factor * np.exp2(attempt.between(-1.0, 1.0)), np.float64)


def _end(attempt: Attempt) -> float:
    """An end of a range: up to 30 % beside the index, in ticks."""
    base, usdc = attempt.protocol.assets[1], attempt.protocol.assets[0]
    prices = attempt.view.index(1)[attempt.path], attempt.view.index(0)[attempt.path]
    raw = prices[0] / prices[1] * 10.0 ** (usdc.decimals - base.decimals)
    return float(np.log(raw) / np.log(1.0001) + attempt.between(-3000.0, 3000.0))


_VALUES: Mapping[str, Callable[[Attempt], Any]] = {
    "when": lambda _attempt: True,
    "amount": _tokens,
    "size": _size,
    "assets": _usd,
    "shares": _usd,
    "fraction": lambda attempt: attempt.between(0.0, 1.25),
    "price_limit": _limit,
    "minimum_out": _least_out,
    "betas": _betas,
    "factor": _factor,
    "lower": _end,
    "upper": _end,
    "base": lambda attempt: _usd(attempt) / attempt.price,
    "usdc": _usd,
}


def _actors(kind: type[Action], protocol: Protocol) -> Sequence[int]:
    """Agents that can be asked for it; the prober is the last."""
    needed, provides = kind.spec.of_account, "position" in kind.__dataclass_fields__
    return [
        i
        for i, slot in enumerate(protocol.agents)
        if (slot.has_account or not needed) and (slot.positions or not provides)
    ]


def _indices(kind: type[Action], name: str, protocol: Protocol) -> Sequence[int | None] | None:
    """What an index of an action can be; None where the field is no index."""
    legs = range(len(protocol.aave.legs) if protocol.aave is not None else 0)
    lending = protocol.lending
    listings = range(len(lending.listings) if lending is not None else 0)
    first = int(kind is actions.LiquidateCollateral)  # USDC is what is owed
    options: dict[str, Sequence[int | None]] = {
        "actor": _actors(kind, protocol),
        "account": range(protocol.accounts),
        "market": range(protocol.markets),
        "collateral": range(first, len(protocol.clearing.collaterals)),
        "leg": [None, *legs] if kind is actions.Swap else legs,
        "borrower": range(len(lending.borrowers) if lending is not None else 0),
        "seized": listings,
        "repaid": listings,
        "position": range(max(slot.positions for slot in protocol.agents)),
    }
    return options.get(name)


def _choose(attempt: Attempt, name: str, options: Sequence[int | None]) -> int | None:
    protocol = attempt.protocol
    if name == "actor" and next(attempt.numbers) >= _OTHERS:
        return len(protocol.agents) - 1
    if name == "account" and next(attempt.numbers) < _WEAKEST:
        return _weakest(attempt)
    if name == "borrower" and next(attempt.numbers) < _WEAKEST:
        return int(np.argmin(attempt.view.state.borrower_health[:, attempt.path]))
    return attempt.one_of(options)


def _weakest(attempt: Attempt) -> int:
    """The account of least equity for its requirement; none has any: the vault's.

    The one thing that is looked up in the state: two accounts alike to the last digit are not met.
    """
    state = attempt.view.state
    needed = state.maintenance[:, attempt.path]
    held = np.flatnonzero(needed > 0.0)
    health = state.equity[held, attempt.path] / needed[held]
    return int(held[np.argmin(health)]) if held.size else 0


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


def by_state_alone(kind: type[Action]) -> bool:
    """Whether a call has no amount to choose."""
    return not {f.name for f in fields(kind)} & (_VALUES.keys() - {"when"})
