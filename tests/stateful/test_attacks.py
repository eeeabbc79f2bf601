"""Attacks one by one, each in every variant of the system, many times over."""

from __future__ import annotations

import random

import pytest

from tests.reference.clearing import margin
from tests.stateful.checked import CheckedWorld, prologue
from tests.stateful.draws import RandomDraw
from tests.stateful.genesis import DELAY, MARKET_COUNT, VARIANTS
from tests.stateful.rules import RULES
from tests.stateful.shares import quote
from tests.stateful.system import call

ROUNDS = 12


def a_world(variant: str, seed: int = 3) -> tuple[CheckedWorld, RandomDraw]:
    world, draw = CheckedWorld(variant), RandomDraw(random.Random(seed))
    for name, arguments in prologue(draw):
        world.do(name, arguments)
    return world, draw


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("goal", ["vault", "spot", "margin"])
def test_flash_loans_never_gain(variant: str, goal: str) -> None:
    """The rule itself compares the borrower's wealth before and after."""
    world, draw = a_world(variant)
    for _ in range(ROUNDS):
        world.do("flash", [goal, draw.integer(1, 40), draw.integer(0, 1)])
    assert world.seen[f"flash {goal} done"] > 0


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("function", ["rebalance", "recenter"])
def test_a_sandwich_takes_no_more_than_the_slippage_bound(variant: str, function: str) -> None:
    """NAV before against NAV after pushing the pool, the keeper's call and pulling it back."""
    world, draw = a_world(variant)
    for i in range(ROUNDS):
        world.do("shock", [600, 0, 600 if i % 2 else -600, 300, 300, 0])
        world.do("arbitrage", [0])
        world.do("deposit", ["depositor", 5 * 10**10])  # idle money: recentring is due
        before = quote(world)
        world.do("sandwich", [function, draw.integer(0, 1), draw.integer(1, 3 * 10**10)])
        after = quote(world)
        assert before is not None
        assert after is not None
        bound = world.system.protocol.vault.max_slippage
        assert after[0] >= before[0] * (1 - bound)
    assert world.seen["sandwich done"] > 0


@pytest.mark.parametrize("variant", VARIANTS)
def test_colluders_in_one_block_end_with_no_more_than_they_had(variant: str) -> None:
    world, draw = a_world(variant)
    for name in ("trader", "other trader"):
        world.do("deposit_margin", [name, 0, 0, 10**12])
    for _ in range(ROUNDS):
        percent = draw.integer(1, 100)
        world.do("collude", [draw.integer(0, 1), percent, draw.pick([1, -1])])
    assert world.seen["collude done"] > 0


@pytest.mark.parametrize("what", ["withdraw", "trade", "liquidate", "deposit", "view"])
def test_a_token_that_calls_back_finds_every_door_shut(what: str) -> None:
    """Read-only reentrancy too: margin cannot be asked for in between."""
    world, _ = a_world("gross")
    world.do("reenter", [what, 10**18])
    assert world.seen["reenter done"] == 1
    assert world.ledger.held[2] == 10**18


@pytest.mark.parametrize("variant", VARIANTS)
def test_donations_change_no_share_no_margin_no_counter(variant: str) -> None:
    world, _ = a_world(variant)
    states = {n: margin.valuation(world.ledger, n) for n in world.ledger.accounts}
    for target in ("vault", "clearing", "pool"):
        for asset in (0, 1):
            world.do("donate", [target, asset, 10**9])
    world.do("donate_liquidity", [10**6])
    assert states == {n: margin.valuation(world.ledger, n) for n in states}


def test_one_lying_reporter_moves_nothing_whatever_it_says() -> None:
    world, draw = a_world("gross")
    prices = dict(world.ledger.prices)
    for _ in range(5 * ROUNDS):
        world.do("faulty_report", RULES["faulty_report"].propose(world, draw))
        assert world.ledger.prices == prices


