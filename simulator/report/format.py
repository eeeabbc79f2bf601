"""Numbers and names as people read them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

MINUS = "\N{MINUS SIGN}"


def _signed(text: str, value: float, *, plus: bool) -> str:
    if value < 0:
        return MINUS + text
    return "+" + text if plus and value > 0 else text


def usd(value: float | None, *, plus: bool = False) -> str:
    """``$1.25m``, ``−$310k``, ``$42``: three significant figures."""
    if value is None or not math.isfinite(value):
        return "–"
    size = abs(value)
    for scale, unit in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if size >= 0.9995 * scale:
            digits = max(0, 2 - math.floor(math.log10(size / scale * 1.0005)))
            text = f"{size / scale:.{digits}f}"
            if digits:
                text = text.rstrip("0").rstrip(".")
            return _signed(f"${text}{unit}", value, plus=plus)
    text = f"${size:.0f}" if size >= 10 or size == 0 else f"${size:.2f}"
    # Less than a cent is nothing, and nothing has no sign.
    return _signed(text, 0.0 if text in {"$0", "$0.00"} else value, plus=plus)


def percent(value: float | None, digits: int = 1, *, plus: bool = False) -> str:
    """``12.3 %``, ``−0.4 %``."""
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{abs(100 * value):.{digits}f}"
    return _signed(f"{text}\N{NO-BREAK SPACE}%", 0.0 if float(text) == 0 else value, plus=plus)


def number(value: float | None, digits: int = 2) -> str:
    """``0.83``, ``−1.20``."""
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{abs(value):,.{digits}f}"
    return _signed(text, 0.0 if float(text.replace(",", "")) == 0 else value, plus=False)


def tokens(value: float) -> str:
    """``24,900``, ``1.234``: four significant figures of a token amount, never an exponent."""
    digits = max(0, 3 - math.floor(math.log10(value))) if value > 0 else 0
    return f"{value:,.{digits}f}"


def count(value: int, singular: str, plural: str | None = None) -> str:
    """``1 path``, ``12 paths``."""
    return f"{value:,} {singular if value == 1 else plural or singular + 's'}"


def heading(name: str, symbols: Collection[str]) -> str:
    """A scenario's name as a heading: ``Aave hedge``; symbols of assets keep their capitals."""
    words = name.replace("_", "-").split("-")
    named = [word.upper() if word.upper() in symbols else word for word in words]
    return f"{named[0][:1].upper()}{named[0][1:]} {' '.join(named[1:])}".rstrip()


def listed(words: list[str]) -> str:
    """``BTC``, ``BTC and ETH``, ``BTC, ETH and SOL``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
