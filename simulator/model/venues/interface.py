"""What a hedge venue is to the rest of the model: functions by name, shapes, units.

A module conforms if it has functions of these names and parameters, compiled as
:func:`~simulator.model.kernel.jit.inner`; ``simulator.testing`` holds the laws behind them. USDC is
raw unless a docstring says otherwise. Scalars all: a kernel sees one path.
"""

from __future__ import annotations

from typing import Any, Protocol

from simulator.model.kernel.record import Path


class HedgeVenue(Protocol):
    """Where the vault holds a hedge and the margin behind it: nine functions of a path.

    ``account``: the venue's own index of a margin account of the vault's. ``market``: what is
    hedged there, an index of ``tables.clearing.asset``. Prices are the oracle's last,
    ``w.now.price``. What gives a status leaves the path bit for bit as it was where that is not OK,
    but for :meth:`give_slice`, whose caller restores it.
    """

    def value_margin(self, w: Path, account: int) -> Any:
        """The account now: an :class:`~simulator.model.venues.perps.margin.Account`."""

    def usdc_worth(self, w: Path, account: int, valued: Any) -> float:
        """USD of equity that one USDC more would add, the account valued so."""

    def settled(self, w: Path, account: int) -> float:
        """USDC in it apart from what positions are worth, raw, rounded down."""

    def hedge_size(self, w: Path, account: int, market: int) -> float:
        """Position, base units; short is negative."""

    def hedge(self, w: Path, account: int, market: int, delta: float, limit: float) -> int:
        """Trade ``delta`` base units at no worse than ``limit``, USD; status."""

    def withdrawable(self, w: Path, account: int) -> tuple[bool, float]:
        """(fresh, raw USDC) that can leave, equity at least the vault's target of maintenance."""

    def add_margin(self, w: Path, account: int, raw: float) -> int:
        """Take from the vault's idle USDC; status."""

    def take_margin(self, w: Path, account: int, raw: float) -> None:
        """Give to the vault's idle USDC ``raw`` > 0 that ``withdrawable`` allows."""

    def give_slice(
        self, w: Path, account: int, agent: int, receiver: int, fraction: float
    ) -> tuple[int, float]:
        """``fraction`` > 0 of all that is in it goes to who leaves: (status, raw USDC paid out).

        ``agent``: who, by his wallet; ``receiver``: his margin account, -1 if he has none.
        """
