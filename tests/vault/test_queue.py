"""The withdrawal queue: order, part payments, leaving the line, what can hold it up (SPEC §4.3)."""

from __future__ import annotations

import pytest

from simulator.world.chain import artifacts
from simulator.world.chain.storage import mapping_slot
from tests.properties.revm_vault import USDC_UNIT, WAD, System

THIRD = "0x" + "33" * 20


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
    assert system.refusal(holder, "request_redeem", WAD, zero) == "vault: zero receiver"
    held = shares(system, holder)
    too_many = system.refusal(holder, "request_redeem", held + 1, holder)
    assert too_many == "vault: insufficient shares"
    system.do(holder, "request_redeem", WAD, holder)
    assert system.refusal(holder, "request_redeem", WAD, holder) == "vault: request pending"
    assert system.refusal(THIRD, "cancel_request") == "vault: no request"


def test_nobody_passes_the_line(system: System) -> None:
    first, second = system.depositors
    system.do(second, "request_redeem", WAD, second)
    for function, amount in (("redeem", WAD), ("withdraw", USDC_UNIT)):
        refused = system.refusal(first, function, amount, first, first)
        assert refused == "vault: withdrawals queued"
    assert system.get("maxRedeem", first) == system.get("maxWithdraw", first) == 0
    system.do(second, "cancel_request")
    assert system.refusal(first, "redeem", WAD, first, first) == ""


@pytest.mark.parametrize("leaver", [0, 1, 2])
def test_cancelling_gives_back_and_closes_the_gap(system: System, leaver: int) -> None:
    line = [*system.depositors, system.keeper]
    for holder in line:
        system.do(holder, "request_redeem", 5 * WAD, holder)
    assert waiting(system) == line
    gone = line.pop(leaver)
    before = shares(system, gone)
    system.do(gone, "cancel_request")
    assert shares(system, gone) == before + 5 * WAD
    assert waiting(system) == line
    assert system.get("queue_tail") == line[-1]
    assert system.get("queued_shares") == 10 * WAD
    system.do(gone, "request_redeem", WAD, gone)
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
        system.do(first, "transfer", holder, WAD)
        system.do(holder, "request_redeem", WAD, holder)
    system.do(THIRD, "settle_withdrawals", 0)
    assert waiting(system) == line[8:]
    system.do(THIRD, "settle_withdrawals", 0)
    assert waiting(system) == []


def test_a_request_worth_nothing_holds_up_nobody(system: System) -> None:
    first, second = system.depositors
    system.do(first, "request_redeem", 1, first)
    system.do(second, "request_redeem", WAD, second)
    assert system.do(THIRD, "settle_withdrawals", 0) == system.get("previewRedeem", WAD)
    assert waiting(system) == []
    system.do(first, "request_redeem", 1, first)
    assert system.do(THIRD, "settle_withdrawals", 0) == 0  # alone it is done too


def test_a_receiver_that_usdc_refuses_gets_the_shares_back(system: System) -> None:
    first, second = system.depositors
    unreachable = "0x" + "00" * 19 + "01"
    held = shares(system, first)
    system.do(first, "request_redeem", 7 * WAD, unreachable)
    system.do(second, "request_redeem", WAD, second)
    block(system, unreachable)
    paid = system.do(THIRD, "settle_withdrawals", 0)
    assert paid == system.get("previewRedeem", WAD)
    assert shares(system, first) == held
    assert waiting(system) == []


def block(system: System, receiver: str) -> None:
    """Fill the receiver's balance to the brim: the token then refuses any transfer to it."""
    slot = mapping_slot(artifacts.load("Token").slots["balanceOf"], int(receiver, 16))
    system.chain.evm.insert_account_storage(system.usdc.address, slot, 2**256 - 1)


def test_settling_waits_for_a_price_and_for_somebody(system: System) -> None:
    assert system.refusal(THIRD, "settle_withdrawals", WAD) == "vault: nothing to settle"
    _, holder = system.depositors
    system.wait(10**6, refresh=False)
    system.do(holder, "request_redeem", WAD, holder)  # asking needs no price
    assert system.refusal(THIRD, "settle_withdrawals", WAD) == "oracle: stale"
    system.do(holder, "cancel_request")


def test_a_pause_stops_neither_asking_nor_settling(system: System) -> None:
    _, holder = system.depositors
    system.do(system.deployed.roles.guardian, "set_paused", True)
    system.do(holder, "request_redeem", WAD, holder)
    assert system.do(THIRD, "settle_withdrawals", 0) > 0


def test_leaving_through_the_queue_costs_those_who_stay_nothing(system: System) -> None:
    _, holder = system.depositors
    before = system.get("convertToAssets", WAD)
    system.do(holder, "request_redeem", shares(system, holder), holder)
    system.do(THIRD, "settle_withdrawals", WAD)
    assert system.get("convertToAssets", WAD) >= before
