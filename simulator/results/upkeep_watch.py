"""As :mod:`simulator.books.upkeep`, on all paths at once, for worlds that keep no books yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.agents.base import View
from simulator.agents.upkeep import PROTECTED, earned, hedge, reward
from simulator.results import limits_watch as limits
from simulator.results.limits import POOL, Limit
from simulator.results.operations import KEEPER_FUNCTIONS
from simulator.results.tallies import Limited, part
from simulator.results.upkeep import FUNCTIONS, places, upkeep_columns
from simulator.results.upkeep_limits import kinds_at, limit_columns
from simulator.types import Status
from simulator.world.actions import (
    PostBetas,
    Rebalance,
    Recenter,
    SettleWithdrawals,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.agents.base import Agent
    from simulator.results.limits_watch import Bound
    from simulator.types import Booleans, Codes, Floats
    from simulator.world.actions import Action, Fill
    from simulator.world.base import World

#: What is done for the vault by those who run it; all others' refusals are not the vault's.
_OURS = (*KEEPER_FUNCTIONS, SettleWithdrawals, PostBetas)
_NOTHING = 1e-6  # USD; no hedge is asked for less


class _Task:
    """One keeper function: how often it was done and left undone, and its longest spell undone."""

    def __init__(self, paths: int) -> None:
        self.undone, self.unpaid = np.zeros(paths, np.int64), np.zeros(paths, np.int64)
        self.status = np.zeros(paths, np.int8)  # of the last call in this step; 0: nobody called
        self.busy = False  # whether anything but zero stands in status, refused or spell
        self.spell, self.longest = np.zeros(paths, np.int64), np.zeros(paths, np.int64)
        self.since = np.zeros(paths, np.int64)  # the step the longest spell began
        # What refused it last in this spell, and in the longest.
        self.refused, self.why = np.zeros(paths, np.int8), np.zeros(paths, np.int8)

    def note(self, status: Codes) -> None:
        """Note what came of a call, ``[paths]``; the last of a step counts."""
        tried = status != Status.NONE
        self.status[tried] = status[tried]
        self.busy = True

    def add(self, step: int, undone: Booleans, unpaid: Booleans) -> None:
        """End a step: where it is due still, and of that where no reward pays for it."""
        any_undone = bool(undone.any())
        if not (any_undone or self.busy):
            return
        self.undone += undone
        self.unpaid += unpaid
        self.refused[self.spell == 0] = Status.NONE
        # Not called on this step: what refused it before still stands.
        np.copyto(self.refused, self.status, where=self.status > Status.OK)
        self.spell = np.where(undone, self.spell + 1, 0)
        longer = self.spell > self.longest
        self.longest[longer] = self.spell[longer]
        self.since[longer] = step + 1 - self.spell[longer]
        self.why[longer] = self.refused[longer]
        self.status[:] = Status.NONE
        if not any_undone:
            self.refused[:] = Status.NONE
        self.busy = any_undone

    def columns(self, name: str, hours: float) -> dict[str, NDArray[Any]]:
        """Its columns, which begin with ``name``; ``hours``: length of a step."""
        return {
            f"{name}_undone": self.undone,
            f"{name}_unpaid": self.unpaid,
            f"{name}_undone_hours": self.longest * hours,
            f"{name}_undone_from": np.where(self.longest > 0, self.since * hours, np.nan),
            f"{name}_undone_as": self.why,
        }


class _Short:
    """What keepers would have had to be paid where the reward was no more than their gas."""

    def __init__(self, paths: int) -> None:
        self.times, self.most = np.zeros(paths, np.int64), np.zeros(paths)
        self.needed, self.share = np.zeros(paths), np.zeros(paths)

    def add(self, unpaid: Booleans, needed: Floats, value: Floats) -> None:
        """Where nobody is paid enough: USD that a call needs, and USD that it protects."""
        self.times += unpaid
        self.needed += np.where(unpaid, needed, 0.0)
        np.maximum(self.most, np.where(unpaid, needed, 0.0), out=self.most)
        self.share += np.divide(needed, value, out=np.zeros_like(needed), where=unpaid)

    def columns(self) -> dict[str, NDArray[Any]]:
        """Means over the steps that were not paid, and the most."""
        return {
            "reward_needed": part(self.needed, self.times),
            "reward_needed_most": np.where(self.times > 0, self.most, np.nan),
            "reward_share_needed": part(self.share, self.times),
        }


def _nothing(paths: int) -> Limited:
    shape = (len(Limit), paths)
    return Limited(np.zeros(shape, np.int64), np.full(shape, np.nan), np.full(shape, np.nan))


def _note(limited: Limited, refused: Booleans, bound: Bound) -> None:
    """Note refusals with their limits; what no limit refused does not count."""
    paths = np.flatnonzero(refused & (bound.kind != Limit.OTHER))
    kind, asked, value = bound.kind[paths], bound.asked[paths], bound.value[paths]
    limited.times[kind, paths] += 1  # one limit on each path, so no cell twice
    with np.errstate(divide="ignore", invalid="ignore"):
        most = limited.asked[kind, paths] / limited.value[kind, paths]
        before = np.nan_to_num(most, nan=-1.0, posinf=np.inf)
        now = np.nan_to_num(asked / value, nan=0.0, posinf=np.inf)
    worse = now > before
    limited.asked[kind[worse], paths[worse]] = asked[worse]
    limited.value[kind[worse], paths[worse]] = value[worse]


class UpkeepWatch:
    """Observer of the vault's position, hedge and maintenance; :meth:`columns` gives the sums.

    ``minimum_profit``: USD beyond gas without which the keeper does not act.
    """

    def __init__(self, world: World, minimum_profit: float = 0.0) -> None:
        paths, self._protocol = world.market.paths, world.protocol
        self._minimum_profit = minimum_profit
        self._hours = world.market.step_seconds / 3_600
        self._points = world.market.steps + 1
        names = ("funded", "placed", "outside", "demanded", "off", "calls", "penniless")
        self._times = {name: np.zeros(paths, np.int64) for name in names}
        self._idle, self._asked, self._held = np.zeros(paths), np.zeros(paths), np.zeros(paths)
        self._first = {name: np.full(paths, np.nan) for name in ("position", "hedge")}
        self._tasks = {name: _Task(paths) for name in FUNCTIONS}
        self._short = _Short(paths)
        self._refused = np.zeros((len(Status), paths), np.int64)
        self._limits = {name: _nothing(paths) for name in places(world.protocol)}

    def advanced(self, step: int, world: World) -> None:
        """Nothing to note."""

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None:
        """Nothing to note."""

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
        """Count what was refused to those who run the vault, and by which limit."""
        if not isinstance(action, _OURS):
            return
        refused = fill.status > Status.OK
        for name, kind in FUNCTIONS.items():
            if isinstance(action, kind):
                self._times["calls"] += fill.status != Status.NONE
                self._tasks[name].note(fill.status)
        if not refused.any():
            return
        for status in np.unique(fill.status[refused]):
            self._refused[status] += fill.status == status
        view = View(step, world.market, self._protocol, world)
        if isinstance(action, Recenter):
            bound = limits.of_recentring(view, fill.status)
            _note(self._limits[POOL], refused, bound)
        elif isinstance(action, Rebalance):
            market, bound = limits.of_rebalance(view, fill.status)
            for m, place in enumerate(places(self._protocol)[1:]):
                _note(self._limits[place], refused & (market == m), bound)

    def stepped(self, step: int, world: World) -> None:
        """Measure what stands, and what is due and was not done."""
        view = View(step, world.market, self._protocol, world)
        state, times = view.state, self._times
        funded, placed = state.shares > 0.0, state.liquidity > 0.0
        times["funded"] += funded
        times["placed"] += placed & funded
        times["outside"] += placed & funded & ~limits.in_range(state)
        idle = state.idle_usdc * view.oracle(0) + state.idle_base * view.oracle(1)
        self._idle += np.divide(
            idle, state.nav, out=np.zeros_like(idle), where=funded & (state.nav > 0.0)
        )
        now = step * self._hours
        self._first["position"][np.isnan(self._first["position"]) & placed] = now
        self._measure_hedge(view, funded, now)
        for name, kind in FUNCTIONS.items():
            value = PROTECTED[kind](view)
            undone = value > 0.0
            paid, needed = reward(view, kind, value), view.gas_cost(kind) + self._minimum_profit
            unpaid = undone & (paid <= needed)
            times["penniless"] += unpaid & (earned(view, value) > needed)
            self._tasks[name].add(step, undone, unpaid)
            if unpaid.any():
                self._short.add(unpaid, needed, value)

    def _measure_hedge(self, view: View, funded: Booleans, now: float) -> None:
        target, held = hedge(view)
        asked, got = np.zeros(funded.shape), np.zeros(funded.shape)
        off, any_held = np.zeros_like(funded), np.zeros_like(funded)
        band = self._protocol.vault.hedge_band * view.state.nav
        for wanted, has in zip(target, held, strict=True):
            size = np.abs(wanted)
            asked += size
            got += np.clip(np.sign(wanted) * has, 0.0, size)
            off |= np.abs(wanted - has) > band
            any_held |= has != 0.0
        demanded = funded & (asked > _NOTHING)
        self._times["demanded"] += demanded
        self._times["off"] += demanded & off
        self._asked += np.where(demanded, asked, 0.0)
        self._held += np.where(demanded, got, 0.0)
        self._first["hedge"][np.isnan(self._first["hedge"]) & any_held] = now

    # ------------------------------------------------------------------------------ result

    def columns(self) -> dict[str, NDArray[Any]]:
        """Columns of the per-path frame, ``[paths]`` each.

        :func:`upkeep_columns` and :func:`~simulator.results.upkeep_limits.limit_columns`.
        """
        times = self._times
        found: dict[str, NDArray[Any]] = {
            "funded_time": times["funded"] / self._points,
            "invested_time": part(times["placed"], times["funded"]),
            "idle_share": part(self._idle, times["funded"]),
            "out_of_range": part(times["outside"], times["placed"]),
            "position_opened": self._first["position"],
            "hedge_opened": self._first["hedge"],
            "hedge_demanded": part(times["demanded"], times["funded"]),
            "hedge_off_target": part(times["off"], times["demanded"]),
            "hedge_held": part(self._held, self._asked),
            "keeper_calls": times["calls"],
            "keepers_penniless": times["penniless"],
            **self._short.columns(),
        }
        for name, task in self._tasks.items():
            found |= task.columns(name, self._hours)
        for place, limited in self._limits.items():
            found |= limited.columns(place) | limited.by_limit(place, kinds_at(place))
        for status in Status:
            if status > Status.OK:
                found[f"upkeep_refused_{status.name.lower()}"] = self._refused[status]
        names = (*upkeep_columns(self._protocol), *limit_columns(self._protocol))
        return {name: found[name] for name in names}
