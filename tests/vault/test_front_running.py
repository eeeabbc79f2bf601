"""Trading perps around `rebalance`: what it can take, and what makes it a loss (SPEC §4.5).

Within a block the party pays premium on the way in and gets none back on the way out. A block
ahead and a block after, it gets back what the order in between has raised it to.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from simulator.chain.deploy.terms import wad
from simulator.chain.evm.codec import Reverted, reason
from tests.properties.revm_vault import WAD, System, protocol

MARKET = protocol().clearing.markets[0]
SPREAD, FEE = MARKET.half_spread, MARKET.taker_fee
# USD: funding of two seconds, 9/day · 1.7 % · (2 s / 1 day)² / 2 of an order of up to 1.4 million,
# twice for what the party holds.
ROUNDING = 2e-4


@cache
def scene(side: int) -> System:
    """A vault about to hedge for the first time, short (-1) or long (1), with one market.

    Its feed does not lag, so that the spread is the market's own, at which most can be taken.
    """
    system = System(lag=False)
    depositor = system.depositors[0]
    system.do(depositor, "deposit", 2 * 10**12, depositor)
    risk_manager = system.deployed.roles.risk_manager
    system.do(risk_manager, "post_betas", [-side * 7 * WAD // 10, 0])
    system.do(system.keeper, "recenter")
    return system


def worth_it(discount: float) -> float:
    """X/K above which trading around an order X can pay, fills being that far below the index."""
    return 2 * (SPREAD + FEE * (1 - discount))


@dataclass(frozen=True)
class Around:
    """A rebalancing order between two trades of one party, all in USD.

    ``paid``, ``alone``: what the vault paid beyond the index, and would have with nobody around.
    """

    refused: str
    notional: float
    paid: float
    alone: float
    gained: float


class Party:
    """A party beside a vault whose order X is ``depth`` K.

    Others hold a skew of ``others`` K, on the side of the order where positive.
    """

    def __init__(self, side: int, depth: float, others: float, slippage: float) -> None:
        self.system, self.side = scene(side), side
        self.index = self.system.prices[2]
        self.order = self._order()
        self.scale = self.order / depth
        self.others = others
        self.system.set_terms(max_slippage=wad(slippage))
        owner, clearing = self.system.deployed.roles.deployer, self.system.clearing
        asset, _, *terms = clearing.call("market", 0)
        clearing.transact(owner, "set_market", 0, (asset, wad(self.scale), *terms))
        self.trade("noise_trader", side * others * self.scale)
        self.system.wait(1)  # the others came in another block

    def _order(self) -> float:
        at, idle = self.system.get("position_state"), self.system.get("idle_base")
        return float(0.7 * (at[3] + idle) / WAD * self.system.prices[1] / self.index)

    def trade(self, who: str, size: float) -> None:
        self._trade(who, wad(size))

    def _trade(self, who: str, raw: int) -> None:
        limit = 2**200 if raw > 0 else 0
        if raw:
            sender = self.system.agents[who]
            self.system.clearing.transact(sender, "trade", 0, 0, raw, limit)

    def around(self, ahead: float, seconds: int) -> Around:
        """The party trades ``ahead`` K, the keeper calls, and the party trades back.

        ``seconds`` between them; 0: in one block.
        """
        system, who = self.system, "perp_arbitrageur"
        account = int(system.agents[who], 16) << 8
        before = system.clearing.call("cash", account)
        self.trade(who, self.side * ahead * self.scale)
        self._wait(seconds)
        pool = system.clearing.call("premium_pool", 0)
        refused = system.refusal(system.keeper, "rebalance")
        premium = (system.clearing.call("premium_pool", 0) - pool) / WAD
        self._wait(seconds)
        self._trade(who, -system.clearing.call("position", account, 0)[0])
        gained = (system.clearing.call("cash", account) - before) / WAD
        size, cost, *_ = system.clearing.call("position", system.account, 0)
        notional = abs(size) / WAD * self.index
        alone = self.others + self.order / self.scale / 2 + SPREAD
        return Around(
            refused,
            notional,
            cost / WAD - size / WAD * self.index + premium,
            alone * notional,
            gained,
        )

    def _wait(self, seconds: int) -> None:
        if seconds:
            self.system.wait(seconds)


def sandwich(
    side: int, depth: float, others: float, slippage: float, ahead: float, seconds: int
) -> Around | None:
    """None where the venue lets nobody trade so much."""
    evm = scene(side).chain.evm
    checkpoint = evm.snapshot()
    try:
        return Party(side, depth, others, slippage).around(ahead, seconds)
    except Reverted as refusal:
        if reason(refusal.data) != "clearing: inventory limit":
            raise
        return None
    finally:
        evm.revert(checkpoint)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(
    side=st.sampled_from((-1, 1)),
    depth=st.floats(2e-4, 0.013),
    others=st.floats(-0.004, 0.004),
    slippage=st.floats(5e-4, 0.03),
    ahead=st.floats(1e-4, 0.012),
    seconds=st.sampled_from((0, 1)),
)
def test_who_trades_around_a_rebalance_takes_what_the_slippage_bound_leaves_at_most(
    side: int, depth: float, others: float, slippage: float, ahead: float, seconds: int
) -> None:
    seen = sandwich(side, depth, others, slippage, ahead, seconds)
    if seen is None or seen.refused:
        event(f"refused: {seen.refused if seen else 'the party'}")
        assert seen is None or seen.gained < 0
        return
    event("pays" if seen.gained > 0 else "does not pay")
    assert seen.paid <= slippage * seen.notional + ROUNDING
    if seconds == 0:  # in one block it never pays
        assert seen.gained < 0
    assert seen.gained <= seen.paid - seen.alone + ROUNDING
    if depth <= worth_it(max(slippage, -others)):
        assert seen.gained <= 0
    if others >= 0 and slippage <= 2 * SPREAD + FEE * (1 - slippage):
        assert seen.gained <= 0


@pytest.mark.parametrize("side", [-1, 1])
def test_a_large_order_in_a_thin_market_pays_who_trades_around_it_unless_slippage_is_tight(
    side: int,
) -> None:
    """An order of 0.8 % of K against a threshold of 0.12 %: the bound is no formality."""
    loose = sandwich(side, 0.008, 0.0, 0.01, 0.0055, 1)
    assert loose is not None
    assert loose.refused == ""
    assert 0.004 * loose.notional < loose.gained < (0.01 - 0.0041) * loose.notional
    for ahead in (0.0, 0.0055):  # the vault refuses such an order by itself
        tight = sandwich(side, 0.008, 0.0, 2 * SPREAD + FEE, ahead, 1)
        assert tight is not None
        assert tight.refused == "clearing: slippage"
        assert tight.gained <= 0
    at_once = sandwich(side, 0.008, 0.0, 0.01, 0.0055, 0)
    assert at_once is not None
    assert at_once.refused == ""
    # The premium of the way in, ahead²/2 of K, and two spreads and fees are lost.
    way_in = 0.0055**2 / 2 / 0.008 * at_once.notional
    assert at_once.gained < -way_in
    small = sandwich(side, worth_it(0.01), 0.0, 0.01, 0.0055, 1)
    assert small is not None
    assert small.refused == ""
    assert small.gained < 0
