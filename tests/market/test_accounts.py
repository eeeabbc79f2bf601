"""Crowds fitted to tables of accounts and to published figures: ``hedgesim population fit``."""

from __future__ import annotations

import json
from math import inf, log
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from simulator import populations
from simulator.cli import hedgesim
from simulator.cli.status import INPUT
from simulator.config import from_mapping, load
from simulator.market.fitting import lognormal
from simulator.protocol.population import TradersTerms
from simulator.types import Floats, InputError
from simulator.world.crowd import traders

REAL = Path(__file__).parents[2].parent / "shared/data/crises/adl_2025_10_10_users.parquet"


def drawn(median: float, spread: float, count: int, seed: int) -> Floats:
    return median * np.exp(spread * np.random.default_rng(seed).standard_normal(count))


def write(file: Path, **columns: object) -> str:
    pd.DataFrame(columns).to_csv(file, index=False)
    return str(file)


@pytest.mark.parametrize("cap", [inf, 9.0])
def test_known_parameters_lie_within_their_standard_errors(cap: float) -> None:
    """Over 60 samples errors over standard errors have a root mean square of one, ± 4 errors."""
    off = []
    for seed in range(60):
        found = lognormal.fit(np.minimum(drawn(5.0, 0.8, 400, seed), cap), cap)
        off += [log(found.median / 5.0) / found.median_error]
        off += [(found.spread - 0.8) / found.spread_error]
        assert (found.capped > 0) == (cap < inf)
    assert np.sqrt(np.mean(np.square(off))) == pytest.approx(1.0, abs=4.0 / np.sqrt(2 * len(off)))
    assert abs(np.mean(off)) < 4.0 / np.sqrt(len(off))


def test_a_log_normal_is_seldom_rejected_and_another_is() -> None:
    rejected = [lognormal.fit(drawn(2.0, 1.0, 300, seed)).rejected for seed in range(100)]
    assert sum(rejected) <= 14  # of 100 at 5 %, four standard deviations
    two_sorts = np.concatenate([drawn(2.0, 0.2, 150, 1), drawn(20.0, 0.2, 150, 2)])
    assert lognormal.fit(two_sorts).rejected
    assert lognormal.fit(two_sorts).distance > 0.15


def test_alike_accounts_have_no_spread() -> None:
    found = lognormal.fit(np.full(30, 4.0))
    assert found.median == pytest.approx(4.0)
    assert (found.spread, found.distance) == (0.0, 0.0)
    assert (found.above(3.9), found.above(4.1)) == (1.0, 0.0)


def test_a_crowd_of_ours_written_as_accounts_is_found_again(tmp_path: Path) -> None:
    """Its members, cap of the venue and all, from their triggers."""
    terms = TradersTerms(2_000, 1.2, 3e9, 6.0, 0.9, 30.0, 0.01)
    members = traders(terms, -1)
    leverage = 1.0 / (members.bankrupt - 1.0)
    file = write(
        tmp_path / "a.csv", Coin="ETH", Side="Short", Notional=members.size, Leverage=leverage
    )
    (crowd,) = populations.fit(file, most_leverage=30.0).crowds
    assert crowd.section["open_interest_usd"] == pytest.approx(3e9)
    assert crowd.section["count"] == 2_000
    assert crowd.section["leverage"] == pytest.approx(6.0, rel=0.01)
    assert crowd.section["leverage_spread"] == pytest.approx(0.9, rel=0.01)
    assert crowd.section["size_spread"] == pytest.approx(1.2, rel=0.01)
    assert crowd.section["most_leverage"] == 30.0
    assert crowd.figure is not None
    assert crowd.figure.distance < 0.005
    assert crowd.figure.capped == (leverage > 29.999).sum() > 50
    assert abs(crowd.together) < 0.05


def test_borrowers_by_debt_and_by_health_factor_are_the_same(tmp_path: Path) -> None:
    collateral, above = drawn(5e4, 1.0, 500, 3), drawn(0.4, 0.7, 500, 4)
    threshold = np.where(np.arange(500) % 2, 0.8, 0.7)
    debt = collateral * threshold / (1.0 + above)
    by_debt = write(
        tmp_path / "d.csv", debt_usd=debt, collateral_usd=collateral,
        liquidation_threshold=threshold, asset="ETH",
    )  # fmt: skip
    by_health = write(
        tmp_path / "h.csv", asset="ETH", health_factor=[*(1.0 + above), 0.9, 1e30],
        collateral_usd=[*collateral, 1e9, 1e9],
    )  # fmt: skip
    (one,), (other,) = populations.fit(by_debt).crowds, populations.fit(by_health).crowds
    mean = float(np.average(threshold, weights=collateral))
    assert one.section == dict(other.section) | {"threshold": pytest.approx(mean, rel=1e-3)}
    assert one.section["health"] == pytest.approx(0.4, rel=0.15)
    assert other.left_out == {"that owe nothing": 1, "that can be liquidated already": 1}


