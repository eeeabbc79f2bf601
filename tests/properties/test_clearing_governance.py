"""Delay of the owner's acts, one storage of house and parts, decimals of tokens (SPEC §3)."""

from __future__ import annotations

from typing import Any

import pytest
from eth_utils import keccak

from simulator.chain.deploy.artifacts import load
from simulator.chain.deploy.deployment import CLEARING_PARTS
from simulator.chain.evm.codec import Contract, Reverted, encode_constructor, reason
from tests.properties.revm_pledges import PledgeVenue
from tests.properties.revm_venue import RevmVenue
from tests.reference.integers import WAD

DAY = 86_400
DELAY, VALID = 2 * DAY, 14 * DAY
USDC = 10**6
# All but the one that has a layout of its own, to read any slot.
WRITING_PARTS = tuple(name for name in CLEARING_PARTS if name != "StorageReader")
NOBODY = "0x" + "00" * 19 + "07"


@pytest.fixture
def venue() -> PledgeVenue:
    """With a delay of two days and a guardian."""
    venue = PledgeVenue()
    venue.do("owner", "set_guardian", venue.address("guardian"))
    venue.do("owner", "set_delay", DELAY)
    return venue


def delayed_calls(venue: PledgeVenue) -> list[tuple[Any, ...]]:
    """One call of every delayed function, each of which changes nothing it should not."""
    parameters = tuple(venue.get("parameters"))
    market = tuple(venue.get("market", 0))
    manager, pool, haircut, cap = venue.get("lp_collateral")
    return [
        ("set_parameters", parameters),
        ("add_market", market),
        ("set_market", 0, market),
        ("add_collateral", venue.addresses["SOL"], WAD, 10**30),
        ("set_collateral", 1, WAD // 10, 10**30),
        ("set_lp_collateral", manager, pool, haircut, cap),
        ("withdraw_maker", 0, 1, venue.address("owner")),
        ("set_risk_manager", NOBODY),
        ("set_guardian", NOBODY),
        ("wind_down", 1),
        ("set_delay", DELAY - 1),
    ]


def call_id(venue: RevmVenue, *call: Any) -> bytes:
    return keccak(venue._contracts["clearing"].calldata(*call))


@pytest.mark.parametrize("number", range(11))
def test_owner_acts_only_after_announcing_and_waiting(venue: PledgeVenue, number: int) -> None:
    call = delayed_calls(venue)[number]
    announced = call_id(venue, *call)
    assert venue.attempt("trader", *call) == "roles: not the owner"
    assert venue.attempt("owner", *call) == "roles: not scheduled"
    venue.do("owner", "schedule", announced)
    start = venue.chain.time()
    venue.chain.set_time(start + DELAY - 1)
    venue.report()
    assert venue.attempt("owner", *call) == "roles: too early"
    checkpoint = venue.chain.evm.snapshot()
    venue.chain.set_time(start + DELAY + VALID + 1)
    assert venue.attempt("owner", *call) == "roles: expired"
    venue.chain.evm.revert(checkpoint)
    venue.chain.set_time(start + DELAY)
    venue.report()
    assert venue.attempt("owner", *call) == ""
    if call[0] != "set_delay":  # which is as long already, the second time
        assert venue.attempt("owner", *call) == "roles: not scheduled"  # once


def test_announced_call_covers_exactly_its_arguments(venue: PledgeVenue) -> None:
    venue.do("owner", "schedule", call_id(venue, "withdraw_maker", 0, 1, venue.address("owner")))
    venue.advance(DELAY)
    other = venue.attempt("owner", "withdraw_maker", 0, 2, venue.address("owner"))
    assert other == "roles: not scheduled"


def test_guardian_cancels_and_nobody_else(venue: PledgeVenue) -> None:
    announced = call_id(venue, "set_risk_manager", NOBODY)
    assert venue.attempt("trader", "schedule", announced) == "roles: not the owner"
    assert venue.attempt("guardian", "schedule", announced) == "roles: not the owner"
    venue.do("owner", "schedule", announced)
    assert venue.attempt("trader", "cancel", announced) == "roles: not the guardian"
    venue.do("guardian", "cancel", announced)
    assert venue.attempt("guardian", "cancel", announced) == "roles: not scheduled"
    venue.advance(DELAY)
    assert venue.attempt("owner", "set_risk_manager", NOBODY) == "roles: not scheduled"


def test_longer_delay_holds_back_what_was_announced_before(venue: PledgeVenue) -> None:
    venue.do("owner", "schedule", call_id(venue, "set_risk_manager", NOBODY))
    venue.do("owner", "set_delay", 30 * DAY)
    assert venue.attempt("owner", "set_delay", 30 * DAY + 1) == "roles: delay too long"
    venue.advance(DELAY)
    assert venue.attempt("owner", "set_risk_manager", NOBODY) == "roles: too early"


def test_emergency_acts_and_ownership_are_immediate(venue: PledgeVenue) -> None:
    venue.do("guardian", "pause")
    venue.do("owner", "unpause")
    venue.do("owner", "transfer_ownership", venue.address("hedger"))
    venue.do("hedger", "accept_ownership")
    assert venue.attempt("owner", "unpause") == "roles: not the owner"
    venue.do("hedger", "unpause")


def test_the_house_and_its_parts_have_one_layout() -> None:
    house, *others = (dict(load(name).slots) for name in ("ClearingHouse", *WRITING_PARTS))
    assert len(house) > 40
    assert [other == house for other in others] == [True] * len(WRITING_PARTS)


def test_the_reader_reads_every_slot_as_it_is() -> None:
    venue = RevmVenue()
    venue.do("trader", "deposit", venue.address("trader"), 0, 0, 10**9)
    slots = dict(load("ClearingHouse").slots)
    account = venue.account("trader")
    cash = keccak(slots["cash"].to_bytes(32, "big") + account.to_bytes(32, "big"))
    asked = [slots["paused"].to_bytes(32, "big"), slots["market_count"].to_bytes(32, "big"), cash]
    words = venue.get("extSloads", asked)
    assert [int.from_bytes(word, "big") for word in words] == [
        *(int(venue.get(name)) for name in ("paused", "market_count")),
        venue.get("cash", account),
    ]
    assert venue.get("cash", account) == 10**21
    assert len(venue.get("extSloads", [bytes(32)] * 64)) == 64


def test_the_valuation_of_an_operation_under_way_is_for_the_parts_alone() -> None:
    venue = RevmVenue()
    with pytest.raises(Reverted) as refused:
        venue.get("valuation", venue.account("trader"), True, True)
    assert reason(refused.value.data) == "clearing: delegatecall only"


def test_a_house_takes_no_part_of_another_oracle_or_token() -> None:
    venue = RevmVenue()
    oracle, usdc, other = (venue.addresses[name] for name in ("oracle", "USDC", "BTC"))
    parts, owner = list(venue.get("parts")), venue.address("owner")

    def deploy() -> str:
        parameters = (WAD, 0, 0, 0, WAD, 0, 0, 0)
        code = encode_constructor(
            load("ClearingHouse"), owner, oracle, usdc, 0, 10**30, parameters, tuple(parts)
        )
        try:
            venue.chain.deploy(owner, code)
        except Reverted as refused:
            return reason(refused.data)
        return ""

    assert deploy() == ""
    for place, name in enumerate(CLEARING_PARTS):
        own = parts[place]
        for terms in ((other, usdc), (oracle, venue.addresses["WETH"])):
            part = encode_constructor(load(name), *terms)
            parts[place] = venue.chain.deploy(owner, part)
            assert deploy() == "clearing: bad parameter"
        parts[place] = own


def _functions(name: str) -> list[dict[str, Any]]:
    return [e for e in load(name).abi if e["type"] == "function"]


@pytest.mark.parametrize("name", WRITING_PARTS)
def test_code_of_the_house_refuses_to_be_called_directly(name: str) -> None:
    venue = RevmVenue()
    address = venue.get("parts")[list(CLEARING_PARTS).index(name)]
    code = Contract(load(name), address, venue.chain)
    changing = [f for f in _functions(name) if f["stateMutability"] == "nonpayable"]
    assert changing
    zeros = b"\x00" * 32 * 16
    for function in changing:
        types = ",".join(_type(i) for i in function["inputs"])
        data = keccak(f"{function['name']}({types})".encode())[:4] + zeros
        if function["name"] in ("rearrange", "post_covariance"):
            continue  # dynamic arguments: below
        with pytest.raises(Reverted) as refused:
            venue.chain.transact(venue.address("trader"), address, data)
        assert reason(refused.value.data) == "clearing: delegatecall only", function["name"]
    dynamic: dict[str, tuple[Any, ...]] = {
        "BackOffice": ("rearrange", 0, [], b""),
        "Governance": ("post_covariance", []),
    }
    if name in dynamic:
        with pytest.raises(Reverted) as refused:
            code.transact(venue.address("trader"), *dynamic[name])
        assert reason(refused.value.data) == "clearing: delegatecall only"


def _type(entry: dict[str, Any]) -> str:
    if not entry["type"].startswith("tuple"):
        return str(entry["type"])
    return "(" + ",".join(_type(c) for c in entry["components"]) + ")" + entry["type"][5:]


def test_every_function_of_the_code_is_reached_through_the_house() -> None:
    house = {f["name"] for f in _functions("ClearingHouse")}
    # What every part has, and what parts alone run.
    others = {"ORACLE", "USDC_TOKEN", "absorb", "write_off", "take_seat", "displace"}
    others |= {"close_with_insolvent"}
    for name in CLEARING_PARTS:
        assert {f["name"] for f in _functions(name)} - others <= house


def test_token_with_too_many_decimals_is_refused() -> None:
    venue = RevmVenue()
    owner = venue.address("owner")
    for decimals, expected in ((24, ""), (25, "clearing: bad parameter")):
        code = encode_constructor(load("Token"), "T", "T", decimals)
        token = venue.chain.deploy(owner, code)
        assert venue.attempt("owner", "add_collateral", token, WAD, 10**30) == expected
