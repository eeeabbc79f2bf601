"""Only USDC backs the debts at Aave: what a stranger supplies in the hedge's name holds nothing up.

Aave answers 57 to a withdrawal against debt while another collateral's loan-to-value is zero.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from simulator.types import Status
from tests.aave.market import ASSETS, DECIMALS, HIGHEST, USDC_UNIT, WAD, AaveMarket
from tests.aave.vault import HedgedVault, configurator_of

if TYPE_CHECKING:
    from collections.abc import Callable

BTC, SOL = 0, 1
BELOW_ONE = "35"  # HEALTH_FACTOR_LOWER_THAN_LIQUIDATION_THRESHOLD
NOTHING_SUPPLIED = "43"
RESERVE_PAUSED = "29"
SUSTAINED = 81_000  # the BTC price up to which USDC alone carries the debts of `hedged`
DUST = {"BTC": 10**4, "SOL": 10**15}


def set_terms(market: AaveMarket, symbol: str, ltv: int, threshold: int = 6_000) -> None:
    """Aave's governance: what an asset is worth as collateral, 1/10,000."""
    asset = market.addresses[symbol]
    market.configurator.transact(
        market.address("owner"), "configureReserveAsCollateral", asset, ltv, threshold, 10_500
    )


def give(market: AaveMarket, symbol: str, raw: int) -> None:
    """A stranger supplies in the hedge's name."""
    arguments = (market.addresses[symbol], raw, market.addresses["hedge"], 0)
    assert market.lend("stranger", "supply", *arguments) == ""


def dust(market: AaveMarket, *symbols: str) -> None:
    """Each asset becomes a collateral, is given, and loses its loan-to-value."""
    for symbol in symbols:
        set_terms(market, symbol, 5_000)
        give(market, symbol, DUST[symbol])
    for symbol in symbols:
        set_terms(market, symbol, 0)


def backing(market: AaveMarket) -> set[str]:
    """The assets Aave counts as the hedge's collateral."""
    flags = market.aave.call("getUserConfiguration", market.addresses["hedge"])
    flags = flags[0] if isinstance(flags, tuple | list) else flags
    assets = [*ASSETS, "USDC"]
    ids = {s: int(market.aave.call("getReserveData", market.addresses[s])[7]) for s in assets}
    return {symbol for symbol in assets if flags >> (2 * ids[symbol] + 1) & 1}


def pause(market: AaveMarket, symbol: str, *, paused: bool = True) -> None:
    asset = market.addresses[symbol]
    market.configurator.transact(market.address("owner"), "setReservePause", asset, paused)


def holdings(market: AaveMarket) -> tuple[object, ...]:
    """All the hedge has, owes and answers of its margin."""
    tokens = (*DECIMALS, *(f"a{s}" for s in DECIMALS), *(f"{s} debt" for s in DECIMALS))
    return market.margin(), *(market.balance(token, "hedge") for token in tokens)


def drop(market: AaveMarket, symbol: str) -> str:
    return market.attempt("drop_collateral", market.addresses[symbol], actor="stranger")


def withdraw(market: AaveMarket) -> str:
    return market.attempt("withdraw", 0, 0, 1_000 * USDC_UNIT, market.address("vault"))


def reduce(market: AaveMarket) -> str:
    return market.trade(BTC, WAD)


