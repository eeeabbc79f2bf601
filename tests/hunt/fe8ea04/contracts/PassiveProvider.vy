# pragma version 0.4.3
"""
@title  PassiveProvider
@license MIT
@notice A liquidity provider that holds the pool's background ranges at exactly the liquidity it is told.
@dev    The position manager of v3-periphery computes liquidity from token amounts, and one raw USDC can
        be worth many units of it. Minting at the pool itself is exact, so the model and the chain start from
        the same integer.
"""

from ethereum.ercs import IERC20

from contracts.interfaces import IUniswapV3Pool


MAX_RANGES: constant(uint256) = 64


struct Target:
    tick_lower: int24
    tick_upper: int24
    liquidity: uint128  # L the range shall hold, raw


event LiquiditySet:
    tick_lower: indexed(int24)
    tick_upper: indexed(int24)
    liquidity: uint128


OWNER: public(immutable(address))
POOL: public(immutable(IUniswapV3Pool))
TOKEN0: immutable(IERC20)
TOKEN1: immutable(IERC20)

liquidity: public(HashMap[int24, HashMap[int24, uint128]])


@deploy
def __init__(owner: address, pool: IUniswapV3Pool):
    """
    @param owner Sets the ranges; tokens to mint with are sent to this contract.
    """
    OWNER = owner
    POOL = pool
    TOKEN0 = IERC20(staticcall pool.token0())
    TOKEN1 = IERC20(staticcall pool.token1())


@external
def set_liquidity(ranges: DynArray[Target, MAX_RANGES]):
    """
    @notice Mint or burn until every given range holds its liquidity; what burning frees is collected.
    """
    assert msg.sender == OWNER, "provider: not the owner"
    for target: Target in ranges:
        held: uint128 = self.liquidity[target.tick_lower][target.tick_upper]
        if target.liquidity == held:
            continue
        self.liquidity[target.tick_lower][target.tick_upper] = target.liquidity
        if target.liquidity > held:
            extcall POOL.mint(self, target.tick_lower, target.tick_upper, target.liquidity - held, b"")
        else:
            extcall POOL.burn(target.tick_lower, target.tick_upper, held - target.liquidity)
            extcall POOL.collect(
                self, target.tick_lower, target.tick_upper, max_value(uint128), max_value(uint128)
            )
        log LiquiditySet(
            tick_lower=target.tick_lower,
            tick_upper=target.tick_upper,
            liquidity=target.liquidity,
        )


@external
def uniswapV3MintCallback(amount0: uint256, amount1: uint256, data: Bytes[32]):
    """
    @notice Pays the pool what a mint of this contract costs.
    """
    assert msg.sender == POOL.address, "provider: not the pool"
    if amount0 > 0:
        assert extcall TOKEN0.transfer(msg.sender, amount0, default_return_value=True)
    if amount1 > 0:
        assert extcall TOKEN1.transfer(msg.sender, amount1, default_return_value=True)
