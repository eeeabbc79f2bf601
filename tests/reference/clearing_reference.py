"""The margin engine of contracts/SPEC.md §3 in exact rational arithmetic.

Written from the text of the specification, not from the Vyper code, and without its rounding: what
the contracts compute must agree to a few units in the last place. Whole units throughout: USD,
USDC, base units, tokens, fractions, seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction

DAY = 86_400
ZERO = Fraction(0)


class RefusedError(Exception):
    """The operation reverts; the argument is the contract's reason."""


@dataclass(frozen=True)
class Terms:
    """Parameters of one market (SPEC §3.1)."""

    asset: str
    skew_scale: Fraction
    half_spread: Fraction
    taker_fee: Fraction
    velocity: Fraction
    max_skew: Fraction
    maintenance_rate: Fraction


@dataclass(frozen=True)
class Venue:
    """Everything that does not change while trading. ``haircuts``: USDC first."""

    markets: tuple[Terms, ...]
    haircuts: dict[str, Fraction]
    initial_multiple: Fraction
    liquidation_penalty: Fraction
    liquidator_share: Fraction
    profit_cap: Fraction


@dataclass
class MarketState:
    """Skew and funding of one market."""

    skew: Fraction = ZERO
    rate: Fraction = ZERO
    index: Fraction = ZERO
    updated_at: int = 0


@dataclass
class Position:
    """A trader's position in one market."""

    size: Fraction = ZERO
    cost: Fraction = ZERO
    entry: Fraction = ZERO


@dataclass
class Account:
    """One margin account; ``basket`` is collateral other than USDC, by asset."""

    cash: Fraction = ZERO
    basket: dict[str, Fraction] = field(default_factory=dict)
    positions: dict[int, Position] = field(default_factory=dict)


@dataclass(frozen=True)
class Margin:
    """What §3.4 says of an account."""

    balance: Fraction
    value: Fraction
    equity: Fraction
    initial_equity: Fraction
    maintenance: Fraction


def sign(x: Fraction) -> int:
    return (x > 0) - (x < 0)


