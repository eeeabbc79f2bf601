"""As :mod:`simulator.books.limits`, on all paths at once, for worlds that keep no books yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulator.agents.upkeep import hedge
from simulator.results.limits import REFUSED_AS, Limit
from simulator.types import SIDES, Status
from simulator.world.protocol import skew_bound

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.agents.base import View
    from simulator.types import Booleans, Codes, Floats
    from simulator.world.base import Observation


class Bound(NamedTuple):
    """``[paths]`` each: code of :class:`Limit`, what was asked of it, what it allows; NaN: none."""

    kind: NDArray[np.int8]
    asked: Floats
    value: Floats


def of_rebalance(view: View, status: Codes) -> tuple[NDArray[np.int64], Bound]:
    """The market, and its limit, that refused a rebalance with ``status``, ``[paths]`` each.

    Nothing was changed by it, so that what stands now is what it met. The first market in order
    that is over its limit: a rebalance trades all or nothing.
    """
    market, best = np.full(status.shape, -1), _unknown(status)
    rows = np.flatnonzero(status > Status.OK)
    target, held = (part[:, rows] for part in hedge(view))
    band = view.protocol.vault.hedge_band * view.state.nav[rows]
    highest = np.full(rows.shape, -1.0)
    for m in range(view.protocol.markets):
        bound = _of_order(view, m, held, target, rows, status[rows])
        with np.errstate(divide="ignore", invalid="ignore"):
            # What has no figure may have been over; what has one within its limit was not.
            ratio = np.nan_to_num(bound.asked / bound.value, nan=1.0, posinf=np.inf)
        # One over its limit before this stopped the rebalance already.
        better = (np.abs(target[m] - held[m]) > band) & (ratio > highest) & (highest <= 1.0)
        at = rows[better]
        market[at], highest[better] = m, ratio[better]
        best.kind[at], best.asked[at] = bound.kind[better], bound.asked[better]
        best.value[at] = bound.value[better]
    return market, best


def _unknown(status: Codes) -> Bound:
    """No figures; where nothing was refused no limit."""
    kind = np.where(status > Status.OK, Limit.OTHER, Limit.NONE).astype(np.int8)
    return Bound(kind, np.full(status.shape, np.nan), np.full(status.shape, np.nan))


def _of_order(
    view: View,
    market: int,
    holds: Floats,
    wants: Floats,
    rows: NDArray[np.int64],
    status: Codes,
) -> Bound:
    """What the order of a market meets by the refusal's status, on the paths ``rows``.

    ``holds``, ``wants``: hedges held and asked for, ``[markets, rows]`` USD.
    """
    state, protocol = view.state, view.protocol
    terms, found = protocol.clearing.markets[market], _unknown(status)
    held, target = holds[market], wants[market]

    def put(where: Booleans, which: Limit, asks: Floats, allows: Any) -> None:
        found.kind[where], found.asked[where] = which, asks[where]
        found.value[where] = np.broadcast_to(allows, asks.shape)[where]

    price = view.oracle(terms.asset)[rows]
    scale, skew = state.skew_scale[market, rows] * price, state.skew[market, rows] * price
    if market in protocol.leg_of:
        put(status == Status.SLIPPAGE, Limit.SLIPPAGE, found.asked, protocol.vault.max_slippage)
        return found
    bound = skew_bound(scale, protocol.clearing.gross_floor, terms.maintenance_rate)  # B
    most = np.minimum(terms.max_skew * price, bound)  # S
    put(status == Status.INVENTORY_LIMIT, Limit.INVENTORY, np.abs(skew + target - held), most)
    longs = state.long_interest[market, rows] * price
    shorts = longs - skew
    own = np.where(target > held, longs, shorts) - np.maximum(np.sign(target) * held, 0.0)
    whole = longs + shorts - np.abs(held) + np.abs(target)
    capped = status == Status.OPEN_INTEREST_CAP
    over = whole > terms.max_open_interest * price
    put(capped & over, Limit.OPEN_INTEREST, whole, terms.max_open_interest * price)
    put(capped & ~over, Limit.SIDE, own + np.abs(target), SIDES * most)
    sold, bought = np.maximum(held - target, 0.0), np.maximum(target - held, 0.0)
    reserve = np.maximum(shorts + sold, longs + bought) * terms.maintenance_rate
    if np.any(status == Status.MAKER_RESERVE):
        worth = _maker(state, market, rows, price)
        put(status == Status.MAKER_RESERVE, Limit.MAKER_RESERVE, reserve, worth)
    cost = protocol.half_spread(market) + _premium(skew, target - held, bound, scale)
    put(status == Status.SLIPPAGE, Limit.SLIPPAGE, cost, protocol.vault.max_slippage)
    for refused in REFUSED_AS[Limit.MARGIN]:
        # Netted risk has no figure by market.
        if protocol.clearing.risk_multiple == 0.0 and np.any(status == refused):
            put(status == refused, Limit.MARGIN, *_margin(view, market, wants, rows, refused))
    return found


def _premium(skew: Floats, delta: Floats, bound: Floats, scale: Floats) -> Floats:
    """Premium of a trade, fraction of the index, by the skew alone (SPEC §3.3); USD in."""

    def potential(at: Floats) -> Floats:
        size = np.abs(at)
        return np.where(size <= bound, size * size, bound * (2.0 * size - bound))

    with np.errstate(divide="ignore", invalid="ignore"):
        rate = (potential(skew + delta) - potential(skew)) / (2.0 * scale * np.abs(delta))
    return np.asarray(np.nan_to_num(rate))


def _maker(state: Observation, market: int, rows: NDArray[np.int64], price: Floats) -> Floats:
    """USDC the maker would hold were every position closed at the index (SPEC §3.2)."""
    size = state.size[:, market, rows]
    owed = size * (state.funding_index[market, rows] - state.funding_entry[:, market, rows])
    loss = np.where(size > 0.0, state.loss_long[market, rows], state.loss_short[market, rows])
    lost = np.abs(size) * (loss - state.loss_entry[:, market, rows])
    profit = size * price - state.cost[:, market, rows] - owed - lost
    return np.asarray(state.maker_cash[market, rows] - profit.sum(axis=0))


def _margin(
    view: View, market: int, wants: Floats, rows: NDArray[np.int64], status: Status
) -> tuple[Floats, Floats]:
    """Equity that the whole hedge of the market's account takes by the gross rule, and its own."""
    protocol = view.protocol
    multiple = protocol.clearing.initial_multiple
    if status == Status.BELOW_MARGIN_TARGET:
        multiple = protocol.vault.deleverage_ratio
    rates = [terms.maintenance_rate for terms in protocol.clearing.markets]
    shared = [m for m in range(protocol.markets) if m not in protocol.leg_of]
    own = [market] if protocol.vault.isolated else shared
    needed = sum((rates[m] * np.abs(wants[m]) for m in own), start=np.zeros(rows.shape))
    account = market + 1 if protocol.vault.isolated else 0
    return multiple * needed, view.state.equity[account, rows]


