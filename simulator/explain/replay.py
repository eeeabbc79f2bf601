"""Market paths replayed with some frictions present: what every coalition of them comes to.

A coalition is an integer over the frictions that are asked about: bit i is set where friction i is
*present*. Frictions that are not asked about stay.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.explain.scene import Scene
from simulator.market.draw import draw
from simulator.market.paths import SINGLE, STACKED
from simulator.results.registry import BY_NAME
from simulator.runner.worlds import modelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from simulator.explain.scene import Friction
    from simulator.market.paths import MarketPaths
    from simulator.runner.plan import Plan
    from simulator.runner.worlds import Ran

#: What is kept of a path: the return of a share, whether the vault was liquidated, bad debt left.
OUTCOME = np.dtype([("return", "f8"), ("liquidated", "?"), ("bad_debt", "f8")])


def market_part(mask: int, frictions: Sequence[Friction]) -> int:
    """Of a coalition, the frictions that are in market paths."""
    return mask & sum(1 << bit for bit, one in enumerate(frictions) if one.market is not None)


@dataclass(frozen=True, eq=False)
class Stage:
    """What coalitions with one market part in common are played on.

    Attributes:
        plan: the run that is explained.
        frictions: those asked about.
        drawn: its market paths.
        market: the same without the frictions that are not in the part.
    """

    plan: Plan
    frictions: tuple[Friction, ...]
    drawn: MarketPaths
    market: MarketPaths

    @classmethod
    def of(cls, plan: Plan, frictions: Sequence[Friction], drawn: MarketPaths, mask: int) -> Stage:
        """For the coalitions that share their market part with ``mask``."""
        market = drawn
        for bit, one in enumerate(frictions):
            if one.market is not None and not mask >> bit & 1:
                market = one.market(plan.config, market)
        return cls(plan, tuple(frictions), drawn, market)

    def paths(self, where: NDArray[np.int64]) -> Stage:
        """With some of the paths alone."""
        return replace(self, drawn=columns(self.drawn, where), market=columns(self.market, where))

    def scene(self, mask: int) -> Scene:
        """The run with a coalition of frictions."""
        protocol, agents = self.plan.setting()
        scene = Scene(self.plan.config, self.drawn, self.market, protocol, tuple(agents))
        for bit, one in enumerate(self.frictions):
            if one.scene is not None and not mask >> bit & 1:
                scene = one.scene(scene)
        return scene


def play(scene: Scene, record: int = 0) -> Ran:
    """Run it on the model, the first ``record`` paths in full."""
    return modelled(scene.protocol, scene.agents, scene.market, record)


def outcome(scene: Scene) -> NDArray[Any]:
    """What it comes to, :data:`OUTCOME` ``[P]``."""
    return outcome_of(play(scene))


def outcome_of(ran: Ran) -> NDArray[Any]:
    """:data:`OUTCOME` of a run."""
    ended = ran.ended(np.ones(ran.market.paths))
    found = np.empty(ran.market.paths, OUTCOME)
    for name in OUTCOME.names or ():
        found[name] = ended.once(BY_NAME[name].of)
    return found


def outcomes(
    plan: Plan,
    frictions: Sequence[Friction],
    first: int,
    count: int,
    masks: Iterable[int],
    report: Callable[[int], None] | None = None,
) -> dict[int, NDArray[Any]]:
    """What coalitions that have their market part in common come to, by coalition.

    The market is drawn, and changed, once. Where a coalition differs from another in a friction
    that acted on no path of it, or on few, only those are run again. ``report`` is told of the
    path-steps done.
    """
    wanted = sorted(set(masks), reverse=True)  # with a friction before without
    stage = Stage.of(plan, frictions, draw(plan.config.market, first, count), wanted[0])
    found: dict[int, NDArray[Any]] = {}
    for mask in wanted:
        found[mask] = _outcome(stage, mask, found)
        if report is not None:
            report(count * stage.market.steps)
    return found


def _outcome(stage: Stage, mask: int, found: dict[int, NDArray[Any]]) -> NDArray[Any]:
    for bit, one in enumerate(stage.frictions):
        fuller = found.get(mask | 1 << bit)
        if mask >> bit & 1 or one.touched is None or fuller is None:
            continue
        where = np.flatnonzero(one.touched(stage.scene(mask | 1 << bit), fuller))
        result = fuller.copy()
        if where.size:
            result[where] = outcome(stage.paths(where).scene(mask))
        return result
    return outcome(stage.scene(mask))


def columns(market: MarketPaths, where: NDArray[np.int64]) -> MarketPaths:
    """Some of the paths, as if they were neighbours; they have no number any more."""
    arrays = {name: getattr(market, name)[..., where] for name in (*STACKED, *SINGLE)}
    return replace(market, key="", **arrays)
