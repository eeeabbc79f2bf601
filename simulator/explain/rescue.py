"""The smallest change of the vault's own settings that would have saved its worst path.

Or that brings the share of liquidated paths down. Found by running paths again, first with one
setting changed, then with two: no rule says what helps. How large a change is, is the logarithm of
new over old (of two, the root of the sum of squares), so that doubling and halving are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, product
from math import exp, hypot
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.config.bounds import bounds
from simulator.explain.replay import Stage, outcomes, play
from simulator.explain.settings import TRIED, Change, changed, settings, size
from simulator.market.draw import draw
from simulator.market.weights import weights
from simulator.results.registry import BY_NAME
from simulator.types import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.runner.plan import Plan

#: Sizes of change that are tried, smallest first: e⁴ is fifty times as much.
_LADDER = (0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
#: Halvings between the last that did not save and the first that did.
_HALVINGS = 5
#: Settings of which pairs are tried: those that did most alone.
_PAIRED = 5
#: Paths that a share of liquidations is counted on.
_SAMPLED = 200
#: Of the time it was invested before; a vault that stays in USDC is not saved, it is absent.
_INVESTED = 0.9
#: Two settings are changed for one where that is less of a change by a twentieth.
_SMALLER = 0.95
#: Where nobody says: the part of its loss that the worst path may lose.
_HALF = 0.5

#: A setting, and whether it is raised (1) or lowered (−1).
Move = tuple[str, int]


@dataclass(frozen=True)
class Tried:
    """What came of some settings changed.

    Attributes:
        value: what the path lost, or the share of paths that was liquidated.
        liquidated: whether the one path was liquidated.
        invested: part of the time with a position, mean over paths.
        hedge: USD of the hedge asked for that was held, mean over time and paths.
    """

    value: float
    liquidated: bool
    invested: float
    hedge: float


@dataclass(eq=False)
class Search:
    """Runs paths again with settings changed; each change once.

    Attributes:
        plan: the run.
        number: of the path that is to be saved.
        limit: most that it may lose; None: half of what it lost.
        share: instead, most of the first paths that may be liquidated; None: the one path counts.
        report: told of the changes tried, and about how many there will be.
    """

    plan: Plan
    number: int
    limit: float | None = None
    share: float | None = None
    report: Callable[[int, int], None] | None = None
    _found: dict[tuple[tuple[str, float], ...], Tried | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        settings_drawn = self.plan.config.market
        first, self.count = self.number, 1
        if self.share is not None:
            first, self.count = 0, min(self.plan.config.paths, _SAMPLED)
        self._market = draw(settings_drawn, first, self.count)
        self._weights = weights(settings_drawn, first, self.count)
        before = self.of({})
        assert before is not None
        self.before = before
        self.most = _HALF * before.value if self.limit is None else self.limit
        if self.share is not None:
            self.most = self.share

    @property
    def runs(self) -> int:
        """How often the path was simulated."""
        return sum(found is not None for found in self._found.values())

    def of(self, change: Mapping[str, float]) -> Tried | None:
        """The path with settings changed; None where the configuration does not allow them."""
        key = tuple(sorted(change.items()))
        if key not in self._found:
            self._found[key] = self._run(change)
            if self.report is not None:
                most = 2 * len(TRIED) * (len(_LADDER) + _HALVINGS)
                self.report(len(self._found), max(most, len(self._found)))
        return self._found[key]

    def _run(self, change: Mapping[str, float]) -> Tried | None:
        try:
            plan = replace(self.plan, config=changed(self.plan.config, change))
        except InputError:
            return None
        ran = play(Stage(plan, (), self._market, self._market).scene(0))
        ended = ran.ended(self._weights)
        returned, liquidated, invested = (
            np.nan_to_num(np.asarray(ended.once(BY_NAME[name].of), np.float64))
            for name in ("return", "liquidated", "invested_time")
        )
        book = ended.book.upkeep
        held = book.held / np.maximum(book.funded, 1)
        if self.share is None:
            hedge = float(held[0])
            return Tried(-float(returned[0]), bool(liquidated[0]), float(invested[0]), hedge)
        fallen, there, hedge = (
            float(np.average(each, weights=self._weights)) for each in (liquidated, invested, held)
        )
        return Tried(fallen, False, there, hedge)

    def saves(self, change: Mapping[str, float]) -> bool:
        """Whether it is no more than it may be, not liquidated, and invested still."""
        found = self.of(change)
        return (
            found is not None
            and found.value <= self.most
            and not found.liquidated
            and found.invested >= _INVESTED * self.before.invested
        )


def rescue(search: Search) -> dict[str, Any]:
    """The smallest change of one setting and of two that saves the path, ready for JSON."""
    known = settings(search.plan.config)
    needed = not search.saves({})
    one, two = _smallest(search, known) if needed else (None, None)
    return {
        "of": "worst path" if search.share is None else "liquidations",
        "limit": search.most,
        "stated": search.limit is not None or search.share is not None,
        "path": search.number,
        "paths": search.count,
        "before": {
            "value": search.before.value,
            "liquidated": search.before.liquidated,
            "hedge": search.before.hedge,
        },
        "needed": needed,
        "one": _said(search, known, one),
        "two": _said(search, known, two),
        "smallest": _said(search, known, one if two is None else two),
        "tried": sorted(known),
        "runs": search.runs,
        "resolution": _LADDER[0] / 2**_HALVINGS,
    }


def _smallest(search: Search, known: Mapping[str, float]) -> tuple[Change | None, Change | None]:
    """The smallest change of one setting, and that of two where it is smaller."""
    alone = [_alone(search, known, move) for move in product(known, (1, -1))]
    one = min((c for c in alone if c), key=lambda c: size(known, c), default=None)
    return one, _paired(search, known, None if one is None else size(known, one))


def _step(search: Search, known: Mapping[str, float], move: Move, far: float) -> float:
    """The setting's value so far away, within its bounds."""
    name, side = move
    low, high = bounds(search.plan.config, name)
    value = min(max(known[name] * exp(side * far), low), high)
    return float(f"{value:.6g}")


