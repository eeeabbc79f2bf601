# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title  StableSwap
@license MIT
@notice A pool of 2 to 4 coins that should be worth the same, on the invariant of `modules/stableswap_math.vy`, with a
        share token, imbalance fees and, if wanted, a fee that grows off the peg and rates told by providers.
@dev    Nothing can be changed: A, fees and providers are of the deployment, there is no owner and no pause, and all
        fees stay with the shares. Balances are counted, never asked of the coins: what is sent unasked is nobody's. Every
        external function is behind one lock, views too, so that nobody prices by a pool in the middle of a call
        (read-only reentrancy); what is paid out goes last. All roundings are against the caller, but a fee's own last raw
        unit, where the rule is that of Curve's 3pool.
"""

from ethereum.ercs import IERC20
from ethereum.ercs import IERC20Detailed

from contracts.interfaces import IRateProvider
from contracts.interfaces import IStableSwap
from contracts.modules import errors
from contracts.modules import fixed_point
from contracts.modules import pool_share
from contracts.modules import stableswap_math

implements: IStableSwap
initializes: pool_share

exports: pool_share.__interface__


MAX_COINS: constant(uint256) = stableswap_math.MAX_COINS
WAD: constant(uint256) = fixed_point.WAD
RAY: constant(uint256) = stableswap_math.RAY
Q96: constant(uint256) = 2**96
PRICE_ONE: constant(uint256) = stableswap_math.PRICE_ONE
FEE_ONE: constant(uint256) = stableswap_math.FEE_ONE
# Most that the fee may become, off the peg too.
MAX_FEE: constant(uint256) = FEE_ONE // 2
MAX_A: constant(uint256) = 1_000_000
# Shares of the first deposit that belong to nobody, so that the pool is never empty again.
LOCKED_SHARES: constant(uint256) = 10**12
# More units than D may be off: what is counted against a caller who adds or takes liquidity.
MARGIN: constant(uint256) = 2


event Exchanged:
    trader: indexed(address)
    coin_in: uint256
    raw_in: uint256
    coin_out: uint256
    raw_out: uint256


event LiquidityAdded:
    holder: indexed(address)
    raw: DynArray[uint256, MAX_COINS]
    shares: uint256


event LiquidityRemoved:
    holder: indexed(address)
    raw: DynArray[uint256, MAX_COINS]
    shares: uint256


N_COINS: public(immutable(uint256))
A: public(immutable(uint256))  # n A is Ann of the invariant
fee: public(immutable(uint256))  # 10**-10 of what is paid out, at the peg
off_peg_multiplier: public(immutable(uint256))  # 10**-10; 10**10: the same fee everywhere
_ANN: immutable(uint256)

_coins: DynArray[address, MAX_COINS]
_scales: DynArray[uint256, MAX_COINS]  # 10**(36 - decimals)
_providers: DynArray[address, MAX_COINS]  # zero: a rate of one
_raw: DynArray[uint256, MAX_COINS]  # counted


@deploy
def __init__(
    coins: DynArray[address, MAX_COINS],
    providers: DynArray[address, MAX_COINS],
    amplification: uint256,
    fee_: uint256,
    off_peg: uint256,
    name: String[64],
    symbol: String[32],
):
    """
    @param coins ERC-20 of up to 18 decimals that move exactly what they are told, each once.
    @param providers Of each coin an IRateProvider, whose word is taken, or the zero address.
    @param amplification A, 1 .. 10**6; `fee_` and `off_peg` in 10**-10, their product at most a half.
    """
    n: uint256 = len(coins)
    errors.check(n >= 2 and len(providers) == n, "stable: bad coins")
    errors.check(amplification != 0 and amplification <= MAX_A, "stable: bad amplification")
    errors.check(off_peg >= FEE_ONE and off_peg <= FEE_ONE * FEE_ONE, "stable: bad fee")
    errors.check(fee_ <= MAX_FEE and fee_ * off_peg <= MAX_FEE * FEE_ONE, "stable: bad fee")
    for k: uint256 in range(n, bound=MAX_COINS):
        for other: uint256 in range(k, bound=MAX_COINS):
            errors.check(coins[k] != coins[other], "stable: bad coins")
        places: uint256 = convert(staticcall IERC20Detailed(coins[k]).decimals(), uint256)
        errors.check(places <= 18, "stable: bad coins")
        self._scales.append(10 ** (36 - places))
        self._raw.append(0)
    self._coins = coins
    self._providers = providers
    N_COINS = n
    A = amplification
    fee = fee_
    off_peg_multiplier = off_peg
    _ANN = n * amplification * stableswap_math.PRECISION
    pool_share.__init__(name, symbol)


# ------------------------------------------------------------------------------------------ operations


@external
def exchange(
    coin_in: uint256, coin_out: uint256, raw_in: uint256, min_out: uint256, receiver: address
) -> uint256:
    """
    @notice Sell `raw_in` of one coin for another; raw amount that went to `receiver`, at least `min_out`.
    """
    errors.check(receiver != empty(address), "stable: zero receiver")
    raw_out: uint256 = self._quote(coin_in, coin_out, raw_in)
    errors.check(raw_out != 0 and raw_out >= min_out, "stable: slippage")
    self._raw[coin_in] += raw_in
    self._raw[coin_out] -= raw_out
    self._check_left()
    log Exchanged(
        trader=msg.sender, coin_in=coin_in, raw_in=raw_in, coin_out=coin_out, raw_out=raw_out
    )
    self._pull(coin_in, raw_in)
    self._push(coin_out, raw_out, receiver)
    return raw_out


@external
def add_liquidity(
    raw: DynArray[uint256, MAX_COINS], min_shares: uint256, receiver: address
) -> uint256:
    """
    @notice Pay in raw amounts, all above zero in the first deposit; shares that `receiver` got, at least `min_shares`.
    @dev What deviates from the pool's own proportions pays the fee an exchange would have paid.
    """
    return self._add(raw, min_shares, receiver)


@external
def add_in_proportion(most_0: uint256, most_1: uint256, receiver: address) -> (uint256, uint256, uint256):
    """
    @notice Two coins: pay in the most of these raw amounts that is in the pool's own proportions, rounded down, which pays next
            to no fee; shares that `receiver` got, raw amounts that were taken.
    """
    errors.check(N_COINS == 2, "stable: two coins")
    taken_0: uint256 = min(most_0, self._beside(0, most_1))
    taken_1: uint256 = min(most_1, self._beside(1, most_0))
    return self._add([taken_0, taken_1], 0, receiver), taken_0, taken_1


@external
def remove_liquidity(
    shares: uint256, min_raw: DynArray[uint256, MAX_COINS], receiver: address
) -> DynArray[uint256, MAX_COINS]:
    """
    @notice Give shares back for their part of every coin; raw amounts that went to `receiver`. No fee, and no provider
            is asked.
    """
    return self._remove(shares, min_raw, receiver)


@external
def remove_pair(shares: uint256, receiver: address) -> (uint256, uint256):
    """
    @notice Two coins: `remove_liquidity` with nothing asked of what it pays, which is the shares' part whatever the price.
    """
    raw: DynArray[uint256, MAX_COINS] = self._remove(shares, [0, 0], receiver)
    return raw[0], raw[1]


@external
def remove_liquidity_one_coin(
    shares: uint256, coin: uint256, min_raw: uint256, receiver: address
) -> uint256:
    """
    @notice Give shares back for one coin alone, less an imbalance fee; raw amount that went to `receiver`.
    """
    errors.check(receiver != empty(address), "stable: zero receiver")
    raw: uint256 = self._one_coin_for(shares, coin)
    errors.check(raw != 0 and raw >= min_raw, "stable: slippage")
    pool_share._cancel(msg.sender, shares)
    self._raw[coin] -= raw
    self._check_left()
    amounts: DynArray[uint256, MAX_COINS] = []
    for k: uint256 in range(N_COINS, bound=MAX_COINS):
        amounts.append(raw if k == coin else 0)
    log LiquidityRemoved(holder=msg.sender, raw=amounts, shares=shares)
    self._push(coin, raw, receiver)
    return raw


# ------------------------------------------------------------------------------------------ views


@view
@external
def coins(k: uint256) -> address:
    return self._coins[k]


@view
@external
def balances(k: uint256) -> uint256:
    """
    @notice Raw units of coin k that are the shares'.
    """
    return self._raw[k]


@view
@external
def rates() -> DynArray[uint256, MAX_COINS]:
    """
    @notice By which a raw amount, over 10**18, is scaled: 10**(36 - decimals) times the provider's rate.
    """
    return self._rates()


@view
@external
def get_D() -> uint256:
    """
    @notice The invariant, of 18 decimals.
    """
    return stableswap_math.invariant(self._scaled(self._raw, self._rates()), _ANN)


@view
@external
def get_virtual_price() -> uint256:
    """
    @notice The invariant for one share, WAD. Falls only if a provider's rate does.
    """
    d: uint256 = stableswap_math.invariant(self._scaled(self._raw, self._rates()), _ANN)
    return d * WAD // pool_share.totalSupply


@view
@external
def get_dy(coin_in: uint256, coin_out: uint256, raw_in: uint256) -> uint256:
    """
    @notice What `exchange` would pay for `raw_in`.
    """
    return self._quote(coin_in, coin_out, raw_in)


@view
@external
def calc_token_amount(raw: DynArray[uint256, MAX_COINS]) -> uint256:
    """
    @notice Shares that `add_liquidity` would give.
    """
    return self._shares_for(raw)


@view
@external
def calc_withdraw_one_coin(shares: uint256, coin: uint256) -> uint256:
    """
    @notice What `remove_liquidity_one_coin` would pay.
    """
    return self._one_coin_for(shares, coin)


@view
@external
def sqrt_price() -> uint256:
    """
    @notice Of two coins: the root of raw units of coin 1 for one of coin 0 in an exchange of nothing, without fee, X96. It
            is where the last exchange left it.
    """
    errors.check(N_COINS == 2, "stable: two coins")
    rates: DynArray[uint256, MAX_COINS] = self._rates()
    x: DynArray[uint256, MAX_COINS] = self._scaled(self._raw, rates)
    d: uint256 = stableswap_math.invariant(x, _ANN)
    price: uint256 = fixed_point.mul_div_down(
        stableswap_math.marginal_price(x[0], x[1], d, _ANN), rates[0], rates[1]
    )
    return fixed_point.sqrt_down(fixed_point.mul_div_down(price, Q96 * Q96, PRICE_ONE))


@view
@external
def balances_at(sqrt_price: uint256, shares: uint256) -> (uint256, uint256):
    """
    @notice Of two coins: raw units that `shares` would be paid were the pool's price `sqrt_price` (as `sqrt_price()` gives
            it), at the D it has, rounded down. No exchange moves that but by its fee, upward: what to value shares by,
            at an oracle's price, and never worth more there than what they are paid.
    """
    errors.check(N_COINS == 2, "stable: two coins")
    rates: DynArray[uint256, MAX_COINS] = self._rates()
    d: uint256 = stableswap_math.invariant(self._scaled(self._raw, rates), _ANN)
    d -= min(d, 1)  # which may be a unit above its root
    price: uint256 = fixed_point.mul_div_down(sqrt_price * sqrt_price, PRICE_ONE, Q96 * Q96)
    x: uint256 = 0
    y: uint256 = 0
    x, y = stableswap_math.curve_at(
        fixed_point.mul_div_down(price, rates[1], rates[0] * (PRICE_ONE // RAY)), _ANN
    )
    supply: uint256 = pool_share.totalSupply
    x = fixed_point.mul_div_down(fixed_point.mul_div_down(x, d, RAY), shares, supply)
    y = fixed_point.mul_div_down(fixed_point.mul_div_down(y, d, RAY), shares, supply)
    return x * WAD // rates[0], y * WAD // rates[1]


# ------------------------------------------------------------------------------------------ pricing


@view
@internal
def _quote(coin_in: uint256, coin_out: uint256, raw_in: uint256) -> uint256:
    # The balance left is rounded up by a unit, then what comes out down to raw units, as in 3pool's `get_dy`.
    errors.check(
        coin_in != coin_out and max(coin_in, coin_out) < N_COINS, "stable: no such coin"
    )
    errors.check(raw_in != 0, "stable: zero amount")
    rates: DynArray[uint256, MAX_COINS] = self._rates()
    x: DynArray[uint256, MAX_COINS] = self._scaled(self._raw, rates)
    d: uint256 = stableswap_math.invariant(x, _ANN)
    before_in: uint256 = x[coin_in]
    before_out: uint256 = x[coin_out]
    x[coin_in] += raw_in * rates[coin_in] // WAD
    y: uint256 = stableswap_math.balance_of(coin_out, x, d, _ANN) + 1
    if y >= before_out:
        return 0
    raw_out: uint256 = (before_out - y) * WAD // rates[coin_out]
    # Of a fee off the peg: at the mean of before and after (both doubled).
    at: uint256 = stableswap_math.fee_rate(
        before_in + x[coin_in], before_out + y, fee, off_peg_multiplier
    )
    return raw_out - fixed_point.wad_mul_down(raw_out, at)


@view
@internal
def _shares_for(raw: DynArray[uint256, MAX_COINS]) -> uint256:
    errors.check(len(raw) == N_COINS, "stable: bad coins")
    rates: DynArray[uint256, MAX_COINS] = self._rates()
    before: DynArray[uint256, MAX_COINS] = self._scaled(self._raw, rates)
    held: DynArray[uint256, MAX_COINS] = self._raw
    supply: uint256 = pool_share.totalSupply
    for k: uint256 in range(N_COINS, bound=MAX_COINS):
        errors.check(supply != 0 or raw[k] != 0, "stable: zero amount")
        held[k] += raw[k]
    after: DynArray[uint256, MAX_COINS] = self._scaled(held, rates)
    d: uint256 = stableswap_math.invariant(after, _ANN)
    if supply == 0:
        errors.check(d > LOCKED_SHARES, "stable: first deposit too small")
        return d - LOCKED_SHARES
    d0: uint256 = stableswap_math.invariant(before, _ANN)
    if d <= d0:
        return 0
    for k: uint256 in range(N_COINS, bound=MAX_COINS):
        due: uint256 = fixed_point.mul_div_down(before[k], d, d0)
        gap: uint256 = max(due, after[k]) - min(due, after[k])
        charged: uint256 = self._imbalance_fee(before[k] + after[k], d0 + d, gap)
        errors.check(charged < after[k], "stable: too far apart")
        after[k] -= charged
    d = stableswap_math.invariant(after, _ANN)
    if d <= d0 + MARGIN:
        return 0
    return fixed_point.mul_div_down(supply, d - d0 - MARGIN, d0 + MARGIN)


@view
@internal
def _one_coin_for(shares: uint256, coin: uint256) -> uint256:
    errors.check(coin < N_COINS, "stable: no such coin")
    errors.check(shares != 0, "stable: zero amount")
    supply: uint256 = pool_share.totalSupply
    errors.check(shares <= supply, "stable: insufficient shares")
    rates: DynArray[uint256, MAX_COINS] = self._rates()
    x: DynArray[uint256, MAX_COINS] = self._scaled(self._raw, rates)
    d0: uint256 = stableswap_math.invariant(x, _ANN)
    d: uint256 = d0 - fixed_point.mul_div_down(d0, shares, supply) + MARGIN
    y: uint256 = stableswap_math.balance_of(coin, x, d, _ANN)
    for k: uint256 in range(N_COINS, bound=MAX_COINS):
        left: uint256 = fixed_point.mul_div_down(x[k], d, d0)
        if k == coin:
            gap: uint256 = left - y if left > y else 0
            x[k] -= self._imbalance_fee(x[k] + y, d0 + d, gap)
        else:
            gap: uint256 = x[k] - left if x[k] > left else 0
            x[k] -= self._imbalance_fee(2 * x[k], d0 + d, gap)
    y = stableswap_math.balance_of(coin, x, d, _ANN) + 1
    if y >= x[coin]:
        return 0
    return (x[coin] - y) * WAD // rates[coin]


@view
@internal
def _imbalance_fee(doubled: uint256, invariants: uint256, gap: uint256) -> uint256:
    # On what a coin is away from its part of the pool: n / (4 (n - 1)) of an exchange's fee, since what one coin has
    # too much others have too little. Off the peg as between the coin and the mean of all; up.
    if fee == 0 or gap == 0:
        return 0
    base: uint256 = fixed_point.div_up(fee * N_COINS, 4 * (N_COINS - 1))
    at: uint256 = stableswap_math.fee_rate(
        doubled, invariants // N_COINS, base, off_peg_multiplier
    )
    return fixed_point.wad_mul_up(gap, at)


@view
@internal
def _check_left():
    # What is left has an invariant: else the next call could not price it, and the pool would be closed for good. Two
    # coins in proportion can always leave, so that asks for nothing.
    d: uint256 = stableswap_math.invariant(self._scaled(self._raw, self._rates()), _ANN)


@view
@internal
def _rates() -> DynArray[uint256, MAX_COINS]:
    rates: DynArray[uint256, MAX_COINS] = self._scales
    for k: uint256 in range(N_COINS, bound=MAX_COINS):
        if self._providers[k] != empty(address):
            told: uint256 = staticcall IRateProvider(self._providers[k]).rate()
            errors.check(told != 0, "stable: no rate")
            rates[k] = rates[k] * told // WAD
    return rates


@view
@internal
def _scaled(
    raw: DynArray[uint256, MAX_COINS], rates: DynArray[uint256, MAX_COINS]
) -> DynArray[uint256, MAX_COINS]:
    x: DynArray[uint256, MAX_COINS] = []
    for k: uint256 in range(N_COINS, bound=MAX_COINS):
        x.append(raw[k] * rates[k] // WAD)
    return x


# ------------------------------------------------------------------------------------------ shares


@internal
@view
def _beside(coin: uint256, other: uint256) -> uint256:
    # Raw units of one of two coins to `other` of the other, as the pool holds them.
    return fixed_point.mul_div_down(other, self._raw[coin], self._raw[1 - coin])


@internal
def _add(raw: DynArray[uint256, MAX_COINS], min_shares: uint256, receiver: address) -> uint256:
    errors.check(receiver != empty(address), "stable: zero receiver")
    first: bool = pool_share.totalSupply == 0
    shares: uint256 = self._shares_for(raw)
    errors.check(shares != 0 and shares >= min_shares, "stable: slippage")
    if first:
        pool_share._issue(empty(address), LOCKED_SHARES)
    pool_share._issue(receiver, shares)
    for k: uint256 in range(N_COINS, bound=MAX_COINS):
        self._raw[k] += raw[k]
    log LiquidityAdded(holder=msg.sender, raw=raw, shares=shares)
    for k: uint256 in range(N_COINS, bound=MAX_COINS):
        if raw[k] != 0:
            self._pull(k, raw[k])
    return shares


@internal
def _remove(
    shares: uint256, min_raw: DynArray[uint256, MAX_COINS], receiver: address
) -> DynArray[uint256, MAX_COINS]:
    errors.check(receiver != empty(address), "stable: zero receiver")
    errors.check(len(min_raw) == N_COINS, "stable: bad coins")
    errors.check(shares != 0, "stable: zero amount")
    supply: uint256 = pool_share.totalSupply
    pool_share._cancel(msg.sender, shares)
    raw: DynArray[uint256, MAX_COINS] = []
    for k: uint256 in range(N_COINS, bound=MAX_COINS):
        part: uint256 = fixed_point.mul_div_down(self._raw[k], shares, supply)
        errors.check(part >= min_raw[k], "stable: slippage")
        self._raw[k] -= part
        raw.append(part)
    log LiquidityRemoved(holder=msg.sender, raw=raw, shares=shares)
    for k: uint256 in range(N_COINS, bound=MAX_COINS):
        if raw[k] != 0:
            self._push(k, raw[k], receiver)
    return raw


# ------------------------------------------------------------------------------------------ coins


@internal
def _pull(coin: uint256, raw: uint256):
    token: IERC20 = IERC20(self._coins[coin])
    held: uint256 = staticcall token.balanceOf(self)
    moved: bool = extcall token.transferFrom(msg.sender, self, raw, default_return_value=True)
    errors.check(
        moved and staticcall token.balanceOf(self) == held + raw, "stable: transfer failed"
    )


@internal
def _push(coin: uint256, raw: uint256, to: address):
    errors.check(
        extcall IERC20(self._coins[coin]).transfer(to, raw, default_return_value=True),
        "stable: transfer failed",
    )
