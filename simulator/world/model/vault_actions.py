"""The vault on all paths: what an agent asks, in raw units, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.types import USDC_DECIMALS
from simulator.world import actions
from simulator.world.actions import Action, Fill
from simulator.world.model import batch_vault as batch
from simulator.world.model.core import Core, Operations, floats
from simulator.world.units import (
    from_raw,
    raw_or_all,
)

if TYPE_CHECKING:
    from simulator.types import Floats

_SHARE_DECIMALS = 18


@dataclass(frozen=True, eq=False)
class VaultActions:
    """Entry, exits, and maintenance."""

    core: Core

    def operations(self) -> Operations:
        """By kind of action."""
        return {
            actions.Deposit: self._deposit,
            actions.Redeem: self._redeem,
            actions.RequestRedeem: self._request_redeem,
            actions.CancelRequest: self._cancel_request,
            actions.RedeemInKind: self._redeem_in_kind,
            actions.SettleWithdrawals: self._settle_withdrawals,
            actions.Rebalance: self._keep(batch.REBALANCE),
            actions.Recenter: self._keep(batch.RECENTER),
            actions.TopUp: self._keep(batch.TOP_UP),
            actions.Deleverage: self._keep(batch.DELEVERAGE),
            actions.PostBetas: self._post_betas,
        }

    def _deposit(self, action: actions.Deposit, fill: Fill) -> Fill:
        wallet = self.core.state.wallet.token[action.actor, 0]
        batch.deposit(
            self.core.tables,
            self.core.state,
            self.core.oracle,
            action.actor,
            raw_or_all(self.core.finite(action, "assets"), wallet, USDC_DECIMALS),
            fill.status,
            fill.amount_in,
            fill.amount_out,
        )
        return Fill(
            fill.status,
            from_raw(fill.amount_in, USDC_DECIMALS),
            from_raw(fill.amount_out, _SHARE_DECIMALS),
        )

    def _redeem(self, action: actions.Redeem, fill: Fill) -> Fill:
        batch.redeem(
            self.core.tables,
            self.core.state,
            self.core.oracle,
            action.actor,
            self._own_shares(action),
            self.core.saved,
            fill.status,
            fill.amount_in,
            fill.amount_out,
        )
        return Fill(
            fill.status,
            from_raw(fill.amount_in, _SHARE_DECIMALS),
            from_raw(fill.amount_out, USDC_DECIMALS),
        )

    def _request_redeem(self, action: actions.RequestRedeem, fill: Fill) -> Fill:
        batch.request_redeem(
            self.core.state.vault,
            self.core.state.wallet,
            action.actor,
            self._own_shares(action),
            fill.status,
            fill.amount_in,
        )
        return Fill(fill.status, from_raw(fill.amount_in, _SHARE_DECIMALS), fill.amount_out)

    def _cancel_request(self, action: actions.CancelRequest, fill: Fill) -> Fill:
        batch.cancel_request(
            self.core.state.vault,
            self.core.state.wallet,
            action.actor,
            self.core.when(action.when),
            fill.status,
            fill.amount_in,
        )
        return Fill(fill.status, from_raw(fill.amount_in, _SHARE_DECIMALS), fill.amount_out)

    def _redeem_in_kind(self, action: actions.RedeemInKind, fill: Fill) -> Fill:
        slot = self.core.protocol.agents[action.actor]
        batch.redeem_in_kind(
            self.core.tables,
            self.core.state,
            self.core.oracle,
            action.actor,
            # A slice of an isolated account goes to the receiver's own of that market, which
            # agents do not have here: no consent.
            self.core.protocol.account_of(action.actor)
            if slot.has_account and not self.core.protocol.vault.isolated
            else -1,
            self._own_shares(action),
            self.core.saved,
            fill.status,
            fill.amount_in,
            fill.amount_out,
        )
        return Fill(fill.status, from_raw(fill.amount_in, _SHARE_DECIMALS), fill.amount_out)

    def _settle_withdrawals(self, action: actions.SettleWithdrawals, fill: Fill) -> Fill:
        batch.settle_withdrawals(
            self.core.tables,
            self.core.state,
            self.core.oracle,
            floats(np.clip(self.core.finite(action, "fraction"), 0.0, 1.0)),
            self.core.when(action.when),
            self.core.saved,
            fill.status,
            fill.amount_in,
            fill.amount_out,
        )
        return Fill(
            fill.status,
            from_raw(fill.amount_in, _SHARE_DECIMALS),
            from_raw(fill.amount_out, USDC_DECIMALS),
        )

    def _own_shares(self, action: Action) -> Floats:
        """Raw shares an exit asks for, of those the agent holds."""
        held = self.core.state.wallet.shares[action.actor]
        return raw_or_all(self.core.finite(action, "shares"), held, _SHARE_DECIMALS)

    def _keep(self, task: int) -> Callable[[Any, Fill], Fill]:
        def keep(action: Any, fill: Fill) -> Fill:
            batch.keep(
                self.core.tables,
                self.core.state,
                self.core.oracle,
                task,
                action.actor,
                self.core.when(action.when),
                self.core.saved,
                fill.status,
                fill.amount_out,
            )
            return Fill(fill.status, fill.amount_in, from_raw(fill.amount_out, USDC_DECIMALS))

        return keep

    def _post_betas(self, action: actions.PostBetas, fill: Fill) -> Fill:
        shape = (self.core.protocol.markets, self.core.paths)
        batch.post_betas(
            self.core.tables.vault,
            self.core.state.vault,
            self.core.state.position,
            self.core.oracle,
            floats(np.broadcast_to(action.betas, shape)),
            self.core.when(action.when),
            fill.status,
        )
        return fill
