"""Roles and bounds of the setters (SPEC §3.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import ape
import pytest

from tests.contracts.conftest import VENUE, parameters_tuple
from tests.contracts.mirror import account_of
from tests.reference.venue import CAP, wad

BTC = VENUE.markets[0]


def test_only_the_owner_sets_parameters(clearing: Any, btc: Any, trader: Any, risk: Any) -> None:
    terms = BTC.market(btc.address)
    for outsider in (trader, risk):
        calls: list[tuple[Any, ...]] = [
            (clearing.add_market, terms),
            (clearing.set_market, 0, terms),
            (clearing.add_collateral, btc, 0, 1),
            (clearing.set_collateral, 0, 0, 1),
            (clearing.set_parameters, parameters_tuple(VENUE)),
            (clearing.set_risk_manager, outsider),
            (clearing.set_guardian, outsider),
            (clearing.unpause,),
        ]
        for call, *arguments in calls:
            with ape.reverts("roles: not the owner"):
                call(*arguments, sender=outsider)


def test_risk_manager_and_guardian_have_one_power_each(
    clearing: Any, owner: Any, risk: Any, guardian: Any, trader: Any
) -> None:
    half = clearing.market(0).skew_scale // 2
    with ape.reverts("roles: not the risk manager"):
        clearing.set_skew_scale(0, half, sender=owner)
    clearing.set_skew_scale(0, half, sender=risk)
    assert clearing.market(0).skew_scale == half
    with ape.reverts("roles: not the guardian"):
        clearing.pause(sender=trader)
    clearing.pause(sender=guardian)
    assert clearing.paused()
    with ape.reverts("roles: not the owner"):
        clearing.unpause(sender=guardian)
    clearing.unpause(sender=owner)
    clearing.pause(sender=owner)


@pytest.mark.parametrize(
    "change",
    [
        {"skew_scale": Fraction(0)},
        {"skew_scale": Fraction(10**19)},
        {"max_skew": Fraction(10**19)},
        {"half_spread": Fraction(11, 100)},
        {"taker_fee": Fraction(11, 100)},
        {"velocity": Fraction(1_001)},
        {"maintenance_rate": Fraction(11, 10)},
        {"maintenance_rate": Fraction(1_025, 100_000)},  # mu mmr = half spread + penalty
    ],
)
def test_market_parameters_are_bounded(
    clearing: Any, owner: Any, btc: Any, change: dict[str, Any]
) -> None:
    terms = replace(BTC, **change).market(btc.address)
    with ape.reverts("clearing: bad parameter"):
        clearing.add_market(terms, sender=owner)
    with ape.reverts("clearing: bad parameter"):
        clearing.set_market(0, terms, sender=owner)


@pytest.mark.parametrize(
    "change",
    [
        {"initial_multiple": Fraction(99, 100)},
        {"initial_multiple": Fraction(11)},
        {"liquidation_penalty": Fraction(26, 100)},
        {"liquidation_penalty": Fraction(995, 10_000)},  # mu mmr of market 0 is 10 %
        {"liquidator_share": Fraction(11, 10)},
        {"profit_cap": Fraction(11, 10)},
    ],
)
def test_global_parameters_are_bounded(clearing: Any, owner: Any, change: dict[str, Any]) -> None:
    with ape.reverts("clearing: bad parameter"):
        clearing.set_parameters(parameters_tuple(replace(VENUE, **change)), sender=owner)


def test_the_policy_of_deleveraging_is_one_there_is(clearing: Any, owner: Any) -> None:
    *others, queue = parameters_tuple(VENUE)
    assert queue == 0
    clearing.set_parameters((*others, 3), sender=owner)
    assert clearing.parameters().deleveraging == 3
    with ape.reverts("clearing: bad parameter"):
        clearing.set_parameters((*others, 4), sender=owner)


def test_haircuts_are_bounded(clearing: Any, owner: Any, btc: Any, weth: Any) -> None:
    for collateral, haircut in ((0, "1"), (1, "1.01"), (1, "0.0297")):
        with ape.reverts("clearing: bad parameter"):
            clearing.set_collateral(collateral, wad(haircut), CAP, sender=owner)
    clearing.set_collateral(1, wad("0.0298"), CAP, sender=owner)  # 1 - 0.98 · 0.99
    with ape.reverts("clearing: bad parameter"):
        clearing.add_collateral(btc, 0, CAP, sender=owner)
    with ape.reverts("clearing: bad parameter"):
        clearing.add_collateral(weth, wad("0.1"), CAP, sender=owner)
    with ape.reverts("clearing: no collateral"):
        clearing.set_collateral(2, 0, CAP, sender=owner)


def test_collateral_of_any_decimals_is_priced_per_whole_token(
    clearing: Any, owner: Any, btc: Any, trader: Any, give: Callable[..., int]
) -> None:
    clearing.add_collateral(btc, wad("0.2"), CAP, sender=owner)
    assert clearing.collateral_count() == 3
    clearing.deposit(trader, 0, 2, give(trader, "BTC", "0.5"), sender=trader)
    state = clearing.account_state(account_of(trader))
    assert (state.value, state.equity) == (wad(15_000), wad(12_000))


def test_numbers_of_markets_and_collaterals_are_bounded(
    clearing: Any, owner: Any, project: Any, btc: Any, sol: Any
) -> None:
    clearing.add_collateral(btc, wad(1), CAP, sender=owner)
    clearing.add_collateral(sol, wad(1), CAP, sender=owner)
    for number in range(clearing.collateral_count(), 8):
        token = owner.deploy(project.Token, f"Token {number}", f"T{number}", 18)
        clearing.add_collateral(token, wad(1), CAP, sender=owner)
    with ape.reverts("clearing: too many collaterals"):
        clearing.add_collateral(btc, wad(1), CAP, sender=owner)
    assert clearing.risk_asset_count() == 8
    with ape.reverts("clearing: bad parameter"):  # a ninth risk asset
        clearing.add_market(BTC.market(owner.address), sender=owner)
    for _ in range(clearing.market_count(), 8):
        clearing.add_market(BTC.market(btc.address), sender=owner)
    with ape.reverts("clearing: too many markets"):
        clearing.add_market(BTC.market(btc.address), sender=owner)


def test_market_keeps_its_asset(clearing: Any, owner: Any, sol: Any, risk: Any) -> None:
    with ape.reverts("clearing: bad parameter"):
        clearing.set_market(0, BTC.market(sol.address), sender=owner)
    with ape.reverts("clearing: wrong market"):
        clearing.set_market(2, BTC.market(sol.address), sender=owner)
    with ape.reverts("clearing: wrong market"):
        clearing.set_skew_scale(2, 1, sender=risk)
    with ape.reverts("clearing: bad parameter"):
        clearing.set_skew_scale(0, 0, sender=risk)


def test_getters_show_what_was_set(clearing: Any, oracle: Any, usdc: Any, btc: Any) -> None:
    assert clearing.oracle() == oracle
    assert tuple(clearing.market(0)) == BTC.market(btc.address)
    assert tuple(clearing.parameters()) == parameters_tuple(VENUE)
    assert tuple(clearing.collateral(0)) == (usdc.address, wad("0.01"), CAP, 10**6)
    assert (clearing.market_count(), clearing.collateral_count()) == (2, 2)


def test_contract_fits_the_size_limit(clearing: Any, oracle: Any, chain: Any) -> None:
    for contract in (clearing, oracle):
        assert len(chain.provider.get_code(contract.address)) <= 24_576  # EIP-170
