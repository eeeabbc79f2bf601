"""What a pool and a hedge venue are to the rest of the model: functions by name, shapes, units.

A module conforms if it has functions of these names and parameters, compiled as
:func:`~simulator.world.model.jit.inner`; ``simulator.testing`` holds the laws behind them. Amounts
are raw token units, prices √(raw token1 / raw token0), unless a docstring says otherwise. Scalars
all: a kernel sees one path.
"""

from __future__ import annotations

import inspect
from typing import Any, Protocol

from simulator.world.model.record import Path, Record


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
    ``position``: ``liquidity``, and ``fees0``, ``fees1``, which a collect would pay, not yet
    floored. ``zero_for_one``: token0 goes in, and the price down.
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
        exact_input: bool,
        amount: float,
        sqrt_limit: float,
    ) -> Exchanged:
        """What a swap of ``amount`` > 0 would do, which ends at the limit; writes nothing."""

    def settle(
        self, pool: Record, position: Record, zero_for_one: bool, swapped: Exchanged
    ) -> None:
        """Do what was quoted last."""

    def place(self, position: Record, tick_lower: float, tick_upper: float) -> None:
        """Say where an empty position will be, ticks of 1.0001 in price."""

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


class HedgeVenue(Protocol):
    """Where the vault holds a hedge and the margin behind it: nine functions of a path.

    ``account``: the venue's index of a margin account of the vault's. ``market``: what is hedged
    there, an index of ``tables.clearing.asset``. Prices are the oracle's last, ``w.now.price``.
    Functions that give a status leave the path bit for bit as it was where it is not OK.
    """

    def value_margin(self, w: Path, account: int) -> Any:
        """The account now: ``fresh`` (bool); ``value``, ``equity``, ``maintenance`` (USD)."""

    def usdc_worth(self, w: Path, account: int, valued: Any) -> float:
        """USD of equity that one USDC more would add, the account valued so."""

    def is_flat(self, w: Path, account: int) -> bool:
        """Whether it holds no position."""

    def settled(self, w: Path, account: int) -> float:
        """USDC in it apart from what positions are worth, raw, rounded down."""

    def hedge_size(self, w: Path, market: int) -> float:
        """Position, base units; short is negative."""

    def hedge(self, w: Path, market: int, delta: float) -> int:
        """Trade ``delta`` base units within the vault's slippage bound; status."""

    def withdrawable(self, w: Path, account: int) -> tuple[bool, float]:
        """(fresh, raw USDC) that can leave, equity at least the vault's target of maintenance."""

    def add_margin(self, w: Path, account: int, raw: float) -> int:
        """Take from the vault's idle USDC; status."""

    def take_margin(self, w: Path, account: int, raw: float) -> None:
        """Give to the vault's idle USDC what ``withdrawable`` allows."""


def unlike(thing: Any, interface: type) -> list[str]:
    """How an object departs from an interface: functions it lacks or that take something else."""
    found = []
    for name, stated in vars(interface).items():
        if name.startswith("_") or not inspect.isfunction(stated):
            continue
        expected = list(inspect.signature(stated).parameters)[1:]
        function = getattr(thing, name, None)
        if function is None:
            found.append(f"{name}: missing")
            continue
        given = list(inspect.signature(getattr(function, "py_func", function)).parameters)
        if given != expected:
            found.append(f"{name}({', '.join(given)}); expected: ({', '.join(expected)})")
    return found
