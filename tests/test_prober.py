"""The prober of ``verify`` tries everything on every path, alike in both worlds, and is heard."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from simulator.agents.base import View
from simulator.chain import world as chain
from simulator.config import load, resolve
from simulator.market.draw import draw
from simulator.model.batch import NO_BOOK
from simulator.model.world import ModelWorld
from simulator.types import Floats, Status
from simulator.verify import attempts, prober, verify_paths
from simulator.world import actions
from simulator.world.actions import Action
from simulator.world.gas import GAS_UNITS
from simulator.world.protocol import Protocol


def protocol_of(name: str) -> Protocol:
    """With the prober among the agents."""
    protocol = resolve(load(name))
    return replace(protocol, agents=(*protocol.agents, prober.slot(protocol)))


def test_every_action_there_is_can_be_tried() -> None:
    declared = {kind for kind in Action.__subclasses__() if kind.__module__ == actions.__name__}
    assert set(attempts.KINDS) == declared == set(GAS_UNITS)
    names = ("aave-hedge", "lending-cascade")
    tried = {kind for name in names for kind in attempts.calls(protocol_of(name))}
    assert tried == declared


@pytest.mark.parametrize("name", ["aave-hedge", "calm", "lending-cascade"])
def test_every_call_has_numbers_enough_for_its_arguments_and_a_world_takes_it(name: str) -> None:
    protocol, market = protocol_of(name), draw(load(name).market, 0, 3).first_steps(4)
    world = ModelWorld(protocol, market)
    world.advance(0)
    view = View(0, market, protocol, world)
    drawn = prober.script(protocol, 7, 0, 3, 4)
    for kind in drawn.kinds:
        for numbers in drawn.numbers.reshape(-1, drawn.numbers.shape[2]).tolist():
            attempt = attempts.Attempt(kind, protocol, view, 1, iter(numbers))
            attempt.draw()
            fields: dict[str, Any] = {**attempt.chosen, **prober.columns([attempt], 3)}
            fill = world.execute(kind(**fields))
            assert (fill.status[[0, 2]] == Status.NONE).all()


def test_what_a_protocol_has_nothing_of_is_left_out() -> None:
    assert actions.LiquidateLoan not in attempts.calls(protocol_of("calm"))


def test_an_action_whose_arguments_nobody_knows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True, eq=False)
    class Novel(Action):
        spec = actions.Swap.spec

        colour: Floats

    monkeypatch.setattr(attempts, "KINDS", (*attempts.KINDS, Novel))
    with pytest.raises(TypeError, match=r"no value for Novel\.colour"):
        attempts.calls(protocol_of("calm"))


def test_a_path_is_probed_alike_whatever_others_are_drawn_with_it() -> None:
    protocol = protocol_of("calm")
    many, alone = (prober.script(protocol, 7, first, n, 60) for first, n in ((0, 5), (3, 1)))
    assert np.array_equal(many.turn[:, 3], alone.turn[:, 0])
    assert np.array_equal(many.call[:, 3], alone.call[:, 0])
    assert np.array_equal(many.numbers[3], alone.numbers[0])
    assert not np.array_equal(many.turn[:, 2], alone.turn[:, 0])


def test_every_action_is_tried_on_every_path_and_most_steps_are_left_alone() -> None:
    drawn = prober.script(protocol_of("aave-hedge"), 7, 0, 6, 400)
    for path in range(6):
        due = drawn.turn[:, path] > 0
        assert 0.15 < due.mean() < 0.35
        assert set(drawn.call[due, path]) == set(range(len(drawn.kinds)))
    assert {prober.BEFORE, prober.AFTER} < set(drawn.turn.ravel().tolist())


@pytest.mark.slow
def test_half_a_hedge_band_is_seen_though_the_keeper_never_asks_inside_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The contracts are deployed with half the band that model and agents know of."""

    class Half(chain.ChainWorld):
        def __init__(self, protocol: Protocol, *more: Any) -> None:
            vault = replace(protocol.vault, hedge_band=0.5 * protocol.vault.hedge_band)
            super().__init__(replace(protocol, vault=vault), *more)
            self.protocol = protocol
            self._begin(NO_BOOK, in_process=True)  # so that what agents see knows nothing of it

    monkeypatch.setattr(chain, "ChainWorld", Half)
    config = load("oracle-lag")
    assert verify_paths(config, 0, 2, 200, probed=0.0).agrees
    first = verify_paths(config, 0, 2, 200).flips[0]  # what follows differs by it
    assert (first.decision.agent, first.decision.action) == ("prober", "Rebalance")
    assert (first.model, first.chain) == ("WITHIN_BAND", "OK")


def test_what_the_prober_tried_is_counted_apart_from_what_the_agents_did() -> None:
    config = load("calm")
    alone, beside = (verify_paths(config, 0, 1, 40, probed) for probed in (0.0, 0.5))
    assert alone.tried == (0, 0)
    assert alone.probes == {}
    calls, refused = beside.tried
    assert 0 < refused < calls
    assert beside.outcomes.keys() == alone.outcomes.keys()
