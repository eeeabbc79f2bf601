"""Which actions touch the vault's own holdings, and on which paths an action is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.world.actions import (
    Deleverage,
    Deposit,
    Liquidate,
    LiquidateCollateral,
    LiquidateLoan,
    LiquidatePledge,
    Rebalance,
    Recenter,
    Redeem,
    RedeemInKind,
    SettleWithdrawals,
    TopUp,
)

if TYPE_CHECKING:
    from simulator.world.actions import Action
    from simulator.world.protocol import Protocol

#: Permissionless functions that pay the keeper's reward.
KEEPER_FUNCTIONS = (Rebalance, Recenter, TopUp, Deleverage)
#: Ways into the vault and out of it; a request to redeem moves shares alone.
ENTRY_AND_EXIT = (Deposit, Redeem, RedeemInKind, SettleWithdrawals)
LIQUIDATIONS = (Liquidate, LiquidateCollateral, LiquidatePledge)


def on_vault(action: Action, protocol: Protocol) -> bool:
    """Whether ``action`` operates on what the vault holds, whoever sends it.

    Everything else can reach the vault's NAV only through the fees its position earns and the
    waterfall behind somebody else's liquidation.
    """
    if isinstance(action, (*KEEPER_FUNCTIONS, *ENTRY_AND_EXIT, LiquidateLoan)):
        return True
    if isinstance(action, LIQUIDATIONS):
        return action.account <= protocol.markets
    return False
