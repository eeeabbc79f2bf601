# pragma version 0.4.3
"""
@title  Rearranger
@license MIT
@notice Holds an account at the ClearingHouse and, inside `rearrange`, gives back what it was told to; test only.
"""

interface Clearing:
    def rearrange(sub: uint256, token_ids: DynArray[uint256, 4], data: Bytes[1024]): nonpayable
    def account_state(account: uint256) -> (int256, int256, int256, int256, uint256): view
    def deposit(owner: address, sub: uint256, collateral: uint256, raw: uint256): nonpayable

CLEARING: immutable(Clearing)
returned: public(DynArray[uint256, 4])
raw: public(uint256)
data: public(Bytes[1024])
looks: public(bool)
reenters: public(bool)


@deploy
def __init__(clearing: address):
    CLEARING = Clearing(clearing)


@external
def act(target: address, data: Bytes[4096]):
    """
    @notice Make a call as this contract.
    """
    raw_call(target, data)


@external
def rearrange(
    token_ids: DynArray[uint256, 4],
    data: Bytes[1024],
    returned: DynArray[uint256, 4],
    raw: uint256,
    looks: bool,
    reenters: bool,
):
    """
    @notice Rearrange, giving `returned` and `raw` back; `looks`: reading its account state inside;
            `reenters`: depositing inside.
    """
    self.returned = returned
    self.raw = raw
    self.looks = looks
    self.reenters = reenters
    extcall CLEARING.rearrange(0, token_ids, data)


@external
def on_rearrange(data: Bytes[1024]) -> (DynArray[uint256, 4], uint256):
    assert msg.sender == CLEARING.address
    self.data = data
    if self.looks:
        account: uint256 = convert(self, uint256) << 8
        state: (int256, int256, int256, int256, uint256) = staticcall CLEARING.account_state(account)
    if self.reenters:
        extcall CLEARING.deposit(self, 0, 0, 0)
    return self.returned, self.raw
