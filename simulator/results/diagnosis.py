"""What a vault did not do that it was there to do, and why: findings from the per-path frame.

A vault that never invests cannot lose, and must not be said to have survived. ``idle``: the run
says nothing of the vault as designed, and its requirements do not count; ``warning``: part of it
did not work as meant; ``note``: worth knowing.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.books.share_price import REMNANT
from simulator.config.feasibility import misfits
from simulator.config.remarks import remarks
from simulator.results import diagnosis_text as say
from simulator.results.absence import absent, at_spell, misposted, never_outbid, stopped
from simulator.results.diagnosis_text import PATIENCE_HOURS, Cases
from simulator.results.dry import dry
from simulator.results.finding import Finding
from simulator.results.reasons import percent
from simulator.results.strategies import names_of
from simulator.results.tallies import limit_column
from simulator.results.upkeep_limits import kinds_at
from simulator.types import InputError, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd
    from numpy.typing import NDArray

    from simulator.config import Config

SEVERITIES = ("idle", "warning", "note")
IDLE = "idle"
#: Every finding there is.
NAMES = (
    "never_funded",
    "never_invested",
    "never_hedged",
    "seldom_invested",
    "hedge_off_target",
    "no_hedge_asked",
    "no_keeper",
    "keeper_unprofitable",
    *(f"{name}_refused" for name in PATIENCE_HOURS),
    "binding_limit",
    "idle_deposits",
    "out_of_range",
    "agent_absent",
    "venue_stopped",
    "misposted",
    "oracle_off_market",
    "nobody_left",
    "emptied",
    "idle_strategy",
    "liquidators_dry",
    "arbitrageurs_dry",
    "cohorts_refused",
    "tight_limit",
    "tight_reward",
    "no_effect",
    "wicks",
    "lonely_hedge",
    "agent_refused",
)
#: What a replay of each bar's extremes answers; prices between them are nobody's.
SEEN_WITH_WICKS = (
    "liquidation_probability", "bad_debt_probability", "liquidated", "liquidations",
    "pledge_liquidations", "loan_liquidations", "min_margin_ratio", "bad_debt",
)  # fmt: skip
#: What the oracle's price of a share says, and an oracle that is off says wrongly.
BY_ORACLE = ("return", "max_drawdown", "pnl", "final_nav", "loss_probability")
#: Part of the paths from which what never happened is no accident of a few.
_SOME = 0.01
#: Parts of the time, or of the dollars asked for, below which a leg was hardly there.
_HALF, _NEARLY_ALL = 0.5, 0.95


def diagnose(
    config: Config, paths: pd.DataFrame, others: Iterable[Finding] = ()
) -> list[dict[str, Any]]:
    """Findings on a run, gravest first, ready for JSON; ``paths``: its per-path frame.

    ``others``: what was found of it elsewhere.
    """
    cases = Cases(config, paths)
    bids = {one.field: one for one in never_outbid(config, cases["outbid_time"])}
    found = [
        *_wicks(config),
        *(one for one in absent(config) if one.field not in bids),
        *bids.values(),
        *stopped(config),
        *misposted(config),
        *_funded(cases),
        *_invested(cases),
        *_hedged(cases),
        *_keepers(cases),
        *_refused(cases),
        *_limits(cases),
        *_idle_share(cases),
        *_range(cases),
        *_oracle(cases),
        *_left(cases),
        *_emptied(cases),
        *_idle_strategies(cases, paths),
        *dry(config, cases, paths),
        *others,
    ]
    known = {finding.field for finding in found}
    found += [finding for finding in _tight(config) if finding.field not in known]
    found += [finding for finding in _remarked(config) if finding.field not in known]
    found = [finding for finding in found if not _subsumed(finding, found)]
    order = sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))
    return [asdict(finding) for finding in order]


def _subsumed(finding: Finding, found: list[Finding]) -> bool:
    """Whether a market's inventory limit has to be raised beyond what this limit on a side needs.

    Both go by one field, and only the larger value would have done.
    """
    own, field = finding.needed, finding.field or ""
    if finding.name != "binding_limit" or own is None or not field.startswith("clearing.markets."):
        return False
    return any(each.field == field and (each.needed or 0.0) > own for each in found)


def check_allowed(allow: Iterable[str]) -> tuple[str, ...]:
    """Names of findings that requirements may hold in spite of; InputError: there is none such."""
    allowed = tuple(allow)
    known = (IDLE, *NAMES)
    for name in allowed:
        if name not in known:
            raise InputError(f"allow: {name!r} is no finding; allowed: {', '.join(known)}")
    return allowed


def check_opens(config: Config, allow: Iterable[str]) -> None:
    """See that limits let the vault open at all; InputError naming field, value and need."""
    allow = tuple(allow)
    refused = [m for m in misfits(config) if m.certain and not is_allowed(m.finding, allow)]
    if refused:
        names = " ".join(f"--allow {name}" for name in dict.fromkeys(m.finding for m in refused))
        lines = "\n".join(misfit.text for misfit in refused)
        raise InputError(f"{lines}\n({names}: simulate it all the same)")


def is_allowed(name: str, allow: Iterable[str]) -> bool:
    """Whether an idle finding of this name is allowed."""
    return bool({name, IDLE} & set(allow))


def verdicts(
    diagnosis: Iterable[dict[str, Any]], allow: Iterable[str], metrics: Iterable[str] = ()
) -> list[dict[str, Any]]:
    """What fails beside the requirements: a row as theirs for each finding that is not allowed.

    Idle ones, and where wicks are replayed, or an oracle has a share worth more than the market,
    those of the required ``metrics`` that this distorts.
    """
    allow, metrics, told = tuple(allow), tuple(metrics), dict[str, dict[str, Any]]()
    for each in sorted(diagnosis, key=lambda finding: SEVERITIES.index(finding["severity"])):
        told.setdefault(each["name"], each)  # of several of a name the gravest
    by_oracle = ", ".join(dict.fromkeys(name for name in metrics if name in BY_ORACLE))
    distorted = ", ".join(dict.fromkeys(name for name in metrics if name not in SEEN_WITH_WICKS))
    why = {}
    if distorted and "wicks" in told:
        why["wicks"] = (
            f"no answer about {distorted} where wicks are replayed, --bars close gives one"
        )
    if by_oracle and told.get("oracle_off_market", {}).get("severity") == "warning":
        why["oracle_off_market"] = (
            f"{by_oracle} by an oracle that has a share worth more than the market; ask "
            "return_at_index, or loss_at_index_probability"
        )
    failed = {name: text for name, text in why.items() if name not in allow}
    for name, finding in told.items():
        if finding["severity"] == IDLE and not is_allowed(name, allow):
            failed[name] = "no figure of an idle vault counts"
    return [
        {
            "requirement": f"not {name}",
            "value": told[name]["paths"],
            "holds": False,
            "why": f"{text}; --allow {name} lets requirements hold",
        }
        for name, text in failed.items()
    ]


def _gravity(share: float) -> str:
    return IDLE if share >= _SOME else "warning"


def _funded(cases: Cases) -> Iterator[Finding]:
    never = cases["funded_time"] == 0.0
    if never.any():
        share = cases.share(never)
        field = None if cases.config.agents.depositor is not None else "agents.depositor"
        yield Finding("never_funded", _gravity(share), say.never_funded(cases, never), share, field)


def _never(name: str, what: str, task: str, cases: Cases, paths: NDArray[np.bool_]) -> Finding:
    """What never happened on ``paths``, with the reason the keeper's ``task`` was not done."""
    share, reason = cases.share(paths), cases.reason(task, paths)
    text = say.never(what, cases, paths, reason)
    return Finding(name, _gravity(share), text, share, *reason.figures)


