# pragma version 0.4.3
"""
@title  Ledger
@license MIT
@notice All storage of the clearing house and what moves it (contracts/SPEC.md §3).
@dev    The ClearingHouse and the contracts that run on its storage by delegatecall (but StorageReader, which has an array
        over all of it) initialise this module first, so their layouts are one. Sum(cash) + sum(maker_cash) + sum(premium_pool) + insurance_fund = collateral_held[0] * CASH_UNIT.
"""

from ethereum.ercs import IERC20

from contracts.interfaces import IClearingHouse
from contracts.interfaces import IPriceOracle
from contracts.modules import errors
from contracts.modules import fixed_point
from contracts.modules import perp_math
from contracts.modules import portfolio_math
from contracts.modules import roles

initializes: roles


WAD: constant(uint256) = fixed_point.WAD
MAX_MARKETS: constant(uint256) = 8
MAX_COLLATERALS: constant(uint256) = 8
MAX_RISK_ASSETS: constant(uint256) = 8
MAX_PLEDGES: constant(uint256) = 4
MAX_HOLDERS: constant(uint256) = 64
SIDES: constant(uint256) = 4  # times the inventory limit: the most longs, or shorts, may hold of a market
COVARIANCE_RAMP: constant(uint256) = 6 * 3_600  # seconds a posted covariance takes to arrive
USDC: constant(uint256) = 0  # index of the settlement token among the collaterals
# Of a word of `settlement`.
SETTLED_SHIFT: constant(uint256) = 64
SETTLED_CLOSED: constant(uint256) = 2**63
SETTLED_TIME: constant(uint256) = 2**63 - 1

ORACLE: public(immutable(IPriceOracle))
USDC_TOKEN: public(immutable(address))
CASH_UNIT: public(immutable(uint256))  # WAD of cash per raw unit of USDC

# The venue's terms.
market_count: public(uint256)
market: public(HashMap[uint256, IClearingHouse.Market])
collateral_count: public(uint256)
collateral: public(HashMap[uint256, IClearingHouse.Collateral])
parameters: public(IClearingHouse.Parameters)
lp_collateral: public(IClearingHouse.LiquidityTerms)
lp_base: uint256  # index of the collateral that is token 0 of the pool
lp_fee: uint24
lp_unit_ratio: uint256  # sqrt(10**(decimals of that token - decimals of USDC))
risk_asset_count: public(uint256)
risk_asset: public(HashMap[uint256, address])
row: HashMap[address, uint256]  # of the covariance factor as posted, entry j in bits 32 j ... 32 j + 31
paused: public(bool)

# Markets.
state: HashMap[uint256, IClearingHouse.MarketState]
# Per market sum(cost - s F_entry - |s| l_entry), the part of what the maker owes that does not move.
basis: HashMap[uint256, int256]
long_interest: public(HashMap[uint256, uint256])
maker_cash: public(HashMap[uint256, int256])  # what stands behind the market, USDC WAD
# What trades paid for the skew they made and nobody has earned by taking it back, USDC WAD.
premium_pool: public(HashMap[uint256, uint256])
# U of skew_premium.vy: of the potential of the skew, base units squared WAD^2, what liquidations could not pay for.
unpaid_premium: public(HashMap[uint256, uint256])
opening_skew: public(HashMap[uint256, int256])  # the skew when the block opened that traded last
liquidated: public(HashMap[uint256, uint256])  # base units by which liquidations of that block have raised |k|
loss_long: public(HashMap[uint256, uint256])
loss_short: public(HashMap[uint256, uint256])
insurance_drawn: public(HashMap[uint256, uint256])
maker_drawn: public(HashMap[uint256, uint256])
scaled_at: HashMap[uint256, uint256]  # when the risk manager last changed the skew scale; 0: never
# Who holds a position: the seats 0 ... n - 1 of a market, and per account its seat + 1 and when it sat down.
seating: HashMap[uint256, uint256]  # positions opened so far << 8 | n
holder: HashMap[uint256, HashMap[uint256, uint256]]
seat: HashMap[uint256, HashMap[uint256, uint256]]  # opened as number << 8 | seat + 1

