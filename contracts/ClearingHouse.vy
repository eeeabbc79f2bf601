# pragma version 0.4.3
# pragma optimize codesize
"""
@title  ClearingHouse
@license MIT
@notice Cross-margined perpetual futures against the venue's maker account (contracts/SPEC.md §3).
@dev    Functions, events and scales are documented in IClearingHouse. Every operation validates, accrues,
        computes, mutates, asserts, logs, and moves tokens last. USDC only changes hands between accounts, the
        maker and the insurance fund: sum(cash) + maker_cash + insurance_fund = collateral_held[0] * CASH_UNIT.
        Collateral must be a plain ERC-20: no fee on transfer, no rebase.
"""

from ethereum.ercs import IERC20

from contracts.interfaces import IClearingHouse
from contracts.interfaces import IPriceOracle
from contracts.modules import fixed_point
from contracts.modules import perp_math
from contracts.modules import roles
from contracts.modules import venue

implements: IClearingHouse
uses: roles
initializes: venue
exports: venue.__interface__


WAD: constant(uint256) = fixed_point.WAD
MAX_MARKETS: constant(uint256) = venue.MAX_MARKETS
MAX_COLLATERALS: constant(uint256) = venue.MAX_COLLATERALS
USDC: constant(uint256) = venue.USDC

ORACLE: immutable(IPriceOracle)
CASH_UNIT: public(immutable(uint256))  # WAD of cash per raw unit of USDC

_state: HashMap[uint256, IClearingHouse.MarketState]
# Per market sum(cost - s F_entry), the part of what the maker owes that does not move with the price.
_basis: HashMap[uint256, int256]

collateral_held: public(HashMap[uint256, uint256])
paused: public(bool)

cash: public(HashMap[uint256, int256])
collateral_balance: public(HashMap[uint256, HashMap[uint256, uint256]])
position: public(HashMap[uint256, HashMap[uint256, IClearingHouse.Position]])
maker_cash: public(int256)
insurance_fund: public(uint256)
bad_debt: public(uint256)


@deploy
def __init__(
    owner: address,
    oracle: address,
    usdc: address,
    haircut: uint256,
    cap: uint256,
    parameters: IClearingHouse.Parameters,
):
    """
    @param haircut Of USDC, fraction WAD.
    @param cap Of USDC, raw.
    """
    ORACLE = IPriceOracle(oracle)
    venue.__init__(owner, usdc, haircut, cap, parameters)
    CASH_UNIT = WAD // venue.collateral[USDC].unit


# ------------------------------------------------------------------------------------------ collateral


@external
@nonreentrant
def deposit(owner: address, sub: uint256, collateral: uint256, raw: uint256):
    account: uint256 = self._account(owner, sub)
    venue._check_collateral(collateral)
    held: uint256 = self.collateral_held[collateral] + raw
    assert held <= venue.collateral[collateral].cap, "clearing: collateral cap"
    self._credit(account, collateral, raw)
    log IClearingHouse.Deposited(account=account, collateral=collateral, payer=msg.sender, raw=raw)
    self._pull(collateral, raw)


@external
@nonreentrant
def withdraw(sub: uint256, collateral: uint256, raw: uint256, to: address):
    account: uint256 = self._account(msg.sender, sub)
    venue._check_collateral(collateral)
    self._debit(account, collateral, raw)
    self._check_release(account)
    log IClearingHouse.Withdrawn(account=account, collateral=collateral, receiver=to, raw=raw)
    self._push(collateral, raw, to)


@external
@nonreentrant
def transfer_margin(from_sub: uint256, to_sub: uint256, raw: uint256):
    from_account: uint256 = self._account(msg.sender, from_sub)
    to_account: uint256 = self._account(msg.sender, to_sub)
    self._debit(from_account, USDC, raw)
    self._credit(to_account, USDC, raw)
    self._check_release(from_account)
    log IClearingHouse.MarginTransferred(from_account=from_account, to_account=to_account, raw=raw)


# --------------------------------------------------------------------------------------------- trading


