"""ABI encoding and decoding, and what a revert means.

Hot paths use :func:`words` and :func:`word`: static arguments are 32-byte big-endian words, so
encoding is one ``int.to_bytes`` each (several times faster than eth_abi). Deployment and other
calls made once go through :class:`Contract`, which uses eth_abi and so takes any argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.protocol.statuses import STATUS_OF_REVERT
from simulator.types import SimulatorError, UnknownRevertError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from simulator.chain.deploy.artifacts import Artifact
    from simulator.chain.evm.transport import Transport
    from simulator.types import Floats, Status

WORD = 32
MAX_UINT256 = 2**256 - 1

_ERROR_STRING = bytes.fromhex("08c379a0")  # Error(string)
_PANIC = bytes.fromhex("4e487b71")  # Panic(uint256)


class Reverted(SimulatorError):  # noqa: N818 - an outcome, not always an error
    """A call was reverted; ``data`` is what the contract returned with it."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.data = data

    def __str__(self) -> str:
        return f"reverted: {reason(self.data)}"


# ------------------------------------------------------------------------------------ static words


def words(*arguments: int) -> bytes:
    """32-byte big-endian words; negative integers in two's complement."""
    return b"".join([(a & MAX_UINT256).to_bytes(WORD, "big") for a in arguments])


def encode_with_arrays(
    before: Iterable[int], arrays: Iterable[Iterable[int]], after: Iterable[int]
) -> bytes:
    """ABI encoding of static words, then dynamic arrays of words, then static words again."""
    lists = [list(array) for array in arrays]
    head, tail = [*before], [*after]
    offset = 32 * (len(head) + len(lists) + len(tail))
    body: list[int] = []
    for array in lists:
        head.append(offset + 32 * len(body))
        body += [len(array), *array]
    return words(*head, *tail, *body)


def word(data: bytes, index: int) -> int:
    """Unsigned word ``index`` of return data."""
    return int.from_bytes(data[WORD * index : WORD * (index + 1)], "big")


def signed_word(data: bytes, index: int) -> int:
    """Signed word ``index`` of return data."""
    return int.from_bytes(data[WORD * index : WORD * (index + 1)], "big", signed=True)


def signed_words(data: list[bytes], first: int) -> Floats:
    """Signed 256-bit words from ``first`` on of equally long return data: ``[W, len(data)]``.

    Each 64-bit limb is converted with one rounding and the four are summed from the smallest, so
    the result is within one unit in the last place. A negative word is complemented first: summing
    the limbs of −1 as they stand would cancel 2²⁵⁶ against itself.
    """
    limbs = np.frombuffer(b"".join(data), dtype=">u8").reshape(len(data), -1, 4)[:, first:]
    limbs = limbs.astype(np.uint64)
    negative = limbs[..., 0] >> np.uint64(63) == 1
    limbs = np.where(negative[..., None], ~limbs, limbs)
    high, upper, middle, low = np.moveaxis(limbs.astype(np.float64), -1, 0)
    magnitude = low + middle * 2.0**64 + (upper * 2.0**128 + high * 2.0**192)
    return np.where(negative, -(magnitude + 1.0), magnitude).T


# ---------------------------------------------------------------------------------------- reverts


def reason(data: bytes) -> str:
    """Reason of revert data in words: the string of ``Error(string)``, else hexadecimal."""
    if data[:4] == _ERROR_STRING and len(data) >= 4 + 2 * WORD:
        length = int.from_bytes(data[36:68], "big")
        return data[68 : 68 + length].decode("utf-8", "replace")
    if data[:4] == _PANIC:
        return f"panic 0x{int.from_bytes(data[4:36], 'big'):02x}"
    return f"0x{data.hex()}" if data else "no reason given"


def encode_error(text: str) -> bytes:
    """Revert data of ``Error(text)``."""
    body = text.encode()
    return _ERROR_STRING + words(WORD, len(body)) + body + bytes(-len(body) % WORD)


def status_of(revert: Reverted, contract: str, function: str) -> Status:
    """Status a revert stands for; :class:`UnknownRevertError` when it is none of the refusals."""
    text = reason(revert.data)
    status = STATUS_OF_REVERT.get(text, STATUS_OF_REVERT.get(f"{contract}: {text}"))
    if status is None:
        raise UnknownRevertError(f"{contract}.{function}: {text}")
    return status


# -------------------------------------------------------------------------------------- contracts


