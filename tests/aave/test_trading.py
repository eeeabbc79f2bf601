"""AaveHedge.trade: what it borrows, sells, buys back and repays, and what it refuses."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests.aave.market import (
    DECIMALS,
    FEE_PPM,
    FULL_RANGE,
    HIGHEST,
    LTV,
    THRESHOLD,
    USDC_UNIT,
    WAD,
    AaveMarket,
    wad,
)

BTC, SOL = 0, 1
BTC_UNIT = 10 ** DECIMALS["BTC"]


def quote(market: AaveMarket, symbol: str, size: int) -> int:
    """Raw USDC the pool gives for a sale, or asks for a purchase, of WAD units; tried on a copy."""
    before = market.balance("USDC", f"{symbol} pool")
    transactions = market.chain.evm.snapshot()
    assert market.trade(list(DECIMALS).index(symbol) - 1, size) == ""
    after = market.balance("USDC", f"{symbol} pool")
    market.chain.evm.revert(transactions)
    return abs(before - after)


def holds_nothing(market: AaveMarket) -> bool:
    return all(market.balance(symbol, "hedge") == 0 for symbol in DECIMALS)


def test_an_opening_borrows_the_size_sells_it_and_supplies_the_proceeds(market: AaveMarket) -> None:
    market.deposit(1_000_000)
    lent = market.balance("BTC", "aBTC")
    in_pool = market.balance("USDC", "BTC pool")
    fill, fee = market.do("trade", 0, BTC, -wad(10), 0)
    proceeds = in_pool - market.balance("USDC", "BTC pool")
    assert market.debt("BTC") == 10 * BTC_UNIT == lent - market.balance("BTC", "aBTC")
    assert market.supplied() == 1_000_000 * USDC_UNIT + proceeds
    assert fill == Fraction(proceeds * 10**12, 10)
    assert fee == 0
    assert market.size(BTC) == -wad(10)
    assert holds_nothing(market)
    after_fee = 30_000 * (1 - Fraction(FEE_PPM, 10**6))
    assert after_fee * Fraction(99, 100) < Fraction(fill, WAD) < after_fee  # and the price impact


def test_a_reduction_buys_exactly_its_size_and_pays_from_the_collateral(
    hedged: AaveMarket,
) -> None:
    debt, supplied = hedged.debt("BTC"), hedged.supplied()
    in_pool = hedged.balance("USDC", "BTC pool")
    fill, fee = hedged.do("trade", 0, BTC, wad(4), HIGHEST)
    paid = hedged.balance("USDC", "BTC pool") - in_pool
    assert hedged.debt("BTC") == debt - 4 * BTC_UNIT
    assert hedged.supplied() == supplied - paid
    assert fill == Fraction(paid * 10**12, 4)
    assert fee == 0
    assert holds_nothing(hedged)


@pytest.mark.parametrize(("asset", "symbol"), [(BTC, "BTC"), (SOL, "SOL")])
def test_the_whole_debt_is_repaid_to_the_last_unit(
    hedged: AaveMarket, asset: int, symbol: str
) -> None:
    assert hedged.debt(symbol) % 10**6 != 0  # interest left no round number
    assert hedged.trade(asset, -hedged.size(asset)) == ""
    assert hedged.size(asset) == hedged.debt(symbol) == 0
    assert hedged.balance(f"{symbol} debt", "hedge") == 0


def test_with_every_debt_repaid_all_the_collateral_can_leave(hedged: AaveMarket) -> None:
    for asset in (BTC, SOL):
        assert hedged.trade(asset, -hedged.size(asset)) == ""
    everything = hedged.supplied()
    before = hedged.balance("USDC", "redeemer")
    assert hedged.attempt("withdraw", 0, 0, everything, hedged.address("redeemer")) == ""
    assert hedged.balance("USDC", "redeemer") == before + everything
    assert hedged.supplied() == 0 == hedged.hedge.call("cash", hedged.account)


def test_sizes_below_a_raw_unit_round_against_the_debt(hedged: AaveMarket) -> None:
    """An opening is rounded down, a reduction up: one never leaves more debt than was asked for."""
    debt = hedged.debt("BTC")
    assert hedged.trade(BTC, -(wad(1) + 10**10 - 1)) == ""
    assert hedged.debt("BTC") == debt + BTC_UNIT
    assert hedged.trade(BTC, wad(1) + 1) == ""
    assert hedged.debt("BTC") == debt - 1


def test_a_limit_price_is_kept_to_the_last_digit(hedged: AaveMarket) -> None:
    sale = quote(hedged, "BTC", -wad(2)) * 10**12 // 2
    assert hedged.trade(BTC, -wad(2), sale + 1) == "clearing: slippage"
    assert hedged.trade(BTC, -wad(2), sale) == ""
    purchase = quote(hedged, "BTC", wad(3)) * 10**12
    purchase = -(-purchase // 3)
    assert hedged.trade(BTC, wad(3), purchase - 1) == "clearing: slippage"
    assert hedged.trade(BTC, wad(3), purchase) == ""


def test_the_limit_is_in_dollars_whatever_usdc_is_worth(hedged: AaveMarket) -> None:
    hedged.report(USDC=Fraction(97, 100))
    fill = quote(hedged, "BTC", -wad(2)) * 10**12 * 97 // 200
    assert hedged.trade(BTC, -wad(2), fill + 1) == "clearing: slippage"
    assert hedged.trade(BTC, -wad(2), fill) == ""


@pytest.mark.parametrize("width", [0, 1_000])
def test_a_pool_too_thin_for_the_size_is_slippage(hedged: AaveMarket, width: int) -> None:
    """No liquidity at all, or a little near the price that a swap exhausts."""
    tick = hedged.pool("BTC").call("slot0")[1] // 10 * 10
    targets = [(-FULL_RANGE, FULL_RANGE, 0)]
    if width:
        targets.append((tick - width, tick + width, 10**9))
    hedged.provider("BTC").transact(hedged.address("owner"), "set_liquidity", targets)
    assert hedged.trade(BTC, -wad(1)) == "clearing: slippage"
    assert hedged.trade(BTC, wad(1)) == "clearing: slippage"


def test_what_aave_has_lent_to_others_cannot_be_borrowed(market: AaveMarket) -> None:
    market.deposit(100_000_000)
    left = market.balance("BTC", "aBTC")
    assert market.trade(BTC, -(left + 1) * 10**10) == "clearing: inventory limit"
    assert market.trade(BTC, -left * 10**10) == ""
    assert market.balance("BTC", "aBTC") == 0
    assert market.trade(BTC, -wad(1)) == "clearing: inventory limit"


def test_a_position_never_turns_long(hedged: AaveMarket) -> None:
    assert hedged.trade(BTC, -hedged.size(BTC) + 1) == "clearing: inventory limit"
    assert hedged.trade(BTC, -hedged.size(BTC)) == ""
    assert hedged.trade(BTC, wad(1)) == "clearing: inventory limit"


def test_an_opening_leaves_initial_margin_or_is_refused(market: AaveMarket) -> None:
    """The largest opening is where E = μ M, that is where Aave's LTV allows no more."""
    market.deposit(100_000)
    assert market.trade(BTC, -wad(12)) == "clearing: below initial margin"
    low, high = 0, 12 * BTC_UNIT
    while high - low > 1:
        middle = (low + high) // 2
        checkpoint = market.chain.evm.snapshot()
        refused = market.trade(BTC, -middle * 10**10)
        market.chain.evm.revert(checkpoint)
        low, high = (low, middle) if refused else (middle, high)
    assert market.trade(BTC, -low * 10**10) == ""
    margin = market.margin()
    multiple = market.hedge.call("parameters")[0]
    unit = 30_000 * WAD // BTC_UNIT  # what one raw unit more would take
    assert 0 <= margin.equity - multiple * margin.maintenance // WAD <= unit
    collateral, debt, borrowable, *_ = market.aave.call(
        "getUserAccountData", market.addresses["hedge"]
    )
    assert 0 <= borrowable <= unit
    assert Fraction(debt, collateral) <= Fraction(LTV, 10**4)


