"""The Lens's words read in process: stored variables from their slots, derived ones from views.

A slot costs pyrevm a third of a microsecond, a call tens, and a whole ``Lens.observe`` as much as
several transactions. A view's result is kept while everything it depends on is unchanged.
``tests/chain/test_observation.py`` holds every word against the Lens after every action of a run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from eth_utils import keccak

from simulator.world.actions import Action, Swap, Trade
from simulator.world.chain import artifacts
from simulator.world.chain.codec import MAX_UINT256, selector, signed_word, words
from simulator.world.chain.observation import Source

if TYPE_CHECKING:
    from simulator.world.chain.deployment import Deployment
    from simulator.world.chain.observation import Layout
    from simulator.world.chain.revm import RevmTransport

# Storage of UniswapV3Pool.sol (v3-core 1.0.1).
_SLOT0, _LIQUIDITY = 0, 4
_MASK_160, _MASK_128 = 2**160 - 1, 2**128 - 1
_SIGN = 2**255

_LAST_MARKET_STATE = selector("last_market_state(uint256)")
_LAST_ACCOUNT_STATE = selector("last_account_state(uint256)")
_LAST_NAV = selector("last_nav()")
_POSITION_STATE = selector("position_state()")

# Stored groups that time and the frequent actions write to; any other action may write to all.
_TOUCHED: dict[type[Action] | None, tuple[str, ...]] = {
    None: ("prices", "pool_words", "market", "funding_state"),
    Swap: ("wallets", "pool_words"),
    Trade: ("cash", "positions", "market", "funding_state", "venue"),
}
_DERIVED = ("pool", "funding", "margin", "position", "nav")


def mapping_slot(slot: int, *keys: int) -> int:
    """Slot of an element of a Vyper HashMap: keccak(slot, key), key by key."""
    for key in keys:
        slot = int.from_bytes(keccak(words(slot, key)), "big")
    return slot


class StoragePlan:
    """Addresses and slots of every stored word, the same on every path."""

    def __init__(self, layout: Layout, deployment: Deployment) -> None:
        clearing, vault = artifacts.load("ClearingHouse").slots, artifacts.load("HedgeVault").slots
        token, oracle = artifacts.load("Token").slots, artifacts.load("PriceOracle").slots
        markets, others = range(layout.markets), range(1, layout.others + 1)
        self.deployment = deployment
        self.accounts = layout.accounts
        self.markets = layout.markets
        self.others = layout.others
        self.assets = [terms.asset for terms in layout.protocol.clearing.collaterals]
        house, safe = deployment.clearing, deployment.vault
        state = [mapping_slot(clearing["_state"], m) for m in markets]
        agents = [int(address, 16) for address in deployment.agents]
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
                    (house, state[m]),
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
                place
                for agent in agents
                for place in (
                    (deployment.tokens[0], mapping_slot(token["balanceOf"], agent)),
                    (deployment.tokens[1], mapping_slot(token["balanceOf"], agent)),
                    (safe, mapping_slot(vault["balanceOf"], agent)),
                )
            ],
            # What views depend on beside the above.
            "range": [(safe, vault[n]) for n in ("liquidity", "tick_lower", "tick_upper")],
            "funding_state": [(house, slot + i) for slot in state for i in range(4)],
            "prices": [  # max_age, price, …
                (deployment.oracle, mapping_slot(oracle["_feeds"], int(asset, 16)) + 1)
                for asset in deployment.tokens
            ],
            "pool_words": [(deployment.pool, slot) for slot in range(_LIQUIDITY + 1)],
        }
        self.account_calls = [_LAST_ACCOUNT_STATE + words(a) for a in layout.accounts]
        self.market_calls = [_LAST_MARKET_STATE + words(m) for m in markets]


class StorageSource(Source):
    """One in-process path."""

    def __init__(self, transport: RevmTransport, plan: StoragePlan) -> None:
        self._transport = transport
        self._plan = plan
        self._storage = transport.evm.storage
        self._now: dict[str, list[int]] = {}  # read since the last change
        self._margins: dict[int, tuple[tuple[int, ...], list[int]]] = {}
        self._kept: dict[str, tuple[tuple[int, ...], list[int]]] = {}
        self._every = tuple(plan.slots)
        self._derived: dict[str, Callable[[], list[int]]] = {
            "pool": self._pool,
            "funding": self._funding,
            "margin": self._margin,
            "position": self._position,
            "nav": self._nav,
        }

    def read(self, group: str) -> list[int]:
        """See :meth:`Source.read`."""
        found = self._now.get(group)
        if found is None:
            derive = self._derived.get(group)
            found = self._stored(group) if derive is None else derive()
            self._now[group] = found
        return found

    def changed(self, action: type[Action] | None) -> None:
        """See :meth:`Source.changed`."""
        for group in _TOUCHED.get(action, self._every) + _DERIVED:
            self._now.pop(group, None)

    # ------------------------------------------------------------------------------------- helpers

    def _stored(self, group: str) -> list[int]:
        storage = self._storage
        found = [storage(address, slot) for address, slot in self._plan.slots[group]]
        return [word - _TWO_256 if word >= _SIGN else word for word in found]

    def _pool(self) -> list[int]:
        pool = self.read("pool_words")
        return [pool[_SLOT0] & _MASK_160, pool[_LIQUIDITY] & _MASK_128]

    def _call(self, to: str, data: bytes, count: int) -> list[int]:
        returned = self._transport.call(to, data)
        return [signed_word(returned, index) for index in range(count)]

    # ------------------------------------------------------------------------------------- derived

    def _funding(self) -> list[int]:
        """Rate and index accrued up to now; MarketState is skew, rate, index, time."""
        house = self._plan.deployment.clearing
        return [word for data in self._plan.market_calls for word in self._call(house, data, 3)[1:]]

    def _margin(self) -> list[int]:
        """Value, equity, maintenance of every account."""
        found: list[int] = []
        for index, data in enumerate(self._plan.account_calls):
            key = self._margin_key(index)
            known = self._margins.get(index)
            if known is None or known[0] != key:
                # AccountState is balance, value, equity, initial equity, maintenance.
                state = self._call(self._plan.deployment.clearing, data, 5)
                known = (key, [state[1], state[2], state[4]])
                self._margins[index] = known
            found += known[1]
        return found

    def _margin_key(self, account: int) -> tuple[int, ...]:
        """All an account's state depends on: its balances at the prices of those it has.

        With positions also these, the state of the markets, every price and the time.
        """
        plan, prices = self._plan, self.read("prices")
        others, width = plan.others, 3 * plan.markets
        cash = self.read("cash")[account]
        balances = self.read("collateral")[others * account : others * (account + 1)]
        held = self.read("positions")[width * account : width * (account + 1)]
        if any(held[::3]):
            venue = (*self.read("funding_state"), *self.read("market"), self._transport.time())
            return (cash, *balances, *prices, *held, *venue)
        valued = [prices[a] for a, raw in zip(plan.assets, (cash, *balances), strict=True) if raw]
        return (cash, *balances, *valued)

    def _position(self) -> list[int]:
        """The vault's position at the last prices: depends on the pool, prices and the vault."""
        return self._keep("position", self._vault_key(), _POSITION_STATE, 7)

    def _nav(self) -> list[int]:
        """Also depends on the vault's margin accounts."""
        margin = self.read("margin")[: 3 * (self._plan.markets + 1)]
        return self._keep("nav", (*self._vault_key(), *margin[::3]), _LAST_NAV, 1)

    def _vault_key(self) -> tuple[int, ...]:
        """Prices, the vault's tokens and range, the pool's price, liquidity and fee growth."""
        return tuple(
            word
            for group in ("prices", "vault", "range", "pool_words")
            for word in self.read(group)
        )

    def _keep(self, name: str, key: tuple[int, ...], data: bytes, count: int) -> list[int]:
        known = self._kept.get(name)
        if known is None or known[0] != key:
            known = (key, self._call(self._plan.deployment.vault, data, count))
            self._kept[name] = known
        return known[1]


_TWO_256 = MAX_UINT256 + 1
