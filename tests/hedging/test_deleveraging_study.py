"""The study of 10 October 2025: what it draws is what it says, and what its document says holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scripts import deleveraging_study as study
from simulator.types import Floats

DATA = Path(__file__).parents[3] / "shared/data"
PRICES = np.array([100.0, 10.0])


def bars(moves: Floats) -> pd.DataFrame:
    """One-minute bars of two coins with these log returns ``[minutes, coins]``, without wicks."""
    closes = PRICES * np.exp(np.cumsum(moves, axis=0))
    opens = np.vstack([PRICES, closes[:-1]])
    times = pd.date_range("2021-05-19", periods=len(moves), freq="min")
    return pd.concat(
        pd.DataFrame(
            {
                "timestamp_utc": times, "symbol": name, "open": opens[:, i], "close": closes[:, i],
                "high": np.maximum(opens, closes)[:, i], "low": np.minimum(opens, closes)[:, i],
                "volume": volume,
            }
        )
        for i, (name, volume) in enumerate((("A", 3.0), ("B", 10.0)))
    )  # fmt: skip


def accounts(n: int, seed: int = 1) -> study.Accounts:
    """Accounts of two coins, worth more than they won."""
    rng = np.random.default_rng(seed)
    notional = rng.lognormal(8.0, 1.0, n)
    profit = notional * rng.uniform(0.1, 0.9, n)
    return study.Accounts(notional, profit, profit * rng.uniform(1, 9, n), rng.integers(0, 2, n))


def test_the_crash_is_the_worst_stretch_and_a_bar_without_wicks_has_no_deviation() -> None:
    moves = np.full((40, 2), 0.001)
    moves[17:20] = [-0.05, -0.08]
    found = study.crash(bars(moves), 3)
    assert found.move == pytest.approx(moves[17:20])
    assert found.deviation == pytest.approx(0.0, abs=1e-7)
    assert found.share.sum() == pytest.approx(1.0)
    assert found.share[0] > found.share[1]  # three at 100 against ten at 10


def test_what_is_given_up_is_the_fall_that_is_left_of_the_wave() -> None:
    moves = np.full((3, 2), -0.06)
    minutes = study.Minutes(moves, np.zeros((3, 2)), PRICES, np.array([0.5, 0.5]))
    after = study.forgone(study.Wave(1.0, 30.0, 1.0), minutes, np.random.default_rng(1))
    assert after[0] == pytest.approx(1.0 - np.exp(-0.03))
    assert after[-1] == pytest.approx(0.0)
    assert np.all(np.diff(after[:, 0]) < 0.0)
    still = study.forgone(study.Wave(1.0, 0.0, 1.0), minutes, np.random.default_rng(1))
    assert np.all(still == 0.0)


def test_in_a_wave_of_one_moment_every_policy_takes_the_need() -> None:
    book, minutes = accounts(400), study.Minutes(
        np.zeros((1, 2)), np.zeros((1, 2)), PRICES / 100.0, np.array([0.5, 0.5])
    )  # fmt: skip
    need = 0.02 * float(book.notional.sum()) * 0.01
    after = study.forgone(study.Wave(need, 0.0, 1.0), minutes, np.random.default_rng(1))
    found = study.of_wealth(book, need) | study.of_contracts(book, need, 0.01, minutes, after)
    for name, taken in found.items():
        assert taken.usd == pytest.approx(need, rel=1e-2 if name in study.LOTS else 1e-9), name
    assert min(found, key=lambda name: found[name].largest) in ("eq_pr", study.LOTS[1])
    assert max(found, key=lambda name: found[name].largest) == "prod"
    falling = np.full((study.GRID, 2), 0.05)
    later = study.of_contracts(book, need, 0.01, minutes, falling)
    assert later["prod"].usd == pytest.approx(6.0 * need, rel=1e-9)  # 1 % and 5 % of what is closed
    assert later["later"].usd == pytest.approx(6.0 * need, rel=1e-9)


def test_whole_positions_take_no_less_and_the_books_have_what_the_wave_had() -> None:
    everybody, minutes = accounts(5_000), study.Minutes(
        np.zeros((1, 2)), np.zeros((1, 2)), PRICES, np.array([0.2, 0.8])
    )  # fmt: skip
    wave = study.Wave(1e3, 0.0, float(everybody.cap.sum()) / 3)
    book = study.drawn(everybody, wave, minutes, np.random.default_rng(4))
    assert wave.cap <= book.cap.sum() <= wave.cap + everybody.cap.max()
    assert np.mean(book.coin == 1) == pytest.approx(0.8, abs=0.05)
    assert all(taken.usd >= 1e3 for taken in study.of_wholes(book, 1e3, 0.01).values())


@pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data")
def test_of_the_document_the_queues_excess_is_of_waves_that_lasted() -> None:
    document = pd.read_csv(DATA / "crises/adl_2025_10_10_policies.csv")
    waves = study.waves(document)
    took = document["budget_prod"].to_numpy()
    lasted = np.array([wave.seconds > 0.0 for wave in waves])
    needed = np.array([wave.needed for wave in waves])
    assert took[~lasted].sum() < needed[~lasted].sum()
    assert took[lasted].sum() > 5.0 * needed[lasted].sum()
    assert study.minutes_of(document) == 10


@pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data")
def test_pro_rata_takes_what_is_needed_of_books_drawn_from_the_accounts() -> None:
    document = pd.read_csv(DATA / "crises/adl_2025_10_10_policies.csv")
    users = pd.read_parquet(DATA / "crises/adl_2025_10_10_users.parquet")
    minutes = study.crash(pd.read_parquet(DATA / "history/may_2021_1m.parquet"), 10)
    needed = document["budget_needed"].to_numpy()
    gap = float(needed.sum() / users["adl_notional"].sum())
    found = study.study(document, study.accounts_of(users, sound=True), gap, minutes, 1)
    for name in ("pr", "pnl_pr", "eq_pr"):
        assert found.usd[name][0] == pytest.approx(needed, rel=1e-9)
    largest = {name: float(parts.mean()) for name, parts in found.largest.items()}
    assert largest["eq_pr"] < largest["pr"] < largest["contract_pr"] < largest["prod"]
