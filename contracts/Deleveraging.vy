# pragma version 0.4.3
# pragma optimize codesize
"""
@title  Deleveraging
@license MIT
@notice The waterfall of a liquidation (contracts/SPEC.md §3.5): before the position of an account worth less than nothing
        is closed, insurance, and where that is not enough auto-deleveraging against the winners of the other side; after
        any operation, who pays the debt of an account that it has left with nothing. Runs on the ClearingHouse's storage by delegatecall and refuses to be
        called directly.
@dev    The ClearingHouse's reentrancy lock is held throughout. Its own storage is never used.
"""

from ethereum.ercs import IERC20Detailed

from contracts.interfaces import IClearingHouse
from contracts.modules import fixed_point
from contracts.modules import ledger
from contracts.modules import maker
from contracts.modules import margin
from contracts.modules import perp_math
from contracts.modules import waterfall

initializes: ledger
initializes: maker[ledger := ledger]
initializes: margin[ledger := ledger]
initializes: waterfall[ledger := ledger, maker := maker]
exports: (ledger.ORACLE, ledger.USDC_TOKEN)


WAD: constant(uint256) = fixed_point.WAD
MAX_HOLDERS: constant(uint256) = ledger.MAX_HOLDERS
HIGHEST_RANK: constant(uint256) = 2**192 - 1
# Quotients are bounded: no rank may overflow, or a position built for it could stop a liquidation.
MAX_RATIO: constant(uint256) = 2**96 - 1
MAX_GAIN: constant(uint256) = 2**192 - 1
# Policies: values of `parameters.deleveraging`, by simulator/protocol/clearing.py.
QUEUE: constant(uint256) = 0
PRO_RATA_PROFIT: constant(uint256) = 1
PRO_RATA_EQUITY: constant(uint256) = 2
PRO_RATA_POSITION: constant(uint256) = 3


@deploy
def __init__(oracle: address, usdc: address):
    ledger.__init__(
        self, oracle, usdc, 10 ** convert(staticcall IERC20Detailed(usdc).decimals(), uint256)
    )


@external
def absorb(
    account: uint256,
    market: uint256,
    debt: uint256,
    index: uint256,
    most: uint256,
    earned: uint256,
) -> uint256:
    """
    @notice Cover the market's share of the account's debt: of what can be closed now, insurance pays what the premium that
            closing earns does not. The part that it cannot pay for is closed against the other side instead, at the
            price at which a unit of the position owes nothing. Returns the size closed so.
    @param debt What the account's value is below zero, USDC WAD.
    @param most What may be closed against the maker in this block.
    @param earned USDC that closing so much earns.
    """
    ledger._check_delegated()
    size: int256 = ledger.position[account][market].size
    magnitude: uint256 = fixed_point.magnitude(size)
    share: uint256 = self._share(account, market, debt)
    # What cannot be closed now keeps its part of the debt: else it could be paid for and then win.
    now: uint256 = fixed_point.mul_div_up(share, most, magnitude)
    if now <= earned:
        return 0
    wanted: uint256 = now - earned
    paid: uint256 = self._insure(account, market, wanted)
    if paid == wanted:
        return 0
    # The part that is paid for is closed against the maker and earns its part of the premium; only the rest is asked of
    # the winners, so that a wei that the fund lacks costs them a wei.
    waterfall._gate(fixed_point.mul_div_up(share, wanted - paid, wanted))
    rest: int256 = convert(fixed_point.mul_div_down(magnitude, wanted - paid, wanted), int256)
    # Rounded against the account: down for a seller, up for a buyer.
    gap: uint256 = fixed_point.mul_div_down(share, WAD, magnitude)
    price: uint256 = index
    if size > 0:
        price += gap
    else:
        price -= min(gap, price)
        rest = -rest
    return self._deleverage(account, market, rest, index, price)


