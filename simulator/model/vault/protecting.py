"""When the vault's keeper functions are due, the USD of value each protects, and what that pays.

The keeper decides by these; what measures a run by the same. Observed from outside, at the oracle's
prices: nobody who sends a call knows to the raw unit what it will find.
"""

from __future__ import annotations

from typing import NamedTuple

from simulator.model.kernel.jit import inner
from simulator.model.kernel.kinds import DELEVERAGE, REBALANCE, RECENTER, TOP_UP
from simulator.model.kernel.record import Path
from simulator.model.pools.held import is_off_centre
from simulator.model.pools.uniswap_v3.tick import tick_at_sqrt_price
from simulator.model.vault.valuation import (
    Valuation,
    lp_value,
    usd_of_usdc,
    value_now,
)
from simulator.model.venues.aave.lending import value as value_loan
from simulator.model.venues.margin_accounts import hedge_size, insolvent, margin_standing, subs
from simulator.model.venues.perps.margin import Standing
from simulator.model.venues.perps.portfolio import USDC_ASSET
from simulator.types import KEPT_PARTS, KEPT_REWARDS

#: Kinds of order that protect something, in the keeper's order: range, margin, then the hedge.
FUNCTIONS = (RECENTER, TOP_UP, DELEVERAGE, REBALANCE)


@inner
def off_centre(w: Path, valuation: Valuation) -> float:
    """What ``recenter`` protects, USD; 0: it is not due."""
    table, position = w.tables.vault, w.state.position
    if w.state.vault.shares <= 0.0:
        return 0.0
    placed, tick = position.liquidity > 0.0, tick_at_sqrt_price(valuation.sqrt_price)
    if placed and not is_off_centre(w, tick):
        return 0.0
    return table.lp_allocation * max(valuation.nav, 0.0)


@inner
def _spare_idle(w: Path, valuation: Valuation) -> float:
    """USD idle beyond what keeper functions leave for the pay of the next."""
    most = usd_of_usdc(w, valuation, KEPT_REWARDS * w.tables.vault.keeper_reward)
    kept = min(most, max(valuation.nav, 0.0) / KEPT_PARTS)
    return max(usd_of_usdc(w, valuation, w.state.vault.idle_usdc) - kept, 0.0)


@inner
def _below(valued: Standing, ratio: float) -> bool:
    """Whether an account is below a margin ratio; one worth less than nothing is left as it is."""
    needed = valued.maintenance
    return needed > 0.0 and valued.equity < ratio * needed and not insolvent(valued)


@inner
def short_of_margin(w: Path, valuation: Valuation) -> float:
    """What ``top_up`` protects, USD; 0: it is not due, or nothing is idle."""
    table = w.tables.vault
    missing = 0.0
    for sub in range(subs(w)):
        valued = margin_standing(w, sub)
        if _below(valued, table.top_up_ratio):
            missing += table.margin_target * valued.maintenance - valued.equity
    if missing == 0.0:
        return 0.0
    return min(missing, _spare_idle(w, valuation))


@inner
def near_liquidation(w: Path, valuation: Valuation) -> float:
    """What ``deleverage`` protects, USD; 0: it is not due."""
    table = w.tables.vault
    liquidity = lp_value(w, valuation)
    freed = w.tables.clearing.lp_haircut * liquidity if table.pledged else liquidity
    # Without liquidity there is nothing to protect, and nothing to be paid for.
    most = 0.0
    for sub in range(subs(w)):
        valued = margin_standing(w, sub)
        if _below(valued, table.deleverage_ratio):
            required = table.margin_target * valued.maintenance
            part = min((required - valued.equity) / (required + freed), 1.0)
            most = max(most, part * liquidity)
    if most > 0.0 and w.tables.count.legs > 0:
        loan = value_loan(w)
        if loan.equity < loan.maintenance:
            return 0.0  # Aave lets go of no collateral while the account there is unhealthy
    return most


@inner
def exposure(w: Path, valuation: Valuation) -> float:
    """USD of the base asset in the position and idle: what the posted ratios hedge."""
    unit = w.tables.vault.base_unit
    base = valuation.lp_base / unit + w.state.vault.idle_base / unit
    return base * valuation.base_price


@inner
def hedge_in(w: Path, market: int, exposed: float) -> tuple[float, float]:
    """Hedge that the posted ratio asks for of an :func:`exposure`, and the one held, USD."""
    target = -w.state.vault.betas[market] * exposed
    price = w.now.price[w.tables.clearing.asset[market]]
    return target, hedge_size(w, market) * price


@inner
def band(w: Path, valuation: Valuation) -> float:
    """USD by which a hedge may be off its target."""
    return w.tables.vault.hedge_band * max(valuation.nav, 0.0)


@inner
def off_target(w: Path, valuation: Valuation) -> float:
    """What ``rebalance`` protects, USD; 0: every hedge is within its band."""
    exposed, allowed = exposure(w, valuation), band(w, valuation)
    traded = 0.0
    for market in range(w.tables.count.markets):
        target, held = hedge_in(w, market, exposed)
        deviation = abs(target - held)
        if deviation > allowed:
            traded += deviation
    return traded


class Due(NamedTuple):
    """What each of :data:`FUNCTIONS` protects, USD; 0: it is not due."""

    recenter: float
    top_up: float
    deleverage: float
    rebalance: float


@inner
def _work_out(w: Path) -> Due:
    valuation = value_now(w)
    return Due(
        off_centre(w, valuation),
        short_of_margin(w, valuation),
        near_liquidation(w, valuation),
        off_target(w, valuation),
    )


@inner
def due(w: Path) -> Due:
    """What each keeper function protects, between two actions."""
    known, row = w.known, w.known.due
    if not known.kept:
        return _work_out(w)
    if row.version != known.version:
        row.recenter, row.top_up, row.deleverage, row.rebalance = _work_out(w)
        row.version = known.version
    return Due(row.recenter, row.top_up, row.deleverage, row.rebalance)


@inner
def most_paid(w: Path) -> float:
    """USD that no call is paid more than."""
    table = w.tables.vault
    return table.keeper_reward / table.usdc_unit * w.now.price[USDC_ASSET]


@inner
def earned(w: Path, protected: float) -> float:
    """USD that a call which protects so much is paid where the vault has it."""
    return min(most_paid(w), w.tables.vault.keeper_share * protected)


@inner
def reward(w: Path, kind: int, protected: float) -> float:
    """USD that a call which protects so much is paid.

    As the contract pays, of what is idle after the call: a rebalance leaves that as it is, the
    others leave more than their pay.
    """
    if kind != REBALANCE:
        return earned(w, protected)
    idle = w.state.vault.idle_usdc / w.tables.vault.usdc_unit * w.now.price[USDC_ASSET]
    return min(earned(w, protected), idle)


@inner
def gas_cost(w: Path, kind: int) -> float:
    """USD one action of this kind costs in gas now."""
    return w.tables.gas[kind] * w.now.gas_usd