@external
@nonreentrant
def trade(sub: uint256, market: uint256, size: int256, limit_price: uint256) -> (uint256, uint256):
    assert size != 0, "clearing: zero size"
    account: uint256 = self._account(msg.sender, sub)
    venue._check_market(market)
    assert sub == 0 or sub == market + 1, "clearing: wrong market"
    before: int256 = self.position[account][market].size
    after: int256 = before + size
    flipped: bool = (before > 0 and after < 0) or (before < 0 and after > 0)
    adds_risk: bool = flipped or fixed_point.magnitude(after) > fixed_point.magnitude(before)
    assert not (adds_risk and self.paused), "clearing: paused"

    self._accrue(market)
    terms: IClearingHouse.Market = venue.market[market]
    skew: int256 = self._state[market].skew
    outward: uint256 = fixed_point.magnitude(skew + size)
    assert (
        outward <= terms.max_skew or outward <= fixed_point.magnitude(skew)
    ), "clearing: inventory limit"
    fill: uint256 = perp_math.fill_price(
        size,
        staticcall ORACLE.price(terms.asset),
        skew,
        terms.skew_scale,
        terms.half_spread,
    )
    assert fill > 0, "clearing: slippage"
    if size > 0:
        assert fill <= limit_price, "clearing: slippage"
    else:
        assert fill >= limit_price, "clearing: slippage"

    fee: uint256 = fixed_point.mul_div_up(
        perp_math.notional(fixed_point.magnitude(size), fill), terms.taker_fee, WAD
    )
    realised: int256 = self._apply_fill(account, market, size, fill)
    self.cash[account] -= convert(fee, int256)
    self.maker_cash += convert(fee, int256)
    if adds_risk:
        self._accrue_held(account)
        self._check_initial_margin(account)
    log IClearingHouse.Traded(
        account=account, market=market, size=size, fill=fill, fee=fee, realised=realised
    )
    return fill, fee


@external
@nonreentrant
def liquidate(account: uint256, market: uint256) -> (uint256, uint256):
    size: int256 = self.position[account][market].size
    assert size != 0, "clearing: no position"
    self._accrue_held(account)
    before: IClearingHouse.AccountState = self._account_state(account, True)
    assert before.equity < convert(before.maintenance, int256), "clearing: not liquidatable"

    terms: IClearingHouse.Market = venue.market[market]
    index: uint256 = staticcall ORACLE.price(terms.asset)
    closed: uint256 = self._liquidation_size(before, terms, index, fixed_point.magnitude(size))
    delta: int256 = convert(closed, int256)
    if size > 0:
        delta = -delta
    fill: uint256 = perp_math.fill_price(
        delta, index, self._state[market].skew, terms.skew_scale, terms.half_spread
    )
    self._apply_fill(account, market, delta, fill)

    penalty: uint256 = self._liquidation_penalty(account, before, closed, index)
    share: uint256 = fixed_point.mul_div_down(penalty, venue.parameters.liquidator_share, WAD)
    self.cash[account] -= convert(penalty, int256)
    self.cash[self._account(msg.sender, 0)] += convert(share, int256)
    self.insurance_fund += penalty - share
    self._write_off(account)
    log IClearingHouse.Liquidated(
        account=account,
        market=market,
        liquidator=msg.sender,
        size=closed,
        fill=fill,
        penalty=penalty,
    )
    return closed, penalty


@external
@nonreentrant
def liquidate_collateral(account: uint256, collateral: uint256, raw: uint256) -> (uint256, uint256):
    venue._check_collateral(collateral)
    assert collateral != USDC, "clearing: no collateral"
    assert self.cash[account] < 0, "clearing: not liquidatable"
    if self._accrue_held(account):
        state: IClearingHouse.AccountState = self._account_state(account, True)
        assert state.equity < convert(state.maintenance, int256), "clearing: not liquidatable"

    taken: uint256 = min(raw, self.collateral_balance[account][collateral])
    paid: uint256 = 0
    if taken != 0:
        taken, paid = self._collateral_sale(
            venue.collateral[collateral], taken, convert(-self.cash[account], uint256)
        )
        buyer: uint256 = self._account(msg.sender, 0)
        amount: int256 = convert(paid, int256)
        assert self.cash[buyer] >= amount, "clearing: insufficient collateral"
        self.cash[buyer] -= amount
        self.cash[account] += amount
        self.collateral_balance[account][collateral] -= taken
        self.collateral_balance[buyer][collateral] += taken
        if self._accrue_held(buyer):
            self._check_initial_margin(buyer)
    self._write_off(account)
    log IClearingHouse.CollateralLiquidated(
        account=account, collateral=collateral, liquidator=msg.sender, raw=taken, paid=paid
    )
    return taken, paid


