"""The chain's state read in process: stored words from their slots.

A slot costs pyrevm a third of a microsecond, a call tens, and a whole ``Lens.observe`` as much as
several transactions. What an action cannot have touched is not read again; what is not stored is
derived by a :class:`~simulator.chain.reading.mirror.Mirror`. ``tests/chain/test_observation.py``
holds everything against the Lens after every action of a run.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from eth_utils import keccak

from simulator.chain.deploy import artifacts
from simulator.chain.evm.codec import MAX_UINT256, WORD, signed_word, words
from simulator.chain.reading.layout import FIRST_WORD, POSITION_WORDS
from simulator.chain.reading.readings import Source
from simulator.chain.reading.touched import ALL, BY_DEPTH, BY_SCALE, by_time, touched
from simulator.types import COVARIANCE_RAMP
from simulator.world.protocol import FACTOR_COLUMNS

if TYPE_CHECKING:
    from simulator.chain.deploy.addresses import Deployment
    from simulator.chain.evm.revm import RevmTransport
    from simulator.chain.reading.layout import Layout
    from simulator.chain.reading.touched import Touched
    from simulator.world.actions import Action

# Storage of UniswapV3Pool.sol (v3-core 1.0.1) and NonfungiblePositionManager.sol (v3-periphery
# 1.4.4), and what of each word is the variable.
_SLOT0, _FEE_GROWTH, _LIQUIDITY, _TICKS = 0, 1, 4, 5
_NFT_POSITIONS = 12
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
        clearing, vault = artifacts.load("ClearingHouse").slots, artifacts.load("HedgeVault").slots
        token = artifacts.load("Token").slots
        markets, others = range(layout.markets), range(1, layout.others + 1)
        house, safe, tokens = deployment.clearing, deployment.vault, deployment.tokens
        self.layout = layout
        self.deployment = deployment
        self.by_time = by_time(layout)
        self.slots: dict[str, list[tuple[str, int]]] = {
            "venue": [(house, clearing[n]) for n in ("insurance_fund", "bad_debt")],
            "vault": [
                (safe, vault[n])
                for n in ("totalSupply", "idle_usdc", "idle_base", "betas_posted_at")
            ],
            "market": [
                place
                for m in markets
                for place in (
                    (house, mapping_slot(clearing["state"], m)),  # skew, …
                    (house, mapping_slot(clearing["market"], m) + 1),  # asset, skew_scale, …
                )
            ],
            "accrual": [  # … funding_rate, funding_index, updated_at
                (house, mapping_slot(clearing["state"], m) + i) for m in markets for i in (1, 2, 3)
            ],
            "backstop": [
                (house, mapping_slot(clearing[n], m))
                for m in markets
                for n in (
                    *("long_interest", "loss_long", "loss_short"),
                    *("insurance_drawn", "maker_drawn", "premium_pool", "maker_cash"),
                    "unpaid_premium",
                )
            ],
            **{
                name: [
                    (house, mapping_slot(clearing[name], int(tokens[a], 16)))
                    for a in layout.protocol.risk_assets
                ]
                for name in ("row", "row_before")
            },
            "covariance_posted_at": [(house, clearing["covariance_posted_at"])],
            "shares": [
                (safe, mapping_slot(vault["balanceOf"], int(deployment.roles.fee_receiver, 16))),
                (safe, vault["queued_shares"]),
                (safe, vault["high_water_mark"]),
            ],
            "betas": [(safe, mapping_slot(vault["beta"], m)) for m in markets],
            "cash": [(house, mapping_slot(clearing["cash"], a)) for a in layout.accounts],
            "collateral": [
                (house, mapping_slot(clearing["collateral_balance"], a, c))
                for a in layout.accounts
                for c in others
            ],
            "positions": [
                (house, mapping_slot(clearing["position"], a, m) + i)
                for a in layout.accounts
                for m in markets
                for i in range(POSITION_WORDS)
            ],
            "wallets": [
                (contract, mapping_slot(balances, int(agent, 16)))
                for agent in deployment.agents
                for contract, balances in (
                    (tokens[0], token["balanceOf"]),
                    (tokens[1], token["balanceOf"]),
                    (safe, vault["balanceOf"]),
                )
            ],
            "range": [
                (safe, vault[n])
                for n in (
                    *("token_id", "liquidity"),
                    *("tick_lower", "tick_upper", "_sqrt_lower", "_sqrt_upper"),
                )
            ],
            "pool_words": [(deployment.pool, slot) for slot in (_SLOT0, _LIQUIDITY)],
        }


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
            "lending": self._lending,
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

    def _lending(self) -> list[int]:
        """The hedge on Aave: its interest and rates are Aave's own figures, so Aave is asked."""
        data = self._transport.call(self._plan.deployment.lens, self._plan.layout.lending_calldata)
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
        packed = self.read("nft")[0]
        return [0 if token_id == 0 else min(counted, packed >> 128), *rest]

    def _fees(self) -> list[int]:
        """What a collect would pay the vault, raw base and USDC (Uniswap v3 whitepaper §6.3–6.4).

        Fee growth is counted modulo 2²⁵⁶, and so are its differences.
        """
        token_id, _, lower, upper, *_ = self.read("range")
        if token_id == 0:
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
