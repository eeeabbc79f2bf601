from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import simulator
from simulator.books.buckets import BUCKETS
from simulator.config import Config, load
from simulator.report import causes, story
from simulator.report.charts import (
    Chart,
    _apart,
    _union,
    decimals,
    nice_ticks,
    thinned,
    waterfall,
)
from simulator.report.format import MINUS, count, heading, listed, number, percent, usd
from simulator.report.page import _cards
from simulator.report.sections import percent_axis
from simulator.report.verdict import verdict
from simulator.result import Result
from simulator.results.gates import check_names, parse
from simulator.terminal import _figure, show_result

SVG = re.compile(r"<svg.*?</svg>", re.DOTALL)


@pytest.fixture(scope="module")
def result(config: Config) -> Result:
    """Thirty days in which SOL decouples and crashes."""
    return simulator.run(config, workers=1, requirements=["bad_debt.max <= 0", "return >= 0.5"])


def plain(text: str) -> str:
    return text.replace("\N{WORD JOINER}", "").replace("\N{NO-BREAK SPACE}", " ")


class Page(HTMLParser):
    """Collects what a page loads and whether its tags are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [value or "" for name, value in attrs if name in {"src", "href", "action"}]
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"line", "rect", "path", "polygon"}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_page_loads_nothing(result: Result) -> None:
    page = Page()
    page.feed(result.report_html())
    assert page.loads == []
    assert page.open == []
    assert "http" not in result.report_html()
    assert "url(" not in result.report_html()


def test_a_run_with_auto_deleveraging_or_latency_arbitrage_says_what_came_of_it(
    result: Result,
) -> None:
    assert "Auto-deleveraged" not in result.report_html()
    assert "Latency arbitrage" not in result.report_html()
    cascade = simulator.run("liquidation-cascade", paths=4, workers=1)
    page, metrics = plain(cascade.report_html()), cascade.summary["metrics"]
    assert "Auto-deleveraged" in page
    assert usd(metrics["adl_notional"]["mean"]) in page
    assert usd(-metrics["loss_sharing"]["mean"]) in page
    lag = simulator.run("oracle-lag", paths=4, workers=1)
    assert lag.summary["metrics"]["latency_profit"]["max"] < 0.0
    assert plain(usd(lag.summary["metrics"]["latency_profit"]["max"])) in plain(lag.report_html())


def test_every_chart_is_well_formed_and_has_a_name(result: Result) -> None:
    charts = SVG.findall(result.report_html())
    assert len(charts) == 13
    for chart in charts:
        root = ElementTree.fromstring(chart)
        assert root.attrib["aria-label"]
        assert not {"nan", "inf"} & set(re.findall(r"[a-z]+", chart.replace("fill", "")))


def test_page_says_what_the_summary_says(result: Result) -> None:
    text, summary = plain(result.report_html()), result.summary
    assert f"The worst path, number {summary['worst_path']['path']}" in text
    assert plain(percent(summary["metrics"]["return"]["mean"], plus=True)) in text
    assert "bad_debt.max &lt;= 0" in text
    assert text.count("fails: ") == 1
    assert "decoupling SOL" in text


def test_story_names_the_fall_its_hours_and_its_cause(result: Result) -> None:
    worst, story = result.worst_series, [plain(s) for s in result.summary["worst_path"]["story"]]
    row = result.paths.set_index("path").loc[result.summary["worst_path"]["path"]]
    assert plain(percent(abs(row["return"]))) in story[0]
    price = worst["share_price"].to_numpy()
    trough = int(np.argmax(1 - price / np.maximum.accumulate(price)))
    assert f"to hour {worst['hours'][trough]:,.0f}: SOL" in story[1]
    basis = f"the basis, is {plain(usd(row['basis_pnl'], plus=True))}"
    assert any(basis in sentence for sentence in story)
    assert plain(causes.largest(row)) in story[0]
    assert f"From start to end the vault lost {plain(usd(-row['pnl']))}: " in " ".join(story)
    assert f"assumed {number(result.summary['assumed_correlation'])}" in " ".join(story)


def test_the_part_of_the_hedge_held_is_the_metric_on_a_whole_path(result: Result) -> None:
    """But for uncollected fees, which a series counts to the exposure and the keeper does not."""
    for path, series in result.series.groupby("path"):
        row = result.paths.set_index("path").loc[path]
        assert story.part_held(series) == pytest.approx(row["hedge_held"], abs=0.01)
    assert np.isnan(story.part_held(series.assign(beta_BTC=0.0, beta_ETH=0.0)))
    assert story.part_held(series.assign(size_BTC=0.0, size_ETH=0.0)) == 0.0


def test_a_hedge_that_never_opened_is_never_blamed_for_a_basis() -> None:
    band = ["horizon_hours=48", "vault.recenter_threshold=10", "vault.hedge_band=1"]
    open_ = simulator.run(load("calm", band), paths=6, workers=1)
    assert open_.summary["hedge_held"] == {"mean": 0.0, "tail": 0.0, "worst_path": 0.0}
    assert open_.summary["attribution"]["worst_path"]["hedge_target"] != 0.0
    text = plain(open_.report_html())
    assert causes.UNHEDGED_TITLE.lower() in text.lower()
    assert causes.BASIS_TITLE.lower() not in text.lower()
    assert "the basis, is" not in text


def test_report_and_terminal_give_the_same_verdict_with_its_largest_cause(
    result: Result, capsys: pytest.CaptureFixture[str]
) -> None:
    result.timing = {"seconds": 1.0, "path_steps_per_second": 1.0}
    show_result(result)
    said, shown = verdict(result.summary), plain(capsys.readouterr().out)
    assert said["tone"] == "bad"
    for text in (said["text"], said["details"]):
        assert plain(text) in shown
        assert plain(text) in plain(result.report_html())
    for key in ("mean", "worst_path"):
        assert plain(causes.largest(result.summary["attribution"][key])) in shown
    assert 'class="verdict bad"' in result.report_html()


def test_waterfalls_end_at_the_profit(result: Result) -> None:
    found = result.summary["attribution"]["mean"]
    assert sum(found.values()) == pytest.approx(result.paths["pnl"].mean())
    chart = plain(waterfall("t", list(found.items()), "all", lambda v: usd(v, plus=True)))
    texts = [t.text for t in ElementTree.fromstring(chart) if t.attrib.get("class") == "value"]
    assert len(texts) == len(BUCKETS) + 1
    assert texts[-1] == plain(usd(result.paths["pnl"].mean(), plus=True))


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9))
def test_ticks_are_round_evenly_spread_and_inside(low: float, span: float) -> None:
    high = low + span
    ticks = nice_ticks(low, high)
    if high <= low:
        return
    slack = span * 1e-6 + abs(low) * 1e-9
    assert all(low - slack <= tick <= high + slack for tick in ticks)
    assert 1 <= len(ticks) <= 11
    if len(ticks) > 2:
        assert np.allclose(np.diff(ticks), ticks[1] - ticks[0], rtol=1e-6, atol=slack)


@given(st.lists(st.floats(10, 200), min_size=1, max_size=6))
def test_labels_never_cover_each_other_and_stay_in_the_frame(places: list[float]) -> None:
    moved = [y for y, _, _ in _apart([(y, "x", "s") for y in places], 10, 200)]
    assert all(b - a >= 14 - 1e-9 for a, b in pairwise(moved))
    assert moved[0] >= 10 - 1e-9
    assert moved[-1] <= 200 + 1e-9


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=8))
def test_union_covers_the_same_hours_once(spans: list[tuple[int, int]]) -> None:
    merged = _union([(a, a + n) for a, n in spans])
    assert all(a[1] < b[0] for a, b in pairwise(merged))
    hours = np.arange(-1, 75, 0.5)
    covered = np.zeros(hours.size, np.bool_)
    for a, n in spans:
        covered |= (hours >= a) & (hours <= a + n)
    again = np.zeros(hours.size, np.bool_)
    for begin, end in merged:
        again |= (hours >= begin) & (hours <= end)
    assert np.array_equal(covered, again)


def test_thinning_keeps_the_ends_and_the_extremes() -> None:
    values = np.random.default_rng(1).normal(size=10_000)
    kept = thinned(values)
    assert len(kept) <= 490
    assert {0, 9_999, int(values.argmin()), int(values.argmax())} <= set(kept.tolist())


def test_a_line_is_broken_where_there_is_no_value() -> None:
    chart = Chart("t", 4.0, 0.0, 1.0, str)
    chart.line(np.arange(5.0), np.array([0.1, 0.2, np.nan, 0.3, 0.4]), "blue")
    (drawn,) = re.findall(r'd="([^"]*)"', chart.svg())
    assert drawn.count("M") == 2
    assert drawn.count("L") == 2


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "$0"),
        (-0.001, "$0.00"),
        (42.4, "$42"),
        (-1.5, f"{MINUS}$1.50"),
        (999.6, "$1k"),
        (1_234.0, "$1.23k"),
        (-310_000.0, f"{MINUS}$310k"),
        (999_960.0, "$1m"),
        (12_345_678.0, "$12.3m"),
        (2.5e9, "$2.5bn"),
        (float("nan"), "–"),
        (None, "–"),
    ],
)
def test_dollars_have_three_significant_figures(value: float | None, text: str) -> None:
    assert plain(usd(value)) == text


def test_words() -> None:
    assert plain(usd(5.0, plus=True)) == "+$5.00"
    assert plain(percent(-0.1234)) == f"{MINUS}12.3 %"
    assert plain(percent(-0.00001)) == "0.0 %"
    assert plain(number(-1.239)) == f"{MINUS}1.24"
    assert count(1, "path") == "1 path"
    assert count(1_200, "path") == "1,200 paths"
    assert listed(["BTC"]) == "BTC"
    assert listed(["BTC", "ETH", "SOL"]) == "BTC, ETH and SOL"


def test_cards_show_what_a_requirement_calls_them(result: Result) -> None:
    for card in _cards(result.summary):
        gate = parse(f"{card['gate']} >= 0")
        check_names(gate, result.paths.columns)
        value = gate.value(result.summary)
        shown = {percent(value, plus=True), percent(value), percent(value, 0), number(value)}
        assert card["value"] in shown | {usd(value), usd(value, plus=True)}
        assert f"<code>{card['gate']}</code>" in result.report_html()


def test_it_prints_on_four_pages_at_most(result: Result, tmp_path: Path) -> None:
    page, printed = tmp_path / "report.html", tmp_path / "report.pdf"
    page.write_text(result.report_html(), encoding="utf-8")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no chromium to print with")
    options = ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'c'}")
    subprocess.run(
        [chromium, *options, "--no-pdf-header-footer", f"--print-to-pdf={printed}", page.as_uri()],
        capture_output=True,
        timeout=120,
        check=True,
    )
    pages = re.findall(rb"/Type\s*/Page\b(?!s)", printed.read_bytes())
    assert 1 <= len(pages) <= 4  # the fourth since what is documented is part of it


@given(st.floats(0.2, 1.0), st.floats(1e-4, 2.0), st.integers(3, 6))
def test_every_tick_of_a_percent_axis_is_labelled_as_what_it_is(
    low: float, span: float, wanted: int
) -> None:
    ticks = nice_ticks(low, low + span, wanted)
    labels = [percent_axis(low, low + span, wanted)(tick) for tick in ticks]
    read = [
        float(text.replace(MINUS, "-").removesuffix("\N{NO-BREAK SPACE}%")) / 100.0 + 1.0
        for text in labels
    ]
    assert read == pytest.approx(ticks, abs=1e-4 * span)
    assert len(set(labels)) == len(ticks)
    assert len({len(text.rpartition(".")[2]) for text in labels if "." in text}) <= 1


def test_digits_are_as_many_as_the_ticks_need() -> None:
    assert decimals([0.0, -2.5, -5.0, -7.5]) == 1
    assert decimals([0.0, 5.0, 10.0]) == 0
    assert decimals([0.25]) == 2
    assert [percent_axis(0.92, 1.003)(tick) for tick in (0.925, 0.95, 0.975, 1.0)] == [
        f"{text}\N{NO-BREAK SPACE}%"
        for text in (f"{MINUS}7.5", f"{MINUS}5.0", f"{MINUS}2.5", "0.0")
    ]


def test_symbols_keep_their_capitals_in_a_heading() -> None:
    assert heading("eth-hedged-with-btc-and-eth", ("USDC", "ETH", "BTC")) == (
        "ETH hedged with BTC and ETH"
    )
    assert heading("usdc-depeg-2023", ("USDC", "ETH")) == "USDC depeg 2023"
    assert heading("aave_hedge", ("ETH",)) == "Aave hedge"


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (-0.0, "+.2%", "0.00%"),
        (-1e-7, ".2%", "0.00%"),
        (0.0, "+,.0f", "0"),
        (-0.01, "+.2%", "-1.00%"),
        (1234.4, "+,.0f", "+1,234"),
    ],
)
def test_what_is_shown_as_zero_has_no_sign(value: float, form: str, text: str) -> None:
    assert _figure(value, form) == text