def leave(market: AaveMarket) -> str:
    redeemer = market.address("redeemer")
    return market.attempt("exit_slice", WAD // 3, redeemer, redeemer)


EXITS = pytest.mark.parametrize("leaves", [withdraw, reduce, leave])


# ------------------------------------------------------------------------------------------- exits


@EXITS
@pytest.mark.parametrize("symbols", [("BTC",), ("SOL",), ("SOL", "BTC")])
def test_no_exit_is_held_up_by_a_strangers_collateral_without_loan_to_value(
    hedged: AaveMarket, leaves: Callable[[AaveMarket], str], symbols: tuple[str, ...]
) -> None:
    dust(hedged, *symbols)
    assert backing(hedged) == {"USDC", *symbols}
    assert leaves(hedged) == ""
    assert backing(hedged) == {"USDC"}


@EXITS
def test_dust_of_an_asset_dropped_before_is_never_collateral_again(
    hedged: AaveMarket, leaves: Callable[[AaveMarket], str]
) -> None:
    """Aave asks only at a first supply, and the first stays with the hedge."""
    dust(hedged, "BTC")
    assert leaves(hedged) == ""
    set_terms(hedged, "BTC", 5_000)
    give(hedged, "BTC", DUST["BTC"])
    assert backing(hedged) == {"USDC"}
    set_terms(hedged, "BTC", 0)
    assert leaves(hedged) == ""


@EXITS
def test_dust_of_another_asset_holds_up_nothing_either(
    hedged: AaveMarket, leaves: Callable[[AaveMarket], str]
) -> None:
    for symbol in ASSETS:
        dust(hedged, symbol)
        assert leaves(hedged) == ""
        assert backing(hedged) == {"USDC"}


@EXITS
def test_dust_that_still_counts_as_collateral_holds_up_nothing(
    hedged: AaveMarket, leaves: Callable[[AaveMarket], str]
) -> None:
    dust(hedged, "BTC")
    set_terms(hedged, "SOL", 5_000)
    give(hedged, "SOL", DUST["SOL"])
    assert leaves(hedged) == ""
    assert backing(hedged) == {"USDC", "SOL"}


def test_without_debt_not_even_a_paused_collateral_holds_the_usdc(hedged: AaveMarket) -> None:
    dust(hedged, "BTC")
    for market in (BTC, SOL):
        assert hedged.trade(market, -hedged.size(market)) == ""
    set_terms(hedged, "SOL", 5_000)
    give(hedged, "SOL", DUST["SOL"])
    set_terms(hedged, "SOL", 0)
    pause(hedged, "SOL")
    raw = hedged.supplied()
    assert hedged.attempt("withdraw", 0, 0, raw, hedged.address("vault")) == ""
    assert hedged.supplied() == 0


@pytest.mark.parametrize("price", [29_000, 80_000, 84_000])
def test_a_large_gift_lets_nobody_take_usdc_the_debts_need(hedged: AaveMarket, price: int) -> None:
    """A refusal or not is what it would be without the gift."""
    redeemer = hedged.address("redeemer")
    hedged.report(BTC=Fraction(price), SOL=Fraction(price, 300))
    before = hedged.chain.evm.snapshot()
    alone = hedged.attempt("exit_slice", WAD // 3, redeemer, redeemer)
    hedged.chain.evm.revert(before)
    set_terms(hedged, "BTC", 5_000)
    give(hedged, "BTC", 10**11)
    set_terms(hedged, "BTC", 0)
    assert hedged.attempt("exit_slice", WAD // 3, redeemer, redeemer) == alone
    assert alone == ("" if price < SUSTAINED else BELOW_ONE)


# --------------------------------------------------------------------------------- drop_collateral


def test_anyone_drops_a_strangers_collateral_whatever_it_counts_for(hedged: AaveMarket) -> None:
    for symbol in ASSETS:
        set_terms(hedged, symbol, 5_000)
        give(hedged, symbol, DUST[symbol])
        assert drop(hedged, symbol) == ""
    assert backing(hedged) == {"USDC"}


def test_dropped_before_a_pause_a_collateral_holds_up_nothing_during_it(
    hedged: AaveMarket,
) -> None:
    set_terms(hedged, "BTC", 5_000)
    give(hedged, "BTC", DUST["BTC"])
    assert drop(hedged, "BTC") == ""
    set_terms(hedged, "BTC", 0)
    pause(hedged, "BTC")
    assert withdraw(hedged) == ""


def test_one_dropped_too_late_holds_the_usdc_until_the_pause_ends(hedged: AaveMarket) -> None:
    dust(hedged, "BTC")
    pause(hedged, "BTC")
    assert drop(hedged, "BTC") == withdraw(hedged) == RESERVE_PAUSED
    pause(hedged, "BTC", paused=False)
    assert withdraw(hedged) == ""


def test_usdc_cannot_be_dropped(market: AaveMarket) -> None:
    market.deposit(1_000_000)
    assert drop(market, "USDC") == "clearing: no collateral"  # even without debt
    assert market.trade(BTC, -10 * WAD) == ""
    assert drop(market, "USDC") == "clearing: no collateral"
    assert backing(market) == {"USDC"}


def test_what_was_never_supplied_cannot_be_dropped(hedged: AaveMarket) -> None:
    assert drop(hedged, "BTC") == NOTHING_SUPPLIED
    assert backing(hedged) == {"USDC"}


def test_a_drop_moves_nothing_and_changes_no_margin(hedged: AaveMarket) -> None:
    set_terms(hedged, "BTC", 5_000)
    give(hedged, "BTC", 10**9)
    before = holdings(hedged)
    assert drop(hedged, "BTC") == ""
    assert holdings(hedged) == before


def test_no_drop_takes_the_health_factor_below_one(hedged: AaveMarket) -> None:
    set_terms(hedged, "BTC", 5_000)
    give(hedged, "BTC", 10**11)
    hedged.report(BTC=Fraction(84_000), SOL=Fraction(280))
    state = hedged.margin()
    assert state.equity < state.maintenance  # USDC alone does not carry the debts
    assert hedged.health_factor() > WAD
    assert drop(hedged, "BTC") == BELOW_ONE
    hedged.deposit(1_000_000)
    assert drop(hedged, "BTC") == ""
    assert hedged.health_factor() >= WAD


def test_after_a_drop_the_health_factor_is_that_of_usdc_alone(hedged: AaveMarket) -> None:
    """With dust Aave's average threshold is rounded down to 1/10,000."""
    alone = hedged.health_factor()
    set_terms(hedged, "BTC", 5_000)
    give(hedged, "BTC", DUST["BTC"])
    assert hedged.health_factor() < alone
    assert drop(hedged, "BTC") == ""
    assert hedged.health_factor() == alone


# --------------------------------------------------------------------------------------- the vault


@pytest.fixture
def dusted() -> HedgedVault:
    """A vault with both hedges on, half a day later; BTC dust at Aave lost its loan-to-value."""
    vault = HedgedVault()
    owner, who = vault.deployed.roles.deployer, vault.agents["depositor"]
    assert vault.keep("deposit", 2 * 10**12, who, actor="depositor") == Status.OK
    assert vault.post_betas(0.7, 0.2) == ""
    assert vault.keep("recenter") == vault.keep("rebalance") == Status.OK
    vault.clearing.transact(who, "set_slice_consent", vault.vault.address, True)
    vault.wait(13 * 3600)
    btc, stranger = vault.token("BTC"), vault.chain.account("stranger")
    for holder, spender in ((stranger, vault.lending.aave), (who, vault.lending.hedge)):
        btc.transact(owner, "mint", holder, 10**24)
        btc.transact(holder, "approve", spender, HIGHEST)
    terms = configurator_of(vault)
    terms.transact(owner, "configureReserveAsCollateral", btc.address, 5_000, 6_000, 10_500)
    vault.aave.transact(stranger, "supply", btc.address, 10**10, vault.lending.hedge, 0)
    terms.transact(owner, "configureReserveAsCollateral", btc.address, 0, 6_000, 10_500)
    return vault


def test_shares_are_redeemed_past_a_strangers_collateral(dusted: HedgedVault) -> None:
    who = dusted.agents["depositor"]
    half = dusted.vault.call("balanceOf", who) // 2
    assert dusted.refusal("depositor", "redeem", half, who, who) == ""


def test_shares_are_redeemed_in_kind_past_a_strangers_collateral(dusted: HedgedVault) -> None:
    who = dusted.agents["depositor"]
    half = dusted.vault.call("balanceOf", who) // 2
    assert dusted.refusal("depositor", "redeem_in_kind", half, who) == ""


def test_a_hedge_is_reduced_past_a_strangers_collateral(dusted: HedgedVault) -> None:
    assert dusted.post_betas(0.3, 0.2) == ""
    assert dusted.keep("rebalance") == Status.OK


def test_the_vault_deleverages_past_a_strangers_collateral(dusted: HedgedVault) -> None:
    dusted.report(BTC=29_000 * 1.45, ETH=1850 * 1.25, SOL=24 * 1.2)
    assert dusted.keep("deleverage") == Status.OK