def _invested(cases: Cases) -> Iterator[Finding]:
    funded = cases["funded_time"] > 0.0
    never = funded & np.isnan(cases["position_opened"])
    if never.any():
        yield _never("never_invested", "The vault never invested", "recentring", cases, never)
    opened = funded & ~never
    part = cases.mean("invested_time", opened)
    if part < _NEARLY_ALL:
        reason = cases.reason("recentring", opened)
        text = f"The vault had a position only {percent(part)} of the time{reason.clause}."
        severity = IDLE if part < _HALF else "warning"
        share = cases.share(opened & (cases["invested_time"] < _NEARLY_ALL))
        yield Finding("seldom_invested", severity, text, share, *reason.figures)


def _hedged(cases: Cases) -> Iterator[Finding]:
    placed = ~np.isnan(cases["position_opened"])
    asked = placed & (cases["hedge_demanded"] > 0.0)
    unasked = placed & ~asked & np.isnan(cases["hedge_opened"])
    if unasked.any():
        yield _unasked(cases, unasked)
    never = asked & np.isnan(cases["hedge_opened"])
    if never.any():
        yield _never("never_hedged", "The hedge never opened", "rebalancing", cases, never)
    opened = asked & ~never
    off, held = cases.mean("hedge_off_target", opened), cases.mean("hedge_held", opened)
    if off > 1.0 - _NEARLY_ALL or held < _HALF:
        reason = cases.reason("rebalancing", opened)
        severity = IDLE if held < _HALF else "warning"
        share = cases.share(opened & (cases["hedge_off_target"] > 0.0))
        text = say.off_target(off, held, reason)
        yield Finding("hedge_off_target", severity, text, share, *reason.figures)