# --------------------------------------------------------------------------------- maker and insurance


@external
@nonreentrant
def fund_maker(raw: uint256):
    self.maker_cash += convert(raw * CASH_UNIT, int256)
    log IClearingHouse.MakerFunded(payer=msg.sender, raw=raw)
    self._pull(USDC, raw)


@external
@nonreentrant
def fund_insurance(raw: uint256):
    self.insurance_fund += raw * CASH_UNIT
    log IClearingHouse.InsuranceFunded(payer=msg.sender, raw=raw)
    self._pull(USDC, raw)


@external
@nonreentrant
def withdraw_maker(raw: uint256, to: address):
    roles._only_owner()
    self.maker_cash -= convert(raw * CASH_UNIT, int256)
    # What the maker holds were every position closed at once: k trades at the average skew k/2.
    value: int256 = self.maker_cash
    for market: uint256 in range(venue.market_count, bound=MAX_MARKETS):
        skew: int256 = self._state[market].skew
        if skew == 0:
            value += self._basis[market]
            continue
        self._accrue(market)
        terms: IClearingHouse.Market = venue.market[market]
        value -= perp_math.closeout_value(
            skew, staticcall ORACLE.price(terms.asset), skew, terms.skew_scale
        )
        value += perp_math.funding_owed(skew, self._state[market].funding_index)
        value += self._basis[market]
    assert value >= 0, "clearing: maker reserve"
    log IClearingHouse.MakerWithdrawn(receiver=to, raw=raw)
    self._push(USDC, raw, to)


# --------------------------------------------------------------------------------------------- setters


@external
@nonreentrant
def add_market(parameters: IClearingHouse.Market) -> uint256:
    roles._only_owner()
    market: uint256 = venue._add_market(parameters)
    self._state[market].updated_at = block.timestamp
    return market


@external
@nonreentrant
def set_market(market: uint256, parameters: IClearingHouse.Market):
    roles._only_owner()
    venue._check_market(market)
    self._accrue(market)
    venue._set_market(market, parameters)


@external
@nonreentrant
def set_skew_scale(market: uint256, skew_scale: uint256):
    roles._only_risk_manager()
    venue._check_market(market)
    parameters: IClearingHouse.Market = venue.market[market]
    if skew_scale == parameters.skew_scale:
        return
    self._accrue(market)
    parameters.skew_scale = skew_scale
    venue._set_market(market, parameters)


@external
@nonreentrant
def pause():
    roles._only_guardian()
    self.paused = True
    log IClearingHouse.Paused(paused=True)


@external
@nonreentrant
def unpause():
    roles._only_owner()
    self.paused = False
    log IClearingHouse.Paused(paused=False)


# ----------------------------------------------------------------------------------------------- views


@view
@external
def oracle() -> address:
    return ORACLE.address


@view
@external
def account_state(account: uint256) -> IClearingHouse.AccountState:
    return self._account_state(account, True)


@view
@external
def last_account_state(account: uint256) -> IClearingHouse.AccountState:
    return self._account_state(account, False)


@view
@external
def withdrawable(account: uint256, minimum_ratio: uint256) -> uint256:
    cash: int256 = self.cash[account]
    if cash <= 0:
        return 0
    kept: int256 = 0
    if len(self._open_markets(account)) != 0:
        kept = self._required_cash(account, cash, minimum_ratio)
    return convert(max(cash - kept, 0), uint256) // CASH_UNIT


@view
@external
def market_state(market: uint256) -> IClearingHouse.MarketState:
    return self._market_state(market, self._price(venue.market[market].asset, True))


