"""Breakdown monitor: watches the hedge and, when it fails, widens margin and changes betas."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from simulator.agents.base import Actions, Agent, View
from simulator.agents.risk_manager import (
    covariance_factor,
    daily_covariance,
    differ,
    reachable_betas,
    rolling_betas,
)
from simulator.hedging.monitor.settings import Settings
from simulator.types import COVARIANCE_RAMP, Status
from simulator.world.actions import PostBetas, PostCovariance
from simulator.world.protocol import FACTOR_COLUMNS

if TYPE_CHECKING:
    from simulator.config import Config
    from simulator.config.agents import breakdown_monitor as sections
    from simulator.hedging.monitor.hedge import HedgeMonitor
    from simulator.types import Booleans


@dataclass(eq=False)
class BreakdownMonitor(Agent):
    """Runs the detectors of :mod:`simulator.hedging.monitor`, and answers their alarms.

    Observes index prices and marks up to now, and the betas in force. While it answers, for
    ``hold_steps`` after an alarm, it holds the risk role beside the risk manager: it posts betas of
    the last ``refit_steps`` times ``beta_multiple``, within the vault's limits on size and rate of
    change, and, where the venue nets risk, their covariance times ``covariance_multiple``, so that
    keepers top up and deleverage sooner. Afterwards betas go back to those before the alarm unless
    the risk manager has posted since, and the covariance to what was seen. Objective: a smaller
    tail loss.
    """

    settings: Settings
    kinds: tuple[str, ...]  # alarms it answers
    hold_steps: int
    refit_steps: int
    every_steps: int  # between two posts of one answer
    beta_multiple: float | None  # None: betas are left to the risk manager
    covariance_multiple: float
    nets_risk: bool  # the venue does, and so has a covariance
    _monitor: HedgeMonitor | None = field(default=None, init=False, repr=False)

    @classmethod
    def configured(
        cls, section: sections.BreakdownMonitor, config: Config, name: str
    ) -> BreakdownMonitor:
        """Hours as steps."""
        from simulator.config.monitor import monitor_settings, steps_of

        minutes = config.step_minutes
        return cls(
            settings=monitor_settings(section, minutes),
            kinds=section.answers,
            hold_steps=steps_of(section.hold_hours, minutes),
            refit_steps=steps_of(section.refit_hours, minutes, 1 + len(config.markets)),
            every_steps=steps_of(section.every_hours, minutes),
            beta_multiple=section.beta_multiple,
            covariance_multiple=section.covariance_multiple,
            nets_risk=config.clearing.margin == "portfolio",
        )

    def due(self, step: int) -> bool:
        """Every step, unless it has nothing to answer with: what it saw is shown to nobody."""
        return self.beta_multiple is not None or self.nets_risk

    def act(self, view: View) -> Actions:
        """Watch every step; post when an answer begins, goes on and ends."""
        if self._monitor is None:
            self._begin(view)
        else:
            rang = self._watch(view)
            fresh = rang & (self._until < view.step)
            new = fresh & ~self._restoring  # betas on their way back are not what to go back to
            self._before[:, new] = self._in_force[:, new]
            # It may have been down when the answer ended.
            over = self._answering & (self._until < view.step) & ~rang
            self._until[rang] = view.step + self.hold_steps
            self._answering[:] = self._until >= view.step
            cadence = (self._until >= view.step) & (view.step % self.every_steps == 0)
            if self.beta_multiple is not None:
                yield from self._hedge(view, self.beta_multiple, fresh | cadence, over)
            yield from self._widen(view, fresh | cadence, over)
        self._in_force[:] = view.state.betas

    def _begin(self, view: View) -> None:
        # Numba compiles the rolling correlation on first use, and SciPy finds the thresholds.
        from simulator.hedging.monitor.hedge import HedgeMonitor

        paths, markets = view.market.paths, view.protocol.markets
        self._monitor = HedgeMonitor(paths, self.settings)
        self._until = np.full(paths, -2)  # last step of the answer
        self._answering = np.zeros(paths, np.bool_)
        self._owed = np.zeros(paths, np.bool_)  # betas that the vault did not take yet
        self._restoring = np.zeros(paths, np.bool_)  # on the way back to those before
        self._before = np.zeros((markets, paths))
        self._in_force = np.zeros((markets, paths))
        self._wider = np.zeros(paths, np.bool_)  # covariance on its way up
        self._narrower = np.zeros(paths, np.bool_)  # and back
        self._ramp_over = np.full(paths, -np.inf)  # of the covariance it posted last, seconds
        self._own = np.full(paths, np.nan)  # when it last posted betas, seconds

    def _watch(self, view: View) -> Booleans:
        """Where one of the alarms it answers rang."""
        assert self._monitor is not None
        assets = [1, *(market.asset for market in view.protocol.clearing.markets)]
        prices = view.market.index[assets, view.step - 1 : view.step + 1]
        returns = np.log(prices[:, 1] / prices[:, 0])
        state = view.state
        basis = np.zeros(view.market.paths)
        for beta, skew, scale in zip(self._in_force, state.skew, state.skew_scale, strict=True):
            basis = basis + beta * skew / scale
        found = self._monitor.update(returns, self._in_force, basis)
        rang = np.zeros(view.market.paths, np.bool_)
        for kind in self.kinds:
            rang |= found[kind]
        return rang

    def _hedge(self, view: View, multiple: float, due: Booleans, over: Booleans) -> Actions:
        """Post betas of what was seen since; after the answer those before the alarm."""
        state = view.state
        self._owed = (self._owed | due) & (self._until >= view.step)
        # Who posted since has decided: nothing is taken back.
        mine = state.last_betas_time == self._own
        self._restoring = (self._restoring | over) & ~self._owed & mine
        when = (self._owed | self._restoring) & self._free(view)
        if not np.any(when):
            return
        wanted, new = np.array(self._before), when & self._owed
        if np.any(new):
            window = min(self.refit_steps, view.step)
            wanted[:, new] = rolling_betas(view, window, new) * multiple
        betas = reachable_betas(view, wanted)
        moved = when & differ(betas, state.betas)
        if np.any(moved):
            yield PostBetas(self.index, betas, moved)
            self._own[moved] = view.seconds
        self._owed &= ~when
        self._restoring &= ~(when & np.all(betas == wanted, axis=0))

    def _widen(self, view: View, due: Booleans, over: Booleans) -> Actions:
        """Post a wider covariance where margin nets risk; after the answer what was seen.

        A post goes part of the way and the next waits for its ramp: so on until it is there.
        """
        answering = self._until >= view.step
        self._wider = (self._wider | due) & answering
        self._narrower = (self._narrower | over) & ~answering
        when = (self._wider | self._narrower) & (view.seconds >= self._ramp_over)
        if view.protocol.clearing.risk_multiple == 0.0 or not np.any(when):
            return
        seen = daily_covariance(view, min(self.refit_steps, view.step), when)
        multiple = np.where(answering, self.covariance_multiple, 1.0)[when]
        factor = np.zeros((len(seen), FACTOR_COLUMNS, when.size))
        factor[:, :, when] = covariance_factor(seen * multiple)
        fill = yield PostCovariance(self.index, factor, when)
        done = fill.status == Status.OK
        self._ramp_over[done] = view.seconds + COVARIANCE_RAMP
        there = done & (fill.amount_out == 1.0)
        self._wider &= ~there
        self._narrower &= ~there

    def _free(self, view: View) -> Booleans:
        """Where the vault takes new betas: the last ones are old enough."""
        age = view.seconds - view.state.last_betas_time
        return np.asarray(age >= view.protocol.vault.beta_interval)
