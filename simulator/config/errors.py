"""Validation errors as lines a user can act on: field path, value given, allowed range."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any

from simulator.config.flow import MOVED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pydantic import ValidationError

_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "minLength": "at least {} characters",
    "minItems": "at least {} items",
    "minProperties": "at least {} entries",
    "pattern": "text matching {}",
}

_USDC_ONLY = (
    "the vault posts USDC as margin and nothing else (no function of it deposits other collateral, "
    "contracts/SPEC.md §3.5.1); its liquidity backs the account with vault.pledged = true"
)
#: Fields people look for that are not there, and why.
_ABSENT = {f"vault.{name}": _USDC_ONLY for name in ("margin", "collateral", "collaterals")}


@cache
def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a configuration file."""
    from simulator.config.models import Config

    return Config.model_json_schema()


def kinds(path: Iterable[str | int], data: object) -> list[str]:
    """Kinds the section a path leads to can be of: of a shock, of the process."""
    found = [node["properties"]["kind"]["const"] for node in schema_at(path, data)]
    return sorted(found)


def lines(error: ValidationError, data: object) -> list[str]:
    """One line per problem found in ``data``."""
    result: list[str] = []
    items = error.errors()
    for item in items:
        depth = len(item["loc"])
        if any(len(o["loc"]) > depth > 0 and o["loc"][:depth] == item["loc"] for o in items):
            continue  # a list is called too short when one of its items is wrong
        if not item["loc"]:  # a check across sections, which writes its own lines
            result.extend(item["msg"].removeprefix("Value error, ").splitlines())
            continue
        location = [part for part in item["loc"] if part != "[key]"]
        path = _without_tags(location, data)
        name = ".".join(map(str, path))
        if item["type"] == "extra_forbidden":
            result.append(unknown(path, names(path[:-1], data)))
        elif item["type"] in ("union_tag_invalid", "union_tag_not_found"):
            kind = value_at([*path, "kind"], data)
            known = kinds(path, data)
            near = get_close_matches(str(kind), known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            result.append(f"{name}.kind = {_shown(kind)}: must be one of {', '.join(known)}{hint}")
        elif item["type"] == "missing":
            result.append(f"{name}: missing; must be {_allowed(path, data)}")
        else:
            result.append(f"{name} = {_shown(item['input'])}: must be {_allowed(path, data)}")
    return list(dict.fromkeys(result))


def misplaced_flags(data: object, path: tuple[str | int, ...] = ()) -> list[str]:
    """One line per ``true`` or ``false`` where no boolean is allowed.

    To Python these are the numbers 1 and 0, and would be taken for them.
    """
    here = value_at(path, data)
    if isinstance(here, bool):
        nodes = schema_at(path, data)
        allowed = any("type" not in node or node["type"] == "boolean" for node in nodes)
        if allowed or not nodes:
            return []
        return [f"{'.'.join(map(str, path))} = {here}: must be {_allowed(list(path), data)}"]
    children: Iterable[str | int] = ()
    if isinstance(here, dict):
        children = here
    elif isinstance(here, list | tuple):
        children = range(len(here))
    return [line for child in children for line in misplaced_flags(data, (*path, child))]


def unknown(path: Sequence[str | int], known: Iterable[str]) -> str:
    """What is said of a field that is not there; of what the protocol cannot do, why."""
    name = ".".join(map(str, path))
    if why := _ABSENT.get(name):
        return f"{name}: no such field: {why}"
    if new := MOVED.get(name):
        return f"{name}: no such field: what is drawn is the market's; write {new}"
    return f"{name}: unknown field{suggestion(path[-1], known)}"


def suggestion(name: object, known: Iterable[str]) -> str:
    """Which known names come near ``name``, else all of them, as the end of a sentence."""
    known = sorted(known)
    near = get_close_matches(str(name), known, n=3, cutoff=0.6)
    if near:
        return f"; did you mean {' or '.join(near)}?"
    return f"; known: {', '.join(known)}" if known else ""


def fields(path: Iterable[str | int], data: object) -> list[str]:
    """Names of the fields of the section a path leads to; none for mappings and values."""
    path = list(path)
    if not path:  # of a whole scenario: no need to write out its schema
        from simulator.config.models import Config

        return sorted(Config.model_fields)
    return sorted({name for node in schema_at(path, data) for name in node.get("properties", {})})


def names(path: Iterable[str | int], data: object) -> list[str]:
    """Field names of the section, or of a mapping its keys in ``data``, that a path leads to."""
    path = list(path)
    value = value_at(path, data)
    return fields(path, data) or (sorted(map(str, value)) if isinstance(value, dict) else [])


def value_at(path: Iterable[str | int], data: object) -> object:
    """What ``data`` holds at ``path``; None where there is nothing."""
    for part in path:
        keyed = isinstance(data, dict) and part in data
        listed = isinstance(data, list | tuple) and isinstance(part, int) and part < len(data)
        if not (keyed or listed):
            return None
        data = data[part]  # type: ignore[index]
    return data


def schema_at(path: Iterable[str | int], data: object) -> list[dict[str, Any]]:
    """Alternatives the JSON Schema allows at ``path``; ``kind`` in ``data`` picks among shocks."""
    nodes, walked = alternatives(json_schema()), []
    for part in path:
        walked.append(part)
        below: list[dict[str, Any]] = []
        for node in nodes:
            if isinstance(part, int):
                prefix = node.get("prefixItems", [])
                child = prefix[part] if part < len(prefix) else node.get("items")
            else:
                keyed = [*node.get("patternProperties", {}).values(), None]
                extra = node.get("additionalProperties") or keyed[0]
                child = node.get("properties", {}).get(part, extra)
            if isinstance(child, dict):
                below.extend(alternatives(child))
        value = value_at(walked, data)
        if isinstance(value, dict) and "kind" in value:
            kind = value["kind"]
            picked = [
                n for n in below if n.get("properties", {}).get("kind", {}).get("const") == kind
            ]
            below = picked or below
        nodes = below
    return nodes


def alternatives(node: dict[str, Any]) -> list[dict[str, Any]]:
    """What a node of the schema may be: references followed, unions taken apart."""
    for key in ("anyOf", "oneOf"):
        if key in node:
            outer = {"description": node["description"]} if "description" in node else {}
            return [{**found, **outer} for item in node[key] for found in alternatives(item)]
    if "$ref" in node:
        target = json_schema()["$defs"][node["$ref"].rsplit("/", 1)[1]]
        outer = {key: value for key, value in node.items() if key != "$ref"}
        return [{**found, **outer} for found in alternatives(target)]
    return [node]


def _without_tags(location: list[str | int], data: object) -> list[str | int]:
    """Drop what pydantic puts in a location of a union (``shocks, 0, crash, size``; ``x, int``)."""
    path: list[str | int] = []
    for position, part in enumerate(location):
        value = value_at(path, data)
        tag = isinstance(value, dict) and value.get("kind") == part and part not in value
        if not tag or position == len(location) - 1:
            path.append(part)
    plain = not isinstance(value_at(path[:-1], data), dict | list)
    return path[:-1] if path and path[-1] in _SCALARS and plain else path


_SCALARS = ("bool", "int", "float")


def _allowed(path: list[str | int], data: object) -> str:
    nodes = schema_at(path, data)
    described = next((n["description"] for n in nodes if "description" in n), "")
    ranges = " or ".join(dict.fromkeys(_range(node) for node in nodes))
    return f"{ranges} – {described.splitlines()[0]}" if described else ranges


def _range(node: dict[str, Any]) -> str:
    if "const" in node:
        return str(node["const"])
    if "enum" in node:
        return "one of " + ", ".join(map(str, node["enum"]))
    kind = {
        "number": "a number",
        "integer": "an integer",
        "string": "text",
        "boolean": "true or false",
        "object": "a mapping",
        "array": "a list",
        "null": "null",
    }.get(node.get("type", ""), "a value")
    bounds = [text.format(node[key]) for key, text in _BOUNDS.items() if key in node]
    if node.get("format"):
        kind = f"a {node['format']}"
    return " ".join([kind, " and ".join(bounds)]).strip()


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
