# pragma version 0.4.3
"""
@title  Vault core
@license MIT
@notice All the state of a hedge vault and its valuation at the oracle price (contracts/SPEC.md §4.2), for
        HedgeVault, whose storage it is, and VaultStrategy and VaultExits, which run on it.
@dev    All three initialise this module and beside it nothing with storage, so their layouts are one.
        The spot price decides nothing but whether a swap may start.
"""

from ethereum.ercs import IERC20Detailed

from contracts.interfaces import IClearingHouse
from contracts.interfaces import IHedgeVault
from contracts.interfaces import IHedgeVenue
from contracts.interfaces import INonfungiblePositionManager
from contracts.interfaces import IPriceOracle
from contracts.interfaces import IUniswapV3Pool

from . import errors
from . import fixed_point
from . import hedge_leg
from . import hedge_margin
from . import pool_leg
from . import roles
from . import share_token
from . import vault_fees
from . import vault_math
from . import vault_parameters
from . import withdrawal_queue

initializes: roles
initializes: vault_parameters
initializes: pool_leg
initializes: hedge_leg[
    pool_leg := pool_leg, roles := roles, vault_parameters := vault_parameters
]
initializes: hedge_margin[
    hedge_leg := hedge_leg, pool_leg := pool_leg, vault_parameters := vault_parameters
]
initializes: share_token
initializes: vault_fees[share_token := share_token, vault_parameters := vault_parameters]
initializes: withdrawal_queue[share_token := share_token]


WAD: constant(uint256) = 10**18
UNIT_USDC: constant(uint256) = 10**6
MAX_ACCOUNTS: constant(uint256) = 8
# What keepers are paid from stays idle: so many rewards, and no more than such a part of NAV.
KEPT_REWARDS: constant(uint256) = 100
KEPT_PARTS: constant(uint256) = 100

UNIT_BASE: immutable(uint256)
UNIT_RATIO: immutable(uint256)  # sqrt(UNIT_BASE / UNIT_USDC)

paused: public(bool)
recentred_at: public(uint256)  # time of the last `recenter` that was paid for
in_kind_consent: public(HashMap[address, HashMap[address, bool]])  # receiver -> payer
_in_rearrange: transient(bool)
_invested: transient(uint256)  # USD WAD, what a `recenter` had for the position
_given: transient(uint256)  # raw USDC, what unwinding left in the account the liquidity is pledged to


struct Deployment:  # what the vault and its parts must agree on
    asset: address
    base: address
    pool: IUniswapV3Pool
    manager: INonfungiblePositionManager
    oracle: IPriceOracle
    clearing: IClearingHouse
    isolated: bool
    pledged: bool


struct Prices:
    usdc: uint256  # USD WAD
    base: uint256  # USD WAD
    sqrt: uint256  # of the pair, X96


struct Book:  # one reading of everything a decision needs
    prices: Prices
    position: IHedgeVault.PositionState
    lp_value: uint256     # USD WAD, without fees
    margin_value: int256  # USD WAD, sum over the accounts
    accounts: DynArray[IHedgeVenue.AccountState, MAX_ACCOUNTS]  # values without pledged liquidity
    owing: uint256        # bit i: account i is worth less than nothing, its pledge counted in
    nav: uint256          # USD WAD, floored at zero


struct Worth:  # of all shares
    total: uint256  # raw USDC
    owing: bool     # some account is worth less than nothing: a liquidation will forgive it that


