"""Books of upkeep, limits and capital against the observers of all paths at once.

To be removed with those: ``UpkeepWatch``, ``CapitalWatch``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulator.books.keeper import Books
from simulator.config import Config, load
from simulator.config.random import random_config
from simulator.results.capital import CapitalUse
from simulator.results.capital_watch import CapitalWatch
from simulator.results.upkeep import Upkeep
from simulator.results.upkeep_watch import UpkeepWatch
from simulator.types import Floats
from simulator.world.base import World
from simulator.world.model.world import ModelWorld
from tests.books.watched import VARIED, Watch, run


class _Capital(Watch):
    def __init__(self, world: World) -> None:
        protocol = world.protocol
        own = range(1 + protocol.markets) if protocol.vault.isolated else range(1)
        self.use = CapitalWatch(protocol, own, world.market.paths)

    def stepped(self, step: int, world: World) -> None:
        self.use.add(world.observe(), world.market.oracle_price[:, step])


def same(found: Any, expected: Floats, name: str) -> None:
    scale = np.max(np.abs(expected), where=np.isfinite(expected), initial=0.0)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * scale, err_msg=name)
    if expected.dtype.kind == "i":
        np.testing.assert_array_equal(found, expected, err_msg=name)


def check(config: Config) -> dict[str, Any]:
    """The columns, which are those of the observers."""
    keeper = config.agents.keeper
    least = 0.0 if keeper is None else keeper.minimum_profit_usd

    made: list[Upkeep] = []

    def watching(world: ModelWorld, books: Books) -> list[Any]:
        made.append(Upkeep(books, world, least))
        return [UpkeepWatch(world, least), _Capital(world)]

    _, books, (watch, capital) = run(config, watching)
    columns, expected = made[0].columns(), watch.columns()
    assert list(columns) == list(expected)
    for name, values in expected.items():
        same(columns[name], values, name)
    use = CapitalUse(books)
    same(use.efficiency(), capital.use.efficiency(), "efficiency")
    same(use.share_of_nav(), capital.use.share_of_nav(), "share of NAV")
    return columns


@pytest.mark.parametrize(("name", "overrides"), VARIED)
def test_columns_are_the_same(name: str, overrides: list[str]) -> None:
    columns = check(load(name, ["paths=6", *overrides]))
    saying = [name for name, values in columns.items() if np.nan_to_num(values).any()]
    assert len(saying) > 15, saying


@pytest.mark.slow
@pytest.mark.parametrize("number", range(8))
def test_so_they_are_in_random_scenarios(number: int) -> None:
    check(random_config(20_261_130, number).model_copy(update={"paths": 8}))
