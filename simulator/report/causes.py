"""What a result is made of, the largest loss first: sentences that hold whatever the signs.

Profit and loss by term of the attribution (:mod:`simulator.books.buckets`), USD. LP delta and the
hedge on target are there to cancel, so what is ranked is their sum, the basis; both are named
beside it. Where most of the hedge asked for was not held, a hedge on target is imagined, and being
off target takes it back: no other asset has moved otherwise, the price has. There LP delta stands
for itself, beside what was held.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from simulator.books.buckets import BASIS, BUCKETS, TITLES
from simulator.report.format import listed, usd

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    #: Profit and loss by term, USD; and ``hedge_held``, part of the hedge asked for that was held,
    #: where that is known. What else it has is not looked at.
    Terms = Mapping[str, float] | pd.Series

BASIS_TITLE = "Basis (hedge assets moved otherwise)"
UNHEDGED_TITLE = "Unhedged LP delta (price)"
HELD_TITLE = "What was held of the hedge (price)"
#: Part of the hedge asked for, below which it was no hedge: LP delta was mostly open.
MOSTLY_HELD = 0.5
#: USD: less than a cent is nothing.
_CENT = 0.005
#: Most losses and gains told by name, and the part of the largest below which none is.
_LOSSES, _GAINS, _SMALL = 4, 3, 0.01


def causes(found: Terms) -> list[tuple[str, float]]:
    """(title, USD) from the largest loss to the largest gain; they sum to the whole result."""
    if hedged(found):
        legs = [(BASIS_TITLE, float(sum(found[name] for name in BASIS)))]
        apart = set(BASIS)
    elif found["hedge_target"]:
        legs = [(UNHEDGED_TITLE, float(found["lp_delta"])), (HELD_TITLE, _held(found))]
        apart = {*BASIS, "hedge_drift"}
    else:  # none was asked for
        legs, apart = [(UNHEDGED_TITLE, float(found["lp_delta"]))], set(BASIS)
    rest = [(TITLES[name], float(found[name])) for name in BUCKETS if name not in apart]
    return sorted([*legs, *rest], key=lambda cause: cause[1])


def hedged(found: Terms) -> bool:
    """Whether most of a hedge that was asked for was there; without the part held, whether any."""
    part = float(found.get("hedge_held", math.nan))
    return bool(found["hedge_target"]) and not part < MOSTLY_HELD


def of(summary: Mapping[str, Any], key: str) -> dict[str, float]:
    """Terms of one of the summary's attributions, with the part of the hedge that was held."""
    part = summary["hedge_held"][key]
    return {**summary["attribution"][key], "hedge_held": math.nan if part is None else part}


def _held(found: Terms) -> float:
    """Gain of the hedge from prices, whatever it was asked to be."""
    return float(found["hedge_target"]) + float(found["hedge_drift"])


def total(found: Terms) -> float:
    """The whole result, USD."""
    return float(sum(found[name] for name in BUCKETS))


def told(found: Terms) -> tuple[list[tuple[str, float]], float]:
    """The causes told by name, losses before gains, and what all others come to together, USD."""
    ranked = causes(found)
    least, most = ranked[0][1], ranked[-1][1]
    losses = [cause for cause in ranked if cause[1] <= min(-_CENT, _SMALL * least)][:_LOSSES]
    gains = [cause for cause in ranked[::-1] if cause[1] >= max(_CENT, _SMALL * most)][:_GAINS]
    named = losses + gains
    return named, float(sum(value for title, value in ranked if (title, value) not in named))


def largest(found: Terms) -> str:
    """The largest loss and its amount; empty where nothing lost a cent."""
    title, value = causes(found)[0]
    return f"{within(title)}, {usd(value)}" if value <= -_CENT else ""


def account(found: Terms) -> str:
    """The whole result, what it was lost to, what was gained against that, and the rest."""
    named, rest = told(found)
    losses = [_amount(cause) for cause in named if cause[1] < 0.0]
    gains = [_amount(cause) for cause in named if cause[1] > 0.0]
    parts = [listed(losses)] if losses else []
    if gains:
        parts.append(("against that " if losses else "") + listed(gains))
    if parts and abs(rest) >= _CENT:
        parts.append(f"all else {usd(rest, plus=True)}")
    result = total(found)
    if abs(result) < _CENT:
        text = "nothing gained or lost"
    else:
        text = f"{'lost' if result < 0 else 'made'} {usd(abs(result))}"
    return ": ".join([text, "; ".join(parts)]) if parts else text


def basis(found: Terms) -> str:
    """How far the price moves of both legs cancelled; empty where there were none."""
    lp, hedge = (float(found[name]) for name in BASIS)
    if max(abs(lp), abs(hedge)) < _CENT:
        return ""
    if hedge and not hedged(found):
        return (
            f"LP delta {usd(lp, plus=True)} stood mostly open: a hedge on target would have made "
            f"{usd(hedge, plus=True)}, and what was held of it made {usd(_held(found), plus=True)}"
        )
    left = usd(lp + hedge, plus=True)
    return (
        f"LP delta {usd(lp, plus=True)} and the hedge on target {usd(hedge, plus=True)}: what did "
        f"not cancel, the basis, is {left}"
    )


def within(title: str) -> str:
    """A title within a sentence; abbreviations keep their capitals."""
    return title if title[:2].isupper() else title[0].lower() + title[1:]


def _amount(cause: tuple[str, float]) -> str:
    title, value = cause
    return f"{within(title)} {usd(value, plus=True)}"
