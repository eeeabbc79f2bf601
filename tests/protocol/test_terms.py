"""Parameters are declared once: the configuration, the contracts and kernels have no others."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any, get_args

import pytest

from simulator.chain.deploy import aave_v3 as aave
from simulator.chain.deploy import artifacts
from simulator.chain.deploy.terms import struct
from simulator.chain.evm.codec import Contract, encode_constructor
from simulator.chain.evm.revm import RevmTransport
from simulator.config import borrowers as lent
from simulator.config import load, market, resolve, venues
from simulator.config.declared import section_of
from simulator.config.reference import unit
from simulator.model.parameters import (
    AAVE_TABLE,
    CLEARING_TABLE,
    ORACLE_TABLE,
    POOL_TABLE,
    VAULT_TABLE,
)
from simulator.protocol import borrowers, clearing, lending, oracle, pool, vault
from simulator.protocol.terms import Given, Scale, Term, resolved, terms_of
from tests.protocol.contract_constants import constant

#: The sections of the configuration, by what they are made of.
SECTIONS: dict[type, Any] = {
    clearing.CollateralParameters: venues.Collateral,
    clearing.MarketParameters: venues.Market,
    clearing.ClearingParameters: venues.Clearing,
    pool.PoolTerms: venues.Pool,
    pool.StableTerms: venues.StablePool,
    lending.ReserveParameters: venues.Reserve,
    lending.LendingTerms: venues.Aave,
    borrowers.CategoryTerms: lent.Category,
    borrowers.ListingTerms: lent.Listing,
    vault.VaultTerms: venues.Vault,
    oracle.FeedParameters: market.Feed,
}
#: Sections that have them among fields of their own, not all on a base that is made of them.
AMONG_OTHERS = {oracle.FeedParameters, borrowers.CategoryTerms, borrowers.ListingTerms}
EVERY = [(owner, name) for owner in SECTIONS for name in terms_of(owner)]
WAD = 10**18


def named(value: Any) -> str:
    return value.__name__ if isinstance(value, type) else str(value)


@pytest.mark.parametrize(("owner", "name"), EVERY, ids=named)
def test_a_parameter_is_a_key_of_its_section_with_its_bounds(owner: type, name: str) -> None:
    term = terms_of(owner)[name]
    if term.given is Given.MADE:
        assert name not in SECTIONS[owner].model_fields
        return
    schema = SECTIONS[owner].model_json_schema()
    found = schema["properties"][term.key(name)]
    names = {"exclusiveMinimum": term.gt, "minimum": term.ge, "exclusiveMaximum": term.lt,
             "maximum": term.le}  # fmt: skip
    kinds = found.get("anyOf", [found])
    assert {k: kinds[0][k] for k in names if k in kinds[0]} == {
        k: v for k, v in names.items() if v is not None
    }
    assert tuple(found.get("enum", ())) == (term.words or term.choices)
    assert ({"type": "null"} in kinds) == term.optional
    default = term.default
    assert found.get("default") == (term.words[int(default or 0)] if term.words else default)
    required = term.default is None and not term.optional
    assert (term.key(name) in schema.get("required", ())) == required
    assert found["description"] == term.sentence


@pytest.mark.parametrize(("owner", "name"), EVERY, ids=named)
def test_its_unit_is_the_one_its_key_and_sentence_say(owner: type, name: str) -> None:
    term = terms_of(owner)[name]
    if term.given is not Given.MADE:
        assert unit(term.key(name), term.sentence) == (term.given.unit or term.unit)


def test_what_a_type_checker_is_told_of_a_section_is_what_it_has() -> None:
    tree = ast.parse(Path(venues.__file__).read_text(encoding="utf-8"))
    (block,) = [n for n in tree.body if isinstance(n, ast.If)]
    told = {
        node.name: [line.target.id for line in node.body]  # type: ignore[attr-defined]
        for node in block.body
        if isinstance(node, ast.ClassDef)
    }
    # Which of them a section is built on stands in the other branch of the same statement.
    bases = {
        owner: line.targets[0].id  # type: ignore[attr-defined]
        for line in block.orelse
        for owner in SECTIONS
        if owner.__name__ == line.value.args[0].id  # type: ignore[attr-defined]
    }
    made = {
        bases[owner]: [
            term.key(name) for name, term in terms_of(owner).items() if term.given is not Given.MADE
        ]
        for owner in SECTIONS.keys() - AMONG_OTHERS
    }
    assert told == made


# What a struct has besides parameters: addresses, and what the contract fills in.
OTHERS = {"asset", "token", "unit", "manager", "pool", "provider"}


STRUCTS = {
    vault.STRUCT: ("HedgeVault", "parameters", vault.VaultTerms),
    clearing.PARAMETERS: ("ClearingHouse", "parameters", clearing.ClearingParameters),
}


@pytest.mark.parametrize("name", STRUCTS)
def test_a_contracts_struct_has_the_declared_components(name: str) -> None:
    contract, argument, owner = STRUCTS[name]
    (made,) = [e for e in artifacts.load(contract).abi if e["type"] == "constructor"]
    (found,) = [i for i in made["inputs"] if i["name"] == argument]
    declared = [t.component or n for n, t in terms_of(owner).items() if t.struct == name]
    assert [one["name"] for one in found["components"]] == declared


def arguments(abi: list[dict[str, Any]], function: str) -> list[str]:
    (entry,) = [e for e in abi if e.get("name", e["type"]) == function]
    inside = entry["inputs"][0].get("components", entry["inputs"])
    return [one["name"] for one in inside if one["name"] not in OTHERS]


def test_markets_collaterals_and_liquidity_are_added_by_the_declared_names() -> None:
    house = artifacts.load("ClearingHouse").abi
    for function, owner, name in (
        ("add_market", clearing.MarketParameters, clearing.MARKET),
        ("add_collateral", clearing.CollateralParameters, clearing.COLLATERAL),
        ("set_lp_collateral", clearing.ClearingParameters, clearing.LIQUIDITY),
    ):
        declared = [t.component or n for n, t in terms_of(owner).items() if t.struct == name]
        assert arguments(house, function) == declared, function


def test_a_feed_is_added_by_the_declared_names() -> None:
    declared = [t.component or n for n, t in terms_of(oracle.FeedParameters).items()]
    assert arguments(artifacts.load("PriceOracle").abi, "add_feed") == declared


def test_a_reserves_rates_are_those_of_aaves_strategy() -> None:
    strategy = aave.strategy_abi()
    declared = [t.component for t in terms_of(lending.ReserveParameters).values() if t.component]
    taken = [name for name in arguments(strategy, "constructor") if "table" not in name.lower()]
    assert taken == declared


def test_every_parameter_with_a_struct_is_stored_as_declared() -> None:
    terms = vault.VaultTerms(*range(1, len(terms_of(vault.VaultTerms)) + 1))
    stored = struct(terms, vault.STRUCT)
    for place, (name, term) in enumerate(terms_of(vault.VaultTerms).items(), start=1):
        scale = {Scale.WAD: WAD, Scale.USDC: 10**6, Scale.INTEGER: 1}[term.scale]
        assert stored[name] == place * scale


@pytest.mark.parametrize(
    ("owner", "table"),
    [
        (pool.PoolTerms, POOL_TABLE),
        (vault.VaultParameters, VAULT_TABLE),
        (clearing.MarketParameters, CLEARING_TABLE),
        (clearing.CollateralParameters, CLEARING_TABLE),
        (clearing.ClearingParameters, CLEARING_TABLE),
        (lending.LendingTerms, AAVE_TABLE),
        (oracle.FeedParameters, ORACLE_TABLE),
    ],
    ids=named,
)
def test_kernels_read_every_parameter_by_its_name(owner: type, table: Any) -> None:
    assert terms_of(owner).keys() <= {member.name for member in table}


VAULT, VENUE = "modules/vault_parameters", "modules/venue"
#: Upper bounds, in whole units, beside the constants of the contracts that hold their owner to it.
LIMITS = [
    (vault.VaultTerms, "recenter_threshold", VAULT, "MAX_THRESHOLD", WAD),
    (vault.VaultTerms, "max_slippage", VAULT, "MAX_SLIPPAGE", WAD),
    (vault.VaultTerms, "margin_target", VAULT, "MAX_RATIO", WAD),
    (vault.VaultTerms, "keeper_reward", VAULT, "MAX_KEEPER_REWARD", 10**6),
    (vault.VaultTerms, "keeper_share", VAULT, "MAX_KEEPER_SHARE", WAD),
    (vault.VaultTerms, "entry_fee", VAULT, "MAX_FEE", WAD),
    (vault.VaultTerms, "exit_fee", VAULT, "MAX_FEE", WAD),
    (vault.VaultTerms, "management_fee", VAULT, "MAX_FEE", WAD),
    (vault.VaultTerms, "performance_fee", VAULT, "MAX_PERFORMANCE_FEE", WAD),
    (vault.VaultTerms, "beta_max", VAULT, "MAX_BETA", WAD),
    (vault.VaultTerms, "beta_max_change", VAULT, "MAX_BETA", WAD),
    (clearing.MarketParameters, "half_spread", VENUE, "MAX_FEE", WAD),
    (clearing.MarketParameters, "taker_fee", VENUE, "MAX_FEE", WAD),
    (clearing.MarketParameters, "max_funding_velocity", VENUE, "MAX_VELOCITY", WAD),
    (clearing.ClearingParameters, "liquidation_penalty", VENUE, "MAX_PENALTY", WAD),
    (clearing.ClearingParameters, "initial_multiple", VENUE, "MAX_INITIAL_MULTIPLE", WAD),
    (clearing.ClearingParameters, "risk_multiple", VENUE, "MAX_RISK_MULTIPLE", WAD),
    (clearing.ClearingParameters, "withdrawal_gate", VENUE, "MAX_GATE", 3_600),
]


@pytest.mark.parametrize(("owner", "name", "source", "limit", "scale"), LIMITS, ids=named)
def test_the_upper_bound_is_the_contracts(
    owner: type, name: str, source: str, limit: str, scale: int
) -> None:
    assert terms_of(owner)[name].le == constant(source, limit) / scale


def test_what_is_given_in_another_unit_is_converted() -> None:
    perp = venues.Market(skew_scale_usd=3e7, max_skew_usd=1e6)
    found = resolved(clearing.MarketParameters, perp, price=2_000.0)
    assert found["skew_scale"] == 15_000.0
    assert found["max_skew"] == 500.0
    house = resolved(clearing.ClearingParameters, venues.Clearing(markets={"BTC": perp}))
    assert (house["withdrawal_gate"], house["lp_cap"]) == (4 * 3_600, 10**15)
    assert house["deleveraging"] == 0
    given = venues.Clearing(markets={"BTC": perp}, deleveraging="pro_rata_position")
    assert resolved(clearing.ClearingParameters, given)["deleveraging"] == 3
    feed = resolved(oracle.FeedParameters, market.Feed(max_age_minutes=0.72))
    assert feed == {"max_age": 43, "deviation": 0.005}


def test_fee_tiers_and_their_spacing_are_the_factorys() -> None:
    """As Uniswap's own bytecode has them; 100 ppm came later, and is said to be of one tick."""
    transport = RevmTransport()
    artifact = artifacts.load("UniswapV3Factory")
    address = transport.deploy(transport.account("deployer"), encode_constructor(artifact))
    factory = Contract(artifact, address, transport)
    own = {tier: factory.call("feeAmountTickSpacing", tier) for tier in pool.TICK_SPACING}
    assert own == pool.TICK_SPACING | {100: 0}
    assert get_args(pool.Tier) == tuple(pool.TICK_SPACING)


def test_a_spacing_that_is_left_out_is_the_tiers_and_goes_to_the_protocol() -> None:
    config = load("calm", ["pool.fee_ppm=3000"])
    assert resolved(pool.PoolTerms, config.pool) == {"fee_ppm": 3_000, "tick_spacing": None}
    assert resolve(config).pool.tick_spacing == 60


def test_a_new_declaration_is_a_section_at_once() -> None:
    made: Any = section_of(vault.VaultTerms)
    assert made(entry_fee=0.01).entry_fee == 0.01
    with pytest.raises(ValueError, match="entry_fee"):
        made(entry_fee=0.2)
    assert Term("what", unit="hours", given=Given.HOURS).key("wait") == "wait_hours"
