# pragma version 0.4.3
"""
@title  Attacker
@license MIT
@notice One contract for all that needs one: several calls in one transaction, flash loans of a Uniswap v3 pool, a
        hook of a token, an answer to `rearrange`. Anyone may drive it: it stands for whoever does.
"""

from ethereum.ercs import IERC20


interface IPool:
    def token0() -> address: view
    def token1() -> address: view
    def flash(recipient: address, amount0: uint256, amount1: uint256, data: Bytes[32]): nonpayable


struct Call:
    target: address
    data: Bytes[1024]


_calls: DynArray[Call, 8]
_hooked: DynArray[Call, 8]
_borrowed: uint256[2]
_token_ids: DynArray[uint256, 4]
_in_hook: bool
hooks: public(uint256)
refused: public(uint256)  # calls of hooks that were refused


@external
def run(calls: DynArray[Call, 8]):
    """
    @notice Make the calls one after the other, all or none.
    """
    self._run(calls)


@external
def flash(pool: address, amount0: uint256, amount1: uint256, calls: DynArray[Call, 8]):
    """
    @notice Make the calls with borrowed tokens and pay them back with the fee.
    """
    self._calls = calls
    self._borrowed = [amount0, amount1]
    extcall IPool(pool).flash(self, amount0, amount1, b"")


@external
def uniswapV3FlashCallback(fee0: uint256, fee1: uint256, data: Bytes[32]):
    self._run(self._calls)
    assert extcall IERC20(staticcall IPool(msg.sender).token0()).transfer(
        msg.sender, self._borrowed[0] + fee0
    )
    assert extcall IERC20(staticcall IPool(msg.sender).token1()).transfer(
        msg.sender, self._borrowed[1] + fee1
    )


@external
def arm(calls: DynArray[Call, 8], token_ids: DynArray[uint256, 4]):
    """
    @notice What to do at hooks, each call for itself; what to answer `rearrange`.
    """
    self._hooked = calls
    self._token_ids = token_ids
    self.hooks = 0
    self.refused = 0


@external
def on_transfer():
    self._hook()


@external
def on_rearrange(data: Bytes[1024]) -> (DynArray[uint256, 4], uint256):
    self._hook()
    return self._token_ids, 0


@external
def onERC721Received(
    operator: address, sender: address, token_id: uint256, data: Bytes[1024]
) -> bytes4:
    return method_id("onERC721Received(address,address,uint256,bytes)", output_type=bytes4)


@internal
def _run(calls: DynArray[Call, 8]):
    for call: Call in calls:
        raw_call(call.target, call.data)


@internal
def _hook():
    if self._in_hook:
        return
    self._in_hook = True
    self.hooks += 1
    for call: Call in self._hooked:
        if not raw_call(call.target, call.data, revert_on_failure=False):
            self.refused += 1
    self._in_hook = False
