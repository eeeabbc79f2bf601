"""The in-process EVM (pyrevm 0.3.7), the default transport.

What pyrevm does, as measured and read in its source:

* ``message_call`` runs on one never-finalised journal: success changes the state at once, a revert
  undoes itself and raises RuntimeError whose text holds the revert data. Nothing else carries it:
  an ExecutionResult has only a reason word.
* ``commit`` without a matching ``snapshot`` makes the call depth wrap around (every later call
  halts with CallTooDeep), so it is never called here.
* It does not raise the caller's nonce (``deploy`` does), takes no fee and needs no balance.
* The journal keeps every entry, those of static calls included, so memory grows with work. A call
  between ``snapshot`` and ``revert`` leaves nothing behind, and costs the same.
* A caller that has code is refused (EIP-3607).
* Addresses stay warm and original storage values stay those of the start, so ``gas_used`` is lower
  than on a chain with separate transactions: never read gas from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pyrevm

from simulator.chain.deploy.artifacts import CODE_SIZE_LIMIT, EVM_VERSION
from simulator.chain.evm.codec import Reverted
from simulator.chain.evm.transport import Transport
from simulator.types import SimulatorError

if TYPE_CHECKING:
    from collections.abc import Sequence

CHAIN_ID = 31_337
# Calls that only look (a quote that drains a pool) may cost more than a block; what transactions
# cost is measured on a node, see above.
GAS_LIMIT = 2**40

_OBSERVER = "0x" + "00" * 20
_REVERT = "Revert {"
_OUTPUT = "output: 0x"


class Transaction(NamedTuple):
    """One recorded transaction; ``to`` None creates a contract, a view's sender is nobody."""

    time: int
    sender: str
    to: str | None
    data: bytes


class _Snapshot(NamedTuple):
    """Where to go back to: the journal, the last transaction's result, how many were recorded."""

    checkpoint: Any
    result: pyrevm.ExecutionResult | None
    recorded: int


class ExecutionError(SimulatorError, RuntimeError):
    """The EVM stopped for another reason than a revert (out of gas, invalid code): a bug."""


class RevmTransport(Transport):
    """One EVM in this process. ``record`` keeps every transaction for :func:`replay`."""

    def __init__(self, *, record: bool = False) -> None:
        self.evm = _new_evm()
        self.transactions: list[Transaction] | None = [] if record else None
        self._time = 1
        self._result: pyrevm.ExecutionResult | None = None  # of the last transaction, if calls came

    def account(self, name: str) -> str:
        """Any address can send here: the last 20 bytes of the name's hash."""
        from eth_utils import keccak

        return "0x" + keccak(text=name)[12:].hex()

    def deploy(self, sender: str, code: bytes) -> str:
        """See :meth:`Transport.deploy`."""
        if self.transactions is not None:
            self.transactions.append(Transaction(self._time, sender, None, code))
        self._result = None
        try:
            return str(self.evm.deploy(sender, code))
        except RuntimeError as error:
            raise _translate(error) from None

    def transact(self, sender: str, to: str, data: bytes) -> bytes:
        """See :meth:`Transport.transact`."""
        if self.transactions is not None:
            self.transactions.append(Transaction(self._time, sender, to, data))
        self._result = None
        try:
            return self.evm.message_call(sender, to, data)
        except RuntimeError as error:
            raise _translate(error) from None

    def last_log(self, address: str, topic: bytes = b"") -> bytes:
        """See :meth:`Transport.last_log`."""
        result = self._result or self.evm.result
        for log in reversed(result.logs if result else []):
            topics, data = log.data
            # pyrevm gives checksummed addresses.
            if log.address.lower() == address and (not topic or topics[0] == topic):
                return data
        raise KeyError(address)

    def call(self, to: str, data: bytes) -> bytes:
        """See :meth:`Transport.call`."""
        if self._result is None:
            self._result = self.evm.result  # which the call is about to replace
        checkpoint = self.evm.snapshot()
        try:
            return self.evm.message_call(_OBSERVER, to, data)
        except RuntimeError as error:
            raise _translate(error) from None
        finally:
            self.evm.revert(checkpoint)

    def snapshot(self) -> _Snapshot:
        """See :meth:`Transport.snapshot`."""
        if self._result is None:
            self._result = self.evm.result  # which the next transaction is about to replace
        recorded = 0 if self.transactions is None else len(self.transactions)
        return _Snapshot(self.evm.snapshot(), self._result, recorded)

    def revert(self, snapshot: _Snapshot) -> None:
        """See :meth:`Transport.revert`."""
        self.evm.revert(snapshot.checkpoint)
        self._result = snapshot.result
        if self.transactions is not None:
            del self.transactions[snapshot.recorded :]

    def set_time(self, timestamp: int) -> None:
        """See :meth:`Transport.set_time`."""
        self._time = timestamp
        _set_time(self.evm, timestamp)

    def time(self) -> int:
        """See :meth:`Transport.time`."""
        return self._time

    def nonce(self, address: str) -> int:
        """See :meth:`Transport.nonce`."""
        return int(self.evm.basic(address).nonce)

    def code(self, address: str) -> bytes:
        """See :meth:`Transport.code`."""
        return bytes(self.evm.get_code(address) or b"").rstrip(b"\0")

    def fork(self, transactions: Sequence[Transaction], *, record: bool = False) -> RevmTransport:
        """A new EVM that has executed ``transactions``: how a deployment is copied to a path."""
        copy = RevmTransport(record=record)
        _execute(copy.evm, transactions)
        if transactions:
            copy.set_time(transactions[-1].time)
        return copy


def replay(genesis: Sequence[Transaction], record: Sequence[Transaction]) -> float:
    """Seconds of CPU raw pyrevm takes to execute a record after ``genesis``, which is not timed.

    Nothing but ``message_call`` and the block time: what any use of pyrevm must cost at least.
    """
    from time import process_time

    evm = _new_evm()
    _execute(evm, genesis)
    start = process_time()
    _execute(evm, record)
    return process_time() - start


def _execute(evm: pyrevm.EVM, transactions: Sequence[Transaction]) -> None:
    now = None
    for time, sender, to, data in transactions:
        if time != now:
            now = time
            _set_time(evm, time)
        try:
            if to is None:
                evm.deploy(sender, data)
            else:
                evm.message_call(sender, to, data)
        except RuntimeError as error:
            if not str(error).startswith(_REVERT):  # a refusal is part of the record
                raise


def _new_evm(code_size_limit: int = CODE_SIZE_LIMIT) -> pyrevm.EVM:
    limits = pyrevm.CfgEnv(chain_id=CHAIN_ID, limit_contract_code_size=code_size_limit)
    return pyrevm.EVM(env=pyrevm.Env(cfg=limits), gas_limit=GAS_LIMIT, spec_id=EVM_VERSION.upper())


def _set_time(evm: pyrevm.EVM, timestamp: int) -> None:
    evm.set_block_env(pyrevm.BlockEnv(number=1, timestamp=timestamp, gas_limit=GAS_LIMIT))


def _translate(error: RuntimeError) -> SimulatorError:
    text = str(error)
    if not text.startswith(_REVERT):
        return ExecutionError(text)
    start = text.index(_OUTPUT) + len(_OUTPUT)
    return Reverted(bytes.fromhex(text[start : text.index(" ", start)]))
