"""Linear algebra on one core: with three rows, threads of a BLAS only wait for each other.

An L-BFGS-B step of three parameters took 4 ms on two busy cores with OpenBLAS' threads, 0.1 ms
without.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


def one_core() -> AbstractContextManager[Any]:
    """Within it, BLAS keeps to the calling thread."""
    return _controller().limit(limits=1, user_api="blas")


@lru_cache(maxsize=1)
def _controller() -> Any:
    import scipy.linalg  # noqa: F401 - SciPy brings a BLAS of its own, which must be there by now
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped,unused-ignore]

    return ThreadpoolController()
