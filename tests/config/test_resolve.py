from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.config import from_mapping, initial_betas, load, resolve
from simulator.hedging.lp import value
from simulator.types import USDC_DECIMALS


def test_agents_keep_their_block_order_and_only_traders_have_accounts() -> None:
    protocol = resolve(load("calm"))
    assert [slot.name for slot in protocol.agents] == [
        "depositor",
        "perp_arbitrageur",
        "noise_trader",
        "amm_arbitrageur",
        "risk_manager",
        "liquidator",
        "keeper",
    ]
    accounts = {slot.name for slot in protocol.agents if slot.has_account}
    assert accounts == {"noise_trader", "perp_arbitrageur", "liquidator"}
    assert all(
        len(slot.margin) == len(protocol.clearing.collaterals)
        for slot in protocol.agents
        if slot.has_account
    )


def test_usd_depth_becomes_base_units_at_the_initial_price(plain: dict[str, Any]) -> None:
    market = resolve(from_mapping(plain)).clearing.markets[0]
    assert market.skew_scale * 30_000 == pytest.approx(1e8)
    assert market.max_skew * 30_000 == pytest.approx(1e7)
    assert market.asset == 2


def portfolio(plain: dict[str, Any]) -> dict[str, Any]:
    plain["clearing"] |= {
        "margin": "portfolio",
        "collaterals": {"USDC": {}, "ETH": {"haircut": 0.2}},
        "withdrawal_gate_hours": 1.5,
    }
    plain["assets"]["USDC"]["volatility"] = 0.02
    return plain


def test_the_covariance_factor_is_that_of_the_assumed_daily_returns(plain: dict[str, Any]) -> None:
    portfolio(plain)["vault"]["assumed_correlation"] = {"ETH/BTC": 0.5}
    protocol = resolve(from_mapping(plain))
    assert protocol.risk_assets == (0, 2, 1)  # USDC, the market's BTC, then the collateral ETH
    rows = protocol.clearing.covariance_factor
    assert all(len(row) == 8 and all(type(entry) is int for entry in row) for row in rows)
    factor = np.array(rows) / 1e8
    daily = np.array([0.02, 0.6, 0.8]) / sqrt(365)
    expected = np.outer(daily, daily) * [[1, 0, 0], [0, 1, 0.5], [0, 0.5, 1]]
    np.testing.assert_allclose(factor @ factor.T, expected, atol=2e-9)


def test_margin_modes_differ_in_floor_multiple_and_what_is_pledged(plain: dict[str, Any]) -> None:
    portfolio(plain)
    found = {}
    for mode in ("isolated", "gross", "portfolio"):
        plain["clearing"]["margin"] = mode
        protocol = resolve(from_mapping(plain))
        terms, vault = protocol.clearing, protocol.vault
        found[mode] = (terms.gross_floor, terms.risk_multiple, vault.isolated, vault.pledged)
        assert bool(terms.covariance_factor) == (mode == "portfolio")
        assert terms.withdrawal_gate == 5_400
    assert found == {
        "isolated": (1.0, 0.0, True, False),
        "gross": (1.0, 0.0, False, False),
        "portfolio": (0.3, 2.5, False, True),
    }


def test_the_cap_on_pledged_liquidity_is_worth_what_it_says(plain: dict[str, Any]) -> None:
    plain["clearing"]["lp_cap_usd"] = 3e6
    protocol = resolve(from_mapping(plain))
    assert protocol.clearing.lp_cap == 3 * 10**12  # raw USDC


@given(
    price=st.floats(1e-4, 1e5),
    decimals=st.sampled_from([6, 8, 18]),
    half=st.one_of(st.none(), st.floats(0.5, 500)),
    fee=st.sampled_from([100, 500, 3_000, 10_000]),
)
@settings(max_examples=80, deadline=None)
def test_background_ranges_are_aligned_and_worth_what_they_say(
    price: float, decimals: int, half: float | None, fee: int
) -> None:
    config = load("calm", [f"assets.ETH.price={price!r}", f"assets.ETH.decimals={decimals}"])
    data = config.model_dump()
    data["pool"] |= {
        "fee_ppm": fee,
        "background": [{"value_usd": 1e7, "half_width_percent": half}],
    }
    protocol = resolve(from_mapping(data))
    pool, (item,) = protocol.pool, protocol.pool.background
    assert item.tick_lower % pool.tick_spacing == item.tick_upper % pool.tick_spacing == 0
    root = pool.sqrt_price_x96 / 2**96
    assert root == pytest.approx(sqrt(price * 10.0 ** (USDC_DECIMALS - decimals)), rel=1e-12)
    bounds = [1.0001 ** (tick / 2) for tick in (item.tick_lower, item.tick_upper)]
    assert bounds[0] < root < bounds[1]
    if half is not None:  # rounded out, by a spacing at most on either side
        assert bounds[1] >= root * sqrt(1 + half / 100) * (1 - 1e-4)
        assert bounds[1] <= root * sqrt(1 + half / 100) * 1.0001 ** (pool.tick_spacing / 2 + 1)
    worth = float(value(root**2, item.liquidity, bounds[0] ** 2, bounds[1] ** 2))
    # Raw USDC; one unit of L is the precision there is.
    assert worth / 10**USDC_DECIMALS == pytest.approx(1e7, rel=1e-6 + 10 / item.liquidity)


@pytest.mark.parametrize(("percent", "spacing"), [(0.001, 10), (20, 10), (50, 10)])
def test_the_vaults_range_goes_to_the_nearest_aligned_width(
    plain: dict[str, Any], percent: float, spacing: int
) -> None:
    plain["vault"]["range_half_width_percent"] = percent
    width = resolve(from_mapping(plain)).vault.range_half_width
    assert width % spacing == 0
    assert width >= spacing
    assert abs(1.0001**width - (1 + percent / 100)) <= (1.0001**spacing - 1) * (1 + percent / 100)


def test_one_hedge_has_the_textbook_ratio(plain: dict[str, Any]) -> None:
    # β = ρ σ_l / σ_h (Johnson 1960)
    assert initial_betas(from_mapping(plain)) == pytest.approx((0.8 * 0.8 / 0.6,))


def test_an_assumed_correlation_changes_the_hedge_and_not_the_market(plain: dict[str, Any]) -> None:
    plain["vault"]["assumed_correlation"] = {"ETH/BTC": 0.4}
    config = from_mapping(plain)
    assert initial_betas(config) == pytest.approx((0.4 * 0.8 / 0.6,))
    assert config.correlation.pairs == {"ETH/BTC": 0.8}


def test_ratios_beyond_what_the_vault_accepts_are_limited(plain: dict[str, Any]) -> None:
    plain["assets"]["BTC"]["volatility"] = 0.01
    assert initial_betas(from_mapping(plain)) == (3.0,)


def test_given_ratios_are_taken_as_they_are(plain: dict[str, Any]) -> None:
    plain["vault"]["betas"] = {"BTC": -0.25}
    assert initial_betas(from_mapping(plain)) == (-0.25,)