def test_a_table_is_read_by_names_and_signs(tmp_path: Path) -> None:
    """In any order of rows and columns; sides by sign where no column says."""
    size, margin = drawn(1e4, 1.0, 80, 5), drawn(2e3, 1.0, 80, 6)
    signed = np.where(np.arange(80) % 2, size, -size)
    named = np.where(np.arange(80) % 2, "buy", "SELL")
    plain = write(tmp_path / "p.csv", asset="BTC", notional_usd=signed, margin_usd=margin)
    other = tmp_path / "o.parquet"
    pd.DataFrame({"margin_usd": margin, "side": named, "symbol": "BTC", "notional_usd": size}).iloc[
        ::-1
    ].to_parquet(other)
    one = {crowd.side: crowd.section for crowd in populations.fit(plain).crowds}
    assert one == {crowd.side: crowd.section for crowd in populations.fit(str(other)).crowds}
    assert one.keys() == {"long", "short"}


FINE = {"asset": "ETH", "side": "long", "notional_usd": [1e4] * 30, "leverage": [3.0] * 30}
OWING = {"asset": "ETH", "collateral_usd": [1e4] * 30, "debt_usd": [5e3] * 30}


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (FINE | {"leverage": ["3"] * 29 + ["lots"]}, "row 30: leverage = 'lots'"),
        (FINE | {"side": "up"}, "row 1: side = 'up'; allowed: long, short"),
        (FINE | {"notional_usd": [-1.0] * 30}, "of a long; allowed: above 0"),
        (FINE | {"margin_usd": [1e3] * 30}, "leverage and what follows from margin_usd differ"),
        (FINE | {"sizeUSD": [1e3] * 30}, "may both be the notional; say which: --columns"),
        (FINE | {"collateral_usd": 1.0, "health_factor": 2.0}, "columns of both sorts"),
        (FINE | {"asset": "ETH-PERP"}, "asset = 'ETH-PERP'; allowed: up to 16 letters"),
        (FINE | {"leverage": [3.0] * 19 + [0.0] * 11}, "19 with a figure below 50; allowed: 20"),
        ({"asset": "ETH", "size": [1.0], "leverage": [2.0]}, "columns of neither sort"),
        ({k: v for k, v in FINE.items() if k != "asset"}, "no column of assets; say it: --asset"),
        ({k: v for k, v in FINE.items() if k != "side"}, "no column of sides and no negative"),
        (OWING | {"liquidation_threshold": 80.0}, "liquidation_threshold = 80; allowed: 0 to 1"),
        (OWING | {"liquidation_threshold": 0.4}, "0 with a figure below inf"),
        (FINE | {"notional_usd": [1e13] * 30}, "open_interest_usd"),
    ],
)
def test_a_table_that_means_something_else_is_refused(
    tmp_path: Path, columns: dict[str, object], said: str
) -> None:
    made = CliRunner().invoke(hedgesim, ["population", "fit", write(tmp_path / "a.csv", **columns)])
    assert isinstance(made.exception, InputError)
    assert said in str(made.exception)


@pytest.mark.parametrize(("side", "signs"), [("long", -1.0), ("short", 1.0)])
def test_signs_that_say_otherwise_than_the_side_asked_for_are_refused(
    tmp_path: Path, side: str, signs: float
) -> None:
    """200 longs were made of 100 and 100 shorts."""
    columns = {k: v for k, v in FINE.items() if k != "side"}
    signed = columns | {"notional_usd": [1e5, -1e5] * 15 if signs > 0 else [-1e5] * 30}
    file = write(tmp_path / "a.csv", **signed)
    made = CliRunner().invoke(hedgesim, ["population", "fit", file, "--side", side])
    assert isinstance(made.exception, InputError)
    assert "= -100000: signs say the sides" in str(made.exception)


def test_one_figure_below_the_cap_and_the_rest_at_it_says_nothing_of_a_spread() -> None:
    with pytest.raises(InputError, match="all 30 below 10 have one figure, 3, and 10 are at it"):
        lognormal.fit(np.array([3.0] * 30 + [10.0] * 10), 10.0)


def test_a_file_that_is_no_table_ends_with_the_status_of_bad_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from simulator.cli import main

    for content in (b"\x00\x01\x02\x9f", b"", None):
        file = tmp_path / "bad.bin"
        file.unlink(missing_ok=True)
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(SystemExit) as ended:
            main(["population", "fit", str(file), "--asset", "ETH"])
        assert ended.value.code == INPUT == 2
        assert f"accounts = {file}" in capsys.readouterr().err


FIGURES = [
    ("total_usd", np.nan, 2e9), ("median", np.nan, 5.0), ("share_above", 20.0, 0.05),
    ("share_of_largest", 0.01, 0.5), ("count", np.nan, 800),
]  # fmt: skip


