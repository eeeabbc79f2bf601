"""EIP-4626: views that must not revert, limits that must not be refused (SPEC §4.2, §4.7)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.chain.deploy.artifacts import compiled
from simulator.chain.evm.codec import Contract, encode_constructor
from simulator.types import Status
from tests.properties.revm_vault import USDC_UNIT, WAD, System, protocol

STRANGER = "0x" + "33" * 20
NEVER_REVERT = ("totalAssets", "maxDeposit", "maxMint", "maxWithdraw", "maxRedeem", "last_nav")
LIMITS = {
    "deposit": "maxDeposit", "mint": "maxMint", "withdraw": "maxWithdraw", "redeem": "maxRedeem",
}  # fmt: skip


def stale(system: System) -> None:
    system.wait(max(feed.max_age for feed in protocol().feeds) + 1, refresh=False)


def paused(system: System) -> None:
    system.do(system.deployed.roles.guardian, "set_paused", True)


def queued(system: System) -> None:
    system.do(system.depositors[0], "request_redeem", 100 * WAD, STRANGER)


def insolvent(system: System) -> None:
    for factor in (3, 9, 27):
        system.prices[2:] = [factor * p for p in (29_000.0, 24.0)]
        system.report()


def full(system: System) -> None:
    system.set_terms(deposit_cap=1)


def without_a_price(system: System, token: Contract) -> None:
    """The token is priced by an aggregator that answers no more: the oracle's `latest` is zero."""
    artifact = compiled(Path(__file__).parent.parent / "properties" / "aggregator.vy")
    made = system.chain.deploy(system.owner, encode_constructor(artifact, 8))
    aggregator = Contract(artifact, made, system.chain)
    now = system.chain.time()
    served = system.oracle.call("price", token.address) // 10**10
    aggregator.transact(system.owner, "set_round", 1, served, now, now, 1)
    system.oracle.transact(
        system.owner, "add_aggregator", token.address, aggregator.address, 86_400, 5 * 10**15
    )
    aggregator.transact(system.owner, "set_broken", True)
    assert system.oracle.call("latest", token.address)[0] == 0


def dollarless(system: System) -> None:
    without_a_price(system, system.usdc)


def baseless(system: System) -> None:
    without_a_price(system, system.base)


STATES = [lambda _: None, stale, paused, queued, insolvent, full, dollarless, baseless]


