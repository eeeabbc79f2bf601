# pragma version 0.4.3
# pragma optimize codesize
"""
@title  Settlement
@license MIT
@notice A market's end (contracts/SPEC.md §3.7): wound down, settled at one price, position by position. Code of the
        ClearingHouse that runs on its storage by delegatecall and refuses to be called directly.
@dev    Functions, events and scales are documented in IClearingHouse. The ClearingHouse's reentrancy lock is held
        throughout. Its own storage is never used.
"""

from ethereum.ercs import IERC20Detailed

from contracts.interfaces import IClearingHouse
from contracts.modules import errors
from contracts.modules import fixed_point
from contracts.modules import ledger
from contracts.modules import maker
from contracts.modules import margin
from contracts.modules import perp_math
from contracts.modules import pricing
from contracts.modules import roles
from contracts.modules import waterfall

initializes: ledger
initializes: maker[ledger := ledger]
initializes: margin[ledger := ledger]
initializes: pricing[ledger := ledger]
initializes: waterfall[ledger := ledger, maker := maker]
uses: roles
exports: (ledger.ORACLE, ledger.USDC_TOKEN)


WAD: constant(uint256) = fixed_point.WAD
MAX_HOLDERS: constant(uint256) = ledger.MAX_HOLDERS
NOTICE: constant(uint256) = 7 * 86_400  # seconds from the announcement to the earliest settlement
FEED_WAIT: constant(uint256) = 3 * 86_400  # and from there on, until the last price of a silent feed will do
HEDGE_GRACE: constant(uint256) = 86_400  # seconds after it, in which no stranger takes a hedge that an account needs


@deploy
def __init__(oracle: address, usdc: address):
    ledger.__init__(
        self, oracle, usdc, 10 ** convert(staticcall IERC20Detailed(usdc).decimals(), uint256)
    )


@external
def wind_down(market: uint256):
    ledger._check_delegated()
    roles._only_owner_delayed()
    ledger._check_market(market)
    errors.check(ledger.settlement[market] == 0, "clearing: winding down")
    due: uint256 = block.timestamp + NOTICE
    ledger.settlement[market] = due
    log IClearingHouse.WindDownAnnounced(market=market, due=due)


@external
def settle_market(market: uint256) -> uint256:
    ledger._check_delegated()
    ledger._check_market(market)
    ledger._check_not_settled(market)
    due: uint256 = ledger.settlement[market]
    errors.check(due != 0 and block.timestamp >= due, "clearing: too soon")
    price: uint256 = 0
    priced_at: uint256 = 0
    price, priced_at = self._final_price(market, due)
    self._stop_funding(market, price, priced_at)
    ledger.settlement[market] = price << ledger.SETTLED_SHIFT | block.timestamp
    log IClearingHouse.MarketSettled(market=market, price=price, priced_at=priced_at)
    pricing._sweep_pool(market)
    self._return_premiums(market)
    # What the maker lacks is borne as ever; without a skew no side wins against it, and all who gain bear it.
    maker._cover(market, price)
    lacking: int256 = -maker._value(market, ledger.state[market], price)
    ledger.shortfall[market] = convert(max(lacking, 0), uint256)
    gains: uint256 = 0
    holders: DynArray[uint256, MAX_HOLDERS] = ledger._holders(market)
    for holder: uint256 in holders:
        gains += convert(max(self._gain(holder, market, price), 0), uint256)
    ledger.gains[market] = gains
    return price


