"""The model's state: one float64 buffer ``[variables, paths]`` and the named views kernels read.

A snapshot is a copy of the buffer, a rollback the copy of a column. Integer token units are held as
float64: exact for USDC (< 2⁵³ raw), to the last bits for 18-decimal tokens. Views are C-contiguous,
so that their types depend on the number of axes alone and a kernel compiles once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulator.world.protocol import FACTOR_COLUMNS

if TYPE_CHECKING:
    from simulator.types import Floats


# A leg's pool has one background range: below, in and above it.
SEGMENTS_OF_A_LEG = 3


class PoolState(NamedTuple):
    """A Uniswap v3 pool. S = initialised background ticks."""

    sqrt_price: Floats  # [P] sqrt(raw token1 / raw token0)
    tick: Floats  # [P] slot0.tick
    segment: Floats  # [P] number of background ticks <= tick
    profile: Floats  # [S + 1, P] background liquidity in each segment, raw L
    depth: Floats  # [P] factor the profile was built with


class PositionState(NamedTuple):
    """The vault's position in the pool. Fees are what a collect would pay, not yet floored."""

    liquidity: Floats  # [P] raw L
    tick_lower: Floats  # [P]
    tick_upper: Floats  # [P]
    sqrt_lower: Floats  # [P]
    sqrt_upper: Floats  # [P]
    fees0: Floats  # [P] raw base
    fees1: Floats  # [P] raw USDC


class ClearingState(NamedTuple):
    """The ClearingHouse. Whole units, except ``collateral`` in raw token units.

    ``pledge`` is the vault's position again (:attr:`State.position`, the same views): where the
    vault pledges, it backs account 0. A = risk assets under portfolio margin, else 0.
    """

    skew: Floats  # [M, P] base units
    skew_scale: Floats  # [M, P] base units
    scaled_at: Floats  # [M, P] seconds since the start, when it last changed
    opening_skew: Floats  # [M, P] base units, when the block opened that traded last
    premium_pool: Floats  # [M, P] USDC paid for the skew and not yet earned by taking it back
    # [M, P] base units squared, of the potential of the skew what liquidations could not pay for
    unpaid_premium: Floats
    maker_cash: Floats  # [M, P] USDC, what stands behind the market
    # [M, P] USD, Σ(cost − s·funding_entry − |s|·loss_entry): what of the maker's debt does not move
    basis: Floats
    liquidated: Floats  # [M, P] base units by which liquidations of that block have raised |k|
    funding_rate: Floats  # [M, P] per day, at funding_time
    funding_index: Floats  # [M, P] USD per unit of size, at funding_time
    funding_time: Floats  # [M, P] seconds since the start
    cash: Floats  # [N, P] USDC
    collateral: Floats  # [N, C, P] raw; row 0 (USDC) stays zero
    total_collateral: Floats  # [C, P] raw held against the cap; row 0 (USDC) is what was deposited
    size: Floats  # [N, M, P] base units
    cost: Floats  # [N, M, P] USD
    funding_entry: Floats  # [N, M, P] USD per unit of size
    loss_entry: Floats  # [N, M, P] socialised loss index of the position's side, USDC per unit
    opened: Floats  # [N, M, P] rank of the position's opening among those open; 0: none
    loss_long: Floats  # [M, P] socialised loss per unit of long size, USDC
    loss_short: Floats  # [M, P]
    insurance_drawn: Floats  # [M, P] USDC, cumulative
    maker_drawn: Floats  # [M, P] USDC, cumulative
    # [N, 2 M, P] USDC, by which position's fills the debt grew, by 2 market + 1 if it was long: in
    # proportion, and without a debt of the past
    blamed: Floats
    asked: Floats  # [N, P] turn in which the liquidation that goes on has deleveraged whom; 0: not
    gate_until: Floats  # [P] seconds since the start
    covariance: Floats  # [A, 8, P] factor W of the daily covariance W·Wᵀ, now
    covariance_before: Floats  # [A, 8, P] where it was when it was posted last
    covariance_after: Floats  # [A, 8, P] where it is going
    covariance_time: Floats  # [P] seconds since the start, of that post; below zero: it has arrived
    insurance_fund: Floats  # [P] USDC
    bad_debt: Floats  # [P] USDC, cumulative
    pledge: PositionState


class AaveState(NamedTuple):
    """Aave v3 and the pools where what it lends is sold; nothing at all where it is not used.

    R = reserves, USDC first, then the legs' assets; L = legs; U = 1 with legs, else 0.
    """

    liquidity_index: Floats  # [R, P] at updated_at
    borrow_index: Floats  # [R, P]
    liquidity_rate: Floats  # [R, P] per year
    borrow_rate: Floats  # [R, P] per year
    updated_at: Floats  # [R, P] seconds since the start
    available: Floats  # [R, P] raw, not lent
    owed: Floats  # [R, P] scaled debt of everyone, raw
    supplied: Floats  # [U, P] scaled USDC of the vault's venue, raw
    debt: Floats  # [L, P] its scaled debts, raw
    sqrt_price: Floats  # [L, P] of the pool asset/USDC, as in PoolState
    tick: Floats  # [L, P]
    segment: Floats  # [L, P]
    profile: Floats  # [L, 3, P]
    depth: Floats  # [L, P]
    nothing: Floats  # [U, P] zeros: the vault has no position in these pools


