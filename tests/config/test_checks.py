from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import yaml

from simulator.config import Config, from_mapping, load
from simulator.config.correlation import build, is_positive_semidefinite
from simulator.types import InputError

DEPEG = {"kind": "depeg", "asset": "USDC", "anchors": [[1, 1.0], [5, 0.9]]}
MARKET = {"skew_scale_usd": 1, "max_skew_usd": 1}
CRASH = {"kind": "crash", "assets": ["ETH"], "size": -0.5, "at_hours": 10}


def _changed(data: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    node = data
    *above, last = path.split(".")
    for part in above:
        node = node.setdefault(part, {})
    node[last] = value
    return data


# (field to set, its value, what the message must say): one row per rule a configuration is held to.
REFUSED = [
    # single fields
    ("vault.hedge_band", 1.5, "vault.hedge_band = 1.5: must be a number at least 0 and at most 1"),
    ("vault.hedge_bnd", 0.1, "vault.hedge_bnd: unknown field; did you mean hedge_band"),
    ("paths", 1.5, "paths = 1.5: must be an integer at least 1"),
    ("seed", -1, "seed = -1: must be an integer at least 0"),
    ("assets.ETH.price", 0, "assets.ETH.price = 0: must be a number more than 0"),
    ("assets.ETH.price", float("nan"), "assets.ETH.price = nan: must be a number"),
    ("assets.ETH.decimals", 7, "a multiple of 2"),
    ("assets.ETH", {"volatility": 0.1}, "assets.ETH.price: missing; must be a number more than 0"),
    ("pool.fee_ppm", 200, "pool.fee_ppm = 200: must be one of 100, 500, 3000, 10000"),
    ("clearing.collaterals", {"USDC": {"haircut": 1.1}}, "clearing.collaterals.USDC.haircut = 1.1"),
    (
        "clearing.margin",
        "both",
        "clearing.margin = 'both': must be one of isolated, gross, portfolio",
    ),
    ("shocks", [{"kind": "crsh"}], "shocks.0.kind = 'crsh': must be one of"),
    ("shocks", [{**CRASH, "size": 0.5}], "shocks.0.size = 0.5: must be a number more than -1"),
    ("shocks", [{**CRASH, "sise": 0.5}], "shocks.0.sise: unknown field; did you mean size"),
    # names
    ("assets", {"ETH": {"price": 1}, "BTC": {"price": 1}}, "assets = ETH, BTC: USDC is required"),
    ("assets.USDC.decimals", 18, "assets.USDC.decimals = 18: must be 6"),
    ("pool.base", "USDC", "pool.base = USDC: must be one of BTC, ETH"),
    ("clearing.markets", {"SOL": MARKET}, "clearing.markets = SOL: must be one of"),
    ("clearing.collaterals", {"ETH": {}}, "clearing.collaterals = ETH: USDC is required"),
    ("clearing.collaterals", {"USDC": {}, "SOL": {}}, "clearing.collaterals = SOL: must be one"),
    ("oracle.feeds", {"SOL": {}}, "oracle.feeds = SOL: must be one of"),
    ("history.symbols", {"SOL": "SOLUSDT"}, "history.symbols = SOL: must be one of"),
    ("gas.native_asset", "SOL", "gas.native_asset = SOL: must be one of"),
    (
        "common_jumps",
        {"intensity": 1, "mean": 0, "std": 0.1, "loading": {"SOL": 1}},
        "common_jumps.loading = SOL: must be one of",
    ),
    # a vault that could never hedge: 0.5 % of lag, a fee of 0.05 % make half a spread of 0.2006 %
    ("vault.max_slippage", 0.002, "vault.max_slippage = 0.002: must be above 0.002006, half the"),
    ("clearing.maker_funds", 0, "clearing.maker_funds = 0: must be above 0: a maker without"),
    # what the contracts would refuse at deployment
    ("vault.margin_target", 1.9, "vault.margin_target = 1.9: must be at least 2, clearing.initial"),
    ("clearing.collaterals", {"USDC": {"haircut": 1}}, "USDC.haircut = 1: must be below 1"),
    (
        "clearing.collaterals",
        {"USDC": {}, "ETH": {"haircut": 0.001}},
        "clearing.collaterals.ETH.haircut = 0.001: must be from 0.01 to 1",
    ),
    ("clearing.margin", "cross", "clearing.margin = 'cross': must be one of isolated, gross, port"),
    ("clearing.lp_haircut", 0.005, "clearing.lp_haircut = 0.005: must be from 0.01 to 1"),
    ("clearing.margin", "portfolio", "clearing.collaterals = USDC: ETH, the pool's base asset, is"),
    ("vault.pledged", True, "clearing.collaterals = USDC: ETH, the pool's base asset, is required"),
    ("clearing.gross_floor", 0, "clearing.gross_floor = 0: must be a number more than 0"),
    ("clearing.risk_multiple", 101, "clearing.risk_multiple = 101: must be a number more than 0"),
    (
        "clearing.withdrawal_gate_hours",
        169,
        "withdrawal_gate_hours = 169: must be a number at leas",
    ),
    (
        "clearing",
        {
            "margin": "portfolio",
            "gross_floor": 0.05,
            "collaterals": {"USDC": {}, "ETH": {"haircut": 0.2}},
            "markets": {"BTC": {"skew_scale_usd": 1e8, "max_skew_usd": 1e7}},
        },
        "times initial_multiple and gross_floor is 0.005, must exceed half_spread + liquidation_",
    ),
    ("vault.exit_fee", 0.2, "vault.exit_fee = 0.2: must be a number at least 0 and at most 0.1"),
    ("vault.betas", {"ETH": 1.0}, "vault.betas = ETH: must be one of BTC"),
    ("correlation.pairs", {"ETH-BTC": 0.5}, 'correlation.pairs = ETH-BTC: must be "A/B"'),
    ("correlation.pairs", {"ETH/BTC": 0.5, "BTC/ETH": 0.5}, "BTC/ETH: is given twice"),
    ("vault.assumed_correlation", {"ETH/BTC": 2}, "assumed_correlation.ETH/BTC = 2.0: must be"),
    ("agents.liquidator", {"margin": {"ETH": 1}}, "agents.liquidator.margin = ETH: must be"),
    ("shocks", [{**CRASH, "assets": ["SOL"]}], "shocks.0 (crash) = SOL: must be one of"),
    # time
    ("horizon_hours", 1.5, "horizon_hours = 1.5: must be a whole number of steps of 60 minutes"),
    ("horizon_hours", 1, "must be a whole number of steps of 60 minutes, two or more"),
    ("horizon_hours", 0.5, "horizon_hours = 0.5: must be a whole number of steps"),
    ("history.prices", "x.csv", "history.prices = x.csv: needs history.start and history.symbols"),
    ("history.start", "2022-01-01T00:00:00Z", "must be naive UTC"),
    ("oracle.max_age_minutes", 59, "oracle.max_age_minutes = 59.0: must be at least 60"),
    ("oracle.feeds", {"ETH": {"heartbeat_minutes": 90, "max_age_minutes": 100}}, "at least 120"),
    # venues and vault
    ("pool.tick_spacing", 60, "pool.tick_spacing = 60: must be 10"),
    (
        "pool.background",
        [{"value_usd": 1, "half_width_percent": 3, "half_width_ticks": 100}],
        "pool.background.0: half_width_percent and half_width_ticks are given",
    ),
    (
        "pool.background",
        [{"value_usd": 1, "half_width_ticks": 15}],
        "pool.background.0.half_width_ticks = 15: must be a multiple of the tick spacing 10",
    ),
    ("vault.range_half_width_ticks", 100, "exactly one must be given"),
    ("vault", {}, "exactly one must be given"),
    ("vault", {"range_half_width_ticks": 105}, "must be a multiple of the tick spacing 10"),
    ("vault.margin_target", 3.0, "= 3, 3.5, 2.2: must fall in this order and stay above 1"),
    ("vault.deleverage_ratio", 3.6, "= 5, 3.5, 3.6: must fall in this order"),
    ("vault.lp_allocation", 0.7, "vault.lp_allocation + vault.margin_allocation = 1.05"),
    ("vault.beta_interval_hours", 0.9, "beta_max_change = 0.5: must be at most 0.45, 0.5 for each"),
    ("vault.betas", {"BTC": 4.0}, "vault.betas.BTC = 4.0: must be from -3 to 3"),
    ("clearing.liquidation_penalty", 0.2, "must exceed half_spread + liquidation_penalty = 0.2002"),
    ("agents.depositor", {"usdc": 10, "initial_deposit": 20}, "must be at most 10"),
    # no option on a lagging oracle, in either direction and for every feed the vault reads
    ("vault.entry_fee", 0.004, "vault.entry_fee = 0.004: must be at least 0.005, the largest"),
    ("vault.exit_fee", 0.0, "vault.exit_fee = 0: must be at least 0.005, the largest deviation"),
    ("oracle.feeds", {"BTC": {"deviation": 0.01}}, "entry_fee = 0.005: must be at least 0.01"),
    (
        "vault",
        {"range_half_width_percent": 20, "management_fee": 0.2},
        "vault.management_fee = 0.2: must be a number at least 0 and at most 0.1",
    ),
    ("vault.keeper_share", 0.06, "vault.keeper_share = 0.06: must be a number at least 0"),
    ("agents.leveraged_long", {"market": "SOL"}, "agents.leveraged_long.market = SOL: must be"),
    ("agents.leveraged_short", {"margin": {"BTC": 1}}, "agents.leveraged_short.margin = BTC: must"),
    # shocks
    ("shocks", [{**CRASH, "at_hours": 48}], "at_hours = 48: must be less than horizon_hours (48)"),
    (
        "shocks",
        [{"kind": "gas_spike", "factor": 2, "at_hours": 1.2, "duration_hours": 0.5}],
        "duration_hours = 0.5: must reach the step at 2 h",
    ),
    ("shocks", [{**DEPEG, "anchors": [[5, 1], [1, 0.9]]}], "hours must increase"),
    ("shocks", [{**DEPEG, "anchors": [[5, 1], [60, 0.9]]}], "60 h: must be at most horizon_hours"),
    ("shocks", [{**DEPEG, "anchors": [[5, 1], [6.5, 0.9]]}], "6.5 h: must fall on a step"),
    (
        "shocks",
        [{**DEPEG, "leg_volatilities": [0.1, 0.2]}],
        "leg_volatilities: has 2 entries, must have 1, one between any two anchors",
    ),
    ("shocks", [DEPEG, DEPEG], "must not overlap another depeg of USDC"),
]


def test_pledged_liquidity_needs_one_account_to_back(plain: dict[str, Any]) -> None:
    plain["clearing"] = {**plain["clearing"], "margin": "isolated"}
    from_mapping(plain)
    with pytest.raises(InputError, match=r"vault\.pledged = true: must be false or null"):
        from_mapping(_changed(plain, "vault.pledged", True))


def test_a_cap_that_keeps_the_first_deposit_out_is_refused() -> None:
    """1.3 million in a range of ±20 % are worth (sqrt(1.2) + 1) / 2 times as much above it."""
    settings = ["clearing.margin=portfolio", "clearing.lp_cap_usd=1.363e6"]
    load("calm", settings)
    with pytest.raises(
        InputError, match=r"clearing.lp_cap_usd = 1.361e\+06: must be at least 1.36"
    ):
        load("calm", [settings[0], "clearing.lp_cap_usd=1.361e6"])


def test_liquidity_is_pledged_with_portfolio_margin_unless_said_otherwise() -> None:
    assert load("liquidation-cascade").pledged
    assert not load("liquidation-cascade", ["clearing.margin=gross"]).pledged
    assert not load("liquidation-cascade", ["vault.pledged=false"]).pledged
    assert load("liquidation-cascade", ["clearing.margin=gross", "vault.pledged=true"]).pledged


@pytest.mark.parametrize(("path", "value", "message"), REFUSED)
def test_a_wrong_value_is_refused_with_a_line_that_names_it(
    plain: dict[str, Any], path: str, value: object, message: str
) -> None:
    from_mapping(plain)
    with pytest.raises(InputError) as caught:
        from_mapping(_changed(plain, path, value))
    assert message in str(caught.value)


def test_more_risk_assets_than_the_venue_nets_are_refused(plain: dict[str, Any]) -> None:
    others = {f"T{n}": {"price": 1.0} for n in range(6)}
    plain["assets"] |= others
    basket = {name: {"haircut": 0.2} for name in ("ETH", *others)}
    plain["clearing"]["collaterals"] = {"USDC": {}, **basket}
    with pytest.raises(InputError, match="at most 8 assets in all"):
        from_mapping(plain)
    del plain["clearing"]["collaterals"]["T5"]
    assert len(from_mapping(plain).clearing.collaterals) == 7


def test_the_smallest_configuration_has_steps_and_an_order(plain: dict[str, Any]) -> None:
    config = from_mapping(plain)
    assert config.steps == 48
    assert config.step_seconds == 3_600
    assert config.symbols == ("USDC", "ETH", "BTC")  # USDC, base, then as written
    assert config.markets == ("BTC",)


def test_every_problem_gets_a_line_of_its_own(plain: dict[str, Any]) -> None:
    _changed(plain, "vault.hedge_band", 2)
    _changed(plain, "oracle.lag_steps", -1)
    _changed(plain, "paths", 0)
    with pytest.raises(InputError) as caught:
        from_mapping(plain)
    assert [line.split(" ")[0] for line in str(caught.value).splitlines()] == [
        "paths",
        "oracle.lag_steps",
        "vault.hedge_band",
    ]


def test_a_shock_that_makes_the_correlation_impossible_is_refused(plain: dict[str, Any]) -> None:
    plain["assets"]["SOL"] = {"price": 30}
    plain["correlation"] = {"default": 0.9}
    plain["shocks"] = [
        {
            "kind": "decoupling",
            "asset": "SOL",
            "correlation": -0.99,
            "at_hours": 5,
            "duration_hours": 9,
        }
    ]
    with pytest.raises(InputError, match=r"shocks at 5 h: the matrix is not positive"):
        from_mapping(plain)


@pytest.mark.parametrize("field", ["correlation.pairs", "vault.assumed_correlation"])
def test_the_matrix_proposed_in_place_of_an_impossible_one_is_accepted(
    plain: dict[str, Any], field: str
) -> None:
    plain["assets"]["SOL"] = {"price": 30}
    _changed(plain, field, {"ETH/BTC": 0.95, "SOL/ETH": 0.9, "BTC/SOL": -0.4})
    with pytest.raises(InputError, match="nearest valid") as caught:
        from_mapping(plain)
    proposal = yaml.safe_load(str(caught.value).partition("nearest valid: ")[2])
    matrix = build(("USDC", "ETH", "BTC", "SOL"), 0.0, proposal)
    assert is_positive_semidefinite(matrix)
    assert from_mapping(_changed(plain, field, proposal)).assets["SOL"].price == 30


def test_configurations_are_immutable() -> None:
    config = load("calm")
    with pytest.raises(ValueError, match="frozen"):
        config.paths = 3


def test_every_field_states_a_unit_or_meaning() -> None:
    schema = Config.model_json_schema()
    for name, section in [("Config", schema), *schema["$defs"].items()]:
        for field, node in section["properties"].items():
            if field != "kind":
                assert node.get("description"), f"{name}.{field} has no description"


def test_unknown_keys_are_refused_in_every_section() -> None:
    schema = Config.model_json_schema()
    assert all(s["additionalProperties"] is False for s in [schema, *schema["$defs"].values()])
    assert np.all([s["type"] == "object" for s in schema["$defs"].values()])


@pytest.mark.parametrize(("step", "steps"), [(10, 25), (5, 49), (1, 31), (20, 50), (7, 3)])
def test_hours_that_are_a_fraction_without_end_are_whole_steps(
    plain: dict[str, Any], step: int, steps: int
) -> None:
    """25 steps of ten minutes are 4.1666… hours, which times 60 is not 250 in floating point."""
    feed = {"heartbeat_minutes": step, "max_age_minutes": 2 * step}
    config = from_mapping(
        plain | {"step_minutes": step, "horizon_hours": steps * step / 60, "oracle": feed}
    )
    assert config.steps == steps
