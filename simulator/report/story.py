"""The worst path in words, every one of them computed from its series, events and attribution."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from simulator.books.buckets import BUCKETS
from simulator.protocol.action_spec import Role
from simulator.report import causes
from simulator.report.format import count, listed, number, percent, tokens, usd
from simulator.world.actions import KEEPER_FUNCTIONS, PostBetas, Redeem, having

if TYPE_CHECKING:
    import pandas as pd

    from simulator.config import Config
    from simulator.types import Floats

_OPERATIONS = {kind.__name__: kind.spec.called for kind in KEEPER_FUNCTIONS}
#: What is liquidated of the vault, as the per-path metrics count it.
_LIQUIDATED = {
    kind.__name__: kind.spec.seizes for kind in having(Role.LIQUIDATION) if kind.spec.seizes
}


def tell(config: Config, series: pd.DataFrame, events: pd.DataFrame, row: pd.Series) -> list[str]:
    """Sentences on one path: what it lost, when, to what, and what the vault did about it.

    ``series`` and ``events`` are that path's records, ``row`` its line of the per-path frame.
    """
    told = [_outcome(series, row)]
    peak, trough = _fall(series["share_price"].to_numpy())
    if trough > peak:
        told += [_prices(config, series, peak, trough), *_fell(series, peak, trough)]
    told.append(" ".join(_made_of("From start to end", row)))
    told += _correlation(config, series)
    told += _margin(config, series, row)
    told += _done(events)
    told += _liquidations(config, events, row)
    told += _refusals(events)
    return told


def _at(series: pd.DataFrame, step: int) -> str:
    return f"hour {series['hours'].iloc[step]:,.0f}"


def _fall(price: Floats) -> tuple[int, int]:
    """Steps of the peak and the trough of the largest drawdown."""
    peaks = np.maximum.accumulate(np.maximum(price, 1e-300))
    trough = int(np.argmax(1.0 - price / peaks))
    return int(np.argmax(price[: trough + 1])), trough


def _outcome(series: pd.DataFrame, row: pd.Series) -> str:
    verb = "lost" if row["return"] < 0 else "gained"
    hours = f"{series['hours'].iloc[-1]:,.0f} hours"
    text = f"A share {verb} {percent(abs(row['return']))} over {hours}"
    cause = causes.largest(row)
    text += f"; the largest loss was {cause}." if cause else "."
    if row["final_nav"] <= 0:
        text += " Nothing is left for its depositors."
    return text


def _prices(config: Config, series: pd.DataFrame, peak: int, trough: int) -> str:
    moves = {
        symbol: series[f"index_{symbol}"].iloc[trough] / series[f"index_{symbol}"].iloc[peak] - 1.0
        for symbol in dict.fromkeys((config.pool.base, *config.markets))
    }
    lp = moves[config.pool.base]
    depth = 1 - series["share_price"].iloc[trough] / series["share_price"].iloc[peak]
    hedges = listed([f"{symbol} {percent(moves[symbol], plus=True)}" for symbol in config.markets])
    text = (
        f"Its deepest fall, {percent(depth)} from peak to trough, ran from {_at(series, peak)} to "
        f"{_at(series, trough)}: {config.pool.base} moved {percent(lp, plus=True)}, "
        f"its hedges {hedges}."
    )
    dollar = series["index_USDC"]
    if abs(dollar.min() - 1.0) > 0.005:
        low = int(dollar.argmin())
        text += f" USDC traded down to ${dollar.iloc[low]:.3f} at {_at(series, low)}."
    return text


def _fell(series: pd.DataFrame, peak: int, trough: int) -> list[str]:
    """What the fall was made of."""
    change = {name: float(series[name].iloc[trough] - series[name].iloc[peak]) for name in BUCKETS}
    change["hedge_held"] = part_held(series.iloc[peak:trough])
    told = _made_of("In that time", change)
    if not _held(series, peak, trough, "lp_value"):
        told.append("Nothing was invested.")
    if not _held(series, peak, trough, "size_"):
        told.append("No hedge was held.")
    return [" ".join(told)]


def _made_of(when: str, found: causes.Terms) -> list[str]:
    """What a result was made of, and how far both legs cancelled."""
    told = [f"{when} the vault {causes.account(found)}."]
    cancelled = causes.basis(found)
    return [*told, f"{cancelled}."] if cancelled else told


def _held(series: pd.DataFrame, first: int, last: int, columns: str) -> bool:
    """Whether any of the columns so named was other than zero between two steps."""
    held = series.loc[:, series.columns.str.startswith(columns)].iloc[first : last + 1]
    return bool((held != 0.0).to_numpy().any())


def _correlation(config: Config, series: pd.DataFrame) -> list[str]:
    from simulator.results.summary import assumed_correlation

    assumed = assumed_correlation(config)
    values = series["rolling_correlation"].to_numpy()
    if assumed is None or not np.isfinite(values).any():
        return []
    low = int(np.nanargmin(values))
    text = (
        f"The rolling correlation of {config.pool.base} with its hedge, assumed {number(assumed)}, "
        f"averaged {number(float(np.nanmean(values)))} and was lowest at {_at(series, low)}: "
        f"{number(values[low])}."
    )
    return [text]


def part_held(series: pd.DataFrame) -> float:
    """Part of the dollars of hedge asked for that was held; NaN: none was asked for.

    ``series``: the steps whose moves count. As the metric ``hedge_held`` counts it on a whole path.
    """
    symbols = [n.removeprefix("beta_") for n in series.columns if n.startswith("beta_")]
    held = {symbol: series[f"size_{symbol}"] * series[f"oracle_{symbol}"] for symbol in symbols}
    asked = kept = 0.0
    for symbol in symbols:
        base = next(name for name in series.columns if name.startswith("delta_"))
        exposure = series[base] - held.get(base.removeprefix("delta_"), 0.0)
        target = -series[f"beta_{symbol}"] * exposure
        asked += float(target.abs().sum())
        kept += float(np.clip(np.sign(target) * held[symbol], 0.0, target.abs()).sum())
    return kept / asked if asked > 0.0 else float("nan")


def _margin(config: Config, series: pd.DataFrame, row: pd.Series) -> list[str]:
    """How thin margin was; a series knows the ends of steps alone, the path's metric all of it."""
    thinnest, ratio = number(row["min_margin_ratio"]), series["margin_ratio"].to_numpy()
    if not np.isfinite(row["min_margin_ratio"]):
        return []
    text = f"The margin ratio fell to {thinnest} times maintenance"
    acts = (
        f"(liquidation at 1, deleveraging below {config.vault.deleverage_ratio:g}, "
        f"topping up below {config.vault.top_up_ratio:g})"
    )
    if not np.isfinite(ratio).any():
        return [f"{text} {acts}."]
    low = int(np.nanargmin(ratio))
    if number(ratio[low]) == thinnest:
        return [f"{text} at {_at(series, low)} {acts}."]
    end = f"at the end of a step it was thinnest at {_at(series, low)}: {number(ratio[low])}"
    return [f"{text} {acts} before anybody acted; {end}."]


