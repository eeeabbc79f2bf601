"""A pool by itself, on records: the functions of an interface, compiled for Python to call."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numba
import numpy as np

from simulator.model.kernel.jit import compiled_whole, kernel
from simulator.model.pools.interface import Pool
from simulator.testing.expect import same, unlike

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.model.kernel.record import Record


class Swap(NamedTuple):
    """What a swap moved, raw units, and √P after it."""

    amount_in: float
    amount_out: float
    sqrt_price: float


def compiled(function: Callable[..., Any]) -> Any:
    """For Python to call; not kept on disk: what it calls is anybody's, and may change."""
    if numba.config.DISABLE_JIT:
        return kernel(function)
    return compiled_whole(function, cached=False)


class PoolKernels(NamedTuple):
    """Functions of (table [1], pool [1], position [1], …)."""

    initialise: Any
    set_depth: Any
    active_liquidity: Any
    limit_passed: Any
    swap: Any
    place: Any
    mint: Any
    burn: Any
    burn_part: Any


@functools.cache
def pool_kernels(pool: Any) -> PoolKernels:
    """Compile the functions of a pool; AssertionError where it is not one."""
    same(unlike(pool, Pool), [], f"functions of {getattr(pool, '__name__', pool)}")
    _initialise, _set_depth, _active = pool.initialise, pool.set_depth, pool.active_liquidity
    _passed, _quote, _settle, _place = pool.limit_passed, pool.quote, pool.settle, pool.place
    _mint, _burn, _part = pool.mint, pool.burn_and_collect, pool.burn_part

    def initialise(table: Record, pools: Record, depth: float) -> None:
        _initialise(table[0], pools[0], depth)

    def set_depth(table: Record, pools: Record, depth: float) -> None:
        _set_depth(table[0], pools[0], depth)

    def active(pools: Record, positions: Record) -> float:
        return _active(pools[0], positions[0])

    def passed(pools: Record, down: bool, limit: float) -> bool:
        return _passed(pools[0].sqrt_price, down, limit)

    def swap(
        table: Record, pools: Record, positions: Record, ways: Any, asked: Any
    ) -> tuple[float, float, float]:
        down, exact_input, settles = ways[0], ways[1], ways[2]
        specified = asked[0] if exact_input else -asked[0]
        made = _quote(table[0], pools[0], positions[0], down, specified, asked[1])
        if settles:
            _settle(pools[0], positions[0], down, made)
        return made.amount_in, made.amount_out, made.sqrt_price

    def place(positions: Record, lower: float, upper: float) -> None:
        _place(positions[0], lower, upper)

    def mint(pools: Record, positions: Record, liquidity: float) -> tuple[float, float]:
        return _mint(pools[0], positions[0], liquidity)

    def burn(
        pools: Record, positions: Record, liquidity: float
    ) -> tuple[float, float, float, float]:
        return _burn(pools[0], positions[0], liquidity)

    def burn_part(
        pools: Record, positions: Record, liquidity: float, part: float
    ) -> tuple[float, float]:
        return _part(pools[0], positions[0], liquidity, part)

    made = (initialise, set_depth, active, passed, swap, place, mint, burn, burn_part)
    return PoolKernels(*(compiled(function) for function in made))


class RecordPool:
    """A pool and a position on records of given dtypes, opened at its first price.

    ``functions``: a module, or anything else, that is a
    :class:`~simulator.model.pools.interface.Pool`. ``table`` ``[1]``: its parameters.
    """

    def __init__(self, functions: Any, table: Any, pool: Any, position: Any) -> None:
        self._do = pool_kernels(functions)
        self.table = table
        self.pools, self.positions = np.zeros(1, pool), np.zeros(1, position)
        self._do.initialise(self.table, self.pools, 1.0)

    def image(self) -> bytes:
        """Pool and position, bit for bit."""
        return self.pools.tobytes() + self.positions.tobytes()

    @property
    def spot(self) -> float:
        """√P, raw."""
        return float(self.pools["sqrt_price"][0])

    @property
    def fees(self) -> tuple[float, float]:
        """Owed to the position, raw, not floored."""
        return float(self.positions["fees0"][0]), float(self.positions["fees1"][0])

    @property
    def liquidity(self) -> float:
        """Of the position."""
        return float(self.positions["liquidity"][0])

    def limit_passed(self, down: bool, limit: float) -> bool:
        """Whether a swap with this limit is refused."""
        return bool(self._do.limit_passed(self.pools, down, limit))

    def quote(self, down: bool, exact_input: bool, amount: float, limit: float) -> Swap:
        """What a swap would do."""
        return self._swap(down, exact_input, False, (amount, limit))

    def swap(self, down: bool, exact_input: bool, amount: float, limit: float) -> Swap:
        """Swap."""
        return self._swap(down, exact_input, True, (amount, limit))

    def _swap(
        self, down: bool, exact_input: bool, settles: bool, asked: tuple[float, float]
    ) -> Swap:
        ways = np.array([down, exact_input, settles])
        return Swap(
            *self._do.swap(self.table, self.pools, self.positions, ways, np.array(asked, float))
        )

    def set_depth(self, depth: float) -> None:
        """Scale what others provide."""
        self._do.set_depth(self.table, self.pools, depth)

    def active_liquidity(self) -> float:
        """At the spot price."""
        return float(self._do.active_liquidity(self.pools, self.positions))

    def place(self, lower: float, upper: float) -> None:
        """Say where the position will be, in ticks."""
        self._do.place(self.positions, lower, upper)

    def mint(self, liquidity: float) -> tuple[float, float]:
        """Add to the position; raw tokens due."""
        due0, due1 = self._do.mint(self.pools, self.positions, float(liquidity))
        return due0, due1

    def burn(self, liquidity: float) -> tuple[float, float, float, float]:
        """Take from it and collect: raw (principal0, principal1, fees0, fees1)."""
        paid0, paid1, fees0, fees1 = self._do.burn(self.pools, self.positions, float(liquidity))
        return paid0, paid1, fees0, fees1

    def burn_part(self, liquidity: float, part: float) -> tuple[float, float]:
        """Take from it and collect a part of the fees: raw tokens."""
        paid0, paid1 = self._do.burn_part(self.pools, self.positions, float(liquidity), part)
        return paid0, paid1
