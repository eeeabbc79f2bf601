"""Which words are which variables, and the calls of the Lens that return them (contracts/Lens.vy).

A source reads groups of words. Those of the Lens and those that are read in process
(:mod:`simulator.chain.reading.storage`) are made of the declared state variables.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from simulator.chain.deploy.terms import WAD_DECIMALS
from simulator.chain.deploy.uniswap_v3 import Q96
from simulator.chain.evm.codec import encode_with_arrays, selector, words
from simulator.protocol.state.table import SHOWN, of_lens, of_storage
from simulator.protocol.state.variable import Scale
from simulator.types import USDC_DECIMALS
from simulator.world.protocol import FACTOR_COLUMNS, FACTOR_SCALE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from simulator.chain.deploy.addresses import Deployment
    from simulator.protocol.state.table import Read
    from simulator.types import Floats
    from simulator.world.protocol import Protocol

    Axes = tuple[str, ...]

#: The ABI puts the offset and the length of the array before its elements.
FIRST_WORD = 2
#: The group of ``Lens.observe_lending``; all but this and the next three are of ``Lens.observe``.
LENDING = "lending"
#: The group of ``Lens.observe_borrowers``.
BORROWERS = "borrowers"

#: The group of ``Lens.observe_stable``.
STABLE = "stable"

#: The group of ``Lens.observe_positions``.
PROVIDERS = "providers"

_OBSERVE = "observe(address,address,address,address,uint256[],address[])"
_OBSERVE_LENDING = "observe_lending(address,uint256,(address,address,address)[],address[])"
_OBSERVE_BORROWERS = (
    "observe_borrowers(address,address[],(address,address,address)[],address[],address[])"
)
_OBSERVE_STABLE = "observe_stable(address)"
_OBSERVE_POSITIONS = "observe_positions(address,address,address[],uint256[])"
_WAD = 10.0**WAD_DECIMALS


def words_along(*axes: str) -> int:
    """How many words the Lens has for each place along axes; of none: its header."""
    return 1 + max(row.word.number for row in SHOWN.values() if row.axes == axes)


@dataclass(frozen=True, eq=False)
class Place:
    """Where a variable is among the words of its group, ``[words, P]`` in whole units."""

    group: str
    words: slice
    shape: tuple[int, ...]
    finish: Callable[[Floats], Floats] | None

    def take(self, group: Floats) -> Floats:
        """The variable: its axes, then ``[P]``."""
        values = group[self.words].reshape(*self.shape, group.shape[1])
        return values if self.finish is None else self.finish(values)

    def word(self, *index: int) -> int:
        """Which word of the group is the one at ``index`` along the variable's axes."""
        start, step = self.words.start, self.words.step
        return int(start + step * _flat(index, self.shape))


