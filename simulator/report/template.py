"""Pages made of their templates, which lie beside this module."""

from __future__ import annotations

from typing import Any


def fill(template: str, **values: Any) -> str:
    """The page of a template; a name that it uses and is not given is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("simulator.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)
