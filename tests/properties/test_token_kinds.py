"""Collateral of every kind of ERC-20 the venue meets: decimals, silent transfers, refusals."""

from __future__ import annotations

import pytest

from simulator.world.chain.artifacts import ROOT, Artifact, load
from simulator.world.chain.codec import MAX_UINT256, Contract, Reverted, encode_constructor
from simulator.world.chain.revm import RevmTransport
from tests.reference.bench import MAX_AGE, deployment
from tests.reference.drawing import NOW
from tests.reference.vyper_probe import compile_source

WAD = 10**18
KINDS = {
    "no return value": ROOT / "tests/exploits/twins/NoReturnToken.vy",
    "calls back": ROOT / "tests/exploits/twins/HookToken.vy",
}


class Venue:
    """The clearing house with one more collateral, at 2 USD and a haircut of 10 %."""

    def __init__(self, artifact: Artifact, decimals: int) -> None:
        made = deployment()
        self.chain = RevmTransport().fork(made.transactions)
        self.chain.set_time(NOW)
        self.owner = made.addresses["owner"]
        self.user = self.chain.account("user")
        code = encode_constructor(artifact, "T", "T", decimals)
        self.token = Contract(artifact, self.chain.deploy(self.owner, code), self.chain)
        self.clearing = Contract(load("ClearingHouse"), made.addresses["clearing"], self.chain)
        oracle = Contract(load("PriceOracle"), made.addresses["oracle"], self.chain)
        for token, price in ((made.addresses["usdc"], WAD), (self.token.address, 2 * WAD)):
            oracle.transact(self.owner, "add_feed", token, MAX_AGE, 0)
            oracle.transact(self.owner, "report", [token], [price], NOW)
        arguments = (self.token.address, WAD // 10, MAX_UINT256)
        self.collateral = self.clearing.transact(self.owner, "add_collateral", *arguments)
        self.token.transact(self.owner, "mint", self.user, 10 * 10**decimals)
        self.token.transact(self.user, "approve", self.clearing.address, MAX_UINT256)

    def balance(self, holder: str) -> int:
        return int(self.token.call("balanceOf", holder))

    def deposit(self, raw: int) -> None:
        arguments = (self.user, 0, self.collateral, raw)
        self.clearing.transact(self.user, "deposit", *arguments)

    def withdraw(self, raw: int) -> None:
        arguments = (0, self.collateral, raw, self.user)
        self.clearing.transact(self.user, "withdraw", *arguments)

    def state(self) -> tuple[int, ...]:
        return tuple(self.clearing.call("account_state", int(self.user, 16) << 8))


@pytest.mark.parametrize("decimals", [0, 2, 6, 8, 18, 24])
def test_any_decimals_are_valued_per_whole_token_and_come_back(decimals: int) -> None:
    venue = Venue(load("Token"), decimals)
    raw = 5 * 10**decimals
    venue.deposit(raw)
    _, value, equity, _, _ = venue.state()
    assert (value, equity) == (10 * WAD, 9 * WAD)
    assert venue.balance(venue.clearing.address) == raw
    venue.withdraw(raw)
    assert venue.balance(venue.user) == 2 * raw
    assert venue.state()[1] == 0


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_unusual_tokens_go_in_and_out_exactly(kind: str) -> None:
    venue = Venue(compile_source(KINDS[kind]), 18)
    venue.deposit(5 * WAD)
    venue.withdraw(2 * WAD)
    assert venue.balance(venue.clearing.address) == 3 * WAD
    assert venue.balance(venue.user) == 7 * WAD


@pytest.mark.parametrize("decimals", [0, 24])
def test_one_unit_is_accounted_for_whatever_it_is_worth(decimals: int) -> None:
    venue = Venue(load("Token"), decimals)
    venue.deposit(1)
    held = venue.clearing.call("collateral_balance", int(venue.user, 16) << 8, venue.collateral)
    assert held == 1
    venue.withdraw(1)
    with pytest.raises(Reverted, match="clearing: insufficient collateral"):
        venue.withdraw(1)
