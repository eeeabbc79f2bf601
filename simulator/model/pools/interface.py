"""What a pool is to the rest of the model: functions by name, shapes, units.

A module conforms if it has functions of these names and parameters, compiled as
:func:`~simulator.model.kernel.jit.inner`; ``simulator.testing`` holds the laws behind them. Amounts
are raw token units, prices √(raw token1 / raw token0), unless a docstring says otherwise: √P is the
coordinate of a price in which Uniswap's limits are given; a pool that has no use for it shows the
root of its marginal price. Scalars all: a kernel sees one path.
"""

from __future__ import annotations

from typing import Protocol

from simulator.model.kernel.record import Record


class Exchanged(Protocol):
    """What a quoted swap would move and where it would end; more, if the pool needs it to settle.

    Attributes:
        sqrt_price: √P afterwards.
        amount_in: taken, fee and all; whole.
        amount_out: given; whole.
    """

    sqrt_price: float
    amount_in: float
    amount_out: float


class Pool(Protocol):
    """A pool of two tokens with one position that is the vault's.

    ``table``: its parameters. ``pool``: its state, in which ``sqrt_price`` is its spot price.
    ``position``: ``liquidity``, a part of the pool's range or of the whole of it, and ``fees0``,
    ``fees1``, which a collect would pay, not yet floored: none where fees stay in the liquidity.
    ``zero_for_one``: token0 goes in, and the price down.
    """

    def initialise(self, table: Record, pool: Record, depth: float) -> None:
        """Open at the first price, with ``depth`` times the liquidity of others."""

    def set_depth(self, table: Record, pool: Record, depth: float) -> None:
        """Scale the liquidity of others; price and position stay."""

    def active_liquidity(self, pool: Record, position: Record) -> float:
        """Liquidity that trades at the spot price, the vault's counted in."""

    def limit_passed(self, sqrt_price: float, zero_for_one: bool, sqrt_limit: float) -> bool:
        """Whether a swap with this limit would be refused, as there is no way to go."""

    def quote(
        self,
        table: Record,
        pool: Record,
        position: Record,
        zero_for_one: bool,
        amount_specified: float,
        sqrt_limit: float,
    ) -> Exchanged:
        """What a swap would do, which ends at the limit; writes nothing.

        ``amount_specified``: > 0 goes in, < 0 comes out.
        """

    def settle(
        self, pool: Record, position: Record, zero_for_one: bool, swapped: Exchanged
    ) -> None:
        """Do what was quoted last."""

    def place(self, position: Record, tick_lower: float, tick_upper: float) -> None:
        """Say where an empty position will be, ticks of 1.0001 in price; nothing without ranges."""

    def mint(self, pool: Record, position: Record, liquidity: float) -> tuple[float, float]:
        """Add to the position; (token0, token1) due for it, whole."""

    def burn_and_collect(
        self, pool: Record, position: Record, liquidity: float
    ) -> tuple[float, float, float, float]:
        """Take from it, and all fees: whole (principal0, principal1, fees0, fees1)."""

    def burn_part(
        self, pool: Record, position: Record, liquidity: float, part: float
    ) -> tuple[float, float]:
        """Take from it, and ``part`` of the fees: whole (token0, token1) in all."""
