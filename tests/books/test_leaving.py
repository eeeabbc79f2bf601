"""A vault that closes against insolvent accounts, and one that is closed by who leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from simulator.agents.base import View
from simulator.agents.build import add_agents
from simulator.books.hooks import BOOK
from simulator.books.keeper import Books
from simulator.engine import simulate
from simulator.model.world import ModelWorld
from simulator.results.attribution import Attribution
from simulator.types import Floats, Status
from simulator.world.actions import Action, Deposit, PostBetas, Rebalance, Recenter, Trade
from simulator.world.protocol import AgentSlot
from tests.model import campaign
from tests.model.venue import ETH, YES, protocol
from tests.results.test_attribution import Diary, Script, Scripted

BIG = np.array([1e12])
NONE = np.zeros(1)
Order = Callable[[View, int], Action]
DEBT = 2_000.0  # of the trader on 100 ETH: 20 a unit


class Crowd(Scripted):
    """Another trader with an account."""

    slot = AgentSlot("crowd", 1e6, 0.0, True, (38_000.0, 0.0))


def play(manager: Script, trader: Script, eth: tuple[float, ...]) -> tuple[Diary, ModelWorld]:
    market = campaign.calm_market(1, len(eth) - 1)
    index, price = market.index.copy(), market.oracle_price.copy()
    index[1, :, 0] = price[1, :, 0] = eth
    terms = protocol()
    vault = replace(terms.vault, max_slippage=0.05, beta_max_change=2.0, beta_interval=0)
    scripted = [Scripted(manager), Crowd(trader)]
    terms, agents = add_agents(replace(terms, vault=vault), [], scripted)
    world = ModelWorld(terms, replace(market, index=index, oracle_price=price), BOOK)
    books = Books(world)
    attribution = Attribution(books)
    diary = Diary(attribution)
    simulate(world, agents, [books, diary])
    attribution.check()
    fills = [fill for agent in scripted for fill in agent.fills]
    assert all((fill.status == Status.OK).all() for fill in fills), [f.status for f in fills]
    return diary, world


def betas(eth: float) -> Floats:
    return np.array([[eth], [0.0]])


OPENING: list[Order] = [
    lambda view, me: Deposit(me, np.full(1, 1e6)),
    lambda view, me: PostBetas(me, betas(0.8), YES),
    lambda view, me: Recenter(me, YES),
    lambda view, me: Rebalance(me, YES),
]


def order(size: float) -> Order:
    return lambda view, me: Trade(me, ETH, np.array([size]), BIG if size > 0 else NONE)


def test_what_the_vault_gives_where_it_leaves_is_loss_sharing() -> None:
    """Its short gains; it halves it while the trader, long 100 ETH, owes 20 a unit."""
    manager: Script = {
        0: OPENING,
        1: [lambda view, me: PostBetas(me, betas(0.4), YES), lambda view, me: Rebalance(me, YES)],
    }
    diary, world = play(manager, {0: [order(100.0)]}, (2_000.0, 1_600.0, 1_600.0))
    account = world.protocol.account_of(1)
    left = float(world.observe().size[account, ETH, 0])
    met = 100.0 - left
    assert met > 10.0
    moved = diary.moved(1)
    assert moved["loss_sharing"][0] == pytest.approx(-met * DEBT / 100.0, rel=1e-6)
    assert diary.attribution.deleveraged[0] == pytest.approx(met * 1_600.0)


def test_the_vault_is_told_when_who_leaves_closes_its_insolvent_short() -> None:
    """Its margin is gone at four times the price, and a long of the crowd leaves."""
    diary, world = play({0: OPENING}, {0: [order(100.0)], 1: [order(-100.0)]}, (2e3, 9e3, 9e3))
    # It is closed as whoever is liquidated: at what it owes, which others bear.
    assert diary.attribution.deleveraged[0] == 0.0
    assert diary.attribution.bucket("loss_sharing")[0] > 0.0
    assert float(world.observe().size[0, ETH, 0]) > -300.0