@external
def settle_position(account: uint256, market: uint256) -> int256:
    ledger._check_delegated()
    price: uint256 = ledger._settlement_price(market)
    errors.check(price != 0, "clearing: too soon")
    size: int256 = ledger.position[account][market].size
    errors.check(size != 0, "clearing: no position")
    gain: int256 = self._gain(account, market, price)
    if gain < 0:
        self._check_liquidated_elsewhere(account)
    if gain > 0 and not ledger._is_closed(market):
        self._close_books(market, price)
        gain = self._gain(account, market, price)
    protected: bool = self._needs_grace(account, market) and self._is_healthy(account)
    cash: int256 = ledger.cash[account]
    ledger._apply_fill(account, market, -size, price)
    ledger._note_debt(account, market, size, cash)
    log IClearingHouse.PositionSettled(
        account=account, market=market, size=size, price=price, gain=gain
    )
    if gain < 0 and ledger.cash[account] < 0:
        self._take_debt(account, market, fixed_point.magnitude(gain), size)
    errors.check(not protected or self._is_healthy(account), "clearing: too soon")
    return gain


# ----------------------------------------------------------------------------------------- the price


@internal
def _final_price(market: uint256, due: uint256) -> (uint256, uint256):
    """
    @notice The price of the feed and the time it is of; where the feed has served none for long, its last.
    """
    asset: address = ledger.market[market].asset
    if block.timestamp < due + FEED_WAIT:
        return ledger._price(asset, True), block.timestamp
    served: bool = False
    price: uint256 = 0
    served, price = ledger._heard(asset)
    if served:
        return price, block.timestamp
    updated_at: uint256 = 0
    price, updated_at = staticcall ledger.ORACLE.latest(asset)
    errors.check(price != 0, "oracle: no round")
    return price, min(updated_at, block.timestamp)


@internal
def _stop_funding(market: uint256, price: uint256, priced_at: uint256):
    """
    @notice Accrue funding up to the time the price is of, and none from then on: while a feed is silent nobody can
            leave, so nobody pays for staying.
    """
    state: IClearingHouse.MarketState = ledger.state[market]
    if priced_at > state.updated_at:
        state.funding_rate, state.funding_index = perp_math.accrue_funding(
            state.funding_rate,
            state.funding_index,
            state.skew,
            ledger.market[market].skew_scale,
            ledger.market[market].max_funding_velocity,
            price,
            priced_at - state.updated_at,
        )
    state.funding_rate = 0
    state.updated_at = block.timestamp
    ledger.state[market] = state
    ledger.market[market].max_funding_velocity = 0
    log IClearingHouse.FundingAccrued(
        market=market, funding_rate=0, funding_index=state.funding_index
    )


@internal
def _return_premiums(market: uint256):
    """
    @notice Pay the premium pool to the side that made the skew, per unit of size; what rounding leaves is the maker's.
    """
    pool: uint256 = ledger.premium_pool[market]
    ledger.unpaid_premium[market] = 0
    if pool == 0:
        return
    skew: int256 = ledger.state[market].skew
    side: uint256 = maker._side(market, skew > 0)
    ledger.premium_pool[market] = 0
    left: uint256 = pool
    holders: DynArray[uint256, MAX_HOLDERS] = ledger._holders(market)
    for holder: uint256 in holders:
        size: int256 = ledger.position[holder][market].size
        if (size > 0) == (skew > 0):
            part: uint256 = fixed_point.mul_div_down(pool, fixed_point.magnitude(size), side)
            left -= part
            ledger.cash[holder] += convert(part, int256)
            log IClearingHouse.PremiumReturned(account=holder, market=market, amount=part)
    ledger.maker_cash[market] += convert(left, int256)


# --------------------------------------------------------------------------------- gains and losses


@view
@internal
def _gain(account: uint256, market: uint256, price: uint256) -> int256:
    """
    @notice USDC WAD that closing the position at the settlement price brings, funding and socialised loss included.
    """
    position: IClearingHouse.Position = ledger.position[account][market]
    return (
        fixed_point.mul_div_floor(position.size, price, WAD)
        - position.cost
        - ledger._owed(market, position, ledger.state[market].funding_index, 0)
    )