# Markets that end: price << 64 | closed << 63 | seconds. Announced: no price yet, and when it may be settled.
# Settled: the price every position is closed at, and when it was fixed; `closed` once every loss has been taken.
settlement: HashMap[uint256, uint256]
shortfall: HashMap[uint256, uint256]  # what the gains of a settled market have to make up for, USDC WAD
gains: HashMap[uint256, uint256]  # of a settled market before the cut, USDC WAD

# Accounts.
cash: public(HashMap[uint256, int256])
collateral_balance: public(HashMap[uint256, HashMap[uint256, uint256]])
position: public(HashMap[uint256, HashMap[uint256, IClearingHouse.Position]])
# By which position's fills the account's debt grew, USDC WAD, by 2 market + 1 if it was long. In proportion: what has come
# in since is not taken off, and without a debt they are of the past.
blamed: HashMap[uint256, HashMap[uint256, uint256]]
pledges: HashMap[uint256, DynArray[uint256, MAX_PLEDGES]]
slice_consent: public(HashMap[address, HashMap[address, bool]])

# Pledged positions of Uniswap v3.
pledge_terms: public(HashMap[uint256, IClearingHouse.Pledge])
pledged_liquidity: public(uint256)  # raw USDC that it is worth at most

# The venue.
collateral_held: public(HashMap[uint256, uint256])
insurance_fund: public(uint256)
bad_debt: public(uint256)
gate_until: public(uint256)

# The account that must have its initial margin when the operation has done all else; 0: none.
unchecked: transient(uint256)
# The accounts that may hold nothing any more, in the order in which the operation has taken it: in the end those who do
# hold nothing owe nothing. At most all holders of a market (liquidation), or two a market and one (slice).
emptied: transient(DynArray[uint256, MAX_HOLDERS])

# What arrives by a ramp.
row_before: HashMap[address, uint256]  # where the covariance factor was when it was posted last
covariance_posted_at: public(uint256)  # 0: it has arrived
ramp: public(HashMap[uint256, IClearingHouse.Ramp])  # of stricter terms, by the numbers of venue.vy
deepest: public(HashMap[uint256, uint256])  # the skew scale the owner gave a market


@deploy
def __init__(owner: address, oracle: address, usdc: address, usdc_unit: uint256):
    roles.__init__(owner)
    ORACLE = IPriceOracle(oracle)
    USDC_TOKEN = usdc
    CASH_UNIT = WAD // usdc_unit
    assert CASH_UNIT != 0, "clearing: bad parameter"


# ------------------------------------------------------------------------------------ accounts, tokens


@view
@internal
def _check_delegated():
    """
    @notice That this is the storage of a venue: a part of it called directly has none, and writes none.
    """
    errors.check(self.collateral_count != 0, "clearing: delegatecall only")


@view
@internal
def _check_market(market: uint256):
    errors.check(market < self.market_count, "clearing: wrong market")


@view
@internal
def _check_collateral(collateral: uint256):
    errors.check(collateral < self.collateral_count, "clearing: no collateral")


@view
@internal
def _account(owner: address, sub: uint256) -> uint256:
    errors.check(sub <= self.market_count, "clearing: wrong market")
    return convert(owner, uint256) << 8 | sub


@internal
def _credit(account: uint256, collateral: uint256, raw: uint256):
    if collateral == USDC:
        self.cash[account] += convert(raw * CASH_UNIT, int256)
    else:
        self.collateral_balance[account][collateral] += raw


