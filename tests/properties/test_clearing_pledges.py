"""Uniswap v3 positions as collateral, and slices (SPEC §3.5), with Uniswap's own bytecode."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from simulator.chain.evm.codec import Contract, Reverted, reason
from tests.properties.revm_pledges import CAP, HAIRCUT, PledgeVenue
from tests.properties.revm_venue import CASH_UNIT, HIGHEST
from tests.properties.test_clearing_portfolio import FLOOR, KAPPA, ROWS
from tests.reference.integers import WAD

USDC = 10**6


@pytest.fixture
def venue() -> PledgeVenue:
    venue = PledgeVenue()
    venue.deposit("liquidator", 200_000 * USDC)
    return venue


@pytest.fixture
def pledged(venue: PledgeVenue) -> tuple[PledgeVenue, int]:
    """The trader's cross account holds one position worth about 40,000 USD and nothing else."""
    token_id = venue.mint("trader", 10)
    venue.do("trader", "pledge", 0, token_id)
    return venue, token_id


def refusal(venue: PledgeVenue, contract: Contract, sender: str, *call: Any) -> str:
    try:
        contract.transact(venue.address(sender), *call)
    except Reverted as reverted:
        return reason(reverted.data)
    return ""


def raw_totals(venue: PledgeVenue) -> list[int]:
    """Raw USDC and WETH the contract holds beyond what it accounts for."""
    return [
        venue.token_balance(symbol) - venue.get("collateral_held", c)
        for c, symbol in enumerate(("USDC", "WETH"))
    ]


def test_pledged_position_counts_at_the_oracle_price_less_its_haircut(
    pledged: tuple[PledgeVenue, int],
) -> None:
    venue, token_id = pledged
    account = venue.account("trader")
    assert venue.holder(token_id) == venue.addresses["clearing"]
    assert venue.get("pledge_of", token_id) == account
    assert venue.get("pledges", account) == (token_id,) or venue.get("pledges", account) == [
        token_id
    ]
    margin = venue.margin(account)
    assert 39_000 * WAD < margin.value < 41_000 * WAD
    assert margin.equity == margin.value * (WAD - HAIRCUT) // WAD
    assert venue.get("pledged_liquidity") == venue.most(token_id)
    assert not venue.trade("trader", 0, WAD)  # it carries a position


def test_pushing_the_pool_does_not_move_the_account(pledged: tuple[PledgeVenue, int]) -> None:
    venue, _ = pledged
    before = venue.margin(venue.account("trader"))
    router = venue.new("SwapRouter", venue.manager.call("factory"), "0x" + "00" * 20)
    venue._contracts["USDC"].transact(venue.owner, "approve", router.address, HIGHEST)
    router.transact(
        venue.owner, "exactInputSingle",
        (
            venue.addresses["USDC"], venue.addresses["WETH"], 500, venue.owner, 2**40,
            10_000 * USDC, 0, 0,
        ),
    )  # fmt: skip
    assert venue.margin(venue.account("trader")) == before


def test_released_position_goes_out_as_a_withdrawal_would(
    pledged: tuple[PledgeVenue, int],
) -> None:
    venue, token_id = pledged
    to = venue.address("bystander")
    assert venue.attempt("hedger", "release", 0, token_id, to) == "clearing: bad pledge"
    assert not venue.trade("trader", 0, WAD)
    assert venue.attempt("trader", "release", 0, token_id, to) == "clearing: below initial margin"
    assert not venue.trade("trader", 0, -WAD)
    owed = -venue.get("cash", venue.account("trader")) // CASH_UNIT + 1
    venue.deposit("trader", owed)  # spread and fee
    venue.do("trader", "release", 0, token_id, to)
    assert venue.holder(token_id) == to
    assert venue.get("pledged_liquidity") == 0
    assert venue.margin(venue.account("trader")).maintenance == 0
    assert not venue.get("pledges", venue.account("trader"))


def test_released_position_backs_nobody_though_it_comes_back(
    pledged: tuple[PledgeVenue, int],
) -> None:
    venue, token_id = pledged
    kept = venue.mint("trader", 1)
    venue.do("trader", "pledge", 0, kept)
    trader, house = venue.address("trader"), venue.addresses["clearing"]
    venue.do("trader", "release", 0, token_id, trader)
    assert venue.get("pledge_of", token_id) == 0
    venue.manager.transact(trader, "transferFrom", trader, house, token_id)  # given, not pledged
    assert venue.attempt("trader", "release", 0, token_id, trader) == "clearing: bad pledge"
    assert list(venue.get("pledges", venue.account("trader"))) == [kept]
    assert venue.get("pledged_liquidity") == venue.most(kept)


