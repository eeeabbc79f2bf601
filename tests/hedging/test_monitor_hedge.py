"""The monitor on hedges whose truth is known, and on two weeks in which hedges failed."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from simulator.hedging import hedge_ratios
from simulator.hedging.monitor.hedge import HedgeMonitor
from simulator.hedging.monitor.history import alarms, first_alarm
from simulator.hedging.monitor.settings import ALARMS, Settings
from simulator.types import Floats, InputError
from tests.sizes import CAMPAIGN

HISTORY = Path(__file__).parents[3] / "shared/data/history"
VOLATILITY = np.array([0.012, 0.007, 0.009])
CORRELATION = np.array([[1.0, 0.8, 0.75], [0.8, 1.0, 0.85], [0.75, 0.85, 1.0]])
BETAS = hedge_ratios((CORRELATION * np.outer(VOLATILITY, VOLATILITY))[:, :, None])
SETTINGS = Settings(arl=1_000.0)


def _returns(correlation: Floats, steps: int, paths: int, seed: int) -> Floats:
    """Normal log returns ``[T, N, P]``."""
    factor = np.linalg.cholesky(correlation)
    draws = np.random.default_rng(seed).standard_normal((steps, 3, paths))
    return np.asarray(VOLATILITY[:, None] * np.einsum("ij,tjp->tip", factor, draws))


def _first(returns: Floats, betas: Floats, monitor: HedgeMonitor) -> dict[str, Floats]:
    paths = returns.shape[2]
    first = {kind: np.full(paths, np.inf) for kind in ALARMS}
    for step, row in enumerate(returns):
        for kind, rang in monitor.update(row, np.broadcast_to(betas, (2, paths))).items():
            first[kind][rang & np.isinf(first[kind])] = step
    return first


def test_false_alarms_are_about_as_rare_as_stated() -> None:
    """Scales are estimated, so a chart rings somewhat more often than one that is told them."""
    paths, steps = (600 if CAMPAIGN else 100), 2_500
    monitor = HedgeMonitor(paths, SETTINGS)
    counts = dict.fromkeys(ALARMS, 0)
    for row in _returns(CORRELATION, steps, paths, 1):
        for kind, rang in monitor.update(row, np.broadcast_to(BETAS, (2, paths))).items():
            counts[kind] += int(rang.sum())
    observed = (steps - SETTINGS.warmup) * paths
    both = counts["breakdown"] + counts["convergence"]
    for count in (counts["residual"], counts["drift"], both):
        assert 0.75 * SETTINGS.arl < observed / count < 1.25 * SETTINGS.arl
    assert counts["basis"] == 0  # it was not watched


@pytest.mark.parametrize(
    ("after", "kind", "within"), [(0.05, "breakdown", 60), (0.995, "convergence", 60)]
)
def test_a_changed_correlation_is_named(after: float, kind: str, within: int) -> None:
    paths, quiet = 100, 200
    changed = CORRELATION.copy()
    changed[0, 1:] = changed[1:, 0] = after
    if kind == "convergence":
        changed[1, 2] = changed[2, 1] = after
    returns = np.concatenate(
        [_returns(CORRELATION, quiet, paths, 2), _returns(changed, 80, paths, 3)]
    )
    settings = Settings(arl=20_000.0, half_life=168.0)
    first = _first(returns, BETAS, HedgeMonitor(paths, settings))
    assert np.median(first[kind]) < quiet + within
    assert np.mean(first[kind] < quiet) < 0.1


def test_a_wrong_beta_and_a_trend_are_found() -> None:
    paths, quiet = 100, 120
    returns = _returns(CORRELATION, quiet + 80, paths, 4)
    settings = Settings(arl=20_000.0, half_life=1_000.0)
    drifted = returns.copy()
    drifted[quiet:, 0] += 1.2 * returns[quiet:, 1]  # the target's beta more than doubles
    first = _first(drifted, BETAS, HedgeMonitor(paths, settings))
    assert np.median(first["drift"]) < quiet + 60
    trend = returns.copy()
    trend[quiet:, 0] -= 0.007  # one standard deviation of the residual, every hour
    first = _first(trend, BETAS, HedgeMonitor(paths, settings))
    assert np.median(first["residual"]) < quiet + 30


def test_a_basis_that_jumps_is_found_at_once() -> None:
    paths, generator = 50, np.random.default_rng(5)
    monitor = HedgeMonitor(paths, Settings(arl=50_000.0))
    basis, rang = np.zeros(paths), []
    for step, row in enumerate(_returns(CORRELATION, 120, paths, 5)):
        basis = 0.95 * basis + 2e-4 * generator.standard_normal(paths)
        if step == 100:
            basis = basis + 0.01
        rang.append(monitor.update(row, np.broadcast_to(BETAS, (2, paths)), basis)["basis"])
    assert rang[100].all()
    assert not np.any(rang[:100])


def test_a_path_does_not_depend_on_its_neighbours() -> None:
    returns = _returns(CORRELATION, 400, 7, 6)
    settings = Settings(arl=100.0, window=24)
    together, alone = HedgeMonitor(7, settings), HedgeMonitor(1, settings)
    rings = 0
    for row in returns:
        whole = together.update(row, np.broadcast_to(BETAS, (2, 7)))
        one = alone.update(row[:, 3:4], BETAS)
        for kind in ALARMS:
            assert whole[kind][3] == one[kind][0]
            rings += int(one[kind][0])
    assert rings > 0


def test_what_comes_later_changes_no_alarm() -> None:
    returns = _returns(CORRELATION, 400, 1, 7)[:, :, 0]
    betas = np.repeat(BETAS.T, 400, axis=0)
    settings = Settings(arl=100.0, window=24)
    before = alarms(returns, betas, settings)
    returns[300:] *= 50.0
    after = alarms(returns, betas, settings)
    for kind in ALARMS:
        np.testing.assert_array_equal(before[kind][:300], after[kind][:300])


def test_prices_that_stand_still_alarm_nobody() -> None:
    monitor = HedgeMonitor(2, Settings(arl=200.0))
    for _ in range(120):
        found = monitor.update(np.zeros((3, 2)), np.ones((2, 2)), np.zeros(2))
        assert not np.any(list(found.values()))


def _hourly(file: str, symbols: list[str], start: datetime, end: datetime) -> Floats:
    from simulator.market.panel import read_panel

    if not (HISTORY / file).exists():
        pytest.skip(f"needs ../shared/data/history/{file}")
    return read_panel(HISTORY / file, symbols, start=start, end=end, max_gap_hours=24).returns


def _rolling_betas(returns: Floats, window: int) -> Floats:
    """Least-squares betas of the ``window`` rows before each day."""
    betas = np.full((len(returns), returns.shape[1] - 1), np.nan)
    for row in range(window, len(returns), 24):
        moments = np.cov(returns[row - window : row].T)[:, :, None]
        betas[row : row + 24] = hedge_ratios(moments)[:, 0]
    return betas


def test_sol_alarms_in_november_2022_before_half_the_loss() -> None:
    start = datetime(2022, 9, 20)
    returns = _hourly(
        "spot_1h_2020_2022.parquet",
        ["SOLUSDT", "BTCUSDT", "ETHUSDT"],
        start,
        datetime(2022, 11, 12),
    )
    settings = Settings(arl=2_160.0)  # a false alarm a quarter and detector, were returns normal
    betas = _rolling_betas(returns, 720)
    since = int((datetime(2022, 11, 6, 12) - start) / timedelta(hours=1))
    found = first_alarm(returns, betas, settings, since)
    assert found.row is not None
    assert found.row < found.trough_row
    assert found.trough > 0.5
    assert found.lost < found.trough / 2


def test_luna_alarms_in_may_2022_before_half_the_loss() -> None:
    start, end = datetime(2022, 5, 6, 3), datetime(2022, 5, 12, 12)
    luna = _hourly("ust_luna_2022_1h.parquet", ["LUNAUSDT"], start, end)
    others = _hourly("spot_1h_2020_2022.parquet", ["BTCUSDT", "ETHUSDT"], start, end)
    returns = np.hstack([luna, others])
    # The record starts 30 hours before the fall: betas and scale are those of its first day.
    betas = np.full((len(returns), 2), np.nan)
    betas[24:] = hedge_ratios(np.cov(returns[:24].T)[:, :, None])[:, 0]
    found = first_alarm(returns, betas, Settings(arl=720.0, window=24, warmup=24), 24)
    assert found.row is not None
    assert found.row < found.trough_row
    assert found.trough > 0.99
    assert found.lost < found.trough / 2


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="warmup"):
        Settings(arl=100.0, warmup=2)
    with pytest.raises(InputError, match="half_life"):
        Settings(arl=100.0, half_life=0.0)
    with pytest.raises(InputError, match="betas"):
        alarms(np.zeros((4, 3)), np.zeros((4, 3)), SETTINGS)
    with pytest.raises(InputError, match="betas"):
        HedgeMonitor(4, SETTINGS).update(np.zeros((3, 4)), np.zeros((1, 4)))
    with pytest.raises(InputError, match="since"):
        first_alarm(np.zeros((4, 3)), np.zeros((4, 2)), SETTINGS, 4)
