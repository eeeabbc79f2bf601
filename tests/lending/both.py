"""A lending market in both worlds, on one path whose prices a test sets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simulator.chain.world import ChainWorld
from simulator.config import Config, from_mapping, load, resolve
from simulator.market.draw import draw
from simulator.model.world import ModelWorld
from simulator.protocol.state.table import SHOWN
from simulator.types import Status
from simulator.verify import TOLERANCE
from simulator.world.actions import Fill, LiquidateBorrower
from simulator.world.base import Observation, World

ONE = np.ones(1)
ASSETS = ("USDC", "ETH", "BTC")
#: At the start, USD.
PRICES = {"USDC": 1.0, "ETH": 2000.0, "BTC": 30000.0}
#: Nobody pays interest.
FREE = {"base_rate": 0.0, "slope1": 0.0, "slope2": 0.0}


def reserve(supplied: float, ltv: float, threshold: float, **others: Any) -> dict[str, Any]:
    terms = {"ltv": ltv, "liquidation_threshold": threshold, "liquidation_bonus": 0.05}
    return {"supplied": supplied, **terms, **FREE, **others}


def market(borrowers: dict[str, Any], **others: Any) -> dict[str, Any]:
    """A market that lends for nothing; a tenth of the bonus goes to the treasury."""
    reserves = {
        "USDC": reserve(1e8, 0.70, 0.75),
        "ETH": reserve(1e5, 0.75, 0.80),
        "BTC": reserve(5e3, 0.70, 0.75),
    }
    return {"reserves": reserves, "borrowers": borrowers, **others}


def config_of(lending: dict[str, Any], **agent: Any) -> Config:
    """The scenario with another lending market, on prices that no flow moves."""
    data = load("lending-cascade").model_dump(mode="json")
    for symbol, price in PRICES.items():
        data["assets"][symbol]["price"] = price
    data |= {"impact": None, "lending": lending, "shocks": []}
    data["agents"]["borrower_liquidator"] |= {"usdc": 1e8, "base": 1e4, **agent}
    return from_mapping(data)


class Both:
    """Both worlds, advanced and acted on together; ``moves``: factors on prices, by step."""

    def __init__(self, config: Config, *moves: dict[str, float]) -> None:
        self.protocol = resolve(config)
        path = draw(config.market, 0, 1).first_steps(max(len(moves), 1))
        steps = path.index.shape[1]
        price = np.repeat([a.price for a in self.protocol.assets], steps).reshape(-1, steps)
        for step, factors in enumerate(moves, start=1):
            for symbol, factor in factors.items():
                price[config.symbols.index(symbol), step:] *= factor
        index = price[:, :, None].copy()
        times = np.arange(steps)[None, :, None] * float(path.step_seconds)
        quiet = replace(
            path,
            index=index,
            oracle_price=index.copy(),
            oracle_time=np.broadcast_to(times, index.shape).copy(),
            pool_depth=np.ones((steps, 1)),
            perp_depth=np.ones((steps, 1)),
        )
        self.worlds: tuple[World, World] = (
            ModelWorld(self.protocol, quiet),
            ChainWorld(self.protocol, quiet),
        )
        slots = [slot.name for slot in self.protocol.agents]
        self.liquidator = slots.index("borrower_liquidator")
        self.poor = slots.index("keeper")
        self.price, self.step = price, 0
        self.largest: dict[str, Any] = dict.fromkeys(SHOWN, 0.0)
        self.worlds[0].advance(0)
        self.worlds[1].advance(0)
        self.agree()

    def advance(self) -> None:
        self.step += 1
        for world in self.worlds:
            world.advance(self.step)
        self.agree()

    def liquidate(
        self, borrower: int, seized: int, repaid: int, amount: float = 1e9, actor: int | None = None
    ) -> tuple[Status, float, float]:
        """Status, paid and taken, the same in both worlds, which agree afterwards.

        An ``amount`` that is more than is owed means all that may be repaid.
        """
        who = self.liquidator if actor is None else actor
        action = LiquidateBorrower(who, borrower, seized, repaid, ONE * amount)
        fills: list[Fill] = [world.execute(action) for world in self.worlds]
        statuses = [Status(int(fill.status[0])) for fill in fills]
        assert statuses[0] is statuses[1], (statuses, borrower, seized, repaid, amount)
        for name in ("amount_in", "amount_out"):
            ours, theirs = (float(getattr(fill, name)[0]) for fill in fills)
            assert ours == pytest.approx(theirs, rel=TOLERANCE, abs=1e-12), name
        self.agree()
        return statuses[1], float(fills[1].amount_in[0]), float(fills[1].amount_out[0])

    def agree(self) -> None:
        """Every variable, as the model has it and as the contracts report it.

        Measured as ``hedgesim verify`` does, against the largest it has been on the way: what is
        left of a large amount is no more exact in float64 than that.
        """
        model, chain = self.worlds[0].observe(), self.worlds[1].reported()
        for name, largest in self.largest.items():
            ours, theirs = getattr(model, name), getattr(chain, name)
            assert ours.shape == theirs.shape, name
            self.largest[name] = np.maximum(largest, np.abs(theirs))
            error = np.abs(ours - theirs) / np.maximum(
                self.largest[name], SHOWN[name].compared.dust
            )
            assert np.max(error, initial=0.0) <= TOLERANCE, name

    @property
    def state(self) -> Observation:
        """As the contracts report it."""
        return self.worlds[1].reported()

    def usd(self, listing: int) -> float:
        """Aave's price of a listing's asset now."""
        assert self.protocol.lending is not None
        return float(self.price[self.protocol.lending.listings[listing].asset, self.step])
