"""The withdrawal queue: order, part payments, leaving the line, what can hold it up (SPEC §4.3)."""

from __future__ import annotations

import pytest

from simulator.chain.deploy import artifacts
from simulator.chain.reading.storage import mapping_slot
from tests.properties.revm_vault import USDC_UNIT, WAD, System

THIRD = "0x" + "33" * 20
LEAST = 100 * WAD  # shares of a request
SQUEEZE = 0.04  # of the pool below the oracle, within max_slippage


@pytest.fixture
def system() -> System:
    """Invested, with shares in three hands: 2,000,000 and twice 100,000 USDC of them."""
    system = System(exit_fee=0.01).invest()
    for holder in (system.depositors[1], system.keeper):
        system.usdc.transact(system.owner, "mint", holder, 100_000 * USDC_UNIT)
        system.usdc.transact(holder, "approve", system.vault.address, 2**256 - 1)
        system.do(holder, "deposit", 100_000 * USDC_UNIT, holder)
    return system


def shares(system: System, holder: str) -> int:
    return int(system.get("balanceOf", holder))


def money(system: System, holder: str) -> int:
    return int(system.usdc.call("balanceOf", holder))


def waiting(system: System) -> list[str]:
    """Owners in line, by walking it."""
    line, owner = [], system.get("queue_head")
    while int(owner, 16):
        line.append(owner)
        owner = system.get("request", owner)[3]
    return line


def test_a_request_moves_the_shares_to_the_vault(system: System) -> None:
    _, holder = system.depositors
    held = shares(system, holder)
    system.do(holder, "request_redeem", held, THIRD)
    assert shares(system, holder) == 0
    assert shares(system, system.vault.address) == system.get("queued_shares") == held
    assert system.get("request", holder)[:2] == (THIRD, held)
    assert waiting(system) == [holder]


def test_requests_are_refused(system: System) -> None:
    _, holder = system.depositors
    zero = "0x" + "00" * 20
    assert system.refusal(holder, "request_redeem", 0, holder) == "vault: zero amount"
    assert system.refusal(holder, "request_redeem", LEAST, zero) == "vault: zero receiver"
    too_little = system.refusal(holder, "request_redeem", LEAST - 1, holder)
    assert too_little == "vault: least request"
    held = shares(system, holder)
    too_many = system.refusal(holder, "request_redeem", held + 1, holder)
    assert too_many == "vault: insufficient shares"
    system.do(holder, "request_redeem", LEAST, holder)
    assert system.refusal(holder, "request_redeem", LEAST, holder) == "vault: request pending"
    assert system.refusal(THIRD, "cancel_request") == "vault: no request"


def test_nobody_passes_the_line(system: System) -> None:
    """Where idle and spare margin do not reach for both, those behind wait."""
    first, second = system.depositors
    system.do(first, "request_redeem", shares(system, first), first)
    system.do(THIRD, "settle_withdrawals", 0)  # all there is without unwinding, and it is short
    assert system.get("maxRedeem", second) == system.get("maxWithdraw", second) == 0
    for function, amount in (("redeem", WAD), ("withdraw", USDC_UNIT)):
        assert system.refusal(second, function, amount, second, second) in REFUSED_BEHIND
    system.do(first, "cancel_request")
    assert system.refusal(second, "redeem", WAD, second, second) == ""


# The unwinding for the whole line would cost more than the fee of a single share, or not suffice.
REFUSED_BEHIND = ("vault: withdrawals queued", "vault: slippage")


def test_who_waits_stops_nobody_while_there_is_enough_for_both(system: System) -> None:
    """A line of the least requests, as a griefer would make it: exits go on, the line is paid."""
    first, second = system.depositors
    line = [f"0x{i:040x}" for i in range(0x1000, 0x1014)]
    for holder in line:
        system.do(first, "transfer", holder, LEAST)
        system.do(holder, "request_redeem", LEAST, holder)
    promised = system.get("previewRedeem", 1_000 * WAD)
    owed = system.get("previewRedeem", 20 * LEAST)
    assert system.do(second, "redeem", 1_000 * WAD, second, second) == promised
    liquid = system.get("fresh_assets")[1]
    assert system.get("maxWithdraw", first) == pytest.approx(liquid - owed, rel=1e-6)
    most = system.get("maxRedeem", first)
    assert system.refusal(first, "redeem", most, first, first) == ""
    for _ in range(3):  # the exit fees of those beside it went to the line, too
        system.do(THIRD, "settle_withdrawals", WAD)
    assert waiting(system) == []
    paid = sum(money(system, holder) for holder in line)
    assert owed <= paid < owed * 1.01