@internal
def _close_books(market: uint256, price: uint256):
    """
    @notice Once every loss has been taken: what those who lost could not pay, nor insurance and maker for them, is
            borne by all gains in proportion, whoever is settled first. The cost of each position is raised by its part.
    """
    holders: DynArray[uint256, MAX_HOLDERS] = ledger._holders(market)
    gains: uint256 = 0
    for holder: uint256 in holders:
        gain: int256 = self._gain(holder, market, price)
        errors.check(gain >= 0, "clearing: losses first")
        gains += convert(gain, uint256)
    ledger.settlement[market] |= ledger.SETTLED_CLOSED
    missing: uint256 = min(ledger.shortfall[market], gains)
    if missing == 0:
        return
    for holder: uint256 in holders:
        gain: uint256 = convert(self._gain(holder, market, price), uint256)
        position: IClearingHouse.Position = ledger.position[holder][market]
        position.cost += convert(fixed_point.mul_div_up(gain, missing, gains), int256)
        ledger._set_position(holder, market, position)
    log IClearingHouse.GainsCut(market=market, amount=missing, gains=gains)


@internal
def _take_debt(account: uint256, market: uint256, lost: uint256, size: int256):
    """
    @notice What the account is worth less than nothing, as far as this market's loss has made it so, is paid at once:
            by insurance, maker, and then out of the gains.
    """
    after: margin.Valuation = margin._valuation(account, False)
    settled_at: uint256 = ledger.settlement[market] & ledger.SETTLED_TIME
    # A source that answers nothing is no loss of all that is held at it. It cannot hold up the winners for good.
    errors.check(
        block.timestamp >= settled_at + FEED_WAIT or self._is_priced(account), "oracle: stale"
    )
    if after.state.value >= 0:
        return
    debt: uint256 = fixed_point.mul_div_up(
        convert(-after.state.value, uint256), WAD, after.usdc_price
    )
    debt = min(min(debt, lost), convert(-ledger.cash[account], uint256))
    place: uint256 = 2 * market + convert(size > 0, uint256)
    ledger.blamed[account][place] -= min(debt, ledger.blamed[account][place])
    ledger.bad_debt += debt
    ledger.cash[account] += convert(debt, int256)
    waterfall._gate(waterfall._bear(account, market, debt, size < 0))


@view
@internal
def _check_liquidated_elsewhere(account: uint256):
    """
    @notice Whoever is worth less than nothing is liquidated first where that is possible: each market bears its part of the
            debt then, and the order of calls does not decide which.
    """
    possible: bool = False
    markets: DynArray[uint256, ledger.MAX_MARKETS] = ledger._open_markets(account)
    for market: uint256 in markets:
        if ledger._settlement_price(market) == 0:
            possible = possible or ledger._heard(ledger.market[market].asset)[0]
    if possible and ledger._heard(ledger.USDC_TOKEN)[0] and self._is_priced(account):
        errors.check(margin._valuation(account, False).state.value >= 0, "clearing: losses first")


@view
@internal
def _is_priced(account: uint256) -> bool:
    """
    @notice Whether the source of everything the account holds answers something, however old.
    """
    markets: DynArray[uint256, ledger.MAX_MARKETS] = ledger._open_markets(account)
    for market: uint256 in markets:
        if ledger._index(market, False) == 0:
            return False
    for i: uint256 in range(1, ledger.collateral_count, bound=ledger.MAX_COLLATERALS):
        pledged: bool = i == ledger.lp_base and len(ledger.pledges[account]) != 0
        if ledger.collateral_balance[account][i] != 0 or pledged:
            if ledger._price(ledger.collateral[i].token, False) == 0:
                return False
    return True


@view
@internal
def _needs_grace(account: uint256, market: uint256) -> bool:
    settled_at: uint256 = ledger.settlement[market] & ledger.SETTLED_TIME
    return (
        account >> 8 != convert(msg.sender, uint256)
        and block.timestamp < settled_at + HEDGE_GRACE
    )


@view
@internal
def _is_healthy(account: uint256) -> bool:
    """
    @notice E >= M at the last prices: another market's feed may be silent.
    """
    state: IClearingHouse.AccountState = margin._valuation(account, False).state
    return state.equity >= convert(state.maintenance, int256)
