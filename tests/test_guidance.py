"""The guidance of contracts/CONDITIONS.md: every number is its formula on the ``calm`` scenario."""

from __future__ import annotations

import re
from math import sqrt
from pathlib import Path

import numpy as np
import pytest

from simulator.config import Config, load
from simulator.config.resolve import resolve
from simulator.types import Floats
from simulator.world import actions
from simulator.world.gas import GAS_UNITS
from simulator.world.units import maker_shares

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "contracts" / "CONDITIONS.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (G\d\d) \| .* \| ([\d,.]+) \| ([\d,.]*) ?\|$", re.MULTILINE)
TABLE = {label: [cell for cell in cells if cell] for label, *cells in ROW.findall(DOCUMENT)}
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")

BASE, HEDGES = "ETH", ("BTC", "SOL")
BLOCK_SECONDS = 2
HOURS_A_YEAR = 8_760
POINT, PER_CENT = 1e-4, 1e-2


def market_figures(config: Config, number: int) -> dict[str, float]:
    """What depends on the market: K, S, B in USD."""
    protocol = resolve(config)
    venue, vault = protocol.clearing, protocol.vault
    market = venue.markets[number]
    index = protocol.assets[market.asset].price
    feed = protocol.feeds[market.asset]
    deviation, age = feed.deviation, feed.max_age
    scale, rate, fee = market.skew_scale * index, market.maintenance_rate, market.taker_fee
    multiple, penalty = venue.initial_multiple, venue.liquidation_penalty
    floored = venue.gross_floor * rate
    bound = scale * floored / 2
    limit = min(market.max_skew * index, bound)
    side = 4 * limit
    maker = maker_shares(protocol)[number] / 1e6
    spread = protocol.half_spread(number)
    around = fee * (1 - vault.max_slippage)
    hour = config.assets[protocol.assets[market.asset].symbol].volatility / sqrt(HOURS_A_YEAR)
    gas = config.gas.gwei * 1e-9 * config.assets[config.gas.native_asset or BASE].price
    return {
        "G01": bound,
        "G02": limit,
        "G03": limit / (2 * scale) / POINT,
        "G04": bound / scale / POINT,
        "G05": 2 * side,
        "G06": limit / 64,
        "G07": limit * multiple * rate,
        "G08": rate * side,
        "G09": maker,
        "G10": maker / side / PER_CENT,
        "G11": 0.2 * side,
        "G12": 0.2 * limit,
        "G13": spread / POINT,
        "G14": 2 * (spread + fee) / POINT,
        "G15": (deviation - fee) / POINT,
        "G16": 1 / sqrt(market.max_funding_velocity),
        "G17": 1 / (multiple * floored),
        "G18": (multiple - 1) * floored / PER_CENT,
        "G19": (floored - spread) / hour,
        "G20": multiple * floored / POINT,
        "G21": (market.half_spread + penalty) / POINT,
        "G22": (spread + penalty + bound / scale) / POINT,
        "G23": (multiple - 1) * rate / (multiple * rate - spread - penalty) / PER_CENT,
        "G24": GAS_UNITS[actions.Liquidate] * gas / (penalty * venue.liquidator_share),
        "G25": (0.1 - floored) * side,
        "G27": age + side / bound * BLOCK_SECONDS,
        "G29": scale * (vault.max_slippage - spread) / limit / PER_CENT,
        "G30": min(2 * scale * (vault.max_slippage - spread), limit),
        "G32": (2 * spread + around) / POINT,
        "G33": 2 * (spread + around) * scale,
        "G40": rise(vault.margin_target, vault.top_up_ratio, rate) / PER_CENT,
        "G41": rise(vault.margin_target, vault.deleverage_ratio, rate) / PER_CENT,
        "G42": rise(vault.margin_target, 1.0, rate) / PER_CENT,
        "G45": (floored / 8 - fee) / POINT,
    }


