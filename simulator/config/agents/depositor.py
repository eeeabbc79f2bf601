"""What is written of the depositors."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from simulator.config.agents.actor import Actor, Tokens


class Depositor(Actor):
    """All depositors: deposit at the start, flow as ``flow.deposits`` draws, run from a loss."""

    named: ClassVar = {
        "depositor": "deposits into and redeems from the vault",
    }

    usdc: Tokens = Field(default=10e6, description="wallet at the start, USDC")
    initial_deposit: float = Field(
        default=2e6, gt=0, le=1e15, description="deposit at step 0, USDC"
    )
    run_from: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="loss of a share from its highest price at which the first run, fraction; 1: "
        "nobody looks",
    )
    run_to: float = Field(
        default=1.0, gt=0, le=1, description="loss at which the last have run, fraction"
    )
    exit_in_kind: bool = Field(
        default=False,
        description="whether they leave with a slice of everything while the oracle is stale",
    )
