"""Configurations with a process, and the returns drawn from them."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulator.config import Config, from_mapping, load
from simulator.market.prices import draw_index
from simulator.types import Floats

COINS = ("ETH", "BTC", "SOL")
CALM = {"correlation": {"default": 0.4}}
PANIC = {"volatility": {"ETH": 1.5, "BTC": 1.2, "SOL": 2.5}, "correlation": {"default": 0.9}}
GARCH = {"alpha": 0.05, "gamma": 0.06, "beta": 0.88}
DCC = {
    "kind": "dcc",
    "garch": {"ETH": GARCH, "BTC": {**GARCH, "alpha": 0.08}},
    "news": 0.04,
    "memory": 0.93,
}
EGARCH: dict[str, Any] = {
    "kind": "egarch",
    "dof": 6,
    "components": {
        "ETH": {"news": 0.1, "memory": 0.6, "market": 0.1},
        "BTC": {"news": 0.08, "memory": 0.5, "market": 0.12},
        "SOL": {"news": 0.12, "memory": 0.7, "market": 0.08},
    },
    "market_memory": 0.98,
}
# One of each kind that needs no file.
PROCESSES: dict[str, dict[str, Any]] = {
    "gbm": {"kind": "gbm"},
    "t": {"kind": "t", "dof": 6},
    "dcc": DCC,
    "dcc-t": {**DCC, "dof": 8},
    "egarch": EGARCH,
    "regime": {
        "kind": "regime",
        "regimes": [CALM, PANIC],
        "transition": [[0.99, 0.01], [0.05, 0.95]],
    },
    "factor": {
        "kind": "factor",
        "market_volatility": 0.35,
        "betas": {"ETH": 1.1, "BTC": 0.9, "SOL": 1.5},
        "market_dof": 8,
        "dof": {"SOL": 9},
    },
}


def configured(process: dict[str, Any], **changes: Any) -> Config:
    """The quiet month (four assets, hourly) under a process."""
    return from_mapping(load("calm").model_dump() | {"process": process} | changes)


def returns(config: Config, paths: int, first_path: int = 0) -> Floats:
    """Log returns ``[A, T, P]``."""
    return np.diff(np.log(draw_index(config.market, first_path, paths)), axis=1)
