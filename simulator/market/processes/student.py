"""Multivariate Student-t returns: normals over the root of one chi-square a step and path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.config.process import StudentT
from simulator.market.processes import gbm, shocks

if TYPE_CHECKING:
    from simulator.config.market_settings import MarketSettings
    from simulator.types import Floats


def add(
    settings: MarketSettings, index: Floats, compensators: Floats, first_path: int, paths: int
) -> None:
    """One mixing variable for all assets: falls come together even where correlation is zero."""
    assert isinstance(settings.process, StudentT)
    law = gbm.law_of(settings)
    draws = gbm.normals(settings, law, index, first_path, paths)
    draws[:, 1:] *= shocks.student_scale(settings, "t", settings.process.dof, first_path, paths)
    gbm.diffuse(settings, law, index, compensators, draws)
