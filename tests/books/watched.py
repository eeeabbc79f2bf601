"""A run of the model with books, and what is asked of one path's record in a test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from simulator.agents.base import Agent
from simulator.books.hooks import BOOK
from simulator.books.keeper import Books
from simulator.books.metric import Ended
from simulator.config import Config
from simulator.engine import Observer, simulate
from simulator.market.draw import draw
from simulator.model.world import ModelWorld
from simulator.runner import Plan
from simulator.world.actions import Action, Fill
from simulator.world.base import World

#: Configurations, by name and overrides, in which every book has something to say.
VARIED: list[tuple[str, list[str]]] = [
    ("calm", ["clearing.markets.BTC.max_skew_usd=4e5"]),
    ("liquidation-cascade", ["clearing.margin=isolated"]),
    ("aave-hedge", []),
    ("correlation-breakdown", ["clearing.margin=portfolio"]),
    ("hedge-liquidation", []),
]


class Watch:
    """Observer that notes nothing: to be derived from."""

    def advanced(self, step: int, world: World) -> None: ...

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None: ...

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None: ...

    def stepped(self, step: int, world: World) -> None: ...


def ended(world: ModelWorld, books: Books) -> Ended:
    """A run that is over, as metrics read it."""
    return Ended(books.view, world.observe(), world.market, world.protocol, 1.0)


def run(
    config: Config, observers: Callable[[ModelWorld, Books], Sequence[Observer]]
) -> tuple[ModelWorld, Books, Sequence[Any]]:
    """All steps of all paths; ``observers`` are told after the books."""
    protocol, agents = Plan(config, "model", (), 1).setting()
    world = ModelWorld(protocol, draw(config.market, 0, config.paths), BOOK)
    books = Books(world)
    watching = observers(world, books)
    simulate(world, agents, [books, *watching])
    return world, books, watching
