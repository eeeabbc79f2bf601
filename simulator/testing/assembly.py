"""A contract small enough to be written by hand, so that a suite needs no compiler."""

from __future__ import annotations

_OPCODES = {
    "SUB": 0x03,
    "EQ": 0x14,
    "CALLER": 0x33,
    "CALLDATALOAD": 0x35,
    "CALLDATASIZE": 0x36,
    "CALLDATACOPY": 0x37,
    "CODECOPY": 0x39,
    "TIMESTAMP": 0x42,
    "MSTORE": 0x52,
    "SLOAD": 0x54,
    "SSTORE": 0x55,
    "JUMP": 0x56,
    "JUMPI": 0x57,
    "JUMPDEST": 0x5B,
    "DUP1": 0x80,
    "LOG1": 0xA1,
    "RETURN": 0xF3,
    "REVERT": 0xFD,
}
_PUSH1 = 0x60

#: What the probe is asked for, in the first word of its calldata.
READ, STORE, REFUSE, CLOCK, CALLER = range(5)
#: Topic of what it logs.
LOGGED = 7

# READ answers its one variable; STORE sets it to the second word, logs it and answers it; REFUSE
# sets it too and reverts with all that follows the second word; CLOCK and CALLER answer the block's
# time and who calls. No instruction is younger than Byzantium.
_PROBE = f"""
    0 CALLDATALOAD
    DUP1 {STORE} EQ @store JUMPI
    DUP1 {REFUSE} EQ @refuse JUMPI
    DUP1 {CLOCK} EQ @clock JUMPI
    DUP1 {CALLER} EQ @caller JUMPI
    0 SLOAD @answer JUMP
store:
    32 CALLDATALOAD
    DUP1 0 SSTORE
    DUP1 0 MSTORE
    {LOGGED} 32 0 LOG1
    @answer JUMP
refuse:
    32 CALLDATALOAD 0 SSTORE
    64 CALLDATASIZE SUB
    DUP1 64 0 CALLDATACOPY
    0 REVERT
clock:
    TIMESTAMP @answer JUMP
caller:
    CALLER @answer JUMP
answer:
    0 MSTORE 32 0 RETURN
"""
# Copies to memory what follows it, and ends with it.
_ENDING = "{size} DUP1 {start} 0 CODECOPY 0 {end}"
_ENDING_LENGTH = 11


def assemble(text: str) -> bytes:
    """Instructions, decimal numbers below 256, ``label:`` and ``@label`` as EVM code."""
    code, labels, jumps = bytearray(), {}, {}
    for token in text.split():
        if token.endswith(":"):
            labels[token[:-1]] = len(code)
            code.append(_OPCODES["JUMPDEST"])
        elif token.startswith("@"):
            jumps[len(code) + 1] = token[1:]
            code += bytes((_PUSH1, 0))
        elif token.isdecimal():
            code += bytes((_PUSH1, int(token)))
        else:
            code.append(_OPCODES[token])
    for place, label in jumps.items():
        code[place] = labels[label]
    return bytes(code)


def _ending(data: bytes, end: str) -> bytes:
    return assemble(_ENDING.format(size=len(data), start=_ENDING_LENGTH, end=end)) + data


#: Runtime code of the probe.
PROBE = assemble(_PROBE)
#: Creation code of it.
CREATION = _ending(PROBE, "RETURN")


def refusing(data: bytes) -> bytes:
    """Creation code that reverts with up to 255 bytes."""
    return _ending(data, "REVERT")
