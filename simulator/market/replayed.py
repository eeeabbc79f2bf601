"""The prices a configuration replays, on its steps."""

from __future__ import annotations

from math import isclose
from typing import TYPE_CHECKING

from simulator.market.beside import paid
from simulator.market.recorded import record_of
from simulator.types import InputError

if TYPE_CHECKING:
    from simulator.config.market_settings import MarketSettings
    from simulator.market.history_file import SymbolReport
    from simulator.types import Floats


def replay(settings: MarketSettings) -> dict[str, Floats]:
    """Recorded prices ``[T + 1]`` by asset, USD; assets without a symbol are left out.

    Raises:
        InputError: the file cannot give them, or an asset's price is not the first recorded one.
    """
    series = {asset: prices for asset, (prices, _) in recorded_series(settings).items()}
    for asset, prices in series.items():
        given = settings.assets[asset].price
        # The pool opens at the configured price, and the first step must not be a jump to another.
        if not isclose(given, prices[0], rel_tol=1e-9):
            raise InputError(
                f"assets.{asset}.price = {given:g}: must be the first recorded price, "
                f"{float(prices[0])!r}"
            )
    for asset, item in settings.history.funding.items():
        series[asset] = series[asset] * paid(settings, f"funding.{asset}", item)
    return series


def recorded_series(settings: MarketSettings) -> dict[str, tuple[Floats, SymbolReport]]:
    """Recorded prices ``[T + 1]`` by asset, and what was done to them; empty without a replay."""
    history = settings.history
    if history.prices is None or history.start is None:
        return {}
    return record_of(history).series(
        history.start, settings.steps, settings.step_minutes, history.max_gap_hours
    )
