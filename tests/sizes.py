"""How much the heavy tests do: ``make test`` has ten minutes, ``make campaign`` takes its time."""

import os
from typing import TypeVar

CAMPAIGN = os.environ.get("HEDGESIM_CAMPAIGN") == "1"

Size = TypeVar("Size")


def sized(test: Size, campaign: Size) -> Size:
    """``test`` in ``make test``, ``campaign`` in ``make campaign``: the same test, more of it."""
    return campaign if CAMPAIGN else test
