"""A wei that a liquidation's rounding leaves in the vault's account is not in a leaver's way.

Found by the prober of ``verify``: the slice of such an account, worth nothing, asked the receiver
for his consent at the ClearingHouse and for an account without a position.
"""

from __future__ import annotations

import numpy as np
import pytest

from simulator.agents.build import build_agents
from simulator.config import load, resolve
from simulator.engine import simulate
from simulator.market.draw import draw
from simulator.types import Status
from simulator.world.actions import RedeemInKind
from simulator.world.chain.world import ChainWorld
from simulator.world.model.world import ModelWorld

LIQUIDATED = 310  # step by which the liquidator has closed the hedge of these paths
PATHS = 4


@pytest.mark.slow
def test_who_leaves_in_kind_needs_no_consent_for_less_than_a_unit() -> None:
    config = load("hedge-liquidation")
    protocol, market = resolve(config), draw(config, 0, PATHS).first_steps(LIQUIDATED)
    (leaver,) = (i for i, slot in enumerate(protocol.agents) if slot.name == "depositor")
    assert not protocol.agents[leaver].has_account
    given = []
    for kind in (ModelWorld, ChainWorld):
        world = kind(protocol, market)
        simulate(world, build_agents(config, protocol))
        state = world.observe()
        flat = np.all(state.size[0] == 0.0, axis=0) & (np.abs(state.cash[0]) < 1e-6)
        left = np.array(state.cash[0])
        fill = world.execute(RedeemInKind(leaver, np.where(flat, 1_000.0, 0.0)))
        assert (fill.status[flat] == Status.OK).all()
        given.append((flat, fill.amount_out.copy(), left))
        world.close()
    (ours, part, _), (theirs, its_part, wei) = given
    assert np.array_equal(ours, theirs)
    np.testing.assert_allclose(part, its_part, rtol=1e-9)
    assert (wei[theirs] != 0.0).any(), "no path left a wei: the test sees nothing"
