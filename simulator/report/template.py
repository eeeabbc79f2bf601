"""Pages made of their templates, which lie beside this module, and how a notebook shows them."""

from __future__ import annotations

from html import escape
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


def framed(page: str, title: str, height: int = 700) -> str:
    """A page in a frame of its own, so that its style stays there."""
    return (
        f'<iframe srcdoc="{escape(page)}" style="width:100%;height:{height}px;border:0" '
        f'title="{escape(title)}"></iframe>'
    )
