"""What the vault set out to do on a path, and how much of it was done: per-path sums alone.

Measured at the end of each step, when everybody has acted: what is due then was left undone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.agents.base import View
from simulator.agents.upkeep import PROTECTED, KeeperCall, earned, hedge, reward
from simulator.protocol.statuses import REFUSALS
from simulator.results import limits
from simulator.results.limits import POOL
from simulator.results.tallies import Limited, Short, Task, part
from simulator.results.upkeep_limits import kinds_at, limit_columns
from simulator.types import Status
from simulator.world.actions import (
    KEEPER_FUNCTIONS,
    PostBetas,
    Rebalance,
    Recenter,
    SettleWithdrawals,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.agents.base import Agent
    from simulator.types import Booleans
    from simulator.world.actions import Action, Fill
    from simulator.world.base import World
    from simulator.world.protocol import Protocol

#: Keeper functions, by the name their columns begin with.
FUNCTIONS: dict[str, type[KeeperCall]] = {kind.spec.task: kind for kind in PROTECTED}
#: What is done for the vault by those who run it; all others' refusals are not the vault's.
_OURS = (*KEEPER_FUNCTIONS, SettleWithdrawals, PostBetas)
#: Endings of columns that hold codes, not amounts: no figure of a distribution describes them.
CODES = ("_undone_as", "_limit")
_NOTHING = 1e-6  # USD; no hedge is asked for less


class Upkeep:
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
        self._tasks = {name: Task(paths) for name in FUNCTIONS}
        self._short = Short(paths)
        self._refused = np.zeros((len(Status), paths), np.int64)
        self._limits = {name: Limited(paths) for name in _places(world.protocol)}

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
            self._limits[POOL].note(refused, bound)
        elif isinstance(action, Rebalance):
            market, bound = limits.of_rebalance(view, fill.status)
            for m, place in enumerate(_places(self._protocol)[1:]):
                self._limits[place].note(refused & (market == m), bound)

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
        found |= {_refused(status): self._refused[status] for status in REFUSALS}
        names = (*upkeep_columns(self._protocol), *limit_columns(self._protocol))
        return {name: found[name] for name in names}


def _refused(status: Status) -> str:
    return f"upkeep_refused_{status.label}"


def _places(protocol: Protocol) -> list[str]:
    """Where a limit can refuse the vault: the pool, then each market by its symbol."""
    return [POOL, *(protocol.assets[m.asset].symbol for m in protocol.clearing.markets)]


def upkeep_columns(protocol: Protocol) -> list[str]:
    """Columns of the per-path frame on what the vault set out to do, and what became of it.

    Parts of the time with shares outstanding: ``invested_time``, ``hedge_demanded``; of NAV then:
    ``idle_share``. Of the time with a position: ``out_of_range``. Of the time a hedge was asked
    for: ``hedge_off_target`` (a deviation beyond the band), and of the dollars asked for, summed
    over time, ``hedge_held``. ``…_opened``: hours, NaN for never. By keeper function: steps at
    whose end it was due ``…_undone``, of these those for which the reward was no more than gas
    ``…_unpaid``, the longest spell (``…_undone_hours``, ``…_undone_from``) and the
    :class:`~simulator.types.Status` that refused it (``…_undone_as``; 0: nobody called).
    ``keepers_penniless``: of the unpaid ones those that the vault had nothing idle to pay for.
    ``reward_needed``: USD that keepers would have acted for, mean of the steps they were not
    paid, ``…_most`` the largest, ``reward_share_needed`` the same per USD protected. By market,
    and for the pool: ``…_limit`` (:class:`~simulator.results.limits.Limit`), refusals it made,
    what was asked for and what it allows where that was furthest apart.
    """
    return [
        "funded_time",
        "invested_time",
        "idle_share",
        "out_of_range",
        "position_opened",
        "hedge_opened",
        "hedge_demanded",
        "hedge_off_target",
        "hedge_held",
        "keeper_calls",
        "keepers_penniless",
        "reward_needed",
        "reward_needed_most",
        "reward_share_needed",
        *(
            f"{name}_{what}"
            for name in FUNCTIONS
            for what in ("undone", "unpaid", "undone_hours", "undone_from", "undone_as")
        ),
        *(
            f"{place}_limit{what}"
            for place in _places(protocol)
            for what in ("", "_refusals", "_asked", "_value")
        ),
        *map(_refused, REFUSALS),
    ]
