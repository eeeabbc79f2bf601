"""Every hedge venue of the model keeps the laws of ``simulator.testing``."""

from __future__ import annotations

from simulator.config import load, resolve
from simulator.model.venues.aave import hedging as aave
from simulator.model.venues.perps import hedging as perps
from simulator.testing.stage import VenueStage
from simulator.testing.venue import VenueSuite
from simulator.world.protocol import Protocol
from tests.model import campaign


class TestPerps(VenueSuite):
    """The ClearingHouse under the gross rule, the vault's account backing all markets."""

    most = 300.0
    size_unit = 1e-18

    def protocol(self) -> Protocol:
        return campaign.PROTOCOL

    def open(self) -> VenueStage:
        return VenueStage(perps, self.protocol(), 0, 2.0 * self.margin)


class TestIsolatedPerps(TestPerps):
    def protocol(self) -> Protocol:
        return campaign.isolated()


class TestPortfolioPerps(TestPerps):
    """What leaves is counted as risk: less is said to be withdrawable than could leave."""

    tight = False

    def protocol(self) -> Protocol:
        return campaign.portfolio()


class TestAave(VenueSuite):
    """Borrow and sell."""

    most = 3.0
    size_unit = 1e-8

    def open(self) -> VenueStage:
        protocol = resolve(load("aave-hedge"))
        assert protocol.aave is not None
        market = protocol.aave.legs[0].market
        return VenueStage(aave, protocol, market, 2.0 * self.margin)
