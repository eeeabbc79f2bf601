"""Shares that are worth nothing: none are sold, and every way out stays open (SPEC §4.3, §4.7)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.chain.deploy import artifacts
from tests.properties.revm_vault import USDC_UNIT, WAD, System

VIRTUAL = 10**12
HEIR = "0x" + "44" * 20
MODES: list[dict[str, Any]] = [{}, {"isolated": True}, {"pledged": True}]


@pytest.fixture(params=MODES, ids=["cross", "isolated", "pledged"])
def system(request: pytest.FixtureRequest) -> System:
    """The hedges have lost more than there is, and nobody has liquidated them yet."""
    system = System(**request.param).invest()
    hedges = system.prices[2:]
    system.prices[2:] = [27 * price for price in hedges]
    system.report()
    assert system.get("totalAssets") == 0
    system.prices[2:] = hedges  # for the next report
    return system


def test_no_share_is_sold_while_a_whole_one_is_worth_less_than_a_raw_unit(system: System) -> None:
    holder = system.depositors[0]
    assert system.get("maxDeposit", holder) == system.get("maxMint", holder) == 0
    for raw in (2, USDC_UNIT, 10**5 * USDC_UNIT):
        assert system.refusal(holder, "deposit", raw, holder) == "vault: deposit cap"
        assert system.refusal(holder, "mint", raw * VIRTUAL, holder) == "vault: deposit cap"
    # Views know no limits, and answer for any amount of USDC there can be.
    for view in ("convertToShares", "previewDeposit", "previewWithdraw"):
        assert system.get(view, 2**128) > 2**128
    for view in ("convertToAssets", "previewRedeem"):
        assert system.get(view, WAD) == 0


def test_every_way_out_stays_open(system: System) -> None:
    holder = system.depositors[0]
    shares = system.get("balanceOf", holder)
    assert system.refusal(holder, "redeem", shares, holder, holder) == "vault: zero amount"
    system.clearing.transact(HEIR, "set_slice_consent", system.vault.address, True)
    system.do(HEIR, "set_in_kind_consent", holder, True)
    system.do(holder, "redeem_in_kind", shares // 2, HEIR)
    account = int(HEIR, 16) << 8 | (1 if system.get("ISOLATED") else 0)
    assert system.clearing.call("position", account, 0)[0] < 0
    system.do(holder, "request_redeem", shares // 4, holder)
    # The line waits for the liquidation that forgives the debt; who will not wait leaves it.
    assert system.refusal(system.keeper, "settle_withdrawals", 0) == "vault: account insolvent"
    system.do(holder, "cancel_request")
    assert system.get("balanceOf", holder) == shares - shares // 2
    assert system.get("queued_shares") == 0


def test_shares_are_sold_again_when_they_are_worth_something(system: System) -> None:
    late = system.depositors[1]
    supply = system.get("totalSupply")
    system.report()
    worth = system.get("totalAssets")
    assert worth > 10**6 * USDC_UNIT
    assert system.get("maxDeposit", late) > 0
    shares = system.do(late, "deposit", 10**5 * USDC_UNIT, late)
    assert shares == pytest.approx(995 * 10**8 * supply / worth, rel=1e-9)  # fee: half a percent


def with_usdc(system: System, raw: int) -> None:
    """A vault of USDC alone now has ``raw`` of it."""
    slot = artifacts.load("HedgeVault").slots["idle_usdc"]
    system.chain.evm.insert_account_storage(system.vault.address, slot, raw)


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(raw=st.integers(0, 5), whole=st.integers(1, 6), off=st.integers(-1, 1))
def test_the_line_is_one_raw_unit_per_whole_share(raw: int, whole: int, off: int) -> None:
    system = System()
    holder = system.depositors[0]
    system.do(holder, "mint", whole * WAD - VIRTUAL + off, holder)
    with_usdc(system, raw)
    sold = (raw + 1) * WAD >= whole * WAD + off
    limit = system.get("maxDeposit", holder)
    assert (limit > 0) is sold
    assert (system.get("maxMint", holder) > 0) is sold
    refused = system.refusal(holder, "deposit", USDC_UNIT, holder)
    assert refused == ("" if sold else "vault: deposit cap")
    if sold:  # what makes the supply bounded: a raw unit buys no more than a whole share
        minted = system.get("totalSupply") - (whole * WAD - VIRTUAL + off)
        assert minted <= USDC_UNIT * WAD


def test_dust_left_behind_does_not_close_an_empty_vault() -> None:
    system = System()
    holder, late = system.depositors
    system.do(holder, "mint", VIRTUAL, holder)
    with_usdc(system, 0)
    assert system.do(late, "deposit", 10**5 * USDC_UNIT, late) > 0
    shares = system.get("balanceOf", late)
    assert system.get("convertToAssets", shares) == pytest.approx(995 * 10**8, rel=6e-3)
