"""Keeper functions and exits leave what the next keeper is paid of (SPEC §4.5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.exploits.ground import ETH, USDC, protocol
from tests.exploits.stage import Stage

DEPOSIT = 1e6
REWARD, REWARDS = 5, 100  # USDC; rewards that stay idle
UNIT = 10**6
KEPT = REWARD * REWARDS * UNIT


def running(deposit: float = DEPOSIT, *, hedged: bool = True, **terms: Any) -> Stage:
    made = protocol()
    stage = Stage(terms=replace(made, vault=replace(made.vault, keeper_reward=REWARD, **terms)))
    stage.run_vault(deposit, hedged=hedged)
    return stage


def idle(stage: Stage) -> int:
    return int(stage.vault.call("idle_usdc"))


@pytest.mark.parametrize(("deposit", "kept"), [(DEPOSIT, KEPT), (30_000.0, 300 * UNIT)])
def test_a_top_up_leaves_the_pay_of_keepers_and_the_hedge_is_traded_after_it(
    deposit: float, kept: int
) -> None:
    """A hundred rewards, of a small vault a hundredth."""
    stage = running(deposit, margin_target=60.0, top_up_ratio=50.0)
    before = stage.raw_balance(stage.actor("keeper"), USDC)
    paid = stage.keep("top_up")
    assert 0 < paid <= REWARD * UNIT
    assert idle(stage) == pytest.approx(kept - paid, rel=0.01)
    assert stage.raw_balance(stage.actor("keeper"), USDC) == before + paid
    stage.report(ETH=stage.prices[ETH] * 0.9)
    assert stage.keep("rebalance") > 0


def test_an_exit_that_draws_margin_draws_the_pay_of_keepers_too() -> None:
    stage = running(margin_target=3.0, top_up_ratio=2.0, deleverage_ratio=1.5)
    some = stage.shares("depositor") // 10  # more than is idle, less than margin can spare
    assert idle(stage) < DEPOSIT * UNIT // 10
    stage.redeem("depositor", some)
    assert idle(stage) == KEPT


@pytest.mark.parametrize("parts", [1, 20])
def test_what_stays_for_keepers_holds_nobody_back(parts: int) -> None:
    """All of it leaves, at once or by and by."""
    stage = running()
    stage.depth(20.0)
    whole = stage.shares("depositor")
    for part in range(parts):
        stage.redeem("depositor", whole // parts if part < parts - 1 else None)
        stage.wait(3_600)
    assert stage.shares("depositor") == 0


def test_what_the_swap_of_a_recentring_costs_is_not_taken_of_the_pay_of_keepers() -> None:
    """Everything but that is placed: the swap to the range's proportions has to be paid of it."""
    stage = running(30_000.0, hedged=False, lp_allocation=0.995, margin_allocation=0.005)
    kept = 300 * UNIT
    assert kept - REWARD * UNIT <= idle(stage) <= kept
