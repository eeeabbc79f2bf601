# pragma version 0.4.3
# pragma optimize codesize
"""
@title  AaveHedge
@license MIT
@notice Short positions of one vault, made by borrowing on Aave v3 and selling in a Uniswap v3 pool, behind the
        part of IClearingHouse a vault uses (contracts/SPEC.md §4.8).
@dev    Glossary: C USDC supplied, d_m debt of market m's asset, E equity, M maintenance requirement: E < M
        if and only if Aave's health factor is below one. There is one account, the vault's with sub 0; every
        other is empty. C and d are what Aave says, so a liquidation there needs no bookkeeping here, and
        whoever supplies USDC or repays in this contract's name makes the vault a present.
        Only USDC backs the debts: another asset a stranger supplies in this contract's name counts for nothing
        here, and stops being collateral at Aave before it can keep the USDC there.
        Nothing is held between calls: what is borrowed is sold, what is withdrawn is paid.
"""

from ethereum.ercs import IERC20
from ethereum.ercs import IERC20Detailed

from contracts.interfaces import IAaveHedge
from contracts.interfaces import IAavePool
from contracts.interfaces import IClearingHouse
from contracts.interfaces import IHedgeVenue
from contracts.interfaces import IPriceOracle
from contracts.interfaces import IUniswapV3Pool
from contracts.modules import errors
from contracts.modules import fixed_point
from contracts.modules import refusals
from contracts.modules import tick_math

implements: IHedgeVenue
implements: IAaveHedge

WAD: constant(uint256) = 10**18
UNIT_USDC: constant(uint256) = 10**6
WAD_PER_RAW: constant(uint256) = WAD // UNIT_USDC
PERCENT: constant(uint256) = 10**4  # Aave's percentages have two decimals
VARIABLE_RATE: constant(uint256) = 2
MAX_MARKETS: constant(uint256) = 8
MAX_RESERVES: constant(uint256) = 128  # Aave's: two bits of a word for each, borrowed and collateral
BORROWED: constant(uint256) = max_value(uint256) // 3  # the lower bit of each
LTV_MASK: constant(uint256) = 2**16 - 1  # of a reserve's configuration
ACTIVE: constant(uint256) = 1 << 56
PAUSED: constant(uint256) = 1 << 60


struct Listing:  # what the deployer chooses
    asset: address        # borrowed and sold; token 0 of the pool
    pool: IUniswapV3Pool  # against USDC


struct Leg:
    asset: address
    pool: IUniswapV3Pool
    debt_token: address
    a_token: address  # holds what can be borrowed
    unit: uint256     # 10**decimals of the asset


vault: public(immutable(address))
oracle: public(immutable(IPriceOracle))
AAVE: public(immutable(IAavePool))
USDC: public(immutable(address))
A_USDC: public(immutable(address))
USDC_FLAG: immutable(uint256)  # USDC's bit as collateral
LEGS: immutable(DynArray[Leg, MAX_MARKETS])

forgoes: public(HashMap[address, bool])  # leaves the others its next slice that Aave refuses

# The swap in progress.
_pool: transient(address)
_market: transient(uint256)
_raw: transient(uint256)
_limit: transient(uint256)
_fill: transient(uint256)


