# pragma version 0.4.3
"""
@title  Crowd
@license MIT
@notice Many accounts at once: each member is a copy of this contract that makes the calls it is told to; test only.
"""

from ethereum.ercs import IERC20

struct Call:
    target: address
    data: Bytes[1024]


interface Member:
    def execute(calls: DynArray[Call, 64]): nonpayable


members: public(DynArray[address, 80])


@external
def enlist(count: uint256, tokens: DynArray[address, 8], amounts: DynArray[uint256, 8]):
    """
    @notice Make members and give each the raw amounts of the tokens, which are here.
    """
    for _: uint256 in range(count, bound=80):
        member: address = create_minimal_proxy_to(self)
        self.members.append(member)
        for i: uint256 in range(len(tokens), bound=8):
            assert extcall IERC20(tokens[i]).transfer(member, amounts[i], default_return_value=True)


@external
def execute(calls: DynArray[Call, 64]):
    """
    @notice Make the calls as this contract.
    """
    for call: Call in calls:
        raw_call(call.target, call.data)
