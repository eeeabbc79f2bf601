"""What one operation of the vault pays for trading: where, and for what.

All of it is told from what the world shows before and after the operation, in the same way for both
worlds, and counts at the oracle's prices, as NAV does. With δ what an operation trades in a market
of index I, half spread h and fee f, Q the market's premium pool (contracts/SPEC.md §3.3)::

    perp spread   |δ| · I · h
    perp premium  ΔQ, what moving the skew costs; negative: the vault took skew back and is paid
    perp fees     f · |δ| · fill,  |δ| · fill = |δ| · I · (1 ± h) ± ΔQ      (none in a liquidation)
    pool fees     φ · what others got of the token that went in

A pool's φ is its fee tier. What others got is the change of all the vault holds of the token, its
own position counted at the pool's price: what it trades with itself costs nothing. For a leg on
Aave it is φ times what was traded. The rest of what an operation costs is the pools' price impact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.results.holdings import tokens_at_spot
from simulator.results.operations import asked
from simulator.world.actions import (
    Deleverage,
    Liquidate,
    Rebalance,
    Recenter,
    Redeem,
    SettleWithdrawals,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.types import Floats
    from simulator.world.actions import Action, Fill
    from simulator.world.base import Observation, World

#: Operations that trade the hedge, and those that swap in the pool.
_HEDGES = (Rebalance, Deleverage, Redeem, SettleWithdrawals, Liquidate)
_SWAPS = (Recenter, Deleverage, Redeem, SettleWithdrawals)
_PPM = 1e-6


@dataclass(frozen=True)
class _Before:
    """What the chosen paths ``[n]`` held before an operation."""

    where: NDArray[np.int64]
    size: Floats  # [M, n] of the vault's accounts together
    premium_pool: Floats  # [M, n] USDC
    debt: Floats  # [L, n] base units
    base: Floats | None  # [n] whole tokens, where the operation can swap
    usdc: Floats | None


class TradingCosts:
    """Tells what the vault's operations pay; call around each of them."""

    def __init__(self, world: World) -> None:
        self._protocol, self._market = world.protocol, world.market
        self._before: _Before | None = None

    def acting(self, world: World, action: Action) -> None:
        """Note what the paths that ask for the operation hold."""
        self._before = None
        if isinstance(action, (*_HEDGES, *_SWAPS)):
            where = np.flatnonzero(asked(action))
            if where.size:
                self._before = self._read(world.observe(), action, where)

    def _read(self, state: Observation, action: Action, where: NDArray[np.int64]) -> _Before:
        base = usdc = None
        if isinstance(action, _SWAPS):
            base, usdc = tokens_at_spot(state, self._protocol, where)
        return _Before(
            where,
            self._sizes(state, where),
            np.array(state.premium_pool[:, where]),
            np.array(state.aave_debt[:, where]),
            base,
            usdc,
        )

    def _sizes(self, state: Observation, where: NDArray[np.int64]) -> Floats:
        sizes = state.size[: 1 + self._protocol.markets][:, :, where]
        return np.asarray(sizes.sum(axis=0))

    def paid(self, world: World, step: int, action: Action, fill: Fill) -> dict[str, Floats]:
        """USD by bucket ``[paths]`` (costs are negative); right where the operation was done."""
        before = self._before
        if before is None:
            return {}
        where = before.where
        after = self._read(world.observe(), action, where)
        price = self._market.oracle_price[:, step, where]
        found: dict[str, Floats] = {}
        if isinstance(action, _HEDGES):
            found = self._perps(before, after, action, price)
        fees = self._leg_fees(before, after, price)
        if isinstance(action, _SWAPS):
            fees = fees + self._pool_fees(before, after, action, fill, price)
        found["pool_fees"] = -fees
        return {name: self._everywhere(usd, where) for name, usd in found.items()}

    def _everywhere(self, usd: Floats, where: NDArray[np.int64]) -> Floats:
        out = np.zeros(self._market.paths)
        out[where] = usd
        return out

    def _perps(
        self, before: _Before, after: _Before, action: Action, price: Floats
    ) -> dict[str, Floats]:
        spread, premium, fees = (np.zeros(before.where.size) for _ in range(3))
        for m, terms in enumerate(self._protocol.clearing.markets):
            index, half = price[terms.asset], self._protocol.half_spread(m)
            delta = after.size[m] - before.size[m]
            moved = after.premium_pool[m] - before.premium_pool[m]
            spread += np.abs(delta) * index * half
            premium += moved
            if not isinstance(action, Liquidate):
                notional = np.abs(delta) * index + delta * index * half + np.sign(delta) * moved
                fees += terms.taker_fee * np.maximum(notional, 0.0)
        costs = {"perp_fees": fees, "perp_spread": spread, "perp_premium": premium}
        return {name: -usdc * price[0] for name, usdc in costs.items()}

    def _leg_fees(self, before: _Before, after: _Before, price: Floats) -> Floats:
        """Fees of the pools of Aave's legs, USD ``[n]``."""
        fees = np.zeros(before.where.size)
        for leg, terms in enumerate(self._protocol.aave.legs if self._protocol.aave else ()):
            traded = np.abs(after.debt[leg] - before.debt[leg])
            fees += _PPM * terms.pool.fee_ppm * traded * price[terms.reserve.asset]
        return fees

    def _pool_fees(
        self, before: _Before, after: _Before, action: Action, fill: Fill, price: Floats
    ) -> Floats:
        """Fees of the pool of the base asset, USD ``[n]``."""
        assert before.base is not None
        assert before.usdc is not None
        assert after.base is not None
        assert after.usdc is not None
        sold = before.base - after.base
        given = sold * price[1]
        if isinstance(action, Recenter):  # it alone buys, and pays only the keeper besides
            spent = before.usdc - after.usdc - fill.amount_out[before.where]
            given = np.where(sold < 0.0, spent * price[0], given)
        return np.maximum(_PPM * self._protocol.pool.fee_ppm * given, 0.0)