@external
def close_with_insolvent(
    account: uint256, market: uint256, delta: int256, index: uint256
) -> (uint256, uint256, int256):
    """
    @notice Before an account closes a position at a profit against the maker: close as much of it against the positions
            of the other side whose accounts are worth less than nothing, the deepest debt a unit first, each at the price
            at which a unit owes nothing after what insurance pays. Or a winner could close, have them liquidated and open
            again, and others would give what is asked of the winners. Returns the size closed so, what it went for and
            the PnL that realises, USDC WAD.
    @param delta What is closed, signed as a trade: not more than the position.
    """
    ledger._check_delegated()
    position: IClearingHouse.Position = ledger.position[account][market]
    gain: int256 = self._gain(market, position, index)
    if gain <= 0:
        return 0, 0, 0
    budget: uint256 = convert(gain, uint256)  # all that he has gained, and no more, he may be asked for
    long: bool = position.size > 0
    accounts: DynArray[uint256, MAX_HOLDERS] = ledger._holders(market)
    # Debt a unit << 64 | 2**64 - 1 - opened as number; 0: owes nothing that matters, or has had its turn.
    keys: uint256[MAX_HOLDERS] = empty(uint256[MAX_HOLDERS])
    place: uint256 = 0
    for holder: uint256 in accounts:
        gap: uint256 = self._gap(holder, market, long, index)
        if gap != 0:
            keys[place] = min(gap, HIGHEST_RANK) << 64 | ledger._seniority(holder, market)
        place += 1

    total: uint256 = fixed_point.magnitude(delta)
    left: uint256 = total
    worth: uint256 = 0
    gained: int256 = 0
    for _: uint256 in range(MAX_HOLDERS):
        place = self._first(keys)
        best: uint256 = keys[place]
        if left == 0 or best == 0:
            break
        keys[place] = 0
        gap: uint256 = best >> 64
        closed: uint256 = min(
            min(left, fixed_point.magnitude(ledger.position[accounts[place]][market].size)),
            self._affordable(budget, gap),
        )
        if closed != 0:
            cash: int256 = ledger.cash[accounts[place]]
            unpaid: uint256 = self._unpaid(accounts[place], market, closed, gap)
            price: uint256 = self._beside(index, unpaid, long)
            budget -= min(fixed_point.mul_div_up(unpaid, closed, WAD), budget)
            left -= closed
            if long:
                worth += fixed_point.mul_div_down(closed, price, WAD)
            else:
                worth += fixed_point.mul_div_up(closed, price, WAD)
            gained += self._close_between(accounts[place], account, market, closed, price)
            ledger._note_debt(accounts[place], market, -1 if long else 1, cash)
    return total - left, worth, gained


@external
def write_off(account: uint256):
    """
    @notice If the account holds nothing, who pays its debt. Called by the venue when an operation has done all else.
    """
    ledger._check_delegated()
    waterfall._write_off(account)


@view
@internal
def _share(account: uint256, market: uint256, debt: uint256) -> uint256:
    """
    @notice The market's part of what the account is worth less than nothing, USDC WAD: by what each has lost, in the
            position that is open and in the debt that closes before have left; rounded up.
    """
    owed: uint256 = fixed_point.magnitude(min(ledger.cash[account], 0))
    blamed: uint256 = ledger._blamed(account)
    own: uint256 = 0
    total: uint256 = 0
    for m: uint256 in range(ledger.market_count, bound=ledger.MAX_MARKETS):
        lost: uint256 = 0
        if blamed != 0:
            lost = fixed_point.mul_div_down(
                ledger.blamed[account][2 * m] + ledger.blamed[account][2 * m + 1], owed, blamed
            )
        if ledger.position[account][m].size != 0:
            lost += fixed_point.magnitude(min(self._unsettled(account, m), 0))
        total += lost
        if m == market:
            own = lost
    if total == 0:
        return 0
    return fixed_point.mul_div_up(debt, own, total)


@view
@internal
def _gain(market: uint256, position: IClearingHouse.Position, price: uint256) -> int256:
    """
    @notice What closing a position at `price` brings after what it owes, USDC. The market is accrued.
    """
    return (
        fixed_point.mul_div_floor(position.size, price, WAD)
        - position.cost
        - ledger._owed(market, position, ledger.state[market].funding_index, 0)
    )


