"""What a caller gave, as the arrays the mathematics needs, or one message that says what is wrong.

Messages read as those of a configuration: ``name = value: must be …``, the first wrong entry of an
array by its place. Everything raises :class:`~simulator.types.InputError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.arguments import shown
from simulator.hedging import rank
from simulator.types import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from simulator.types import Booleans, Floats


def numbers(name: str, given: ArrayLike, *, infinite: bool = False, **bounds: float) -> Floats:
    """A number or an array of any shape as float64, every entry within ``bounds``.

    Bounds: ``least`` ≤ x ≤ ``most``, ``above`` < x < ``below``. NaN is always refused, infinity
    unless ``infinite``.
    """
    try:
        array = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} = {shown(given)}: must be numbers") from None
    holds = ~np.isnan(array) if infinite else np.isfinite(array)
    with np.errstate(invalid="ignore"):
        for bound, limit in bounds.items():
            holds &= _COMPARE[bound](array, limit)
    wrong(name, array, holds, _range(infinite=infinite, **bounds))
    return array


def number(name: str, given: ArrayLike, *, infinite: bool = False, **bounds: float) -> float:
    """A single number; see :func:`numbers`."""
    array = numbers(name, given, infinite=infinite, **bounds)
    if array.ndim:
        raise InputError(f"{name} {array.shape}: must be one number")
    return float(array)


def fraction(name: str, given: ArrayLike) -> float:
    """A number strictly between 0 and 1: a tail, a confidence, a decay."""
    return number(name, given, above=0.0, below=1.0)


def series(
    name: str, given: ArrayLike, least: int = 1, *, infinite: bool = False, **bounds: float
) -> Floats:
    """An array ``[T]`` of ``least`` entries or more; see :func:`numbers`."""
    array = numbers(name, given, infinite=infinite, **bounds)
    if array.ndim != 1 or len(array) < least:
        raise InputError(f"{name} {array.shape}: must be [n], {least} or more")
    return array


def panel(name: str, given: ArrayLike, least: int = 1, columns: int = 1) -> Floats:
    """A contiguous array ``[T, N]`` of finite numbers, ``least`` rows and ``columns`` or more."""
    array = np.ascontiguousarray(numbers(name, given))
    if array.ndim != 2 or len(array) < least or array.shape[1] < columns:
        raise InputError(
            f"{name} {array.shape}: must be [rows, assets], {least} rows and "
            f"{columns} assets or more"
        )
    return array


def covariances(name: str, given: ArrayLike, least: int = 1) -> Floats:
    """Covariances ``[N, N, ...]``: finite, symmetric, positive semi-definite, N ``least`` or more.

    Both up to rounding, relative to the sample: :data:`~simulator.hedging.rank.ROUNDING`.
    """
    array = numbers(name, given)
    if array.ndim < 2 or array.shape[0] != array.shape[1] or array.shape[0] < least:
        raise InputError(f"{name} {array.shape}: must be [N, N, ...], N of {least} or more")
    matrices = np.moveaxis(array, (0, 1), (-2, -1))
    size = np.max(np.abs(matrices), axis=(-2, -1), initial=0.0)
    skew = np.max(np.abs(matrices - np.swapaxes(matrices, -1, -2)), axis=(-2, -1), initial=0.0)
    if np.any(skew > rank.ROUNDING * size):
        raise InputError(f"{name}: must be symmetric")
    indefinite = ~rank.positive_semidefinite(matrices)
    if np.any(indefinite):
        first = matrices[tuple(np.argwhere(indefinite)[0])] if indefinite.ndim else matrices
        least_value = float(np.linalg.eigvalsh(first)[0])
        raise InputError(
            f"{name}: must be positive semi-definite, has the eigenvalue {least_value:.3g}"
        )
    return array


def same_shape(**arrays: Floats) -> None:
    """Refuse arrays of different shapes."""
    if len({array.shape for array in arrays.values()}) > 1:
        each = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise InputError(f"{each}: must be of the same shape")


def wrong(name: str, array: Floats, holds: Booleans, allowed: str) -> None:
    """Refuse the first entry of an array that does not hold, by its place."""
    if np.all(holds):
        return
    if array.ndim == 0:
        raise InputError(f"{name} = {float(array):g}: must be {allowed}")
    place = tuple(int(at) for at in np.argwhere(~holds)[0])
    where = ", ".join(map(str, place))
    raise InputError(f"{name}[{where}] = {array[place]:g}: must be {allowed}")


_COMPARE: dict[str, np.ufunc] = {
    "least": np.greater_equal,
    "most": np.less_equal,
    "above": np.greater,
    "below": np.less,
}
_WORDS = {"least": "at least", "most": "at most", "above": "more than", "below": "less than"}


def _range(*, infinite: bool, **bounds: float) -> str:
    said = [f"{_WORDS[bound]} {limit:g}" for bound, limit in bounds.items()]
    kind = "a number" if infinite else "finite"
    return " and ".join([kind, *said])
