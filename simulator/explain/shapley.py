"""Shapley values of a game given by what every coalition is worth (Shapley 1953).

A coalition of n players is an integer: bit i says whether player i is in it. ``values[mask]`` is
what it is worth, any array (a figure, or one per path): the solution is linear, so everything is
done for all entries at once. Nothing here knows what is played.

    φ_i = Σ over S without i of |S|!·(n − |S| − 1)!/n! · (v(S and i) − v(S))

The only solution that is efficient (Σφ = v(all) − v(none)), symmetric, additive and gives nothing
to a player who never adds anything.
"""

from __future__ import annotations

from math import factorial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulator.arguments import whole
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from simulator.types import Floats

#: Most players whose 2ⁿ coalitions are all looked at.
EXACT = 10
#: Most players there may be at all: masks are 64-bit integers.
_MOST = 62


class Sampled(NamedTuple):
    """Shapley values from some orders of the players, ``[n, ...]`` each."""

    values: Floats
    errors: Floats  # standard errors of the sampling, not of what the values are averaged over


def exact(values: ArrayLike) -> Floats:
    """The Shapley values ``[n, ...]`` of ``values`` ``[2ⁿ, ...]``.

    Raises:
        InputError: the number of values is not a power of two, or one is not finite.
    """
    worth = np.asarray(values, np.float64)
    count = worth.shape[0] if worth.ndim else 0
    if count < 1 or count & (count - 1):
        raise InputError(f"values {worth.shape}: must be [2ⁿ, ...], one for each coalition")
    if not np.isfinite(worth).all():
        raise InputError("values: must be finite")
    players = count.bit_length() - 1
    masks = np.arange(count)
    sizes = np.array([mask.bit_count() for mask in range(count)])
    result = np.empty((players, *worth.shape[1:]))
    for player in range(players):
        without = masks[masks >> player & 1 == 0]
        weight = np.array([_weight(int(size), players) for size in sizes[without]])
        result[player] = np.tensordot(weight, worth[without | 1 << player] - worth[without], 1)
    return result


def _weight(size: int, players: int) -> float:
    return factorial(size) * factorial(players - size - 1) / factorial(players)


def orders(players: int, pairs: int, seed: int = 0) -> NDArray[np.int64]:
    """Random orders ``[2·pairs, players]``, each followed by its reverse (antithetic).

    Averaging an order with its reverse cancels what is linear in the position of a player (Mitchell
    et al. 2022, "Sampling permutations for Shapley value estimation", §4.1).
    """
    whole("players", players, 1, _MOST)
    whole("pairs", pairs, 2)
    generator = np.random.Generator(np.random.Philox(key=seed))
    drawn = generator.permuted(np.tile(np.arange(players), (pairs, 1)), axis=1)
    return np.stack([drawn, drawn[:, ::-1]], axis=1).reshape(2 * pairs, players)


def coalitions(order: NDArray[np.int64]) -> NDArray[np.int64]:
    """The coalitions ``[orders, players + 1]`` met when players join one after the other."""
    joined = np.cumsum(np.int64(1) << order.astype(np.int64), axis=1)
    return np.concatenate([np.zeros((len(order), 1), np.int64), joined], axis=1)


def sampled(order: NDArray[np.int64], values: Mapping[int, ArrayLike]) -> Sampled:
    """Shapley values from :func:`orders` and what each of their :func:`coalitions` is worth.

    Each order shares out v(all) − v(none) whole, so their mean does. The errors are those of the
    mean over pairs, which are independent of each other.

    Raises:
        InputError: a coalition has no value, or there are fewer than two pairs.
    """
    met = coalitions(order)
    if missing := {int(mask) for mask in met.ravel()} - values.keys():
        raise InputError(f"values: no value of coalition {min(missing)}")
    count, players = order.shape
    if count < 4 or count % 2:
        raise InputError(f"orders {order.shape}: must be pairs, two or more")
    shape = np.shape(values[0])
    total, squares = np.zeros((players, *shape)), np.zeros((players, *shape))
    for pair in range(count // 2):
        gained = np.zeros((players, *shape))
        for row in (2 * pair, 2 * pair + 1):
            for place, player in enumerate(order[row]):
                after, before = (values[int(met[row, place + k])] for k in (1, 0))
                gained[player] += 0.5 * (np.asarray(after) - np.asarray(before))
        total += gained
        squares += gained**2
    pairs = count // 2
    mean = total / pairs
    spread = np.maximum(squares / pairs - mean**2, 0.0) * pairs / (pairs - 1)
    return Sampled(mean, np.sqrt(spread / pairs))