def _unasked(cases: Cases, paths: NDArray[np.bool_]) -> Finding:
    """No hedge ratio but zero: because nobody posts any, or as configured."""
    share, agents = cases.share(paths), cases.config.agents
    where = say.on_paths(share)
    if agents.risk_manager is None:
        text = (
            f"The hedge never opened {where}: no hedge ratio was ever posted, for no risk manager "
            "is in the scenario (agents.risk_manager is null)."
        )
        return Finding("never_hedged", _gravity(share), text, share, "agents.risk_manager")
    text = f"No hedge was asked for {where}: every hedge ratio was zero."
    severity = _gravity(share) if cases.config.vault.betas is None else "note"  # else chosen
    return Finding("no_hedge_asked", severity, text, share, "vault.betas")


def _keepers(cases: Cases) -> Iterator[Finding]:
    funded = cases["funded_time"] > 0.0
    uncalled = funded & (cases["keeper_calls"] == 0)
    if cases.config.agents.keeper is None and uncalled.any():
        share = cases.share(uncalled)
        text = (
            f"Nobody maintained the vault {say.on_paths(share)}: no keeper is in the scenario "
            "(agents.keeper is null)."
        )
        yield Finding("no_keeper", "warning", text, share, "agents.keeper")
    unpaid = cases.total("unpaid")
    if unpaid.any() and cases.config.agents.keeper is not None:
        part = cases.share_of_steps(unpaid)
        reason = cases.pay(unpaid > 0)
        text = (
            f"Keepers were paid no more than their gas on {percent(part)} of the steps at "
            f"which the vault needed them{reason.clause}."
        )
        severity = "warning" if part >= 1.0 - _NEARLY_ALL else "note"
        share = cases.share(unpaid > 0)
        yield Finding("keeper_unprofitable", severity, text, share, *reason.figures)


def _refused(cases: Cases) -> Iterator[Finding]:
    """Spells at whose end a keeper function was still due, though somebody called it."""
    for name, patience in PATIENCE_HOURS.items():
        hours = cases[f"{name}_undone_hours"]
        least = min(patience, 0.2 * cases.config.horizon_hours)
        long = (hours >= least) & (cases[f"{name}_undone_as"] > Status.OK)
        share = cases.share(long)
        if share >= _SOME:
            start, length = say.middle_spell(name, cases, long)
            away = at_spell(cases.config, start, length)
            text = say.spell(name, cases, long, away)
            figures = () if away else cases.refusal(name, long).figures
            yield Finding(f"{name}_refused", "warning", text, share, *figures)


def _limits(cases: Cases) -> Iterator[Finding]:
    """Each limit that refused, at each place the one that did most often first."""
    for place in cases.places:
        kinds = [(cases.refusals(place, kind), kind) for kind in kinds_at(place)]
        for refused, kind in sorted(kinds, key=lambda each: -int(each[0].sum())):
            bound = refused > 0
            share, reason = cases.share(bound), cases.bound(place, kind)
            if not reason.text or not bound.any():
                continue
            text = say.binding(place, cases, refused, reason)
            column = limit_column(place, kind, "refusals")
            often = cases.mean(column, bound) / (cases.config.steps + 1)
            severity = "warning" if share * often >= 2 * _SOME else "note"
            yield Finding("binding_limit", severity, text, share, *reason.figures)