@internal
def _debit(account: uint256, collateral: uint256, raw: uint256):
    if collateral == USDC:
        amount: int256 = convert(raw * CASH_UNIT, int256)
        errors.check(self.cash[account] >= amount, "clearing: insufficient collateral")
        self.cash[account] -= amount
    else:
        balance: uint256 = self.collateral_balance[account][collateral]
        errors.check(balance >= raw, "clearing: insufficient collateral")
        self.collateral_balance[account][collateral] = unsafe_sub(balance, raw)


@internal
def _deposit(account: uint256, collateral: uint256, raw: uint256):
    self._check_collateral(collateral)
    # What is held of a token makes an account depend on its feed: nobody does that to a stranger.
    errors.check(
        collateral == USDC or account >> 8 == convert(msg.sender, uint256), "clearing: no consent"
    )
    # Whoever has a position may need margin, and nobody can fill the cap against him.
    errors.check(
        self.collateral_held[collateral] + raw <= self.collateral[collateral].cap
        or (collateral == USDC and len(self._open_markets(account)) != 0),
        "clearing: collateral cap",
    )
    self._credit(account, collateral, raw)
    log IClearingHouse.Deposited(account=account, collateral=collateral, payer=msg.sender, raw=raw)
    self._pull(collateral, raw)


@internal
def _pull(collateral: uint256, raw: uint256):
    self.collateral_held[collateral] += raw
    token: IERC20 = IERC20(self.collateral[collateral].token)
    held: uint256 = staticcall token.balanceOf(self)
    moved: bool = extcall token.transferFrom(msg.sender, self, raw, default_return_value=True)
    errors.check(
        moved and staticcall token.balanceOf(self) == held + raw, "clearing: transfer failed"
    )


@internal
def _push(collateral: uint256, raw: uint256, to: address):
    self.collateral_held[collateral] -= raw
    token: IERC20 = IERC20(self.collateral[collateral].token)
    errors.check(
        extcall token.transfer(to, raw, default_return_value=True), "clearing: transfer failed"
    )


@view
@internal
def _open_markets(account: uint256) -> DynArray[uint256, MAX_MARKETS]:
    markets: DynArray[uint256, MAX_MARKETS] = []
    for market: uint256 in range(self.market_count, bound=MAX_MARKETS):
        if self.position[account][market].size != 0:
            markets.append(market)
    return markets


# --------------------------------------------------------------------------------- funding and pricing


@view
@internal
def _price(asset: address, fresh: bool) -> uint256:
    if fresh:
        return staticcall ORACLE.price(asset)
    return (staticcall ORACLE.latest(asset))[0]


@view
@internal
def _heard(asset: address) -> (bool, uint256):
    """
    @notice Whether the feed of an asset answers, and the price.
    """
    served: bool = False
    answer: Bytes[32] = b""
    served, answer = raw_call(
        ORACLE.address,
        abi_encode(asset, method_id=method_id("price(address)")),
        max_outsize=32,
        is_static_call=True,
        revert_on_failure=False,
    )
    return served, convert(answer, uint256)


@view
@internal
def _index(market: uint256, fresh: bool) -> uint256:
    """
    @notice What positions of a market are valued at: the price of its feed, once settled the price of that.
    """
    settled: uint256 = self._settlement_price(market)
    if settled != 0:
        return settled
    return self._price(self.market[market].asset, fresh)


@view
@internal
def _settlement_price(market: uint256) -> uint256:
    """
    @notice The price a market is settled at, USD WAD; 0: it is not.
    """
    return self.settlement[market] >> SETTLED_SHIFT


@view
@internal
def _is_closed(market: uint256) -> bool:
    """
    @notice Whether every loss of a settled market has been taken, and gains are what they are.
    """
    return self.settlement[market] & SETTLED_CLOSED != 0


@view
@internal
def _check_not_settled(market: uint256):
    errors.check(self._settlement_price(market) == 0, "clearing: settled")


@view
@internal
def _collateral_price(collateral: uint256, fresh: bool) -> uint256:
    return self._price(self.collateral[collateral].token, fresh)


