"""Who may change what and when; the two contracts over one storage (SPEC §4, §4.1, §4.6)."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from eth_utils import keccak

from simulator.chain.deploy import artifacts
from simulator.chain.deploy.deployment import VAULT_PARTS
from simulator.chain.deploy.terms import wad
from simulator.chain.evm.codec import Reverted, reason
from tests.properties.revm_vault import USDC_UNIT, WAD, System

STRANGER = "0x" + "33" * 20
DELAY = 2 * 86_400
VALID_FOR = 14 * 86_400


DELAYED: list[tuple[str, tuple[Any, ...]]] = [
    ("set_fee_receiver", (STRANGER,)),
    ("set_risk_manager", (STRANGER,)),
    ("set_guardian", (STRANGER,)),
    ("set_delay", (0,)),
]


@pytest.mark.parametrize(("function", "arguments"), DELAYED, ids=str)
def test_owner_functions_wait_for_the_delay(function: str, arguments: tuple[Any, ...]) -> None:
    system = System()
    owner, call_id = system.owner, keccak(system.vault.calldata(function, *arguments))
    system.do(owner, "set_delay", DELAY)
    assert system.refusal(owner, function, *arguments) == "roles: not scheduled"
    assert system.refusal(STRANGER, "schedule", call_id) == "roles: not the owner"
    system.do(owner, "schedule", call_id)
    system.wait(DELAY - 1)
    assert system.refusal(owner, function, *arguments) == "roles: too early"
    system.wait(1)
    assert system.refusal(STRANGER, function, *arguments) == "roles: not the owner"
    assert system.refusal(owner, function, *arguments) == ""
    if function != "set_delay":
        assert system.refusal(owner, function, *arguments) == "roles: not scheduled"  # once only


def test_parameters_wait_for_the_delay_and_expire() -> None:
    system = System()
    owner, terms = system.owner, parameters(system)
    call_id = keccak(system.vault.calldata("set_parameters", terms))
    system.do(owner, "set_delay", DELAY)
    system.do(owner, "schedule", call_id)
    system.wait(DELAY + VALID_FOR + 1)
    assert system.refusal(owner, "set_parameters", terms) == "roles: expired"
    system.do(owner, "schedule", call_id)
    system.do(system.deployed.roles.guardian, "cancel", call_id)
    system.wait(DELAY)
    assert system.refusal(owner, "set_parameters", terms) == "roles: not scheduled"
    system.do(owner, "schedule", call_id)
    system.wait(DELAY)
    assert system.refusal(owner, "set_parameters", terms) == ""


def parameters(system: System) -> tuple[Any, ...]:
    answer = system.get("parameters")
    return tuple(answer[0]) if len(answer) == 1 else tuple(answer)


def test_pausing_is_never_delayed() -> None:
    system = System()
    system.do(system.owner, "set_delay", DELAY)
    system.do(system.deployed.roles.guardian, "set_paused", True)
    assert system.refusal(system.deployed.roles.guardian, "set_paused", False) != ""
    system.do(system.owner, "set_paused", False)
    assert not system.get("paused")


@pytest.mark.parametrize("fee", ["entry_fee", "exit_fee"])
def test_a_fee_below_the_oracles_deviation_is_refused(fee: str) -> None:
    """Entering and leaving at a price that lags must not be free: no option on the lag."""
    system = System()
    largest = max(system.oracle.call("deviation", token) for token in system.deployed.tokens)
    assert largest > 0
    system.set_terms(**{fee: largest})
    with pytest.raises(Reverted) as refused:
        system.set_terms(**{fee: largest - 1})
    assert reason(refused.value.data) == "vault: fee below deviation"


def test_a_wider_deviation_asks_for_higher_fees() -> None:
    system = System()
    token, max_age = system.deployed.tokens[2], 86_400
    system.oracle.transact(system.owner, "add_feed", token, max_age, wad(0.03))
    with pytest.raises(Reverted) as refused:
        system.set_terms(hedge_band=wad(0.03))
    assert reason(refused.value.data) == "vault: fee below deviation"
    system.set_terms(entry_fee=wad(0.03), exit_fee=wad(0.03))


def test_betas_move_by_twelve_a_day_at_most_whoever_the_owner_is() -> None:
    system = System()
    system.set_terms(beta_max_change=wad(0.5), beta_interval=3_600)
    for change, interval in ((wad(0.5) + 1, 3_600), (wad(0.5), 3_599), (1, 0)):
        with pytest.raises(Reverted) as refused:
            system.set_terms(beta_max_change=change, beta_interval=interval)
        assert reason(refused.value.data) == "vault: bad parameter"


def test_rewards_are_bounded_by_what_they_protect() -> None:
    system = System(keeper_reward=10_000.0, keeper_share=0.001).invest()
    traded_before = hedged(system)
    system.move(2_000)
    reward = system.do(system.keeper, "rebalance")
    traded = traded_before - hedged(system)  # the shorts shrink: the position sold base
    assert 0 < reward == pytest.approx(0.001 * traded / 1e12, rel=1e-6)
    system.wait(3_600)  # since the recentring that placed it
    system.move(2_200)
    at = system.get("position_state")
    budget = system.get("parameters")[2] * system.get("nav") // WAD
    reward = system.do(system.keeper, "recenter")
    assert at[0] > 0
    assert reward == pytest.approx(0.001 * budget / 1e12, rel=1e-3)


def hedged(system: System) -> float:
    return sum(
        abs(size) * price for size, price in zip(system.sizes(), system.prices[2:], strict=True)
    )


# -------------------------------------------------------------------------------- one storage


def test_the_vault_and_its_parts_have_one_storage_layout() -> None:
    layouts = [layout(name) for name in ("HedgeVault", *VAULT_PARTS)]
    assert [other == layouts[0] for other in layouts] == [True] * len(layouts)
    assert len(flat(layouts[0]["storage_layout"])) > 25
    assert len(flat(layouts[0]["transient_storage_layout"])) >= 4


def layout(name: str) -> dict[str, Any]:
    source = artifacts.CONTRACTS / f"{name}.vy"
    command = [
        sys.executable, "-m", "vyper.cli.vyper_compile", "-p", str(artifacts.SOURCES),
        "--evm-version", artifacts.EVM_VERSION, "-f", "layout", str(source),
    ]  # fmt: skip
    answer = subprocess.run(command, capture_output=True, check=True, text=True)
    found: dict[str, Any] = json.loads(answer.stdout)
    found.pop("code_layout", None)  # immutables stand in each contract's own code
    return found


def flat(tree: dict[str, Any], prefix: str = "") -> dict[str, int]:
    found: dict[str, int] = {}
    for name, entry in tree.items():
        here = f"{prefix}{name}"
        found |= {here: entry["slot"]} if "slot" in entry else flat(entry, f"{here}.")
    return found


GUARDED: dict[tuple[str, str], tuple[Any, ...]] = {
    ("VaultStrategy", "rebalance"): (),
    ("VaultStrategy", "recenter"): (),
    ("VaultStrategy", "top_up"): (),
    ("VaultStrategy", "deleverage"): (),
    ("VaultStrategy", "raise_assets"): (USDC_UNIT, WAD),
    ("VaultStrategy", "on_rearrange"): (b"\x00" * 288,),
    ("VaultExits", "settle_withdrawals"): (WAD,),
    ("VaultExits", "redeem_in_kind"): (1, STRANGER),
}


@pytest.mark.parametrize(("part", "function"), GUARDED)
def test_the_parts_refuse_direct_calls(part: str, function: str) -> None:
    system = System()
    place = {"VaultStrategy": "STRATEGY", "VaultExits": "EXITS"}[part]
    code = system._contract(part, system.get(place))
    with pytest.raises(Reverted) as refused:
        code.transact(STRANGER, function, *GUARDED[part, function])
    assert reason(refused.value.data) == "vault: not delegated"


def test_every_function_of_the_parts_is_guarded() -> None:
    """The list above is complete: all that changes state, and nothing else, is refused."""
    listed = {
        (part, entry["name"])
        for part in VAULT_PARTS
        for entry in artifacts.load(part).abi
        if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")
    }
    assert listed == set(GUARDED)