def of_recentring(view: View, status: Codes) -> Bound:
    """The limit that refused a recentring with ``status``, ``[paths]`` each."""
    vault, state, protocol = view.protocol.vault, view.state, view.protocol
    found = _unknown(status)
    # Of the price, of which a root is off by half.
    spot = 2.0 * np.abs(state.sqrt_price / np.sqrt(view.oracle_pool_ratio) - 1.0)
    rows: list[tuple[Status, Limit, Floats, float]] = [
        (Status.SPOT_DEVIATES, Limit.SPOT, spot, vault.max_slippage),
        (Status.SLIPPAGE, Limit.SLIPPAGE, _swap_impact(view), vault.max_slippage),
    ]
    if vault.pledged:
        root = 1.0001 ** (vault.range_half_width / 2)
        worth = vault.lp_allocation * state.nav / view.oracle(0) * (root + 1.0) / 2.0
        cap = protocol.clearing.lp_cap / 10.0 ** protocol.assets[0].decimals
        rows.append((Status.COLLATERAL_CAP, Limit.LP_CAP, worth, cap))
    for refused, which, wants, allows in rows:
        where = status == refused
        found.kind[where], found.asked[where], found.value[where] = which, wants[where], allows
    return found


def _swap_impact(view: View) -> Floats:
    """How far the swap that a first investment begins with moves the pool's price, fraction.

    Half of what is invested is base in the middle of a range; what others have there gives way.
    """
    state, usdc = view.state, 10.0 ** view.protocol.assets[0].decimals
    wanted = 0.5 * view.protocol.vault.lp_allocation * state.nav
    held = (state.lp_base + state.idle_base) * view.oracle(1)
    others = state.pool_liquidity - np.where(in_range(state), state.liquidity, 0.0)
    reserve = others * state.sqrt_price / usdc * view.oracle(0)  # L √P: USDC that doubles √P
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = np.abs(wanted - held) / reserve
    return np.asarray((1.0 + moved) ** 2 - 1.0)


def in_range(state: Observation) -> NDArray[np.bool_]:
    """Whether the pool's price lies in the range of the vault's position, ``[paths]``."""
    above = state.sqrt_price >= 1.0001 ** (state.tick_lower / 2)
    return above & (state.sqrt_price < 1.0001 ** (state.tick_upper / 2))
