"""Each suite finds what breaks its laws: the named law fails, on a thing that breaks only that."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from simulator.agents.base import Actions, Agent, View
from simulator.chain.evm.codec import Reverted
from simulator.chain.evm.revm import RevmTransport
from simulator.model.pools.interface import Pool
from simulator.model.pools.stableswap import pool as stableswap
from simulator.model.pools.stableswap.records import POOL, POSITION, table
from simulator.model.venues.interface import HedgeVenue
from simulator.model.venues.perps import hedging as perps
from simulator.testing.agent import AgentSuite
from simulator.testing.expect import unlike
from simulator.testing.pool import PoolSuite
from simulator.testing.records import RecordPool, Swap
from simulator.testing.stage import Look, VenueStage
from simulator.testing.transport import TransportSuite
from simulator.testing.venue import VenueSuite
from simulator.types import InputError, Status
from simulator.world import actions
from simulator.world.protocol import AgentSlot
from tests.model.campaign import PROTOCOL
from tests.model.lone_pool import LonePool

# ----------------------------------------------------------------------------------------- agents


class Buyer(Agent):
    """Buys for some USDC at every fourth step: ``usdc`` says for how much."""

    slot = AgentSlot("buyer", 1e6, 0.0, has_account=False)

    def act(self, view: View) -> Actions:
        if view.step % 4 == 1:
            zero = np.zeros(view.market.paths)
            yield actions.Swap(self.index, -self.usdc(view), zero, zero)

    def usdc(self, view: View) -> Any:
        return np.full(view.market.paths, 100.0)


class Peeker(Buyer):
    """Asks for the price of the next step, which is not there."""

    def usdc(self, view: View) -> Any:
        return view.market.index[1, view.step + 1]


class Seer(Buyer):
    """Reads it behind the view's back."""

    def usdc(self, view: View) -> Any:
        return view._drawn.index[1, min(view.step + 1, view.market.steps)]


class Oracle(Buyer):
    """Goes by when the next round will come, kept from a look at the first step."""

    def usdc(self, view: View) -> Any:
        if view.step == 1:
            self.rounds = view._drawn.oracle_time[1].copy()
        return 1.0 + self.rounds[view.step]


class Sheep(Buyer):
    def usdc(self, view: View) -> Any:
        return np.full(view.market.paths, view.index(1).mean())


class Gambler(Buyer):
    def usdc(self, view: View) -> Any:
        return np.random.default_rng().uniform(1.0, 50.0, view.market.paths)


class Careless(Buyer):
    """Draws from everybody's generator, which it sets to where it likes it first."""

    def usdc(self, view: View) -> Any:
        random.seed(view.step)
        return np.full(view.market.paths, 10.0 + random.random())


class Idle(Buyer):
    def usdc(self, view: View) -> Any:
        return np.zeros(view.market.paths)


class Collector(Buyer):
    """Keeps in its class what belongs in itself."""

    seen: int = 0

    def usdc(self, view: View) -> Any:
        Collector.seen += 1
        return np.full(view.market.paths, float(Collector.seen))


def of_agent(kind: type[Agent]) -> AgentSuite:
    class Suite(AgentSuite):
        steps = 16

        def make(self) -> Agent:
            return kind()

    return Suite()


def test_a_good_agent_passes() -> None:
    suite = of_agent(Buyer)
    for law in (name for name in dir(suite) if name.startswith("test_")):
        getattr(suite, law)()


@pytest.mark.parametrize(
    ("kind", "law"),
    [
        (Seer, "it_holds_no_future"),
        (Oracle, "it_holds_no_future"),
        (Sheep, "it_does_not_go_by_other_paths"),
        (Gambler, "the_same_market_brings_the_same_decisions"),
        (Careless, "it_leaves_nothing_behind"),
        (Collector, "it_leaves_nothing_behind"),
        (Collector, "the_same_market_brings_the_same_decisions"),
        (Idle, "it_acts"),
    ],
)
def test_a_bad_agent_is_found(kind: type[Agent], law: str) -> None:
    with pytest.raises(AssertionError):
        getattr(of_agent(kind), f"test_{law}")()


def test_one_that_asks_for_what_is_not_there_yet_is_told_so() -> None:
    with pytest.raises(InputError, match=r"agent Peeker: .* line \d+: IndexError: index 2 is out"):
        of_agent(Peeker).test_it_holds_no_future()


# ------------------------------------------------------------------------------------- transports


