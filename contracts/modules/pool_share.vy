# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title  Pool shares
@license MIT
@notice The ERC-20 (EIP-20) of a pool: 18 decimals, made and cancelled by the pool alone.
@dev    What it says of itself is behind the pool's lock: `totalSupply` is what others price a share by.
"""

from ethereum.ercs import IERC20
from ethereum.ercs import IERC20Detailed

from . import errors

implements: IERC20
implements: IERC20Detailed


name: public(immutable(String[64]))
symbol: public(immutable(String[32]))
decimals: public(constant(uint8)) = 18

totalSupply: public(uint256)
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])


@deploy
def __init__(name_: String[64], symbol_: String[32]):
    name = name_
    symbol = symbol_


@external
def transfer(to: address, amount: uint256) -> bool:
    """
    @notice Send `amount` shares to `to`.
    """
    self._transfer(msg.sender, to, amount)
    return True


@external
def transferFrom(sender: address, to: address, amount: uint256) -> bool:
    """
    @notice Send `amount` shares of `sender`, who allowed it. An unlimited allowance is not used up.
    """
    allowed: uint256 = self.allowance[sender][msg.sender]
    if allowed != max_value(uint256):
        errors.check(allowed >= amount, "stable: insufficient allowance")
        self.allowance[sender][msg.sender] = unsafe_sub(allowed, amount)
    self._transfer(sender, to, amount)
    return True


@external
def approve(spender: address, amount: uint256) -> bool:
    """
    @notice Let `spender` move up to `amount` shares of the caller.
    """
    self.allowance[msg.sender][spender] = amount
    log IERC20.Approval(owner=msg.sender, spender=spender, value=amount)
    return True


@internal
def _transfer(sender: address, to: address, amount: uint256):
    errors.check(to != empty(address), "stable: zero receiver")
    self._take(sender, amount)
    self.balanceOf[to] += amount
    log IERC20.Transfer(sender=sender, receiver=to, value=amount)


@internal
def _issue(to: address, amount: uint256):
    # To the zero address: locked for good.
    self.totalSupply += amount
    self.balanceOf[to] += amount
    log IERC20.Transfer(sender=empty(address), receiver=to, value=amount)


@internal
def _cancel(holder: address, amount: uint256):
    self._take(holder, amount)
    self.totalSupply -= amount
    log IERC20.Transfer(sender=holder, receiver=empty(address), value=amount)


@internal
def _take(holder: address, amount: uint256):
    errors.check(self.balanceOf[holder] >= amount, "stable: insufficient shares")
    self.balanceOf[holder] = unsafe_sub(self.balanceOf[holder], amount)
