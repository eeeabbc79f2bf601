"""What the chain world needs of an EVM, wherever it runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class Transport(ABC):
    """One chain with one state. Addresses are checksum-free hexadecimal strings with ``0x``."""

    @abstractmethod
    def account(self, name: str) -> str:
        """Address of a named account this transport can send from; always the same for a name."""

    @abstractmethod
    def deploy(self, sender: str, code: bytes) -> str:
        """Create a contract from creation code; its address. Raises ``Reverted``."""

    @abstractmethod
    def transact(self, sender: str, to: str, data: bytes) -> bytes:
        """Send a transaction; its return data. ``Reverted`` leaves the state as it was."""

    @abstractmethod
    def last_log(self, address: str, topic: bytes = b"") -> bytes:
        """Data of the last event ``address`` emitted in the last transaction; KeyError if none.

        ``topic``: the first of the event (32 bytes), which tells events of a contract apart; empty:
        whichever it was.
        """

    @abstractmethod
    def call(self, to: str, data: bytes) -> bytes:
        """Return data of a call on the state and time now, which leaves no trace (``eth_call``)."""

    @abstractmethod
    def snapshot(self) -> Any:
        """All of the chain as it is now, for :meth:`revert`."""

    @abstractmethod
    def revert(self, snapshot: Any) -> None:
        """Return to a :meth:`snapshot`, once: what was sent since leaves no trace.

        Snapshots are returned to in the reverse order of being taken, at the block time they were
        taken at.
        """

    @abstractmethod
    def set_time(self, timestamp: int) -> None:
        """Block time, seconds since 1970, of what follows."""

    @abstractmethod
    def time(self) -> int:
        """Block time now, seconds since 1970."""

    @abstractmethod
    def nonce(self, address: str) -> int:
        """Nonce the account's next transaction will have."""

    @abstractmethod
    def code(self, address: str) -> bytes:
        """Runtime code at an address; empty when there is none."""

    def close(self) -> None:  # noqa: B027 - most hold nothing
        """Release what the transport holds."""


def created_address(sender: str, nonce: int) -> str:
    """Contract ``sender`` creates with ``nonce``: keccak(rlp([sender, nonce]))[12:]."""
    import rlp
    from eth_utils import keccak

    return "0x" + keccak(rlp.encode([bytes.fromhex(sender[2:]), nonce]))[12:].hex()
