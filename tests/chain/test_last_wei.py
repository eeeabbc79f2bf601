"""The last wei, finer than the model can count: neither in a leaver's way, nor left behind.

Both found by the prober of ``verify``. The slice of an account in which a liquidation's rounding
left a wei asked the receiver for his consent; and who bought all the collateral of an account in
debt left some thousand wei of it on chain, which kept the debt from being written off.
"""

from __future__ import annotations

import numpy as np
import pytest

from simulator.agents.build import build_agents
from simulator.chain.evm.codec import word
from simulator.chain.world import ChainWorld
from simulator.config import load, resolve
from simulator.engine import simulate
from simulator.market.draw import draw
from simulator.model.world import ModelWorld
from simulator.types import Status
from simulator.world.actions import LiquidateCollateral, PostMargin, RedeemInKind, Swap

LIQUIDATED = 310  # step by which the liquidator has closed the hedge of these paths
PATHS = 4


@pytest.mark.slow
def test_who_leaves_in_kind_needs_no_consent_for_less_than_a_unit() -> None:
    config = load("hedge-liquidation")
    protocol, market = resolve(config), draw(config.market, 0, PATHS).first_steps(LIQUIDATED)
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


def test_all_the_collateral_of_an_account_is_all_of_it_on_chain() -> None:
    config = load("calm")
    protocol, market = resolve(config), draw(config.market, 0, 1).first_steps(1)
    (trader,) = (i for i, slot in enumerate(protocol.agents) if slot.name == "noise_trader")
    account, nothing = protocol.account_of(trader), np.zeros(1)
    base = next(i for i, c in enumerate(protocol.clearing.collaterals) if c.asset == 1)
    world = ChainWorld(protocol, market)
    world.advance(0)
    world.execute(Swap(trader, np.array([-12_345.678901]), nothing, nothing))
    world.execute(PostMargin(trader, base, world.observe().wallet_base[trader].copy()))
    seen = world.observe().collateral[account, base].copy()
    held = world.sources[0].read("collateral")[
        world.layout.lens["collateral"].word(account, base - 1)
    ]
    assert held != int(seen[0] * 1e18), "float64 counts it: the test sees nothing"
    buyer = next(i for i, slot in enumerate(protocol.agents) if slot.name == "liquidator")
    (batch,) = world._translator.batches(LiquidateCollateral(buyer, account, base, seen))
    assert word(batch.calls[0][1][4:], 2) == held
    world.close()
