"""The market process of random scenarios."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.types import USDC

if TYPE_CHECKING:
    import numpy as np

_CORRELATION_SHOCKS = ("decoupling", "convergence")
_ODDS = 0.6  # that it is not a geometric Brownian motion


def vary(drawn: dict[str, Any], rng: np.random.Generator) -> None:
    """Give six of ten drawn scenarios another process, of a kind their shocks go with."""
    kinds = ["dcc", "egarch", "regime", "factor"]
    if any(shock["kind"] in _CORRELATION_SHOCKS for shock in drawn["shocks"]):
        kinds = ["t"]
    kind = str(rng.choice(kinds))
    if rng.random() < _ODDS:
        coins = [name for name in drawn["assets"] if name != USDC]
        drawn["process"] = {"kind": kind, **_PARAMETERS[kind](drawn, coins, rng)}


def _dof(rng: np.random.Generator) -> float:
    return float(rng.uniform(3.0, 20.0))


def _student(_: dict[str, Any], __: list[str], rng: np.random.Generator) -> dict[str, Any]:
    return {"dof": _dof(rng)}


def _dcc(_: dict[str, Any], coins: list[str], rng: np.random.Generator) -> dict[str, Any]:
    garch = {}
    for name in coins:
        persistence, part = rng.uniform(0.5, 0.99), rng.uniform(0.02, 0.3)
        news, falls = persistence * part, rng.uniform(0.0, 1.0)
        garch[name] = {
            "alpha": float(news * (1 - falls)),
            "gamma": float(2 * news * falls),
            "beta": float(persistence - news),
        }
    return {
        "garch": garch,
        "news": float(rng.uniform(0.0, 0.1)),
        "memory": float(rng.uniform(0.5, 0.89)),
        "dof": _dof(rng) if rng.random() < 0.5 else None,
    }


def _egarch(_: dict[str, Any], coins: list[str], rng: np.random.Generator) -> dict[str, Any]:
    return {
        "components": {
            name: {
                "news": float(rng.uniform(0.0, 0.3)),
                "memory": float(rng.uniform(0.0, 0.9)),
                "market": float(rng.uniform(0.0, 0.1)),
            }
            for name in coins
        },
        "market_memory": float(rng.uniform(0.9, 0.995)),
        "dof": _dof(rng),
    }


def _regime(drawn: dict[str, Any], coins: list[str], rng: np.random.Generator) -> dict[str, Any]:
    count = int(rng.integers(2, 4))
    transition = rng.dirichlet([1.0] * count, count) * 0.1
    regimes = []
    for number in range(count):
        transition[number, number] += 0.9
        scale = float(rng.uniform(0.3, 2.5))
        regimes.append(
            {
                "volatility": {n: drawn["assets"][n]["volatility"] * scale for n in coins},
                "correlation": {"default": float(rng.uniform(0.0, 0.95))},
            }
        )
    return {"regimes": regimes, "transition": transition.tolist()}


def _factor(drawn: dict[str, Any], coins: list[str], rng: np.random.Generator) -> dict[str, Any]:
    market = float(rng.uniform(0.2, 1.0))
    return {
        "market_volatility": market,
        "betas": {
            n: drawn["assets"][n]["volatility"] * float(rng.uniform(-0.3, 0.95)) / market
            for n in coins
        },
        "market_dof": _dof(rng) if rng.random() < 0.5 else None,
        "dof": {n: _dof(rng) for n in coins if rng.random() < 0.5},
    }


_PARAMETERS = {"t": _student, "dcc": _dcc, "egarch": _egarch, "regime": _regime, "factor": _factor}
