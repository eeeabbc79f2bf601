"""When the vault's keeper functions are due, and the USD of value each protects: over all paths.

Written for arrays, apart from :mod:`simulator.model.vault.protecting`, which is held against it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from simulator.types import KEPT_PARTS, KEPT_REWARDS
from simulator.world.actions import Deleverage, Rebalance, Recenter, TopUp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.agents.base import View
    from simulator.types import Floats

KeeperCall: TypeAlias = Recenter | TopUp | Deleverage | Rebalance


def off_centre(view: View) -> Floats:
    """What ``recenter`` protects, ``[paths]`` USD; 0: it is not due."""
    vault, state = view.protocol.vault, view.state
    centre = 0.5 * (state.tick_lower + state.tick_upper)
    tick = np.floor(np.log(view.oracle_pool_ratio) / np.log(1.0001))
    far = np.abs(tick - centre) >= vault.recenter_threshold * vault.range_half_width
    due = ((state.liquidity == 0.0) | far) & (state.shares > 0.0)
    return np.where(due, vault.lp_allocation * state.nav, 0.0)


def short_of_margin(view: View) -> Floats:
    """What ``top_up`` protects, ``[paths]`` USD; 0: it is not due, or nothing is idle."""
    missing = _missing(view, view.protocol.vault.top_up_ratio)
    if missing is None:
        return np.zeros(view.market.paths)
    return np.minimum(np.sum(missing, axis=0), _spare_idle(view))


def near_liquidation(view: View) -> Floats:
    """What ``deleverage`` protects, ``[paths]`` USD; 0: it is not due."""
    vault, state = view.protocol.vault, view.state
    missing = _missing(view, vault.deleverage_ratio)
    if missing is None:
        return np.zeros(view.market.paths)
    lp = state.lp_base * view.oracle(1) + state.lp_usdc * view.oracle(0)
    freed = view.protocol.clearing.lp_haircut * lp if vault.pledged else lp
    required = vault.margin_target * _margin(view)[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.minimum(missing / (required + freed), 1.0)
    # Without liquidity there is nothing to protect, and nothing to be paid for.
    protected = np.max(np.where(missing > 0.0, part * lp, 0.0), axis=0)
    # Aave lets go of no collateral while the account there is unhealthy.
    stuck = np.any(state.aave_equity < state.aave_maintenance, axis=0)
    return np.where(stuck, 0.0, protected)


def off_target(view: View) -> Floats:
    """What ``rebalance`` protects, ``[paths]`` USD; 0: every hedge is within its band."""
    target, held = hedge(view)
    traded = np.zeros(view.market.paths)
    for deviation in np.abs(target - held):
        beyond = deviation > view.protocol.vault.hedge_band * view.state.nav
        traded += np.where(beyond, deviation, 0.0)
    return traded


def hedge(view: View) -> tuple[Floats, Floats]:
    """Hedge positions the posted ratios ask for, and those held, ``[markets, paths]`` USD each."""
    state, lent = view.state, view.protocol.leg_of
    exposure = (state.lp_base + state.idle_base) * view.oracle(1)
    target = -state.betas * exposure
    held = np.empty_like(target)
    for market, parameters in enumerate(view.protocol.clearing.markets):
        account = market + 1 if view.protocol.vault.isolated else 0
        size = state.size[account, market]
        if market in lent:
            size = -state.aave_debt[lent[market]]
        held[market] = size * view.oracle(parameters.asset)
    return target, held


def _missing(view: View, ratio: float) -> Floats | None:
    """USD the vault's accounts below ``ratio`` are short of the margin target, by account.

    None: none is below on any path, which is most of the time.
    """
    equity, needed = _margin(view)
    # What is worth less than nothing is left to liquidation.
    below = (equity < ratio * needed) & (needed > 0.0) & (_worth(view) >= -1e-6)
    if not below.any():
        return None
    return np.where(below, view.protocol.vault.margin_target * needed - equity, 0.0)


def _margin(view: View) -> tuple[Floats, Floats]:
    """Equity and requirement of the vault's accounts, Aave's last, USD ``[accounts, P]``."""
    state, own = view.state, 1 + view.protocol.markets
    if view.protocol.aave is None:
        return state.equity[:own], state.maintenance[:own]
    return (
        np.concatenate([state.equity[:own], state.aave_equity]),
        np.concatenate([state.maintenance[:own], state.aave_maintenance]),
    )


def _worth(view: View) -> Floats:
    """What the vault's accounts are worth, Aave's last, USD ``[accounts, P]``."""
    state, own = view.state, 1 + view.protocol.markets
    if view.protocol.aave is None:
        return state.account_value[:own]
    loan = state.aave_supplied[0] * view.oracle(0)
    for leg, debt in zip(view.protocol.aave.legs, state.aave_debt, strict=True):
        loan = loan - debt * view.oracle(leg.reserve.asset)
    return np.concatenate([state.account_value[:own], loan[None]])


#: What each keeper function protects, in the keeper's order: range, margin, then the hedge.
PROTECTED: Mapping[type[KeeperCall], Callable[[View], Floats]] = {
    Recenter: off_centre,
    TopUp: short_of_margin,
    Deleverage: near_liquidation,
    Rebalance: off_target,
}


def reward(view: View, kind: type[KeeperCall], protected: Floats) -> Floats:
    """USD that a call which protects so much is paid, ``[paths]``.

    As the contract pays, of what is idle after the call: a rebalance leaves that as it is, the
    others leave more than their pay.
    """
    if kind is not Rebalance:
        return earned(view, protected)
    return np.minimum(earned(view, protected), view.state.idle_usdc * view.oracle(0))


def earned(view: View, protected: Floats) -> Floats:
    """USD that such a call is paid where the vault has it, ``[paths]``."""
    vault = view.protocol.vault
    return np.minimum(vault.keeper_reward * view.oracle(0), vault.keeper_share * protected)


def _spare_idle(view: View) -> Floats:
    """USD idle beyond what keeper functions leave for the pay of the next, ``[paths]``."""
    state, most = view.state, KEPT_REWARDS * view.protocol.vault.keeper_reward * view.oracle(0)
    kept = np.minimum(most, np.maximum(state.nav, 0.0) / KEPT_PARTS)
    return np.maximum(state.idle_usdc * view.oracle(0) - kept, 0.0)
