"""What a compiled ``do`` shows of the run and of the market: prices, gas, the flow drawn."""

from __future__ import annotations

from typing import Any

from simulator.agents.axes import GAS_COST, INDEX, NOISE_TRADE, ORACLE, OUTSIDE
from simulator.agents.do.kind import can, seen
from simulator.agents.do.within import a_kind, a_market, an_asset
from simulator.model.outside import moved_by as _moved_by


@seen
def step(do: Any) -> Any:
    """Of the run."""
    return int(do.w.now.step)


@seen
def seconds(do: Any) -> Any:
    """Since the start."""
    return do.w.now.clock


@seen
def account(do: Any) -> Any:
    """Its margin account; -1: none."""
    return do.w.tables.agent.account[do.agent]


@can
def index(do: Any, asset: int) -> Any:
    """Index price, USD."""
    return do.w.now.index[an_asset(do, INDEX, asset)]


@can
def oracle(do: Any, asset: int) -> Any:
    """Last oracle round, USD."""
    return do.w.now.price[an_asset(do, ORACLE, asset)]


@can
def moved_by(do: Any, asset: int, tokens: float) -> Any:
    """Factor on its index if so many more tokens were bought outside (< 0: sold)."""
    return _moved_by(do.w, an_asset(do, OUTSIDE, asset), tokens)


@can
def gas_cost(do: Any, kind: int) -> Any:
    """USD one action of a kind costs in gas now."""
    return do.w.tables.gas[a_kind(do, GAS_COST, kind)] * do.w.now.gas_usd


@seen
def noise_swap(do: Any) -> Any:
    """USD of uninformed flow in the pool; > 0 buys the base asset."""
    return do.w.now.noise_swap


@can
def noise_trade(do: Any, market: int) -> Any:
    """USD of uninformed flow on a market; > 0 buys."""
    return do.w.now.noise_trade[a_market(do, NOISE_TRADE, market)]


@seen
def deposit_flow(do: Any) -> Any:
    """Part of the opening deposit that comes, or (< 0) of the shares that leaves."""
    return do.w.now.deposit_flow
