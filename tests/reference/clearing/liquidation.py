"""Liquidation of positions and of collateral (contracts/SPEC.md §3.5)."""

from __future__ import annotations

from tests.reference.clearing import maker, perp, waterfall
from tests.reference.clearing.margin import (
    Valuation,
    initial,
    require_initial_margin,
    unit_equity,
    valuation,
)
from tests.reference.clearing.portfolio import (
    ENTRY_SCALE,
    Vector,
    greatest_reduction,
    least_reduction,
)
from tests.reference.clearing.state import Ledger, require
from tests.reference.clearing.waterfall import note_debt
from tests.reference.integers import WAD, ceil, floor, sign

ONE = WAD // ENTRY_SCALE  # of a row, as a fraction WAD


def liquidate(ledger: Ledger, caller: int, number: int, m: int) -> tuple[int, int]:
    """(size closed, penalty)."""
    account = ledger.account(number)
    require(m in account.positions, "clearing: no position")
    perp.accrue(ledger, m)
    ledger.index_price(m)
    maker.cover(ledger, m)
    before = unhealthy(ledger, number)
    was, cash = account.positions[m].size, account.cash
    most = min(most_now(ledger, m, was), abs(was))
    deleveraged = waterfall.first_part(ledger, number, m, before, most)
    left = account.positions[m].size if m in account.positions else 0
    closed, penalty = 0, 0
    spent = before.equity <= ceil(before.notional, spread_of(ledger, m), WAD)
    if left:
        closed = abs(left)
        if before.value < 0:  # what cannot be closed now keeps its part of the debt
            closed = ceil(most, abs(left), abs(was))
        elif not spent:
            closed = size_to_close(ledger, number, m, before)
            require(closed > 0, "clearing: not reducing risk")
        closed = min(closed, most)
    require(closed + deleveraged > 0, "clearing: liquidation limit")
    if closed:
        delta = -sign(left) * closed
        penalty = close(ledger, caller, number, m, delta, before, spent=spent)
    note_debt(ledger, number, m, was, cash)
    waterfall.end(ledger)
    return deleveraged + closed, penalty


def unhealthy(ledger: Ledger, number: int) -> Valuation:
    """An account that may be liquidated: USDC has a price now, all else counts at its last."""
    ledger.price(ledger.usdc)
    state = valuation(ledger.at_last_prices(), number)
    require(state.equity < state.maintenance, "clearing: not liquidatable")
    return state


def close(
    ledger: Ledger, caller: int, number: int, m: int, delta: int, before: Valuation, *, spent: bool
) -> int:
    """Trade ``delta`` against the maker; what that frees pays the premium, then the penalty."""
    account, market, index = ledger.account(number), ledger.markets[m], ledger.index_price(m)
    opening, due = market.skew, perp.premium(ledger, m, delta)
    market.liquidated += max(abs(opening + delta) - abs(opening), 0)
    perp.exchange(ledger, number, m, delta, perp.booked_price(ledger, m, delta))
    perp.pay_premium(ledger, number, m, min(due, 0))
    after = valuation(ledger.at_last_prices(), number)
    require_better(before, after, spent=spent)
    room = room_of(ledger, before, after)
    paid = max(min(due, room), 0)
    perp.pay_premium(ledger, number, m, paid)
    market.skew = opening
    unpaid = perp.moved_unpaid(ledger, m, delta, max(due, 0) - paid)
    market.unpaid, market.skew = unpaid, opening + delta
    full = floor(floor(abs(delta), index, WAD), ledger.parameters.liquidation_penalty, WAD)
    penalty = min(full, room - paid)
    account.cash -= penalty
    share = floor(penalty, ledger.parameters.liquidator_share, WAD)
    ledger.account(caller << 8).cash += share
    ledger.insurance_fund += penalty - share
    return penalty


def gross_shortfall(ledger: Ledger, state: Valuation) -> int:
    """What is missing to initial margin by the gross rule."""
    return initial(ledger, state.floored) - state.equity


def reduction(
    ledger: Ledger, state: Valuation, z: Vector, cost: int, lost: int, most: int, usd: int
) -> int:
    """``usd``, or more where the risk rule needs it, as far as risk lets E/M not fall."""
    if not state.risk:
        return usd
    p = ledger.parameters
    multiple = ceil(p.initial_multiple, p.risk_multiple, WAD)
    weight = ceil(p.risk_multiple, state.equity, state.maintenance)
    return min(
        max(usd, least_reduction(state.equity, state.v, z, cost, multiple, most)),
        greatest_reduction(state.equity, state.v, z, lost, weight, most),
    )


def spread_of(ledger: Ledger, m: int) -> int:
    """What the spread takes of a USD closed, USD WAD."""
    return ceil(ledger.price(ledger.usdc), perp.half_spread(ledger, m), WAD)


