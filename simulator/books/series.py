"""All about a path at the end of a step, as one row of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.books.buckets import BUCKETS
from simulator.books.holdings import margin, margin_ratio
from simulator.books.share_price import relative
from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path
from simulator.model.vault.valuation import usd_of_base, usd_of_usdc, value_now
from simulator.model.venues.margin_accounts import hedge_size
from simulator.model.venues.perps.portfolio import BASE_ASSET, USDC_ASSET
from simulator.model.verbs import WHOLE_SHARE
from simulator.types import Floats
from simulator.world.parties import venues

if TYPE_CHECKING:
    from simulator.world.protocol import Protocol

_BUCKETS = len(BUCKETS)
_IMPACT = ("impact_forced", "impact_other")
#: Of the position, last in a row: what its gamma is computed from afterwards.
POSITION = ("liquidity", "tick_lower", "tick_upper")


def row_names(protocol: Protocol) -> list[str]:
    """What stands in a row, in order; the last are :data:`POSITION`."""
    symbols = [token.symbol for token in protocol.assets]
    perps = [symbols[m.asset] for m in protocol.clearing.markets]
    return [
        *(f"index_{symbol}" for symbol in symbols),
        *(f"oracle_{symbol}" for symbol in symbols),
        "pool_price",
        "nav",
        "shares",
        "share_price",
        "lp_value",
        "idle_value",
        "margin_value",
        "margin_ratio",
        *(f"size_{symbol}" for symbol in perps),
        *(f"beta_{symbol}" for symbol in perps),
        *(f"delta_{symbol}" for symbol in symbols[1:]),
        "net_delta",
        *BUCKETS,
        "flows",
        *cascade_names(protocol),
        *POSITION,
    ]


def cascade_names(protocol: Protocol) -> list[str]:
    """What a row has where somebody can be forced to sell."""
    places = venues(protocol)
    return [*(f"liquidated_{venue}" for venue in places), *(_IMPACT if places else ())]


@inner
def series_row(w: Path, out: Floats) -> None:
    """Write a path as it is into ``out``, in the order of :func:`row_names`."""
    assets, markets = w.tables.count.assets, w.tables.count.markets
    for asset in range(assets):
        out[asset] = w.now.index[asset]
        out[assets + asset] = w.now.price[asset]
    _worth(w, out[2 * assets : 2 * assets + 8])
    at = 2 * assets + 8
    for market in range(markets):
        out[at + market] = hedge_size(w, market)
        out[at + markets + market] = w.state.vault.betas[market]
    at += 2 * markets
    _deltas(w, out[at : at + assets])
    at += assets
    for row in range(_BUCKETS):
        out[at + row] = w.book.attribution.buckets[row]
    at += _BUCKETS
    out[at] = w.book.attribution.flows
    at += 1
    if w.tables.count.parties > 0:
        for venue in range(w.tables.count.venues):
            out[at + venue] = w.book.cascade.at_venue[venue]
        at += w.tables.count.venues
        out[at], out[at + 1] = w.book.pressure.forced, w.book.pressure.other
        at += 2
    position = w.state.position
    out[at] = position.liquidity
    out[at + 1], out[at + 2] = position.tick_lower, position.tick_upper


@inner
def _worth(w: Path, out: Floats) -> None:
    """Pool price, NAV, shares, share price, USD of position, idle and margin, margin ratio."""
    vault, valued = w.state.vault, value_now(w)
    root, table = w.state.pool.sqrt_price, w.tables.vault
    out[0] = root * root * (table.base_unit / table.usdc_unit)
    out[1] = max(valued.nav, 0.0)
    out[2] = vault.shares / WHOLE_SHARE
    out[3] = relative(w)
    out[4] = (
        valued.lp_base / table.base_unit + valued.fees_base / table.base_unit
    ) * valued.base_price + (
        valued.lp_usdc / table.usdc_unit + valued.fees_usdc / table.usdc_unit
    ) * valued.usdc_price
    out[5] = usd_of_base(w, valued, vault.idle_base) + usd_of_usdc(w, valued, vault.idle_usdc)
    out[6] = margin(w)
    out[7] = margin_ratio(w)


@inner
def _deltas(w: Path, out: Floats) -> None:
    """USD gained per unit return of each asset but USDC, ``[A]``; last of all of them together.

    A delta counts what the vault holds of the asset in its position, its fees, idle and as margin,
    and its perps and debts.
    """
    table, unit = w.tables.clearing, w.tables.vault.base_unit
    valued, assets = value_now(w), w.tables.count.assets
    out[:] = 0.0
    out[BASE_ASSET - 1] = (
        valued.lp_base / unit + valued.fees_base / unit + w.state.vault.idle_base / unit
    )
    for collateral in range(w.tables.count.collaterals):
        asset = table.collateral_asset[collateral]
        for account in range(w.tables.count.markets + 1):
            if asset != USDC_ASSET:
                posted = w.state.clearing.collateral[account, collateral]
                out[asset - 1] += posted / table.unit[collateral]
    for market in range(w.tables.count.markets):
        out[table.asset[market] - 1] += hedge_size(w, market)
    for asset in range(1, assets):
        out[asset - 1] *= w.now.price[asset]
        out[assets - 1] += out[asset - 1]