class Layout:
    """Which words make up each group of variables, their units, and where each variable is.

    In a group, the variables of the same axes follow one another at each place along these.

    Attributes:
        lengths: Of each axis as words have it: those of collaterals leave out the first, USDC.
        groups: Word numbers of each group of ``Lens.observe``.
        apart: Calls of the Lens that a group each is the answer of, b"" where there is nothing.
        lens, stored: Variables by their places, as the Lens and as a chain in process is read.
        units: What each word of a group is divided by, ``[words, 1]``.
        words: Of ``Lens.observe``.
    """

    def __init__(self, protocol: Protocol, deployment: Deployment) -> None:
        self.protocol = protocol
        self.genesis = deployment.genesis
        self.accounts = deployment.margin_accounts(protocol)
        self.calldata = _calldata(deployment, self.accounts)
        self.apart = {
            LENDING: _lending_calldata(deployment),
            BORROWERS: _borrowers_calldata(deployment),
            PROVIDERS: _positions_calldata(protocol, deployment),
            STABLE: _stable_calldata(protocol, deployment),
        }
        self.legs = () if deployment.lending is None else deployment.lending.assets
        market = deployment.borrowing
        self.listed = () if market is None else market.assets
        self.others = () if market is None else market.others
        self.markets = protocol.markets
        self.lengths = {
            "markets": protocol.markets,
            "accounts": len(self.accounts),
            "collaterals": len(protocol.clearing.collaterals) - 1,
            "agents": len(protocol.agents),
            "rows": len(protocol.risk_assets),
            "factors": FACTOR_COLUMNS,
            "loans": int(bool(self.legs)),
            "legs": len(self.legs),
            "listings": len(self.listed),
            "borrowers": 0 if market is None else len(market.accounts),
            "others": len(self.others),
            "positions": sum(slot.positions for slot in protocol.agents),
            "coins": 0 if protocol.stable is None else len(protocol.stable.opening),
        }
        self._firsts, self.words = self._sections()
        self._divisors = self._divisors_of(protocol)
        lens, stored = of_lens(), of_storage()
        self.groups = {name: self._numbers(lens[name]) for name in lens if name not in self.apart}
        self.lens = dict(place for name in lens for place in self._places(name, lens[name]))
        self.stored = dict(place for name in stored for place in self._places(name, stored[name]))
        self.units = {name: self._units(reads) for name, reads in (lens | stored).items()}
        self._shapes = {
            name: (*self._shape(reads[0].axes), len(reads)) for name, reads in stored.items()
        }

    def part(self, group: str, *index: int) -> slice:
        """The words of a group at a place along the first of its axes, which are one and all's."""
        shape = self._shapes[group]
        width, first = prod(shape[len(index) :]), _flat(index, shape)
        return slice(first * width, (first + 1) * width)

    def places(self, axes: Axes) -> Iterator[tuple[int, ...]]:
        """Every place along axes, in the order of words."""
        return product(*(range(length) for length in self._shape(axes)))

    def _shape(self, axes: Axes) -> tuple[int, ...]:
        return tuple(self.lengths[axis] for axis in axes)

    def _sections(self) -> tuple[dict[Axes, tuple[int, tuple[int, ...]]], int]:
        """The first word of what goes along axes and the steps along each; words altogether.

        Header, markets, accounts, wallets. Of each account: its own words, its collaterals', its
        positions'.
        """
        market, wallet = words_along("markets"), words_along("agents")
        own, held = words_along("accounts"), words_along("accounts", "collaterals")
        position = words_along("accounts", "markets")
        positions = own + held * self.lengths["collaterals"]
        account = positions + position * self.markets
        first_market = words_along()
        first = first_market + market * self.markets
        first_wallet = first + account * len(self.accounts)
        sections: dict[Axes, tuple[int, tuple[int, ...]]] = {
            (): (0, ()),
            ("markets",): (first_market, (market,)),
            ("accounts",): (first, (account,)),
            ("accounts", "collaterals"): (first + own, (account, held)),
            ("accounts", "markets"): (first + positions, (account, position)),
            ("agents",): (first_wallet, (wallet,)),
        }
        return sections, first_wallet + wallet * self.lengths["agents"]

    def _numbers(self, reads: Sequence[Read]) -> list[int]:
        """Word numbers of a group of ``Lens.observe``."""
        return [
            self._first(axes, index) + SHOWN[read.name].word.number
            for axes, rows in blocks(reads).items()
            for index in self.places(axes)
            for read in rows
        ]

    def _first(self, axes: Axes, index: tuple[int, ...]) -> int:
        """The first word of the Lens at a place along axes."""
        first, steps = self._firsts[axes]
        return first + sum(step * at for step, at in zip(steps, index, strict=True))

    def _places(self, group: str, reads: Sequence[Read]) -> Iterator[tuple[str, Place]]:
        first = 0
        for axes, rows in blocks(reads).items():
            shape = self._shape(axes)
            end = first + len(rows) * prod(shape)
            for number, read in enumerate(rows, start=first):
                part = slice(number, end, len(rows))
                yield read.name, Place(group, part, shape, self._finish(read))
            first = end

    def _finish(self, read: Read) -> Callable[[Floats], Floats] | None:
        """What is made of whole units still."""
        if read.scale is Scale.TIME:
            # Of a chain whose clock is that of the world outside.
            return lambda at: np.where(at > 0.0, at - self.genesis, read.start)
        return _with_cash if "collaterals" in read.axes else None

    def _units(self, reads: Sequence[Read]) -> Floats:
        units = [
            divisor[index[-1]] if isinstance(divisor, list) else divisor
            for axes, rows in blocks(reads).items()
            for index in self.places(axes)
            for divisor in (self._divisors[read.scale] for read in rows)
        ]
        return np.array(units, np.float64)[:, None]

    def _divisors_of(self, protocol: Protocol) -> dict[Scale, float | list[float]]:
        """How many of what is stored are one of what is shown; a list: along the last axis."""
        tokens = [10.0**asset.decimals for asset in protocol.assets]
        return {
            Scale.WHOLE: 1.0,
            Scale.TIME: 1.0,
            Scale.WAD: _WAD,
            Scale.OWED: -_WAD,
            Scale.WAD_SQUARED: _WAD**2,
            Scale.X96: float(Q96),
            Scale.FACTOR: float(FACTOR_SCALE),
            Scale.USDC: 10.0**USDC_DECIMALS,
            Scale.BASE: tokens[1],
            Scale.COLLATERAL: [tokens[one.asset] for one in protocol.clearing.collaterals[1:]],
            Scale.COIN: [tokens[1], tokens[0]],
            Scale.LEG: [tokens[asset] for asset in self.legs],
            Scale.LISTING: [tokens[asset] for asset in self.listed],
            Scale.OTHER: [tokens[asset] for asset in self.others],
        }