@deploy
def __init__(at: Deployment):
    roles.__init__(msg.sender)
    pool_leg.__init__(at.pool, at.manager, at.base, at.asset, at.clearing, at.pledged)
    hedge_leg.__init__(at.oracle, at.isolated)
    base_decimals: uint256 = convert(staticcall IERC20Detailed(at.base).decimals(), uint256)
    assert staticcall IERC20Detailed(at.asset).decimals() == 6, "vault: asset decimals"
    assert base_decimals >= 6 and base_decimals % 2 == 0, "vault: base decimals"
    assert (staticcall at.clearing.collateral(0)).token == at.asset, "vault: another asset"
    assert not (at.pledged and at.isolated), "vault: pledged and isolated"
    UNIT_BASE = 10**base_decimals
    UNIT_RATIO = 10 ** ((base_decimals - 6) // 2)


@internal
@view
def _deployment() -> Deployment:
    return Deployment(
        asset=pool_leg.USDC,
        base=pool_leg.BASE,
        pool=pool_leg.POOL,
        manager=pool_leg.MANAGER,
        oracle=hedge_leg.ORACLE,
        clearing=pool_leg.CLEARING,
        isolated=hedge_leg.ISOLATED,
        pledged=pool_leg.PLEDGED,
    )


@internal
def _set_parameters(parameters: IHedgeVault.Parameters):
    vault_parameters._set(
        parameters, pool_leg.SPACING, hedge_leg._initial_multiple(), hedge_leg._deviation()
    )


@internal
@view
def _running():
    errors.check(not self.paused, "vault: paused")


@internal
def _pay(to: address, raw: uint256):
    pool_leg.idle_usdc -= raw
    pool_leg._send(pool_leg.USDC, to, raw)


@internal
@view
def _total_assets(fresh: bool) -> uint256:
    return self._worth(fresh).total


@internal
@view
def _worth(fresh: bool) -> Worth:
    """
    @notice NAV in raw USDC, rounded down, and whether an account owes. `fresh` refuses stale prices.
    """
    if pool_leg.idle_base == 0 and not pool_leg._has_liquidity() and hedge_leg._is_flat():
        # All USDC: no price is needed, so a frozen oracle locks nobody in.
        cash: int256 = 0
        owing: bool = False
        cash, owing = hedge_leg._cash_raw()
        total: int256 = convert(pool_leg.idle_usdc, int256) + cash
        return Worth(total=convert(max(total, 0), uint256), owing=owing)
    book: Book = self._read(fresh)
    return Worth(
        total=0 if book.prices.usdc == 0 else self._to_usdc(book.nav, book.prices),
        owing=book.owing != 0,
    )


@internal
@view
def _prices(fresh: bool) -> Prices:
    # `fresh` refuses stale prices; without it the result is for observers only.
    prices: Prices = Prices(
        usdc=hedge_leg._price(pool_leg.USDC, fresh),
        base=hedge_leg._price(pool_leg.BASE, fresh),
        sqrt=0,
    )
    if prices.usdc != 0:  # zero only for an observer before the first round
        prices.sqrt = vault_math.sqrt_price_x96(prices.base, prices.usdc, UNIT_RATIO)
    return prices


@internal
@view
def _read(fresh: bool) -> Book:
    book: Book = empty(Book)
    book.prices = self._prices(fresh)
    if book.prices.usdc == 0:
        # Only for an observer: nothing can be said, and an account with pledged liquidity divides by the price.
        return book
    book.position = pool_leg._position(book.prices.sqrt)
    book.lp_value = self._value(book.position.lp_base, book.position.lp_usdc, book.prices)
    for account: hedge_leg.MarginAccount in hedge_leg._accounts:
        state: IHedgeVenue.AccountState = hedge_leg._state(account, fresh)
        if state.value < 0:
            book.owing |= 1 << len(book.accounts)
        if book.position.pledged and len(book.accounts) == 0:
            state.value -= convert(book.lp_value, int256)  # the cross account is the first
        book.accounts.append(state)
        book.margin_value += state.value
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
def _keep(nav: uint256, usdc_price: uint256):
    """
    @notice What this keeper call leaves idle for the pay of the next. Both USD WAD.
    """
    hedge_margin._kept = min(
        self._kept_at_most(), nav * (UNIT_USDC // KEPT_PARTS) // usdc_price
    )


@internal
@view
def _kept_at_most() -> uint256:
    return KEPT_REWARDS * vault_parameters.values.keeper_reward


@internal
@pure
def _to_usdc(usd: uint256, prices: Prices) -> uint256:
    return fixed_point.mul_div_down(usd, UNIT_USDC, prices.usdc)
