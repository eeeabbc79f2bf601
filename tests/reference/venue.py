"""A venue described in whole units, and what the contracts and the integer reference read of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from fractions import Fraction

from tests.reference.clearing.state import Collateral, Ledger, Market, Parameters
from tests.reference.clearing.state import Terms as LedgerTerms
from tests.reference.integers import WAD

CAP = 10**30  # raw units of each collateral
UNLIMITED = 10**36  # of open interest and of what a market's losses may take, WAD
GATE = 3_600  # seconds withdrawals wait after an insolvency
UNITS = {"USDC": 10**6, "WETH": 10**18}  # raw units of a whole collateral


def wad(value: Fraction | int | str) -> int:
    """Whole units to WAD; ValueError when the value has more decimals."""
    scaled = Fraction(value) * WAD
    if scaled.denominator != 1:
        raise ValueError(f"{value} has more than 18 decimals")
    return int(scaled)


def asset(symbol: str) -> int:
    """What the reference knows a token by."""
    return int.from_bytes(symbol.encode())


@dataclass(frozen=True)
class Terms:
    """Parameters of one market (SPEC §3.1): base units, fractions, per day."""

    asset: str
    skew_scale: Fraction
    half_spread: Fraction
    taker_fee: Fraction
    velocity: Fraction
    max_skew: Fraction
    maintenance_rate: Fraction

    def ledger_terms(self) -> LedgerTerms:
        """In the units of the contract, without limits on open interest and losses."""
        return LedgerTerms(
            asset=asset(self.asset),
            skew_scale=wad(self.skew_scale),
            half_spread=wad(self.half_spread),
            taker_fee=wad(self.taker_fee),
            velocity=wad(self.velocity),
            max_skew=wad(self.max_skew),
            maintenance_rate=wad(self.maintenance_rate),
            max_open_interest=UNLIMITED,
            insurance_cap=UNLIMITED,
            maker_loss_cap=UNLIMITED,
        )

    def market(self, token: str) -> tuple[str | int, ...]:
        """IClearingHouse.Market of a token's address."""
        return token, *astuple(self.ledger_terms())[1:]


@dataclass(frozen=True)
class Venue:
    """What does not change while trading, by the gross rule. ``haircuts``: USDC first."""

    markets: tuple[Terms, ...]
    haircuts: dict[str, Fraction]
    initial_multiple: Fraction
    liquidation_penalty: Fraction
    liquidator_share: Fraction
    profit_cap: Fraction

    def parameters(self) -> Parameters:
        """IClearingHouse.Parameters, as a tuple with :func:`dataclasses.astuple`."""
        return Parameters(
            initial_multiple=wad(self.initial_multiple),
            liquidation_penalty=wad(self.liquidation_penalty),
            liquidator_share=wad(self.liquidator_share),
            profit_cap=wad(self.profit_cap),
            gross_floor=WAD,
            risk_multiple=0,
            withdrawal_gate=GATE,
        )

    def ledger(self, prices: Mapping[str, Fraction], now: int, maker: int, fund: int) -> Ledger:
        """The reference of the venue at prices by symbol, with nobody in it.

        ``maker``: whole USDC behind each market; ``fund``: of the insurance fund.
        """
        return Ledger(
            usdc=asset("USDC"),
            terms=[terms.ledger_terms() for terms in self.markets],
            collaterals=[
                Collateral(asset(symbol), wad(haircut), CAP, UNITS[symbol])
                for symbol, haircut in self.haircuts.items()
            ],
            parameters=self.parameters(),
            prices={asset(symbol): wad(price) for symbol, price in prices.items()},
            now=now,
            markets=[Market(updated_at=now, maker_cash=maker * WAD) for _ in self.markets],
            held=[
                (maker * len(self.markets) + fund) * UNITS["USDC"],
                *(0 for _ in list(self.haircuts)[1:]),
            ],
            insurance_fund=fund * WAD,
        )
