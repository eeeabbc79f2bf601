"""Calldata of a contract's functions, every argument by its name in the ABI.

For hot paths: arguments are integers, words of 32 bytes are written straight (several times faster
than eth_abi). A struct's components stand beside the arguments; an array takes a list of integers,
those of its rows one after the other.
"""

from __future__ import annotations

import re
from functools import cache
from math import prod
from typing import TYPE_CHECKING, Any

from simulator.chain.deploy import aave_v3 as aave
from simulator.chain.deploy import artifacts
from simulator.chain.evm.codec import selector, signature_of, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_OF_WORDS = re.compile(r"(address|bool|u?int\d+|bytes\d+)((\[\d+\])*\[\])?")
_FIXED = re.compile(r"\[(\d+)\]")


class Function:
    """One function: its selector, and the order of its words."""

    def __init__(self, entry: dict[str, Any]) -> None:
        self.signature = signature_of(entry)
        self._selector = selector(self.signature)
        leaves = list(_leaves(entry["inputs"]))
        self.names = tuple(name for name, _ in leaves)
        self._known = frozenset(self.names)
        # How many words make a row of an array; 0: it is no array.
        self._rows = tuple(_row(kind) for _, kind in leaves)
        self._is_static = not any(self._rows)

    def calldata(self, arguments: dict[str, int | Sequence[int]]) -> bytes:
        """Selector and arguments; TypeError where one is missing, or one is none of its own."""
        if arguments.keys() != self._known:
            raise TypeError(f"{self.signature}: takes {self.names}, not {tuple(arguments)}")
        values = [arguments[name] for name in self.names]
        if self._is_static:
            return self._selector + words(*values)  # type: ignore[arg-type]
        head: list[int] = []
        tail: list[int] = []
        for value, row in zip(values, self._rows, strict=True):
            if isinstance(value, int):
                head.append(value)
                continue
            head.append(32 * (len(values) + len(tail)))
            tail += [len(value) // row, *value]
        return self._selector + words(*head, *tail)


class Encoder:
    """The functions of one contract; overloads are told apart by their arguments' names."""

    def __init__(self, abi: Sequence[dict[str, Any]]) -> None:
        self._functions: dict[str, list[Function]] = {}
        for entry in abi:
            if entry["type"] == "function" and _is_of_words(entry["inputs"]):
                self._functions.setdefault(entry["name"], []).append(Function(entry))

    def __call__(self, function: str, /, **arguments: int | Sequence[int]) -> bytes:
        """Calldata of a function; KeyError when the ABI has none, TypeError for other arguments."""
        overloads = self._functions[function]
        for one in overloads:
            if len(one.names) == len(arguments):
                return one.calldata(arguments)
        return overloads[0].calldata(arguments)

    def has(self, function: str) -> bool:
        """Whether there is a function of this name whose arguments are words."""
        return function in self._functions


@cache
def encoder(contract: str) -> Encoder:
    """That of a contract by name, "Aave" for the pool of Aave v3."""
    return Encoder(aave.pool_abi() if contract == "Aave" else artifacts.load(contract).abi)


def _leaves(inputs: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Name and type of each argument, a struct's components in its place."""
    for entry in inputs:
        if entry["type"] == "tuple":
            yield from _leaves(entry["components"])
        else:
            yield entry["name"], entry["type"]


def _is_of_words(inputs: Sequence[dict[str, Any]]) -> bool:
    """Whether its arguments are words, and arrays of words or of rows of them."""
    return all(_OF_WORDS.fullmatch(kind) for _, kind in _leaves(inputs))


def _row(kind: str) -> int:
    """Words in a row of an array of any length; 0: it is one word."""
    if not kind.endswith("[]"):
        return 0
    return prod(map(int, _FIXED.findall(kind)))
