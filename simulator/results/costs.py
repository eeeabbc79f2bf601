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

from simulator.results import cost_kernels as k
from simulator.world.actions import (
    Deleverage,
    Liquidate,
    Rebalance,
    Recenter,
    Redeem,
    SettleWithdrawals,
)

if TYPE_CHECKING:
    from simulator.types import Booleans, Floats
    from simulator.world.actions import Action, Fill
    from simulator.world.base import Observation, World

#: Operations that trade the hedge, and those that swap in the pool.
_HEDGES = (Rebalance, Deleverage, Redeem, SettleWithdrawals, Liquidate)
_SWAPS = (Recenter, Deleverage, Redeem, SettleWithdrawals)
_PRICED = (*_HEDGES, Recenter)
_PPM = 1e-6


@dataclass(frozen=True)
class _Holdings:
    """What the vault held before an operation."""

    size: Floats  # [1 + M, M, P]
    premium_pool: Floats  # [M, P] USDC
    debt: Floats  # [L, P] base units
    swap: Floats  # [SWAP_ROWS, P]; no rows where the operation cannot swap


class TradingCosts:
    """Books what the vault's operations pay; call around each of them.

    ``book`` ``[buckets, P]`` and ``explicit`` ``[P]``, USD, are added to: costs are negative.
    """

    def __init__(self, world: World, book: Floats, explicit: Floats) -> None:
        protocol = world.protocol
        self._protocol, self._market = protocol, world.market
        self._book, self._explicit = book, explicit
        self._before: _Holdings | None = None
        markets = protocol.clearing.markets
        self._asset = np.array([m.asset for m in markets])
        half = [protocol.half_spread(m) for m in range(len(markets))]
        self._terms = np.array([half, [m.taker_fee for m in markets]])
        self._no_fee = self._terms * np.array([[1.0], [0.0]])
        self._unit = 10.0 ** np.array([token.decimals for token in protocol.assets[:2]])

    def acting(self, world: World, action: Action) -> None:
        """Note what there is before an operation of the vault."""
        self._before = None
        if isinstance(action, _PRICED):
            state = world.observe()
            swap = np.empty((0, self._market.paths))
            if isinstance(action, _SWAPS):
                swap = self._swappable(state, usdc=isinstance(action, Recenter))
            size = np.array(state.size[: 1 + self._protocol.markets])
            pools, debt = np.array(state.premium_pool), np.array(state.aave_debt)
            self._before = _Holdings(size, pools, debt, swap)

    def acted(self, world: World, step: int, action: Action, fill: Fill, done: Booleans) -> None:
        """Book what the operation paid where it was ``done``."""
        before = self._before
        if before is None:
            return
        state, price = world.observe(), self._market.oracle_price[:, step]
        if isinstance(action, _HEDGES):
            k.book_trades(
                done,
                before.size,
                state.size[: 1 + self._protocol.markets],
                before.premium_pool,
                state.premium_pool,
                price,
                self._no_fee if isinstance(action, Liquidate) else self._terms,
                self._asset,
                self._explicit,
                self._book,
            )
        if before.debt.shape[0]:
            self._book_leg_fees(before.debt, state.aave_debt, price, done)
        # Whatever swaps has moved the position, too.
        if before.swap.shape[0] and (before.swap[k.LIQUIDITY] != state.liquidity).any():
            self._book_swap(before.swap, state, action, fill, price, done)

    def _swappable(self, state: Observation, *, usdc: bool) -> Floats:
        """``[SWAP_ROWS, P]``; USDC in margin accounts counts: it comes and goes with the rest."""
        rows = np.empty((k.SWAP_ROWS, self._market.paths))
        rows[k.LIQUIDITY], rows[k.ROOT] = state.liquidity, state.sqrt_price
        rows[k.LOWER], rows[k.UPPER] = state.tick_lower, state.tick_upper
        np.add(state.idle_base, state.fees_base, out=rows[k.BASE])
        rows[k.USDC] = 0.0
        if usdc:
            np.add(state.idle_usdc, state.fees_usdc, out=rows[k.USDC])
            for held in (*state.cash[: 1 + self._protocol.markets], *state.aave_supplied):
                rows[k.USDC] += held
        return rows

    def _book_swap(
        self,
        before: Floats,
        state: Observation,
        action: Action,
        fill: Fill,
        price: Floats,
        done: Booleans,
    ) -> None:
        buys = isinstance(action, Recenter)
        after = self._swappable(state, usdc=buys)
        if buys:  # the keeper's reward left the vault, but not by the swap
            after[k.USDC] += fill.amount_out
        rate = _PPM * self._protocol.pool.fee_ppm
        k.book_swap(done, buys, before, after, price, self._unit, rate, self._explicit, self._book)

    def _book_leg_fees(self, before: Floats, after: Floats, price: Floats, done: Booleans) -> None:
        """Fees of the pools of Aave's legs."""
        assert self._protocol.aave is not None
        for leg, terms in enumerate(self._protocol.aave.legs):
            traded = np.abs(after[leg] - before[leg]) * price[terms.reserve.asset]
            fee = np.where(done, _PPM * terms.pool.fee_ppm * traded, 0.0)
            self._book[k.POOL_FEES] -= fee
            self._explicit -= fee
