"""A vault whose hedge is in a market that ends: it goes on, nobody is held (SPEC §3.7)."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.types import Status
from tests.properties.revm_vault import WAD, System, protocol

BTC, SOL = 0, 1
DAY = 86_400
NOTICE, FEED_WAIT = 7 * DAY, 3 * DAY
HEIR = "0x" + "44" * 20
MODES: list[dict[str, Any]] = [{}, {"isolated": True}, {"pledged": True}]


@pytest.fixture(params=MODES, ids=["cross", "isolated", "pledged"])
def system(request: pytest.FixtureRequest) -> System:
    """Invested, hedged in both markets; the heir takes slices. BTC's market winds down."""
    system = System(**request.param).invest()
    system.clearing.transact(HEIR, "set_slice_consent", system.vault.address, True)
    system.do(HEIR, "set_in_kind_consent", system.depositors[0], True)
    system.clearing.transact(system.owner, "wind_down", BTC)
    return system


def accounts(system: System) -> list[int]:
    """The margin accounts of the vault that hold BTC and SOL."""
    return [system.account + (m + 1 if system.get("ISOLATED") else 0) for m in (BTC, SOL)]


def sizes(system: System) -> list[int]:
    return [system.clearing.call("position", a, m)[0] for m, a in enumerate(accounts(system))]


def silent(system: System, seconds: int) -> None:
    """Time passes; BTC's feed reports no more."""
    system.chain.set_time(system.chain.time() + seconds)
    alive = [i for i, token in enumerate(protocol().assets) if token.symbol != "BTC"]
    system.oracle.transact(
        system.deployed.roles.reporter, "report",
        [system.deployed.tokens[i] for i in alive],
        [int(system.prices[i] * 1e12) * 10**6 for i in alive],
        system.chain.time(),
    )  # fmt: skip


def settle(system: System, *, dead: bool = False) -> None:
    if dead:
        silent(system, NOTICE + FEED_WAIT)
    else:
        system.wait(NOTICE)
    system.clearing.transact(HEIR, "settle_market", BTC)


def leave(system: System, part: float) -> None:
    """The depositor redeems a part of its shares for what they are worth, but for fees."""
    depositor = system.depositors[0]
    shares = system.get("balanceOf", depositor) * round(part * 10) // 10
    due, before = system.get("previewRedeem", shares), system.usdc.call("balanceOf", depositor)
    assert system.refusal(depositor, "redeem", shares, depositor, depositor) == ""
    assert system.usdc.call("balanceOf", depositor) - before == due > 0


def leave_in_kind(system: System, part: float) -> None:
    depositor = system.depositors[0]
    shares = system.get("balanceOf", depositor) * round(part * 10) // 10
    before = sizes(system)
    system.do(depositor, "redeem_in_kind", shares, HEIR)
    heirs = [
        system.clearing.call("position", (int(HEIR, 16) << 8) | (a & 255), m)[0]
        for m, a in enumerate(accounts(system))
    ]
    assert heirs == [b - a for b, a in zip(before, sizes(system), strict=True)]
    assert all((h != 0) == (b != 0) for h, b in zip(heirs, before, strict=True))


def test_a_rebalance_passes_over_the_market_that_takes_no_more(system: System) -> None:
    """The other leg follows the exposure; a leg that is to shrink shrinks in both."""
    before = sizes(system)
    system.move(system.prices[1] * 0.93, *system.prices[2:])  # more base in the range
    assert system.attempt(system.keeper, "rebalance")[0] == Status.OK
    after = sizes(system)
    assert after[BTC] == before[BTC]
    assert after[SOL] < before[SOL]
    system.move(system.prices[1] * 1.2, *system.prices[2:])
    assert system.attempt(system.keeper, "rebalance")[0] == Status.OK
    assert after[BTC] < sizes(system)[BTC] <= 0
    assert after[SOL] < sizes(system)[SOL] <= 0


def test_a_rebalance_for_that_market_alone_says_why_not(system: System) -> None:
    """And pays nobody."""
    system.wait(3 * DAY)
    system.refusal(system.keeper, "rebalance")
    betas = [system.get("beta", m) for m in (BTC, SOL)]
    system.do(system.deployed.roles.risk_manager, "post_betas", [betas[0] + WAD // 10, betas[1]])
    paid = system.usdc.call("balanceOf", system.keeper)
    assert system.refusal(system.keeper, "rebalance") == "clearing: winding down"
    assert system.usdc.call("balanceOf", system.keeper) == paid


@pytest.mark.parametrize("dead", [False, True])
def test_everybody_can_leave_at_every_stage(system: System, dead: bool) -> None:
    if not dead:
        leave(system, 0.2)
    checkpoint = system.chain.evm.snapshot()
    leave_in_kind(system, 0.1)
    system.chain.evm.revert(checkpoint)
    settle(system, dead=dead)
    assert sizes(system)[BTC] != 0
    checkpoint = system.chain.evm.snapshot()
    leave_in_kind(system, 0.1)
    system.chain.evm.revert(checkpoint)
    leave(system, 0.6)  # more than idle and spare margin: it unwinds, and what is settled is closed
    assert sizes(system)[BTC] == 0 > sizes(system)[SOL]
    checkpoint = system.chain.evm.snapshot()
    leave_in_kind(system, 0.5)
    system.chain.evm.revert(checkpoint)
    leave(system, 1.0)


@pytest.mark.parametrize("dead", [False, True])
def test_the_other_hedge_is_kept_up_after_the_settlement(system: System, dead: bool) -> None:
    """Before and after the position itself is settled."""
    settle(system, dead=dead)
    for price in (0.93, 0.87):
        held = sizes(system)
        system.prices[1] *= price
        silent(system, DAY) if dead else system.wait(DAY)
        system.swap_to(system.prices[1] / system.prices[0])
        assert system.attempt(system.keeper, "rebalance")[0] == Status.OK
        assert (sizes(system)[BTC], sizes(system)[SOL] < held[SOL]) == (held[BTC], True)
        if held[BTC]:
            system.clearing.transact(HEIR, "settle_position", accounts(system)[BTC], BTC)


def test_shares_are_worth_the_same_before_and_after(system: System) -> None:
    """Nothing lost at the settlement, its part of the premiums gained; then nothing."""
    system.wait(NOTICE)
    nav = system.get("nav")
    cash = system.clearing.call("cash", accounts(system)[BTC])
    system.clearing.transact(HEIR, "settle_market", BTC)
    returned = system.clearing.call("cash", accounts(system)[BTC]) - cash
    assert returned > 0  # the vault made the skew
    gained = system.get("nav") - nav
    assert gained == pytest.approx(returned * system.prices[0], rel=1e-6)
    nav = system.get("nav")
    system.clearing.transact(HEIR, "settle_position", accounts(system)[BTC], BTC)
    assert abs(system.get("nav") - nav) <= 10


@pytest.mark.parametrize("call", ["recenter", "top_up", "deleverage"])
def test_keepers_other_calls_do_not_ask_for_a_settled_markets_feed(
    system: System, call: str
) -> None:
    settle(system, dead=True)
    assert system.refusal(system.keeper, call) != "oracle: stale"
