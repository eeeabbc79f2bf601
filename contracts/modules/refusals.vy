# pragma version 0.4.3
"""
@title  Refusals
@license MIT
@notice Tells what Aave refuses (a frozen or paused reserve, a cap that is full) from what this project refuses and
        from a call that ran out of gas: only the first may be passed over (contracts/SPEC.md §4.8).
@dev    Aave v3's reasons are numbers in decimal digits (Errors.sol of @aave/core-v3 1.19.3).
"""

ERROR_STRING: constant(bytes4) = 0x08c379a0  # Error(string)
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
