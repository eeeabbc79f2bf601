"""The whole system of the calm scenario on revm, driven by name, for properties of the vault."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property
from math import isqrt
from typing import Any

from simulator.chain.deploy import artifacts
from simulator.chain.deploy.addresses import Deployment
from simulator.chain.deploy.deployment import deploy
from simulator.chain.deploy.terms import wad
from simulator.chain.evm.codec import Contract, Reverted, reason, status_of
from simulator.chain.evm.revm import RevmTransport, Transaction
from simulator.config import load
from simulator.config.resolve import resolve
from simulator.types import Status
from simulator.world.protocol import Protocol
from tests.feeds import deviating

WAD = 10**18
USDC_UNIT = 10**6
FOREVER = 2**40


@cache
def protocol() -> Protocol:
    """Calm's, with spreads of the markets' own that count where the feeds do not lag."""
    calm = resolve(load("calm"))
    btc, sol = calm.clearing.markets
    markets = (replace(btc, half_spread=0.0001), replace(sol, half_spread=0.0003))
    return replace(calm, clearing=replace(calm.clearing, markets=markets))


@cache
def _genesis(lag: bool, **vault: Any) -> tuple[tuple[Transaction, ...], Deployment]:
    chain = RevmTransport(record=True)
    terms = protocol()
    if not lag:
        terms = replace(terms, feeds=deviating(terms, *(0.0,) * len(terms.assets)))
    deployed = deploy(chain, replace(terms, vault=replace(terms.vault, **vault)))
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
    """One copy of the deployment. Prices are floats in USD per whole token, by protocol asset.

    ``vault``: parameters of the vault (:class:`VaultParameters`) other than the scenario's.
    ``lag``: whether the feeds have the scenario's deviation, or none.
    """

    def __init__(self, *, lag: bool = True, **vault: Any) -> None:
        transactions, self.deployed = _genesis(lag, **vault)
        self.chain = RevmTransport().fork(transactions)
        self.donated = [0, 0]  # raw USDC, base sent to the vault
        names = [slot.name for slot in protocol().agents]
        self.agents = dict(zip(names, self.deployed.agents, strict=True))
        self.depositors = [self.agents["depositor"], self.agents["noise_trader"]]
        self.keeper = self.agents["keeper"]
        self.owner = self.deployed.roles.deployer
        self.account = int(self.deployed.vault, 16) << 8  # the cross account
        self.prices = [token.price for token in protocol().assets]
        self.silent: set[int] = set()  # assets whose feeds have stopped: reports leave them out
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
    def manager(self) -> Contract:
        return self._contract("NonfungiblePositionManager", self.deployed.manager)

    @cached_property
    def oracle(self) -> Contract:
        return self._contract("PriceOracle", self.deployed.oracle)

    @cached_property
    def usdc(self) -> Contract:
        return self._contract("Token", self.deployed.tokens[0])

    @cached_property
    def base(self) -> Contract:
        return self._contract("Token", self.deployed.tokens[1])

    # ------------------------------------------------------------------------------------ actions

    def report(self) -> None:
        """An oracle round of every price now."""
        heard = [i for i in range(len(self.prices)) if i not in self.silent]
        tokens = [self.deployed.tokens[i] for i in heard]
        prices = [int(self.prices[i] * 1e12) * 10**6 for i in heard]
        self.oracle.transact(
            self.deployed.roles.reporter, "report", tokens, prices, self.chain.time()
        )

    def wait(self, seconds: int, *, refresh: bool = True) -> None:
        """Let time pass; every price is reported again unless ``refresh`` is false."""
        self.chain.set_time(self.chain.time() + seconds)
        if refresh:
            self.report()

    def move(self, base: float, *hedges: float) -> None:
        """The oracle and the pool go to a price of the base asset, hedge assets to theirs."""
        self.prices[1] = base
        for index, price in enumerate(hedges):
            self.prices[2 + index] = price
        self.report()
        self.swap_to(base / self.prices[0])

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

    def do(self, sender: str, function: str, *arguments: Any) -> Any:
        """A vault function's answer; raises Reverted."""
        return self.vault.transact(sender, function, *arguments)

    def refusal(self, sender: str, function: str, *arguments: Any) -> str:
        """The reason with which the vault refuses; empty when it does not."""
        try:
            self.vault.transact(sender, function, *arguments)
        except Reverted as revert:
            return reason(revert.data)
        return ""

    def invest(self, usdc: int = 2_000_000) -> System:
        """Whole USDC deposited, placed and hedged with BTC (0.7) and SOL (0.2)."""
        depositor = self.depositors[0]
        self.do(depositor, "deposit", usdc * USDC_UNIT, depositor)
        self.do(self.deployed.roles.risk_manager, "post_betas", [wad(0.7), wad(0.2)])
        self.do(self.keeper, "recenter")
        self.do(self.keeper, "rebalance")
        return self

    def set_terms(self, **changes: Any) -> None:
        """Replace parameters of the vault, raw values by name."""
        names = [c["name"] for c in _parameters_of(artifacts.load("HedgeVault"))]
        values = list(self.vault.call("parameters"))
        values = list(values[0]) if len(values) == 1 else values
        for name, value in changes.items():
            values[names.index(name)] = value
        self.do(self.owner, "set_parameters", tuple(values))

    # ------------------------------------------------------------------------------------ reading

    def get(self, view: str, *arguments: Any) -> Any:
        """A view of the vault."""
        return self.vault.call(view, *arguments)

    def margin(self) -> Margin:
        """The vault's cross account."""
        return Margin(*self.clearing.call("account_state", self.account))

    def sizes(self) -> list[int]:
        return [
            self.clearing.call("position", self.account, market)[0]
            for market in range(protocol().markets)
        ]


def _parameters_of(artifact: artifacts.Artifact) -> list[dict[str, Any]]:
    setter = next(entry for entry in artifact.abi if entry.get("name") == "set_parameters")
    components: list[dict[str, Any]] = setter["inputs"][0]["components"]
    return components
