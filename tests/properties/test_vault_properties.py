"""HedgeVault with everything around it on revm: what no sequence of actions may break."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.types import Status
from tests.properties.revm_vault import USDC_UNIT, WAD, System, protocol

SEQUENCES = settings(max_examples=25, deadline=None, derandomize=True, database=None)
MARKETS = protocol().markets
TERMS = protocol().vault


# Actions as data, so that a failing sequence prints as one line.
Step = tuple[str, float, float]

steps: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("deposit"), st.sampled_from([0.0, 1.0]), st.floats(1e-6, 2e6)),
    st.tuples(st.just("redeem"), st.sampled_from([0.0, 1.0]), st.floats(0, 1)),
    st.tuples(st.just("withdraw"), st.just(0.0), st.floats(0, 1)),
    st.tuples(st.just("market"), st.floats(0.8, 1.25), st.floats(0.8, 1.3)),
    st.tuples(st.just("depeg"), st.floats(0.93, 1.02), st.just(0.0)),
    st.tuples(st.just("spot"), st.floats(0.97, 1.03), st.just(0.0)),
    st.tuples(st.just("wait"), st.floats(1, 86_400), st.just(0.0)),
    st.tuples(st.just("betas"), st.floats(-0.4, 1.2), st.floats(-0.4, 1.2)),
    st.tuples(st.just("request"), st.sampled_from([0.0, 1.0]), st.floats(0, 1)),
    st.tuples(st.just("cancel"), st.sampled_from([0.0, 1.0]), st.just(0.0)),
    st.tuples(st.just("settle"), st.floats(0, 1), st.just(0.0)),
    st.tuples(st.just("kind"), st.sampled_from([0.0, 1.0]), st.floats(0, 1)),
    st.tuples(st.just("donate"), st.sampled_from([0.0, 1.0]), st.floats(1, 1e6)),
    st.tuples(
        st.sampled_from(["rebalance", "recenter", "top_up", "deleverage"]),
        st.just(0.0),
        st.just(0.0),
    ),
)
# Most sequences start invested and hedged: an empty vault exercises little.
starts = st.sampled_from(["empty", "invested", "pledged", "isolated"])
sequences = st.tuples(starts, st.lists(steps, min_size=1, max_size=14))


def invested(start: str = "invested") -> System:
    """2,000,000 USDC deposited, placed and hedged, both depositors ready to take it in kind."""
    modes = {"pledged": {"pledged": True}, "isolated": {"isolated": True}}
    system = System(management_fee=0.02, performance_fee=0.2, **modes.get(start, {}))
    for depositor in system.depositors:
        system.clearing.transact(depositor, "set_slice_consent", system.vault.address, True)
    return system if start == "empty" else system.invest()


def act(system: System, step: Step) -> Status:
    """Carry out one step."""
    name, first, second = step
    keeper = system.agents["keeper"]
    if name in ("rebalance", "recenter", "top_up", "deleverage"):
        return system.attempt(keeper, name)[0]
    if name in ("request", "cancel", "settle", "kind"):
        return leave_otherwise(system, step)
    if name in ("deposit", "redeem", "withdraw"):
        return exchange(system, step)
    if name == "market":
        system.prices = [
            system.prices[0], system.prices[1] * first, *(p * second for p in system.prices[2:])
        ]  # fmt: skip
        system.report()
        system.swap_to(system.prices[1] / system.prices[0])
    elif name == "depeg":
        system.prices[0] = first
        system.report()
    elif name == "spot":
        system.swap_to(system.prices[1] / system.prices[0] * first)
    elif name == "wait":
        system.wait(int(first))
    elif name == "donate":
        system.donate(int(first), int(second * (USDC_UNIT, WAD)[int(first)]))
    else:
        betas = [int(first * WAD), int(second * WAD)]
        return system.attempt(system.deployed.roles.risk_manager, "post_betas", betas)[0]
    return Status.OK


def leave_otherwise(system: System, step: Step) -> Status:
    """Through the queue, or in kind: shares are burnt for what is paid, and for nothing else."""
    name, first, second = step
    if name == "settle":
        return system.attempt(system.keeper, "settle_withdrawals", int(first * WAD))[0]
    agent = system.depositors[int(first)]
    if name == "cancel":
        return system.attempt(agent, "cancel_request")[0]
    shares = int(system.vault.call("balanceOf", agent) * second)
    function = "request_redeem" if name == "request" else "redeem_in_kind"
    return system.attempt(agent, function, shares, agent)[0]


def exchange(system: System, step: Step) -> Status:
    """Deposit, redeem or withdraw: previews hold, and what is paid is what the value falls by."""
    name, who, amount = step
    agent = system.depositors[int(who)]
    held, total = system.vault.call("balanceOf", agent), system.vault.call("totalAssets")
    money, before = system.usdc.call("balanceOf", agent), system.margin()
    if name == "deposit":
        asked = int(amount * USDC_UNIT)
        promise = system.vault.call("previewDeposit", asked)
        status, got = system.attempt(agent, name, asked, agent)
    elif name == "redeem":
        asked = int(held * amount)
        promise = system.vault.call("previewRedeem", asked)
        status, got = system.attempt(agent, name, asked, agent, agent)
    else:
        asked = int(system.vault.call("maxWithdraw", agent) * amount)
        promise = system.vault.call("previewWithdraw", asked)
        status, got = system.attempt(agent, name, asked, agent, agent)
    if status is not Status.OK:
        assert (system.vault.call("balanceOf", agent), system.usdc.call("balanceOf", agent)) == (
            held,
            money,
        )
        return status
    assert got == promise
    change = system.usdc.call("balanceOf", agent) - money
    assert abs(change) == (promise if name == "redeem" else asked)
    if name == "deposit":
        assert abs(system.vault.call("totalAssets") - total - asked) <= 1
    else:
        # Unwinding costs at most the slippage bound on what is unwound; two legs and their sale.
        assert system.vault.call("totalAssets") + asked_assets(name, asked, promise) >= total * (
            1 - 3 * TERMS.max_slippage
        )
        if before.ratio > 0:  # a debt does not shrink with the position
            floor = min(TERMS.margin_target, before.ratio) * (1 - 5 * TERMS.max_slippage)
            assert system.margin().ratio >= floor
    return status


def asked_assets(name: str, asked: int, promise: int) -> int:
    return promise if name == "redeem" else asked


@dataclass(frozen=True)
class Books:
    """What the vault says it holds, and what it holds."""

    idle: tuple[int, int]
    balances: tuple[int, int]
    liquidity: int
    liquidity_at_manager: int
    supply: int
    shares: int
    queued: int
    waiting: int


def books(system: System) -> Books:
    vault = system.vault
    token_id = vault.call("token_id")
    holders = [*system.depositors, system.deployed.roles.fee_receiver, vault.address]
    return Books(
        idle=(vault.call("idle_usdc"), vault.call("idle_base")),
        balances=(
            system.usdc.call("balanceOf", vault.address) - system.donated[0],
            system.base.call("balanceOf", vault.address) - system.donated[1],
        ),
        liquidity=vault.call("position_state")[0],
        liquidity_at_manager=system.manager.call("positions", token_id)[7] if token_id else 0,
        supply=vault.call("totalSupply"),
        shares=sum(vault.call("balanceOf", holder) for holder in holders),
        queued=vault.call("queued_shares"),
        waiting=vault.call("balanceOf", vault.address),
    )


@SEQUENCES
@given(sequence=sequences)
def test_counters_are_the_tokens_whatever_happens(sequence: tuple[str, list[Step]]) -> None:
    """Idle counters equal balances less donations, L the manager's record, shares their supply."""
    start, actions = sequence
    system = invested(start)
    for step in actions:
        act(system, step)
        now = books(system)
        assert now.idle == now.balances, step
        assert now.liquidity == now.liquidity_at_manager, step
        assert now.supply == now.shares, step
        assert now.queued == now.waiting, step


