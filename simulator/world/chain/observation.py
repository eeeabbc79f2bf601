"""What the chain world shows of its state, read group by group as fields are asked for.

The order and meaning of the words are those of ``Lens.observe`` (contracts/Lens.vy), which is where
a node is read from in one call; in process :mod:`simulator.world.chain.storage` gives the same
words.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.types import USDC_DECIMALS
from simulator.world.base import Observation
from simulator.world.chain.codec import encode_with_arrays, selector, signed_word
from simulator.world.chain.deployment import WAD_DECIMALS
from simulator.world.chain.uniswap import Q96

if TYPE_CHECKING:
    from simulator.types import Floats
    from simulator.world.actions import Action
    from simulator.world.chain.deployment import Deployment
    from simulator.world.chain.transport import Transport
    from simulator.world.protocol import Protocol

HEADER_WORDS = 19
MARKET_WORDS = 5
WALLET_WORDS = 3
# The ABI puts the offset and the length of the array before its elements.
FIRST_WORD = 2

_OBSERVE = "observe(address,address,address,address,uint256[],address[])"
_WAD = 10.0**WAD_DECIMALS


class Layout:
    """Which words of the Lens make up each group of variables, and their units.

    N accounts, M markets, C collaterals, J agents. ``groups`` maps a name to word numbers, in the
    order of its axes: ``cash [N]``, ``margin [N, 3]``, ``collateral [N, C − 1]``, ``positions
    [N, M, 3]``, ``market [M, 2]``, ``funding [M, 2]``, ``betas [M]``, ``wallets [J, 3]``.
    """

    def __init__(self, protocol: Protocol, deployment: Deployment) -> None:
        self.protocol = protocol
        self.genesis = deployment.genesis
        self.accounts = deployment.margin_accounts(protocol)
        self.calldata = _calldata(deployment, self.accounts)
        self.markets = protocol.markets
        self.others = len(protocol.clearing.collaterals) - 1
        account_words = 4 + self.others + 3 * self.markets
        first_account = HEADER_WORDS + MARKET_WORDS * self.markets
        first_wallet = first_account + account_words * len(self.accounts)
        self.words = first_wallet + WALLET_WORDS * len(protocol.agents)
        market = range(HEADER_WORDS, first_account, MARKET_WORDS)
        account = range(first_account, first_wallet, account_words)
        position = 4 + self.others
        self.groups: dict[str, list[int]] = {
            "pool": [2, 3],
            "venue": [4, 5, 6],
            "nav": [7],
            "vault": [8, 9, 10, 18],
            "position": list(range(11, 18)),
            "market": [first + i for first in market for i in (0, 1)],
            "funding": [first + i for first in market for i in (2, 3)],
            "betas": [first + 4 for first in market],
            "cash": list(account),
            "margin": [first + i for first in account for i in (1, 2, 3)],
            "collateral": [first + 4 + i for first in account for i in range(self.others)],
            "positions": [
                first + position + i for first in account for i in range(3 * self.markets)
            ],
            "wallets": list(range(first_wallet, self.words)),
        }
        self.units = {name: self._units(name)[:, None] for name in self.groups}

    def _units(self, group: str) -> Floats:
        """What each word of a group is divided by."""
        protocol = self.protocol
        usdc, base = 10.0**USDC_DECIMALS, 10.0 ** protocol.assets[1].decimals
        balances = [
            10.0 ** protocol.assets[terms.asset].decimals
            for terms in protocol.clearing.collaterals[1:]
        ]
        special = {
            "pool": [float(Q96), 1.0],
            "vault": [_WAD, usdc, base, 1.0],
            "position": [1.0, 1.0, 1.0, base, usdc, base, usdc],
            "collateral": balances * len(self.accounts),
            "wallets": [usdc, base, _WAD] * len(protocol.agents),
        }
        return np.array(special.get(group, [_WAD] * len(self.groups[group])), np.float64)


def _calldata(deployment: Deployment, accounts: tuple[int, ...]) -> bytes:
    contracts = (deployment.vault, deployment.clearing, deployment.pool, deployment.oracle)
    return selector(_OBSERVE) + encode_with_arrays(
        [int(address, 16) for address in contracts],
        [accounts, [int(address, 16) for address in deployment.agents]],
        [],
    )


class Source(ABC):
    """Reads groups of one path's state as exact integers."""

    @abstractmethod
    def read(self, group: str) -> list[int]:
        """The words of a group now, in the layout's order."""

    @abstractmethod
    def changed(self, action: type[Action] | None) -> None:
        """An action of this kind went through, or (None) time moved: read again what it touched."""


