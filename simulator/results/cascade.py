"""The cascade of a run: who was liquidated, what moved the index, who fell first, who sold to whom.

All of it is of columns that :mod:`simulator.books.cascade` and :mod:`simulator.books.pressure`
count, so it is there where somebody can be forced to sell (:mod:`simulator.world.parties`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.books.cascade import OWED, SOLD
from simulator.hedging.paired import ratio_of_means
from simulator.hedging.risk import CONFIDENCE, mean, normal_quantile
from simulator.results.statistics import describe, path_weights
from simulator.world.parties import CLEARING_HOUSE, LENDING_MARKET, VENUES, parties, venues

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from simulator.types import Floats
    from simulator.world.parties import Party
    from simulator.world.protocol import Protocol

OUTSIDE, PASSED_ON = "market outside", "arbitrageurs"
#: Who stands at the other end of what is sold and owed, by the columns' names for them.
_OTHERS = {
    "to_outside": OUTSIDE,
    "to_maker": "clearing house's maker",
    "to_winners": "winners, deleveraged",
    "to_vault": VENUES["vault"],
    "to_liquidator": "liquidator",
    "owes_insurance": "insurance fund",
    "owes_venue": "venue's own money",
    "owes_traders": "traders, socialised",
    "owes_elsewhere": "venues and lenders elsewhere",
}
#: Least that is told of, USD.
_SOME = 0.5
#: What the fall of the index is made of beside the parties.
_NEWS, _OTHER = "low_news", "low_other"


def cascade(
    protocol: Protocol, paths: pd.DataFrame, fan: pd.DataFrame, worst: int, step_hours: float
) -> dict[str, Any] | None:
    """What is said of it, ready for JSON; None where nobody but the vault is leveraged.

    ``worst``: row of the worst path, which is told.
    """
    rows = parties(protocol)
    if not rows:
        return None
    shown = [party for party in rows if party.crowd >= 0 or _fell(paths, party).any()]
    weights = path_weights(paths)
    median = median_path(paths)
    return {
        "asset": protocol.assets[1].symbol,
        "worst_path": int(paths["path"].iloc[worst]),
        "median_path": int(paths["path"].iloc[median]),
        "venues": [
            _venue(venue, [party for party in rows if party.venue == venue], paths, worst)
            | {"over_time": _over_time(fan[fan["quantity"] == f"liquidated_{venue}"])}
            for venue in venues(protocol)
        ],
        "parties": [_party(party, paths, weights) for party in shown],
        "low": {
            "mean": _low_mean(shown, paths, weights),
            "median_path": _low(shown, paths.iloc[[median]]),
            "worst_path": _low(shown, paths.iloc[[worst]]),
        },
        "order": _order(shown, paths.iloc[[worst]], step_hours),
        "before": _before(shown, paths, weights),
        "flows": {
            "mean": list(_flows(shown, paths, weights)),
            "worst_path": list(_flows(shown, paths.iloc[[worst]], None)),
        },
    }


def median_path(paths: pd.DataFrame) -> int:
    """Row of the path whose return is the (lower) median one; of several, the first."""
    order = np.lexsort((paths["path"], paths["return"]))
    weights = path_weights(paths)
    share = np.ones(len(order)) if weights is None else weights[order]
    reached = np.cumsum(share) / share.sum()
    return int(order[np.searchsorted(reached, 0.5 - 1e-12)])


def _fell(paths: pd.DataFrame, party: Party) -> Floats:
    found: Floats = np.isfinite(paths[f"fell_place_{party.name}"].to_numpy())
    return found


def _mean(values: Floats, weights: Floats | None) -> float:
    return float(np.average(values, weights=weights))


def _venue(name: str, rows: Sequence[Party], paths: pd.DataFrame, worst: int) -> dict[str, Any]:
    total = paths[[f"liquidated_{party.name}" for party in rows]].to_numpy().sum(axis=1)
    figures = describe(total, path_weights(paths))
    return {
        "name": name,
        "title": VENUES[name],
        "liquidated": {key: figures[key] for key in ("mean", "p5", "median", "p95")}
        | {"worst_path": float(total[worst])},
    }


def _over_time(fan: pd.DataFrame) -> dict[str, list[float]]:
    """USD liquidated so far at each point of the fan, over all paths."""
    found = {"hours": fan["hours"].round(6).tolist()}
    return found | {name: fan[name].round(2).tolist() for name in ("mean", "p5", "p95")}


def _party(party: Party, paths: pd.DataFrame, weights: Floats | None) -> dict[str, Any]:
    hours, place = (
        describe(paths[f"fell_{what}_{party.name}"].to_numpy(), weights)["median"]
        for what in ("hours", "place")
    )
    return {
        "name": party.name,
        "title": party.title,
        "venue": party.venue,
        "liquidated": _mean(paths[f"liquidated_{party.name}"].to_numpy(), weights),
        "fell": _mean(_fell(paths, party).astype(np.float64), weights),
        "median_hours": hours,
        "median_place": place,
    }


# -------------------------------------------------------------------------- what moved the index


def _columns(shown: Sequence[Party]) -> dict[str, str]:
    """Parts of the fall, by what people call them; every other party's part is 0."""
    return {
        "news": _NEWS,
        **{party.name: f"low_{party.name}" for party in shown},
        "other": _OTHER,
    }


