"""A user's agents, from the Python files that a configuration names (``agents.custom``)."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.agents.base import Agent
from simulator.types import InputError
from simulator.world.protocol import AgentSlot

if TYPE_CHECKING:
    from types import ModuleType

    from simulator.arguments import Trust
    from simulator.config import Config
    from simulator.config.agents import CustomAgent

_KINDS: dict[str, tuple[type, ...]] = {"float": (float, int), "int": (int,), "bool": (bool,)}


def custom_agents(config: Config, trust: Trust = False) -> list[Agent]:
    """The agents of ``agents.custom``, in its order, each with its ``slot``.

    Raises:
        InputError: a file may not run, is not there or fails; it has no such agent; a parameter is
            none of the agent's, is missing or of another kind; it is not said what money it has.
    """
    return [_made(config, name, section, trust) for name, section in config.agents.custom.items()]


def as_override(written: str) -> tuple[str, Path]:
    """What ``--agent FILE[:NAME]`` adds to a configuration, as an override, and the file.

    Raises:
        InputError: the file is not there or fails, or it has no such agent.
    """
    import json

    file, _, kind = written.rpartition(":") if ":" in written else (written, "", "")
    found = load_agent("--agent", Path(file), kind or None)
    own = found.__dict__.get("slot")
    name = own.name if isinstance(own, AgentSlot) else _snake(found.__name__)
    section = {"file": file, "agent": found.__name__}
    return f"agents.custom.{name}={json.dumps(section)}", Path(file)


def load_agent(field: str, file: Path, kind: str | None) -> type[Agent]:
    """A class of agents from a file, which is run; ``kind`` None: the only one written there.

    ``field`` is what errors are said of.
    """
    module = _run(field, file)
    own = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == module.__name__
    }
    agents = {name: value for name, value in own.items() if issubclass(value, Agent)}
    allowed = f"a class of ScalarAgent or Agent written in {file}: {', '.join(agents) or 'none is'}"
    if kind is None:
        if len(agents) != 1:
            raise InputError(f"{field} = {file}: says not which agent; allowed: {allowed}")
        (kind,) = agents
    if kind not in agents:
        raise InputError(f"{field} = {kind}: no such agent; allowed: {allowed}")
    return agents[kind]


def _run(field: str, file: Path) -> ModuleType:
    """The module that a file is, run anew; its name is its file's, so that workers agree."""
    try:
        source = file.read_bytes()
    except OSError as error:
        raise InputError(
            f"{field} = {file}: cannot be read: {error.strerror or error}; allowed: a Python file"
        ) from None
    place = hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:8]
    spec = importlib.util.spec_from_loader(f"{file.stem}_{place}", None, origin=str(file))
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    module.__file__ = str(file)
    sys.modules[spec.name] = module  # where dataclasses and pickle look for it
    try:
        exec(compile(source, str(file), "exec"), vars(module))
    except (Exception, SystemExit) as error:  # the user's code may raise anything
        line = _line_of(error, str(file))
        raise InputError(
            f"{field} = {file}: {line}{type(error).__name__}: {error}; allowed: a Python file that "
            "runs"
        ) from error
    return module


def _line_of(error: BaseException, file: str) -> str:
    """The last line of the file that was being run, as the beginning of a sentence."""
    found = error.lineno if isinstance(error, SyntaxError) else None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            found = trace.tb_lineno
        trace = trace.tb_next
    return "" if found is None else f"line {found}: "


def _made(config: Config, name: str, section: CustomAgent, trust: Trust) -> Agent:
    field, file = f"agents.custom.{name}", Path(section.file)
    if not _is_trusted(file, trust):
        raise InputError(
            f"{field}.file = {file}: Python code, which a configuration alone does not run; "
            "allowed: with --trust (Python: trust=True) once you know what it does, or "
            f"--agent {file}"
        )
    kind = load_agent(f"{field}.file" if section.agent is None else f"{field}.agent", file,
                      section.agent)  # fmt: skip
    given = _parameters(f"{field}.parameters", kind, section.parameters)
    try:
        agent = kind(**given)
    except (Exception, SystemExit) as error:  # the user's code may raise anything
        raise InputError(
            f"{field}.parameters: {kind.__name__} refuses them: {type(error).__name__}: {error}"
        ) from error
    agent.slot = _slot(config, name, section, kind)
    return agent


def _is_trusted(file: Path, trust: Trust) -> bool:
    if isinstance(trust, bool):
        return trust
    return file.resolve() in {Path(known).resolve() for known in trust}


def _parameters(field: str, kind: type[Agent], given: dict[str, Any]) -> dict[str, Any]:
    """What is given, held against what the class takes."""
    taken = inspect.signature(kind).parameters
    for name, value in given.items():
        if name not in taken:
            raise InputError(
                f"{field}.{name} = {value}: no parameter of {kind.__name__}; allowed: "
                f"{', '.join(taken) or 'none'}"
            )
        annotation = taken[name].annotation
        wanted = getattr(annotation, "__name__", annotation)
        allowed = _KINDS.get(wanted)
        # To Python true and false are the numbers 1 and 0.
        fits = allowed is None or (
            isinstance(value, allowed) and (wanted == "bool") == isinstance(value, bool)
        )
        if not fits:
            raise InputError(f"{field}.{name} = {value!r}: allowed: {wanted}")
    for name, parameter in taken.items():
        variadic = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if parameter.default is parameter.empty and name not in given and not variadic:
            raise InputError(f"{field}.{name}: missing; {kind.__name__} has no default for it")
    return {
        name: float(value)
        if getattr(taken[name].annotation, "__name__", taken[name].annotation) == "float"
        else value
        for name, value in given.items()
    }


def _slot(config: Config, name: str, section: CustomAgent, kind: type[Agent]) -> AgentSlot:
    """Its name and money: what the configuration says, else what the class says."""
    says = (section.usdc, section.base, section.margin)
    if kind.slot is None and all(value is None for value in says):
        raise InputError(
            f"agents.custom.{name}: has no money; allowed: usdc, base or margin here, or `slot = "
            f"AgentSlot(name, usdc, base, has_account)` in {kind.__name__}"
        )
    slot = replace(kind.slot or AgentSlot(name, 0.0, 0.0, has_account=False), name=name)
    if section.usdc is not None:
        slot = replace(slot, usdc=section.usdc)
    if section.base is not None:
        slot = replace(slot, base=section.base)
    if section.latency_blocks is not None:
        slot = replace(slot, latency_blocks=section.latency_blocks)
    if section.margin is not None:
        from simulator.config.resolve import basket

        margin = tuple(section.margin.get(symbol, 0.0) for symbol in basket(config))
        slot = replace(slot, has_account=True, margin=margin)
    return slot


def _snake(name: str) -> str:
    """``DipBuyer``: dip_buyer."""
    parts = ["_" + letter.lower() if letter.isupper() else letter for letter in name]
    return "".join(parts).lstrip("_").replace("__", "_")