@view
@internal
def _gap(holder: uint256, market: uint256, long: bool, index: uint256) -> uint256:
    """
    @notice What a unit of a holder's position owes that he has not, USDC WAD, rounded down; 0 on the side of `long`, and
            of an account whose debt is too small to matter. At last prices, as ranks are.
    """
    held: IClearingHouse.Position = ledger.position[holder][market]
    if (held.size > 0) == long or self._gain(market, held, index) >= 0:
        return 0
    # Most are told solvent without asking what else they have is worth.
    balance: int256 = ledger.cash[holder]
    open: DynArray[uint256, ledger.MAX_MARKETS] = ledger._open_markets(holder)
    for m: uint256 in open:
        balance += self._unsettled(holder, m)
    if balance >= 0:
        return 0
    valuation: margin.Valuation = margin._last_valuation(holder)
    if valuation.state.value >= 0:
        return 0
    debt: uint256 = fixed_point.mul_div_up(
        convert(-valuation.state.value, uint256), WAD, valuation.usdc_price
    )
    if debt < waterfall.LEAST_GATED:
        return 0
    return fixed_point.mul_div_down(
        self._share(holder, market, debt), WAD, fixed_point.magnitude(held.size)
    )


@pure
@internal
def _affordable(gain: uint256, gap: uint256) -> uint256:
    """
    @notice The size whose close `gap` a unit beside the index costs all that a position has gained, rounded down. By the
            whole gain: by that of a unit, which falls as he adds to it, a winner would choose whether he is asked.
    """
    if gap == 0:
        return max_value(uint256)
    return fixed_point.mul_div_down(min(gain, MAX_GAIN), WAD, gap)


@pure
@internal
def _beside(index: uint256, gap: uint256, long: bool) -> uint256:
    """
    @notice The price at which a debt of `gap` a unit is gone, for who holds against a long or a short.
    """
    if long:
        return index - min(gap, index)
    return index + gap


@internal
def _unpaid(account: uint256, market: uint256, closed: uint256, gap: uint256) -> uint256:
    """
    @notice Have insurance pay the debt of so much of the position, as it would pay that of all of it: its part, or who
            leaves first took what is there for the others. Returns what it does not pay of a unit, rounded down.
    """
    size: uint256 = fixed_point.magnitude(ledger.position[account][market].size)
    wanted: uint256 = fixed_point.mul_div_up(gap, closed, WAD)
    whole: uint256 = fixed_point.mul_div_up(gap, size, WAD)
    insured: uint256 = min(whole, waterfall._insured(market))
    paid: uint256 = self._insure(account, market, fixed_point.mul_div_down(wanted, insured, whole))
    waterfall._gate(wanted - paid)
    return fixed_point.mul_div_down(wanted - paid, WAD, closed)


@internal
def _insure(account: uint256, market: uint256, wanted: uint256) -> uint256:
    """
    @notice What the insurance fund pays into the account.
    """
    paid: uint256 = waterfall._draw_insurance(market, wanted)
    ledger.cash[account] += convert(paid, int256)
    ledger.bad_debt += paid
    if paid != 0:
        log IClearingHouse.WrittenOff(
            account=account, market=market, debt=paid, from_insurance=paid, from_maker=0
        )
    return paid


@internal
def _close_between(
    account: uint256, counterparty: uint256, market: uint256, closed: uint256, price: uint256
) -> int256:
    """
    @notice Close so much of the account's position against the counterparty's; returns what the latter gains.
    """
    delta: int256 = convert(closed, int256)
    if ledger.position[account][market].size > 0:
        delta = -delta
    cash: int256 = ledger.cash[counterparty]
    gained: int256 = ledger._apply_fill(counterparty, market, -delta, price)
    ledger._note_debt(counterparty, market, delta, cash)
    ledger._apply_fill(account, market, delta, price)
    log IClearingHouse.Deleveraged(
        account=account,
        market=market,
        counterparty=counterparty,
        size=closed,
        price=price,
    )
    return gained


@view
@internal
def _unsettled(account: uint256, market: uint256) -> int256:
    """
    @notice PnL of a position at the last price less what it owes, USDC WAD.
    """
    index: uint256 = ledger._index(market, False)
    return maker._unsettled(
        market,
        ledger.position[account][market],
        ledger._market_state(market, index),
        index,
    )


