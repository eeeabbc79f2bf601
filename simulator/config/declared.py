"""Sections of a configuration made of what is declared of the protocol's parameters."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, create_model

from simulator.config.section import Section
from simulator.protocol.terms import Given, Scale, Term, terms_of


def section_of(parameters: type, base: type[Section] = Section) -> type[Section]:
    """A section with a field for each declared parameter that a configuration gives.

    ``base``: the section whose fields come first.
    """
    fields: dict[str, Any] = {
        term.key(name): (_kind(term), _field(term))
        for name, term in terms_of(parameters).items()
        if term.given is not Given.MADE
    }
    return create_model(f"{parameters.__name__}Section", __base__=base, **fields)


def field_of(parameters: type, name: str) -> Any:
    """The field of a declared parameter, for a section that has it among fields of its own."""
    return _field(terms_of(parameters)[name])


def _kind(term: Term) -> Any:
    """Type of the configuration's value."""
    if term.words or term.choices:
        return Literal[term.words or term.choices]
    whole = term.scale is Scale.INTEGER and term.given is Given.PLAIN
    kind = int if whole else float
    return kind | None if term.optional else kind


def _field(term: Term) -> Any:
    default: Any = ... if term.default is None and not term.optional else term.default
    if term.words and term.default is not None:
        default = term.words[int(term.default)]
    return Field(
        default=default,
        gt=term.gt,
        ge=term.ge,
        lt=term.lt,
        le=term.le,
        description=term.sentence,
        json_schema_extra={"unit": term.given.unit or term.unit} if term.unit else None,
    )
