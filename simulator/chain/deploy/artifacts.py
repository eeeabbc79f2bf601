"""ABI and bytecode of every contract: ours compiled by vyper, third-party from the npm packages.

Ours are compiled once per content of a source and all it imports and kept in ``.build/vyper``, with
the settings ape takes from ``ape-config.yaml`` (optimiser ``gas``, EVM ``cancun``), so the bytecode
is the one ``ape compile`` gives. A cache keyed by content cannot be stale, which ape's own manifest
can. ``HEDGESIM_CONTRACTS`` names another folder to take ``contracts/`` from: planted bugs
(``scripts/mutants.py``) are tested that way.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from simulator.types import MachineError

ROOT = Path(__file__).resolve().parents[3]
SOURCES = Path(os.environ.get("HEDGESIM_CONTRACTS", ROOT))
CONTRACTS = SOURCES / "contracts"
EVM_VERSION = "cancun"
# EIP-170. Planted bugs are compiled without optimisation, which is quicker and gives more code.
CODE_SIZE_LIMIT = 24_576 if SOURCES == ROOT else 2**17

_IMPORT = re.compile(r"^from (contracts\.\w+|\.) import (\w+)", re.MULTILINE)
_OUTPUTS = ("abi", "bytecode", "bytecode_runtime", "layout")
_CACHE = ROOT / ".build" / "vyper"
_UNISWAP = "node_modules/@uniswap"
_THIRD_PARTY = {
    "UniswapV3Factory": f"{_UNISWAP}/v3-core/artifacts/contracts/UniswapV3Factory.sol",
    "UniswapV3Pool": f"{_UNISWAP}/v3-core/artifacts/contracts/UniswapV3Pool.sol",
    "SwapRouter": f"{_UNISWAP}/v3-periphery/artifacts/contracts/SwapRouter.sol",
    "NonfungiblePositionManager": (
        f"{_UNISWAP}/v3-periphery/artifacts/contracts/NonfungiblePositionManager.sol"
    ),
    "Quoter": f"{_UNISWAP}/v3-periphery/artifacts/contracts/lens/Quoter.sol",
    "ERC20PresetMinterPauser": "node_modules/@openzeppelin/contracts/build/contracts",
}


class ArtifactError(MachineError, FileNotFoundError):
    """A contract that is not installed or does not exist: names the file and what makes it."""


@dataclass(frozen=True, eq=False)
class Artifact:
    """A compiled contract: ABI as JSON, creation code and runtime code (before immutables).

    ``slots``: storage slot of each state variable by name; empty for third-party contracts.
    """

    name: str
    abi: list[dict[str, Any]]
    bytecode: bytes
    runtime: bytes
    slots: Mapping[str, int] = field(default_factory=dict)


@cache
def load(name: str) -> Artifact:
    """The artifact of a contract by name; raises :class:`ArtifactError` when it cannot be had."""
    return _third_party(name) if name in _THIRD_PARTY else _own(name)


def is_cold() -> bool:
    """Whether a contract of ours has to be compiled before it can be deployed."""
    return not (_CACHE.is_dir() and any(_CACHE.glob("HedgeVault-*.json")))


def _third_party(name: str) -> Artifact:
    path = ROOT / _THIRD_PARTY[name] / f"{name}.json"
    if not path.is_file():
        raise ArtifactError(f"{path} is missing: run `make setup` to install the npm packages")
    text = json.loads(path.read_text(encoding="utf-8"))
    return Artifact(
        name,
        text["abi"],
        bytes.fromhex(text["bytecode"].removeprefix("0x")),
        bytes.fromhex(text["deployedBytecode"].removeprefix("0x")),
    )


def _own(name: str) -> Artifact:
    source = CONTRACTS / f"{name}.vy"
    if not source.is_file():
        raise ArtifactError(f"{source} is missing: no contract is called {name!r}")
    return compiled(source)


def compiled(source: Path, root: Path = SOURCES) -> Artifact:
    """The artifact of a Vyper file, whose imports of ``contracts`` are found below ``root``."""
    cached = _CACHE / f"{source.stem}-{_fingerprint(source, root)}.json"
    if not cached.is_file():
        _write(cached, _compile(source, root))
    text = json.loads(cached.read_text(encoding="utf-8"))
    return Artifact(
        source.stem,
        text["abi"],
        bytes.fromhex(text["bytecode"]),
        bytes.fromhex(text["runtime"]),
        text["slots"],
    )


def _fingerprint(source: Path, root: Path) -> str:
    """Hash of a source, of all it imports, and of the compiler."""
    digest = hashlib.sha256(f"{version('vyper')} {EVM_VERSION} {_OUTPUTS}".encode())
    for path in sorted(closure(source, root)):
        name = path.relative_to(root) if path.is_relative_to(root) else Path(path.name)
        digest.update(name.as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def closure(source: Path, root: Path = SOURCES) -> set[Path]:
    """``source`` and the files it imports, directly or not."""
    seen, waiting = set(), [source]
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            waiting += _imports(path, root)
    return seen


def _imports(source: Path, root: Path) -> Iterator[Path]:
    for package, name in _IMPORT.findall(source.read_text(encoding="utf-8")):
        folder = source.parent if package == "." else root / package.replace(".", "/")
        candidates = (folder / f"{name}{suffix}" for suffix in (".vy", ".vyi"))
        yield from (path for path in candidates if path.exists())


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no garbage while the compiler's trees grow, all in use: a quarter of its time."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _compile(source: Path, root: Path) -> dict[str, Any]:
    from vyper.cli.vyper_compile import compile_files
    from vyper.compiler.settings import Settings
    from vyper.exceptions import VyperException

    with uncollected():
        try:
            outputs = compile_files(
                [str(source)],
                list(_OUTPUTS),
                paths=[str(root), str(root / "contracts")],
                settings=Settings(evm_version=EVM_VERSION),
                # It warns of sizes, for which there is a test, and of StorageReader's one array.
                warnings_control="none",
            )
        except VyperException as error:
            raise MachineError(f"vyper cannot compile {source}: {error}") from error
    (output,) = outputs.values()
    return {
        "abi": output["abi"],
        "bytecode": output["bytecode"].removeprefix("0x"),
        "runtime": output["bytecode_runtime"].removeprefix("0x"),
        "slots": _slots(output["layout"].get("storage_layout", {})),
    }


def _slots(layout: dict[str, Any]) -> dict[str, int]:
    """Storage slots by variable name; a module's variables stand one level deeper."""
    found: dict[str, int] = {}
    for name, entry in layout.items():
        found |= {name: entry["slot"]} if "slot" in entry else _slots(entry)
    return found


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps(content), encoding="utf-8")
    temporary.replace(path)
