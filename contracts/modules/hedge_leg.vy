# pragma version 0.4.3
"""
@title  Hedge leg
@license MIT
@notice The vault's accounts at the ClearingHouse: betas, target positions, trades and margin
        (contracts/SPEC.md §4.5).
@dev    E equity and M maintenance requirement of an account, USD WAD. `sub` 0 is the cross account; an
        isolated vault has one account per market, sub market + 1.
"""

from contracts.interfaces import IClearingHouse
from contracts.interfaces import IHedgeVault
from contracts.interfaces import IPriceOracle
from contracts.interfaces import IUniswapV3Pool

from . import errors
from . import fixed_point
from . import pool_leg
from . import roles
from . import vault_math
from . import vault_parameters

initializes: pool_leg
initializes: roles
initializes: vault_parameters


WAD: constant(uint256) = 10**18
MAX_MARKETS: constant(uint256) = 8

ORACLE: public(immutable(IPriceOracle))
CLEARING: public(immutable(IClearingHouse))
ISOLATED: public(immutable(bool))

beta: public(HashMap[uint256, int256])
betas_posted_at: public(uint256)
_markets: DynArray[uint256, MAX_MARKETS]
_subs: DynArray[uint256, MAX_MARKETS]
_assets: HashMap[uint256, address]  # oracle feed of a market


@deploy
def __init__(
    oracle: IPriceOracle,
    clearing: IClearingHouse,
    markets: DynArray[uint256, MAX_MARKETS],
    parameters: IHedgeVault.Parameters,
    pool: IUniswapV3Pool,
    base: address,
    usdc: address,
):
    """
    @notice The deployer becomes the owner. The accounts draw on the idle USDC of the pool leg, so it and what
            both legs go by are set up here.
    """
    roles.__init__(msg.sender)
    pool_leg.__init__(pool, base, usdc)
    vault_parameters._set(
        parameters, staticcall pool.tickSpacing(), (staticcall clearing.parameters()).initial_multiple
    )
    assert staticcall clearing.oracle() == oracle.address, "vault: another oracle"
    ORACLE = oracle
    CLEARING = clearing
    ISOLATED = parameters.isolated
    self._markets = markets
    below: uint256 = 0
    for market: uint256 in markets:
        assert market >= below, "vault: markets not ascending"
        below = market + 1
        self._assets[market] = (staticcall clearing.market(market)).asset
        if parameters.isolated:
            self._subs.append(below)
    assert below <= staticcall clearing.market_count(), "vault: no such market"
    if not parameters.isolated:
        self._subs.append(0)


@external
@view
def markets() -> DynArray[uint256, MAX_MARKETS]:
    """
    @notice Markets the vault hedges on, as indices of the clearing house.
    """
    return self._markets


@external
@nonreentrant
def post_betas(betas: DynArray[int256, MAX_MARKETS]):
    """
    @notice Set the hedge ratios, WAD, USD short per USD of exposure, in the order of `markets`. Risk manager.
    @dev Reverts with "vault: beta out of bounds" or "vault: beta change too fast".
    """
    roles._only_risk_manager()
    errors.check(len(betas) == len(self._markets), "vault: wrong number of betas")
    largest_change: uint256 = max_value(uint256)
    if self.betas_posted_at != 0:
        largest_change = vault_parameters.values.beta_max_change
        errors.check(
            block.timestamp - self.betas_posted_at >= vault_parameters.values.beta_interval,
            "vault: beta change too fast",
        )
    i: uint256 = 0
    for market: uint256 in self._markets:
        beta: int256 = betas[i]
        i += 1
        errors.check(
            fixed_point.magnitude(beta) <= vault_parameters.values.beta_max,
            "vault: beta out of bounds",
        )
        change: uint256 = fixed_point.magnitude(beta - self.beta[market])
        errors.check(change <= largest_change, "vault: beta change too fast")
        self.beta[market] = beta
    self.betas_posted_at = block.timestamp
    log IHedgeVault.BetasPosted(betas=betas)


@internal
@view
def _sub(market: uint256) -> uint256:
    return market + 1 if ISOLATED else 0


@internal
@view
def _account(sub: uint256) -> uint256:
    return convert(self, uint256) << 8 | sub


@internal
@view
def _price(token: address, fresh: bool) -> uint256:
    if fresh:
        return staticcall ORACLE.price(token)
    return (staticcall ORACLE.latest(token))[0]


@internal
@view
def _index(market: uint256) -> uint256:
    return self._price(self._assets[market], True)


@internal
@view
def _size(market: uint256) -> int256:
    return (staticcall CLEARING.position(self._account(self._sub(market)), market)).size


