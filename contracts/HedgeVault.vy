# pragma version 0.4.3
# pragma optimize codesize
"""
@title  HedgeVault
@license MIT
@notice ERC-4626 over USDC: one Uniswap v3 position, its price risk hedged with perps (contracts/SPEC.md §4).
@dev    Glossary: L liquidity, E equity, M maintenance requirement and B USDC balance of a margin account,
        u equity of one more USDC in it. The spot price decides nothing but whether a swap may start.
        Documented at contracts/interfaces/IHedgeVault.vyi.
"""

from ethereum.ercs import IERC20
from ethereum.ercs import IERC20Detailed
from ethereum.ercs import IERC4626

from contracts.interfaces import IClearingHouse
from contracts.interfaces import IHedgeVault
from contracts.interfaces import IPriceOracle
from contracts.interfaces import IUniswapV3Pool
from contracts.modules import errors
from contracts.modules import fixed_point
from contracts.modules import hedge_leg
from contracts.modules import pool_leg
from contracts.modules import roles
from contracts.modules import share_token
from contracts.modules import tick_math
from contracts.modules import vault_math
from contracts.modules import vault_parameters

implements: IERC4626
implements: IHedgeVault
uses: pool_leg
uses: roles
uses: vault_parameters
initializes: hedge_leg
initializes: share_token
exports: (
    roles.__interface__,
    pool_leg.__interface__,
    share_token.__interface__,
    hedge_leg.__interface__,
)


WAD: constant(uint256) = 10**18
UNIT_USDC: constant(uint256) = 10**6
WAD_PER_RAW: constant(uint256) = WAD // UNIT_USDC
MAX_MARKETS: constant(uint256) = 8

asset: public(immutable(address))
UNIT_BASE: immutable(uint256)
UNIT_RATIO: immutable(uint256)  # sqrt(UNIT_BASE / UNIT_USDC)


struct Prices:
    usdc: uint256  # USD WAD
    base: uint256  # USD WAD
    sqrt: uint256  # of the pair, X96


struct Book:  # one reading of everything a decision needs
    prices: Prices
    position: IHedgeVault.PositionState
    lp_value: uint256     # USD WAD, without fees
    margin_value: int256  # USD WAD, sum over the accounts
    accounts: DynArray[IClearingHouse.AccountState, MAX_MARKETS]  # in the order of hedge_leg._subs
    nav: uint256          # USD WAD, floored at zero


paused: public(bool)