@view
@external
def last_market_state(market: uint256) -> IClearingHouse.MarketState:
    return self._market_state(market, self._price(venue.market[market].asset, False))


@view
@external
def mark_price(market: uint256) -> uint256:
    return self._mark_price(market, True)


@view
@external
def last_mark_price(market: uint256) -> uint256:
    return self._mark_price(market, False)


# ------------------------------------------------------------------------------------ accounts, tokens


@view
@internal
def _account(owner: address, sub: uint256) -> uint256:
    assert sub <= venue.market_count, "clearing: wrong market"
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
        assert self.cash[account] >= amount, "clearing: insufficient collateral"
        self.cash[account] -= amount
    else:
        balance: uint256 = self.collateral_balance[account][collateral]
        assert balance >= raw, "clearing: insufficient collateral"
        self.collateral_balance[account][collateral] = unsafe_sub(balance, raw)


@internal
def _pull(collateral: uint256, raw: uint256):
    self.collateral_held[collateral] += raw
    token: IERC20 = IERC20(venue.collateral[collateral].token)
    assert extcall token.transferFrom(
        msg.sender, self, raw, default_return_value=True
    ), "clearing: transfer failed"


@internal
def _push(collateral: uint256, raw: uint256, to: address):
    self.collateral_held[collateral] -= raw
    token: IERC20 = IERC20(venue.collateral[collateral].token)
    assert extcall token.transfer(to, raw, default_return_value=True), "clearing: transfer failed"


@view
@internal
def _open_markets(account: uint256) -> DynArray[uint256, MAX_MARKETS]:
    markets: DynArray[uint256, MAX_MARKETS] = []
    for market: uint256 in range(venue.market_count, bound=MAX_MARKETS):
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
def _mark_price(market: uint256, fresh: bool) -> uint256:
    terms: IClearingHouse.Market = venue.market[market]
    return perp_math.mark_price(
        self._price(terms.asset, fresh), self._state[market].skew, terms.skew_scale
    )


@view
@internal
def _market_state(market: uint256, index: uint256) -> IClearingHouse.MarketState:
    state: IClearingHouse.MarketState = self._state[market]
    elapsed: uint256 = block.timestamp - state.updated_at
    if elapsed != 0:
        state.funding_rate, state.funding_index = perp_math.accrue_funding(
            state.funding_rate,
            state.funding_index,
            state.skew,
            venue.market[market].skew_scale,
            venue.market[market].max_funding_velocity,
            index,
            elapsed,
        )
        state.updated_at = block.timestamp
    return state


@internal
def _accrue(market: uint256):
    if self._state[market].updated_at == block.timestamp:
        return
    index: uint256 = staticcall ORACLE.price(venue.market[market].asset)
    state: IClearingHouse.MarketState = self._market_state(market, index)
    self._state[market] = state
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


@internal
def _apply_fill(account: uint256, market: uint256, delta: int256, fill: uint256) -> int256:
    """
    @notice Settle the position's funding, trade `delta` at `fill` against the maker; returns the realised PnL.
    @dev The market must be accrued.
    """
    state: IClearingHouse.MarketState = self._state[market]
    old: IClearingHouse.Position = self.position[account][market]
    new: IClearingHouse.Position = empty(IClearingHouse.Position)
    funding: int256 = perp_math.funding_owed(old.size, state.funding_index - old.funding_index)
    realised: int256 = 0
    new.size, new.cost, realised = perp_math.apply_fill(old.size, old.cost, delta, fill)
    if new.size != 0:
        new.funding_index = state.funding_index

    self.position[account][market] = new
    self.cash[account] += realised - funding
    self.maker_cash -= realised - funding
    self._state[market].skew = state.skew + delta
    self._basis[market] += self._position_basis(new) - self._position_basis(old)
    if funding != 0:
        log IClearingHouse.FundingSettled(account=account, market=market, amount=funding)
    return realised


@pure
@internal
def _position_basis(position: IClearingHouse.Position) -> int256:
    return position.cost - perp_math.funding_owed(position.size, position.funding_index)


# ---------------------------------------------------------------------------------------------- margin