@deploy
def __init__(
    vault_: address,
    oracle_: IPriceOracle,
    aave: IAavePool,
    usdc: address,
    listings: DynArray[Listing, MAX_MARKETS],
):
    """
    @param vault_ The only one who may trade and withdraw; it may be deployed later, its address is known.
    """
    assert staticcall IERC20Detailed(usdc).decimals() == 6, "hedge: usdc decimals"
    vault = vault_
    oracle = oracle_
    AAVE = aave
    USDC = usdc
    margin: IAavePool.ReserveData = staticcall aave.getReserveData(usdc)
    A_USDC = margin.a_token
    USDC_FLAG = 2 << (2 * convert(margin.id, uint256))
    assert A_USDC != empty(address), "hedge: no such reserve"
    assert extcall IERC20(usdc).approve(aave.address, max_value(uint256), default_return_value=True)
    legs: DynArray[Leg, MAX_MARKETS] = []
    for listing: Listing in listings:
        asset: address = listing.asset
        assert staticcall listing.pool.token0() == asset, "hedge: pool tokens"
        assert staticcall listing.pool.token1() == usdc, "hedge: pool tokens"
        reserve: IAavePool.ReserveData = staticcall aave.getReserveData(asset)
        assert reserve.a_token != empty(address), "hedge: no such reserve"
        decimals: uint256 = convert(staticcall IERC20Detailed(asset).decimals(), uint256)
        assert 6 <= decimals and decimals <= 18, "hedge: asset decimals"
        legs.append(
            Leg(
                asset=asset,
                pool=listing.pool,
                debt_token=reserve.variable_debt_token,
                a_token=reserve.a_token,
                unit=10**decimals,
            )
        )
        assert extcall IERC20(asset).approve(
            aave.address, max_value(uint256), default_return_value=True
        )
    LEGS = legs


# ------------------------------------------------------------------------------------------ operations


@external
@nonreentrant
def deposit(owner: address, sub: uint256, collateral: uint256, raw: uint256):
    """
    @notice Pull `raw` USDC from the caller, who may be anyone, and supply it for the vault.
    """
    errors.check(owner == vault and sub == 0, "clearing: wrong market")
    errors.check(collateral == 0, "clearing: no collateral")
    self._pull(USDC, msg.sender, raw)
    self._supply(raw)
    log IClearingHouse.Deposited(
        account=self._account(), collateral=0, payer=msg.sender, raw=raw
    )


@external
@nonreentrant
def withdraw(sub: uint256, collateral: uint256, raw: uint256, to: address):
    """
    @notice Send `raw` USDC to `to`; without debt no oracle price is read. The vault.
    @dev Reverts with "clearing: insufficient collateral", also when Aave has lent the USDC to others, or
         "clearing: below initial margin".
    """
    self._only_vault(sub)
    errors.check(collateral == 0, "clearing: no collateral")
    supplied: uint256 = self._supplied()
    available: uint256 = min(supplied, self._available(USDC, A_USDC))
    assert raw <= available, "clearing: insufficient collateral"
    if not self._is_flat():
        self._check_initial(supplied - raw, 0, 0)
    self._release(raw, to)
    log IClearingHouse.Withdrawn(account=self._account(), collateral=0, receiver=to, raw=raw)


@external
@nonreentrant
def trade(sub: uint256, market: uint256, size: int256, limit_price: uint256) -> (uint256, uint256):
    """
    @notice Borrow and sell (size < 0), or buy and repay (size > 0, at most the debt). The vault.
    @return (fill price USD WAD, 0: the pool's fee is in the fill).
    @dev Reverts with "clearing: zero size", "clearing: wrong market", "clearing: inventory limit" (nothing
         left to borrow, or more than the debt bought), "clearing: slippage" or "clearing: below initial
         margin" (also of a reduction that leaves E < M, which Aave refuses).
    """
    errors.check(size != 0, "clearing: zero size")
    self._only_vault(sub)
    leg: Leg = self._leg(market)
    sells: bool = size < 0
    raw: uint256 = 0
    if sells:
        raw = fixed_point.mul_div_down(fixed_point.magnitude(size), leg.unit, WAD)
        available: uint256 = self._available(leg.asset, leg.a_token)
        errors.check(raw <= available, "clearing: inventory limit")
    else:
        raw = fixed_point.mul_div_up(convert(size, uint256), leg.unit, WAD)
        errors.check(raw <= self._debt(leg), "clearing: inventory limit")
    errors.check(raw != 0, "clearing: zero size")
    self._swap(leg.pool, market, raw, limit_price, sells)
    log IClearingHouse.Traded(
        account=self._account(), market=market, size=size, fill=self._fill, fee=0, premium=0, realised=0
    )
    return self._fill, 0