@dataclass
class ClearingReference:
    """The venue with all its accounts at the prices and the time it is given."""

    venue: Venue
    prices: dict[str, Fraction]
    now: int = 0
    markets: list[MarketState] = field(default_factory=list)
    accounts: dict[str, Account] = field(default_factory=dict)
    maker_cash: Fraction = ZERO
    insurance_fund: Fraction = ZERO
    bad_debt: Fraction = ZERO

    def __post_init__(self) -> None:
        self.markets = [MarketState(updated_at=self.now) for _ in self.venue.markets]

    def account(self, name: str) -> Account:
        return self.accounts.setdefault(name, Account())

    # ---------------------------------------------------------------- §3.2, §3.3

    def accrued(self, m: int) -> MarketState:
        state, terms = self.markets[m], self.venue.markets[m]
        days = Fraction(self.now - state.updated_at, DAY)
        proportion = max(Fraction(-1), min(state.skew / terms.skew_scale, Fraction(1)))
        rate = state.rate + terms.velocity * proportion * days
        index = state.index + (state.rate + rate) / 2 * self.prices[terms.asset] * days
        return replace(state, rate=rate, index=index, updated_at=self.now)

    def accrue(self, m: int) -> None:
        self.markets[m] = self.accrued(m)

    def accrue_held(self, account: Account) -> None:
        for m, position in account.positions.items():
            if position.size:
                self.accrue(m)

    def fill(self, m: int, delta: Fraction) -> Fraction:
        terms, skew = self.venue.markets[m], self.markets[m].skew
        impact = (skew + delta / 2) / terms.skew_scale
        return self.prices[terms.asset] * (1 + impact + sign(delta) * terms.half_spread)

    def closeout(self, m: int, size: Fraction) -> Fraction:
        terms, skew = self.venue.markets[m], self.markets[m].skew
        return max(self.prices[terms.asset] * (1 + (skew - size / 2) / terms.skew_scale), ZERO)

    def mark(self, m: int) -> Fraction:
        terms = self.venue.markets[m]
        return self.prices[terms.asset] * (1 + self.markets[m].skew / terms.skew_scale)

    # ---------------------------------------------------------------------- §3.4

    def margin(self, name: str) -> Margin:
        account, usdc = self.account(name), self.prices["USDC"]
        unsettled = maintenance = ZERO
        for m, p in account.positions.items():
            unsettled += p.size * self.closeout(m, p.size) - p.cost
            unsettled -= p.size * (self.accrued(m).index - p.entry)
            terms = self.venue.markets[m]
            maintenance += abs(p.size) * self.prices[terms.asset] * terms.maintenance_rate
        haircuts = self.venue.haircuts
        gross = sum((q * self.prices[c] for c, q in account.basket.items()), ZERO)
        net = sum((q * self.prices[c] * (1 - haircuts[c]) for c, q in account.basket.items()), ZERO)

        def equity(balance: Fraction) -> Fraction:
            return balance * usdc * (1 - haircuts["USDC"] if balance >= 0 else 1) + net

        capped = unsettled
        if unsettled > 0:
            capped = min(unsettled, self.venue.profit_cap * max(account.cash, ZERO))
        balance = account.cash + unsettled
        return Margin(
            balance=balance,
            value=balance * usdc + gross,
            equity=equity(balance),
            initial_equity=equity(account.cash + capped),
            maintenance=maintenance,
        )

    def require_initial_margin(self, name: str) -> None:
        margin = self.margin(name)
        if margin.initial_equity < self.venue.initial_multiple * margin.maintenance:
            raise RefusedError("clearing: below initial margin")

    # ---------------------------------------------------------------------- §3.5

    def apply(self, account: Account, m: int, delta: Fraction, fill: Fraction) -> None:
        """Steps 1, 4 and 6 of a trade."""
        position = account.positions.setdefault(m, Position())
        market = self.markets[m]
        paid = position.size * (market.index - position.entry)
        position.entry = market.index
        if sign(position.size) * sign(delta) >= 0:
            position.cost += delta * fill
            realised = ZERO
        else:
            closing = -sign(position.size) * min(abs(delta), abs(position.size))
            released = position.cost * abs(closing) / abs(position.size)
            realised = -closing * fill - released
            position.cost += (delta - closing) * fill - released
        position.size += delta
        market.skew += delta
        account.cash += realised - paid
        self.maker_cash -= realised - paid
        if not position.size:
            del account.positions[m]

    def trade(self, name: str, m: int, delta: Fraction) -> tuple[Fraction, Fraction]:
        """Returns (fill, fee). No limit price: the caller compares the fill."""
        account, terms = self.account(name), self.venue.markets[m]
        before = account.positions.get(m, Position()).size
        self.accrue(m)
        skew = self.markets[m].skew
        if abs(skew + delta) > max(abs(skew), terms.max_skew):
            raise RefusedError("clearing: inventory limit")
        fill = self.fill(m, delta)
        self.apply(account, m, delta, fill)
        fee = abs(delta) * fill * terms.taker_fee
        account.cash -= fee
        self.maker_cash += fee
        after = before + delta
        if abs(after) > abs(before) or sign(after) * sign(before) < 0:
            self.accrue_held(account)
            self.require_initial_margin(name)
        return fill, fee

    def liquidate(self, name: str, m: int, liquidator: str) -> tuple[Fraction, Fraction]:
        """Returns (size closed, penalty)."""
        account, terms, venue = self.account(name), self.venue.markets[m], self.venue
        if m not in account.positions:
            raise RefusedError("clearing: no position")
        self.accrue_held(account)
        before, usdc = self.margin(name), self.prices["USDC"]
        if before.equity >= before.maintenance:
            raise RefusedError("clearing: not liquidatable")
        size, index = account.positions[m].size, self.prices[terms.asset]
        unit = usdc * (1 - venue.haircuts["USDC"]) if before.balance >= 0 else usdc
        relief = venue.initial_multiple * terms.maintenance_rate
        relief -= unit * (terms.half_spread + venue.liquidation_penalty)
        deleveraged = self.absorb(name, m, before) if before.value < 0 else ZERO
        closed = abs(size) - deleveraged
        if relief > 0 and before.equity >= 0:
            shortfall = venue.initial_multiple * before.maintenance - before.equity
            closed = min(shortfall / (index * relief), closed)
        if not closed:
            self.write_off(account)
            return deleveraged, ZERO
        delta = -sign(size) * closed
        self.apply(account, m, delta, max(self.fill(m, delta), ZERO))

        after = self.margin(name)
        kept = max(before.equity, ZERO) * after.maintenance / before.maintenance
        room = max(after.equity - kept, ZERO) / usdc
        penalty = min(closed * index * venue.liquidation_penalty, room)
        account.cash -= penalty
        self.account(liquidator).cash += penalty * venue.liquidator_share
        self.insurance_fund += penalty * (1 - venue.liquidator_share)
        self.write_off(account)
        return deleveraged + closed, penalty

    def absorb(self, name: str, m: int, before: Margin) -> Fraction:
        """Insurance, then deleveraging at the bankruptcy price; the size deleveraged."""
        account, asset = self.account(name), self.venue.markets[m].asset
        size = account.positions[m].size
        notionals = {
            i: abs(p.size) * self.prices[self.venue.markets[i].asset]
            for i, p in account.positions.items()
        }
        debt = -before.value / self.prices["USDC"] * notionals[m] / sum(notionals.values())
        paid = min(debt, self.insurance_fund)
        account.cash += paid
        self.insurance_fund -= paid
        self.bad_debt += paid
        if paid == debt:
            return ZERO
        price = max(self.closeout(m, size) + (debt - paid) / size, ZERO)
        ranks: dict[str, Fraction] = {}
        for other, holder in self.accounts.items():
            p = holder.positions.get(m, Position())
            owed = p.size * (self.accrued(m).index - p.entry)
            if p.size * size >= 0 or p.size * price - p.cost - owed <= 0:
                continue
            self.accrue_held(holder)
            equity, profit = self.margin(other).equity, p.size * self.closeout(m, p.size) - p.cost
            ranks[other] = max(profit, ZERO) / abs(p.cost) * abs(p.size) * self.prices[asset]
            ranks[other] = ranks[other] / equity if equity > 0 else Fraction(10**40)
        left = abs(size)
        for other in sorted(ranks, key=lambda o: -ranks[o]):
            part = min(left, abs(self.account(other).positions[m].size))
            if part:
                self.apply(account, m, -sign(size) * part, price)
                self.apply(self.account(other), m, sign(size) * part, price)
                left -= part
        return abs(size) - left

    def write_off(self, account: Account) -> None:
        if account.cash >= 0 or account.positions or any(account.basket.values()):
            return
        debt = -account.cash
        from_insurance = min(debt, self.insurance_fund)
        self.insurance_fund -= from_insurance
        self.maker_cash -= debt - from_insurance
        self.bad_debt += debt
        account.cash = ZERO