@SEQUENCES
@given(actions=st.lists(steps, max_size=6), amount=st.floats(1, 3e6))
def test_round_trip_in_one_block_never_profits(actions: list[Step], amount: float) -> None:
    system = invested()
    for step in actions:
        act(system, step)
    attacker = system.depositors[1]
    held = system.vault.call("balanceOf", attacker)
    money = system.usdc.call("balanceOf", attacker)
    if system.attempt(attacker, "deposit", int(amount * USDC_UNIT), attacker)[0] is not Status.OK:
        return
    bought = system.vault.call("balanceOf", attacker) - held
    system.attempt(attacker, "redeem", bought, attacker, attacker)
    assert system.usdc.call("balanceOf", attacker) <= money


@SEQUENCES
@given(
    actions=st.lists(steps, max_size=8),
    keeper_function=st.sampled_from(["rebalance", "recenter", "top_up", "deleverage"]),
)
def test_keepers_cost_no_more_than_slippage_and_reward(
    actions: list[Step], keeper_function: str
) -> None:
    """However the market stands, a call loses at most the bound on what it can have traded."""
    system = invested()
    for step in actions:
        act(system, step)
    before, hedged = system.vault.call("nav"), hedge_notional(system)
    status, reward = system.attempt(system.agents["keeper"], keeper_function)
    if status is not Status.OK:
        assert system.vault.call("nav") == before
        return
    traded = before + hedged + hedge_notional(system)
    paid = reward * WAD // USDC_UNIT * system.prices[0]
    assert system.vault.call("nav") >= before - paid - 2 * TERMS.max_slippage * traded - WAD