@cache
def selector(signature: str) -> bytes:
    """First four bytes of the Keccak hash of ``name(type,…)``."""
    from eth_utils import keccak

    return bytes(keccak(text=signature)[:4])


@cache
def topic_of(contract: str, event: str) -> bytes:
    """The first topic of a contract's event: the Keccak hash of its signature."""
    from eth_utils import keccak

    from simulator.chain.deploy.artifacts import load

    (entry,) = (e for e in load(contract).abi if e["type"] == "event" and e["name"] == event)
    return bytes(keccak(text=signature_of(entry)))


def signature_of(entry: dict[str, Any]) -> str:
    """Canonical signature of a function or an event of an ABI: ``name(type,…)``."""
    return f"{entry['name']}({','.join(map(_type_of, entry['inputs']))})"


def encode_constructor(artifact: Artifact, *arguments: Any, **named: Any) -> bytes:
    """Creation code with its constructor arguments, in order or by name; structs as calldata's."""
    from eth_abi import encode

    inputs: list[dict[str, Any]] = next(
        (e["inputs"] for e in artifact.abi if e["type"] == "constructor"), []
    )
    return artifact.bytecode + encode(
        [_type_of(i) for i in inputs], in_order(inputs, arguments, named)
    )


class Contract:
    """A deployed contract behind its ABI. Overloads are told apart by the number of arguments.

    Arguments are given in order or by name; structs by their components' names, or as tuples.
    """

    def __init__(self, artifact: Artifact, address: str, transport: Transport) -> None:
        self.name = artifact.name
        self.address = address
        self._transport = transport
        self._functions = {
            (entry["name"], len(entry["inputs"])): entry
            for entry in artifact.abi
            if entry["type"] == "function"
        }

    def signature(self, name: str, arguments: int) -> str:
        """Canonical signature of a function; KeyError when the ABI has none."""
        return signature_of(self._functions[name, arguments])

    def calldata(self, name: str, /, *arguments: Any, **named: Any) -> bytes:
        """Selector and encoded arguments; TypeError where a name is not the ABI's."""
        from eth_abi import encode

        count = len(arguments) + len(named)
        inputs = self._functions[name, count]["inputs"]
        types = [_type_of(i) for i in inputs]
        values = in_order(inputs, arguments, named)
        return selector(self.signature(name, count)) + encode(types, values)

    def call(self, name: str, /, *arguments: Any, **named: Any) -> Any:
        """Static call; the one output, or a tuple of several."""
        data = self._transport.call(self.address, self.calldata(name, *arguments, **named))
        return self._decode(name, len(arguments) + len(named), data)

    def transact(self, sender: str, name: str, /, *arguments: Any, **named: Any) -> Any:
        """Transaction from ``sender``; the one output, or a tuple of several."""
        data = self.calldata(name, *arguments, **named)
        answer = self._transport.transact(sender, self.address, data)
        return self._decode(name, len(arguments) + len(named), answer)

    def _decode(self, name: str, arguments: int, data: bytes) -> Any:
        from eth_abi import decode

        outputs = self._functions[name, arguments]["outputs"]
        values = decode([_type_of(o) for o in outputs], data)
        return values[0] if len(values) == 1 else values


def in_order(
    inputs: Sequence[dict[str, Any]], arguments: Sequence[Any], named: Mapping[str, Any]
) -> list[Any]:
    """Values as eth_abi takes them, of arguments given in order, or else by name.

    Raises:
        TypeError: one by name is missing, or none of the ABI's.
    """
    values = arguments
    if named:
        names = [entry["name"] for entry in inputs]
        if arguments or named.keys() != set(names):
            raise TypeError(f"takes {', '.join(names)} by name, not {', '.join(named)}")
        values = [named[name] for name in names]
    return [_plain(entry, value) for entry, value in zip(inputs, values, strict=True)]


def _plain(entry: dict[str, Any], value: Any) -> Any:
    if entry["type"].endswith("[]"):
        element = {**entry, "type": entry["type"].removesuffix("[]")}
        return [_plain(element, one) for one in value]
    if isinstance(value, Mapping):
        return tuple(in_order(entry["components"], (), value))
    return value


def _type_of(entry: dict[str, Any]) -> str:
    if not entry["type"].startswith("tuple"):
        return str(entry["type"])
    inner = ",".join(_type_of(component) for component in entry["components"])
    return f"({inner}){entry['type'].removeprefix('tuple')}"
