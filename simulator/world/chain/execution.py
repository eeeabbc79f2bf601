"""Each action as one transaction per path that asks for it: calldata out, amounts back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.world import actions
from simulator.world.chain.clearing_calls import ClearingCalls
from simulator.world.chain.lending_calls import LendingCalls
from simulator.world.chain.pool_calls import PoolCalls
from simulator.world.chain.vault_calls import KEEPER_FUNCTIONS, VaultCalls

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.world.chain.addresses import Deployment
    from simulator.world.chain.calls import Batch
    from simulator.world.chain.layout import Layout
    from simulator.world.chain.readings import Source
    from simulator.world.chain.transport import Transport
    from simulator.world.protocol import Protocol


class Translator:
    """Turns actions into transactions of one deployment."""

    def __init__(
        self,
        protocol: Protocol,
        deployment: Deployment,
        layout: Layout,
        sources: list[Source],
        transports: list[Transport],
    ) -> None:
        context = (protocol, deployment, layout, sources, transports)
        pool, clearing, vault = PoolCalls(*context), ClearingCalls(*context), VaultCalls(*context)
        lending = LendingCalls(*context)
        self._handlers: dict[type[actions.Action], Callable[..., Batch]] = {
            actions.Swap: pool.swap,
            actions.Trade: clearing.trade,
            actions.PostMargin: clearing.post_margin,
            actions.Liquidate: clearing.liquidate,
            actions.LiquidateCollateral: clearing.liquidate_collateral,
            actions.LiquidatePledge: clearing.liquidate_pledge,
            actions.LiquidateLoan: lending.liquidate_loan,
            actions.PostCovariance: clearing.post_covariance,
            actions.Deposit: vault.deposit,
            actions.Redeem: vault.redeem,
            actions.RequestRedeem: vault.request_redeem,
            actions.CancelRequest: vault.cancel_request,
            actions.RedeemInKind: vault.redeem_in_kind,
            actions.SettleWithdrawals: vault.settle_withdrawals,
            actions.PostBetas: vault.post_betas,
            **dict.fromkeys(KEEPER_FUNCTIONS, vault.keep),
        }

    def batches(self, action: actions.Action) -> list[Batch]:
        """Transactions an action stands for; TypeError when it is none of :mod:`actions`."""
        handler = self._handlers.get(type(action))
        if handler is None:
            raise TypeError(f"no world carries out {type(action).__name__}")
        if isinstance(action, (actions.Swap, actions.PostMargin)):
            # Buying and selling, paying in and taking out, are two functions or two token orders.
            signs = (action.amount > 0.0, action.amount < 0.0)
            return [handler(action, side, mask) for side, mask in enumerate(signs) if mask.any()]
        return [handler(action)]
