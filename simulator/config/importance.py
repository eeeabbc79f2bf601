"""The ``sampling:`` section: paths drawn where losses are, and weighted back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from simulator.config import correlation
from simulator.config.section import Section, Symbol
from simulator.types import USDC

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.config.models import Config
    from simulator.types import Floats

Deviations = Annotated[float, Field(ge=-10, le=10)]
#: Processes that are built from the normals a shift moves.
SHIFTED = ("gbm", "t", "dcc", "egarch", "regime")
# Below this the named assets are one asset, and no shift of both can be asked for.
_INDEPENDENT = 1e-6


class Sampling(Section):
    """Importance sampling of rare events by a change of measure on the market's normals."""

    shift: dict[Symbol, Deviations] = Field(
        min_length=1,
        description="mean of an asset's normal shock over the whole horizon on shifted paths, "
        "standard deviations; other assets follow as their correlation says",
    )
    share: float = Field(
        default=0.5,
        ge=0.05,
        le=0.95,
        description="part of the paths that are shifted (fraction); the rest are as they would be",
    )


def problems(config: Config) -> Iterator[str]:
    """What is wrong with the section, given the rest."""
    if config.sampling is None:
        return
    shift = config.sampling.shift
    for symbol in shift:
        if symbol == USDC or symbol not in config.assets:
            allowed = ", ".join(known for known in config.assets if known != USDC)
            yield f"sampling.shift.{symbol}: no such asset; allowed: {allowed}"
            return
    if config.process.kind not in SHIFTED:
        yield (
            f"sampling.shift: process.kind = {config.process.kind} draws no normals of single "
            f"assets; allowed with: {', '.join(SHIFTED)}"
        )
    rows = [config.symbols.index(symbol) for symbol in shift]
    if np.linalg.eigvalsh(correlation.initial(config)[np.ix_(rows, rows)])[0] < _INDEPENDENT:
        yield (
            f"sampling.shift: {', '.join(shift)} move as one (correlation 1); allowed: assets that "
            "can move apart"
        )


def directions(config: Config) -> Floats:
    """Mean ``[A]`` over the horizon of the independent normals on shifted paths.

    The one of least length under which the correlated shocks of the named assets have the means
    asked for; the others then have their conditional means.
    """
    assert config.sampling is not None
    matrix = correlation.initial(config)
    rows = [config.symbols.index(symbol) for symbol in config.sampling.shift]
    wanted = np.array(list(config.sampling.shift.values()))
    factor = correlation.cholesky(matrix)[rows]
    return np.asarray(factor.T @ np.linalg.solve(factor @ factor.T, wanted))
