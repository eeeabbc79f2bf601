"""Which limit refused an operation of the vault, and how far from it what was asked lay.

Nothing was changed by what was refused, so that what stands now is what it met. By place: the pool,
then each market; by place every :class:`~simulator.books.limit_kinds.Limit` apart: what is far
beyond one limit says nothing of one that refused more often. Limits of a market that would have
refused next, had the first let it through, are measured beside it and not counted.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.books.limit_kinds import Limit
from simulator.model.kernel.codes import (
    BELOW_INITIAL_MARGIN,
    BELOW_MARGIN_TARGET,
    COLLATERAL_CAP,
    INVENTORY_LIMIT,
    MAKER_RESERVE,
    OK,
    OPEN_INTEREST_CAP,
    SLIPPAGE,
    SPOT_DEVIATES,
)
from simulator.model.kernel.jit import inner
from simulator.model.kernel.kinds import REBALANCE, RECENTER
from simulator.model.kernel.record import Layout, Member, Path, each
from simulator.model.pools.held import others_reserve
from simulator.model.vault.protecting import band, exposure, hedge_in
from simulator.model.vault.valuation import Valuation, value_now
from simulator.model.venues.margin_accounts import PERPS, by_venue, margin_standing
from simulator.model.venues.perps.maker import maker_value, open_interest, unpaid
from simulator.model.venues.perps.portfolio import USDC_ASSET
from simulator.model.venues.perps.pricing import inventory_limit, potential, skew_bound
from simulator.types import SIDES

_NONE, _OTHER = int(Limit.NONE), int(Limit.OTHER)
_INVENTORY, _SIDE, _OPEN_INTEREST = int(Limit.INVENTORY), int(Limit.SIDE), int(Limit.OPEN_INTEREST)
_MAKER_RESERVE, _SLIPPAGE, _MARGIN = (
    int(Limit.MAKER_RESERVE),
    int(Limit.SLIPPAGE),
    int(Limit.MARGIN),
)
_SPOT, _LP_CAP = int(Limit.SPOT), int(Limit.LP_CAP)
_KINDS = len(Limit)

#: Of one limit at one place.
LIMITED = (
    Member("times", "i8", unit="1", what="refusals"),
    *each(
        "",
        ("asked", "as Limit says", "where it was exceeded the most; NaN: never, at no refusal"),
        ("value", "as Limit says", "what it allowed there"),
    ),
)
LAYOUT: Layout = (Member("refused", LIMITED, ("places", _KINDS), what="pool, then markets"),)


class Bound(NamedTuple):
    """Code of the limit, what was asked of it, what it allows; NaN: no figure."""

    kind: int
    asked: float
    value: float


@inner
def _premium(w: Path, market: int, delta: float) -> float:
    """Premium of a trade, fraction of the index, by the skew alone (SPEC §3.3)."""
    skew, bound = w.state.clearing.skew[market], skew_bound(w, market)
    if delta == 0.0:
        return 0.0
    moved = potential(skew + delta, bound) - potential(skew, bound)
    return moved / (2.0 * w.state.clearing.skew_scale[market] * abs(delta))


@inner
def _crowded(w: Path, market: int, held: float, target: float) -> Bound:
    """Open interest with the hedge: of both sides, or of its own."""
    price = w.now.price[w.tables.clearing.asset[market]]
    longs = open_interest(w, market, 1.0) * price
    shorts = longs - w.state.clearing.skew[market] * price
    whole = longs + shorts - abs(held) + abs(target)
    most = w.tables.clearing.max_open_interest[market] * price
    if whole > most:
        return Bound(_OPEN_INTEREST, whole, most)
    own = longs if target > held else shorts
    own -= max(np.sign(target) * held, 0.0)
    return Bound(_SIDE, own + abs(target), SIDES * (inventory_limit(w, market) * price))


@inner
def _reserved(w: Path, market: int, held: float, target: float) -> Bound:
    """What the maker must be able to pay with the hedge, and what it is worth (SPEC §3.2)."""
    table = w.tables.clearing
    price = w.now.price[table.asset[market]]
    long, short = open_interest(w, market, 1.0), open_interest(w, market, -1.0)
    longs = long * price
    shorts = longs - w.state.clearing.skew[market] * price
    sold, bought = max(held - target, 0.0), max(target - held, 0.0)
    reserve = max(shorts + sold, longs + bought) * table.maintenance_rate[market]
    # What it lacks now is borne by who wins against it, before it pays anything.
    borne = long * unpaid(w, market, True) + short * unpaid(w, market, False)
    return Bound(_MAKER_RESERVE, reserve, maker_value(w, market) + borne)


@inner
def _margin(w: Path, market: int, exposed: float, status: int) -> Bound:
    """Equity that the whole hedge of the market's account takes by the gross rule, and its own."""
    tables = w.tables
    if tables.clearing.risk_multiple != 0.0:
        return Bound(_OTHER, np.nan, np.nan)  # netted risk has no figure by market
    multiple = tables.clearing.initial_multiple
    if status == BELOW_MARGIN_TARGET:
        multiple = tables.vault.deleverage_ratio
    sub, needed = tables.vault.sub_of[market], 0.0
    for other in range(tables.count.markets):
        if tables.vault.sub_of[other] == sub:
            target, _ = hedge_in(w, other, exposed)
            needed += tables.clearing.maintenance_rate[other] * abs(target)
    return Bound(_MARGIN, multiple * needed, margin_standing(w, sub).equity)