@view
@internal
def _account_state(account: uint256, fresh: bool) -> IClearingHouse.AccountState:
    unsettled: int256 = 0
    maintenance: uint256 = 0
    markets: DynArray[uint256, MAX_MARKETS] = self._open_markets(account)
    for market: uint256 in markets:
        terms: IClearingHouse.Market = venue.market[market]
        position: IClearingHouse.Position = self.position[account][market]
        index: uint256 = self._price(terms.asset, fresh)
        state: IClearingHouse.MarketState = self._market_state(market, index)
        unsettled += perp_math.closeout_value(
            position.size, index, state.skew, terms.skew_scale
        ) - position.cost
        unsettled -= perp_math.funding_owed(
            position.size, state.funding_index - position.funding_index
        )
        maintenance += fixed_point.mul_div_up(
            perp_math.notional(fixed_point.magnitude(position.size), index),
            terms.maintenance_rate,
            WAD,
        )

    basket_value: uint256 = 0
    basket_equity: uint256 = 0
    for i: uint256 in range(1, venue.collateral_count, bound=MAX_COLLATERALS):
        raw: uint256 = self.collateral_balance[account][i]
        if raw != 0:
            terms: IClearingHouse.Collateral = venue.collateral[i]
            worth: uint256 = fixed_point.mul_div_down(
                raw, self._price(terms.token, fresh), terms.unit
            )
            basket_value += worth
            basket_equity += fixed_point.mul_div_down(worth, WAD - terms.haircut, WAD)

    usdc: IClearingHouse.Collateral = venue.collateral[USDC]
    usdc_price: uint256 = self._price(usdc.token, fresh)
    cash: int256 = self.cash[account]
    capped: int256 = unsettled
    if unsettled > 0:
        capped = min(
            unsettled, fixed_point.mul_div_floor(max(cash, 0), venue.parameters.profit_cap, WAD)
        )
    basket: int256 = convert(basket_equity, int256)
    return IClearingHouse.AccountState(
        balance=cash + unsettled,
        value=fixed_point.mul_div_floor(cash + unsettled, usdc_price, WAD)
        + convert(basket_value, int256),
        equity=perp_math.usdc_equity(cash + unsettled, usdc_price, usdc.haircut) + basket,
        initial_equity=perp_math.usdc_equity(cash + capped, usdc_price, usdc.haircut) + basket,
        maintenance=maintenance,
    )


@view
@internal
def _check_initial_margin(account: uint256):
    state: IClearingHouse.AccountState = self._account_state(account, True)
    initial: uint256 = fixed_point.mul_div_up(
        state.maintenance, venue.parameters.initial_multiple, WAD
    )
    assert state.initial_equity >= convert(initial, int256), "clearing: below initial margin"


@internal
def _check_release(account: uint256):
    """
    @notice Whether collateral may have left the account: without positions and debt nothing has to be priced.
    """
    if self._accrue_held(account) or self.cash[account] < 0:
        self._check_initial_margin(account)


@view
@internal
def _required_cash(account: uint256, cash: int256, minimum_ratio: uint256) -> int256:
    """
    @notice Least cash, not negative, that keeps E0 >= mu M and E >= minimum_ratio M.
    """
    terms: IClearingHouse.Parameters = venue.parameters
    usdc: IClearingHouse.Collateral = venue.collateral[USDC]
    usdc_price: uint256 = staticcall ORACLE.price(usdc.token)
    state: IClearingHouse.AccountState = self._account_state(account, True)
    unsettled: int256 = state.balance - cash
    basket: int256 = state.equity - perp_math.usdc_equity(state.balance, usdc_price, usdc.haircut)

    ratio: int256 = convert(fixed_point.mul_div_up(state.maintenance, minimum_ratio, WAD), int256)
    initial: int256 = convert(
        fixed_point.mul_div_up(state.maintenance, terms.initial_multiple, WAD), int256
    )
    for_ratio: int256 = perp_math.usdc_balance_for(ratio - basket, usdc_price, usdc.haircut)
    for_initial: int256 = perp_math.usdc_balance_for(initial - basket, usdc_price, usdc.haircut)
    required: int256 = max(max(for_ratio, for_initial) - unsettled, 0)
    if unsettled > 0:
        # The cap on profit falls with the cash that leaves: cash + profit_cap cash must do.
        required = max(required, fixed_point.mul_div_ceil(for_initial, WAD, WAD + terms.profit_cap))
    return required


