"""A comparison on a page and at 80 columns; and which randomness is shared, truthfully."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulator import terminal
from simulator.comparison import SideBySide, compare, expand, settings
from simulator.config import load
from simulator.market.draw import draw
from simulator.market.sharing import differing, sentence
from simulator.report import findings
from simulator.report import side_by_side as page
from simulator.report.format import percent

SMALL = ["horizon_hours=12", "paths=2"]
FIELDS = ["vault.hedge_band=0.01|0.05", "vault.lp_allocation=0.4|0.6"]


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> SideBySide:
    configs = {name: load("calm", [*SMALL, *chosen]) for name, chosen in expand(FIELDS).items()}
    return compare(
        configs,
        settings=settings(FIELDS),
        workers=1,
        requirements=["bad_debt.max <= 0", "return.mean >= 1"],
        out=tmp_path_factory.mktemp("grid"),
    )


def hundred(grid: SideBySide) -> dict[str, Any]:
    """The summary of a grid of ten by ten, made of figures that were simulated."""
    real = list(grid.summary["alternatives"].values())
    found = {}
    for number, (one, other) in enumerate(product(range(10), range(10))):
        copy = {
            **real[number % len(real)],
            "settings": {"hedge_band": f"0.0{one}", "x": f"{other}"},
        }
        copy["return"] = {**copy["return"], "mean": number / 1e4}
        found[f"hedge_band=0.0{one}, x={other}"] = copy
    return {**grid.summary, "alternatives": found}


@pytest.mark.parametrize("size", ["four", "hundred"])
def test_every_alternative_is_a_row_of_80_columns_at_most(
    grid: SideBySide, size: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    summary = grid.summary if size == "four" else hundred(grid)
    terminal.show_side_by_side(summary)
    lines = capsys.readouterr().out.splitlines()
    table = [line for line in lines if re.match(r" \d\S* · \d", line)]
    assert len(table) == len(summary["alternatives"])
    for line, one in zip(table, summary["alternatives"].values(), strict=True):
        assert page.label(one) in line
        assert (
            percent(one["return"]["mean"], 2, plus=True).replace("\N{NO-BREAK SPACE}", "") in line
        )
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(table)
    text = "\n".join(lines)
    assert "holds: bad_debt.max <= 0: in all" in text
    assert f"FAILS: return.mean >= 1: in {len(table)} of {len(table)}" in text


def test_a_grid_of_two_fields_has_a_map_of_each_figure(grid: SideBySide) -> None:
    html = page.render(
        hundred(grid),
        {name: next(iter(grid.results.values())).fan for name in hundred(grid)["alternatives"]},
    )
    maps = html.split('<table class="map">')[1:]
    assert len(maps) == len([f for f in page.figures(grid.summary) if f.value is not None])
    first = maps[0].partition("</table>")[0]
    assert len(re.findall("<td", first)) == 100
    good = [float(text) for text in re.findall(r"--good: ([\d.]+)", first)]
    assert good == sorted(good)  # mean returns rise along the grid, and more is better
    assert good[0] == 0.0
    assert good[-1] == 1.0
    assert html.count('<tr><th scope="row"><a') == 100


def test_a_map_is_left_out_where_a_combination_is_missing(grid: SideBySide) -> None:
    summary = dict(grid.summary)
    summary["alternatives"] = dict(list(summary["alternatives"].items())[:3])
    assert 'class="map"' not in page.render(summary, {n: r.fan for n, r in grid.results.items()})
    assert 'class="map"' in grid.report_html()


def test_names_of_figures_are_those_of_requirements(grid: SideBySide) -> None:
    from simulator.results.gates import check_names, parse

    columns = next(iter(grid.results.values())).paths.columns
    for figure in page.figures(grid.summary):
        if figure.gate:
            check_names(parse(f"{figure.gate} >= 0"), columns)
            assert f"<code>{figure.gate}</code>" in grid.report_html()


@pytest.mark.parametrize(
    ("alternatives", "said", "unsaid"),
    [
        (["vault.hedge_band=0.01", "vault.hedge_band=0.05"], "the same paths in all", "differ"),
        (
            ["assets.ETH.volatility=0.3", "assets.ETH.volatility=0.9"],
            "the same random draws in all, at the scale their settings give them",
            "the same paths",
        ),
        (["gas.gwei=0.1", "gas.gwei=2"], "the same prices in all; gas follow", "the same paths"),
        (
            ["process={kind: gbm}", "process={kind: t, dof: 3}"],
            "paths of the same seed",
            "same paths",
        ),
    ],
)
def test_it_is_said_which_randomness_is_shared(
    alternatives: list[str], said: str, unsaid: str
) -> None:
    told = sentence([load("calm", [*SMALL, one]).market for one in alternatives], 2)
    assert said in told
    assert unsaid not in told


def test_markets_of_which_few_paths_are_equal_are_not_called_the_same() -> None:
    """A deposit in a thousand years is on none of the paths looked at, but on one of many."""
    rare = [f"flow.deposits.flows_per_day={number}" for number in (1e-6, 2e-6)]
    markets = [load("calm", [*SMALL, one]).market for one in rare]
    assert not differing([draw(market, 0, 4) for market in markets])
    told = sentence(markets, 4)
    assert told.startswith("other market settings (flow), so not the same paths")
    assert "equal to the bit" not in told
    gas = [load("calm", [*SMALL, *each]).market for each in ([rare[0]], [rare[1], "gas.gwei=3"])]
    assert "deposits" not in sentence(gas, 4)


def test_the_same_draws_at_another_scale_are_that() -> None:
    """What the sentence claims of volatilities, without its own code."""
    calm, wild = (
        draw(load("calm", [*SMALL, f"assets.ETH.volatility={v}"]).market, 0, 2) for v in (0.3, 0.9)
    )
    one, other = (np.diff(np.log(market.index[1, :, 0])) for market in (calm, wild))
    assert np.corrcoef(one, other)[0, 1] > 0.999
    assert other.std() / one.std() == pytest.approx(3.0, rel=1e-3)


def test_the_page_says_it_too(grid: SideBySide) -> None:
    assert "the same paths in all" in grid.report_html()
    assert grid.summary["shared"].startswith("the same paths in all")


def test_lines_of_many_alternatives_are_those_at_the_ends(grid: SideBySide) -> None:
    drawn = page._drawn(hundred(grid))
    assert len(drawn) == 7
    assert drawn[0] == "hedge_band=0.00, x=0"
    assert drawn[-1] == "hedge_band=0.09, x=9"


@pytest.fixture(scope="module")
def idle() -> SideBySide:
    """Two alternatives, the second of which never invests for want of a paid keeper."""
    configs = {name: load("calm", [*SMALL, f"gas.gwei={name}"]) for name in ("1", "20")}
    return compare(configs, workers=1, requirements=["liquidation_probability <= 0.01"])


def test_a_requirement_fails_where_an_alternative_is_idle_and_only_there(
    idle: SideBySide, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only an idle one has the row of its idleness: all others have it as held."""
    assert [len(one["gates"]) for one in idle.summary["alternatives"].values()] == [1, 2]
    assert not idle.passed
    for summary in (idle.summary, _turned(idle.summary)):
        html = page.render(summary, {name: r.fan for name, r in idle.results.items()})
        assert html.count("<code>not never_invested</code>") == 1
        rows = html.split("<tbody>")[-1].split("</tbody>")[0].split("</tr>")[:-1]
        by_row = {re.findall(r"<a[^>]*>(\d+)</a>", row)[0]: row for row in rows}
        assert [by_row[name].count("✓") for name in ("1", "20")] == [2, 1]
        assert [by_row[name].count("✗") for name in ("1", "20")] == [0, 1]
        terminal.show_side_by_side(summary)
        lines = capsys.readouterr().out
        assert "holds: liquidation_probability <= 0.01: in all" in lines
        assert "FAILS: not never_invested: in 1 of 2: 20" in lines


