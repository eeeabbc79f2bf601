"""A vault that holds shares of a StableSwap in place of a range (SPEC §4.9)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.chain.deploy import artifacts
from simulator.chain.deploy.deployment import deploy
from simulator.chain.evm.codec import Contract, Reverted, encode_constructor, reason
from simulator.chain.evm.revm import RevmTransport
from tests.vault.stable_system import UNIT, WAD, StableSystem, protocol

VIRTUAL = 10**12
ZERO = "0x" + "00" * 20
HEIR = "0x" + "44" * 20
# Of raw units, each of which rounding may take one of.
ROUNDED = 3


@cache
def invested() -> StableSystem:
    return StableSystem().invest()


@contextmanager
def as_it_was() -> Iterator[StableSystem]:
    """The invested system, left as it was."""
    system = invested()
    before, prices, now = system.chain.snapshot(), list(system.prices), system.chain.time()
    try:
        yield system
    finally:
        system.chain.revert(before)
        system.chain.set_time(now)
        system.prices = prices


@pytest.fixture
def system() -> Iterator[StableSystem]:
    with as_it_was() as system:
        yield system


# ------------------------------------------------------------------------------------------ opening


def test_shares_are_placed_in_the_pools_proportion_and_lose_no_more_than_the_fee(
    system: StableSystem,
) -> None:
    at = system.position
    assert system.get("STABLE")
    assert (at["tick_lower"], at["tick_upper"], at["fees_base"], at["fees_usdc"]) == (0, 0, 0, 0)
    assert at["liquidity"] == system.pool.call("balanceOf", system.deployed.vault)
    # 65 % of it, half of which was bought at a fee of a basis point, in a pool 50 times as large;
    # which that left out of balance by 1.3 %, so that as much of what was bought did not go in.
    left = system.get("idle_base")
    assert 0 < left < 0.03 * at["lp_base"]
    assert system.worth(at["lp_base"] + left, at["lp_usdc"]) == pytest.approx(0.65 * 2e6, rel=1e-3)
    assert at["lp_base"] == pytest.approx(at["lp_usdc"], rel=1e-2)
    nav = system.get("nav") / WAD
    hedge = 0.65 * 1e6 * (0.00125 + 0.0002)  # spread of a lagging feed and taker fee of the short
    assert 0.0 < 2e6 - nav < 0.65 * 1e6 * 1.5e-4 + 2.0 * hedge


def test_there_is_no_range_to_recentre_and_what_is_idle_is_placed(system: StableSystem) -> None:
    held = system.position["liquidity"]
    assert system.refusal(system.keeper, "recenter") == "vault: centred"
    system.report(0.97)
    assert system.refusal(system.keeper, "recenter") == "vault: centred"
    system.report(1.0)
    system.do(system.depositor, "deposit", 10**6 * UNIT, system.depositor)
    assert system.refusal(system.keeper, "recenter") == "vault: centred"  # within the hour
    system.wait(3_600)
    system.do(system.keeper, "recenter")
    assert system.position["liquidity"] == pytest.approx(1.5 * held, rel=2e-2)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"base": 0, "asset": 1}, "vault: asset decimals"),
        ({"base": 0}, "vault: pool tokens"),
        ({"pledged": True}, "vault: pledged shares"),
        ({"pool": "of three"}, "vault: pool tokens"),
        ({"pool": "dear"}, "vault: pool fee"),
    ],
    ids=str,
)
def test_what_it_cannot_hold_is_refused(changes: dict[str, Any], refusal: str) -> None:
    system = StableSystem()
    at = system.deployed
    coins = [at.tokens[1], at.tokens[0]]
    third = _new(system, "Token", "Other", "O", 6)
    pools = {
        "of three": _new(system, "StableSwap", [*coins, third], [ZERO] * 3, 200, 0, 10**10, "", ""),
        "dear": _new(system, "StableSwap", coins, [ZERO] * 2, 200, 10**7, 10**11 + 1, "", ""),
    }
    given = {
        "asset": at.tokens[0], "base": at.tokens[1], "pool": at.pool, "manager": ZERO,
        "oracle": at.oracle, "clearing": at.clearing, "isolated": False, "pledged": False,
    }  # fmt: skip
    for name, value in changes.items():
        if name == "pool":
            given[name] = pools[value]
        elif name in ("base", "asset"):
            given[name] = (
                third if name == "asset" and refusal.endswith("decimals") else at.tokens[value]
            )
        else:
            given[name] = value
    if refusal.endswith("decimals"):
        given["asset"] = _new(system, "Token", "Eighteen", "E", 18)
        given["pool"] = _new(
            system, "StableSwap", [at.tokens[1], given["asset"]], [ZERO] * 2, 9, 0, 10**10, "", ""
        )
        given["base"] = at.tokens[1]
    with pytest.raises(Reverted) as refused:
        _new(system, "VaultStrategy", given)
    assert reason(refused.value.data) == refusal


def _new(system: StableSystem, name: str, *arguments: Any) -> str:
    code = encode_constructor(artifacts.load(name), *arguments)
    return system.chain.deploy(system.deployed.roles.deployer, code)


# ---------------------------------------------------------------------------------------- valuation


@given(
    usdt=st.floats(0.6, 1.1),
    push=st.floats(-0.95, 0.95),
)
def test_what_it_counts_is_never_more_than_an_exit_pays_and_no_push_lowers_it(
    usdt: float, push: float
) -> None:
    with as_it_was() as system:
        system.report(usdt)
        at = system.position
        before = system.worth(at["lp_base"], at["lp_usdc"])
        paid = system.worth(*system.paid_for(at["liquidity"]))
        one = ROUNDED * (1.0 + usdt) / UNIT
        assert before <= paid + one
        raw = int(abs(push) * 5e13) + 10**9
        system.exchange(int(push < 0.0), raw)
        at = system.position
        after = system.worth(at["lp_base"], at["lp_usdc"])
        assert after <= system.worth(*system.paid_for(at["liquidity"])) + one
        # Upward by its part of the fee, which is at most a half of a thousandth of what was sold.
        part = at["liquidity"] / int(system.pool.call("totalSupply"))
        assert before - one <= after <= before + part * 5e-4 * raw / UNIT * max(1.0, usdt) + one


@pytest.mark.parametrize("usdt", [1.0, 0.99, 0.96, 0.8, 1.02])
def test_it_counts_what_the_closed_form_says(system: StableSystem, usdt: float) -> None:
    from simulator.hedging import stable_lp

    system.report(usdt)
    at = system.position
    supply, d = (int(system.pool.call(name)) for name in ("totalSupply", "get_D"))
    share = d / 1e18 * at["liquidity"] / supply
    base, usdc = stable_lp.balances([usdt, 1.0], share, system.terms.amplification)
    assert at["lp_base"] / UNIT == pytest.approx(base, rel=1e-9)
    assert at["lp_usdc"] / UNIT == pytest.approx(usdc, rel=1e-9)


def test_shares_and_coins_given_to_it_are_nobodys(system: StableSystem) -> None:
    before = system.get("last_nav"), system.position
    owner = system.deployed.roles.liquidity_owner
    system.pool.transact(owner, "transfer", system.deployed.vault, 10**24)
    system.usdt.transact(system.trader, "transfer", system.deployed.vault, 10**9)
    assert (system.get("last_nav"), system.position) == before


# ----------------------------------------------------------------------------------- around a call


@given(push=st.floats(-1.0, 1.0), idle=st.integers(1, 4))
def test_who_stands_around_a_placing_takes_no_more_than_the_slippage_bound(
    push: float, idle: int
) -> None:
    with as_it_was() as system:
        system.do(system.depositor, "deposit", idle * 10**6 * UNIT, system.depositor)
        system.wait(3_600)
        nav, had = system.get("nav") / WAD, system.held(system.trader)
        coin, raw = int(push < 0.0), int(abs(push) * 3.5e13) + 10**9
        got = system.exchange(coin, raw)
        refused = system.refusal(system.keeper, "recenter")
        assert refused in ("", "vault: spot deviates", "vault: slippage")
        system.exchange(1 - coin, got)
        gained = system.worth(
            *(b - a for a, b in zip(had, system.held(system.trader), strict=True))
        )
        lost = nav - system.get("nav") / WAD
        invested = 0.65 * nav
        bound = system.get("parameters")
        slippage = _parameter(bound, "max_slippage") / WAD
        assert lost <= slippage * invested
        assert gained <= slippage * invested
        if refused:
            assert gained <= 0.0
            assert lost <= 1e-6 * nav


def _push_to(system: StableSystem, target: float) -> tuple[int, int]:
    """Exchange until the pool's price is that; the coin given and what it paid."""

    def spot() -> float:
        return (float(system.pool.call("sqrt_price")) / 2**96) ** 2

    coin = 0 if spot() > target else 1
    low, high = 10**6, 10**14
    for _ in range(24):
        snapshot, middle = system.chain.snapshot(), (low + high) // 2
        system.exchange(coin, middle)
        far = (spot() > target) == (coin == 0)
        system.chain.revert(snapshot)
        low, high = (middle, high) if far else (low, middle)
    return coin, system.exchange(coin, low)


