"""A StableSwap pool on revm beside its reference on integers, for properties and exploits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from simulator.chain.deploy.artifacts import ROOT, Artifact, compiled, load
from simulator.chain.deploy.uniswap_v3 import ZERO_ADDRESS
from simulator.chain.evm.codec import MAX_UINT256, Contract, Reverted, encode_constructor, reason
from simulator.chain.evm.revm import RevmTransport
from tests.reference.stableswap import FEE_ONE, WAD, StablePool

VECTORS = ROOT.parent / "shared/data/vectors/curve_3pool_quotes.json"


def three_pool() -> dict[str, Any]:
    """Ethereum mainnet's 3pool: balances, A, fee and answers of get_dy."""
    found: dict[str, Any] = json.loads(VECTORS.read_text(encoding="utf-8"))
    return found


class Pool:
    """One chain with a pool, its coins in the wallets of ``provider`` and ``trader``.

    ``told``: rates WAD of coins that have a provider of rates.
    """

    def __init__(
        self,
        decimals: Sequence[int],
        a: int,
        fee: int,
        off_peg: int = FEE_ONE,
        *,
        told: dict[int, int] | None = None,
        pool: Artifact | None = None,
        token: Artifact | None = None,
        chain: RevmTransport | None = None,
    ) -> None:
        self.chain = chain or RevmTransport()
        self.owner = self.chain.account("owner")
        self.provider, self.trader = self.chain.account("provider"), self.chain.account("trader")
        coin = token or load("Token")
        named = any(entry["type"] == "constructor" for entry in coin.abi)
        self.coins = [
            self.new(coin, *((f"Coin {k}", f"C{k}", n) if named else ()))
            for k, n in enumerate(decimals)
        ]
        source = compiled(ROOT / "tests/properties/rate.vy")
        self.rates = {k: self.new(source, rate) for k, rate in (told or {}).items()}
        providers = [
            self.rates[k].address if k in self.rates else ZERO_ADDRESS for k in range(len(decimals))
        ]
        addresses = [coin.address for coin in self.coins]
        self.contract = self.new(
            pool or load("StableSwap"), addresses, providers, a, fee, off_peg, "Pool", "LP"
        )
        rates = [(told or {}).get(k, WAD) for k in range(len(decimals))]
        self.twin = StablePool(tuple(decimals), a, fee, off_peg, rates)
        for holder in (self.provider, self.trader):
            self.approve(holder)
            for k in range(len(decimals)):
                self.give(holder, k, 10**45)

    def new(self, artifact: Artifact, *arguments: Any) -> Contract:
        code = encode_constructor(artifact, *arguments)
        return Contract(artifact, self.chain.deploy(self.owner, code), self.chain)

    def give(self, holder: str, coin: int, raw: int) -> None:
        self.coins[coin].transact(self.owner, "mint", holder, raw)

    def approve(self, holder: str) -> None:
        for coin in self.coins:
            coin.transact(holder, "approve", self.contract.address, MAX_UINT256)

    def held(self, holder: str) -> list[int]:
        """Raw coins in a wallet."""
        return [int(coin.call("balanceOf", holder)) for coin in self.coins]

    def shares(self, holder: str) -> int:
        return int(self.contract.call("balanceOf", holder))

    # --------------------------------------------------------------------------------- operations

    def add(self, raw: Sequence[int], who: str = "") -> int:
        """Shares given."""
        by = who or self.provider
        return int(self.contract.transact(by, "add_liquidity", list(raw), 0, by))

    def exchange(self, i: int, j: int, raw: int, who: str = "") -> int:
        """Raw amount paid out."""
        by = who or self.trader
        return int(self.contract.transact(by, "exchange", i, j, raw, 0, by))

    def remove(self, shares: int, who: str = "") -> list[int]:
        by = who or self.provider
        least = [0] * self.twin.n
        return list(self.contract.transact(by, "remove_liquidity", shares, least, by))

    def remove_one(self, shares: int, coin: int, who: str = "") -> int:
        by = who or self.provider
        name = "remove_liquidity_one_coin"
        return int(self.contract.transact(by, name, shares, coin, 0, by))

    def quote(self, i: int, j: int, raw: int) -> int:
        return int(self.contract.call("get_dy", i, j, raw))

    def tell(self, coin: int, rate: int) -> None:
        """A new rate, to both."""
        self.rates[coin].transact(self.owner, "set_rate", rate)
        self.twin.told[coin] = rate

    def state(self) -> tuple[list[int], int]:
        """(counted balances, supply), of the contract."""
        balances = [int(self.contract.call("balances", k)) for k in range(self.twin.n)]
        return balances, int(self.contract.call("totalSupply"))


def refused(call: Any, *arguments: Any) -> str:
    """Why a call is refused; an error when it is not."""
    try:
        call(*arguments)
    except Reverted as reverted:
        return reason(reverted.data)
    raise AssertionError("it was not refused")
