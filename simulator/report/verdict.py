"""The verdict of a run: what a depositor would say of it, for the report and the terminal.

Red where most lose, where the tail is lost, where the vault failed (debt, liquidations) or did
nothing; never green where a share lost more than a little, in the mean or the median.
"""

from __future__ import annotations

from typing import Any

from simulator.report.causes import causes, largest, of, total, within
from simulator.report.format import count, number, percent, usd

#: Part of the paths beyond which most depositors lost.
MOST_LOSE = 0.5
#: Part of the paths beyond which a loss is not rare: one depositor in four.
NOT_RARE = 0.25
#: Mean loss of the worst 5 % of paths beyond which the tail is lost. A hedge is there so that this
#: does not happen, and it takes a year of the fees of such a position to earn back.
TAIL_LOST = 0.10
#: Mean loss beyond which the hedge has failed on average, whatever the median says.
COSTLY = 0.05
#: A loss below this is little: one entry or exit fee at its default, a month of interest.
A_LITTLE = 0.005
#: Probability of a liquidation beyond which the vault is not safe: one in twenty.
OFTEN_LIQUIDATED = 0.05
#: Where causes are looked for: key of the summary's attribution, and how a sentence says it.
PLACES = {
    "mean": "on average",
    "tail": "in the worst 5\N{NO-BREAK SPACE}%",
    "worst_path": "on the worst path",
}
#: What more paths of a replay do not tell.
ONE_HISTORY = (
    "All paths have the same recorded prices, so this is one case and not so many: paths differ "
    "in what is drawn beside them, and of that alone are probabilities and intervals."
)
#: Part of the return that is worth a sentence.
_WORTH_SAYING = 0.0005


def verdict(summary: dict[str, Any]) -> dict[str, str]:
    """``tone`` (good, warn, bad), ``text`` in one sentence, ``details`` below it.

    ``summary`` as :func:`~simulator.results.summary.summarise` makes it.
    """
    if any(each["name"] == "wicks" for each in summary.get("diagnosis", [])):
        return _of_margin(summary)
    tone, lead = _judged(summary)
    if is_off_market(summary):
        return {"tone": tone, "text": _at_market(lead, summary), "details": _details(summary)}
    returns, lost = summary["metrics"]["return"], lost_of(summary)
    text = (
        f"{lead}: a share {_moved(returns['median'])} in the median, {percent(lost)} of the paths "
        f"lost money, and the worst 5\N{NO-BREAK SPACE}% {_moved(-returns['es95'])} on average"
    )
    text += _named(summary)
    return {"tone": tone, "text": text, "details": _details(summary)}


def is_off_market(summary: dict[str, Any]) -> bool:
    """Whether the oracle's price of a share hides a loss at market prices."""
    told = any(each["name"] == "oracle_off_market" for each in summary.get("diagnosis", []))
    metrics = summary["metrics"]
    return told and metrics["return_at_index"]["mean"] < metrics["return"]["mean"] - A_LITTLE


def returns_of(summary: dict[str, Any]) -> dict[str, Any]:
    """The statistics of what a depositor gets: by the oracle, or where that is off, the market."""
    metrics = summary["metrics"]
    found: dict[str, Any] = metrics["return_at_index" if is_off_market(summary) else "return"]
    return found


def lost_of(summary: dict[str, Any]) -> float:
    """Part of the paths on which a share lost money, by the same prices."""
    chance = "loss_at_index" if is_off_market(summary) else "loss"
    found: float = summary["probabilities"][chance]["estimate"]
    return found


def _at_market(lead: str, summary: dict[str, Any]) -> str:
    """The sentence where the vault's own prices are not those of the market."""
    returns, told = returns_of(summary), summary["metrics"]["return"]
    return (
        f"{lead}: at market prices a share {_moved(returns['median'])} in the median, "
        f"{percent(lost_of(summary))} of the paths lost money, and the worst "
        f"5\N{NO-BREAK SPACE}% {_moved(-returns['es95'])} on average; by the oracle that the "
        f"vault goes by it {_moved(told['median'])}, and causes, drawdown and charts are by that"
    )


def _details(summary: dict[str, Any]) -> str:
    details = [*_why_idle(summary), _liquidations(summary), *_causes(summary), *_from_fees(summary)]
    return " ".join([*details, *_sampling(summary)])


def _of_margin(summary: dict[str, Any]) -> dict[str, str]:
    """The verdict where wicks are replayed: on liquidation and margin, and on nothing else."""
    found = summary["probabilities"]
    idle = [each for each in summary["diagnosis"] if each["severity"] == "idle"]
    liquidated, debt = found["liquidation"]["paths"], found["bad_debt"]["paths"]
    thinnest = summary["metrics"]["min_margin_ratio"]["min"]
    # Never green: of what a depositor earns nothing is known here.
    tone, lead = "warn", "Margin holds, wicks included"
    if idle:
        tone, lead = "bad", _idle(idle[0])
    elif debt:
        tone, lead = "bad", "The vault leaves debts it cannot pay, wicks included"
    elif liquidated:
        often = found["liquidation"]["estimate"] > OFTEN_LIQUIDATED
        tone, lead = "bad" if often else "warn", "The vault is liquidated, wicks included"
    text = (
        f"{lead}: liquidated on {liquidated:,} of {count(summary['paths'], 'path')}, thinnest "
        f"margin ratio {number(thinnest)}; what a share returned is no answer here"
    )
    details = " ".join([*_why_idle(summary), _liquidations(summary)])
    details += (
        " Prices visit both ends of every bar (history.bars = ohlc) and move more than the market "
        "did: returns, causes and attribution below are of these prices. --bars close says what "
        "the vault earns."
    )
    return {"tone": tone, "text": text, "details": details}