@pytest.mark.parametrize(("pool", "push"), [(10**7, 1.004), (10**8, 1.008)])
def test_who_pushes_before_every_placing_gains_nothing_and_depositors_lose_little(
    pool: int, push: float
) -> None:
    """Each placing made the next one due, and 4 % to 5 % of NAV a day was taken, call by call."""
    system = StableSystem(opening=(pool * UNIT // 2,) * 2).invest()
    trader = system.trader
    had = system.held(trader)
    system.usdc.transact(trader, "approve", system.deployed.vault, 2**255)
    system.do(trader, "deposit", 170_000 * UNIT, trader)  # what makes a placing due
    system.wait(3_600)
    before, placed = _depositors(system), 0
    for hour in range(8):
        coin, got = _push_to(system, push if hour % 2 == 0 else 1.0 / push)
        placed += system.refusal(trader, "recenter") == ""
        system.exchange(1 - coin, got)
        _push_to(system, 1.0)
        system.wait(3_600)
    assert 1 <= placed <= 2
    assert before - _depositors(system) < 1e-3 * before
    system.do(trader, "request_redeem", system.get("balanceOf", trader), trader)
    while system.get("queued_shares"):
        system.do(system.keeper, "settle_withdrawals", 10**18)
    gained = system.worth(*(b - a for a, b in zip(had, system.held(trader), strict=True)))
    assert gained < 0.0


def _depositors(system: StableSystem) -> float:
    """USDC that the first depositor's shares are worth."""
    shares = system.get("balanceOf", system.depositor)
    return float(system.get("convertToAssets", shares)) / UNIT


def test_a_pushed_pool_is_not_bought_in(system: StableSystem) -> None:
    system.do(system.depositor, "deposit", 10**6 * UNIT, system.depositor)
    system.wait(3_600)
    system.exchange(0, 45 * 10**12)
    assert system.refusal(system.keeper, "recenter") == "vault: spot deviates"


def test_a_swap_ends_before_the_limit_or_is_not_made() -> None:
    # A pool so thin that what a first investment buys would end beyond the limit, the spot at par.
    system = StableSystem(opening=(10**11, 10**11))
    system.do(system.depositor, "deposit", 400_000 * UNIT, system.depositor)
    assert system.refusal(system.keeper, "recenter") == "vault: slippage"
    assert system.position["liquidity"] == system.get("idle_base") == 0
    # And one in which it ends before it.
    system = StableSystem(opening=(10**12, 10**12))
    system.do(system.depositor, "deposit", 400_000 * UNIT, system.depositor)
    system.do(system.keeper, "recenter")
    spot = (system.pool.call("sqrt_price") / 2**96) ** 2
    assert 1.0 < spot < 1.01


def _parameter(values: Any, name: str) -> int:
    setter = next(e for e in artifacts.load("HedgeVault").abi if e.get("name") == "set_parameters")
    names = [c["name"] for c in setter["inputs"][0]["components"]]
    values = values[0] if len(values) == 1 else values
    return int(values[names.index(name)])


# -------------------------------------------------------------------------------------------- exits


@given(part=st.integers(1, 999), push=st.floats(-0.95, 0.95))
def test_an_exit_in_kind_pays_its_part_of_everything_wherever_the_pool_is_and_without_a_price(
    part: int, push: float
) -> None:
    with as_it_was() as system:
        system.exchange(int(push < 0.0), int(abs(push) * 5e13) + 10**9)
        system.chain.set_time(system.chain.time() + 30 * 86_400)  # every feed is stale
        system.vault.transact(HEIR, "set_in_kind_consent", system.depositor, True)
        house = system.at("ClearingHouse", system.deployed.clearing)
        house.transact(HEIR, "set_slice_consent", system.deployed.vault, True)
        shares = system.get("balanceOf", system.depositor) * part // 1_000
        supply = system.get("totalSupply") + VIRTUAL
        idle = system.get("idle_base"), system.get("idle_usdc")
        held = system.position["liquidity"]
        fee = _parameter(system.get("parameters"), "exit_fee")
        paid = shares * (WAD - fee) // WAD
        owed = system.paid_for(held * paid // supply)
        system.do(system.depositor, "redeem_in_kind", shares, HEIR)
        got = system.held(HEIR)
        for found, own, of_pool in zip(got, idle, owed, strict=True):
            assert found == own * paid // supply + of_pool
        assert system.position["liquidity"] == held - held * paid // supply
        assert system.pool.call("balanceOf", system.deployed.vault) == system.position["liquidity"]


def test_all_of_it_comes_back_for_usdc(system: StableSystem) -> None:
    shares = system.get("balanceOf", system.depositor)
    had = system.held(system.depositor)[1]
    # In one piece it would cost more than its exit fee bears; in the queue those served bear it.
    system.do(system.depositor, "request_redeem", shares, system.depositor)
    while system.get("queued_shares"):
        system.do(system.keeper, "settle_withdrawals", WAD)
    paid = (system.held(system.depositor)[1] - had) / UNIT
    fee = _parameter(system.get("parameters"), "exit_fee") / WAD
    assert paid == pytest.approx(2e6 * (1.0 - fee), rel=3e-3)
    assert system.position["liquidity"] == system.position["token_id"] == 0
    assert system.get("idle_base") == 0


def test_a_depeg_is_told_at_the_oracles_price_and_the_hedge_pays_for_it(
    system: StableSystem,
) -> None:
    whole = system.get("nav") / WAD
    system.report(0.95)
    # The pool has not moved; the value counts it where arbitrage will bring it.
    at = system.position
    assert at["lp_base"] > 10 * at["lp_usdc"]
    lost = whole - system.get("nav") / WAD
    # The short was of half of the position, which then became more than nine tenths of USDT.
    unhedged = 0.65 * 2e6 * 0.05 * 0.96
    assert 0.2 * unhedged < lost < 0.6 * unhedged


def test_the_deployment_of_a_range_asks_for_its_manager() -> None:
    # The same parts with a manager are of Uniswap: a StableSwap has no token0.
    terms = protocol()
    chain = RevmTransport()
    deployed = deploy(chain, replace(terms, stable=terms.stable))
    given = {
        "asset": deployed.tokens[0], "base": deployed.tokens[1], "pool": deployed.pool,
        "manager": deployed.manager, "oracle": deployed.oracle, "clearing": deployed.clearing,
        "isolated": False, "pledged": False,
    }  # fmt: skip
    code = encode_constructor(artifacts.load("VaultStrategy"), given)
    with pytest.raises(Reverted):
        Contract(
            artifacts.load("VaultStrategy"), chain.deploy(deployed.roles.deployer, code), chain
        )
