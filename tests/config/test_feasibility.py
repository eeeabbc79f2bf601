"""Limits against the hedge a vault will want, and its keepers' pay against gas, before any run."""

from __future__ import annotations

import re

import pytest

import simulator
from simulator.config import Config, load, resolve, scenarios
from simulator.config.feasibility import first_hedge, misfits, written

# Set on `calm`; the field found, whether nothing can come of it, what the line must say.
CASES = [
    (["gas.gwei=20"], "vault.keeper_reward", False, "costs a keeper $39.96 of gas"),
    (["vault.keeper_reward=0"], "vault.keeper_reward", True, "pays $0.00"),
    (["agents.depositor.initial_deposit=150"], "vault.keeper_share", False, "pays $0.04"),
    (
        ["clearing.markets.BTC.max_skew_usd=1"],
        "clearing.markets.BTC.max_skew_usd", True, "must be at least 500200: the first",
    ),
    (
        ["clearing.markets.BTC.max_skew_usd=6e5"],
        "clearing.markets.BTC.max_skew_usd", False, "twice that at the lower end",
    ),
    # S = 2e7 · 0.03 / 2 = 300,000, though max_skew_usd is twenty million
    (
        ["clearing.markets.BTC.skew_scale_usd=2e7"],
        "clearing.markets.BTC.skew_scale_usd", False, "maintenance_rate / 2 = $300,000",
    ),
    (
        ["clearing.markets.BTC.skew_scale_usd=1e6"],
        "clearing.markets.BTC.skew_scale_usd", True, "must be at least 33350000",
    ),
    (
        ["clearing.markets.BTC.max_open_interest_usd=1e4"],
        "clearing.markets.BTC.max_open_interest_usd", True, "wants $500,162 of BTC short",
    ),
    (["clearing.maker_funds=1000"], "clearing.maker_funds", True, "must cover a move"),
    (["clearing.maker_funds=30000"], "clearing.maker_funds", False, "should be at least"),
    (["vault.max_slippage=0.0025"], "vault.max_slippage", False, "arbitrage leaves its fee, 0.30%"),
    (
        ["pool.background=[{value_usd: 2.0e+6}]"],
        "vault.max_slippage", True, "or a pool.background of $",
    ),
    (["vault.hedge_band=0.5"], "vault.hedge_band", False, "within the band"),
    (
        ["vault.margin_allocation=0.01", "vault.deleverage_ratio=2.5"],
        "vault.margin_allocation", False, "margin of the first hedge",
    ),
    (["correlation={default: 0}"], "correlation.default", False, "hedge ratios are zero"),
]  # fmt: skip


@pytest.mark.parametrize("scenario", scenarios())
def test_shipped_scenarios_fit(scenario: str) -> None:
    assert misfits(load(scenario)) == []


@pytest.mark.parametrize(("overrides", "field", "certain", "said"), CASES)
def test_what_does_not_fit_is_named_with_the_value_that_would(
    overrides: list[str], field: str, certain: bool, said: str
) -> None:
    found = [m for m in misfits(load("calm", overrides)) if m.field == field]
    assert any(m.certain == certain and said in m.text for m in found), [m.text for m in found]
    worst = max(found, key=lambda m: abs(m.needed - m.value))
    if "background" in overrides[0] or field == "correlation.default":
        return  # the value named is beyond what the field takes, or not the only one missing
    mended = load("calm", [*overrides, f"{field}={written(worst.needed)}"])
    assert not [m.text for m in misfits(mended) if m.field == field and m.certain]


def test_nothing_is_said_of_a_vault_that_others_open_or_hedge() -> None:
    tiny = "clearing.markets.BTC.max_skew_usd=1"
    assert misfits(load("calm", [tiny, "agents.depositor=null"])) == []
    assert misfits(load("calm", [tiny, "agents.risk_manager=null"])) == []
    assert misfits(load("calm", ["vault.keeper_reward=0", "agents.keeper=null"])) == []


def test_a_keeper_that_works_for_nothing_needs_no_reward() -> None:
    given = ["vault.keeper_reward=0", "agents.keeper.minimum_profit_usd=-100"]
    assert misfits(load("calm", given)) == []


