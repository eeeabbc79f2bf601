# pragma version 0.4.3
# pragma optimize codesize
"""
@title  Trading
@license MIT
@notice Opening, changing and closing of positions (contracts/SPEC.md §3.5): code of the ClearingHouse that runs on its
        storage by delegatecall and refuses to be called directly.
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

initializes: ledger
initializes: maker[ledger := ledger]
initializes: margin[ledger := ledger]
initializes: pricing[ledger := ledger]
exports: (ledger.ORACLE, ledger.USDC_TOKEN)


WAD: constant(uint256) = fixed_point.WAD


struct Filled:  # what the maker has taken of a trade
    fill: uint256     # USD WAD a unit, with the premium
    fee: uint256      # USDC WAD
    premium: int256   # USDC WAD; positive: the trader pays
    realised: int256  # USDC WAD


@deploy
def __init__(oracle: address, usdc: address):
    ledger.__init__(
        self, oracle, usdc, 10 ** convert(staticcall IERC20Detailed(usdc).decimals(), uint256)
    )


@external
def trade(sub: uint256, market: uint256, size: int256, limit_price: uint256) -> (uint256, uint256):
    ledger._check_delegated()
    errors.check(size != 0, "clearing: zero size")
    account: uint256 = ledger._account(msg.sender, sub)
    ledger._check_market(market)
    errors.check(sub == 0 or sub == market + 1, "clearing: wrong market")
    before: int256 = ledger.position[account][market].size
    after: int256 = before + size
    flipped: bool = (before > 0 and after < 0) or (before < 0 and after > 0)
    adds_risk: bool = flipped or fixed_point.magnitude(after) > fixed_point.magnitude(before)
    errors.check(not (adds_risk and ledger.paused), "clearing: paused")
    ledger._check_not_settled(market)
    errors.check(not adds_risk or ledger.settlement[market] == 0, "clearing: winding down")

    ledger._accrue(market)
    index: uint256 = ledger._index(market, True)
    maker._cover(market, index)
    seat: uint256 = 0
    if before == 0:
        seat = self._take_seat(account, market, fixed_point.magnitude(size), index)
    if adds_risk:
        self._check_room(market, before, after)
    closed: uint256 = 0
    worth: uint256 = 0
    gained: int256 = 0
    if before != 0 and (before > 0) != (size > 0):
        closed, worth, gained = self._close_with_insolvent(account, market, before, size, index)
    filled: Filled = self._fill(account, market, before, self._left(size, closed), seat, index)
    fill: uint256 = filled.fill
    if closed != 0:
        fill = self._average(size, closed, worth, fill)
    errors.check(
        fill <= limit_price if size > 0 else fill >= limit_price, "clearing: slippage"
    )
    if adds_risk:
        maker._check_reserve(market, index)
        margin._require_initial_margin(account)
    elif ledger.cash[account] < 0:
        # Who owes more than he has is closed by liquidation, which asks the winners before anybody else.
        errors.check(margin._valuation(account, False).state.value >= 0, "clearing: insolvent")
    log IClearingHouse.Traded(
        account=account,
        market=market,
        size=size,
        fill=fill,
        fee=filled.fee,
        premium=filled.premium,
        realised=filled.realised + gained,
    )
    return fill, filled.fee


@internal
def _close_with_insolvent(
    account: uint256, market: uint256, before: int256, size: int256, index: uint256
) -> (uint256, uint256, int256):
    """
    @notice A call of Deleveraging on this storage: what of a close goes against insolvent accounts of the other side, for
            how much USDC, and the PnL that it realises.
    """
    closing: int256 = -before
    if fixed_point.magnitude(size) < fixed_point.magnitude(before):
        closing = size
    return abi_decode(
        raw_call(
            (staticcall IClearingHouse(self).parts()).deleveraging,
            abi_encode(
                account, market, closing, index,
                method_id=method_id("close_with_insolvent(uint256,uint256,int256,uint256)"),
            ),
            max_outsize=96,
            is_delegate_call=True,
        ),
        (uint256, uint256, int256),
    )


@pure
@internal
def _left(size: int256, closed: uint256) -> int256:
    """
    @notice What of a trade is left for the maker.
    """
    if size > 0:
        return size - convert(closed, int256)
    return size + convert(closed, int256)


@internal
def _fill(
    account: uint256, market: uint256, before: int256, delta: int256, seat: uint256, index: uint256
) -> Filled:
    """
    @notice Trade against the maker; nothing where `delta` is 0.
    @param before The position when the trade began.
    @param seat What the account pays for the seat it takes, USDC.
    """
    if delta == 0:
        return empty(Filled)
    premium: int256 = pricing._premium(market, delta, index)
    paid: int256 = premium + convert(seat, int256)
    booked: uint256 = perp_math.booked_price(delta, index, pricing._half_spread(market))
    fill: uint256 = perp_math.effective_price(delta, booked, paid)
    cash: int256 = ledger.cash[account]
    realised: int256 = ledger._apply_fill(account, market, delta, booked)
    pricing._pay_premium(account, market, paid)
    pricing._move_unpaid(market, delta, index, 0)
    fee: uint256 = self._charge(account, market, fixed_point.magnitude(delta), fill)
    ledger._note_debt(account, market, before if before != 0 else delta, cash)
    return Filled(fill=fill, fee=fee, premium=premium, realised=realised)


@pure
@internal
def _average(size: int256, closed: uint256, worth: uint256, fill: uint256) -> uint256:
    """
    @notice What a unit went for where `closed` of `size` went for `worth` and the rest for `fill`, rounded against whom
            the limit protects.
    """
    total: uint256 = fixed_point.magnitude(size)
    if size > 0:
        return fixed_point.mul_div_up(
            worth + fixed_point.mul_div_up(total - closed, fill, WAD), WAD, total
        )
    return fixed_point.mul_div_down(
        worth + fixed_point.mul_div_down(total - closed, fill, WAD), WAD, total
    )


@internal
def _charge(account: uint256, market: uint256, size: uint256, price: uint256) -> uint256:
    """
    @notice Take the fee of a trade for the maker, USDC WAD, rounded up.
    """
    fee: uint256 = fixed_point.mul_div_up(
        perp_math.notional(size, price), ledger.market[market].taker_fee, WAD
    )
    ledger.cash[account] -= convert(fee, int256)
    ledger.maker_cash[market] += convert(fee, int256)
    return fee


# ---------------------------------------------------------------------------------------------- seats


@external
def take_seat(account: uint256, market: uint256, size: uint256):
    """
    @notice A seat for a position that comes without a trade (a slice), where all are taken; what the one displaced owes
            as a premium the account pays. Called by parts alone.
    @param size Of the position, base units WAD.
    """
    ledger._check_delegated()
    ledger._check_not_settled(market)
    ledger._accrue(market)
    index: uint256 = ledger._index(market, True)
    maker._cover(market, index)
    premium: uint256 = self._take_seat(account, market, size, index)
    pricing._pay_premium(account, market, convert(premium, int256))


@internal
def _take_seat(account: uint256, market: uint256, size: uint256, index: uint256) -> uint256:
    """
    @notice Where a market's seats are all taken, close the smallest position that may be, for one more than twice as large,
            as if its holder had; but a premium that it owes is the newcomer's: returned, USDC.
    """
    if not ledger._is_full(market):
        return 0
    holders: DynArray[uint256, ledger.MAX_HOLDERS] = ledger._holders(market)
    # Size << 64 | 2**64 - 1 - opened as number: of equals first the one that sat down last. 0: keeps its seat.
    keys: uint256[ledger.MAX_HOLDERS] = empty(uint256[ledger.MAX_HOLDERS])
    largest: uint256 = pricing._inventory_limit(market) // ledger.MAX_HOLDERS
    place: uint256 = 0
    for holder: uint256 in holders:
        held: uint256 = fixed_point.magnitude(ledger.position[holder][market].size)
        if held < size // 2 and held <= largest:
            keys[place] = held << 64 | ledger._seniority(holder, market)
        place += 1
    code: address = (staticcall IClearingHouse(self).parts()).trading
    for _: uint256 in range(ledger.MAX_HOLDERS):
        least: uint256 = max_value(uint256)
        for i: uint256 in range(ledger.MAX_HOLDERS):
            if keys[i] != 0 and keys[i] < least:
                least = keys[i]
                place = i
        if least == max_value(uint256):
            break
        keys[place] = 0
        # A call of its own: who cannot be left as `displace` asks keeps his seat, and nothing has happened.
        left: bool = False
        premium: Bytes[32] = b""
        left, premium = raw_call(
            code,
            abi_encode(
                holders[place], account, market, index,
                method_id=method_id("displace(uint256,uint256,uint256,uint256)"),
            ),
            max_outsize=32,
            is_delegate_call=True,
            revert_on_failure=False,
        )
        if left:
            return abi_decode(premium, uint256)
    raise "clearing: too many accounts"


@external
def displace(leaver: uint256, newcomer: uint256, market: uint256, index: uint256) -> uint256:
    """
    @notice Close a position as if its holder had, but for a premium that it owes: returned, USDC, for the newcomer to pay.
            Called by `_take_seat` alone; the market is accrued.
    """
    ledger._check_delegated()
    delta: int256 = -ledger.position[leaver][market].size
    premium: int256 = pricing._premium(market, delta, index)
    booked: uint256 = perp_math.booked_price(delta, index, pricing._half_spread(market))
    cash: int256 = ledger.cash[leaver]
    ledger._apply_fill(leaver, market, delta, booked)
    pricing._pay_premium(leaver, market, min(premium, 0))
    pricing._move_unpaid(market, delta, index, 0)
    self._charge(leaver, market, fixed_point.magnitude(delta), booked)
    ledger._note_debt(leaver, market, -delta, cash)
    # Neither a way past auto-deleveraging nor one to make an account liquidatable by closing a hedge.
    after: IClearingHouse.AccountState = margin._valuation(leaver, False).state
    errors.check(
        after.value >= 0 and after.equity >= convert(after.maintenance, int256),
        "clearing: too many accounts",
    )
    log IClearingHouse.Displaced(
        account=leaver,
        market=market,
        newcomer=newcomer,
        size=fixed_point.magnitude(delta),
        price=booked,
        premium=premium,
    )
    return convert(max(premium, 0), uint256)


@view
@internal
def _check_room(market: uint256, before: int256, after: int256):
    """
    @notice Whether the maker takes the other side of more risk.
    """
    skew: int256 = ledger.state[market].skew
    outward: uint256 = fixed_point.magnitude(skew + after - before)
    limit: uint256 = pricing._inventory_limit(market)
    errors.check(
        outward <= fixed_point.magnitude(skew) or outward <= limit, "clearing: inventory limit"
    )
    longs: int256 = convert(ledger.long_interest[market], int256) + max(after, 0) - max(before, 0)
    shorts: int256 = longs - skew - after + before
    side: uint256 = convert(longs if after > before else shorts, uint256)
    errors.check(
        longs + shorts <= convert(ledger.market[market].max_open_interest, int256)
        and side <= ledger.SIDES * limit,
        "clearing: open interest cap",
    )
