"""Multivariate Student-t returns: normals over the root of one chi-square a step and path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.config.process import StudentT
from simulator.market.processes import gbm, shocks

if TYPE_CHECKING:
    from simulator.config.models import Config
    from simulator.types import Floats


def add(config: Config, index: Floats, compensators: Floats, first_path: int, paths: int) -> None:
    """One mixing variable for all assets: falls come together even where correlation is zero."""
    assert isinstance(config.process, StudentT)
    law = gbm.law_of(config)
    draws = gbm.normals(config, law, index, first_path, paths)
    draws[:, 1:] *= shocks.student_scale(config, "t", config.process.dof, first_path, paths)
    gbm.diffuse(config, law, index, compensators, draws)
