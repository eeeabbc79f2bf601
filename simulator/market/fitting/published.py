"""What was published of a crowd, as the parameters of its log-normals."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from math import isfinite

from simulator.market.files.accounts import Figure
from simulator.market.fitting import lognormal
from simulator.types import InputError

#: What may be published, and whether it is of a point (a leverage, a health factor, a part of the
#: members).
MEASURES = {
    "count": False,
    "total_usd": False,
    "median": False,
    "share_above": True,
    "share_below": True,
    "share_of_largest": True,
    "threshold": False,
    "bonus": False,
    "most_leverage": False,
    "maintenance_rate": False,
}
#: Those that no log-normal is made of.
_OF_ALL = ("count", "total_usd")


@dataclass(frozen=True)
class Published:
    """What follows from figures of one crowd.

    Attributes:
        single: what stands for itself, by measure; ``total_usd`` is among it.
        median, spread: of leverage, or of the health factor less one; None: nothing says.
        missed: largest error of a share; None: there is no spread.
        shares: how many shares of members were given, the median being one.
        of_size: spread of the sizes; None: nothing says.
    """

    single: dict[str, float]
    median: float
    spread: float | None
    missed: float | None
    shares: int
    of_size: float | None


def published(rows: Sequence[Figure], own: Container[str], *, where: str, owing: bool) -> Published:
    """Parameters of the crowd that ``rows`` tell of.

    ``own``: measures that are parameters of such a crowd as they are. ``owing``: figures are health
    factors, and no leverages.

    Raises:
        InputError: a figure that is none of it, contradicts another, or is missing.
    """
    single: dict[str, float] = {}
    shares: list[tuple[float, float]] = []
    of_size = None
    for row in rows:
        _refuse_odd(row, where, owing=owing)
        if row.measure == "share_of_largest":
            of_size = lognormal.spread_of_largest(row.at, row.value)
        elif row.measure in ("median", "share_above", "share_below"):
            shares.append(_share_below(row, owing=owing))
        elif row.measure in single:
            raise InputError(f"{where}: {row.measure} twice; allowed: once")
        elif row.measure not in _OF_ALL and row.measure not in own:
            raise InputError(f"{where}: {row.measure} is no figure of such a crowd")
        else:
            single[row.measure] = row.value
    if "total_usd" not in single:
        raise InputError(f"{where}: no total_usd; allowed: what all of them have, USD")
    if len(shares) == 1 and shares[0][1] == 0.5:
        return Published(single, shares[0][0], None, None, 1, of_size)
    if len(shares) < 2:
        raise InputError(f"{where}: {len(shares)} shares; allowed: a median, or two shares or more")
    try:
        median, spread, missed = lognormal.of_shares(shares)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    return Published(single, median, spread, missed, len(shares), of_size)


def _share_below(row: Figure, *, owing: bool) -> tuple[float, float]:
    """Value of the figure, and the share of members below it."""
    less = 1.0 if owing else 0.0
    if row.measure == "median":
        return row.value - less, 0.5
    return row.at - less, row.value if row.measure == "share_below" else 1.0 - row.value


def _refuse_odd(row: Figure, where: str, *, owing: bool) -> None:
    """Refuse a measure that is none, or whose numbers cannot be."""
    if row.measure not in MEASURES:
        raise InputError(f"{where}: measure = {row.measure}; allowed: {', '.join(MEASURES)}")
    if MEASURES[row.measure] != isfinite(row.at):
        what = "a number" if MEASURES[row.measure] else "empty"
        raise InputError(f"{where}: {row.measure}: at = {row.at:g}; allowed: {what}")
    if row.measure.startswith("share") and not 0.0 < row.value < 1.0:
        raise InputError(f"{where}: {row.measure} = {row.value:g}; allowed: above 0, below 1")
    if row.measure == "share_of_largest":
        if not 0.0 < row.at < row.value:
            raise InputError(
                f"{where}: share_of_largest = {row.value:g} at {row.at:g}; allowed: of a part of "
                "the members, more of the sum than that"
            )
    elif row.measure == "median" or row.measure.startswith("share"):
        point, least = row.value if row.measure == "median" else row.at, 1 if owing else 0
        if not point > least:
            raise InputError(f"{where}: {row.measure}: {point:g}; allowed: above {least}")
