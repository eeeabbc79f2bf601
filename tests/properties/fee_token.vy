# pragma version 0.4.3
"""
@title  FeeToken
@license MIT
@notice An ERC-20 that keeps a part of what is transferred; test only.
"""

decimals: public(constant(uint8)) = 18
FEE: immutable(uint256)
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])


@deploy
def __init__(fee: uint256):
    """
    @param fee Raw units kept of every transfer.
    """
    FEE = fee
    self.balanceOf[msg.sender] = 10**30


@external
def approve(spender: address, amount: uint256) -> bool:
    self.allowance[msg.sender][spender] = amount
    return True


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    self.allowance[owner][msg.sender] -= amount
    self.balanceOf[owner] -= amount
    self.balanceOf[to] += amount - FEE
    return True


@external
def transfer(to: address, amount: uint256) -> bool:
    self.balanceOf[msg.sender] -= amount
    self.balanceOf[to] += amount - FEE
    return True
