"""What is written of an agent of one's own."""

from __future__ import annotations

from pydantic import Field

from simulator.config.agents.actor import LATENCY, Latency, Tokens
from simulator.config.section import Section, Symbol


class CustomAgent(Section):
    """An agent of one's own, written in a Python file, which is run (docs/agents.md)."""

    file: str = Field(
        min_length=1, description="Python file it is written in, relative to this one (text)"
    )
    agent: str | None = Field(
        default=None, description="its class (text); null: the only one written in the file"
    )
    usdc: Tokens | None = Field(
        default=None, description="wallet at the start, USDC; null: as its class says, or none"
    )
    base: Tokens | None = Field(
        default=None,
        description="wallet at the start, whole base tokens; null: as its class says, or none",
    )
    margin: dict[Symbol, Tokens] | None = Field(
        default=None,
        description="collateral posted at the start, whole tokens by asset; null: as its class "
        "says, or no margin account",
    )
    latency_blocks: Latency | None = Field(
        default=None, description=f"{LATENCY}; null: as its class says, or none"
    )
    parameters: dict[str, bool | int | float] = Field(
        default_factory=dict, description="its parameters by name: numbers, true or false"
    )
