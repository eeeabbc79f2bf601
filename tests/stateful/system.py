"""The whole system on revm with people in it: the deployment, and calls by signature and integers.

Three variants: gross margin, portfolio margin with pledged liquidity, isolated accounts. The pool
is thin and the markets shallow, so that what an attacker may do to them matters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from simulator.config import load
from simulator.config.resolve import resolve
from simulator.world.chain import artifacts
from simulator.world.chain.artifacts import ROOT, Artifact
from simulator.world.chain.codec import (
    MAX_UINT256,
    Contract,
    Reverted,
    encode_constructor,
    reason,
    selector,
    signed_word,
    words,
)
from simulator.world.chain.deployment import Deployment, deploy
from simulator.world.chain.revm import RevmTransport, Transaction
from simulator.world.chain.storage import mapping_slot as _mapping_slot
from simulator.world.protocol import Protocol
from tests.reference.vyper_probe import compile_source

WAD = 10**18
VARIANTS = ("gross", "portfolio", "isolated")
USDC, BASE, BTC, SOL, HOOK = range(5)  # assets; HOOK is a token that calls back
REPORTERS = ("honest reporter", "other honest reporter", "faulty reporter")
ACTORS = (
    *("trader", "other trader", "liquidator", "keeper", "depositor", "other depositor"),
    *("sandwicher", "griefer", "donor", "liquidity provider"),
)
MAX_AGE = 9_000
MARKET_COUNT = 2
DELAY = 2 * 86_400  # of what owners do
USDC_FUNDS, BASE_FUNDS = 20_000_000 * 10**6, 10_000 * WAD

mapping_slot = cache(_mapping_slot)


@cache
def protocol(variant: str) -> Protocol:
    calm = resolve(load("calm"))
    if variant == "search":  # nothing changed but that keepers and liquidators work for nothing
        return replace(
            calm,
            agents=(),
            clearing=replace(calm.clearing, liquidator_share=0.0),
            vault=replace(calm.vault, keeper_reward=0.0, hedge_band=0.005, management_fee=0.0),
        )
    thin = tuple(replace(b, liquidity=b.liquidity // 4) for b in calm.pool.background)
    markets = tuple(
        replace(
            market,
            skew_scale=usd / calm.assets[market.asset].price,
            max_skew=usd / 20 / calm.assets[market.asset].price,
            max_open_interest=usd / 12 / calm.assets[market.asset].price,
            max_funding_velocity=4.0,
            maintenance_rate=rate,
            insurance_cap=20_000.0,
            maker_loss_cap=15_000.0,
        )
        for market, usd, rate in zip(calm.clearing.markets, (1e8, 4e7), (0.04, 0.06), strict=True)
    )
    portfolio = variant == "portfolio"
    return replace(
        calm,
        agents=(),
        pool=replace(calm.pool, fee_ppm=500, tick_spacing=10, background=thin),
        clearing=replace(
            calm.clearing,
            markets=markets,
            maker_funds=2e6,
            insurance_funds=25_000.0,
            gross_floor=0.6 if portfolio else 1.0,
            risk_multiple=4.0 if portfolio else 0.0,
            covariance_factor=_factor() if portfolio else (),
        ),
        vault=replace(
            calm.vault,
            hedge_band=0.005,
            management_fee=0.02,
            performance_fee=0.1,
            deposit_cap=2e6,
            beta_interval=3_600,
            isolated=variant == "isolated",
            pledged=portfolio,
        ),
    )


def _factor() -> tuple[tuple[int, ...], ...]:
    """Daily volatilities of 3 to 5 %, mostly one common factor: USDC, BTC, SOL, ETH."""
    rows = ((0,), (2_500_000, 1_000_000), (4_000_000, 0, 2_500_000), (3_000_000, 500_000))
    return tuple((*row, *(0,) * (8 - len(row))) for row in rows)


@dataclass(frozen=True)
class Genesis:
    """Everything deployed, once per process and variant."""

    transactions: tuple[Transaction, ...]
    deployed: Deployment
    tokens: tuple[str, ...]  # USDC, BASE, BTC, SOL, HOOK
    attacker: str
    lender: str  # another pool of the pair, to borrow from: a pool is locked while it lends


@cache
def attacker_artifact() -> Artifact:
    return compile_source(Path(__file__).with_name("Attacker.vy"))


@cache
def genesis(variant: str) -> Genesis:
    chain = RevmTransport(record=True)
    deployed = deploy(chain, protocol(variant))
    owner = deployed.roles.deployer

    def at(name: str, address: str) -> Contract:
        return Contract(artifacts.load(name), address, chain)

    def new(artifact: Artifact, *arguments: Any) -> Contract:
        address = chain.deploy(owner, encode_constructor(artifact, *arguments))
        return Contract(artifact, address, chain)

    hook = new(compile_source(ROOT / "tests/exploits/twins/HookToken.vy"), "HOOK", "HOOK", 18)
    attacker = new(attacker_artifact())
    tokens = (*deployed.tokens, hook.address)
    oracle, clearing = at("PriceOracle", deployed.oracle), at("ClearingHouse", deployed.clearing)
    oracle.transact(owner, "set_reporter", deployed.roles.reporter, False)
    oracle.transact(owner, "add_feed", hook.address, MAX_AGE, 0)
    for name in REPORTERS:
        oracle.transact(owner, "set_reporter", chain.account(name), True)
    oracle.transact(owner, "set_quorum", 2)
    clearing.transact(owner, "add_collateral", hook.address, WAD // 2, 10**30)
    pool = (deployed.manager, deployed.pool)
    if not protocol(variant).vault.pledged:
        clearing.transact(owner, "set_lp_collateral", *pool, WAD // 5, 10**24)
    holders = [chain.account(name) for name in ACTORS] + [attacker.address]
    usdc, base = (at("Token", deployed.tokens[i]) for i in (USDC, BASE))
    spenders = (deployed.clearing, deployed.vault, deployed.router, deployed.manager)
    for holder in holders:
        usdc.transact(owner, "mint", holder, USDC_FUNDS)
        base.transact(owner, "mint", holder, BASE_FUNDS)
        hook.transact(owner, "mint", holder, BASE_FUNDS)
        for token in (usdc, base, hook):
            for spender in spenders:
                data = token.calldata("approve", spender, MAX_UINT256)
                if holder == attacker.address:
                    attacker.transact(owner, "run", [(token.address, data)])
                else:
                    chain.transact(holder, token.address, data)
        consent = clearing.calldata("set_slice_consent", deployed.vault, True)
        if holder != attacker.address:
            chain.transact(holder, deployed.clearing, consent)
    manager = at("NonfungiblePositionManager", deployed.manager)
    approve_all = manager.calldata("setApprovalForAll", deployed.clearing, True)
    attacker.transact(owner, "run", [(deployed.manager, approve_all)])
    for holder in holders[:-1]:
        chain.transact(holder, deployed.manager, approve_all)
    lender = _lender(chain, deployed, at("UniswapV3Factory", deployed.factory), new)
    for contract in (clearing, at("HedgeVault", deployed.vault)):
        contract.transact(owner, "set_delay", DELAY)
    assert chain.transactions is not None
    return Genesis(tuple(chain.transactions), deployed, tokens, attacker.address, lender)


def _lender(
    chain: RevmTransport, deployed: Deployment, factory: Contract, new: Callable[..., Contract]
) -> str:
    """A pool of another fee with ten times the money."""
    owner, pair = deployed.roles.deployer, (deployed.tokens[BASE], deployed.tokens[USDC])
    factory.transact(owner, "createPool", *pair, 10_000)
    address = str(factory.call("getPool", *pair, 10_000))
    pool = Contract(artifacts.load("UniswapV3Pool"), address, chain)
    pool.transact(owner, "initialize", protocol("gross").pool.sqrt_price_x96)
    provider = new(artifacts.load("PassiveProvider"), owner, address)
    for token in pair:
        Contract(artifacts.load("Token"), token, chain).transact(
            owner, "mint", provider.address, 2**112
        )
    provider.transact(owner, "set_liquidity", [(-887_200, 887_200, 10**18)])
    return address


class System:
    """One copy of a variant; addresses are integers here, as words are."""

    def __init__(self, variant: str) -> None:
        self.variant = variant
        self.protocol = protocol(variant)
        made = genesis(variant)
        self.deployed = made.deployed
        self.chain = RevmTransport().fork(made.transactions)
        self.evm = self.chain.evm
        self.tokens = tuple(int(token, 16) for token in made.tokens)
        self.attacker, self.lender = int(made.attacker, 16), int(made.lender, 16)
        d = made.deployed
        self.clearing, self.vault, self.oracle, self.pool, self.router, self.manager = (
            int(address, 16)
            for address in (d.clearing, d.vault, d.oracle, d.pool, d.router, d.manager)
        )
        self.owner = int(d.roles.deployer, 16)
        self.actors = {name: int(self.chain.account(name), 16) for name in ACTORS}
        self.actors["attacker"] = self.attacker
        self.reporters = tuple(int(self.chain.account(name), 16) for name in REPORTERS)
        self.guardian = int(d.roles.guardian, 16)
        self.venue_manager = int(d.roles.venue, 16)
        self.vault_manager = int(d.roles.risk_manager, 16)
        self._hex = {a: f"0x{a:040x}" for a in (*self.actors.values(), *self.tokens)}

    def hex(self, address: int) -> str:
        if address not in self._hex:
            self._hex[address] = f"0x{address:040x}"
        return self._hex[address]

    def send(self, sender: int, to: int, data: bytes) -> list[int] | str:
        """Signed words of the answer of a transaction, or the reason of its refusal.

        What the attacker's contract sends goes through its ``run``, whose answer is empty.
        """
        if sender == self.attacker:
            return self.run_attacker([(to, data)])
        return self._answer(self.hex(sender), self.hex(to), data)

    def run_attacker(self, calls: Sequence[tuple[int, bytes]]) -> list[int] | str:
        """All the calls in one transaction of the attacker's contract, or none."""
        return self._answer(
            self.hex(self.owner), self.hex(self.attacker), self._attack("run", self._calls(calls))
        )

    def flash(self, base: int, usdc: int, calls: Sequence[tuple[int, bytes]]) -> list[int] | str:
        """The calls with a flash loan of the other pool."""
        data = self._attack("flash", self.hex(self.lender), base, usdc, self._calls(calls))
        return self._answer(self.hex(self.owner), self.hex(self.attacker), data)

    def arm(self, calls: Sequence[tuple[int, bytes]], token_ids: Sequence[int] = ()) -> None:
        """What the attacker's contract does when called back."""
        data = self._attack("arm", self._calls(calls), list(token_ids))
        answer = self._answer(self.hex(self.owner), self.hex(self.attacker), data)
        assert not isinstance(answer, str), answer

    def _calls(self, calls: Sequence[tuple[int, bytes]]) -> list[tuple[str, bytes]]:
        return [(self.hex(to), data) for to, data in calls]

    def _attack(self, name: str, *arguments: Any) -> bytes:
        contract = Contract(attacker_artifact(), self.hex(self.attacker), self.chain)
        return contract.calldata(name, *arguments)

    def _answer(self, sender: str, to: str, data: bytes) -> list[int] | str:
        try:
            answer = self.chain.transact(sender, to, data)
        except Reverted as reverted:
            return reason(reverted.data)
        return [signed_word(answer, i) for i in range(len(answer) // 32)]

    def view(self, to: int, signature: str, *arguments: int) -> list[int]:
        """Signed words of a view's answer; raises Reverted."""
        answer = self.chain.call(self.hex(to), selector(signature) + words(*arguments))
        return [signed_word(answer, i) for i in range(len(answer) // 32)]

    def try_view(self, to: int, signature: str, *arguments: int) -> list[int] | str:
        try:
            return self.view(to, signature, *arguments)
        except Reverted as reverted:
            return reason(reverted.data)

    def read(self, contract: int, slot: int) -> int:
        return int(self.evm.storage(self.hex(contract), slot))

    def logs(self) -> list[tuple[int, list[int], bytes]]:
        """(contract, topics, data) of the last transaction's events, in order."""
        result = self.evm.result
        return [
            (
                int(log.address, 16),
                [int.from_bytes(topic, "big") for topic in log.data[0]],
                log.data[1],
            )
            for log in (result.logs if result else [])
        ]

    def balance(self, asset: int, holder: int) -> int:
        """Raw token balance, from storage; HOOK has another layout than Token."""
        slot = _token_slot("Token") if asset != HOOK else 1
        return self.read(self.tokens[asset], mapping_slot(slot, holder))

    def on_quote(self, push: tuple[int, bytes], asset: int, holder: int) -> int:
        """What a swap of the attacker's contract would bring of an asset."""
        had, checkpoint = self.balance(asset, holder), self.evm.snapshot()
        self.run_attacker([push])
        gained = self.balance(asset, holder) - had
        self.evm.revert(checkpoint)
        return max(gained, 0)

    def spot(self) -> tuple[int, int]:
        """(sqrt price, tick) of the pool."""
        slot0 = self.read(self.pool, 0)
        tick = slot0 >> 160 & 0xFFFFFF
        return slot0 & (2**160 - 1), tick - 2**24 if tick >= 2**23 else tick


@cache
def _token_slot(name: str) -> int:
    return artifacts.load(name).slots["balanceOf"]


def call(signature: str, *arguments: int) -> bytes:
    """Calldata of a function whose arguments are all words."""
    return selector(signature) + words(*arguments)
