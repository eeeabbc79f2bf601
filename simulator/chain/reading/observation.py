"""What the chain world shows of its state, read group by group as fields are asked for.

The order and meaning of the words are those of ``Lens.observe`` (contracts/Lens.vy), which is where
a node is read from in one call; in process :mod:`simulator.chain.reading.storage` gives the same
words.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np

from simulator.chain.evm.codec import WORD, signed_word
from simulator.chain.reading.layout import FIRST_WORD
from simulator.chain.reading.mirror import DERIVED, LEG_WORDS, LOAN_WORDS
from simulator.chain.reading.readings import Source
from simulator.chain.reading.touched import ALL
from simulator.world.base import Observation

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.chain.deploy.addresses import Deployment
    from simulator.chain.evm.transport import Transport
    from simulator.chain.reading.layout import Layout
    from simulator.chain.reading.mirror import Mirror, View
    from simulator.chain.reading.readings import Readings
    from simulator.chain.reading.touched import Touched
    from simulator.types import Floats
    from simulator.world.actions import Action


class LensSource(Source):
    """Everything in one ``Lens.observe`` call: for nodes, where each call is a round trip."""

    def __init__(self, transport: Transport, deployment: Deployment, layout: Layout) -> None:
        self._transport = transport
        self._lens = deployment.lens
        self._layout = layout
        self._words: list[int] | None = None
        self._lending: list[int] | None = None
        self._everything = tuple((name, ALL) for name in (*layout.groups, "lending"))

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

    def touched(self, action: Action) -> Touched:
        """See :meth:`Source.touched`: one call gives everything anew."""
        return self._everything

    def moved(self, *, depth: bool, scale: bool) -> Touched:
        """See :meth:`Source.moved`: as above."""
        return self._everything

    def changed(self, touched: Touched) -> None:
        """See :meth:`Source.changed`: everything."""
        self._words = self._lending = None

    def _ask(self, calldata: bytes) -> list[int]:
        data = self._transport.call(self._lens, calldata)
        return [signed_word(data, i) for i in range(FIRST_WORD, len(data) // WORD)]


# Fields of the hedge on Aave as parts of "lending".
_LENDING = frozenset(
    (
        *("aave_supplied", "aave_equity", "aave_maintenance", "aave_debt", "aave_available"),
        *("leg_sqrt_price", "wallet_leg"),
    )
)


def _with_cash(others: Floats) -> Floats:
    """Collaterals with row 0, which is USDC and shown as cash."""
    cash = np.zeros((others.shape[0], 1, others.shape[2]))
    return np.concatenate([cash, others], axis=1)


# Fields as parts of their groups' arrays.
_FIELDS: dict[str, tuple[str, Callable[[Floats], Floats]]] = {
    "sqrt_price": ("pool", itemgetter(0)),
    "pool_liquidity": ("pool", itemgetter(1)),
    "skew": ("market", itemgetter((ALL, 0))),
    "skew_scale": ("market", itemgetter((ALL, 1))),
    "funding_rate": ("funding", itemgetter((ALL, 0))),
    "funding_index": ("funding", itemgetter((ALL, 1))),
    "collateral": ("collateral", _with_cash),
    "cash": ("cash", itemgetter(ALL)),
    "size": ("positions", itemgetter((ALL, ALL, 0))),
    "cost": ("positions", itemgetter((ALL, ALL, 1))),
    "funding_entry": ("positions", itemgetter((ALL, ALL, 2))),
    "loss_entry": ("positions", itemgetter((ALL, ALL, 3))),
    "long_interest": ("backstop", itemgetter((ALL, 0))),
    "loss_long": ("backstop", itemgetter((ALL, 1))),
    "loss_short": ("backstop", itemgetter((ALL, 2))),
    "insurance_drawn": ("backstop", itemgetter((ALL, 3))),
    "maker_drawn": ("backstop", itemgetter((ALL, 4))),
    "premium_pool": ("backstop", itemgetter((ALL, 5))),
    "maker_cash": ("backstop", itemgetter((ALL, 6))),
    "unpaid_premium": ("backstop", itemgetter((ALL, 7))),
    "account_value": ("margin", itemgetter((ALL, 0))),
    "equity": ("margin", itemgetter((ALL, 1))),
    "maintenance": ("margin", itemgetter((ALL, 2))),
    "insurance_fund": ("venue", itemgetter(0)),
    "bad_debt": ("venue", itemgetter(1)),
    "nav": ("nav", itemgetter(0)),
    "shares": ("vault", itemgetter(0)),
    "fee_shares": ("shares", itemgetter(0)),
    "queued_shares": ("shares", itemgetter(1)),
    "high_water_mark": ("shares", itemgetter(2)),
    "idle_usdc": ("vault", itemgetter(1)),
    "idle_base": ("vault", itemgetter(2)),
    "liquidity": ("position", itemgetter(0)),
    "tick_lower": ("position", itemgetter(1)),
    "tick_upper": ("position", itemgetter(2)),
    "lp_base": ("position", itemgetter(3)),
    "lp_usdc": ("position", itemgetter(4)),
    "fees_base": ("position", itemgetter(5)),
    "fees_usdc": ("position", itemgetter(6)),
    "betas": ("betas", itemgetter(ALL)),
    "wallet_usdc": ("wallets", itemgetter((ALL, 0))),
    "wallet_base": ("wallets", itemgetter((ALL, 1))),
    "wallet_shares": ("wallets", itemgetter((ALL, 2))),
}
# The same where the words are those of the storage, not of the Lens.
_STORED_FIELDS: dict[str, tuple[str, Callable[[Floats], Floats]]] = {
    "liquidity": ("place", itemgetter(0)),
    "tick_lower": ("place", itemgetter(1)),
    "tick_upper": ("place", itemgetter(2)),
    "fees_base": ("fees", itemgetter(0)),
    "fees_usdc": ("fees", itemgetter(1)),
}


class ChainObservation(Observation):
    """An observation whose fields are read when first looked at, until the world changes."""

    _layout: Layout
    _readings: Readings
    _view: View | None
    _expired: bool

    def __init__(self, layout: Layout, readings: Readings, mirror: Mirror | None = None) -> None:
        """``mirror`` derives what is not stored; None: the sources know everything."""
        # A frozen dataclass.
        view = None if mirror is None else mirror.view(readings.group)
        self.__dict__.update(_layout=layout, _readings=readings, _view=view, _expired=False)

    def expire(self) -> None:
        """The world changed: what was read stays as it was, nothing more can be."""
        self.__dict__["_expired"] = True

    def __getattr__(self, name: str) -> Floats:
        """A field on first sight; afterwards it is an attribute like any other.

        Raises RuntimeError when the world has changed since this observation was made.
        """
        place = _FIELDS.get(name)
        known = place is not None or name in DERIVED or name in _LENDING
        if not known and name != "last_betas_time":
            raise AttributeError(name)
        if self._expired:
            raise RuntimeError(f"{name} was not read before the world changed: observe again")
        if self._view is not None:
            place = _STORED_FIELDS.get(name, place)
        if self._view is not None and name in DERIVED:
            value = self._view.derive(name)
        elif name == "last_betas_time":
            value = self._readings.part("vault", name, self._since_start)
        elif place is not None:
            value = self._readings.part(place[0], name, place[1])
        else:
            value = self._lending(name)
        self.__dict__[name] = value
        return value

    def _since_start(self, vault: Floats) -> Floats:
        """When betas were last posted, of a chain whose clock is that of the world outside."""
        posted = vault[3]
        return np.where(posted > 0.0, posted - self._layout.genesis, -1.0)

    def _lending(self, name: str) -> Floats:
        """One of :data:`_LENDING`; without a hedge on Aave there is nothing along its axis."""
        legs, agents = len(self._layout.legs), len(self._layout.protocol.agents)
        if not legs:
            paths = self._readings.group("pool").shape[1]
            return np.zeros((agents, 0, paths) if name == "wallet_leg" else (0, paths))
        words = self._readings.group("lending")
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
