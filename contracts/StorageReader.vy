# pragma version 0.4.3
"""
@title  StorageReader
@license MIT
@notice Any words of the ClearingHouse's storage at once, for indexers and front ends: code of the ClearingHouse that runs on
        its storage by delegatecall, and without effect. Documented in IClearingHouse; slots: `vyper -f layout`.
@dev    An array over the whole storage: its element i is the word of slot i. The last slot is not reached.
"""

ORACLE: public(immutable(address))
USDC_TOKEN: public(immutable(address))

words: bytes32[max_value(uint256)]


@deploy
def __init__(oracle: address, usdc: address):
    ORACLE = oracle
    USDC_TOKEN = usdc


@view
@external
def words_at(slots: DynArray[bytes32, 64]) -> DynArray[bytes32, 64]:
    found: DynArray[bytes32, 64] = []
    for slot: bytes32 in slots:
        found.append(self.words[convert(slot, uint256)])
    return found
