"""The Lens's words read in process: stored variables from their slots, derived ones from views.

A slot costs pyrevm a third of a microsecond, a call tens, and a whole ``Lens.observe`` as much as
several transactions. What an action cannot have touched is not read again.
``tests/chain/test_observation.py`` holds every word against the Lens after every action of a run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from eth_utils import keccak

from simulator.world.actions import Action, PostMargin, Swap, Trade
from simulator.world.chain import artifacts
from simulator.world.chain.codec import MAX_UINT256, selector, signed_word, words
from simulator.world.chain.observation import Source

if TYPE_CHECKING:
    from simulator.world.chain.deployment import Deployment
    from simulator.world.chain.observation import Layout
    from simulator.world.chain.revm import RevmTransport

# Storage of UniswapV3Pool.sol (v3-core 1.0.1), and what of each word is the variable.
_SLOT0, _LIQUIDITY = 0, 4
_MASK_160, _MASK_128 = 2**160 - 1, 2**128 - 1
_SIGN, _TWO_256 = 2**255, MAX_UINT256 + 1

_LAST_MARKET_STATE = selector("last_market_state(uint256)")
_LAST_ACCOUNT_STATE = selector("last_account_state(uint256)")
_LAST_NAV = selector("last_nav()")
_POSITION_STATE = selector("position_state()")

# Groups that time (None) and the frequent actions leave as they were; any other may touch all.
_KEPT: dict[type[Action] | None, tuple[str, ...]] = {
    None: ("venue", "vault", "betas", "cash", "collateral", "positions", "wallets"),
    Swap: ("venue", "vault", "betas", "cash", "collateral", "positions", "market", "funding"),
    # A trade accrues funding to now first, so what had accrued up to now stays the same.
    Trade: ("pool", "vault", "betas", "collateral", "wallets", "position", "funding"),
    PostMargin: ("pool", "venue", "vault", "betas", "positions", "market", "funding", "position"),
}


def mapping_slot(slot: int, *keys: int) -> int:
    """Slot of an element of a Vyper HashMap: keccak(slot, key), key by key."""
    for key in keys:
        slot = int.from_bytes(keccak(words(slot, key)), "big")
    return slot


class StoragePlan:
    """Slots of every stored word and calls for derived ones; the same on every path."""

    def __init__(self, layout: Layout, deployment: Deployment) -> None:
        clearing, vault = artifacts.load("ClearingHouse").slots, artifacts.load("HedgeVault").slots
        token, oracle = artifacts.load("Token").slots, artifacts.load("PriceOracle").slots
        markets, others = range(layout.markets), range(1, layout.others + 1)
        house, safe, tokens = deployment.clearing, deployment.vault, deployment.tokens
        self.protocol = layout.protocol
        self.assets = [terms.asset for terms in layout.protocol.clearing.collaterals]
        self.deployment = deployment
        self.account_calls = [_LAST_ACCOUNT_STATE + words(a) for a in layout.accounts]
        self.market_calls = [_LAST_MARKET_STATE + words(m) for m in markets]
        accounts, agents = len(layout.accounts), len(deployment.agents)
        self.rows = {"cash": accounts, "positions": accounts, "wallets": agents}
        self.slots: dict[str, list[tuple[str, int]]] = {
            "venue": [(house, clearing[n]) for n in ("maker_cash", "insurance_fund", "bad_debt")],
            "vault": [
                (safe, vault[n])
                for n in ("totalSupply", "idle_usdc", "idle_base", "betas_posted_at")
            ],
            "market": [
                place
                for m in markets
                for place in (
                    (house, mapping_slot(clearing["_state"], m)),  # skew, …
                    (house, mapping_slot(clearing["market"], m) + 1),  # asset, skew_scale, …
                )
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
                for i in range(3)
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
            "pool_words": [(deployment.pool, slot) for slot in (_SLOT0, _LIQUIDITY)],
            "prices": [  # max_age, price, …
                (deployment.oracle, mapping_slot(oracle["_feeds"], int(asset, 16)) + 1)
                for asset in tokens
            ],
        }


class StorageSource(Source):
    """One in-process path."""

    def __init__(self, transport: RevmTransport, plan: StoragePlan) -> None:
        self._transport = transport
        self._plan = plan
        self._storage = transport.evm.storage
        self._known: dict[str, list[int]] = {}
        self._margins: list[list[int] | None] = [None] * len(plan.account_calls)
        self._prices: list[int] = []
        self._derived: dict[str, Callable[[], list[int]]] = {
            "pool": self._pool,
            "funding": self._funding,
            "margin": self._margin,
            "position": lambda: self._call(plan.deployment.vault, _POSITION_STATE, range(7)),
            "nav": lambda: self._call(plan.deployment.vault, _LAST_NAV, range(1)),
        }

    def read(self, group: str) -> list[int]:
        """See :meth:`Source.read`."""
        found = self._known.get(group)
        if found is None:
            derive = self._derived.get(group)
            found = self._stored(group) if derive is None else derive()
            self._known[group] = found
        return found

    def changed(self, action: Action | None) -> None:
        """See :meth:`Source.changed`."""
        known = self._known
        kept = _KEPT.get(None if action is None else type(action), ())
        self._known = {name: known[name] for name in kept if name in known}
        if isinstance(action, Swap):
            self._reread("wallets", known, action.actor)
            if "margin" in known:
                self._known["margin"] = known["margin"]
        elif action is None or isinstance(action, (Trade, PostMargin)):
            self._forget_margins(action)
            if isinstance(action, Trade):
                account = self._plan.protocol.account_of(action.actor)
                self._reread("cash", known, account)
                self._reread("positions", known, account)
        else:
            self._margins = [None] * len(self._margins)

    # ------------------------------------------------------------------------------------- helpers

    def _stored(self, group: str) -> list[int]:
        return self._load(self._plan.slots[group])

    def _load(self, places: list[tuple[str, int]]) -> list[int]:
        storage = self._storage
        return [
            word - _TWO_256 if (word := storage(address, slot)) >= _SIGN else word
            for address, slot in places
        ]

    def _reread(self, group: str, known: dict[str, list[int]], row: int) -> None:
        """Only one agent's or account's words of a group changed."""
        words_known = known.get(group)
        if words_known is not None:
            width = len(words_known) // self._plan.rows[group]
            part = slice(width * row, width * (row + 1))
            fresh = words_known.copy()
            fresh[part] = self._load(self._plan.slots[group][part])
            self._known[group] = fresh

    def _call(self, to: str, data: bytes, kept: range | tuple[int, ...]) -> list[int]:
        returned = self._transport.call(to, data)
        return [signed_word(returned, index) for index in kept]

    # ------------------------------------------------------------------------------------- derived

    def _pool(self) -> list[int]:
        slot0, liquidity = self._stored("pool_words")
        return [slot0 & _MASK_160, liquidity & _MASK_128]

    def _funding(self) -> list[int]:
        """Rate and index accrued up to now; MarketState is skew, rate, index, time."""
        house = self._plan.deployment.clearing
        return [w for data in self._plan.market_calls for w in self._call(house, data, (1, 2))]

    def _margin(self) -> list[int]:
        """Value, equity and maintenance of every account."""
        self._forget_revalued()
        house, found = self._plan.deployment.clearing, []
        for index, data in enumerate(self._plan.account_calls):
            state = self._margins[index]
            if state is None:
                # AccountState is balance, value, equity, initial equity, maintenance.
                state = self._margins[index] = self._call(house, data, (1, 2, 4))
            found += state
        return found

    def _forget_revalued(self) -> None:
        """Accounts without positions that hold a token whose price is another one now."""
        prices = self._stored("prices")
        if prices == self._prices:
            return
        moved = [not self._prices or prices[a] != self._prices[a] for a in self._plan.assets]
        self._prices = prices
        cash, collateral = self.read("cash"), self.read("collateral")
        others = len(moved) - 1
        for index in range(len(self._margins)):
            held = (cash[index], *collateral[others * index : others * (index + 1)])
            if any(raw and other for raw, other in zip(held, moved, strict=True)):
                self._margins[index] = None

    def _forget_margins(self, action: Action | None) -> None:
        """Accounts with positions (M > 0), which follow time and skew, and the actor's own."""
        self._margins = [None if state is None or state[2] else state for state in self._margins]
        if action is not None:
            self._margins[self._plan.protocol.account_of(action.actor)] = None
