"""The ``flow:`` section: what strangers want to trade, bring and take out, whoever does it."""

from __future__ import annotations

from pydantic import Field

from simulator.config.section import Section


class Orders(Section):
    """Uninformed orders, which the noise trader executes; log-normal sizes, persistent signs."""

    swap_usd_per_hour: float = Field(
        default=0.0, ge=0, le=1e12, description="mean volume in the pool, USD per hour"
    )
    trade_usd_per_hour: float = Field(
        default=0.0, ge=0, le=1e12, description="mean volume per perp market, USD per hour"
    )
    dispersion: float = Field(
        default=1.0, ge=0, le=4, description="standard deviation of the log size (pure number)"
    )
    persistence: float = Field(
        default=0.1,
        ge=-1,
        le=1,
        description="correlation of one order's sign with the next (pure number)",
    )


class Deposits(Section):
    """Deposits and withdrawals, which the depositor makes; mean zero, each of normal size."""

    flow_per_day: float = Field(
        default=0.0,
        ge=0,
        le=10,
        description="standard deviation of a day's net flow, fraction of "
        "agents.depositor.initial_deposit",
    )
    flows_per_day: float = Field(
        default=1.0, gt=0, le=1_000, description="mean number of flows per day"
    )


class Flow(Section):
    """Exogenous flow; a section left out: none."""

    orders: Orders = Field(default=Orders(), description="uninformed orders in pool and perps")
    deposits: Deposits = Field(default=Deposits(), description="into the vault and out of it")


#: Where settings went that were an agent's: old name → new name.
MOVED = {
    **{f"agents.noise_trader.{name}": f"flow.orders.{name}" for name in Orders.model_fields},
    **{f"agents.depositor.{name}": f"flow.deposits.{name}" for name in Deposits.model_fields},
}
