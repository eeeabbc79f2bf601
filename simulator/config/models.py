"""The configuration of a run: its fields, which fit together."""

from __future__ import annotations

from pydantic import model_validator

from simulator.config.checks import problems
from simulator.config.fields import Fields


class Config(Fields):
    """One run, whole."""

    @model_validator(mode="after")
    def _across_sections(self) -> Config:
        if found := list(problems(self)):
            raise ValueError("\n".join(found))
        return self
