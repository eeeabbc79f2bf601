"""Whether an index that an agent gives is of something there is.

Compiled code that looks beside an array says nothing. Each of these gives the index back where it
is one; else it is noted, which ends the run (:mod:`simulator.engine.indices`), and what is looked
at meanwhile is the first there is. Which of the sights it was has a number
(:mod:`simulator.agents.axes`).
"""

from __future__ import annotations

from typing import Any

from simulator.agents.axes import (
    ACCOUNT,
    ASSET,
    BORROWER,
    COLLATERAL,
    FIRST_KIND,
    KIND,
    KINDS,
    LEG,
    LISTING,
    MARKET,
    POSITION,
)
from simulator.model.kernel.jit import inner


@inner
def _blame(do: Any, sight: int, axis: int, index: int) -> None:
    """Note the first index on the path that is of nothing; faults of orders are above zero."""
    book = do.w.book.engine
    if book.fault == 0:
        book.fault, book.at_fault, book.wrong, book.account = -sight, do.agent, axis, index


@inner
def _known(do: Any, sight: int, axis: int, index: int, count: int) -> int:
    if 0 <= index < count:
        return index
    _blame(do, sight, axis, index)
    return 0


@inner
def an_asset(do: Any, sight: int, index: int) -> int:
    """Index of an asset."""
    return _known(do, sight, ASSET, index, do.w.tables.count.assets)


@inner
def an_account(do: Any, sight: int, index: int) -> int:
    """Index of an account."""
    return _known(do, sight, ACCOUNT, index, do.w.tables.count.accounts)


@inner
def a_market(do: Any, sight: int, index: int) -> int:
    """Index of a market."""
    return _known(do, sight, MARKET, index, do.w.tables.count.markets)


@inner
def a_collateral(do: Any, sight: int, index: int) -> int:
    """Index of a collateral."""
    return _known(do, sight, COLLATERAL, index, do.w.tables.count.collaterals)


@inner
def a_leg(do: Any, sight: int, index: int) -> int:
    """Index of a leg."""
    return _known(do, sight, LEG, index, do.w.tables.count.legs)


@inner
def a_borrower(do: Any, sight: int, index: int) -> int:
    """Index of a borrower."""
    return _known(do, sight, BORROWER, index, do.w.tables.count.borrowers)


@inner
def a_listing(do: Any, sight: int, index: int) -> int:
    """Index of a listing."""
    return _known(do, sight, LISTING, index, do.w.tables.count.listings)


@inner
def a_position(do: Any, sight: int, index: int) -> int:
    """Number of a position of its own in the pool."""
    return _known(do, sight, POSITION, index, do.w.tables.agent.positions[do.agent])


@inner
def a_kind(do: Any, sight: int, index: int) -> int:
    """Code of a kind of action."""
    if FIRST_KIND <= index < KINDS:
        return index
    _blame(do, sight, KIND, index)
    return FIRST_KIND
