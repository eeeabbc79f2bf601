"""Exact attribution of the vault's NAV: where every dollar came from and went, path by path.

The vault's holdings are read at the end of each step and around the vault's own operations. Between
two readings with no operation of the vault in between (a *gap*), holdings can change only through
the pool (amounts of the position, fees), the prices and the funding index, and the change of NAV
splits exactly, with ``b``/``a`` before/after and x, u the base asset and USDC::

    lp delta               (idle + lp + fees)_x,b · ΔP_x
    collateral revaluation (all USDC, perp margin and PnL included)_b · ΔP_u + Σ q_c,b · ΔP_c
    lp convexity           Δlp_x · P_x,a + Δlp_u · P_u,a   = ΔV − lp_x,b · ΔP_x − lp_u,b · ΔP_u
    lp fees                Δfees_x · P_x,a + Δfees_u · P_u,a
    hedge on target        −D · Σ β_m · ΔI_m / I_m,b,  D = (idle + lp + fees)_x,b · P_x,b
    hedge off target       Σ s_m · ΔI_m · P_u,a − Σ d · ΔP_d − hedge on target
    funding                −Σ s · ΔF · P_u,a            (and interest on Aave, see lending.py)
    loss sharing           −Σ |s| · Δℓ · P_u,a          (losses of others, socialised)

β are the betas posted when the prices moved, d debts on Aave. LP delta and hedge on target together
are D · (r_x − Σ β_m r_m): the *basis*, how far the assets came apart; of one asset hedged with
itself at β = 1 it is nothing. Off target is what the hedge gained and lost by being another than D
and β ask for: refused, inside its band, behind the position's gamma, or paid in a USDC off its
dollar.

Across the vault's own operations (and liquidations of its accounts) prices stand still: the change
of the value of the holdings is deposits and redemptions (flows, no PnL), keeper rewards, penalty,
debt written off (absorbed by others), fees, spread and premium of what was traded (costs.py), and
the rest is the pools' price impact: what they gave beside the oracle's price, fees apart, and what
the position is worth more or less for being minted and burnt at the pool's price (NAV counts it at
the oracle's). An exit in kind is a flow of its part of NAV. Where the liquidation of another
account closes positions of the vault against it (auto-deleveraging), or the vault's own account is
closed bankrupt, that rest is loss sharing. Management and performance fees are new shares: they
move no dollar of NAV. Nor do entry and exit fees: they are in the flows, and the gain of those who
stay (entries.py).

The sum is checked against the NAV the world itself reports (floored at zero, as on chain), which is
never used to split anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.results import kernels as k
from simulator.results.buckets import BUCKETS
from simulator.results.costs import TradingCosts
from simulator.results.operations import LIQUIDATIONS, on_vault
from simulator.results.readings import Readings
from simulator.types import SimulatorError, Status
from simulator.world.actions import (
    KEEPER_FUNCTIONS,
    Deposit,
    Liquidate,
    LiquidateLoan,
    LiquidatePledge,
    Redeem,
    RedeemInKind,
    SettleWithdrawals,
)

if TYPE_CHECKING:
    from simulator.agents.base import Agent
    from simulator.types import Booleans, Floats
    from simulator.world.actions import Action, Fill
    from simulator.world.base import World

#: Largest residual allowed, as a fraction of the path's largest NAV.
TOLERANCE = 1e-9

_BUCKET = {name: row for row, name in enumerate(BUCKETS)}  # the first rows are named in kernels.py


class AttributionError(SimulatorError, AssertionError):
    """The buckets do not add up to the change of NAV: a bug in a world or in the attribution."""


@dataclass(frozen=True)
class _Standing:
    """What is compared before and after a liquidation or an exit in kind."""

    nav: Floats  # [P] USD, where the action was asked for
    bad_debt: Floats  # [P] USDC
    value: Floats  # [N, P] USD, of every account
    size: Floats  # [1 + M, M, P] the vault's positions


class Attribution:
    """Observer that splits ΔNAV into the terms of :data:`~simulator.results.buckets.BUCKETS`.

    Attributes:
        buckets: ``[buckets, paths]`` USD, cumulative.
        flows: ``[paths]`` USD deposited minus redeemed, cumulative.
        residual: ``[paths]`` USD, largest |NAV − first NAV − flows − Σ buckets| after any step.
        largest_nav: ``[paths]`` USD, largest |NAV| at the end of any step.
        deleveraged: ``[paths]`` USD, notional of the vault closed by auto-deleveraging, cumulative.
    """

    def __init__(self, world: World) -> None:
        self._market = world.market
        self._protocol = world.protocol
        paths = world.market.paths
        self._readings = Readings(world)
        self.buckets = np.zeros((len(BUCKETS), paths))
        self.flows = np.zeros(paths)
        self.residual = np.zeros(paths)
        self.largest_nav = np.zeros(paths)
        self.deleveraged = np.zeros(paths)
        self._explicit = np.zeros(paths)  # of the open run of operations, already in a bucket
        # Paths between the first of a run of vault operations and what follows the last of it.
        self._operating = np.zeros(paths, np.bool_)
        self._everywhere = np.ones(paths, np.bool_)
        self._costs = TradingCosts(world, self.buckets, self._explicit)
        self._last: Floats = np.empty((0, paths))  # the reading each path was last settled with
        # The latest reading of this step, and where something was done since.
        self._reading: Floats | None = None
        self._changed = np.zeros(paths, np.bool_)

    def bucket(self, name: str) -> Floats:
        """Cumulative USD ``[paths]`` of one bucket; a view, valid until the run goes on."""
        return self.buckets[_BUCKET[name]]

    def leg(self, names: tuple[str, ...]) -> Floats:
        """Cumulative USD ``[paths]`` of several buckets together."""
        total = self.bucket(names[0]).copy()
        for name in names[1:]:
            total += self.bucket(name)
        return total

    # ------------------------------------------------------------------------------ observer

    def advanced(self, step: int, world: World) -> None:
        """Forget the readings of the step before; take the very first."""
        self._reading = None
        state, prices = world.observe(), self._market.oracle_price
        if step > 0:
            k.follow_target(
                self._last,
                state.betas,
                prices[:, step - 1],
                prices[:, step],
                self._readings.perps,
                self.buckets,
            )
        self._readings.advance(self._last, state)
        if step == 0:
            self._readings.note_collateral(state)
            self._last = self._readings.read(state, step)
            self._first_nav = np.array(state.nav)

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None:
        """Open or close a run of vault operations on the paths that ask for the action."""
        own = on_vault(action, self._protocol)
        if own:
            self._costs.acting(world, action)
        if isinstance(action, Deposit):
            return  # it moves idle USDC and nothing else, which no gap counts
        if isinstance(action, (*LIQUIDATIONS, LiquidateLoan, RedeemInKind)):
            # What these do is told from the reading before, so it must be of this moment.
            self._settle(world, step, action.asked())
            self._before = self._standing(world)
        elif not own and not self._operating.any():
            return
        chosen = action.asked() & (self._operating != own)
        if chosen.any():
            self._settle(world, step, chosen)
            if own:
                self._operating |= chosen

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
        """Book what a vault operation moved for a named reason."""
        done = fill.status == Status.OK
        if self._reading is not None:
            self._changed |= done
        if not done.any():
            return
        own = on_vault(action, self._protocol)
        if not own:
            if isinstance(action, Liquidate):
                self._share_loss(world, step, self._taken(world, step, done))
            return
        price = self._market.oracle_price[0, step]
        traded = done
        if isinstance(action, Liquidate):  # a bankrupt's close is shared among others as a whole
            traded = done & (self._before.value[action.account] >= 0.0)
        self._costs.acted(world, step, action, fill, traded)
        if isinstance(action, KEEPER_FUNCTIONS):
            self._book("rewards", -fill.amount_out * price, done)
        elif isinstance(action, Deposit):
            self._flow(fill.amount_in * price, done)
        elif isinstance(action, Redeem | SettleWithdrawals):
            self._flow(-fill.amount_out * price, done)
        elif isinstance(action, RedeemInKind):
            self._flow(-fill.amount_out * self._before.nav, done)
        else:
            self._liquidated(world, step, action, fill, done)

    def _liquidated(
        self, world: World, step: int, action: Action, fill: Fill, done: Booleans
    ) -> None:
        """Book the liquidation of one of the vault's own accounts."""
        price = self._market.oracle_price[0, step]
        self._readings.note_collateral(world.observe())
        if isinstance(action, Liquidate):
            self._book("liquidation_penalty", -fill.amount_out * price, done)
        elif isinstance(action, LiquidatePledge):
            rate = self._protocol.clearing.liquidation_penalty
            self._book("liquidation_penalty", -fill.amount_in * price * rate / (1.0 - rate), done)
        elif isinstance(action, LiquidateLoan) and self._protocol.aave is not None:
            asset = self._protocol.aave.legs[action.leg].reserve.asset
            repaid = fill.amount_in * self._market.oracle_price[asset, step]
            self._book("liquidation_penalty", repaid - fill.amount_out * price, done)
        written_off = world.observe().bad_debt - self._before.bad_debt
        self._book("written_off", written_off * price, done)
        if isinstance(action, Liquidate):
            self._share_loss(world, step, done & (self._before.value[action.account] < 0.0))

    def _taken(self, world: World, step: int, done: Booleans) -> Booleans:
        """Paths on which another's liquidation closed positions of the vault; counts them."""
        change = np.abs(world.observe().size[: self._before.size.shape[0]] - self._before.size)
        price = self._market.oracle_price[self._readings.perps, step]
        self.deleveraged += np.where(done, (change * price).sum(axis=(0, 1)), 0.0)
        return done & (change > 0.0).any(axis=(0, 1))

    def _share_loss(self, world: World, step: int, chosen: Booleans) -> None:
        """Book all that is not yet explained on the chosen paths as loss sharing."""
        if not chosen.any():
            return
        self._reading = self._readings.read(world.observe(), step)
        self._changed[:] = False
        k.end_run(
            self._last,
            self._reading,
            chosen,
            self._operating,
            self._explicit,
            k.LOSS_SHARING,
            self.buckets,
        )

    def _standing(self, world: World) -> _Standing:
        state, own = world.observe(), 1 + self._protocol.markets
        nav = np.empty(self.flows.size)
        k.values(self._last, nav)
        return _Standing(
            nav, np.array(state.bad_debt), np.array(state.account_value), np.array(state.size[:own])
        )

    def stepped(self, step: int, world: World) -> None:
        """Explain the step and check that nothing is left over."""
        state = world.observe()
        self._settle(world, step, self._everywhere)
        explained = self._first_nav + self.flows
        for row in self.buckets:
            explained += row
        np.maximum(self.largest_nav, np.abs(explained), out=self.largest_nav)
        left = np.maximum(explained, 0.0)
        left -= state.nav
        np.maximum(self.residual, np.abs(left), out=self.residual)

    def check(self) -> None:
        """Raise :class:`AttributionError` naming the path when a residual exceeds the tolerance."""
        excess = self.residual - TOLERANCE * self.largest_nav
        # `not <=`: a NaN must not pass.
        bad = np.flatnonzero(~(excess <= 0))
        if bad.size:
            worst = bad[np.argmax(np.nan_to_num(excess[bad], nan=np.inf))]
            raise AttributionError(
                f"path {self._market.first_path + worst}: {self.residual[worst]:.6g} USD of the "
                f"change of NAV is unexplained, allowed {TOLERANCE:g} of "
                f"{self.largest_nav[worst]:.6g} ({bad.size} of {excess.size} paths affected)"
            )

    def _settle(self, world: World, step: int, chosen: Booleans) -> None:
        """Explain what changed on the chosen paths since they were last settled."""
        if self._reading is None or (chosen & self._changed).any():
            self._reading = self._readings.read(world.observe(), step)
            self._changed[:] = False
        now = self._reading
        k.settle(self._last, now, chosen, self._operating, self._explicit, self.buckets)

    def _book(self, name: str, usd: Floats, where: Booleans) -> None:
        moved = np.where(where, usd, 0.0)
        self.buckets[_BUCKET[name]] += moved
        self._explicit += moved

    def _flow(self, usd: Floats, where: Booleans) -> None:
        moved = np.where(where, usd, 0.0)
        self.flows += moved
        self._explicit += np.where(self._operating, moved, 0.0)
