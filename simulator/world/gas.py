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
    actions.Swap: 140_000,
    actions.Trade: 260_000,
    actions.PostMargin: 110_000,
    actions.Liquidate: 330_000,
    actions.LiquidateCollateral: 150_000,
    actions.Deposit: 240_000,
    actions.Redeem: 260_000,
    actions.Rebalance: 450_000,
    actions.Recenter: 900_000,
    actions.TopUp: 300_000,
    actions.Deleverage: 900_000,
    actions.PostBetas: 90_000,
    actions.LiquidatePledge: 600_000,
    actions.PostCovariance: 250_000,
    actions.RequestRedeem: 150_000,
    actions.CancelRequest: 70_000,
    actions.RedeemInKind: 700_000,
    actions.SettleWithdrawals: 900_000,
}
