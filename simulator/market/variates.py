"""The numbers of NumPy's ``Generator(Philox)``, compiled: the same to the bit, at a third the time.

A word of a path has an address (key, path, place), so any of them can be computed alone. Kernels
compute those that most paths need in one go and ask for others one by one: no path can run out.

All that is inlined here is in this file: Numba compiles anew when a kernel's own file changes.
"""

from __future__ import annotations

from math import exp, log, sqrt
from typing import TYPE_CHECKING

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np.random import _constants as ziggurat

from simulator.kernel_files import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.types import Floats

    Words = NDArray[np.uint64]

# Nothing is allocated here, so reference counting can be off: of the words and the key, at every
# draw, it took most of the time.
_OPTIONS = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "no_cfunc_wrapper": True,
    "_nrt": False,
}
# Python cannot call these: to unpack what it hands over is most of what there is to compile.
_INNER = _OPTIONS | {"no_cpython_wrapper": True}
# A call hands over the words and the key in seventeen pieces: longer than a draw takes.
_INLINED = _INNER | {"forceinline": True}
# Paths drawn one after the other, then written side by side: two lines of the cache at a time.
LANES = 16
# Up to this mean, NumPy counts a Poisson variate's arrivals; beyond, it refuses from a hat.
FEW = 10.0

# Of 256 layers, as ``ziggurat_constants.h`` of NumPy has them, which Numba carries.
_EDGE, _SLOPE, _DENSITY = ziggurat.ki_double, ziggurat.wi_double, ziggurat.fi_double
_TAIL, _INVERSE_TAIL = float(ziggurat.ziggurat_nor_r), float(ziggurat.ziggurat_nor_inv_r)
_LAYER, _MANTISSA = np.uint64(0xFF), np.uint64(0x000FFFFFFFFFFFFF)
_ONE, _FOUR, _EIGHT, _NINE, _ELEVEN = (np.uint64(number) for number in (1, 4, 8, 9, 11))

_MULTIPLIERS = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
_WEYL = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)


