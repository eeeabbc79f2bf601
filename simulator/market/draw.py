"""Market paths of a configuration: all the randomness of a run, drawn before the loop starts."""

from __future__ import annotations

from math import ceil, exp
from typing import TYPE_CHECKING, Literal

import numpy as np

from simulator.config.shocks import DepthCut, GasSpike, OracleFreeze, OracleOutlier, WithdrawalRun
from simulator.market import beside, kernels
from simulator.market.paths import MarketPaths
from simulator.market.prices import draw_index
from simulator.market.streams import Stream

if TYPE_CHECKING:
    from simulator.config.market import Feed, Oracle
    from simulator.config.models import Config
    from simulator.types import Floats

GWEI = 1e-9  # native tokens


def draw(config: Config, first_path: int, paths: int) -> MarketPaths:
    """Paths ``first_path`` … ``first_path + paths − 1``.

    Path i is the same to the bit whatever the chunk it is drawn in: each use of randomness has a
    stream of its own, addressed by (seed, name, path number).
    """
    assets, points = len(config.symbols), config.steps + 1
    # One room for all: of a large one Linux makes few large pages, of one for each many small ones,
    # and to be given these took as long as to draw all normals.
    drawn = np.empty((3 * assets + 3, points, paths))
    index, price, time = drawn[:assets], drawn[assets : 2 * assets], drawn[2 * assets : -3]
    gas, pool_depth, perp_depth = drawn[-3:]
    draw_index(config, first_path, paths, out=index)
    _oracle(config, index, price, time)
    _gas(config, index, first_path, gas)
    _depth(config, "pool", pool_depth)
    _depth(config, "perp", perp_depth)
    flows = _flows(config, first_path, paths)
    return MarketPaths(
        assets=config.symbols,
        step_seconds=config.step_seconds,
        first_path=first_path,
        index=index,
        oracle_price=price,
        oracle_time=time,
        gas_usd=gas,
        pool_depth=pool_depth,
        perp_depth=perp_depth,
        noise_swap=flows[0],
        noise_trade=flows[2:],
        deposit_flow=flows[1],
    )


def _hours(config: Config) -> Floats:
    """Moments of the points of a path ``[T + 1]``, hours from the start."""
    return np.arange(config.steps + 1) * (config.step_minutes / 60)


def _oracle(config: Config, index: Floats, price: Floats, time: Floats) -> None:
    hours = _hours(config)
    for row, symbol in enumerate(config.symbols):
        feed = config.feed(symbol)
        frozen, outlier = np.zeros(len(hours), np.bool_), np.zeros(len(hours))
        for shock in config.shocks:
            if isinstance(shock, OracleFreeze) and symbol in shock.assets:
                if stops_the_rounds(config.oracle, shock.reporters):
                    frozen |= shock.active(hours)
            elif isinstance(shock, OracleOutlier) and symbol == shock.asset:
                moment = ceil(shock.at_hours * 60 / config.step_minutes - 1e-9)
                if splits_the_reporters(config.oracle, feed, shock.factor, shock.reporters):
                    frozen[moment] = True
                else:
                    outlier[moment] = median_outlier(config.oracle, shock.factor, shock.reporters)
        kernels.post_rounds(
            index[row],
            price[row],
            time[row],
            config.step_seconds,
            feed.heartbeat_minutes * 60,
            feed.deviation,
            feed.lag_steps,
            frozen,
            outlier,
        )
    for symbol, item in config.history.oracle.items():
        row = config.symbols.index(symbol)
        recorded = beside.rounds(config, f"oracle.{symbol}", item)
        price[row], time[row] = (each[:, np.newaxis] for each in recorded)


def stops_the_rounds(oracle: Oracle, silent: int | None) -> bool:
    """Whether the reporters still speaking miss the quorum (contracts/SPEC.md §2)."""
    return silent is None or oracle.reporters - silent < oracle.needed


def splits_the_reporters(oracle: Oracle, feed: Feed, factor: float, wrong: int | None) -> bool:
    """Whether half of the reporters are wrong by more than the feed's deviation: no round then."""
    half = wrong is not None and 2 * wrong == oracle.reporters
    return half and abs(factor - 1.0) > feed.deviation * 0.5 * (1.0 + factor)


def median_outlier(oracle: Oracle, factor: float, wrong: int | None) -> float:
    """Median over the true price when ``wrong`` reporters report ``factor`` times it; 0: unmoved.

    A minority changes nothing; half of an even number moves it half way where there is a round, the
    others reporting at that moment too (contracts/SPEC.md §2).
    """
    if wrong is None or 2 * wrong > oracle.reporters:
        return factor
    return 0.5 * (1.0 + factor) if 2 * wrong == oracle.reporters else 0.0