@external
@nonreentrant
def exit_slice(fraction: uint256, payer: address, receiver: address):
    """
    @notice Repay `fraction` (WAD) of every debt with assets of `payer`, who has approved them to this
            contract, and send that part of the supplied USDC to `receiver`. The vault.
    @dev No price of this project is read. Aave, by its own, refuses what would leave a health factor below one,
         and everything of a paused reserve. Refused by Aave, it is refused altogether, unless the payer has
         announced to forgo the slice: then nothing is moved here. Never so for want of gas.
    """
    self._only_vault(0)
    errors.check(fraction <= WAD, "clearing: zero size")
    done: bool = False
    reason: Bytes[132] = b""
    done, reason = raw_call(
        self,
        abi_encode(
            fraction, payer, receiver, method_id=method_id("move_slice(uint256,address,address)")
        ),
        max_outsize=132,
        revert_on_failure=False,
    )
    if done:
        return
    if not self.forgoes[payer] or not refusals.is_aaves(reason):
        raw_revert(reason)
    self.forgoes[payer] = False
    log IAaveHedge.SliceForgone(payer=payer, fraction=fraction, reason=reason)


@external
def move_slice(fraction: uint256, payer: address, receiver: address):
    """
    @notice What `exit_slice` does, as a call of its own, so that a refusal undoes all of it. This contract.
    """
    errors.check(msg.sender == self, "hedge: not the vault")
    for leg: Leg in LEGS:
        due: uint256 = fixed_point.mul_div_up(self._debt(leg), fraction, WAD)
        if due != 0:
            self._pull(leg.asset, payer, due)
            extcall AAVE.repay(leg.asset, due, VARIABLE_RATE, self)
    raw: uint256 = fixed_point.mul_div_down(self._supplied(), fraction, WAD)
    if raw == 0:
        return
    if raw <= self._available(USDC, A_USDC):
        self._release(raw, receiver)
    else:
        # Aave has lent the USDC to others: the receiver becomes its creditor.
        self._drop_hindrances()
        self._send(A_USDC, receiver, raw)
    log IClearingHouse.Withdrawn(
        account=self._account(), collateral=0, receiver=receiver, raw=raw
    )


@external
def set_forgoing(forgoing: bool):
    """
    @notice Announce that the caller's next exit in kind may go on without its slice here, which then stays with
            the others, if Aave refuses it. Used once.
    """
    self.forgoes[msg.sender] = forgoing
    log IAaveHedge.ForgoingSet(payer=msg.sender, forgoing=forgoing)


@external
@nonreentrant
def drop_collateral(asset: address):
    """
    @notice Stop an asset that a stranger has supplied in this contract's name from being collateral. Anyone.
    @dev Whatever takes USDC out does it where Aave demands it; a reserve about to be paused must be dropped before.
         Reverts with "clearing: no collateral" for USDC. Aave refuses what leaves a health factor below one.
    """
    errors.check(asset != USDC, "clearing: no collateral")
    extcall AAVE.setUserUseReserveAsCollateral(asset, False)


@external
def uniswapV3SwapCallback(amount0: int256, amount1: int256, data: Bytes[32]):
    """
    @notice Settles the swap of this moment: supplies the USDC received and borrows what was sold, or repays
            with what was bought and withdraws its price.
    """
    errors.check(msg.sender == self._pool and msg.sender != empty(address), "hedge: not the pool")
    self._pool = empty(address)  # once for each swap
    leg: Leg = LEGS[self._market]
    raw: uint256 = self._raw
    price_usdc: uint256 = self._price(USDC, True)
    if amount0 > 0:
        received: uint256 = fixed_point.magnitude(amount1)
        errors.check(amount0 == convert(raw, int256), "clearing: slippage")  # the pool is too thin
        self._fill = fixed_point.mul_div_down(
            received * WAD_PER_RAW, price_usdc * leg.unit, raw * WAD
        )
        errors.check(self._fill >= self._limit, "clearing: slippage")
        if received != 0:
            self._supply(received)
        self._check_initial(self._supplied(), self._market, raw)
        extcall AAVE.borrow(leg.asset, raw, VARIABLE_RATE, 0, self)
        self._send(leg.asset, msg.sender, raw)
    else:
        due: uint256 = convert(amount1, uint256)
        errors.check(-amount0 == convert(raw, int256), "clearing: slippage")
        self._fill = fixed_point.mul_div_up(due * WAD_PER_RAW, price_usdc * leg.unit, raw * WAD)
        errors.check(self._fill <= self._limit, "clearing: slippage")
        extcall AAVE.repay(leg.asset, raw, VARIABLE_RATE, self)
        self._check_reduced(due)
        self._release(due, msg.sender)


