"""What flows do to the prices of random scenarios, and what stands still there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

_ODDS = 0.4  # that flows move prices
_DOWN = 0.3  # that somebody is down for a while
_HALTED = 0.2  # that a venue stands still for a while


def move(drawn: dict[str, Any], rng: np.random.Generator) -> None:
    """Let flows move prices in four of ten drawn scenarios, with crowds elsewhere in half."""
    if rng.random() >= _ODDS:
        return
    assets = [symbol for symbol in drawn["assets"] if symbol != "USDC" and rng.random() < 0.7]
    drawn["impact"] = {
        "depth_usd": {symbol: float(10.0 ** rng.uniform(5.5, 8.5)) for symbol in assets},
        "exponent": float(rng.choice([0.5, 0.7, 1.0])),
        "half_life_minutes": float(rng.uniform(10.0, 600.0)),
        "lasting": float(rng.uniform(0.0, 1.0)),
    }
    if rng.random() < 0.5:
        drawn["population"] = {
            symbol: _crowds(rng, depth) for symbol, depth in drawn["impact"]["depth_usd"].items()
        }


def _crowds(rng: np.random.Generator, depth: float) -> dict[str, Any]:
    """Crowds of one asset, a tenth of its depth and up to twenty times that."""
    scale = depth * float(10.0 ** rng.uniform(-1.0, 1.3))
    crowd = {"count": int(rng.integers(1, 200)), "size_spread": float(rng.uniform(0.0, 2.0))}
    trader = {**crowd, "leverage": float(rng.uniform(2.0, 20.0))}
    return {
        "long": {**trader, "open_interest_usd": scale},
        "short": {**trader, "open_interest_usd": 0.5 * scale},
        "borrowers": {**crowd, "collateral_usd": scale, "health": float(rng.uniform(0.1, 1.0))},
    }


def halt(drawn: dict[str, Any], rng: np.random.Generator) -> None:
    """Let a venue of two in ten drawn scenarios stand still for a while."""
    if rng.random() >= _HALTED:
        return
    hours = drawn["horizon_hours"]
    drawn["shocks"] = [
        *drawn["shocks"],
        {
            "kind": "venue_outage",
            "venue": str(rng.choice(["chain", "perps"])),
            "at_hours": float(rng.uniform(0.1, 0.7)) * hours,
            "duration_hours": float(rng.uniform(0.1, 0.3)) * hours,
        },
    ]


def stop(drawn: dict[str, Any], rng: np.random.Generator) -> None:
    """Let some agents of three in ten drawn scenarios be down for a while."""
    agents = [name for name, section in drawn["agents"].items() if section is not None]
    chosen = [name for name in agents if rng.random() < 0.3]
    if rng.random() >= _DOWN or not chosen:
        return
    hours = drawn["horizon_hours"]
    drawn["shocks"] = [
        *drawn["shocks"],
        {
            "kind": "outage",
            "agents": chosen,
            "at_hours": float(rng.uniform(0.1, 0.7)) * hours,
            "duration_hours": float(rng.uniform(0.1, 0.3)) * hours,
        },
    ]
