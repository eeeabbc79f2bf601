"""Two runs on the same market paths held against each other, number by number."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from simulator.protocol.state.table import SHOWN
from simulator.protocol.state.variable import Compared
from simulator.types import Status
from simulator.verify.transcript import PROBER, VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from simulator.types import Floats
    from simulator.verify.transcript import Decision, Transcript

TOLERANCE = 1e-9
#: On so many steps of a path, as a fraction, and on one at least, float64 may floor a number
#: a unit below or above.
UNDECIDED = 0.01


@dataclass(frozen=True)
class Flip:
    """One disagreement on one path."""

    path: int
    decision: Decision
    model: str
    chain: str


@dataclass(frozen=True)
class Compiled:
    """What the compiled loop makes of paths, beside the plain one.

    Attributes:
        worst: the largest relative error of a number of state or books at the end; ``of`` which.
        differing: paths on which something was tried, or came of it, that is not the same, and
            ``first``: where, in words.
    """

    worst: float
    of: str
    differing: int
    first: str

    @staticmethod
    def merge(parts: Iterable[Compiled]) -> Compiled:
        """One over the paths of several."""
        parts = list(parts)
        # A NaN is the worst of all.
        worst = max(parts, key=lambda part: (np.isnan(part.worst), part.worst))
        first = next((part.first for part in parts if part.first), "")
        return Compiled(worst.worst, worst.of, sum(part.differing for part in parts), first)


@dataclass(frozen=True)
class Comparison:
    """The two worlds held against each other over some paths."""

    paths: int
    steps: int
    max_relative_error: dict[str, float]
    flips: tuple[Flip, ...]
    outcomes: dict[str, dict[str, int]]  # of the agents: action kind → status → times seen
    exits_from_range: int
    probes: dict[str, dict[str, int]] = field(default_factory=dict)  # likewise, of the prober
    compiled: Compiled | None = None  # what runs use, beside the model in plain Python

    @property
    def statuses(self) -> dict[str, int]:
        """How often each status was seen, over all actions of the agents."""
        return dict(sorted(_totals(self.outcomes).items()))

    @property
    def tried(self) -> tuple[int, int]:
        """How many calls the prober tried, and how many of them were refused."""
        total = _totals(self.probes)
        return total.total(), total.total() - total[Status.OK.name]

    @property
    def worst(self) -> float:
        """Largest relative error of any variable; NaN when one is."""
        return float(np.max(list(self.max_relative_error.values())))

    @property
    def worst_variable(self) -> str:
        """The variable of the largest relative error."""
        return max(self.max_relative_error, key=self.max_relative_error.__getitem__)

    @property
    def agrees(self) -> bool:
        """True when the worlds do, and the compiled loop where that was run beside."""
        beside = self.compiled
        runs = beside is None or (beside.worst <= TOLERANCE and beside.differing == 0)
        return self.worlds_agree and runs

    @property
    def worlds_agree(self) -> bool:
        """True when no variable differs by more than :data:`TOLERANCE` and no decision flipped."""
        return self.worst <= TOLERANCE and not self.flips

    @staticmethod
    def merge(parts: Iterable[Comparison]) -> Comparison:
        """One comparison over the paths of several."""
        parts = list(parts)
        return Comparison(
            paths=sum(part.paths for part in parts),
            steps=parts[0].steps,
            max_relative_error={
                name: float(np.max([part.max_relative_error[name] for part in parts]))
                for name in VARIABLES
            },
            flips=tuple(flip for part in parts for flip in part.flips),
            outcomes=_together(part.outcomes for part in parts),
            exits_from_range=sum(part.exits_from_range for part in parts),
            probes=_together(part.probes for part in parts),
            compiled=Compiled.merge(found)
            if (found := [p.compiled for p in parts if p.compiled])
            else None,
        )

    def to_json(self) -> dict[str, object]:
        """For machines."""
        return {
            "paths": self.paths,
            "steps": self.steps,
            "tolerance": TOLERANCE,
            "agrees": self.agrees,
            "max_relative_error": self.max_relative_error,
            "decision_flips": len(self.flips),
            "flips": [
                {"path": flip.path, **vars(flip.decision), "model": flip.model, "chain": flip.chain}
                for flip in self.flips[:100]
            ],
            "statuses": self.statuses,
            "outcomes": self.outcomes,
            "probes": self.probes,
            "exits_from_range": self.exits_from_range,
            "compiled": None if self.compiled is None else vars(self.compiled),
        }


def relative_error(model: Floats, chain: Floats, dust: float | Floats = Compared.dust) -> float:
    """Largest over elements and paths of max_t |model − chain| / max(max_t |chain|, dust).

    Shapes ``[time, ..., paths]``; ``dust``: one for all, or ``[paths]``.
    """
    if model.size == 0:
        return 0.0
    scale = np.maximum(np.max(np.abs(chain), axis=0), dust)
    return float(np.max(np.max(np.abs(model - chain), axis=0) / scale))


def history(states: Mapping[str, Sequence[Floats]], name: str) -> Floats:
    """A variable over time, ``[time, ..., paths]``: of no position, what one remembers is zero."""
    values, least = np.array(states[name]), SHOWN[name].compared.of_size
    if least > 0.0:
        values = np.where(np.abs(np.array(states["size"])) > least, values, 0.0)
    return values


def without_undecided(model: Floats, chain: Floats, unit: float) -> Floats:
    """The model's values, but the chain's where a floor to ``unit`` is float64's to decide.

    That is a difference of one unit on so few steps of a path that no rounding in a wrong direction
    shows itself so (:data:`UNDECIDED`). Shapes ``[time, ..., paths]``.
    """
    apart = np.rint(np.abs(model - chain) / unit) == 1.0
    seldom = np.sum(np.abs(model - chain) > 0.5 * unit, axis=0) <= max(
        UNDECIDED * model.shape[0], 1.0
    )
    return np.where(apart & seldom, chain, model)


def least_magnitude(states: Mapping[str, Sequence[Floats]], name: str) -> float | Floats:
    """The least magnitude, for all or ``[paths]``, that a variable's error is measured against."""
    how = SHOWN[name].compared
    if not how.part_of:
        return how.dust
    whole = np.array(states[how.part_of]) ** how.power
    return np.maximum(np.max(whole, axis=0), how.dust)