@pytest.mark.parametrize("state", STATES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("vault", [{}, {"pledged": True}, {"isolated": True}], ids=str)
def test_views_answer_in_every_state(
    state: Callable[[System], None], vault: dict[str, Any]
) -> None:
    system = System(**vault).invest()
    state(system)
    holder = system.depositors[0]
    for view in NEVER_REVERT:
        system.get(view, *([] if view in ("totalAssets", "last_nav") else [holder]))
    system.get("convertToShares", USDC_UNIT)
    system.get("convertToAssets", WAD)


def test_stale_prices_count_for_views_and_not_for_decisions() -> None:
    system = System().invest()
    worth = system.get("totalAssets")
    stale(system)
    assert system.get("totalAssets") == pytest.approx(worth, rel=1e-3)
    holder = system.depositors[0]
    for limit in LIMITS.values():
        assert system.get(limit, holder) == 0
    for function in ("deposit", "mint"):
        assert system.refusal(holder, function, WAD, holder) == "oracle: stale"
    for function in ("withdraw", "redeem"):
        assert system.refusal(holder, function, WAD, holder, holder) == "oracle: stale"
    for function in ("rebalance", "recenter", "top_up", "deleverage"):
        assert system.refusal(holder, function) == "oracle: stale"


def test_limits_are_zero_where_everything_would_be_refused() -> None:
    zeros_of: list[tuple[Callable[[System], None], set[str]]] = [
        (paused, {"maxDeposit", "maxMint"}),
        (full, {"maxDeposit", "maxMint"}),
        (insolvent, {"maxWithdraw", "maxRedeem"}),
    ]
    for state, zeros in zeros_of:
        system = System().invest()
        state(system)
        found = {limit for limit in LIMITS.values() if not system.get(limit, system.depositors[0])}
        assert zeros <= found
    assert System().get("maxRedeem", STRANGER) == System().get("maxWithdraw", STRANGER) == 0


def test_room_that_buys_no_share_is_no_room() -> None:
    system = System().invest()
    holder = system.depositors[0]
    system.set_terms(deposit_cap=system.get("totalAssets") + 1)
    assert system.refusal(holder, "deposit", 1, holder) == "vault: zero amount"
    assert system.get("maxDeposit", holder) == system.get("maxMint", holder) == 0


@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(
    base=st.floats(0.85, 1.15),
    hedges=st.floats(0.8, 1.4),
    part=st.floats(0, 0.9),
    days=st.integers(0, 30),
    cap=st.integers(0, 5_000_000),
    pledged=st.booleans(),
    function=st.sampled_from(sorted(LIMITS)),
)
def test_exactly_the_limit_is_never_refused(
    base: float, hedges: float, part: float, days: int, cap: int, pledged: bool, function: str
) -> None:
    """And one unit more is, where the limit is not the whole balance."""
    system = System(pledged=pledged, management_fee=0.02, performance_fee=0.2).invest()
    holder = system.depositors[0]
    system.usdc.transact(system.owner, "mint", holder, 10**7 * USDC_UNIT)
    if part > 0.01:
        shares = int(system.get("balanceOf", holder) * part * 0.3)
        system.do(holder, "redeem", shares, holder, holder)
    system.move(1_850 * base, 29_000 * hedges, 24 * hedges)
    system.wait(days * 86_400)
    system.set_terms(deposit_cap=cap * USDC_UNIT)
    limit = system.get(LIMITS[function], holder)
    receivers = (holder,) if function in ("deposit", "mint") else (holder, holder)
    if limit:
        assert system.attempt(holder, function, limit, *receivers)[0] is Status.OK
    if function == "deposit":
        refused = system.refusal(holder, function, 2 * USDC_UNIT, *receivers)
        assert refused == "vault: deposit cap"


def silence(system: System, asset: int) -> None:
    """The feed of an asset stops, and is too old by now; the others go on."""
    system.silent.add(asset)
    system.wait(max(feed.max_age for feed in protocol().feeds) + 1)


def exits(system: System) -> list[str]:
    """Why each way out in USDC is refused; empty where it is not."""
    holder = system.depositors[0]
    shares = system.get("balanceOf", holder) // 10
    system.do(holder, "request_redeem", shares, holder)
    settled = system.refusal(holder, "settle_withdrawals", WAD)
    return [
        settled,
        system.refusal(holder, "redeem", shares, holder, holder),
        system.refusal(holder, "withdraw", 1_000 * USDC_UNIT, holder, holder),
    ]


def test_no_exit_needs_the_feed_of_a_hedge_that_is_not_held() -> None:
    system = System().invest()
    system.wait(protocol().vault.beta_interval)
    system.do(system.deployed.roles.risk_manager, "post_betas", [7 * WAD // 10, 0])
    system.do(system.keeper, "rebalance")
    assert system.sizes()[1] == 0 != system.sizes()[0]
    silence(system, 3)
    assert exits(system) == ["", "", ""]


@pytest.mark.parametrize("asset", [0, 1, 2, 3])
def test_an_exit_in_usdc_needs_the_feeds_of_what_is_held_and_one_in_kind_none(asset: int) -> None:
    system = System().invest()
    silence(system, asset)
    holder = system.depositors[0]
    refused = exits(system)
    assert refused[0] == "oracle: stale"
    assert system.refusal(holder, "redeem", WAD, holder, holder) != ""
    system.do(holder, "cancel_request")
    assert system.refusal(holder, "redeem", WAD, holder, holder) == "oracle: stale"
    system.clearing.transact(holder, "set_slice_consent", system.vault.address, True)
    half = system.get("balanceOf", holder) // 2
    assert system.refusal(holder, "redeem_in_kind", half, holder) == ""