@pytest.mark.parametrize("leaver", [0, 1, 2])
def test_cancelling_gives_back_and_closes_the_gap(system: System, leaver: int) -> None:
    line = [*system.depositors, system.keeper]
    for holder in line:
        system.do(holder, "request_redeem", 5 * LEAST, holder)
    assert waiting(system) == line
    gone = line.pop(leaver)
    before = shares(system, gone)
    system.do(gone, "cancel_request")
    assert shares(system, gone) == before + 5 * LEAST
    assert waiting(system) == line
    assert system.get("queue_tail") == line[-1]
    assert system.get("queued_shares") == 10 * LEAST
    system.do(gone, "request_redeem", LEAST, gone)
    assert waiting(system) == [*line, gone]


def test_everyone_is_paid_the_preview_in_order(system: System) -> None:
    line = [system.keeper, system.depositors[1]]
    for holder in line:
        system.do(holder, "request_redeem", 1_000 * WAD, holder)
    promised, before = system.get("previewRedeem", 1_000 * WAD), [money(system, h) for h in line]
    paid = system.do(THIRD, "settle_withdrawals", 0)
    assert paid == 2 * promised
    assert [money(system, h) - b for h, b in zip(line, before, strict=True)] == [promised] * 2
    assert waiting(system) == []
    assert system.get("queued_shares") == shares(system, system.vault.address) == 0


