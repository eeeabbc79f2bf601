"""The market of a random scenario: assets, correlations, oracle, shocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = 200
HEDGES = ("BTC", "ETH", "BNB")
BASE = "SOL"


class RandomMarket:
    """One in the making; what a section needs of an earlier one is on ``self``."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.step_minutes = int(rng.choice([15, 30, 60]))
        self.hours = STEPS * self.step_minutes / 60
        self.markets = list(HEDGES[: rng.integers(1, len(HEDGES) + 1)])
        if rng.random() < 0.3:
            self.markets.append(BASE)  # the perfect proxy
        self.reporters = int(self.rng.choice([1, 3, 4]))
        self.margin = str(rng.choice(["isolated", "gross", "portfolio"]))
        self.price = {
            "USDC": 1.0,
            BASE: self.log_uniform(0.05, 5_000),
            **{name: self.log_uniform(0.5, 60_000) for name in HEDGES},
        }

    def uniform(self, low: float, high: float) -> float:
        """Between both, to six places."""
        return float(np.round(self.rng.uniform(low, high), 6))

    def log_uniform(self, low: float, high: float) -> float:
        """Between both, every order of magnitude alike, to six figures."""
        return float(f"{np.exp(self.rng.uniform(np.log(low), np.log(high))):.6g}")

    def maybe(self, probability: float) -> bool:
        """A coin that falls on its head with this probability."""
        return bool(self.rng.random() < probability)

    def _assets(self) -> dict[str, Any]:
        drawn: dict[str, Any] = {
            "USDC": {"price": 1.0, "volatility": self.uniform(0.0, 0.05), "decimals": 6}
        }
        for name in (BASE, *HEDGES):
            drawn[name] = {
                "price": self.price[name],
                "volatility": self.uniform(0.2, 2.0),
                "drift": self.uniform(-1.0, 1.0),
                # One raw unit of an 8-decimal base can exceed 1e-9 of the fees of a position.
                "decimals": max(int(self.rng.choice([8, 12, 18])), 12 if name == BASE else 8),
            }
            if self.maybe(0.5):
                drawn[name]["jumps"] = {
                    "intensity": self.uniform(0.0, 60.0),
                    "mean": self.uniform(-0.05, 0.05),
                    "std": self.uniform(0.0, 0.1),
                }
        return drawn

    def _correlation(self) -> dict[str, Any]:
        """One-factor correlations ρ_ij = a_i a_j, which are positive semi-definite."""
        names = (BASE, *HEDGES)
        loading = dict(zip(names, self.rng.uniform(-0.2, 0.95, len(names)), strict=True))
        pairs = {
            f"{one}/{other}": float(np.round(loading[one] * loading[other], 6))
            for place, one in enumerate(names)
            for other in names[place + 1 :]
        }
        return {"pairs": pairs}

    def _common_jumps(self) -> dict[str, Any]:
        return {
            "intensity": self.uniform(0.0, 40.0),
            "mean": self.uniform(-0.05, 0.02),
            "std": self.uniform(0.0, 0.06),
            "loading": {BASE: self.uniform(0.5, 2.0)},
        }

    def _oracle(self, deviation: float) -> dict[str, Any]:
        beat = self.step_minutes * int(self.rng.integers(1, 5))
        return {
            "reporters": self.reporters,
            "heartbeat_minutes": beat,
            "deviation": deviation,
            "lag_steps": int(self.rng.integers(0, 3)),
            "max_age_minutes": beat * self.uniform(1.0, 4.0),
        }

    # ------------------------------------------------------------------------------------ shocks

    def _shocks(self) -> list[dict[str, Any]]:
        makers: list[Callable[[], dict[str, Any]]] = [
            self._depeg, self._crash, self._squeeze, self._decoupling, self._convergence,
            self._depth_cut, self._gas_spike, self._freeze, self._outlier, self._run,
        ]  # fmt: skip
        chosen = self.rng.choice(len(makers), size=self.rng.integers(1, 6), replace=False)
        return [makers[index]() for index in sorted(chosen)]

    def _window(self) -> dict[str, float]:
        return {
            "at_hours": self.uniform(0.0, 0.8) * self.hours,
            "duration_hours": max(self.uniform(0.05, 0.5) * self.hours, self.step_minutes / 30),
        }

    def _move(self) -> dict[str, Any]:
        return {
            "assets": list(self.rng.permutation([BASE, *HEDGES])[: self.rng.integers(1, 5)]),
            "at_hours": self.uniform(0.0, 0.8) * self.hours,
            "ramp_hours": self.uniform(0.0, 0.2) * self.hours,
            "hold_hours": self.uniform(0.0, 0.3) * self.hours,
            "recovery_hours": self.uniform(0.0, 0.3) * self.hours if self.maybe(0.5) else None,
        }

    def _depeg(self) -> dict[str, Any]:
        first, bottom, last = sorted(self.rng.choice(np.arange(1, STEPS), size=3, replace=False))
        hour = self.step_minutes / 60
        return {
            "kind": "depeg",
            "asset": "USDC",
            "anchors": [
                [float(first) * hour, 1.0],
                [float(bottom) * hour, self.uniform(0.8, 1.02)],
                [float(last) * hour, 1.0],
            ],
            "volatility": self.uniform(0.0, 0.2),
        }

    def _crash(self) -> dict[str, Any]:
        return {"kind": "crash", "size": self.uniform(-0.7, -0.05), **self._move()}

    def _squeeze(self) -> dict[str, Any]:
        return {"kind": "squeeze", "size": self.uniform(0.05, 1.5), **self._move()}

    def _decoupling(self) -> dict[str, Any]:
        # Zero is the one correlation that keeps any positive semi-definite matrix so.
        return {
            "kind": "decoupling",
            "asset": BASE,
            "correlation": 0.0,
            "volatility_multiple": self.uniform(0.5, 4.0),
            **self._window(),
        }

    def _convergence(self) -> dict[str, Any]:
        return {
            "kind": "convergence",
            "correlation": self.uniform(0.8, 1.0),
            "volatility_multiple": self.uniform(0.5, 3.0),
            **self._window(),
        }

    def _depth_cut(self) -> dict[str, Any]:
        venue = str(self.rng.choice(["pool", "perp", "both"]))
        factor = self.uniform(0.05, 1.0)
        return {"kind": "depth_cut", "venue": venue, "factor": factor, **self._window()}

    def _gas_spike(self) -> dict[str, Any]:
        return {"kind": "gas_spike", "factor": self.log_uniform(1, 100), **self._window()}

    def _freeze(self) -> dict[str, Any]:
        names = self.rng.permutation(["USDC", BASE, *HEDGES])[: self.rng.integers(1, 4)]
        return {
            "kind": "oracle_freeze",
            "assets": list(names),
            "reporters": int(self.rng.integers(1, self.reporters + 1)),
            **self._window(),
        }

    def _outlier(self) -> dict[str, Any]:
        return {
            "kind": "oracle_outlier",
            "asset": str(self.rng.choice([BASE, *HEDGES])),
            "factor": self.log_uniform(0.5, 2.0),
            "reporters": int(self.rng.integers(1, self.reporters + 1)),
            "at_hours": self.uniform(0.1, 0.9) * self.hours,
        }

    def _run(self) -> dict[str, Any]:
        return {"kind": "withdrawal_run", "fraction": self.uniform(0.05, 1.0), **self._window()}