@view
@internal
def _market_state(market: uint256, index: uint256) -> IClearingHouse.MarketState:
    """
    @notice Skew, funding rate and index accrued up to now.
    """
    state: IClearingHouse.MarketState = self.state[market]
    elapsed: uint256 = block.timestamp - state.updated_at
    if elapsed != 0:
        state.funding_rate, state.funding_index = perp_math.accrue_funding(
            state.funding_rate,
            state.funding_index,
            state.skew,
            self.market[market].skew_scale,
            self.market[market].max_funding_velocity,
            index,
            elapsed,
        )
        state.updated_at = block.timestamp
    return state


@view
@internal
def _row(asset: address) -> uint256:
    """
    @notice Row of the covariance factor now: on the straight line from where it was to what was posted.
    """
    elapsed: uint256 = block.timestamp - self.covariance_posted_at
    if elapsed >= COVARIANCE_RAMP:
        return self.row[asset]
    return portfolio_math.between(
        self.row_before[asset], self.row[asset], elapsed, COVARIANCE_RAMP
    )


@view
@internal
def _is_flat() -> bool:
    """
    @notice Whether nobody holds a position: then no change of terms can cost anybody one.
    """
    for market: uint256 in range(self.market_count, bound=MAX_MARKETS):
        if self.seating[market] & 255 != 0:
            return False
    return True


@internal
def _accrue(market: uint256):
    if self.state[market].updated_at == block.timestamp:
        return
    state: IClearingHouse.MarketState = self._market_state(market, self._index(market, True))
    self.state[market] = state
    self.opening_skew[market] = state.skew
    if self.liquidated[market] != 0:
        self.liquidated[market] = 0
    log IClearingHouse.FundingAccrued(
        market=market, funding_rate=state.funding_rate, funding_index=state.funding_index
    )


@internal
def _accrue_held(account: uint256) -> bool:
    """
    @notice Accrue the markets in which the account holds a position; whether there is any.
    """
    markets: DynArray[uint256, MAX_MARKETS] = self._open_markets(account)
    for market: uint256 in markets:
        self._accrue(market)
    return len(markets) != 0


@view
@internal
def _loss_index(market: uint256, size: int256) -> uint256:
    """
    @notice Socialised loss per unit of size on the side of `size`.
    """
    if size < 0:
        return self.loss_short[market]
    return self.loss_long[market]


@view
@internal
def _owed(
    market: uint256, position: IClearingHouse.Position, funding_index: int256, unpaid: uint256
) -> int256:
    """
    @notice Funding and socialised loss of a position since its last settlement, USDC; positive: the trader pays.
            Each rounded up.
    @param unpaid What is still to be added to the socialised loss per unit of its side, USDC WAD.
    """
    return perp_math.owed(
        position.size,
        funding_index - position.funding_index,
        self._loss_index(market, position.size) + unpaid - position.loss_index,
    )


# ------------------------------------------------------------------------------------------- positions


@internal
def _set_position(account: uint256, market: uint256, new: IClearingHouse.Position):
    """
    @notice Store a position and what follows from it: skew, open interest, basis, who holds the market.
    """
    old: IClearingHouse.Position = self.position[account][market]
    self.position[account][market] = new
    self.state[market].skew += new.size - old.size
    self.basis[market] += (
        new.cost
        - old.cost
        - perp_math.owed(new.size, new.funding_index, new.loss_index)
        + perp_math.owed(old.size, old.funding_index, old.loss_index)
    )
    longs: int256 = max(new.size, 0) - max(old.size, 0)
    if longs != 0:
        self.long_interest[market] = convert(
            convert(self.long_interest[market], int256) + longs, uint256
        )
    if old.size == 0 and new.size != 0:
        self._sit_down(account, market)
    elif old.size != 0 and new.size == 0:
        self._stand_up(account, market)


