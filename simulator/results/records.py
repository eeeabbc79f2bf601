"""What is kept of a run over time: all about some paths, a few quantities of all paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.books.fan import QUANTITIES as IN_BOOKS
from simulator.books.series import POSITION, row_names
from simulator.hedging.risk import quantiles
from simulator.results.buckets import BUCKETS, HEDGE_LEG, LP_LEG
from simulator.results.correlation import ROLLING_WINDOW_HOURS, returns_of, rolling_correlation
from simulator.results.exposure import curvature, exposure_names, exposures
from simulator.results.holdings import margin_ratio, vault_margin, vault_sizes
from simulator.types import Status
from simulator.world.actions import ACTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from numpy.typing import NDArray

    from simulator.agents.base import Agent
    from simulator.config import Config
    from simulator.results.attribution import Attribution
    from simulator.results.metrics import SharePrice
    from simulator.types import Floats
    from simulator.world.actions import Action, Fill
    from simulator.world.base import World

#: Full series are kept for as many paths, counted from path 0, as make this many steps together, so
#: that a run's directory stays below 5 MB at any length; and for no more paths than that.
RECORDED_STEPS, RECORDED_PATHS = 10_800, 100
#: Most points in time at which the quantities of :data:`FAN` are kept for every path.
FAN_POINTS = 121
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
FAN = (*IN_BOOKS, "rolling_correlation")


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


class Fan:
    """Observer that keeps :data:`FAN` of every path at :func:`fan_steps`, in single precision.

    Attributes:
        values: ``[quantities, points, paths]`` float32; share price over the first, PnL in USD.
    """

    def __init__(self, world: World, attribution: Attribution, price: SharePrice) -> None:
        self._attribution, self._price = attribution, price
        self._market, self._protocol = world.market, world.protocol
        self._accounts = range(1 + world.protocol.markets)
        self.steps = fan_steps(world.market.steps)
        self._row = {int(step): row for row, step in enumerate(self.steps)}
        shape = (len(FAN), self.steps.size, world.market.paths)
        self.values = np.full(shape, np.nan, np.float32)

    def advanced(self, step: int, world: World) -> None:
        """Nothing to note."""

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None:
        """Nothing to note."""

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
        """Nothing to note."""

    def stepped(self, step: int, world: World) -> None:
        """Sample."""
        row = self._row.get(step)
        if row is None:
            return
        self.values[0, row] = self._price.relative()
        self.values[1, row] = margin_ratio(world.observe(), self._accounts)
        self.values[2, row] = self._attribution.leg(LP_LEG)
        self.values[3, row] = self._attribution.leg(HEDGE_LEG)

    def finish(self, betas: Floats) -> None:
        """Add the rolling correlation with the hedge of ``betas`` ``[markets, paths]``."""
        window = rolling_window(self._market.steps, self._market.step_seconds)
        returns = returns_of(self._market, self._protocol)
        self.values[4] = rolling_correlation(returns, betas, self.steps, window)


class Recorder:
    """Observer that keeps the full series and every event of a world's first ``paths`` paths."""

    def __init__(
        self, world: World, attribution: Attribution, price: SharePrice, paths: int
    ) -> None:
        self._attribution, self._price = attribution, price
        self._market, self._protocol = world.market, world.protocol
        self._paths = min(paths, world.market.paths)
        self._accounts = range(1 + world.protocol.markets)
        self._names = _series_names(world)
        self._values = np.zeros((len(self._names), world.market.steps + 1, self._paths))
        self._events: dict[str, list[NDArray[Any]]] = {name: [] for name in _EVENT_COLUMNS}
        self._agents: list[str] = [slot.name for slot in world.protocol.agents]

    def advanced(self, step: int, world: World) -> None:
        """Nothing to note."""

    def acting(self, step: int, world: World, agent: Agent, action: Action) -> None:
        """Nothing to note."""

    def acted(self, step: int, world: World, agent: Agent, action: Action, fill: Fill) -> None:
        """Keep what was tried on the recorded paths."""
        status = fill.status[: self._paths]
        tried = np.flatnonzero(status)
        if not tried.size:
            return
        where = getattr(action, "account", -1), getattr(action, "market", -1)
        row = (
            tried + self._market.first_path,
            step,
            agent.index,
            _ACTION_CODE[type(action).__name__],
            *where,
            status[tried],
            fill.amount_in[tried],
            fill.amount_out[tried],
        )
        for (name, dtype), value in zip(_EVENT_COLUMNS.items(), row, strict=True):
            self._events[name].append(np.full(tried.size, value, dtype))

    def stepped(self, step: int, world: World) -> None:
        """Copy one row of the series."""
        state, n = world.observe(), self._paths
        oracle = self._market.oracle_price[:, step]
        decimals = self._protocol.assets[1].decimals - self._protocol.assets[0].decimals
        lp = (state.lp_base + state.fees_base) * oracle[1]
        lp = lp + (state.lp_usdc + state.fees_usdc) * oracle[0]
        idle = state.idle_base * oracle[1] + state.idle_usdc * oracle[0]
        size = vault_sizes(state, self._protocol)[: self._accounts.stop]
        rows: list[Floats] = [
            *self._market.index[:, step],
            *oracle,
            state.sqrt_price**2 * 10.0**decimals,
            state.nav,
            state.shares,
            self._price.relative(),
            lp,
            idle,
            vault_margin(state, self._accounts),
            margin_ratio(state, self._accounts),
            *(sum(size[1:, m], start=size[0, m]) for m in range(self._protocol.markets)),
            *state.betas,
            *exposures(state, self._protocol, oracle, n),
            *self._attribution.buckets,
            self._attribution.flows,
        ]
        for row, value in zip(self._values[:-1], rows, strict=True):  # the last is for `finish`
            row[step] = value[:n]

    def finish(self, betas: Floats) -> None:
        """Add the rolling correlation with the hedge of ``betas`` ``[markets, paths]``."""
        steps, n = self._market.steps, self._paths
        window = rolling_window(steps, self._market.step_seconds)
        returns = returns_of(self._market, self._protocol)[:, :, :n]
        self._values[-1] = rolling_correlation(returns, betas[:, :n], np.arange(steps + 1), window)

    def series(self) -> pd.DataFrame:
        """Tidy: one row per path and step, ordered by both."""
        import pandas as pd

        points = self._market.steps + 1
        frame = {
            "path": np.repeat(self._market.first_path + np.arange(self._paths), points),
            "step": np.tile(np.arange(points), self._paths),
            "hours": np.tile(np.arange(points) * self._market.step_seconds / 3_600, self._paths),
        }
        frame |= {
            name: values.T.reshape(-1)
            for name, values in zip(self._names, self._values, strict=True)
        }
        return pd.DataFrame(frame)

    def events(self) -> pd.DataFrame:
        """One row per path and action that was not left undone, in order of time on each path."""
        import pandas as pd

        columns = {
            name: np.concatenate(parts) if parts else np.empty(0, _EVENT_COLUMNS[name])
            for name, parts in self._events.items()
        }
        frame = pd.DataFrame(columns)
        names = {
            "agent": self._agents,
            "action": list(_ACTION_CODE),
            "status": [status.name for status in Status],
        }
        for name, categories in names.items():
            codes: Any = frame[name].to_numpy()
            frame[name] = pd.Categorical.from_codes(codes, pd.Index(categories))
        hours = frame["step"] * self._market.step_seconds / 3_600
        frame.insert(2, "hours", hours)
        return frame.sort_values("path", kind="stable", ignore_index=True)