def _turned(summary: dict[str, Any]) -> dict[str, Any]:
    return {**summary, "alternatives": dict(reversed(summary["alternatives"].items()))}


def test_every_finding_but_a_note_marks_its_row_and_is_told_below_the_table(
    idle: SideBySide, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    html = page.render(idle.summary, {name: r.fan for name, r in idle.results.items()})
    terminal.show_side_by_side(idle.summary)
    out = capsys.readouterr().out
    shown = " ".join(out.split())
    seen = set()
    for one in idle.summary["alternatives"].values():
        for finding in one["diagnosis"]:
            name, severity = finding["name"].replace("_", " "), finding["severity"]
            seen.add(severity)
            there = f">{'IDLE ' * (severity == 'idle')}{name}</small>" in html
            assert there == (severity != "note")
            if severity != "note" and not name.startswith("tight"):
                assert " ".join(finding["text"].split()) in shown
    assert seen >= {"idle", "warning"}
    assert max(map(len, out.splitlines())) <= 80


def _finding(number: int, severity: str = "warning") -> dict[str, str]:
    return {"name": "keeper_unprofitable", "severity": severity, "text": f"On {number} % of steps."}


def test_many_alternatives_with_a_finding_are_told_in_a_few_lines() -> None:
    same = findings.told({str(one): [_finding(7)] for one in range(100)})
    assert [(one.where, one.text) for one in same] == [
        ("0; 1; 2; 3; 4; … (100 in all)", "On 7 % of steps.")
    ]
    differ = findings.told({str(one): [_finding(one)] for one in range(100)})
    assert [one.where for one in differ] == ["0", "1", "2", "3; 4; 5; 6; 7; … (97 in all)"]
    assert findings.told({"a": [_finding(1, "note")]}) == []
    idle_first = findings.told({"a": [_finding(1)], "b": [_finding(2, "idle")]})
    assert [one.mark.severity for one in idle_first] == ["idle", "warning"]


def test_the_map_counts_no_idle_alternative_among_the_good(grid: SideBySide) -> None:
    """A vault that does nothing loses nothing: it would be the greenest of all."""
    summary = hundred(grid)
    last = list(summary["alternatives"])[-1]
    best = {**summary["alternatives"][last], "diagnosis": [_finding(1, "idle")]}
    summary["alternatives"] = {**summary["alternatives"], last: best}
    fan = next(iter(grid.results.values())).fan
    html = page.render(summary, dict.fromkeys(summary["alternatives"], fan))
    first = html.split('<table class="map">')[1].partition("</table>")[0]
    good = [float(text) for text in re.findall(r"--good: ([\d.]+)", first)]
    assert good[-2] == 1.0
    assert first.count('class="idle"') == 1
    assert "struck out: an idle vault" in html
    assert "struck out" not in grid.report_html()


def test_every_alternative_has_a_report_of_its_own(grid: SideBySide, tmp_path: Path) -> None:
    root = next(iter(grid.results.values())).directory
    assert root is not None
    for one in grid.summary["alternatives"].values():
        assert (root.parent / one["report"]).is_file()
