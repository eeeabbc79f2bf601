"""Entry and exit fees: what those who come and go leave to those who stay."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from simulator.agents.base import View
from simulator.agents.build import add_agents
from simulator.books.hooks import BOOK
from simulator.books.keeper import Books
from simulator.config import Config, resolve
from simulator.engine import simulate
from simulator.market.draw import draw
from simulator.model.kernel.record import View as Fields
from simulator.model.world import ModelWorld
from simulator.results.attribution import Attribution
from simulator.types import Floats
from simulator.world.actions import (
    Action,
    Deposit,
    Redeem,
    RedeemInKind,
    RequestRedeem,
    SettleWithdrawals,
)
from tests.results.test_attribution import Script, Scripted, always, opening


def play(config: Config, script: Script) -> tuple[Scripted, Fields, Fields, Attribution]:
    agent = Scripted(script)
    protocol, agents = add_agents(resolve(config), [], [agent])
    world = ModelWorld(protocol, draw(config.market, 0, config.paths), BOOK)
    books = Books(world)
    attribution, price = Attribution(books), books.view.share_price
    simulate(world, agents, [books])
    attribution.check()
    return agent, books.view.entries, price, attribution


def test_fees_of_others_are_all_that_a_share_of_an_idle_vault_gains(quiet: Config) -> None:
    script: Script = {
        0: [lambda view, me: Deposit(me, np.full(quiet.paths, 1e6))],
        1: [lambda view, me: Deposit(me, np.full(quiet.paths, 5e5))],
        3: [lambda view, me: Redeem(me, view.state.wallet_shares[me] / 2)],
    }
    agent, fees, price, attribution = play(quiet, script)
    rate, usdc = 0.005, quiet.assets["USDC"].price
    paid = agent.fills[2].amount_out
    # Nobody is there to gain from the first deposit.
    expected = (rate * 5e5 + paid * rate / (1 - rate)) * usdc
    np.testing.assert_allclose(fees.usd, expected, rtol=1e-6)
    # The first depositor paid 1e6 for shares worth 1e6: the fee stayed with itself.
    bought = 1e6 * usdc / (agent.fills[0].amount_out * price.first)
    np.testing.assert_allclose(bought, 1.0)
    np.testing.assert_allclose(price.now / price.first, fees.growth, rtol=1e-6)
    assert np.abs(attribution.buckets.sum(axis=0)).max() < 1e-6


@pytest.mark.parametrize("queued", [False, True])
def test_an_exit_that_has_to_sell_pays_for_it_out_of_its_fee(quiet: Config, queued: bool) -> None:
    leave: list[Callable[[View, int], Action]] = [
        lambda view, me: Redeem(me, view.state.wallet_shares[me] / 2)
    ]
    if queued:
        leave = [
            lambda view, me: RequestRedeem(me, view.state.wallet_shares[me] / 2),
            lambda view, me: SettleWithdrawals(me, np.ones(quiet.paths), always(quiet.paths)),
        ]
    before: list[Floats] = []

    def noted(view: View, me: int) -> Action:
        before.append(view.state.nav / view.state.shares)
        return leave[0](view, me)

    _, fees, price, attribution = play(quiet, {0: opening(quiet), 9: [noted, *leave[1:]]})
    cost = -(attribution.leg(("perp_fees", "perp_spread", "perp_premium")))
    assert (cost > 0.0).all()
    assert (fees.usd > 0.0).all()
    # What a remaining share gains is the fee less what the sale cost.
    assert (price.now[0] < before[0] * fees.growth).all()


def test_an_exit_in_kind_leaves_its_fee_too(quiet: Config) -> None:
    navs: list[Floats] = []

    def leave(view: View, me: int) -> Action:
        navs.append(view.state.nav.copy())
        return RedeemInKind(me, view.state.wallet_shares[me] / 4)

    _, fees, _, _ = play(quiet, {0: opening(quiet), 2: [leave]})
    np.testing.assert_allclose(fees.usd, 0.25 * 0.005 * navs[0], rtol=1e-3)


def test_who_comes_back_in_small_pieces_inherits_nobody_s_fortune(quiet: Config) -> None:
    """What leavers left to half a hundredth of the shares was told as a gain of whoever came."""
    pieces: Script = {
        step: [lambda view, me: Deposit(me, np.full(quiet.paths, 3e3))] for step in range(5, 15)
    }
    script: Script = {
        0: [lambda view, me: Deposit(me, np.full(quiet.paths, 1e6))],
        2: [lambda view, me: Redeem(me, view.state.wallet_shares[me] * 0.995)],
        **pieces,
    }
    _, _, price, _ = play(quiet, script)
    assert np.all(np.abs(price.now / price.first - 1.0) < 0.02)
