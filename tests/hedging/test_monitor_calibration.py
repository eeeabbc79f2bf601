"""ControlLimits found on a record ring as often as stated on returns that are not normal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.config import from_mapping, load
from simulator.hedging import hedge_ratios
from simulator.hedging.monitor.calibration import calibrate, resampled_rows
from simulator.hedging.monitor.hedge import HedgeMonitor
from simulator.hedging.monitor.settings import ControlLimits, Settings
from simulator.market.prices import draw_index
from simulator.types import Floats, InputError

SETTINGS = Settings(arl=300.0)
# Heavy tails and volatility that comes in waves of hours and of days, as hours of coins have them.
PROCESS = {
    "kind": "egarch",
    "dof": 3.5,
    "components": {
        name: {"news": 0.2, "memory": 0.8, "market": 0.12} for name in ("ETH", "BTC", "SOL")
    },
    "market_memory": 0.99,
}


def _returns(hours: int, first: int, paths: int) -> Floats:
    """Log returns ``[T, 3, P]`` of SOL, BTC and ETH."""
    config = from_mapping(load("calm").model_dump() | {"process": PROCESS, "horizon_hours": hours})
    rows = [config.symbols.index(symbol) for symbol in ("SOL", "BTC", "ETH")]
    drawn = np.diff(np.log(draw_index(config.market, first, paths)[rows]), axis=1)
    return np.ascontiguousarray(drawn.transpose(1, 0, 2))


def _rates(returns: Floats, betas: Floats, settings: Settings) -> dict[str, float]:
    """Steps between alarms by chart on returns ``[T, N, P]``."""
    paths = returns.shape[2]
    monitor, counts = HedgeMonitor(paths, settings), dict.fromkeys(("r", "c", "d"), 0)
    for row in returns:
        found = monitor.update(row, np.broadcast_to(betas[:, None], (2, paths)))
        counts["r"] += int(found["residual"].sum())
        counts["c"] += int((found["breakdown"] | found["convergence"]).sum())
        counts["d"] += int(found["drift"].sum())
    observed = (len(returns) - settings.warmup) * paths
    return {name: observed / max(count, 1) for name, count in counts.items()}


@pytest.fixture(scope="module")
def record() -> tuple[Floats, Floats]:
    """Two years of hours ``[T, 3]``, and the hedge ratios measured on them ``[2]``."""
    returns = _returns(17_520, 0, 1)[:, :, 0]
    return returns, hedge_ratios(np.cov(returns.T)[:, :, None])[:, 0]


def test_the_stated_rate_holds_on_heavy_tails_and_clusters(record: tuple[Floats, Floats]) -> None:
    """On hours the record does not have, within a factor of 1.5; by theory it is missed.

    The record has some sixty alarms at this rate, clustered: limits cannot be surer than that.
    """
    returns, betas = record
    fresh = _returns(1_500, 1, 80)
    theory = _rates(fresh, betas, SETTINGS)
    found = _rates(fresh, betas, replace(SETTINGS, limits=calibrate(returns, betas, SETTINGS)))
    for name, steps in found.items():
        assert SETTINGS.arl / 1.5 < steps < SETTINGS.arl * 1.5, name
    assert min(theory.values()) < SETTINGS.arl / 2


def test_on_normal_returns_the_limits_are_those_of_theory() -> None:
    """Up to a tenth of sampling error, where theory knows all there is to know.

    Of the correlation it does not: the reference is estimated on a warm-up as short as the window,
    which the limit makes up for.
    """
    factor = np.linalg.cholesky([[1.0, 0.8, 0.75], [0.8, 1.0, 0.85], [0.75, 0.85, 1.0]])
    returns = 0.01 * np.random.default_rng(3).standard_normal((6_000, 3)) @ factor.T
    betas = hedge_ratios(np.cov(returns.T)[:, :, None])[:, 0]
    limits, theory = calibrate(returns, betas, SETTINGS), HedgeMonitor(1, SETTINGS)
    assert limits.residual == pytest.approx(theory.residual.threshold, rel=0.12)
    assert 1.0 < limits.correlation / theory.correlation.threshold < 1.3
    assert limits.drift == pytest.approx(theory.drift.threshold, rel=0.12)


def test_rarer_alarms_take_higher_limits(record: tuple[Floats, Floats]) -> None:
    returns, betas = record
    often, rare = (
        calibrate(returns, betas, replace(SETTINGS, arl=arl)) for arl in (200.0, 3_000.0)
    )
    assert rare.residual > often.residual
    assert rare.correlation > often.correlation
    assert rare.drift > often.drift


def test_the_limits_are_the_same_every_time(record: tuple[Floats, Floats]) -> None:
    returns, betas = record
    short = returns[:800]
    given = replace(SETTINGS, limits=ControlLimits(1.0, 1.0, 1.0))  # not looked at
    assert calibrate(short, betas, SETTINGS) == calibrate(short, betas, given)


def test_a_path_is_a_stretch_of_a_long_record_and_blocks_of_a_short_one() -> None:
    whole = resampled_rows(9_000, 1_500, 48, 0)
    assert np.all(np.diff(whole, axis=0) == 1)
    assert whole.min() >= 0
    assert whole.max() < 9_000
    pieces = resampled_rows(720, 1_500, 48, 0)
    seams = np.mean(np.diff(pieces, axis=0) % 720 != 1)
    assert seams == pytest.approx(1 / 180, rel=0.2)


def test_bad_records_are_named() -> None:
    rows = np.random.default_rng(1).standard_normal((400, 3))
    with pytest.raises(InputError, match="returns = 383 rows: must be 384 or more, 8 windows"):
        calibrate(rows[:383], np.ones(2), SETTINGS)
    rows[7, 1] = np.nan
    with pytest.raises(InputError, match="must be finite"):
        calibrate(rows, np.ones(2), SETTINGS)
    with pytest.raises(InputError, match="betas"):
        calibrate(rows, np.ones(3), SETTINGS)
    with pytest.raises(InputError, match=r"limits\.drift = 0"):
        ControlLimits(1.0, 1.0, 0.0)
