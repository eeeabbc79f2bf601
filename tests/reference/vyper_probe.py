"""Vyper sources given as text: they can call internal functions of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.chain.deploy.artifacts import compiled
from simulator.chain.evm.codec import Contract, encode_constructor

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.chain.evm.revm import RevmTransport


def deploy_source(chain: RevmTransport, source: str, directory: Path) -> Contract:
    """A source given as text, deployed; ``directory``: an empty one for its file."""
    path = directory / "Probe.vy"
    path.write_text(source, encoding="utf-8")
    artifact = compiled(path)
    address = chain.deploy(chain.account("deployer"), encode_constructor(artifact))
    return Contract(artifact, address, chain)
