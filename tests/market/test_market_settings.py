"""Market paths are a function of the market settings: of nothing else, and of all of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import pytest
import yaml
from pydantic import BaseModel

from simulator.config import Config, load, scenario_text
from simulator.config.market_settings import MarketSettings
from simulator.market.draw import draw
from simulator.market.paths import SINGLE, STACKED, MarketPaths
from simulator.types import InputError

PATHS = 3
SHOCKS = (
    "{kind: withdrawal_run, fraction: 0.2, at_hours: 9, duration_hours: 3}",
    "{kind: gas_spike, factor: 9, at_hours: 5, duration_hours: 3}",
    "{kind: depeg, asset: USDC, anchors: [[3, 1.0], [6, 0.9], [9, 1.0]]}",
)
#: Has every section: two hedge venues, a crowd with leverage, jumps, shocks of each part, a run.
SHORT = (
    "horizon_hours=30",
    "oracle.feeds={BTC: {deviation: 0.001}}",
    "agents.leveraged_long={margin: {USDC: 1e5}}",
    "agents.latency_arbitrageur={}",
    "agents.breakdown_monitor={}",
    "common_jumps={intensity: 900, mean: -0.01, std: 0.02}",
    "assets.SOL.jumps={intensity: 900, mean: 0.0, std: 0.02}",
    f"shocks=[{', '.join(SHOCKS)}]",
    "sampling={shift: {ETH: -2}}",
)
#: Sections a market is drawn from; of these, what is the tokens', the contracts' or a note.
MARKET = {
    *("seed", "horizon_hours", "step_minutes", "assets", "correlation", "process", "shocks"),
    *("common_jumps", "gas", "depth", "oracle", "flow", "history", "sampling"),
}
BESIDE = ("decimals", "max_age_minutes", "history.notes", "history.squared_returns")


@cache
def whole() -> Config:
    return load("aave-hedge", SHORT)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Places of all values of a configuration that are not sections, lists or mappings."""
    if isinstance(value, BaseModel):
        below: list[tuple[Any, Any]] = [
            (name, getattr(value, name)) for name in type(value).model_fields
        ]
    elif isinstance(value, dict):
        below = list(value.items())
    elif isinstance(value, tuple):
        below = list(enumerate(value))
    else:
        yield path
        return
    for name, item in below:
        yield from leaves(item, (*path, name))


def varied(value: Any, path: tuple[Any, ...]) -> Any:
    """The same with another value at ``path``; whether that fits together is not asked."""
    if not path:
        return another(value)
    name, *rest = path
    if isinstance(value, BaseModel):
        return value.model_copy(update={name: varied(getattr(value, name), tuple(rest))})
    if isinstance(value, dict):
        return {**value, name: varied(value[name], tuple(rest))}
    return (*value[:name], varied(value[name], tuple(rest)), *value[name + 1 :])


