"""The seats of a market, all taken (SPEC §3.5), on the compiled bytecode. Funding is off."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from eth_utils import keccak

from simulator.chain.deploy.artifacts import load
from tests.properties.revm_venue import HIGHEST, RevmVenue, wad
from tests.properties.test_clearing_portfolio import portfolio_venue
from tests.reference.integers import WAD

USDC = 10**6
DUST = 100  # WAD units
SEATS_ASKED = 6_000_000  # gas; 4.4 million of accounts in two markets


def funded(venue: RevmVenue, number: int) -> str:
    """One more person with 10,000 USDC and the allowance to deposit it."""
    name = f"holder {number}"
    token = venue._contracts["USDC"]
    token.transact(venue.address("owner"), "mint", venue.address(name), 10**10)
    token.transact(venue.address(name), "approve", venue.addresses["clearing"], HIGHEST)
    return name


def test_no_more_accounts_hold_a_market_than_can_be_ranked() -> None:
    venue = RevmVenue(funding=False)
    for number in range(65):
        name = funded(venue, number)
        venue.deposit(name, 1_000 * USDC)
        refused = venue.trade(name, 0, wad(Fraction(1, 1_000)))
        assert refused == ("clearing: too many accounts" if number == 64 else "")
    assert len(venue.get("holders", 0)) == 64
    assert venue.trade("holder 64", 0, wad(Fraction(2, 1_000))) == "clearing: too many accounts"
    first, last = venue.account("holder 0"), venue.account("holder 64")
    assert not venue.trade("holder 0", 0, -venue.size(first, 0))
    assert not venue.trade("holder 64", 0, wad(Fraction(1, 1_000)))
    held = venue.get("holders", 0)
    assert first not in held
    assert last in held
    assert len(set(held)) == 64


def test_dust_in_every_seat_keeps_nobody_out_and_pays_what_leaving_costs() -> None:
    venue = RevmVenue(funding=False)
    for number in range(65):
        name = funded(venue, number)
        venue.deposit(name, 1_000 * USDC)
        if number < 64:
            assert not venue.trade(name, 0, wad(Fraction(1 if number != 7 else -1, 1_000)))
    displaced, newcomer = venue.account("holder 63"), venue.account("holder 64")
    worth, held_cash = venue.margin(displaced).value, venue.get("cash", displaced)
    total = usdc_of(venue, [venue.account(f"holder {n}") for n in range(65)])
    assert not venue.trade("holder 64", 0, wad(Fraction(5, 1_000)))
    held: list[Any] = venue.get("holders", 0)
    assert newcomer in held
    assert displaced not in held  # of equals the last that sat down
    assert len(held) == 64
    # What closing costs: half a spread below the index, as it had opened half above, and the fee;
    # the premium it had paid comes back.
    terms, index = venue.get("market", 0), venue.prices["BTC"]
    cost = Fraction(1, 1_000) * index * (2 * terms[2] + terms[3])
    lost = held_cash - venue.get("cash", displaced)
    assert cost * Fraction(999, 1_000) < lost <= cost + DUST
    assert venue.margin(displaced).value < worth
    assert usdc_of(venue, [venue.account(f"holder {n}") for n in range(65)]) == total
    # What is worth a seat keeps it: S / 64.
    limit = 12 * WAD // 64
    for number in range(63):
        name = f"holder {number}"
        venue.deposit(name, 5_000 * USDC)
        size = venue.size(venue.account(name), 0)
        assert not venue.trade(name, 0, (limit + 1 if number % 2 else -limit - 1) - size)
    assert not venue.trade("holder 64", 0, limit)
    venue.deposit("trader", 100_000 * USDC)
    assert venue.trade("trader", 0, WAD) == "clearing: too many accounts"


def test_who_cannot_leave_in_health_keeps_his_seat_and_the_next_leaves() -> None:
    """The two smallest are worth less than nothing; of the others the last that sat down goes."""
    venue = RevmVenue(funding=False)
    for number in range(64):
        name = funded(venue, number)
        venue.deposit(name, (1_000 if number > 1 else 4) * USDC)
        assert not venue.trade(name, 0, wad(Fraction(2 if number > 1 else 1, 1_000)))
    venue.deposit("trader", 100_000 * USDC)
    venue.report(BTC=venue.prices["BTC"] * Fraction(3, 4))
    stuck = [venue.account(f"holder {number}") for number in (0, 1)]
    assert all(venue.margin(account).value < 0 for account in stuck)
    before = [venue.stored(account) for account in stuck]
    assert not venue.trade("trader", 0, WAD // 100)
    assert [venue.stored(account) for account in stuck] == before
    assert venue.size(venue.account("holder 63"), 0) == 0
    assert all(venue.size(venue.account(f"holder {number}"), 0) for number in range(2, 63))


def hedged_everywhere() -> RevmVenue:
    """Everybody in market 0 is long there and short in market 1, which halves his requirement."""
    venue = portfolio_venue()
    for number in range(64):
        name = funded(venue, number)
        venue.deposit(name, 1_000 * USDC)
        assert not venue.trade(name, 1, -3 * WAD)
        assert not venue.trade(name, 0, WAD // 100)
        spare = venue.get("withdrawable", venue.account(name), 0)
        assert not venue.attempt(name, "withdraw", 0, 0, spare, venue.address(name))
    venue.deposit("trader", 100_000 * USDC)
    return venue


def test_nobody_is_left_unhealthy_for_a_seat_and_what_asking_all_costs() -> None:
    """Sixty-four whose other leg alone would be below margin: all are asked, none leaves."""
    venue = hedged_everywhere()
    before = [venue.stored(venue.account(f"holder {number}")) for number in range(64)]
    assert venue.trade("trader", 0, WAD) == "clearing: too many accounts"
    assert venue.result().gas_used < SEATS_ASKED
    assert [venue.stored(venue.account(f"holder {number}")) for number in range(64)] == before
    venue.deposit("holder 5", 100 * USDC)
    assert not venue.trade("trader", 0, WAD)
    assert venue.size(venue.account("holder 5"), 0) == 0
    state = venue.margin(venue.account("holder 5"))
    assert state.equity >= state.maintenance


def test_the_debt_of_a_displaced_account_is_written_off_like_any_other() -> None:
    venue = RevmVenue(funding=False)
    for number in range(64):
        name = funded(venue, number)
        if number:
            venue.deposit(name, 1_000 * USDC)
            assert not venue.trade(name, 0, wad(Fraction(2, 1_000)))
    venue.deposit("bystander", 10**16, collateral=1)  # a hundredth of a WETH backs the smallest
    venue.deposit("bystander", USDC // 2)  # and pays for its opening: no debt until it is displaced
    venue.deposit("trader", 100_000 * USDC)
    assert not venue.trade("bystander", 0, wad(Fraction(2, 10_000)))
    account = venue.account("bystander")
    venue.report(BTC=venue.prices["BTC"] * Fraction(3, 4))
    assert venue.get("cash", account) > 0
    assert not venue.trade("trader", 0, WAD)
    assert venue.size(account, 0) == 0
    debt = -venue.get("cash", account)
    assert debt > 0
    venue.report(WETH=venue.prices["WETH"] / 50)
    venue.deposit("liquidator", 1_000 * USDC)
    venue.do("liquidator", "liquidate_collateral", account, 1, 10**16)
    assert venue.get("cash", account) == 0
    assert 0 < venue.get("bad_debt") < debt


def usdc_of(venue: RevmVenue, accounts: list[int]) -> int:
    total = sum(venue.get("cash", a) for a in accounts) + venue.get("premium_pool", 0)
    return int(total + venue.get("maker_cash", 0) + venue.get("insurance_fund"))


# ---------------------------------------------------------------------------------------- slices


def full_market(smallest: Fraction) -> RevmVenue:
    """The trader and 63 others hold market 0; the last of them a position of ``smallest``."""
    venue = RevmVenue(funding=False)
    venue.deposit("trader", 100_000 * USDC)
    assert not venue.trade("trader", 0, WAD)
    for number in range(63):
        name = funded(venue, number)
        venue.deposit(name, 5_000 * USDC)
        size = smallest if number == 62 else Fraction(1 if number % 2 else -1, 5)
        assert not venue.trade(name, 0, wad(abs(size)) * (1 if size > 0 else -1))
    venue.do("hedger", "set_slice_consent", venue.address("trader"), True)
    return venue


def slice_of(venue: RevmVenue, fraction: Fraction) -> str:
    return venue.attempt("trader", "transfer_slice", 0, wad(fraction), venue.address("hedger"))


@pytest.mark.parametrize("smallest", [Fraction(1, 100), Fraction(-1, 100)])
def test_a_slice_takes_the_seat_of_a_smaller_position(smallest: Fraction) -> None:
    """A premium that closing it owes is the receiver's, one that it earns its holder's."""
    venue = full_market(smallest)
    trader, hedger, leaver = (venue.account(n) for n in ("trader", "hedger", "holder 62"))
    cash = {account: venue.get("cash", account) for account in (trader, hedger, leaver)}
    total, pool = usdc_of(venue, list(cash)), venue.get("premium_pool", 0)
    state = venue.get("last_market_state", 0)
    assert slice_of(venue, Fraction(1, 10)) == ""
    assert venue.size(leaver, 0) == 0
    assert venue.size(hedger, 0) == WAD // 10
    assert len(venue.get("holders", 0)) == 64
    assert venue.get("last_market_state", 0)[0] == state[0] - wad(abs(smallest)) * (
        1 if smallest > 0 else -1
    )
    assert usdc_of(venue, list(cash)) == total
    moved = cash[trader] - venue.get("cash", trader)
    owed = moved - (venue.get("cash", hedger) - cash[hedger])
    change = venue.get("premium_pool", 0) - pool
    assert owed == max(change, 0)
    assert (change > 0) == (smallest < 0)  # the skew is long: closing a short adds to it


def test_a_slice_too_small_for_a_seat_is_refused_and_the_whole_needs_none() -> None:
    venue = full_market(Fraction(1, 10))
    assert slice_of(venue, Fraction(1, 5)) == "clearing: too many accounts"
    assert slice_of(venue, Fraction(1)) == ""
    assert len(venue.get("holders", 0)) == 64


def test_the_rest_of_what_is_sliced_is_not_displaced_for_its_own_part() -> None:
    venue = full_market(Fraction(15, 100))
    assert slice_of(venue, Fraction(9, 10)) == ""
    assert venue.size(venue.account("holder 62"), 0) == 0
    assert venue.size(venue.account("trader"), 0) == WAD // 10


def test_a_seat_for_a_slice_needs_a_price_of_the_market_alone() -> None:
    venue = full_market(Fraction(1, 100))
    venue.silence("USDC", "SOL", "WETH")
    checkpoint = venue.chain.evm.snapshot()
    assert slice_of(venue, Fraction(1, 10)) == ""
    venue.chain.evm.revert(checkpoint)
    venue.silence("BTC")
    assert slice_of(venue, Fraction(1, 10)) == "oracle: stale"


@pytest.mark.parametrize("smallest", [Fraction(1, 100), Fraction(-1, 100)])
def test_the_pool_follows_from_the_premiums_of_trades_and_displacements(
    smallest: Fraction,
) -> None:
    venue = full_market(smallest)
    venue.deposit("bystander", 100_000 * USDC)
    pool = venue.get("premium_pool", 0)
    assert not venue.trade("bystander", 0, WAD)
    told = [*premiums(venue, "Traded", 3), *premiums(venue, "Displaced", 2)]
    assert len(told) == 2
    assert sum(told) == venue.get("premium_pool", 0) - pool


def premiums(venue: RevmVenue, name: str, word: int) -> list[int]:
    """The premiums of all such events of the last transaction: word of their data."""
    inputs = next(e for e in load("Trading").abi if e["type"] == "event" and e["name"] == name)
    text = f"{name}({','.join(i['type'] for i in inputs['inputs'])})"
    topic = keccak(text=text)
    return [
        int.from_bytes(log.data[1][32 * word : 32 * word + 32], "big", signed=True)
        for log in venue.result().logs
        if bytes.fromhex(log.topics[0].removeprefix("0x")) == topic
    ]
