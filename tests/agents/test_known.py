"""What is known between two actions (model/known.py) is what it would come to anew, to the bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import pytest

from simulator import load_config, run
from simulator.agents.do import part
from simulator.agents.scalar import ScalarAgent
from simulator.model.vault.valuation import value_now, value_vault
from simulator.model.venues.margin_accounts import margin_standing, subs, value_margin
from simulator.model.venues.perps.margin import standing, value_account
from simulator.model.venues.perps.owing import owing, work_out
from simulator.world.protocol import AgentSlot

pytestmark = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="plain code knows nothing")


@part
def _wrong(do: Any) -> int:
    """How many figures that are known are not what the path comes to now."""
    w, wrong = do.w, 0
    for market in range(w.tables.count.markets):
        wrong += int(owing(w, market) != work_out(w, market))
    for account in range(w.tables.count.accounts):
        known, found = standing(w, account), value_account(w, account)
        wrong += int(known.fresh != found.fresh or known.value != found.value)
        wrong += int(known.equity != found.equity or known.maintenance != found.maintenance)
    for sub in range(subs(w)):
        known, found = margin_standing(w, sub), value_margin(w, sub)
        wrong += int(known.value != found.value or known.equity != found.equity)
        wrong += int(known.maintenance != found.maintenance)
    return wrong + int(value_now(w) != value_vault(w))


@part
def _unpaid(do: Any) -> int:
    """Whether a side of some market is owed what its maker lacks."""
    found = 0
    for market in range(do.w.tables.count.markets):
        owed = work_out(do.w, market)
        found += int(owed.unpaid_long > 0.0 or owed.unpaid_short > 0.0)
    return found


@dataclass(eq=False)
class Auditor(ScalarAgent):
    """Does a little of everything, and looks before and after."""

    bullish: bool = False
    wrong: int = 0
    unpaid: int = 0
    seen: float = 0.0

    slot = AgentSlot("auditor", 1e6, 100.0, has_account=True, margin=(1e6,))
    metrics = ("wrong", "unpaid", "seen")

    @staticmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        my.wrong += _wrong(do)
        my.seen += abs(do.amount_in) + abs(do.amount_out)
        side = 1.0 if my.bullish or do.step % 2 == 0 else -1.0
        for market in range(do.w.tables.count.markets):
            price = do.index(do.w.tables.clearing.asset[market])
            do.trade(market, side * 20_000.0 / price, (1.0 + 0.05 * side) * price)
            my.wrong += _wrong(do)
        do.swap(-1_000.0)
        my.wrong += _wrong(do)
        do.deposit(1_000.0)
        my.wrong += _wrong(do)
        do.redeem(500.0)
        my.wrong += _wrong(do)
        do.post_margin(0, 100.0)
        my.wrong += _wrong(do)
        for account in range(do.w.tables.count.accounts):
            for market in range(do.w.tables.count.markets):
                do.liquidate(account, market)
                my.wrong += _wrong(do)
        do.rebalance()
        my.wrong += _wrong(do)
        do.settle_withdrawals(1.0)
        my.wrong += _wrong(do)
        my.unpaid += _unpaid(do)


@pytest.mark.parametrize(
    ("scenario", "settings", "unpaid"),
    [
        ("hedge-liquidation", [], False),
        ("hedge-liquidation", ["clearing.margin=isolated"], False),
        ("aave-hedge", [], False),
        ("liquidation-cascade", [], False),
        # A maker of little means on the losing side of a squeeze.
        (
            "hedge-liquidation",
            [
                "clearing.maker_funds=1e6",
                "shocks.0.size=3",
                "clearing.markets.*.max_skew_usd=1e8",
                "clearing.markets.*.skew_scale_usd=1e10",
            ],
            True,
        ),
    ],
)
def test_what_is_known_is_what_it_would_come_to(
    scenario: str, settings: list[str], unpaid: bool
) -> None:
    config = load_config(scenario, settings)
    paths = run(config, paths=8, workers=1, agents=[Auditor(bullish=unpaid)]).paths
    assert (paths["auditor_wrong"] == 0).all(), paths["auditor_wrong"].tolist()
    assert (paths["auditor_unpaid"] > 0).any() == unpaid
    # What came of the orders of those before it is nothing it may see.
    assert (paths["auditor_seen"] == 0.0).all()