def test_the_inventory_limit_is_that_of_portfolio_margins_floor() -> None:
    """φ = 0.3: S = 2e7 · 0.3 · 0.03 / 2 = 90,000."""
    config = load("calm", ["clearing.margin=portfolio", "clearing.markets.BTC.skew_scale_usd=2e7"])
    found = next(m for m in misfits(config) if m.field.endswith("BTC.skew_scale_usd"))
    assert "= $90,000" in found.text
    assert found.certain


def _alone(*overrides: str) -> Config:
    """Nobody but depositor, risk manager and keeper."""
    gone = ("noise_trader", "amm_arbitrageur", "perp_arbitrageur", "liquidator")
    empty = [f"agents.{name}=null" for name in gone]
    return load("calm", ["horizon_hours=2", *empty, *overrides])


def test_the_first_hedge_is_the_one_that_is_opened() -> None:
    config = _alone()
    result = simulator.run(config, paths=1, workers=1)
    first = result.series.iloc[0]
    for symbol, usd in first_hedge(config).items():
        opened = -first[f"size_{symbol}"] * first[f"oracle_{symbol}"]
        assert opened == pytest.approx(usd, rel=0.03)


def test_the_first_swap_moves_the_pool_as_far_as_said() -> None:
    thin = ["pool.background=[{value_usd: 2.0e+7, half_width_percent: 40}, {value_usd: 1.0e+7}]"]
    said = next(m for m in misfits(_alone(*thin)) if "first investment" in m.why)
    result = simulator.run(_alone(*thin, "vault.max_slippage=0.1"), paths=1, workers=1)
    first = result.series.iloc[0]
    assert result.paths["position_opened"].iloc[0] == 0.0
    moved = first["pool_price"] / (first["oracle_ETH"] / first["oracle_USDC"]) - 1.0
    assert moved == pytest.approx(said.needed, rel=0.05)


@pytest.mark.parametrize(
    "background",
    [
        "[{value_usd: 2.0e+7, half_width_percent: 40}, {value_usd: 1.0e+7}]",
        "[{value_usd: 6.0e+7, half_width_ticks: 60000}]",
        "[{value_usd: 9.0431306e+7}]",
    ],
)
def test_a_deeper_background_is_told_in_the_ranges_it_would_do_in(background: str) -> None:
    """A value without its width was refused when it was written."""
    config = _alone(f"pool.background={background}", "agents.depositor.initial_deposit=5e6")
    (said,) = [m for m in misfits(config) if "first investment" in m.why]
    found = re.search(r"pool\.background of \$([\d,]+) in the same ranges \((.*)\), ", said.why)
    assert found is not None
    values = [item.value_usd for item in config.pool.background]
    times = float(found[1].replace(",", "")) / sum(values)
    assert times > 1.0
    for item in config.pool.background:
        widths = [item.half_width_percent, item.half_width_ticks]
        width = next((f"{width:g}" for width in widths if width is not None), "full range")
        assert width in found[2]
    given = [f"pool.background.{n}.value_usd={times * value}" for n, value in enumerate(values)]
    mended = _alone(f"pool.background={background}", "agents.depositor.initial_deposit=5e6", *given)
    assert not [m for m in misfits(mended) if "first investment" in m.why]


def test_a_value_that_would_do_is_rounded_up_to_four_figures() -> None:
    assert [written(x) for x in (0.0, 0.0123456, 39.964, 500_162.3, 5.0)] == [
        "0", "0.01235", "39.97", "500200", "5",
    ]  # fmt: skip


def test_usdc_has_six_decimals_and_coins_move_together_where_nothing_is_written() -> None:
    data = {
        "name": "bare",
        "horizon_hours": 24,
        "assets": {"USDC": {"price": 1}, "ETH": {"price": 2_000}, "BTC": {"price": 60_000}},
        "pool": {"base": "ETH"},
        "clearing": {"markets": {"BTC": {"skew_scale_usd": 2e8, "max_skew_usd": 5e6}}},
        "vault": {"range_half_width_percent": 20},
    }
    config = simulator.Config.model_validate(data)
    assert config.assets["USDC"].decimals == 6
    assert resolve(config).agents == ()
    kept = simulator.Config.model_validate({**data, "agents": {"keeper": {}}})
    assert [slot.name for slot in resolve(kept).agents] == ["risk_manager", "keeper"]
    none = simulator.Config.model_validate({**data, "agents": {"keeper": {}, "risk_manager": None}})
    assert [slot.name for slot in resolve(none).agents] == ["keeper"]
    assert config.correlation.default > 0.0