class VaultState(NamedTuple):
    """The HedgeVault, beside its position and its margin accounts 0 … M."""

    shares: Floats  # [P] total supply, raw
    idle_usdc: Floats  # [P] raw
    idle_base: Floats  # [P] raw
    betas: Floats  # [M, P]
    betas_time: Floats  # [P] seconds since the start; -1 before the first post
    fee_shares: Floats  # [P] of the supply, raw, the fee receiver's
    high_water_mark: Floats  # [P] USDC per share
    fees_time: Floats  # [P] seconds since the start, at the last accrual of fees
    recentred: Floats  # [P] seconds since the start, at the last paid ``recenter``
    request: Floats  # [J, P] raw shares of each agent waiting in the queue; 0: no request
    place: Floats  # [J, P] the request's place in line, counted from 1 over all time
    requests: Floats  # [P] requests ever made


class WalletState(NamedTuple):
    """What agents hold. A = assets, J = agents."""

    token: Floats  # [J, A, P] raw
    shares: Floats  # [J, P] raw


class State(NamedTuple):
    """Every state variable, and the buffer they are views of."""

    buffer: Floats  # [variables, P]
    pool: PoolState
    position: PositionState
    clearing: ClearingState
    vault: VaultState
    wallet: WalletState
    aave: AaveState


class Oracle(NamedTuple):
    """What contracts read at the current step; not state: the market paths hold its history."""

    price: Floats  # [A, P] USD per whole token
    updated_at: Floats  # [A, P] seconds since the start
    max_age: Floats  # [A] seconds
    # [1] seconds since the start; an array, so that kernels need no new tuple per step
    clock: Floats


_OF_RESERVES = (
    *("liquidity_index", "borrow_index", "liquidity_rate", "borrow_rate"),
    *("updated_at", "available", "owed"),
)


def allocate(
    paths: int,
    *,
    segments: int,
    markets: int,
    collaterals: int,
    accounts: int,
    agents: int,
    assets: int,
    risk_assets: int = 0,
    legs: int = 0,
) -> State:
    """A zeroed state of ``paths`` paths."""
    shapes: list[tuple[Any, dict[str, tuple[int, ...]]]] = [
        (PoolState, {"profile": (segments,)}),
        (PositionState, {}),
        (
            ClearingState,
            {
                **dict.fromkeys(
                    (
                        *("skew", "skew_scale", "scaled_at"),
                        *("opening_skew", "premium_pool", "unpaid_premium"),
                        *("liquidated", "maker_cash", "basis"),
                        *("funding_rate", "funding_index", "funding_time"),
                        *("loss_long", "loss_short", "insurance_drawn", "maker_drawn"),
                    ),
                    (markets,),
                ),
                **dict.fromkeys(("cash", "asked"), (accounts,)),
                "blamed": (accounts, 2 * markets),
                "collateral": (accounts, collaterals),
                "total_collateral": (collaterals,),
                **dict.fromkeys(
                    ("size", "cost", "funding_entry", "loss_entry", "opened"), (accounts, markets)
                ),
                **dict.fromkeys(
                    ("covariance", "covariance_before", "covariance_after"),
                    (risk_assets, FACTOR_COLUMNS),
                ),
            },
        ),
        (VaultState, {"betas": (markets,), "request": (agents,), "place": (agents,)}),
        (WalletState, {"token": (agents, assets), "shares": (agents,)}),
    ]
    used = int(legs > 0)
    shapes.append(
        (
            AaveState,
            {
                **dict.fromkeys(_OF_RESERVES, (used + legs,)),
                **dict.fromkeys(("supplied", "nothing"), (used,)),
                **dict.fromkeys(("debt", "sqrt_price", "tick", "segment", "depth"), (legs,)),
                "profile": (legs, SEGMENTS_OF_A_LEG),
            },
        )
    )
    stored = {group: [n for n in group._fields if n != "pledge"] for group, _ in shapes}
    rows = sum(math.prod(shape.get(name, ())) for group, shape in shapes for name in stored[group])
    buffer = np.zeros((rows, paths))
    views: list[Any] = []
    row = 0
    for group, shape in shapes:
        fields: dict[str, Any] = {"pledge": views[1]} if group is ClearingState else {}
        for name in stored[group]:
            axes = shape.get(name, ())
            count = math.prod(axes)
            fields[name] = buffer[row : row + count].reshape(*axes, paths)
            row += count
        views.append(group(**fields))
    return State(buffer, *views)
