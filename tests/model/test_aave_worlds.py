"""A vault with a hedge on Aave: model against contracts, action by action and in a storm."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.chain.world import ChainWorld
from simulator.config import load
from simulator.config.resolve import resolve
from simulator.market.draw import draw
from simulator.model.world import ModelWorld
from simulator.protocol.state.table import SHOWN
from simulator.types import Status
from simulator.verify import TOLERANCE, relative_error, verify_paths
from simulator.world.actions import (
    Action,
    Deleverage,
    Deposit,
    LiquidateLoan,
    PostBetas,
    Rebalance,
    Recenter,
    Redeem,
    RedeemInKind,
    RequestRedeem,
    SettleWithdrawals,
    Swap,
    TopUp,
)
from simulator.world.base import Observation, World

ONE, YES = np.ones(1), np.array([True])
NOTHING = np.zeros(1)
BTC = 2  # among the assets
STEPS = 6


STORM = ("shocks.0.at_hours=50", "shocks.0.ramp_hours=3", "shocks.0.size=0.9")
JUMP = ("shocks.0.at_hours=50", "shocks.0.ramp_hours=1", "shocks.0.size=1.6")
TWO_LEGS = (
    "vault.venues={BTC: aave, SOL: aave}",
    "aave.assets={BTC: {supplied: 2000, pool_usd: 5e8}, SOL: {supplied: 1e5, pool_usd: 3e8}}",
)


@pytest.mark.parametrize(
    ("settings", "seen"),
    [
        (JUMP, {"LiquidateLoan", "Rebalance"}),  # worth less than nothing: topped up no more
        ((*STORM, "clearing.margin=isolated"), {"TopUp", "Deleverage", "LiquidateLoan"}),
        ((*STORM, "clearing.margin=portfolio"), {"TopUp", "Deleverage", "LiquidateLoan"}),
        ((*STORM, *TWO_LEGS), {"TopUp", "Redeem"}),
    ],
    ids=["a jump", "isolated perps", "pledged liquidity", "both hedges on Aave"],
)
def test_the_worlds_agree_while_bitcoin_about_doubles(
    settings: tuple[str, ...], seen: set[str]
) -> None:
    comparison = verify_paths(load("aave-hedge", settings), 0, 3, 90, probed=0.0)
    assert comparison.flips == ()
    assert comparison.worst <= TOLERANCE
    assert all(comparison.outcomes[action]["OK"] > 0 for action in seen)


class Both:
    """Both worlds on one path on which only BTC moves, by ``rises`` per step."""

    def __init__(self, rises: tuple[float, ...]) -> None:
        config = load("aave-hedge")
        self.protocol = resolve(config)
        path = draw(config.market, 0, 1).first_steps(STEPS)
        price = np.repeat([a.price for a in self.protocol.assets], STEPS + 1).reshape(-1, STEPS + 1)
        price[BTC] *= np.pad(np.array(rises), (0, STEPS + 1 - len(rises)), mode="edge")
        index = price[:, :, None].copy()
        ones = np.ones((STEPS + 1, 1))
        times = np.broadcast_to(
            np.arange(STEPS + 1.0)[None, :, None] * path.step_seconds, index.shape
        )
        market = replace(
            path,
            index=index,
            oracle_price=index.copy(),
            oracle_time=times.copy(),
            pool_depth=ones,
            perp_depth=ones,
        )
        self.worlds: tuple[World, World] = (
            ModelWorld(self.protocol, market),
            ChainWorld(self.protocol, market),
        )
        self.agent = [slot.name for slot in self.protocol.agents].index
        self.step = -1

    def advance(self) -> None:
        self.step += 1
        for world in self.worlds:
            world.advance(self.step)
        self.agree()

    def do(self, action: Action, expected: Status = Status.OK) -> float:
        """What the action gave, the same in both worlds."""
        fills = [world.execute(action) for world in self.worlds]
        assert [Status(int(fill.status[0])) for fill in fills] == [expected, expected], action
        for name in ("amount_in", "amount_out"):
            ours, theirs = (getattr(fill, name)[0] for fill in fills)
            assert ours == pytest.approx(theirs, rel=TOLERANCE)
        self.agree()
        return float(fills[1].amount_out[0])

    def agree(self) -> None:
        """Every variable, however the contracts themselves report it."""
        model, chain = self.worlds[0].observe(), self.worlds[1].reported()
        for name in SHOWN:
            ours, theirs = getattr(model, name), getattr(chain, name)
            assert ours.shape == theirs.shape, name
            assert relative_error(ours[None], theirs[None]) <= TOLERANCE, name

    @property
    def state(self) -> Observation:
        return self.worlds[0].observe()


def opened(rises: tuple[float, ...], *betas: float) -> Both:
    """Two million deposited by two actors, liquidity placed, hedges on."""
    both = Both(rises)
    both.advance()
    both.do(Deposit(both.agent("depositor"), ONE * 1.5e6))
    both.do(Deposit(both.agent("leg_arbitrageur"), ONE * 5e5))
    both.do(PostBetas(both.agent("risk_manager"), np.array(betas)[:, None], YES))
    both.do(Recenter(both.agent("keeper"), YES))
    both.do(Rebalance(both.agent("keeper"), YES))
    return both


def test_a_vault_lives_on_both_venues_alike_in_both_worlds() -> None:
    both = opened((1.0, 1.01, 1.3, 1.3, 1.3), 0.8, 0.15)
    keeper, depositor = both.agent("keeper"), both.agent("depositor")
    assert both.state.aave_debt[0, 0] > 0.0
    both.advance()
    both.do(Rebalance(keeper, YES), Status.WITHIN_BAND)
    both.advance()
    both.do(TopUp(keeper, YES))
    both.do(Deleverage(keeper, YES), Status.MARGIN_SUFFICIENT)
    both.do(Redeem(depositor, ONE * 2e5))
    both.do(RequestRedeem(depositor, ONE * 4e5))
    both.do(SettleWithdrawals(keeper, ONE, YES))
    both.advance()
    both.do(PostBetas(both.agent("risk_manager"), np.array([[-0.1], [0.1]]), YES),
            Status.BETA_TOO_FAST)  # fmt: skip
    both.do(Swap(both.agent("leg_arbitrageur"), ONE * 20.0, NOTHING, NOTHING, leg=0))
    both.do(Swap(both.agent("leg_arbitrageur"), ONE * -1e6, NOTHING, NOTHING, leg=0))


def test_who_leaves_in_kind_brings_the_debt_in_both_worlds() -> None:
    both = opened((1.0,), 0.8, 0.0)
    leaver, depositor = both.agent("leg_arbitrageur"), both.agent("depositor")
    both.advance()
    brought = both.state.wallet_leg[leaver, 0, 0]
    part = both.do(RedeemInKind(leaver, ONE * 3e5))
    assert both.state.wallet_leg[leaver, 0, 0] < brought
    assert 0.1 < part < 0.2
    both.do(RedeemInKind(depositor, ONE * 1e5), Status.INSUFFICIENT_BALANCE)


def test_a_loan_is_liquidated_alike_in_both_worlds() -> None:
    both = opened((1.0, 2.6, 8.0), 0.8, 0.15)
    leg, liquidator = both.agent("leg_arbitrageur"), both.agent("liquidator")
    both.do(LiquidateLoan(leg, 0, ONE), Status.NOT_LIQUIDATABLE)
    both.advance()
    assert both.state.aave_equity[0, 0] < both.state.aave_maintenance[0, 0]
    both.do(LiquidateLoan(liquidator, 0, ONE), Status.INSUFFICIENT_BALANCE)
    # Worth less than nothing: it is left to liquidation.
    both.do(Deleverage(both.agent("keeper"), YES), Status.MARGIN_SUFFICIENT)
    both.do(Deposit(both.agent("depositor"), ONE * 1e3), Status.ACCOUNT_INSOLVENT)
    both.do(LiquidateLoan(leg, 0, ONE * 2.0))
    both.advance()
    both.do(LiquidateLoan(leg, 0, ONE * 100.0))
    assert both.state.aave_supplied[0, 0] == 0.0
    both.do(LiquidateLoan(leg, 0, ONE), Status.INSUFFICIENT_COLLATERAL)
