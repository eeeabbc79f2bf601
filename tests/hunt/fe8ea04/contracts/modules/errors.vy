# pragma version 0.4.3
"""
@title  Errors
@license MIT
@notice A refusal with a reason, for contracts near the size limit of EIP-170: an `assert` with a reason is
        a hundred bytes of code wherever it stands, a call of this less than half.
"""


@internal
@pure
def check(ok: bool, reason: String[64]):
    """
    @notice Revert with `reason` (Error(string)) unless `ok`.
    """
    assert ok, reason
