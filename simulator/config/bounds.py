"""What the schema allows of a number, so that nothing else is tried or advised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from simulator.config.models import Config


def bounds(config: Config, name: str) -> tuple[float, float]:
    """What a field allows, by its place (``clearing.markets.ETH.max_skew_usd``); at least 0.

    A hair within where an end is not allowed itself.
    """
    *sections, last = name.split(".")
    section: Any = config
    for part in sections:
        section = section[part] if isinstance(section, dict) else getattr(section, part)
    low, high = 0.0, np.inf  # what is tried is not negative
    if section is None:  # as it is without being written, of which nothing is known here
        return low, high
    for limit in type(section).model_fields[last].metadata:
        for side in ("ge", "gt", "le", "lt"):
            end: Any = getattr(limit, side, None)
            if end is None:
                continue
            within = 0.0 if side.endswith("e") else 1e-6
            if side.startswith("g"):
                low = float(end) + within * max(abs(float(end)), 1e-3)
            else:
                high = float(end) * (1.0 - within)
    return low, high
