"""The worst path step by step: what the market did, who was liquidated, what keepers tried.

Every entry is read off the path's records. Alike entries that follow each other within some hours
are one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.config.agents import BreakdownMonitor
from simulator.config.monitor import monitor_settings
from simulator.hedging.monitor.hedge import HedgeMonitor
from simulator.protocol.action_spec import Role
from simulator.report.format import number, percent, tokens, usd
from simulator.report.sections import spans
from simulator.world.actions import KEEPER_FUNCTIONS, PostBetas, having

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd

    from simulator.config import Config

#: Hours without any of a kind after which the next is another entry: of what goes as it should,
#: and of what does not.
_QUIET, _PAUSE = 96.0, 12.0
#: A move of the pool's price within a step that is told by itself, and of a posted beta.
_POOL_MOVE, _BETA_MOVE = 0.05, 0.25
#: Most such moves that are told, and USD that a share of others' losses takes at least.
_MOVES, _SHARED = 5, 1.0
_KEEPING = {kind.__name__: kind.spec.called for kind in KEEPER_FUNCTIONS}
_LIQUIDATIONS = tuple(kind.__name__ for kind in having(Role.LIQUIDATION))
_SETTLING, _LEAVING = "SettleWithdrawals", ("Redeem", "RequestRedeem", "RedeemInKind")
_ALARMS = {
    "residual": "the hedge's error has grown",
    "breakdown": "the correlation with the hedge has fallen",
    "convergence": "the correlation with the hedge has risen",
    "drift": "the beta has drifted",
}


@dataclass(frozen=True)
class Entry:
    """Something that happened from ``start`` to ``end``, hours.

    Attributes:
        kind: ``shock``, ``market``, ``monitor``, ``keeper``, ``refused``, ``liquidation`` or
            ``people``.
        text: what, in words.
        alike: what others must have in common with it to be told with it; "": tell it alone.
        times: how many are told together.
        amount: what they came to, in the unit of ``text``'s ``{amount}``.
    """

    start: float
    end: float
    kind: str
    text: str
    alike: str = ""
    times: int = 1
    amount: float = 0.0
    form: Any = field(default=usd, repr=False)

    def told(self) -> dict[str, Any]:
        """For JSON: when by the clock, and what."""
        text = self.text.format(times=times(self.times), amount=self.form(self.amount))
        return {
            "hours": self.start,
            "until_hours": self.end,
            "when": span(self.start, self.end),
            "kind": self.kind,
            "text": text,
        }


def clock(hours: float) -> str:
    """``day 12, 14:00``; days are counted from 0, as hours are."""
    minutes = round(hours * 60)
    return f"day {minutes // 1440}, {minutes // 60 % 24:02d}:{minutes % 60:02d}"


def span(start: float, end: float) -> str:
    """``day 12, 14:00 to 18:00``."""
    if end <= start:
        return clock(start)
    last = clock(end)
    if last.partition(",")[0] == clock(start).partition(",")[0]:
        last = last.partition(", ")[2]
    return f"{clock(start)} to {last}"


def times(number_of: int) -> str:
    """``once``, ``twice``, ``12 times``."""
    return {1: "once", 2: "twice"}.get(number_of, f"{number_of:,} times")


def timeline(config: Config, series: pd.DataFrame, events: pd.DataFrame) -> list[Entry]:
    """All that is worth telling of a path, in order of time."""
    found = [
        *_shocks(config),
        *_outlooks(config, series),
        *_moves(config, series),
        *_betas(config, series),
        *_warnings(config, series),
        *_together(_liquidations(config, series, events)),
        *_together(_kept(events)),
        *_together(_left(events)),
        *_shared(series),
    ]
    return sorted(found, key=lambda entry: (entry.start, entry.end))


def _shocks(config: Config) -> Iterator[Entry]:
    """What the scenario does to the market."""
    for name, (first, last) in spans(config):
        yield Entry(first, last, "shock", f"the scenario: {name}")


def _outlooks(config: Config, series: pd.DataFrame) -> Iterator[Entry]:
    """The peak and the trough of a share, and the thinnest margin."""
    hours, price = series["hours"].to_numpy(), series["share_price"].to_numpy()
    if np.isfinite(price).any():
        low = int(np.nanargmin(price))
        text = f"a share is worth least: {percent(price[low] - 1.0, plus=True)} since it was bought"
        yield Entry(hours[low], hours[low], "market", text)
    ratio = series["margin_ratio"].to_numpy()
    if np.isfinite(ratio).any():
        low = int(np.nanargmin(ratio))
        text = (
            f"margin is thinnest of what a step ended with: {number(ratio[low])} times maintenance "
            "(liquidation at 1)"
        )
        yield Entry(hours[low], hours[low], "market", text)


def _moves(config: Config, series: pd.DataFrame) -> Iterator[Entry]:
    """The largest moves of the pool's price within a step."""
    price, base = series["pool_price"].to_numpy(), config.pool.base
    moved = np.diff(price) / price[:-1]
    for step in np.argsort(-np.abs(moved), kind="stable")[:_MOVES]:
        if abs(moved[step]) < _POOL_MOVE:
            continue
        hour = float(series["hours"].iloc[step + 1])
        index = series[f"index_{base}"].to_numpy()
        text = (
            f"the pool's price of {base} moves {percent(moved[step], plus=True)} in a step (the "
            f"index {percent(index[step + 1] / index[step] - 1.0, plus=True)})"
        )
        yield Entry(hour, hour, "market", text)


