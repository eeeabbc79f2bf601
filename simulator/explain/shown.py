"""What ``explain`` shows in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from simulator.report.explanation import ranked

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIGURES = ("es95", "mean")


def show_explanation(summary: Mapping[str, Any]) -> None:
    """Print what each friction is of the loss, and the story."""
    from simulator.terminal import show_table

    title = f"{summary['scenario']}: {summary['paths']:,} paths, per cent of a share, ± 95 %"
    columns = ["", "tail loss", "taken away\nalone", "there\nalone", "mean loss", "liqui-\ndated"]
    show_table(title, columns, _table(summary))
    for one in summary["frictions"]:
        if one["absent"]:
            click.echo(f"Not in it: {one['title']}: {one['absent']}.")
    click.echo("")
    for sentence in (*summary["notes"], *summary["story"]):
        click.echo(sentence)


def _table(summary: Mapping[str, Any]) -> list[list[str]]:
    found = summary["statistics"]
    titles = {one["name"]: one["title"] for one in summary["frictions"]}

    def ends(title: str, key: str) -> list[str]:
        tail, mean = (_half(found[name][key]) for name in _FIGURES)
        return [title, tail, "", "", mean, f"{100 * found['liquidation'][key]['value']:.1f}"]

    rows = [ends("With all frictions", "all")]
    for name in ranked(summary):
        parts = [found[figure]["frictions"][name] for figure in _FIGURES]
        tail, mean = (_half(one["shapley"]) for one in parts)
        liquidation = found["liquidation"]["frictions"][name]["shapley"]["value"]
        away, alone = (f"{100 * parts[0][key]['value']:.2f}" for key in ("removed", "only"))
        rows.append([titles[name], tail, away, alone, mean, f"{100 * liquidation:.1f}"])
    return [*rows, ends("Left without any", "none")]


def _half(found: Mapping[str, float]) -> str:
    """A figure and half the width of its interval, per cent."""
    return f"{100 * found['value']:.2f} ±{50 * (found['high'] - found['low']):.2f}"
