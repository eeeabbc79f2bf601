"""A vault over two venues: BTC borrowed and sold on Aave, SOL short at the ClearingHouse."""

from __future__ import annotations

import pytest

from simulator.types import Status
from tests.aave.vault import BTC, HIGHEST, SOL, WAD, HedgedVault

USDC_UNIT = 10**6
EXIT_FEE = 12  # index of the parameter


@pytest.fixture
def fresh(request: pytest.FixtureRequest) -> HedgedVault:
    return HedgedVault(**getattr(request, "param", {}))


@pytest.fixture
def running(fresh: HedgedVault) -> HedgedVault:
    """Two million deposited, betas posted, liquidity placed, both hedges on."""
    assert fresh.keep("deposit", 2 * 10**12, fresh.agents["depositor"], actor="depositor") == (
        Status.OK
    )
    assert fresh.post_betas(0.7, 0.2) == ""
    assert fresh.keep("recenter") == Status.OK
    assert fresh.keep("rebalance") == Status.OK
    return fresh


def exposure(vault: HedgedVault) -> float:
    """USD of the base asset held."""
    base = vault.vault.call("position_state")[3] + vault.vault.call("idle_base")
    return base / WAD * vault.prices["ETH"]


def hedged(vault: HedgedVault, hedge: int) -> float:
    """USD short per USD of exposure."""
    return -vault.size(hedge) / WAD * vault.prices[("BTC", "SOL")[hedge]] / exposure(vault)


def test_rebalance_brings_each_hedge_to_its_beta_at_its_own_venue(running: HedgedVault) -> None:
    assert hedged(running, BTC) == pytest.approx(0.7, rel=1e-6)
    assert hedged(running, SOL) == pytest.approx(0.2, rel=1e-6)
    assert running.clearing.call("position", running.account, BTC)[0] == 0
    assert running.keep("rebalance") == Status.WITHIN_BAND


def test_nothing_is_lost_between_the_venues_but_fees_and_price_impact(running: HedgedVault) -> None:
    assert 0.995 < running.nav() / 2e6 < 1.0
    assert running.vault.call("totalAssets") == pytest.approx(running.nav() * USDC_UNIT, rel=1e-9)


def test_margin_is_split_by_the_betas_of_what_each_venue_hedges(running: HedgedVault) -> None:
    running.keep("recenter")
    on_aave, at_clearing = (running.margin(hedge)[1] for hedge in (BTC, SOL))
    assert on_aave / at_clearing == pytest.approx(0.7 / 0.2, rel=0.02)


def test_interest_makes_the_hedge_grow_and_rebalance_takes_it_back(running: HedgedVault) -> None:
    before = running.size(BTC)
    for _ in range(90):
        running.wait(86_400)
    assert 1.001 < running.size(BTC) / before < 1.01
    assert running.post_betas(0.6, 0.2) == ""
    assert running.keep("rebalance") == Status.OK
    assert hedged(running, BTC) == pytest.approx(0.6, rel=1e-6)


def test_a_beta_that_would_make_the_borrowed_asset_long_is_refused(running: HedgedVault) -> None:
    running.wait(86_400)
    assert running.post_betas(-0.1, 0.2) == "vault: beta out of bounds"
    assert running.post_betas(0.4, -0.1) == ""


def test_top_up_feeds_the_account_on_aave_when_the_asset_rises(running: HedgedVault) -> None:
    assert running.keep("top_up") == Status.MARGIN_SUFFICIENT
    running.report(BTC=29_000 * 1.35, ETH=1850 * 1.1)
    assert running.ratio(BTC) < 2.5
    supplied, idle = running.supplied(), running.vault.call("idle_usdc")
    assert running.keep("top_up") == Status.OK
    added = running.supplied() - supplied
    kept = 100 * 5 * 10**6  # what a hundred keepers are paid
    assert 0 < added <= idle - kept
    assert running.ratio(BTC) == pytest.approx(3.0, rel=1e-6) or added == idle - kept


def test_deleverage_shrinks_both_legs_for_the_account_on_aave(running: HedgedVault) -> None:
    assert running.keep("deleverage") == Status.MARGIN_SUFFICIENT
    running.report(BTC=29_000 * 1.45, ETH=1850 * 1.25, SOL=24 * 1.2)
    assert 1.0 < running.ratio(BTC) < 1.8
    sizes = [running.size(hedge) for hedge in (BTC, SOL)]
    assert running.keep("deleverage") == Status.OK
    assert running.ratio(BTC) > 1.8
    assert all(0 > running.size(hedge) > sizes[hedge] for hedge in (BTC, SOL))
    assert running.hedge.call("position", running.account, 0)[0] == running.size(BTC)


@pytest.mark.parametrize("fresh", [{"pledged": True}], indirect=True)
def test_no_liquidity_that_backs_a_debt_is_unwound_for_the_account_on_aave(
    running: HedgedVault,
) -> None:
    prices = {"BTC": 29_000 * 1.45, "ETH": 1850 * 1.25, "SOL": 24.0}
    running.report(**prices)
    while running.margin(SOL)[1] >= 0:  # value, the liquidity counted in
        prices["SOL"] *= 1.1
        running.report(**prices)
    assert 1.0 < running.ratio(BTC) < 1.8
    before = [running.margin(hedge) for hedge in (BTC, SOL)]
    assert running.keep("deleverage") == Status.ACCOUNT_INSOLVENT
    assert [running.margin(hedge) for hedge in (BTC, SOL)] == before