class Writing(RevmTransport):
    """Its calls are transactions."""

    def call(self, to: str, data: bytes) -> bytes:
        return self.transact(self.account("nobody"), to, data)


class Silent(RevmTransport):
    """Its refusals have no reason."""

    def transact(self, sender: str, to: str, data: bytes) -> bytes:
        try:
            return super().transact(sender, to, data)
        except Reverted:
            raise Reverted(b"") from None


class Deaf(RevmTransport):
    """Its clock shows what it was set to, and its blocks do not."""

    def set_time(self, timestamp: int) -> None:
        self._time = timestamp


class Anonymous(RevmTransport):
    def account(self, name: str) -> str:
        return super().account("everybody")


class Forgetful(RevmTransport):
    """A call makes it forget the last log, as it did before this suite was there."""

    def last_log(self, address: str, topic: bytes = b"") -> bytes:
        self._result = None
        return super().last_log(address, topic)


class Clinging(RevmTransport):
    """What it takes back leaves its log behind."""

    def revert(self, snapshot: Any) -> None:
        kept = self.evm.result
        super().revert(snapshot)
        self._result = kept


@pytest.mark.parametrize(
    ("kind", "law"),
    [
        (Clinging, "what_is_taken_back_leaves_no_trace"),
        (Writing, "a_call_leaves_no_trace"),
        (Silent, "a_refusal_carries_its_reason_and_changes_nothing"),
        (Deaf, "time_is_what_it_was_set_to"),
        (Anonymous, "a_name_is_always_the_same_account"),
        (Forgetful, "a_call_leaves_no_trace"),
    ],
)
def test_a_bad_transport_is_found(kind: type[RevmTransport], law: str) -> None:
    class Suite(TransportSuite):
        def make(self) -> RevmTransport:
            return kind()

    with pytest.raises((AssertionError, KeyError)):
        getattr(Suite(), f"test_{law}")()


# ------------------------------------------------------------------------------------------ pools


class Generous(LonePool):
    """Gives a thousandth more than the curve, which its fee of 0.3 % does not cover twice."""

    def _swap(
        self, down: bool, exact_input: bool, settles: bool, asked: tuple[float, float]
    ) -> Swap:
        made = super()._swap(down, exact_input, settles, asked)
        return made._replace(amount_out=np.floor(made.amount_out * 1.01))


class Greedy(LonePool):
    """Takes a unit more than it was asked to."""

    def _swap(
        self, down: bool, exact_input: bool, settles: bool, asked: tuple[float, float]
    ) -> Swap:
        made = super()._swap(down, exact_input, settles, asked)
        return made._replace(amount_in=made.amount_in + 1.0)


class Unlimited(LonePool):
    """Goes beyond its limit."""

    def _swap(
        self, down: bool, exact_input: bool, settles: bool, asked: tuple[float, float]
    ) -> Swap:
        further = asked[0], asked[1] * (0.9 if down else 1.1)
        return super()._swap(down, exact_input, settles, further)


class Hasty(LonePool):
    """Its quotes are swaps."""

    def quote(self, down: bool, exact_input: bool, amount: float, limit: float) -> Swap:
        return self.swap(down, exact_input, amount, limit)


class Lossy(LonePool):
    """Pays a few units less for what is burnt."""

    def burn(self, liquidity: float) -> tuple[float, float, float, float]:
        paid0, paid1, fees0, fees1 = super().burn(liquidity)
        return max(paid0 - 5.0, 0.0), max(paid1 - 5.0, 0.0), fees0, fees1


class Thieving(LonePool):
    """Loses the fees of its position when it trades again."""

    def swap(self, down: bool, exact_input: bool, amount: float, limit: float) -> Swap:
        self.positions["fees0"] = self.positions["fees1"] = 0.0
        return super().swap(down, exact_input, amount, limit)


@pytest.mark.parametrize(
    ("kind", "law"),
    [
        (Generous, "a_round_trip_gains_nothing"),
        (Greedy, "a_swap_never_passes_its_limit_and_takes_no_more_than_asked"),
        (Unlimited, "a_swap_never_passes_its_limit_and_takes_no_more_than_asked"),
        (Hasty, "a_quote_is_what_the_swap_does_and_writes_nothing"),
        (Lossy, "minting_and_burning_loses_at_most_a_unit_of_each_token"),
        (Thieving, "fees_only_grow_in_the_token_put_in_and_by_less_than_was_put_in"),
    ],
)
def test_a_bad_pool_is_found(kind: type[LonePool], law: str) -> None:
    class Suite(PoolSuite):
        most = (4e21, 8e12)
        liquidity = 4e17
        examples = 10

        def open(self) -> RecordPool:
            pool = kind(PROTOCOL.pool)
            pool.place(-201_000.0, -199_500.0)
            return pool

    with pytest.raises(AssertionError):
        getattr(Suite(), f"test_{law}")()


