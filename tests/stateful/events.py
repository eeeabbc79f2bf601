"""Events of the clearing house, the vault and the tokens, decoded to integers."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from simulator.chain.evm.codec import signed_word

# name -> types in order; "*" marks an indexed one.
_SIGNATURES = {
    "Deposited": ("uint256*", "uint256*", "address*", "uint256"),
    "Withdrawn": ("uint256*", "uint256*", "address*", "uint256"),
    "MarginTransferred": ("uint256*", "uint256*", "uint256"),
    "Traded": ("uint256*", "uint256*", *("int256", "uint256", "uint256", "int256", "int256")),
    "Liquidated": ("uint256*", "uint256*", "address*", "uint256", "uint256", "uint256"),
    "LiquidityPledged": ("uint256*", "uint256*", "uint256"),
    "LiquidityReleased": ("uint256*", "uint256*", "address*"),
    "SliceTransferred": ("uint256*", "uint256*", "uint256"),
    "Deposit": ("address*", "address*", "uint256", "uint256"),
    "Withdraw": ("address*", "address*", "address*", "uint256", "uint256"),
    "RedeemRequested": ("address*", "address*", "uint256"),
    "RequestCancelled": ("address*", "uint256"),
    "RedeemedInKind": ("address*", "address*", "uint256"),
    "FeesAccrued": ("uint256", "uint256", "uint256"),
    "Recentered": ("int24", "int24", "uint128"),
    "Unwound": ("uint256", "uint128"),
    "KeeperPaid": ("address*", "uint256"),
    "Transfer": ("address*", "address*", "uint256"),
    "Collect": ("uint256*", "address", "uint256", "uint256"),
}


class Event(NamedTuple):
    """``values``: arguments in declaration order, signed words."""

    contract: int
    name: str
    values: tuple[int, ...]


@cache
def _by_topic() -> dict[int, tuple[str, tuple[bool, ...]]]:
    from eth_utils import keccak

    table = {}
    for name, types in _SIGNATURES.items():
        text = f"{name}({','.join(t.rstrip('*') for t in types)})"
        topic = int.from_bytes(keccak(text=text), "big")
        table[topic] = (name, tuple(t.endswith("*") for t in types))
    return table


def decode(logs: list[tuple[int, list[int], bytes]]) -> list[Event]:
    """Those of the events above, in order."""
    table, found = _by_topic(), []
    for contract, topics, data in logs:
        known = table.get(topics[0]) if topics else None
        if known is None or len(topics) != 1 + sum(known[1]):
            continue
        name, indexed = known
        from_topics, from_data = iter(topics[1:]), iter(range(len(data) // 32))
        values = tuple(
            next(from_topics) if flag else signed_word(data, next(from_data)) for flag in indexed
        )
        found.append(Event(contract, name, values))
    return found