def _idle_share(cases: Cases) -> Iterator[Finding]:
    vault = cases.config.vault
    meant = 1.0 - vault.lp_allocation - vault.margin_allocation
    idle = cases.mean("idle_share", ~np.isnan(cases["position_opened"]))
    if idle > meant + 1.0 - _NEARLY_ALL:
        text = (
            f"On average {percent(idle)} of NAV lay idle; the allocations leave {percent(meant)}."
        )
        severity = "warning" if idle > meant + 0.2 else "note"
        over = cases.share(cases["idle_share"] > meant + 1.0 - _NEARLY_ALL)
        yield Finding("idle_deposits", severity, text, over, None, idle, meant)


def _range(cases: Cases) -> Iterator[Finding]:
    outside = cases.mean("out_of_range", ~np.isnan(cases["position_opened"]))
    if outside > _SOME:
        text = (
            f"The pool's price was outside the vault's range {percent(outside)} of the time: "
            "no fees, and a position of one token alone."
        )
        share = cases.share(cases["out_of_range"] > 0.0)
        severity = "warning" if outside > 0.2 else "note"
        yield Finding("out_of_range", severity, text, share)


def _oracle(cases: Cases) -> Iterator[Finding]:
    """A share's price at the end that the market would not pay, or would pay more than."""
    over = cases["return"] - cases["return_at_index"]
    for wrong, than in ((over > _SOME, "more"), (over < -_SOME, "less")):
        share = cases.share(wrong)
        if share >= _SOME:
            text = say.off_market(cases, wrong, than)
            # What the market pays beyond is no loss that a requirement would hide.
            severity = "warning" if than == "more" else "note"
            yield Finding("oracle_off_market", severity, text, share)


def _left(cases: Cases) -> Iterator[Finding]:
    """Paths on which nearly everybody had redeemed."""
    left = cases["shares_left"] <= REMNANT
    if left.any():
        share = cases.share(left)
        text = (
            f"Hardly a share was left at the end {say.on_paths(share, 'every')}: less than "
            f"{percent(REMNANT)} of the most there were. The return is that of the price before; "
            "what leavers leave to such a remnant is nobody's return."
        )
        yield Finding("nobody_left", "warning", text, share, None, None, None)


def _emptied(cases: Cases) -> Iterator[Finding]:
    """Paths on which nearly all left and others came in after them."""
    anew = cases["times_emptied"] > 0.0
    if anew.any():
        share = cases.share(anew)
        text = (
            f"Nearly all shares were redeemed and others bought later "
            f"{say.on_paths(share, 'every')}, {cases.mean('times_emptied', anew):.1f} times on "
            "average of these: the return is that of one share after another, each as long as it "
            "was held, and shares_left counts from the last."
        )
        yield Finding("emptied", "warning", text, share)


def _idle_strategies(cases: Cases, paths: pd.DataFrame) -> Iterator[Finding]:
    """Strategies beside the vault that never asked for anything, and so cannot lose."""
    for name in names_of(paths.columns):
        never = cases[f"strategy_gas_{name}"] == 0.0
        if never.any():
            share = cases.share(never)
            text = (
                f"{name} never did anything {say.on_paths(share, 'every')}: its figures are those "
                "of what it was given."
            )
            yield Finding("idle_strategy", "warning", text, share)


def _wicks(config: Config) -> Iterator[Finding]:
    """Recorded extremes are visited in turn, and the price moves more than any did."""
    history = config.history
    if history.prices is None or history.bars != "ohlc":
        return
    base, ratio = config.pool.base, history.squared_returns
    times = "more than" if ratio is None else f"{ratio:.1f} times"
    text = (
        f"Wicks are replayed (history.bars = ohlc), and squared returns of {base} add up to "
        f"{times} those of its closes: this answers whether the vault is liquidated, not what a "
        "share returns, nor convexity, fees, turnover and hedge ratios; --bars close does"
    )
    yield Finding("wicks", "warning", f"{text}.", 1.0, "history.bars")


def _tight(config: Config) -> Iterator[Finding]:
    for misfit in misfits(config):
        name = "tight_reward" if misfit.finding == "tight_reward" else "tight_limit"
        needed = misfit.needed if misfit.most is None else None
        figures = misfit.field, misfit.value, needed
        yield Finding(name, "warning", f"{misfit.text}.", 1.0, *figures)


def _remarked(config: Config) -> Iterator[Finding]:
    for remark in remarks(config):
        figures = remark.field, remark.value, remark.effective
        yield Finding(remark.finding, "note", f"{remark.text}.", 1.0, *figures)
