"""A clearing house on revm with the compiled bytecode, for properties."""

from __future__ import annotations

import itertools
from dataclasses import astuple, dataclass, replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.chain.deploy.artifacts import compiled, load
from simulator.chain.deploy.deployment import CLEARING_PARTS
from simulator.chain.evm.codec import Contract, Reverted, encode_constructor, reason
from simulator.chain.evm.revm import RevmTransport, Transaction
from tests.reference.integers import WAD
from tests.reference.venue import CAP, Terms, Venue

if TYPE_CHECKING:
    from pyrevm import ExecutionResult

CASH_UNIT = 10**12
HIGHEST = 2**256 - 1
START = 1_700_000_000
MAX_AGE = 86_400
# Whole USDC, the maker's for each market: a debt can exceed the insurance fund.
MAKER_FUNDS, INSURANCE_FUNDS = 2_000_000, 500
WALLET = 10**9  # whole tokens each actor starts with

TOKENS = {"USDC": 6, "BTC": 8, "SOL": 18, "WETH": 18}  # in this order WETH is the pool's token 0
PRICES = {
    "USDC": Fraction(1),
    "WETH": Fraction(2_000),
    "BTC": Fraction(30_000),
    "SOL": Fraction(100),
}
COLLATERALS = ("USDC", "WETH")
ACTORS = ("trader", "hedger", "liquidator", "bystander")
VENUE = Venue(
    markets=(
        Terms(
            "BTC",
            Fraction(500),
            Fraction(5, 10_000),
            Fraction(2, 10_000),
            Fraction(9),
            Fraction(12),  # at most K mmr / 2
            Fraction(5, 100),
        ),
        Terms(
            "SOL",
            Fraction(90_000),
            Fraction(1, 1_000),
            Fraction(5, 10_000),
            Fraction(3),
            Fraction(3_600),
            Fraction(8, 100),
        ),
    ),
    haircuts={"USDC": Fraction(1, 100), "WETH": Fraction(10, 100)},
    initial_multiple=Fraction(3, 2),
    liquidation_penalty=Fraction(2, 100),
    liquidator_share=Fraction(2, 5),
    profit_cap=Fraction(1, 2),
)
WITHOUT_FUNDING = replace(
    VENUE, markets=tuple(replace(m, velocity=Fraction(0)) for m in VENUE.markets)
)


def wad(value: Fraction | int) -> int:
    """Whole units to WAD, rounded down."""
    return int(value * WAD)


@dataclass(frozen=True)
class Margin:
    """IClearingHouse.AccountState."""

    balance: int
    value: int
    equity: int
    initial_equity: int
    maintenance: int


@cache
def _genesis(funding: bool) -> tuple[tuple[Transaction, ...], dict[str, str]]:
    """Everything deployed and every actor rich, once: the transactions, and addresses by name."""
    venue = VENUE if funding else WITHOUT_FUNDING
    chain = RevmTransport(record=True)
    chain.set_time(START)
    owner = chain.account("owner")
    addresses = {
        symbol: chain.deploy(owner, encode_constructor(load("Token"), symbol, symbol, decimals))
        for symbol, decimals in TOKENS.items()
    }
    addresses["oracle"] = chain.deploy(owner, encode_constructor(load("PriceOracle"), owner))
    oracle = Contract(load("PriceOracle"), addresses["oracle"], chain)
    oracle.transact(owner, "set_reporter", owner, True)
    for symbol in TOKENS:
        oracle.transact(owner, "add_feed", addresses[symbol], MAX_AGE, 0)
    parts = tuple(
        chain.deploy(owner, encode_constructor(load(name), addresses["oracle"], addresses["USDC"]))
        for name in CLEARING_PARTS
    )
    addresses["clearing"] = chain.deploy(
        owner,
        encode_constructor(
            load("ClearingHouse"), owner, addresses["oracle"], addresses["USDC"],
            wad(venue.haircuts["USDC"]), CAP, astuple(venue.parameters()), parts,
        ),
    )  # fmt: skip
    clearing = Contract(load("ClearingHouse"), addresses["clearing"], chain)
    clearing.transact(owner, "set_risk_manager", owner)
    for m in venue.markets:
        clearing.transact(owner, "add_market", m.market(addresses[m.asset]))
    clearing.transact(owner, "add_collateral", addresses["WETH"], wad(venue.haircuts["WETH"]), CAP)
    for name, symbol in itertools.product(("owner", *ACTORS), COLLATERALS):
        token, actor = Contract(load("Token"), addresses[symbol], chain), chain.account(name)
        token.transact(owner, "mint", actor, WALLET * 10 ** TOKENS[symbol])
        token.transact(actor, "approve", addresses["clearing"], HIGHEST)
    for market in range(len(venue.markets)):
        clearing.transact(owner, "fund_maker", market, MAKER_FUNDS * 10**6)
    clearing.transact(owner, "fund_insurance", INSURANCE_FUNDS * 10**6)
    assert chain.transactions is not None
    return tuple(chain.transactions), addresses


