"""Records of a StableSwap pool: parameters, state, and the position that is the vault's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from simulator.model.kernel.record import Layout, Member, each
from simulator.model.pools.stableswap.invariant import COINS
from simulator.model.state import STABLE

#: Parameters of a pool.
TABLE_LAYOUT: Layout = (
    Member("on", "?", what="whether the vault's pool is one"),
    Member("coins", "i8", (), "1", "how many it has"),
    *each(
        "",
        ("ann", "1", "n·A"),
        ("fee", "1e-10", "of what is paid out, at the peg"),
        ("off_peg", "1", "what the fee grows towards, times itself"),
    ),
    *each(
        "coins",
        ("rate", "1", "scaled units, 10⁻¹⁸, of one raw unit, the provider's rate counted in"),
        ("opening", "raw", "that others have put in"),
    ),
)


def _record(layout: Layout) -> np.dtype[Any]:
    """Of a pool by itself."""
    return np.dtype([(m.name, str(m.kind), (COINS,) if m.axes else ()) for m in layout], align=True)


TABLE, POOL = _record(TABLE_LAYOUT), _record(STABLE)
#: The vault's: ``liquidity`` is shares, raw; fees stay in them, so that none are ever owed.
POSITION = np.dtype([("liquidity", np.float64), ("fees0", np.float64), ("fees1", np.float64)])


def values(
    decimals: Sequence[int],
    amplification: float,
    fee: float,
    off_peg: float,
    opening: Sequence[float],
    rates: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Parameters of a pool, by name.

    ``fee`` in 10⁻¹⁰, ``off_peg`` as a multiple, ``opening`` raw balances, ``rates`` of providers
    as numbers.
    """
    told = rates or [1.0] * len(decimals)
    return {
        "on": True,
        "coins": len(decimals),
        "ann": len(decimals) * amplification,
        "fee": fee,
        "off_peg": off_peg,
        "rate": [10.0 ** (18 - places) * one for places, one in zip(decimals, told, strict=True)],
        "opening": list(opening),
    }


def table(
    decimals: Sequence[int],
    amplification: float,
    fee: float,
    off_peg: float,
    opening: Sequence[float],
    rates: Sequence[float] | None = None,
) -> Any:
    """Parameters ``[1]`` of a pool by itself; as :func:`values`."""
    made = np.zeros(1, TABLE)
    for name, value in values(decimals, amplification, fee, off_peg, opening, rates).items():
        if isinstance(value, list):
            made[name][0, : len(value)] = value
        else:
            made[name] = value
    return made
