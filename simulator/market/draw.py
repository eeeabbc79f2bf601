"""Market paths: all the randomness of a run, drawn before the loop starts.

What is drawn depends on the market settings alone: no agent, venue or vault parameter is read.
"""

from __future__ import annotations

from math import exp
from typing import TYPE_CHECKING, Literal

import numpy as np

from simulator.arguments import instance
from simulator.config.market_settings import MarketSettings
from simulator.config.rounds import rounds_of
from simulator.config.shocks import DepthCut, GasSpike, WithdrawalRun
from simulator.market import kernels, staked
from simulator.market.paths import MarketPaths
from simulator.market.prices import draw_index
from simulator.market.streams import Stream
from simulator.types import GWEI

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.types import Floats

    Venue = Literal["pool", "perp", "outside"]

_VENUES: tuple[Venue, ...] = ("pool", "perp", "outside")


def draw(settings: MarketSettings, first_path: int, paths: int) -> MarketPaths:
    """Paths ``first_path`` … ``first_path + paths − 1`` of ``config.market``.

    Path i is the same to the bit whatever the chunk it is drawn in: each use of randomness has a
    stream of its own, addressed by (seed, name, path number).
    """
    instance("settings", settings, MarketSettings, "the market of a configuration, config.market")
    assets, points = len(settings.symbols), settings.steps + 1
    # One room for all: of a large one Linux makes few large pages, of one for each many small ones,
    # and to be given these took as long as to draw all normals.
    drawn = np.empty((3 * assets + 4, points, paths))
    index, price, time = drawn[:assets], drawn[assets : 2 * assets], drawn[2 * assets : -4]
    gas, *depths = drawn[-4:]
    draw_index(settings, first_path, paths, out=index)
    _oracle(settings, index, first_path, price, time)
    _gas(settings, index, first_path, gas)
    for venue, out in zip(_VENUES, depths, strict=True):
        _depth(settings, venue, first_path, out)
    flows = _flows(settings, first_path, paths)
    if settings.laid_out != settings.symbols:
        rows = [settings.symbols.index(symbol) for symbol in settings.laid_out]
        for each in (index, price, time):
            each[:] = each[rows]
    return MarketPaths(
        assets=settings.laid_out,
        step_seconds=settings.step_seconds,
        first_path=first_path,
        key=settings.digest(),
        index=index,
        oracle_price=price,
        oracle_time=time,
        gas_usd=gas,
        **{f"{venue}_depth": depth for venue, depth in zip(_VENUES, depths, strict=True)},
        noise_swap=flows[0],
        noise_trade=flows[2:],
        deposit_flow=flows[1],
    )


def _hours(settings: MarketSettings) -> Floats:
    """Moments of the points of a path ``[T + 1]``, hours from the start."""
    return np.arange(settings.steps + 1) * (settings.step_minutes / 60)


def _oracle(
    settings: MarketSettings, index: Floats, first_path: int, price: Floats, time: Floats
) -> None:
    for row, symbol in enumerate(settings.symbols):
        read = index[row]
        if settings.feed(symbol).source == "exchange_rate":
            read = _redeemed(settings, symbol, index, first_path)
        post_rounds(settings, symbol, read, price[row], time[row])
    if settings.history.oracle:
        from simulator.market import beside
    for symbol, item in settings.history.oracle.items():
        row = settings.symbols.index(symbol)
        recorded = beside.rounds(settings, f"oracle.{symbol}", item)
        price[row], time[row] = (each[:, np.newaxis] for each in recorded)


def _redeemed(settings: MarketSettings, symbol: str, index: Floats, first_path: int) -> Floats:
    """What a staked token is redeemed for ``[T + 1, P]``, USD, by the rate that feeds read."""
    underlying = index[settings.symbols.index(settings.staked[symbol].underlying)]
    rate = staked.exchange_rate(settings, symbol, first_path, underlying.shape[1])
    return np.asarray(staked.read_rate(settings, symbol, rate) * underlying)


def post_rounds(
    settings: MarketSettings, symbol: str, index: Floats, price: Floats, time: Floats
) -> None:
    """Rounds of one feed on what it reads, ``index`` ``[T + 1, P]``: into ``price`` and ``time``.

    Faults are in them. Those of a feed whose rounds are recorded are not looked at.
    """
    feed = settings.feed(symbol)
    kernels.post_rounds(
        index,
        price,
        time,
        settings.step_seconds,
        feed.heartbeat_minutes * 60,
        feed.deviation,
        feed.lag_steps,
        rounds_of(settings, [symbol])[0],
    )


def _gas(settings: MarketSettings, index: Floats, first_path: int, out: Floats) -> None:
    """USD per unit of gas ``[T + 1, P]``; the mean of the gwei price is ``gas.gwei``."""
    gas, hours = settings.gas, _hours(settings)
    factor = np.ones(len(hours))
    for shock in settings.shocks:
        if isinstance(shock, GasSpike):
            factor[shock.active(hours)] *= shock.factor
    if gas.native_asset is None:
        native = np.full(out.shape, gas.native_price)
    else:
        native = index[settings.symbols.index(gas.native_asset)]
    if settings.history.gas is not None:
        from simulator.market import beside

        gwei = beside.held(settings, "gas", settings.history.gas)
        np.multiply((gwei * GWEI * factor)[:, np.newaxis], native, out=out)
        return
    Stream(settings.seed, "gas").normals(first_path, out.shape[1], len(hours), out=out)
    kernels.revert(out, exp(-settings.step_minutes / 60 / gas.reversion_hours), gas.volatility)
    # E[e^x] = e^(v²/2) for a normal x of mean zero.
    kernels.exponentiate_gas(out, gas.gwei * GWEI * exp(-(gas.volatility**2) / 2), native, factor)


