"""A vault that holds shares of a StableSwap, on revm: the system of `usdt-depeg`, by name."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from simulator.chain.deploy import artifacts
from simulator.chain.deploy.addresses import Deployment
from simulator.chain.deploy.deployment import deploy
from simulator.chain.deploy.terms import wad
from simulator.chain.evm.codec import Contract, Reverted, reason
from simulator.chain.evm.revm import RevmTransport, Transaction
from simulator.config import load
from simulator.config.resolve import resolve
from simulator.world.protocol import Protocol, StableParameters

UNIT = 10**6  # of USDC and USDT
WAD = 10**18


def protocol(**terms: Any) -> Protocol:
    """Of the scenario; ``terms``: others of the pool."""
    found = resolve(load("usdt-depeg"))
    assert found.stable is not None
    return replace(found, stable=replace(found.stable, **terms))


@cache
def _genesis(terms: tuple[tuple[str, Any], ...]) -> tuple[tuple[Transaction, ...], Deployment]:
    chain = RevmTransport(record=True)
    deployed = deploy(chain, protocol(**dict(terms)))
    assert chain.transactions is not None
    return tuple(chain.transactions), deployed


class StableSystem:
    """One copy of the deployment, USDC and USDT at one dollar; prices USD."""

    def __init__(self, **terms: Any) -> None:
        self.terms: StableParameters = protocol(**terms).stable  # type: ignore[assignment]
        transactions, self.deployed = _genesis(tuple(sorted(terms.items())))
        self.chain = RevmTransport().fork(transactions)
        names = [slot.name for slot in protocol().agents]
        self.agents = dict(zip(names, self.deployed.agents, strict=True))
        self.depositor, self.keeper = self.agents["depositor"], self.agents["keeper"]
        self.trader = self.agents["amm_arbitrageur"]
        self.vault = self.at("HedgeVault", self.deployed.vault)
        self.pool = self.at("StableSwap", self.deployed.pool)
        self.oracle = self.at("PriceOracle", self.deployed.oracle)
        self.usdc, self.usdt = (self.at("Token", token) for token in self.deployed.tokens[:2])
        self.prices = [1.0, 1.0]
        self.report()

    def at(self, artifact: str, address: str) -> Contract:
        return Contract(artifacts.load(artifact), address, self.chain)

    def report(self, usdt: float = 0.0) -> None:
        """A round of both prices; of USDT another one, if one is given."""
        self.prices[1] = usdt or self.prices[1]
        given = [int(price * 1e12) * 10**6 for price in self.prices]
        reporter = self.deployed.roles.reporter
        tokens = list(self.deployed.tokens[:2])
        self.oracle.transact(reporter, "report", tokens, given, self.chain.time())

    def wait(self, seconds: int) -> None:
        self.chain.set_time(self.chain.time() + seconds)
        self.report()

    def invest(self, usdc: int = 2_000_000) -> StableSystem:
        """Whole USDC deposited, placed and hedged with USDT itself."""
        self.do(self.depositor, "deposit", usdc * UNIT, self.depositor)
        self.do(self.deployed.roles.risk_manager, "post_betas", [wad(1.0)])
        self.do(self.keeper, "recenter")
        self.do(self.keeper, "rebalance")
        return self

    def do(self, sender: str, function: str, *arguments: Any) -> Any:
        return self.vault.transact(sender, function, *arguments)

    def refusal(self, sender: str, function: str, *arguments: Any) -> str:
        """The reason with which the vault refuses; empty when it does not."""
        try:
            self.vault.transact(sender, function, *arguments)
        except Reverted as revert:
            return reason(revert.data)
        return ""

    def get(self, view: str, *arguments: Any) -> Any:
        return self.vault.call(view, *arguments)

    @property
    def position(self) -> dict[str, Any]:
        found = self.get("position_state")
        found = found[0] if len(found) == 1 else found
        return dict(zip(_position_names(), found, strict=True))

    def exchange(self, coin_in: int, raw: int) -> int:
        """Raw units that the trader is paid; coin 0 is USDT."""
        return int(
            self.pool.transact(self.trader, "exchange", coin_in, 1 - coin_in, raw, 0, self.trader)
        )

    def held(self, who: str) -> tuple[int, int]:
        """Raw (USDT, USDC) in a wallet."""
        return int(self.usdt.call("balanceOf", who)), int(self.usdc.call("balanceOf", who))

    def worth(self, usdt: int, usdc: int) -> float:
        """USD of raw amounts at the oracle's prices."""
        return (usdt * self.prices[1] + usdc * self.prices[0]) / UNIT

    def paid_for(self, shares: int) -> tuple[int, int]:
        """Raw (USDT, USDC) that the pool would pay for shares now."""
        supply = int(self.pool.call("totalSupply"))
        usdt, usdc = (int(self.pool.call("balances", k)) * shares // supply for k in (0, 1))
        return usdt, usdc


@cache
def _position_names() -> tuple[str, ...]:
    view = next(e for e in artifacts.load("HedgeVault").abi if e.get("name") == "position_state")
    return tuple(c["name"] for c in view["outputs"][0]["components"])
