"""Whoever is called in the middle of an operation finds every door shut (SPEC §3.5, §4.3).

The tokens have hooks, before and after each transfer; the attacker's contract is called at each
of them and tries every function that writes, and every view that prices anything, of the vault
and the clearing house.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simulator.chain.deploy import artifacts
from simulator.chain.evm.codec import Contract, Reverted
from tests.exploits.ground import ETH, USDC, WAD
from tests.exploits.puppet import Puppet, hooked
from tests.exploits.stage import Stage
from tests.security.zero import arguments, functions

LOCKED = "no reason given"  # what the compiler's lock says

# Functions without the lock, and what they say in the middle of an operation: they have their own.
GUARDED = {
    "uniswapV3SwapCallback": "vault: not the pool",
    "on_rearrange": "vault: not the clearing house",
    "transfer_ownership": "roles: not the owner",
    "accept_ownership": "roles: not the pending owner",
    "set_risk_manager": "roles: not the owner",
    "set_guardian": "roles: not the owner",
    "schedule": "roles: not the owner",
    "cancel": "roles: not the guardian",
    "dismiss_risk_manager": "roles: not the guardian",
    "set_delay": "roles: not the owner",
    "words_at": "clearing: delegatecall only",
}

# Views that price something held between two states. The rest are stored words.
PRICED = {
    "HedgeVault": """totalAssets convertToShares convertToAssets previewDeposit previewMint
        previewWithdraw previewRedeem fresh_assets nav last_nav position_state""",
    "ClearingHouse": "account_state last_account_state withdrawable extSloads",
}
NOTHING = "maxDeposit maxMint maxWithdraw maxRedeem"  # must not revert (EIP-4626): they answer 0

Operation = Callable[[Stage, Puppet], None]


def prepare() -> tuple[Stage, Puppet]:
    """A vault in operation, and the attacker's contract as its shareholder and as a trader."""
    stage = Stage(hooked())
    stage.run_vault(2e6)
    puppet = Puppet(stage)
    raw = stage.give("attacker", USDC, 1e6)
    stage.vault.transact(puppet.owner, "deposit", raw, puppet.address)
    stage.mint(puppet.address, USDC, 3 * raw)
    stage.mint(puppet.address, ETH, 10**21)
    puppet.run(stage.clearing, "deposit", puppet.address, 0, 0, raw)
    puppet.run(stage.clearing, "deposit", puppet.address, 0, 1, 10**20)
    puppet.run(stage.clearing, "trade", 0, 0, WAD, 2**255)
    return stage, puppet


def _shares(stage: Stage, puppet: Puppet) -> int:
    return int(stage.vault.call("balanceOf", puppet.address))


def _deposit(stage: Stage, puppet: Puppet) -> None:
    puppet.run(stage.vault, "deposit", 10**9, puppet.address)


def _redeem(stage: Stage, puppet: Puppet) -> None:
    puppet.run(stage.vault, "redeem", 10**20, puppet.address, puppet.address)


