"""The parameters of the ClearingHouse (contracts/SPEC.md §3.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from simulator.protocol.terms import Given, Scale, Term

MARKET = "IClearingHouse.Market"
COLLATERAL = "IClearingHouse.Collateral"
PARAMETERS = "IClearingHouse.Parameters"
LIQUIDITY = "IClearingHouse.LiquidityTerms"
#: Policies of auto-deleveraging, by their number on chain (contracts/SPEC.md §3.5).
POLICIES = ("queue", "pro_rata_profit", "pro_rata_equity", "pro_rata_position")


@dataclass(frozen=True)
class MarketParameters:
    """One perp market: ``IClearingHouse.Market``; ``asset`` as ``Protocol.assets``."""

    asset: int
    skew_scale: Annotated[
        float,
        Term(
            "skew that moves the mark by 100 %, USD at the initial price",
            unit="base units", gt=0, le=1e13, struct=MARKET, given=Given.USD,
        ),
    ]  # fmt: skip
    half_spread: Annotated[
        float,
        Term(
            "half the bid–ask spread, fraction of the index; charged is no less than "
            "about half the feed's deviation less the fee (contracts/SPEC.md §3.3)",
            unit="fraction", default=0.0002, ge=0, le=0.1, struct=MARKET,
        ),
    ]  # fmt: skip
    taker_fee: Annotated[
        float,
        Term(
            "fee, fraction of the notional",
            unit="fraction", default=0.0005, ge=0, le=0.1, struct=MARKET,
        ),
    ]  # fmt: skip
    max_funding_velocity: Annotated[
        float,
        Term(
            "change of the daily funding rate per day at full skew (1/day²)",
            unit="1/day²", default=0.1, ge=0, le=1_000, struct=MARKET,
        ),
    ]  # fmt: skip
    max_skew: Annotated[
        float,
        Term(
            "inventory limit of the maker account, USD at the initial price; never more "
            "than skew_scale_usd · gross_floor · maintenance_rate / 2",
            unit="base units", gt=0, le=1e13, struct=MARKET, given=Given.USD,
        ),
    ]  # fmt: skip
    maintenance_rate: Annotated[
        float,
        Term(
            "maintenance margin, fraction of the notional",
            unit="fraction", default=0.05, gt=0, lt=1, struct=MARKET,
        ),
    ]  # fmt: skip
    max_open_interest: Annotated[
        float,
        Term(
            "most all longs and shorts together may hold, USD at the initial price; each "
            "side never more than four times the inventory limit (max_skew_usd)",
            unit="base units", default=1e9, gt=0, le=1e13, struct=MARKET, given=Given.USD,
        ),
    ]  # fmt: skip
    insurance_cap: Annotated[
        float,
        Term(
            "what this market's losses may ever take from the insurance fund, USDC",
            unit="USDC", default=1e9, ge=0, le=1e13, struct=MARKET,
        ),
    ]  # fmt: skip
    maker_loss_cap: Annotated[
        float,
        Term(
            "what this market's losses may ever take from the maker, USDC",
            unit="USDC", default=1e9, ge=0, le=1e13, struct=MARKET,
        ),
    ]  # fmt: skip


@dataclass(frozen=True)
class CollateralParameters:
    """One collateral of the basket; index 0 is USDC. ``cap`` is raw on chain, by its token."""

    asset: int
    haircut: Annotated[
        float,
        Term(
            "fraction of its value that does not count as margin",
            unit="fraction", default=0.0, ge=0, le=1, struct=COLLATERAL,
        ),
    ]  # fmt: skip
    cap: Annotated[
        float,
        Term(
            "most the venue takes, whole tokens",
            unit="tokens", default=1e9, gt=0, le=1e15, scale=Scale.TOKEN, struct=COLLATERAL,
        ),
    ]  # fmt: skip


@dataclass(frozen=True)
class ClearingParameters:
    """Parameters common to all markets, and the venue's own funds in whole USDC.

    Portfolio margin is ``risk_multiple`` > 0; without it ``gross_floor`` is 1 (the gross rule).
    ``lp_haircut``, ``lp_cap`` are the terms of pledged liquidity, whether the vault pledges or not.
    ``covariance_factor``: rows of 8 integers scaled 1e8, one per :attr:`Protocol.risk_assets`, W of
    the daily covariance W·Wᵀ; () = never posted.
    """

    markets: tuple[MarketParameters, ...]
    collaterals: tuple[CollateralParameters, ...]
    initial_multiple: Annotated[
        float,
        Term(
            "initial over maintenance margin (pure number)",
            unit="number", default=2.0, ge=1, le=10, struct=PARAMETERS,
        ),
    ]  # fmt: skip
    liquidation_penalty: Annotated[
        float,
        Term(
            "penalty, fraction of the notional closed",
            unit="fraction", default=0.01, ge=0, le=0.25, struct=PARAMETERS,
        ),
    ]  # fmt: skip
    liquidator_share: Annotated[
        float,
        Term(
            "fraction of the penalty the liquidator gets",
            unit="fraction", default=0.5, ge=0, le=1, struct=PARAMETERS,
        ),
    ]  # fmt: skip
    profit_cap: Annotated[
        float,
        Term(
            "unrealised profit counted as initial margin at most, multiple of cash",
            unit="number", default=0.5, ge=0, le=1, struct=PARAMETERS,
        ),
    ]  # fmt: skip
    gross_floor: Annotated[
        float,
        Term(
            "portfolio margin: least requirement, fraction of that of the gross rule",
            unit="fraction", default=0.3, gt=0, le=1, struct=PARAMETERS,
        ),
    ]  # fmt: skip
    risk_multiple: Annotated[
        float,
        Term(
            "portfolio margin: requirement, standard deviations of a day's result",
            unit="number", default=2.5, gt=0, le=100, struct=PARAMETERS,
        ),
    ]  # fmt: skip
    withdrawal_gate: Annotated[
        int,
        Term(
            "time after an insolvency no margin leaves an account with a position, hours",
            unit="seconds", default=4.0, ge=0, le=168, scale=Scale.INTEGER, struct=PARAMETERS,
            given=Given.HOURS,
        ),
    ]  # fmt: skip
    deleveraging: Annotated[
        int,
        Term(
            "which winners auto-deleveraging closes: a queue by profit times leverage, or all "
            "pro rata of profit, of equity (so the largest haircut is the least), of position",
            unit="", default=0, words=POLICIES, scale=Scale.INTEGER, struct=PARAMETERS,
            given=Given.WORD,
        ),
    ]  # fmt: skip
    lp_haircut: Annotated[
        float,
        Term(
            "fraction of pledged liquidity's value that does not count as margin",
            unit="fraction", default=0.1, ge=0, le=1, struct=LIQUIDITY, component="haircut",
        ),
    ]  # fmt: skip
    lp_cap: Annotated[
        int,
        Term(
            "most the pledged liquidity may be worth in USDC at any price: above a range "
            "of ±20 % 1.05 times what it is worth in its middle",
            unit="raw USDC", default=1e9, gt=0, le=1e12, scale=Scale.INTEGER, struct=LIQUIDITY,
            component="cap", given=Given.RAW_USD,
        ),
    ]  # fmt: skip
    maker_funds: Annotated[
        float,
        Term(
            "maker accounts of all markets at the start, USDC, by max_skew_usd",
            unit="USDC", default=50e6, ge=0, le=1e13, scale=Scale.NONE,
        ),
    ]  # fmt: skip
    insurance_funds: Annotated[
        float,
        Term(
            "insurance fund at the start, USDC",
            unit="USDC", default=1e6, ge=0, le=1e13, scale=Scale.NONE,
        ),
    ]  # fmt: skip
    covariance_factor: tuple[tuple[int, ...], ...] = ()
