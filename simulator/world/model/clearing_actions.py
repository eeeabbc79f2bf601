"""Margin venues on all paths: what an agent asks, in raw units, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.types import USDC_DECIMALS, InputError
from simulator.world import actions
from simulator.world.actions import Fill
from simulator.world.model import batch_clearing as batch
from simulator.world.model.core import Core, Operations, check, floats
from simulator.world.protocol import FACTOR_COLUMNS, FACTOR_SCALE
from simulator.world.units import (
    factor_words,
    from_raw,
    raw_or_all,
    snap,
)

if TYPE_CHECKING:
    pass

_SMALLEST_SIZE = 1e-18


@dataclass(frozen=True, eq=False)
class ClearingActions:
    """Orders, margin and liquidations."""

    core: Core

    def operations(self) -> Operations:
        """By kind of action."""
        return {
            actions.Trade: self._trade,
            actions.PostMargin: self._post_margin,
            actions.Liquidate: self._liquidate,
            actions.LiquidateCollateral: self._liquidate_collateral,
            actions.LiquidatePledge: self._liquidate_pledge,
            actions.LiquidateLoan: self._liquidate_loan,
            actions.PostCovariance: self._post_covariance,
        }

    def _trade(self, action: actions.Trade, fill: Fill) -> Fill:
        account = self.core.own_account(action)
        check("market", action.market, self.core.protocol.markets)
        size = self.core.finite(action, "size")
        held = self.core.state.clearing.size[account, action.market]
        batch.trade(
            self.core.tables.clearing,
            self.core.state.clearing,
            self.core.oracle,
            account,
            action.market,
            floats(np.where(np.abs(size) < _SMALLEST_SIZE, 0.0, snap(size, -held))),
            self.core.column(action.price_limit),
            fill.status,
            fill.amount_in,
            fill.amount_out,
        )
        return fill

    def _post_margin(self, action: actions.PostMargin, fill: Fill) -> Fill:
        account = self.core.own_account(action)
        check("collateral", action.collateral, len(self.core.protocol.clearing.collaterals))
        asset = self.core.protocol.clearing.collaterals[action.collateral].asset
        amount = self.core.finite(action, "amount")
        decimals = self.core.decimals[asset]
        held = self.core.state.clearing.collateral[account, action.collateral]
        wallet = self.core.state.wallet.token[action.actor, asset]
        batch.post_margin(
            self.core.tables.clearing,
            self.core.state.clearing,
            self.core.state.wallet,
            self.core.oracle,
            action.actor,
            account,
            action.collateral,
            np.where(
                amount > 0.0,
                raw_or_all(amount, wallet, decimals),
                -raw_or_all(-amount, held, decimals),
            ),
            fill.status,
            fill.amount_in,
        )
        return Fill(fill.status, from_raw(fill.amount_in, decimals), fill.amount_out)

    def _liquidate(self, action: actions.Liquidate, fill: Fill) -> Fill:
        liquidator = self.core.own_account(action)
        check("account", action.account, self.core.protocol.accounts)
        check("market", action.market, self.core.protocol.markets)
        batch.liquidate(
            self.core.tables.clearing,
            self.core.state,
            self.core.oracle,
            action.account,
            action.market,
            liquidator,
            self.core.when(action.when),
            self.core.saved,
            fill.status,
            fill.amount_in,
            fill.amount_out,
        )
        return fill

    def _liquidate_collateral(self, action: actions.LiquidateCollateral, fill: Fill) -> Fill:
        liquidator = self.core.own_account(action)
        check("account", action.account, self.core.protocol.accounts)
        check("collateral", action.collateral, len(self.core.protocol.clearing.collaterals), 1)
        asset = self.core.protocol.clearing.collaterals[action.collateral].asset
        decimals = self.core.decimals[asset]
        held = self.core.state.clearing.collateral[action.account, action.collateral]
        batch.liquidate_collateral(
            self.core.tables.clearing,
            self.core.state,
            self.core.oracle,
            action.account,
            action.collateral,
            liquidator,
            floats(raw_or_all(self.core.finite(action, "amount"), held, decimals)),
            self.core.saved,
            fill.status,
            fill.amount_in,
            fill.amount_out,
        )
        return Fill(fill.status, fill.amount_in, from_raw(fill.amount_out, decimals))

    def _liquidate_pledge(self, action: actions.LiquidatePledge, fill: Fill) -> Fill:
        liquidator = self.core.own_account(action)
        check("account", action.account, self.core.protocol.accounts)
        batch.liquidate_pledge(
            self.core.tables.clearing,
            self.core.state,
            self.core.oracle,
            action.account,
            liquidator,
            self.core.when(action.when),
            self.core.saved,
            fill.status,
            fill.amount_in,
            fill.amount_out,
        )
        return fill

    def _liquidate_loan(self, action: actions.LiquidateLoan, fill: Fill) -> Fill:
        if self.core.protocol.aave is None:
            raise InputError("LiquidateLoan: the vault hedges at the clearing house alone")
        check("leg", action.leg, len(self.core.protocol.aave.legs))
        asset = self.core.protocol.aave.legs[action.leg].reserve.asset
        wallet = self.core.state.wallet.token[action.actor, asset]
        batch.liquidate_loan(
            self.core.tables.aave,
            self.core.state,
            self.core.oracle,
            action.actor,
            action.leg,
            floats(
                raw_or_all(self.core.finite(action, "amount"), wallet, self.core.decimals[asset])
            ),
            self.core.saved,
            fill.status,
            fill.amount_in,
            fill.amount_out,
        )
        return Fill(
            fill.status,
            from_raw(fill.amount_in, self.core.decimals[asset]),
            from_raw(fill.amount_out, USDC_DECIMALS),
        )

    def _post_covariance(self, action: actions.PostCovariance, fill: Fill) -> Fill:
        shape = (len(self.core.protocol.risk_assets), FACTOR_COLUMNS, self.core.paths)
        if np.shape(action.factor) != shape:
            raise InputError(
                f"PostCovariance.factor: shape {np.shape(action.factor)}; allowed: {shape}"
            )
        batch.post_covariance(
            self.core.state.clearing,
            self.core.oracle,
            floats(factor_words(action.factor) / FACTOR_SCALE),
            self.core.when(action.when),
            fill.status,
            fill.amount_out,
        )
        return fill
