"""What is declared of an action beside its fields, so that nobody else has to list it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Role(IntEnum):
    """What an action is to the vault."""

    KEEPER = 0  # permissionless, pays the keeper's reward
    LIQUIDATION = 1  # of an account, or of a loan
    EXIT = 2  # out of the vault
    ENTRY = 3  # into the vault
    QUEUE = 4  # moves shares alone
    POST = 5  # what a risk manager posts
    TRADE = 6  # at the pool or the venue, with the actor's own money
    OUTSIDE = 7  # liquidation at a market where the vault has nothing


class Worth(IntEnum):
    """What of a fill a liquidation is worth."""

    NOTHING = 0  # it is none
    SIZE = 1  # ``amount_in`` base units of the market's asset
    USDC_IN = 2  # ``amount_in`` USDC
    USDC_OUT = 3  # ``amount_out`` USDC
    REPAID = 4  # ``amount_in`` tokens of the listing that is repaid


@dataclass(frozen=True)
class ActionSpec:
    """Declaration of an action.

    Attributes:
        role: What it is to the vault.
        contract: The contract that carries it out, whose ABI has the functions.
        functions: What is called there; two where the sign of the amount chooses: positive first,
            or whether what it is about is there already: where it is not first.
        gas: Units a call costs its actor, in both worlds; measured on the real contracts by
            ``tests/chain/test_gas_schedule.py``.
        fill: What ``Fill.amount_in`` and ``Fill.amount_out`` are, whole units; zero where nothing
            was done.
        called: What people call it.
        signed: Whether its amount has a sign.
        of_account: Whether the venue settles it with the actor's margin account.
        sender: Role of :class:`~simulator.chain.deploy.addresses.Roles` that sends it, whichever
            agent decides; "": the actor.
        task: What a keeper does by it, as the columns on the vault's upkeep begin.
        counted: Column of how often it went through to the vault; "": not counted.
        counts: What that column is.
        seizes: What of the vault a liquidation takes, as the end of a sentence.
        worth: What of its fill a liquidation is worth.
    """

    role: Role
    contract: str
    functions: tuple[str, ...]
    gas: int
    fill: tuple[str, str]
    called: str
    signed: bool = False
    of_account: bool = False
    sender: str = ""
    task: str = ""
    counted: str = ""
    counts: str = ""
    seizes: str = ""
    worth: Worth = Worth.NOTHING

    def __post_init__(self) -> None:
        """A keeper function has a task and is counted, and what is counted says what that is."""
        if bool(self.counted) != bool(self.counts):
            raise ValueError(f"{self.called}: counted and counts come together")
        if (self.role is Role.KEEPER) != bool(self.task):
            raise ValueError(f"{self.called}: keeper functions, and they alone, have a task")
        if (self.role in (Role.LIQUIDATION, Role.OUTSIDE)) != bool(self.worth):
            raise ValueError(f"{self.called}: liquidations, and they alone, are worth something")