class LensSource(Source):
    """Everything in one ``Lens.observe`` call: for nodes, where each call is a round trip."""

    def __init__(self, transport: Transport, deployment: Deployment, layout: Layout) -> None:
        self._transport = transport
        self._lens = deployment.lens
        self._layout = layout
        self._words: list[int] | None = None

    def read(self, group: str) -> list[int]:
        """See :meth:`Source.read`."""
        if self._words is None:
            data = self._transport.call(self._lens, self._layout.calldata)
            count = len(data) // 32 - FIRST_WORD
            if count != self._layout.words:
                raise ValueError(f"Lens returned {count} words, expected {self._layout.words}")
            self._words = [signed_word(data, FIRST_WORD + i) for i in range(count)]
        words = self._words
        return [words[index] for index in self._layout.groups[group]]

    def changed(self, action: type[Action] | None) -> None:
        """See :meth:`Source.changed`: everything."""
        self._words = None


def _field(group: str, *place: Any) -> Any:
    """A field: its group's array, indexed."""
    return cached_property(lambda self: self.group(group)[place] if place else self.group(group))


_ALL = slice(None)


class ChainObservation(Observation):
    """An observation whose fields are read when first looked at, until the world changes."""

    _layout: Layout
    _sources: list[Source] | None
    _groups: dict[str, Floats]

    def __init__(self, layout: Layout, sources: list[Source]) -> None:
        self.__dict__.update(_layout=layout, _sources=sources, _groups={})  # a frozen dataclass

    def expire(self) -> None:
        """The world changed: what was read stays as it was, nothing more can be."""
        self.__dict__["_sources"] = None

    def group(self, name: str) -> Floats:
        """A group's values in whole units with its axes, paths last.

        Raises RuntimeError when the world has changed since this observation was made.
        """
        if name not in self._groups:
            if self._sources is None:
                raise RuntimeError(f"{name} was not read before the world changed: observe again")
            raw = np.array([source.read(name) for source in self._sources], np.float64).T
            values = raw / self._layout.units[name]
            shape = self._shape(name)
            self._groups[name] = values.reshape(*shape, -1) if shape else values
        return self._groups[name]

    def _shape(self, name: str) -> tuple[int, ...]:
        layout = self._layout
        accounts = len(layout.accounts)
        return {
            "market": (layout.markets, 2),
            "funding": (layout.markets, 2),
            "margin": (accounts, 3),
            "collateral": (accounts, layout.others),
            "positions": (accounts, layout.markets, 3),
            "wallets": (len(layout.protocol.agents), WALLET_WORDS),
        }.get(name, ())

    sqrt_price = _field("pool", 0)
    pool_liquidity = _field("pool", 1)
    skew = _field("market", _ALL, 0)
    skew_scale = _field("market", _ALL, 1)
    funding_rate = _field("funding", _ALL, 0)
    funding_index = _field("funding", _ALL, 1)
    cash = _field("cash")
    size = _field("positions", _ALL, _ALL, 0)
    cost = _field("positions", _ALL, _ALL, 1)
    funding_entry = _field("positions", _ALL, _ALL, 2)
    account_value = _field("margin", _ALL, 0)
    equity = _field("margin", _ALL, 1)
    maintenance = _field("margin", _ALL, 2)
    maker_cash = _field("venue", 0)
    insurance_fund = _field("venue", 1)
    bad_debt = _field("venue", 2)
    nav = _field("nav", 0)
    shares = _field("vault", 0)
    idle_usdc = _field("vault", 1)
    idle_base = _field("vault", 2)
    liquidity = _field("position", 0)
    tick_lower = _field("position", 1)
    tick_upper = _field("position", 2)
    lp_base = _field("position", 3)
    lp_usdc = _field("position", 4)
    fees_base = _field("position", 5)
    fees_usdc = _field("position", 6)
    betas = _field("betas")
    wallet_usdc = _field("wallets", _ALL, 0)
    wallet_base = _field("wallets", _ALL, 1)
    wallet_shares = _field("wallets", _ALL, 2)

    @cached_property
    def collateral(self) -> Floats:
        """Balances of the collaterals, row 0 (USDC, which is cash) zero."""
        others = self.group("collateral")
        cash = np.zeros((others.shape[0], 1, others.shape[2]))
        return np.concatenate([cash, others], axis=1)

    @cached_property
    def last_betas_time(self) -> Floats:
        """Seconds since the start; −1 before the first post."""
        posted = self.group("vault")[3]
        return np.where(posted > 0.0, posted - self._layout.genesis, -1.0)
