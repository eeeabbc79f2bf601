"""Exact attribution of the vault's NAV: where every dollar came from and went, path by path.

The vault's holdings are read at the end of each step and around the vault's own operations. Between
two readings with no operation of the vault in between (a *gap*), holdings can change only through
the pool (amounts of the position, fees), the prices, the skew and the funding index, and the change
of NAV splits exactly, with ``b``/``a`` before/after and x, u the base asset and USDC::

    lp delta               (idle + lp + fees)_x,b · ΔP_x
    collateral revaluation (all USDC, perp margin and PnL included)_b · ΔP_u + Σ q_c,b · ΔP_c
    lp convexity           Δlp_x · P_x,a + Δlp_u · P_u,a   = ΔV − lp_x,b · ΔP_x − lp_u,b · ΔP_u
    lp fees                Δfees_x · P_x,a + Δfees_u · P_u,a
    hedge price            Σ s · Δcloseout · P_u,a      (index, basis and the skew others leave)
    funding                −Σ s · ΔF · P_u,a

Across the vault's own operations (and liquidations of its accounts) prices stand still: the change
of the value of the holdings is deposits and redemptions (flows, no PnL), keeper rewards, penalty, debt written off (absorbed by others), and the rest is trading cost: fee, spread, impact.

The sum is checked against the NAV the world itself reports, which is never used to split anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.results.operations import KEEPER_FUNCTIONS, asked, on_vault
from simulator.types import SimulatorError, Status
from simulator.world.actions import Deposit, Liquidate, LiquidateCollateral, Redeem

if TYPE_CHECKING:
    from simulator.agents.base import Agent
    from simulator.types import Booleans, Floats
    from simulator.world.actions import Action, Fill
    from simulator.world.base import Observation, World

#: Buckets of the attribution, in the order they are shown.
BUCKETS = (
    "lp_delta",
    "lp_convexity",
    "lp_fees",
    "hedge_price",
    "funding",
    "trading_cost",
    "collateral_revaluation",
    "liquidation_penalty",
    "written_off",
    "rewards",
)
LP_LEG = ("lp_delta", "lp_convexity", "lp_fees")
HEDGE_LEG = ("hedge_price", "funding")
#: Largest residual allowed, as a fraction of the path's largest NAV.
TOLERANCE = 1e-9

_BUCKET = {name: row for row, name in enumerate(BUCKETS)}

# Rows of a reading; two rows for each collateral other than USDC (quantity, price) follow.
_PRICE_U, _PRICE_X, _IDLE_U, _IDLE_X, _LP_U, _LP_X, _FEES_U, _FEES_X = range(8)
_SETTLED, _CLOSEOUT, _OWED = 8, 9, 10  # Σ(cash − cost), Σ s·closeout, Σ s·(F − F_entry), in USDC
_ROWS = 11


class AttributionError(SimulatorError, AssertionError):
    """The buckets do not add up to the change of NAV: a bug in a world or in the attribution."""


class Attribution:
    """Observer that splits ΔNAV into :data:`BUCKETS`.

    Attributes:
        buckets: ``[buckets, paths]`` USD, cumulative.
        flows: ``[paths]`` USD deposited minus redeemed, cumulative.
        residual: ``[paths]`` USD, largest |ΔNAV − Σ buckets − flows| at the end of any step.
        largest_nav: ``[paths]`` USD, largest |NAV| at the end of any step.
    """

    def __init__(self, world: World) -> None:
        self._market = world.market
        self._protocol = world.protocol
        paths = world.market.paths
        self._perps = [m.asset for m in world.protocol.clearing.markets]
        self._baskets = [c.asset for c in world.protocol.clearing.collaterals[1:]]
        self.buckets = np.zeros((len(BUCKETS), paths))
        self.flows = np.zeros(paths)
        self.residual = np.zeros(paths)
        self.largest_nav = np.zeros(paths)
        self._explicit = np.zeros(
            paths
        )  # USD moved by the open run of operations, already in a bucket
        self._operating = (
            False  # between the first of a run of vault operations and what follows it
        )

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
        """Take the first reading; later ones wait for the end of the step, prices included."""
        if step == 0:
            state = world.observe()
            self._last = self._read(state, step)
            self._first_nav = np.array(state.nav)

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None:
        """Open or close a run of vault operations."""
        own = on_vault(action, self._protocol)
        if own == self._operating or not asked(action).any():
            if own and isinstance(action, Liquidate | LiquidateCollateral):
                self._bad_debt = np.array(world.observe().bad_debt)
            return
        state = world.observe()
        if own:
            self._gap(self._read(state, step))
            self._operating = True
            if isinstance(action, Liquidate | LiquidateCollateral):
                self._bad_debt = np.array(state.bad_debt)
        else:
            self._close(self._read(state, step))

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
        """Book what a vault operation moved for a named reason."""
        if not self._operating or not on_vault(action, self._protocol):
            return
        done = fill.status == Status.OK
        if not done.any():
            return
        price = self._market.oracle_price[0, step]
        if isinstance(action, KEEPER_FUNCTIONS):
            self._book("rewards", -fill.amount_out * price, done)
        elif isinstance(action, Deposit):
            self._flow(fill.amount_in * price, done)
        elif isinstance(action, Redeem):
            self._flow(-fill.amount_out * price, done)
        else:
            if isinstance(action, Liquidate):
                self._book("liquidation_penalty", -fill.amount_out * price, done)
            self._book("written_off", (world.observe().bad_debt - self._bad_debt) * price, done)

    def stepped(self, step: int, world: World) -> None:
        """Explain the step and check that nothing is left over."""
        state = world.observe()
        reading = self._read(state, step)
        if self._operating:
            self._close(reading)
        else:
            self._gap(reading)
        nav = state.nav
        np.maximum(self.largest_nav, np.abs(nav), out=self.largest_nav)
        left = nav - self._first_nav
        left -= self.flows
        for row in self.buckets:
            left -= row
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

    # ------------------------------------------------------------------------------ readings

    def _read(self, state: Observation, step: int) -> Floats:
        """Holdings and prices ``[rows, paths]``, copied: they outlive the observation."""
        price = self._market.oracle_price[:, step]
        accounts = 1 + self._protocol.markets
        extra = len(self._baskets)
        row = np.empty((_ROWS + 2 * extra, price.shape[1]))
        row[_PRICE_U], row[_PRICE_X] = price[0], price[1]
        row[_IDLE_U], row[_IDLE_X] = state.idle_usdc, state.idle_base
        row[_LP_U], row[_LP_X] = state.lp_usdc, state.lp_base
        row[_FEES_U], row[_FEES_X] = state.fees_usdc, state.fees_base
        row[_SETTLED] = state.cash[0]
        row[_CLOSEOUT] = row[_OWED] = 0.0
        for account in range(accounts):
            if account:
                row[_SETTLED] += state.cash[account]
            markets = range(self._protocol.markets) if account == 0 else (account - 1,)
            for m in markets:
                size = state.size[account, m]
                row[_SETTLED] -= state.cost[account, m]
                close = (state.skew[m] - 0.5 * size) / state.skew_scale[m]
                close += 1.0
                close *= price[self._perps[m]]
                np.maximum(close, 0.0, out=close)
                close *= size
                row[_CLOSEOUT] += close
                row[_OWED] += size * (state.funding_index[m] - state.funding_entry[account, m])
        for c, asset in enumerate(self._baskets):
            row[_ROWS + c] = state.collateral[0, c + 1]
            for account in range(1, accounts):
                row[_ROWS + c] += state.collateral[account, c + 1]
            row[_ROWS + extra + c] = price[asset]
        return row

    def _dollars(self, row: Floats) -> Floats:
        """USDC of every kind, ``[paths]``."""
        return (
            row[_IDLE_U] + row[_LP_U] + row[_FEES_U] + row[_SETTLED] + row[_CLOSEOUT] - row[_OWED]
        )

    def _value(self, row: Floats) -> Floats:
        """NAV from the holdings, USD ``[paths]``."""
        value = self._dollars(row) * row[_PRICE_U]
        value += (row[_IDLE_X] + row[_LP_X] + row[_FEES_X]) * row[_PRICE_X]
        extra = len(self._baskets)
        for c in range(extra):
            value += row[_ROWS + c] * row[_ROWS + extra + c]
        return value

    def _gap(self, after: Floats) -> None:
        """Explain what happened since the last reading, no operation of the vault among it."""
        before = self._last
        change = after - before
        price_u, price_x = after[_PRICE_U], after[_PRICE_X]
        book = self.buckets
        book[_BUCKET["lp_delta"]] += (before[_IDLE_X] + before[_LP_X] + before[_FEES_X]) * change[
            _PRICE_X
        ]
        book[_BUCKET["lp_convexity"]] += change[_LP_X] * price_x + change[_LP_U] * price_u
        book[_BUCKET["lp_fees"]] += change[_FEES_X] * price_x + change[_FEES_U] * price_u
        book[_BUCKET["hedge_price"]] += change[_CLOSEOUT] * price_u
        book[_BUCKET["funding"]] -= change[_OWED] * price_u
        revaluation = book[_BUCKET["collateral_revaluation"]]
        revaluation += self._dollars(before) * change[_PRICE_U]
        extra = len(self._baskets)
        for c in range(extra):
            revaluation += before[_ROWS + c] * change[_ROWS + extra + c]
        self._last = after

    def _close(self, after: Floats) -> None:
        """End a run of vault operations: what its named parts do not explain is trading cost."""
        cost = self._value(after)
        cost -= self._value(self._last)
        cost -= self._explicit
        self.buckets[_BUCKET["trading_cost"]] += cost
        self._explicit[:] = 0.0
        self._operating = False
        self._last = after

    def _book(self, name: str, usd: Floats, where: Booleans) -> None:
        moved = np.where(where, usd, 0.0)
        self.buckets[_BUCKET[name]] += moved
        self._explicit += moved

    def _flow(self, usd: Floats, where: Booleans) -> None:
        moved = np.where(where, usd, 0.0)
        self.flows += moved
        self._explicit += moved
