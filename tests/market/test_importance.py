"""Importance sampling: weights are likelihood ratios, weighted results those of plain runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

import simulator
from simulator.config import Config, from_mapping, load
from simulator.hedging import risk
from simulator.market import importance
from simulator.market import weights as path_weights
from simulator.market.prices import draw_index
from simulator.types import InputError
from tests.sizes import CAMPAIGN

DCC = {"kind": "dcc", "garch": {"AVAX": {"alpha": 0.05, "beta": 0.9}}, "news": 0.02, "memory": 0.95}

EGARCH = {
    "kind": "egarch",
    "dof": 5,
    "components": {"AVAX": {"news": 0.1, "memory": 0.6, "market": 0.1}},
    "market_memory": 0.95,
}


def _scenario(**changes: Any) -> Config:
    """A short of AVAX with thin margin that keepers do not tend, over one day without shocks."""
    base = load("hedge-liquidation").model_dump()
    base |= {"horizon_hours": 24, "step_minutes": 120, "process": {"kind": "gbm"}}
    base["assets"]["ETH"].update(volatility=1.5)
    base["assets"]["AVAX"].update(volatility=2.5, jumps=None)
    base["vault"]["margin_allocation"] = 0.12
    base["shocks"] = [{"kind": "gas_spike", "factor": 1e4, "at_hours": 2, "duration_hours": 30}]
    return from_mapping(base | changes)


def _final(config: Config, symbol: str, first: int, paths: int) -> Any:
    index = draw_index(config.market, first, paths)[config.symbols.index(symbol)]
    return np.log(index[-1] / index[0])


@pytest.mark.parametrize(
    "process",
    [{"kind": "gbm"}, {"kind": "t", "dof": 4.0}, DCC, EGARCH],
    ids=lambda p: str(p["kind"]),
)
def test_weighted_tails_are_those_of_plain_paths(process: dict[str, Any]) -> None:
    paths = 20_000
    plain = _scenario(process=process)
    shifted = _scenario(process=process, sampling={"shift": {"AVAX": 3.0}})
    moves = _final(plain, "AVAX", 0, paths)
    bound = float(np.quantile(moves, 0.998))
    expected = risk.probability(moves > bound)
    few = paths // 10
    weights = path_weights.weights(shifted.market, 0, few)
    found = risk.probability(_final(shifted, "AVAX", 0, few) > bound, weights)
    assert found.low < expected.high
    assert found.high > expected.low
    if process["kind"] == "gbm":  # elsewhere tails owe as much to scales, which are not shifted
        assert found.high - found.low < expected.high - expected.low
    mean, error = float(weights.mean()), float(weights.std() / few**0.5)
    assert abs(mean - 1.0) < 4.0 * error
    assert weights.max() <= 2.0


def test_of_a_normal_the_tail_is_the_closed_form_however_rare() -> None:
    config = _scenario(sampling={"shift": {"AVAX": 4.5}})
    paths = 4_000
    moves = _final(config, "AVAX", 0, paths)
    deviation = 2.5 * (24 / (365 * 24)) ** 0.5
    scores = (moves + deviation**2 / 2) / deviation
    value, low, high = risk.probability(scores > 4.5, path_weights.weights(config.market, 0, paths))
    truth = norm.sf(4.5)  # 3.4e-6: plain sampling needs millions of paths to see it once
    assert low < truth < high
    assert value == pytest.approx(truth, rel=0.15)


def test_the_shift_has_the_means_asked_for_and_others_follow() -> None:
    config = _scenario(sampling={"shift": {"AVAX": 3.0}})
    paths = 6_000
    moved = importance.shifted(config.market, 0, paths)
    assert moved.sum() == paths // 2
    for symbol, volatility, mean in (
        ("AVAX", 2.5, 3.0),
        ("ETH", 1.5, 3.0 * 0.8),
        ("USDC", 0.002, 0),
    ):
        deviation = volatility * (24 / (365 * 24)) ** 0.5
        scores = (_final(config, symbol, 0, paths) + deviation**2 / 2) / deviation
        assert scores[moved].mean() == pytest.approx(mean, abs=0.08)
        assert scores[~moved].mean() == pytest.approx(0.0, abs=0.08)


def test_two_assets_can_be_shifted_apart() -> None:
    config = _scenario(sampling={"shift": {"AVAX": 2.0, "ETH": -1.0}})
    moved = importance.shifted(config.market, 0, 4_000)
    for symbol, volatility, mean in (("AVAX", 2.5, 2.0), ("ETH", 1.5, -1.0)):
        deviation = volatility * (24 / (365 * 24)) ** 0.5
        scores = (_final(config, symbol, 0, 4_000) + deviation**2 / 2) / deviation
        assert scores[moved].mean() == pytest.approx(mean, abs=0.1)


def test_weights_and_prices_of_a_path_are_the_same_in_every_chunk() -> None:
    config = _scenario(sampling={"shift": {"AVAX": 3.0}, "share": 0.3})
    prices, weights = draw_index(config.market, 0, 40), path_weights.weights(config.market, 0, 40)
    for first, count in ((0, 1), (7, 1), (13, 20)):
        part = slice(first, first + count)
        assert np.array_equal(draw_index(config.market, first, count), prices[..., part])
        assert np.array_equal(path_weights.weights(config.market, first, count), weights[part])
    unshifted = ~importance.shifted(config.market, 0, 40)
    plain = draw_index(_scenario().market, 0, 40)
    assert np.array_equal(prices[..., unshifted], plain[..., unshifted])
    assert not np.array_equal(prices, plain)


def test_rare_liquidations_need_a_fiftieth_of_the_paths() -> None:
    """Intervals overlap, and a run of 1/50 of the paths has the smaller standard error."""
    paths = 40_000 if CAMPAIGN else 10_000
    plain = simulator.run(_scenario(), paths=paths, workers=1).paths
    sampled = [
        simulator.run(
            _scenario(sampling={"shift": {"AVAX": 3.4}}, seed=seed), paths=paths // 50, workers=1
        )
        for seed in (11, 12, 13)
    ]
    happened = plain["liquidated"].to_numpy()
    assert happened.any()
    _, low, high = risk.probability(happened)
    _, error = risk.mean(happened.astype(float))
    errors = []
    for run in sampled:
        found = run.summary["probabilities"]["liquidation"]
        assert found["low"] < high
        assert found["high"] > low
        columns = run.paths["liquidated"].to_numpy().astype(float), run.paths["weight"].to_numpy()
        assert found["estimate"] == pytest.approx(risk.mean(*columns)[0])
        errors.append(risk.mean(*columns)[1])
        assert run.summary["sampling"]["effective_sample_size"] > paths // 50 / 2.5
    assert np.mean(errors) < error
    page = sampled[0].report_html()
    assert "Liquidated with probability" in page
    assert "Importance sampling" in page


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sampling": {"shift": {"LUNA": 1.0}}}, "sampling.shift.LUNA"),
        ({"sampling": {"shift": {"USDC": 1.0}}}, "sampling.shift.USDC"),
        ({"sampling": {"shift": {"AVAX": 1.0}, "share": 1.0}}, "share"),
        (
            {
                "sampling": {"shift": {"AVAX": 1.0}},
                "process": {"kind": "factor", "beta": {}, "market_volatility": 0.5},
            },
            "draws no normals|process",
        ),
        (
            {
                "sampling": {"shift": {"AVAX": 1.0, "ETH": 1.0}},
                "correlation": {"pairs": {"ETH/AVAX": 1.0}},
            },
            "move as one",
        ),
    ],
)
def test_what_cannot_be_shifted_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        _scenario(**changes)
