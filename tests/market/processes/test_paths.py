"""Paths of every process: bit-identical in any chunk, of the configured moments, stationary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import special, stats

from simulator.config import correlation, markov
from simulator.config.process import Dcc, Egarch, Regime
from simulator.hedging.resampling import blocks
from simulator.market.panel import read_panel
from simulator.market.prices import draw_index
from simulator.market.processes import dcc, egarch, gbm, regime, shocks
from simulator.market.streams import Stream
from simulator.types import SECONDS_PER_YEAR, Floats, InputError

from .panels import CALM, DCC, EGARCH, GARCH, PANIC, PROCESSES, configured, returns

HOUR = 3_600 / SECONDS_PER_YEAR
PATHS = 500
BLOCKS = {
    "kind": "bootstrap",
    "symbols": {"ETH": "ETHUSDT", "SOL": "SOLUSDT"},
    "mean_block_hours": 20,
}


def _volatility(config: Any) -> Floats:
    return np.array([config.assets[symbol].volatility for symbol in config.symbols])


@pytest.mark.parametrize("name", list(PROCESSES))
def test_a_path_is_bit_identical_whatever_the_chunk(name: str) -> None:
    config = configured(PROCESSES[name], horizon_hours=50)
    # More paths than DCC works on together, and a chunk that begins in the middle of them.
    whole = draw_index(config.market, 0, dcc.LANES + 9)
    for first, paths in ((0, 1), (5, 3), (dcc.LANES - 2, 11)):
        assert np.array_equal(
            draw_index(config.market, first, paths), whole[..., first : first + paths]
        )


@pytest.mark.parametrize("name", ["t", "dcc", "dcc-t", "egarch", "factor"])
def test_volatilities_are_those_configured_from_the_first_step_to_the_last(name: str) -> None:
    config = configured(PROCESSES[name])
    drawn = returns(config, PATHS)
    expected = _volatility(config)
    # A sixth of the month at a time: what starts in its stationary state has no trend.
    for part in np.array_split(drawn, 6, axis=1):
        by_path = part.var(axis=1) / HOUR
        error = by_path.std(axis=1) / np.sqrt(PATHS)
        assert np.all(np.abs(by_path.mean(axis=1) - expected**2) < 5 * error)


def test_the_correlation_of_student_returns_is_the_one_configured() -> None:
    config = configured(PROCESSES["t"])
    drawn = returns(config, PATHS).reshape(4, -1)
    error = np.max(np.abs(np.corrcoef(drawn) - correlation.initial(config)))
    assert error < 8 / np.sqrt(drawn.shape[1])


@pytest.mark.parametrize("dof", [None, 8])
def test_the_correlation_of_dcc_shocks_is_the_one_configured(dof: float | None) -> None:
    # With constant variances returns are the shocks. Q has mean S, R = Q scaled hardly less: at
    # these weights R is off by a hundredth or two (Aielli 2013).
    config = configured({**DCC, "garch": {}, "dof": dof})
    drawn = returns(config, PATHS).reshape(4, -1)
    assert np.max(np.abs(np.corrcoef(drawn) - correlation.initial(config))) < 0.02


def test_the_correlation_of_a_factor_is_what_the_betas_say() -> None:
    config = configured(PROCESSES["factor"])
    explained = np.array([0, 1.1, 0.9, 1.5]) * 0.35 / _volatility(config)
    expected = np.outer(explained, explained)
    np.fill_diagonal(expected, 1)
    drawn = returns(config, PATHS).reshape(4, -1)
    assert np.max(np.abs(np.corrcoef(drawn) - expected)) < 8 / np.sqrt(drawn.shape[1])


@pytest.mark.parametrize("name", ["dcc", "regime"])
def test_the_expected_price_grows_at_the_drift(name: str) -> None:
    jumps = {"intensity": 100, "mean": -0.04, "std": 0.05}
    assets = configured(PROCESSES[name]).model_dump()["assets"]
    assets["ETH"] |= {"drift": 1.5, "jumps": jumps}
    config = configured(PROCESSES[name], assets=assets, horizon_hours=240)
    last = draw_index(config.market, 0, 4_000)[:, -1]
    for row, symbol in enumerate(config.symbols):
        asset = config.assets[symbol]
        error = last[row].std() / np.sqrt(4_000)
        assert abs(last[row].mean() - asset.price * np.exp(asset.drift * 240 * HOUR)) < 4 * error


# ------------------------------------------------------------------------------------------- t


def test_student_returns_have_a_student_law_in_every_direction() -> None:
    dof = 4.5
    config = configured({"kind": "t", "dof": dof})
    centred = returns(config, 200) + (_volatility(config) ** 2 / 2 * HOUR)[:, None, None]
    unit = (centred / (_volatility(config) * np.sqrt(HOUR))[:, None, None]).reshape(4, -1)
    law = stats.t(dof, scale=np.sqrt((dof - 2) / dof))
    # Any combination of a multivariate t is a t; of independent ones none would be.
    matrix = correlation.initial(config)
    for weights in np.array([[0, 1, 0, 0], [0, 0, 0, 1], [1, 1, 1, 1], [0, 1, -1, 0]]):
        scale = np.sqrt(weights @ matrix @ weights)
        assert stats.kstest(weights @ unit / scale, law.cdf).pvalue > 1e-3


def test_correlation_shocks_act_on_a_student_t() -> None:
    shock = {"at_hours": 0, "duration_hours": 720, "kind": "decoupling", "asset": "ETH"}
    config = configured(PROCESSES["t"], shocks=[{**shock, "correlation": 0.0}])
    drawn = returns(config, 200).reshape(4, -1)
    assert np.max(np.abs(np.corrcoef(drawn)[1, 2:])) < 8 / np.sqrt(drawn.shape[1])


# ----------------------------------------------------------------------------------------- dcc


def _dcc_by_the_book(config: Any, draws: Floats) -> Floats:
    """Log returns ``[A, T]`` of one path as the papers write it down: R scaled, then factored."""
    process, variance = config.process, _volatility(config) ** 2 * HOUR
    target = correlation.initial(config)
    h, q, result = variance.copy(), target.copy(), np.empty_like(draws)
    for step in range(draws.shape[1]):
        scale = 1 / np.sqrt(np.diag(q))
        z = np.linalg.cholesky(scale[:, None] * q * scale) @ draws[:, step]
        shock = np.sqrt(h) * z
        result[:, step] = -h / 2 + shock
        for row, symbol in enumerate(config.symbols):
            garch = process.garch.get(symbol)
            if garch is not None:
                fell = garch.gamma if shock[row] < 0 else 0
                omega = variance[row] * (1 - garch.alpha - garch.gamma / 2 - garch.beta)
                h[row] = omega + (garch.alpha + fell) * shock[row] ** 2 + garch.beta * h[row]
        a, b = process.news, process.memory
        q = (1 - a - b) * target + a * np.outer(z, z) + b * q
    return result


@pytest.mark.parametrize("name", ["dcc", "dcc-t"])
def test_dcc_follows_the_equations_of_the_papers(name: str) -> None:
    config = configured(PROCESSES[name])
    draws = shocks.normals(config.market, 3, 1)[..., 0]
    if name == "dcc-t":
        assert isinstance(config.process, Dcc)
        assert config.process.dof is not None
        draws = draws * shocks.student_scale(config.market, "dcc", config.process.dof, 3, 1)[:, 0]
    expected = _dcc_by_the_book(config, draws)
    assert returns(config, 1, 3)[..., 0] == pytest.approx(expected, abs=1e-12)


def test_dcc_without_weights_is_geometric_brownian_motion() -> None:
    still, brownian = configured({"kind": "dcc"}), configured({"kind": "gbm"})
    expected = draw_index(brownian.market, 0, 5)
    assert draw_index(still.market, 0, 5) == pytest.approx(expected, rel=1e-10)


def test_perfectly_correlated_assets_stay_so_under_dcc() -> None:
    same = {**DCC, "garch": dict.fromkeys(("ETH", "BTC"), GARCH)}
    assets = configured(same).model_dump()["assets"]
    assets["BTC"]["volatility"] = assets["ETH"]["volatility"]
    pairs = {"ETH/BTC": 1.0, "ETH/SOL": 0.5, "BTC/SOL": 0.5}
    config = configured(same, assets=assets, correlation={"pairs": pairs})
    drawn = returns(config, 20)
    assert np.all(np.isfinite(drawn))
    assert drawn[2] == pytest.approx(drawn[1], abs=1e-7)


# -------------------------------------------------------------------------------------- egarch


def _egarch_by_the_book(config: Any, draws: Floats, market: float) -> Floats:
    """Log returns ``[A, T]`` of one path, scores as numerical derivatives of the density."""
    process, variance = config.process, _volatility(config) ** 2 * HOUR
    rows = [config.symbols.index(symbol) for symbol in process.components]
    matrix = correlation.initial(config)
    inner, factor = matrix[np.ix_(rows, rows)], np.linalg.cholesky(matrix)
    own, result = np.zeros(len(matrix)), np.empty_like(draws)

    def score(z: Floats, rho: Floats) -> float:
        """Twice the derivative of the log density by a common log variance."""
        scatter = rho * (process.dof - 2) / process.dof

        def density(shift: float) -> float:
            law = stats.multivariate_t(shape=scatter * np.exp(shift), df=process.dof)
            return float(law.logpdf(z))

        return (density(1e-5) - density(-1e-5)) / 1e-5

    for step in range(draws.shape[1]):
        z = factor @ draws[:, step]
        h = variance.copy()
        for symbol, row in zip(process.components, rows, strict=True):
            log = own[row] + process.components[symbol].market * market
            h[row] *= np.exp(log - egarch.log_mean(process, symbol))
        result[:, step] = -h / 2 + np.sqrt(h) * z
        for symbol, row in zip(process.components, rows, strict=True):
            part = process.components[symbol]
            alone = score(z[[row]], np.eye(1))
            own[row] = part.memory * own[row] + part.news * alone
        market = process.market_memory * market + score(z[rows], inner) / len(rows)
    return result


@pytest.mark.parametrize("order", [("ETH", "BTC", "SOL"), ("SOL", "ETH")])
def test_egarch_moves_by_the_scores_of_the_student_likelihood(order: tuple[str, ...]) -> None:
    components = {symbol: EGARCH["components"][symbol] for symbol in order}
    config = configured({**EGARCH, "components": components}, horizon_hours=40)
    scale = shocks.student_scale(config.market, "egarch", 6, 3, 1)[:, 0]
    draws = shocks.normals(config.market, 3, 1)[..., 0] * scale
    count, memory = len(order), 0.98
    deviation = np.sqrt(12 / (count * (8 + count)) / (1 - memory**2))
    market = Stream(config.seed, "egarch/market").normals(3, 1, 1)[0, 0] * deviation
    expected = _egarch_by_the_book(config, draws, market)
    assert returns(config, 1, 3)[..., 0] == pytest.approx(expected, abs=1e-9)


def test_egarch_of_constant_variance_is_a_student_t() -> None:
    config = configured({"kind": "egarch", "dof": 5})
    unit = (returns(config, 100) + _volatility(config)[:, None, None] ** 2 / 2 * HOUR) / np.sqrt(
        _volatility(config)[:, None, None] ** 2 * HOUR
    )
    law = stats.t(5, scale=np.sqrt(3 / 5))
    for series in unit.reshape(4, -1)[1:]:
        assert stats.kstest(series, law.cdf).pvalue > 1e-3


def test_log_variances_have_the_deviations_and_the_mean_stated() -> None:
    """Of u and U drawn as they are defined, over lags long enough to be all of the sum."""
    config = configured(EGARCH)
    process, generator = config.process, np.random.default_rng(2)
    assert isinstance(process, Egarch)
    paths, lags, dof = 40_000, 300, process.dof
    own, market = np.zeros(paths), np.zeros(paths)
    part = process.components["SOL"]
    for _ in range(lags):
        normal = generator.standard_normal((3, paths))
        z = normal * np.sqrt((dof - 2) / generator.chisquare(dof, paths))
        share = z[0] ** 2 / (dof - 2 + z[0] ** 2)
        joint = np.sum(z**2, axis=0) / (dof - 2 + np.sum(z**2, axis=0))
        own = part.memory * own + part.news * ((dof + 1) * share - 1)
        market = process.market_memory * market + ((dof + 3) * joint - 3) / 3
    for found, stated in zip((own, part.market * market), process.deviations("SOL"), strict=True):
        assert found.std() == pytest.approx(stated, rel=5 / np.sqrt(2 * paths))
    values = np.exp(own + part.market * market)
    error = values.std() / np.sqrt(paths)
    assert abs(values.mean() - np.exp(egarch.log_mean(process, "SOL"))) < 4 * error


@pytest.mark.parametrize("dof", [2.05, 4, 100, 1_000])
def test_the_mean_of_a_lone_variance_is_the_closed_form(dof: float) -> None:
    """Of one asset u and U are one Beta score: Σ log ₁F₁(½; (ν + 1)/2; a(ν + 1)) − a."""
    alone = {"SOL": {"news": 0.2, "memory": 0.8, "market": 0.05}}
    config = configured({"kind": "egarch", "dof": dof, "components": alone, "market_memory": 0.99})
    assert isinstance(config.process, Egarch)
    weight = 0.2 * 0.8 ** np.arange(3_000) + 0.05 * 0.99 ** np.arange(3_000)
    cumulants = np.log(special.hyp1f1(0.5, (dof + 1) / 2, weight * (dof + 1))) - weight
    found = egarch.log_mean(config.process, "SOL")
    assert found == pytest.approx(cumulants.sum(), rel=1e-5)


def test_egarch_remembers_for_days_what_it_forgets_at_first() -> None:
    """Two memories: the autocorrelation of |r| falls fast within hours and slowly after."""
    slow = {**EGARCH, "market_memory": 0.995}
    size = np.abs(returns(configured(slow, horizon_hours=4_000), 60)[1])
    size = size - size.mean()

    def rho(lag: int) -> float:
        return float(np.mean(size[lag:] * size[:-lag]) / np.mean(size**2))

    one, few, day, days = rho(1), rho(6), rho(24), rho(72)
    assert one > few > day > days > 0.01
    assert np.log(one / few) / 5 > 5 * np.log(day / days) / 48  # rates of decay


# -------------------------------------------------------------------------------------- regimes


def test_regimes_are_entered_and_left_at_their_rates_from_the_first_step_on() -> None:
    config = configured(PROCESSES["regime"])
    assert isinstance(config.process, Regime)
    walked = regime.states(config.market, config.process, 0, 2_000)
    transition = np.array(config.process.transition)
    law = markov.stationary(transition)
    for step in (0, 1, 50, 719):
        assert abs(np.mean(walked[step] == 1) - law[1]) < 4 * np.sqrt(law[0] * law[1] / 2_000)
    for here in (0, 1):
        left = walked[1:][walked[:-1] == here] != here
        chance = transition[here, 1 - here]
        assert abs(left.mean() - chance) < 4 * np.sqrt(chance / left.size)


def test_volatilities_and_correlations_are_those_of_the_regime() -> None:
    config = configured(PROCESSES["regime"])
    assert isinstance(config.process, Regime)
    walked = regime.states(config.market, config.process, 0, PATHS)
    drawn = returns(config, PATHS)
    for number, about in enumerate((CALM, PANIC)):
        here = drawn[:, walked == number]
        count = here.shape[1]
        given = about.get("volatility", {})
        own = [given.get(s, config.assets[s].volatility) for s in config.symbols]
        expected = np.array(own)
        measured = here.std(axis=1) / np.sqrt(HOUR)
        assert np.all(np.abs(measured - expected) < 4 * expected / np.sqrt(2 * count))
        rho = about["correlation"]["default"]
        assert np.corrcoef(here)[1:, 1:] == pytest.approx(
            np.full((3, 3), rho) + (1 - rho) * np.eye(3), abs=5 / np.sqrt(count)
        )


# ------------------------------------------------------------------------------------ bootstrap


def test_blocks_are_geometric_and_begin_anywhere() -> None:
    count, restart = 1_000, 0.05
    uniforms = Stream(1, "blocks").uniforms(0, 400, 500)
    rows = blocks(uniforms, restart, count)
    assert rows.min() >= 0
    assert rows.max() < count
    new = rows[1:] != (rows[:-1] + 1) % count
    # A new block begins where the old one goes on once in `count` times.
    chance = restart * (1 - 1 / count)
    assert abs(new.mean() - chance) < 4 * np.sqrt(chance / new.size)
    begun = np.concatenate([rows[0], rows[1:][new]])
    assert stats.kstest((begun + 0.5) / count, "uniform").pvalue > 1e-3
    # Every row is as likely as any other, wherever in a block: the record is a circle.
    assert abs(rows.mean() / count - 0.5) < 0.02


@pytest.mark.parametrize("rescale", [False, True])
def test_a_resampled_step_is_one_row_of_the_record(spot: Path, rescale: bool) -> None:
    process = {**BLOCKS, "file": str(spot), "rescale": rescale}
    config = configured(process, horizon_hours=300)
    drawn = returns(config, 60)
    panel = read_panel(spot, ("ETHUSDT", "SOLUSDT"), max_gap_hours=6)
    record = panel.returns - panel.returns.mean(axis=0)
    wanted = record.std(axis=0) / np.sqrt(HOUR)
    if rescale:
        wanted = np.array([config.assets[s].volatility for s in ("ETH", "SOL")])
        record *= wanted * np.sqrt(HOUR) / record.std(axis=0)
    record -= np.log(np.mean(np.exp(record), axis=0))
    order = np.argsort(record[:, 0])
    found = order[
        np.clip(np.searchsorted(record[order, 0], drawn[1].ravel() - 1e-10), 0, len(order) - 1)
    ]
    assert record[found, 0] == pytest.approx(drawn[1].ravel(), abs=1e-9)
    # Equal returns of ETH (filled bars) may hide which row it was; nearly all are unique.
    assert np.mean(np.abs(record[found, 1] - drawn[3].ravel()) < 1e-9) > 0.99
    others = returns(config, 200)[2].std() / np.sqrt(HOUR)
    assert others == pytest.approx(config.assets["BTC"].volatility, rel=0.02)


def test_a_bootstrap_is_the_same_in_every_chunk_and_needs_its_file(spot: Path) -> None:
    config = configured({**BLOCKS, "file": str(spot)}, horizon_hours=50)
    whole = draw_index(config.market, 0, 12)
    assert np.array_equal(draw_index(config.market, 7, 5), whole[..., 7:])
    with pytest.raises(InputError, match=r"no bar at .* at most 3 are filled"):
        draw_index(configured({**BLOCKS, "file": str(spot), "max_gap_hours": 3}).market, 0, 1)
    with pytest.raises(InputError, match=r"nowhere\.csv: cannot be read"):
        draw_index(configured({**BLOCKS, "file": "nowhere.csv"}).market, 0, 1)
    short = {**BLOCKS, "file": str(spot), "start": "2022-01-01", "end": "2022-01-02"}
    with pytest.raises(InputError, match="24 returns of 60 minutes, needs 48"):
        draw_index(configured(short).market, 0, 1)


# ----------------------------------------------------------------------------------- what is drawn


@pytest.mark.parametrize("kind", ["gbm", "t"])
def test_normals_that_move_no_price_are_not_drawn_and_nothing_else_changes(kind: str) -> None:
    whole = configured(PROCESSES[kind])
    assert np.all(gbm.used_normals(whole.market, gbm.law_of(whole.market)))
    assets = whole.model_dump()["assets"]
    for coin, used in (("SOL", False), ("ETH", True)):
        still = configured(
            PROCESSES[kind], assets=assets | {coin: assets[coin] | {"volatility": 0}}
        )
        # Normals of ETH move the assets after it, which are correlated with it.
        row = still.symbols.index(coin)
        assert gbm.used_normals(still.market, gbm.law_of(still.market))[row] == used
        drawn, expected = draw_index(still.market, 2, 9), draw_index(whole.market, 2, 9)
        rest = np.arange(len(drawn)) != row
        assert np.array_equal(drawn[rest], expected[rest])
        assert np.ptp(drawn[row], axis=-1).max() == 0.0
