"""A file of ``hedgesim init`` runs as it is, invests and hedges, and names its sources."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

import simulator
from simulator.config import initial_betas, load
from simulator.config.feasibility import misfits
from simulator.config.starter import COINS, _correlation, _figure, starter
from simulator.types import InputError


@pytest.mark.parametrize(
    ("lp", "hedge", "deposit"),
    [
        ("ETH", ["BTC"], 2e6),
        ("ETH", ["BTC", "ETH"], 5e6),
        ("SOL", ["BTC", "ETH"], 1e5),
        ("AVAX", ["BTC"], 1e8),
    ],
)
def test_it_opens_and_hedges(lp: str, hedge: list[str], deposit: float, tmp_path: Path) -> None:
    file = tmp_path / "vault.yaml"
    file.write_text(starter(lp, hedge, deposit), encoding="utf-8")
    config = load(file, ["horizon_hours=6", "paths=2"])
    assert config.agents.depositor is not None
    assert config.agents.depositor.initial_deposit == deposit
    assert (config.pool.base, list(config.markets)) == (lp, hedge)
    series = simulator.run(config, workers=1).series
    last = series[series["step"] == config.steps]
    assert (last["lp_value"] > 0.5 * deposit).all()
    sold = sum(-last[f"size_{s}"] * last[f"oracle_{s}"] for s in hedge)
    wanted = np.array(initial_betas(config)).sum() * last[f"delta_{lp}"].abs().max()
    assert (sold > 0.5 * min(wanted, 0.3 * deposit)).all()


def test_it_recentres_wherever_the_price_goes(tmp_path: Path) -> None:
    """Liquidity that stays where the price was ran out on a quarter of the paths, unsaid."""
    file = tmp_path / "vault.yaml"
    file.write_text(starter("ETH", ["BTC"], 5e6, fee_percent=0.05, half_width_percent=15.0))
    crash = "shocks=[{kind: crash, assets: [ETH], size: -0.45, at_hours: 6, ramp_hours: 24}]"
    given = [crash, "horizon_hours=96", "paths=4"]
    stays = [
        f"pool.background.{n}.{end}_price=null" for n in (0, 1) for end in ("lowest", "highest")
    ]
    follows, left = (simulator.run(load(file, [*given, *more]), workers=1) for more in ([], stays))
    assert misfits(follows.config) == []
    assert (follows.paths["recenters"] > 2).all()
    assert follows.paths["pool_limit_refusals"].sum() == 0
    assert not [f for f in follows.summary["diagnosis"] if f["severity"] != "note"]
    assert left.paths["pool_limit_refusals"].sum() > 20
    said = next(f for f in left.summary["diagnosis"] if f["name"] == "binding_limit")
    assert "one that follows the price (lowest_price, highest_price)" in said["text"]


def test_figures_have_their_source_beside_them() -> None:
    text = starter("ETH", ["BTC"], 2e6)
    for said in (
        "Binance spot",
        "fees",
        "Funding",
        "Depth",
        "SIP-279",
        "Proportions are fractions",
    ):
        assert any(said in line for line in text.splitlines() if "#" in line)


def test_fee_tier_and_range_are_as_asked(tmp_path: Path) -> None:
    """A lower fee needs more volume for the same yearly part of the pool's value."""
    files = {fee: tmp_path / f"{fee}.yaml" for fee in (0.05, 0.3)}
    for fee, file in files.items():
        file.write_text(starter("ETH", ["BTC"], 2e6, fee_percent=fee, half_width_percent=15.0))
    low, high = (load(file) for file in files.values())
    assert (low.pool.fee_ppm, high.pool.fee_ppm) == (500, 3_000)
    assert low.vault.range_half_width_percent == 15.0
    volumes = [config.flow.orders.swap_usd_per_hour for config in (low, high)]
    assert volumes[0] == pytest.approx(6.0 * volumes[1], rel=1e-4)
    with pytest.raises(InputError, match=r"fee = 0.07: must be one of 0.01, 0.05, 0.3, 1"):
        starter("ETH", ["BTC"], 2e6, fee_percent=0.07)
    with pytest.raises(InputError, match="range_half_width_percent = -1"):
        starter("ETH", ["BTC"], 2e6, half_width_percent=-1.0)


def test_deeper_than_usual_is_said() -> None:
    assert "made deeper" not in starter("ETH", ["BTC"], 2e6)
    assert "made deeper" in starter("AVAX", ["BTC"], 1e8)


@pytest.mark.parametrize(
    ("lp", "hedge", "deposit", "named"),
    [
        ("XXX", ["BTC"], 1.0, "lp = XXX: must be one of BTC"),
        ("ETH", ["USDC"], 1.0, "hedge = USDC: must be one of"),
        ("ETH", ["BTC", "BTC"], 1.0, "once"),
        ("ETH", ["BTC"], float("nan"), "deposit = nan"),
        ("ETH", ["BTC"], -5.0, "deposit = -5"),
    ],
)
def test_what_cannot_be_is_refused(lp: str, hedge: list[str], deposit: float, named: str) -> None:
    with pytest.raises(InputError, match=named):
        starter(lp, hedge, deposit)


def test_correlations_are_possible_ones() -> None:
    matrix = _correlation(list(COINS))
    assert np.array_equal(matrix, matrix.T)
    assert np.linalg.eigvalsh(matrix).min() > 0.05


@pytest.mark.parametrize("value", [0.05, 1234.5, 2e8, 1.0833e9, 16542.0, 150.0])
def test_yaml_reads_figures_as_numbers(value: float) -> None:
    assert yaml.safe_load(_figure(value)) == pytest.approx(value)
    assert isinstance(yaml.safe_load(_figure(value)), int | float)
