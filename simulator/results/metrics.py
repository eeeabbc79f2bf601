"""What is known of a path when it is over: accumulated step by step, no series kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.results.buckets import BUCKETS, HEDGE_LEG, LP_LEG, SUMS
from simulator.results.capital import CapitalUse
from simulator.results.correlation import realised_hedge
from simulator.results.holdings import margin_ratio, vault_sizes
from simulator.results.kernels import add_turnover, count_fill
from simulator.results.operations import KEEPER_FUNCTIONS, on_vault
from simulator.results.registry import path_columns
from simulator.types import Status
from simulator.world.actions import (
    Deleverage,
    Liquidate,
    LiquidateLoan,
    LiquidatePledge,
    PostBetas,
    Rebalance,
    Recenter,
    RedeemInKind,
    SettleWithdrawals,
    TopUp,
)
from simulator.world.gas import GAS_UNITS

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from simulator.agents.base import Agent
    from simulator.books.keeper import Books
    from simulator.results.attribution import Attribution
    from simulator.results.upkeep import Upkeep
    from simulator.types import Floats
    from simulator.world.actions import Action, Fill
    from simulator.world.base import Observation, World

#: Column of the number of times each vault function went through.
_COUNTED: dict[type[Action], str] = {
    Rebalance: "rebalances",
    Recenter: "recenters",
    TopUp: "top_ups",
    Deleverage: "deleverages",
    Liquidate: "liquidations",
    LiquidatePledge: "pledge_liquidations",
    LiquidateLoan: "loan_liquidations",
    SettleWithdrawals: "settlements",
    RedeemInKind: "exits_in_kind",
}
_LIQUIDATED = ("liquidations", "pledge_liquidations", "loan_liquidations")
_UPKEEP = (*KEEPER_FUNCTIONS, PostBetas)
_REFUSALS = tuple(status for status in Status if status > Status.OK)


def _refused(status: Status) -> str:
    return f"refused_{status.name.lower()}"


class SharePrice:
    """What one vault share is worth in USD, per path (:mod:`simulator.books.share_price`).

    Attributes:
        first: ``[paths]`` price paid by the first depositor; NaN before there is one.
        now: ``[paths]`` price now; NaN before there is a share.
    """

    def __init__(self, books: Books) -> None:
        self.first: Floats = books.view.share_price.first
        self.now: Floats = books.view.share_price.now

    def relative(self) -> Floats:
        """Price now over the first price; 1 before there is a share."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = self.now / self.first
        return np.where(np.isnan(ratio), 1.0, ratio)


