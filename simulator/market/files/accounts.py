"""Tables of accounts: who is leveraged how far, row by row, and published figures of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from simulator.market.files.numbers import parse
from simulator.market.files.tables import read
from simulator.types import Floats, InputError

#: Names of columns by what they hold, without case, spaces and signs. Amounts are USD: a name that
#: does not say so (``collateral``, ``size``) is taken only where it is told (``columns``).
ROLES = {
    "asset": ("asset", "symbol", "coin", "token", "market", "underlying"),
    "side": ("side", "direction", "positionside"),
    "notional": ("notional", "notionalusd", "positionusd", "positionvalueusd", "sizeusd"),
    "leverage": ("leverage",),
    "margin": ("marginusd", "marginusedusd", "equityusd", "accountvalueusd"),
    "collateral": ("collateralusd", "collateralvalueusd", "totalcollateralusd"),
    "debt": ("debtusd", "debtvalueusd", "borrowedusd", "totaldebtusd"),
    "threshold": ("liquidationthreshold",),
    "bonus": ("liquidationbonus",),
    "health": ("healthfactor",),
}
#: Columns of a table of published figures instead: one figure a row.
FIGURES = ("asset", "side", "measure", "at", "value")
#: Crowds of an asset, as `population` names them.
LONG, SHORT, BORROWERS = "long", "short", "borrowers"

_SIDES = {"long": LONG, "buy": LONG, "short": SHORT, "sell": SHORT}
_TRADERS = "notional with leverage or margin"
_OF_BORROWERS = "collateral with health, or with debt and threshold"
_OWES_NOTHING = 1e6  # health factors beyond are of those who owe nothing, or dust
_ALIKE = 0.05  # by which two columns of one meaning may differ, median of the relative error


@dataclass(frozen=True, eq=False)
class Accounts:
    """Accounts of one asset on one side ``[n]``.

    Attributes:
        asset: as the file, or whoever reads it, calls it.
        side: ``long``, ``short`` or ``borrowers``.
        size: notional or collateral, USD.
        figure: leverage; of borrowers the health factor less one.
        threshold, bonus: of borrowers, mean by collateral; None: the file does not say.
        left_out: rows that are nobody's who can be liquidated, by why.
    """

    asset: str
    side: str
    size: Floats
    figure: Floats
    threshold: float | None = None
    bonus: float | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Figure:
    """What was published of a crowd: ``measure`` (at ``at``, NaN where it has none)."""

    asset: str
    side: str
    measure: str
    at: float
    value: float


def read_accounts(
    file: str, asset: str | None, side: str | None, columns: Mapping[str, str]
) -> tuple[Accounts, ...] | tuple[Figure, ...]:
    """Accounts of a file by asset and side, or the figures it holds of them.

    ``asset``, ``side``: of all rows, where no column says so. ``columns``: the file's column by
    role (:data:`ROLES`), before what names say.

    Raises:
        InputError: the file cannot be read, a column is missing or has two meanings, or a cell does
            not mean what its column says.
    """
    try:
        raw = read(Path(file))
    except InputError as error:  # whose door is that of prices
        raise InputError(str(error).replace("prices = ", "accounts = ", 1)) from None
    if not raw.header or raw.frame.columns.nlevels > 1:
        raise InputError(f"accounts = {file}: no line of names; allowed: one, e.g. {_example()}")
    if not len(raw.frame):
        raise InputError(f"accounts = {file}: holds no rows")
    keys = [_key(name) for name in raw.frame.columns]
    if {"measure", "value"} <= set(keys):
        return _figures(file, raw.frame.set_axis(keys, axis=1), asset, side)
    table = _Table(file, raw.frame, _roles(file, raw.frame, columns))
    return _borrowers(table, asset, side) if table.of_borrowers() else _traders(table, asset, side)


@dataclass(frozen=True, eq=False)
class _Table:
    file: str
    frame: pd.DataFrame
    roles: dict[str, str]

    def place(self, role: str, row: int) -> str:
        return f"accounts = {self.file}, row {row + 1}: {self.roles[role]}"

    def numbers(self, role: str) -> Floats:
        column = self.frame[self.roles[role]]
        return parse(column, lambda row: self.place(role, row))[0]

    def words(self, role: str) -> list[str]:
        return [str(cell).strip() for cell in self.frame[self.roles[role]]]

    def of_borrowers(self) -> bool:
        """Whether it is of borrowers and not of traders, or neither: an error."""
        has = self.roles.keys()
        traders = "notional" in has and bool({"leverage", "margin"} & has)
        owing = "collateral" in has and ("health" in has or {"debt", "threshold"} <= has)
        if traders == owing:
            found = ", ".join(map(str, self.frame.columns[:10]))
            what = "both sorts" if traders else "neither sort"
            raise InputError(
                f"accounts = {self.file}: columns of {what} ({found}); allowed: {_TRADERS}; or "
                f"{_OF_BORROWERS}; amounts in USD, e.g. {_example()}; which column is what: "
                "--columns ROLE=COLUMN,…"
            )
        return owing

    def assets(self, asset: str | None) -> list[str]:
        """The asset of each row; where a column says, ``asset`` is the only one taken."""
        if "asset" in self.roles:
            return self.words("asset")
        if asset is None:
            raise InputError(f"accounts = {self.file}: no column of assets; say it: --asset")
        return [asset] * len(self.frame)

    def fraction(self, role: str) -> Floats:
        values = self.numbers(role)
        for row in np.flatnonzero(~((values >= 0.0) & (values < 1.0)) & np.isfinite(values)):
            raise InputError(f"{self.place(role, int(row))} = {values[row]:g}; allowed: 0 to 1")
        return values

    def same(self, one: Floats, other: Floats, names: tuple[str, str]) -> None:
        """Refuse two columns that say different things of what is one."""
        known = np.isfinite(one) & np.isfinite(other) & (one > 0.0) & (other > 0.0)
        if known.any() and (off := np.median(np.abs(one[known] / other[known] - 1.0))) > _ALIKE:
            first, second = (self.roles.get(name, name) for name in names)
            raise InputError(
                f"accounts = {self.file}: {first} and what follows from {second} differ by "
                f"{off:.0%} (median); leave out the one that is something else"
            )


def _traders(table: _Table, asset: str | None, side: str | None) -> tuple[Accounts, ...]:
    notional = table.numbers("notional")
    sides = _sides(table, notional, side)
    size = np.abs(notional)
    figure = None
    if "margin" in table.roles:
        with np.errstate(divide="ignore", invalid="ignore"):
            figure = size / table.numbers("margin")
    if "leverage" in table.roles:
        given = table.numbers("leverage")
        if figure is not None:
            table.same(given, figure, ("leverage", "margin"))
        figure = given
    assert figure is not None  # of_borrowers() saw one of the two
    reasons = {"without a size": ~(size > 0.0), "without a positive leverage": ~(figure > 0.0)}
    reasons["of endless leverage"] = ~np.isfinite(figure) & (figure > 0.0)
    return _grouped(table, asset, sides, size, figure, reasons)


def _borrowers(table: _Table, asset: str | None, side: str | None) -> tuple[Accounts, ...]:
    if side not in (None, BORROWERS):
        raise InputError(f"side = {side}: {table.file} is of borrowers; allowed: {BORROWERS}")
    size, health = table.numbers("collateral"), None
    if {"debt", "threshold"} <= table.roles.keys():
        with np.errstate(divide="ignore", invalid="ignore"):
            health = size * table.fraction("threshold") / table.numbers("debt")
    if "health" in table.roles:
        given = table.numbers("health")
        if health is not None:
            table.same(given, health, ("health", "debt"))
        health = given
    assert health is not None
    reasons = {
        "without collateral": ~(size > 0.0),
        "that owe nothing": ~(health <= _OWES_NOTHING),
        "that can be liquidated already": ~(health > 1.0),
    }
    return _grouped(table, asset, [BORROWERS] * len(size), size, health - 1.0, reasons)


def _sides(table: _Table, notional: Floats, side: str | None) -> list[str]:
    """``long`` or ``short`` of each row, as the column, the sign or whoever asks says."""
    if side == BORROWERS:
        raise InputError(f"side = {side}: {table.file} is of traders; allowed: {LONG}, {SHORT}")
    if "side" in table.roles:
        words = table.words("side")
        for row, word in enumerate(words):
            if word.lower() not in _SIDES:
                raise InputError(f"{table.place('side', row)} = {word!r}; allowed: long, short")
        found = [_SIDES[word.lower()] for word in words]
        for row in np.flatnonzero(notional < 0.0):
            if found[row] == LONG:
                raise InputError(
                    f"{table.place('notional', int(row))} = {notional[row]:g} of a long; allowed: "
                    "above 0"
                )
        return found
    if side is not None:
        # Signs say it already: what is not of that side would be taken for it.
        mixed = side == LONG or bool((notional > 0.0).any())
        for row in np.flatnonzero(notional < 0.0) if mixed else ():
            raise InputError(
                f"{table.place('notional', int(row))} = {notional[row]:g}: signs say the sides "
                f"here; allowed: above 0 with --side {side}, or no --side"
            )
        return [side] * len(notional)
    if not (notional < 0.0).any():
        raise InputError(
            f"accounts = {table.file}: no column of sides and no negative notional, which would be "
            f"a short; say it: --side {LONG} or {SHORT}"
        )
    return [SHORT if value < 0.0 else LONG for value in notional]


def _grouped(
    table: _Table,
    asset: str | None,
    sides: list[str],
    size: Floats,
    figure: Floats,
    reasons: dict[str, np.ndarray[tuple[int], np.dtype[np.bool_]]],
) -> tuple[Accounts, ...]:
    """By asset and side, in the order of the file; who is left out is counted once."""
    assets = table.assets(asset)
    if asset is not None and asset not in assets:
        known = ", ".join(list(dict.fromkeys(assets))[:8])
        raise InputError(f"asset = {asset}: not in {table.file}; it has {known}")
    extra = {role: table.fraction(role) for role in ("threshold", "bonus") if role in table.roles}
    found = []
    for group in dict.fromkeys(zip(assets, sides, strict=True)):
        if asset is not None and group[0] != asset:
            continue
        mine = np.array([pair == group for pair in zip(assets, sides, strict=True)])
        left_out = {}
        for why, out in reasons.items():
            if (mine & out).any():
                left_out[why] = int((mine & out).sum())
            mine = mine & ~out
        mean = {
            role: float(np.average(values[mine & np.isfinite(values)], weights=size[known]))
            for role, values in extra.items()
            if (known := mine & np.isfinite(values)).any()
        }
        found.append(
            Accounts(
                *group, size[mine], figure[mine], mean.get("threshold"), mean.get("bonus"), left_out
            )
        )
    return tuple(found)


def _figures(
    file: str, frame: pd.DataFrame, asset: str | None, side: str | None
) -> tuple[Figure, ...]:
    """One figure a row; ``asset`` and ``side`` where no column says so."""
    if unknown := [key for key in frame.columns if key not in FIGURES]:
        raise InputError(
            f"accounts = {file}: column {unknown[0]} beside measure and value; allowed: "
            f"{', '.join(FIGURES)}"
        )
    table = _Table(file, frame, {str(key): str(key) for key in frame.columns})
    at = table.numbers("at") if "at" in frame else np.full(len(frame), np.nan)
    value = table.numbers("value")
    sides = table.words("side") if "side" in frame else [side or ""] * len(frame)
    rows = zip(table.assets(asset), sides, table.words("measure"), at, value, strict=True)
    found = []
    for row, (of, where, measure, point, number) in enumerate(rows):
        if where not in (LONG, SHORT, BORROWERS):
            raise InputError(
                f"accounts = {file}, row {row + 1}: side = {where!r}; allowed: {LONG}, {SHORT}, "
                f"{BORROWERS}, in a column or by --side"
            )
        if not np.isfinite(number):
            raise InputError(f"{table.place('value', row)} = {number}; allowed: a number")
        found.append(Figure(of, where, measure, float(point), float(number)))
    return tuple(found)


def _roles(file: str, frame: pd.DataFrame, columns: Mapping[str, str]) -> dict[str, str]:
    """The file's column by role, as told or by its name."""
    written = [str(name) for name in frame.columns]
    found = {}
    for role, column in columns.items():
        if role not in ROLES:
            raise InputError(f"columns = {role}={column}; allowed: {', '.join(ROLES)}")
        if column not in written:
            raise InputError(f"columns = {role}={column}: not in {file}; it has {written[:10]}")
        found[role] = column
    for role, names in ROLES.items():
        mine = [name for name in written if _key(name) in names and name not in found.values()]
        if role in found or not mine:
            continue
        if len(mine) > 1:
            raise InputError(
                f"accounts = {file}: {' and '.join(mine)} may both be the {role}; say which: "
                f"--columns {role}={mine[0]}"
            )
        found[role] = mine[0]
    return found


def _key(column: object) -> str:
    return re.sub(r"[^a-z0-9]", "", str(column).lower())


def _example() -> str:
    return "asset, side, notional_usd, leverage"
