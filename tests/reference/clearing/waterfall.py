"""Who pays for an account that cannot: insurance, counterparties, maker, everybody (SPEC §3.5)."""

from __future__ import annotations

from tests.reference.clearing import maker, perp
from tests.reference.clearing.margin import Valuation, valuation
from tests.reference.clearing.state import Ledger, require
from tests.reference.integers import WAD, ceil, floor, sign

LEAST_GATED = 100 * WAD  # USDC; a smaller debt closes no gate
MAX_RATIO = 2**96 - 1  # so that no rank overflows on chain


def from_insurance(ledger: Ledger, m: int, need: int) -> int:
    """Take what the fund and the market's cap on it allow."""
    market = ledger.markets[m]
    room = ledger.terms[m].insurance_cap - market.insurance_drawn
    paid = max(min(need, ledger.insurance_fund, room), 0)
    ledger.insurance_fund -= paid
    market.insurance_drawn += paid
    return paid


def write_off(ledger: Ledger, number: int) -> None:
    """The debt of an account that holds nothing else."""
    account = ledger.account(number)
    if account.cash >= 0 or not account.empty or account.failure is None:
        return
    m, was_long = account.failure
    gate(ledger, pay_debt(ledger, number, m, -account.cash, longs=not was_long))


def pay_debt(ledger: Ledger, number: int, m: int, debt: int, *, longs: bool) -> int:
    """By insurance, maker, and then a side, or the gains of a settled market.

    Returns what insurance has not paid.
    """
    market = ledger.markets[m]
    insured = from_insurance(ledger, m, debt)
    rest = debt - insured
    room = max(ledger.terms[m].maker_loss_cap - market.maker_drawn, 0)
    from_maker = min(rest, room, max(maker.value(ledger, m), 0))
    market.maker_drawn += from_maker
    market.maker_cash -= rest
    if market.settlement:
        market.shortfall += rest - from_maker
    else:
        maker.socialise(ledger, m, rest - from_maker, longs=longs)
    ledger.bad_debt += debt
    ledger.account(number).cash += debt
    return rest


def gate(ledger: Ledger, uncovered: int) -> None:
    """No margin leaves accounts with positions for a while; dust holds nobody up."""
    if uncovered >= LEAST_GATED:
        ledger.gate_until = ledger.now + ledger.parameters.withdrawal_gate


def note_failure(ledger: Ledger, number: int, m: int, before: int) -> None:
    """Remember where, and on which side, a close left the account in debt; ``before``: its size."""
    account = ledger.account(number)
    if account.cash < 0 and m not in account.positions:
        account.failure = (m, before > 0)


def first_part(ledger: Ledger, number: int, m: int, before: Valuation, most: int) -> int:
    """Insurance, then auto-deleveraging, of an account worth less than nothing; size closed.

    ``most``: what may be closed against the maker now.
    """
    if before.value >= 0:
        return 0
    account, market = ledger.account(number), ledger.markets[m]
    size, index = account.positions[m].size, ledger.index_price(m)
    notional = ceil(abs(size), index, WAD)
    deficit = ceil(ceil(-before.value, WAD, ledger.price(ledger.usdc)), notional, before.notional)
    earned = max(-perp.premium(ledger, m, -sign(size) * most), 0) if most else 0
    if deficit <= earned:
        return 0
    wanted = ceil(deficit - earned, most, abs(size))
    paid = from_insurance(ledger, m, wanted)
    account.cash += paid
    ledger.bad_debt += paid
    if paid == wanted:
        return 0
    gate(ledger, deficit - paid)
    price = bankruptcy_price(ledger, m, size, deficit - paid)
    closed = 0
    for counterparty in ranked(ledger, m, size, price):
        theirs = ledger.account(counterparty).positions[m].size
        part = min(abs(size) - closed, abs(theirs))
        perp.exchange(ledger, number, m, -sign(size) * part, price)
        perp.exchange(ledger, counterparty, m, sign(size) * part, price)
        note_failure(ledger, counterparty, m, -size)
        closed += part
        if closed == abs(size):
            break
    require(market.skew == ledger.markets[m].skew, "reference: the skew moved")
    return closed


def bankruptcy_price(ledger: Ledger, m: int, size: int, deficit: int) -> int:
    """Price at which the closer's debt would be what nobody has paid, floored at 0."""
    worse = floor(deficit, WAD, abs(size)) * sign(size)
    return max(ledger.index_price(m) + worse, 0)


def ranked(ledger: Ledger, m: int, size: int, price: int) -> list[int]:
    """Counterparties with a profit at the bankruptcy price, in the order they are taken."""
    found: list[tuple[int, int, int]] = []
    for number in ledger.holders(m):
        position = ledger.account(number).positions[m]
        if sign(position.size) != -sign(size):
            continue
        worth = floor(position.size, price, WAD) - position.cost
        if worth <= perp.owed(ledger.markets[m], position):
            continue
        found.append((rank(ledger, number, m), -position.opened, number))
    return [number for _, _, number in sorted(found, reverse=True)]


def rank(ledger: Ledger, number: int, m: int) -> int:
    """Profit ratio times leverage, WAD, all rounded down; first those without equity or cost."""
    position = ledger.account(number).positions[m]
    profit = floor(position.size, ledger.index_price(m), WAD) - position.cost
    equity = valuation(ledger, number).equity
    if equity <= 0 or not position.cost:
        return 2**192 - 1
    if profit <= 0:
        return 0
    notional = ceil(abs(position.size), ledger.index_price(m), WAD)
    ratio = floor(profit, WAD, abs(position.cost))
    leverage = floor(notional, WAD, equity)
    return floor(min(ratio, MAX_RATIO), min(leverage, MAX_RATIO), WAD)
