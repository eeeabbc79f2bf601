"""Who pays for an account that cannot: insurance, counterparties, maker, everybody (SPEC §3.5)."""

from __future__ import annotations

from tests.reference.clearing import maker, perp
from tests.reference.clearing.margin import Valuation, unsettled, valuation
from tests.reference.clearing.state import Ledger, require
from tests.reference.integers import WAD, ceil, floor, sign

LEAST_GATED = 100 * WAD  # USDC; a smaller debt closes no gate
MAX_RATIO = 2**96 - 1  # so that no rank overflows on chain


def from_insurance(ledger: Ledger, m: int, need: int) -> int:
    """Take what the fund and the market's cap on it allow."""
    paid = min(need, insured(ledger, m))
    ledger.insurance_fund -= paid
    ledger.markets[m].insurance_drawn += paid
    return paid


def insured(ledger: Ledger, m: int) -> int:
    """What the fund and the market's cap on it allow now."""
    room = ledger.terms[m].insurance_cap - ledger.markets[m].insurance_drawn
    return max(min(ledger.insurance_fund, room), 0)


def gain(ledger: Ledger, number: int, m: int) -> int:
    """What closing all of a position at the index brings after what it owes."""
    position = ledger.account(number).positions[m]
    owed = perp.owed(ledger.markets[m], position)
    return floor(position.size, ledger.index_price(m), WAD) - position.cost - owed


def affordable(gained: int, gap: int) -> int:
    """Size whose close so far beside the index takes all that was gained."""
    return floor(min(gained, 2**192 - 1), WAD, gap) if gap else 2**256 - 1


def most_of(ledger: Ledger, number: int, m: int, price: int) -> int:
    """What a winner can be asked for at a price: as far as its position and its gain go."""
    gained, size = gain(ledger, number, m), abs(ledger.account(number).positions[m].size)
    if gained <= 0:
        return 0
    return min(size, affordable(gained, abs(ledger.index_price(m) - price)))


def end(ledger: Ledger) -> None:
    """Of every operation: whom it has left with nothing owes nothing."""
    for number in ledger.emptied:
        write_off(ledger, number)
    ledger.emptied.clear()


def write_off(ledger: Ledger, number: int) -> None:
    """The debt of an account that holds nothing else, by the markets that made it."""
    account = ledger.account(number)
    total = sum(account.blamed.values())
    if account.cash >= 0 or not account.empty or not total:
        return
    rest, account.cash = -account.cash, 0
    ledger.bad_debt += rest
    uncovered = 0
    for (m, was_long), part in sorted(account.blamed.items()):
        debt = floor(rest, part, total)
        rest, total = rest - debt, total - part
        uncovered += bear(ledger, m, debt, longs=not was_long)
        if not total:
            break
    account.blamed = {}
    gate(ledger, uncovered)


def bear(ledger: Ledger, m: int, debt: int, *, longs: bool) -> int:
    """A market's part of a debt; what insurance did not pay. ``longs``: the other side are they."""
    market = ledger.markets[m]
    insured = from_insurance(ledger, m, debt)
    rest = debt - insured
    room = max(ledger.terms[m].maker_loss_cap - market.maker_drawn, 0)
    from_maker = min(rest, room, max(maker.value(ledger.at_last_prices(), m), 0))
    market.maker_drawn += from_maker
    market.maker_cash -= rest
    if market.settlement:
        market.shortfall += rest - from_maker
    else:
        maker.socialise(ledger, m, rest - from_maker, longs=longs)
    return rest


def gate(ledger: Ledger, uncovered: int) -> None:
    """No margin leaves accounts with positions for a while; dust holds nobody up."""
    if uncovered >= LEAST_GATED:
        ledger.gate_until = ledger.now + ledger.parameters.withdrawal_gate


def note_debt(ledger: Ledger, number: int, m: int, size: int, before: int) -> None:
    """Blame a position of ``size`` for what the debt grew by since cash was ``before``.

    What came in meanwhile has paid all that was blamed on others in proportion; rounded up, so
    that no debt is without a part.
    """
    account = ledger.account(number)
    debt, old = max(-account.cash, 0), max(-before, 0)
    if debt <= old:
        return
    total = sum(account.blamed.values())
    if total > old:
        account.blamed = {k: ceil(part, old, total) for k, part in account.blamed.items()}
    key = (m, size > 0)
    account.blamed[key] = account.blamed.get(key, 0) + debt - old


def share_of(ledger: Ledger, number: int, m: int, debt: int) -> int:
    """The market's part of ``debt``, by what was lost in each: open, or owed already."""
    account, last = ledger.account(number), ledger.at_last_prices()
    blamed, owed = sum(account.blamed.values()), max(-account.cash, 0)
    lost = []
    for market in range(len(ledger.terms)):
        part = sum(account.blamed.get((market, long), 0) for long in (False, True))
        open_loss = max(-unsettled(last, number, market), 0)
        lost.append(open_loss + (floor(part, owed, blamed) if blamed else 0))
    return ceil(debt, lost[m], sum(lost)) if sum(lost) else 0