def test_what_cannot_be_paid_whole_is_paid_in_part(system: System) -> None:
    """Without unwinding, idle and spare margin do not cover the first holder's 2,000,000."""
    first, second = system.depositors
    held = shares(system, first)
    system.do(first, "request_redeem", held, first)
    system.do(second, "request_redeem", 1_000 * WAD, second)
    due, supply = system.get("previewRedeem", held), system.get("totalSupply")
    before = money(system, first), money(system, second)
    paid = system.do(THIRD, "settle_withdrawals", 0)
    assert 0 < paid < due
    assert money(system, first) - before[0] == paid
    assert money(system, second) == before[1]  # behind a part payment nobody is paid
    burnt = supply - system.get("totalSupply")
    assert burnt == -(-held * paid // due)
    assert system.get("request", first)[1] == held - burnt
    assert system.get("queued_shares") == held - burnt + 1_000 * WAD
    assert system.get("idle_usdc") == 0
    refused = system.refusal(THIRD, "settle_withdrawals", 0)
    assert refused == "vault: insufficient liquidity"


def test_settlement_unwinds_no_more_than_asked(system: System) -> None:
    first, _ = system.depositors
    liquidity, sizes = system.get("position_state")[0], system.sizes()
    system.do(first, "request_redeem", shares(system, first), first)
    system.do(THIRD, "settle_withdrawals", WAD // 10)
    assert system.get("position_state")[0] == liquidity - liquidity // 10
    assert system.sizes() == [size - size // 10 for size in sizes]  # rounded away from zero
    system.do(THIRD, "settle_withdrawals", WAD)
    assert system.get("queued_shares") == 0


def test_one_settlement_serves_eight(system: System) -> None:
    first, _ = system.depositors
    line = [f"0x{i:040x}" for i in range(0x1000, 0x100A)]
    for holder in line:
        system.do(first, "transfer", holder, LEAST)
        system.do(holder, "request_redeem", LEAST, holder)
    system.do(THIRD, "settle_withdrawals", 0)
    assert waiting(system) == line[8:]
    system.do(THIRD, "settle_withdrawals", 0)
    assert waiting(system) == []


def test_a_receiver_that_usdc_refuses_gets_the_shares_back(system: System) -> None:
    first, second = system.depositors
    unreachable = "0x" + "00" * 19 + "01"
    held = shares(system, first)
    system.do(first, "request_redeem", 7 * LEAST, unreachable)
    system.do(second, "request_redeem", LEAST, second)
    block(system, unreachable)
    promised = system.get("previewRedeem", LEAST)
    paid = system.do(THIRD, "settle_withdrawals", 0)
    assert paid == promised
    assert shares(system, first) == held
    assert waiting(system) == []


def test_nothing_is_unwound_for_a_receiver_that_usdc_refuses(system: System) -> None:
    first, _ = system.depositors
    unreachable = "0x" + "00" * 19 + "01"
    system.do(first, "request_redeem", shares(system, first) * 9 // 10, unreachable)
    block(system, unreachable)
    before = system.get("totalAssets")
    assert system.refusal(THIRD, "settle_withdrawals", WAD) == "vault: insufficient liquidity"
    assert system.get("totalAssets") == before


def block(system: System, receiver: str) -> None:
    """Fill the receiver's balance to the brim: the token then refuses any transfer to it."""
    slot = mapping_slot(artifacts.load("Token").slots["balanceOf"], int(receiver, 16))
    system.chain.evm.insert_account_storage(system.usdc.address, slot, 2**256 - 1)


def test_settling_waits_for_a_price_and_for_somebody(system: System) -> None:
    assert system.refusal(THIRD, "settle_withdrawals", WAD) == "vault: nothing to settle"
    _, holder = system.depositors
    system.wait(10**6, refresh=False)
    system.do(holder, "request_redeem", LEAST, holder)  # asking needs no price
    assert system.refusal(THIRD, "settle_withdrawals", WAD) == "oracle: stale"
    system.do(holder, "cancel_request")


def test_a_pause_stops_neither_asking_nor_settling(system: System) -> None:
    _, holder = system.depositors
    system.do(system.deployed.roles.guardian, "set_paused", True)
    system.do(holder, "request_redeem", LEAST, holder)
    assert system.do(THIRD, "settle_withdrawals", 0) > 0


def test_leaving_through_the_queue_costs_those_who_stay_nothing(system: System) -> None:
    _, holder = system.depositors
    before = system.get("convertToAssets", WAD)
    system.do(holder, "request_redeem", shares(system, holder), holder)
    system.do(THIRD, "settle_withdrawals", WAD)
    assert system.get("convertToAssets", WAD) >= before


@pytest.mark.parametrize("fraction", [WAD // 20, WAD])
def test_what_unwinding_costs_is_borne_by_those_served(fraction: int) -> None:
    """Two thirds leave while somebody holds the pool down for the sale: who stays loses nothing."""
    system = System(exit_fee=0.005, max_slippage=0.05).invest()
    leaver, stayer = system.depositors
    system.do(leaver, "transfer", stayer, 600_000 * WAD)
    system.do(leaver, "request_redeem", shares(system, leaver), leaver)
    system.swap_to(system.prices[1] * (1 - SQUEEZE))
    before = system.get("convertToAssets", 10**24)
    worth = system.get("convertToAssets", shares(system, system.vault.address))
    paid = system.do(THIRD, "settle_withdrawals", fraction)
    assert system.get("convertToAssets", 10**24) >= before
    if fraction == WAD:
        assert waiting(system) == []
        assert paid < worth * (1 - 0.005)  # more than the exit fee


def test_redeem_is_refused_where_its_own_sale_would_cost_those_who_stay() -> None:
    """The leaver's own sandwich: refused beyond the exit fee, whole, at the preview, below it."""
    system = System(exit_fee=0.005, max_slippage=0.05).invest()
    leaver, stayer = system.depositors
    system.do(leaver, "transfer", stayer, 600_000 * WAD)
    held = shares(system, leaver)
    system.swap_to(system.prices[1] * (1 - SQUEEZE))
    refused = system.refusal(leaver, "redeem", held, leaver, leaver)
    assert refused == "vault: slippage"
    system.swap_to(system.prices[1])
    before, promised = system.get("convertToAssets", 10**24), system.get("previewRedeem", held)
    assert system.do(leaver, "redeem", held, leaver, leaver) == promised
    assert system.get("convertToAssets", 10**24) >= before