def _judged(summary: dict[str, Any]) -> tuple[str, str]:
    """Tone, and the words before the colon."""
    found, returns = summary["probabilities"], returns_of(summary)
    lost = lost_of(summary)
    idle = [each for each in summary["diagnosis"] if each["severity"] == "idle"]
    debt, liquidated = found["bad_debt"]["paths"], found["liquidation"]["estimate"]
    little = min(returns["mean"], returns["median"])
    grave = (
        (bool(idle), _idle(idle[0]) if idle else ""),
        (lost > MOST_LOSE, "Depositors lose more often than not"),
        (returns["mean"] < -COSTLY, "Depositors lose much on average"),
        (returns["es95"] > TAIL_LOST, "The bad cases are lost"),
        (debt > 0, "The vault leaves debts it cannot pay"),
        (liquidated > OFTEN_LIQUIDATED, "The vault is liquidated too often"),
    )
    slight = (
        (little < -A_LITTLE, "Depositors lose a little"),
        (lost > NOT_RARE, "A loss is not rare"),
        (found["liquidation"]["paths"] > 0, "The vault is liquidated now and then"),
    )
    for tone, reasons in (("bad", grave), ("warn", slight)):
        for holds, words in reasons:
            if holds:
                return tone, words
    return "good", "Depositors keep their money"


def _idle(finding: dict[str, Any]) -> str:
    """What an idle vault did not do, and the field that kept it from that: the rest is detail."""
    what = finding["text"].partition(": ")[0].rstrip(".")
    field, value = finding.get("field"), finding.get("value")
    if field is None:
        return what
    return f"{what} ({field}{'' if value is None else f' = {value:g}'})"


def _why_idle(summary: dict[str, Any]) -> list[str]:
    """Why, and what would have done."""
    idle = [each for each in summary["diagnosis"] if each["severity"] == "idle"]
    why = [text for text in (each["text"].partition(": ")[2] for each in idle[:1]) if text]
    return [f"Why: {text}" for text in why]


def _named(summary: dict[str, Any]) -> str:
    """The largest cause of a loss, on average and in the tail; empty where neither lost."""
    mean, tail = (
        within(causes(found)[0][0]) if total(found) < 0.0 else ""
        for found in (of(summary, key) for key in ("mean", "tail"))
    )
    if mean and tail:
        both = f"{mean}, on average and in these"
        differ = f"{mean} on average and {tail} in these"
        return f"; the largest cause is {both if mean == tail else differ}"
    if mean:
        return f"; on average the largest cause is {mean}"
    return f"; the largest cause in these is {tail}" if tail else ""


def _moved(change: float) -> str:
    return f"{'lost' if change < 0 else 'gained'} {percent(abs(change))}"


def _liquidations(summary: dict[str, Any]) -> str:
    found = summary["probabilities"]
    liquidated, debt = found["liquidation"], found["bad_debt"]
    if liquidated["paths"] == 0:
        text = f"Never liquidated on any of {count(summary['paths'], 'path')}"
    elif summary.get("sampling") is not None:  # of paths drawn towards the event, few say much
        text = f"Liquidated with probability {percent(liquidated['estimate'])}"
    else:
        text = f"Liquidated on {liquidated['paths']:,} of {count(summary['paths'], 'path')}"
    owed = "no bad debt"
    if debt["paths"]:
        largest_debt = usd(summary["metrics"]["bad_debt"]["max"])
        owed = f"bad debt on {count(debt['paths'], 'path')}, up to {largest_debt}"
    if summary.get("one_history"):
        return f"{text}; {owed}. {ONE_HISTORY}"
    interval = f"{percent(liquidated['low'])} to {percent(liquidated['high'])}"
    return f"{text} (95\N{NO-BREAK SPACE}% interval {interval}); {owed}."


def _causes(summary: dict[str, Any]) -> list[str]:
    """The largest loss in the mean, in the tail and on the worst path."""
    said = []
    for key, where in PLACES.items():
        found = of(summary, key)
        cause, result = largest(found), total(found)
        if cause:
            name = "cause of loss" if result < 0 else "cost"
            said.append(f"Largest {name} {where}: {cause} (in all {usd(result, plus=True)}).")
    return said


def _from_fees(summary: dict[str, Any]) -> list[str]:
    part = summary["metrics"]["return_from_fees"]["mean"]
    if abs(part) < _WORTH_SAYING:
        return []
    mean = percent(summary["metrics"]["return"]["mean"], 2, plus=True)
    given = percent(part, 2, plus=True)
    return [f"Of the mean return of {mean}, {given} are entry and exit fees of other depositors."]


def _sampling(summary: dict[str, Any]) -> list[str]:
    sampled = summary.get("sampling")
    if sampled is None:
        return []
    known = round(sampled["effective_sample_size"])
    text = (
        "Importance sampling: some paths were drawn towards rare events and every path is weighted "
        f"back, which for a mean is worth {count(known, 'plain path')}."
    )
    return [text]