@view
@internal
def _holders(market: uint256) -> DynArray[uint256, MAX_HOLDERS]:
    """
    @notice The accounts with a position in a market.
    """
    accounts: DynArray[uint256, MAX_HOLDERS] = []
    for seat: uint256 in range(self.seating[market] & 255, bound=MAX_HOLDERS):
        accounts.append(self.holder[market][seat])
    return accounts


@view
@internal
def _is_full(market: uint256) -> bool:
    """
    @notice Whether all its seats are taken.
    """
    return self.seating[market] & 255 == MAX_HOLDERS


@view
@internal
def _seniority(account: uint256, market: uint256) -> uint256:
    """
    @notice The greater the earlier it sat down; below 2**64.
    """
    return 2**64 - 1 - (self.seat[account][market] >> 8)


@internal
def _sit_down(account: uint256, market: uint256):
    seating: uint256 = self.seating[market]
    seat: uint256 = seating & 255
    errors.check(seat < MAX_HOLDERS, "clearing: too many accounts")
    seating += 257  # one more opened, one more seat taken
    self.seating[market] = seating
    self.holder[market][seat] = account
    self.seat[account][market] = seating & ~255 | (seat + 1)


@internal
def _stand_up(account: uint256, market: uint256):
    seating: uint256 = self.seating[market] - 1
    last: uint256 = seating & 255
    seat: uint256 = (self.seat[account][market] & 255) - 1
    if seat != last:
        moved: uint256 = self.holder[market][last]
        self.holder[market][seat] = moved
        self.seat[moved][market] = self.seat[moved][market] & ~255 | (seat + 1)
    self.seating[market] = seating
    self.seat[account][market] = 0
    self.emptied.append(account)


@internal
def _apply_fill(account: uint256, market: uint256, delta: int256, fill: uint256) -> int256:
    """
    @notice Settle what the position owes, trade `delta` at `fill` against the maker; returns the realised PnL.
    @dev The market must be accrued.
    """
    funding_index: int256 = self.state[market].funding_index
    old: IClearingHouse.Position = self.position[account][market]
    new: IClearingHouse.Position = empty(IClearingHouse.Position)
    funding: int256 = self._owed(market, old, funding_index, 0)
    realised: int256 = 0
    new.size, new.cost, realised = perp_math.apply_fill(old.size, old.cost, delta, fill)
    if new.size != 0:
        new.funding_index = funding_index
        new.loss_index = self._loss_index(market, new.size)
    self._set_position(account, market, new)
    self.cash[account] += realised - funding
    self.maker_cash[market] -= realised - funding
    if funding != 0:
        log IClearingHouse.FundingSettled(account=account, market=market, amount=funding)
    return realised


@internal
def _note_debt(account: uint256, market: uint256, size: int256, before: int256):
    """
    @notice Remember which position has made a debt: by what it has grown since cash was `before`, this market's, on the
            side of `size`. What came in meanwhile has paid all that were blamed before in proportion.
    @dev Rounded up: the parts are never less than the debt, so there is no debt without a part.
    """
    debt: uint256 = fixed_point.magnitude(min(self.cash[account], 0))
    old: uint256 = fixed_point.magnitude(min(before, 0))
    if debt <= old:
        return
    total: uint256 = self._blamed(account)
    if total > old:
        for i: uint256 in range(2 * self.market_count, bound=2 * MAX_MARKETS):
            part: uint256 = self.blamed[account][i]
            if part != 0:
                self.blamed[account][i] = fixed_point.mul_div_up(part, old, total)
    self.blamed[account][2 * market + convert(size > 0, uint256)] += debt - old


@view
@internal
def _blamed(account: uint256) -> uint256:
    """
    @notice Of all positions together, USDC WAD: what the parts of a debt are in proportion to.
    """
    total: uint256 = 0
    for i: uint256 in range(2 * self.market_count, bound=2 * MAX_MARKETS):
        total += self.blamed[account][i]
    return total
