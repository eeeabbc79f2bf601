"""The chain's state read in process: stored words from their slots.

A slot costs pyrevm a third of a microsecond, a call tens, and a whole ``Lens.observe`` as much as
several transactions. What an action cannot have touched is not read again; what is not stored is
derived by a :class:`~simulator.chain.reading.mirror.Mirror`. ``tests/chain/test_observation.py``
holds everything against the Lens after every action of a run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import TYPE_CHECKING

from eth_utils import keccak

from simulator.chain.deploy import artifacts
from simulator.chain.evm.codec import MAX_UINT256, WORD, selector, signed_word, words
from simulator.chain.reading.layout import FIRST_WORD, blocks
from simulator.chain.reading.readings import Source
from simulator.chain.reading.touched import ALL, BY_DEPTH, BY_SCALE, by_time, touched
from simulator.protocol.state.table import of_storage
from simulator.protocol.state.variable import Computed, Slot
from simulator.types import COVARIANCE_RAMP
from simulator.world.protocol import FACTOR_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.chain.deploy.addresses import Deployment
    from simulator.chain.evm.revm import RevmTransport
    from simulator.chain.reading.layout import Layout
    from simulator.chain.reading.touched import Touched
    from simulator.protocol.state.table import Read
    from simulator.world.actions import Action

# Storage of UniswapV3Pool.sol (v3-core 1.0.1) and NonfungiblePositionManager.sol (v3-periphery
# 1.4.4), and what of each word is the variable.
_SLOT0, _FEE_GROWTH, _LIQUIDITY, _TICKS = 0, 1, 4, 5
_NFT_POSITIONS = 12
# What a StableSwap is asked for, which computes it.
_ROOT, _SUPPLY = selector("sqrt_price()"), selector("totalSupply()")
_MASK_160, _MASK_128 = 2**160 - 1, 2**128 - 1
_Q128 = 2**128
_INT32_BITS, _INT32_MASK = 32, 2**32 - 1
_SIGN, _TWO_256 = 2**255, MAX_UINT256 + 1


def mapping_slot(slot: int, *keys: int) -> int:
    """Slot of an element of a Vyper HashMap: keccak(slot, key), key by key."""
    for key in keys:
        slot = int.from_bytes(keccak(words(slot, key)), "big")
    return slot


def solidity_slot(slot: int, key: int) -> int:
    """Slot of an element of a Solidity mapping: keccak(key, slot), the other way round."""
    return int.from_bytes(keccak(words(key % _TWO_256, slot)), "big")


@cache
def _nft_slot(token_id: int) -> int:
    """First slot of a Position: nonce and operator; pool, ticks and L; two fee growths; owed."""
    return solidity_slot(_NFT_POSITIONS, token_id)


class StoragePlan:
    """Slots of every stored word and calls for derived ones; the same on every path."""

    def __init__(self, layout: Layout, deployment: Deployment) -> None:
        house, safe = artifacts.load("ClearingHouse").slots, artifacts.load("HedgeVault").slots
        token = artifacts.load("Token").slots
        tokens = deployment.tokens
        self.layout = layout
        self.deployment = deployment
        self.by_time = by_time(layout)
        self._contracts: dict[str, tuple[str, Mapping[str, int]]] = {
            "ClearingHouse": (deployment.clearing, house),
            "HedgeVault": (deployment.vault, safe),
            "USDC": (tokens[0], token),
            "base": (tokens[1], token),
        }
        self._keys: dict[str, list[int]] = {
            "markets": list(range(layout.markets)),
            "accounts": list(layout.accounts),
            "collaterals": list(range(1, layout.lengths["collaterals"] + 1)),
            "agents": [int(agent, 16) for agent in deployment.agents],
        }
        self.slots: dict[str, list[tuple[str, int]]] = {
            **{
                name: list(self._places(reads))
                for name, reads in of_storage().items()
                if not any(isinstance(read.stored, Computed) for read in reads)
            },
            # What several words are computed from.
            **{
                name: [
                    (deployment.clearing, mapping_slot(house[name], int(tokens[asset], 16)))
                    for asset in layout.protocol.risk_assets
                ]
                for name in ("row", "row_before")
            },
            "covariance_posted_at": [(deployment.clearing, house["covariance_posted_at"])],
            "range": [
                (deployment.vault, safe[name])
                for name in (
                    *("token_id", "liquidity"),
                    *("tick_lower", "tick_upper", "_sqrt_lower", "_sqrt_upper"),
                )
            ],
            "pool_words": [(deployment.pool, slot) for slot in (_SLOT0, _LIQUIDITY)],
        }

    def _places(self, reads: list[Read]) -> Iterator[tuple[str, int]]:
        """(contract, slot) of each word of a group."""
        for axes, rows in blocks(reads).items():
            for index in self.layout.places(axes):
                keys = [self._keys[axis][at] for axis, at in zip(axes, index, strict=True)]
                for read in rows:
                    assert isinstance(read.stored, Slot)
                    yield self._slot(read.stored, keys)

    def _slot(self, stored: Slot, keys: list[int]) -> tuple[str, int]:
        address, slots = self._contracts[stored.contract]
        if stored.role:
            keys = [*keys, int(getattr(self.deployment.roles, stored.role), 16)]
        slot = mapping_slot(slots[stored.variable], *keys)
        return address, slot + (_offset(stored) if stored.member else 0)


def _offset(stored: Slot) -> int:
    """Of a member of a struct, each of which has a slot of its own, by the view that returns it."""
    getter = stored.like or stored.variable
    (entry,) = [one for one in artifacts.load(stored.contract).abi if one.get("name") == getter]
    names = [member["name"] for member in entry["outputs"][0]["components"]]
    return names.index(stored.member)


class StorageSource(Source):
    """One in-process path."""

    def __init__(self, transport: RevmTransport, plan: StoragePlan) -> None:
        self._transport = transport
        self._plan = plan
        self._storage = transport.evm.storage
        self._known: dict[str, list[int]] = {}
        self._derived: dict[str, Callable[[], list[int]]] = {
            "pool": self._pool,
            "nft": self._nft,
            "place": self._place,
            "fees": self._fees,
            "covariance": self._covariance,
            **{name: partial(self._apart, call) for name, call in plan.layout.apart.items()},
        }
        # The words that must be read before a group is shown.
        self._stale = {name: [ALL] for name in (*plan.slots, *self._derived)}
        self._range: tuple[int, int] | None = None
        self._fee_slots: tuple[int, int] = (0, 0)

    def read(self, group: str) -> list[int]:
        """See :meth:`Source.read`: the same list as long as no word of it is another."""
        stale = self._stale.pop(group, None)
        if stale is None:
            return self._known[group]
        known, derive = self._known.get(group), self._derived.get(group)
        if derive is not None:
            fresh = derive()
        elif known is None or ALL in stale:
            fresh = self._stored(group)
        else:
            fresh, slots = known.copy(), self._plan.slots[group]
            for part in stale:
                fresh[part] = self._load(slots[part])
        if fresh == known:
            return known
        self._known[group] = fresh
        return fresh

    def touched(self, action: Action) -> Touched:
        """See :meth:`Source.touched`."""
        return touched(action, self._plan.layout)

    def moved(self, *, depth: bool, scale: bool) -> Touched:
        """See :meth:`Source.moved`."""
        return (*self._plan.by_time, *(BY_DEPTH if depth else ()), *(BY_SCALE if scale else ()))

    def changed(self, touched: Touched) -> None:
        """See :meth:`Source.changed`."""
        stale = self._stale
        for group, part in touched:
            parts = stale.get(group)
            if parts is None:
                stale[group] = [part]
            elif part not in parts:
                parts.append(part)

    # ------------------------------------------------------------------------------------- helpers

    def _stored(self, group: str) -> list[int]:
        return self._load(self._plan.slots[group])

    def _load(self, places: list[tuple[str, int]]) -> list[int]:
        storage = self._storage
        return [
            word - _TWO_256 if (word := storage(address, slot)) >= _SIGN else word
            for address, slot in places
        ]

    # ------------------------------------------------------------------------------------- derived

    def _pool(self) -> list[int]:
        if self._plan.layout.protocol.stable is not None:
            pool = self._plan.deployment.pool
            return [
                signed_word(self._transport.call(pool, question), 0)
                for question in (_ROOT, _SUPPLY)
            ]
        slot0, liquidity = self._stored("pool_words")
        return [slot0 & _MASK_160, liquidity & _MASK_128]

    def _covariance(self) -> list[int]:
        """Entries of the factor now, scaled 1e8: what was posted arrives by a ramp."""
        (posted,) = self._stored("covariance_posted_at")
        after, elapsed = self._entries("row"), self._transport.time() - posted
        if elapsed >= COVARIANCE_RAMP:
            return after
        # As the contract divides: toward zero.
        return [
            start + (abs(end - start) * elapsed // COVARIANCE_RAMP) * (1 if end > start else -1)
            for start, end in zip(self._entries("row_before"), after, strict=True)
        ]

    def _entries(self, group: str) -> list[int]:
        """Of rows of the factor: eight int32 a word, the first in its lowest bits."""
        entries = (
            word >> _INT32_BITS * column & _INT32_MASK
            for word in self._stored(group)
            for column in range(FACTOR_COLUMNS)
        )
        return [entry - ((entry >> _INT32_BITS - 1) << _INT32_BITS) for entry in entries]

    def _apart(self, calldata: bytes) -> list[int]:
        """What is on Aave: its interest and rates are Aave's own figures, so Aave is asked."""
        if not calldata:
            return []
        data = self._transport.call(self._plan.deployment.lens, calldata)
        return [signed_word(data, i) for i in range(FIRST_WORD, len(data) // WORD)]

    def _nft(self) -> list[int]:
        """The vault's Position at the manager from its second word on: all zero where it has none.

        Nobody but the vault changes it.
        """
        (token_id, *_), manager = self.read("range"), self._plan.deployment.manager
        if token_id == 0:
            return [0, 0, 0, 0]
        first = _nft_slot(token_id) + 1
        return [self._storage(manager, first + i) for i in range(4)]

    def _place(self) -> list[int]:
        """Liquidity of the vault's NFT, as far as the vault counts it, its ticks and their √P."""
        token_id, counted, *rest = self.read("range")
        if self._plan.layout.protocol.stable is not None:
            return [counted, *rest]
        packed = self.read("nft")[0]
        return [0 if token_id == 0 else min(counted, packed >> 128), *rest]

    def _fees(self) -> list[int]:
        """What a collect would pay the vault, raw base and USDC (Uniswap v3 whitepaper §6.3–6.4).

        Fee growth is counted modulo 2²⁵⁶, and so are its differences.
        """
        token_id, _, lower, upper, *_ = self.read("range")
        if token_id == 0 or self._plan.layout.protocol.stable is not None:
            return [0, 0]
        storage, pool = self._storage, self._plan.deployment.pool
        packed, *last, owed = self.read("nft")
        at_lower, at_upper = self._slots_of_range(lower, upper)
        tick = storage(pool, _SLOT0) >> 160 & 0xFFFFFF
        tick -= (tick >> 23) << 24  # int24
        fees = []
        for token in (0, 1):
            world = storage(pool, _FEE_GROWTH + token)
            below, above = storage(pool, at_lower + token), storage(pool, at_upper + token)
            below = below if tick >= lower else world - below
            above = above if tick < upper else world - above
            grown = (world - below - above - last[token]) % _TWO_256
            fees.append((owed >> 128 * token & _MASK_128) + (packed >> 128) * grown // _Q128)
        return fees

    def _slots_of_range(self, lower: int, upper: int) -> tuple[int, int]:
        """Fee growth outside both ticks; kept until the range moves."""
        if self._range != (lower, upper):
            at_lower, at_upper = (solidity_slot(_TICKS, tick) for tick in (lower, upper))
            self._fee_slots = at_lower + 1, at_upper + 1
            self._range = lower, upper
        return self._fee_slots
