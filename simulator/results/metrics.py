"""What is known of a path when it is over: accumulated step by step, no series kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.protocol.action_spec import Role
from simulator.protocol.statuses import REFUSALS
from simulator.results.buckets import BUCKETS, HEDGE_LEG, LP_LEG, SUMS
from simulator.results.capital_watch import CapitalWatch
from simulator.results.correlation import realised_hedge
from simulator.results.holdings import margin_ratio, vault_sizes
from simulator.results.kernels import add_turnover, count_fill
from simulator.results.operations import on_vault
from simulator.results.registry import path_columns
from simulator.types import Status
from simulator.world.actions import COUNTED, KEEPER_FUNCTIONS, Deposit, PostBetas
from simulator.world.gas import GAS_UNITS

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from simulator.agents.base import Agent
    from simulator.results.attribution import Attribution
    from simulator.results.entries import FeesKept
    from simulator.results.latency import LatencyProfit
    from simulator.results.upkeep import Upkeep
    from simulator.results.upkeep_watch import UpkeepWatch
    from simulator.types import Floats
    from simulator.world.actions import Action, Fill
    from simulator.world.base import Observation, World

_LIQUIDATED = tuple(
    column for kind, column in COUNTED.items() if kind.spec.role is Role.LIQUIDATION
)
_UPKEEP = (*KEEPER_FUNCTIONS, PostBetas)


def _refused(status: Status) -> str:
    return f"refused_{status.label}"


class SharePrice:
    """Observer of what one vault share is worth in USD, per path.

    The price paid by the first depositor stands at the start, entry fee included. A share is worth
    nothing when NAV is negative (nobody owes the vault), and keeps its last price when all are
    redeemed.

    Attributes:
        first: ``[paths]`` price paid by the first depositor; NaN before there is one.
        now: ``[paths]`` price now; NaN before there is a share.
    """

    def __init__(self, world: World) -> None:
        self.first = np.full(world.market.paths, np.nan)
        self.now = np.full(world.market.paths, np.nan)

    def advanced(self, step: int, world: World) -> None:
        """Price of shares that exist before anybody acts."""
        if step == 0:
            state = world.observe()
            self._update(state)
            self.first[:] = self.now

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None:
        """Nothing to note."""

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
        """Note what the first depositor paid."""
        if isinstance(action, Deposit):
            new = (fill.status == Status.OK) & np.isnan(self.first)
            if new.any():
                paid = fill.amount_in[new] * world.market.oracle_price[0, step, new]
                self.first[new] = paid / fill.amount_out[new]

    def stepped(self, step: int, world: World) -> None:
        """Price at the end of the step."""
        self._update(world.observe())

    def _update(self, state: Observation) -> None:
        np.divide(np.maximum(state.nav, 0.0), state.shares, out=self.now, where=state.shares > 0.0)

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
        upkeep: Upkeep | UpkeepWatch,
        latency: LatencyProfit | None = None,
        fees: FeesKept | None = None,
    ) -> None:
        paths, protocol = world.market.paths, world.protocol
        self._protocol, self._market = protocol, world.market
        self._attribution, self._price, self._latency = attribution, price, latency
        self._fees = fees
        self._maintenance = upkeep
        self._accounts = range(1 + protocol.markets) if protocol.vault.isolated else range(1)
        self._perps = np.array([m.asset for m in protocol.clearing.markets])
        self._peak = np.ones(paths)
        self._drawdown = np.zeros(paths)
        self._ratio = np.full(paths, np.inf)
        self._turnover, self._gas, self._upkeep = np.zeros(paths), np.zeros(paths), np.zeros(paths)
        self._upkeep_units, self._other_units = np.zeros(paths), np.zeros(paths)  # of this step
        self._counts = {name: np.zeros(paths, np.int64) for name in COUNTED.values()}
        self._refused = np.zeros((len(Status), paths), np.int64)
        self._betas = np.zeros((protocol.markets, paths))
        # First and second moments of the change per step of the LP leg and of both legs together.
        self._lp, self._both = np.zeros(paths), np.zeros(paths)
        self._moments = np.zeros((4, paths))
        self._steps = 0
        self._capital = CapitalWatch(protocol, self._accounts, paths)

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
            if kind in COUNTED:
                self._counts[COUNTED[kind]] += fill.status == Status.OK
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

        attribution, nothing = self._attribution, np.zeros_like(state.nav)
        worth = self._price.relative()
        columns: dict[str, NDArray[Any] | float] = {
            "path": self._market.first_path + np.arange(self._market.paths),
            "weight": weights,
            "return": worth - 1.0,
            "return_from_fees": worth * (1.0 - 1.0 / self._fees.growth) if self._fees else nothing,
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
            "latency_profit": self._latency.usd if self._latency else nothing,
            "fees_kept": self._fees.usd if self._fees else nothing,
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
        columns |= {_refused(status): self._refused[status] for status in REFUSALS}
        return pd.DataFrame({name: columns[name] for name in path_columns(self._protocol)})


def _worth_of_fees(state: Observation) -> Floats:
    """USD of the fee receiver's shares, ``[paths]``."""
    out = np.zeros_like(state.nav)
    return np.divide(state.fee_shares * state.nav, state.shares, out=out, where=state.shares > 0.0)