def first_part(ledger: Ledger, number: int, m: int, before: Valuation, most: int) -> int:
    """Insurance, and of what it cannot pay for auto-deleveraging; the size closed against winners.

    ``most``: what may be closed against the maker now.
    """
    if before.value >= 0:
        return 0
    account, market = ledger.account(number), ledger.markets[m]
    size = account.positions[m].size
    debt = ceil(-before.value, WAD, ledger.price(ledger.usdc))
    deficit = share_of(ledger, number, m, debt)
    earned = max(-perp.premium(ledger, m, -sign(size) * most), 0) if most else 0
    wanted = ceil(deficit, most, abs(size)) - earned
    if wanted <= 0:
        return 0
    paid = from_insurance(ledger, m, wanted)
    account.cash += paid
    ledger.bad_debt += paid
    if paid == wanted:
        return 0
    gate(ledger, ceil(deficit, wanted - paid, wanted))
    price = bankruptcy_price(ledger, m, size, deficit)
    closed, asked = 0, floor(abs(size), wanted - paid, wanted)
    for counterparty, part in asked_of(ledger, m, size, price, asked):
        cash = ledger.account(counterparty).cash
        perp.exchange(ledger, counterparty, m, sign(size) * part, price)
        note_debt(ledger, counterparty, m, -size, cash)
        perp.exchange(ledger, number, m, -sign(size) * part, price)
        closed += part
    require(market.skew == ledger.markets[m].skew, "reference: the skew moved")
    return closed


def bankruptcy_price(ledger: Ledger, m: int, size: int, deficit: int) -> int:
    """Price at which what is closed leaves no debt, floored at 0."""
    worse = floor(deficit, WAD, abs(size)) * sign(size)
    return max(ledger.index_price(m) + worse, 0)


def asked_of(ledger: Ledger, m: int, size: int, price: int, asked: int) -> list[tuple[int, int]]:
    """Whom ``asked`` is taken of and how much of each, in order.

    Everything is worked out before anything is taken. Pro rata: who would give more than he has,
    gives that, and the others share the rest anew, until nobody would; rounded up in turn.
    """
    turns = ranked(ledger, m, size, price)
    held = {n: most_of(ledger, n, m, price) for n in turns}
    parts: dict[int, int] = {}
    for place, number in enumerate(turns):
        left = asked - sum(parts.values())
        weight = sum(weight_of(ledger, n, m) for n in turns[place:])
        share = left
        if ledger.parameters.deleveraging and weight:
            share = ceil(left, weight_of(ledger, number, m), weight)
        parts[number] = min(left, held[number], share)
    return [(number, part) for number, part in parts.items() if part]


def weight_of(ledger: Ledger, number: int, m: int) -> int:
    """What a part goes by, by policy: 1 profit, 2 equity, 3 size."""
    position = ledger.account(number).positions[m]
    match ledger.parameters.deleveraging:
        case 1:
            weight = floor(position.size, ledger.index_price(m), WAD) - position.cost
        case 2:
            weight = valuation(ledger.at_last_prices(), number).equity
        case _:
            weight = abs(position.size)
    return min(max(weight, 0), 2**192 - 1)


def ranked(ledger: Ledger, m: int, size: int, price: int) -> list[int]:
    """Counterparties who have gained, in the order they are taken."""
    found: list[tuple[int, int, int]] = []
    for number in ledger.holders(m):
        position = ledger.account(number).positions[m]
        if sign(position.size) != -sign(size):
            continue
        if most := most_of(ledger, number, m, price):
            found.append((rank(ledger, number, m, most), -position.opened, number))
    return [number for _, _, number in sorted(found, reverse=True)]


def rank(ledger: Ledger, number: int, m: int, most: int) -> int:
    """Profit ratio times leverage, WAD, all rounded down; first those without equity or cost.

    Pro rata: weight per unit of ``most``, WAD, up, so that whoever gives all of it comes first.
    """
    position = ledger.account(number).positions[m]
    if ledger.parameters.deleveraging:
        return min(ceil(weight_of(ledger, number, m), WAD, most), 2**192 - 1)
    profit = floor(position.size, ledger.index_price(m), WAD) - position.cost
    equity = valuation(ledger.at_last_prices(), number).equity
    if equity <= 0 or not position.cost:
        return 2**192 - 1
    if profit <= 0:
        return 0
    notional = ceil(abs(position.size), ledger.index_price(m), WAD)
    ratio = floor(profit, WAD, abs(position.cost))
    leverage = floor(notional, WAD, equity)
    return floor(min(ratio, MAX_RATIO), min(leverage, MAX_RATIO), WAD)
