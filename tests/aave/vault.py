"""A vault of the calm scenario that hedges BTC on Aave and SOL at the ClearingHouse, on revm."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from math import isqrt
from typing import Any

from simulator.chain.deploy import artifacts
from simulator.chain.deploy.aave_v3 import _artifact, configurator_at, pool_at, token_at
from simulator.chain.deploy.addresses import Deployment
from simulator.chain.deploy.deployment import deploy
from simulator.chain.evm.codec import Contract, Reverted, reason, status_of
from simulator.chain.evm.revm import RevmTransport, Transaction
from simulator.config import load
from simulator.config.resolve import resolve
from simulator.types import Status
from simulator.world.protocol import (
    AaveLeg,
    AaveParameters,
    BackgroundRange,
    PoolParameters,
    Protocol,
    ReserveParameters,
)

WAD = 10**18
BTC, SOL = 0, 1  # hedges, and markets of the ClearingHouse
FOREVER = 2**40
HIGHEST = 2**256 - 1


def _leg_pool(price: float) -> PoolParameters:
    """A full-range pool BTC/USDC worth 100 million a side, at ``price``."""
    root = isqrt(int(price * 10**6) * 2**192 // 10**18)
    liquidity = 10**14 * 2**96 // root
    return PoolParameters(500, 10, root, (BackgroundRange(-887_270, 887_270, liquidity),))


@cache
def protocol() -> Protocol:
    calm = resolve(load("calm"))
    btc = calm.clearing.markets[BTC].asset
    usdc = ReserveParameters(0, 5e7, 1e7, 0.9, 0.0, 0.04, 0.6, 0.1)
    reserve = ReserveParameters(btc, 500.0, 100.0, 0.45, 0.01, 0.04, 3.0, 0.2)
    leg = AaveLeg(BTC, reserve, _leg_pool(calm.assets[btc].price))
    return replace(
        calm,
        vault=replace(
            calm.vault, margin_target=3.0, top_up_ratio=2.5, deleverage_ratio=1.8, hedge_band=0.005
        ),
        aave=AaveParameters(0.75, 0.78, 0.05, usdc, (leg,)),
    )


@cache
def _genesis(pledged: bool) -> tuple[tuple[Transaction, ...], Deployment]:
    chain, terms = RevmTransport(record=True), protocol()
    deployed = deploy(chain, replace(terms, vault=replace(terms.vault, pledged=pledged)))
    assert chain.transactions is not None
    return tuple(chain.transactions), deployed


class HedgedVault:
    """One copy. Prices are floats by symbol; the depositor has 10 million USDC in its wallet.

    ``pledged``: whether its liquidity backs the account at the ClearingHouse.
    """

    def __init__(self, *, pledged: bool = False) -> None:
        transactions, self.deployed = _genesis(pledged)
        self.chain = RevmTransport().fork(transactions)
        assert self.deployed.lending is not None
        self.lending = self.deployed.lending
        names = [slot.name for slot in protocol().agents]
        self.agents = dict(zip(names, self.deployed.agents, strict=True))
        self.symbols = [token.symbol for token in protocol().assets]
        self.prices = {token.symbol: token.price for token in protocol().assets}
        self.vault = self._at("HedgeVault", self.deployed.vault)
        self.clearing = self._at("ClearingHouse", self.deployed.clearing)
        self.hedge = self._at("AaveHedge", self.lending.hedge)
        self.aave = pool_at(self.lending.aave, self.chain)
        self.account = int(self.deployed.vault, 16) << 8
        self.report()

    def _at(self, artifact: str, address: str) -> Contract:
        return Contract(artifacts.load(artifact), address, self.chain)

    def token(self, symbol: str) -> Contract:
        return self._at("Token", self.deployed.tokens[self.symbols.index(symbol)])

    def report(self, **prices: float) -> None:
        """An oracle round of every price now; the pools are arbitraged to theirs."""
        self.prices.update(prices)
        words = [int(self.prices[symbol] * 1e12) * 10**6 for symbol in self.symbols]
        self._at("PriceOracle", self.deployed.oracle).transact(
            self.deployed.roles.reporter, "report", self.deployed.tokens, words, self.chain.time()
        )
        for symbol, pool in (("ETH", self.deployed.pool), ("BTC", self.lending.pools[0])):
            self._arbitrage(symbol, self._at("UniswapV3Pool", pool))

    def _arbitrage(self, symbol: str, pool: Contract) -> None:
        target = isqrt(int(self.prices[symbol] * 1e9) * 2**192 // 10**21)
        spot = pool.call("slot0")[0]
        if spot == target:
            return
        trader, owner = self.agents["amm_arbitrageur"], self.deployed.roles.deployer
        pair, amount = ("USDC", symbol), 10**8 * 10**6
        if target < spot:
            pair, amount = (symbol, "USDC"), 10**6 * WAD
        tokens = [self.token(name) for name in pair]
        tokens[0].transact(owner, "mint", trader, amount)
        tokens[0].transact(trader, "approve", self.deployed.router, HIGHEST)
        addresses = [token.address for token in tokens]
        arguments = (*addresses, pool.call("fee"), trader, FOREVER, amount, 0, target)
        self._at("SwapRouter", self.deployed.router).transact(trader, "exactInputSingle", arguments)

    def wait(self, seconds: int, **prices: float) -> None:
        self.chain.set_time(self.chain.time() + seconds)
        self.report(**prices)

    def keep(self, function: str, *arguments: Any, actor: str = "keeper") -> Status:
        """A vault function's status. A revert no status stands for is raised."""
        try:
            self.vault.transact(self.agents[actor], function, *arguments)
        except Reverted as revert:
            return status_of(revert, "HedgeVault", function)
        return Status.OK

    def refusal(self, actor: str, function: str, *arguments: Any) -> str:
        """The vault's reason, empty when it did what was asked."""
        try:
            self.vault.transact(self.agents[actor], function, *arguments)
        except Reverted as revert:
            return reason(revert.data)
        return ""

    def post_betas(self, *betas: float) -> str:
        words = [round(beta * 1e6) * 10**12 for beta in betas]
        try:
            self.vault.transact(self.deployed.roles.risk_manager, "post_betas", words)
        except Reverted as revert:
            return reason(revert.data)
        return ""

    def size(self, hedge: int) -> int:
        """Of the vault, at whichever venue."""
        if hedge == BTC:
            return int(self.hedge.call("position", self.account, 0)[0])
        return int(self.clearing.call("position", self.account, hedge)[0])

    def margin(self, hedge: int) -> tuple[int, ...]:
        """AccountState of the account a hedge is held in: balance, value, E, E₀, M."""
        venue = self.hedge if hedge == BTC else self.clearing
        return tuple(venue.call("account_state", self.account))

    def ratio(self, hedge: int) -> float:
        *_, equity, _, maintenance = self.margin(hedge)
        return float(equity / maintenance)

    def nav(self) -> float:
        return float(self.vault.call("nav") / WAD)

    def supplied(self) -> int:
        token = token_at(self.lending.a_tokens[0], self.chain)
        return int(token.call("balanceOf", self.lending.hedge))


def configurator_of(vault: HedgedVault) -> Contract:
    """Aave's governance, for its market's owner, who deployed all."""
    address = vault.aave.call("ADDRESSES_PROVIDER")
    provider = Contract(_artifact("PoolAddressesProvider", {}), address, vault.chain)
    return configurator_at(provider.call("getPoolConfigurator"), vault.chain)
