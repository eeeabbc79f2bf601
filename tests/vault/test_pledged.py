"""A vault whose position backs its hedge: recentring, unwinding and margin (SPEC §4.4, §4.5)."""

from __future__ import annotations

import pytest

from simulator.chain.evm.codec import Reverted, reason
from tests.properties.revm_vault import USDC_UNIT, WAD, System

STRANGER = "0x" + "33" * 20


@pytest.fixture
def system() -> System:
    return System(pledged=True).invest()


def pledged_account(system: System) -> int:
    return int(system.clearing.call("pledge_of", system.get("token_id")))


def test_the_position_backs_the_cross_account(system: System) -> None:
    at = system.get("position_state")
    assert pledged_account(system) == system.account
    assert system.manager.call("ownerOf", system.get("token_id")) == system.clearing.address
    assert at[8]
    margin = system.margin()
    in_account = margin.value - margin.balance  # USDC is at 1 USD
    lp = at[3] * system.prices[1] + at[4] * 10**12
    assert in_account == pytest.approx(lp, rel=1e-9)
    haircut = system.clearing.call("lp_collateral")[2]
    assert margin.value - margin.equity == pytest.approx(lp * haircut / WAD, rel=1e-9)


def test_it_is_counted_once() -> None:
    """A pledging vault is worth what its twin is that keeps the position in its own hands."""
    twins = System(pledged=True).invest(), System().invest()
    worth = [system.get("nav") for system in twins]
    assert worth[0] == pytest.approx(worth[1], rel=1e-12)
    for system in twins:
        system.move(2_000, 33_000, 30)
    worth = [system.get("nav") for system in twins]
    assert worth[0] == pytest.approx(worth[1], rel=1e-12)


def test_recentring_moves_the_pledge(system: System) -> None:
    old = system.get("token_id")
    nav = system.get("nav")
    system.move(2_150)
    assert system.refusal(system.keeper, "recenter") == ""
    assert system.get("token_id") != old
    assert pledged_account(system) == system.account
    assert system.clearing.call("pledges", system.account) == (system.get("token_id"),)
    assert system.manager.call("positions", old)[7] == 0
    assert system.get("nav") == pytest.approx(nav, rel=0.1)


