"""Counter-based random streams: every draw has an address (seed, stream name, path number)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from simulator.market import variates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.types import Floats


class Stream:
    """The draws made for one purpose.

    Philox-4x64 (Salmon et al. 2011) keyed by a hash of seed and name; the path number is the top
    word of the 256-bit counter. So a path's draws depend neither on which other paths are drawn
    nor on which other streams exist, and no two paths overlap.
    """

    def __init__(self, seed: int, name: str) -> None:
        digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
        self.key = np.frombuffer(digest[:16], np.uint64)

    def paths(self, first_path: int, paths: int) -> Iterator[np.random.Generator]:
        """One generator after the other, each at the start of its path; use it before the next."""
        philox = np.random.Philox(key=self.key)
        generator, start = np.random.Generator(philox), philox.state
        for path in range(first_path, first_path + paths):
            # Setting the counter is eight times as fast as a new Philox per path.
            start["state"]["counter"][:] = (0, 0, 0, path)
            philox.state = start
            yield generator

    def normals(self, first_path: int, paths: int, count: int, out: Floats | None = None) -> Floats:
        """Standard normal draws ``[count, paths]``, put into ``out`` when one is given."""
        result = np.empty((count, paths)) if out is None else out
        variates.normals(self.key, first_path, result, *variates.room(count))
        return result

    def uniforms(
        self, first_path: int, paths: int, count: int, out: Floats | None = None
    ) -> Floats:
        """Uniform draws on [0, 1) ``[count, paths]``, put into ``out`` when one is given."""
        result = np.empty((count, paths)) if out is None else out
        words = np.empty((variates.LANES, 4 * ((count + 3) // 4)), np.uint64)
        variates.uniforms(self.key, first_path, result, words)
        return result

    def chi_squares(self, first_path: int, paths: int, count: int, dof: float) -> Floats:
        """Chi-square draws of ``dof`` > 2 degrees of freedom ``[count, paths]``."""
        result = np.empty((count, paths))
        variates.gammas(self.key, first_path, result, dof / 2, *variates.room(count, 2.1))
        result *= 2.0
        return result