def test_a_reduction_aave_would_refuse_is_below_initial_margin(hedged: AaveMarket) -> None:
    """Below a health factor of one only what brings it back to one can be bought."""
    collateral = hedged.supplied()
    price = Fraction(collateral * THRESHOLD, 10**4 * USDC_UNIT) / 10 * Fraction(105, 100)
    hedged.report(BTC=price, SOL=Fraction(1, 100))
    assert hedged.health_factor() < WAD
    assert hedged.trade(BTC, wad(1) // 100) == "clearing: below initial margin"
    hedged.deposit(1_000_000)
    assert hedged.trade(BTC, wad(1) // 100) == ""


@pytest.mark.parametrize(
    ("sub", "asset", "size", "reason"),
    [
        (0, BTC, 0, "clearing: zero size"),
        (0, BTC, -(10**10) + 1, "clearing: zero size"),  # less than a raw unit
        (1, BTC, -WAD, "clearing: wrong market"),
        (0, 2, -WAD, "clearing: wrong market"),
    ],
)
def test_a_trade_of_nothing_or_nowhere_is_refused(
    hedged: AaveMarket, sub: int, asset: int, size: int, reason: str
) -> None:
    assert hedged.attempt("trade", sub, asset, size, 0) == reason


def test_a_trade_needs_fresh_prices(hedged: AaveMarket) -> None:
    hedged.wait(86_401, fresh=False)
    assert hedged.trade(BTC, -wad(1)) == "oracle: stale"
    assert hedged.trade(BTC, wad(1)) == "oracle: stale"
