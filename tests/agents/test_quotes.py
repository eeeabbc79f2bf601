"""``quote``: what a verb would do, or why it is refused, said without doing it, in every world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from simulator.agents.build import add_agents, build_agents
from simulator.agents.do import part
from simulator.agents.scalar import ScalarAgent
from simulator.books.hooks import BOOK
from simulator.chain.world import ChainWorld
from simulator.config import load, resolve
from simulator.engine.compiled import Loop
from simulator.market.draw import draw
from simulator.model.kernel.codes import OK
from simulator.model.world import ModelWorld
from simulator.world.base import World
from simulator.world.protocol import AgentSlot

PATHS, STEPS, VERBS = 2, 6, 20


@part
def ask(do: Any, verb: int, quote: bool) -> int:  # noqa: PLR0912, PLR0915 (compiled)
    """The verbs, some of them for more than can be had."""
    if verb == 0:
        status = do.swap(-5_000.0, quote=quote)
    elif verb == 1:
        status = do.swap(1e9, quote=quote)
    elif verb == 2:
        status = do.swap(0.5, 1.01 * do.pool_price, quote=quote)
    elif verb == 3:
        status = do.trade(0, -0.25, 0.0, quote=quote)
    elif verb == 4:
        status = do.trade(0, 1e7, 0.0, quote=quote)
    elif verb == 5:
        status = do.post_margin(0, 1_000.0, quote=quote)
    elif verb == 6:
        status = do.post_margin(0, -1e9, quote=quote)
    elif verb == 7:
        status = do.deposit(20_000.0, quote=quote)
    elif verb == 8:
        status = do.redeem(1_000.0, quote=quote)
    elif verb == 9:
        status = do.request_redeem(2_000.0, quote=quote)
    elif verb == 10:
        status = do.settle_withdrawals(0.01, quote=quote)
    elif verb == 11:
        status = do.cancel_request(quote=quote)
    elif verb == 12:
        status = do.redeem_in_kind(100.0, quote=quote)
    elif verb == 13:
        status = do.recenter(quote=quote)
    elif verb == 14:
        status = do.rebalance(quote=quote)
    elif verb == 15:
        status = do.liquidate(0, 0, quote=quote)
    elif verb == 16:
        status = do.provide(0, do.tick - 600.0, do.tick + 600.0, 10.0, 30_000.0, quote=quote)
    elif verb == 17:
        status = do.collect(0, quote=quote)
    elif verb == 18:
        status = do.withdraw(0, 0.5, quote=quote)
    else:
        status = do.top_up(quote=quote)
    return status


@dataclass(eq=False)
class Asker(ScalarAgent):
    """Asks of every verb what it would do, twice, then does it."""

    unlike: int = 0
    moved: int = 0
    done: int = 0
    refused: int = 0
    sum_of_quotes: float = 0.0

    slot = AgentSlot("asker", 1e6, 100.0, has_account=True, margin=(50_000.0,), positions=1)

    @staticmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        for verb in range(VERBS):
            usdc, base, shares = do.wallet_usdc, do.wallet_base, do.wallet_shares
            ask(do, verb, True)
            quoted = ask(do, verb, True)
            paid, got = do.amount_in, do.amount_out
            if usdc != do.wallet_usdc or base != do.wallet_base or shares != do.wallet_shares:
                my.moved += 1
            status = ask(do, verb, False)
            if status != quoted or paid != do.amount_in or got != do.amount_out:
                my.unlike += 1
            if status == OK:
                my.done += 1
            else:
                my.refused += 1
            my.sum_of_quotes += quoted + paid + got


def crowd() -> tuple[Any, list[Any], Any, Asker]:
    config, agent = load("calm", [f"paths={PATHS}"]), Asker()
    protocol = resolve(config)
    protocol, agents = add_agents(protocol, build_agents(config, protocol), [agent])
    return protocol, agents, draw(config.market, 0, PATHS).first_steps(STEPS), agent


def compiled() -> list[Asker]:
    protocol, agents, market, _ = crowd()
    loop = Loop(ModelWorld(protocol, market, BOOK), agents, np.array([0, STEPS]))
    loop.run()
    (minds,) = [m for m in loop._minds.values() if "sum_of_quotes" in (m.dtype.names or ())]
    return [Asker(**{name: mind[name].item() for name in mind.dtype.names}) for mind in minds]


def plain(world: Callable[..., World]) -> list[Asker]:
    """As the plain loop does; the seats are kept, to be looked at."""
    protocol, agents, market, agent = crowd()
    from simulator.engine import loop

    seats: list[Any] = []

    class Seat(loop._Seat):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            if given[1] is agent:
                seats.extend(my for _, my, _ in self._on)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "_Seat", Seat)
        loop.simulate(world(protocol, market), agents)
    return seats


@pytest.fixture(scope="module")
def expected() -> list[Asker]:
    return compiled()


def test_compiled_a_quote_says_what_is_then_done_and_changes_nothing(
    expected: list[Asker],
) -> None:
    for my in expected:
        assert (my.unlike, my.moved) == (0, 0)
        assert my.done > 5 * STEPS
        assert my.refused > 3 * STEPS


@pytest.mark.parametrize("world", [ModelWorld, ChainWorld])
def test_in_plain_python_it_says_the_same(
    expected: list[Asker], world: Callable[..., World]
) -> None:
    for my, model in zip(plain(world), expected, strict=True):
        assert (my.unlike, my.moved) == (0, 0)
        assert (my.done, my.refused) == (model.done, model.refused)
        np.testing.assert_allclose(my.sum_of_quotes, model.sum_of_quotes, rtol=1e-9)
