"""A price oracle on revm, with reporters and aggregators, for properties."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simulator.chain.deploy.artifacts import Artifact, compiled, load
from simulator.chain.evm.codec import Contract, Reverted, encode_constructor, reason
from simulator.chain.evm.revm import RevmTransport

WAD = 10**18
START = 1_700_000_000
MAX_AGE = 3_600
DEVIATION = WAD // 200


class Oracle:
    """One chain with a PriceOracle; the asset ``BTC`` has a pushed feed, any other has none."""

    def __init__(self, reporters: int = 3, quorum: int | None = None) -> None:
        """``quorum``: a majority when None, as the oracle keeps it."""
        self.chain = RevmTransport()
        self.chain.set_time(START)
        self.owner = self.chain.account("owner")
        self.reporters = [self.chain.account(f"reporter {i}") for i in range(reporters)]
        self.btc, self.sol = self.chain.account("BTC"), self.chain.account("SOL")
        self.contract = self.new(load("PriceOracle"), self.owner)
        for reporter in self.reporters:
            self.own("set_reporter", reporter, True)
        if quorum is not None:
            self.own("set_quorum", quorum)
        self.own("add_feed", self.btc, MAX_AGE, DEVIATION)

    def new(self, artifact: Artifact, *arguments: Any) -> Contract:
        """Deploy a contract, as the owner."""
        code = encode_constructor(artifact, *arguments)
        return Contract(artifact, self.chain.deploy(self.owner, code), self.chain)

    def own(self, function: str, *arguments: Any) -> Any:
        """Call the oracle as its owner."""
        return self.contract.transact(self.owner, function, *arguments)

    def aggregator(self, decimals: int, max_age: int = MAX_AGE) -> Contract:
        """An aggregator that SOL's price is read from; it has no round yet."""
        source = self.new(compiled(Path(__file__).with_name("aggregator.vy")), decimals)
        self.own("add_aggregator", self.sol, source.address, max_age, DEVIATION)
        return source

    def answer(self, source: Contract, answer: int, **parts: int) -> None:
        """A round of an aggregator, complete and of now unless ``parts`` say otherwise."""
        now = self.chain.time()
        round_ = {"round_id": 7, "started_at": now, "updated_at": now, "answered_in": 7} | parts
        source.transact(
            self.owner, "set_round", round_["round_id"], answer,
            round_["started_at"], round_["updated_at"], round_["answered_in"],
        )  # fmt: skip

    def report(self, reporter: str, price: int, age: int = 0) -> None:
        """One report of BTC, observed ``age`` seconds ago."""
        arguments = ([self.btc], [price], self.chain.time() - age)
        self.contract.transact(reporter, "report", *arguments)

    def price(self, asset: str | None = None) -> int:
        """The guarded price of an asset, BTC unless named."""
        found: int = self.contract.call("price", asset or self.btc)
        return found

    def latest(self, asset: str | None = None) -> tuple[int, int]:
        """Price and time, unguarded."""
        price, updated_at = self.contract.call("latest", asset or self.btc)
        return price, updated_at

    def advance(self, seconds: int) -> None:
        """Let time pass."""
        self.chain.set_time(self.chain.time() + seconds)

    def refusal(self, function: Any, *arguments: Any, **named: Any) -> str:
        """Why a call is refused; an error when it is not."""
        try:
            function(*arguments, **named)
        except Reverted as revert:
            return reason(revert.data)
        raise AssertionError(f"{getattr(function, '__name__', function)} was not refused")
