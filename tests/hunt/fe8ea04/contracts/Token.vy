# pragma version 0.4.3
"""
@title  Token
@license MIT
@notice ERC-20 (EIP-20) for local chains: chosen decimals, supply minted by the deployer or whom it names.
"""

from ethereum.ercs import IERC20
from ethereum.ercs import IERC20Detailed

implements: IERC20
implements: IERC20Detailed


event MinterSet:
    minter: indexed(address)


name: public(immutable(String[64]))
symbol: public(immutable(String[32]))
decimals: public(immutable(uint8))
totalSupply: public(uint256)
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
minter: public(address)


@deploy
def __init__(name_: String[64], symbol_: String[32], decimals_: uint8):
    """
    @notice The deployer becomes the minter.
    """
    name = name_
    symbol = symbol_
    decimals = decimals_
    self.minter = msg.sender
    log MinterSet(minter=msg.sender)


@external
def transfer(to: address, amount: uint256) -> bool:
    """
    @notice Send `amount` raw units to `to`.
    """
    self._transfer(msg.sender, to, amount)
    return True


@external
def transferFrom(sender: address, to: address, amount: uint256) -> bool:
    """
    @notice Send `amount` raw units of `sender`, who allowed it. An unlimited allowance is not used up.
    """
    allowed: uint256 = self.allowance[sender][msg.sender]
    if allowed != max_value(uint256):
        assert allowed >= amount, "token: insufficient allowance"
        self.allowance[sender][msg.sender] = unsafe_sub(allowed, amount)
    self._transfer(sender, to, amount)
    return True


@external
def approve(spender: address, amount: uint256) -> bool:
    """
    @notice Let `spender` move up to `amount` raw units of the caller.
    """
    self.allowance[msg.sender][spender] = amount
    log IERC20.Approval(owner=msg.sender, spender=spender, value=amount)
    return True


@external
def mint(to: address, amount: uint256):
    """
    @notice Create `amount` raw units for `to`. Minter.
    """
    assert msg.sender == self.minter, "token: not the minter"
    assert to != empty(address), "token: zero receiver"
    self.totalSupply += amount
    self.balanceOf[to] += amount
    log IERC20.Transfer(sender=empty(address), receiver=to, value=amount)


@external
def set_minter(minter: address):
    """
    @notice Hand minting over; the zero address ends it. Minter.
    """
    assert msg.sender == self.minter, "token: not the minter"
    self.minter = minter
    log MinterSet(minter=minter)


@internal
def _transfer(sender: address, to: address, amount: uint256):
    assert to != empty(address), "token: zero receiver"
    assert self.balanceOf[sender] >= amount, "token: insufficient balance"
    self.balanceOf[sender] -= amount
    self.balanceOf[to] += amount
    log IERC20.Transfer(sender=sender, receiver=to, value=amount)