def errors_of(
    found: Mapping[str, Sequence[Floats]], expected: Mapping[str, Sequence[Floats]]
) -> dict[str, float]:
    """The relative error of every variable over time."""
    errors = {}
    for name in VARIABLES:
        ours, theirs = history(found, name), history(expected, name)
        if (unit := SHOWN[name].compared.floored) > 0.0:
            ours = without_undecided(ours, theirs, unit)
        errors[name] = relative_error(ours, theirs, least_magnitude(expected, name))
    return errors


def compare(
    model: Transcript, chain: Transcript, first_path: int, compiled: Compiled | None = None
) -> Comparison:
    """Hold two transcripts of the same market paths against each other.

    ``compiled``: what the compiled loop made of them.
    """
    prices = np.array(chain.states["sqrt_price"])
    return Comparison(
        paths=prices.shape[1],
        steps=prices.shape[0] - 1,
        max_relative_error=errors_of(model.states, chain.states),
        flips=tuple(_flips(model, chain, first_path, prices.shape[1])),
        outcomes=_outcomes(chain, probing=False),
        exits_from_range=_exits_from_range(chain),
        probes=_outcomes(chain, probing=True),
        compiled=compiled,
    )


def _outcomes(transcript: Transcript, *, probing: bool) -> dict[str, dict[str, int]]:
    outcomes: dict[str, Counter[str]] = {}
    for decision, codes in transcript.statuses.items():
        if (decision.agent == PROBER) != probing:
            continue
        seen = outcomes.setdefault(decision.action.split()[0], Counter())
        for code in codes[codes != Status.NONE]:
            seen[Status(code).name] += 1
    return {kind: dict(seen) for kind, seen in outcomes.items()}


def _totals(outcomes: Mapping[str, Mapping[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for seen in outcomes.values():
        total.update(seen)
    return total


def _together(parts: Iterable[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    outcomes: dict[str, Counter[str]] = {}
    for part in parts:
        for kind, seen in part.items():
            outcomes.setdefault(kind, Counter()).update(seen)
    return {kind: dict(seen) for kind, seen in sorted(outcomes.items())}


def _flips(model: Transcript, chain: Transcript, first_path: int, paths: int) -> list[Flip]:
    nothing = np.zeros(paths, np.int8)
    flips = []
    for decision in {**model.statuses, **chain.statuses}:
        ours = model.statuses.get(decision, nothing)
        theirs = chain.statuses.get(decision, nothing)
        flips += [
            Flip(
                first_path + int(path), decision, Status(ours[path]).name, Status(theirs[path]).name
            )
            for path in np.flatnonzero(ours != theirs)
        ]
    return sorted(flips, key=lambda flip: (flip.decision.step, flip.path))


def _exits_from_range(transcript: Transcript) -> int:
    """How often the pool's price left the vault's range, over all paths."""
    price = np.array(transcript.states["sqrt_price"])
    lower = 1.0001 ** (0.5 * np.array(transcript.states["tick_lower"]))
    upper = 1.0001 ** (0.5 * np.array(transcript.states["tick_upper"]))
    placed = np.array(transcript.states["liquidity"]) > 0.0
    inside = (price >= lower) & (price < upper)
    stayed = placed[1:] & placed[:-1] & (lower[1:] == lower[:-1])
    return int(np.sum(stayed & inside[:-1] & ~inside[1:]))
