"""A random scenario whole: the protocol and its agents over a random market."""

from __future__ import annotations

from typing import Any

from simulator.config.random.market import BASE, HEDGES, RandomMarket
from simulator.protocol.pool import TICK_SPACING


class RandomScenario(RandomMarket):
    """All of a configuration, as :func:`~simulator.config.from_mapping` takes it."""

    def mapping(self, seed: int, number: int) -> dict[str, Any]:
        """The configuration; number and seed name it."""
        deviation = self.uniform(0.001, 0.01)
        return {
            "name": f"random-{seed}-{number}",
            "description": "drawn by hedgesim verify --random",
            "seed": int(self.rng.integers(2**31)),
            "paths": 1,
            "horizon_hours": self.hours,
            "step_minutes": self.step_minutes,
            "assets": self._assets(),
            "correlation": self._correlation(),
            "common_jumps": self._common_jumps() if self.maybe(0.5) else None,
            "shocks": self._shocks(),
            "gas": {"gwei": self.log_uniform(0.01, 50), "native_asset": self.markets[0]},
            "oracle": self._oracle(deviation),
            "pool": self._pool(),
            "clearing": self._clearing(),
            "vault": self._vault(deviation),
            **self._agents_and_flow(),
        }

    def _pool(self) -> dict[str, Any]:
        background: list[dict[str, Any]] = [{"value_usd": self.log_uniform(1e6, 1e8)}]
        background += (
            {
                "value_usd": self.log_uniform(1e5, 5e7),
                "half_width_percent": self.log_uniform(5, 400),
            }
            for _ in range(self.rng.integers(0, 3))
        )
        fee = int(self.rng.choice(sorted(TICK_SPACING)))
        return {"base": BASE, "fee_ppm": fee, "background": background}

    def _clearing(self) -> dict[str, Any]:
        penalty, usdc_haircut = self.uniform(0.0, 0.03), self.uniform(0.0, 0.05)
        spread, multiple = self.uniform(0.0, 0.002), self.uniform(1.2, 4.0)
        floor = self.uniform(0.2, 1.0)
        least_rate = 1.5 * (spread + penalty + 0.001) / (multiple * floor)
        # What selling collateral to a liquidator may cost: SPEC §3.1.
        least_haircut = 1 - (1 - penalty) * (1 - usdc_haircut) + 0.01
        basket = {
            name: {"haircut": self.uniform(least_haircut, 0.5), "cap": 1e9}
            for name in (BASE, *HEDGES)
            if name == BASE or self.maybe(0.4)
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

    def _vault(self, deviation: float) -> dict[str, Any]:
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
            # A hedge pays half the spread, which follows the deviation.
            "max_slippage": max(self.log_uniform(0.002, 0.1), deviation),
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

    def _agents_and_flow(self) -> dict[str, Any]:
        base = 1.0 / self.price[BASE]
        depositor = {"usdc": 1e7, "initial_deposit": self.log_uniform(1e5, 3e6)}
        deposits = {
            "flow_per_day": self.uniform(0.0, 0.3),
            "flows_per_day": self.uniform(0.5, 6.0),
        }
        noise_trader = {
            "usdc": 2e7,
            "base": 1e7 * base,
            "margin": {"USDC": self.log_uniform(1e5, 5e6), BASE: 1e5 * base},
        }
        orders = {
            "swap_usd_per_hour": self.log_uniform(1e3, 1e6),
            "trade_usd_per_hour": self.log_uniform(1e3, 1e6),
        }
        agents = {
            "depositor": depositor,
            "noise_trader": noise_trader,
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
        return {"agents": agents, "flow": {"orders": orders, "deposits": deposits}}
