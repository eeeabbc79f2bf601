"""Vyper sources given as text, so that tests can call internal functions of our modules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from simulator.world.chain.artifacts import CONTRACTS, EVM_VERSION, Artifact
from simulator.world.chain.codec import Contract, encode_constructor

if TYPE_CHECKING:
    from simulator.world.chain.revm import RevmTransport


def deploy_source(chain: RevmTransport, source: str, directory: Path) -> Contract:
    """The source as a deployed contract; ``directory``: an empty one for its file."""
    from vyper.cli.vyper_compile import compile_files
    from vyper.compiler.settings import Settings

    path = directory / "Probe.vy"
    path.write_text(source, encoding="utf-8")
    (output,) = compile_files(
        [str(path)],
        ["abi", "bytecode"],
        paths=[str(CONTRACTS.parent), str(directory)],
        settings=Settings(evm_version=EVM_VERSION),
    ).values()
    code = bytes.fromhex(output["bytecode"].removeprefix("0x"))
    artifact = Artifact(path.stem, output["abi"], code, b"")
    address = chain.deploy(chain.account("deployer"), encode_constructor(artifact))
    return Contract(artifact, address, chain)
