# pragma version 0.4.3
"""
@title  Refusals
@license MIT
@notice Tells what Aave refuses (a frozen or paused reserve, a cap that is full), and the ClearingHouse in a market that
        winds down, from whatever else is refused and from a call that ran out of gas: only the first two may be passed
        over (contracts/SPEC.md §4.8, §3.7).
@dev    Aave v3's reasons are numbers in decimal digits (Errors.sol of @aave/core-v3 1.19.3).
"""

ERROR_STRING: constant(bytes4) = 0x08c379a0  # Error(string)
# "clearing: winding down", padded to a word
WINDING_DOWN: constant(bytes32) = 0x636c656172696e673a2077696e64696e6720646f776e00000000000000000000
TEXT: constant(uint256) = 68  # the text follows the selector, its offset and its length


@internal
@pure
def is_aaves(reason: Bytes[132]) -> bool:
    """
    @notice Whether revert data is a code of Aave's. Empty data, of a call without gas, is not.
    """
    if len(reason) <= TEXT or convert(slice(reason, 0, 4), bytes4) != ERROR_STRING:
        return False
    first: uint256 = convert(slice(reason, TEXT, 1), uint256)
    return 48 <= first and first <= 57  # "0" to "9"


@internal
@pure
def is_wind_down(reason: Bytes[132]) -> bool:
    """
    @notice Whether revert data is the ClearingHouse's refusal of more risk in a market that winds down.
    """
    return len(reason) == TEXT + 32 and extract32(reason, TEXT) == WINDING_DOWN
