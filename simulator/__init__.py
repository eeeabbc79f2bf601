"""hedgesim: an agent-based simulator of an automated on-chain hedging vault.

The public names are imported when first used, so that ``import simulator`` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from simulator import caches

if TYPE_CHECKING:
    from simulator.agents.base import Agent, View
    from simulator.comparison import compare
    from simulator.config import Config, resolve, scenarios
    from simulator.config import load as load_config
    from simulator.result import Result
    from simulator.runner import run
    from simulator.types import InputError, Status
    from simulator.world import actions
    from simulator.world.protocol import AgentSlot

__version__ = "0.2.0"

__all__ = [
    "Agent",
    "AgentSlot",
    "Config",
    "InputError",
    "Result",
    "Status",
    "View",
    "__version__",
    "actions",
    "compare",
    "load_config",
    "resolve",
    "run",
    "scenarios",
]

# Public name: where it lives, and its name there ("" = the module itself).
_HOME = {
    "Agent": ("simulator.agents.base", "Agent"),
    "AgentSlot": ("simulator.world.protocol", "AgentSlot"),
    "Config": ("simulator.config", "Config"),
    "InputError": ("simulator.types", "InputError"),
    "Result": ("simulator.result", "Result"),
    "Status": ("simulator.types", "Status"),
    "View": ("simulator.agents.base", "View"),
    "actions": ("simulator.world.actions", ""),
    "compare": ("simulator.comparison", "compare"),
    "load_config": ("simulator.config", "load"),
    "resolve": ("simulator.config", "resolve"),
    "run": ("simulator.runner", "run"),
    "scenarios": ("simulator.config", "scenarios"),
}


caches.prepare()


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOME[name]
    home = import_module(module)
    value = getattr(home, attribute) if attribute else home
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