def _betas(config: Config, series: pd.DataFrame) -> Iterator[Entry]:
    """Hedge ratios as they are posted first, and when they have changed."""
    told: list[float] | None = None
    table = series[[f"beta_{market}" for market in config.markets]].to_numpy()
    for hour, betas in zip(series["hours"], table, strict=True):
        if told is None and not betas.any():
            continue
        if told is None or np.abs(betas - told).max() > _BETA_MOVE:
            named = zip(config.markets, betas, strict=True)
            said = ", ".join(f"{market} {number(beta)}" for market, beta in named)
            yield Entry(float(hour), float(hour), "keeper", f"hedge ratios are now {said}")
            told = list(betas)


def _warnings(config: Config, series: pd.DataFrame) -> Iterator[Entry]:
    """When a breakdown monitor rings: the configured one, else one as it comes."""
    section = config.agents.breakdown_monitor
    if not config.markets:
        return
    who = "the monitor" if section is not None else "a breakdown monitor, had there been one,"
    settings = monitor_settings(section or BreakdownMonitor(), config.step_minutes)
    monitor = HedgeMonitor(1, settings)
    symbols = (config.pool.base, *config.markets)
    returns = np.diff(np.log([series[f"index_{symbol}"] for symbol in symbols]), axis=1)
    betas = np.array([series[f"beta_{market}"] for market in config.markets])
    rang: list[Entry] = []
    for step in range(returns.shape[1]):
        found = monitor.update(returns[:, step : step + 1], betas[:, step : step + 1])
        hour = float(series["hours"].iloc[step + 1])
        for alarm, what in _ALARMS.items():
            if found[alarm][0]:
                rang.append(Entry(hour, hour, "monitor", f"{who} warns: {what}", alarm))
    # Each kind is told when it first rings: the answer is what matters, not how long it lasts.
    for alarm in dict.fromkeys(entry.alike for entry in rang):
        alike = [entry for entry in rang if entry.alike == alarm]
        more = f" ({times(len(alike))} in all)" if len(alike) > 1 else ""
        yield replace(alike[0], text=alike[0].text + more)


def _rows(events: pd.DataFrame) -> list[Any]:
    """Events one by one, columns as attributes."""
    return list(events.itertuples())


def _owner(config: Config, account: int, agents: list[str]) -> str:
    """Whose margin account it is."""
    own = 1 + len(config.markets)
    if account < own:
        return "the vault"
    place = account - own
    return agents[place].replace("_", " ") if place < len(agents) else "somebody"


