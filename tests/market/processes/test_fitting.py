"""Calibration against what others compute, its bounds, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from simulator.config import correlation
from simulator.config.process import Regime
from simulator.hedging.estimators.regimes import RegimeModel, follow
from simulator.market import fitting
from simulator.market.fitting import factor, gjr, regime, student
from simulator.market.panel import read_panel
from simulator.types import Floats, InputError

from .panels import COINS, DCC, GARCH, PROCESSES, configured, returns

RNG = np.random.default_rng(5)
NOISE = RNG.standard_normal((600, 3)) @ np.array([[1, 0.5, 0.2], [0, 1, 0.4], [0, 0, 1]])


def _garch_series(hours: int) -> Floats:
    config = configured({**DCC, "garch": {"ETH": GARCH}}, horizon_hours=hours, seed=4)
    series = returns(config, 1)[1, :, 0]
    return (series - series.mean()) / series.std()


def test_the_gjr_likelihood_is_that_of_arch() -> None:
    from arch import arch_model

    unit = _garch_series(2_000)
    model = arch_model(unit, mean="Zero", p=1, o=1, q=1, rescale=False)
    alpha, gamma, beta = 0.06, 0.05, 0.88
    omega = 1 - alpha - gamma / 2 - beta
    # arch begins at a backcast; at 1 it begins where the process does.
    volatility = model.fix([omega, alpha, gamma, beta]).conditional_volatility
    ours = np.sqrt(gjr.variances(unit, alpha, gamma, beta)[:-1])
    assert ours[300:] == pytest.approx(volatility[300:], rel=1e-8)


def test_the_gjr_estimates_are_near_those_of_arch() -> None:
    from arch import arch_model

    unit = _garch_series(4_000)
    found = arch_model(unit, mean="Zero", p=1, o=1, q=1, rescale=False).fit(disp="off")
    theirs = found.params[["alpha[1]", "gamma[1]", "beta[1]"]].to_numpy()
    errors = found.std_err[["alpha[1]", "gamma[1]", "beta[1]"]].to_numpy()
    # Theirs chooses the long-run variance too, ours has the sample's.
    assert np.all(np.abs(gjr.fit(unit) - theirs) < 0.5 * errors)


@given(st.floats(1e-4, 0.9999), st.floats(-1, 1), st.floats(1e-3, 0.998))
@settings(deadline=None)
def test_every_point_of_the_search_is_stationary_and_positive(
    part: float, asymmetric: float, persistence: float
) -> None:
    alpha, gamma, beta = gjr.parameters(np.array([part, asymmetric, persistence]))
    assert min(alpha, alpha + gamma, beta) >= -1e-15
    assert alpha + gamma / 2 + beta == pytest.approx(persistence)


def test_the_t_density_is_that_of_scipy() -> None:
    dof, covariance = 4.5, np.cov(NOISE.T)
    theirs = stats.multivariate_t(shape=covariance * (dof - 2) / dof, df=dof).logpdf(NOISE)
    logs = np.linalg.slogdet(covariance)[1]
    ours = student.t_density(dof, logs, student.squares(NOISE, covariance), 3)
    assert ours == pytest.approx(theirs)


def test_the_factor_density_is_that_of_scipy() -> None:
    point = np.array([0.9, 0.7, 0.5, 0.4, 0.6, 0.8])
    covariance = np.outer(point[:3], point[:3]) + np.diag(point[3:] ** 2)
    theirs = stats.multivariate_normal(cov=covariance).logpdf(NOISE)
    assert factor.densities(NOISE, point) == pytest.approx(theirs)


def test_rows_of_the_regime_likelihood_add_up_to_it() -> None:
    covariances = np.array([0.5 * np.eye(3), 2 * np.cov(NOISE.T)])
    model = RegimeModel(np.array([[0.9, 0.1], [0.3, 0.7]]), covariances)
    total = follow(model.densities(NOISE), model.transition, model.start())[2]
    assert regime.row_likelihoods(model, NOISE).sum() == pytest.approx(total)


def test_em_finds_a_stationary_point_of_the_likelihood() -> None:
    config = configured(PROCESSES["regime"], horizon_hours=2_000)
    drawn = returns(config, 1)[1:, :, 0].T
    unit = (drawn - drawn.mean(axis=0)) / drawn.std(axis=0)
    best = regime.expectation_maximisation(unit, 2)

    def likelihood(model: RegimeModel) -> float:
        return float(regime.row_likelihoods(model, unit).sum())

    top = likelihood(best)
    for k in (0, 1):
        for change in (0.9, 1.1):
            other = best.covariances.copy()
            other[k] *= change
            assert likelihood(RegimeModel(best.transition, other)) < top
            moved = best.transition.copy()
            moved[k, 1 - k] *= change
            moved[k, k] = 1 - moved[k, 1 - k]
            assert likelihood(RegimeModel(moved, best.covariances)) < top


@pytest.mark.parametrize("count", [2, 3, 4])
def test_fitted_regimes_are_a_process_that_can_be_drawn(count: int) -> None:
    config = configured(PROCESSES["regime"], horizon_hours=1_000)
    drawn = returns(config, 1)[1:, :, 0].T
    fitted = regime.fit(drawn - drawn.mean(axis=0), COINS, 60, count)
    first, *_, last = (item["volatility"]["ETH"] for item in fitted.process["regimes"])
    assert first < last
    again = configured(fitted.process)
    assert isinstance(again.process, Regime)
    assert len(again.process.regimes) == count


def test_the_sign_and_scale_of_a_factor_are_fixed() -> None:
    drawn = returns(configured(PROCESSES["factor"]), 1)[1:, :, 0].T
    fitted = fitting.fit("factor", drawn, COINS, 60)
    assert np.mean(list(fitted.process["betas"].values())) == pytest.approx(1, abs=1e-5)
    assert fitting.fit("factor", -drawn, COINS, 60).process["betas"] == pytest.approx(
        fitted.process["betas"], abs=1e-4
    )


def test_loadings_are_those_of_scikit_learn() -> None:
    from sklearn.decomposition import FactorAnalysis

    drawn = returns(configured(PROCESSES["factor"]), 1)[1:, :, 0].T
    unit = (drawn - drawn.mean(axis=0)) / drawn.std(axis=0)
    model = FactorAnalysis(1, tol=1e-9, max_iter=5_000, svd_method="lapack").fit(unit)
    assert factor.loadings(unit) == pytest.approx(np.abs(model.components_[0]), abs=1e-3)


def test_an_asset_that_is_the_factor_keeps_a_variance_of_its_own() -> None:
    market, *own = np.random.default_rng(6).standard_normal((3, 600))
    rows = np.column_stack([market, *(market + noise for noise in own)])
    fitted = fitting.fit("factor", rows, COINS, 60)
    assert fitted.correlation[0, 1] == pytest.approx(np.corrcoef(rows.T)[0, 1], abs=0.02)
    explained = fitted.process["market_volatility"] * fitted.process["betas"]["ETH"]
    assert explained**2 < fitted.volatility[0] ** 2


@pytest.mark.parametrize(
    ("kind", "rows", "names", "said"),
    [
        (
            "garch",
            NOISE,
            COINS,
            "process = garch: must be one of t, dcc, egarch, regime, bootstrap, factor",
        ),
        ("t", NOISE[:29], COINS, "returns = 29 rows: must be 50 or more"),
        ("t", np.where(NOISE > 2, np.nan, NOISE), COINS, "not finite"),
        ("dcc", NOISE * [1, 0, 1], COINS, "BTC: never moves"),
        ("factor", NOISE[:, :2], COINS[:2], "a factor needs 3 or more"),
    ],
)
def test_what_cannot_be_fitted_is_refused(
    kind: str, rows: Floats, names: tuple[str, ...], said: str
) -> None:
    with pytest.raises(InputError) as refused:
        fitting.fit(kind, rows, names, 60)
    assert said in str(refused.value)


# ------------------------------------------------------------------------------------- real data

SYMBOLS = {"ETH": "ETHUSDT", "BTC": "BTCUSDT", "SOL": "SOLUSDT"}
DAY = 24
# What simulated panels have of the recorded ones, as bands about the ratio or the difference:
# volatility (ratio), correlation (difference), returns beyond five deviations (ratio), and
# autocorrelation of absolute returns after an hour and a day. The record: 10 to 14 excess kurtosis,
# 0.27 and 0.18. A t or a factor has tails and no memory, regimes an hour's, GARCH a day's and more.
BANDS: dict[str, tuple[float, float, tuple[float, float], float, float]] = {
    "t": (0.15, 0.05, (0.6, 1.7), 0.30, 0.20),
    "dcc": (0.25, 0.08, (0.6, 1.7), 0.12, 0.09),
    "egarch": (0.10, 0.05, (0.7, 1.6), 0.05, 0.06),
    "regime": (0.05, 0.03, (0.05, 1.2), 0.12, 0.20),
    "bootstrap": (0.10, 0.04, (0.7, 1.4), 0.06, 0.06),
    "factor": (0.15, 0.05, (0.6, 1.7), 0.30, 0.20),
}


def _features(drawn: Floats) -> tuple[Floats, Floats, float, float, float]:
    """Of returns ``[A, T]``: deviations, correlations, tail frequency, two autocorrelations."""
    deviation = drawn.std(axis=1)
    tail = np.mean(np.abs(drawn) > 5 * deviation[:, None])
    size = np.abs(drawn)
    memory = [
        np.mean([np.corrcoef(row[lag:], row[:-lag])[0, 1] for row in size]) for lag in (1, DAY)
    ]
    return deviation, np.corrcoef(drawn), float(tail), float(memory[0]), float(memory[1])


def _long_memory(drawn: Floats) -> tuple[float, float]:
    """Of returns ``[A, T]``: autocorrelation of |r| after a week, lower tail dependence at 5 %.

    The latter is how often one asset is in its worst twentieth of hours when another is.
    """
    size = np.abs(drawn)
    week = np.mean([np.corrcoef(row[7 * DAY :], row[: -7 * DAY])[0, 1] for row in size])
    low = drawn < np.quantile(drawn, 0.05, axis=1)[:, None]
    pairs = [np.mean(low[i] & low[j]) / 0.05 for i in range(len(low)) for j in range(i)]
    return float(week), float(np.mean(pairs))


@pytest.mark.parametrize("kind", list(BANDS))
def test_simulated_panels_look_like_the_record(spot: Path, kind: str) -> None:
    panel = read_panel(spot, tuple(SYMBOLS.values()), max_gap_hours=6)
    fitted = fitting.fit(kind, panel.returns, tuple(SYMBOLS), 60)
    process: dict[str, Any] = dict(fitted.process)
    if kind == "bootstrap":
        process |= {"file": str(spot), "symbols": SYMBOLS}
    assets = configured(PROCESSES["gbm"]).model_dump()["assets"]
    for name, volatility in zip(SYMBOLS, fitted.volatility, strict=True):
        assets[name]["volatility"] = float(volatility)
    config = configured(
        process,
        assets=assets,
        correlation={"pairs": regime.pairs(tuple(SYMBOLS), fitted.correlation)},
        horizon_hours=len(panel.returns),
    )
    assert np.all(np.diag(correlation.initial(config)) == 1)
    simulated = returns(config, 8)[1:]
    found = [_features(simulated[:, :, path]) for path in range(8)]
    deviation, rho, tail, hour, day = (
        np.mean(np.array([each[n] for each in found]), axis=0) for n in range(5)
    )
    real = _features(panel.returns.T)
    of_volatility, of_rho, (low, high), of_hour, of_day = BANDS[kind]
    assert deviation == pytest.approx(real[0], rel=of_volatility)
    assert rho == pytest.approx(real[1], abs=of_rho)
    assert low < tail / real[2] < high
    assert hour == pytest.approx(real[3], abs=of_hour)
    assert day == pytest.approx(real[4], abs=of_day)
    if kind == "egarch":  # long memory, and falls that come together
        weeks, tails = _long_memory(panel.returns.T)
        drawn = [_long_memory(simulated[:, :, path]) for path in range(8)]
        assert np.mean([each[0] for each in drawn]) == pytest.approx(weeks, abs=0.04)
        assert np.mean([each[1] for each in drawn]) == pytest.approx(tails, abs=0.05)
    if kind in (
        "dcc",
        "egarch",
        "bootstrap",
    ):  # clustering that a process without memory does not have
        assert day > 0.08
