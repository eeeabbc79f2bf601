"""Vyper sources of tests, compiled as ours are: they can call internal functions of ours."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.world.chain.artifacts import CONTRACTS, EVM_VERSION, Artifact
from simulator.world.chain.codec import Contract, encode_constructor

if TYPE_CHECKING:
    from simulator.world.chain.revm import RevmTransport


@cache
def compile_source(path: Path) -> Artifact:
    """A source file; what it imports of ``contracts`` is ours."""
    from vyper.cli.vyper_compile import compile_files
    from vyper.compiler.settings import Settings

    (output,) = compile_files(
        [str(path)],
        ["abi", "bytecode"],
        paths=[str(CONTRACTS.parent), str(path.parent)],
        settings=Settings(evm_version=EVM_VERSION),
    ).values()
    code = bytes.fromhex(output["bytecode"].removeprefix("0x"))
    return Artifact(path.stem, output["abi"], code, b"")


def deploy_source(chain: RevmTransport, source: str, directory: Path) -> Contract:
    """A source given as text, deployed; ``directory``: an empty one for its file."""
    path = directory / "Probe.vy"
    path.write_text(source, encoding="utf-8")
    artifact = compile_source(path)
    address = chain.deploy(chain.account("deployer"), encode_constructor(artifact))
    return Contract(artifact, address, chain)