def _traders(config: Config) -> list[str]:
    """Agents with a margin account, in the order of accounts; cohorts by what they are of."""
    from simulator.config import resolve

    return [slot.kind or slot.name for slot in resolve(config).agents if slot.has_account]


def _liquidations(config: Config, series: pd.DataFrame, events: pd.DataFrame) -> Iterator[Entry]:
    """Who was liquidated, of what, and how far the pool moved in that step."""
    done = events[(events["status"] == "OK") & events["action"].isin(_LIQUIDATIONS)]
    agents = _traders(config) if len(done) else []
    price = series["pool_price"].to_numpy()
    for row in _rows(done):
        who, step = _owner(config, int(row.account), agents), int(row.step)
        moved = price[step] / price[step - 1] - 1.0 if step else 0.0
        if row.action == "Liquidate":
            market = config.markets[int(row.market)]
            text = f"{who} is liquidated {{times}}: {{amount}} {market} closed for it"
        else:
            what = {"LiquidatePledge": "liquidity", "LiquidateLoan": "debt on Aave"}
            text = f"{who} is liquidated {{times}}: {what.get(row.action, 'collateral')} is bought"
        text += f" (the pool moves {percent(moved, plus=True)} in that step)"
        # Of one step alone are the pool's move: alike are those of the same words.
        yield Entry(
            row.hours, row.hours, "liquidation", text, text, amount=row.amount_in, form=tokens
        )


def _kept(events: pd.DataFrame) -> Iterator[Entry]:
    """What keepers did, and why they were refused."""
    ours = events["action"].isin([*_KEEPING, _SETTLING, PostBetas.__name__])
    for row in _rows(events[ours]):
        action = _KEEPING.get(row.action, "settlement of the queue")
        if row.action == PostBetas.__name__:
            if row.status in ("OK", "NONE"):
                continue
            action = "post of hedge ratios"
        if row.status == "OK":
            text, kind = f"keeper: {action}, {{times}}", "keeper"
        else:
            why = row.status.lower().replace("_", " ")
            text, kind = (
                f"{row.agent.replace('_', ' ')}: {action} refused {{times}}: {why}",
                "refused",
            )
        yield Entry(row.hours, row.hours, kind, text, f"{row.action} {row.status}")


def _left(events: pd.DataFrame) -> Iterator[Entry]:
    """Depositors leaving, and being refused."""
    for row in _rows(events[events["action"].isin(_LEAVING)]):
        if row.action == "RequestRedeem" and row.status == "OK":
            text, amount = "depositors wait in the queue, {times}", 0.0
        elif row.status == "OK":
            text, amount = "depositors take out {amount}, {times}", row.amount_out
        else:
            why = row.status.lower().replace("_", " ")
            text, amount = f"depositors cannot leave at once, {{times}}: {why}", 0.0
        yield Entry(
            row.hours, row.hours, "people", text, f"{row.action} {row.status}", amount=amount
        )


def _shared(series: pd.DataFrame) -> Iterator[Entry]:
    """Losses of others that the vault was made to bear."""
    taken = np.diff(series["loss_sharing"].to_numpy())
    for step in np.flatnonzero(taken < -_SHARED):
        hour = float(series["hours"].iloc[step + 1])
        text = f"auto-deleveraging and socialised loss take {usd(-taken[step])} of the vault"
        yield Entry(hour, hour, "liquidation", text)


def _together(entries: Iterable[Entry]) -> list[Entry]:
    """Alike entries with no pause between them as one."""
    open_: dict[str, Entry] = {}
    done: list[Entry] = []
    for entry in entries:
        before = open_.get(entry.alike)
        pause = _QUIET if entry.kind in ("keeper", "people") else _PAUSE
        if before is not None and entry.start - before.end <= pause:
            open_[entry.alike] = replace(
                before,
                end=entry.end,
                times=before.times + entry.times,
                amount=before.amount + entry.amount,
            )
            continue
        if before is not None:
            done.append(before)
        open_[entry.alike] = entry
    return [*done, *open_.values()]
