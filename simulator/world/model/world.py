"""ModelWorld: the protocol in float64 on all paths of a chunk at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.types import USDC_DECIMALS, InputError
from simulator.world import actions
from simulator.world.actions import Action, Fill
from simulator.world.base import World
from simulator.world.model import batch
from simulator.world.model.clearing import set_skew_scale
from simulator.world.model.genesis import genesis
from simulator.world.model.observe import ModelObservation
from simulator.world.model.parameters import pool_table, tables_of
from simulator.world.model.pool import set_depth
from simulator.world.model.portfolio import BASE_ASSET
from simulator.world.model.state import Oracle, PoolState, PositionState
from simulator.world.protocol import FACTOR_COLUMNS, FACTOR_SCALE
from simulator.world.units import (
    factor_words,
    from_raw,
    raw_or_all,
    snap,
    sqrt_price_from_price,
    to_raw,
)

if TYPE_CHECKING:
    from simulator.market.paths import MarketPaths
    from simulator.types import Booleans, Floats
    from simulator.world.base import Observation
    from simulator.world.model.parameters import PoolTable
    from simulator.world.protocol import Protocol

_SHARE_DECIMALS = 18
_SMALLEST_SIZE = 1e-18


class ModelWorld(World):
    """P paths of the protocol, float64; see contracts/SPEC.md for every number.

    Refusals restore the path bit for bit; paths never mix, so path *i* is the same whatever P.
    """

    def __init__(self, protocol: Protocol, market: MarketPaths) -> None:
        self.protocol = protocol
        self.market = market
        self._tables = tables_of(protocol)
        self._state = genesis(protocol, self._tables, market.pool_depth[0], market.perp_depth[0])
        assets, paths = len(protocol.assets), market.paths
        self._oracle = Oracle(
            np.ascontiguousarray(market.oracle_price[:, 0]).copy(),
            np.ascontiguousarray(market.oracle_time[:, 0]).copy(),
            np.array(protocol.oracle_max_age, np.float64),
            np.zeros(1),
        )
        if self._oracle.price.shape != (assets, paths):
            raise InputError(
                f"market.oracle_price: {self._oracle.price.shape[0]} assets; "
                f"allowed: {assets}, those of the protocol"
            )
        self._saved = np.empty(self._state.buffer.shape[0])
        self._decimals = tuple(asset.decimals for asset in protocol.assets)
        self._observation: Observation | None = None
        self._operations: dict[type[Action], Callable[[Any, Fill], Fill]] = {
            actions.Swap: self._swap,
            actions.Trade: self._trade,
            actions.PostMargin: self._post_margin,
            actions.Liquidate: self._liquidate,
            actions.LiquidateCollateral: self._liquidate_collateral,
            actions.LiquidatePledge: self._liquidate_pledge,
            actions.LiquidateLoan: self._liquidate_loan,
            actions.PostCovariance: self._post_covariance,
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

    def advance(self, step: int) -> None:
        """Oracle rounds, pool depth and venue depth of ``step``."""
        market = self.market
        self._oracle.clock[0] = step * market.step_seconds
        self._oracle.price[:] = market.oracle_price[:, step]
        self._oracle.updated_at[:] = market.oracle_time[:, step]
        set_depth(self._tables.pool, self._state.pool, _floats(market.pool_depth[step]))
        set_skew_scale(
            self._tables.clearing,
            self._state.clearing,
            self._oracle,
            _floats(market.perp_depth[step]),
        )
        self._observation = None

    def execute(self, action: Action) -> Fill:
        """Carry out ``action``; raises :class:`InputError` on an action no world understands."""
        operation = self._operations.get(type(action))
        if operation is None:
            raise InputError(f"action: {type(action).__name__}; allowed: those of world.actions")
        if not 0 <= action.actor < len(self.protocol.agents):
            raise InputError(
                f"actor: {action.actor}; allowed: 0 to {len(self.protocol.agents) - 1}"
            )
        self._observation = None
        return operation(action, Fill.empty(self.market.paths))

    def observe(self) -> Observation:
        """The state now; fields are computed when first read."""
        if self._observation is None:
            self._observation = ModelObservation(self._tables, self._state, self._oracle)
        return self._observation

    def snapshot(self) -> Floats:
        """A copy of every state variable, ``[variables, paths]``."""
        return self._state.buffer.copy()

    def restore(self, snapshot: Floats) -> None:
        """Return to a :meth:`snapshot` taken at the same step."""
        self._state.buffer[:] = snapshot
        self._observation = None

    # ------------------------------------------------------------------------------- actions

    def _swap(self, action: actions.Swap, fill: Fill) -> Fill:
        amount = self._finite(action, "amount")
        sells_base = amount > 0.0
        wallet = self._state.wallet.token[action.actor]
        asset, table, pool, position = self._pool(action.leg)
        base = self._decimals[asset]
        raw = np.where(
            sells_base,
            raw_or_all(amount, wallet[asset], base),
            raw_or_all(-amount, wallet[0], USDC_DECIMALS),
        )
        minimum = self._finite(action, "minimum_out")
        batch.swap(
            table,
            pool,
            position,
            self._state.wallet,
            action.actor,
            asset,
            sells_base,
            raw,
            _floats(sqrt_price_from_price(self._finite(action, "price_limit"), base)),
            np.where(sells_base, to_raw(minimum, USDC_DECIMALS), to_raw(minimum, base)),
            fill.status,
            fill.amount_in,
            fill.amount_out,
        )
        given = np.where(sells_base, 10.0**base, 10.0**USDC_DECIMALS)
        taken = np.where(sells_base, 10.0**USDC_DECIMALS, 10.0**base)
        return Fill(fill.status, fill.amount_in / given, fill.amount_out / taken)

    def _pool(self, leg: int | None) -> tuple[int, PoolTable, PoolState, PositionState]:
        """(token 0, constants, state, the vault's position) of the pool, or of a leg's."""
        if leg is None or self.protocol.aave is None:
            return BASE_ASSET, self._tables.pool, self._state.pool, self._state.position
        self._check("leg", leg, len(self.protocol.aave.legs))
        aave = self._state.aave
        pool = PoolState(*(getattr(aave, name)[leg] for name in PoolState._fields))
        nothing = PositionState(*(aave.nothing[0] for _ in PositionState._fields))
        parameters = self.protocol.aave.legs[leg]
        return parameters.reserve.asset, pool_table(parameters.pool), pool, nothing

    def _liquidate_loan(self, action: actions.LiquidateLoan, fill: Fill) -> Fill:
        if self.protocol.aave is None:
            raise InputError("LiquidateLoan: the vault hedges at the clearing house alone")
        self._check("leg", action.leg, len(self.protocol.aave.legs))
        asset = self.protocol.aave.legs[action.leg].reserve.asset
        wallet = self._state.wallet.token[action.actor, asset]
        batch.liquidate_loan(
            self._tables.aave,
            self._state,
            self._oracle,
            action.actor,
            action.leg,
            _floats(raw_or_all(self._finite(action, "amount"), wallet, self._decimals[asset])),
            self._saved,
            fill.status,
            fill.amount_in,
            fill.amount_out,
        )
        return Fill(
            fill.status,
            from_raw(fill.amount_in, self._decimals[asset]),
            from_raw(fill.amount_out, USDC_DECIMALS),
        )

    def _trade(self, action: actions.Trade, fill: Fill) -> Fill:
        account = self._own_account(action)
        self._check("market", action.market, self.protocol.markets)
        size = self._finite(action, "size")
        held = self._state.clearing.size[account, action.market]
        batch.trade(
            self._tables.clearing,
            self._state.clearing,
            self._oracle,
            account,
            action.market,
            _floats(np.where(np.abs(size) < _SMALLEST_SIZE, 0.0, snap(size, -held))),
            self._column(action.price_limit),
            fill.status,
            fill.amount_in,
            fill.amount_out,
        )
        return fill

    def _post_margin(self, action: actions.PostMargin, fill: Fill) -> Fill:
        account = self._own_account(action)
        self._check("collateral", action.collateral, len(self.protocol.clearing.collaterals))
        asset = self.protocol.clearing.collaterals[action.collateral].asset
        amount = self._finite(action, "amount")
        decimals = self._decimals[asset]
        held = self._state.clearing.collateral[account, action.collateral]
        wallet = self._state.wallet.token[action.actor, asset]
        batch.post_margin(
            self._tables.clearing,
            self._state.clearing,
            self._state.wallet,
            self._oracle,
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
        liquidator = self._own_account(action)
        self._check("account", action.account, self.protocol.accounts)
        self._check("market", action.market, self.protocol.markets)
        batch.liquidate(
            self._tables.clearing,
            self._state,
            self._oracle,
            action.account,
            action.market,
            liquidator,
            self._when(action.when),
            self._saved,
            fill.status,
            fill.amount_in,
            fill.amount_out,
        )
        return fill

    def _liquidate_collateral(self, action: actions.LiquidateCollateral, fill: Fill) -> Fill:
        liquidator = self._own_account(action)
        self._check("account", action.account, self.protocol.accounts)
        self._check("collateral", action.collateral, len(self.protocol.clearing.collaterals), 1)
        asset = self.protocol.clearing.collaterals[action.collateral].asset
        decimals = self._decimals[asset]
        batch.liquidate_collateral(
            self._tables.clearing,
            self._state.clearing,
            self._oracle,
            action.account,
            action.collateral,
            liquidator,
            _floats(to_raw(self._finite(action, "amount"), decimals)),
            fill.status,
            fill.amount_in,
            fill.amount_out,
        )
        return Fill(fill.status, fill.amount_in, from_raw(fill.amount_out, decimals))

    def _liquidate_pledge(self, action: actions.LiquidatePledge, fill: Fill) -> Fill:
        liquidator = self._own_account(action)
        self._check("account", action.account, self.protocol.accounts)
        batch.liquidate_pledge(
            self._tables.clearing,
            self._state,
            self._oracle,
            action.account,
            liquidator,
            self._when(action.when),
            self._saved,
            fill.status,
            fill.amount_in,
            fill.amount_out,
        )
        return fill

    def _post_covariance(self, action: actions.PostCovariance, fill: Fill) -> Fill:
        shape = (len(self.protocol.risk_assets), FACTOR_COLUMNS, self.market.paths)
        if np.shape(action.factor) != shape:
            raise InputError(
                f"PostCovariance.factor: shape {np.shape(action.factor)}; allowed: {shape}"
            )
        batch.post_covariance(
            self._state.clearing,
            _floats(factor_words(action.factor) / FACTOR_SCALE),
            self._when(action.when),
            fill.status,
        )
        return fill

    def _deposit(self, action: actions.Deposit, fill: Fill) -> Fill:
        wallet = self._state.wallet.token[action.actor, 0]
        batch.deposit(
            self._tables,
            self._state,
            self._oracle,
            action.actor,
            raw_or_all(self._finite(action, "assets"), wallet, USDC_DECIMALS),
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
            self._tables,
            self._state,
            self._oracle,
            action.actor,
            self._own_shares(action),
            self._saved,
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
            self._state.vault,
            self._state.wallet,
            action.actor,
            self._own_shares(action),
            fill.status,
            fill.amount_in,
        )
        return Fill(fill.status, from_raw(fill.amount_in, _SHARE_DECIMALS), fill.amount_out)

    def _cancel_request(self, action: actions.CancelRequest, fill: Fill) -> Fill:
        batch.cancel_request(
            self._state.vault,
            self._state.wallet,
            action.actor,
            self._when(action.when),
            fill.status,
            fill.amount_in,
        )
        return Fill(fill.status, from_raw(fill.amount_in, _SHARE_DECIMALS), fill.amount_out)

    def _redeem_in_kind(self, action: actions.RedeemInKind, fill: Fill) -> Fill:
        slot = self.protocol.agents[action.actor]
        batch.redeem_in_kind(
            self._tables,
            self._state,
            self._oracle,
            action.actor,
            # A slice of an isolated account goes to the receiver's own of that market, which
            # agents do not have here: no consent.
            self.protocol.account_of(action.actor)
            if slot.has_account and not self.protocol.vault.isolated
            else -1,
            self._own_shares(action),
            self._saved,
            fill.status,
            fill.amount_in,
            fill.amount_out,
        )
        return Fill(fill.status, from_raw(fill.amount_in, _SHARE_DECIMALS), fill.amount_out)

    def _settle_withdrawals(self, action: actions.SettleWithdrawals, fill: Fill) -> Fill:
        batch.settle_withdrawals(
            self._tables,
            self._state,
            self._oracle,
            _floats(np.clip(self._finite(action, "fraction"), 0.0, 1.0)),
            self._when(action.when),
            self._saved,
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
        held = self._state.wallet.shares[action.actor]
        return raw_or_all(self._finite(action, "shares"), held, _SHARE_DECIMALS)

    def _keep(self, task: int) -> Callable[[Any, Fill], Fill]:
        def keep(action: Any, fill: Fill) -> Fill:
            batch.keep(
                self._tables,
                self._state,
                self._oracle,
                task,
                action.actor,
                self._when(action.when),
                self._saved,
                fill.status,
                fill.amount_out,
            )
            return Fill(fill.status, fill.amount_in, from_raw(fill.amount_out, USDC_DECIMALS))

        return keep

    def _post_betas(self, action: actions.PostBetas, fill: Fill) -> Fill:
        shape = (self.protocol.markets, self.market.paths)
        batch.post_betas(
            self._tables.vault,
            self._state.vault,
            self._oracle,
            _floats(np.broadcast_to(action.betas, shape)),
            self._when(action.when),
            fill.status,
        )
        return fill

    # ---------------------------------------------------------------------------- validation

    def _own_account(self, action: Action) -> int:
        try:
            return self.protocol.account_of(action.actor)
        except ValueError as error:
            raise InputError(f"actor: {error}") from error

    @staticmethod
    def _check(name: str, index: int, count: int, first: int = 0) -> None:
        if not first <= index < count:
            raise InputError(f"{name}: {index}; allowed: {first} to {count - 1}")

    def _column(self, array: Floats) -> Floats:
        if np.shape(array) != (self.market.paths,):
            array = np.broadcast_to(array, (self.market.paths,))
        return _floats(array)

    def _finite(self, action: Action, name: str) -> Floats:
        column = self._column(getattr(action, name))
        if not np.isfinite(column).all():
            path = int(np.flatnonzero(~np.isfinite(column))[0])
            raise InputError(
                f"{type(action).__name__}.{name}: {column[path]} on path {path}; allowed: finite"
            )
        return column

    def _when(self, array: Booleans) -> Booleans:
        if np.shape(array) != (self.market.paths,):
            array = np.broadcast_to(array, (self.market.paths,))
        return np.require(array, np.bool_, ("C", "W"))


def _floats(array: Floats) -> Floats:
    """C-contiguous, writeable float64: the one layout kernels are compiled for; else a copy."""
    if isinstance(array, np.ndarray):
        flags = array.flags
        if array.dtype == np.float64 and flags.c_contiguous and flags.writeable:
            return array
    return np.require(array, np.float64, ("C", "W"))