def test_bad_positions_are_refused(venue: PledgeVenue) -> None:
    token_id = venue.mint("trader", 1)
    assert venue.attempt("trader", "pledge", 1, token_id) == "clearing: bad pledge"
    assert venue.attempt("hedger", "pledge", 0, token_id)  # not the hedger's
    venue.do("trader", "pledge", 0, token_id)
    assert venue.attempt("hedger", "pledge", 0, token_id)  # counted once
    for _ in range(3):
        venue.do("trader", "pledge", 0, venue.mint("trader", 1))
    fifth = venue.mint("trader", 1)
    assert venue.attempt("trader", "pledge", 0, fifth) == "clearing: bad pledge"
    empty = venue.mint("hedger", 1)
    venue.manager.transact(
        venue.address("hedger"), "decreaseLiquidity", (empty, venue.liquidity(empty), 0, 0, 2**40)
    )
    assert venue.attempt("hedger", "pledge", 0, empty) == "clearing: bad pledge"
    venue.new_pool(3_000)
    of_another_pool = venue.mint("hedger", 1, fee=3_000)
    assert venue.attempt("hedger", "pledge", 0, of_another_pool) == "clearing: bad pledge"
    venue.do("owner", "pause")
    assert venue.attempt("hedger", "pledge", 0, venue.mint("hedger", 1)) == "clearing: paused"


def test_liquidity_added_by_others_is_not_counted_and_caps_hold(
    pledged: tuple[PledgeVenue, int],
) -> None:
    venue, token_id = pledged
    before = venue.margin(venue.account("trader"))
    venue.manager.transact(
        venue.address("hedger"), "increaseLiquidity",
        (token_id, 5 * WAD, 20_000 * USDC, 0, 0, 2**40),
    )  # fmt: skip
    assert venue.margin(venue.account("trader")) == before
    held = venue.get("pledged_liquidity")
    assert venue.most(token_id) > held
    _, pool, haircut, _ = venue.get("lp_collateral")
    venue.do("owner", "set_lp_collateral", venue.manager.address, pool, haircut, held)
    other = venue.mint("hedger", 1)
    assert venue.attempt("hedger", "pledge", 0, other) == "clearing: collateral cap"
    venue.do("owner", "set_lp_collateral", venue.manager.address, pool, haircut, CAP)
    venue.do("hedger", "pledge", 0, other)


def test_the_cap_counts_what_liquidity_is_worth_whatever_its_range() -> None:
    """As much USDC in a narrow range is many times the L, and takes as much of the cap."""
    venue = PledgeVenue()
    narrow, wide = (venue.mint("trader", 2, half=half) for half in (60, 1_980))
    assert venue.liquidity(narrow) > 25 * venue.liquidity(wide)
    counted, worth = [], 0
    for token_id in (narrow, wide):
        before = venue.get("pledged_liquidity")
        venue.do("trader", "pledge", 0, token_id)
        counted.append(venue.get("pledged_liquidity") - before)
        added = venue.margin(venue.account("trader")).value - worth
        # Never more than is counted, at any price; not much less within its range.
        for price in (500, 2_000, 4_000):
            venue.report(WETH=price)
            assert venue.margin(venue.account("trader")).value <= sum(counted) * 10**12
        venue.report(WETH=2_000)
        worth = venue.margin(venue.account("trader")).value
        assert added <= counted[-1] * 10**12 < added * 12 // 10


def test_terms_of_another_pool_wait_until_nothing_is_pledged(
    pledged: tuple[PledgeVenue, int],
) -> None:
    venue, _ = pledged
    _, _, haircut, cap = venue.get("lp_collateral")
    refused = venue.attempt(
        "owner", "set_lp_collateral", venue.manager.address, venue.owner, haircut, cap
    )
    assert refused == "clearing: bad parameter"
    _, pool, _, _ = venue.get("lp_collateral")
    refused = venue.attempt("owner", "set_lp_collateral", venue.manager.address, pool, 0, cap)
    assert refused == "clearing: bad parameter"  # selling it to a liquidator would cost equity


