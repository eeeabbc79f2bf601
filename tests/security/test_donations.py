"""What is given away without being asked for changes nothing that is counted (SPEC §4.2)."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.chain.evm.codec import MAX_UINT256, Contract, Reverted
from tests.exploits.ground import BTC_MARKET, ETH, FOREVER, USDC
from tests.exploits.stage import Stage


def seen(stage: Stage) -> dict[str, object]:
    """Everything the vault and the venue say about themselves and their accounts."""
    vault, venue = stage.vault, stage.clearing
    accounts = [stage.account("trader"), int(vault.address, 16) << 8]
    return {
        "nav": vault.call("nav"),
        "assets": vault.call("totalAssets"),
        "share": vault.call("convertToAssets", 10**18),
        "position": vault.call("position_state"),
        "states": [venue.call("account_state", account) for account in accounts],
        "held": [venue.call("collateral_held", i) for i in range(2)],
        "maker": (stage.makers(), venue.call("insurance_fund")),
        "pledged": venue.call("pledged_liquidity"),
        "largest": [
            vault.call(f"max{what}", stage.actor("depositor")) for what in ("Redeem", "Deposit")
        ],
    }


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.run_vault(2e6)
    stage.post("trader", 3e5)
    stage.trade("trader", BTC_MARKET, 5)
    return stage


@pytest.mark.parametrize("asset", [USDC, ETH])
@pytest.mark.parametrize("receiver", ["vault", "clearing", "manager", "sale", "strategy", "exits"])
def test_tokens_sent_change_nothing(stage: Stage, asset: int, receiver: str) -> None:
    before = seen(stage)
    address = {
        "vault": stage.vault.address,
        "clearing": stage.clearing.address,
        "manager": stage.manager.address,
        "sale": stage.clearing.call("parts")[1],
        "strategy": stage.vault.call("STRATEGY"),
        "exits": stage.vault.call("EXITS"),
    }[receiver]
    raw = stage.give("donor", asset, 1e6)
    stage.tokens[asset].transact(stage.actor("donor"), "transfer", address, raw)
    assert seen(stage) == before


@pytest.mark.parametrize("receiver", ["vault", "clearing"])
def test_a_position_sent_changes_nothing(stage: Stage, receiver: str) -> None:
    stage.list_liquidity()
    token_id = stage.mint_nft("donor", 2_000, 50, 1e5)
    before = seen(stage)
    to = stage.vault.address if receiver == "vault" else stage.clearing.address
    donor = stage.actor("donor")
    stage.manager.transact(donor, "transferFrom", donor, to, token_id)
    assert seen(stage) == before


def test_liquidity_added_to_the_vaults_own_position_changes_nothing(stage: Stage) -> None:
    before = seen(stage)
    token_id = stage.vault.call("position_state")[-2]
    donor = stage.actor("donor")
    amounts = (stage.give("donor", ETH, 50), stage.give("donor", USDC, 1e5))
    stage.approve(donor, stage.manager.address)
    stage.manager.transact(donor, "increaseLiquidity", (token_id, *amounts, 0, 0, FOREVER))
    assert seen(stage) == before


def test_liquidity_added_to_a_pledged_position_changes_nothing(stage: Stage) -> None:
    stage.list_liquidity()
    token_id = stage.mint_nft("trader", 2_000, 50, 1e5)
    stage.clearing.transact(stage.actor("trader"), "pledge", 0, token_id)
    before = seen(stage)
    donor = stage.actor("donor")
    amounts = (stage.give("donor", ETH, 50), stage.give("donor", USDC, 1e5))
    stage.approve(donor, stage.manager.address)
    stage.manager.transact(donor, "increaseLiquidity", (token_id, *amounts, 0, 0, FOREVER))
    assert seen(stage) == before


def test_an_allowance_to_the_contracts_is_nobody_elses_to_use(stage: Stage) -> None:
    stage.give("donor", USDC, 1e6)
    donor = stage.actor("donor")
    stage.tokens[USDC].transact(donor, "approve", stage.clearing.address, MAX_UINT256)
    thief = stage.actor("thief")
    calls: tuple[tuple[Contract, *tuple[Any, ...]], ...] = (
        (stage.clearing, "deposit", thief, 0, 0, 10**6),
        (stage.clearing, "fund_maker", 0, 10**6),
        (stage.vault, "deposit", 10**6, thief),
    )
    for contract, *arguments in calls:
        with pytest.raises(Reverted, match="insufficient"):
            contract.transact(thief, *arguments)
    assert stage.raw_balance(donor, USDC) == stage.raw(USDC, 1e6)
