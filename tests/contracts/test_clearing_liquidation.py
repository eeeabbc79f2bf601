"""liquidate(), liquidate_collateral(), write-off (SPEC §3.5)."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import ape
import pytest

from tests.contracts.conftest import INSURANCE_FUNDS, MAKER_FUNDS
from tests.contracts.mirror import HIGHEST, Mirror, account_of, agree
from tests.reference.integers import WAD
from tests.reference.venue import wad


@pytest.fixture
def short(mirror: Mirror, trader: Any) -> Mirror:
    """The trader is short 10 BTC on 60,000 USDC."""
    mirror.deposit(trader, 60_000)
    mirror.trade(trader, 0, -10)
    return mirror


def ratio(mirror: Mirror, account: int) -> Fraction:
    state = mirror.clearing.account_state(account)
    return Fraction(state.equity, state.maintenance)


def test_healthy_account_is_left_alone(short: Mirror, trader: Any, liquidator: Any) -> None:
    short.set_price(BTC=33_000)
    with ape.reverts("clearing: not liquidatable"):
        short.clearing.liquidate(account_of(trader), 0, sender=liquidator)
    with ape.reverts("clearing: no position"):
        short.clearing.liquidate(account_of(trader), 1, sender=liquidator)
    with ape.reverts("clearing: no position"):
        short.clearing.liquidate(account_of(liquidator), 0, sender=liquidator)


def test_partial_liquidation_restores_initial_margin(
    short: Mirror, trader: Any, liquidator: Any
) -> None:
    short.set_price(BTC=34_500)
    before, pool = ratio(short, account_of(trader)), short.clearing.premium_pool(0)
    assert 0 < before < 1
    event = short.liquidate(trader, 0, liquidator)
    assert 0 < event.size < 10 * WAD
    # 2 % of the closed notional, half of it to the liquidator
    agree(event.penalty, Fraction(event.size, WAD) * 34_500 * Fraction(2, 100), "penalty")
    assert abs(short.clearing.cash(account_of(liquidator)) - event.penalty // 2) <= 1
    # E = μ M, and the premium that the close earned comes on top.
    state, earned = short.clearing.account_state(account_of(trader)), pool
    earned -= short.clearing.premium_pool(0)
    assert earned > 0
    assert abs(state.equity - 2 * state.maintenance - earned * 99 // 100) < 10**6
    with ape.reverts("clearing: not liquidatable"):
        short.clearing.liquidate(account_of(trader), 0, sender=liquidator)
    short.check()


def test_long_liquidation_follows_the_reference(
    mirror: Mirror, trader: Any, counterparty: Any, liquidator: Any
) -> None:
    mirror.deposit(counterparty, 200_000)
    mirror.trade(counterparty, 0, "-5.5")
    mirror.deposit(trader, "20000.5")
    mirror.trade(trader, 0, "6.25")
    mirror.set_price(BTC=28_100, USDC="1.01")
    mirror.liquidate(trader, 0, liquidator)
    mirror.check()


def test_collateral_other_than_usdc_supports_the_position(
    mirror: Mirror, trader: Any, liquidator: Any
) -> None:
    mirror.deposit(trader, 500)
    mirror.deposit(trader, 20, "WETH")
    mirror.trade(trader, 0, 5)
    mirror.set_price(BTC=25_000)
    assert mirror.clearing.account_state(account_of(trader)).balance < 0
    with ape.reverts("clearing: not liquidatable"):
        mirror.clearing.liquidate(account_of(trader), 0, sender=liquidator)
    mirror.set_price(WETH=1_700)
    mirror.liquidate(trader, 0, liquidator)
    assert mirror.clearing.cash(account_of(trader)) < 0
    mirror.check()


def test_usdc_depeg_alone_can_liquidate(mirror: Mirror, trader: Any, liquidator: Any) -> None:
    mirror.deposit(trader, 18_000)
    mirror.trade(trader, 0, -5)
    mirror.set_price(USDC="0.40")
    mirror.liquidate(trader, 0, liquidator)
    mirror.check()


def test_penalty_never_lowers_the_margin_ratio(
    mirror: Mirror, trader: Any, liquidator: Any
) -> None:
    """Far below maintenance the full penalty would eat the margin of the other position."""
    mirror.deposit(trader, 36_000)
    mirror.trade(trader, 0, 5)
    mirror.trade(trader, 1, 1_000)
    mirror.set_price(BTC=24_500, SOL="93.8")
    before = ratio(mirror, account_of(trader))
    assert Fraction(1, 100) < before < Fraction(2, 5)
    event = mirror.liquidate(trader, 0, liquidator)
    assert 0 < event.penalty < event.size * 24_500 * 2 // 100
    assert ratio(mirror, account_of(trader)) >= before
    mirror.check()


def test_debt_is_paid_by_insurance_then_by_the_maker(
    short: Mirror, trader: Any, liquidator: Any
) -> None:
    clearing = short.clearing
    short.set_price(BTC=36_300)
    event = short.liquidate(trader, 0, liquidator)
    assert (event.penalty, event.size) == (0, 10 * WAD)
    debt = clearing.bad_debt()
    assert INSURANCE_FUNDS * WAD < debt < 10_000 * WAD
    assert clearing.insurance_fund() == 0
    assert clearing.cash(account_of(trader)) == 0
    # the maker gained everything the trader had, and paid what the insurance fund could not
    assert clearing.maker_cash(0) == (MAKER_FUNDS + 60_000 + INSURANCE_FUNDS) * WAD
    short.check()


def test_small_debt_is_paid_by_the_premium_of_the_close(
    short: Mirror, trader: Any, liquidator: Any
) -> None:
    # 58,440.33 + 10 · (29,985 - 35,900) = -709.67; the premium of the close is 1,500
    short.set_price(BTC=35_900)
    event = short.liquidate(trader, 0, liquidator)
    assert short.clearing.bad_debt() == 0
    # 1,500 less the debt and half a spread of 179.5, of which 99 % count; halved between
    # liquidator and fund
    assert event.penalty == wad("604.7217")
    left = wad(INSURANCE_FUNDS) + event.penalty - event.penalty // 2
    assert short.clearing.insurance_fund() == left
    assert short.clearing.maker_drawn(0) == 0
    short.check()


def test_stale_oracle_stops_liquidation(
    short: Mirror, trader: Any, liquidator: Any, advance: Callable[..., None]
) -> None:
    short.set_price(BTC=36_000)
    advance(90_000, refresh=False)
    with ape.reverts("oracle: stale"):
        short.clearing.liquidate(account_of(trader), 0, sender=liquidator)


def test_pause_does_not_stop_liquidation(
    short: Mirror, trader: Any, liquidator: Any, guardian: Any
) -> None:
    short.clearing.pause(sender=guardian)
    short.set_price(BTC=34_500)
    short.liquidate(trader, 0, liquidator)


def test_liquidation_ignores_the_inventory_limit(
    mirror: Mirror, trader: Any, counterparty: Any, liquidator: Any
) -> None:
    """Closing a long may push a short skew further out than any trade could."""
    mirror.deposit(counterparty, 4_000_000)
    mirror.deposit(trader, 100_000)
    mirror.trade(trader, 0, 20)
    mirror.trade(counterparty, 0, -25)
    mirror.trade(counterparty, 0, -20)
    with ape.reverts("clearing: inventory limit"):
        mirror.clearing.trade(0, 0, -1, 0, sender=counterparty)
    mirror.set_price(BTC=26_500)
    mirror.liquidate(trader, 0, liquidator)
    assert mirror.clearing.market_state(0).skew < -25 * WAD
    mirror.check()


@pytest.fixture
def indebted(mirror: Mirror, trader: Any, liquidator: Any) -> Mirror:
    """The trader closed at a loss: 10 WETH and a debt of about 5,000 USDC."""
    mirror.deposit(liquidator, 50_000)
    mirror.deposit(trader, 100)
    mirror.deposit(trader, 10, "WETH")
    mirror.trade(trader, 0, 1)
    mirror.set_price(BTC=25_000)
    mirror.trade(trader, 0, -1)
    return mirror


def test_collateral_of_a_debtor_is_sold_below_the_oracle(
    indebted: Mirror, trader: Any, liquidator: Any, engine_events: Any
) -> None:
    clearing, account, buyer = indebted.clearing, account_of(trader), account_of(liquidator)
    debt = -clearing.cash(account)
    receipt = clearing.liquidate_collateral(account, 1, WAD, sender=liquidator)
    (event,) = receipt.decode_logs(engine_events["CollateralLiquidated"])
    assert (event.raw, event.paid) == (WAD, wad(1_960))  # 2,000 less 2 %
    assert clearing.cash(account) == -debt + wad(1_960)
    assert clearing.cash(buyer) == wad(50_000) - wad(1_960)
    assert clearing.collateral_balance(account, 1) == 9 * WAD
    assert clearing.collateral_balance(buyer, 1) == WAD


def test_no_more_collateral_is_sold_than_the_debt_needs(
    indebted: Mirror, trader: Any, liquidator: Any, engine_events: Any
) -> None:
    clearing, account = indebted.clearing, account_of(trader)
    debt = -clearing.cash(account)
    receipt = clearing.liquidate_collateral(account, 1, 10 * WAD, sender=liquidator)
    (event,) = receipt.decode_logs(engine_events["CollateralLiquidated"])
    assert event.paid == debt
    agree(event.raw, Fraction(debt, WAD) / 1_960, "collateral taken")
    assert clearing.cash(account) == 0 == clearing.bad_debt()
    with ape.reverts("clearing: not liquidatable"):
        clearing.liquidate_collateral(account, 1, 1, sender=liquidator)


def test_debt_beyond_the_collateral_is_written_off(
    indebted: Mirror, trader: Any, liquidator: Any
) -> None:
    clearing, account = indebted.clearing, account_of(trader)
    indebted.set_price(WETH=500)
    debt = -clearing.cash(account)
    clearing.liquidate_collateral(account, 1, 2**256 - 1, sender=liquidator)
    assert clearing.bad_debt() == debt - wad(4_900)
    assert clearing.cash(account) == 0 == clearing.collateral_balance(account, 1)


def test_debt_without_anything_left_is_written_off_by_liquidation_alone(
    mirror: Mirror, trader: Any, liquidator: Any
) -> None:
    mirror.deposit(trader, 4_000)
    mirror.trade(trader, 0, 1)
    mirror.set_price(BTC=25_000)
    with ape.reverts("clearing: insolvent"):
        mirror.clearing.trade(0, 0, -WAD, 0, sender=trader)
    mirror.clearing.liquidate(account_of(trader), 0, sender=liquidator)
    assert mirror.clearing.cash(account_of(trader)) == 0
    assert mirror.clearing.bad_debt() > 0


def test_buyer_of_collateral_pays_from_free_margin(
    indebted: Mirror, trader: Any, keeper: Any, counterparty: Any
) -> None:
    clearing, account = indebted.clearing, account_of(trader)
    with ape.reverts("clearing: insufficient collateral"):
        clearing.liquidate_collateral(account, 1, WAD, sender=keeper)
    # 25,000/0.99 and 125 of spread, 50.28 of fee, 1,250 of premium
    indebted.deposit(counterparty, 26_680)
    indebted.trade(counterparty, 0, 10)
    with ape.reverts("clearing: below initial margin"):
        clearing.liquidate_collateral(account, 1, WAD, sender=counterparty)
    with ape.reverts("clearing: not liquidatable"):
        clearing.liquidate_collateral(account, 0, WAD, sender=counterparty)
    with ape.reverts("clearing: no collateral"):
        clearing.liquidate_collateral(account, 2, WAD, sender=counterparty)


def test_debtor_with_a_healthy_position_keeps_its_collateral(
    indebted: Mirror, trader: Any, liquidator: Any
) -> None:
    clearing, account = indebted.clearing, account_of(trader)
    indebted.trade(trader, 0, -1)
    with ape.reverts("clearing: not liquidatable"):
        clearing.liquidate_collateral(account, 1, WAD, sender=liquidator)
    indebted.set_price(WETH=680)
    before = clearing.account_state(account)
    assert before.equity < before.maintenance
    clearing.liquidate_collateral(account, 1, WAD, sender=liquidator)
    assert clearing.account_state(account).equity >= before.equity


def test_closing_a_hedge_stops_before_risk_lowers_the_margin_ratio(
    mirror: Mirror,
    trader: Any,
    liquidator: Any,
    owner: Any,
    risk: Any,
    btc: Any,
    sol: Any,
    advance: Any,
) -> None:
    """Long 60,000 of BTC, short as much of SOL, all but the same risk: the gross rule binds.

    The gross shortfall asks for all of the SOL; without it the BTC would need more than both did.
    """
    clearing, account = mirror.clearing, account_of(trader)
    parameters = list(clearing.parameters())
    parameters[4:6] = [wad(Fraction(3, 10)), wad(3)]
    clearing.set_parameters(tuple(parameters), sender=owner)
    rows = [[0] * 8 for _ in range(clearing.risk_asset_count())]
    for i, row in enumerate(rows):
        asset = clearing.risk_asset(i)
        row[:2] = [4_000_000 * (asset in (btc, sol)), 100_000 * (asset == sol)]
    clearing.post_covariance(rows, sender=risk)
    mirror.deposit(liquidator, 100)
    mirror.deposit(trader, 20_000)
    clearing.trade(0, 0, 2 * WAD, HIGHEST, sender=trader)
    clearing.trade(0, 1, -600 * WAD, 0, sender=trader)
    clearing.withdraw(0, 0, 14_500 * 10**6, trader, sender=trader)
    parameters[4] = wad(Fraction(9, 10))
    clearing.set_parameters(tuple(parameters), sender=owner)
    for _ in range(24):  # an hour a call
        advance(3_600)
        clearing.tighten(17, sender=liquidator)
    before = ratio(mirror, account)
    assert Fraction(6, 10) < before < 1
    clearing.liquidate(account, 1, sender=liquidator)
    assert -600 * WAD < clearing.position(account, 1).size < 0
    gross = 3_000 * WAD - 8 * clearing.position(account, 1).size
    assert clearing.account_state(account).maintenance > gross * 9 // 10 + WAD  # risk binds now
    assert before <= ratio(mirror, account) < before * (1 + Fraction(1, 10_000))
    clearing.liquidate(account, 0, sender=liquidator)  # and the other leg heals it
    assert ratio(mirror, account) > before


def test_portfolio_liquidation_stays_within_its_gas(
    mirror: Mirror, trader: Any, liquidator: Any, owner: Any, risk: Any
) -> None:
    """Two markets and a collateral under portfolio margin, every storage slot cold."""
    clearing = mirror.clearing
    parameters = list(clearing.parameters())
    parameters[4:6] = [wad(Fraction(6, 10)), wad(4)]
    clearing.set_parameters(tuple(parameters), sender=owner)
    rows = [[0] * 8, [4_000_000] + [0] * 7, [4_800_000, 3_600_000] + [0] * 6]
    clearing.post_covariance([*rows, [4_000_000, 1_800_000] + [0] * 6], sender=risk)
    mirror.deposit(liquidator, 100)
    mirror.deposit(trader, 34_000)
    mirror.deposit(trader, 1, "WETH")
    clearing.trade(0, 1, -500 * WAD, 0, sender=trader)
    clearing.trade(0, 0, 5 * WAD, HIGHEST, sender=trader)
    mirror.set_price(BTC=25_000)
    receipt = clearing.liquidate(account_of(trader), 0, sender=liquidator)
    left = clearing.position(account_of(trader), 0).size
    assert 0 < left < 5 * WAD
    # Of it for the premium: a slot for the opening skew written from zero, 22,100 (in each of both
    # markets), and those of the pool and of what the block has liquidated; for the maker's worth,
    # which every valuation reads, 29,000; for the deviation of the feed, 12,000. Whether a market
    # is settled and what of its premium is unpaid are a cold slot each, 2,100 (the first in both);
    # asking the house for the valuations, before and after, about 2,500 each.
    assert receipt.gas_used <= 475_000
    print(f"liquidate: {receipt.gas_used} gas")
