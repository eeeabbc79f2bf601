"""The whole system deployed with people in it, once per process and variant.

Three variants: gross margin, portfolio margin with pledged liquidity, isolated accounts; each has
another policy of auto-deleveraging. The pool is thin and the markets shallow, so that what an
attacker may do to them matters. A fourth, for the search for profit, is the calm scenario as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from simulator.chain.deploy import artifacts
from simulator.chain.deploy.addresses import Deployment
from simulator.chain.deploy.artifacts import ROOT, Artifact, compiled
from simulator.chain.deploy.deployment import deploy
from simulator.chain.evm.codec import (
    MAX_UINT256,
    Contract,
    encode_constructor,
)
from simulator.chain.evm.revm import RevmTransport, Transaction
from simulator.config import load
from simulator.config.resolve import resolve
from simulator.protocol.clearing import POLICIES
from simulator.world.protocol import Protocol
from tests.reference.integers import WAD

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
DELEVERAGING = {
    "gross": "queue",
    "portfolio": "pro_rata_equity",
    "isolated": "pro_rata_profit",
}
USDC_FUNDS, BASE_FUNDS = 20_000_000 * 10**6, 10_000 * WAD


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
            deleveraging=POLICIES.index(DELEVERAGING[variant]),
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
    return compiled(Path(__file__).with_name("Attacker.vy"))


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

    hook = new(compiled(ROOT / "tests/exploits/twins/HookToken.vy"), "HOOK", "HOOK", 18)
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
