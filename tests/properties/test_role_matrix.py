"""Every role against every function that changes state: who may, and that nobody else can."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.world.chain.artifacts import load
from simulator.world.chain.codec import Contract
from tests.stateful.system import System

ANYONE = "anyone"
OWNER, RISK, GUARDIAN, REPORTER = "owner", "risk manager", "guardian", "reporter"
ROLES = (OWNER, RISK, GUARDIAN, REPORTER, "stranger")

# Functions that only some may call; the owner's powers include the guardian's.
RESTRICTED: dict[str, dict[str, tuple[str, ...]]] = {
    "ClearingHouse": {
        **dict.fromkeys(
            (
                *("transfer_ownership", "set_risk_manager", "set_guardian", "schedule"),
                *("set_delay", "withdraw_maker", "add_market", "set_market", "add_collateral"),
                *("set_collateral", "set_lp_collateral", "set_parameters", "unpause"),
            ),
            (OWNER,),
        ),
        "cancel": (OWNER, GUARDIAN),
        "pause": (OWNER, GUARDIAN),
        "set_skew_scale": (RISK,),
        "post_covariance": (RISK,),
        "accept_ownership": (),  # the pending owner, of whom there is none
    },
    "HedgeVault": {
        **dict.fromkeys(
            (
                *("transfer_ownership", "set_risk_manager", "set_guardian", "schedule"),
                *("set_delay", "set_parameters", "set_fee_receiver"),
            ),
            (OWNER,),
        ),
        "cancel": (OWNER, GUARDIAN),
        "set_paused": (OWNER, GUARDIAN),
        "post_betas": (RISK,),
        "accept_ownership": (),
        "uniswapV3SwapCallback": (),  # the pool, while the vault swaps
        "on_rearrange": (),  # the clearing house, while the vault rearranges
    },
    "PriceOracle": {
        **dict.fromkeys(
            (
                *("transfer_ownership", "add_feed", "add_aggregator", "set_reporter"),
                *("set_quorum", "set_sequencer"),
            ),
            (OWNER,),
        ),
        "report": (REPORTER,),
        "accept_ownership": (),
    },
}
OPEN: dict[str, set[str]] = {
    "ClearingHouse": {
        *("deposit", "withdraw", "transfer_margin", "trade", "liquidate", "liquidate_collateral"),
        *("liquidate_pledge", "pledge", "release", "rearrange", "transfer_slice"),
        *("set_slice_consent", "fund_maker", "fund_insurance"),
    },
    "HedgeVault": {
        *("deposit", "mint", "withdraw", "redeem", "request_redeem", "cancel_request"),
        *("settle_withdrawals", "redeem_in_kind", "accrue_fees", "rebalance", "recenter"),
        *("top_up", "deleverage", "transfer", "transferFrom", "approve"),
    },
    "PriceOracle": set(),
}
REFUSALS = (
    *("roles: not the owner", "roles: not the risk manager", "roles: not the guardian"),
    *("roles: not the pending owner", "oracle: not a reporter"),
    *("vault: not the pool", "vault: not the clearing house", "vault: unexpected callback"),
)


@pytest.fixture(scope="module")
def system() -> System:
    return System("gross")


def functions(name: str) -> list[dict[str, Any]]:
    """All that change state, as compiled."""
    return [
        entry
        for entry in load(name).abi
        if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")
    ]


def blank(entry: dict[str, Any]) -> Any:
    """A valid value of an ABI type."""
    kind = entry["type"]
    if kind.endswith("[]"):
        return []
    if kind.startswith("tuple"):
        return tuple(blank(component) for component in entry["components"])
    if kind == "address":
        return "0x" + "11" * 20
    if kind == "bool":
        return True
    if kind == "bytes32":
        return b"\0" * 32
    return b"" if kind.startswith("bytes") else 1


def who(system: System, contract: str, role: str) -> int:
    manager = system.venue_manager if contract == "ClearingHouse" else system.vault_manager
    return {
        OWNER: system.owner,
        RISK: manager,
        GUARDIAN: system.guardian,
        REPORTER: system.reporters[0],
        "stranger": system.actors["griefer"],
    }[role]


def refused(system: System, name: str, entry: dict[str, Any], role: str) -> bool:
    """Whether the role is turned away as such; nothing of the call stays."""
    address = {
        "ClearingHouse": system.clearing,
        "HedgeVault": system.vault,
        "PriceOracle": system.oracle,
    }[name]
    contract = Contract(load(name), system.hex(address), system.chain)
    data = contract.calldata(entry["name"], *(blank(argument) for argument in entry["inputs"]))
    checkpoint = system.evm.snapshot()
    answer = system.send(who(system, name, role), address, data)
    system.evm.revert(checkpoint)
    return isinstance(answer, str) and answer in REFUSALS


@pytest.mark.parametrize("name", sorted(RESTRICTED))
def test_every_function_is_in_the_matrix(name: str) -> None:
    assert {entry["name"] for entry in functions(name)} == set(RESTRICTED[name]) | OPEN[name]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", sorted(RESTRICTED))
def test_each_role_may_what_the_matrix_says_and_nothing_else(
    system: System, name: str, role: str
) -> None:
    wrong = []
    for entry in functions(name):
        allowed = RESTRICTED[name].get(entry["name"], ROLES)
        if entry["name"] == "set_paused" and role == GUARDIAN:
            assert not refused(system, name, entry, role)  # it may pause, not unpause
        elif refused(system, name, entry, role) != (role not in allowed):
            wrong.append(entry["name"])
    assert wrong == []


def test_there_is_nothing_to_initialise_twice(system: System) -> None:
    """What is set once is set by constructors; the pool's own initialize is spent."""
    for name in ("ClearingHouse", "HedgeVault", "PriceOracle", "AaveHedge"):
        assert not [e["name"] for e in functions(name) if "init" in e["name"]]
    contract = Contract(load("UniswapV3Pool"), system.hex(system.pool), system.chain)
    data = contract.calldata("initialize", 2**96)
    assert system.send(system.owner, system.pool, data) == "AI"
