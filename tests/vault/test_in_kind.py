"""redeem_in_kind: a part of everything, without a price (SPEC §4.3)."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.chain.evm.codec import Reverted, reason
from tests.properties.revm_vault import USDC_UNIT, WAD, System

VIRTUAL = 10**12
EXIT_FEE = 12  # index of the parameter
HEIR = "0x" + "44" * 20
MODES: list[dict[str, Any]] = [{}, {"isolated": True}, {"pledged": True}]


@pytest.fixture(params=MODES, ids=["cross", "isolated", "pledged"])
def system(request: pytest.FixtureRequest) -> System:
    """Invested, the heir consenting, with uncollected fees on both sides."""
    system = System(**request.param).invest()
    consent(system)
    for price in (1.02, 0.98, 1.0):
        system.swap_to(system.prices[1] * price)
    return system


def consent(system: System) -> None:
    """The heir takes slices from the vault, and what the first depositor redeems."""
    system.clearing.transact(HEIR, "set_slice_consent", system.vault.address, True)
    system.do(HEIR, "set_in_kind_consent", system.depositors[0], True)


def accounts(system: System, owner: str) -> list[int]:
    subs = (1, 2) if system.get("ISOLATED") else (0,)
    return [int(owner, 16) << 8 | sub for sub in subs]


def holdings(system: System, owner: str) -> dict[str, list[int]]:
    """What an address holds: tokens, and in its margin accounts cash, base and sizes."""
    clearing = system.clearing
    return {
        "tokens": [token.call("balanceOf", owner) for token in (system.usdc, system.base)],
        "cash": [clearing.call("cash", a) for a in accounts(system, owner)],
        "collateral": [clearing.call("collateral_balance", a, 1) for a in accounts(system, owner)],
        "sizes": [
            clearing.call("position", a, market)[0]
            for a in accounts(system, owner)
            for market in (0, 1)
        ],
    }


def redeem(system: System, part: float) -> tuple[int, int]:
    """The depositor redeems a part for the heir; (shares paid for, all and virtual ones before)."""
    depositor = system.depositors[0]
    shares = system.get("balanceOf", depositor) * round(part * 1_000) // 1_000
    whole = system.get("totalSupply") + VIRTUAL
    system.do(depositor, "redeem_in_kind", shares, HEIR)
    return net(system, shares), whole


def net(system: System, shares: int) -> int:
    """Shares that are paid for of those redeemed: the exit fee stays."""
    return int(shares * (WAD - system.get("parameters")[EXIT_FEE]) // WAD)


@pytest.mark.parametrize("part", [0.001, 0.4, 1.0])
def test_the_receiver_gets_its_part_of_everything(system: System, part: float) -> None:
    at = system.get("position_state")
    idle_usdc, idle_base = system.get("idle_usdc"), system.get("idle_base")
    before, nav = holdings(system, system.vault.address), system.get("nav")
    shares, whole = redeem(system, part)
    after, got = holdings(system, system.vault.address), holdings(system, HEIR)
    fraction = shares / whole
    for kind in ("sizes", "cash"):
        moved = [b - a for b, a in zip(before[kind], after[kind], strict=True)]
        assert moved == pytest.approx([fraction * b for b in before[kind]], rel=1e-6)
    assert got["sizes"] == [b - a for b, a in zip(before["sizes"], after["sizes"], strict=True)]
    # The liquidity comes as tokens: to the margin account where it was pledged, else by hand.
    usdc = got["tokens"][0] + sum(got["cash"]) / 10**12
    base = got["tokens"][1] + sum(got["collateral"])
    cash = sum(before["cash"]) / 10**12
    assert base == pytest.approx(fraction * (at[3] + at[5] + idle_base), rel=1e-6, abs=2)
    assert usdc == pytest.approx(fraction * (at[4] + at[6] + idle_usdc + cash), rel=1e-6, abs=3)
    # Two smaller positions would each close nearer to the index: what stays is worth a little more.
    assert system.get("nav") >= (1 - fraction) * nav * (1 - 1e-9)
    assert system.get("nav") == pytest.approx((1 - fraction) * nav, rel=5e-4, abs=10**15)
    burnt = at[0] - system.get("position_state")[0]
    assert burnt == pytest.approx(at[0] * shares // whole, abs=at[0] // WAD + 1)


def test_a_part_is_never_more_than_the_part(system: System) -> None:
    """What stays is worth at least as much a share, and more by the exit fee."""
    before = system.get("convertToAssets", 10**24)
    paid, whole = redeem(system, 0.37)
    fee = WAD - net(system, WAD)
    gain = paid * fee // (WAD - fee) / (whole - paid)  # what was left, by what stays
    assert fee > 0
    assert system.get("convertToAssets", 10**24) >= before * (1 + 0.99 * gain)


def test_a_frozen_oracle_a_pause_and_a_queue_do_not_stop_it(system: System) -> None:
    depositor = system.depositors[0]
    system.do(depositor, "request_redeem", 100 * WAD, depositor)
    system.do(system.deployed.roles.guardian, "set_paused", True)
    system.wait(10**7, refresh=False)
    assert system.refusal(depositor, "redeem", WAD, depositor, depositor) != ""
    supply = system.get("totalSupply")
    held = system.get("balanceOf", depositor)
    redeem(system, 0.5)
    assert supply - system.get("totalSupply") == held - system.get("balanceOf", depositor) > 0
    assert holdings(system, HEIR)["tokens"][0] > 0


def test_the_pools_price_does_not_matter(system: System) -> None:
    """No swap is made: a distorted pool changes which tokens the liquidity is, not the part."""
    system.swap_to(system.prices[1] * 0.8)
    liquidity = system.get("position_state")[0]
    shares, whole = redeem(system, 0.5)
    burnt = liquidity - system.get("position_state")[0]
    assert burnt == pytest.approx(liquidity * shares // whole, abs=liquidity // WAD + 1)


def test_the_receiver_can_close_the_hedge_and_withdraw(system: System) -> None:
    nav = system.get("nav")
    shares, whole = redeem(system, 0.5)
    clearing = system.clearing
    for account in accounts(system, HEIR):
        sub = account & 0xFF
        for market in (0, 1):
            size = clearing.call("position", account, market)[0]
            if size:
                clearing.transact(HEIR, "trade", sub, market, -size, 2**200)
        cash = clearing.call("cash", account) // 10**12
        clearing.transact(HEIR, "withdraw", sub, 0, cash, HEIR)
        base = clearing.call("collateral_balance", account, 1)
        if base:
            clearing.transact(HEIR, "withdraw", sub, 1, base, HEIR)
    usdc, base = holdings(system, HEIR)["tokens"]
    worth = usdc / USDC_UNIT * system.prices[0] + base / WAD * system.prices[1]
    assert worth == pytest.approx(nav / WAD * shares / whole, rel=2e-3)


def test_refusals(system: System) -> None:
    depositor, other = system.depositors
    zero = "0x" + "00" * 20
    assert system.refusal(depositor, "redeem_in_kind", 0, HEIR) == "vault: zero amount"
    assert system.refusal(depositor, "redeem_in_kind", WAD, zero) == "vault: zero receiver"
    assert system.refusal(other, "redeem_in_kind", WAD, other) == "vault: insufficient shares"
    assert system.refusal(depositor, "redeem_in_kind", WAD, depositor) == "clearing: no consent"
    for account in accounts(system, HEIR):
        system.usdc.transact(system.owner, "mint", system.owner, USDC_UNIT)
        system.clearing.transact(
            system.owner, "deposit", HEIR, account & 0xFF, 0, USDC_UNIT
        )  # money in the account is no obstacle
    redeem(system, 0.1)
    assert system.refusal(depositor, "redeem_in_kind", WAD, HEIR) == "clearing: account in use"


def test_a_vault_of_usdc_alone_pays_the_part_of_it() -> None:
    system = System()
    depositor = system.depositors[0]
    system.do(depositor, "deposit", 1_000 * USDC_UNIT, depositor)
    supply, held = system.get("totalSupply"), system.get("balanceOf", depositor)
    system.wait(10**7, refresh=False)
    system.do(HEIR, "set_in_kind_consent", depositor, True)
    system.do(depositor, "redeem_in_kind", held, HEIR)
    assert system.usdc.call("balanceOf", HEIR) == 1_000 * USDC_UNIT * net(system, held) // (
        supply + VIRTUAL
    )


def test_management_fee_is_charged_and_the_mark_stays() -> None:
    system = System(management_fee=0.02, performance_fee=0.2).invest()
    consent(system)
    mark = system.get("high_water_mark")
    receiver = system.deployed.roles.fee_receiver
    held = system.get("balanceOf", receiver)
    system.wait(30 * 86_400, refresh=False)
    redeem(system, 0.2)
    assert system.get("balanceOf", receiver) > held
    assert system.get("fees_accrued_at") == system.chain.time()
    assert system.get("high_water_mark") == mark


def test_nobody_fills_the_account_of_who_did_not_name_him(system: System) -> None:
    """The heir consents to slices of the vault: not to anybody's dust of it."""
    depositor, griefer = system.depositors
    system.do(depositor, "transfer", griefer, WAD)
    refused = system.refusal(griefer, "redeem_in_kind", WAD // 1_000, HEIR)
    assert refused == "vault: no consent"
    assert system.get("in_kind_consent", HEIR, depositor)
    assert not system.get("in_kind_consent", HEIR, griefer)
    system.do(HEIR, "set_in_kind_consent", depositor, False)
    assert system.refusal(depositor, "redeem_in_kind", WAD, HEIR) == "vault: no consent"
    system.do(griefer, "set_in_kind_consent", depositor, True)  # of one's own only
    assert system.refusal(depositor, "redeem_in_kind", WAD, HEIR) == "vault: no consent"
    system.do(HEIR, "set_in_kind_consent", depositor, True)
    assert system.refusal(depositor, "redeem_in_kind", 10_000 * WAD, HEIR) == ""


def test_a_slice_of_positions_worth_little_is_left_to_an_exit_in_usdc(system: System) -> None:
    """Positions below 100 USD at entry take no seat; whoever has so little redeems for USDC."""
    depositor, small = system.depositors
    costs = [
        sum(abs(system.clearing.call("position", account, market)[1]) for market in (0, 1))
        for account in accounts(system, system.vault.address)
    ]
    whole = system.get("totalSupply") + VIRTUAL
    least = -(-100 * WAD * whole // min(cost for cost in costs if cost)) * WAD // net(system, WAD)
    system.do(depositor, "transfer", small, 2 * least)
    system.clearing.transact(small, "set_slice_consent", system.vault.address, True)
    too_little = system.refusal(small, "redeem_in_kind", least * 99 // 100, small)
    assert too_little == "clearing: zero size"
    assert system.refusal(small, "redeem", least * 99 // 100, small, small) == ""
    assert system.refusal(small, "redeem_in_kind", least * 101 // 100, small) == ""


def test_slices_are_for_the_vault_alone(system: System) -> None:
    """Consent names the giver: nobody else can fill the heir's account."""
    with pytest.raises(Reverted) as refused:
        system.clearing.transact(system.keeper, "transfer_slice", 0, WAD, HEIR)
    assert reason(refused.value.data) == "clearing: no consent"
