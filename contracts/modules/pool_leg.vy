# pragma version 0.4.3
"""
@title  Pool leg
@license MIT
@notice One position of this contract in one pool, the idle tokens beside it, and the pool's swap callback. The pool is
        Uniswap v3's, or, where there is no position manager, a StableSwap of two coins.
@dev    token 0 is the base asset, token 1 is USDC. The position is an NFT of Uniswap's position manager, here
        or pledged to the ClearingHouse; of a StableSwap, shares, in which fees stay and which have no range. The counters,
        not the balances, say what is owned: tokens, NFTs, shares or liquidity given away to this contract change
        nothing.
"""

from ethereum.ercs import IERC20
from ethereum.ercs import IERC721

from contracts.interfaces import IClearingHouse
from contracts.interfaces import IHedgeVault
from contracts.interfaces import INonfungiblePositionManager
from contracts.interfaces import IStableSwap
from contracts.interfaces import IUniswapV3Pool

from . import errors
from . import fixed_point
from . import liquidity_math
from . import vault_parts


MAX_STABLE_FEE: constant(uint256) = 10**20 // 100  # 10**-20, off the peg: that of Uniswap's dearest pools

POOL: public(immutable(IUniswapV3Pool))
MANAGER: public(immutable(INonfungiblePositionManager))
BASE: public(immutable(address))
USDC: immutable(address)
CLEARING: public(immutable(IClearingHouse))
PLEDGED: public(immutable(bool))
STABLE: public(immutable(bool))  # whether the pool is a StableSwap
SPACING: immutable(int24)
FEE: immutable(uint24)

idle_usdc: public(uint256)
idle_base: public(uint256)
token_id: public(uint256)  # 0: there is no position; of a StableSwap 1: there is one
liquidity: uint128         # minted and not burnt by this contract; shares
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
    STABLE = manager.address == empty(address)
    spacing: int24 = 1
    fee: uint24 = 0
    if manager.address == empty(address):
        stable: IStableSwap = IStableSwap(pool.address)
        assert staticcall stable.N_COINS() == 2, "vault: pool tokens"
        assert staticcall stable.coins(0) == base and staticcall stable.coins(1) == usdc, "vault: pool tokens"
        # A limit on the price does not see the fee.
        assert staticcall stable.fee() * staticcall stable.off_peg_multiplier() <= MAX_STABLE_FEE, "vault: pool fee"
        assert not pledged, "vault: pledged shares"
    else:
        assert staticcall pool.token0() == base and staticcall pool.token1() == usdc, "vault: pool tokens"
        spacing = staticcall pool.tickSpacing()
        fee = staticcall pool.fee()
    POOL = pool
    MANAGER = manager
    BASE = base
    USDC = usdc
    CLEARING = clearing
    PLEDGED = pledged
    SPACING = spacing
    FEE = fee


@internal
def _set_up():
    """
    @notice Let the position manager, or the StableSwap, draw the tokens it is given, and the ClearingHouse the NFT
            pledged to it.
    """
    for token: address in [BASE, USDC]:
        self._approve(token, POOL.address if STABLE else MANAGER.address)
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
    if STABLE:
        return staticcall self._stable().sqrt_price()
    return convert((staticcall POOL.slot0()).sqrt_price, uint256)


@internal
@view
def _stable() -> IStableSwap:
    return IStableSwap(POOL.address)


@internal
@view
def _amounts(sqrt_price: uint256, held: uint256) -> (uint256, uint256):
    # Of a StableSwap what shares are worth: the least on its curve, which no exchange moves but by its fee.
    if STABLE:
        return staticcall self._stable().balances_at(sqrt_price, held)
    return liquidity_math.amounts_for_liquidity_down(
        sqrt_price, self._sqrt_lower, self._sqrt_upper, held
    )


@internal
@view
def _proportion() -> (uint256, uint256):
    # Raw (base, USDC) of some position minted now where the next is placed; of a StableSwap the pool's own, in which shares
    # are bought.
    if STABLE:
        return staticcall self._stable().balances(0), staticcall self._stable().balances(1)
    return self._amounts(self._spot(), 2**96)