def another(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value * 1.25 + 0.01
    return "BTC" if value == "ETH" else "ETH"


def is_drawn(path: tuple[Any, ...]) -> bool:
    text = ".".join(map(str, path))
    return path[0] in MARKET and not any(text.endswith(name) for name in BESIDE)


def by_series(market: MarketPaths, markets: tuple[str, ...]) -> dict[str, bytes]:
    """Bits of each series by what it is, wherever it stands in its array."""
    found = {name: getattr(market, name).tobytes() for name in SINGLE}
    for name in STACKED:
        labels = markets if name == "noise_trade" else market.assets
        for label, row in zip(labels, getattr(market, name), strict=True):
            found[f"{name}/{label}"] = row.tobytes()
    return found


def test_no_leaf_outside_the_market_moves_a_bit_of_it() -> None:
    config = whole()
    drawn = by_series(draw(config.market, 5, PATHS), config.markets)
    outside = [path for path in leaves(config) if not is_drawn(path)]
    assert len(outside) > 150
    for path in outside:
        other = varied(config, path).market
        assert other.digest() == config.market.digest(), path
        assert by_series(draw(other, 5, PATHS), other.markets) == drawn, path


@pytest.mark.parametrize("agent", ["depositor", "noise_trader", "keeper", "amm_arbitrageur"])
def test_taking_an_agent_away_moves_nothing(agent: str) -> None:
    config = load("aave-hedge", [*SHORT, f"agents.{agent}=null"])
    assert config.market == whole().market
    drawn = draw(config.market, 5, PATHS)
    assert by_series(drawn, config.markets) == by_series(
        draw(whole().market, 5, PATHS), config.markets
    )


def test_another_base_asset_or_market_moves_no_series() -> None:
    """They stand elsewhere in the arrays; an asset without a market has no flow there."""
    config = whole()
    pool = config.pool.model_copy(update={"base": "SOL"})
    markets = {symbol: config.clearing.markets[symbol] for symbol in ("SOL",)}
    clearing = config.clearing.model_copy(update={"markets": markets})
    other = config.model_copy(update={"pool": pool, "clearing": clearing})
    drawn, moved = draw(config.market, 5, PATHS), draw(other.market, 5, PATHS)
    assert moved.assets == ("USDC", "SOL", "ETH", "BTC") == other.symbols
    assert moved.key == drawn.key
    found = by_series(drawn, config.markets)
    assert all(found[name] == bits for name, bits in by_series(moved, other.markets).items())
    assert np.array_equal(moved.index[1], drawn.index[3])


def test_every_leaf_of_the_market_is_another_market() -> None:
    config = whole()
    inside = [path for path in leaves(config) if is_drawn(path)]
    assert len(inside) > 50
    for path in inside:
        value: Any = config
        for part in path:
            value = getattr(value, part) if isinstance(value, BaseModel) else value[part]
        if path == ("horizon_hours",):
            other = config.model_copy(update={"horizon_hours": 31.0})
        else:
            other = varied(config, path)
        assert other.market.digest() != config.market.digest(), path
        section = {"horizon_hours": "steps"}.get(path[0], path[0])
        assert section in config.market.differing(other.market), path


def test_a_moment_counts_too() -> None:
    config = load("calm")
    begun = datetime(2022, 10, 15)
    dated = [
        config.model_copy(
            update={"history": config.history.model_copy(update={"start": begun + later})}
        )
        for later in (timedelta(0), timedelta(hours=1))
    ]
    assert dated[0].market.digest() != dated[1].market.digest() != config.market.digest()


def test_the_market_alone_is_taken() -> None:
    with pytest.raises(InputError, match=r"settings.*the market of a configuration, config.market"):
        draw(whole(), 0, 1)  # type: ignore[arg-type]
    assert isinstance(whole().market, MarketSettings)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("agents.noise_trader.swap_usd_per_hour", "flow.orders.swap_usd_per_hour"),
        ("agents.noise_trader.trade_usd_per_hour", "flow.orders.trade_usd_per_hour"),
        ("agents.noise_trader.dispersion", "flow.orders.dispersion"),
        ("agents.noise_trader.persistence", "flow.orders.persistence"),
        ("agents.depositor.flow_per_day", "flow.deposits.flow_per_day"),
        ("agents.depositor.flows_per_day", "flow.deposits.flows_per_day"),
    ],
)
def test_settings_that_moved_to_the_market_are_refused_with_their_new_name(
    old: str, new: str, tmp_path: Any
) -> None:
    with pytest.raises(InputError, match=rf"{old}: no such field.*; write {new}"):
        load("calm", [f"{old}=0.5"])
    file = tmp_path / "old.yaml"
    _, agent, name = old.split(".")
    data = yaml.safe_load(scenario_text("calm"))
    data["agents"][agent][name] = 0.5
    file.write_text(yaml.safe_dump(data))
    with pytest.raises(InputError, match=rf"{old}: no such field.*; write {new}"):
        load(file)
    assert load("calm", [f"{new}=0.5"]).market.differing(load("calm").market) == ["flow"]