@intrinsic
def _product(typing, first, second):  # type: ignore[no-untyped-def]
    """High and low word of the product of two words."""

    def emit(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        wide, word = ir.IntType(128), ir.IntType(64)
        whole = builder.mul(*(builder.zext(argument, wide) for argument in arguments))
        high = builder.trunc(builder.lshr(whole, ir.Constant(wide, 64)), word)
        pair = [high, builder.trunc(whole, word)]
        return context.make_tuple(builder, signature.return_type, pair)

    return types.UniTuple(types.uint64, 2)(types.uint64, types.uint64), emit


# -------------------------------------------------------------------------------------------- words


@njit(**_INLINED)
def _block(key: Words, path: np.uint64, number: np.uint64) -> tuple[np.uint64, ...]:
    """Four words: Philox-4x64 of ten rounds (Salmon et al. 2011) at counter (number, 0, 0, path).

    NumPy counts up before it draws, so a path's first block has number 1.
    """
    c0, c1, c2, c3 = number, np.uint64(0), np.uint64(0), path
    k0, k1 = key[0], key[1]
    for _ in range(10):
        high0, low0 = _product(_MULTIPLIERS[0], c0)
        high1, low1 = _product(_MULTIPLIERS[1], c2)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0 += _WEYL[0]
        k1 += _WEYL[1]
    return c0, c1, c2, c3


@njit(**_INNER)
def _fill(key: Words, path: np.uint64, words: Words) -> None:
    """The first words of a path, as many as there is room for: a multiple of four."""
    for number in range(len(words) // 4):
        four = words[4 * number : 4 * number + 4]
        four[0], four[1], four[2], four[3] = _block(key, path, np.uint64(number + 1))


@njit(**_INNER)
def _far(key: Words, path: np.uint64, place: np.uint64) -> np.uint64:
    """The word at any place."""
    w0, w1, w2, w3 = _block(key, path, place // _FOUR + _ONE)
    lane = place % _FOUR
    if lane < 2:
        return w1 if lane else w0
    return w2 if lane == 2 else w3


@njit(**_INLINED)
def _word(key: Words, path: np.uint64, words: Words, place: np.uint64) -> np.uint64:
    """The word at a place: of those already there, if it is."""
    return words[place] if place < np.uint64(len(words)) else _far(key, path, place)


@njit(**_INLINED)
def _uniform(word: np.uint64) -> float:
    """On [0, 1), of 53 bits."""
    return float(word >> _ELEVEN) * (1.0 / 9007199254740992.0)


# ----------------------------------------------------------------------------------- one at a time


@njit(**_INNER)
def _refused(
    key: Words, path: np.uint64, words: Words, place: np.uint64, word: np.uint64, x: float
) -> tuple[bool, float, np.uint64]:
    """Outside the layer's rectangle: whether a normal stands there, it, and the next place."""
    layer = word & _LAYER
    if layer > 0:
        below = _DENSITY[layer - _ONE] - _DENSITY[layer]
        height = below * _uniform(_word(key, path, words, place)) + _DENSITY[layer]
        return height < exp(-0.5 * x * x), x, place + _ONE
    while True:  # the tail, Marsaglia (1964)
        over = -_INVERSE_TAIL * np.log1p(-_uniform(_word(key, path, words, place)))
        other = -np.log1p(-_uniform(_word(key, path, words, place + _ONE)))
        place += _ONE + _ONE
        if other + other > over * over:
            # NumPy takes the sign from a bit of the size, not from the sign bit.
            negative = (word >> (_EIGHT + _NINE)) & _ONE
            return True, -(_TAIL + over) if negative else _TAIL + over, place


@njit(**_INLINED)
def _normal(key: Words, path: np.uint64, words: Words, place: np.uint64) -> tuple[float, np.uint64]:
    """A standard normal (ziggurat, Marsaglia and Tsang 2000) and the next word's place."""
    while True:
        word = _word(key, path, words, place)
        place += _ONE
        layer, size = word & _LAYER, (word >> _NINE) & _MANTISSA
        x = float(size) * _SLOPE[layer]
        if (word >> _EIGHT) & _ONE:
            x = -x
        if size < _EDGE[layer]:
            return x, place
        stands, x, place = _refused(key, path, words, place, word, x)
        if stands:
            return x, place


@njit(**_INLINED)
def _gamma(
    key: Words, path: np.uint64, words: Words, place: np.uint64, shape: float
) -> tuple[float, np.uint64]:
    """A gamma variate of ``shape`` > 1 (Marsaglia and Tsang 2000b) and the next word's place."""
    b = shape - 1.0 / 3.0
    c = 1.0 / sqrt(9.0 * b)
    while True:
        v = 0.0
        while v <= 0.0:
            x, place = _normal(key, path, words, place)
            v = 1.0 + c * x
        v = v * v * v
        u = _uniform(_word(key, path, words, place))
        place += _ONE
        if u < 1.0 - 0.0331 * (x * x) * (x * x):
            return b * v, place
        if log(u) < 0.5 * x * x + b * (1.0 - v + log(v)):
            return b * v, place


# ------------------------------------------------------------------------------------- whole arrays


@njit(**_INNER)
def _set_side_by_side(drawn: Floats, lanes: int, out: Floats, first: int) -> None:
    """Put the draws of ``lanes`` paths, a row each, into columns ``first`` … of ``out``."""
    for k in range(out.shape[0]):
        for lane in range(lanes):
            out[k, first + lane] = drawn[lane, k]


def room(count: int, each: float = 1.03) -> tuple[Words, Floats]:
    """Room for the words of a path's ``count`` draws, and for the draws of LANES paths.

    ``each``: words a draw takes, a little more than on average (a normal: 1.02), so that nearly
    every path finds all of its words there.
    """
    return np.empty(4 * (int(count * each) // 4 + 4), np.uint64), np.empty((LANES, count))


@njit(**_OPTIONS)
def normals(key: Words, first_path: int, out: Floats, words: Words, drawn: Floats) -> None:
    """Standard normals of paths ``first_path`` …, put into ``out`` ``[count, P]``.

    ``words``, ``drawn``: :func:`room`.
    """
    count, paths = out.shape
    for first in range(0, paths, LANES):
        lanes = min(LANES, paths - first)
        for lane in range(lanes):
            path, place = np.uint64(first_path + first + lane), np.uint64(0)
            _fill(key, path, words)
            for k in range(count):
                drawn[lane, k], place = _normal(key, path, words, place)
        _set_side_by_side(drawn, lanes, out, first)


@njit(**_OPTIONS)
def uniforms(key: Words, first_path: int, out: Floats, words: Words) -> None:
    """Uniform draws on [0, 1) of paths ``first_path`` …, put into ``out`` ``[count, P]``.

    ``words`` ``[LANES, at least count]``, a multiple of four.
    """
    count, paths = out.shape
    for first in range(0, paths, LANES):
        lanes = min(LANES, paths - first)
        for lane in range(lanes):
            _fill(key, np.uint64(first_path + first + lane), words[lane])
        for k in range(count):
            for lane in range(lanes):
                out[k, first + lane] = _uniform(words[lane, k])


@njit(**_OPTIONS)
def gammas(
    key: Words, first_path: int, out: Floats, shape: float, words: Words, drawn: Floats
) -> None:
    """Standard gamma draws of ``shape`` > 1 of paths ``first_path`` …, into ``out`` ``[count, P]``.

    Shapes of 1 and below, which NumPy draws otherwise, are not drawn here. ``words``, ``drawn``:
    :func:`room`.
    """
    count, paths = out.shape
    for first in range(0, paths, LANES):
        lanes = min(LANES, paths - first)
        for lane in range(lanes):
            path, place = np.uint64(first_path + first + lane), np.uint64(0)
            _fill(key, path, words)
            for k in range(count):
                drawn[lane, k], place = _gamma(key, path, words, place, shape)
        _set_side_by_side(drawn, lanes, out, first)


@njit(**_OPTIONS)
def scatter(
    key: Words,
    first_path: int,
    expected: float,
    law: tuple[float, float],
    loading: Floats,
    index: Floats,
    words: Words,
) -> None:
    """Add a compound Poisson process to the steps it falls into, ``index`` ``[A, T + 1, P]``.

    Of a path's words the first ones count its jumps, ``expected`` on average and at most FEW, by
    the product of uniforms (Knuth, vol. 2, §3.4.1); then each jump takes one for its moment, and
    after these come the normals of the sizes, of mean and deviation ``law``. ``loading`` ``[A]``;
    ``words``: room for some, a multiple of four.
    """
    assets, points, paths = index.shape
    limit = exp(-expected)
    for lane in range(paths):
        path, place, product = np.uint64(first_path + lane), np.uint64(0), 1.0
        _fill(key, path, words)
        while True:
            product *= _uniform(_word(key, path, words, place))
            place += _ONE
            if product <= limit:
                break
        moments, count = place, place - _ONE
        place += count
        for number in range(count):
            chance = _uniform(_word(key, path, words, moments + np.uint64(number)))
            unit, place = _normal(key, path, words, place)
            size = law[0] + law[1] * unit
            for asset in range(assets):
                if loading[asset] != 0.0:
                    index[asset, 1 + int(chance * (points - 1)), lane] += loading[asset] * size