class FreeOfFee(RecordPool):
    """Hands the fee of a trade, which shares keep, to the next trader."""

    def _swap(
        self, down: bool, exact_input: bool, settles: bool, asked: tuple[float, float]
    ) -> Swap:
        made = super()._swap(down, exact_input, settles, asked)
        owed = getattr(self, "_owed", 0.0)
        if settles:
            self._owed = made.amount_out * 0.01
        return made._replace(amount_out=np.floor(made.amount_out + owed))


class Lavish(RecordPool):
    """Pays a hundredth more than their part for shares."""

    def burn(self, liquidity: float) -> tuple[float, float, float, float]:
        paid0, paid1, *fees = super().burn(liquidity)
        return np.floor(paid0 * 1.01), paid1, fees[0], fees[1]


@pytest.mark.parametrize(
    ("kind", "law"),
    [
        (FreeOfFee, "a_round_trip_gains_nothing"),
        (FreeOfFee, "a_swap_in_two_parts_fetches_no_more_than_the_whole"),
        (Lavish, "minting_and_burning_loses_at_most_a_unit_of_each_token"),
    ],
)
def test_a_bad_pool_whose_shares_keep_fees_is_found(kind: type[RecordPool], law: str) -> None:
    class Suite(PoolSuite):
        most = (4e12, 4e12)
        liquidity = 1e24
        path_independent = False
        fee_kept = 4e-4
        examples = 10

        def open(self) -> RecordPool:
            terms = table((6, 6), 200.0, 4e6, 1.0, (3e12, 5e12))
            return kind(stableswap, terms, POOL, POSITION)

    with pytest.raises(AssertionError):
        getattr(Suite(), f"test_{law}")()


# ----------------------------------------------------------------------------------------- venues


class Leaky(VenueStage):
    """A refused hedge costs a unit."""

    def hedge(self, delta: float) -> Status:
        status = super().hedge(delta)
        if status != Status.OK:
            self.state.clearing.cash[self.account] -= 1e-6
        return status


class Short(VenueStage):
    """Trades a millionth less than it was asked to."""

    def hedge(self, delta: float) -> Status:
        return super().hedge(delta * (1.0 - 1e-6))


class Free(VenueStage):
    """Pays a rebate."""

    def hedge(self, delta: float) -> Status:
        status = super().hedge(delta)
        if status == Status.OK:
            self.state.clearing.cash[self.account] += 0.01 * abs(delta) * self.price
        return status


class Lax(VenueStage):
    """Lets more leave than the margin target allows."""

    def look(self) -> Look:
        seen = super().look()
        return seen._replace(withdrawable=min(1.01 * seen.withdrawable, seen.settled))


class Believing(VenueStage):
    """Takes every price for a fresh one."""

    def wait(self, seconds: float, *, reported: bool = True) -> None:
        super().wait(seconds, reported=True)


@pytest.mark.parametrize(
    ("kind", "law"),
    [
        (Leaky, "refusals_leave_the_path_bit_for_bit"),
        (Short, "a_hedge_reaches_its_target_to_a_unit"),
        (Short, "unwinding_leaves_no_position_and_a_round_trip_gains_nothing"),
        (Free, "a_hedge_changes_value_by_its_cost_only"),
        (Lax, "what_may_leave_leaves_the_margin_target"),
        (Believing, "old_prices_refuse_trades"),
    ],
)
def test_a_bad_venue_is_found(kind: type[VenueStage], law: str) -> None:
    class Suite(VenueSuite):
        most = 300.0
        size_unit = 1e-18
        examples = 10

        def open(self) -> VenueStage:
            return kind(perps, PROTOCOL, 0, 2.0 * self.margin)

    with pytest.raises(AssertionError):
        getattr(Suite(), f"test_{law}")()


def test_what_is_no_pool_or_venue_is_told_what_it_lacks() -> None:
    class Half:
        def settled(self, w: Any) -> float:
            return 0.0

    lacks = unlike(Half(), HedgeVenue)
    assert "hedge: missing" in lacks
    assert "settled(w); expected: (w, account)" in lacks
    assert len(lacks) == 9
    assert len(unlike(Half(), Pool)) == 10
