"""The whole system of the calm scenario on revm, driven by name, for properties of the vault."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from math import isqrt
from typing import Any

from simulator.config import load
from simulator.config.resolve import resolve
from simulator.types import Status
from simulator.world.chain import artifacts
from simulator.world.chain.codec import Contract, Reverted, status_of
from simulator.world.chain.deployment import Deployment, deploy
from simulator.world.chain.revm import RevmTransport, Transaction
from simulator.world.protocol import Protocol

WAD = 10**18
USDC_UNIT = 10**6
FOREVER = 2**40


@cache
def protocol() -> Protocol:
    return resolve(load("calm"))


@cache
def _genesis() -> tuple[tuple[Transaction, ...], Deployment]:
    chain = RevmTransport(record=True)
    deployed = deploy(chain, protocol())
    assert chain.transactions is not None
    return tuple(chain.transactions), deployed


@dataclass(frozen=True)
class Margin:
    """IClearingHouse.AccountState."""

    balance: int
    value: int
    equity: int
    initial_equity: int
    maintenance: int

    @property
    def ratio(self) -> float:
        return self.equity / self.maintenance if self.maintenance else float("inf")


class System:
    """One copy of the deployment. Prices are floats in USD per whole token, by protocol asset."""

    def __init__(self) -> None:
        transactions, self.deployed = _genesis()
        self.chain = RevmTransport().fork(transactions)
        self.donated = [0, 0]  # raw USDC, base sent to the vault
        names = [slot.name for slot in protocol().agents]
        self.agents = dict(zip(names, self.deployed.agents, strict=True))
        self.depositors = [self.agents["depositor"], self.agents["noise_trader"]]
        self.prices = [token.price for token in protocol().assets]
        self.report()

    def _contract(self, artifact: str, address: str) -> Contract:
        return Contract(artifacts.load(artifact), address, self.chain)

    @cached_property
    def vault(self) -> Contract:
        return self._contract("HedgeVault", self.deployed.vault)

    @cached_property
    def clearing(self) -> Contract:
        return self._contract("ClearingHouse", self.deployed.clearing)

    @cached_property
    def pool(self) -> Contract:
        return self._contract("UniswapV3Pool", self.deployed.pool)

    @cached_property
    def usdc(self) -> Contract:
        return self._contract("Token", self.deployed.tokens[0])

    @cached_property
    def base(self) -> Contract:
        return self._contract("Token", self.deployed.tokens[1])

    # ------------------------------------------------------------------------------------ actions

    def report(self) -> None:
        """An oracle round of every price now."""
        oracle = self._contract("PriceOracle", self.deployed.oracle)
        prices = [int(price * 1e12) * 10**6 for price in self.prices]
        oracle.transact(
            self.deployed.roles.reporter, "report", self.deployed.tokens, prices, self.chain.time()
        )

    def wait(self, seconds: int) -> None:
        self.chain.set_time(self.chain.time() + seconds)
        self.report()

    def swap_to(self, price: float) -> None:
        """Arbitrage the pool to a price in USDC per base token."""
        target = isqrt(int(price * 1e9) * 2**192 // 10**21)
        spot = self.pool.call("slot0")[0]
        if spot == target:
            return
        sells_base = target < spot
        pair = self.deployed.tokens[1::-1] if sells_base else self.deployed.tokens[:2]
        amount = 10**5 * WAD if sells_base else 2 * 10**8 * USDC_UNIT
        router = self._contract("SwapRouter", self.deployed.router)
        trader = self.agents["amm_arbitrageur"]
        arguments = (*pair, protocol().pool.fee_ppm, trader, FOREVER, amount // 2, 0, target)
        router.transact(trader, "exactInputSingle", arguments)

    def donate(self, index: int, raw: int) -> None:
        token = (self.usdc, self.base)[index]
        token.transact(self.deployed.roles.deployer, "mint", self.vault.address, raw)
        self.donated[index] += raw

    def attempt(self, sender: str, function: str, *arguments: Any) -> tuple[Status, Any]:
        """A vault function's status and answer. A revert no status stands for is raised."""
        try:
            return Status.OK, self.vault.transact(sender, function, *arguments)
        except Reverted as revert:
            return status_of(revert, "HedgeVault", function), None

    # ------------------------------------------------------------------------------------ reading

    def margin(self) -> Margin:
        """The vault's cross account."""
        account = int(self.vault.address, 16) << 8
        return Margin(*self.clearing.call("account_state", account))

    def sizes(self) -> list[int]:
        account = int(self.vault.address, 16) << 8
        return [
            self.clearing.call("position", account, market)[0]
            for market in range(protocol().markets)
        ]
