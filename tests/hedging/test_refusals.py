"""Every public function of `simulator.hedging` refuses what its mathematics has no answer for.

One table of calls that work; each argument is replaced by what is bad for its kind, and the message
must name it as a configuration's would.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import simulator.hedging as public
from simulator.hedging import ratios, risk
from simulator.hedging.minimum_variance import window_moments
from simulator.types import Floats, InputError

NAN, INF = float("nan"), float("inf")
GENERATOR = np.random.default_rng(1)
SERIES = 0.01 * GENERATOR.standard_normal(60)
PANEL = 0.01 * GENERATOR.standard_normal((60, 3))
SIGMA = np.cov(PANEL.T)
INDEFINITE = np.array([[1.0, 0.9, 0.9], [0.9, 1.0, -0.9], [0.9, -0.9, 1.0]])
#: What is no covariance of the three assets of SIGMA.
NO_COVARIANCE: tuple[Any, ...] = (
    INDEFINITE, -SIGMA, np.triu(SIGMA), np.full((3, 3), NAN), SIGMA[:2], np.zeros((0, 0)),
)  # fmt: skip
NO_PANEL: tuple[Any, ...] = (np.where(PANEL > 0.02, NAN, PANEL), PANEL[:0], SERIES)
NO_SERIES: tuple[Any, ...] = (np.where(SERIES > 0.015, NAN, SERIES), SERIES[:0], [INF, 1.0], PANEL)
POSITIVE = (NAN, INF, 0.0, -1.0, [1.0, NAN])
NOT_NEGATIVE = (NAN, INF, -1.0, [1.0, -1.0])
FINITE = (NAN, INF, [1.0, NAN], "much")
OPEN_UNIT = (NAN, 0.0, 1.0, -0.1, 1.5)
ROWS = (0, -5, 1, 2.5, NAN, True)  # of a window that needs two
EVERY = (0, -5, 2.5, NAN)

#: Arguments that work, and for each what does not, by name. Monitors are told apart below.
Bad = dict[str, tuple[Any, ...]]
CALLS: dict[str, tuple[dict[str, Any], Bad]] = {}


def _call(name: str, given: dict[str, Any], **bad: tuple[Any, ...]) -> None:
    CALLS[name] = (given, bad)


_RANGE = {"price": 100.0, "liquidity": 10.0, "lower": 80.0, "upper": 120.0}
_OF_RANGE: Bad = {
    "price": POSITIVE, "liquidity": NOT_NEGATIVE, "lower": (NAN, -1.0, 120.0), "upper": (NAN, 80.0),
}  # fmt: skip
for _name in ("amounts", "value", "delta", "gamma"):
    _call(_name, _RANGE, **_OF_RANGE)
_call("lvr_rate", {**_RANGE, "volatility": 0.8}, **_OF_RANGE, volatility=NOT_NEGATIVE)
_call("divergence_loss", {**_RANGE, "entry_price": 90.0}, **_OF_RANGE, entry_price=POSITIVE)
_PLAIN = {name: value for name, value in _RANGE.items() if name != "liquidity"}
_OF_PLAIN = {name: value for name, value in _OF_RANGE.items() if name != "liquidity"}
_call("impermanent_loss", {**_PLAIN, "entry_price": 90.0}, **_OF_PLAIN, entry_price=POSITIVE)
_call("in_range", _PLAIN, **_OF_PLAIN)
_call(
    "lp_exposure",
    {"base_price": 100.0, "quote_price": 1.0, "liquidity": 10.0},
    base_price=POSITIVE, quote_price=POSITIVE, liquidity=NOT_NEGATIVE,
)  # fmt: skip
for _name in ("arbitrage_share", "trade_probability"):
    _call(
        _name,
        {"volatility": 0.8, "fee": 0.003, "blocks": 2e6},
        volatility=(*POSITIVE, 1e5), fee=(NAN, -0.1, 1.0), blocks=POSITIVE,
    )  # fmt: skip
_call("covariance", {"returns": PANEL.T[:, :, None]}, returns=(
    np.full((2, 5, 1), NAN), np.zeros((2, 1, 3)), np.zeros((0, 5, 1)), PANEL,
))  # fmt: skip
for _name in ("hedge_ratios", "effectiveness"):
    _call(_name, {"covariances": SIGMA}, covariances=(*NO_COVARIANCE, SIGMA[:1, :1]))
_call("betas", {"covariances": SIGMA[None]}, covariances=(
    INDEFINITE[None], SIGMA, np.where(SIGMA > 0, SIGMA, NAN)[None], SIGMA[None, :1, :1],
))  # fmt: skip
_call("whalley_wilmott", {"cost": 1e-3, "dollar_gamma": -5.0, "risk_aversion": 1e-5},
      cost=NOT_NEGATIVE, dollar_gamma=FINITE, risk_aversion=POSITIVE)  # fmt: skip
_call("implied_risk_aversion", {"cost": 1e-3, "dollar_gamma": -5.0, "half_width": 10.0},
      cost=NOT_NEGATIVE, dollar_gamma=FINITE, half_width=POSITIVE)  # fmt: skip
_call("trade_to_edge", {"holding": 1.0, "target": 2.0, "half_width": 0.5},
      holding=FINITE, target=FINITE, half_width=NOT_NEGATIVE)  # fmt: skip
_PROGRAM = {
    "quadratic": np.eye(2), "linear": [1.0, 1.0], "rows": [[1.0, 0.0]], "bounds": [0.0],
}  # fmt: skip
for _name in ("minimise", "minimise_semidefinite"):
    _call(
        _name,
        _PROGRAM,
        quadratic=(-np.eye(2), np.eye(3), np.full((2, 2), NAN), [[1.0, 0.5], [0.0, 1.0]],
                   [[1.0, 2.0], [2.0, 1.0]]),
        linear=([1.0], [NAN, 1.0]), rows=([[NAN, 1.0]], [[1.0]]), bounds=([NAN], [1.0, 2.0]),
    )  # fmt: skip
_call(
    "minimum_shortfall",
    {"returns": PANEL, "exposure": 100.0, "tail": 0.1},
    returns=(*NO_PANEL, PANEL[:, :1]), exposure=(NAN, INF, [1.0]), tail=OPEN_UNIT,
    limits=(public.Limits(leverage=NAN), public.Limits(leverage=-1.0),
            public.Limits(caps=(1.0,)), public.Limits(caps=(1.0, NAN))),
    trading=(public.Trading((0.0,), (0.0,)), public.Trading((NAN, 0.0), (0.0, 0.0)),
             public.Trading((0.0, 0.0), (-1.0, 0.0))),
)  # fmt: skip
_TAIL: Bad = {"returns": NO_SERIES, "tail": OPEN_UNIT, "weights": (
    -np.ones(60), np.zeros(60), np.ones(5), np.full(60, NAN),
)}  # fmt: skip
_call("tail_shares", {"returns": SERIES, "tail": 0.05}, **_TAIL)
for _name in ("value_at_risk", "expected_shortfall"):
    _call(_name, {"returns": SERIES, "tail": 0.05}, **_TAIL)
    _call(f"{_name}_interval", {"returns": SERIES, "tail": 0.05}, **_TAIL, confidence=OPEN_UNIT)
_call("quantiles", {"values": SERIES, "levels": [0.1, 0.9]},
      values=NO_SERIES, levels=([NAN], [1.1], [-0.1]))  # fmt: skip
_call("wilson", {"successes": 3, "trials": 10, "confidence": 0.9},
      successes=(-1, 11, NAN), trials=(0, -1, NAN, 2), confidence=OPEN_UNIT)  # fmt: skip
_call("clopper_pearson", {"successes": 3, "trials": 10, "confidence": 0.9},
      successes=(-1, 11, 0.5), trials=(0, -1, 2.5, 2), confidence=OPEN_UNIT)  # fmt: skip
_call("probability", {"happened": SERIES > 0, "confidence": 0.9},
      happened=([], SERIES, np.array([NAN])), confidence=OPEN_UNIT,
      weights=_TAIL["weights"])  # fmt: skip
_call("effective_sample_size", {"weights": np.ones(5)},
      weights=([], [-1.0, 1.0], [0.0], [NAN]))  # fmt: skip
_call("max_drawdown", {"values": [1.0, 0.5, 0.0]},
      values=([], 1.0, [1.0, -0.1], [0.0, 1.0], [1.0, NAN], np.zeros((0, 3))))  # fmt: skip
for _name in ("hedge_effectiveness", "shortfall_reduction"):
    _call(_name, {"unhedged": SERIES, "hedged": 0.5 * SERIES},
          unhedged=(*NO_SERIES, SERIES[:9]), hedged=(*NO_SERIES, SERIES[:9]))  # fmt: skip
CALLS["shortfall_reduction"][1]["tail"] = OPEN_UNIT
_call("bootstrap", {"statistic": np.mean, "samples": (SERIES,), "generator": GENERATOR, "draws": 9},
      samples=((), ([],), (SERIES, SERIES[:5]), ([NAN],)), draws=(0, -1, 2.5),
      confidence=OPEN_UNIT)  # fmt: skip
_call("diebold_mariano", {"loss": SERIES**2, "benchmark": 2 * SERIES**2},
      loss=(*NO_SERIES, SERIES[:9], SERIES[:1]), benchmark=NO_SERIES, horizon=(0, -1, 61, 1.5),
      lags=(-1, 60, 2.5))  # fmt: skip
_call("shortfall_loss", {"pnl": SERIES, "level": 0.95}, pnl=NO_SERIES, level=OPEN_UNIT)
_call("confidence_set", {"losses": PANEL**2, "block": 2.0, "replications": 50, "seed": 1},
      losses=NO_PANEL, block=(0.0, -1.0, NAN, 61.0), replications=(0, 2.5),
      seed=(-1, 0.5))  # fmt: skip

_WINDOWED: Bad = {"window": ROWS}
_FITTED: Bad = {"warmup": ROWS, "refit_every": EVERY}
ESTIMATORS: dict[str, tuple[dict[str, Any], Bad]] = {
    "Sample": ({"warmup": 10}, {"warmup": ROWS}),
    "Rolling": ({"window": 10}, _WINDOWED),
    "LedoitWolf": ({"window": 10}, _WINDOWED),
    "NeweyWest": ({"window": 10}, _WINDOWED),
    "OneFactor": ({"window": 10}, _WINDOWED),
    "Ewma": ({"decay": 0.9, "warmup": 10}, {"decay": OPEN_UNIT, "warmup": EVERY}),
    "DccGarch": ({"warmup": 40, "refit_every": 20}, _FITTED),
    "Kalman": ({"warmup": 40, "refit_every": 20, "decay": 0.9}, {**_FITTED, "decay": OPEN_UNIT}),
    "Regimes": (
        {"window": 60, "warmup": 40, "refit_every": 20},
        {**_FITTED, "window": ROWS},
    ),
    "Learned": (
        {"windows": (2, 4, 8), "refit_every": 5},
        {"windows": ((0, 4, 8), (4, 2, 8), (2, 4, 4), (1, 4, 8)), "refit_every": EVERY},
    ),
}
#: Records, protocols and errors, which compute nothing; monitors, with tests of their own
#: (test_monitor_charts.py, test_monitor_hedge.py).
PLAIN = {
    "Estimate", "Estimator", "FirstAlarm", "Hedge", "InfeasibleError", "LpExposure", "Limits",
    "Trading", "Position",
}  # fmt: skip
MONITORS = {
    "Cusum", "EwmaChart", "HedgeMonitor", "RollingFisher", "Shewhart", "alarms", "first_alarm",
}  # fmt: skip


def _cases() -> list[Any]:
    table = CALLS | ESTIMATORS
    return [
        pytest.param(getattr(public, name), given, argument, value, id=f"{name}-{argument}-{n}")
        for name, (given, bad) in table.items()
        for argument, values in bad.items()
        for n, value in enumerate(values)
    ]


def test_no_public_name_is_missing_here() -> None:
    assert set(public.__all__) == set(CALLS) | set(ESTIMATORS) | PLAIN | MONITORS


@pytest.mark.parametrize("name", [*CALLS, *ESTIMATORS])
def test_what_the_table_calls_good_is_taken(name: str) -> None:
    given, _ = (CALLS | ESTIMATORS)[name]
    assert getattr(public, name)(**given) is not None


@pytest.mark.parametrize(("function", "given", "argument", "value"), _cases())
def test_bad_arguments_are_refused_by_name(
    function: Callable[..., Any], given: dict[str, Any], argument: str, value: Any
) -> None:
    with pytest.raises(InputError) as refused:
        function(**{**given, argument: value})
    said = str(refused.value)
    assert "must " in said or isinstance(refused.value, public.InfeasibleError)
    named = {"limits": "leverage caps", "trading": "holdings costs"}.get(argument, argument)
    others = set(given) - {argument}
    assert any(name in said for name in (*named.split(), *others)), said


@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimators_refuse_what_is_no_panel_and_say_nothing_of_too_little(name: str) -> None:
    made = getattr(public, name)(**ESTIMATORS[name][0])
    for wrong in (*NO_PANEL, PANEL[:, :1]):
        with pytest.raises(InputError, match="returns"):
            made.forecast(wrong)
    short = made.forecast(PANEL[:1])  # before any warm-up; memory beyond it was read once
    assert short.shape == (2, 3, 3)
    assert np.isnan(short).all()


def test_positions_refuse_what_does_not_fit() -> None:
    good = public.Position(np.ones(3), np.eye(3))
    assert good.gamma_variance(SIGMA) > 0.0
    refused: list[Callable[[], Any]] = [
        partial(good.exposure, [1.0, 2.0]),
        partial(good.exposure, [NAN, 1.0, 1.0]),
        partial(public.Position(np.array([NAN, 1.0, 1.0]), np.eye(3)).exposure),
        partial(public.Position(np.ones(3), np.eye(2)).exposure),
        partial(public.Position(np.ones(3), np.triu(np.ones((3, 3)))).exposure),
        *(partial(good.gamma_variance, matrix) for matrix in (*NO_COVARIANCE, SIGMA[:2, :2])),
        *(partial(ratios.minimum_variance, matrix, 1.0) for matrix in NO_COVARIANCE),
        *(partial(ratios.minimum_variance, SIGMA, 1.0, None, None, x) for x in (0.0, -1.0, NAN)),
    ]
    for call in refused:
        with pytest.raises(InputError, match="must "):
            call()


@pytest.mark.parametrize("tail", [0.05, 0.25, 0.3, 0.5, 0.9, 0.01])
def test_there_is_one_expected_shortfall(tail: float) -> None:
    """(4 + ¼·3)/1.25 = 3.8 of losses 0 … 4 at 25 %; and the same wherever one is computed."""
    from simulator.hedging.significance import resampled_shortfall
    from simulator.results.statistics import tail_losses

    assert risk.expected_shortfall(-np.arange(5.0), 0.25) == pytest.approx(3.8, abs=1e-12)
    for pnl in (-np.arange(5.0), SERIES, SERIES.round(2)):
        found = risk.expected_shortfall(pnl, tail)
        # Rockafellar and Uryasev's minimum over v, whose minimiser is one of the losses.
        expected = min(v + np.mean(np.maximum(-pnl - v, 0.0)) / tail for v in -pnl)
        assert found == pytest.approx(expected, abs=1e-12)
        assert np.mean(public.shortfall_loss(pnl, 1.0 - tail)) == pytest.approx(found, abs=1e-12)
        (resampled,) = resampled_shortfall(pnl, np.ones((1, len(pnl))), 1.0 - tail)
        assert resampled == pytest.approx(found, abs=1e-12)
        weights = np.full(len(pnl), 3.0)
        assert risk.expected_shortfall(pnl, tail, weights) == pytest.approx(found, abs=1e-12)
        assert risk.expected_shortfall_interval(pnl, tail).value == pytest.approx(found)
        two = np.column_stack([pnl, np.zeros(len(pnl))])  # nothing to hedge with
        assert public.minimum_shortfall(two, 1.0, tail).risk == pytest.approx(found, abs=1e-9)
    losses = tail_losses(SERIES)
    assert losses["es95"] == risk.expected_shortfall(SERIES, 0.05)
    assert losses["es99"] == risk.expected_shortfall(SERIES, 0.01)


def test_the_compiled_covariance_is_the_checked_one() -> None:
    rows: Floats = np.ascontiguousarray(PANEL.T[:, :, None])
    np.testing.assert_array_equal(public.covariance(rows), window_moments(rows))
