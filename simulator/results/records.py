"""What is kept of a run over time: all about some paths, a few quantities of all paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.books.buckets import BUCKETS
from simulator.books.correlation import ROLLING_WINDOW_HOURS, returns_of, rolling_correlation
from simulator.books.fan import fan_names as _in_books
from simulator.books.series import POSITION, cascade_names, row_names
from simulator.hedging.risk import quantiles
from simulator.results.exposure import curvature, exposure_names
from simulator.results.rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from simulator.books.metric import Ended
    from simulator.config import Config
    from simulator.results.rows import Rows
    from simulator.types import Floats
    from simulator.world.protocol import Protocol

#: Full series are kept for as many paths, counted from path 0, as make this many steps together, so
#: that a run's directory stays below 5 MB at any length; and for no more paths than that.
RECORDED_STEPS, RECORDED_PATHS = 10_800, 100
#: Most points in time at which the quantities of :func:`fan_names` are kept for every path.
FAN_POINTS = 121
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
# Values of the fan that are widened at a time, but for at least a point.
_HELD = 200_000


def fan_names(protocol: Protocol) -> tuple[str, ...]:
    """What is kept of every path over time."""
    return (*_in_books(protocol), "rolling_correlation")


def fan_steps(steps: int) -> NDArray[np.int64]:
    """Steps at which the fan is sampled: evenly spread, first and last among them."""
    return np.unique(np.linspace(0, steps, min(FAN_POINTS, steps + 1)).round()).astype(np.int64)


def recorded_paths(steps: int) -> int:
    """How many paths of a run of so many steps are recorded in full unless it says otherwise."""
    return min(RECORDED_PATHS, max(1, RECORDED_STEPS // steps))


def rolling_window(steps: int, step_seconds: int) -> int:
    """Length of the rolling window, steps: 48 hours, at most a quarter of the run or 8 steps."""
    wanted = round(ROLLING_WINDOW_HOURS * 3_600 / step_seconds)
    return max(2, min(wanted, max(8, steps // 4), steps))


def series_rows(ended: Ended, rows: Floats, betas: Floats) -> Rows:
    """Tidy: one row per recorded path and step, ordered by both.

    ``rows`` ``[paths, steps + 1, row]`` as :func:`~simulator.books.series.row_names` says; the
    rolling correlation is with the hedge of ``betas`` ``[markets, paths]``.
    """
    market, protocol = ended.market, ended.protocol
    names, paths, points = row_names(protocol), rows.shape[0], market.steps + 1
    found = dict(zip(names, rows.transpose(2, 0, 1), strict=True))
    oracle = np.array([found[f"oracle_{token.symbol}"] for token in protocol.assets])
    position = np.array([found.pop(name) for name in POSITION])
    found["gamma"], found["cross_gamma"] = curvature(protocol, oracle, position)
    window = rolling_window(market.steps, market.step_seconds)
    returns = returns_of(market, protocol)[:, :, :paths]
    rolling = rolling_correlation(returns, betas[:, :paths], np.arange(points), window)
    found["rolling_correlation"] = rolling.T
    frame = {
        "path": np.repeat(market.first_path + np.arange(paths), points),
        "step": np.tile(np.arange(points), paths),
        "hours": np.tile(np.arange(points) * market.step_seconds / 3_600, paths),
    }
    return rows_of(frame | {name: found[name].reshape(-1) for name in _series_names(protocol)})


def fan_values(ended: Ended, fan: NDArray[np.float32], betas: Floats) -> NDArray[np.float32]:
    """:func:`fan_names` of every path, ``[quantities, points, paths]``, at :func:`fan_steps`.

    ``fan`` ``[paths, points, quantities]``: all of them but the rolling correlation, which is with
    the hedge of ``betas`` ``[markets, paths]``.
    """
    market = ended.market
    window = rolling_window(market.steps, market.step_seconds)
    returns, points = returns_of(market, ended.protocol), fan_steps(market.steps)
    rolling = rolling_correlation(returns, betas, points, window)
    return np.concatenate([fan.transpose(2, 1, 0), rolling[None].astype(np.float32)])


def _series_names(protocol: Protocol) -> list[str]:
    symbols = [token.symbol for token in protocol.assets]
    perps = [symbols[m.asset] for m in protocol.clearing.markets]
    return [
        *(f"index_{symbol}" for symbol in symbols),
        *(f"oracle_{symbol}" for symbol in symbols),
        "pool_price",
        "nav",
        "shares",
        "share_price",
        "lp_value",
        "idle_value",
        "margin_value",
        "margin_ratio",
        *(f"size_{symbol}" for symbol in perps),
        *(f"beta_{symbol}" for symbol in perps),
        *exposure_names(protocol),
        *BUCKETS,
        "flows",
        *cascade_names(protocol),
        "rolling_correlation",
    ]


def fan_frame(
    config: Config,
    names: Sequence[str],
    values: Callable[[int], NDArray[np.float32]],
    weights: Floats | None = None,
) -> pd.DataFrame:
    """Quantiles and mean of each of :func:`fan_names` over all paths, at each point in time.

    ``values(quantity)`` gives one quantity ``[points, paths]``: only that much is held at a time,
    and of it a few points in float64. ``weights`` ``[paths]`` are those of importance sampling.
    """
    import pandas as pd

    steps = fan_steps(config.steps)
    held = max(1, _HELD // config.paths)
    rows = []
    for quantity, name in enumerate(names):
        found = values(quantity)
        for first in range(0, steps.size, held):
            few = steps[first : first + held]
            spread = _spread(found[first : first + held].astype(np.float64), weights)
            hours = few * config.step_seconds / 3_600
            rows += [
                (name, int(step), float(hour), *figures)
                for step, hour, figures in zip(few, hours, spread.tolist(), strict=True)
            ]
    columns = [f"p{round(100 * q)}" for q in QUANTILES]
    return pd.DataFrame(rows, columns=["quantity", "step", "hours", "mean", *columns])


def _spread(values: Floats, weights: Floats | None) -> Floats:
    """Mean and quantiles at every point, ``[points, figures]``, of ``values`` ``[points, paths]``.

    Paths without a value at a point count for nothing there.
    """
    known = np.isfinite(values)
    if weights is None and known.all():
        found = np.quantile(values, QUANTILES, axis=1)
        return np.column_stack([np.average(values, axis=1), *found])
    return np.array(
        [
            _spread_of(row[there], None if weights is None else weights[there])
            for row, there in zip(values, known, strict=True)
        ]
    )


def _spread_of(values: Floats, weights: Floats | None) -> tuple[float, ...]:
    """Of one point; NaN where there is no value."""
    if not values.size:
        return (np.nan,) * (1 + len(QUANTILES))
    centre = float(np.average(values, weights=weights))
    return (centre, *map(float, quantiles(values, QUANTILES, weights)))
