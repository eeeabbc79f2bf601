"""Records of a StableSwap pool: parameters, state, and the position that is the vault's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from simulator.model.pools.stableswap.invariant import COINS

#: Parameters of a pool. ``rate``: 10⁻¹⁸ for one raw unit of a coin, the provider's rate counted in;
#: ``fee`` in 10⁻¹⁰, ``off_peg`` a number, ``opening`` raw.
TABLE = np.dtype(
    [
        ("coins", np.int64),
        ("ann", np.float64),
        ("fee", np.float64),
        ("off_peg", np.float64),
        ("rate", np.float64, (COINS,)),
        ("opening", np.float64, (COINS,)),
    ]
)

#: State. ``raw``: counted balances; ``part``: those of one share, which a change of depth leaves;
#: ``others``, ``own``: shares, ``shares``: of others at depth one, the invariant it opened with, as
#: in a first deposit; ``sqrt_price``: √(raw token1 / raw token0) of the first two coins.
POOL = np.dtype(
    [
        ("coins", np.int64),
        ("ann", np.float64),
        ("raw", np.float64, (COINS,)),
        ("part", np.float64, (COINS,)),
        ("rate", np.float64, (COINS,)),
        ("shares", np.float64),
        ("others", np.float64),
        ("own", np.float64),
        ("depth", np.float64),
        ("sqrt_price", np.float64),
    ]
)

#: The vault's: ``liquidity`` is shares, raw; fees stay in them, so that none are ever owed.
POSITION = np.dtype([("liquidity", np.float64), ("fees0", np.float64), ("fees1", np.float64)])


def table(
    decimals: Sequence[int],
    amplification: float,
    fee: float,
    off_peg: float,
    opening: Sequence[float],
    rates: Sequence[float] | None = None,
) -> Any:
    """Parameters ``[1]`` of a pool.

    ``fee`` in 10⁻¹⁰, ``off_peg`` as a multiple, ``opening`` raw balances, ``rates`` of providers
    as numbers.
    """
    made = np.zeros(1, TABLE)
    n = len(decimals)
    made["coins"], made["ann"], made["fee"], made["off_peg"] = n, n * amplification, fee, off_peg
    for k, places in enumerate(decimals):
        made["rate"][0, k] = 10.0 ** (18 - places) * (rates[k] if rates else 1.0)
        made["opening"][0, k] = opening[k]
    return made
