"""What an agent sees of one path and what it may do there, as compiled code has it.

An agent is a scalar function ``act(do, my)``. Where it runs as plain Python ``do`` is a
:class:`~simulator.agents.plain_do.PlainDo`, which has the same names. All it shows is of now:
whole tokens, USD, fractions, base units; indices and codes are integers. A module for each part of
what there is to see, and one for what may be done.
"""

from __future__ import annotations

from simulator.agents.do import market, pools, verbs
from simulator.agents.do.kind import DoType, make_do, part
from simulator.agents.do.lending import Borrower
from simulator.agents.do.pools import Position
from simulator.agents.do.vault import Vault
from simulator.agents.do.venue import Loan, Margin

__all__ = [
    "Borrower",
    "DoType",
    "Loan",
    "Margin",
    "Position",
    "Vault",
    "make_do",
    "market",
    "part",
    "pools",
    "verbs",
]
