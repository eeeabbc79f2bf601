"""Clearing house and reference side by side: each operation done to both, every number compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tests.reference.clearing import liquidation, trading
from tests.reference.clearing.margin import valuation
from tests.reference.clearing.state import Ledger, Position
from tests.reference.integers import WAD
from tests.reference.venue import asset, wad

HIGHEST = 2**256 - 1
COLLATERAL = {"USDC": 0, "WETH": 1}
TOLERANCE = Fraction(
    1, 10**15
)  # of the value or of 1: rounding at 10**-18 times sizes of up to thousands


def account_of(actor: Any, sub: int = 0) -> int:
    """Account key of SPEC §1."""
    return int(actor.address, 16) << 8 | sub


def agree(actual: int, expected: Fraction, what: str) -> None:
    """The WAD number of the contract is what is calculated by hand, up to rounding."""
    error = abs(Fraction(actual, WAD) - expected)
    assert error <= TOLERANCE * max(Fraction(1), abs(expected)), (
        f"{what}: {actual} is not {float(expected)!r}"
    )


@dataclass
class Mirror:
    """Accounts of both sides go by their number; every number is the reference's to the unit."""

    clearing: Any
    ledger: Ledger
    give: Callable[..., int]
    report: Callable[..., None]
    engine_events: Any  # of the code that runs in the clearing house, by name

    def set_price(self, **prices: Any) -> None:
        self.report(**prices)
        self.ledger.prices.update({asset(k): wad(v) for k, v in prices.items()})

    def deposit(self, actor: Any, amount: Any, symbol: str = "USDC", sub: int = 0) -> None:
        raw, collateral = self.give(actor, symbol, amount), COLLATERAL[symbol]
        self.clearing.deposit(actor, sub, collateral, raw, sender=actor)
        trading.deposit(self.ledger, int(actor.address, 16), sub, collateral, raw)

    def trade(self, actor: Any, market: int, size: Any, sub: int = 0) -> Any:
        """Trade at any price; returns the contract's Traded event."""
        order = sub, market, wad(size), HIGHEST if wad(size) > 0 else 0
        receipt = self.clearing.trade(*order, sender=actor)
        self.ledger.now = receipt.timestamp
        fill, fee = trading.trade(self.ledger, int(actor.address, 16), *order)
        (event,) = receipt.decode_logs(self.engine_events["Traded"])
        assert (event.fill, event.fee) == (fill, fee)
        assert self.clearing.premium_pool(market) == self.ledger.markets[market].pool
        return event

    def liquidate(self, actor: Any, market: int, liquidator: Any, sub: int = 0) -> Any:
        """Liquidate; returns the contract's Liquidated event."""
        number = account_of(actor, sub)
        receipt = self.clearing.liquidate(number, market, sender=liquidator)
        self.ledger.now = receipt.timestamp
        caller = int(liquidator.address, 16)
        closed, penalty = liquidation.liquidate(self.ledger, caller, number, market)
        (event,) = receipt.decode_logs(self.engine_events["Liquidated"])
        assert (event.size, event.penalty) == (closed, penalty)
        return event

    def check(self) -> None:
        """Every stored number and, without funding, every account's margin is the reference's."""
        clearing, ledger = self.clearing, self.ledger
        for m, market in enumerate(ledger.markets):
            assert clearing.last_market_state(m).skew == market.skew
            assert clearing.premium_pool(m) == market.pool
            assert clearing.unpaid_premium(m) == market.unpaid
            assert clearing.opening_skew(m) == market.opening_skew
            assert clearing.liquidated(m) == market.liquidated
        for number, account in ledger.accounts.items():
            assert clearing.cash(number) == account.cash, hex(number)
            assert clearing.collateral_balance(number, 1) == account.basket.get(1, 0), hex(number)
            for m in range(len(ledger.markets)):
                expected = account.positions.get(m, Position(0, 0, 0, 0))
                position = clearing.position(number, m)
                stored = position.size, position.cost, position.funding_index
                assert stored == (expected.size, expected.cost, expected.index), hex(number)
            if not any(terms.velocity for terms in ledger.terms):
                state = tuple(clearing.account_state(number))
                assert state == valuation(ledger, number).state, hex(number)
        for m, market in enumerate(ledger.markets):
            assert clearing.maker_cash(m) == market.maker_cash, m
        assert clearing.insurance_fund() == ledger.insurance_fund
        assert clearing.bad_debt() == ledger.bad_debt
