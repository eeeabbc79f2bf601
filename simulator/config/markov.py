"""Finite Markov chains: where they settle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from simulator.types import Floats


def closed_classes(transition: Floats) -> int:
    """Number of sets of states that, once entered, are never left and have no smaller one inside.

    ``transition`` ``[K, K]``: row from, column to. One such set is what a unique stationary law
    needs.
    """
    size = len(transition)
    reach = (transition > 0) | np.eye(size, dtype=np.bool_)
    for middle in range(size):  # Warshall's transitive closure
        reach |= np.outer(reach[:, middle], reach[middle])
    closed = [state for state in range(size) if np.all(reach[:, state][reach[state]])]
    return len({tuple(reach[state]) for state in closed})


def stationary(transition: Floats) -> Floats:
    """The law ``[K]`` that ``transition`` ``[K, K]`` leaves as it is: πP = π, Σπ = 1.

    Needs one closed class; solved as least squares of the equations together with the sum
    (Hamilton 1994, eq. 22.2.26).
    """
    size = len(transition)
    equations = np.vstack([np.eye(size) - transition.T, np.ones(size)])
    law = np.linalg.lstsq(equations, np.append(np.zeros(size), 1.0), rcond=None)[0]
    law = np.maximum(law, 0.0)
    return law / law.sum()
