# pragma version 0.4.3
"""
@title  Pool leg
@license MIT
@notice One Uniswap v3 position of this contract, the idle tokens beside it, and the pool's swap callback.
@dev    token 0 is the base asset, token 1 is USDC. The position is an NFT of Uniswap's position manager, here
        or pledged to the ClearingHouse. The counters, not the balances, say what is owned: tokens, NFTs or
        liquidity given away to this contract change nothing.
"""

from ethereum.ercs import IERC20
from ethereum.ercs import IERC721

from contracts.interfaces import IClearingHouse
from contracts.interfaces import IHedgeVault
from contracts.interfaces import INonfungiblePositionManager
from contracts.interfaces import IUniswapV3Pool

from . import errors
from . import fixed_point
from . import liquidity_math
from . import tick_math


POOL: public(immutable(IUniswapV3Pool))
MANAGER: public(immutable(INonfungiblePositionManager))
BASE: public(immutable(address))
USDC: immutable(address)
CLEARING: public(immutable(IClearingHouse))
PLEDGED: public(immutable(bool))
SPACING: immutable(int24)
FEE: immutable(uint24)

idle_usdc: public(uint256)
idle_base: public(uint256)
token_id: public(uint256)  # 0: there is no position
liquidity: uint128         # minted and not burnt by this contract
tick_lower: int24
tick_upper: int24
_sqrt_lower: uint256  # of the ticks, X96: kept because every valuation needs them
_sqrt_upper: uint256
_in_pool_call: transient(bool)


@deploy
def __init__(
    pool: IUniswapV3Pool,
    manager: INonfungiblePositionManager,
    base: address,
    usdc: address,
    clearing: IClearingHouse,
    pledged: bool,
):
    assert staticcall pool.token0() == base and staticcall pool.token1() == usdc, "vault: pool tokens"
    POOL = pool
    MANAGER = manager
    BASE = base
    USDC = usdc
    CLEARING = clearing
    PLEDGED = pledged
    SPACING = staticcall pool.tickSpacing()
    FEE = staticcall pool.fee()


@internal
def _set_up():
    """
    @notice Let the position manager draw the tokens of a mint, and the ClearingHouse the NFT pledged to it.
    """
    for token: address in [BASE, USDC]:
        self._approve(token, MANAGER.address)
    if PLEDGED:
        extcall IERC721(MANAGER.address).setApprovalForAll(CLEARING.address, True)


@external
def uniswapV3SwapCallback(amount0: int256, amount1: int256, data: Bytes[32]):
    """
    @notice Pays the pool for a swap this contract is making at this moment.
    """
    # Whoever calls at another moment, be it the pool, is not owed anything.
    errors.check(msg.sender == POOL.address and self._in_pool_call, "vault: not the pool")
    self._send(BASE, msg.sender, convert(max(amount0, 0), uint256))
    self._send(USDC, msg.sender, convert(max(amount1, 0), uint256))


@internal
def _send(token: address, to: address, amount: uint256):
    if amount != 0:
        assert extcall IERC20(token).transfer(to, amount, default_return_value=True)


