"""Fields of a replay set by hand: applied to what is replayed, or refused saying why."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, NamedTuple

from simulator.config import from_mapping
from simulator.config.errors import value_at
from simulator.config.loading import assignment, entries, override
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.config.models import Config
    from simulator.market.recast import Recast

# What the file and the options of a replay say, with the option that says it.
_SAID = {
    "history.prices": "--prices says it",
    "history.symbols": "--lp, --hedge and --usdc say it",
    "history.start": "--window says it",
    "history.bars": "--bars says it",
    "history.stamps": "--stamps says it",
    "history.outliers": "--outliers says it",
    "history.pool": "--pool says it",
    "pool.base": "--lp says it",
}
# What is measured before the window, unless set.
_MEASURED = ("assets", "correlation", "vault.betas", "vault.assumed_correlation")


class Shape(NamedTuple):
    """Overrides that decide how the record is cut; None: not given."""

    step_minutes: int | None
    horizon_hours: float | None
    max_gap_hours: float | None


def shape_of(overrides: Sequence[str]) -> Shape:
    """The overrides that are needed before anything is read.

    Raises:
        InputError: one of them is no number above zero, or an override is not ``a.b=value``.
    """
    given = dict(map(assignment, overrides))
    for name in ("step_minutes", "horizon_hours", "history.max_gap_hours"):
        value = given.get(name)
        kinds = int if name == "step_minutes" else (int, float)
        least = 0 if name == "history.max_gap_hours" else 1e-9
        if name in given and (
            isinstance(value, bool) or not isinstance(value, kinds) or not value >= least
        ):
            kind = "a whole number" if name == "step_minutes" else "a number"
            raise InputError(f"{name} = {value!r}: must be {kind} above 0")
    return Shape(
        given.get("step_minutes"), given.get("horizon_hours"), given.get("history.max_gap_hours")
    )


def overridden(data: dict[str, Any], overrides: Sequence[str], recast: Recast) -> Config:
    """A replay, as plain data, with its overrides; refused is what the record would undo.

    Raises:
        InputError: an unknown field, a value out of range, or what the file or an option says.
    """
    prices = {f"assets.{asset}.price": price for asset, price in recast.prices.items()}
    said = _SAID | {
        field: f"the first recorded price is {price:g}" for field, price in prices.items()
    }
    fixed = {field: deepcopy(value_at(field.split("."), data)) for field in said}
    by_hand = []
    for text in overrides:
        name, _ = assignment(text)
        _set(data, text, recast)
        for field, why in said.items():
            if value_at(field.split("."), data) != fixed[field]:
                raise InputError(f"{name}: must leave {field} = {fixed[field]} in a replay, {why}")
        by_hand += [
            each
            for each in entries(data, name)
            if any(each == field or each.startswith(f"{field}.") for field in _MEASURED)
        ]
    if by_hand:
        data["history"]["notes"].append(f"set by hand, not measured: {', '.join(by_hand)}")
    return from_mapping(data)


def _set(data: dict[str, Any], text: str, recast: Recast) -> None:
    """One override; a name that only the scenario knows is explained."""
    name, _ = assignment(text)
    parts = name.split(".")
    if parts[0] == "shocks" and len(parts) > 1 and not data["shocks"]:
        raise InputError(
            f"{name}: the scenario's shocks are left out of a replay; keep them with "
            "--keep-shocks, or set shocks whole"
        )
    try:
        override(data, text)
    except InputError as error:
        taken = [part for part in parts if part in recast.renamed and part not in data["assets"]]
        hint = f"; in this replay {recast.renamed[taken[0]]} has its place" if taken else ""
        raise InputError(f"{error}{hint}") from None