def hedge_notional(system: System) -> float:
    prices = [system.prices[m.asset] for m in protocol().clearing.markets]
    return sum(abs(size) * price for size, price in zip(system.sizes(), prices, strict=True))


@SEQUENCES
@given(actions=st.lists(steps, max_size=8))
def test_keeper_calls_do_what_they_are_for(actions: list[Step]) -> None:
    """After rebalance every market is at its target, after recenter both tokens are placed."""
    system = invested()
    for step in actions:
        act(system, step)
    keeper = system.agents["keeper"]
    if system.attempt(keeper, "rebalance")[0] is Status.OK:
        assert system.attempt(keeper, "rebalance")[0] is Status.WITHIN_BAND
        at, idle = system.vault.call("position_state"), system.vault.call("idle_base")
        exposure = (at[3] + idle) / WAD * system.prices[1]
        band = TERMS.hedge_band * system.vault.call("nav") / WAD
        for market, size in enumerate(system.sizes()):
            price = system.prices[protocol().clearing.markets[market].asset]
            beta = system.vault.call("beta", market) / WAD
            # The reward and costs come out of NAV, so the band is a hair narrower now.
            assert abs(size / WAD * price + beta * exposure) <= band * 1.02 + 1
    if system.attempt(keeper, "recenter")[0] is Status.OK:
        lower, upper = system.vault.call("position_state")[1:3]
        assert upper - lower == 2 * TERMS.range_half_width
        at = system.vault.call("position_state")
        assert at[3] > 0
        assert at[4] > 0


@SEQUENCES
@given(actions=st.lists(steps, max_size=8))
def test_everyone_can_leave_in_parts_a_pool_at_the_oracle_price(actions: list[Step]) -> None:
    """Nobody is locked in: what is too much at once (costs, depth) goes in parts."""
    system = invested()
    for step in actions:
        act(system, step)
    for agent in system.depositors:
        system.attempt(agent, "cancel_request")
    for agent in system.depositors:
        leave(system, agent)
        shares = system.vault.call("balanceOf", agent)
        assert system.vault.call("convertToAssets", shares) <= 1_000 * USDC_UNIT


def leave(system: System, agent: str) -> None:
    """Redeem as much as goes through, arbitrage the pool back, and again."""
    for _ in range(60):
        system.report()
        system.swap_to(system.prices[1] / system.prices[0])
        for part in (100, 95, 75, 50, 25, 10, 5, 2):
            shares = system.vault.call("balanceOf", agent) * part // 100
            if not shares or not system.vault.call("previewRedeem", shares):
                return
            status, _ = system.attempt(agent, "redeem", shares, agent, agent)
            if status is Status.OK:
                break
            assert status in (Status.INSUFFICIENT_LIQUIDITY, Status.SLIPPAGE)


@pytest.mark.parametrize("fraction", [0.25, 0.75])
def test_leaving_does_not_dilute_those_who_stay(fraction: float) -> None:
    system = invested()
    leaver, stayer = system.depositors
    assert system.attempt(stayer, "deposit", 500_000 * USDC_UNIT, stayer)[0] is Status.OK
    before = system.vault.call("convertToAssets", WAD)
    shares = int(system.vault.call("balanceOf", leaver) * fraction)
    assert system.attempt(leaver, "redeem", shares, leaver, leaver)[0] is Status.OK
    assert system.vault.call("convertToAssets", WAD) >= before
