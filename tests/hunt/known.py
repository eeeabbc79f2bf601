"""What a hunt has to find in fe8ea04, and what is open in the contracts of today.

``OPEN`` shrinks: whoever closes one takes it out, and from then on a hunt that meets it fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Protocol


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
# 64 positions of more than S/64, or legs of hedges whose holders would be left below margin, keep
# all seats; a slice at most twice the smallest takes none (SPEC §3.5).
SEATS = r"denial of (open|redeem_in_kind): clearing: too many accounts"
# An exit that unwinds waits while buying its hedge back costs more than the vault's own bound on
# slippage, or than the leaver's exit fee; in kind he leaves at once.
SLIPPAGE = r"denial of (redeem|settle_withdrawals|deleverage): (clearing|vault): slippage"
# What a block's liquidations may add to the skew is used up, by one's own accounts too: the next
# block's is there. A risk manager who cuts the depth cuts that amount, as far as he may cut.
VELOCITY = r"denial of liquidate: clearing: liquidation limit(, with the key of risk manager)?$"
OPEN: dict[str, tuple[str, int]] = {
    "a liquidation waits for the next block": (VELOCITY, 1),
    "F5: seats that cost S/64 each": (SEATS, 1),
    "F8: exits wait for the skew to pay for": (SLIPPAGE, 1),
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