def _depth(settings: MarketSettings, venue: Venue, first_path: int, out: Floats) -> None:
    """Factor on the depth of a venue ``[T + 1, P]``: recorded, cut by shocks, and the tide."""
    hours = _hours(settings)
    factor = np.ones(len(hours))
    item = getattr(settings.history.depth, venue, None)
    if item is not None:
        from simulator.market import beside

        recorded = beside.held(settings, f"depth.{venue}", item)
        factor = recorded / recorded[0]
    for shock in settings.shocks:
        if isinstance(shock, DepthCut) and venue in shock.venues:
            factor[shock.active(hours)] *= shock.factor
    if venue in settings.depth.venues and settings.depth.volatility > 0.0:
        _tide(settings, first_path, out)
        out *= factor[:, np.newaxis]
    else:
        out[:] = factor[:, np.newaxis]


def _tide(settings: MarketSettings, first_path: int, out: Floats) -> None:
    """The factor common to all venues ``[T + 1, P]``: 1 at the start, and on average."""
    depth = settings.depth
    out[0] = 0.0  # in place of a first normal: it is known
    Stream(settings.seed, "depth").normals(first_path, out.shape[1], settings.steps, out=out[1:])
    memory = exp(-settings.step_minutes / 60 / depth.reversion_hours)
    kernels.revert(out, memory, depth.volatility)
    variance = depth.volatility**2 * (1.0 - memory ** (2 * np.arange(settings.steps + 1)))
    np.exp(out - 0.5 * variance[:, np.newaxis], out=out)


def _flows(settings: MarketSettings, first_path: int, paths: int) -> Floats:
    """Noise swaps, deposits, and noise trades of every market, ``[2 + M, T + 1, P]``."""
    flow, orders = settings.flow, settings.flow.orders
    shape = (2 + len(settings.markets), settings.steps + 1, paths)
    runs = [shock for shock in settings.shocks if isinstance(shock, WithdrawalRun)]
    volume = orders.swap_usd_per_hour + orders.trade_usd_per_hour
    if volume == 0.0 and flow.deposits.flow_per_day == 0.0 and not runs:
        return np.zeros(shape)  # which takes no memory until it is read
    flows, uniforms = np.empty(shape), np.empty((settings.steps, paths))
    _order_flow(settings, "swap", orders.swap_usd_per_hour, first_path, flows[0], uniforms)
    _deposit_flow(settings, first_path, flows[1], uniforms)
    _run(settings, runs, flows[1])
    for market, out in zip(settings.markets, flows[2:], strict=True):
        name, usd_per_hour = f"trade/{market}", orders.trade_usd_per_hour
        _order_flow(settings, name, usd_per_hour, first_path, out, uniforms)
    return flows


def _order_flow(
    settings: MarketSettings,
    name: str,
    usd_per_hour: float,
    first_path: int,
    out: Floats,
    uniforms: Floats,
) -> None:
    """Into ``out`` ``[T + 1, P]``; ``uniforms`` ``[T, P]`` is overwritten."""
    orders, (steps, paths) = settings.flow.orders, uniforms.shape
    if usd_per_hour == 0.0:
        out.fill(0.0)
        return
    Stream(settings.seed, f"noise/{name}/size").normals(first_path, paths, steps, out=out[1:])
    Stream(settings.seed, f"noise/{name}/sign").uniforms(first_path, paths, steps, out=uniforms)
    volume = usd_per_hour * settings.step_minutes / 60
    kernels.order_flow(out, uniforms, volume, orders.dispersion, orders.persistence)


def _deposit_flow(settings: MarketSettings, first_path: int, out: Floats, uniforms: Floats) -> None:
    """Into ``out`` ``[T + 1, P]``; ``uniforms`` ``[T, P]`` is overwritten."""
    deposits, (steps, paths) = settings.flow.deposits, uniforms.shape
    if deposits.flow_per_day == 0.0:
        out.fill(0.0)
        return
    per_step = deposits.flows_per_day * settings.step_minutes / (24 * 60)
    Stream(settings.seed, "deposits/size").normals(first_path, paths, steps, out=out[1:])
    Stream(settings.seed, "deposits/moment").uniforms(first_path, paths, steps, out=uniforms)
    # At most one flow a step: the probability that a Poisson process has any.
    probability = 1 - exp(-per_step)
    deviation = deposits.flow_per_day / deposits.flows_per_day**0.5
    kernels.deposit_flow(out, uniforms, probability, deviation)


def calm_flow(settings: MarketSettings, first_path: int, paths: int) -> Floats:
    """The deposit flow ``[T + 1, P]`` of these paths as it would be without withdrawal runs."""
    out = np.empty((settings.steps + 1, paths))
    _deposit_flow(settings, first_path, out, np.empty((settings.steps, paths)))
    return out


def _run(settings: MarketSettings, runs: Sequence[WithdrawalRun], out: Floats) -> None:
    """Put withdrawal runs in the place of the deposit flow ``[T + 1, P]`` of their steps."""
    hours = _hours(settings)
    for shock in runs:
        active = np.flatnonzero(shock.active(hours))
        part = shock.fraction / len(active)
        for number, point in enumerate(active):
            # Equal parts of what was held at first, as a fraction of what is left.
            out[point] = -min(part / (1 - number * part), 1.0)