# ----------------------------------------------------------------------------------------- liquidation


@view
@internal
def _liquidation_size(
    state: IClearingHouse.AccountState,
    terms: IClearingHouse.Market,
    index: uint256,
    size: uint256,
) -> uint256:
    global_terms: IClearingHouse.Parameters = venue.parameters
    usdc: IClearingHouse.Collateral = venue.collateral[USDC]
    unit_equity: uint256 = staticcall ORACLE.price(usdc.token)
    if state.balance >= 0:
        unit_equity = perp_math.usdc_unit_equity(unit_equity, usdc.haircut)
    initial: uint256 = fixed_point.mul_div_up(state.maintenance, global_terms.initial_multiple, WAD)
    return perp_math.liquidation_size(
        convert(convert(initial, int256) - state.equity, uint256),
        index,
        fixed_point.mul_div_down(global_terms.initial_multiple, terms.maintenance_rate, WAD),
        fixed_point.mul_div_up(
            unit_equity, terms.half_spread + global_terms.liquidation_penalty, WAD
        ),
        size,
    )


@view
@internal
def _liquidation_penalty(
    account: uint256, before: IClearingHouse.AccountState, closed: uint256, index: uint256
) -> uint256:
    """
    @notice Penalty in USDC, no more than leaves the margin ratio and a non-negative equity as they were.
    """
    state: IClearingHouse.AccountState = self._account_state(account, True)
    room: int256 = state.equity
    if before.equity > 0:
        kept: uint256 = fixed_point.mul_div_up(
            convert(before.equity, uint256), state.maintenance, before.maintenance
        )
        room -= convert(kept, int256)
    if room <= 0:
        return 0
    full: uint256 = fixed_point.mul_div_down(
        fixed_point.mul_div_down(closed, index, WAD), venue.parameters.liquidation_penalty, WAD
    )
    usdc_price: uint256 = staticcall ORACLE.price(venue.collateral[USDC].token)
    return min(full, fixed_point.mul_div_down(convert(room, uint256), WAD, usdc_price))


@view
@internal
def _collateral_sale(
    terms: IClearingHouse.Collateral, raw: uint256, debt: uint256
) -> (uint256, uint256):
    """
    @notice (raw sold, USDC paid) of at most `raw` at the oracle price less the penalty, for at most `debt` USDC.
    """
    kept: uint256 = WAD - venue.parameters.liquidation_penalty
    price: uint256 = fixed_point.mul_div_up(staticcall ORACLE.price(terms.token), kept, WAD)
    usdc_price: uint256 = staticcall ORACLE.price(venue.collateral[USDC].token)
    worth: uint256 = fixed_point.mul_div_up(raw, price, terms.unit)
    paid: uint256 = fixed_point.mul_div_up(worth, WAD, usdc_price)
    if paid <= debt:
        return raw, paid
    worth = fixed_point.mul_div_down(debt, usdc_price, WAD)
    return min(raw, fixed_point.mul_div_down(worth, terms.unit, price)), debt


@internal
def _write_off(account: uint256):
    """
    @notice Debt of an account that holds nothing else is paid by the insurance fund, then by the maker.
    """
    if self.cash[account] >= 0 or len(self._open_markets(account)) != 0:
        return
    for i: uint256 in range(1, venue.collateral_count, bound=MAX_COLLATERALS):
        if self.collateral_balance[account][i] != 0:
            return
    debt: uint256 = convert(-self.cash[account], uint256)
    from_insurance: uint256 = min(debt, self.insurance_fund)
    self.insurance_fund -= from_insurance
    self.maker_cash -= convert(debt - from_insurance, int256)
    self.bad_debt += debt
    self.cash[account] = 0
    log IClearingHouse.WrittenOff(account=account, debt=debt, from_insurance=from_insurance)