def test_a_stolen_owner_key_waits_out_the_delay_and_the_guardian_cancels() -> None:
    from eth_utils import keccak

    world, _ = a_world("gross")
    s = world.system
    thief = s.actors["griefer"]
    data = call("set_risk_manager(address)", thief)
    call_id = int.from_bytes(keccak(data), "big")
    assert s.send(s.owner, s.clearing, data) == "roles: not scheduled"
    assert s.send(s.owner, s.clearing, call("schedule(bytes32)", call_id)) == []
    world.pass_time(DELAY - 1)
    assert s.send(s.owner, s.clearing, data) == "roles: too early"
    assert s.send(s.guardian, s.clearing, call("cancel(bytes32)", call_id)) == []
    world.pass_time(1)
    assert s.send(s.owner, s.clearing, data) == "roles: not scheduled"


def test_stolen_betas_stay_within_bounds_and_interval() -> None:
    world, _ = a_world("gross")
    world.pass_time(4_000)
    for betas in ([4 * 10**18, 0], [2 * 10**18, 0]):
        world.do("post_betas", betas)
    assert world.seen["post_betas done"] == 1  # the prologue's own
    world.do("post_betas", [9 * 10**17, 10**17])
    world.do("post_betas", [10**18, 0])
    assert world.seen["post_betas done"] == 2


def venue_cash(world: CheckedWorld) -> int:
    """What the maker and the premium pools hold, USDC WAD."""
    s = world.system
    return sum(
        s.view(s.clearing, f"{name}(uint256)", m)[0]
        for m in range(MARKET_COUNT)
        for name in ("premium_pool", "maker_cash")
    )


def test_ten_thousand_dust_operations_drift_by_dust() -> None:
    """One wei long and closed again, and one raw unit in and out: nobody's balance wanders."""
    world, _ = a_world("gross")
    s = world.system
    griefer = s.actors["griefer"]
    deposit = call("deposit(address,uint256,uint256,uint256)", griefer, 0, 0, 10**6)
    assert s.send(griefer, s.clearing, deposit) == []
    before = venue_cash(world)
    signature = "trade(uint256,uint256,int256,uint256)"
    there = call(signature, 0, 1, 1, 2**255 - 1)
    back = call(signature, 0, 1, -1, 0)
    add = call("deposit(address,uint256,uint256,uint256)", griefer, 0, 0, 1)
    out = call("withdraw(uint256,uint256,uint256,address)", 0, 0, 1, griefer)
    for _ in range(2_500):
        for data in (there, back, add, out):
            assert not isinstance(s.send(griefer, s.clearing, data), str)
    (cash,) = s.view(s.clearing, "cash(uint256)", griefer << 8)
    gained = venue_cash(world) - before
    # A few hundred wei of a dollar per round trip at 24 USD, all of it to the venue.
    assert cash + gained == 10**18
    assert 0 <= gained <= 10_000 * 1_000


@pytest.mark.parametrize("variant", VARIANTS)
def test_closing_everyone_returns_what_was_paid_in(variant: str) -> None:
    """Whatever happened without a loss: all cash is in somebody's hands, and no more than it."""
    world, draw = a_world(variant)
    paid = world.ledger.held[0]
    for _ in range(40):
        world.do("open", RULES["open"].propose(world, draw))
    world.do("advance", [3_600, 0, 20, -20, 10, 0])
    names = {address: name for name, address in world.system.actors.items()}
    for number, account in list(world.ledger.accounts.items()):
        for m, position in list(account.positions.items()):
            if number >> 8 in names:
                owner, sub = names[number >> 8], number & 255
                world.do("trade", [owner, sub, m, -position.size, 1])
    out = world.ledger
    left = [n for n, a in out.accounts.items() if a.positions and n >> 8 != world.system.vault]
    total = sum(a.cash for a in out.accounts.values()) + out.insurance_fund
    total += sum(market.pool + market.maker_cash for market in out.markets)
    assert left == []
    assert total == paid * 10**12 == out.held[0] * 10**12