def _alone(search: Search, known: Mapping[str, float], move: Move) -> Change | None:
    """The smallest change of one setting to one side that saves, as far as the ladder sees."""
    name, last = move[0], 0.0
    for far in _LADDER:
        if search.saves({name: _step(search, known, move, far)}):
            break
        last = far
    else:
        return None
    near = far
    for _ in range(_HALVINGS):
        middle = 0.5 * (last + near)
        if search.saves({name: _step(search, known, move, middle)}):
            near = middle
        else:
            last = middle
    return {name: _step(search, known, move, near)}


def _paired(search: Search, known: Mapping[str, float], best: float | None) -> Change | None:
    """The smallest change of two settings that saves and is smaller than ``best``."""
    found: Change | None = None
    for one, other in combinations(_promising(search, known), 2):
        if one[0] == other[0]:
            continue
        rungs = sorted(product(_LADDER, _LADDER), key=lambda far: hypot(*far))
        for far in rungs:
            if best is not None and hypot(*far) >= _SMALLER * best:
                break
            change = {
                move[0]: _step(search, known, move, away)
                for move, away in zip((one, other), far, strict=True)
            }
            if len(change) == 2 and search.saves(change):
                found, best = change, size(known, change)
                break
    return found


def _promising(search: Search, known: Mapping[str, float]) -> list[Move]:
    """Moves that lowered the loss most, alone and at any size, and stayed invested."""
    gained: dict[Move, float] = {}
    for move in product(known, (1, -1)):
        tried = [search.of({move[0]: _step(search, known, move, far)}) for far in _LADDER]
        there = [one.value for one in tried if one is not None and _stays(search, one)]
        gained[move] = search.before.value - min(there, default=np.inf)
    ranked: Sequence[Move] = sorted(gained, key=lambda move: -gained[move])
    return [move for move in ranked[:_PAIRED] if gained[move] > 0.0]


def _stays(search: Search, found: Tried) -> bool:
    return found.invested >= _INVESTED * search.before.invested


def _said(
    search: Search, known: Mapping[str, float], change: Change | None
) -> dict[str, Any] | None:
    if change is None:
        return None
    found = search.of(change)
    assert found is not None
    return {
        "changes": [
            {"setting": name, "from": known[name], "to": value} for name, value in change.items()
        ],
        "size": size(known, change),
        "value": found.value,
        "liquidated": found.liquidated,
        "hedge": found.hedge,
    }


def everywhere(plan: Plan, change: Mapping[str, float]) -> NDArray[Any]:
    """What all paths come to with settings changed, :data:`~.replay.OUTCOME` ``[paths]``."""
    other = replace(plan, config=changed(plan.config, change))
    return np.concatenate(
        [outcomes(other, (), first, count, [0])[0] for first, count in other.chunks(1)]
    )
