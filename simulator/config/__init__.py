"""Configuration: one YAML file describes a run, and resolves to a protocol."""

from simulator.config.errors import json_schema
from simulator.config.loading import from_mapping, load, scenario_text, scenarios, to_yaml
from simulator.config.models import Config
from simulator.config.resolve import initial_betas, resolve

__all__ = [
    "Config",
    "from_mapping",
    "initial_betas",
    "json_schema",
    "load",
    "resolve",
    "scenario_text",
    "scenarios",
    "to_yaml",
]
