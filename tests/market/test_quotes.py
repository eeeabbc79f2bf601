"""Depth and exponent of price impact, fitted to quotes by size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from simulator.cli import hedgesim
from simulator.market.files.quotes import read_quotes
from simulator.market.fitting.impact import fit
from simulator.protocol.impact import PERCENT, felt_on_average
from simulator.types import Floats, InputError

REAL = Path(__file__).parents[2].parent / "shared/data/onchain/oneinch_quotes_2023_11.parquet"
WETH = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
USDC = "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"


def quoted(depth: float, exponent: float, noise: float = 0.0) -> tuple[Floats, Floats]:
    volume = np.geomspace(1e3, 3e8, 400)
    worse = PERCENT * felt_on_average(exponent, volume / depth)
    scatter = np.random.default_rng(1).normal(0.0, noise, volume.size) if noise else 0.0
    return volume, 2000.0 * np.exp(-worse + scatter)


@pytest.mark.parametrize(("depth", "exponent"), [(1e7, 1.0), (3e6, 0.5), (5e7, 0.8)])
def test_planted_depth_and_exponent_are_found(depth: float, exponent: float) -> None:
    found = fit(*quoted(depth, exponent))
    assert found.depth_usd == pytest.approx(depth, rel=0.03)
    assert found.exponent == pytest.approx(exponent, abs=0.02)


def test_noise_is_in_the_standard_errors() -> None:
    found = fit(*quoted(1e7, 0.7, noise=5e-4))
    assert abs(found.exponent - 0.7) < 3.0 * found.exponent_error + 0.02
    assert 0.0 < found.exponent_error < 0.2


def test_quotes_without_impact_are_refused() -> None:
    volume = np.geomspace(1e3, 1e6, 100)
    with pytest.raises(InputError, match="0 classes of size"):
        fit(volume, np.full(100, 2000.0))
    with pytest.raises(InputError, match="2 with a size and a price"):
        fit(volume[:2], np.full(2, 2000.0))


def test_a_file_of_either_layout_is_read_and_another_refused(tmp_path: Path) -> None:
    volume, price = quoted(1e7, 1.0)
    plain, pairs = tmp_path / "plain.csv", tmp_path / "pairs.csv"
    pd.DataFrame({"volume_usd": volume, "price": price}).to_csv(plain, index=False)
    pd.DataFrame(
        {"src": "A", "dst": "B", "in_amount": volume / 2000.0 * 1e18, "price": price}
    ).to_csv(pairs, index=False)
    one, other = read_quotes(str(plain), None, None, 1.0), read_quotes(str(pairs), "a/b", 18, 1.0)
    assert fit(*one).depth_usd == pytest.approx(1e7, rel=0.03)
    assert fit(*other).depth_usd == pytest.approx(1e7, rel=0.1)
    for given, said in (
        ((str(plain), "a/b", 18, 1.0), "no column src, dst, in_amount"),
        ((str(pairs), None, None, 1.0), "no column volume_usd"),
        ((str(pairs), "a/c", 18, 1.0), "not in"),
        ((str(pairs), "a", 18, 1.0), "allowed: SRC/DST"),
        ((str(pairs), "a/b", None, 1.0), "decimals = None"),
    ):
        with pytest.raises(InputError, match=said):
            read_quotes(*given)


@pytest.mark.skipif(not REAL.is_file(), reason="needs ../shared/data")
def test_the_command_prints_a_section_that_a_scenario_takes() -> None:
    pair = ["--pair", f"{WETH}/{USDC}", "--decimals", "18", "--usd", "1"]
    made = CliRunner().invoke(hedgesim, ["paths", "depth", str(REAL), "--asset", "ETH", *pair])
    assert made.exit_code == 0, made.output
    section = yaml.safe_load(made.output)["impact"]
    # Read off the medians by hand: 0.86 % at 21 million, 1.9 % at 44 million.
    assert 8e6 < section["depth_usd"]["ETH"] < 1.5e7
    assert 0.9 <= section["exponent"] <= 1.0