# ------------------------------------------------------------------------------------------------ views


@external
@view
@nonreentrant
def account_state(account: uint256) -> IHedgeVenue.AccountState:
    """
    @notice Value, equity and requirement of an account now, at fresh prices.
    """
    return self._state(account, True)


@external
@view
@nonreentrant
def last_account_state(account: uint256) -> IHedgeVenue.AccountState:
    """
    @notice `account_state` at the last prices, however old.
    """
    return self._state(account, False)


@external
@view
@nonreentrant
def withdrawable(account: uint256, minimum_ratio: uint256) -> uint256:
    """
    @notice Largest raw USDC `withdraw` takes that leaves E >= minimum_ratio M (WAD); 0 when none, as while
            Aave's USDC is paused.
    """
    if account != self._account():
        return 0
    if not self._gives_usdc():
        return 0
    supplied: uint256 = self._supplied()
    spare: uint256 = min(supplied, self._available(USDC, A_USDC))
    if self._is_flat():
        return spare
    price_usdc: uint256 = self._price(USDC, True)
    equity: int256 = 0
    maintenance: uint256 = 0
    equity, maintenance = self._margin(supplied, price_usdc, self._owed(True))
    ratio: uint256 = max(minimum_ratio, self._initial_multiple())
    kept: int256 = convert(fixed_point.mul_div_up(maintenance, ratio, WAD), int256)
    if equity <= kept:
        return 0
    free: uint256 = convert(equity - kept, uint256)
    return min(spare, fixed_point.mul_div_down(free, UNIT_USDC, price_usdc))


@external
@view
@nonreentrant
def can_reduce(market: uint256) -> bool:
    """
    @notice Whether Aave, as far as its pauses go, takes back what is owed in a market and releases USDC for it.
    """
    leg: Leg = self._leg(market)
    return self._gives_usdc() and (self._debt(leg) == 0 or self._is_open(leg.asset))