def test_an_account_aave_calls_unhealthy_is_fed_before_it_is_shrunk(running: HedgedVault) -> None:
    """Aave releases no collateral below a health factor of one, not even to repay debt."""
    running.report(BTC=29_000 * 1.7, ETH=1850 * 1.3)
    assert running.ratio(BTC) < 1.0
    assert running.keep("deleverage") == Status.BELOW_INITIAL_MARGIN
    usdc, depositor = running.token("USDC"), running.agents["depositor"]
    usdc.transact(depositor, "approve", running.lending.hedge, HIGHEST)
    needed = int(-running.margin(BTC)[2] + 1.05 * running.margin(BTC)[4]) // 10**12
    running.hedge.transact(depositor, "deposit", running.deployed.vault, 0, 0, needed)
    assert running.keep("deleverage") == Status.OK
    assert running.ratio(BTC) > 1.8


def test_everyone_can_leave_and_the_debt_is_gone(running: HedgedVault) -> None:
    depositor = running.agents["depositor"]
    before = running.token("USDC").call("balanceOf", depositor)
    for part in (4, 2, 1):
        shares = running.vault.call("balanceOf", depositor) // part
        assert running.refusal("depositor", "redeem", shares, depositor, depositor) == ""
    assert running.vault.call("totalSupply") == 0
    received = running.token("USDC").call("balanceOf", depositor) - before
    assert 0.98 * 2e12 < received < 2e12
    assert running.size(BTC) == running.size(SOL) == 0


def test_the_queue_settles_from_both_venues(running: HedgedVault) -> None:
    depositor = running.agents["depositor"]
    shares = running.vault.call("balanceOf", depositor) // 3
    assert running.refusal("depositor", "request_redeem", shares, depositor) == ""
    sizes = [running.size(hedge) for hedge in (BTC, SOL)]
    assert running.keep("settle_withdrawals", WAD) == Status.OK
    assert all(0 > running.size(hedge) > sizes[hedge] for hedge in (BTC, SOL))


def test_who_leaves_in_kind_brings_the_btc_and_takes_the_collateral(running: HedgedVault) -> None:
    """With every price a year old. The perp's part goes to the receiver's account."""
    leaver = running.agents["perp_arbitrageur"]
    depositor = running.agents["depositor"]
    shares = running.vault.call("balanceOf", depositor) // 4
    running.vault.transact(depositor, "transfer", leaver, shares)
    running.chain.set_time(running.chain.time() + 365 * 86_400)
    supply = running.vault.call("totalSupply") + 10**12
    debt, supplied, sol = -running.size(BTC), running.supplied(), running.size(SOL)
    btc, usdc = running.token("BTC"), running.token("USDC")
    account = int(leaver, 16) << 8
    raw = running.clearing.call("cash", account) // 10**12
    running.clearing.transact(leaver, "withdraw", 0, 0, raw, leaver)

    refusal = running.refusal("perp_arbitrageur", "redeem_in_kind", shares, leaver)
    assert refusal == "token: insufficient balance"
    btc.transact(running.deployed.roles.deployer, "mint", leaver, 100 * WAD)
    before = usdc.call("balanceOf", leaver)
    assert running.refusal("perp_arbitrageur", "redeem_in_kind", shares, leaver) == ""
    part = shares / supply * (1 - running.vault.call("parameters")[EXIT_FEE] / WAD)
    brought = 100 * WAD - btc.call("balanceOf", leaver)
    assert brought == pytest.approx(debt * part, rel=1e-9)
    assert usdc.call("balanceOf", leaver) - before > supplied * part * (1 - 1e-9)
    assert running.clearing.call("position", account, SOL)[0] == pytest.approx(sol * part, rel=1e-9)


def test_a_liquidation_on_aave_is_in_the_nav_at_once(running: HedgedVault) -> None:
    """The keepers asleep, BTC doubles and half the debt is repaid by a liquidator at 5 % bonus."""
    running.report(BTC=29_000 * 2.6, ETH=1850 * 1.1)
    nav, ratio = running.nav(), running.ratio(BTC)
    assert ratio < 1
    liquidator, owner = running.agents["liquidator"], running.deployed.roles.deployer
    btc = running.token("BTC")
    btc.transact(owner, "mint", liquidator, 10**3 * WAD)
    btc.transact(liquidator, "approve", running.lending.aave, HIGHEST)
    debt = -running.size(BTC)
    addresses = (running.token("USDC").address, btc.address, running.lending.hedge)
    running.aave.transact(liquidator, "liquidationCall", *addresses, debt, False)
    repaid = debt + running.size(BTC)
    assert repaid > debt * 0.49
    lost = repaid / WAD * running.prices["BTC"] * 0.05
    assert running.nav() == pytest.approx(nav - lost, rel=1e-6)
    assert running.vault.call("totalAssets") == pytest.approx(running.nav() * USDC_UNIT, rel=1e-9)
