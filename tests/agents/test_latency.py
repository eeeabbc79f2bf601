"""``latency_blocks``: what is decided at a step is carried out some steps later, in every world."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from simulator.agents.base import Agent
from simulator.agents.build import add_agents, build_agents
from simulator.agents.scalar import ScalarAgent
from simulator.books.events import event_names
from simulator.books.hooks import BOOK
from simulator.books.keeper import Books
from simulator.books.recorder import Records
from simulator.chain.world import ChainWorld
from simulator.config import load, resolve
from simulator.engine import simulate
from simulator.engine.compiled import Loop
from simulator.engine.latency import A_STEP
from simulator.market.draw import draw
from simulator.model.world import ModelWorld
from simulator.results.rows import frame_of, rows_of
from simulator.testing.agent import unlike
from simulator.types import InputError
from simulator.verify.running import verify_paths
from simulator.world.base import World
from simulator.world.protocol import AgentSlot

PATHS, STEPS, LATENCY = 2, 80, 2  # more steps than the compiled loop lays out at a time
SLOW = tuple(
    f"agents.{name}.latency_blocks={LATENCY}"
    for name in ("amm_arbitrageur", "keeper", "risk_manager")
)


@dataclass(eq=False)
class Patient(ScalarAgent):
    """Sells a little more of USDC at each step, twice; notes what it is told at once."""

    times: int = 2
    told: int = 0
    quoted: int = 0

    slot = AgentSlot("patient", 1e6, 0.0, has_account=False, latency_blocks=LATENCY)

    @staticmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        for place in range(my.times):
            my.told += do.swap(-100.0 - do.step - 0.25 * place)
            my.told += int(do.amount_in + do.amount_out)
        if do.swap(-50.0, quote=True) == 1 and do.amount_out > 0.0:
            my.quoted += 1


def setting(
    settings: Sequence[str], newcomers: Sequence[Agent] = ()
) -> tuple[Any, list[Agent], Any]:
    config = load("calm", [f"paths={PATHS}", *settings])
    protocol = resolve(config)
    protocol, agents = add_agents(protocol, build_agents(config, protocol), newcomers)
    return protocol, agents, draw(config.market, 0, PATHS).first_steps(STEPS)


def compiled(
    settings: Sequence[str], newcomers: Sequence[Agent] = (), recorded: int = PATHS
) -> tuple[Any, Loop]:
    protocol, agents, market = setting(settings, newcomers)
    world = ModelWorld(protocol, market, BOOK, recorded)
    loop = Loop(world, agents, np.array([0, STEPS]))
    loop.run()
    return world.paths, loop


def events_of(records: Records, world: World) -> Any:
    return frame_of(rows_of(records.log.columns()), event_names(world.protocol))


def plain(settings: Sequence[str], newcomers: Sequence[Agent] = ()) -> tuple[Any, Records]:
    protocol, agents, market = setting(settings, newcomers)
    world = ModelWorld(protocol, market, BOOK, PATHS)
    records = Records(world, np.array([0, STEPS]))
    simulate(world, agents, [Books(world), records])
    return world.paths, records


def test_compiled_and_plain_do_the_same_and_not_what_is_done_at_once() -> None:
    slow, other = compiled(SLOW)[0], plain(SLOW)[0]
    assert unlike(other.states, slow.states) == []
    assert unlike(other.books, slow.books) == []
    assert unlike(compiled(())[0].states, slow.states) != []


def test_the_chain_does_the_same() -> None:
    found = verify_paths(load("calm", ["paths=1", *SLOW]), 0, 1, 24, probed=0.0)
    assert found.agrees, found.to_json()


def test_orders_arrive_when_they_are_said_to_in_the_order_they_were_sent() -> None:
    agent = Patient()
    _, loop = compiled((), [agent])
    events = events_of(loop.records, loop.world)
    expected = [
        (step + LATENCY, 100.0 + step + 0.25 * place)
        for step in range(STEPS + 1 - LATENCY)
        for place in range(2)
    ]
    for path in range(PATHS):
        mine = events[(events["agent"] == "patient") & (events["path"] == path)]
        found = [*zip(mine["step"], mine["amount_in"], strict=True)]
        assert found == expected
    (mind,) = [m for m in loop._minds.values() if "quoted" in (m.dtype.names or ())]
    assert mind["told"].tolist() == [0] * PATHS
    assert mind["quoted"].tolist() == [STEPS + 1] * PATHS
    _, records = plain((), [Patient()])
    assert events_of(records, loop.world).equals(events)


def on(world: Callable[..., World]) -> World:
    protocol, agents, market = setting((), [Patient()])
    market = market.first_steps(6)
    made = world(protocol, market)
    simulate(made, agents)
    return made


def test_a_users_agent_waits_on_the_chain_too() -> None:
    model, chain = on(ModelWorld).observe(), on(ChainWorld).observe()
    np.testing.assert_allclose(chain.wallet_usdc, model.wallet_usdc, rtol=1e-9)
    spent = 1e6 - model.wallet_usdc[-1]
    np.testing.assert_allclose(spent, sum(2 * (100.0 + s) + 0.25 for s in range(5)), rtol=1e-9)


def test_more_than_there_is_room_for_is_refused() -> None:
    said = r"Swap of patient: too many orders wait; allowed: "
    compiled((), [Patient(times=A_STEP)], recorded=0)
    with pytest.raises(InputError, match=said):
        compiled((), [Patient(times=A_STEP + 1)], recorded=0)
    with pytest.raises(InputError, match=said):
        plain((), [Patient(times=A_STEP + 1)])


@dataclass(eq=False)
class Watchful(ScalarAgent):
    """Orders once, and notes what it is told of it and when it sees it; then what is refused."""

    told: float = 0.0
    seen: int = -1

    slot = AgentSlot("watchful", 1e6, 0.0, has_account=False, latency_blocks=LATENCY)
    metrics = ("told", "seen")

    @staticmethod
    def act(do: Any, my: Any) -> None:  # type: ignore[override]
        my.told += do.amount_in + do.amount_out  # of what arrived
        if my.seen < 0 and do.wallet_usdc < 1e6:
            my.seen = do.step
        my.told += do.swap(-100.0 if do.step == 1 else -1e9)


def test_what_came_of_an_order_is_seen_as_it_arrives_and_never_told() -> None:
    """A block is a step, whatever its length."""
    for minutes in (60, 5):
        settings = (f"step_minutes={minutes}",)
        protocol, agents, market = setting(settings, [Watchful()])
        plainly = simulate(ModelWorld(protocol, market.first_steps(6)), agents)
        counted = compiled(settings, [Watchful()])[1].counted()
        for found in (plainly, counted):
            assert found["watchful_told"].tolist() == [0.0] * PATHS
            assert found["watchful_seen"].tolist() == [1 + LATENCY] * PATHS


@pytest.mark.parametrize("given", ["-1", "0.5", "101"])
def test_a_latency_is_a_number_of_steps(given: str) -> None:
    with pytest.raises(InputError, match=r"agents\.keeper\.latency_blocks = .*must be"):
        load("calm", [f"agents.keeper.latency_blocks={given}"])


def test_another_latency_is_another_wait() -> None:
    found = []
    for latency in (0, 1, 5):
        slot = replace(Patient.slot, latency_blocks=latency)
        agent = Patient()
        agent.slot = slot
        _, loop = compiled((), [agent])
        events = events_of(loop.records, loop.world)
        found.append(int(events[events["agent"] == "patient"]["step"].min()))
    assert found == [0, 1, 5]