def series_frame(world: World, rows: Floats, betas: Floats) -> pd.DataFrame:
    """Tidy: one row per recorded path and step, ordered by both.

    ``rows`` ``[paths, steps + 1, row]`` as :func:`~simulator.books.series.row_names` says; the
    rolling correlation is with the hedge of ``betas`` ``[markets, paths]``.
    """
    import pandas as pd

    market, protocol = world.market, world.protocol
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
    return pd.DataFrame(frame | {name: found[name].reshape(-1) for name in _series_names(world)})


def fan_values(world: World, fan: NDArray[np.float32], betas: Floats) -> NDArray[np.float32]:
    """:data:`FAN` of every path, ``[quantities, points, paths]``, at :func:`fan_steps`.

    ``fan`` ``[paths, points, quantities]``: all of them but the rolling correlation, which is with
    the hedge of ``betas`` ``[markets, paths]``.
    """
    market = world.market
    window = rolling_window(market.steps, market.step_seconds)
    returns, points = returns_of(market, world.protocol), fan_steps(market.steps)
    rolling = rolling_correlation(returns, betas, points, window)
    return np.concatenate([fan.transpose(2, 1, 0), rolling[None].astype(np.float32)])


def _series_names(world: World) -> list[str]:
    symbols = [token.symbol for token in world.protocol.assets]
    perps = [symbols[m.asset] for m in world.protocol.clearing.markets]
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
        *exposure_names(world.protocol),
        *BUCKETS,
        "flows",
        "rolling_correlation",
    ]


_EVENT_COLUMNS: dict[str, type] = {
    "path": np.int64,
    "step": np.int32,
    "agent": np.int16,
    "action": np.int8,
    "account": np.int16,
    "market": np.int16,
    "status": np.int8,
    "amount_in": np.float64,
    "amount_out": np.float64,
}


_ACTION_CODE = {kind.__name__: code for code, kind in enumerate(ACTIONS)}


def fan_frame(
    config: Config,
    values: Callable[[int, int], NDArray[np.float32]],
    weights: Floats | None = None,
) -> pd.DataFrame:
    """Quantiles and mean of each of :data:`FAN` over all paths, at each point in time.

    ``values(quantity, point)`` gives one quantity at one point for every path: only that much is
    held at a time. ``weights`` ``[paths]`` are those of importance sampling.
    """
    import pandas as pd

    rows = []
    for quantity, name in enumerate(FAN):
        for point, step in enumerate(fan_steps(config.steps)):
            found = values(quantity, point)
            hours = int(step) * config.step_seconds / 3_600
            known = np.isfinite(found)
            weight = None if weights is None else weights[known]
            rows.append((name, int(step), hours, *_spread(found[known], weight)))
    columns = [f"p{round(100 * q)}" for q in QUANTILES]
    return pd.DataFrame(rows, columns=["quantity", "step", "hours", "mean", *columns])


def _spread(values: NDArray[np.float32], weights: Floats | None) -> tuple[float, ...]:
    if not values.size:
        return (np.nan,) * (1 + len(QUANTILES))
    wide = values.astype(np.float64)
    centre = float(np.average(wide, weights=weights))
    return (centre, *map(float, quantiles(wide, QUANTILES, weights)))
