"""Checks of staked assets against the rest: names, feeds, shocks, what would do nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.config.shocks import Depeg, RateCap, RateFreeze, Slashing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.config.fields import Fields

#: How far a market price may begin from what a token is redeemed for, either way.
_FARTHEST = 2.0


def problems(config: Fields) -> Iterator[str]:
    """What does not fit; every name is known."""
    for symbol, asset in config.assets.items():
        if asset.staked is None:
            continue
        field, staked = f"assets.{symbol}", asset.staked
        for name in ("volatility", "drift"):
            if value := getattr(asset, name):
                yield (
                    f"{field}.{name} = {value:g}: must be 0, as its price follows "
                    f"{staked.underlying}; its own moves are {field}.staked.discount_volatility"
                )
        if asset.jumps is not None:
            yield f"{field}.jumps: must be null, as its price follows {staked.underlying}"
        if (staked.slashings_per_year > 0.0) != (staked.slashing_loss > 0.0):
            yield (
                f"{field}.staked: slashings_per_year = {staked.slashings_per_year:g}, "
                f"slashing_loss = {staked.slashing_loss:g}: both above 0 or none"
            )
        worth = config.assets[staked.underlying].price * staked.exchange_rate
        if not 1 / _FARTHEST <= asset.price / worth <= _FARTHEST:
            yield (
                f"{field}.price = {asset.price:g}: must be from {worth / _FARTHEST:g} to "
                f"{worth * _FARTHEST:g}, about what a token is redeemed for ({worth:g}: "
                f"exchange_rate × the price of {staked.underlying})"
            )
    yield from _shocks(config)
    yield from _frozen(config)
    yield from _feeds(config)
    yield from _moved(config)


def unknown(config: Fields) -> Iterator[str]:
    """Names that are not there, or are staked themselves."""
    drawn = [symbol for symbol, asset in config.assets.items() if asset.staked is None]
    for symbol, asset in config.assets.items():
        if asset.staked is not None and asset.staked.underlying not in drawn:
            yield (
                f"assets.{symbol}.staked.underlying = {asset.staked.underlying}: must be one of "
                f"{', '.join(drawn)}"
            )


def _frozen(config: Fields) -> Iterator[str]:
    """Two freezes at once, of which each has a beginning."""
    until: dict[str, float] = {}
    freezes = [shock for shock in config.shocks if isinstance(shock, RateFreeze)]
    for shock in sorted(freezes, key=lambda one: one.at_hours):
        if shock.at_hours < until.get(shock.asset, 0.0):
            yield (
                f"shocks (rate_freeze).at_hours = {shock.at_hours:g}: must be at least "
                f"{until[shock.asset]:g}, where the freeze of {shock.asset} before it ends"
            )
        until[shock.asset] = shock.at_hours + shock.duration_hours


def _shocks(config: Fields) -> Iterator[str]:
    for number, shock in enumerate(config.shocks):
        symbol = getattr(shock, "asset", None)
        if symbol is None or symbol not in config.assets:
            continue
        field, is_staked = (
            f"shocks.{number} ({shock.kind}).asset = {symbol}",
            symbol in config.staked,
        )
        if isinstance(shock, Slashing | RateFreeze | RateCap) and not is_staked:
            yield f"{field}: must be a staked asset (assets.{symbol}.staked)"
        if (
            isinstance(shock, RateFreeze | RateCap)
            and config.feed(symbol).source != "exchange_rate"
        ):
            yield (
                f"{field}: oracle.feeds.{symbol}.source = market: must be exchange_rate, or "
                "nothing happens"
            )
        if isinstance(shock, Depeg) and is_staked and symbol in config.history.symbols:
            yield f"{field}: its prices are recorded (history.symbols); must be left out"


def _feeds(config: Fields) -> Iterator[str]:
    if config.oracle.source != "market":
        yield "oracle.source = exchange_rate: must be market; a staked asset's own is oracle.feeds"
    for symbol, feed in config.oracle.feeds.items():
        if feed.source == "exchange_rate" and symbol not in config.staked:
            yield (
                f"oracle.feeds.{symbol}.source = exchange_rate: must be market, or the asset be "
                f"staked (assets.{symbol}.staked)"
            )


def _moved(config: Fields) -> Iterator[str]:
    """Flows that move a price of which another is made."""
    moved = config.impact.depth_usd if config.impact is not None else {}
    for symbol, staked in config.staked.items():
        for name in (symbol, staked.underlying):
            if name in moved:
                yield (
                    f"impact.depth_usd.{name}: must be left out, as what flows move does not reach "
                    f"the price of {symbol}, which is staked {staked.underlying}"
                )
