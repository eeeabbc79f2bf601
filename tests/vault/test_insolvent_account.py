"""A margin account of the vault worth less than nothing: liquidation forgives what it owes.

NAV counts the debt until then. So nobody buys shares before that step, and nobody has the vault pay
the debt that others are there to bear (SPEC §4.3, §4.5).
"""

from __future__ import annotations

from typing import Any

import pytest

from simulator.chain.evm.codec import Reverted, reason
from tests.properties.revm_vault import USDC_UNIT, WAD, Margin, System

BTC, SOL = 0, 1
TOP_UP, DELEVERAGE = 7, 8  # places of the ratios among the parameters
INSURANCE_CAP = 8  # its place in IClearingHouse.Market
DAY = 86_400
MODES: dict[str, dict[str, Any]] = {
    "cross": {"margin_allocation": 0.12},
    "isolated": {"margin_allocation": 0.12, "isolated": True},
    "pledged": {"pledged": True},
}
ANYONE = "0x" + "55" * 20
NOT_NOW = {"", "clearing: not liquidatable", "clearing: no position", "clearing: liquidation limit"}
ACCOUNTS = pytest.mark.parametrize("mode", MODES)


def account(system: System, market: int) -> int:
    """Where the vault holds its position in a market."""
    return system.account + (1 + market if system.get("ISOLATED") else 0)


def state(system: System, market: int = BTC) -> Margin:
    return Margin(*system.clearing.call("account_state", account(system, market)))


def cash(system: System, market: int = BTC) -> int:
    return int(system.clearing.call("cash", account(system, market)))


def position(system: System, market: int = BTC) -> int:
    return int(system.clearing.call("position", account(system, market), market)[0])


def owing(mode: str) -> System:
    """Its BTC has risen past all that the account has, and nobody has liquidated it yet."""
    system = System(**MODES[mode]).invest()
    while state(system).value >= 0:
        system.prices[2] *= 1.01
        system.report()
    assert system.get("totalAssets") > 10**5 * USDC_UNIT  # far from worthless
    return system


def lower(system: System, ratio: int) -> None:
    """SOL rises until its account, solvent still, is below a ratio among the parameters."""
    limit = system.get("parameters")[ratio]
    while state(system, SOL).equity * WAD >= limit * state(system, SOL).maintenance:
        system.prices[3] *= 1.01
        system.report()
    assert state(system, SOL).value > 0


def refusal_of_liquidation(system: System, market: int) -> str:
    try:
        system.clearing.transact(ANYONE, "liquidate", account(system, market), market)
    except Reverted as refused:
        return reason(refused.data)
    return ""


def liquidate(system: System) -> None:
    """By anyone, over as many blocks as it takes."""
    for _ in range(40):
        answers = {refusal_of_liquidation(system, market) for market in (BTC, SOL)}
        assert answers <= NOT_NOW
        if state(system).value >= 0:
            return
        system.wait(12)
    raise AssertionError("still owes")


@ACCOUNTS
def test_no_share_is_sold_while_an_account_owes(mode: str) -> None:
    system = owing(mode)
    holder, late = system.depositors
    assert system.get("maxDeposit", late) == system.get("maxMint", late) == 0
    for entry, amount in (("deposit", 10**4 * USDC_UNIT), ("mint", 10**4 * WAD)):
        assert system.refusal(late, entry, amount, late) == "vault: account insolvent"
    # Who leaves does so at what the debt leaves.
    assert system.get("maxRedeem", holder) > 0
    assert system.refusal(holder, "redeem", system.get("maxRedeem", holder), holder, holder) == ""


def test_what_is_pledged_to_an_account_counts() -> None:
    """Its USDC and positions are worth less than nothing, with the liquidity pledged it is not."""
    system = System(**MODES["pledged"]).invest()
    while state(system).balance >= 0:
        system.prices[2] *= 1.01
        system.report()
    assert state(system).value > 0
    late = system.depositors[1]
    assert system.get("maxDeposit", late) > 0
    assert system.do(late, "deposit", 10**4 * USDC_UNIT, late) > 0


@pytest.mark.parametrize("mode", ["cross", "isolated"])
def test_shares_are_sold_again_once_it_is_liquidated(mode: str) -> None:
    system = owing(mode)
    late, before = system.depositors[1], system.get("nav")
    debt = -state(system).value
    assert debt > 0
    liquidate(system)
    assert system.get("nav") > before  # the step that nobody may buy into
    assert system.get("maxDeposit", late) > 0
    assert system.do(late, "deposit", 10**4 * USDC_UNIT, late) > 0


@ACCOUNTS
def test_anyone_who_calls_for_margin_pays_no_debt_of_the_vaults(mode: str) -> None:
    system = owing(mode)
    worth, held, idle = state(system).value, cash(system), system.get("idle_usdc")
    assert idle > 0
    for call in ("top_up", "deleverage"):
        assert system.refusal(ANYONE, call) == "vault: margin sufficient"
    assert (state(system).value, cash(system), system.get("idle_usdc")) == (worth, held, idle)


def test_the_account_that_owes_nothing_is_still_topped_up() -> None:
    """BTC's owes; SOL's is short of margin, and nothing else."""
    system = owing("isolated")
    lower(system, TOP_UP)
    debt, short = cash(system, BTC), cash(system, SOL)
    system.do(ANYONE, "top_up")
    assert cash(system, BTC) == debt
    assert cash(system, SOL) > short


@pytest.mark.parametrize("mode", ["cross", "isolated"])
def test_recentring_puts_no_margin_into_a_debt(mode: str) -> None:
    system = owing(mode)
    system.move(1.2 * system.prices[1])
    assert state(system).value < 0
    held = cash(system)
    system.do(ANYONE, "recenter")
    assert cash(system) == held
    assert system.get("idle_usdc") > 0


