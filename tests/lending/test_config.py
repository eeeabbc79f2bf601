"""The lending market in a configuration: what is refused, and what it resolves to."""

from __future__ import annotations

import pytest

from simulator.config import load, resolve
from simulator.config.remarks import remarks
from simulator.types import InputError
from tests.lending.both import config_of, market

ETH = "lending.reserves.ETH"
EAGER = "lending.borrowers.eager"
REFUSED = [
    ("lending.reserves.DOGE={supplied: 1}", "lending.reserves = DOGE: must be one of USDC, ETH"),
    (f"{ETH}.ltv=0.9", f"{ETH}.ltv = 0.9: must be at most 0.83, its liquidation_threshold"),
    (f"{ETH}.ltv=0", f"{ETH}.ltv = 0: must be above 0 with {ETH}.liquidation_threshold"),
    (f"{ETH}.liquidation_bonus=0.3", f"{ETH}.liquidation_threshold = 0.83: must be at most 0.7692"),
    (f"{ETH}.ltv=0.80006", f"{ETH}.ltv = 0.80006: must be a whole number of 0.0001"),
    (f"{ETH}.borrowed=1e6", "others owe 2.0558e+09 USD; must be below"),
    (f"{ETH}.supply_cap=1000", f"{ETH}.supply_cap = 1000: must be at least 310000, or 0"),
    (f"{ETH}.category=ether", f"{ETH}.category = ether: must be one of none, there is none"),
    (
        "lending.reserves.USDC.borrow_cap=200000000",
        "lending.reserves.USDC.borrow_cap = 200000000: must be at least 3",
    ),
    ("lending.reserves.USDC.supplied=2.2e8", "lending.reserves.USDC: 3"),
    (f"{EAGER}.health=1.03", f"{EAGER}.health = 1.03: must be above 1.0375, the liquidation"),
    (f"{EAGER}.health=1", f"{EAGER}.health = 1"),
    (f"{EAGER}.debt={{USDC: 0.7}}", f"{EAGER}.debt: is 0.7 in sum; must be 1"),
    (f"{EAGER}.debt={{SOL: 1.0}}", f"{EAGER}.debt = SOL: must be one of USDC, ETH, BTC"),
    (f"{EAGER}.collateral={{SOL: 5}}", f"{EAGER}.collateral = SOL: must be one of USDC, ETH, BTC"),
    (f"{EAGER}.category=ether", f"{EAGER}.category = ether: must be one of none, there is none"),
    (
        "agents.borrower_liquidator.assets={SOL: 1}",
        "agents.borrower_liquidator.assets = SOL: must be one of BTC",
    ),
]


@pytest.mark.parametrize(("setting", "message"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_aave_would_refuse_is_refused_by_name(setting: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        load("lending-cascade", [setting])
    assert message in str(caught.value)


def test_what_is_no_collateral_backs_no_debt() -> None:
    settings = [f"{ETH}.ltv=0", f"{ETH}.liquidation_threshold=0"]
    with pytest.raises(InputError, match=r"eager.collateral = ETH: must be collateral"):
        load("lending-cascade", settings)


def test_a_category_is_above_the_terms_of_its_reserves_and_holds_its_debts() -> None:
    one = {"collateral": {"ETH": 10}, "debt": {"USDC": 1.0}, "health": 1.3, "category": "ether"}
    lending = market({"one": one}, categories={"ether": {"ltv": 0.7, "liquidation_threshold": 0.9}})
    lending["reserves"]["ETH"]["category"] = "ether"
    with pytest.raises(InputError) as caught:
        config_of(lending)
    said = str(caught.value)
    assert "categories.ether.ltv = 0.7: must be above 0.75, lending.reserves.ETH.ltv" in said
    assert "lending.borrowers.one.debt = USDC: must be in category ether" in said


def test_debts_follow_from_the_health_factor_by_their_shares() -> None:
    lending = resolve(load("lending-cascade")).lending
    assert lending is not None
    mixed = lending.borrowers[2]
    assert mixed.name == "mixed"
    assert mixed.collateral == (2e6, 0.0, 300.0)
    # 2,000,000 and 8,700,000 USD, both at 0.78.
    owed = 10.7e6 * 0.78 / 1.2
    assert mixed.debt == pytest.approx((owed * 0.4, owed * 0.6 / 1850.0, 0.0), rel=1e-12)
    assert lending.others == (2,)


def test_without_a_lending_market_nothing_is_resolved() -> None:
    assert resolve(load("calm")).lending is None


def test_whom_nobody_liquidates_and_who_waits_for_nobody_is_remarked() -> None:
    assert not [one for one in remarks(load("lending-cascade")) if "borrower" in one.field]
    (left,) = remarks(load("lending-cascade", ["agents.borrower_liquidator=null"]))
    assert (left.finding, left.field) == ("left_open", "agents.borrower_liquidator")
    (idle,) = remarks(load("calm", ["agents.borrower_liquidator={}"]))
    assert idle.finding == "no_effect"
    assert "nobody borrows" in idle.text
