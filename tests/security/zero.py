"""Calls with every argument zero, or one, made and undone: what is refused before it is read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from simulator.chain.deploy.artifacts import Artifact
from simulator.chain.evm.codec import Contract, Reverted, reason
from simulator.chain.evm.revm import RevmTransport

Entry = dict[str, Any]


def functions(artifact: Artifact, *, views: bool = False) -> list[Entry]:
    """Entries of the functions that write, or of the views."""
    return [
        entry
        for entry in artifact.abi
        if entry["type"] == "function" and (entry["stateMutability"] in ("view", "pure")) == views
    ]


def plain(entry: Entry, number: int = 0) -> Any:
    """The value of an ABI type that is ``number``, 0 or 1, in every word; free lengths are 0."""
    kind: str = entry["type"]
    if array := re.fullmatch(r"(.*)\[(\d*)\]", kind):
        return [plain(entry | {"type": array[1]}, number)] * int(array[2] or 0)
    if kind == "tuple":
        return tuple(plain(component, number) for component in entry["components"])
    if kind.startswith("bytes"):
        return bytes(int(kind[5:] or 0))
    others = {"address": f"0x{number:040x}", "bool": bool(number), "string": ""}
    return others.get(kind, number)


def arguments(entry: Entry, number: int = 0) -> list[Any]:
    """Arguments of a function, all of them ``number``."""
    return [plain(argument, number) for argument in entry["inputs"]]


def answer(
    chain: RevmTransport,
    sender: str,
    contract: Contract,
    entry: Entry,
    given: Sequence[Any] | None = None,
) -> str:
    """Why a call (of zeros by default) is refused, empty when it is not. Nothing is changed."""
    data = contract.calldata(entry["name"], *(arguments(entry) if given is None else given))
    checkpoint = chain.evm.snapshot()
    try:
        chain.evm.message_call(sender, contract.address, data)
    except RuntimeError:
        chain.evm.revert(checkpoint)
        return _why(chain, sender, contract, data)
    chain.evm.revert(checkpoint)
    return ""


def _why(chain: RevmTransport, sender: str, contract: Contract, data: bytes) -> str:
    try:
        chain.transact(sender, contract.address, data)  # reverts again, in words
    except Reverted as reverted:
        return reason(reverted.data)
    raise AssertionError("a refusal that does not last")