@inner
def _of_perp(w: Path, market: int, exposed: float, status: int) -> Bound:
    """What an order at the ClearingHouse meets by the refusal's status."""
    bound = Bound(_OTHER, np.nan, np.nan)
    target, held = hedge_in(w, market, exposed)
    price = w.now.price[w.tables.clearing.asset[market]]
    if status == INVENTORY_LIMIT:
        skew = w.state.clearing.skew[market] * price
        most = inventory_limit(w, market) * price
        bound = Bound(_INVENTORY, abs(skew + target - held), most)
    elif status == OPEN_INTEREST_CAP:
        bound = _crowded(w, market, held, target)
    elif status == MAKER_RESERVE:
        bound = _reserved(w, market, held, target)
    elif status == SLIPPAGE:
        rate = _premium(w, market, (target - held) / price)
        slippage = w.tables.vault.max_slippage
        bound = Bound(_SLIPPAGE, w.tables.clearing.half_spread[market] + rate, slippage)
    elif status in (BELOW_INITIAL_MARGIN, BELOW_MARGIN_TARGET):
        bound = _margin(w, market, exposed, status)
    return bound


@inner
def _of_loan(w: Path, market: int, exposed: float, status: int) -> Bound:
    """What an order on Aave meets by the refusal's status."""
    bound = Bound(_OTHER, np.nan, np.nan)
    if status == SLIPPAGE:
        bound = Bound(_SLIPPAGE, np.nan, w.tables.vault.max_slippage)
    return bound


_of_order = by_venue((_of_perp, _of_loan))  # of VENUES


@inner
def of_rebalance(w: Path, status: int) -> tuple[int, Bound]:
    """The market, and its limit, that refused a rebalance with ``status``; -1: none is known.

    The first market in order that is over its limit: a rebalance trades all or nothing.
    """
    valuation = value_now(w)
    exposed, allowed = exposure(w, valuation), band(w, valuation)
    found, best, highest = -1, Bound(_OTHER, np.nan, np.nan), -1.0
    for market in range(w.tables.count.markets):
        target, held = hedge_in(w, market, exposed)
        if abs(target - held) <= allowed or highest > 1.0:
            continue  # one over its limit before this stopped the rebalance already
        venue = w.tables.vault.venue[w.tables.vault.sub_of[market]]
        bound = _of_order(w, venue, market, exposed, status)
        ratio = bound.asked / bound.value
        if np.isnan(ratio):
            ratio = 1.0  # what has no figure may have been over; what is within its limit was not
        if ratio > highest:
            found, best, highest = market, bound, ratio
    return found, best


