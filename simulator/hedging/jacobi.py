"""Eigenvalues of small symmetric matrices by Jacobi's rotations, for compiled loops.

Golub & Van Loan, Matrix Computations, §8.5 (cyclic by rows). LAPACK is some microseconds a matrix
whatever its size; of two or three assets this is a tenth of one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.kernel_files import njit

if TYPE_CHECKING:
    from simulator.types import Floats

# Convergence is quadratic: of eight assets it takes six sweeps.
_MOST_SWEEPS = 30


@njit(nogil=True, error_model="numpy")
def diagonalise(matrix: Floats, vectors: Floats) -> None:
    """Make a symmetric matrix diagonal in place; ``vectors`` become its eigenvectors, by column."""
    size = matrix.shape[0]
    for row in range(size):
        for column in range(size):
            vectors[row, column] = 1.0 if row == column else 0.0
    for _ in range(_MOST_SWEEPS):
        turned = False
        for p in range(size - 1):
            for q in range(p + 1, size):
                turned |= _rotate(matrix, vectors, p, q)
        if not turned:
            return


@njit(nogil=True, error_model="numpy")
def _rotate(matrix: Floats, vectors: Floats, p: int, q: int) -> bool:
    """Make one entry off the diagonal zero; False: it is nothing beside the diagonal already."""
    off = matrix[p, q]
    if abs(matrix[p, p]) + abs(off) == abs(matrix[p, p]) and (
        abs(matrix[q, q]) + abs(off) == abs(matrix[q, q])
    ):
        return False
    half = (matrix[q, q] - matrix[p, p]) / (2.0 * off)
    tangent = 1.0 / (abs(half) + np.sqrt(half * half + 1.0))
    if half < 0.0:
        tangent = -tangent
    cosine = 1.0 / np.sqrt(tangent * tangent + 1.0)
    sine = tangent * cosine
    for k in range(matrix.shape[0]):
        first, second = matrix[k, p], matrix[k, q]
        matrix[k, p], matrix[k, q] = cosine * first - sine * second, sine * first + cosine * second
    for k in range(matrix.shape[0]):
        first, second = matrix[p, k], matrix[q, k]
        matrix[p, k], matrix[q, k] = cosine * first - sine * second, sine * first + cosine * second
        first, second = vectors[k, p], vectors[k, q]
        vectors[k, p] = cosine * first - sine * second
        vectors[k, q] = sine * first + cosine * second
    matrix[p, q] = matrix[q, p] = 0.0
    return True
