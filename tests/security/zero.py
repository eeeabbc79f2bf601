"""Calls with every argument zero, made and undone: what a function refuses before it looks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from simulator.world.chain.artifacts import Artifact
from simulator.world.chain.codec import Contract, Reverted, reason
from simulator.world.chain.revm import RevmTransport

Entry = dict[str, Any]


def functions(artifact: Artifact, *, views: bool = False) -> list[Entry]:
    """Entries of the functions that write, or of the views."""
    return [
        entry
        for entry in artifact.abi
        if entry["type"] == "function" and (entry["stateMutability"] in ("view", "pure")) == views
    ]


def zero(entry: Entry) -> Any:
    """The zero of an ABI type; an empty list where the length is free."""
    kind: str = entry["type"]
    if array := re.fullmatch(r"(.*)\[(\d*)\]", kind):
        return [zero(entry | {"type": array[1]})] * int(array[2] or 0)
    if kind == "tuple":
        return tuple(zero(component) for component in entry["components"])
    if kind.startswith("bytes"):
        return bytes(int(kind[5:] or 0))
    return {"address": "0x" + "00" * 20, "bool": False, "string": ""}.get(kind, 0)


def zeros(entry: Entry) -> list[Any]:
    """Arguments of a function."""
    return [zero(argument) for argument in entry["inputs"]]


def answer(
    chain: RevmTransport,
    sender: str,
    contract: Contract,
    entry: Entry,
    arguments: Sequence[Any] | None = None,
) -> str:
    """Why a call is refused, empty when it is not; zeros by default. Nothing is changed."""
    given = zeros(entry) if arguments is None else arguments
    data = contract.calldata(entry["name"], *given)
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
