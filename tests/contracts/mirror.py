"""Clearing house and reference side by side: each operation done to both, every number compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.reference.clearing_reference import ClearingReference, Margin, Position

WAD = 10**18
HIGHEST = 2**256 - 1
COLLATERAL = {"USDC": 0, "WETH": 1}
TOLERANCE = Fraction(
    1, 10**15
)  # of the value or of 1: rounding at 10**-18 times sizes of up to thousands


def wad(value: Fraction | int | str) -> int:
    """Whole units to WAD; the value must be representable."""
    scaled = Fraction(value) * WAD
    if scaled.denominator != 1:
        raise ValueError(f"{value} has more than 18 decimals")
    return int(scaled)


def account_of(actor: Any, sub: int = 0) -> int:
    """Account key of SPEC §1."""
    return int(actor.address, 16) << 8 | sub


def agree(actual: int, expected: Fraction, what: str) -> None:
    """The WAD number of the contract is the reference's, up to rounding."""
    error = abs(Fraction(actual, WAD) - expected)
    assert error <= TOLERANCE * max(1, abs(expected)), (
        f"{what}: {actual} is not {float(expected)!r}"
    )


@dataclass
class Mirror:
    """The reference's accounts are named ``<address>/<sub>``."""

    clearing: Any
    reference: ClearingReference
    give: Callable[..., int]
    report: Callable[..., None]
    engine_events: Any  # of the code that runs in the clearing house, by name
    actors: dict[str, tuple[Any, int]] = field(default_factory=dict)

    def name(self, actor: Any, sub: int) -> str:
        name = f"{actor.address}/{sub}"
        self.actors[name] = (actor, sub)
        return name

    def set_price(self, **prices: Any) -> None:
        self.report(**prices)
        self.reference.prices.update({k: Fraction(v) for k, v in prices.items()})

    def deposit(self, actor: Any, amount: Any, symbol: str = "USDC", sub: int = 0) -> None:
        raw = self.give(actor, symbol, amount)
        self.clearing.deposit(actor, sub, COLLATERAL[symbol], raw, sender=actor)
        account = self.reference.account(self.name(actor, sub))
        if symbol == "USDC":
            account.cash += Fraction(amount)
        else:
            account.basket[symbol] = account.basket.get(symbol, Fraction(0)) + Fraction(amount)

    def trade(self, actor: Any, market: int, size: Any, sub: int = 0) -> Any:
        """Trade at any price; returns the contract's Traded event."""
        size = Fraction(size)
        limit = HIGHEST if size > 0 else 0
        receipt = self.clearing.trade(sub, market, wad(size), limit, sender=actor)
        self.reference.now = receipt.timestamp
        fill, fee = self.reference.trade(self.name(actor, sub), market, size)
        (event,) = receipt.events.filter(self.clearing.Traded)
        agree(event.fill, fill, "fill")
        agree(event.fee, fee, "fee")
        return event

    def liquidate(self, actor: Any, market: int, liquidator: Any, sub: int = 0) -> Any:
        """Liquidate; returns the contract's Liquidated event."""
        receipt = self.clearing.liquidate(account_of(actor, sub), market, sender=liquidator)
        self.reference.now = receipt.timestamp
        closed, penalty = self.reference.liquidate(
            self.name(actor, sub), market, self.name(liquidator, 0)
        )
        (event,) = receipt.decode_logs(self.engine_events["Liquidated"])
        agree(event.size, closed, "size closed")
        agree(event.penalty, penalty, "penalty")
        return event

    def margin(self, actor: Any, sub: int = 0) -> Margin:
        return self.reference.margin(self.name(actor, sub))

    def check(self) -> None:
        """Every stored number and, without funding, every account's margin agrees."""
        clearing, reference = self.clearing, self.reference
        for m, state in enumerate(reference.markets):
            agree(clearing.last_market_state(m).skew, state.skew, f"skew {m}")
        for name, (actor, sub) in self.actors.items():
            account, key = reference.account(name), account_of(actor, sub)
            agree(clearing.cash(key), account.cash, f"cash of {name}")
            for m in range(len(reference.markets)):
                expected = account.positions.get(m, Position())
                position = clearing.position(key, m)
                agree(position.size, expected.size, f"size of {name} in {m}")
                agree(position.cost, expected.cost, f"cost of {name} in {m}")
                agree(position.funding_index, expected.entry, f"funding entry of {name} in {m}")
            if not any(terms.velocity for terms in reference.venue.markets):
                state, margin = clearing.account_state(key), reference.margin(name)
                for what in ("balance", "value", "equity", "initial_equity", "maintenance"):
                    agree(getattr(state, what), getattr(margin, what), f"{what} of {name}")
        agree(clearing.maker_cash(), reference.maker_cash, "maker cash")
        agree(clearing.insurance_fund(), reference.insurance_fund, "insurance fund")
        agree(clearing.bad_debt(), reference.bad_debt, "bad debt")