def _done(events: pd.DataFrame) -> list[str]:
    done = events[events["status"] == "OK"]
    acts = [(name, int((done["action"] == action).sum())) for action, name in _OPERATIONS.items()]
    acts = [(name, times) for name, times in acts if times]
    if not acts:
        return []
    return [f"Keepers carried out {listed([count(times, name) for name, times in acts])}."]


def _liquidations(config: Config, events: pd.DataFrame, row: pd.Series) -> list[str]:
    """What was liquidated of the vault, and what all of it cost as the attribution has it."""
    ours = (events["status"] == "OK") & (events["account"] <= len(config.markets))
    liquidated = events[ours & events["action"].isin(list(_LIQUIDATED))]
    perps = int((liquidated["action"] == "Liquidate").sum())
    closed = int(row.get("liquidations", perps)) - perps
    told = []
    if closed > 0:
        times = count(closed, "time")
        told = [f"Insolvent, the vault was closed {times} by others who left at a profit."]
    if liquidated.empty:
        return told
    found = {what: (liquidated["action"] == name).sum() for name, what in _LIQUIDATED.items()}
    kinds = listed([f"{times:,} {what}" for what, times in found.items() if times])
    first = liquidated.iloc[0]
    text = (
        f"The vault was liquidated {count(len(liquidated), 'time')} ({kinds}), first at hour "
        f"{first['hours']:,.0f}"
    )
    if first["action"] == "Liquidate":
        symbol = config.markets[int(first["market"])]
        text += f": {tokens(first['amount_in'])} {symbol} of its hedge were closed for it"
    text += f"; the penalties came to {usd(-float(row['liquidation_penalty']))} in all."
    return [text, *told]


def _refusals(events: pd.DataFrame) -> list[str]:
    ours = events["action"].isin([*_OPERATIONS, PostBetas.__name__, Redeem.__name__])
    refused = events[ours & ~events["status"].isin(["OK", "NONE"])]
    if refused.empty:
        return []
    kinds = Counter(zip(refused["action"], refused["status"], strict=True))
    named = []
    for (action, status), times in kinds.most_common(3):
        hours = refused.loc[(refused["action"] == action) & (refused["status"] == status), "hours"]
        when = f"hour {hours.min():,.0f}"
        if times > 1:
            when = f"{count(times, 'time')}, hours {hours.min():,.0f} to {hours.max():,.0f}"
        named.append(f"{action} for {status.lower().replace('_', ' ')} ({when})")
    return [f"Refused on the way: {listed(named)}."]