def test_nothing_is_placed_that_would_be_pledged_for_a_debt() -> None:
    system = owing("pledged")
    system.move(0.8 * system.prices[1])
    assert state(system).value < 0
    assert system.refusal(ANYONE, "recenter") == "vault: centred"


@ACCOUNTS
def test_leavers_pay_no_debt_of_the_vaults(mode: str) -> None:
    """What unwinding would bring into the account is there, and stays where it is."""
    system = owing(mode)
    for _ in range(40):  # leaves fees, more than the debt, that the venue does not count
        for factor in (1.04, 0.96, 1.0):
            system.swap_to(factor * system.prices[1])
    assert system.get("position_state")[6] * WAD // USDC_UNIT > -state(system).value
    system.set_terms(exit_fee=WAD // 10)  # of which the cost of unwinding may be paid
    holder = system.depositors[0]
    shares = system.get("balanceOf", holder) - WAD  # more than what is idle
    pledged, liquidity = mode == "pledged", system.get("position_state")[0]
    worth, held, size = state(system).value, cash(system), position(system)
    refused = system.refusal(holder, "redeem", shares, holder, holder)
    assert refused == ("vault: insufficient liquidity" if pledged else "")
    assert (state(system).value, cash(system), position(system)) == (worth, held, size)
    assert (system.get("position_state")[0] == liquidity) == pledged


@ACCOUNTS
def test_nobody_in_line_is_paid_before_a_debt_is_forgiven(mode: str) -> None:
    """At somebody else's word, for less than his shares are worth a call later."""
    system = owing(mode)
    holder = system.depositors[0]
    system.do(holder, "request_redeem", system.get("balanceOf", holder) // 2, holder)
    for fraction in (0, WAD):
        refused = system.refusal(ANYONE, "settle_withdrawals", fraction)
        assert refused == "vault: account insolvent"
    if mode != "pledged":  # what backs it would have to be sold first
        liquidate(system)
        assert system.do(ANYONE, "settle_withdrawals", WAD) > 0


def test_deleverage_closes_nothing_of_the_account_that_owes() -> None:
    """BTC's owes; SOL's is near liquidation, and helped alone."""
    system = owing("isolated")
    lower(system, DELEVERAGE)
    debt, size, short = cash(system, BTC), position(system), position(system, SOL)
    system.do(ANYONE, "deleverage")
    assert (cash(system, BTC), position(system)) == (debt, size)
    assert abs(position(system, SOL)) < abs(short)


# ------------------------------------------------- what others empty: a settlement, deleveraging


def without_insurance(system: System) -> System:
    """No fund covers a debt: it is the winners', or left when the last position is gone."""
    for market in (BTC, SOL):
        terms = list(system.clearing.call("market", market))
        terms[INSURANCE_CAP] = 0
        system.clearing.transact(system.owner, "set_market", market, tuple(terms))
    return system


def is_open_again(system: System) -> None:
    """Nothing is owed; shares are sold, and who waits in line is paid."""
    assert state(system).value == cash(system) == 0
    assert [position(system, market) for market in (BTC, SOL)] == [0, 0]
    holder, late = system.depositors
    assert system.get("maxDeposit", late) > 0
    assert system.do(late, "deposit", 10**4 * USDC_UNIT, late) > 0
    system.do(holder, "request_redeem", system.get("balanceOf", holder) // 2, holder)
    assert system.do(ANYONE, "settle_withdrawals", WAD) > 0


def test_shares_are_sold_again_once_a_settlement_has_closed_the_last_position() -> None:
    """SOL's market ends while BTC makes the debt; liquidation goes first, settlement last."""
    system = without_insurance(System(**MODES["cross"]).invest())
    system.clearing.transact(system.owner, "wind_down", SOL)
    system.wait(7 * DAY)
    system.prices[3] *= 1.02
    system.report()
    system.clearing.transact(ANYONE, "settle_market", SOL)
    while state(system).value > -(10**4) * WAD:
        system.prices[2] *= 1.01
        system.report()
    while position(system):
        assert refusal_of_liquidation(system, BTC) in NOT_NOW
        system.wait(12)
    late = system.depositors[1]
    assert system.refusal(late, "deposit", 10**4 * USDC_UNIT, late) == "vault: account insolvent"
    before = system.get("totalAssets")
    system.clearing.transact(ANYONE, "settle_position", account(system, SOL), SOL)
    assert system.get("totalAssets") > before + 10**4 * USDC_UNIT
    is_open_again(system)


def test_shares_are_sold_again_once_deleveraging_has_taken_the_last_position() -> None:
    """SOL makes the debt; the short in BTC wins, and goes to close a bankrupt's long."""
    system = without_insurance(System(**MODES["cross"]).invest())
    system.usdc.transact(system.owner, "mint", ANYONE, 10**12)
    system.usdc.transact(ANYONE, "approve", system.clearing.address, 2**256 - 1)
    system.clearing.transact(ANYONE, "deposit", ANYONE, 0, 0, 60_000 * USDC_UNIT)
    size = -position(system) * 102 // 100
    system.clearing.transact(ANYONE, "trade", 0, BTC, size, 2**256 - 1)
    system.prices[2] *= 0.86
    while state(system).value > -20_000 * WAD:
        system.prices[3] *= 1.05
        system.report()
    while position(system, SOL):
        assert refusal_of_liquidation(system, SOL) in NOT_NOW
        system.wait(12)
    assert cash(system) < -50_000 * WAD
    bankrupt = int(ANYONE, 16) << 8
    for _ in range(40):
        if not position(system):
            break
        system.clearing.transact(ANYONE, "liquidate", bankrupt, BTC)
        system.wait(12)
    is_open_again(system)