class PathMetrics:
    """Observer that accumulates the per-path metrics; :meth:`frame` gives them.

    Reads ``attribution`` and ``price`` at the end of each step, so they come before it in the list.
    """

    def __init__(
        self,
        world: World,
        attribution: Attribution,
        price: SharePrice,
        upkeep: Upkeep,
        books: Books,
    ) -> None:
        paths, protocol = world.market.paths, world.protocol
        self._protocol, self._market = protocol, world.market
        self._attribution, self._price = attribution, price
        self._latency, self._fees = books.view.latency, books.view.entries
        self._maintenance = upkeep
        self._accounts = range(1 + protocol.markets) if protocol.vault.isolated else range(1)
        self._perps = np.array([m.asset for m in protocol.clearing.markets])
        self._peak = np.ones(paths)
        self._drawdown = np.zeros(paths)
        self._ratio = np.full(paths, np.inf)
        self._turnover, self._gas, self._upkeep = np.zeros(paths), np.zeros(paths), np.zeros(paths)
        self._upkeep_units, self._other_units = np.zeros(paths), np.zeros(paths)  # of this step
        self._counts = {name: np.zeros(paths, np.int64) for name in _COUNTED.values()}
        self._refused = np.zeros((len(Status), paths), np.int64)
        self._betas = np.zeros((protocol.markets, paths))
        # First and second moments of the change per step of the LP leg and of both legs together.
        self._lp, self._both = np.zeros(paths), np.zeros(paths)
        self._moments = np.zeros((4, paths))
        self._steps = 0
        self._capital = CapitalUse(protocol, self._accounts, paths)

    def advanced(self, step: int, world: World) -> None:
        """Margin is thinnest after prices moved and before anybody could act."""
        self._watch_margin(world.observe())

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None:
        """Remember the perps of the vault before an operation on it."""
        if on_vault(action, self._protocol):
            self._sizes = np.array(vault_sizes(world.observe(), self._protocol))

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
        """Count what was done and refused, and what it cost in gas: refusals pay too."""
        kind = type(action)
        units = self._upkeep_units if isinstance(action, _UPKEEP) else self._other_units
        done = count_fill(fill.status, GAS_UNITS[kind], units, self._refused, Status.OK.value)
        if on_vault(action, self._protocol) and done:
            if kind in _COUNTED:
                self._counts[_COUNTED[kind]] += fill.status == Status.OK
            sizes = vault_sizes(world.observe(), self._protocol)
            price = self._market.oracle_price[:, step]
            add_turnover(self._sizes, sizes, price, self._perps, self._turnover)

    def stepped(self, step: int, world: World) -> None:
        """Gas, drawdown, margin, betas and the moments of both legs."""
        state = world.observe()
        gas_usd = self._market.gas_usd[step]
        self._upkeep += self._upkeep_units * gas_usd
        self._gas += (self._upkeep_units + self._other_units) * gas_usd
        self._upkeep_units[:] = self._other_units[:] = 0.0
        self._watch_margin(state)
        self._capital.add(state, self._market.oracle_price[:, step])
        price = self._price.relative()
        np.maximum(self._peak, price, out=self._peak)
        np.maximum(self._drawdown, 1.0 - price / self._peak, out=self._drawdown)
        self._betas += state.betas
        lp = self._attribution.leg(LP_LEG)
        both = lp + self._attribution.leg(HEDGE_LEG)
        if step > 0:
            alone, hedged = lp - self._lp, both - self._both
            self._moments[0] += alone
            self._moments[1] += alone * alone
            self._moments[2] += hedged
            self._moments[3] += hedged * hedged
            self._steps += 1
        self._lp, self._both = lp, both

    def _watch_margin(self, state: Observation) -> None:
        np.fmin(self._ratio, margin_ratio(state, self._accounts), out=self._ratio)

    # ------------------------------------------------------------------------------ result

    def mean_betas(self) -> Floats:
        """Posted betas averaged over all steps, ``[markets, paths]``."""
        return self._betas / (self._market.steps + 1)

    def _effectiveness(self) -> Floats:
        """1 − Var(hedged)/Var(unhedged) of the change per step (Ederington 1979)."""
        n = max(self._steps, 1)
        alone = self._moments[1] / n - (self._moments[0] / n) ** 2
        hedged = self._moments[3] / n - (self._moments[2] / n) ** 2
        out = np.full(alone.shape, np.nan)
        np.divide(hedged, alone, out=out, where=alone > 0.0)
        return 1.0 - out

    def frame(self, state: Observation, weights: Floats | float = 1.0) -> pd.DataFrame:
        """One row per path; columns: :func:`~simulator.results.registry.path_columns`.

        ``state`` is the final one; ``weights`` ``[paths]`` are those of importance sampling.
        """
        import pandas as pd

        attribution, worth = self._attribution, self._price.relative()
        columns: dict[str, NDArray[Any] | float] = {
            "path": self._market.first_path + np.arange(self._market.paths),
            "weight": weights,
            "return": worth - 1.0,
            "return_from_fees": worth * (1.0 - 1.0 / self._fees.growth),
            "flows": attribution.flows,
            "final_nav": state.nav,
            "max_drawdown": self._drawdown,
            "min_margin_ratio": np.where(np.isfinite(self._ratio), self._ratio, np.nan),
            "capital_efficiency": self._capital.efficiency(),
            "margin_to_nav": self._capital.share_of_nav(),
            "liquidated": np.any([self._counts[name] > 0 for name in _LIQUIDATED], axis=0),
            "bad_debt": state.bad_debt,
            "adl_notional": attribution.deleveraged,
            "vault_fees": _worth_of_fees(state),
            "queued": state.queued_shares,
            "latency_profit": self._latency.usd,
            "fees_kept": self._fees.usd,
            "turnover": self._turnover,
            "gas": self._gas,
            "upkeep_gas": self._upkeep,
            "hedge_effectiveness": self._effectiveness(),
            "residual": attribution.residual,
            "largest_nav": attribution.largest_nav,
        }
        posted = self.mean_betas()
        realised = realised_hedge(self._market, self._protocol, posted)
        columns["realised_correlation"] = realised.correlation
        for m, parameters in enumerate(self._protocol.clearing.markets):
            symbol = self._protocol.assets[parameters.asset].symbol
            columns[f"posted_beta_{symbol}"] = posted[m]
            columns[f"realised_beta_{symbol}"] = realised.betas[m]
        columns |= self._counts | self._maintenance.columns()
        columns |= {name: attribution.leg(terms) for name, terms in SUMS.items()}
        columns |= {name: attribution.bucket(name) for name in BUCKETS}
        columns |= {_refused(status): self._refused[status] for status in _REFUSALS}
        return pd.DataFrame({name: columns[name] for name in path_columns(self._protocol)})


def _worth_of_fees(state: Observation) -> Floats:
    """USD of the fee receiver's shares, ``[paths]``."""
    out = np.zeros_like(state.nav)
    return np.divide(state.fee_shares * state.nav, state.shares, out=out, where=state.shares > 0.0)
