"""YAML as a configuration is written in it: stricter than YAML 1.1, which PyYAML reads.

Only ``true`` and ``false`` are booleans (YAML 1.2), so that ``paths: yes`` is no number and an
asset may be called ON; ``1:30`` is not 90; a key written twice is refused, for whoever reads the
file sees the first and the program would take the last.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

_RESOLVED_HERE = ("bool", "int", "float")


class _Loader(yaml.SafeLoader):
    """Safe loading without the surprises of YAML 1.1."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Refuse keys that are there twice; those of a merge (``<<``) may be overridden."""
        seen: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                continue
            line = key.start_mark.line + 1
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"{key.value} is given twice, in line {seen[key.value]} and line {line}"
                )
            seen[key.value] = line
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag.removeprefix("tag:yaml.org,2002:") not in _RESOLVED_HERE
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(0|[1-9][0-9_]*)|0x[0-9a-fA-F_]+", "-+0123456789"),
    (
        "float",
        (
            r"[-+]?([0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*|[0-9][0-9_]*(?=[eE]))([eE][-+]?[0-9]+)?"
            r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
        ),
        "-+0123456789.",
    ),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first)
    )


def load(text: str) -> Any:
    """Plain data of a YAML text.

    Raises:
        yaml.YAMLError: it is none, or a key is there twice.
    """
    return yaml.load(text, _Loader)