def _unwind(stage: Stage, puppet: Puppet) -> None:
    puppet.run(stage.vault, "request_redeem", _shares(stage, puppet), puppet.address)
    puppet.run(stage.vault, "settle_withdrawals", WAD // 20)


def _redeem_in_kind(stage: Stage, puppet: Puppet) -> None:
    taker = stage.actor("taker")
    stage.clearing.transact(taker, "set_slice_consent", stage.vault.address, True)
    stage.vault.transact(taker, "set_in_kind_consent", puppet.address, True)
    puppet.run(stage.vault, "redeem_in_kind", _shares(stage, puppet) // 2, taker)


def _recenter(stage: Stage, puppet: Puppet) -> None:
    puppet.run(stage.vault, "recenter")


def _post_collateral(stage: Stage, puppet: Puppet) -> None:
    puppet.run(stage.clearing, "deposit", puppet.address, 0, 1, 10**18)


def _take_collateral(stage: Stage, puppet: Puppet) -> None:
    puppet.run(stage.clearing, "withdraw", 0, 1, 10**18, puppet.address)


def _fund_insurance(stage: Stage, puppet: Puppet) -> None:
    puppet.run(stage.clearing, "fund_insurance", 10**6)


VAULT_OPERATIONS = [_deposit, _redeem, _unwind, _redeem_in_kind, _recenter]
VENUE_OPERATIONS = [_post_collateral, _take_collateral, _fund_insurance]


def calls(contract: Contract, *, views: bool = False) -> list[tuple[Contract, str, Any]]:
    """Every function of a contract with zeros."""
    found = functions(artifacts.load(contract.name), views=views)
    return [(contract, entry["name"], *arguments(entry)) for entry in found]


def tried(
    operation: Operation, attempts: Callable[[Stage], list[tuple[Contract, str, Any]]], hook: int
) -> list[tuple[str, bool, str]]:
    """(function, done, why not) of every attempt at the given hook of an operation."""
    stage, puppet = prepare()
    stage.depth(100.0)
    stage.wait(3_600)  # since the recentring that placed the liquidity
    if operation is _unwind:
        stage.keep("recenter")  # nothing is idle
    chosen = attempts(stage)
    puppet.script(*((hook, *call) for call in chosen))
    puppet.hook(USDC, ETH)
    operation(stage, puppet)
    puppet.hook()
    outcomes = puppet.outcomes()
    assert len(outcomes) == len(chosen)  # the hook came
    return [(call[1], *outcome) for call, outcome in zip(chosen, outcomes, strict=True)]


def expected(name: str) -> tuple[bool, str]:
    return (False, GUARDED.get(name, LOCKED))


@pytest.mark.parametrize("hook", [1, 2, 3])
@pytest.mark.parametrize("operation", VAULT_OPERATIONS)
def test_no_function_of_the_vault_runs_within_one_of_it(operation: Operation, hook: int) -> None:
    if operation in (_deposit, _redeem):
        hook = min(hook, 2)  # one transfer
    for name, done, why in tried(operation, lambda stage: calls(stage.vault), hook):
        assert (done, why) == expected(name), name


@pytest.mark.parametrize("hook", [1, 2])
@pytest.mark.parametrize("operation", VENUE_OPERATIONS)
def test_no_function_of_the_venue_runs_within_one_of_it(operation: Operation, hook: int) -> None:
    for name, done, why in tried(operation, lambda stage: calls(stage.clearing), hook):
        assert (done, why) == expected(name), name


@pytest.mark.parametrize("operation", VAULT_OPERATIONS)
def test_no_view_of_the_vault_prices_a_share_within_an_operation(operation: Operation) -> None:
    def attempts(stage: Stage) -> list[tuple[Contract, str, Any]]:
        named = set(PRICED["HedgeVault"].split())
        return [call for call in calls(stage.vault, views=True) if call[1] in named]

    for name, done, why in tried(operation, attempts, 1):
        assert (done, why) == (False, LOCKED), name


@pytest.mark.parametrize("operation", VENUE_OPERATIONS)
def test_no_view_of_the_venue_prices_an_account_within_an_operation(operation: Operation) -> None:
    def attempts(stage: Stage) -> list[tuple[Contract, str, Any]]:
        named = set(PRICED["ClearingHouse"].split())
        return [call for call in calls(stage.clearing, views=True) if call[1] in named]

    for name, done, why in tried(operation, attempts, 1):
        assert (done, why) == (False, LOCKED), name


def test_the_largest_amounts_are_zero_within_an_operation() -> None:
    stage, puppet = prepare()
    names = NOTHING.split()
    puppet.script(*((1, stage.vault, name, puppet.address) for name in names))
    puppet.hook(USDC)
    _deposit(stage, puppet)
    puppet.hook()
    kept = puppet.contract.call("outcomes")
    assert [(done, int.from_bytes(word, "big")) for done, word in kept] == [(True, 0)] * len(names)
    assert all(stage.vault.call(name, puppet.address) > 0 for name in names)


def test_while_liquidity_is_lent_the_venue_is_shut() -> None:
    stage, puppet = prepare()
    stage.list_liquidity()
    token_id = stage.mint_nft("attacker", 2_000, 100, 2e5)
    stage.manager.transact(puppet.owner, "transferFrom", puppet.owner, puppet.address, token_id)
    puppet.run(stage.manager, "setApprovalForAll", stage.clearing.address, True)
    puppet.run(stage.clearing, "pledge", 0, token_id)
    puppet.contract.transact(puppet.owner, "answer_rearrange", [token_id], 0)

    writes = calls(stage.clearing)
    named = set(PRICED["ClearingHouse"].split())
    views = [call for call in calls(stage.clearing, views=True) if call[1] in named]
    puppet.script(*((1, *call) for call in (*writes, *views)))
    puppet.run(stage.clearing, "rearrange", 0, [token_id], b"")
    outcomes = puppet.outcomes()
    assert len(outcomes) == len(writes) + len(views)
    for (_, name, *_), outcome in zip((*writes, *views), outcomes, strict=True):
        assert outcome == expected(name), name
    assert stage.clearing.call("pledges", int(puppet.address, 16) << 8) == (token_id,)


def test_the_doors_are_open_at_rest() -> None:
    stage, puppet = prepare()
    for contract in (stage.vault, stage.clearing):
        told = []
        for target, name, *given in calls(contract):
            checkpoint = stage.chain.evm.snapshot()
            puppet.script()
            try:
                puppet.run(target, name, *given)
                told.append((name, ""))
            except Reverted as error:
                told.append((name, str(error)))
            stage.chain.evm.revert(checkpoint)
        shut = {name for name, why in told if why == f"reverted: {LOCKED}"}
        assert shut <= {"rearrange"}
