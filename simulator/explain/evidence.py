"""What the records of a path show of each friction: a clause of a sentence, "" where nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.books.buckets import BASIS, TRADING_COST
from simulator.explain.timeline import clock, times
from simulator.protocol.action_spec import Role
from simulator.report.format import count, listed, number, percent, tokens, usd
from simulator.world.actions import having

if TYPE_CHECKING:
    import pandas as pd

    from simulator.config import Config
    from simulator.types import Floats

#: Part of a fall that is told of.
_MOST = 0.8
_LIQUIDATIONS = tuple(kind.__name__ for kind in having(Role.LIQUIDATION))


@dataclass(frozen=True, eq=False)
class Records:
    """One path's records: what a run keeps of it in full."""

    config: Config
    series: pd.DataFrame
    events: pd.DataFrame
    row: pd.Series

    def when(self, step: int) -> str:
        """By the clock."""
        return clock(float(self.series["hours"].iloc[step]))

    def refused(self, *statuses: str) -> pd.DataFrame:
        """What those who keep the vault were refused for these reasons."""
        ours = self.events["agent"].isin(["keeper", "risk_manager", "breakdown_monitor"])
        return self.events[ours & self.events["status"].isin(statuses)]

    def vault_liquidations(self) -> pd.DataFrame:
        """Liquidations of the vault that were carried out."""
        done = (self.events["status"] == "OK") & self.events["action"].isin(_LIQUIDATIONS)
        return self.events[done & (self.events["account"] <= len(self.config.markets))]


def legs_apart(path: Records) -> str:
    """When both legs came apart, and how far."""
    series, base = path.series, path.config.pool.base
    start, end = _steepest(series[list(BASIS)].sum(axis=1).to_numpy())
    if end <= start:
        return ""
    gained = series[list(BASIS)].iloc[[start, end]].sum(axis=1).to_numpy()

    def moved(symbol: str) -> float:
        index = series[f"index_{symbol}"].to_numpy()
        return float(index[end] / index[start] - 1.0)

    markets = path.config.markets
    said = sum(float(series[f"beta_{m}"].iloc[start]) * moved(m) for m in markets)
    return (
        f"{base} left its beta at {path.when(start)}: by {path.when(end)} it moved "
        f"{percent(moved(base), plus=True)} where its hedges said {percent(said, plus=True)}, and "
        f"both legs together lost {usd(gained[0] - gained[1])}"
    )


def _steepest(gained: Floats) -> tuple[int, int]:
    """Steps of the shortest stretch that holds most of the largest fall of a running sum."""
    fallen = np.maximum.accumulate(gained) - gained
    last = int(np.argmax(fallen))
    first = int(np.argmax(gained[: last + 1]))
    best = (first, last)
    for end in range(first + 1, last + 1):
        before = np.flatnonzero(gained[first:end] - gained[end] >= _MOST * fallen[last])
        if before.size and end - (first + before[-1]) < best[1] - best[0]:
            best = (first + int(before[-1]), end)
    return best


def betas_off(path: Records) -> str:
    """Hedge ratios posted, and those that the path turned out to ask for."""
    said = [
        f"{market} {number(path.row[f'posted_beta_{market}'])} where "
        f"{number(path.row[f'realised_beta_{market}'])} was right"
        for market in path.config.markets
    ]
    return f"hedge ratios were, on average, {listed(said)} over the whole path"


def off_target(path: Records) -> str:
    """How long and at what price the hedge was another than asked for."""
    return (
        f"{percent(path.row['hedge_off_target'], 0)} of the time the hedge was off target by more "
        f"than its band, and what was off target within and beyond it made "
        f"{usd(path.row['hedge_drift'], plus=True)}"
    )


def no_room(path: Records) -> str:
    """What trading cost, and what found no room."""
    cost = -float(path.row[list(TRADING_COST)].sum())
    text = f"trading cost {usd(cost)}"
    found = path.refused("SLIPPAGE", "INVENTORY_LIMIT", "OPEN_INTEREST_CAP")
    if len(found):
        first, last = (clock(found["hours"].iloc[place]) for place in (0, -1))
        text += (
            f", and {count(len(found), 'call')} for the vault found no room or too bad a price "
            f"between {first} and {last}"
        )
    return text