def rise(begin: float, end: float, rate: float) -> float:
    """Of the index, that takes the margin ratio of a short from ``begin`` to ``end``."""
    return (begin - end) * rate / (1 + end * rate)


def least_variance(config: Config) -> Floats:
    """Betas of the base on the hedges."""
    names = (BASE, *HEDGES)
    pairs = config.correlation.pairs
    correlation = np.eye(3)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        a, b = names[i], names[j]
        value = pairs.get(f"{a}/{b}", pairs.get(f"{b}/{a}", config.correlation.default))
        correlation[i, j] = correlation[j, i] = value
    volatility = np.array([config.assets[name].volatility for name in names])
    covariance = correlation * np.outer(volatility, volatility)
    return np.linalg.solve(covariance[1:, 1:], covariance[1:, 0])


def venue_figures(config: Config) -> dict[str, float]:
    """What the venue, or the vault, has one of."""
    protocol = resolve(config)
    venue, vault = protocol.clearing, protocol.vault
    deviation = max(feed.deviation for feed in protocol.feeds)
    betas = least_variance(config)
    gas = config.gas.gwei * 1e-9 * config.assets[config.gas.native_asset or BASE].price
    rebalance = GAS_UNITS[actions.Rebalance] * gas
    share, total = vault.lp_allocation, float(betas.sum())
    rates = np.array([market.maintenance_rate for market in venue.markets])
    fees = sum(
        beta * (protocol.half_spread(m) + venue.markets[m].taker_fee)
        for m, beta in enumerate(betas)
    )
    return {
        "G26": venue.insurance_funds,
        "G28": venue.withdrawal_gate,
        "G31": (protocol.pool.fee_ppm / 1e6 + deviation) / POINT,
        "G34": share * (1 + total) * deviation / POINT,
        "G35": (vault.entry_fee + vault.exit_fee) / POINT,
        "G36": share * (1 + len(betas) * vault.beta_max) * deviation / POINT,
        "G37": rebalance,
        "G38": vault.keeper_reward / rebalance * config.gas.gwei,
        "G39": rebalance / vault.keeper_share,
        "G43": vault.margin_target * share * float(betas @ rates) / PER_CENT,
        "G44": share / 2 * (protocol.pool.fee_ppm / 1e6 + fees) / POINT,
    }


def figures() -> dict[str, list[float]]:
    config = load("calm")
    markets = [market_figures(config, number) for number in range(len(HEDGES))]
    found = {label: [market[label] for market in markets] for label in markets[0]}
    return found | {label: [value] for label, value in venue_figures(config).items()}


FIGURES = figures()


def test_the_table_has_every_figure_and_no_other() -> None:
    assert sorted(TABLE) == sorted(FIGURES)
    assert len(TABLE) == 45


@pytest.mark.parametrize("label", sorted(FIGURES))
def test_a_number_of_the_guidance_is_its_formula_on_calm(label: str) -> None:
    cells, expected = TABLE[label], FIGURES[label]
    assert len(cells) == len(expected)
    for cell, value in zip(cells, expected, strict=True):
        decimals = len(cell.partition(".")[2])
        assert float(cell.replace(",", "")) == pytest.approx(value, abs=0.501 * 10**-decimals)


def test_the_rules_that_setters_and_the_loader_enforce_hold_in_the_table() -> None:
    for market in range(len(HEDGES)):
        freed, own, steepest = (FIGURES[label][market] for label in ("G20", "G21", "G22"))
        assert own < steepest < freed
        assert FIGURES["G09"][market] > FIGURES["G08"][market]
        assert FIGURES["G14"][market] >= 50.0
    assert FIGURES["G35"] > FIGURES["G34"]
    assert FIGURES["G28"][0] > max(FIGURES["G27"])


@pytest.mark.parametrize(("path", "name"), NAMED.findall(DOCUMENT))
def test_the_tests_of_the_actors_exist(path: str, name: str) -> None:
    assert f"\ndef {name}(" in (ROOT / path).read_text(encoding="utf-8")