@internal
def _approve(token: address, spender: address):
    assert extcall IERC20(token).approve(spender, max_value(uint256), default_return_value=True)


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
    @notice Mint a position of the greatest liquidity that raw idle (base, usdc) pay for at the spot price.
    """
    errors.check(
        liquidity_math.liquidity_for_amounts_down(
            self._spot(), self._sqrt_lower, self._sqrt_upper, base, usdc
        ) != 0,
        "vault: no idle assets",
    )
    paid_base: uint256 = 0
    paid_usdc: uint256 = 0
    self.token_id, self.liquidity, paid_base, paid_usdc = extcall MANAGER.mint(
        INonfungiblePositionManager.MintParams(
            token0=BASE,
            token1=USDC,
            fee=FEE,
            tick_lower=self.tick_lower,
            tick_upper=self.tick_upper,
            amount0_desired=base,
            amount1_desired=usdc,
            amount0_min=0,  # the caller has compared the spot price with the oracle's
            amount1_min=0,
            recipient=self,
            deadline=block.timestamp,
        )
    )
    self.idle_base -= paid_base
    self.idle_usdc -= paid_usdc


@internal
def _burn(held: uint256, burnt: uint256) -> uint256:
    """
    @notice Take `burnt` of the `held` liquidity out and collect it, with all fees, into idle.
    @return Base the liquidity held, raw, without fees.
    """
    token_id: uint256 = self.token_id
    if token_id == 0:
        return 0
    received: uint256 = self._decrease(token_id, held, burnt)[0]
    base: uint256 = 0
    usdc: uint256 = 0
    base, usdc = extcall MANAGER.collect(
        INonfungiblePositionManager.CollectParams(
            token_id=token_id,
            recipient=self,
            amount0_max=max_value(uint128),
            amount1_max=max_value(uint128),
        )
    )
    self.idle_base += base
    self.idle_usdc += usdc
    if burnt == held:
        self.token_id = 0
    return received


@internal
def _decrease(token_id: uint256, held: uint256, burnt: uint256) -> (uint256, uint256):
    if burnt == 0:
        return 0, 0
    self.liquidity = convert(held - burnt, uint128)
    return extcall MANAGER.decreaseLiquidity(
        INonfungiblePositionManager.DecreaseLiquidityParams(
            token_id=token_id,
            liquidity=convert(burnt, uint128),
            amount0_min=0,  # a position gives what it holds; what a sale of it may cost is bounded there
            amount1_min=0,
            deadline=block.timestamp,
        )
    )


@internal
def _send_part(part: uint256, whole: uint256, receiver: address):
    """
    @notice Send part/whole of the idle tokens, of the liquidity in this contract's hands and of its fees.
    """
    base: uint256 = fixed_point.mul_div_down(self.idle_base, part, whole)
    usdc: uint256 = fixed_point.mul_div_down(self.idle_usdc, part, whole)
    self.idle_base -= base
    self.idle_usdc -= usdc
    self._send(BASE, receiver, base)
    self._send(USDC, receiver, usdc)

    at: IHedgeVault.PositionState = self._position(0)
    if at.token_id == 0 or at.pledged:
        return
    burnt: uint256 = fixed_point.mul_div_down(at.liquidity, part, whole)
    base, usdc = self._decrease(at.token_id, at.liquidity, burnt)
    base += fixed_point.mul_div_down(at.fees_base, part, whole)
    usdc += fixed_point.mul_div_down(at.fees_usdc, part, whole)
    if base + usdc != 0:
        extcall MANAGER.collect(
            INonfungiblePositionManager.CollectParams(
                token_id=at.token_id,
                recipient=receiver,
                amount0_max=convert(base, uint128),
                amount1_max=convert(usdc, uint128),
            )
        )


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
    state.token_id = self.token_id
    if state.token_id == 0:
        state.tick_lower = convert(self.tick_lower, int256)
        state.tick_upper = convert(self.tick_upper, int256)
        return state
    at: INonfungiblePositionManager.Position = staticcall MANAGER.positions(state.token_id)
    state.tick_lower = convert(at.tick_lower, int256)
    state.tick_upper = convert(at.tick_upper, int256)
    state.liquidity = self._held(at.liquidity)
    if PLEDGED:
        pledge: IClearingHouse.Pledge = staticcall CLEARING.pledge_terms(state.token_id)
        state.pledged = pledge.account != 0
        if state.pledged:
            state.liquidity = pledge.liquidity
    if sqrt_price != 0:
        state.lp_base, state.lp_usdc = liquidity_math.amounts_for_liquidity_down(
            sqrt_price, self._sqrt_lower, self._sqrt_upper, state.liquidity
        )
    state.fees_base, state.fees_usdc = self._fees(at)
    return state


@internal
@view
def _has_liquidity() -> bool:
    # The manager only has to be asked where others can take liquidity out: a pledge can be liquidated.
    return self.token_id != 0 and (not PLEDGED or self._position(0).liquidity != 0)


@internal
@view
def _held(at_manager: uint128) -> uint256:
    # Anyone may add liquidity to a position; liquidation of a pledged one takes some out.
    return convert(min(at_manager, self.liquidity), uint256)


@internal
@view
def _fees(at: INonfungiblePositionManager.Position) -> (uint256, uint256):
    # What the manager would credit if it were asked to collect now.
    lower: int24 = at.tick_lower
    upper: int24 = at.tick_upper
    held: uint256 = convert(at.liquidity, uint256)
    if held == 0:
        return convert(at.tokens_owed0, uint256), convert(at.tokens_owed1, uint256)
    tick: int24 = (staticcall POOL.slot0()).tick
    below: IUniswapV3Pool.Tick = self._tick(lower)
    above: IUniswapV3Pool.Tick = self._tick(upper)
    growth_base: uint256 = liquidity_math.fee_growth_inside(
        tick, lower, upper, staticcall POOL.feeGrowthGlobal0X128(),
        below.fee_growth_outside0, above.fee_growth_outside0,
    )
    growth_usdc: uint256 = liquidity_math.fee_growth_inside(
        tick, lower, upper, staticcall POOL.feeGrowthGlobal1X128(),
        below.fee_growth_outside1, above.fee_growth_outside1,
    )
    return liquidity_math.fees_owed_down(
        held, growth_base, at.fee_growth_inside0_last, convert(at.tokens_owed0, uint256)
    ), liquidity_math.fees_owed_down(
        held, growth_usdc, at.fee_growth_inside1_last, convert(at.tokens_owed1, uint256)
    )


@internal
@view
def _tick(tick: int24) -> IUniswapV3Pool.Tick:
    return staticcall POOL.ticks(tick)
