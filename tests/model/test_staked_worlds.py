"""Staked assets as LP leg, margin, hedge and collateral of a loan: the worlds agree on each."""

from __future__ import annotations

import pytest

from simulator.config import Config, from_mapping, load
from simulator.verify import verify_paths

STETH = {"underlying": "ETH", "discount_volatility": 0.02, "reversion_hours": 12}


def as_hedge() -> Config:
    """ETH/USDC liquidity, short STETH, under portfolio margin with STETH in the basket."""
    data = load("lst-discount", ["shocks=[]"]).model_dump(mode="json")
    data["pool"]["base"] = "ETH"
    data["clearing"] |= {"margin": "portfolio", "markets": {}}
    data["clearing"]["markets"]["STETH"] = load("lst-discount").model_dump(mode="json")["clearing"][
        "markets"
    ]["ETH"]
    data["clearing"]["collaterals"]["ETH"] = {"haircut": 0.15, "cap": 1e5}
    return from_mapping(data)


def as_loan() -> Config:
    """Staked ETH that backs debts in ETH and in dollars, slashed on the first day."""
    data = load("lending-cascade", ["impact=null"]).model_dump(mode="json")
    data["assets"]["STETH"] = {"price": 1850, "staked": STETH}
    data["shocks"] = [{"kind": "slashing", "asset": "STETH", "at_hours": 6, "loss": 0.12}]
    market = data["lending"]
    market["reserves"]["STETH"] = market["reserves"]["ETH"] | {"borrowed": 0}
    market["borrowers"] = {
        "looped": {"collateral": {"STETH": 20_000}, "debt": {"ETH": 1.0}, "health": 1.05},
        "dollars": {"collateral": {"STETH": 5_000}, "debt": {"USDC": 1.0}, "health": 1.2},
    }
    data["agents"]["borrower_liquidator"]["assets"] = {"BTC": 0.0, "STETH": 0.0}
    data["agents"]["borrower_liquidator"]["base"] = 30_000
    return from_mapping(data)


def by_exchange_rate() -> Config:
    """The vault of the scenario, whose feed does not see the discount."""
    settings = ["oracle.feeds.STETH.source=exchange_rate", "vault.max_slippage=0.08"]
    return load("lst-discount", settings)


@pytest.mark.parametrize("made", [as_hedge, as_loan, by_exchange_rate])
def test_the_worlds_agree_where_an_asset_is_staked(made: object) -> None:
    assert callable(made)
    comparison = verify_paths(made(), 0, 2, 90)
    assert comparison.agrees
    assert comparison.worst <= 1e-9


def test_a_slashing_liquidates_who_looped() -> None:
    seen = verify_paths(as_loan(), 0, 1, 40, probed=0.0).outcomes
    assert seen["LiquidateBorrower"]["OK"] > 0
    calm = as_loan().model_dump(mode="json") | {"shocks": []}
    seen = verify_paths(from_mapping(calm), 0, 1, 40, probed=0.0).outcomes
    assert seen.get("LiquidateBorrower", {}).get("OK", 0) == 0
