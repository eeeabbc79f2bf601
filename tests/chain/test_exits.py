"""Exits and seizures: queue, in kind, pledges, loans; on chain, in the model, and by the Lens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from simulator.chain.world import ChainWorld
from simulator.config import load
from simulator.config.resolve import resolve
from simulator.market.paths import MarketPaths
from simulator.model.world import ModelWorld
from simulator.protocol.state.table import SHOWN
from simulator.types import COVARIANCE_RAMP, Floats, Status
from simulator.world import actions
from simulator.world.protocol import Protocol
from tests.chain.lens_check import compare_with_the_lens

YES = np.array([True])
TOLERANCE = 1e-9  # what `hedgesim verify` asks of the two worlds
DUST = 1e-5  # whole units; what is left of less is rounding of much larger amounts


def one(value: float) -> Floats:
    return np.full(1, value)


class Stage:
    """One path of both worlds; every action is checked, done or refused."""

    def __init__(self, protocol: Protocol, paths: MarketPaths) -> None:
        self.protocol = protocol
        self.world, self.model = ChainWorld(protocol, paths), ModelWorld(protocol, paths)
        self.advance(0)

    def advance(self, step: int) -> None:
        """Move both to a step."""
        self.world.advance(step)
        self.model.advance(step)

    def agent(self, name: str) -> int:
        """Index of an agent."""
        return [slot.name for slot in self.protocol.agents].index(name)

    def do(self, action: actions.Action, status: Status = Status.OK) -> tuple[float, float]:
        """Carry out an action; (amount in, amount out)."""
        fill, modelled = self.world.execute(action), self.model.execute(action)
        assert Status(int(fill.status[0])) is status, action
        assert Status(int(modelled.status[0])) is status, action
        for name in ("amount_in", "amount_out"):
            assert getattr(modelled, name) == pytest.approx(getattr(fill, name), rel=TOLERANCE)
        compare_with_the_lens(self.world)
        self.compare_worlds()
        return float(fill.amount_in[0]), float(fill.amount_out[0])

    def compare_worlds(self) -> None:
        """Every field of the two observations."""
        reported, modelled = self.world.reported(), self.model.observe()
        for name in SHOWN:
            theirs, ours = getattr(reported, name), getattr(modelled, name)
            scale = np.maximum(np.abs(theirs).max(initial=0.0), DUST)
            assert np.all(np.abs(ours - theirs) <= TOLERANCE * scale), name

    def start_vault(self, scale: float = 1.0) -> None:
        """A million (or a part) of the depositor's and some of a trader's, placed and hedged."""
        keeper = self.agent("keeper")
        self.do(actions.Deposit(self.agent("depositor"), one(scale * 1e6)))
        self.do(actions.Deposit(self.agent("noise_trader"), one(scale * 2e5)))
        betas = np.full((self.protocol.markets, 1), 0.5)
        self.do(actions.PostBetas(self.agent("risk_manager"), betas, YES))
        self.do(actions.Recenter(keeper, YES))
        self.do(actions.Rebalance(keeper, YES))

    def see(self, field: str, *place: int) -> float:
        """A field of the observation."""
        return float(getattr(self.world.observe(), field)[(*place, 0)])


@pytest.fixture
def stage(protocol: Protocol, quiet_paths: Callable[..., MarketPaths]) -> Stage:
    made = Stage(protocol, quiet_paths())
    made.start_vault()
    return made


@pytest.fixture
def pledged(quiet_paths: Callable[..., MarketPaths]) -> Stage:
    """Portfolio margin, the liquidity backs the hedge; its markets rise fourfold at step 2."""
    protocol = resolve(load("calm", ["clearing.margin=portfolio"]))
    quiet = quiet_paths()
    price = quiet.oracle_price.copy()
    for market in protocol.clearing.markets:
        price[market.asset, 2:] *= 4.0
    made = Stage(protocol, replace(quiet, index=price, oracle_price=price))
    made.start_vault(0.1)
    return made


def test_requests_wait_in_line_and_are_paid_by_settlement(stage: Stage) -> None:
    depositor, trader, keeper = map(stage.agent, ("depositor", "noise_trader", "keeper"))
    held, other = stage.see("wallet_shares", depositor), stage.see("wallet_shares", trader)
    stage.do(actions.SettleWithdrawals(keeper, one(1.0), YES), Status.NOTHING_TO_SETTLE)
    stage.do(actions.CancelRequest(depositor, YES), Status.NO_REQUEST)
    asked, _ = stage.do(actions.RequestRedeem(depositor, one(held * 0.95)))
    assert asked == pytest.approx(held * 0.95, rel=1e-15)
    assert stage.see("queued_shares") == pytest.approx(asked, rel=1e-15)
    stage.do(actions.RequestRedeem(depositor, one(1.0)), Status.REQUEST_PENDING)
    # Beside the line only with what the line is owed besides: too dear to raise for one share.
    stage.do(actions.Redeem(depositor, one(1.0)), Status.WITHDRAWALS_QUEUED)
    stage.do(actions.RequestRedeem(trader, one(other)))
    back, _ = stage.do(actions.CancelRequest(trader, YES))
    assert back == pytest.approx(other, rel=1e-15)
    assert stage.see("wallet_shares", trader) == other

    usdc = stage.see("wallet_usdc", depositor)
    burnt, paid = stage.do(actions.SettleWithdrawals(keeper, one(0.25), YES))
    assert 0.0 < burnt < asked  # a quarter of both legs is not enough for four fifths of all shares
    assert stage.see("wallet_usdc", depositor) - usdc == pytest.approx(paid, rel=1e-9)
    assert stage.see("queued_shares") == pytest.approx(asked - burnt, rel=1e-9)
    more, _ = stage.do(actions.SettleWithdrawals(keeper, one(1.0), YES))
    assert burnt + more == pytest.approx(asked, rel=1e-12)
    assert stage.see("queued_shares") == 0.0


def test_less_than_a_unit_of_shares_asks_for_nothing(stage: Stage) -> None:
    depositor = stage.agent("depositor")
    for kind in (actions.RequestRedeem, actions.RedeemInKind):
        stage.do(kind(depositor, one(1e-19)), Status.NONE)


def test_a_redemption_in_kind_hands_over_tokens_and_a_slice_of_the_hedge(stage: Stage) -> None:
    trader, protocol = stage.agent("noise_trader"), stage.protocol
    account, supply = protocol.account_of(trader), stage.see("shares")
    before = {
        name: stage.see(name, 0, 0) if name == "size" else stage.see(name)
        for name in ("size", "liquidity", "idle_usdc")
    }
    wallet = stage.see("wallet_usdc", trader), stage.see("wallet_base", trader)
    shares, fraction = stage.do(actions.RedeemInKind(trader, one(supply / 20)))
    assert shares == pytest.approx(supply / 20, rel=1e-15)
    part = (1.0 - protocol.vault.exit_fee) / 20
    assert fraction == pytest.approx(part, rel=1e-9)
    assert stage.see("size", account, 0) == pytest.approx(before["size"] * part, rel=1e-9)
    assert stage.see("size", 0, 0) == pytest.approx(before["size"] * (1 - part), rel=1e-9)
    assert stage.see("liquidity") == pytest.approx(before["liquidity"] * (1 - part), rel=1e-9)
    assert stage.see("wallet_usdc", trader) - wallet[0] > before["idle_usdc"] * part
    assert stage.see("wallet_base", trader) > wallet[1]
    stage.do(actions.RedeemInKind(trader, one(1.0)), Status.ACCOUNT_IN_USE)


def test_who_has_no_margin_account_takes_no_slice(stage: Stage) -> None:
    depositor = stage.agent("depositor")
    stage.do(actions.RedeemInKind(depositor, one(1.0)), Status.NO_CONSENT)


def test_the_fee_receiver_is_paid_in_shares(quiet_paths: Callable[..., MarketPaths]) -> None:
    protocol = resolve(load("calm", ["vault.management_fee=0.1"]))
    made = Stage(protocol, quiet_paths())
    made.start_vault()
    assert made.see("fee_shares") == 0.0
    made.advance(3)
    made.do(actions.Deposit(made.agent("depositor"), one(1e4)))
    hours = 3 * made.world.market.step_seconds / 3_600
    expected = made.see("shares") * 0.1 * hours / (365 * 24)
    assert made.see("fee_shares") == pytest.approx(expected, rel=2e-2)


def test_a_covariance_is_posted_by_the_venue_whoever_decides(pledged: Stage) -> None:
    factor = np.zeros((len(pledged.protocol.risk_assets), 8, 1))
    factor[:, 0, 0] = np.linspace(-0.01, 0.05, len(factor))
    requirement = pledged.see("maintenance", 0)
    before = pledged.world.sources[0].read("covariance")
    _, way = pledged.do(actions.PostCovariance(pledged.agent("risk_manager"), factor, YES))
    assert 0.0 < way < 1.0
    assert pledged.see("maintenance", 0) == requirement
    assert pledged.world.sources[0].read("covariance") == before
    pledged.advance(1)
    pledged.compare_worlds()
    assert pledged.see("maintenance", 0) != requirement
    elapsed = pledged.world.market.step_seconds / COVARIANCE_RAMP
    moved = np.array(pledged.world.sources[0].read("covariance")) - before
    asked = np.rint(factor[:, :, 0] * 1e8).ravel() - before
    np.testing.assert_allclose(moved, asked * way * elapsed, atol=2.0)
    pledged.do(actions.PostCovariance(pledged.agent("risk_manager"), factor, ~YES), Status.NONE)


def test_pledged_liquidity_of_a_healthy_account_stays_where_it_is(pledged: Stage) -> None:
    liquidator = pledged.agent("liquidator")
    pledged.do(actions.LiquidatePledge(liquidator, 0, YES), Status.NOT_LIQUIDATABLE)
    other = pledged.protocol.account_of(liquidator)
    pledged.do(actions.LiquidatePledge(liquidator, other, YES), Status.NOT_PLEDGED)


def test_pledged_liquidity_of_a_failing_account_is_sold(pledged: Stage) -> None:
    """The hedge loses more than its margin when its markets rise and the base asset does not."""
    liquidator = pledged.agent("liquidator")
    own = pledged.protocol.account_of(liquidator)
    base = [terms.asset for terms in pledged.protocol.clearing.collaterals].index(1)
    pledged.advance(2)
    assert pledged.see("liquidity") > 0.0
    assert pledged.see("equity", 0) < 0.0
    cash = pledged.see("cash", 0)
    paid, fraction = pledged.do(actions.LiquidatePledge(liquidator, 0, YES))
    assert fraction == 1.0  # less could not restore the margin
    assert pledged.see("liquidity") == 0.0
    price = pledged.protocol.assets[1].price * (1 - pledged.protocol.clearing.liquidation_penalty)
    assert pledged.see("collateral", own, base) * price == pytest.approx(paid, rel=1e-6)
    assert pledged.see("cash", 0) - cash > paid  # and the USDC that was in the position
    pledged.do(actions.LiquidatePledge(liquidator, 0, YES), Status.NOT_PLEDGED)


def test_a_failing_loan_is_liquidated_at_aave_by_who_brings_the_asset(
    quiet_paths: Callable[..., MarketPaths],
) -> None:
    """BTC borrowed and sold rises fourfold; the liquidator buys some in the leg's own pool."""
    protocol = resolve(load("aave-hedge"))
    quiet = quiet_paths()
    price = quiet.oracle_price.copy()
    assert protocol.aave is not None
    leg = protocol.aave.legs[0]
    price[leg.reserve.asset, 2:] *= 4.0
    stage = Stage(protocol, replace(quiet, index=price, oracle_price=price))
    liquidator = stage.agent("liquidator")
    stage.start_vault(0.1)
    debt = stage.see("aave_debt", 0)
    assert debt > 0.0
    before = stage.see("wallet_leg", liquidator, 0)
    spent, bought = stage.do(
        actions.Swap(liquidator, one(-2e3), one(0.0), one(0.0), leg=0),
    )
    assert spent == pytest.approx(2e3, rel=1e-12)
    assert stage.see("wallet_leg", liquidator, 0) == pytest.approx(before + bought, rel=1e-9)
    asked = actions.LiquidateLoan(liquidator, 0, one(bought))
    stage.do(asked, Status.NOT_LIQUIDATABLE)

    stage.advance(2)
    assert stage.see("aave_equity", 0) < stage.see("aave_maintenance", 0)
    usdc = stage.see("wallet_usdc", liquidator)
    repaid, taken = stage.do(asked)
    assert repaid == pytest.approx(bought, rel=1e-9)
    bonus = 1.0 + protocol.aave.liquidation_bonus
    worth = repaid * 4.0 * protocol.assets[leg.reserve.asset].price
    assert taken == pytest.approx(worth * bonus, rel=1e-6)
    assert stage.see("wallet_usdc", liquidator) - usdc == pytest.approx(taken, rel=1e-6)
    assert stage.see("aave_debt", 0) < debt
