"""What a run's outcome depends on, as digests. Same digests, same chunks.

Three parts, each by itself: the market that is drawn, the protocol and the agents on it, the code.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.config.market_settings import MarketSettings
from simulator.config.shocks import is_drawn
from simulator.market.files.sources import paths
from simulator.runner import agent_code
from simulator.types import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from simulator.agents.base import Agent
    from simulator.config import Config

_PACKAGE = Path(__file__).resolve().parents[1]
#: Fields of a configuration that are the market's; the horizon is there as its steps.
_MARKET = {field.name for field in fields(MarketSettings)} | {"horizon_hours"}


def of_market(config: Config) -> str:
    """SHA-256 (hex) of all that market paths depend on, contents of files too.

    Raises:
        InputError: a file cannot be read.
    """
    return _of(config.market.digest(), of_files(config))


def of_protocol(config: Config, world: str, agents: Sequence[Agent], record: int) -> str:
    """SHA-256 (hex) of what is simulated on the market's paths, and of how much of it is kept."""
    beside = config.model_dump_json(exclude=_MARKET)
    added = [of_agent(agent) for agent in agents]
    undrawn = [shock.model_dump_json() for shock in config.shocks if not is_drawn(shock)]
    return _of(world, record, added, beside, config.market.undrawn(), undrawn)


def _of(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def of_files(config: Config) -> dict[str, str]:
    """SHA-256 (hex) of the contents of every file the configuration names, by name as written.

    Raises:
        InputError: a file cannot be read.
    """
    digests = {}
    for name in (str(path) for written in config.files for path in paths(written)):
        try:
            with Path(name).open("rb") as file:
                digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise InputError(
                f"prices = {name}: cannot be read: {error.strerror or error}"
            ) from None
    return digests


def refuse_changes(config: Config, before: dict[str, str]) -> None:
    """Hold the files of a configuration against the digests they had ``before``.

    Raises:
        InputError: a file changed, so that some paths may have been drawn from other prices.
    """
    for name, digest in of_files(config).items():
        if before.get(name) != digest:
            raise InputError(f"prices = {name}: changed during the run; give the command again")


def refuse_other_code(world: str, before: str) -> None:
    """Hold the code against the digest it had ``before``.

    Raises:
        InputError: it changed, so that chunks of a run would come from two versions of it.
    """
    if of_code(world) != before:
        raise InputError(
            "code: hedgesim's own files changed during the run; give the command again, which "
            "begins it anew"
        )


def of_code(world: str) -> str:
    """SHA-256 (hex) of this package's sources and, for the chain world, of the contracts'.

    What npm installed is not in it: its versions are pinned.
    """
    folders = [(_PACKAGE, "*.py")]
    if world == "chain":
        from simulator.chain.deploy.artifacts import CONTRACTS

        folders.append((CONTRACTS, "*.vy*"))
    return _of_contents(
        (file.relative_to(folder).as_posix(), file)
        for folder, pattern in folders
        for file in sorted(folder.rglob(pattern))
    )


def of_agent(agent: Agent) -> str:
    """SHA-256 (hex) of a user's agent: its classes, the code they can look at, its attributes.

    Where that cannot be told, no two are the same: such a run is simulated anew rather than resumed
    with what may be another agent.
    """
    return agent_code.digest(agent) or uuid.uuid4().hex


def _of_contents(files: Iterable[tuple[str, Path]]) -> str:
    """SHA-256 (hex) of names and contents together, told apart by a NUL and the size in bytes."""
    digest = hashlib.sha256()
    for name, file in files:
        content = file.read_bytes()
        digest.update(name.encode() + b"\0" + content + len(content).to_bytes(8, "big"))
    return digest.hexdigest()
