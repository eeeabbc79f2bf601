"""What liquidators do with money: what is tied up in what they took, and what they lacked.

``my`` has ``left`` (USD it may still pay; endless where no capital is written), ``unsold`` (USD of
what is sold outside, which comes in at the next step), ``lacking`` (USD, in this step), and what
it counts: ``missed``, ``short_usd``, ``inventory_usd``.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from simulator.agents.do import part

if TYPE_CHECKING:
    from simulator.agents.plain_do import PlainDo


def written(capital_usd: float | None) -> float:
    """A capital as agents count it: none that is written is endless."""
    return inf if capital_usd is None else capital_usd


@part
def begin(my: Any) -> None:
    """What was sold outside has been paid."""
    my.left += my.unsold
    my.unsold = my.lacking = 0.0


@part
def sold_outside(do: PlainDo, asset: int, tokens: float) -> float:
    """USD that tokens bring outside, sold now: half of the move they make is paid by them."""
    if asset == 0:
        return tokens * do.index(asset)
    return tokens * do.index(asset) * 0.5 * (1.0 + do.moved_by(asset, -tokens))


@part
def lack(my: Any, usd: float) -> None:
    """Count a liquidation that was not made, or not in full, for want of so much."""
    my.missed += 1.0
    my.lacking += usd
    my.short_usd = max(my.short_usd, my.lacking)
