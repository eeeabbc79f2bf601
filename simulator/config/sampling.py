"""Random configurations: valid by construction, spread over the whole protocol and every shock.

For ``hedgesim verify --random``: a scenario nobody thought of is where two worlds part. Number n of
a seed is always the same configuration; :func:`~simulator.config.to_yaml` writes it for replay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.config.lending_sampling import lend
from simulator.config.loading import from_mapping
from simulator.config.monitor_sampling import watch
from simulator.config.process_sampling import vary
from simulator.config.venues import TICK_SPACING

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.config.models import Config

STEPS = 200
_HEDGES = ("BTC", "ETH", "BNB")
_BASE = "SOL"


def random_config(seed: int, number: int) -> Config:
    """Configuration ``number`` of ``seed``, of :data:`STEPS` steps and one path."""
    drawn = _Draw(np.random.default_rng([seed, number])).mapping(seed, number)
    # Numbers of their own: a venue, a process or a monitor more changes nothing else of a scenario.
    lend(drawn, np.random.default_rng([seed, number, 1]))
    vary(drawn, np.random.default_rng([seed, number, 2]))
    watch(drawn, np.random.default_rng([seed, number, 3]))
    return from_mapping(drawn)


class _Draw:
    """One configuration in the making; what a section needs of an earlier one is on ``self``."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.step_minutes = int(rng.choice([15, 30, 60]))
        self.hours = STEPS * self.step_minutes / 60
        self.markets = list(_HEDGES[: rng.integers(1, len(_HEDGES) + 1)])
        if rng.random() < 0.3:
            self.markets.append(_BASE)  # the perfect proxy
        self.reporters = int(self.rng.choice([1, 3, 4]))
        self.margin = str(rng.choice(["isolated", "gross", "portfolio"]))
        self.price = {
            "USDC": 1.0,
            _BASE: self.log_uniform(0.05, 5_000),
            **{name: self.log_uniform(0.5, 60_000) for name in _HEDGES},
        }

    def uniform(self, low: float, high: float) -> float:
        return float(np.round(self.rng.uniform(low, high), 6))

    def log_uniform(self, low: float, high: float) -> float:
        return float(f"{np.exp(self.rng.uniform(np.log(low), np.log(high))):.6g}")

    def maybe(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def mapping(self, seed: int, number: int) -> dict[str, Any]:
        deviation = self.uniform(0.001, 0.01)
        return {
            "name": f"random-{seed}-{number}",
            "description": "drawn by hedgesim verify --random",
            "seed": int(self.rng.integers(2**31)),
            "paths": 1,
            "horizon_hours": self.hours,
            "step_minutes": self.step_minutes,
            "assets": self.assets(),
            "correlation": self.correlation(),
            "common_jumps": self.common_jumps() if self.maybe(0.5) else None,
            "shocks": self.shocks(),
            "gas": {"gwei": self.log_uniform(0.01, 50), "native_asset": self.markets[0]},
            "oracle": self.oracle(deviation),
            "pool": self.pool(),
            "clearing": self.clearing(),
            "vault": self.vault(deviation),
            "agents": self.agents(),
        }

    # ------------------------------------------------------------------------------------ market

    def assets(self) -> dict[str, Any]:
        drawn: dict[str, Any] = {
            "USDC": {"price": 1.0, "volatility": self.uniform(0.0, 0.05), "decimals": 6}
        }
        for name in (_BASE, *_HEDGES):
            drawn[name] = {
                "price": self.price[name],
                "volatility": self.uniform(0.2, 2.0),
                "drift": self.uniform(-1.0, 1.0),
                # One raw unit of an 8-decimal base can exceed 1e-9 of the fees of a position.
                "decimals": max(int(self.rng.choice([8, 12, 18])), 12 if name == _BASE else 8),
            }
            if self.maybe(0.5):
                drawn[name]["jumps"] = {
                    "intensity": self.uniform(0.0, 60.0),
                    "mean": self.uniform(-0.05, 0.05),
                    "std": self.uniform(0.0, 0.1),
                }
        return drawn

    def correlation(self) -> dict[str, Any]:
        """One-factor correlations ρ_ij = a_i a_j, which are positive semi-definite."""
        names = (_BASE, *_HEDGES)
        loading = dict(zip(names, self.rng.uniform(-0.2, 0.95, len(names)), strict=True))
        pairs = {
            f"{one}/{other}": float(np.round(loading[one] * loading[other], 6))
            for place, one in enumerate(names)
            for other in names[place + 1 :]
        }
        return {"pairs": pairs}

    def common_jumps(self) -> dict[str, Any]:
        return {
            "intensity": self.uniform(0.0, 40.0),
            "mean": self.uniform(-0.05, 0.02),
            "std": self.uniform(0.0, 0.06),
            "loading": {_BASE: self.uniform(0.5, 2.0)},
        }

    def oracle(self, deviation: float) -> dict[str, Any]:
        beat = self.step_minutes * int(self.rng.integers(1, 5))
        return {
            "reporters": self.reporters,
            "heartbeat_minutes": beat,
            "deviation": deviation,
            "lag_steps": int(self.rng.integers(0, 3)),
            "max_age_minutes": beat * self.uniform(1.0, 4.0),
        }

    # ------------------------------------------------------------------------------------ shocks

    def shocks(self) -> list[dict[str, Any]]:
        makers: list[Callable[[], dict[str, Any]]] = [
            self.depeg, self.crash, self.squeeze, self.decoupling, self.convergence, self.depth_cut,
            self.gas_spike, self.freeze, self.outlier, self.run,
        ]  # fmt: skip
        chosen = self.rng.choice(len(makers), size=self.rng.integers(1, 6), replace=False)
        return [makers[index]() for index in sorted(chosen)]

    def window(self) -> dict[str, float]:
        return {
            "at_hours": self.uniform(0.0, 0.8) * self.hours,
            "duration_hours": max(self.uniform(0.05, 0.5) * self.hours, self.step_minutes / 30),
        }

    def move(self) -> dict[str, Any]:
        return {
            "assets": list(self.rng.permutation([_BASE, *_HEDGES])[: self.rng.integers(1, 5)]),
            "at_hours": self.uniform(0.0, 0.8) * self.hours,
            "ramp_hours": self.uniform(0.0, 0.2) * self.hours,
            "hold_hours": self.uniform(0.0, 0.3) * self.hours,
            "recovery_hours": self.uniform(0.0, 0.3) * self.hours if self.maybe(0.5) else None,
        }

    def depeg(self) -> dict[str, Any]:
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

    def crash(self) -> dict[str, Any]:
        return {"kind": "crash", "size": self.uniform(-0.7, -0.05), **self.move()}

    def squeeze(self) -> dict[str, Any]:
        return {"kind": "squeeze", "size": self.uniform(0.05, 1.5), **self.move()}

    def decoupling(self) -> dict[str, Any]:
        # Zero is the one correlation that keeps any positive semi-definite matrix so.
        return {
            "kind": "decoupling",
            "asset": _BASE,
            "correlation": 0.0,
            "volatility_multiple": self.uniform(0.5, 4.0),
            **self.window(),
        }

    def convergence(self) -> dict[str, Any]:
        return {
            "kind": "convergence",
            "correlation": self.uniform(0.8, 1.0),
            "volatility_multiple": self.uniform(0.5, 3.0),
            **self.window(),
        }

    def depth_cut(self) -> dict[str, Any]:
        venue = str(self.rng.choice(["pool", "perp", "both"]))
        factor = self.uniform(0.05, 1.0)
        return {"kind": "depth_cut", "venue": venue, "factor": factor, **self.window()}

    def gas_spike(self) -> dict[str, Any]:
        return {"kind": "gas_spike", "factor": self.log_uniform(1, 100), **self.window()}

    def freeze(self) -> dict[str, Any]:
        names = self.rng.permutation(["USDC", _BASE, *_HEDGES])[: self.rng.integers(1, 4)]
        return {
            "kind": "oracle_freeze",
            "assets": list(names),
            "reporters": int(self.rng.integers(1, self.reporters + 1)),
            **self.window(),
        }

    def outlier(self) -> dict[str, Any]:
        return {
            "kind": "oracle_outlier",
            "asset": str(self.rng.choice([_BASE, *_HEDGES])),
            "factor": self.log_uniform(0.5, 2.0),
            "reporters": int(self.rng.integers(1, self.reporters + 1)),
            "at_hours": self.uniform(0.1, 0.9) * self.hours,
        }

    def run(self) -> dict[str, Any]:
        return {"kind": "withdrawal_run", "fraction": self.uniform(0.05, 1.0), **self.window()}

    # ---------------------------------------------------------------------------------- protocol

    def pool(self) -> dict[str, Any]:
        background: list[dict[str, Any]] = [{"value_usd": self.log_uniform(1e6, 1e8)}]
        background += (
            {
                "value_usd": self.log_uniform(1e5, 5e7),
                "half_width_percent": self.log_uniform(5, 400),
            }
            for _ in range(self.rng.integers(0, 3))
        )
        fee = int(self.rng.choice(sorted(TICK_SPACING)))
        return {"base": _BASE, "fee_ppm": fee, "background": background}

    def clearing(self) -> dict[str, Any]:
        penalty, usdc_haircut = self.uniform(0.0, 0.03), self.uniform(0.0, 0.05)
        spread, multiple = self.uniform(0.0, 0.002), self.uniform(1.2, 4.0)
        floor = self.uniform(0.2, 1.0)
        least_rate = 1.5 * (spread + penalty + 0.001) / (multiple * floor)
        # What selling collateral to a liquidator may cost: SPEC §3.1.
        least_haircut = 1 - (1 - penalty) * (1 - usdc_haircut) + 0.01
        basket = {
            name: {"haircut": self.uniform(least_haircut, 0.5), "cap": 1e9}
            for name in (_BASE, *_HEDGES)
            if name == _BASE or self.maybe(0.4)
        }
        scale = {name: self.log_uniform(2e7, 1e9) for name in self.markets}
        return {
            "margin": self.margin,
            "initial_multiple": multiple,
            "liquidation_penalty": penalty,
            "liquidator_share": self.uniform(0.0, 1.0),
            "profit_cap": self.uniform(0.0, 1.0),
            "gross_floor": floor,
            "risk_multiple": self.uniform(2.0, 10.0),
            "withdrawal_gate_hours": self.uniform(0.0, 24.0),
            "lp_haircut": self.uniform(least_haircut, 0.5),
            "maker_funds": self.log_uniform(1e6, 1e8),
            "insurance_funds": self.log_uniform(1e2, 1e6) if self.maybe(0.8) else 0.0,
            "collaterals": {"USDC": {"haircut": usdc_haircut, "cap": 1e9}, **basket},
            "markets": {
                name: {
                    "skew_scale_usd": scale[name],
                    "half_spread": spread,
                    "taker_fee": self.uniform(0.0, 0.002),
                    "max_funding_velocity": self.uniform(0.0, 5.0),
                    "max_skew_usd": scale[name] * self.uniform(0.02, 0.3),
                    "max_open_interest_usd": scale[name] * self.uniform(0.05, 1.0),
                    "insurance_cap": self.log_uniform(1e2, 1e6),
                    "maker_loss_cap": self.log_uniform(1e2, 1e6),
                    "maintenance_rate": min(least_rate + self.uniform(0.0, 0.06), 0.9),
                }
                for name in self.markets
            },
        }

    def vault(self, deviation: float) -> dict[str, Any]:
        lp = self.uniform(0.2, 0.85)
        deleverage = self.uniform(1.3, 3.0)
        top_up = deleverage * self.uniform(1.1, 1.8)
        # At least initial_multiple, which is 4 at most.
        target = max(top_up * self.uniform(1.1, 1.8), 4.1)
        return {
            "range_half_width_percent": self.log_uniform(5, 300),
            "recenter_threshold": self.uniform(0.3, 1.2),
            "lp_allocation": lp,
            "margin_allocation": self.uniform(0.1, 1.0 - lp),
            "hedge_band": self.log_uniform(0.001, 0.1),
            "max_slippage": self.log_uniform(0.002, 0.1),
            "margin_target": target,
            "top_up_ratio": top_up,
            "deleverage_ratio": deleverage,
            "keeper_reward": self.uniform(0.0, 20.0),
            "keeper_share": self.log_uniform(1e-5, 1e-2),
            "entry_fee": deviation + self.uniform(0.0, 0.01),
            "exit_fee": deviation + self.uniform(0.0, 0.01),
            "management_fee": self.uniform(0.0, 0.05),
            "performance_fee": self.uniform(0.0, 0.3),
            "deposit_cap": self.log_uniform(3e6, 1e9),
            "pledged": self.maybe(0.5) if self.margin != "isolated" else False,
        }

    def agents(self) -> dict[str, Any]:
        base = 1.0 / self.price[_BASE]
        return {
            "depositor": {
                "usdc": 1e7,
                "initial_deposit": self.log_uniform(1e5, 3e6),
                "flow_per_day": self.uniform(0.0, 0.3),
                "flows_per_day": self.uniform(0.5, 6.0),
            },
            "noise_trader": {
                "usdc": 2e7,
                "base": 1e7 * base,
                "margin": {"USDC": self.log_uniform(1e5, 5e6), _BASE: 1e5 * base},
                "swap_usd_per_hour": self.log_uniform(1e3, 1e6),
                "trade_usd_per_hour": self.log_uniform(1e3, 1e6),
            },
            "amm_arbitrageur": {"usdc": 2e8, "base": 1e8 * base},
            "perp_arbitrageur": {
                "usdc": 1e7,
                "margin": {"USDC": self.log_uniform(1e5, 5e6)},
                "maximum_inventory_usd": self.log_uniform(1e5, 2e7),
                "entry_basis": self.log_uniform(1e-4, 1e-2),
            },
            "risk_manager": {
                "window_hours": self.hours / 5,
                "every_hours": self.hours / 10,
                "estimator": str(self.rng.choice(["rolling", "fixed"])),
            },
            "liquidator": {"margin": {"USDC": self.log_uniform(1e4, 1e6)}},
            "keeper": {},
        }
