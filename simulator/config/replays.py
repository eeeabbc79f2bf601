"""What a replay of recorded prices rests on, and what cannot act on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from simulator.config.history import VISITS
from simulator.config.shocks import Convergence, Decoupling, OracleFreeze, OracleOutlier
from simulator.types import USDC

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.config.fields import Fields
    from simulator.config.history import Beside, History


def drawn(config: Fields) -> list[str]:
    """Assets whose prices are drawn, in order of ``symbols``: all where nothing is replayed."""
    recorded = config.history.symbols if config.history.prices is not None else {}
    return [symbol for symbol in config.symbols if symbol not in recorded]


def is_one_history(config: Fields) -> bool:
    """Whether every path has the same prices: those recorded, of every asset but a dollar."""
    return config.history.prices is not None and set(drawn(config)) <= {USDC}


def notes(config: Fields) -> tuple[str, ...]:
    """What a replay rests on, a line each: as noted when it was made, and what is drawn beside it.

    Empty where nothing is replayed.
    """
    if config.history.prices is None:
        return ()
    lines = list(config.history.notes)
    for symbol in drawn(config):
        asset = config.assets[symbol]
        lines.append(
            f"{symbol} is not replayed but drawn: from {asset.price:g} USD, volatility "
            f"{asset.volatility:.3g} a year"
        )
    lines += [f"{what} recorded: {_where(config, item)}" for what, item in _beside(config.history)]
    return tuple(lines)


def _beside(history: History) -> Iterator[tuple[str, Beside]]:
    if history.gas is not None:
        yield "gas", history.gas
    for venue, item in (("pool", history.depth.pool), ("perp", history.depth.perp)):
        if item is not None:
            yield f"depth.{venue}", item
    yield from ((f"oracle.{symbol}", item) for symbol, item in history.oracle.items())
    yield from ((f"funding.{symbol}", item) for symbol, item in history.funding.items())


def _where(config: Fields, item: Beside) -> str:
    symbol = "" if item.symbol is None else f"{item.symbol}, "
    return f"{symbol}column {item.column} of {Path(item.file or config.history.prices or '').name}"


def problems(config: Fields) -> Iterator[str]:
    """What is wrong with the section given the rest, and what a replay would silently ignore."""
    history = config.history
    if history.prices is not None and (history.start is None or not history.symbols):
        yield f"history.prices = {history.prices}: needs history.start and history.symbols"
    if history.start is not None and history.start.tzinfo is not None:
        yield f"history.start = {history.start}: must be naive UTC, without a time zone"
    for field, _ in _beside(history):
        if history.prices is None:
            yield f"history.{field}: needs history.prices, beside which it is replayed"
    if history.prices is not None:
        if history.bars == "ohlc" and config.steps % VISITS:
            yield (
                f"horizon_hours = {config.horizon_hours}: must be a whole number of bars of "
                f"{VISITS} steps (history.bars = ohlc)"
            )
        yield from _funding(config)
        yield from _without_effect(config)


def _funding(config: Fields) -> Iterator[str]:
    """Recorded funding is put into a price, which must be the perp's alone, and paid once."""
    for symbol in config.history.funding:
        market = config.clearing.markets.get(symbol)
        if market is None or symbol == config.pool.base or symbol not in config.history.symbols:
            yield (
                f"history.funding.{symbol}: must be a market with a recorded price of its own, not "
                "that of the pool's base asset (--hedge ETHPERP=ETHUSDT gives it one)"
            )
        elif market.max_funding_velocity != 0:
            yield (
                f"clearing.markets.{symbol}.max_funding_velocity = {market.max_funding_velocity:g}:"
                f" must be 0 where {symbol}'s funding is recorded (history.funding)"
            )
        elif symbol in config.clearing.collaterals:
            yield (
                f"clearing.collaterals.{symbol}: must be left out where {symbol}'s funding is "
                "recorded (history.funding), which goes into its price"
            )


def _without_effect(config: Fields) -> Iterator[str]:
    """Settings that only act on drawn prices, where all they name is recorded."""
    free = set(drawn(config))
    for symbol, asset in config.assets.items():
        if symbol in free:
            continue
        # What a token is redeemed for counts where its feed reads that.
        read = config.feed(symbol).source == "exchange_rate"
        for field, value in (
            ("drift", asset.drift or None),
            ("jumps", asset.jumps),
            ("staked", None if read else asset.staked),
        ):
            if value is not None:
                yield (
                    f"assets.{symbol}.{field}: has no effect, {symbol}'s prices are recorded "
                    "(history.symbols); must be left out"
                )
    moving = free - {USDC}
    if config.process.kind != "gbm" and not moving:
        yield (
            f"process.kind = {config.process.kind}: has no effect, all prices are recorded "
            "(history.symbols); must be gbm"
        )
    jumps = config.common_jumps
    if jumps is not None and not any(
        jumps.loading.get(symbol, float(symbol != USDC)) for symbol in free
    ):
        yield (
            "common_jumps: has no effect, the prices it acts on are recorded (history.symbols); "
            "must be null"
        )
    if config.sampling is not None and (kept := sorted(set(config.sampling.shift) - free)):
        yield (
            f"sampling.shift.{kept[0]}: has no effect, {kept[0]}'s prices are recorded "
            "(history.symbols); must be left out"
        )
    for number, shock in enumerate(config.shocks):
        if isinstance(shock, OracleFreeze | OracleOutlier):
            assets = shock.assets if isinstance(shock, OracleFreeze) else (shock.asset,)
            for symbol in sorted(set(assets) & set(config.history.oracle)):
                yield (
                    f"shocks.{number} ({shock.kind}): has no effect, {symbol}'s rounds are "
                    "recorded (history.oracle); must be left out"
                )
        if isinstance(shock, Decoupling | Convergence):
            of = [shock.asset] if isinstance(shock, Decoupling) else sorted(moving)
            if not set(of) & moving:
                yield (
                    f"shocks.{number} ({shock.kind}): changes how returns are drawn, has no effect "
                    "on recorded prices (history.symbols); must be left out"
                )
