"""An action as kernels are given it: an order, one record a path, that says too what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.model.kernel.kinds import CODE
from simulator.model.kernel.record import Layout, Member, each
from simulator.types import InputError
from simulator.world import actions
from simulator.world.protocol import FACTOR_SCALE
from simulator.world.units import factor_words

if TYPE_CHECKING:
    from simulator.model.kernel.record import Record
    from simulator.world.actions import Action
    from simulator.world.protocol import Protocol

ORDER: Layout = (
    *(Member(name, "i8") for name in ("kind", "agent", "account", "market", "collateral", "leg")),
    Member("position", "i8", what="number of one of the agent's in the pool"),
    # Of the lending market: who is liquidated, which listings are taken and paid.
    *(Member(name, "i8") for name in ("borrower", "seized", "repaid")),
    *each(
        "", ("amount", "", "whole tokens, base units or a fraction"), ("limit", "USD", "0: none")
    ),
    *each("", ("minimum", "whole tokens", "0: none")),
    # Of liquidity: the ticks between which, and USDC beside the base tokens.
    *each("", ("lower", "ticks", ""), ("upper", "ticks", ""), ("usdc", "USDC", "at most")),
    *each("markets", ("betas", "1", "")),
    *each("rows factors", ("factor", "per √day", "rounded as the ClearingHouse stores it")),
    Member("quote", "?", what="whether it is only tried: what would come of it"),
    Member("status", "i8"),
    *each("", ("amount_in", "", "whole units, by action"), ("amount_out", "", "as Fill says")),
)
# What fields of actions are called in an order, where the names differ.
_AMOUNTS = ("amount", "size", "assets", "shares", "fraction")
_INDICES = ("account", "market", "collateral", "leg", "borrower", "seized", "repaid", "position")
_RANGE = ("lower", "upper", "usdc")
_RENAMED = {
    **dict.fromkeys((*_AMOUNTS, "base"), "amount"),
    "price_limit": "limit",
    "minimum_out": "minimum",
    **dict(zip(_RANGE, _RANGE, strict=True)),
}
# What stands where an action has no such field.
_BLANK = {**dict.fromkeys(_INDICES, -1), **dict.fromkeys(_RANGE, 0.0)}


def write(orders: Record, action: Action, protocol: Protocol) -> None:
    """Ask for an action on every path that wants it; raises :class:`InputError` on bad fields."""
    if action.spec.of_account:
        try:
            protocol.account_of(action.actor)
        except ValueError as error:
            raise InputError(f"actor: {error}") from error
    orders["agent"] = action.actor
    orders["quote"] = False
    for name, nothing in _BLANK.items():
        orders[name] = nothing
    asked: Any = True
    for name, value in vars(action).items():
        if name in _INDICES:
            if value is not None:
                orders[name] = _index(action, name, value, protocol)
        elif name in _RENAMED:
            column = orders[_RENAMED[name]]
            column[:] = value
            _check_finite(action, name, column)
            if name in _AMOUNTS and name != "fraction":
                asked = column != 0.0
        elif name == "when":
            asked = np.asarray(value, np.bool_)
        elif name == "betas":
            markets, paths = protocol.markets, orders.size
            orders["betas"][:, :markets] = np.broadcast_to(value, (markets, paths)).T
        elif name == "factor":
            _write_factor(orders, value, protocol)
    orders["kind"] = np.where(asked, CODE[type(action)], 0)
    for name in ("status", "amount_in", "amount_out"):
        orders[name] = 0


def _index(action: Action, name: str, value: int, protocol: Protocol) -> int:
    first = int(name == "collateral" and isinstance(action, actions.LiquidateCollateral))
    lending, kind = protocol.lending, type(action).__name__
    if name == "leg" and protocol.aave is None:
        raise InputError(f"{kind}.leg: {value}; the vault hedges at the clearing house alone")
    if name in ("borrower", "seized", "repaid") and lending is None:
        raise InputError(f"{kind}.{name}: {value}; nobody borrows: lending is null")
    if name == "position" and not protocol.agents[action.actor].positions:
        raise InputError(f"{kind}.position: {value}; the actor may hold none in the pool")
    listings = len(lending.listings) if lending is not None else 0
    counts = {
        "account": protocol.accounts,
        "market": protocol.markets,
        "collateral": len(protocol.clearing.collaterals),
        "leg": len(protocol.leg_of),
        "borrower": len(lending.borrowers) if lending is not None else 0,
        "seized": listings,
        "repaid": listings,
        "position": protocol.agents[action.actor].positions,
    }
    if not first <= value < counts[name]:
        raise InputError(f"{name}: {value}; allowed: {first} to {counts[name] - 1}")
    return value


def _check_finite(action: Action, name: str, column: Any) -> None:
    bad = ~np.isfinite(column)
    if bad.any():
        path = int(np.flatnonzero(bad)[0])
        kind = type(action).__name__
        raise InputError(f"{kind}.{name}: {column[path]} on path {path}; allowed: finite")


def _write_factor(orders: Record, factor: Any, protocol: Protocol) -> None:
    rows, columns = len(protocol.risk_assets), orders["factor"].shape[2]
    shape = (rows, columns, orders.size)
    if np.shape(factor) != shape:
        raise InputError(f"PostCovariance.factor: shape {np.shape(factor)}; allowed: {shape}")
    words = factor_words(factor) / FACTOR_SCALE
    orders["factor"][:, :rows] = words.transpose(2, 0, 1)
