"""A hedge venue with one account of the vault's, prices and time given by hand."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulator.model.batch import at, blank
from simulator.model.genesis import genesis
from simulator.model.kernel.record import View
from simulator.model.parameters import tables_of
from simulator.model.state import MOMENT
from simulator.model.venues.interface import HedgeVenue
from simulator.testing.expect import same, unlike
from simulator.testing.records import compiled
from simulator.types import InputError, Status

if TYPE_CHECKING:
    from simulator.model.kernel.record import Paths
    from simulator.world.protocol import Protocol


class Look(NamedTuple):
    """What a venue says of the account; USD, but for raw USDC and the size in base units."""

    fresh: bool
    value: float
    equity: float
    maintenance: float
    usdc_worth: float
    flat: bool
    settled: float  # raw
    size: float
    may_leave: bool
    withdrawable: float  # raw


class VenueKernels(NamedTuple):
    """Functions of (paths, account or market, …)."""

    look: Any
    hedge: Any
    add_margin: Any
    take_margin: Any


@functools.cache
def venue_kernels(venue: Any) -> VenueKernels:
    """Compile the functions of a venue; AssertionError where it is not one."""
    same(unlike(venue, HedgeVenue), [], f"functions of {getattr(venue, '__name__', venue)}")
    _value, _worth = venue.value_margin, venue.usdc_worth
    _settled, _size, _hedge = venue.settled, venue.hedge_size, venue.hedge
    _withdrawable, _add, _take = venue.withdrawable, venue.add_margin, venue.take_margin

    def look(paths: Paths, account: int, market: int) -> tuple[Any, ...]:
        w = at(paths, 0)
        valued = _value(w, account)
        fresh, free = _withdrawable(w, account)
        return (
            valued.fresh,
            valued.value,
            valued.equity,
            valued.maintenance,
            _worth(w, account, valued),
            not valued.has_position,
            _settled(w, account),
            _size(w, account, market),
            fresh,
            free,
        )

    def hedge(paths: Paths, account: int, market: int, delta: float, limit: float) -> int:
        return _hedge(at(paths, 0), account, market, delta, limit)

    def add_margin(paths: Paths, account: int, raw: float) -> int:
        return _add(at(paths, 0), account, raw)

    def take_margin(paths: Paths, account: int, raw: float) -> None:
        _take(at(paths, 0), account, raw)

    functions = look, hedge, add_margin, take_margin
    return VenueKernels(*(compiled(function) for function in functions))


class VenueStage:
    """One path just deployed: the vault has ``idle`` raw USDC, its account at the venue nothing.

    Every asset is at the price the protocol opens with, and just reported.

    Args:
        venue: module, or anything else, that is a
            :class:`~simulator.model.venues.interface.HedgeVenue`.
        protocol: parameters; ``market`` is one of its hedge markets.
        market: its index.
        idle: raw USDC.
    """

    def __init__(self, venue: Any, protocol: Protocol, market: int, idle: float) -> None:
        if not 0 <= market < protocol.markets:
            raise InputError(f"market: {market}; allowed: 0 to {protocol.markets - 1}")
        self._do, self.market, self.protocol = venue_kernels(venue), market, protocol
        tables = tables_of(protocol)
        self.paths = blank(tables, 1)
        vault = tables.view.vault
        self.account = int(vault.account[vault.sub_of[market]])
        self.asset = protocol.clearing.markets[market].asset
        self._now = View(self.paths.moments, MOMENT, tables.counts)
        self._now.pool_depth[:] = self._now.perp_depth[:] = 1.0
        prices = np.array([asset.price for asset in protocol.assets])[:, None]
        self._now.price[:], self._now.index[:] = prices, prices
        self.state = genesis(protocol, tables, self.paths)
        self.state.vault.idle_usdc[:] = idle

    def image(self) -> bytes:
        """All of the path, bit for bit."""
        return bytes(self.paths.states.tobytes())

    def look(self) -> Look:
        """What the venue says now."""
        return Look(*self._do.look(self.paths, self.account, self.market))

    def hedge(self, delta: float) -> Status:
        """Trade base units within the vault's slippage bound."""
        slippage = self.protocol.vault.max_slippage
        limit = self.price * (1.0 + (slippage if delta > 0.0 else -slippage))
        done = self._do.hedge(self.paths, self.account, self.market, delta, limit)
        return Status(int(done))

    def add_margin(self, raw: float) -> Status:
        """Of the idle USDC."""
        return Status(int(self._do.add_margin(self.paths, self.account, raw)))

    def take_margin(self, raw: float) -> None:
        """To the idle USDC."""
        self._do.take_margin(self.paths, self.account, raw)

    @property
    def idle(self) -> float:
        """Raw USDC of the vault that is not at the venue."""
        return float(self.state.vault.idle_usdc[0])

    @property
    def price(self) -> float:
        """Of what is hedged, USD."""
        return float(self._now.price[self.asset, 0])

    @property
    def usdc_price(self) -> float:
        """USD of a USDC."""
        return float(self._now.price[0, 0])

    def move(self, factor: float) -> None:
        """Price of what is hedged, reported now."""
        self._now.price[self.asset] *= factor
        self._now.index[self.asset] *= factor

    def wait(self, seconds: float, *, reported: bool = True) -> None:
        """Time passes; ``reported``: every price was, at its end."""
        self._now.clock[:] += seconds
        if reported:
            self._now.updated_at[:] = self._now.clock