class RevmVenue:
    """One venue; ``sub`` names accounts as in SPEC §1, actors go by their role."""

    def __init__(self, *, funding: bool = True) -> None:
        transactions, self.addresses = _genesis(funding)
        self.chain = RevmTransport().fork(transactions)
        self.venue = VENUE if funding else WITHOUT_FUNDING
        self.prices = dict(PRICES)
        self.silent: set[str] = set()  # whose feeds have stopped: reports leave them out
        self._contracts = {
            name: Contract(load(artifact), self.addresses[name], self.chain)
            for name, artifact in [
                ("clearing", "ClearingHouse"), ("oracle", "PriceOracle"),
                ("USDC", "Token"), ("WETH", "Token"),
            ]
        }  # fmt: skip
        self.report()

    def address(self, actor: str) -> str:
        return self.chain.account(actor)

    def account(self, actor: str, sub: int = 0) -> int:
        return int(self.address(actor), 16) << 8 | sub

    def get(self, name: str, *arguments: Any) -> Any:
        """A view of the clearing house."""
        return self._contracts["clearing"].call(name, *arguments)

    def do(self, actor: str, name: str, *arguments: Any) -> Any:
        """An operation of the clearing house; raises Reverted."""
        return self._contracts["clearing"].transact(self.address(actor), name, *arguments)

    def attempt(self, actor: str, name: str, *arguments: Any) -> str:
        """An operation that may be refused: the contract's reason, empty when it was done."""
        try:
            self.do(actor, name, *arguments)
        except Reverted as reverted:
            return reason(reverted.data)
        return ""

    def report(self, **prices: Fraction | int) -> None:
        """New prices now; assets not named are reported again."""
        self.prices.update({symbol: Fraction(price) for symbol, price in prices.items()})
        heard = [symbol for symbol in TOKENS if symbol not in self.silent]
        self._contracts["oracle"].transact(
            self.address("owner"), "report",
            [self.addresses[symbol] for symbol in heard],
            [wad(self.prices[symbol]) for symbol in heard],
            self.chain.time(),
        )  # fmt: skip

    def let_lag(self, symbol: str, deviation: int) -> None:
        """The feed of a token has this deviation, WAD, from now on."""
        terms = (self.addresses[symbol], MAX_AGE, deviation)
        self._contracts["oracle"].transact(self.address("owner"), "add_feed", *terms)

    def silence(self, *symbols: str) -> None:
        """The feeds of these tokens stop, and are too old by now; the others go on."""
        self.silent |= set(symbols)
        self.advance(MAX_AGE + 1)

    def read_from(self, symbol: str, aggregator: str) -> None:
        """The price of a token comes from this aggregator from now on."""
        terms = (self.addresses[symbol], aggregator, MAX_AGE, 0)
        self._contracts["oracle"].transact(self.address("owner"), "add_aggregator", *terms)

    def answer_nothing(self, symbol: str) -> None:
        """The price of a token comes from a source that has none."""
        source = compiled(Path(__file__).with_name("aggregator.vy"))
        creation = encode_constructor(source, 8)
        self.read_from(symbol, self.chain.deploy(self.address("owner"), creation))

    def advance(self, seconds: int) -> None:
        """Let time pass and report again."""
        self.chain.set_time(self.chain.time() + seconds)
        self.report()

    def trade(self, actor: str, market: int, size: int, sub: int = 0) -> str:
        """At any price; the reason when refused."""
        limit = HIGHEST if size > 0 else 0
        return self.attempt(actor, "trade", sub, market, size, limit)

    def deposit(self, actor: str, raw: int, collateral: int = 0, sub: int = 0) -> None:
        self.do(actor, "deposit", self.address(actor), sub, collateral, raw)

    def margin(self, account: int) -> Margin:
        return Margin(*self.get("account_state", account))

    def size(self, account: int, market: int) -> int:
        return int(self.get("position", account, market)[0])

    def result(self) -> ExecutionResult:
        """What the EVM tells of the last transaction: gas, events."""
        assert self.chain.evm.result is not None, "no transaction yet"
        return self.chain.evm.result

    def token_balance(self, symbol: str) -> int:
        """Raw units the clearing house really holds."""
        return int(self._contracts[symbol].call("balanceOf", self.addresses["clearing"]))

    def stored(self, account: int) -> tuple[Any, ...]:
        """Everything the contract stores about an account."""
        positions = [
            tuple(self.get("position", account, m)) for m in range(len(self.venue.markets))
        ]
        return (self.get("cash", account), self.get("collateral_balance", account, 1), *positions)

    def squeeze(self, account: int, market: int, ratio: Fraction) -> bool:
        """Move an index so that the account's margin ratio comes near ``ratio``; if it can."""
        size, margin = self.size(account, market), self.margin(account)
        asset = self.venue.markets[market].asset
        if not size:
            return False
        move = (ratio * margin.maintenance - margin.equity) / (size * self.prices["USDC"])
        price = self.prices[asset] + move
        if not self.prices[asset] / 3 <= price <= 3 * self.prices[asset]:
            return False
        self.report(**{asset: Fraction(wad(price), WAD)})
        return True

    def capacity(self, account: int, market: int) -> Fraction:
        """Size in base units whose initial margin takes all the account's initial equity."""
        terms = self.venue.markets[market]
        equity = Fraction(max(self.margin(account).initial_equity, 0), WAD)
        rate = terms.maintenance_rate * self.venue.initial_multiple
        return equity / rate / self.prices[terms.asset]
