"""Buffers of events: nothing is lost, and what an order does not say is not said."""

from __future__ import annotations

import pytest

from simulator.books.events import EventLog, note_event
from simulator.books.hooks import BOOK
from simulator.config import load, resolve
from simulator.market.draw import draw
from simulator.model.batch import at
from simulator.model.kernel.jit import kernel
from simulator.model.kernel.kinds import CODE
from simulator.model.kernel.record import Paths
from simulator.model.log import ROOM
from simulator.model.world import ModelWorld
from simulator.types import SimulatorError, Status
from simulator.world.actions import Liquidate, Rebalance

_note_event = note_event


@kernel
def note(paths: Paths) -> None:
    for i in range(paths.states.size):
        _note_event(at(paths, i))


@pytest.fixture(scope="module")
def world() -> ModelWorld:
    config = load("calm", ["paths=2", "horizon_hours=2"])
    return ModelWorld(resolve(config), draw(config.market, 0, 2), BOOK, 2)


def ask(world: ModelWorld, kind: type, status: list[Status]) -> None:
    orders = world.paths.orders
    orders["kind"], orders["status"] = CODE[kind], [int(one) for one in status]


def test_rows_are_in_order_of_time_by_path_and_hold_what_the_order_says(world: ModelWorld) -> None:
    log, logs = EventLog(world.protocol, world.market), world.paths.logs[:-1]
    world.paths.orders["agent"] = 1
    world.paths.orders["account"], world.paths.orders["market"] = 3, 1
    ask(world, Liquidate, [Status.OK, Status.NONE])
    note(world.paths)
    ask(world, Rebalance, [Status.WITHIN_BAND, Status.OK])
    note(world.paths)
    log.take(logs)
    assert not logs["count"].any()
    world.advance(1)
    ask(world, Rebalance, [Status.OK, Status.NONE])
    note(world.paths)
    log.take(logs)
    frame = log.frame()
    assert list(frame["path"]) == [0, 0, 0, 1]
    assert list(frame["step"]) == [0, 0, 1, 0]
    assert list(frame["action"]) == ["Liquidate", "Rebalance", "Rebalance", "Rebalance"]
    assert list(frame["status"]) == ["OK", "WITHIN_BAND", "OK", "OK"]
    # An order keeps account and market of the one before; a rebalance is of neither.
    assert list(frame["account"]) == [3, -1, -1, -1]
    assert list(frame["market"]) == [1, -1, -1, -1]
    assert set(frame["agent"]) == {world.protocol.agents[1].name}
    assert frame["hours"].iloc[2] == world.market.step_seconds / 3_600


def test_what_has_no_room_is_never_dropped_in_silence(world: ModelWorld) -> None:
    log, logs = EventLog(world.protocol, world.market), world.paths.logs[:-1]
    ask(world, Rebalance, [Status.OK, Status.NONE])
    logs["count"][0] = ROOM - 1
    note(world.paths)
    log.take(logs)
    assert len(log.frame()) == ROOM
    logs["count"][0] = ROOM - 1
    note(world.paths)
    note(world.paths)
    with pytest.raises(SimulatorError, match=rf"path 0: {ROOM + 1} events .* room for {ROOM}"):
        log.take(logs)


def test_paths_that_are_not_recorded_leave_no_events() -> None:
    config = load("calm", ["paths=2", "horizon_hours=2"])
    world = ModelWorld(resolve(config), draw(config.market, 0, 2), BOOK, 1)
    ask(world, Rebalance, [Status.OK, Status.OK])
    note(world.paths)
    log = EventLog(world.protocol, world.market)
    log.take(world.paths.logs[:-1])
    assert list(log.frame()["path"]) == [0]


def test_a_run_without_events_leaves_an_empty_frame(world: ModelWorld) -> None:
    frame = EventLog(world.protocol, world.market).frame()
    assert not len(frame)
    assert list(frame)[:3] == ["path", "step", "hours"]