@external
@view
@nonreentrant
def position(account: uint256, market: uint256) -> IHedgeVenue.Position:
    """
    @notice Size -d_m as of now.
    """
    if account != self._account():
        return IHedgeVenue.Position(size=0)
    leg: Leg = self._leg(market)
    return IHedgeVenue.Position(size=-convert(self._debt(leg) * (WAD // leg.unit), int256))


@external
@view
@nonreentrant
def cash(account: uint256) -> int256:
    """
    @notice USDC supplied, WAD.
    """
    if account != self._account():
        return 0
    return convert(self._supplied() * WAD_PER_RAW, int256)


@external
@view
def market(market: uint256) -> IHedgeVenue.Market:
    """
    @notice The asset borrowed.
    """
    return IHedgeVenue.Market(asset=self._leg(market).asset)


@external
@view
def market_count() -> uint256:
    """
    @notice Number of hedge assets.
    """
    return len(LEGS)


@external
@view
def parameters() -> IHedgeVenue.Parameters:
    """
    @notice The initial multiple mu, by Aave's terms of now.
    """
    return IHedgeVenue.Parameters(initial_multiple=self._initial_multiple())


@external
@view
def leg(market: uint256) -> Leg:
    """
    @notice Asset, swap pool and Aave's tokens of a market.
    """
    return self._leg(market)


# --------------------------------------------------------------------------------------------- internal


@internal
@view
def _only_vault(sub: uint256):
    errors.check(msg.sender == vault, "hedge: not the vault")
    errors.check(sub == 0, "clearing: wrong market")


@internal
@view
def _account() -> uint256:
    return convert(vault, uint256) << 8


@internal
@view
def _leg(market: uint256) -> Leg:
    errors.check(market < len(LEGS), "clearing: wrong market")
    return LEGS[market]


@internal
def _swap(pool: IUniswapV3Pool, market: uint256, raw: uint256, limit: uint256, sells: bool):
    self._pool = pool.address
    self._market = market
    self._raw = raw
    self._limit = limit
    amount: int256 = convert(raw, int256)
    # The callback judges the fill, so the price may go as far as the pool can.
    extreme: uint256 = tick_math.MIN_SQRT_RATIO + 1 if sells else tick_math.MAX_SQRT_RATIO - 1
    extcall pool.swap(
        self, sells, amount if sells else -amount, convert(extreme, uint160), b""
    )


@internal
def _supply(raw: uint256):
    extcall AAVE.supply(USDC, raw, self, 0)


@internal
def _release(raw: uint256, to: address):
    """
    @notice Withdraw USDC from Aave.
    """
    self._drop_hindrances()
    extcall AAVE.withdraw(USDC, raw, to)


@internal
def _drop_hindrances():
    hindrances: DynArray[address, MAX_RESERVES] = self._hindrances()
    for asset: address in hindrances:
        extcall AAVE.setUserUseReserveAsCollateral(asset, False)


@internal
@view
def _hindrances() -> DynArray[address, MAX_RESERVES]:
    """
    @notice Other assets that are collateral at an LTV of zero: Aave releases no USDC against debt until they
            cease to be. Without debt nothing stands in the way.
    """
    found: DynArray[address, MAX_RESERVES] = []
    flags: uint256 = staticcall AAVE.getUserConfiguration(self)
    foreign: uint256 = flags & ~(BORROWED | USDC_FLAG)
    if flags & BORROWED == 0 or foreign == 0:
        return found
    for id: uint256 in range(MAX_RESERVES):
        if foreign & (2 << (2 * id)) == 0:
            continue
        asset: address = staticcall AAVE.getReserveAddressById(convert(id, uint16))
        if (staticcall AAVE.getConfiguration(asset)) & LTV_MASK == 0:
            found.append(asset)
    return found


@internal
@view
def _is_open(asset: address) -> bool:
    """
    @notice Whether anything can leave a reserve or be repaid to it. One that is frozen, or full, is open.
    """
    configuration: uint256 = staticcall AAVE.getConfiguration(asset)
    return configuration & ACTIVE != 0 and configuration & PAUSED == 0


@internal
@view
def _gives_usdc() -> bool:
    if not self._is_open(USDC):
        return False
    hindrances: DynArray[address, MAX_RESERVES] = self._hindrances()
    for asset: address in hindrances:
        if not self._is_open(asset):
            return False
    return True


@internal
def _pull(token: address, payer: address, raw: uint256):
    before: uint256 = staticcall IERC20(token).balanceOf(self)
    assert extcall IERC20(token).transferFrom(payer, self, raw, default_return_value=True)
    errors.check(
        staticcall IERC20(token).balanceOf(self) == before + raw, "clearing: transfer failed"
    )


@internal
def _send(token: address, to: address, raw: uint256):
    assert extcall IERC20(token).transfer(to, raw, default_return_value=True)


@internal
@view
def _price(token: address, fresh: bool) -> uint256:
    if fresh:
        return staticcall oracle.price(token)
    return (staticcall oracle.latest(token))[0]


@internal
@view
def _supplied() -> uint256:
    """
    @notice C, raw USDC, interest included.
    """
    return staticcall IERC20(A_USDC).balanceOf(self)


@internal
@view
def _debt(leg: Leg) -> uint256:
    """
    @notice d_m, raw, interest included.
    """
    return staticcall IERC20(leg.debt_token).balanceOf(self)


@internal
@view
def _available(token: address, a_token: address) -> uint256:
    """
    @notice What Aave has not lent of a reserve, raw.
    """
    return staticcall IERC20(token).balanceOf(a_token)


@internal
@view
def _is_flat() -> bool:
    for leg: Leg in LEGS:
        if self._debt(leg) != 0:
            return False
    return True


@internal
@view
def _owed(fresh: bool) -> uint256:
    """
    @notice The debts in USD WAD, each rounded up. No price is read of an asset that is not owed.
    """
    total: uint256 = 0
    for leg: Leg in LEGS:
        debt: uint256 = self._debt(leg)
        if debt != 0:
            total += fixed_point.mul_div_up(debt, self._price(leg.asset, fresh), leg.unit)
    return total


@internal
@view
def _thresholds() -> (uint256, uint256):
    """
    @notice (LTV, liquidation threshold) of USDC now, in 1/10,000. Zero, of a reserve being wound down, counts as
            one: as good as nothing can be borrowed or withdrawn against debt, and nothing divides by zero.
    """
    configuration: uint256 = staticcall AAVE.getConfiguration(USDC)
    return max(configuration & 65535, 1), max((configuration >> 16) & 65535, 1)


@internal
@view
def _initial_multiple() -> uint256:
    """
    @notice mu = (1/LTV - 1) / (1/LT - 1), WAD, rounded up.
    """
    ltv: uint256 = 0
    threshold: uint256 = 0
    ltv, threshold = self._thresholds()
    return fixed_point.mul_div_up(
        WAD, (PERCENT - ltv) * threshold, ltv * (PERCENT - threshold)
    )


@internal
@view
def _margin(supplied: uint256, price_usdc: uint256, owed: uint256) -> (int256, uint256):
    """
    @notice (E, M), USD WAD: M = D (1/LT - 1), rounded up so that Aave never refuses what M allows.
    """
    threshold: uint256 = self._thresholds()[1]
    worth: uint256 = fixed_point.mul_div_down(supplied, price_usdc, UNIT_USDC)
    return (
        convert(worth, int256) - convert(owed, int256),
        fixed_point.mul_div_up(owed, PERCENT - threshold, threshold),
    )


@internal
@view
def _check_initial(supplied: uint256, market: uint256, borrowed: uint256):
    """
    @notice E >= mu M with `supplied` raw USDC and `borrowed` raw more of a market's asset.
    """
    owed: uint256 = self._owed(True)
    if borrowed != 0:
        leg: Leg = LEGS[market]
        owed += fixed_point.mul_div_up(borrowed, self._price(leg.asset, True), leg.unit)
    equity: int256 = 0
    maintenance: uint256 = 0
    equity, maintenance = self._margin(supplied, self._price(USDC, True), owed)
    required: uint256 = fixed_point.mul_div_up(maintenance, self._initial_multiple(), WAD)
    errors.check(equity >= convert(required, int256), "clearing: below initial margin")


@internal
@view
def _check_reduced(due: uint256):
    """
    @notice E >= M once `due` raw USDC is withdrawn, as Aave will demand.
    """
    supplied: uint256 = self._supplied()
    errors.check(due <= supplied, "clearing: below initial margin")
    if self._is_flat():
        return
    equity: int256 = 0
    maintenance: uint256 = 0
    equity, maintenance = self._margin(
        supplied - due, self._price(USDC, True), self._owed(True)
    )
    errors.check(equity >= convert(maintenance, int256), "clearing: below initial margin")


@internal
@view
def _state(account: uint256, fresh: bool) -> IHedgeVenue.AccountState:
    state: IHedgeVenue.AccountState = empty(IHedgeVenue.AccountState)
    if account != self._account():
        return state
    price_usdc: uint256 = self._price(USDC, fresh)
    state.value, state.maintenance = self._margin(
        self._supplied(), price_usdc, self._owed(fresh)
    )
    state.equity = state.value
    state.initial_equity = state.value
    if price_usdc != 0:
        state.balance = fixed_point.mul_div_floor(state.value, WAD, price_usdc)
    return state
