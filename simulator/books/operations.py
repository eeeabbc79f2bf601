"""Which orders touch the vault's own holdings."""

from __future__ import annotations

from simulator.protocol.action_spec import Role
from simulator.world import actions
from simulator.world.model.jit import inner
from simulator.world.model.orders import CODE
from simulator.world.model.record import Path

DEPOSIT, REDEEM = CODE[actions.Deposit], CODE[actions.Redeem]
REDEEM_IN_KIND = CODE[actions.RedeemInKind]
SETTLE_WITHDRAWALS = CODE[actions.SettleWithdrawals]
LIQUIDATE, LIQUIDATE_LOAN = CODE[actions.Liquidate], CODE[actions.LiquidateLoan]
LIQUIDATE_COLLATERAL = CODE[actions.LiquidateCollateral]
LIQUIDATE_PLEDGE = CODE[actions.LiquidatePledge]
REBALANCE, RECENTER = CODE[actions.Rebalance], CODE[actions.Recenter]
TOP_UP, DELEVERAGE = CODE[actions.TopUp], CODE[actions.Deleverage]


def _codes(*kinds: type[actions.Action]) -> tuple[int, ...]:
    return tuple(CODE[kind] for kind in kinds)


#: Permissionless functions that pay the keeper's reward.
KEEPER_FUNCTIONS = _codes(*actions.KEEPER_FUNCTIONS)
#: Ways into the vault and out of it; a request to redeem moves shares alone.
ENTRY_AND_EXIT = _codes(*actions.having(Role.ENTRY, Role.EXIT))
#: Of accounts at the clearing house.
LIQUIDATIONS = tuple(
    code for code in _codes(*actions.having(Role.LIQUIDATION)) if code != LIQUIDATE_LOAN
)


@inner
def on_vault(w: Path) -> bool:
    """Whether the order operates on what the vault holds, whoever sends it.

    Everything else can reach the vault's NAV only through the fees its position earns and the
    waterfall behind somebody else's liquidation.
    """
    kind = w.order.kind
    if kind in KEEPER_FUNCTIONS or kind in ENTRY_AND_EXIT or kind == LIQUIDATE_LOAN:
        return True
    return kind in LIQUIDATIONS and w.order.account <= w.tables.count.markets