@internal
def _deleverage(
    account: uint256, market: uint256, size: int256, index: uint256, price: uint256
) -> uint256:
    """
    @notice Close `size` of the position at `price` against those of the other side who have gained at the index, as far
            as their gain goes; returns the size closed. By the queue each in turn, highest rank first, as far as he has it. Pro rata each by
            his weight, at most all he has: in the order of weight per unit of size, so that whoever gives all he has comes
            before those who share what he could not.
    """
    policy: uint256 = ledger.parameters.deleveraging
    accounts: DynArray[uint256, MAX_HOLDERS] = ledger._holders(market)
    # rank << 64 | 2**64 - 1 - opened as number; 0: no counterparty, or has had its turn.
    keys: uint256[MAX_HOLDERS] = empty(uint256[MAX_HOLDERS])
    weights: uint256[MAX_HOLDERS] = empty(uint256[MAX_HOLDERS])
    most: uint256[MAX_HOLDERS] = empty(uint256[MAX_HOLDERS])  # what each can be asked for
    gap: uint256 = max(index, price) - min(index, price)
    weight: uint256 = 0  # of all who have not had their turn
    place: uint256 = 0
    for holder: uint256 in accounts:
        held: IClearingHouse.Position = ledger.position[holder][market]
        gain: int256 = self._gain(market, held, index)
        if (held.size > 0) != (size > 0) and gain > 0:
            most[place] = min(
                fixed_point.magnitude(held.size),
                self._affordable(convert(gain, uint256), gap),
            )
        if most[place] != 0:
            rank: uint256 = 0
            if policy == QUEUE:
                rank = self._rank(holder, market, held, index)
            else:
                weights[place] = self._weight(policy, holder, held, index)
                weight += weights[place]
                # Rounded up: who has any weight comes before who has none.
                rank = min(
                    fixed_point.mul_div_up(weights[place], WAD, most[place]), HIGHEST_RANK
                )
            keys[place] = rank << 64 | ledger._seniority(holder, market)
        place += 1

    total: uint256 = fixed_point.magnitude(size)
    left: uint256 = total
    for _: uint256 in range(MAX_HOLDERS):
        place = self._first(keys)
        best: uint256 = keys[place]
        if left == 0 or best == 0:
            break
        keys[place] = 0
        counterparty: uint256 = accounts[place]
        closed: uint256 = min(left, most[place])
        # Of the last all that is left; without any weight left, as by a queue.
        if weight != 0:
            closed = min(closed, fixed_point.mul_div_up(left, weights[place], weight))
            weight -= weights[place]
        left -= closed
        self._close_between(account, counterparty, market, closed, price)
    return total - left


@pure
@internal
def _first(keys: uint256[MAX_HOLDERS]) -> uint256:
    """
    @notice The place of the highest key.
    """
    best: uint256 = 0
    place: uint256 = 0
    for i: uint256 in range(MAX_HOLDERS):
        if keys[i] > best:
            best = keys[i]
            place = i
    return place


@view
@internal
def _weight(
    policy: uint256, holder: uint256, held: IClearingHouse.Position, index: uint256
) -> uint256:
    """
    @notice What a holder's part of a pro rata policy goes by: profit at the index, equity at last prices, or size, WAD.
    """
    amount: int256 = 0
    if policy == PRO_RATA_PROFIT:
        amount = fixed_point.mul_div_floor(held.size, index, WAD) - held.cost
    elif policy == PRO_RATA_EQUITY:
        amount = margin._last_equity(holder)
    else:
        return fixed_point.magnitude(held.size)
    return min(fixed_point.magnitude(max(amount, 0)), HIGHEST_RANK)


@view
@internal
def _rank(
    holder: uint256, market: uint256, held: IClearingHouse.Position, index: uint256
) -> uint256:
    """
    @notice Profit ratio times leverage, WAD: (upnl / |cost|) (|s| I / E), each quotient rounded down.
    @dev At the last prices of what else the holder has: a feed of his that stopped stops no liquidation of others.
    """
    equity: int256 = margin._last_equity(holder)
    if equity <= 0 or held.cost == 0:
        return HIGHEST_RANK
    profit: int256 = fixed_point.mul_div_floor(held.size, index, WAD) - held.cost
    if profit <= 0:
        return 0
    ratio: uint256 = fixed_point.mul_div_down(
        convert(profit, uint256), WAD, fixed_point.magnitude(held.cost)
    )
    notional: uint256 = perp_math.notional(fixed_point.magnitude(held.size), index)
    leverage: uint256 = fixed_point.mul_div_down(notional, WAD, convert(equity, uint256))
    return fixed_point.mul_div_down(min(ratio, MAX_RATIO), min(leverage, MAX_RATIO), WAD)
