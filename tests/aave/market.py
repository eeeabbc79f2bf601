"""An Aave v3 market, swap pools and an AaveHedge on revm, from the real bytecode of all three."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import isqrt
from typing import Any

from simulator.chain.deploy import aave_v3 as aave
from simulator.chain.deploy import uniswap_v3 as uniswap
from simulator.chain.deploy.artifacts import load
from simulator.chain.evm.codec import Contract, Reverted, encode_constructor, reason
from simulator.chain.evm.revm import RevmTransport, Transaction
from simulator.chain.evm.transport import Transport, created_address

WAD = 10**18
USDC_UNIT = 10**6
HIGHEST = 2**256 - 1
START = 1_700_000_000
MAX_AGE = 86_400
WALLET = 10**9  # whole tokens each actor starts with
FEE_PPM, SPACING = 500, 10
FULL_RANGE = 887_270

ASSETS = {"BTC": 8, "SOL": 18}
DECIMALS = {"USDC": 6, **ASSETS}
PRICES = {"USDC": Fraction(1), "BTC": Fraction(30_000), "SOL": Fraction(100)}
SUPPLY = {"BTC": 500, "SOL": 200_000, "USDC": 1_000_000}  # whole tokens others have supplied
POOL_USDC = 200_000_000  # whole USDC in each swap pool, full range
ACTORS = ("vault", "supplier", "liquidator", "stranger", "borrower", "redeemer")


def rates(optimal: float, base: float, slope1: float, slope2: float) -> dict[str, int]:
    """Of DefaultReserveInterestRateStrategy, as its constructor takes them."""
    names = ("optimalUsageRatio", "baseVariableBorrowRate", "variableRateSlope1",
             "variableRateSlope2")  # fmt: skip
    numbers = (optimal, base, slope1, slope2)
    return {name: round(n * 10**18) * 10**9 for name, n in zip(names, numbers, strict=True)}


LTV, THRESHOLD, BONUS = 7_500, 7_800, 500  # of USDC, 1/10,000
RATES = {
    "USDC": rates(0.9, 0.0, 0.04, 0.6),
    "BTC": rates(0.45, 0.01, 0.04, 3.0),
    "SOL": rates(0.45, 0.0, 0.07, 3.0),
}
FACTOR = 0.2


@dataclass(frozen=True)
class Margin:
    """IHedgeVenue.AccountState."""

    balance: int
    value: int
    equity: int
    initial_equity: int
    maintenance: int


def wad(value: Fraction | int) -> int:
    """Whole units to WAD, rounded down."""
    return int(value * WAD)


def sqrt_price_x96(symbol: str, price: Fraction) -> int:
    """Of the pool of an asset (token 0) against USDC, at `price` USDC per whole token."""
    raw = price * USDC_UNIT / 10 ** DECIMALS[symbol]
    return isqrt(raw.numerator * 2**192 // raw.denominator)


class Deployer:
    """Builds everything on any transport; ``addresses`` by name."""

    def __init__(self, chain: Transport) -> None:
        self.chain = chain
        self.owner = chain.account("owner")
        self.addresses: dict[str, str] = {}

    def new(self, name: str, artifact: str, *arguments: Any) -> Contract:
        code = encode_constructor(load(artifact), *arguments)
        self.addresses[name] = self.chain.deploy(self.owner, code)
        return Contract(load(artifact), self.addresses[name], self.chain)

    def run(self) -> dict[str, str]:
        self._tokens()
        self._oracle()
        self._aave()
        for symbol in ASSETS:
            self._swap_pool(symbol)
        listings = [(self.addresses[s], self.addresses[f"{s} pool"]) for s in ASSETS]
        self.new(
            "hedge", "AaveHedge", self.chain.account("vault"), self.addresses["oracle"],
            self.addresses["aave"], self.addresses["USDC"], listings,
        )  # fmt: skip
        self._actors()
        return self.addresses

    def _tokens(self) -> None:
        """USDC must have the highest address: pools sort their tokens."""
        nonce = self.chain.nonce(self.owner)
        coming = [created_address(self.owner, nonce + i) for i in range(len(DECIMALS))]
        symbols = list(ASSETS)
        symbols.insert(max(range(len(coming)), key=lambda i: int(coming[i], 16)), "USDC")
        for symbol in symbols:
            self.new(symbol, "Token", symbol, symbol, DECIMALS[symbol])

    def _oracle(self) -> None:
        oracle = self.new("oracle", "PriceOracle", self.owner)
        oracle.transact(self.owner, "set_reporter", self.owner, True)
        for symbol in DECIMALS:
            oracle.transact(self.owner, "add_feed", self.addresses[symbol], MAX_AGE, 0)
        report(self.chain, self.owner, self.addresses, PRICES)

    def _aave(self) -> None:
        reserves = []
        for symbol, decimals in DECIMALS.items():
            oracle, token = self.addresses["oracle"], self.addresses[symbol]
            feed = self.new(f"{symbol} feed", "PriceFeed", oracle, token, 18, f"{symbol} / USD")
            terms = (LTV / 1e4, THRESHOLD / 1e4, BONUS / 1e4) if symbol == "USDC" else (0.0,) * 3
            reserves.append(
                aave.Reserve(token, symbol, decimals, feed.address, RATES[symbol], *terms, FACTOR)
            )
        market = aave.deploy(self.chain, self.owner, reserves)
        self.addresses["aave"] = market.pool.address
        self.addresses["configurator"] = market.configurator.address
        for symbol in DECIMALS:
            self.addresses[f"a{symbol}"] = market.a_token(self.addresses[symbol])
            self.addresses[f"{symbol} debt"] = market.variable_debt(self.addresses[symbol])

    def _swap_pool(self, symbol: str) -> None:
        asset, usdc = self.addresses[symbol], self.addresses["USDC"]
        root = sqrt_price_x96(symbol, PRICES[symbol])
        pool = uniswap.deploy(self.chain, self.owner, asset, usdc, FEE_PPM, SPACING, root).pool
        self.addresses[f"{symbol} pool"] = pool.address
        provider = self.new(f"{symbol} provider", "PassiveProvider", self.owner, pool.address)
        for token in (asset, usdc):
            Contract(load("Token"), token, self.chain).transact(
                self.owner, "mint", provider.address, 2**112
            )
        liquidity = POOL_USDC * USDC_UNIT * 2**96 // root
        provider.transact(self.owner, "set_liquidity", [(-FULL_RANGE, FULL_RANGE, liquidity)])

    def _actors(self) -> None:
        pool = aave.pool_at(self.addresses["aave"], self.chain)
        for name, symbol in itertools.product(ACTORS, DECIMALS):
            token = Contract(load("Token"), self.addresses[symbol], self.chain)
            actor = self.chain.account(name)
            token.transact(self.owner, "mint", actor, WALLET * 10 ** DECIMALS[symbol])
            for spender in ("aave", "hedge"):
                token.transact(actor, "approve", self.addresses[spender], HIGHEST)
        supplier = self.chain.account("supplier")
        for symbol, amount in SUPPLY.items():
            raw = amount * 10 ** DECIMALS[symbol]
            pool.transact(supplier, "supply", self.addresses[symbol], raw, supplier, 0)


def report(
    chain: Transport, reporter: str, addresses: dict[str, str], prices: dict[str, Fraction]
) -> None:
    """One round of every price now."""
    Contract(load("PriceOracle"), addresses["oracle"], chain).transact(
        reporter, "report", [addresses[symbol] for symbol in prices],
        [wad(price) for price in prices.values()], chain.time(),
    )  # fmt: skip


@cache
def _genesis() -> tuple[tuple[Transaction, ...], dict[str, str]]:
    chain = RevmTransport(record=True)
    chain.set_time(START)
    addresses = Deployer(chain).run()
    assert chain.transactions is not None
    return tuple(chain.transactions), addresses


class AaveMarket:
    """One copy of it all. The vault is an account that can sign; actors go by their role."""

    def __init__(self) -> None:
        transactions, self.addresses = _genesis()
        self.chain = RevmTransport().fork(transactions)
        self.prices = dict(PRICES)
        self.hedge = Contract(load("AaveHedge"), self.addresses["hedge"], self.chain)
        self.aave = aave.pool_at(self.addresses["aave"], self.chain)
        self.account = int(self.address("vault"), 16) << 8

    def address(self, actor: str) -> str:
        return self.chain.account(actor)

    def token(self, name: str) -> Contract:
        """A token, aToken (``aUSDC``) or debt token (``BTC debt``)."""
        if name in DECIMALS:
            return Contract(load("Token"), self.addresses[name], self.chain)
        return aave.token_at(self.addresses[name], self.chain)

    def balance(self, name: str, holder: str) -> int:
        """Raw units an actor or contract has of a token, aToken or debt token."""
        address = self.addresses.get(holder) or self.address(holder)
        return int(self.token(name).call("balanceOf", address))

    @property
    def configurator(self) -> Contract:
        return aave.configurator_at(self.addresses["configurator"], self.chain)

    def provider(self, symbol: str) -> Contract:
        address = self.addresses[f"{symbol} provider"]
        return Contract(load("PassiveProvider"), address, self.chain)

    def pool(self, symbol: str) -> Contract:
        return Contract(load("UniswapV3Pool"), self.addresses[f"{symbol} pool"], self.chain)

    # -------------------------------------------------------------------------------------- acting

    def do(self, name: str, *arguments: Any, actor: str = "vault") -> Any:
        """An operation of the hedge; raises Reverted."""
        return self.hedge.transact(self.address(actor), name, *arguments)

    def attempt(self, name: str, *arguments: Any, actor: str = "vault") -> str:
        """The reason when refused, empty when done."""
        try:
            self.do(name, *arguments, actor=actor)
        except Reverted as reverted:
            return reason(reverted.data)
        return ""

    def deposit(self, usdc: Fraction | int, actor: str = "vault") -> None:
        raw = int(usdc * USDC_UNIT)
        self.do("deposit", self.address("vault"), 0, 0, raw, actor=actor)

    def trade(self, market: int, size: int, limit: int | None = None) -> str:
        """At any price unless told; the reason when refused."""
        any_price = HIGHEST if size > 0 else 0
        return self.attempt("trade", 0, market, size, any_price if limit is None else limit)

    def lend(self, actor: str, function: str, *arguments: Any) -> str:
        """A transaction of an actor at Aave itself; the reason when refused."""
        try:
            self.aave.transact(self.address(actor), function, *arguments)
        except Reverted as reverted:
            return reason(reverted.data)
        return ""

    def report(self, **prices: Fraction) -> None:
        """New prices now; assets not named are reported again."""
        self.prices.update(prices)
        report(self.chain, self.address("owner"), self.addresses, self.prices)

    def wait(self, seconds: int, *, fresh: bool = True) -> None:
        self.chain.set_time(self.chain.time() + seconds)
        if fresh:
            self.report()

    # ------------------------------------------------------------------------------------- reading

    def margin(self) -> Margin:
        return Margin(*self.hedge.call("account_state", self.account))

    def size(self, market: int) -> int:
        return int(self.hedge.call("position", self.account, market)[0])

    def debt(self, symbol: str) -> int:
        return self.balance(f"{symbol} debt", "hedge")

    def supplied(self) -> int:
        return self.balance("aUSDC", "hedge")

    def health_factor(self) -> int:
        """As Aave gives it, WAD."""
        return int(self.aave.call("getUserAccountData", self.addresses["hedge"])[5])

    def index_price(self, symbol: str) -> int:
        return wad(self.prices[symbol])