def size_to_close(ledger: Ledger, number: int, m: int, state: Valuation) -> int:
    """Least size whose close makes initial margin hold again, as far as risk lets E/M not fall."""
    terms, index = ledger.terms[m], ledger.index_price(m)
    size = ledger.account(number).positions[m].size
    most = ceil(abs(size), index, WAD)
    closing = ceil(max(perp.premium(ledger, m, -size), 0), WAD, most)
    rate = perp.half_spread(ledger, m) + closing + ledger.parameters.liquidation_penalty
    cost = ceil(unit_equity(ledger, state.balance), rate, WAD)
    shortfall, usd = gross_shortfall(ledger, state), 0
    if shortfall > 0:
        freed = floor(freeing_rate(ledger, state), terms.maintenance_rate, WAD)
        usd = ceil(shortfall, WAD, freed - cost) if freed > cost else most
    spread = spread_of(ledger, m)
    z = direction(ledger, terms.asset, sign(size) * ONE, spread // ENTRY_SCALE)
    usd = reduction(ledger, state, z, cost, spread, most, usd)
    return min(ceil(usd, WAD, index), abs(size))


def direction(ledger: Ledger, asset: int, amount: int, usdc: int) -> Vector:
    """W^T of two exposures, entries times amounts."""
    pairs = zip(ledger.row(asset), ledger.row(ledger.usdc), strict=True)
    return tuple(entry * amount + entry_usdc * usdc for entry, entry_usdc in pairs)


def freeing_rate(ledger: Ledger, state: Valuation) -> int:
    """mu phi': initial margin per unit of gross requirement."""
    rate = ledger.parameters.initial_multiple
    return rate if state.floored == state.gross else floor(rate, ledger.parameters.gross_floor, WAD)


def require_better(before: Valuation, after: Valuation, *, spent: bool) -> None:
    """Where the risk rule binds afterwards, what was closed or sold must not have lowered E/M."""
    if after.maintenance > after.floored and not spent:
        kept = ceil(before.equity, after.maintenance, before.maintenance)
        require(after.equity >= kept, "clearing: not reducing risk")


def room_of(ledger: Ledger, before: Valuation, after: Valuation) -> int:
    """USDC that may go without lowering the margin ratio nor equity below 0."""
    kept = ceil(max(before.equity, 0), after.maintenance, before.maintenance)
    return floor(max(after.equity - kept, 0), WAD, ledger.price(ledger.usdc))


def most_now(ledger: Ledger, m: int, size: int) -> int:
    """What may be closed against the maker in this block, in which |k| grows by B at most."""
    market = ledger.markets[m]
    allowed = max(perp.skew_bound(ledger, m) - market.liquidated, 0)
    return allowed + (2 * abs(market.skew) if sign(size) == sign(market.skew) else 0)


def liquidate_collateral(
    ledger: Ledger, caller: int, number: int, c: int, raw: int
) -> tuple[int, int]:
    """(raw taken, USDC paid)."""
    require(c < len(ledger.collaterals), "clearing: no collateral")
    account = ledger.account(number)
    require(c > 0 and account.cash < 0, "clearing: not liquidatable")
    if account.positions:
        unhealthy(ledger, number)
    offered = min(raw, account.basket.get(c, 0))
    taken = paid = 0
    if offered:
        taken, paid = sale(ledger, c, offered, -account.cash)
        account.basket[c] -= taken
        buy(ledger, caller, number, c, taken, paid)
    ledger.emptied.append(number)
    waterfall.end(ledger)
    if offered:
        check_buyer(ledger, caller)
    return taken, paid


def check_buyer(ledger: Ledger, caller: int) -> None:
    """Who bought has its initial margin, when all else is done."""
    if perp.accrue_held(ledger, caller << 8):
        require_initial_margin(ledger, caller << 8)


def buy(ledger: Ledger, caller: int, number: int, c: int, raw: int, paid: int) -> None:
    """The caller's cross account pays the account and gets the collateral."""
    buyer = ledger.account(caller << 8)
    require(buyer.cash >= paid, "clearing: insufficient collateral")
    buyer.cash -= paid
    ledger.account(number).cash += paid
    buyer.basket[c] = buyer.basket.get(c, 0) + raw


def discounted(ledger: Ledger, c: int) -> int:
    """What a liquidator pays per whole token, USD WAD."""
    kept = WAD - ledger.parameters.liquidation_penalty
    return ceil(ledger.price(ledger.collaterals[c].asset), kept, WAD)


def sale(ledger: Ledger, c: int, raw: int, debt: int) -> tuple[int, int]:
    """(raw sold, USDC paid), for at most the debt."""
    price, usdc = discounted(ledger, c), ledger.price(ledger.usdc)
    unit = ledger.collaterals[c].unit
    paid = ceil(ceil(raw, price, unit), WAD, usdc)
    if paid <= debt:
        return raw, paid
    return min(raw, floor(floor(debt, usdc, WAD), unit, price)), debt
