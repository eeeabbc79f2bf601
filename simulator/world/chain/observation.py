"""What the chain world shows of its state, read group by group as fields are asked for.

The order and meaning of the words are those of ``Lens.observe`` (contracts/Lens.vy), which is where
a node is read from in one call; in process :mod:`simulator.world.chain.storage` gives the same
words.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.world.base import Observation
from simulator.world.chain.codec import WORD, signed_word
from simulator.world.chain.layout import FIRST_WORD
from simulator.world.chain.mirror import DERIVED, LEG_WORDS, LOAN_WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.types import Floats
    from simulator.world.actions import Action
    from simulator.world.chain.addresses import Deployment
    from simulator.world.chain.layout import Layout
    from simulator.world.chain.mirror import Mirror, View
    from simulator.world.chain.transport import Transport


class Source(ABC):
    """Reads groups of one path's state as exact integers."""

    @abstractmethod
    def read(self, group: str) -> list[int]:
        """The words of a group now, in the layout's order."""

    @abstractmethod
    def changed(self, action: Action | None) -> None:
        """An action went through, or (None) time moved: what it touched must be read again."""


class LensSource(Source):
    """Everything in one ``Lens.observe`` call: for nodes, where each call is a round trip."""

    def __init__(self, transport: Transport, deployment: Deployment, layout: Layout) -> None:
        self._transport = transport
        self._lens = deployment.lens
        self._layout = layout
        self._words: list[int] | None = None
        self._lending: list[int] | None = None

    def read(self, group: str) -> list[int]:
        """See :meth:`Source.read`."""
        if group == "lending":
            if self._lending is None:
                self._lending = self._ask(self._layout.lending_calldata)
            return self._lending
        if self._words is None:
            self._words = self._ask(self._layout.calldata)
            if len(self._words) != self._layout.words:
                raise ValueError(
                    f"Lens returned {len(self._words)} words, expected {self._layout.words}"
                )
        words = self._words
        return [words[index] for index in self._layout.groups[group]]

    def changed(self, action: Action | None) -> None:
        """See :meth:`Source.changed`: everything."""
        self._words = self._lending = None

    def _ask(self, calldata: bytes) -> list[int]:
        data = self._transport.call(self._lens, calldata)
        return [signed_word(data, i) for i in range(FIRST_WORD, len(data) // WORD)]


_ALL = slice(None)
# Fields of the hedge on Aave as parts of "lending".
_LENDING = frozenset(
    (
        *("aave_supplied", "aave_equity", "aave_maintenance", "aave_debt", "aave_available"),
        *("leg_sqrt_price", "wallet_leg"),
    )
)
# Fields as parts of their groups' arrays.
_FIELDS: dict[str, tuple[str, Any]] = {
    "sqrt_price": ("pool", 0),
    "pool_liquidity": ("pool", 1),
    "skew": ("market", (_ALL, 0)),
    "skew_scale": ("market", (_ALL, 1)),
    "funding_rate": ("funding", (_ALL, 0)),
    "funding_index": ("funding", (_ALL, 1)),
    "cash": ("cash", _ALL),
    "size": ("positions", (_ALL, _ALL, 0)),
    "cost": ("positions", (_ALL, _ALL, 1)),
    "funding_entry": ("positions", (_ALL, _ALL, 2)),
    "loss_entry": ("positions", (_ALL, _ALL, 3)),
    "long_interest": ("backstop", (_ALL, 0)),
    "loss_long": ("backstop", (_ALL, 1)),
    "loss_short": ("backstop", (_ALL, 2)),
    "insurance_drawn": ("backstop", (_ALL, 3)),
    "maker_drawn": ("backstop", (_ALL, 4)),
    "premium_pool": ("backstop", (_ALL, 5)),
    "maker_cash": ("backstop", (_ALL, 6)),
    "unpaid_premium": ("backstop", (_ALL, 7)),
    "account_value": ("margin", (_ALL, 0)),
    "equity": ("margin", (_ALL, 1)),
    "maintenance": ("margin", (_ALL, 2)),
    "insurance_fund": ("venue", 0),
    "bad_debt": ("venue", 1),
    "nav": ("nav", 0),
    "shares": ("vault", 0),
    "fee_shares": ("shares", 0),
    "queued_shares": ("shares", 1),
    "high_water_mark": ("shares", 2),
    "idle_usdc": ("vault", 1),
    "idle_base": ("vault", 2),
    "liquidity": ("position", 0),
    "tick_lower": ("position", 1),
    "tick_upper": ("position", 2),
    "lp_base": ("position", 3),
    "lp_usdc": ("position", 4),
    "fees_base": ("position", 5),
    "fees_usdc": ("position", 6),
    "betas": ("betas", _ALL),
    "wallet_usdc": ("wallets", (_ALL, 0)),
    "wallet_base": ("wallets", (_ALL, 1)),
    "wallet_shares": ("wallets", (_ALL, 2)),
}
# The same where the words are those of the storage, not of the Lens.
_STORED_FIELDS: dict[str, tuple[str, Any]] = {
    "liquidity": ("place", 0),
    "tick_lower": ("place", 1),
    "tick_upper": ("place", 2),
    "fees_base": ("fees", 0),
    "fees_usdc": ("fees", 1),
}


class ChainObservation(Observation):
    """An observation whose fields are read when first looked at, until the world changes."""

    _layout: Layout
    _sources: Sequence[Source] | None
    _view: View | None
    _groups: dict[str, Floats]

    def __init__(
        self,
        layout: Layout,
        sources: Sequence[Source],
        mirror: Mirror | None = None,
    ) -> None:
        """``mirror`` derives what is not stored; None: the sources know everything."""
        # A frozen dataclass.
        view = None if mirror is None else mirror.view(self._group)
        self.__dict__.update(_layout=layout, _sources=sources, _view=view, _groups={})

    def expire(self) -> None:
        """The world changed: what was read stays as it was, nothing more can be."""
        self.__dict__["_sources"] = None

    def __getattr__(self, name: str) -> Floats:
        """A field on first sight; afterwards it is an attribute like any other."""
        if self._view is not None and name in DERIVED:
            if self._sources is None:
                raise RuntimeError(f"{name} was not read before the world changed: observe again")
            value = self._view.derive(name)
        elif self._view is not None and name in _STORED_FIELDS:
            group, place = _STORED_FIELDS[name]
            value = self._group(group)[place]
        elif name == "collateral":  # row 0 is USDC, which is cash
            others = self._group("collateral")
            cash = np.zeros((others.shape[0], 1, others.shape[2]))
            value = np.concatenate([cash, others], axis=1)
        elif name == "last_betas_time":
            posted = self._group("vault")[3]
            value = np.where(posted > 0.0, posted - self._layout.genesis, -1.0)
        elif name in _FIELDS:
            group, place = _FIELDS[name]
            value = self._group(group)[place]
        elif name in _LENDING:
            value = self._lending(name)
        else:
            raise AttributeError(name)
        self.__dict__[name] = value
        return value

    def _lending(self, name: str) -> Floats:
        """One of :data:`_LENDING`; without a hedge on Aave there is nothing along its axis."""
        legs, agents = len(self._layout.legs), len(self._layout.protocol.agents)
        if not legs:
            paths = self._group("pool").shape[1]
            return np.zeros((agents, 0, paths) if name == "wallet_leg" else (0, paths))
        words = self._group("lending")
        end = LOAN_WORDS + LEG_WORDS * legs
        parts: dict[str, Floats] = {
            "aave_supplied": words[0:1],
            "aave_equity": words[1:2],
            "aave_maintenance": words[2:3],
            "aave_debt": -words[LOAN_WORDS:end:LEG_WORDS],
            "aave_available": words[LOAN_WORDS + 1 : end : LEG_WORDS],
            "leg_sqrt_price": words[LOAN_WORDS + 2 : end : LEG_WORDS],
            "wallet_leg": words[end:].reshape(agents, legs, -1),
        }
        return parts[name]

    def _group(self, name: str) -> Floats:
        """A group's values in whole units with its axes, paths last.

        Raises RuntimeError when the world has changed since this observation was made.
        """
        if name not in self._groups:
            if self._sources is None:
                raise RuntimeError(f"{name} was not read before the world changed: observe again")
            raw = np.array([source.read(name) for source in self._sources], np.float64).T
            values = raw / self._layout.units[name]
            # The last axis is given: of a basket of USDC alone there is nothing to tell it from.
            *axes, _ = self._layout.shapes.get(name, (len(values), -1))
            self._groups[name] = values.reshape(*axes, values.shape[1])
        return self._groups[name]