@internal
@view
def _is_flat() -> bool:
    for market: uint256 in self._markets:
        if self._size(market) != 0:
            return False
    return True


@internal
@view
def _state(sub: uint256, fresh: bool) -> IClearingHouse.AccountState:
    if fresh:
        return staticcall CLEARING.account_state(self._account(sub))
    return staticcall CLEARING.last_account_state(self._account(sub))


@internal
@view
def _cash_raw(sub: uint256) -> uint256:
    return convert(max(staticcall CLEARING.cash(self._account(sub)), 0), uint256) // 10**12


@internal
@view
def _target(market: uint256, exposure: uint256, index: uint256) -> int256:
    """
    @notice Position that offsets `exposure` USD of the base asset at the posted beta.
    """
    return fixed_point.mul_div_floor(-self.beta[market], exposure, index)


@internal
def _trade(market: uint256, size: int256, index: uint256):
    limit: uint256 = vault_math.limit_price(
        index, vault_parameters.values.max_slippage, size > 0
    )
    fill: uint256 = 0
    fee: uint256 = 0
    fill, fee = extcall CLEARING.trade(self._sub(market), market, size, limit)
    log IHedgeVault.Hedged(market=market, size=size, fill=fill, fee=fee)


@internal
def _close(fraction: uint256):
    """
    @notice Close `fraction` (WAD) of every position, rounded away from zero.
    """
    for market: uint256 in self._markets:
        size: int256 = self._size(market)
        if size != 0:
            part: int256 = convert(
                fixed_point.mul_div_up(fixed_point.magnitude(size), fraction, WAD), int256
            )
            self._trade(market, -part if size > 0 else part, self._index(market))


@internal
def _add_margin(sub: uint256, wanted: uint256):
    """
    @notice Move raw idle USDC into an account, as far as there is any.
    """
    raw: uint256 = min(wanted, pool_leg.idle_usdc)
    if raw != 0:
        pool_leg.idle_usdc -= raw
        extcall CLEARING.deposit(self, sub, 0, raw)
        log IHedgeVault.MarginAdded(sub=sub, raw=raw)


@internal
def _take_margin(sub: uint256, wanted: uint256):
    """
    @notice Move raw USDC out of an account into idle, as far as the margin target allows.
    """
    raw: uint256 = min(
        wanted,
        staticcall CLEARING.withdrawable(
            self._account(sub), vault_parameters.values.margin_target
        ),
    )
    if raw != 0:
        pool_leg.idle_usdc += raw
        extcall CLEARING.withdraw(sub, 0, raw, self)
        log IHedgeVault.MarginTaken(sub=sub, raw=raw)


@internal
def _take_spare_margin(assets: uint256):
    """
    @notice Take margin until idle USDC covers `assets`, raw.
    """
    for sub: uint256 in self._subs:
        if pool_leg.idle_usdc >= assets:
            return
        self._take_margin(sub, assets - pool_leg.idle_usdc)


@internal
@view
def _allocation(sub: uint256, total: uint256) -> uint256:
    """
    @notice Part of the margin `total` meant for an account: by |beta| when isolated.
    """
    if not ISOLATED:
        return total
    betas: uint256 = 0
    for market: uint256 in self._markets:
        betas += fixed_point.magnitude(self.beta[market])
    if betas == 0:
        return total // len(self._markets)
    return fixed_point.mul_div_down(total, fixed_point.magnitude(self.beta[sub - 1]), betas)


@internal
@view
def _required(account: IClearingHouse.AccountState) -> uint256:
    return fixed_point.mul_div_up(
        vault_parameters.values.margin_target, account.maintenance, WAD
    )


@internal
@view
def _shortfall(account: IClearingHouse.AccountState) -> uint256:
    """
    @notice max(margin_target M - E, 0), USD WAD.
    """
    return convert(max(convert(self._required(account), int256) - account.equity, 0), uint256)


@internal
@view
def _shortfall_usdc(account: IClearingHouse.AccountState, price_usdc: uint256) -> uint256:
    """
    @notice USDC, WAD, that would make up the shortfall: each adds u = P_u (1 - h_0), or P_u to a debt.
    """
    unit: uint256 = price_usdc
    if account.balance >= 0:
        haircut: uint256 = (staticcall CLEARING.collateral(0)).haircut
        unit = fixed_point.mul_div_down(price_usdc, WAD - haircut, WAD)
    return fixed_point.mul_div_up(self._shortfall(account), WAD, unit)


@internal
@pure
def _below(account: IClearingHouse.AccountState, ratio: uint256) -> bool:
    """
    @notice E < ratio M.
    """
    return account.equity * convert(WAD, int256) < convert(ratio * account.maintenance, int256)
