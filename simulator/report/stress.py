"""The stress matrix: scenarios by what became of the vault, the worse the redder."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from simulator.report.causes import largest, of
from simulator.report.format import percent
from simulator.report.template import fill
from simulator.report.verdict import lost_of, returns_of, verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Value at which a cell is as red as it gets, for each column: a vault that is lost.
_LOST = 0.25


class Column(NamedTuple):
    """A figure of the matrix, and how bad it is from 0 to 1; ``short``: its title in a terminal."""

    key: str
    title: str
    short: str
    gate: str
    text: Callable[[float], str]
    bad: Callable[[float], float]


def _part(value: float) -> str:
    return percent(value)


def _signed(value: float) -> str:
    return percent(value, plus=True)


def _lost(value: float) -> float:
    return value / _LOST


COLUMNS = (
    Column("return", "Mean return", "return", "return.mean", _signed, lambda v: -v / _LOST),
    Column("shortfall", "Expected shortfall", "ES 95 %", "return.es95", _part, _lost),
    Column("drawdown", "Drawdown, median", "draw-\ndown", "max_drawdown.median", _part, _lost),
    Column("loss", "Lost money", "lost", "loss_probability", _part, lambda v: v),
    Column("liquidation", "Liquidated", "liqui-\ndated", "liquidation_probability", _part, _lost),
    Column("bad_debt", "Left bad debt", "bad\ndebt", "bad_debt_probability", _part, _lost),
)


def row(name: str, summary: Mapping[str, Any]) -> dict[str, Any]:
    """What the matrix says of a scenario's summary."""
    metrics, chances = summary["metrics"], summary["probabilities"]
    said = verdict(dict(summary))
    near = [one["inside"] for one in summary["documented"]]
    return {
        "report": f"{name}/report.html",
        "description": summary["description"],
        "paths": summary["paths"],
        "tone": said["tone"],
        "verdict": said["text"],
        "cause": largest(of(summary, "tail")),
        "return": returns_of(dict(summary))["mean"],
        "shortfall": returns_of(dict(summary))["es95"],
        "drawdown": metrics["max_drawdown"]["median"],
        "loss": lost_of(dict(summary)),
        **{each: chances[each]["estimate"] for each in ("liquidation", "bad_debt")},
        "documented": {"figures": len(near), "near": sum(near)},
        "findings": list(
            dict.fromkeys(one["name"] for one in summary["diagnosis"] if one["severity"] != "note")
        ),
        "gates": summary["gates"],
    }


def cells(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The figures of a row as text, each with how bad it is, 0 to 1."""
    return [
        {
            "title": column.title,
            "text": "–" if found[column.key] is None else column.text(found[column.key]),
            "bad": 0.0
            if found[column.key] is None
            else min(max(column.bad(found[column.key]), 0.0), 1.0),
        }
        for column in COLUMNS
    ]


def render(summary: Mapping[str, Any]) -> str:
    """The page."""
    rows = [
        {"name": name, "cells": cells(found), **found}
        for name, found in summary["scenarios"].items()
    ]
    return fill("stress.html", summary=summary, columns=COLUMNS, rows=rows)
