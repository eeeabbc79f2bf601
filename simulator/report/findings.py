"""What the alternatives of a comparison did not do: a mark beside each row, the texts below them.

Notes are for the report of an alternative alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.results.diagnosis import IDLE, SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Findings that are shown, gravest first.
SHOWN = tuple(severity for severity in SEVERITIES if severity != "note")
#: Texts told of one finding, and alternatives named beside each; the rest are counted.
_TEXTS, _NAMED = 3, 5


@dataclass(frozen=True)
class Mark:
    """One finding beside a row: how grave it is, and its name in words."""

    severity: str
    name: str

    @property
    def text(self) -> str:
        """As it is shown: ``IDLE never invested``, ``keeper unprofitable``."""
        return f"IDLE {self.name}" if self.severity == IDLE else self.name


def marks(diagnosis: Iterable[Mapping[str, Any]]) -> list[Mark]:
    """The marks of one alternative, gravest first, each once."""
    found = dict.fromkeys(map(_mark, diagnosis))
    return sorted((mark for mark in found if mark.severity in SHOWN), key=_gravity)


@dataclass(frozen=True)
class Told:
    """One text of a finding, and of which alternatives it is true."""

    mark: Mark
    where: str
    text: str


def told(alternatives: Mapping[str, Iterable[Mapping[str, Any]]]) -> list[Told]:
    """Texts by label of the alternative, gravest first; what has the same text is told once.

    Of a finding that many alternatives have in their own figures some are told, and the rest
    counted: every row has its mark, and its report.
    """
    by_mark: dict[Mark, dict[str, list[str]]] = {}
    for label, diagnosis in alternatives.items():
        for one in diagnosis:
            labels = by_mark.setdefault(_mark(one), {}).setdefault(one["text"], [])
            if label not in labels:
                labels.append(label)
    lines = []
    for mark in sorted((m for m in by_mark if m.severity in SHOWN), key=_gravity):
        texts = list(by_mark[mark].items())
        lines += [Told(mark, named(labels), text) for text, labels in texts[:_TEXTS]]
        rest = [label for _, labels in texts[_TEXTS:] for label in labels]
        if rest:
            text = f"{mark.name} too, in figures of their own: see their reports."
            lines.append(Told(mark, named(rest), text))
    return lines


def named(labels: list[str]) -> str:
    """Labels of alternatives in a sentence, the first few by name."""
    return "; ".join(labels[:_NAMED]) + f"; … ({len(labels)} in all)" * (len(labels) > _NAMED)


def _mark(finding: Mapping[str, Any]) -> Mark:
    return Mark(finding["severity"], finding["name"].replace("_", " "))


def _gravity(mark: Mark) -> int:
    return SHOWN.index(mark.severity)
