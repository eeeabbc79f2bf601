"""The limits that can refuse an operation of the vault.

Which one did, and how far from it what was asked lay: :mod:`simulator.books.limits`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from simulator.types import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The pool's place among the limits, beside the markets'.
POOL = "pool"


class Limit(IntEnum):
    """What stood in the way. USD asked and allowed, unless said otherwise."""

    NONE = 0
    INVENTORY = 1  # |skew| after the trade against S
    SIDE = 2  # all longs, or shorts, against 4 S
    OPEN_INTEREST = 3  # both sides against the cap
    MAKER_RESERVE = 4  # what the maker must be able to pay against what it is worth
    SLIPPAGE = 5  # fractions: price against the index, or the oracle's
    MARGIN = 6  # equity that the hedge takes against the account's
    SPOT = 7  # fractions: the pool's spot price away from the oracle's
    LP_CAP = 8  # pledged liquidity at its most, USDC
    OTHER = 9  # no figures


#: Refusals that a limit is behind.
REFUSED_AS: Mapping[Limit, tuple[Status, ...]] = {
    Limit.INVENTORY: (Status.INVENTORY_LIMIT,),
    Limit.SIDE: (Status.OPEN_INTEREST_CAP,),
    Limit.OPEN_INTEREST: (Status.OPEN_INTEREST_CAP,),
    Limit.MAKER_RESERVE: (Status.MAKER_RESERVE,),
    Limit.SLIPPAGE: (Status.SLIPPAGE,),
    Limit.MARGIN: (Status.BELOW_INITIAL_MARGIN, Status.BELOW_MARGIN_TARGET),
    Limit.SPOT: (Status.SPOT_DEVIATES,),
    Limit.LP_CAP: (Status.COLLATERAL_CAP,),
}

#: What each refuses, as the end of a sentence.
REFUSES: Mapping[Limit, str] = {
    Limit.INVENTORY: "for the market's skew",
    Limit.SIDE: "for all longs, or shorts, of the market",
    Limit.OPEN_INTEREST: "for the market's open interest",
    Limit.MAKER_RESERVE: "for what the maker must be able to pay",
    Limit.SLIPPAGE: "for the price of its order or swap",
    Limit.MARGIN: "for the margin its hedge takes",
    Limit.SPOT: "for the pool's price, away from the oracle's",
    Limit.LP_CAP: "for the pledge's worth",
}
#: Of what is asked and allowed.
UNITS: Mapping[Limit, str] = {
    **dict.fromkeys(REFUSES, "USD"),
    Limit.SLIPPAGE: "fraction",
    Limit.SPOT: "fraction",
    Limit.LP_CAP: "USDC",
}
