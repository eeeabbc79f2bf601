"""Which orders touch the vault's own holdings."""

from __future__ import annotations

from simulator.model.kernel.jit import inner
from simulator.model.kernel.kinds import CODE
from simulator.model.kernel.record import Path
from simulator.protocol.action_spec import Role
from simulator.world import actions

DEPOSIT, REDEEM = CODE[actions.Deposit], CODE[actions.Redeem]
REDEEM_IN_KIND = CODE[actions.RedeemInKind]
SETTLE_WITHDRAWALS = CODE[actions.SettleWithdrawals]
LIQUIDATE, LIQUIDATE_LOAN = CODE[actions.Liquidate], CODE[actions.LiquidateLoan]
LIQUIDATE_COLLATERAL = CODE[actions.LiquidateCollateral]
LIQUIDATE_PLEDGE = CODE[actions.LiquidatePledge]
REBALANCE, RECENTER = CODE[actions.Rebalance], CODE[actions.Recenter]
TOP_UP, DELEVERAGE = CODE[actions.TopUp], CODE[actions.Deleverage]
TRADE = CODE[actions.Trade]

#: Permissionless functions that pay the keeper's reward.
KEEPER_FUNCTIONS = tuple(CODE[kind] for kind in actions.KEEPER_FUNCTIONS)
#: Of an account that the order names.
LIQUIDATIONS = tuple(
    CODE[kind] for kind in actions.having(Role.LIQUIDATION) if "account" in kind.__annotations__
)
#: What operates on the vault whoever sends it; a request to redeem moves shares alone.
OF_THE_VAULT = (
    *(CODE[kind] for kind in actions.having(Role.KEEPER, Role.ENTRY, Role.EXIT)),
    LIQUIDATE_LOAN,
)


@inner
def on_vault(w: Path) -> bool:
    """Whether the order operates on what the vault holds, whoever sends it.

    Everything else can reach the vault's NAV only through the fees its position earns, the
    waterfall behind somebody else's liquidation, and a trade that closes the vault while it is
    insolvent.
    """
    kind = w.order.kind
    if kind in OF_THE_VAULT:
        return True
    return kind in LIQUIDATIONS and w.order.account <= w.tables.count.markets
