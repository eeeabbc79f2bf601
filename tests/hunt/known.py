"""What a hunt has to find in fe8ea04, and what is open in the contracts of today.

``OPEN`` shrinks: whoever closes one takes it out, and from then on a hunt that meets it fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Protocol

from tests.hunt.ground import INVENTORY, MAINTENANCE, WAD


class Found(Protocol):
    """As :class:`tests.hunt.search.Found`."""

    @property
    def worths(self) -> Mapping[str, int]:
        """USD by finding, 1 for a denial."""


# Findings of the audit: which findings of a hunt are it, and from how many USD.
STALE = r"denial of \w+: oracle: stale$"
AUDIT = {
    "F1, a cascade of sybils": (r"profit$", 10_000),
    "F2, auto-deleveraging passed by": (r"out of turn$", 10_000),
    "F4, dust whose feed stops": (STALE, 1),
    "F5, a market closed by its seats": (r"denial of open: clearing: too many accounts$", 1),
    "F8, a trap of skew": (r"denial of reduce: clearing: inventory limit$", 1),
}

# Findings of a hunt today that are understood and not closed yet, and up to how many USD.
SEATS = r"denial of (open|redeem_in_kind): clearing: too many accounts"
EXITS = r"denial of (reduce|redeem|settle_withdrawals|deleverage)"
SKEW = EXITS + ": clearing: (inventory limit|slippage)"
DEPTH_KEY = r"profit, with the key of risk manager$"
# max_skew · I · mmr / 4 with max_skew = 4 S: what SPEC §3.5 says one change may take.
DEPTH_TAKES = INVENTORY * MAINTENANCE // WAD
OPEN: dict[str, tuple[str, int]] = {
    "F5: seats cost nothing": (SEATS, 1),
    "F8: reductions wait for the skew": (SKEW, 1),
    "SPEC 3.5: what cutting the depth takes from the maker": (DEPTH_KEY, DEPTH_TAKES),
}


def missed(found: Found) -> list[str]:
    """The audit's findings that a hunt on fe8ea04 has not met."""
    return [name for name, what in AUDIT.items() if not any(_matching(found, *what))]


def unknown(found: Found) -> list[str]:
    """Findings of a hunt today that are not known to be open."""
    return [
        f"{what} ({worth:,} USD)" if worth > 1 else what
        for what, worth in found.worths.items()
        if not any(re.match(form, what) and worth <= most for form, most in OPEN.values())
    ]


def _matching(found: Found, form: str, least: int) -> Iterable[bool]:
    return (bool(re.match(form, what)) and worth >= least for what, worth in found.worths.items())
