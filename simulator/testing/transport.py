"""What every Transport must do: the laws of :class:`~simulator.chain.evm.transport.Transport`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from simulator.chain.evm.codec import Reverted, encode_error, words
from simulator.chain.evm.transport import created_address
from simulator.testing.assembly import (
    CALLER,
    CLOCK,
    CREATION,
    LOGGED,
    PROBE,
    READ,
    REFUSE,
    STORE,
    refusing,
)
from simulator.testing.expect import same

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.chain.evm.transport import Transport

_REASON = encode_error("suite: refused, and said so in more than one word of thirty-two bytes")
_LATER = 1_000  # seconds


class TransportSuite(ABC):
    """Subclass it, named ``Test…``, with ``make``.

    ``exact_time``: whether transactions of one step share its block time; otherwise a later one may
    have a later time, never an earlier one.
    """

    exact_time = True

    @abstractmethod
    def make(self) -> Transport:
        """A transport; another one each time, or again to the same node."""

    def test_a_name_is_always_the_same_account(self) -> None:
        """And two names are two accounts, addresses lower-case hexadecimal."""
        first, again = self.make(), self.make()
        alice = first.account("suite alice")
        same(first.account("suite alice"), alice, "account of a name, asked again")
        same(again.account("suite alice"), alice, "account of a name, of another transport")
        assert first.account("suite bob") != alice, "two names have one account"
        same(alice, "0x" + bytes.fromhex(alice[2:]).hex(), "an address")
        same(len(alice), 42, "characters of an address")

    def test_a_contract_is_created_where_the_nonce_says(self) -> None:
        """With its code, and there only."""
        chain = self.make()
        sender = chain.account("suite deployer")
        nonce = chain.nonce(sender)
        expected = created_address(sender, nonce)
        same(chain.code(expected), b"", "code before there is any")
        same(chain.deploy(sender, CREATION), expected, "address of the contract")
        same(chain.code(expected), PROBE, "its code")
        same(chain.nonce(sender), nonce + 1, "nonce after a deployment")

    def test_a_transaction_answers_and_lasts(self) -> None:
        """Its return data is what the contract returned; calls see what it stored."""
        chain, sender, probe = self._stage()
        for value in (7, 2**255 + 3):
            same(chain.transact(sender, probe, words(STORE, value)), words(value), "answer")
            same(chain.call(probe, words(READ)), words(value), "what is stored")

    def test_the_contract_sees_who_sends(self) -> None:
        """Each account is its own sender."""
        chain, _, probe = self._stage()
        for name in ("suite alice", "suite bob"):
            sender = chain.account(name)
            answer = chain.transact(sender, probe, words(CALLER))
            same(answer, words(int(sender, 16)), f"sender as the contract sees {name}")

    def test_a_call_leaves_no_trace(self) -> None:
        """Whatever it stores, and whether it is refused."""
        chain, sender, probe = self._stage()
        chain.transact(sender, probe, words(STORE, 7))
        nonce = chain.nonce(sender)
        same(chain.call(probe, words(STORE, 8)), words(8), "answer of a call")
        same(_refusal(lambda: chain.call(probe, words(REFUSE, 9) + _REASON)), _REASON, "reason")
        same(chain.call(probe, words(READ)), words(7), "what is stored after calls")
        same(chain.nonce(sender), nonce, "nonce after calls")
        same(int.from_bytes(chain.last_log(probe), "big"), 7, "last log after calls")

    def test_what_is_taken_back_leaves_no_trace(self) -> None:
        """Of several transactions, of none, and of one within another."""
        chain, sender, probe = self._stage()
        chain.transact(sender, probe, words(STORE, 7))
        nonce, time = chain.nonce(sender), chain.time()
        outer = chain.snapshot()
        for value in (8, 9):
            chain.transact(sender, probe, words(STORE, value))
        inner = chain.snapshot()
        chain.transact(sender, probe, words(STORE, 10))
        same(int.from_bytes(chain.last_log(probe), "big"), 10, "last log before it is taken back")
        chain.revert(inner)
        same(
            chain.call(probe, words(READ)), words(9), "what is stored after the inner is taken back"
        )
        same(int.from_bytes(chain.last_log(probe), "big"), 9, "last log then")
        chain.revert(outer)
        same(chain.call(probe, words(READ)), words(7), "what is stored after all is taken back")
        same(int.from_bytes(chain.last_log(probe), "big"), 7, "last log then")
        same((chain.nonce(sender), chain.time()), (nonce, time), "nonce and time then")
        chain.revert(chain.snapshot())
        same(chain.transact(sender, probe, words(STORE, 11)), words(11), "answer afterwards")

    def test_a_refusal_carries_its_reason_and_changes_nothing(self) -> None:
        """``Reverted.data`` are the bytes the contract gave, whatever they are."""
        chain, sender, probe = self._stage()
        chain.transact(sender, probe, words(STORE, 7))
        for data in (_REASON, b"", bytes(range(1, 101))):
            asked = words(REFUSE, 9) + data
            found = _refusal(lambda asked=asked: chain.transact(sender, probe, asked))  # type: ignore[misc]
            same(found, data, "reason of a refused transaction")
            same(chain.call(probe, words(READ)), words(7), "what is stored after a refusal")
        answer = chain.transact(sender, probe, words(STORE, 8))
        same(answer, words(8), "answer of a transaction after refusals")

    def test_a_refused_deployment_says_why(self) -> None:
        """And the transport goes on."""
        chain, sender, probe = self._stage()
        found = _refusal(lambda: chain.deploy(sender, refusing(_REASON)))
        same(found, _REASON, "reason of a refused deployment")
        same(chain.transact(sender, probe, words(STORE, 3)), words(3), "answer afterwards")
        other = chain.deploy(sender, CREATION)
        same(chain.code(other), PROBE, "code of a deployment after a refused one")

    def test_the_last_log_is_of_the_last_transaction(self) -> None:
        """Of the address asked for, and of the kind; KeyError when it emitted none."""
        chain, sender, probe = self._stage()
        other = chain.deploy(sender, CREATION)
        for value in (5, 6):
            chain.transact(sender, probe, words(STORE, value))
            same(chain.last_log(probe), words(value), "data of the last log")
            same(chain.last_log(probe, words(LOGGED)), words(value), "data of the last of its kind")
        assert _has_no_log(chain, probe, words(LOGGED + 1)), "a log of a kind that was not emitted"
        assert _has_no_log(chain, other), "a log of a contract that emitted none"
        chain.transact(sender, probe, words(CALLER))
        assert _has_no_log(chain, probe), "a log of a transaction that emitted none"

    def test_time_is_what_it_was_set_to(self) -> None:
        """In ``time``, in calls and in transactions; it stays until it is set again."""
        chain, sender, probe = self._stage()
        start = chain.time()
        for seconds in (_LATER, 2 * _LATER, 2 * _LATER):
            if not self.exact_time and chain.time() >= start + seconds:
                continue
            chain.set_time(start + seconds)
            same(chain.time(), start + seconds, "time after it was set")
            seen = int.from_bytes(chain.call(probe, words(CLOCK)), "big")
            self._not_before(seen, start + seconds, "block time of a call")
            for _ in range(3):
                answer = chain.transact(sender, probe, words(CLOCK))
                seen = int.from_bytes(answer, "big")
                self._not_before(seen, start + seconds, "block time of a transaction")

    def test_two_chains_are_two(self) -> None:
        """Contracts of one stage know nothing of another's, even on one node."""
        chain, sender, probe = self._stage()
        other, other_sender, other_probe = self._stage()
        chain.transact(sender, probe, words(STORE, 11))
        other.transact(other_sender, other_probe, words(STORE, 12))
        same(chain.call(probe, words(READ)), words(11), "what is stored beside another transport")
        chain.close()
        same(other.call(other_probe, words(READ)), words(12), "after another one was closed")

    def _stage(self) -> tuple[Transport, str, str]:
        """A transport, an account that sends, the probe."""
        chain = self.make()
        sender = chain.account("suite sender")
        return chain, sender, chain.deploy(sender, CREATION)

    def _not_before(self, found: int, expected: int, what: str) -> None:
        if self.exact_time:
            same(found, expected, what)
        assert found >= expected, f"{what}: {found}; allowed: from {expected}"


def _refusal(ask: Callable[[], object]) -> bytes:
    """Revert data of what is refused."""
    try:
        answer = ask()
    except Reverted as reverted:
        return reverted.data
    raise AssertionError(f"not refused but answered: {answer!r}")


def _has_no_log(chain: Transport, address: str, topic: bytes = b"") -> bool:
    try:
        chain.last_log(address, topic)
    except KeyError:
        return True
    return False
