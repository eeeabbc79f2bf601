"""Counter-based random streams: every draw has an address (seed, stream name, path number)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

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
        self._philox = np.random.Philox(key=np.frombuffer(digest[:16], np.uint64))
        self._start = self._philox.state

    def paths(self, first_path: int, paths: int) -> Iterator[np.random.Generator]:
        """One generator after the other, each at the start of its path; use it before the next."""
        generator = np.random.Generator(self._philox)
        for path in range(first_path, first_path + paths):
            # Setting the counter is eight times as fast as a new Philox per path.
            self._start["state"]["counter"][:] = (0, 0, 0, path)
            self._philox.state = self._start
            yield generator

    def normals(self, first_path: int, paths: int, count: int, out: Floats | None = None) -> Floats:
        """Standard normal draws ``[count, paths]``, put into ``out`` when one is given."""
        drawn = np.empty((paths, count))
        for row, generator in zip(drawn, self.paths(first_path, paths), strict=True):
            generator.standard_normal(out=row)
        if out is None:
            return np.ascontiguousarray(drawn.T)
        out[:] = drawn.T
        return out

    def uniforms(self, first_path: int, paths: int, count: int) -> Floats:
        """Uniform draws on [0, 1) ``[count, paths]``."""
        drawn = np.empty((paths, count))
        for row, generator in zip(drawn, self.paths(first_path, paths), strict=True):
            generator.random(out=row)
        return np.ascontiguousarray(drawn.T)

    def chi_squares(self, first_path: int, paths: int, count: int, dof: float) -> Floats:
        """Chi-square draws of ``dof`` degrees of freedom ``[count, paths]``."""
        drawn = np.empty((paths, count))
        for row, generator in zip(drawn, self.paths(first_path, paths), strict=True):
            generator.standard_gamma(dof / 2, out=row)
        return 2.0 * np.ascontiguousarray(drawn.T)
