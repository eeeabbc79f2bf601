"""Reading configurations: built-in scenarios, YAML files, overrides from the command line."""

from __future__ import annotations

from copy import deepcopy
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from simulator.arguments import instance, texts
from simulator.config import errors, files, yaml_text
from simulator.config.models import Config
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from importlib.resources.abc import Traversable


def load(name_or_path: str | Path, overrides: Iterable[str] = ()) -> Config:
    """Read a built-in scenario by name, or a YAML file by path, with ``a.b=value`` overrides.

    Names of files in a YAML file are relative to it, in an override to the working directory.

    Raises:
        InputError: no such scenario or file, not YAML or a key in it twice, an override of an
            unknown field, or values out of range: one line per problem, naming field, value and
            what is allowed.
    """
    instance("scenario", name_or_path, (str, Path), "a name, or the path of a YAML file")
    found = _find(name_or_path)
    data = _read(found)
    if isinstance(found, Path):
        files.from_folder(data, found.parent)
    for text in texts("overrides", overrides):
        override(data, text)
    return from_mapping(data)


def from_mapping(data: Mapping[str, Any]) -> Config:
    """Build a configuration from plain data; raises InputError as :func:`load` does."""
    if flags := errors.misplaced_flags(data):
        raise InputError("\n".join(flags))
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        raise InputError("\n".join(errors.lines(error, data))) from None


def scenarios() -> dict[str, str]:
    """Built-in scenarios: name → one-line description."""
    return {name: _read(file)["description"] for name, file in sorted(_built_in().items())}


def scenario_text(name: str) -> str:
    """A built-in scenario as written, comments included; raises InputError when there is none."""
    return _find(name).read_text(encoding="utf-8")


def to_yaml(config: Config, folder: str | Path | None = None) -> str:
    """A configuration as a YAML file that :func:`load` reads back to an equal one.

    ``folder`` is where it is to lie: names of files are written relative to it (None: absolute).
    """
    data = config.model_dump(mode="json")
    files.to_folder(data, None if folder is None else Path(folder))
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)


def _built_in() -> dict[str, Traversable]:
    folder = resources.files("simulator.config") / "scenarios"
    return {
        entry.name.removesuffix(".yaml"): entry
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    }


def _find(name_or_path: str | Path) -> Traversable:
    built_in = _built_in()
    if str(name_or_path) in built_in:
        return built_in[str(name_or_path)]
    path = Path(name_or_path)
    if path.is_file():
        return path
    raise InputError(
        f"scenario = {name_or_path}: neither a built-in scenario nor a file"
        f"{errors.suggestion(name_or_path, built_in)}"
    )


def _read(file: Traversable) -> dict[str, Any]:
    try:
        data = yaml_text.load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: not a YAML file: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict):
        raise InputError(f"{file}: must be a mapping of fields, is {type(data).__name__}")
    return data


def assignment(text: str) -> tuple[str, Any]:
    """Field and value of ``a.b=value``; raises InputError for anything else."""
    name, equals, written = text.partition("=")
    name = name.strip()
    if not equals or not name:
        raise InputError(f"override = {text!r}: must be written field.path=value")
    try:
        return name, yaml_text.load(written)
    except yaml.YAMLError as error:
        raise InputError(
            f"{name} = {written}: not a YAML value: {' '.join(str(error).split())}"
        ) from None


def override(data: dict[str, Any], text: str) -> None:
    """Set one field, ``a.b=value``, in place; sections left null are opened, unknown ones refused.

    ``*`` stands for every entry of a mapping: ``clearing.markets.*.max_skew_usd=1e6``.

    Raises:
        InputError: not of that form, or no such field.
    """
    name, value = assignment(text)
    for each in entries(data, name):
        _set(data, each, deepcopy(value))


def entries(data: Mapping[str, Any], name: str) -> list[str]:
    """The fields that ``name`` stands for: itself, or with ``*`` one for each entry of a mapping.

    Raises:
        InputError: ``*`` is in the place of a field's name, or the mapping has no entries.
    """
    before, star, after = f".{name}.".partition(".*.")
    if not star:
        return [name]
    above = before.removeprefix(".")
    path = _path(above) if above else []
    found, known = errors.value_at(path, data), errors.fields(path, data)
    if known or not isinstance(found, dict) or not found:
        allowed = f"; known: {', '.join(known)}" if known else ""
        raise InputError(
            f"{name}: * stands for every entry of a mapping such as assets or clearing.markets, "
            f"and {above or 'the scenario'} is none that has any{allowed}"
        )
    rest = after.removesuffix(".")
    every = [".".join(filter(None, (above, str(key), rest))) for key in found]
    return [field for one in every for field in entries(data, one)]


def _path(name: str) -> list[str | int]:
    return [int(part) if part.isdigit() else part for part in name.split(".")]


def _set(data: dict[str, Any], name: str, value: Any) -> None:
    path = _path(name)
    for length in range(len(path)):
        _check_known(path[: length + 1], data, name, last=length == len(path) - 1)
    node: Any = data
    for part in path[:-1]:
        if isinstance(node, list):
            node = node[part]  # type: ignore[index]
        else:
            if node.get(part) is None:
                node[part] = {}
            node = node[part]
    node[path[-1]] = value


def _check_known(path: list[str | int], data: dict[str, Any], name: str, *, last: bool) -> None:
    above = errors.value_at(path[:-1], data)
    if isinstance(above, list):
        known = isinstance(path[-1], int) and path[-1] < len(above)
        choices = [str(number) for number in range(len(above))]
    elif above is None or isinstance(above, dict):
        fields = errors.fields(path[:-1], data)
        choices = errors.names(path[:-1], data)
        # A mapping such as `assets` takes new keys, but only whole entries.
        known = path[-1] in fields if fields else last or path[-1] in choices
    else:
        known, choices = False, []
    if not known:
        raise InputError(errors.unknown(path, choices))
