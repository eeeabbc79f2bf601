"""What ``explain`` shows in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from simulator.report.format import percent

if TYPE_CHECKING:
    from collections.abc import Mapping


def show_explanation(summary: Mapping[str, Any]) -> None:
    """Print what each friction is of the mean loss, the tail loss and the liquidations."""
    from simulator.terminal import show_table

    found = summary["statistics"]
    titles = {one["name"]: one["title"] for one in summary["frictions"]}
    rows = [["with all frictions", *(_with_interval(one["all"]) for one in found.values())]]
    rows += [
        [titles[name], *(_parts(one["frictions"][name]) for one in found.values())]
        for name in _ranked(summary)
    ]
    rows.append(["left without any", *(_with_interval(one["none"]) for one in found.values())])
    title = f"{summary['scenario']}: {summary['paths']:,} paths, loss of a share"
    columns = ["", *(one["title"] for one in found.values())]
    show_table(title, columns, rows)
    for sentence in summary["story"]:
        click.echo(sentence)
    click.echo("")
    click.echo("Of each friction: its Shapley value ± 95 % (taken away alone; there alone).")
    for one in summary["frictions"]:
        if one["absent"]:
            click.echo(f"Not in it: {one['title']}: {one['absent']}.")


def _ranked(summary: Mapping[str, Any]) -> list[str]:
    """Frictions by their part of the tail loss, the largest first."""
    found = summary["statistics"]["es95"]["frictions"]
    return sorted(found, key=lambda name: -found[name]["shapley"]["value"])


def _with_interval(found: Mapping[str, float]) -> str:
    return f"{percent(found['value'], 2)} ({percent(found['low'])} to {percent(found['high'])})"


def _parts(found: Mapping[str, Mapping[str, float]]) -> str:
    share = found["shapley"]
    half = (share["high"] - share["low"]) / 2
    value = percent(share["value"], 2, plus=True).removesuffix("\N{NO-BREAK SPACE}%")
    others = "; ".join(percent(found[key]["value"], 1, plus=True) for key in ("removed", "only"))
    return f"{value} ± {percent(half, 2)} ({others})"
