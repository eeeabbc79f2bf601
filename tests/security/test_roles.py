"""Who may call what: every function that writes, against every role (SPEC §4.6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

import pytest
from eth_utils import keccak

from simulator.chain.deploy import artifacts
from simulator.chain.deploy.deployment import CLEARING_PARTS
from simulator.chain.evm.codec import Contract, Reverted, reason, selector
from simulator.chain.evm.revm import RevmTransport
from tests.aave.market import AaveMarket
from tests.exploits.ground import refusal
from tests.exploits.stage import Stage
from tests.security.zero import Entry, answer, arguments, functions

ZERO_ADDRESS = "0x" + "00" * 20
OWNER, PENDING, RISK, GUARDIAN = "owner", "pending owner", "risk manager", "guardian"
REPORTER, VAULT, STRANGER = "reporter", "vault", "stranger"
ROLES = (OWNER, PENDING, RISK, GUARDIAN, REPORTER, VAULT, STRANGER)
ANYONE = frozenset(ROLES)
NOBODY: frozenset[str] = frozenset()  # only the contract's own counterpart, in the middle of a call

# What a caller without the role is told. Anything else means that the role was there.
WRONG_ROLE = {
    "roles: not the owner",
    "roles: not the pending owner",
    "roles: not the risk manager",
    "roles: not the guardian",
    "oracle: not a reporter",
    "vault: not the pool",
    "vault: not the clearing house",
    "vault: not delegated",
    "clearing: delegatecall only",
    "hedge: not the vault",
    "hedge: not the pool",
}


def _table(**rows: str) -> dict[str, frozenset[str]]:
    named = {
        "owner": frozenset({OWNER}),
        "pending": frozenset({PENDING}),
        "risk": frozenset({RISK}),
        "guardian": frozenset({GUARDIAN, OWNER}),
        "reporter": frozenset({REPORTER}),
        "vault": frozenset({VAULT}),
        "nobody": NOBODY,
        "anyone": ANYONE,
    }
    return {name: named[who] for who, names in rows.items() for name in names.split()}


_ANNOUNCED = "transfer_ownership set_guardian schedule set_delay"
_GOVERNED = f"{_ANNOUNCED} set_risk_manager"
_RISK_ENDED = "cancel dismiss_risk_manager"
_OFFICE = "pledge release rearrange transfer_slice fund_maker fund_insurance"
_GOVERNANCE = """withdraw_maker add_market set_market set_skew_scale add_collateral set_collateral
    set_lp_collateral set_parameters post_covariance tighten"""
_SETTLEMENT = "settle_market settle_position"
_SALE = "liquidate_collateral liquidate_pledge"
_STRATEGY = "rebalance recenter top_up deleverage"

MATRIX = {
    "ClearingHouse": _table(
        owner=f"""{_GOVERNED} withdraw_maker add_market set_market add_collateral set_collateral
            set_lp_collateral set_parameters unpause wind_down""",
        pending="accept_ownership",
        risk="set_skew_scale post_covariance",
        guardian=f"{_RISK_ENDED} pause",
        nobody="words_at",
        anyone=f"""deposit withdraw transfer_margin trade fund_maker fund_insurance pledge release
            rearrange transfer_slice set_slice_consent liquidate tighten {_SALE} {_SETTLEMENT}""",
    ),
    "HedgeVault": _table(
        owner=f"{_GOVERNED} set_parameters set_fee_receiver set_paused",
        pending="accept_ownership",
        risk="post_betas",
        guardian=_RISK_ENDED,
        nobody="uniswapV3SwapCallback on_rearrange",
        # set_paused(False) is the owner's; of set_paused(True), see _check.
        anyone=f"""transfer transferFrom approve deposit mint withdraw redeem request_redeem
            cancel_request settle_withdrawals redeem_in_kind set_in_kind_consent
            accrue_fees {_STRATEGY}""",
    ),
    "PriceOracle": _table(
        owner=f"{_ANNOUNCED} add_feed add_aggregator set_reporter set_quorum set_sequencer",
        pending="accept_ownership",
        guardian="cancel",
        reporter="report",
    ),
    "AaveHedge": _table(
        vault="withdraw trade exit_slice",
        nobody="uniswapV3SwapCallback move_slice",
        anyone="deposit drop_collateral set_forgoing",
    ),
    "LiquidationEngine": _table(nobody="liquidate"),
    "Deleveraging": _table(nobody="absorb close_with_insolvent write_off"),
    "CollateralSale": _table(nobody=_SALE),
    "BackOffice": _table(nobody=_OFFICE),
    "Governance": _table(nobody=f"{_GOVERNANCE} pause unpause"),
    "Settlement": _table(nobody=f"wind_down {_SETTLEMENT}"),
    "VaultStrategy": _table(nobody=f"{_STRATEGY} raise_assets on_rearrange"),
    "VaultExits": _table(nobody="settle_withdrawals redeem_in_kind"),
}

# Where a zero argument is refused before the caller is looked at.
ARGUMENTS = {("AaveHedge", "trade"): (0, 0, -1, 0)}

# What the owner does only after the delay; `set_delay` when it is to become shorter, as to zero,
# `set_guardian` while there is a guardian. Feeds: tests/properties/test_price_oracle_properties.py.
DELAYED = {
    "ClearingHouse": """set_delay set_risk_manager set_guardian withdraw_maker add_market set_market
        add_collateral set_collateral set_lp_collateral set_parameters wind_down""",
    "HedgeVault": "set_delay set_risk_manager set_guardian set_parameters set_fee_receiver",
    "PriceOracle": "set_delay set_guardian set_reporter set_quorum set_sequencer",
}


class Cast:
    """The system with somebody in every role, each of them an account of its own."""

    def __init__(self, *, delay: int = 0) -> None:
        self.stage = stage = Stage()
        self.chain = stage.chain
        owner, account = stage.roles.deployer, stage.chain.account
        self.actors = {role: account(role) for role in ROLES} | {OWNER: owner}
        stage.oracle.transact(owner, "set_reporter", self.actors[REPORTER], True)
        for contract in (stage.clearing, stage.vault):
            contract.transact(owner, "set_risk_manager", self.actors[RISK])
        for contract in (stage.clearing, stage.vault, stage.oracle):
            contract.transact(owner, "set_guardian", self.actors[GUARDIAN])
            contract.transact(owner, "transfer_ownership", self.actors[PENDING])
            if delay:
                contract.transact(owner, "set_delay", delay)
        self.contracts = {
            "ClearingHouse": stage.clearing,
            "HedgeVault": stage.vault,
            "PriceOracle": stage.oracle,
            "VaultStrategy": stage.at("VaultStrategy", stage.vault.call("STRATEGY")),
            "VaultExits": stage.at("VaultExits", stage.vault.call("EXITS")),
        }
        for name, address in zip(CLEARING_PARTS, stage.clearing.call("parts"), strict=True):
            self.contracts[name] = stage.at(name, address)


def _given(name: str, entry: Entry, number: int) -> Sequence[Any]:
    if number == 0 and (name, entry["name"]) in ARGUMENTS:
        return ARGUMENTS[name, entry["name"]]
    return arguments(entry, number)


def _check(
    name: str, contract: Contract, chain: RevmTransport, actors: dict[str, str]
) -> Iterable[str]:
    """Every cell of a contract's matrix that is not as listed, in words.

    Every argument is 0, then 1: no value of theirs opens or shuts a door.
    """
    for entry, number in product(functions(artifacts.load(name)), (0, 1)):
        allowed = MATRIX[name][entry["name"]]
        if entry["name"] == "set_paused" and number:
            allowed = allowed | {GUARDIAN}
        for role, sender in actors.items():
            told = answer(chain, sender, contract, entry, _given(name, entry, number))
            if (told in WRONG_ROLE) == (role in allowed):
                yield f"{name}.{entry['name']} of {number} as {role}: {told or 'done'}"


@pytest.mark.parametrize("name", MATRIX)
def test_every_function_that_writes_is_listed(name: str) -> None:
    assert {entry["name"] for entry in functions(artifacts.load(name))} == set(MATRIX[name])


@pytest.mark.parametrize("name", [name for name in MATRIX if name != "AaveHedge"])
def test_each_function_is_done_by_its_roles_and_refused_to_all_others(name: str) -> None:
    cast = Cast()
    assert list(_check(name, cast.contracts[name], cast.chain, cast.actors)) == []


def test_the_hedge_on_aave_obeys_its_vault_alone() -> None:
    market = AaveMarket()
    actors = {role: market.chain.account(role) for role in ROLES}
    hedge = Contract(artifacts.load("AaveHedge"), market.addresses["hedge"], market.chain)
    assert hedge.call("vault") == actors[VAULT]
    assert list(_check("AaveHedge", hedge, market.chain, actors)) == []


def test_pausing_is_the_guardians_and_the_owners_unpausing_the_owners() -> None:
    cast = Cast()
    vault = cast.contracts["HedgeVault"]
    pauses = {}
    for role, sender in cast.actors.items():
        checkpoint = cast.chain.evm.snapshot()
        data = vault.calldata("set_paused", True)
        try:
            cast.chain.evm.message_call(sender, vault.address, data)
            pauses[role] = True
        except RuntimeError:
            pauses[role] = False
        cast.chain.evm.revert(checkpoint)
    assert {role for role, done in pauses.items() if done} == {OWNER, GUARDIAN}


@pytest.mark.parametrize("name", DELAYED)
def test_exactly_the_listed_acts_of_the_owner_wait(name: str) -> None:
    cast = Cast(delay=86_400)
    contract, delayed = cast.contracts[name], set(DELAYED[name].split())
    waits = {
        entry["name"]
        for entry in functions(artifacts.load(name))
        if answer(cast.chain, cast.actors[OWNER], contract, entry) == "roles: not scheduled"
    }
    assert waits - {"cancel"} == delayed  # cancelling what was never scheduled says the same


@pytest.mark.parametrize("name", DELAYED)
def test_what_is_announced_is_announced_to_the_last_word(name: str) -> None:
    """No word may differ and none may be added."""
    cast = Cast(delay=86_400)
    contract, chain, owner = cast.contracts[name], cast.chain, cast.actors[OWNER]
    entries = [
        entry
        for entry in functions(artifacts.load(name))
        if entry["name"] in DELAYED[name].split() and entry["name"] != "set_delay"
    ]
    announced = [contract.calldata(entry["name"], *arguments(entry, 1)) for entry in entries]
    for data in announced:
        contract.transact(owner, "schedule", keccak(data))
    chain.set_time(chain.time() + 86_400)
    for data in announced:
        assert why(chain, owner, contract.address, data) != "roles: not scheduled"
        for end in range(36, len(data) + 1, 32):  # one word after the other
            other = data[: end - 1] + bytes([data[end - 1] ^ 1]) + data[end:]
            assert why(chain, owner, contract.address, other) == "roles: not scheduled"
        longer = data + bytes(32)
        assert why(chain, owner, contract.address, longer) == "roles: not scheduled"
        assert why(chain, owner, contract.address, data + bytes(1_024)) == "roles: call too long"


def why(chain: RevmTransport, sender: str, to: str, data: bytes) -> str:
    """Why a call is refused, empty when it is not. Nothing is changed."""
    checkpoint = chain.evm.snapshot()
    try:
        chain.transact(sender, to, data)
    except Reverted as reverted:
        return reason(reverted.data)
    finally:
        chain.evm.revert(checkpoint)
    return ""


@pytest.mark.parametrize("name", DELAYED)
@pytest.mark.parametrize("first", ["set_guardian", "accept_ownership"])
def test_whoever_has_the_owners_key_cannot_rid_it_of_the_guardian(name: str, first: str) -> None:
    """Guardian to the thief or to nobody, at once or announced, with ownership taken or not."""
    cast = Cast(delay=86_400)
    contract, chain = cast.contracts[name], cast.chain
    guardian, thief = cast.actors[GUARDIAN], cast.actors[PENDING]
    key = cast.actors[OWNER]
    if first == "accept_ownership":
        contract.transact(thief, "accept_ownership")
        key = thief
    for successor in (thief, ZERO_ADDRESS):
        naming = contract.calldata("set_guardian", successor)
        rename = lambda to=successor: contract.transact(key, "set_guardian", to)  # noqa: E731
        assert refusal(rename) == "roles: not scheduled"
        contract.transact(key, "schedule", keccak(naming))
        chain.set_time(chain.time() + 86_399)
        assert refusal(rename) == "roles: too early"
        contract.transact(guardian, "cancel", keccak(naming))
        chain.set_time(chain.time() + 1)
        assert refusal(rename) == "roles: not scheduled"
    assert contract.call("guardian") == guardian


@pytest.mark.parametrize("name", DELAYED)
def test_a_guardian_is_named_at_once_where_there_is_none_and_replaced_after_the_delay(
    name: str,
) -> None:
    cast = Cast()
    contract, chain, owner = cast.contracts[name], cast.chain, cast.actors[OWNER]
    contract.transact(owner, "set_guardian", ZERO_ADDRESS)  # no delay, as deployed: at once
    contract.transact(owner, "set_delay", 86_400)
    contract.transact(owner, "set_guardian", cast.actors[GUARDIAN])
    contract.transact(owner, "schedule", keccak(contract.calldata("set_guardian", ZERO_ADDRESS)))
    chain.set_time(chain.time() + 86_400)
    contract.transact(owner, "set_guardian", ZERO_ADDRESS)
    assert contract.call("guardian") == ZERO_ADDRESS


def test_nothing_can_be_initialised_again() -> None:
    for name in MATRIX:
        for entry in functions(artifacts.load(name)):
            assert not entry["name"].lower().startswith(("init", "_init", "reinit"))
    cast = Cast()
    constructors = [selector("__init__()"), selector("initialize()"), selector("init()")]
    for contract in cast.contracts.values():
        for data in constructors:
            call = lambda to=contract.address, data=data: cast.chain.transact(  # noqa: E731
                cast.actors[STRANGER], to, data
            )
            assert refusal(call) == "no reason given"
    pool = cast.stage.pool  # Uniswap's has an initialize, which was the deployment's
    assert refusal(lambda: pool.transact(cast.actors[OWNER], "initialize", 2**96)) == "AI"


def test_a_vault_is_not_deployed_over_a_strategy_of_another() -> None:
    stage, other = Stage(), Stage()
    other.new(artifacts.load("Token"), "X", "X", 6)
    artifact = artifacts.load("HedgeVault")
    hedges = [(stage.clearing.address, 0)]
    terms = (
        stage.deployed.tokens[0], stage.deployed.tokens[1], stage.pool.address,
        stage.manager.address, stage.oracle.address, stage.clearing.address, hedges,
        stage.vault.call("parameters"), True, False, stage.vault.call("STRATEGY"),
        stage.vault.call("EXITS"),
    )  # fmt: skip
    assert refusal(lambda: stage.new(artifact, *terms)) == "vault: another deployment"
