"""How much of a coin a StableSwap takes before its price passes a limit, which it knows none of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.model.kernel.jit import kernel
from simulator.model.parameters import stable_values
from simulator.model.pools.stableswap import pool as stable
from simulator.model.pools.stableswap.records import POOL, POSITION, table
from simulator.model.pools.uniswap_v3.tick import MAX_SQRT_PRICE, MIN_SQRT_PRICE

if TYPE_CHECKING:
    from typing import Any

    from simulator.world.protocol import Protocol

_quote, _passed, _mirror = stable.quote, stable.limit_passed, stable.stand


@kernel
def _most(terms: Any, pools: Any, positions: Any, held: Any, asked: Any, down: bool) -> float:
    """Of an amount, raw; 0: an exchange of any passes the limit, or pays nothing.

    ``held``: balances of both coins and all shares; ``asked``: the amount, and its limit, √P.
    """
    pool = pools[0]
    _mirror(terms[0], pool, held[0], held[1], held[2])
    if _passed(pool.sqrt_price, down, asked[1]):
        return 0.0
    swapped = _quote(terms[0], pool, positions[0], down, asked[0], asked[1])
    return swapped.amount_in if swapped.amount_out > 0.0 else 0.0


class Curve:
    """The vault's pool as the model has it, for amounts that are found before they are sent."""

    def __init__(self, protocol: Protocol) -> None:
        self._terms = table(**stable_values(protocol))
        self._pools, self._positions = np.zeros(1, POOL), np.zeros(1, POSITION)

    def amount_before(self, held: tuple[int, ...], side: int, most: int, limit: float) -> int:
        """Raw units, of at most ``most``, of the base (side 0) or USDC; ``limit``: √P, 0: none.

        ``held``: raw balances of both coins, and all shares.
        """
        down = side == 0
        root = limit or (MIN_SQRT_PRICE if down else MAX_SQRT_PRICE)
        root = min(max(root, MIN_SQRT_PRICE), MAX_SQRT_PRICE)
        asked = np.array([most, root], np.float64)
        state = np.array(held, np.float64)
        return int(_most(self._terms, self._pools, self._positions, state, asked, down))