@internal
def _place(around: vault_parts.Placement):
    """
    @notice Choose the range of what is minted next; there is no liquidity in another. Shares have none.
    """
    self.tick_lower = around.lower
    self.tick_upper = around.upper
    self._sqrt_lower = around.sqrt_lower
    self._sqrt_upper = around.sqrt_upper


@internal
def _mint(base: uint256, usdc: uint256):
    """
    @notice Mint a position of the greatest liquidity that raw idle (base, usdc) pay for at the spot price.
    """
    enough: bool = min(base, usdc) != 0
    if not STABLE:
        enough = liquidity_math.liquidity_for_amounts_down(
            self._spot(), self._sqrt_lower, self._sqrt_upper, base, usdc
        ) != 0
    errors.check(enough, "vault: no idle assets")
    if STABLE:
        self._add_shares(base, usdc)
        return
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
def _add_shares(base: uint256, usdc: uint256):
    # In the pool's own proportions: nothing is paid for what deviates from them but the last unit. The caller has compared
    # the spot price with the oracle's.
    shares: uint256 = 0
    paid_base: uint256 = 0
    paid_usdc: uint256 = 0
    shares, paid_base, paid_usdc = extcall self._stable().add_in_proportion(base, usdc, self)
    self.token_id = 1
    self.liquidity += convert(shares, uint128)
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
    base: uint256 = 0
    usdc: uint256 = 0
    base, usdc = self._decrease(token_id, held, burnt, self)
    received: uint256 = base
    if not STABLE:
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
def _decrease(
    token_id: uint256, held: uint256, burnt: uint256, receiver: address
) -> (uint256, uint256):
    # What a position gives waits to be collected; shares pay their part of both coins, without a price, to `receiver`.
    if burnt == 0:
        return 0, 0
    self.liquidity = convert(held - burnt, uint128)
    if STABLE:
        return extcall self._stable().remove_pair(burnt, receiver)
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
    base, usdc = self._decrease(at.token_id, at.liquidity, burnt, receiver)
    if STABLE:
        return
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
    received: uint256 = 0
    done: bool = False
    if STABLE:
        coin_in: uint256 = 0 if sells_base else 1
        received = extcall self._stable().exchange(coin_in, 1 - coin_in, amount, 0, self)
        # But for the fee the last unit was sold at the limit or better, and so were all before it.
        done = self._before(limit, sells_base)
    elif self._before(limit, sells_base):
        base: int256 = 0
        usdc: int256 = 0
        self._in_pool_call = True
        base, usdc = extcall POOL.swap(
            self, sells_base, convert(amount, int256), convert(limit, uint160), b""
        )
        self._in_pool_call = False
        done = convert(amount, int256) == (base if sells_base else usdc)
        received = convert(-(usdc if sells_base else base), uint256)
    errors.check(done, "vault: slippage")
    if sells_base:
        self.idle_base -= amount
        self.idle_usdc += received
    else:
        self.idle_usdc -= amount
        self.idle_base += received


@internal
@view
def _before(limit: uint256, sells_base: bool) -> bool:
    spot: uint256 = self._spot()
    return spot > limit if sells_base else spot < limit


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
    elif STABLE:
        state.liquidity = convert(self.liquidity, uint256)
    else:
        at: INonfungiblePositionManager.Position = staticcall MANAGER.positions(state.token_id)
        state.tick_lower = convert(at.tick_lower, int256)
        state.tick_upper = convert(at.tick_upper, int256)
        state.liquidity = self._held(at.liquidity)
        if PLEDGED:
            pledge: IClearingHouse.Pledge = staticcall CLEARING.pledge_terms(state.token_id)
            state.pledged = pledge.account != 0
            if state.pledged:
                state.liquidity = pledge.liquidity
        state.fees_base, state.fees_usdc = self._fees(at)
    if sqrt_price != 0 and state.liquidity != 0:
        state.lp_base, state.lp_usdc = self._amounts(sqrt_price, state.liquidity)
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
