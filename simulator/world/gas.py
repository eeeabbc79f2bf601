"""Gas units each action costs its actor: one schedule, charged in both worlds.

Agents decide with these numbers and results charge them, so the two worlds agree to the last digit.
``tests/chain/test_gas_schedule.py`` measures the real transactions and keeps the schedule honest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.world import actions

if TYPE_CHECKING:
    from collections.abc import Mapping

GAS_UNITS: Mapping[type[actions.Action], int] = {
    actions.Swap: 120_000,
    actions.Trade: 240_000,
    actions.PostMargin: 90_000,
    actions.Liquidate: 390_000,
    actions.LiquidateCollateral: 105_000,
    actions.Deposit: 230_000,
    actions.Redeem: 260_000,
    actions.Rebalance: 800_000,
    actions.Recenter: 1_080_000,
    actions.TopUp: 255_000,
    actions.Deleverage: 700_000,
    actions.PostBetas: 100_000,
    actions.LiquidatePledge: 800_000,
    actions.LiquidateLoan: 420_000,
    actions.PostCovariance: 300_000,
    actions.RequestRedeem: 170_000,
    actions.CancelRequest: 53_000,
    actions.RedeemInKind: 715_000,
    actions.SettleWithdrawals: 800_000,
}
