"""A deployment is the protocol: every role, number and balance is where it was asked to be."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from simulator.chain.deploy import artifacts
from simulator.chain.deploy.addresses import CONTRACTS, Deployment
from simulator.chain.deploy.deployment import GENESIS, deploy
from simulator.chain.deploy.terms import background_targets, wad
from simulator.chain.evm.codec import MAX_UINT256, Contract
from simulator.chain.evm.revm import RevmTransport
from simulator.config import load
from simulator.config.resolve import resolve
from simulator.types import USDC_DECIMALS
from simulator.world.protocol import Protocol
from simulator.world.units import to_raw


@dataclass(frozen=True)
class System:
    """What was deployed, each contract with its interface."""

    transport: RevmTransport
    deployed: Deployment
    tokens: list[Contract]
    clearing: Contract
    factory: Contract
    lens: Contract
    manager: Contract
    oracle: Contract
    pool: Contract
    provider: Contract
    router: Contract
    vault: Contract


@pytest.fixture(scope="module")
def system(protocol: Protocol) -> System:
    transport = RevmTransport(record=True)
    deployed = deploy(transport, protocol)
    token = artifacts.load("Token")
    own = {
        "clearing": "ClearingHouse",
        "factory": "UniswapV3Factory",
        "lens": "Lens",
        "manager": "NonfungiblePositionManager",
        "oracle": "PriceOracle",
        "pool": "UniswapV3Pool",
        "provider": "PassiveProvider",
        "router": "SwapRouter",
        "vault": "HedgeVault",
    }
    return System(
        transport=transport,
        deployed=deployed,
        tokens=[Contract(token, address, transport) for address in deployed.tokens],
        **{
            name: Contract(artifacts.load(artifact), getattr(deployed, name), transport)
            for name, artifact in own.items()
        },
    )


def test_everything_has_code_and_time_is_genesis(system: System) -> None:
    for name, address in system.deployed.table()[: len(CONTRACTS)]:
        assert len(system.transport.code(address)) > 500, name
    assert system.deployed.genesis == system.transport.time() == GENESIS


def test_the_base_asset_is_token0(system: System) -> None:
    assert system.pool.call("token0") == system.deployed.tokens[1]
    assert system.pool.call("token1") == system.deployed.tokens[0]


def test_the_router_and_the_factory_serve_this_pool(system: System, protocol: Protocol) -> None:
    assert system.router.call("factory") == system.deployed.factory
    pair = system.deployed.tokens[:2]
    assert system.factory.call("getPool", *pair, protocol.pool.fee_ppm) == system.deployed.pool


def test_the_pool_starts_at_the_price_and_liquidity_asked_for(
    system: System, protocol: Protocol
) -> None:
    assert system.pool.call("slot0")[0] == protocol.pool.sqrt_price_x96
    tick = system.pool.call("slot0")[1]
    held = [r for r in background_targets(protocol, 1.0) if r[0] <= tick < r[1]]
    assert len(held) > 1
    assert system.pool.call("liquidity") == sum(liquidity for *_, liquidity in held)


def test_every_role_is_set(system: System) -> None:
    roles = system.deployed.roles
    for contract in (system.oracle, system.clearing, system.vault):
        assert contract.call("owner") == roles.deployer
    assert system.oracle.call("is_reporter", roles.reporter)
    assert system.clearing.call("risk_manager") == roles.venue
    assert system.vault.call("risk_manager") == roles.risk_manager
    assert system.clearing.call("guardian") == roles.guardian
    assert system.vault.call("guardian") == roles.guardian
    assert system.provider.call("OWNER") == roles.liquidity_owner
    assert system.vault.call("fee_receiver") == roles.fee_receiver
    assert len(set(vars(roles).values())) == len(vars(roles))


def test_global_terms_are_the_protocols(system: System, protocol: Protocol) -> None:
    terms, vault = protocol.clearing, protocol.vault
    multiple, *_, floor, risk, gate, policy = system.clearing.call("parameters")
    assert (multiple, floor, risk, gate, policy) == (
        wad(terms.initial_multiple),
        wad(terms.gross_floor),
        wad(terms.risk_multiple),
        terms.withdrawal_gate,
        terms.deleveraging,
    )
    width, *_, interval = system.vault.call("parameters")
    assert (width, interval) == (vault.range_half_width, vault.beta_interval)
    assert system.vault.call("ISOLATED") == vault.isolated
    assert system.vault.call("PLEDGED") == vault.pledged
    assert system.vault.call("hedges") == tuple(
        (system.deployed.clearing, market) for market in range(protocol.markets)
    )
    assert system.vault.call("MANAGER") == system.deployed.manager
    assert system.manager.call("factory") == system.deployed.factory


def test_traders_consent_to_slices_of_the_vault_and_nobody_else(
    system: System, protocol: Protocol
) -> None:
    for slot, address in zip(protocol.agents, system.deployed.agents, strict=True):
        consent = system.clearing.call("slice_consent", address, system.deployed.vault)
        assert consent == slot.has_account


def test_portfolio_margin_knows_its_covariance_and_takes_the_vaults_liquidity() -> None:
    """A pledged vault: terms of liquidity set, one row of the factor per risk asset."""
    protocol = resolve(load("calm", ["clearing.margin=portfolio"]))
    transport = RevmTransport()
    deployed = deploy(transport, protocol)
    clearing = Contract(artifacts.load("ClearingHouse"), deployed.clearing, transport)
    assert protocol.vault.pledged
    assert clearing.call("lp_collateral") == (
        deployed.manager,
        deployed.pool,
        wad(protocol.clearing.lp_haircut),
        protocol.clearing.lp_cap,
    )
    assert clearing.call("risk_asset_count") == len(protocol.risk_assets)
    for row, asset in enumerate(protocol.risk_assets):
        assert clearing.call("risk_asset", row) == deployed.tokens[asset]
    assert any(any(row) for row in protocol.clearing.covariance_factor)
    found = tuple(clearing.call("factor", row) for row in range(len(protocol.risk_assets)))
    assert found == protocol.clearing.covariance_factor


def test_markets_collaterals_and_feeds_are_the_protocols(
    system: System, protocol: Protocol
) -> None:
    terms = protocol.clearing
    assert system.clearing.call("market_count") == protocol.markets
    for index, market in enumerate(terms.markets):
        asset, *numbers = system.clearing.call("market", index)
        assert asset == system.deployed.tokens[market.asset]
        terms_of = (
            market.skew_scale,
            market.half_spread,
            market.taker_fee,
            market.max_funding_velocity,
            market.max_skew,
            market.maintenance_rate,
            market.max_open_interest,
            market.insurance_cap,
            market.maker_loss_cap,
        )
        assert numbers == [wad(number) for number in terms_of]
    assert system.clearing.call("collateral_count") == len(terms.collaterals)
    for index, collateral in enumerate(terms.collaterals):
        token, haircut, *_ = system.clearing.call("collateral", index)
        assert token == system.deployed.tokens[collateral.asset]
        assert haircut == wad(collateral.haircut)
    for token, feed in zip(system.deployed.tokens, protocol.feeds, strict=True):
        assert system.oracle.call("feed", token)[0] == feed.max_age
        assert system.oracle.call("deviation", token) == wad(feed.deviation)


def test_the_clearing_house_holds_exactly_the_usdc_it_owes(
    system: System, protocol: Protocol
) -> None:
    funds = protocol.clearing.maker_funds + protocol.clearing.insurance_funds
    margins = sum(slot.margin[0] for slot in protocol.agents if slot.has_account)
    held = system.tokens[0].call("balanceOf", system.deployed.clearing)
    assert held == int(to_raw(funds + margins, USDC_DECIMALS))
    accounts = system.deployed.margin_accounts(protocol)
    owed = sum(system.clearing.call("cash", account) for account in accounts)
    owed += sum(system.clearing.call("maker_cash", m) for m in range(protocol.markets))
    owed += system.clearing.call("insurance_fund")
    assert owed == held * 10**12


def test_the_supply_of_every_token_is_accounted_for(system: System) -> None:
    places = [*system.deployed.agents, system.deployed.clearing, system.deployed.pool]
    places += [system.deployed.provider, system.deployed.vault, system.deployed.roles.deployer]
    for token in system.tokens:
        assert sum(token.call("balanceOf", p) for p in places) == token.call("totalSupply")


def test_agents_start_with_their_wallets_and_allowances(system: System, protocol: Protocol) -> None:
    for slot, address in zip(protocol.agents, system.deployed.agents, strict=True):
        for asset, amount in ((0, slot.usdc), (1, slot.base)):
            token = system.tokens[asset]
            raw = int(to_raw(amount, protocol.assets[asset].decimals))
            assert token.call("balanceOf", address) == raw
            for spender in (system.deployed.router, system.deployed.clearing):
                assert token.call("allowance", address, spender) == MAX_UINT256
        vault = system.deployed.vault
        assert system.tokens[0].call("allowance", address, vault) == MAX_UINT256


def test_a_fork_is_the_same_system_and_independent_of_the_original(system: System) -> None:
    assert system.transport.transactions is not None
    copy = system.transport.fork(system.transport.transactions)
    roles, deployed = system.deployed.roles, system.deployed
    token = Contract(artifacts.load("Token"), deployed.tokens[0], copy)
    assert copy.code(deployed.vault) == system.transport.code(deployed.vault)
    before = token.call("totalSupply")
    assert before == system.tokens[0].call("totalSupply")
    token.transact(roles.deployer, "mint", roles.deployer, 1)
    assert token.call("totalSupply") == before + 1
    assert system.tokens[0].call("totalSupply") == before
