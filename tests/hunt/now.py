"""The contracts of today, deployed as a simulation deploys them, at the terms of `ground`."""

from __future__ import annotations

from dataclasses import replace

from simulator.chain.deploy import artifacts
from simulator.chain.deploy.deployment import deploy
from simulator.chain.deploy.terms import background_targets
from tests.exploits.ground import protocol
from tests.hunt.ground import (
    DECIMALS,
    GUSD,
    SYMBOLS,
    Ground,
    chain,
    finish,
    list_collaterals,
    maker,
)
from tests.hunt.quick import QuickContract


def ground() -> Ground:
    """Penalties and rewards that pay for a service are off, or a service would be a profit."""
    shipped = protocol()
    terms = replace(
        shipped,
        clearing=replace(shipped.clearing, liquidator_share=0.0),
        vault=replace(shipped.vault, keeper_reward=0.0, keeper_share=0.0),
    )
    transport = chain()
    deployed = deploy(transport, terms)
    roles = deployed.roles

    def at(name: str, address: str) -> QuickContract:
        return QuickContract(artifacts.load(name), address, transport)

    new = maker(transport, roles.deployer, artifacts.load)
    extra = [new("Token", SYMBOLS[i], SYMBOLS[i], DECIMALS[i]) for i in range(GUSD, len(SYMBOLS))]
    made = Ground(
        chain=transport,
        clearing=at("ClearingHouse", deployed.clearing),
        oracle=at("PriceOracle", deployed.oracle),
        vault=at("HedgeVault", deployed.vault),
        tokens=[*(at("Token", address) for address in deployed.tokens), *extra],
        provider=at("PassiveProvider", deployed.provider),
        background=background_targets(terms, 1.0),
        owner=roles.deployer,
        guardian=roles.guardian,
        risk_manager=roles.venue,
        beta_manager=roles.risk_manager,
        reporters=[roles.reporter, *(transport.account(f"reporter {i}") for i in (1, 2))],
        liquidity_owner=roles.liquidity_owner,
    )
    list_collaterals(made, GUSD, GUSD + 1)
    return finish(made)
