"""The second hedge venue of random scenarios."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

_ODDS = 0.4


def lend(drawn: dict[str, Any], rng: np.random.Generator) -> None:
    """Send some of a drawn scenario's hedges to Aave, terms and all, in four of ten."""
    base = drawn["pool"]["base"]
    markets = [name for name in drawn["clearing"]["markets"] if name != base]
    sent = [name for name in markets if rng.random() < 0.6]
    if not sent or rng.random() >= _ODDS:
        return
    threshold = float(rng.uniform(0.5, 0.85))
    supplied = 1e8
    assets = {}
    for name in sent:
        # One raw unit of a coarse token can be more of a small debt than the worlds may differ by.
        drawn["assets"][name]["decimals"] = 18
        price = drawn["assets"][name]["price"]
        lent = float(10 ** rng.uniform(5.0, 8.0)) / price
        assets[name] = {
            "supplied": lent,
            "borrowed": lent * float(rng.uniform(0.0, 0.15)),
            "optimal_usage": float(rng.uniform(0.3, 0.9)),
            "base_rate": float(rng.uniform(0.0, 0.05)),
            "slope1": float(rng.uniform(0.0, 0.2)),
            "slope2": float(rng.uniform(0.5, 4.0)),
            "factor": float(rng.uniform(0.0, 0.5)),
            "pool_usd": float(10 ** rng.uniform(7.0, 9.0)),
            "pool_fee_ppm": int(rng.choice([500, 3_000])),
        }
    drawn["aave"] = {
        "ltv": threshold * float(rng.uniform(0.85, 0.98)),
        "liquidation_threshold": threshold,
        "liquidation_bonus": float(rng.uniform(0.01, 0.1)),
        "usdc": {"supplied": supplied, "borrowed": 0.2 * supplied, "optimal_usage": 0.9},
        "assets": assets,
    }
    drawn["vault"]["venues"] = dict.fromkeys(sent, "aave")
    drawn["agents"]["leg_arbitrageur"] = {
        "usdc": 2e8,
        "assets": {name: 1e8 / drawn["assets"][name]["price"] for name in sent},
    }
