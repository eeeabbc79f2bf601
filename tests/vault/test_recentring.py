"""How often ``recenter`` is paid for (SPEC §4.5)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulator.chain.evm.codec import Reverted, reason
from tests.exploits.ground import ETH, USDC, protocol
from tests.exploits.stage import Stage

HALF_WIDTH = 0.01  # fraction of the price
INTERVAL = 3_600


def narrow() -> Stage:
    """A narrow range left by the price, with a keeper who can move the pool."""
    terms = protocol()
    spacing = terms.pool.tick_spacing
    width = round(HALF_WIDTH / 0.0001 / spacing) * spacing
    stage = Stage(terms=replace(terms, vault=replace(terms.vault, range_half_width=width)))
    stage.run_vault(1e6, hedged=False)
    stage.depth(20.0)
    stage.give("attacker", ETH, 300_000)
    stage.give("attacker", USDC, 5e8)
    return stage


def leave_the_range(stage: Stage, factor: float) -> float:
    price = stage.prices[ETH] * factor
    stage.report(ETH=price)
    stage.swap_to("attacker", price)
    return price


def recentrings(stage: Stage, most: int) -> list[int]:
    """Rewards of as many calls as are answered, raw USDC."""
    rewards = []
    for _ in range(most):
        try:
            rewards.append(int(stage.keep("recenter", "attacker")))
        except Reverted as refused:
            if reason(refused.data) != "vault: centred":
                raise
            break
    return rewards


@pytest.mark.parametrize("push", [0.003, -0.003])
def test_sixty_calls_in_a_block_earn_one_reward(push: float) -> None:
    """Spot held off the oracle's price, within the guard: what is minted leaves much idle."""
    stage = narrow()
    stage.wait(INTERVAL)
    price = leave_the_range(stage, 1 + HALF_WIDTH)
    stage.swap_to("attacker", price * (1 + push))
    rewards = recentrings(stage, 60)
    assert [reward > 0 for reward in rewards] == [True]


def test_a_price_that_runs_away_is_followed_at_once_and_paid_for_once_an_hour() -> None:
    stage = narrow()
    stage.wait(INTERVAL)
    rewards = []
    for _ in range(3):
        leave_the_range(stage, 1 + HALF_WIDTH)
        rewards += recentrings(stage, 1)
    assert [reward > 0 for reward in rewards] == [True, False, False]
    stage.wait(INTERVAL)
    leave_the_range(stage, 1 + HALF_WIDTH)
    assert recentrings(stage, 1)[0] > 0
