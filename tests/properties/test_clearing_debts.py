"""Who holds nothing owes nothing, whatever took the last of it (SPEC §3.5.12). Funding is off."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from simulator.chain.deploy.artifacts import compiled
from simulator.chain.evm.codec import Contract, encode_constructor
from tests.properties.revm_venue import ACTORS, CASH_UNIT, INSURANCE_FUNDS, RevmVenue
from tests.properties.test_clearing_seats import full_market, slice_of
from tests.properties.test_clearing_settlement import (
    HEDGE_GRACE,
    NOTICE,
    accounted,
    lossy,
    settling,
    silent,
)
from tests.properties.test_clearing_waterfall import charged
from tests.reference.integers import WAD

USDC = 10**6
BTC, SOL = 0, 1
SEATS = 64
WRITE_OFF = 50_000  # gas of writing off what one winner owes from one market
ALL = (*ACTORS, "heir", "owner")


def holds_nothing_owes_nothing(venue: RevmVenue, *actors: str) -> None:
    """These hold nothing, hence owe nothing; and what all others may claim is there."""
    for account in map(venue.account, actors):
        assert venue.size(account, BTC) == venue.size(account, SOL) == 0
        assert venue.get("collateral_balance", account, 1) == 0
        assert venue.get("cash", account) >= 0
    claims = accounted(venue, map(venue.account, ALL))
    assert claims == venue.token_balance("USDC") * CASH_UNIT
    assert all(venue.get("cash", venue.account(actor)) >= 0 for actor in ALL)


def liquidated(venue: RevmVenue, actor: str, market: int) -> None:
    """All of a position, over as many blocks as it takes."""
    account = venue.account(actor)
    for _ in range(60):
        if not venue.size(account, market):
            return
        assert venue.attempt("liquidator", "liquidate", account, market) == ""
        venue.advance(12)
    raise AssertionError("still open")


# ---------------------------------------------------------------------------------- settlement


@pytest.mark.parametrize("order", ["liquidated first", "settled first"])
def test_whom_a_settlement_leaves_with_nothing_owes_nothing(order: str) -> None:
    """His debt is of SOL, and closes with BTC's market; whichever of the two is first."""
    venue = RevmVenue(funding=False)
    venue.deposit("trader", 60_000 * USDC)
    venue.deposit("liquidator", 10**6 * USDC)
    account = venue.account("trader")
    for market, size in ((BTC, WAD // 100), (SOL, 3_000 * WAD)):
        assert venue.trade("trader", market, -size) == ""
    venue.do("owner", "wind_down", BTC)
    venue.advance(NOTICE)
    venue.report(BTC=Fraction(33_000))
    venue.do("bystander", "settle_market", BTC)
    venue.report(SOL=Fraction(150))
    makers = [venue.get("maker_cash", m) for m in (BTC, SOL)]
    if order == "liquidated first":
        assert settling(venue, "trader") == ["clearing: losses first"]
        liquidated(venue, "trader", SOL)
        silent(venue, HEDGE_GRACE + 1, "SOL")
        # The position that is left has lost 30 USDC: all else of the debt is SOL's.
        assert venue.get("cash", account) < -90_000 * WAD
        assert settling(venue, "trader") == [""]
    else:
        silent(venue, HEDGE_GRACE + 1, "SOL")
        assert settling(venue, "trader") == [""]
        venue.report()
        liquidated(venue, "trader", SOL)
    holds_nothing_owes_nothing(venue, "trader")
    assert venue.get("bad_debt") > 90_000 * WAD
    assert venue.get("insurance_fund") == 0
    # SOL's maker has won all that the trader lost in SOL, and bears what he could not pay of it.
    won = venue.get("maker_cash", SOL) - makers[SOL]
    assert 55_000 * WAD < won < 60_600 * WAD
    assert abs(venue.get("maker_cash", BTC) - makers[BTC]) <= 31 * WAD
    # The owner takes all that is the makers'; the last depositor is paid nevertheless.
    for market, power in ((m, p) for m in (BTC, SOL) for p in range(44, -1, -1)):
        venue.attempt("owner", "withdraw_maker", market, 2**power, venue.address("owner"))
    raw = venue.get("cash", venue.account("liquidator")) // CASH_UNIT
    assert raw >= 10**6 * USDC
    venue.do("liquidator", "withdraw", 0, 0, raw, venue.address("liquidator"))


def test_a_debt_in_the_settled_market_is_paid_out_of_its_gains() -> None:
    venue = lossy()
    assert settling(venue, "trader") == [""]
    holds_nothing_owes_nothing(venue, "trader")
    assert settling(venue, "hedger", "bystander") == ["", ""]
    assert venue.get("maker_cash", BTC) >= 0


# ---------------------------------------------------------------------------- auto-deleveraging


def winner_who_owes() -> RevmVenue:
    """The trader owes from SOL and wins with his short BTC; the hedger's long BTC is bankrupt."""
    venue = RevmVenue(funding=False)
    venue.deposit("trader", 30_000 * USDC)
    venue.deposit("hedger", 8_000 * USDC)
    venue.deposit("liquidator", 10**6 * USDC)
    for actor, market, size in (("trader", SOL, 1_500), ("trader", BTC, -1), ("hedger", BTC, 2)):
        assert venue.trade(actor, market, size * WAD) == ""
    venue.advance(12)
    venue.report(BTC=Fraction(25_000), SOL=Fraction(60))
    liquidated(venue, "trader", SOL)
    assert venue.get("cash", venue.account("trader")) < -20_000 * WAD
    assert venue.size(venue.account("trader"), BTC) == -WAD
    return venue


def test_a_winner_whom_deleveraging_leaves_with_nothing_owes_nothing() -> None:
    venue = winner_who_owes()
    gate = venue.get("gate_until")
    sol = charged(venue, SOL)
    liquidated(venue, "hedger", BTC)
    holds_nothing_owes_nothing(venue, "trader", "hedger")
    # What he owed was SOL's to bear: BTC has paid for BTC.
    assert charged(venue, SOL) - sol > 20_000 * WAD
    assert charged(venue, BTC) < 2_100 * WAD
    assert venue.get("gate_until") > gate
    refused = venue.attempt("eve", "liquidate_collateral", venue.account("trader"), 1, 1)
    assert refused == "clearing: not liquidatable"


def test_a_winner_with_something_left_keeps_his_debt() -> None:
    """It is for sale, and pays first."""
    venue = winner_who_owes()
    venue.deposit("trader", WAD, collateral=1)
    debt = -venue.get("cash", venue.account("trader"))
    liquidated(venue, "hedger", BTC)
    account = venue.account("trader")
    assert venue.size(account, BTC) == 0
    assert 0 < -venue.get("cash", account) < debt
    venue.do("liquidator", "liquidate_collateral", account, 1, WAD)
    holds_nothing_owes_nothing(venue, "trader", "hedger")


def test_what_one_more_winner_who_owes_costs_to_write_off() -> None:
    """Beside the same winner who owes nothing; revm keeps addresses warm, storage not."""
    venue = winner_who_owes()
    mark = venue.chain.evm.snapshot()
    account = venue.account("hedger")
    venue.do("liquidator", "liquidate", account, BTC)
    with_debt = venue.result().gas_used
    venue.chain.evm.revert(mark)
    venue.deposit("trader", 40_000 * USDC)  # the same winner, who owes nothing
    venue.do("liquidator", "liquidate", account, BTC)
    assert 0 < with_debt - venue.result().gas_used < WRITE_OFF


# ----------------------------------------------------------------------------- slices and sales


def debtor_of_weth(venue: RevmVenue) -> int:
    """The trader owes from BTC and holds a hundred wei of WETH; his account."""
    venue.deposit("trader", 30_000 * USDC)
    venue.deposit("liquidator", 10**6 * USDC)
    venue.deposit("trader", 10 * WAD, collateral=1)
    assert venue.trade("trader", BTC, 4 * WAD) == ""
    venue.report(BTC=venue.prices["BTC"] / 2)
    liquidated(venue, "trader", BTC)
    venue.report(WETH=venue.prices["WETH"] / 20)
    account = venue.account("trader")
    venue.do("liquidator", "liquidate_collateral", account, 1, 10 * WAD - 100)
    assert venue.get("collateral_balance", account, 1) == 100
    assert venue.get("cash", account) < -WAD
    return account


def test_a_part_of_a_debt_that_comes_with_nothing_is_nobodys() -> None:
    """A two-hundredth of the debt, and of a hundred wei none."""
    venue = RevmVenue(funding=False)
    account = debtor_of_weth(venue)
    debt, bad = -venue.get("cash", account), venue.get("bad_debt")
    venue.do("heir", "set_slice_consent", venue.address("trader"), True)
    venue.do("trader", "transfer_slice", 0, WAD // 200, venue.address("heir"))
    assert venue.get("cash", venue.account("heir")) == 0
    moved = venue.get("bad_debt") - bad
    assert moved == -(-debt // 200)
    assert venue.get("cash", account) == moved - debt
    assert charged(venue, BTC) >= moved
    assert charged(venue, SOL) == 0


def test_who_is_sold_out_owes_nothing() -> None:
    venue = RevmVenue(funding=False)
    account = debtor_of_weth(venue)
    venue.do("liquidator", "liquidate_collateral", account, 1, 100)
    holds_nothing_owes_nothing(venue, "trader")
    assert venue.get("bad_debt") > INSURANCE_FUNDS * WAD


def test_what_a_slice_owes_for_its_seat_is_blamed_on_its_market() -> None:
    """Else nobody could write it off: its receiver has made no loss of his own."""
    venue = full_market(Fraction(-1, 100))
    trader, hedger = venue.account("trader"), venue.account("hedger")
    venue.deposit("trader", 3 * WAD, collateral=1)
    venue.deposit("liquidator", 1_000 * USDC)
    spare = venue.get("cash", trader) // CASH_UNIT
    venue.do("trader", "withdraw", 0, 0, spare, venue.address("trader"))
    assert slice_of(venue, Fraction(1, 10)) == ""
    debt = -venue.get("cash", hedger)
    assert debt > WAD // 100
    start = venue.prices["BTC"]
    for dollars in range(20, 60):  # until closing gains something, but less than the debt
        mark = venue.chain.evm.snapshot()
        venue.report(BTC=start + dollars)
        assert venue.trade("hedger", BTC, -venue.size(hedger, BTC)) == ""
        if venue.get("cash", hedger) > -debt:
            break
        venue.chain.evm.revert(mark)
    debt, bad = -venue.get("cash", hedger), venue.get("bad_debt")
    assert 0 < debt < WAD
    venue.report(WETH=venue.prices["WETH"] / 10**6)
    venue.do("liquidator", "liquidate_collateral", hedger, 1, WAD)
    assert venue.get("collateral_balance", hedger, 1) == 0
    assert venue.get("cash", hedger) == 0
    assert 0 < venue.get("bad_debt") - bad < debt
    assert charged(venue, SOL) == 0


def test_what_one_operation_has_emptied_is_no_matter_of_the_next() -> None:
    """Whoever closes more often in a transaction than a market has seats is held up by nothing."""
    venue = RevmVenue(funding=False)
    artifact = compiled(Path(__file__).with_name("again.vy"))
    owner = venue.address("owner")
    again = Contract(artifact, venue.chain.deploy(owner, encode_constructor(artifact)), venue.chain)
    venue.do("bystander", "deposit", again.address, 0, 0, 10_000 * USDC)
    again.transact(owner, "again", venue.addresses["clearing"], WAD // 1_000, SEATS + 1)
    account = int(again.address, 16) << 8
    assert venue.size(account, BTC) == 0
    assert 9_000 * WAD < venue.get("cash", account) < 10_000 * WAD