def _low(shown: Sequence[Party], path: pd.DataFrame) -> dict[str, Any]:
    """Of one path: parts, which sum to the fall."""
    parts = {name: float(path[column].iloc[0]) for name, column in _columns(shown).items()}
    forced = float(path["low_forced"].iloc[0])
    return {"fall": float(path["index_low"].iloc[0]), "forced": forced, "parts": parts}


def _low_mean(
    shown: Sequence[Party], paths: pd.DataFrame, weights: Floats | None
) -> dict[str, Any]:
    def of(column: str) -> dict[str, float]:
        return _interval(paths[column].to_numpy(), weights)

    parts = {name: of(column) for name, column in _columns(shown).items()}
    return {"fall": of("index_low"), "forced": of("low_forced"), "parts": parts}


def _interval(values: Floats, weights: Floats | None) -> dict[str, float]:
    """Mean with its normal interval."""
    centre, error = mean(values, weights)
    half = normal_quantile(CONFIDENCE) * error
    return {"estimate": centre, "low": centre - half, "high": centre + half}


# ----------------------------------------------------------------------------------- who fell first


def _order(shown: Sequence[Party], path: pd.DataFrame, step_hours: float) -> list[dict[str, Any]]:
    """Those who fell on the told path, the first first."""
    found = []
    for party in shown:
        if not _fell(path, party)[0]:
            continue
        hours = float(path[f"fell_hours_{party.name}"].iloc[0])
        found.append(
            {
                "party": party.name,
                "place": int(path[f"fell_place_{party.name}"].iloc[0]),
                "hours": hours,
                "step": round(hours / step_hours),
                "liquidated": float(path[f"liquidated_{party.name}"].iloc[0]),
            }
        )
    return sorted(found, key=lambda one: one["place"])


def _before(
    shown: Sequence[Party], paths: pd.DataFrame, weights: Floats | None
) -> dict[str, dict[str, float]]:
    """Share of all paths on which one fell before another, who fell later or not at all."""
    there = [party for party in shown if _fell(paths, party).any()]
    place = {
        party.name: np.nan_to_num(paths[f"fell_place_{party.name}"].to_numpy(), nan=np.inf)
        for party in there
    }
    return {
        one: {
            other: _mean((place[one] < place[other]).astype(np.float64), weights)
            for other in place
            if other != one
        }
        for one in place
    }


# -------------------------------------------------------------------------------- who sold to whom


def _flows(
    shown: Sequence[Party], paths: pd.DataFrame, weights: Floats | None
) -> Iterator[dict[str, Any]]:
    """What went from whom to whom, USD, sales before debts, the largest first."""
    found: dict[tuple[str, str, str], float] = {}

    def add(one: str, other: str, what: str, usd: float) -> None:
        if usd < 0.0:
            one, other, usd = other, one, -usd
        if usd >= _SOME:
            key = (what, one, other)
            found[key] = found.get(key, 0.0) + usd

    for party in shown:
        for name in SOLD:
            usd = _mean(paths[f"sold_{name}_{party.name}"].to_numpy(), weights)
            # Who is at the venue does not trade outside: arbitrageurs pass on what it sold.
            passed = name == "to_outside" and party.venue in (CLEARING_HOUSE, "vault")
            seller = PASSED_ON if passed else party.title
            if name == "to_outside" and party.venue == LENDING_MARKET:
                seller = _OTHERS["to_liquidator"]  # who took it, and was counted as having done so
            add(seller, _OTHERS[name], "sells", usd)
        for name in OWED:
            usd = _mean(paths[f"{name}_{party.name}"].to_numpy(), weights)
            add(party.title, _OTHERS[name], "owes", usd)
    for (what, one, other), usd in sorted(
        found.items(), key=lambda item: (item[0][0] != "sells", -item[1])
    ):
        yield {"from": one, "to": other, "what": what, "usd": usd}


# ------------------------------------------------------------------------------------- the feedback


def feedback(with_it: pd.DataFrame, without: pd.DataFrame) -> dict[str, Any]:
    """How often as much was lost because forced orders moved the market: the same paths, twice.

    ``without``: the paths of a run in which they did not.
    """
    weights = path_weights(with_it)
    lost = (-with_it["return"].to_numpy(), -without["return"].to_numpy())
    fell = (-with_it["index_low"].to_numpy(), -without["index_low"].to_numpy())
    return {
        "paths": len(with_it),
        "confidence": CONFIDENCE,
        "method": "ratio of means over the same paths, limits of Fieller (1954)",
        "vault": _multiplied(*lost, weights),
        "index": _multiplied(*fell, weights),
    }


def _multiplied(with_it: Floats, without: Floats, weights: Floats | None) -> dict[str, Any]:
    """Both means, their difference, and the multiplier; null where it, or an end, is unbounded."""
    before = _interval(without, weights)
    multiplier = None
    if before["estimate"] > 0.0:
        found = ratio_of_means(with_it, without, weights)
        ends = [None if not np.isfinite(end) else end for end in found[1:]]
        multiplier = dict(zip(("estimate", "low", "high"), (found.value, *ends), strict=True))
    return {
        "with": _interval(with_it, weights),
        "without": before,
        "more": _interval(with_it - without, weights),
        "multiplier": multiplier,
    }
