# pragma version 0.4.3
"""
@title  Pool leg
@license MIT
@notice One Uniswap v3 position of this contract, the idle tokens beside it, and the pool's callbacks.
@dev    token 0 is the base asset, token 1 is USDC. The counters, not the balances, say what is owned:
        tokens or liquidity given away to this contract change nothing.
"""

from ethereum.ercs import IERC20

from contracts.interfaces import IHedgeVault
from contracts.interfaces import IUniswapV3Pool

from . import errors
from . import liquidity_math
from . import tick_math
from . import vault_math


POOL: public(immutable(IUniswapV3Pool))
BASE: public(immutable(address))
USDC: immutable(address)
SPACING: immutable(int24)

idle_usdc: public(uint256)
idle_base: public(uint256)
liquidity: uint128
tick_lower: int24
tick_upper: int24
_sqrt_lower: uint256  # of the ticks, X96: kept because every valuation needs them
_sqrt_upper: uint256
_in_pool_call: transient(bool)


@deploy
def __init__(pool: IUniswapV3Pool, base: address, usdc: address):
    assert staticcall pool.token0() == base and staticcall pool.token1() == usdc, "vault: pool tokens"
    POOL = pool
    BASE = base
    USDC = usdc
    SPACING = staticcall pool.tickSpacing()


@external
def uniswapV3MintCallback(amount0: uint256, amount1: uint256, data: Bytes[32]):
    """
    @notice Pays the pool for liquidity this contract is minting at this moment.
    """
    self._pay_pool(amount0, amount1)


@external
def uniswapV3SwapCallback(amount0: int256, amount1: int256, data: Bytes[32]):
    """
    @notice Pays the pool for a swap this contract is making at this moment.
    """
    self._pay_pool(convert(max(amount0, 0), uint256), convert(max(amount1, 0), uint256))


@internal
def _pay_pool(base: uint256, usdc: uint256):
    # Whoever calls at another moment, be it the pool, is not owed anything.
    errors.check(msg.sender == POOL.address and self._in_pool_call, "vault: not the pool")
    self._send(BASE, msg.sender, base)
    self._send(USDC, msg.sender, usdc)


@internal
def _send(token: address, to: address, amount: uint256):
    if amount != 0:
        assert extcall IERC20(token).transfer(to, amount, default_return_value=True)


@internal
@view
def _spot() -> uint256:
    return convert((staticcall POOL.slot0()).sqrt_price, uint256)


@internal
def _place(lower: int24, upper: int24):
    """
    @notice Choose the range of what is minted next; there is no liquidity in another.
    """
    self.tick_lower = lower
    self.tick_upper = upper
    self._sqrt_lower = tick_math.sqrt_ratio_at_tick(lower)
    self._sqrt_upper = tick_math.sqrt_ratio_at_tick(upper)


@internal
def _mint(base: uint256, usdc: uint256):
    """
    @notice Mint the greatest liquidity that raw idle (base, usdc) pay for at the spot price.
    """
    minted: uint128 = liquidity_math.liquidity_for_amounts_down(
        self._spot(), self._sqrt_lower, self._sqrt_upper, base, usdc
    )
    errors.check(minted != 0, "vault: no idle assets")
    self.liquidity += minted
    paid_base: uint256 = 0
    paid_usdc: uint256 = 0
    self._in_pool_call = True
    paid_base, paid_usdc = extcall POOL.mint(self, self.tick_lower, self.tick_upper, minted, b"")
    self._in_pool_call = False
    self.idle_base -= paid_base
    self.idle_usdc -= paid_usdc


@internal
def _burn(burnt: uint128) -> uint256:
    """
    @notice Take liquidity out and collect it, with all fees, into idle.
    @return Base the liquidity held, raw, without fees.
    """
    if self.liquidity == 0:
        return 0
    received: uint256 = (extcall POOL.burn(self.tick_lower, self.tick_upper, burnt))[0]
    base: uint128 = 0
    usdc: uint128 = 0
    base, usdc = extcall POOL.collect(
        self, self.tick_lower, self.tick_upper, max_value(uint128), max_value(uint128)
    )
    self.liquidity -= burnt
    self.idle_base += convert(base, uint256)
    self.idle_usdc += convert(usdc, uint256)
    return received


@internal
def _swap(sells_base: bool, amount: uint256, limit: uint256):
    """
    @notice Swap exactly `amount` raw of idle base or USDC, wholly before the sqrt price `limit` or not at all.
    """
    if amount == 0:
        return
    spot: uint256 = self._spot()
    base: int256 = 0
    usdc: int256 = 0
    if (sells_base and spot > limit) or (not sells_base and spot < limit):
        self._in_pool_call = True
        base, usdc = extcall POOL.swap(
            self, sells_base, convert(amount, int256), convert(limit, uint160), b""
        )
        self._in_pool_call = False
    errors.check(convert(amount, int256) == (base if sells_base else usdc), "vault: slippage")
    self.idle_base = convert(convert(self.idle_base, int256) - base, uint256)
    self.idle_usdc = convert(convert(self.idle_usdc, int256) - usdc, uint256)


@internal
@view
def _position(sqrt_price: uint256) -> IHedgeVault.PositionState:
    """
    @notice Amounts at `sqrt_price` (none at zero) and uncollected fees, raw, all rounded down.
    """
    state: IHedgeVault.PositionState = empty(IHedgeVault.PositionState)
    state.tick_lower = convert(self.tick_lower, int256)
    state.tick_upper = convert(self.tick_upper, int256)
    state.liquidity = convert(self.liquidity, uint256)
    if state.liquidity == 0:
        return state
    if sqrt_price != 0:
        state.lp_base, state.lp_usdc = liquidity_math.amounts_for_liquidity_down(
            sqrt_price, self._sqrt_lower, self._sqrt_upper, state.liquidity
        )
    state.fees_base, state.fees_usdc = self._fees(state.liquidity)
    return state


@internal
@view
def _fees(held: uint256) -> (uint256, uint256):
    # What the pool would credit if it were asked to collect now.
    lower: int24 = self.tick_lower
    upper: int24 = self.tick_upper
    tick: int24 = (staticcall POOL.slot0()).tick
    below: IUniswapV3Pool.Tick = self._tick(lower)
    above: IUniswapV3Pool.Tick = self._tick(upper)
    at: IUniswapV3Pool.Position = staticcall POOL.positions(
        keccak256(concat(convert(self, bytes20), convert(lower, bytes3), convert(upper, bytes3)))
    )
    growth_base: uint256 = liquidity_math.fee_growth_inside(
        tick, lower, upper, staticcall POOL.feeGrowthGlobal0X128(),
        below.fee_growth_outside0, above.fee_growth_outside0,
    )
    growth_usdc: uint256 = liquidity_math.fee_growth_inside(
        tick, lower, upper, staticcall POOL.feeGrowthGlobal1X128(),
        below.fee_growth_outside1, above.fee_growth_outside1,
    )
    return liquidity_math.fees_owed_down(
        held, growth_base, at.fee_growth_inside0, convert(at.tokens_owed0, uint256)
    ), liquidity_math.fees_owed_down(
        held, growth_usdc, at.fee_growth_inside1, convert(at.tokens_owed1, uint256)
    )


@internal
@view
def _tick(tick: int24) -> IUniswapV3Pool.Tick:
    return staticcall POOL.ticks(tick)