def test_partial_liquidation_of_a_pledge_restores_initial_margin(
    pledged: tuple[PledgeVenue, int],
) -> None:
    venue, token_id = pledged
    account, buyer = venue.account("trader"), venue.account("liquidator")
    assert not venue.trade("trader", 0, 3 * WAD)
    assert venue.attempt("liquidator", "liquidate_pledge", account, token_id) == (
        "clearing: not liquidatable"
    )
    assert venue.squeeze(account, 0, Fraction(1, 2))
    before, held = venue.margin(account), venue.liquidity(token_id)
    cash = venue.get("cash", buyer)
    fraction, paid = venue.do("liquidator", "liquidate_pledge", account, token_id)
    after = venue.margin(account)
    assert 0 < fraction < WAD
    assert venue.liquidity(token_id) == held - -(-held * fraction // WAD)
    assert venue.get("pledge_terms", token_id)[1] == venue.liquidity(token_id)
    assert venue.get("cash", buyer) == cash - paid
    weth = venue.get("collateral_balance", buyer, 1)
    assert abs(Fraction(paid, weth) - 2_000 * Fraction(98, 100)) < Fraction(1, 10**12)
    target = venue.venue.initial_multiple * after.maintenance
    # USDC that pays a debt counts in full, the formula counts it with its haircut: a little more.
    assert target <= after.equity < target * Fraction(105, 100)
    assert after.equity > before.equity
    assert after.maintenance == before.maintenance
    assert raw_totals(venue) == [0, 0]


def test_deep_loss_burns_all_and_the_empty_position_goes_home(
    pledged: tuple[PledgeVenue, int],
) -> None:
    venue, token_id = pledged
    account = venue.account("trader")
    assert not venue.trade("trader", 0, 3 * WAD)
    assert venue.squeeze(account, 0, Fraction(-1, 100))
    fraction, _ = venue.do("liquidator", "liquidate_pledge", account, token_id)
    assert fraction == WAD
    assert venue.holder(token_id) == venue.address("trader")
    assert not venue.get("pledges", account)
    assert venue.get("pledged_liquidity") == 0
    assert raw_totals(venue) == [0, 0]


def test_debt_without_a_position_is_paid_from_the_pledge(
    pledged: tuple[PledgeVenue, int],
) -> None:
    venue, token_id = pledged
    account = venue.account("trader")
    assert not venue.trade("trader", 0, WAD)
    venue.report(BTC=Fraction(29_000))
    assert not venue.trade("trader", 0, -WAD)
    debt = -venue.get("cash", account)
    assert 1_000 * WAD < debt < 1_100 * WAD
    fraction, _ = venue.do("liquidator", "liquidate_pledge", account, token_id)
    assert 0 < fraction < WAD // 20
    # Uniswap pays whole raw units, rounded down: at most one of each token is missing or too much.
    assert abs(venue.get("cash", account)) <= 2 * CASH_UNIT
    venue.deposit("trader", 2)
    again = venue.attempt("liquidator", "liquidate_pledge", account, token_id)
    assert again == "clearing: not liquidatable"


def test_liquidator_of_a_pledge_must_have_the_money(pledged: tuple[PledgeVenue, int]) -> None:
    venue, token_id = pledged
    account = venue.account("trader")
    assert not venue.trade("trader", 0, 3 * WAD)
    assert venue.squeeze(account, 0, Fraction(1, 2))
    refused = venue.attempt("bystander", "liquidate_pledge", account, token_id)
    assert refused == "clearing: insufficient collateral"
    other = venue.attempt("liquidator", "liquidate_pledge", venue.account("hedger"), token_id)
    assert other == "clearing: bad pledge"


@pytest.fixture
def arranged(venue: PledgeVenue) -> tuple[PledgeVenue, Contract, int]:
    """A contract with a pledged position, 1,000 USDC of its own and a perp position."""
    contract = venue.rearranger()
    token_id = venue.mint("trader", 10, to=contract.address)
    for target, name, arguments in (
        (venue.manager, "setApprovalForAll", (venue.addresses["clearing"], True)),
        (venue._contracts["USDC"], "approve", (venue.addresses["clearing"], HIGHEST)),
        (venue._contracts["clearing"], "pledge", (0, token_id)),
        (venue._contracts["clearing"], "trade", (0, 0, 2 * WAD, HIGHEST)),
    ):
        contract.transact(venue.owner, "act", target.address, target.calldata(name, *arguments))
    usdc = venue._contracts["USDC"]
    usdc.transact(venue.owner, "mint", contract.address, 1_000 * USDC)
    return venue, contract, token_id


def rearrange(
    venue: PledgeVenue, contract: Contract, out: list[int], back: list[int], raw: int = 0,
    *, looks: bool = False, reenters: bool = False,
) -> str:  # fmt: skip
    return refusal(
        venue, contract, "owner", "rearrange", out, b"\x01\x02", back, raw, looks, reenters
    )


def test_rearranging_swaps_pledges_under_one_check(
    arranged: tuple[PledgeVenue, Contract, int],
) -> None:
    venue, contract, token_id = arranged
    account = int(contract.address, 16) << 8
    better = venue.mint("trader", 20, to=contract.address)
    assert not rearrange(venue, contract, [token_id], [better], 1_000 * USDC)
    assert list(venue.get("pledges", account)) == [better]
    assert venue.holder(token_id) == contract.address.lower()
    assert contract.call("data") == b"\x01\x02"
    assert not rearrange(venue, contract, [better], [token_id, better])
    assert set(venue.get("pledges", account)) == {token_id, better}
    assert raw_totals(venue) == [0, 0]


def test_rearranging_must_leave_initial_margin_or_no_worse_a_ratio(
    arranged: tuple[PledgeVenue, Contract, int],
) -> None:
    venue, contract, token_id = arranged
    account = int(contract.address, 16) << 8
    small = venue.mint("trader", 1, to=contract.address)
    for raw in (0, 1_000 * USDC):  # also where the cash that comes in covers the fees owed
        refused = rearrange(venue, contract, [token_id], [], raw)
        assert refused == "clearing: below initial margin"
    assert rearrange(venue, contract, [token_id], [small]) == "clearing: below initial margin"
    # Below initial margin already: the same again is allowed, less is not.
    assert venue.squeeze(account, 0, Fraction(60, 100))
    margin = venue.margin(account)
    assert margin.maintenance < margin.equity < margin.maintenance * Fraction(3, 2)
    assert not rearrange(venue, contract, [token_id], [token_id])
    assert not rearrange(venue, contract, [token_id], [token_id, small])
    refused = rearrange(venue, contract, [token_id, small], [token_id])
    assert refused == "clearing: below initial margin"


def test_rearranging_takes_only_own_pledges_and_locks_the_venue(
    arranged: tuple[PledgeVenue, Contract, int],
) -> None:
    venue, contract, token_id = arranged
    other = venue.mint("trader", 5)
    venue.do("trader", "pledge", 0, other)
    assert rearrange(venue, contract, [other], [token_id]) == "clearing: bad pledge"
    # Half-done state is neither changed nor read: the lock reverts without a reason.
    with pytest.raises(Reverted):
        contract.transact(venue.owner, "rearrange", [token_id], b"", [token_id], 0, True, False)
    with pytest.raises(Reverted):
        contract.transact(venue.owner, "rearrange", [token_id], b"", [token_id], 0, False, True)
    assert not rearrange(venue, contract, [token_id], [token_id])


def test_slice_moves_the_same_part_of_everything(pledged: tuple[PledgeVenue, int]) -> None:
    venue, token_id = pledged
    giver, taker = venue.account("trader"), venue.account("bystander")
    venue.deposit("trader", 7_777_777_777)
    venue.deposit("trader", 3 * WAD + 1, collateral=1)
    assert not venue.trade("trader", 0, WAD)
    assert not venue.trade("trader", 1, -77 * WAD)
    venue.report(BTC=Fraction(30_500))
    fraction = 3 * WAD // 10
    before, to = venue.margin(giver), venue.address("bystander")
    stored = venue.stored(giver)
    assert venue.attempt("trader", "transfer_slice", 0, fraction, to) == "clearing: no consent"
    venue.do("bystander", "set_slice_consent", venue.address("trader"), True)
    assert venue.attempt("trader", "transfer_slice", 0, 0, to) == "clearing: zero size"
    assert venue.attempt("trader", "transfer_slice", 0, WAD + 1, to) == "clearing: zero size"
    liquidity = venue.liquidity(token_id)
    venue.do("trader", "transfer_slice", 0, fraction, to)
    left, moved = venue.stored(giver), venue.stored(taker)
    for m in (2, 3):  # positions: sizes and costs add up exactly, entries are copied
        assert left[m][0] + moved[m][0] == stored[m][0]
        assert left[m][1] + moved[m][1] == stored[m][1]
        assert left[m][2:] == moved[m][2:] == stored[m][2:]
    assert venue.liquidity(token_id) == liquidity - liquidity * fraction // WAD
    after, given = venue.margin(giver), venue.margin(taker)
    # The same part of everything at the index: the ratio stays, but for raw units of USDC rounded,
    # 10**-6 of some 40,000.
    gain = Fraction(after.equity, after.maintenance) / Fraction(before.equity, before.maintenance)
    assert abs(gain - 1) < Fraction(1, 10**10)
    # The burnt liquidity arrives as plain collateral: worth the same, with smaller haircuts.
    assert 0 <= after.value + given.value - before.value + WAD < before.value // 1_000
    assert given.equity > given.maintenance * before.equity // before.maintenance
    assert raw_totals(venue) == [0, 0]
    again = venue.attempt("trader", "transfer_slice", 0, fraction, to)
    assert again == "clearing: account in use"


def test_whole_slice_leaves_nothing_behind(pledged: tuple[PledgeVenue, int]) -> None:
    venue, token_id = pledged
    assert not venue.trade("trader", 0, -WAD)
    venue.do("bystander", "set_slice_consent", venue.address("trader"), True)
    venue.do("trader", "transfer_slice", 0, WAD, venue.address("bystander"))
    assert venue.stored(venue.account("trader")) == (0, 0, (0, 0, 0, 0), (0, 0, 0, 0))
    assert venue.holder(token_id) == venue.address("trader")
    assert venue.liquidity(token_id) == 0
    assert list(venue.get("holders", 0)) == [venue.account("bystander")]
    assert venue.get("long_interest", 0) == 0
    assert venue.get("last_market_state", 0)[0] == -WAD


def test_debt_that_moves_with_a_slice_still_knows_its_market(
    pledged: tuple[PledgeVenue, int],
) -> None:
    venue, _ = pledged
    assert not venue.trade("trader", 1, 100 * WAD)
    venue.report(SOL=Fraction(90))
    assert not venue.trade("trader", 1, -100 * WAD)
    venue.do("bystander", "set_slice_consent", venue.address("trader"), True)
    venue.do("trader", "transfer_slice", 0, WAD, venue.address("bystander"))
    taker = venue.account("bystander")
    assert venue.get("cash", taker) > 0  # the liquidity paid it
    venue.report(SOL=Fraction(100))
    assert venue.get("bad_debt") == 0


def test_gas_of_the_pledge_operations_is_bounded(pledged: tuple[PledgeVenue, int]) -> None:
    venue, token_id = pledged
    evm, account = venue.chain.evm, venue.account("trader")
    assert not venue.trade("trader", 0, 3 * WAD)
    assert venue.squeeze(account, 0, Fraction(1, 2))
    snapshot = evm.snapshot()
    venue.do("liquidator", "liquidate", account, 0)
    assert venue.result().gas_used < 400_000
    evm.revert(snapshot)
    venue.do("liquidator", "liquidate_pledge", account, token_id)
    assert venue.result().gas_used < 600_000


def test_an_insolvent_account_takes_no_pledge_back(venue: PledgeVenue) -> None:
    """Pledges behind a hedged debt, and the correlation breaks: a larger M would raise E/M < 0."""
    parameters = list(venue.get("parameters"))
    parameters[4:6] = [FLOOR, KAPPA]
    venue.do("owner", "set_parameters", tuple(parameters))
    rows = list(ROWS)
    rows[3] = rows[1]  # WETH moves as BTC does, so a short of BTC hedges the liquidity
    venue.do("owner", "post_covariance", tuple(rows))
    contract = venue.rearranger()
    account = int(contract.address, 16) << 8
    clearing = venue._contracts["clearing"]

    def act(target: str, data: bytes) -> None:
        contract.transact(venue.owner, "act", target, data)

    def trade(size: int) -> None:
        limit = HIGHEST if size > 0 else 0
        act(clearing.address, clearing.calldata("trade", 0, 0, size, limit))

    act(venue.manager.address, venue.manager.calldata("setApprovalForAll", clearing.address, True))
    ids = [venue.mint("trader", 10, to=contract.address) for _ in range(4)]
    for token_id in ids:
        act(clearing.address, clearing.calldata("pledge", 0, token_id))
    venue.report(WETH=Fraction(1_500))  # below the range: the liquidity is all WETH
    worth = venue.margin(account).value / WAD
    # 15 % is haircut; of the other 6 %, the premium takes 0.4 % and initial margin 4.5 %.
    short, debt = int(worth / 30_000 * WAD), int(worth * 0.79)
    while venue.get("cash", account) > -(debt - 20) * WAD:  # lost, trade by trade
        rise = min(Fraction(debt * WAD + venue.get("cash", account), short), Fraction(2_000))
        trade(-short)
        venue.report(BTC=venue.prices["BTC"] + rise)
        venue.advance(12)  # in another block the way back earns the premium of the way in
        trade(short)
        venue.report(BTC=Fraction(30_000))
    trade(-short)
    state = venue.margin(account)
    assert state.equity > state.maintenance  # hedged and healthy

    venue.report(BTC=Fraction(50_000))  # BTC jumps, WETH does not
    state = venue.margin(account)
    assert 2 * state.equity < -11 * state.maintenance
    assert rearrange(venue, contract, ids, []) == "clearing: below initial margin"
    assert rearrange(venue, contract, ids, ids) == ""  # lent for a moment and back: no worse