def _gas(config: Config, index: Floats, first_path: int, out: Floats) -> None:
    """USD per unit of gas ``[T + 1, P]``; the mean of the gwei price is ``gas.gwei``."""
    gas, hours = config.gas, _hours(config)
    factor = np.ones(len(hours))
    for shock in config.shocks:
        if isinstance(shock, GasSpike):
            factor[shock.active(hours)] *= shock.factor
    if gas.native_asset is None:
        native = np.full(out.shape, gas.native_price)
    else:
        native = index[config.symbols.index(gas.native_asset)]
    if config.history.gas is not None:
        gwei = beside.held(config, "gas", config.history.gas)
        np.multiply((gwei * GWEI * factor)[:, np.newaxis], native, out=out)
        return
    Stream(config.seed, "gas").normals(first_path, out.shape[1], len(hours), out=out)
    kernels.revert(out, exp(-config.step_minutes / 60 / gas.reversion_hours), gas.volatility)
    # E[e^x] = e^(v²/2) for a normal x of mean zero.
    kernels.exponentiate_gas(out, gas.gwei * GWEI * exp(-(gas.volatility**2) / 2), native, factor)


def _depth(config: Config, venue: Literal["pool", "perp"], out: Floats) -> None:
    hours = _hours(config)
    factor = np.ones(len(hours))
    item = config.history.depth.pool if venue == "pool" else config.history.depth.perp
    if item is not None:
        recorded = beside.held(config, f"depth.{venue}", item)
        factor = recorded / recorded[0]
    for shock in config.shocks:
        if isinstance(shock, DepthCut) and shock.venue in (venue, "both"):
            factor[shock.active(hours)] *= shock.factor
    out[:] = factor[:, np.newaxis]


def _flows(config: Config, first_path: int, paths: int) -> Floats:
    """Noise swaps, deposits, and noise trades of every market, ``[2 + M, T + 1, P]``."""
    trader, depositor = config.agents.noise_trader, config.agents.depositor
    shape = (2 + len(config.markets), config.steps + 1, paths)
    if trader is None and depositor is None:
        return np.zeros(shape)  # which takes no memory until it is read
    flows, uniforms = np.empty(shape), np.empty((config.steps, paths))
    swap = trade = 0.0
    if trader is not None:
        swap, trade = trader.swap_usd_per_hour, trader.trade_usd_per_hour
    _order_flow(config, "noise/swap", swap, first_path, flows[0], uniforms)
    _deposit_flow(config, first_path, flows[1], uniforms)
    for market, out in zip(config.markets, flows[2:], strict=True):
        _order_flow(config, f"noise/trade/{market}", trade, first_path, out, uniforms)
    return flows


def _order_flow(
    config: Config, name: str, usd_per_hour: float, first_path: int, out: Floats, uniforms: Floats
) -> None:
    """Into ``out`` ``[T + 1, P]``; ``uniforms`` ``[T, P]`` is overwritten."""
    trader, (steps, paths) = config.agents.noise_trader, uniforms.shape
    if trader is None or usd_per_hour == 0.0:
        out.fill(0.0)
        return
    Stream(config.seed, f"{name}/size").normals(first_path, paths, steps, out=out[1:])
    Stream(config.seed, f"{name}/sign").uniforms(first_path, paths, steps, out=uniforms)
    volume = usd_per_hour * config.step_minutes / 60
    kernels.order_flow(out, uniforms, volume, trader.dispersion, trader.persistence)


def _deposit_flow(config: Config, first_path: int, out: Floats, uniforms: Floats) -> None:
    """Into ``out`` ``[T + 1, P]``; ``uniforms`` ``[T, P]`` is overwritten."""
    depositor, (steps, paths) = config.agents.depositor, uniforms.shape
    if depositor is None or depositor.flow_per_day <= 0:
        out.fill(0.0)
    else:
        per_step = depositor.flows_per_day * config.step_minutes / (24 * 60)
        Stream(config.seed, "deposits/size").normals(first_path, paths, steps, out=out[1:])
        Stream(config.seed, "deposits/moment").uniforms(first_path, paths, steps, out=uniforms)
        kernels.deposit_flow(
            out,
            uniforms,
            # At most one flow a step: the probability that a Poisson process has any.
            1 - exp(-per_step),
            depositor.flow_per_day / depositor.flows_per_day**0.5,
            depositor.initial_deposit,
        )
    if depositor is None:
        return
    hours = _hours(config)
    for shock in config.shocks:
        if isinstance(shock, WithdrawalRun):
            active = np.flatnonzero(shock.active(hours))
            part = shock.fraction / len(active)
            for number, point in enumerate(active):
                # Equal parts of what was held at first, as a fraction of what is left.
                out[point] = -min(part / (1 - number * part), 1.0)