def oracle_off(path: Records) -> str:
    """How far the oracle was off, and what failed on its silence."""
    worst, where, at = 0.0, "", 0
    for symbol in path.config.symbols:
        off = path.series[f"oracle_{symbol}"] / path.series[f"index_{symbol}"] - 1.0
        step = int(off.abs().to_numpy().argmax())
        if abs(off.iloc[step]) > abs(worst):
            worst, where, at = float(off.iloc[step]), symbol, step
    text = ""
    if where:
        text = f"the oracle had {where} {percent(worst, plus=True)} off at {path.when(at)}"
    if len(found := path.refused("STALE_ORACLE")):
        silent = f"{count(len(found), 'call')} for the vault failed on a silent oracle"
        text = f"{text}, and {silent}" if text else silent
    return text


def margin_short(path: Records) -> str:
    """When the hedge was deleveraged, liquidated, or refused for margin."""
    liquidated = path.vault_liquidations()
    shrunk = path.events[(path.events["action"] == "Deleverage") & (path.events["status"] == "OK")]
    said = []
    if len(shrunk):
        when = clock(shrunk["hours"].iloc[0])
        said.append(f"the hedge was deleveraged {times(len(shrunk))}, first at {when}")
    if len(liquidated):
        when = clock(liquidated["hours"].iloc[0])
        said.append(f"the vault was liquidated {times(len(liquidated))}, first at {when}")
    found = path.refused("BELOW_INITIAL_MARGIN", "BELOW_MARGIN_TARGET")
    if len(found):
        when = clock(found["hours"].iloc[0])
        said.append(f"margin refused {count(len(found), 'call')} for the vault from {when} on")
    return listed(said) if said else ""


def losses_shared(path: Records) -> str:
    """What losses of others took."""
    taken = path.series["loss_sharing"].to_numpy()
    if not taken[-1] < 0.0:
        return ""
    first = int(np.argmax(taken < 0.0))
    return f"losses of others cost the vault {usd(-taken[-1])}, first at {path.when(first)}"


def keepers_unpaid(path: Records) -> str:
    """What keepers were not paid enough for."""
    if path.config.agents.keeper is None:
        return "no keeper acts"
    unpaid = sum(
        float(path.row[column])
        for column in path.row.index
        if str(column).endswith("_unpaid") and np.isfinite(path.row[column])
    )
    if not unpaid:
        return f"keepers were paid {usd(-float(path.row['rewards']))}"
    return f"{count(round(unpaid), 'keeper call')} that were due did not pay for their gas"


def left(path: Records) -> str:
    """What depositors took out."""
    done = path.events[(path.events["action"] == "Redeem") & (path.events["status"] == "OK")]
    if done.empty:
        return ""
    text = f"depositors took out {usd(done['amount_out'].sum())} in all"
    waited = path.events[
        (path.events["action"] == "RequestRedeem") & (path.events["status"] == "OK")
    ]
    return f"{text}, and had to queue {times(len(waited))}" if len(waited) else text


def others_liquidated(path: Records) -> str:
    """Who else was liquidated, at the vault's venue and elsewhere."""
    told = [_here(path), _elsewhere(path)]
    return ", and ".join(one for one in told if one)


def _elsewhere(path: Records) -> str:
    """What crowds elsewhere were forced to."""
    forced, pressed = float(path.row["forced_usd"]), float(path.row["impact_low"])
    if not forced > 0.0:
        return ""
    by = f"flows pressing the index by {percent(-pressed)} at most"
    return f"{usd(forced)} were forced out elsewhere, {by}"


def _here(path: Records) -> str:
    """Who else was liquidated at the vault's venue."""
    found = path.events
    ours = found["account"] <= len(path.config.markets)
    done = found[(found["status"] == "OK") & (found["action"] == "Liquidate") & ~ours]
    if done.empty:
        return ""
    market = path.config.markets[int(done["market"].iloc[0])]
    size, when = tokens(done["amount_in"].sum()), clock(done["hours"].iloc[0])
    return f"others were liquidated {times(len(done))} from {when} on, {size} {market} in all"
