"""A contract whose static calls are encoded by hand: eth_abi takes four fifths of a hunt else."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from simulator.chain.evm.codec import Contract, selector, signed_word, word, words

_SIMPLE = ("uint", "int", "address", "bool", "bytes32")


class QuickContract(Contract):
    """As :class:`Contract`; integers for addresses and booleans in what it returns."""

    @cached_property
    def _inputs(self) -> dict[tuple[str, int], bytes]:
        """Selectors of functions that take nothing but single words."""
        return {
            key: selector(self.signature(*key))
            for key, entry in self._functions.items()
            if all(_simple(one["type"]) for one in entry["inputs"])
        }

    @cached_property
    def _outputs(self) -> dict[tuple[str, int], list[bool]]:
        """Of functions that answer single words or one struct of them: which are signed."""
        found = {}
        for key, entry in self._functions.items():
            outputs = entry["outputs"]
            if len(outputs) == 1 and outputs[0]["type"] == "tuple":
                outputs = outputs[0]["components"]
            if all(_simple(one["type"]) for one in outputs):
                found[key] = [one["type"].startswith("int") for one in outputs]
        return found

    def takes(self, name: str, arguments: int) -> bool:
        """Whether there is such a function of so many arguments."""
        return (name, arguments) in self._functions

    def calldata(self, name: str, /, *arguments: Any, **named: Any) -> bytes:
        """See :meth:`Contract.calldata`."""
        start = self._inputs.get((name, len(arguments)))
        if start is None or named:
            return super().calldata(name, *arguments, **named)
        return start + words(*map(_word, arguments))

    def _decode(self, name: str, arguments: int, data: bytes) -> Any:
        signed = self._outputs.get((name, arguments))
        if signed is None:
            return super()._decode(name, arguments, data)
        values = tuple(
            signed_word(data, i) if negative else word(data, i) for i, negative in enumerate(signed)
        )
        return values[0] if len(values) == 1 else values


def _simple(kind: str) -> bool:
    return kind.startswith(_SIMPLE) and not kind.endswith("]")


def _word(argument: int | str | bytes) -> int:
    if isinstance(argument, str):
        return int(argument, 16)
    return int.from_bytes(argument, "big") if isinstance(argument, bytes) else argument
