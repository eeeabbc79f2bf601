"""Every term of the attribution is the same in both worlds."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.agents.build import build_agents
from simulator.books.buckets import BUCKETS
from simulator.books.hooks import BOOK
from simulator.books.keeper import Books
from simulator.chain.world import ChainWorld
from simulator.config import load, resolve
from simulator.engine import simulate
from simulator.market.draw import draw
from simulator.model.world import ModelWorld
from simulator.results.attribution import Attribution

STEPS = 48


@pytest.mark.parametrize(("name", "entries"), [("calm", True), ("aave-hedge", False)])
def test_both_worlds_split_the_result_alike(name: str, entries: bool) -> None:
    config = load(name, ["paths=1", "flow.deposits.flow_per_day=0.2"])
    protocol, market = resolve(config), draw(config.market, 0, 1).first_steps(STEPS)
    found, fees = [], []
    for kind in (ModelWorld, ChainWorld):
        world = kind(protocol, market, book=BOOK)
        books = Books(world)
        simulate(world, build_agents(config, protocol), [books])
        attribution = Attribution(books)
        attribution.check()
        world.close()
        found.append(attribution.buckets)
        fees.append(books.view.entries.usd)
    atol = 1e-8 * attribution.largest_nav.max()
    for row, term in enumerate(BUCKETS):
        np.testing.assert_allclose(found[0][row], found[1][row], atol=atol, err_msg=term)
    for term in ("perp_fees", "perp_spread", "perp_premium", "pool_fees", "hedge_drift"):
        assert np.abs(found[0][BUCKETS.index(term)]).min() > 1.0
    np.testing.assert_allclose(fees[0], fees[1], atol=atol)
    assert (fees[0].min() > 1.0) == entries
