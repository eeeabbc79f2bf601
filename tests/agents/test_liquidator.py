"""The liquidator goes by what the protocol says a liquidation would bring."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from simulator.types import Status
from simulator.world import actions
from simulator.world.actions import Action
from simulator.world.gas import GAS_UNITS
from tests.agents.runs import PATHS, Ran, run

STEPS, CRASHED = 420, 290
SCENARIOS = ["hedge-liquidation", "liquidation-cascade"]


@pytest.fixture(scope="module", params=SCENARIOS)
def ran(request: pytest.FixtureRequest) -> Ran:
    return run(request.param, steps=STEPS)


def closes(ran: Ran) -> Iterator[tuple[bool, bool]]:
    """Of each liquidation on each path: was its share worth the gas; was the penalty whole."""
    world, log, market = ran
    table = world.protocol.clearing
    for step, action, fill in log.of("liquidator", actions.Liquidate):
        asset = table.markets[action.market].asset
        for path in range(PATHS):
            if fill.status[path] != Status.NONE:
                gas = GAS_UNITS[actions.Liquidate] * market.gas_usd[step, path]
                paid = fill.amount_out[path] * market.oracle_price[0, step, path]
                closed = fill.amount_in[path] * market.oracle_price[asset, step, path]
                whole = paid >= closed * table.liquidation_penalty * (1.0 - 1e-6)
                yield bool(paid * table.liquidator_share > gas), bool(whole)


def test_nothing_it_sends_is_refused(ran: Ran) -> None:
    sent = ran[1].of("liquidator", Action)
    assert sent
    assert all(set(fill.status) <= {Status.NONE, Status.OK} for _, _, fill in sent)


def test_it_is_paid_more_than_gas_or_the_account_could_not_pay(ran: Ran) -> None:
    found = set(closes(ran))
    assert (True, True) in found
    assert (False, True) not in found


@pytest.mark.parametrize("spends", [50.0, 0.0])
def test_nobody_closes_the_bankrupt_who_spends_nothing_for_nothing(spends: float) -> None:
    """Shortly after the crash; the contracts pay a share of a penalty, and these can pay none."""
    gas = f"agents.liquidator.unpaid_gas_usd={spends}"
    done = run("liquidation-cascade", steps=CRASHED, settings=(gas,))
    state = done[0].observe()
    bankrupt = (state.account_value < 0.0) & (np.abs(state.size).sum(axis=1) > 0.0)
    assert bankrupt.any() == (spends == 0.0)  # on some paths it was closed in time
    assert all(worth for worth, _ in closes(done)) == (spends == 0.0)