def figures(file: Path, rows: list[tuple[str, float, float]], side: str = "long") -> str:
    measure, at, value = zip(*rows, strict=True)
    return write(file, asset="ETH", side=side, measure=measure, at=at, value=value)


def test_published_figures_are_met(tmp_path: Path) -> None:
    (crowd,) = populations.fit(figures(tmp_path / "f.csv", FIGURES)).crowds
    fitted = lognormal.LogNormal(
        crowd.section["leverage"], crowd.section["leverage_spread"], 0.0, 0.0, 1, 0, 0.0
    )
    assert fitted.above(20.0) == pytest.approx(0.05, rel=1e-3)
    assert fitted.above(5.0) == pytest.approx(0.5, rel=1e-3)
    sizes = np.sort(drawn(1.0, crowd.section["size_spread"], 400_000, 7))[::-1]
    assert sizes[:4_000].sum() / sizes.sum() == pytest.approx(0.5, abs=0.03)
    assert (crowd.section["count"], crowd.section["open_interest_usd"]) == (800, 2e9)
    owing = [("total_usd", np.nan, 1e9), ("median", np.nan, 1.6), ("share_below", 1.1, 0.04)]
    (other,) = populations.fit(figures(tmp_path / "b.csv", owing, "borrowers")).crowds
    assert other.section["health"] == pytest.approx(0.6)
    low = lognormal.LogNormal(0.6, other.section["health_spread"], 0.0, 0.0, 1, 0, 0.0)
    assert 1.0 - low.above(0.1) == pytest.approx(0.04, rel=3e-3)
    assert "size_spread" not in other.section


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (FIGURES[1:], "no total_usd"),
        ([FIGURES[0], FIGURES[2]], "1 shares; allowed: a median"),
        ([*FIGURES, ("share_above", 30.0, 0.4)], "do not grow with the value"),
        ([*FIGURES, ("mode", np.nan, 3.0)], "measure = mode; allowed: count"),
        ([*FIGURES, ("share_above", np.nan, 0.1)], "at = nan; allowed: a number"),
        ([*FIGURES, ("share_above", 8.0, 5.0)], "share_above = 5; allowed: above 0"),
        ([*FIGURES, ("threshold", np.nan, 0.8)], "threshold is no figure of such a crowd"),
        ([*FIGURES, ("count", np.nan, 9)], "count twice"),
        ([*FIGURES, ("share_of_largest", 0.5, 0.2)], "more of the sum than that"),
        ([*FIGURES[:1], ("median", np.nan, -1.0)], "median: -1; allowed: above 0"),
    ],
)
def test_figures_that_cannot_be_are_refused(
    tmp_path: Path, rows: list[tuple[str, float, float]], said: str
) -> None:
    if "grow" in said:
        rows = [row for row in rows if row[0] != "median" and row[1] != 20.0]
        rows.append(("share_above", 10.0, 0.2))
    with pytest.raises(InputError, match=said):
        populations.fit(figures(tmp_path / "f.csv", rows))


def test_what_is_printed_is_what_a_scenario_takes(tmp_path: Path) -> None:
    file = figures(tmp_path / "f.csv", FIGURES)
    made = CliRunner().invoke(hedgesim, ["population", "fit", file])
    assert made.exit_code == 0, made.output
    section = yaml.safe_load(made.output)
    data = load("liquidation-cascade").model_dump(mode="json")
    longs = from_mapping(data | section).population["ETH"].long
    assert longs is not None
    assert longs.count == 800
    out = tmp_path / "made.yaml"
    ran = CliRunner().invoke(hedgesim, ["population", "fit", file, "--out", str(out)])
    assert ran.output.splitlines()[-1] == f"Population: {out}"
    assert out.read_text() == made.output
    (crowd,) = json.loads(
        CliRunner().invoke(hedgesim, ["population", "fit", file, "--json"]).output
    )
    assert crowd["section"] == section["population"]["ETH"]["long"]


@pytest.mark.skipif(not REAL.is_file(), reason="needs ../shared/data")
def test_a_table_of_a_venue_with_names_of_its_own_is_read_where_it_is_told() -> None:
    told = {"notional": "adl_notional", "leverage": "leverage_realtime"}
    (crowd,) = populations.fit(str(REAL), asset="ALL", side="short", columns=told).crowds
    assert crowd.left_out == {"without a positive leverage": 124}
    assert crowd.section["count"] == 19_213
    # Medians of the file itself; the fit's are of a log-normal, which a table of this size rejects.
    frame = pd.read_parquet(REAL)
    median = frame.loc[frame["leverage_realtime"] > 0, "leverage_realtime"].median()
    assert crowd.section["leverage"] == pytest.approx(median, rel=0.1)
    assert crowd.figure is not None
    assert crowd.figure.rejected
    assert crowd.figure.distance < 0.08
