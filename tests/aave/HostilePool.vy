# pragma version 0.4.3
"""
@title  HostilePool
@notice A swap pool that calls back when and how it should not, to attack AaveHedge. Tests only.
"""

from ethereum.ercs import IERC20


interface Hedge:
    def uniswapV3SwapCallback(amount0: int256, amount1: int256, data: Bytes[32]): nonpayable
    def trade(sub: uint256, market: uint256, size: int256, limit: uint256) -> (uint256, uint256): nonpayable
    def deposit(owner: address, sub: uint256, collateral: uint256, raw: uint256): nonpayable
    def withdraw(sub: uint256, collateral: uint256, raw: uint256, to: address): nonpayable
    def exit_slice(fraction: uint256, payer: address, receiver: address): nonpayable
    def cash(account: uint256) -> int256: view


flag Attack:
    TWICE
    TRADE
    DEPOSIT
    WITHDRAW
    EXIT
    READ


token0: public(address)
token1: public(address)
attack: public(Attack)


@deploy
def __init__(token0: address, token1: address):
    self.token0 = token0
    self.token1 = token1


@external
def arm(attack: Attack):
    self.attack = attack


@external
def call_back(hedge: address, amount0: int256, amount1: int256):
    extcall Hedge(hedge).uniswapV3SwapCallback(amount0, amount1, b"")


@external
def swap(
    recipient: address, zero_for_one: bool, amount: int256, limit: uint160, data: Bytes[32]
) -> (int256, int256):
    """
    @notice Sells at one USDC (10**6 raw) whatever is asked, then attacks from inside.
    """
    assert extcall IERC20(self.token1).transfer(recipient, 10**6)
    extcall Hedge(msg.sender).uniswapV3SwapCallback(amount, -(10**6), b"")
    if self.attack == Attack.TWICE:
        extcall Hedge(msg.sender).uniswapV3SwapCallback(amount, -(10**6), b"")
    elif self.attack == Attack.TRADE:
        extcall Hedge(msg.sender).trade(0, 0, -(10**18), 0)
    elif self.attack == Attack.DEPOSIT:
        extcall Hedge(msg.sender).deposit(self, 0, 0, 1)
    elif self.attack == Attack.WITHDRAW:
        extcall Hedge(msg.sender).withdraw(0, 0, 1, self)
    elif self.attack == Attack.EXIT:
        extcall Hedge(msg.sender).exit_slice(1, self, self)
    elif self.attack == Attack.READ:
        assert staticcall Hedge(msg.sender).cash(convert(self, uint256) << 8) != 0
    return amount, -(10**6)
