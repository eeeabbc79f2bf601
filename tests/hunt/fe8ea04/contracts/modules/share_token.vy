# pragma version 0.4.3
"""
@title  Vault shares
@license MIT
@notice The ERC-20 (EIP-20) of an ERC-4626 vault, and the price of a share with virtual shares and assets:
        (supply + 10**12) / (assets + 1), so that inflating it costs 10**12 times what rounding can take.
@dev    18 decimals over an asset of 6.
"""

from ethereum.ercs import IERC20
from ethereum.ercs import IERC20Detailed

from . import errors
from . import fixed_point

implements: IERC20
implements: IERC20Detailed


VIRTUAL_SHARES: constant(uint256) = 10**12

name: public(constant(String[32])) = "Hedged liquidity vault"
symbol: public(constant(String[32])) = "hvUSDC"
decimals: public(constant(uint8)) = 18

totalSupply: public(uint256)
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])


@external
@nonreentrant
def transfer(to: address, amount: uint256) -> bool:
    """
    @notice Send `amount` shares to `to`.
    """
    self._transfer(msg.sender, to, amount)
    return True


@external
@nonreentrant
def transferFrom(sender: address, to: address, amount: uint256) -> bool:
    """
    @notice Send `amount` shares of `sender`, who allowed it. An unlimited allowance is not used up.
    """
    self._spend_allowance(sender, amount)
    self._transfer(sender, to, amount)
    return True


@external
@nonreentrant
def approve(spender: address, amount: uint256) -> bool:
    """
    @notice Let `spender` move up to `amount` shares of the caller.
    """
    self.allowance[msg.sender][spender] = amount
    log IERC20.Approval(owner=msg.sender, spender=spender, value=amount)
    return True


@internal
def _transfer(sender: address, to: address, amount: uint256):
    errors.check(to != empty(address), "vault: zero receiver")
    self._move(sender, to, amount)


@internal
def _issue(to: address, amount: uint256):
    self._transfer(empty(address), to, amount)


@internal
def _cancel(holder: address, amount: uint256):
    self._move(holder, empty(address), amount)


@internal
def _move(sender: address, to: address, amount: uint256):
    # Shares come from the zero address when issued and go to it when cancelled; it never holds any.
    if sender == empty(address):
        self.totalSupply += amount
    else:
        errors.check(self.balanceOf[sender] >= amount, "vault: insufficient shares")
        self.balanceOf[sender] = unsafe_sub(self.balanceOf[sender], amount)
    if to == empty(address):
        self.totalSupply -= amount
    else:
        self.balanceOf[to] += amount
    log IERC20.Transfer(sender=sender, receiver=to, value=amount)


@internal
def _spend_allowance(holder: address, amount: uint256):
    allowed: uint256 = self.allowance[holder][msg.sender]
    if holder != msg.sender and allowed != max_value(uint256):
        errors.check(allowed >= amount, "vault: insufficient allowance")
        self.allowance[holder][msg.sender] = unsafe_sub(allowed, amount)


@internal
@pure
def shares_down(assets: uint256, supply: uint256, total: uint256) -> uint256:
    """
    @param supply Shares there are, and fees due as shares; `total`: the vault's assets, raw.
    """
    return fixed_point.mul_div_down(assets, supply + VIRTUAL_SHARES, total + 1)


@internal
@pure
def shares_up(assets: uint256, supply: uint256, total: uint256) -> uint256:
    return fixed_point.mul_div_up(assets, supply + VIRTUAL_SHARES, total + 1)


@internal
@pure
def assets_down(amount: uint256, supply: uint256, total: uint256) -> uint256:
    return fixed_point.mul_div_down(amount, total + 1, supply + VIRTUAL_SHARES)


@internal
@pure
def assets_up(amount: uint256, supply: uint256, total: uint256) -> uint256:
    return fixed_point.mul_div_up(amount, total + 1, supply + VIRTUAL_SHARES)
