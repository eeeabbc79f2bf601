"""The ``process:`` section: what is refused, and what the message says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.config import Config, from_mapping, load, markov, to_yaml
from simulator.market.history import with_history
from simulator.types import InputError

from .panels import CALM, DCC, EGARCH, PROCESSES, configured

REGIME = PROCESSES["regime"]
FACTOR = PROCESSES["factor"]
BOOTSTRAP = {
    "kind": "bootstrap",
    "file": "x.csv",
    "symbols": {"ETH": "ETHUSDT"},
    "mean_block_hours": 24,
}
IMPOSSIBLE = {"correlation": {"pairs": {"ETH/BTC": 0.9, "ETH/SOL": 0.9, "BTC/SOL": -0.9}}}
DECOUPLING = {
    "kind": "decoupling",
    "asset": "ETH",
    "correlation": 0,
    "at_hours": 1,
    "duration_hours": 9,
}


def _garch(**values: float) -> dict[str, Any]:
    return {**DCC, "garch": {"ETH": values}}


@pytest.mark.parametrize(
    ("process", "said"),
    [
        ({"kind": "dc"}, "process.kind = 'dc': must be one of bootstrap, dcc, egarch, factor, gbm"),
        ({"kind": "dc"}, "did you mean dcc?"),
        ({"dof": 4}, "process.kind = None: must be one of"),
        ({"kind": "t"}, "process.dof: missing; must be a number more than 2"),
        ({"kind": "t", "dof": 2}, "process.dof = 2: must be a number more than 2 and at most 1000"),
        ({"kind": "t", "dof": 4, "dff": 1}, "process.dff: unknown field; did you mean dof?"),
        ({**DCC, "memry": 0.9}, "process.memry: unknown field; did you mean memory?"),
        ({**DCC, "garch": {"DOGE": {}}}, "process.garch = DOGE: must be one of USDC, ETH, BTC"),
        (_garch(alpha=0.1, gamma=-0.2), "process.garch.ETH.gamma = -0.2: must be at least -0.1"),
        (
            _garch(alpha=0.1, gamma=0.1, beta=0.85),
            "process.garch.ETH: alpha + gamma / 2 + beta = 1: must be less than 1",
        ),
        ({**DCC, "memory": 0.96}, "process.news + process.memory = 1: must be less than 1"),
        ({**DCC, "fitted_minutes": 15}, "process.fitted_minutes = 15: must be 60 (step_minutes)"),
        (
            {**EGARCH, "market_memory": 1},
            "process.market_memory = 1: must be a number at least 0 and",
        ),
        ({**EGARCH, "dof": 2}, "process.dof = 2: must be a number more than 2"),
        ({**EGARCH, "components": {"DOGE": {}}}, "process.components = DOGE: must be one of"),
        (
            {**EGARCH, "market_memory": 0.99999},
            "process.components.ETH: its log variance has a standard deviation of up to",
        ),
        ({**EGARCH, "fitted_minutes": 15}, "process.fitted_minutes = 15: must be 60"),
        ({**REGIME, "transition": [[1.0, 0.0]] * 3}, "process.transition: has 3 rows, must have 2"),
        ({**REGIME, "transition": [[1.0], [0, 1]]}, "process.transition.0: has 1 entries, must"),
        (
            {**REGIME, "transition": [[0.9, 0.2], [0, 1]]},
            "process.transition.0: sums to 1.1, must sum to 1",
        ),
        ({**REGIME, "transition": [[1, 0], [0, 1]]}, "2 sets of regimes are never left, must be 1"),
        (
            {**REGIME, "regimes": [CALM, IMPOSSIBLE]},
            "process.regimes.1.correlation: the matrix is not positive semi-definite; nearest",
        ),
        (
            {**REGIME, "regimes": [CALM, {"correlation": {"pairs": {"ETH/DOGE": 0.5}}}]},
            "process.regimes.1.correlation.pairs = ETH/DOGE: must be",
        ),
        (
            {**REGIME, "regimes": [CALM, {"volatility": {"DOGE": 0.5}}]},
            "process.regimes.1.volatility = DOGE: must be one of",
        ),
        ({**BOOTSTRAP, "mean_block_hours": 0}, "process.mean_block_hours = 0: must be a number"),
        ({**BOOTSTRAP, "symbols": {"DOGE": "DOGEUSDT"}}, "process.symbols = DOGE: must be one of"),
        ({**BOOTSTRAP, "start": "2022-01-01T00:00:00Z"}, "process.start = 2022-01-01 00:00:00+00"),
        (
            {**BOOTSTRAP, "start": "2022-01-02", "end": "2022-01-01"},
            "process.end = 2022-01-01 00:00:00: must be after process.start",
        ),
        (
            {**FACTOR, "betas": {"ETH": 1.5}},
            "process.betas.ETH = 1.5: times market_volatility is 0.525, must be at most 0.45",
        ),
        ({**FACTOR, "dof": {"DOGE": 5}}, "process.dof = DOGE: must be one of"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(process: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as refused:
        configured(process)
    assert said in str(refused.value)


@pytest.mark.parametrize("kind", ["dcc", "egarch", "regime", "factor"])
def test_a_process_with_a_correlation_of_its_own_refuses_correlation_shocks(kind: str) -> None:
    with pytest.raises(InputError, match=rf"shocks\.0 \(decoupling\): .* process.kind = {kind}"):
        configured(PROCESSES[kind], shocks=[DECOUPLING])
    for allowed in ("gbm", "t"):
        configured(PROCESSES[allowed], shocks=[DECOUPLING])


@pytest.mark.parametrize("process", [*PROCESSES.values(), BOOTSTRAP])
def test_a_process_survives_a_trip_through_yaml(process: dict[str, Any], tmp_path: Path) -> None:
    config = configured(process)
    file = tmp_path / "copy.yaml"
    file.write_text(to_yaml(config, tmp_path))
    assert load(file) == config


def test_the_kind_of_process_can_be_set_from_the_command_line() -> None:
    config = load("calm", ["process.kind=t", "process.dof=3.5"])
    assert config.process.model_dump() == {"kind": "t", "dof": 3.5}
    assert load("calm").process.kind == "gbm"
    with pytest.raises(InputError, match=r"process\.news: unknown field"):
        load("calm", ["process.kind=t", "process.news=0.1"])


def test_replayed_prices_take_the_place_of_any_process(spot: Path) -> None:
    config: Config = configured(DCC)
    replayed = with_history(config, spot, "SOLUSDT", ["BTCUSDT"], "2022-11-01:2022-11-05")
    assert replayed.process.kind == "gbm"
    assert from_mapping(replayed.model_dump()) == replayed


@given(
    st.integers(2, 5).flatmap(
        lambda size: st.lists(
            st.lists(st.floats(0.01, 1), min_size=size, max_size=size),
            min_size=size,
            max_size=size,
        )
    )
)
def test_the_stationary_law_is_left_as_it_is(weights: list[list[float]]) -> None:
    transition = np.array(weights)
    transition /= transition.sum(axis=1, keepdims=True)
    law = markov.stationary(transition)
    assert markov.closed_classes(transition) == 1
    assert law @ transition == pytest.approx(law, abs=1e-12)
    assert law.sum() == pytest.approx(1)


def test_closed_classes_are_counted() -> None:
    assert markov.closed_classes(np.eye(3)) == 3
    # From the first state into either of two that hold.
    trap = np.array([[0.8, 0.1, 0.1], [0, 1, 0], [0, 0, 1.0]])
    assert markov.closed_classes(trap) == 2
    swap = np.array([[0, 1.0], [1, 0]])
    assert markov.closed_classes(swap) == 1
    assert markov.stationary(swap) == pytest.approx([0.5, 0.5])