@inner
def _swap_impact(w: Path, valuation: Valuation) -> float:
    """How far the swap that a first investment begins with moves the pool's price, fraction.

    Half of what is invested is base in the middle of a range; what others have there gives way.
    NaN: the pool has no such figure.
    """
    table = w.tables.vault
    wanted = 0.5 * table.lp_allocation * max(valuation.nav, 0.0)
    held = exposure(w, valuation)
    reserve = others_reserve(w) / table.usdc_unit * valuation.usdc_price
    moved = abs(wanted - held) / reserve
    return (1.0 + moved) ** 2 - 1.0


@inner
def of_recentring(w: Path, status: int) -> Bound:
    """The limit that refused a recentring with ``status``."""
    table, valuation = w.tables.vault, value_now(w)
    if status == SPOT_DEVIATES:
        # Of the price, of which a root is off by half.
        away = 2.0 * abs(w.state.pool.sqrt_price / valuation.sqrt_price - 1.0)
        return Bound(_SPOT, away, table.max_slippage)
    if status == SLIPPAGE:
        return Bound(_SLIPPAGE, _swap_impact(w, valuation), table.max_slippage)
    if status == COLLATERAL_CAP and table.pledged:
        root = 1.0001 ** (table.range_half_width / 2.0)
        usdc = table.lp_allocation * max(valuation.nav, 0.0) / w.now.price[USDC_ASSET]
        return Bound(_LP_CAP, usdc * (root + 1.0) / 2.0, w.tables.clearing.lp_cap / table.usdc_unit)
    return Bound(_OTHER, np.nan, np.nan)


@inner
def note(w: Path, place: int, bound: Bound) -> None:
    """Note a refusal with its limit; what no limit refused does not count."""
    if bound.kind == _OTHER:
        return
    w.book.limits.refused[place, bound.kind].times += 1
    _measure(w, place, bound)


@inner
def _measure(w: Path, place: int, bound: Bound) -> None:
    """Keep what a limit was exceeded by, where that is the most so far."""
    limited = w.book.limits.refused[place, bound.kind]
    now, before = bound.asked / bound.value, limited.asked / limited.value
    if np.isnan(now):
        now = 0.0
    if np.isnan(before):
        before = -1.0
    if now > before:
        limited.asked, limited.value = bound.asked, bound.value


@inner
def _others(w: Path, market: int) -> None:
    """Measure what else of a market's limits the order that was refused is beyond.

    Not its margin, of which more may be posted before the order comes that far.
    """
    if w.tables.vault.venue[w.tables.vault.sub_of[market]] != PERPS:
        return  # Aave's have no figures
    exposed = exposure(w, value_now(w))
    for status in (INVENTORY_LIMIT, OPEN_INTEREST_CAP, MAKER_RESERVE, SLIPPAGE):
        bound = _of_perp(w, market, exposed, status)
        if bound.asked > bound.value:
            _measure(w, 1 + market, bound)


@inner
def advanced(w: Path) -> None:
    """Nothing was refused when the run begins."""
    if w.now.step > 0.0:
        return
    for place in range(1 + w.tables.count.markets):
        for kind in range(_KINDS):
            limited = w.book.limits.refused[place, kind]
            limited.asked = limited.value = np.nan


@inner
def acted(w: Path) -> None:
    """Which limit refused, if one did."""
    order = w.order
    if order.status <= OK:
        return
    if order.kind == RECENTER:
        note(w, 0, of_recentring(w, order.status))
    elif order.kind == REBALANCE:
        market, bound = of_rebalance(w, order.status)
        if market >= 0:
            note(w, 1 + market, bound)
            _others(w, market)