@deploy
def __init__(
    asset_: address,
    base: address,
    pool: IUniswapV3Pool,
    oracle: IPriceOracle,
    clearing: IClearingHouse,
    markets: DynArray[uint256, MAX_MARKETS],
    parameters: IHedgeVault.Parameters,
):
    """
    @notice The deployer becomes the owner.
    @param markets Perp markets to hedge on, indices of the clearing house, ascending.
    """
    hedge_leg.__init__(oracle, clearing, markets, parameters, pool, base, asset_)
    base_decimals: uint256 = convert(staticcall IERC20Detailed(base).decimals(), uint256)
    assert staticcall IERC20Detailed(asset_).decimals() == 6, "vault: asset decimals"
    assert base_decimals >= 6 and base_decimals % 2 == 0, "vault: base decimals"
    assert (staticcall clearing.collateral(0)).token == asset_, "vault: another asset"
    asset = asset_
    UNIT_BASE = 10**base_decimals
    UNIT_RATIO = 10 ** ((base_decimals - 6) // 2)
    assert extcall IERC20(asset_).approve(clearing.address, max_value(uint256), default_return_value=True)


# -------------------------------------------------------------------------------------------- ERC-4626


@external
@nonreentrant
def deposit(assets: uint256, receiver: address) -> uint256:
    """
    @notice Pull `assets` raw USDC and issue shares for them less the entry fee.
    @dev Reverts with "vault: paused", "vault: deposit cap", "vault: zero amount" and what the oracle refuses.
    """
    total: uint256 = self._total_assets()
    shares: uint256 = self._preview_deposit(assets, total)
    self._enter(assets, shares, total, receiver)
    return shares


@external
@nonreentrant
def mint(shares: uint256, receiver: address) -> uint256:
    """
    @notice Issue exactly `shares` for the raw USDC they cost with the entry fee; refused as `deposit`.
    """
    total: uint256 = self._total_assets()
    assets: uint256 = self._preview_mint(shares, total)
    self._enter(assets, shares, total, receiver)
    return assets


@external
@nonreentrant
def withdraw(assets: uint256, receiver: address, owner: address) -> uint256:
    """
    @notice Send exactly `assets` raw USDC for the shares they cost with the exit fee.
    @dev Reverts with "vault: zero amount", "vault: insufficient shares", "vault: insufficient allowance",
         "vault: slippage", "vault: insufficient liquidity" and what the oracle and clearing house refuse.
    """
    shares: uint256 = self._preview_withdraw(assets, self._total_assets())
    self._leave(assets, shares, receiver, owner)
    return shares


@external
@nonreentrant
def redeem(shares: uint256, receiver: address, owner: address) -> uint256:
    """
    @notice Send the raw USDC of `shares` less the exit fee; refused as `withdraw`.
    """
    assets: uint256 = self._preview_redeem(shares, self._total_assets())
    self._leave(assets, shares, receiver, owner)
    return assets


@internal
def _enter(assets: uint256, shares: uint256, total: uint256, receiver: address):
    self._running()
    errors.check(assets != 0 and shares != 0, "vault: zero amount")
    errors.check(assets <= self._room(total), "vault: deposit cap")
    pool_leg.idle_usdc += assets
    share_token._issue(receiver, shares)
    log IERC4626.Deposit(sender=msg.sender, owner=receiver, assets=assets, shares=shares)
    assert extcall IERC20(asset).transferFrom(msg.sender, self, assets, default_return_value=True)


@internal
def _leave(assets: uint256, shares: uint256, receiver: address, owner: address):
    errors.check(assets != 0 and shares != 0, "vault: zero amount")
    share_token._cancel(owner, shares)
    share_token._spend_allowance(owner, shares)
    self._raise(assets)
    log IERC4626.Withdraw(sender=msg.sender, receiver=receiver, owner=owner, assets=assets, shares=shares)
    self._pay(receiver, assets)


@internal
@view
def _running():
    errors.check(not self.paused, "vault: paused")


@internal
def _pay(to: address, raw: uint256):
    pool_leg.idle_usdc -= raw
    pool_leg._send(asset, to, raw)


@external
@view
@nonreentrant
def totalAssets() -> uint256:
    """
    @notice NAV in raw USDC, rounded down; refuses a stale price, unless the vault holds nothing but USDC.
    """
    return self._total_assets()


@external
@view
@nonreentrant
def convertToShares(assetAmount: uint256) -> uint256:
    return share_token.shares_down(assetAmount, self._total_assets())


@external
@view
@nonreentrant
def convertToAssets(shareAmount: uint256) -> uint256:
    return share_token.assets_down(shareAmount, self._total_assets())


@external
@view
@nonreentrant
def previewDeposit(assets: uint256) -> uint256:
    return self._preview_deposit(assets, self._total_assets())


@external
@view
@nonreentrant
def previewMint(shares: uint256) -> uint256:
    return self._preview_mint(shares, self._total_assets())


@external
@view
@nonreentrant
def previewWithdraw(assets: uint256) -> uint256:
    return self._preview_withdraw(assets, self._total_assets())


@external
@view
@nonreentrant
def previewRedeem(shares: uint256) -> uint256:
    return self._preview_redeem(shares, self._total_assets())


@external
@view
def maxDeposit(owner: address) -> uint256:
    """
    @notice Room below the deposit cap, raw; zero while paused or while there is no price to deposit at.
    """
    return self._room(self._try_total_assets())


@external
@view
def maxMint(owner: address) -> uint256:
    """
    @notice Shares that `maxDeposit` raw USDC buy.
    """
    total: uint256 = self._try_total_assets()
    room: uint256 = self._room(total)
    return 0 if room == 0 else self._preview_deposit(room, total)


@external
@view
def maxWithdraw(owner: address) -> uint256:
    """
    @notice Raw USDC of the whole balance, before the cost of unwinding (SPEC §4.7); zero without a price.
    """
    total: uint256 = self._try_total_assets()
    return 0 if total == max_value(uint256) else self._preview_redeem(share_token.balanceOf[owner], total)


@external
@view
def maxRedeem(owner: address) -> uint256:
    """
    @notice The whole balance; zero without a price.
    """
    return 0 if self._try_total_assets() == max_value(uint256) else share_token.balanceOf[owner]


@internal
@view
def _try_total_assets() -> uint256:
    # The max* functions must not revert (EIP-4626): a call to itself contains a refusal, which reads as infinite.
    success: bool = False
    answer: Bytes[32] = b""
    success, answer = raw_call(
        self, method_id("totalAssets()"), max_outsize=32, is_static_call=True, revert_on_failure=False
    )
    return convert(answer, uint256) if success else max_value(uint256)


@internal
@view
def _room(total: uint256) -> uint256:
    cap: uint256 = vault_parameters.values.deposit_cap
    return 0 if self.paused else cap - min(cap, total)


@internal
@view
def _preview_deposit(assets: uint256, total: uint256) -> uint256:
    net: uint256 = fixed_point.mul_div_down(assets, WAD - vault_parameters.values.entry_fee, WAD)
    return share_token.shares_down(net, total)


@internal
@view
def _preview_mint(shares: uint256, total: uint256) -> uint256:
    net: uint256 = share_token.assets_up(shares, total)
    return fixed_point.mul_div_up(net, WAD, WAD - vault_parameters.values.entry_fee)


@internal
@view
def _preview_withdraw(assets: uint256, total: uint256) -> uint256:
    gross: uint256 = fixed_point.mul_div_up(assets, WAD, WAD - vault_parameters.values.exit_fee)
    return share_token.shares_up(gross, total)


@internal
@view
def _preview_redeem(shares: uint256, total: uint256) -> uint256:
    gross: uint256 = share_token.assets_down(shares, total)
    return fixed_point.mul_div_down(gross, WAD - vault_parameters.values.exit_fee, WAD)


# --------------------------------------------------------------------------------------------- keepers


@external
@nonreentrant
def rebalance() -> uint256:
    self._running()
    book: Book = self._read(True)
    exposure: uint256 = self._value(
        book.position.lp_base + pool_leg.idle_base, 0, book.prices
    )
    band: uint256 = fixed_point.mul_div_down(vault_parameters.values.hedge_band, book.nav, WAD)

    traded: DynArray[uint256, MAX_MARKETS] = []
    grew: bool = False
    for market: uint256 in hedge_leg._markets:
        index: uint256 = hedge_leg._index(market)
        target: int256 = hedge_leg._target(market, exposure, index)
        size: int256 = hedge_leg._size(market)
        if fixed_point.mul_div_down(fixed_point.magnitude(target - size), index, WAD) > band:
            hedge_leg._trade(market, target - size, index)
            traded.append(hedge_leg._sub(market))
            grew = grew or fixed_point.magnitude(target) > fixed_point.magnitude(size)
    errors.check(len(traded) != 0, "vault: within band")

    if grew:
        for sub: uint256 in traded:
            errors.check(
                not hedge_leg._below(
                    hedge_leg._state(sub, True), vault_parameters.values.deleverage_ratio
                ),
                "vault: below margin target",
            )
    return self._reward()


@external
@nonreentrant
def recenter() -> uint256:
    self._running()
    book: Book = self._read(True)
    tick: int24 = tick_math.tick_at_sqrt_ratio(book.prices.sqrt)
    errors.check(self._may_recenter(book, tick), "vault: centred")
    spot: uint256 = pool_leg._spot()
    deviation: uint256 = max(spot, book.prices.sqrt) - min(spot, book.prices.sqrt)
    errors.check(
        deviation * 2 * WAD <= vault_parameters.values.max_slippage * book.prices.sqrt,
        "vault: spot deviates",
    )

    pool_leg._burn(pool_leg.liquidity)
    lacking: DynArray[uint256, MAX_MARKETS] = self._return_margin(book)
    lower: int24 = 0
    upper: int24 = 0
    lower, upper = vault_math.range_around(
        tick, pool_leg.SPACING, vault_parameters.values.range_half_width
    )
    pool_leg._place(lower, upper)
    self._invest(book)
    i: uint256 = 0
    for sub: uint256 in hedge_leg._subs:
        hedge_leg._add_margin(sub, lacking[i])
        i += 1

    log IHedgeVault.Recentered(
        tick_lower=lower, tick_upper=upper, liquidity=pool_leg.liquidity
    )
    return self._reward()


@external
@nonreentrant
def top_up() -> uint256:
    book: Book = self._read(True)
    had: uint256 = pool_leg.idle_usdc
    below: bool = False
    i: uint256 = 0
    for sub: uint256 in hedge_leg._subs:
        if hedge_leg._below(book.accounts[i], vault_parameters.values.top_up_ratio):
            below = True
            wanted: uint256 = hedge_leg._shortfall_usdc(book.accounts[i], book.prices.usdc)
            hedge_leg._add_margin(sub, fixed_point.div_up(wanted, WAD_PER_RAW))
        i += 1
    errors.check(below, "vault: margin sufficient")
    errors.check(had != 0, "vault: no idle assets")

    return self._reward()


@external
@nonreentrant
def deleverage() -> uint256:
    book: Book = self._read(True)
    lowest: int256 = max_value(int256)
    worst: uint256 = 0
    for i: uint256 in range(len(book.accounts), bound=MAX_MARKETS):
        if book.accounts[i].maintenance != 0:
            ratio: int256 = fixed_point.mul_div_floor(
                book.accounts[i].equity, WAD, book.accounts[i].maintenance
            )
            if ratio < lowest:
                lowest = ratio
                worst = i
    errors.check(
        lowest < convert(vault_parameters.values.deleverage_ratio, int256),
        "vault: margin sufficient",
    )

    # A fraction f of both legs: E + f V_lp = margin_target (1 - f) M.
    fraction: uint256 = min(
        WAD,
        fixed_point.mul_div_up(
            hedge_leg._shortfall(book.accounts[worst]),
            WAD,
            hedge_leg._required(book.accounts[worst]) + book.lp_value,
        ),
    )
    before: uint256 = pool_leg.idle_usdc
    self._unwind(fraction, book.prices)
    sub: uint256 = hedge_leg._subs[worst]
    hedge_leg._add_margin(sub, pool_leg.idle_usdc - before)

    return self._reward()


@internal
def _reward() -> uint256:
    reward: uint256 = min(vault_parameters.values.keeper_reward, pool_leg.idle_usdc)
    self._pay(msg.sender, reward)
    log IHedgeVault.KeeperPaid(keeper=msg.sender, reward=reward)
    return reward


# ------------------------------------------------------------------------------------------ placing


@internal
@view
def _may_recenter(book: Book, tick: int24) -> bool:
    if pool_leg.liquidity == 0:
        return True
    centre: int24 = (pool_leg.tick_lower + pool_leg.tick_upper) // 2  # exact: both ends are as far from it
    distance: uint256 = fixed_point.magnitude(convert(tick - centre, int256))
    half_width: uint256 = convert(vault_parameters.values.range_half_width, uint256)
    if distance * WAD >= vault_parameters.values.recenter_threshold * half_width:
        return True
    reserve: uint256 = (
        WAD - vault_parameters.values.lp_allocation - vault_parameters.values.margin_allocation
    )
    return self._idle_value(book.prices) > fixed_point.mul_div_down(
        2 * reserve + WAD // 100, book.nav, WAD
    )


@internal
def _return_margin(book: Book) -> DynArray[uint256, MAX_MARKETS]:
    # Takes what exceeds each account's allocation; returns what each lacks, raw USDC.
    margin: uint256 = fixed_point.mul_div_down(
        vault_parameters.values.margin_allocation, book.nav, WAD
    )
    lacking: DynArray[uint256, MAX_MARKETS] = []
    i: uint256 = 0
    for sub: uint256 in hedge_leg._subs:
        excess: int256 = book.accounts[i].value - convert(hedge_leg._allocation(sub, margin), int256)
        i += 1
        raw: uint256 = self._to_usdc(fixed_point.magnitude(excess), book.prices)
        if excess > 0:
            hedge_leg._take_margin(sub, raw)
            raw = 0
        lacking.append(raw)
    return lacking


@internal
def _invest(book: Book):
    # Mints the LP allocation of NAV, as far as idle assets go, after a swap to the range's own proportion.
    worth: uint256 = min(
        fixed_point.mul_div_down(vault_parameters.values.lp_allocation, book.nav, WAD),
        self._idle_value(book.prices),
    )
    want: uint256 = vault_math.base_for_value(
        book.prices.sqrt,
        pool_leg._sqrt_lower,
        pool_leg._sqrt_upper,
        worth,
        book.prices.base,
        book.prices.usdc,
        UNIT_BASE,
        UNIT_USDC,
    )
    if want > pool_leg.idle_base:
        cost: uint256 = self._to_usdc(self._value(want - pool_leg.idle_base, 0, book.prices), book.prices)
        self._swap(False, min(cost, pool_leg.idle_usdc), book.prices)
    else:
        self._swap(True, pool_leg.idle_base - want, book.prices)

    base_value: uint256 = self._value(pool_leg.idle_base, 0, book.prices)
    usdc: uint256 = self._to_usdc(worth - min(worth, base_value), book.prices)
    pool_leg._mint(pool_leg.idle_base, min(pool_leg.idle_usdc, usdc))


@internal
def _swap(sells_base: bool, amount: uint256, prices: Prices):
    limit: uint256 = vault_math.swap_limit(
        prices.sqrt, vault_parameters.values.max_slippage, sells_base
    )
    pool_leg._swap(sells_base, amount, limit)


# ---------------------------------------------------------------------------------------- unwinding


@internal
def _raise(assets: uint256):
    # Until idle USDC covers `assets`: idle, spare margin, then both legs in proportion.
    hedge_leg._take_spare_margin(assets)
    if pool_leg.idle_usdc >= assets:
        return
    book: Book = self._read(True)
    fraction: uint256 = self._fraction_to_raise(assets - pool_leg.idle_usdc, book)
    self._unwind(fraction, book.prices)
    hedge_leg._take_spare_margin(assets if fraction < WAD else max_value(uint256))
    errors.check(pool_leg.idle_usdc >= assets, "vault: insufficient liquidity")


@internal
@view
def _fraction_to_raise(need: uint256, book: Book) -> uint256:
    legs: int256 = convert(book.lp_value, int256) + book.margin_value
    if legs <= 0:
        return WAD
    # An account below its target keeps the shortfall out of what unwinding frees.
    wanted: uint256 = need * WAD_PER_RAW
    for account: IClearingHouse.AccountState in book.accounts:
        wanted += hedge_leg._shortfall_usdc(account, book.prices.usdc)
    wanted = fixed_point.mul_div_up(wanted, book.prices.usdc, WAD)
    return min(
        WAD,
        fixed_point.mul_div_up(
            wanted, WAD + vault_parameters.values.max_slippage, convert(legs, uint256)
        ),
    )


@internal
def _unwind(fraction: uint256, prices: Prices):
    # Closes `fraction` of every hedge and of the liquidity, and sells the base that was in it.
    hedge_leg._close(fraction)
    burnt: uint128 = convert(
        fixed_point.mul_div_down(convert(pool_leg.liquidity, uint256), fraction, WAD), uint128
    )
    received: uint256 = pool_leg._burn(burnt)
    self._swap(True, received if fraction < WAD else pool_leg.idle_base, prices)
    log IHedgeVault.Unwound(fraction=fraction, liquidity=burnt)


# ---------------------------------------------------------------------------------------- valuation


@external
@view
@nonreentrant
def nav() -> uint256:
    return self._read(True).nav


@external
@view
def last_nav() -> uint256:
    return self._read(False).nav


@external
@view
def position_state() -> IHedgeVault.PositionState:
    return pool_leg._position(self._prices(False).sqrt)


@internal
@view
def _total_assets() -> uint256:
    if pool_leg.liquidity != 0 or pool_leg.idle_base != 0 or not hedge_leg._is_flat():
        book: Book = self._read(True)
        return self._to_usdc(book.nav, book.prices)
    # All USDC: no price is needed, so a frozen oracle locks nobody in.
    total: uint256 = pool_leg.idle_usdc
    for sub: uint256 in hedge_leg._subs:
        total += hedge_leg._cash_raw(sub)
    return total


@internal
@view
def _prices(fresh: bool) -> Prices:
    # `fresh` refuses stale prices; without it the result is for observers only.
    prices: Prices = Prices(
        usdc=hedge_leg._price(asset, fresh), base=hedge_leg._price(pool_leg.BASE, fresh), sqrt=0
    )
    if prices.usdc != 0:  # zero only for an observer before the first round
        prices.sqrt = vault_math.sqrt_price_x96(prices.base, prices.usdc, UNIT_RATIO)
    return prices


@internal
@view
def _read(fresh: bool) -> Book:
    book: Book = empty(Book)
    book.prices = self._prices(fresh)
    book.position = pool_leg._position(book.prices.sqrt)
    book.lp_value = self._value(book.position.lp_base, book.position.lp_usdc, book.prices)
    for sub: uint256 in hedge_leg._subs:
        account: IClearingHouse.AccountState = hedge_leg._state(sub, fresh)
        book.accounts.append(account)
        book.margin_value += account.value
    tokens: uint256 = self._value(
        pool_leg.idle_base + book.position.lp_base + book.position.fees_base,
        pool_leg.idle_usdc + book.position.lp_usdc + book.position.fees_usdc,
        book.prices,
    )
    book.nav = convert(max(convert(tokens, int256) + book.margin_value, 0), uint256)
    return book


@internal
@view
def _value(base: uint256, usdc: uint256, prices: Prices) -> uint256:
    return fixed_point.mul_div_down(base, prices.base, UNIT_BASE) + fixed_point.mul_div_down(
        usdc, prices.usdc, UNIT_USDC
    )


@internal
@view
def _idle_value(prices: Prices) -> uint256:
    return self._value(pool_leg.idle_base, pool_leg.idle_usdc, prices)


@internal
@pure
def _to_usdc(usd: uint256, prices: Prices) -> uint256:
    return fixed_point.mul_div_down(usd, UNIT_USDC, prices.usdc)


# --------------------------------------------------------------------------------------- governance


@external
@nonreentrant
def set_parameters(parameters: IHedgeVault.Parameters):
    roles._only_owner()
    errors.check(parameters.isolated == hedge_leg.ISOLATED, "vault: bad parameter")
    vault_parameters._set(
        parameters,
        pool_leg.SPACING,
        (staticcall hedge_leg.CLEARING.parameters()).initial_multiple,
    )


@external
@view
def parameters() -> IHedgeVault.Parameters:
    return vault_parameters.values


@external
@nonreentrant
def set_paused(paused: bool):
    if paused:
        roles._only_guardian()
    else:
        roles._only_owner()
    self.paused = paused
    log IHedgeVault.PausedSet(paused=paused)