def blocks(reads: Sequence[Read]) -> dict[Axes, list[Read]]:
    """Those of the same axes together, in the order of the first of each."""
    found: dict[Axes, list[Read]] = {}
    for read in reads:
        found.setdefault(read.axes, []).append(read)
    return found


def _flat(index: Sequence[int], shape: Sequence[int]) -> int:
    """The number of a place along the first axes of a shape, the last of them running fastest."""
    number = 0
    for at, length in zip(index, shape, strict=False):
        number = number * length + at
    return number


def _with_cash(others: Floats) -> Floats:
    """Collaterals with row 0, which is USDC and shown as cash."""
    cash = np.zeros((others.shape[0], 1, others.shape[2]))
    return np.concatenate([cash, others], axis=1)


def _calldata(deployment: Deployment, accounts: tuple[int, ...]) -> bytes:
    contracts = (deployment.vault, deployment.clearing, deployment.pool, deployment.oracle)
    return selector(_OBSERVE) + encode_with_arrays(
        [int(address, 16) for address in contracts],
        [accounts, [int(address, 16) for address in deployment.agents]],
        [],
    )


def _lending_calldata(deployment: Deployment) -> bytes:
    """Call of ``Lens.observe_lending``; empty where the vault has no hedge on Aave."""
    lending = deployment.lending
    if lending is None:
        return b""
    from eth_abi import encode

    legs = [
        (deployment.tokens[asset], pool, a_token)
        for asset, pool, a_token in zip(
            lending.assets, lending.pools, lending.a_tokens[1:], strict=True
        )
    ]
    arguments = (lending.hedge, int(deployment.vault, 16) << 8, legs, deployment.agents)
    types = ("address", "uint256", "(address,address,address)[]", "address[]")
    return selector(_OBSERVE_LENDING) + encode(types, arguments)


def _borrowers_calldata(deployment: Deployment) -> bytes:
    """Call of ``Lens.observe_borrowers``; empty where there is no lending market."""
    market = deployment.borrowing
    if market is None:
        return b""
    from eth_abi import encode

    listings = [
        (deployment.tokens[asset], a_token, debt_token)
        for asset, a_token, debt_token in zip(
            market.assets, market.a_tokens, market.debt_tokens, strict=True
        )
    ]
    others = [deployment.tokens[asset] for asset in market.others]
    arguments = (market.aave, market.accounts, listings, others, deployment.agents)
    types = ("address", "address[]", "(address,address,address)[]", "address[]", "address[]")
    return selector(_OBSERVE_BORROWERS) + encode(types, arguments)


def _stable_calldata(protocol: Protocol, deployment: Deployment) -> bytes:
    """Call of ``Lens.observe_stable``; empty where the pool is none."""
    if protocol.stable is None:
        return b""
    return selector(_OBSERVE_STABLE) + words(int(deployment.pool, 16))


def _positions_calldata(protocol: Protocol, deployment: Deployment) -> bytes:
    """Call of ``Lens.observe_positions``; empty where no agent may hold any."""
    rooms = [slot.positions for slot in protocol.agents]
    if not any(rooms):
        return b""
    return selector(_OBSERVE_POSITIONS) + encode_with_arrays(
        [int(deployment.manager, 16), int(deployment.pool, 16)],
        [[int(address, 16) for address in deployment.agents], rooms],
        [],
    )
