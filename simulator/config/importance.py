"""Importance sampling: which normals a shift moves, and by how much."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.config import correlation
from simulator.types import USDC

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.config.fields import Fields
    from simulator.config.market_settings import MarketSettings
    from simulator.types import Floats

#: Processes that are built from the normals a shift moves.
SHIFTED = ("gbm", "t", "dcc", "egarch", "regime")
# Below this the named assets are one asset, and no shift of both can be asked for.
_INDEPENDENT = 1e-6


def problems(config: Fields) -> Iterator[str]:
    """What is wrong with the section, given the rest."""
    if config.sampling is None:
        return
    shift = config.sampling.shift
    for symbol in shift:
        if symbol == USDC or symbol not in config.drawn:
            allowed = ", ".join(known for known in config.drawn if known != USDC)
            yield f"sampling.shift.{symbol}: no such asset; allowed: {allowed}"
            return
    if config.process.kind not in SHIFTED:
        yield (
            f"sampling.shift: process.kind = {config.process.kind} draws no normals of single "
            f"assets; allowed with: {', '.join(SHIFTED)}"
        )
    rows = [config.drawn.index(symbol) for symbol in shift]
    if np.linalg.eigvalsh(correlation.initial(config)[np.ix_(rows, rows)])[0] < _INDEPENDENT:
        yield (
            f"sampling.shift: {', '.join(shift)} move as one (correlation 1); allowed: assets that "
            "can move apart"
        )


def directions(market: MarketSettings | Fields) -> Floats:
    """Mean ``[A]`` over the horizon of the independent normals on shifted paths.

    The one of least length under which the correlated shocks of the named assets have the means
    asked for; the others then have their conditional means.
    """
    assert market.sampling is not None
    matrix = correlation.initial(market)
    rows = [market.drawn.index(symbol) for symbol in market.sampling.shift]
    wanted = np.array(list(market.sampling.shift.values()))
    factor = correlation.cholesky(matrix)[rows]
    return np.asarray(factor.T @ np.linalg.solve(factor @ factor.T, wanted))