def test_recentring_is_possible_with_less_margin_than_initial(system: System) -> None:
    """Checked once at the end, and no worse is enough: a thin account can still be recentred."""
    system.set_terms(recenter_threshold=WAD // 10)
    system.move(1_950, 62_000, 57)
    margin = system.margin()
    assert margin.initial_equity * WAD > 0
    before = margin.ratio
    assert system.refusal(system.keeper, "recenter") == ""
    assert system.margin().ratio >= 0.95 * before


def test_an_exit_unwinds_the_pledged_position(system: System) -> None:
    depositor = system.depositors[0]
    held = system.get("balanceOf", depositor)
    liquidity, sizes = system.get("position_state")[0], system.sizes()
    part = held * 6 // 10
    promised, before = system.get("previewRedeem", part), system.usdc.call("balanceOf", depositor)
    system.do(depositor, "redeem", part, depositor, depositor)
    assert system.usdc.call("balanceOf", depositor) - before == promised
    left = system.get("position_state")[0] / liquidity
    assert 0 < left < 1
    assert system.sizes() == pytest.approx([left * size for size in sizes], rel=1e-9)
    assert pledged_account(system) == system.account
    assert system.margin().ratio >= system.get("parameters")[6] / WAD * (1 - 1e-9)


def test_everybody_can_leave(system: System) -> None:
    """Even where closing the hedge leaves a debt that only the position can pay."""
    depositor = system.depositors[0]
    system.do(depositor, "redeem", system.get("maxRedeem", depositor), depositor, depositor)
    assert system.clearing.call("cash", system.account) < 10**13  # ten raw units
    for part in (9, 10):
        shares = system.get("balanceOf", depositor) * part // 10
        system.do(depositor, "redeem", shares, depositor, depositor)
        system.swap_to(system.prices[1])
    assert system.get("totalSupply") == 0
    assert system.get("token_id") == 0
    assert system.sizes() == [0, 0]
    assert system.clearing.call("pledges", system.account) == ()


def test_deleverage_restores_the_target(system: System) -> None:
    target = system.get("parameters")[6]
    squeeze(system)
    before, liquidity = system.margin(), system.get("position_state")[0]
    assert before.ratio < system.get("parameters")[8] / WAD
    haircut = system.clearing.call("lp_collateral")[2]
    at = system.get("position_state")
    lp = at[3] * system.prices[1] + at[4] * 10**12
    required = target * before.maintenance / WAD
    expected = (required - before.equity) / (required + lp * haircut / WAD)
    assert 0 < expected < 1
    idle = system.get("idle_usdc")
    reward = system.do(system.keeper, "deleverage")
    burnt = 1 - system.get("position_state")[0] / liquidity
    assert burnt == pytest.approx(expected, rel=1e-6)
    assert system.margin().ratio == pytest.approx(target / WAD, rel=0.05)
    assert system.get("idle_usdc") == idle - reward  # what was raised stays in the account


def squeeze(system: System) -> None:
    """Take the spare cash out and let the hedge assets rise until the margin is thin."""
    depositor = system.depositors[0]
    system.do(depositor, "redeem", system.get("maxRedeem", depositor), depositor, depositor)
    price = 1.0
    while system.margin().ratio >= system.get("parameters")[8] / WAD:
        price *= 1.05
        system.move(system.prices[1], 29_000 * price, 24 * price)


def test_liquidated_position_is_no_longer_counted(system: System) -> None:
    """What liquidators took is gone from L at once; what they left in fees stays the vault's."""
    squeeze(system)
    while system.margin().ratio >= 1:
        system.move(system.prices[1], *(1.05 * p for p in system.prices[2:]))
    liquidator, token_id = system.owner, system.get("token_id")
    fund = 10**7 * USDC_UNIT
    system.usdc.transact(liquidator, "mint", liquidator, fund)
    system.clearing.transact(liquidator, "deposit", liquidator, 0, 0, fund)
    before = system.get("position_state")[0]
    arguments = (liquidator, "liquidate_pledge", system.account, token_id)
    fraction, _ = system.clearing.transact(*arguments)
    assert 0 < fraction <= WAD
    at = system.get("position_state")
    assert at[0] == pytest.approx(before * (1 - fraction / WAD), rel=1e-9)
    if fraction == WAD:
        assert not at[8]
        assert system.manager.call("ownerOf", token_id) == system.vault.address


def test_liquidity_given_to_the_nft_is_nobodys(system: System) -> None:
    """The position manager lets anyone add to a position; value and range stay the vault's own."""
    worth, at = system.get("nav"), system.get("position_state")
    give_liquidity(system)
    assert system.get("position_state")[0] == at[0]
    assert system.get("nav") == pytest.approx(worth, rel=1e-12)
    system.move(2_150)
    assert system.refusal(system.keeper, "recenter") == ""


def give_liquidity(system: System) -> None:
    donor, amount = system.owner, 10**12
    for token in (system.usdc, system.base):
        token.transact(donor, "mint", donor, 10**24)
        token.transact(donor, "approve", system.manager.address, 2**256 - 1)
    terms = (system.get("token_id"), 10**20, amount, 0, 0, 2**40)
    system.manager.transact(donor, "increaseLiquidity", terms)


def test_liquidity_given_to_a_position_in_the_vaults_hands_is_nobodys() -> None:
    system = System().invest()
    worth, at = system.get("nav"), system.get("position_state")
    give_liquidity(system)
    assert system.manager.call("positions", system.get("token_id"))[7] > at[0]
    assert system.get("position_state")[:5] == at[:5]
    assert system.get("nav") == pytest.approx(worth, rel=1e-12)
    depositor = system.depositors[0]
    assert system.refusal(depositor, "redeem", 10**24, depositor, depositor) == ""
    system.move(2_150)
    assert system.refusal(system.keeper, "recenter") == ""


def test_only_the_clearing_house_in_a_rearrangement_calls_back(system: System) -> None:
    for caller in (STRANGER, system.clearing.address, system.owner):
        try:
            refused = system.refusal(caller, "on_rearrange", b"")
        except RuntimeError:
            continue  # revm refuses a caller that has code: it could not call by itself either
        assert refused == "vault: not the clearing house"


def test_a_stranger_cannot_rearrange_for_the_vault(system: System) -> None:
    with pytest.raises(Reverted) as refused:
        system.clearing.transact(STRANGER, "rearrange", 0, [system.get("token_id")], b"")
    assert reason(refused.value.data) == "clearing: bad pledge"


def test_without_a_position_there_is_nothing_to_lend() -> None:
    system = System(pledged=True)
    depositor = system.depositors[0]
    system.do(depositor, "deposit", 1_000 * USDC_UNIT, depositor)
    assert system.get("token_id") == 0
    assert system.refusal(system.keeper, "recenter") == ""
    assert pledged_account(system) == system.account
