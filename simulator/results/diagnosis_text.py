"""What findings are made of: parts of the paths, and reasons with field, value and need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.books.limit_kinds import POOL, REFUSED_AS, Limit
from simulator.config import lending
from simulator.config.feasibility import written
from simulator.protocol.statuses import meaning
from simulator.results.reasons import OF_LIMIT, Reason, advised, percent, would_do
from simulator.results.statistics import path_weights
from simulator.results.tallies import limit_column
from simulator.results.upkeep import FUNCTIONS
from simulator.results.upkeep_limits import kinds_at
from simulator.types import Status

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from simulator.config import Config

#: Hours a keeper function may be refused before it is worth a finding.
PATIENCE_HOURS = {"recentring": 24.0, "top_up": 6.0, "deleveraging": 6.0, "rebalancing": 24.0}
_CALLED = {name: kind.spec.called for name, kind in FUNCTIONS.items()}
_DONE = {name: kind.spec.counted for name, kind in FUNCTIONS.items()}


class Cases:
    """The paths of a run, by what became of the vault on them."""

    def __init__(self, config: Config, paths: pd.DataFrame) -> None:
        self.config, self._paths = config, paths
        weights = path_weights(paths)
        self._weights = np.ones(len(paths)) if weights is None else weights
        self.places = [POOL, *config.markets]

    def __getitem__(self, column: str) -> NDArray[Any]:
        return np.asarray(self._paths[column].to_numpy())

    def share(self, chosen: NDArray[np.bool_]) -> float:
        """Part of all paths."""
        return float(np.average(chosen, weights=self._weights))

    def mean(self, column: str, chosen: NDArray[np.bool_]) -> float:
        """Mean over the chosen paths on which the column has a value; NaN: there is none."""
        values = self[column]
        known = chosen & np.isfinite(values)
        if not known.any():
            return float("nan")
        return float(np.average(values[known], weights=self._weights[known]))

    def total(self, what: str) -> NDArray[np.int64]:
        """Steps, over all keeper functions, ``[paths]``."""
        return np.asarray(np.sum([self[f"{name}_{what}"] for name in FUNCTIONS], axis=0))

    def share_of_steps(self, steps: NDArray[np.int64]) -> float:
        """Part of the steps at which a keeper function was due, done or not."""
        done = np.sum([self[column] for column in _DONE.values()], axis=0)
        due = self.total("undone") + done
        return float(np.average(steps, weights=self._weights)
                     / max(np.average(due, weights=self._weights), 1e-300))  # fmt: skip

    # ------------------------------------------------------------------------------ reasons

    def reason(self, name: str, chosen: NDArray[np.bool_]) -> Reason:
        """Why a keeper function was not done on these paths, by what held for most of them."""
        undone = self[f"{name}_undone"][chosen]
        if not undone.any():
            if name != "rebalancing" or self["rebalances"][chosen].any():
                return Reason()
            text = "what it was asked to be stayed within vault.hedge_band"
            return Reason(text, ("vault.hedge_band", self.config.vault.hedge_band, None))
        calls = self["keeper_calls"][chosen]
        if self.config.agents.keeper is None and not calls.any():
            text = "no keeper is in the scenario (agents.keeper is null)"
            return Reason(text, ("agents.keeper", None, None))
        unpaid = chosen & (self[f"{name}_unpaid"] > 0)
        if self[f"{name}_unpaid"][chosen].sum() > 0.5 * undone.sum():
            return self.pay(unpaid)
        return self.refusal(name, chosen)

    def pay(self, chosen: NDArray[np.bool_]) -> Reason:
        """What keepers were paid on these paths, and what would have paid."""
        vault, rewarded, shared = self.config.vault, "vault.keeper_reward", "vault.keeper_share"
        needed, most = self.mean("reward_needed", chosen), self.mean("reward_needed_most", chosen)
        share = self.mean("reward_share_needed", chosen)
        if self["keepers_penniless"][chosen].sum() > 0.5 * self.total("unpaid")[chosen].sum():
            placed = vault.lp_allocation + vault.margin_allocation
            text = (
                "the vault had no idle USDC to pay them with: vault.lp_allocation + "
                f"vault.margin_allocation = {placed:g}, and who leaves is paid of the rest"
            )
            return Reason(text, ("vault.margin_allocation", vault.margin_allocation, None))
        if vault.keeper_reward <= needed:
            text = (
                f"vault.keeper_reward = {vault.keeper_reward:g} USDC, where a call had to pay "
                f"${needed:,.2f} on average; "
                f"{would_do(self.config, rewarded, most, 'would have paid for each')}"
            )
            return Reason(
                text, (rewarded, vault.keeper_reward, advised(self.config, rewarded, most))
            )
        if vault.keeper_share <= share:
            text = (
                f"vault.keeper_share = {vault.keeper_share:g} of the value protected, where "
                f"{would_do(self.config, shared, share, 'would have paid on average')}: the vault "
                "is too small for its gas"
            )
            return Reason(text, (shared, vault.keeper_share, advised(self.config, shared, share)))
        text = (
            f"gas of up to ${most:,.2f} a call, beside vault.keeper_reward = "
            f"{vault.keeper_reward:g} USDC"
        )
        return Reason(text, (rewarded, vault.keeper_reward, advised(self.config, rewarded, most)))

    def refusal(self, name: str, chosen: NDArray[np.bool_]) -> Reason:
        """The limit behind the refusal most paths met, or where none is known what that means."""
        status = most_common(self[f"{name}_undone_as"][chosen])
        if status <= Status.OK:
            return Reason()
        text = meaning(status)
        places = {"recentring": [POOL], "rebalancing": list(self.config.markets)}.get(name, [])
        counts = {
            (place, kind): int(self.refusals(place, kind)[chosen].sum())
            for place in places
            for kind in kinds_at(place)
            if status in REFUSED_AS[kind]
        }
        if not any(counts.values()):
            return Reason(text)
        limit = self.bound(*max(counts, key=counts.__getitem__))
        return Reason(limit.text or text, limit.figures)

    def bound(self, place: str, kind: Limit) -> Reason:
        """A limit that refused at a place, and what of the others would have refused next."""
        found = self.limit(place, kind)
        if not found.text:
            return found
        others = {
            reason.figures[0]: reason.figures
            for other in kinds_at(place)
            if other is not kind and (reason := self.limit(place, other)).text
        }
        others.pop(found.figures[0], None)
        named = " and ".join(_next(*figures) for figures in others.values())
        return Reason(f"{found.text}{f', and then {named}' if named else ''}", found.figures)

    def refusals(self, place: str, kind: Limit) -> NDArray[np.int64]:
        """How often a limit refused the vault at a place, ``[paths]``."""
        return self[limit_column(place, kind, "refusals")]

    def limit(self, place: str, kind: Limit) -> Reason:
        """A limit that refused at a place, where what was asked lay furthest from it on any path.

        Whichever finding names it: what would have done is one value.
        """
        asked, value = (self[limit_column(place, kind, w)] for w in ("asked", "value"))
        known = np.isfinite(asked) & np.isfinite(value) & (asked > value)
        if not known.any():
            return Reason()
        worst = int(np.argmax(asked[known] / np.maximum(value[known], 1e-300)))
        return OF_LIMIT[kind](self.config, place, float(asked[known][worst]),
                             float(value[known][worst]))  # fmt: skip


# ------------------------------------------------------------------------------------- sentences


def on_paths(share: float, whole: str = "any") -> str:
    """``on any path`` (``every`` in what is not denied), ``on 12 % of the paths``."""
    return f"on {whole} path" if share == 1.0 else f"on {percent(share)} of the paths"


def _next(field: str | None, value: float | None, needed: float | None) -> str:
    """A limit that binds when the first does not any more."""
    would = "" if needed is None else f", {written(needed)} would do there"
    return f"{field} = {value:g} stands in the way{would}"


def most_common(codes: NDArray[Any]) -> int:
    """The code most paths have, none left out of account; 0: there are only zeros."""
    some = codes[codes > 0]
    return int(np.bincount(some).argmax()) if some.size else 0


def never_funded(cases: Cases, never: NDArray[np.bool_]) -> str:
    """Nobody brought money."""
    why = "its deposits were refused"
    if cases.config.agents.depositor is None:
        why = "no depositor is in the scenario (agents.depositor is null)"
    return f"The vault never had a deposit {on_paths(cases.share(never))}: {why}."


def never(what: str, cases: Cases, paths: NDArray[np.bool_], reason: Reason) -> str:
    """``what`` did not happen, on how many paths, why."""
    return f"{what} {on_paths(cases.share(paths))}{reason.clause}."


def off_target(off: float, held: float, reason: Reason) -> str:
    """How much of the hedge asked for was there."""
    return (
        f"The hedge was further from its target than hedge_band {percent(off)} of the time, and "
        f"{percent(held)} of the hedge asked for was held{reason.clause}."
    )


def off_market(cases: Cases, wrong: NDArray[np.bool_], than: str) -> str:
    """By how much the share price at the end is not what the market would pay."""
    by_oracle, by_market = (
        f"{100 * cases.mean(name, wrong):+.1f} %" for name in ("return", "return_at_index")
    )
    return (
        f"At the end the oracle had a share worth {than} than the market has it "
        f"{on_paths(cases.share(wrong), 'every')}: on average of these its return was {by_oracle} "
        f"by the oracle, {by_market} at market prices."
    )


def middle_spell(name: str, cases: Cases, long: NDArray[np.bool_]) -> tuple[float, float]:
    """The median of the longest spells that a keeper function was due: from when, hours."""
    rows = np.flatnonzero(long)
    hours = cases[f"{name}_undone_hours"][rows]
    middle = rows[np.argsort(hours, kind="stable")[len(rows) // 2]]
    start, length = (float(cases[f"{name}_undone_{what}"][middle]) for what in ("from", "hours"))
    return start, length


def spell(name: str, cases: Cases, long: NDArray[np.bool_], away: str = "") -> str:
    """Since when a keeper function was refused, or (``away``) not asked for, and for how long."""
    start, length = middle_spell(name, cases, long)
    why = away or meaning(most_common(cases[f"{name}_undone_as"][np.flatnonzero(long)]))
    ends = start + length >= cases.config.horizon_hours
    until = "to the end" if ends else f"for {length:,.0f} hours"
    where = on_paths(cases.share(long), "every")
    called = _CALLED[name].capitalize()
    what = "not asked for" if away else "refused"
    return (
        f"{called} was due and {what} from hour {start:,.0f} {until} (the median of the longest "
        f"such times) {where}: {why}."
    )


def binding(place: str, cases: Cases, refused: NDArray[np.int64], reason: Reason) -> str:
    """How often a limit ``refused`` what the vault's keepers asked for, ``[paths]``."""
    config, times = cases.config, int(refused.sum())
    where = on_paths(cases.share(refused > 0), "every")
    what = _CALLED["recentring" if place == POOL else "rebalancing"]
    at = "at the pool" if place == POOL else f"for {place}"
    text = f"{times:,} {what}{' was' if times == 1 else 's were'} refused {at} {where}"
    text += reason.clause
    if place != POOL and len(config.markets) - len(lending.lent(config)) > 1:
        text += "; a rebalance trades every market or none, so the others waited too"
    return f"{text}."
