"""Tokens that take a fee, answer nothing, call back, or have odd decimals (SPEC §3.1)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from simulator.chain.evm.codec import MAX_UINT256
from tests.exploits.ground import BTC_MARKET, ETH, SOL, USDC, WAD, protocol, refusal
from tests.exploits.puppet import Puppet, hooked
from tests.exploits.stage import Stage
from tests.exploits.twin import written


def life(stage: Stage) -> tuple[float, ...]:
    """Everything once: invest, hedge, trade, pledge, liquidate collateral, leave; what is left."""
    stage.run_vault(2e6)
    stage.post("trader", 3e5)
    stage.post("trader", 100, collateral=1)
    stage.trade("trader", BTC_MARKET, 5)
    stage.list_liquidity()
    token_id = stage.mint_nft("holder", 2_000, 50, 1e5)
    holder, trader = stage.actor("holder"), stage.actor("trader")
    stage.clearing.transact(holder, "pledge", 0, token_id)
    stage.clearing.transact(holder, "release", 0, token_id, holder)
    stage.empty_nft("holder", token_id)
    stage.post("debtor", 300, collateral=1)
    stage.post("winner", 4e6)
    stage.siphon("debtor", "winner", most=1e5)
    debtor = stage.account("debtor")
    stage.clearing.transact(trader, "liquidate_collateral", debtor, 1, 10**19)
    stage.close("trader", BTC_MARKET)
    raw = stage.clearing.call("collateral_balance", stage.account("trader"), 1)
    stage.clearing.transact(trader, "withdraw", 0, 1, raw, trader)
    for role in ("trader", "winner"):
        stage.withdraw_all(role)
    stage.depth(20.0)
    shares = stage.shares("depositor")
    stage.redeem("depositor", shares // 2)
    depositor = stage.actor("depositor")
    stage.clearing.transact(depositor, "set_slice_consent", stage.vault.address, True)
    stage.vault.transact(depositor, "redeem_in_kind", shares - shares // 2, depositor)
    return tuple(stage.wealth(role) for role in ("trader", "winner", "holder", "depositor"))


@pytest.mark.parametrize("token", ["HookToken", "NoReturnToken"])
def test_the_whole_life_is_the_same_with_other_tokens(token: str) -> None:
    assert life(Stage({"Token": written(token)})) == life(Stage())


def test_a_hook_that_does_nothing_changes_nothing() -> None:
    stage = Stage(hooked())
    puppet = Puppet(stage)
    puppet.hook(USDC, ETH)
    assert life(stage) == life(Stage())
    assert puppet.hooks() > 50


def test_a_token_that_keeps_a_fee_is_not_taken() -> None:
    stage = Stage()
    token = stage.new(written("FeeToken"))
    owner, trader = stage.roles.deployer, stage.actor("trader")
    stage.oracle.transact(owner, "add_feed", token.address, 86_400, 0)
    stage.clearing.transact(owner, "add_collateral", token.address, WAD // 5, MAX_UINT256)
    token.transact(owner, "mint", trader, 1_000 * WAD)
    token.transact(trader, "approve", stage.clearing.address, MAX_UINT256)
    for raw in (1_000 * WAD, 100):
        deposit = partial(stage.clearing.transact, trader, "deposit", trader, 0, 2, raw)
        assert refusal(deposit) == "clearing: transfer failed"
    assert stage.clearing.call("collateral_held", 2) == 0
    # An amount so small that there is no fee arrives whole.
    stage.clearing.transact(trader, "deposit", trader, 0, 2, 99)
    assert stage.clearing.call("collateral_held", 2) == token.call(
        "balanceOf", stage.clearing.address
    )


def _with_decimals(decimals: int) -> Stage:
    """SOL with other decimals, and as a third collateral."""
    assets = list(protocol().assets)
    assets[SOL] = replace(assets[SOL], decimals=decimals)
    stage = Stage(terms=replace(protocol(), assets=tuple(assets)))
    token = stage.tokens[SOL].address
    terms = (token, WAD // 5, stage.raw(SOL, 1_000_000))
    stage.clearing.transact(stage.roles.deployer, "add_collateral", *terms)
    return stage


@pytest.mark.parametrize("decimals", [0, 2, 6, 8, 18, 24])
def test_collateral_of_any_decimals_is_worth_its_price(decimals: int) -> None:
    stage = _with_decimals(decimals)
    trader = stage.actor("trader")
    raw = stage.give("trader", SOL, 10_000)
    stage.approve(trader, stage.clearing.address)
    stage.clearing.transact(trader, "deposit", trader, 0, 2, raw)
    assert stage.margin("trader").value == 10_000 * round(stage.prices[SOL] * WAD)
    assert stage.margin("trader").equity == 8_000 * round(stage.prices[SOL] * WAD)
    stage.trade("trader", BTC_MARKET, 1)
    stage.close("trader", BTC_MARKET)
    leave = (trader, "withdraw", 0, 2, raw, trader)  # the round trip has left a debt
    assert refusal(lambda: stage.clearing.transact(*leave)) == "clearing: below initial margin"
    stage.post("trader", 1_000)
    stage.clearing.transact(*leave)
    assert stage.raw_balance(trader, SOL) == raw
    assert stage.clearing.call("collateral_held", 2) == 0


@pytest.mark.parametrize("decimals", [0, 2, 6, 8, 18, 24])
def test_collateral_of_any_decimals_is_sold_for_no_less_than_its_discounted_price(
    decimals: int,
) -> None:
    stage = _with_decimals(decimals)
    debtor = stage.actor("debtor")
    stage.post("winner", 4e6)
    raw = stage.give("debtor", SOL, 100_000)
    stage.approve(debtor, stage.clearing.address)
    stage.clearing.transact(debtor, "deposit", debtor, 0, 2, raw)
    stage.siphon("debtor", "winner", most=2e5)
    debt = -stage.cash("debtor")
    assert debt > 0
    stage.post("liquidator", 1e6)
    account, liquidator = stage.account("debtor"), stage.actor("liquidator")
    price = round(stage.prices[SOL] * WAD) * 99 // 100  # the penalty is one percent
    for part in (1, raw // 1_000 + 1, raw):
        cash = stage.cash("liquidator")
        taken, paid = stage.clearing.transact(liquidator, "liquidate_collateral", account, 2, part)
        assert cash - stage.cash("liquidator") == paid
        assert paid * 10**decimals >= taken * price or taken == 0
    assert stage.cash("debtor") == 0
    assert stage.clearing.call("bad_debt") == 0


@pytest.mark.parametrize("decimals", [0, 24])
def test_one_raw_unit_is_accounted_for_whatever_it_is_worth(decimals: int) -> None:
    stage = _with_decimals(decimals)
    trader, account = stage.actor("trader"), stage.account("trader")
    stage.mint(trader, SOL, 1)
    stage.approve(trader, stage.clearing.address)
    stage.clearing.transact(trader, "deposit", trader, 0, 2, 1)
    assert stage.clearing.call("collateral_balance", account, 2) == 1
    assert stage.margin("trader").value == round(stage.prices[SOL] * WAD) // 10**decimals
    leave = (trader, "withdraw", 0, 2, 1, trader)
    stage.clearing.transact(*leave)
    assert (stage.raw_balance(trader, SOL), stage.margin("trader").value) == (1, 0)
    assert refusal(lambda: stage.clearing.transact(*leave)) == "clearing: insufficient collateral"
