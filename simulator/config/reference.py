"""The configuration as tables people can read: ``hedgesim schema vault``.

One convention of units: proportions are fractions (0.02 is 2 %), and a key that counts in something
else than its unit's base says so by its end: ``_percent`` (20 is 20 %), ``_usd``, ``_hours``,
``_minutes``, ``_ticks``, ``_steps``, ``_ppm``, ``_ratio``. :func:`unit` holds every number to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.config import errors
from simulator.config.section import Section
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CONVENTION = (
    "Proportions are fractions (0.02 is 2 %); a key ending in _percent counts in percent (20 is "
    "20 %)."
)
_SUFFIXES = {
    "_percent": "percent",
    "_usd": "USD",
    "_hours": "hours",
    "_minutes": "minutes",
    "_ticks": "ticks",
    "_steps": "steps",
    "_ppm": "ppm",
    "_ratio": "ratio",
}
#: What a description calls the unit, the most telling first.
_WORDS = (
    (r"per square root of a year", "fraction/√year"),
    (r"fraction per|, per year", "fraction/year"),
    (r"1/day²", "1/day²"),
    (r"USD per hour", "USD/hour"),
    (r"USD short per USD", "USD/USD"),
    (r"USD per (whole |native )?token", "USD/token"),
    (r"\bfraction\b|\bpart (of|lent)\b|relative price move|what is left of", "fraction"),
    (r"number of .* per (year|day)", r"1/\1"),
    (r"whole (base )?tokens", "tokens"),
    (r"\bUSD\b", "USD"),
    (r", USDC\b", "USDC"),
    (r"\bgwei\b", "gwei"),
    (r"\bhours\b", "hours"),
    (r"\bminutes\b", "minutes"),
    (r"\bticks\b", "ticks"),
    (r"margin ratio|hedge ratio", "ratio"),
    (r"pure number|number|integer|\bfactor\b|multiple|weight|correlation|decimals", "number"),
    (r"degrees of freedom|standard deviation|log price|reporters", "number"),
)
_NUMBERS = {"number", "integer"}


@dataclass(frozen=True)
class Field:
    """A field of a section, as a table shows it."""

    name: str
    default: str
    unit: str
    allowed: str
    meaning: str


@dataclass(frozen=True)
class Table:
    """A section, or one kind of what may stand there: its path, what it is, its fields."""

    path: str
    meaning: str
    fields: tuple[Field, ...]


def unit(name: str, description: str) -> str:
    """Unit of a number by its key and description; "" where neither says one."""
    for end, found in _SUFFIXES.items():
        if name.endswith(end):
            return found
    for words, found in _WORDS:
        if match := re.search(words, description):
            return match.expand(found)
    return ""


def tables(section: str | None) -> list[Table]:
    """The tables of a section by dotted path; None: that of the whole file.

    Where entries are named by their asset (``clearing.markets``), or of several kinds (``shocks``,
    ``process``), they are those of an entry, or one of each kind; a kind may end the path.

    Raises:
        InputError: there is no such section.
    """
    path, nodes = "", [errors.json_schema()]
    for part in [] if section is None else section.split("."):
        below, step = _below(nodes, part)
        if not below:
            known = sorted({name for node in nodes for name in _choices(node)})
            where = f" of {path}" if path else ""
            raise InputError(
                f"schema = {section}: {part}: unknown section{where}"
                f"{errors.suggestion(part, known)}"
            )
        path = ".".join(filter(None, (path, step)))
        nodes = below
    return [
        Table(_name(path, node), node.get("description", ""), tuple(_fields(node)))
        for node in nodes
        if "properties" in node
    ] or [_leaf(section or "", nodes)]


def _below(nodes: Iterable[dict[str, Any]], part: str) -> tuple[list[dict[str, Any]], str]:
    """Alternatives one step down, opened until they have fields, and the path of that step."""
    found: list[dict[str, Any]] = []
    for node in nodes:
        if part in node.get("properties", {}):
            found += errors.alternatives(node["properties"][part])
        elif _kind(node) == part:
            return [node], ""
    step = part
    while any(_entries(node) is not None for node in found):
        listed = any("items" in node for node in found)
        step += "[]" if listed else ".<NAME>"
        opened = [_entries(node) for node in found]
        found = [one for entry in opened if entry is not None for one in errors.alternatives(entry)]
    return [node for node in found if node.get("type") != "null"], step


def _entries(node: dict[str, Any]) -> dict[str, Any] | None:
    """Schema of the entries of a mapping or list of sections; None for anything else."""
    for entry in (
        *node.get("patternProperties", {}).values(),
        node.get("additionalProperties"),
        node.get("items"),
    ):
        if isinstance(entry, dict) and any(
            "properties" in one for one in errors.alternatives(entry)
        ):
            return entry
    return None


def _kind(node: dict[str, Any]) -> str | None:
    return node.get("properties", {}).get("kind", {}).get("const")


def _choices(node: dict[str, Any]) -> list[str]:
    kind = _kind(node)
    return [kind] if kind else list(node.get("properties", {}))


def _name(path: str, node: dict[str, Any]) -> str:
    kind = _kind(node)
    return f"{path} (kind: {kind})" if kind else path


def _leaf(section: str, nodes: list[dict[str, Any]]) -> Table:
    """The table of a single field."""
    name = section.rpartition(".")[2]
    return Table(section, "", (_field(name, {"anyOf": nodes, **_said(nodes)}, required=True),))


def _said(nodes: list[dict[str, Any]]) -> dict[str, Any]:
    return {"description": next((n["description"] for n in nodes if "description" in n), "")}


def _fields(node: dict[str, Any]) -> Iterator[Field]:
    required = node.get("required", ())
    for name, found in node.get("properties", {}).items():
        if "const" not in found:
            made = {} if "default" in found else _made(node.get("title", ""), name)
            yield _field(name, {**found, **made}, required=name in required)


def _field(name: str, node: dict[str, Any], *, required: bool) -> Field:
    every = errors.alternatives(node)
    some = [one for one in every if one.get("type") != "null"]
    description = node.get("description", "")
    counted = [one for one in some if is_number(one)]
    return Field(
        name,
        "required" if required else _default(node.get("default"), some),
        node.get("unit") or (unit(name, description) if counted else ""),
        " or ".join(dict.fromkeys(_allowed(one) for one in some)),
        description,
    )


def _made(title: str, name: str) -> dict[str, Any]:
    """Default of a field that makes it anew each time, which the JSON Schema leaves out."""
    waiting = [Section]
    while waiting:
        model = waiting.pop()
        waiting += model.__subclasses__()
        if model.__name__ == title and name in model.model_fields:
            field = model.model_fields[name]
            if not field.is_required():
                return {"default": field.get_default(call_default_factory=True)}
    return {}


def is_number(node: dict[str, Any]) -> bool:
    """Whether a field holds a number, or numbers by name."""
    inner = [node, *node.get("patternProperties", {}).values(), node.get("additionalProperties")]
    return any(
        isinstance(one, dict) and (one.get("type") in _NUMBERS or _number_choices(one))
        for one in inner
    )


def _number_choices(node: dict[str, Any]) -> bool:
    return all(isinstance(value, int | float) for value in node.get("enum", ["none"]))


def _default(value: object, nodes: list[dict[str, Any]]) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return f"{value:,.10g}" if abs(value) < 1e6 else f"{value:.4g}".replace("e+0", "e")
    if isinstance(value, str):
        return value or '""'
    if any("properties" in node for node in nodes):
        return "a section"
    return f"{{{', '.join(value)}}}" if isinstance(value, dict) else _list(value)


def _list(value: object) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list | tuple) else "…"


def _allowed(node: dict[str, Any]) -> str:
    """What a value may be, briefly: ``0 … 1``, ``> 0``, ``gbm, t``."""
    if "enum" in node:
        return ", ".join(map(str, node["enum"]))
    if node.get("type") in _NUMBERS:
        least, above = node.get("minimum"), node.get("exclusiveMinimum")
        most, under = node.get("maximum"), node.get("exclusiveMaximum")
        low = f"> {_short(above)}" if above is not None else _short(least)
        high = f"< {_short(under)}" if under is not None else _short(most)
        return " … ".join(filter(None, (low, high))) or "any number"
    if "properties" in node:
        return "a section"
    names = {"boolean": "true, false", "string": "text", "array": "a list", "object": "by name"}
    return node.get("format") or names.get(node.get("type", ""), "any")


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}".replace("e+0", "e").replace("e+", "e")
