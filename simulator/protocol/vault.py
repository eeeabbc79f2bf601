"""The parameters of the HedgeVault (contracts/SPEC.md §4.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from simulator.protocol.terms import Given, Scale, Term

STRUCT = "IHedgeVault.Parameters"


@dataclass(frozen=True)
class VaultTerms:
    """``IHedgeVault.Parameters``, component by component."""

    range_half_width: Annotated[
        int,
        Term(
            "half width of the range, a multiple of the tick spacing",
            unit="ticks", scale=Scale.INTEGER, struct=STRUCT, given=Given.MADE,
        ),
    ]  # fmt: skip
    recenter_threshold: Annotated[
        float,
        Term(
            "distance from the centre that allows recentring, fraction of the half width",
            unit="fraction", default=0.8, gt=0, le=10, struct=STRUCT,
        ),
    ]  # fmt: skip
    lp_allocation: Annotated[
        float,
        Term(
            "NAV in the LP leg after recentring, fraction",
            unit="fraction", default=0.6, gt=0, le=1, struct=STRUCT,
        ),
    ]  # fmt: skip
    margin_allocation: Annotated[
        float,
        Term(
            "NAV posted as margin after recentring, fraction",
            unit="fraction", default=0.35, ge=0, le=1, struct=STRUCT,
        ),
    ]  # fmt: skip
    hedge_band: Annotated[
        float,
        Term(
            "hedge deviation tolerated before rebalancing, fraction of NAV",
            unit="fraction", default=0.02, ge=0, le=1, struct=STRUCT,
        ),
    ]  # fmt: skip
    max_slippage: Annotated[
        float,
        Term(
            "worst price accepted against the oracle, fraction",
            unit="fraction", default=0.01, gt=0, le=0.1, struct=STRUCT,
        ),
    ]  # fmt: skip
    margin_target: Annotated[
        float,
        Term(
            "margin ratio restored by top-up and deleverage",
            unit="ratio", default=5.0, gt=1, le=1e4, struct=STRUCT,
        ),
    ]  # fmt: skip
    top_up_ratio: Annotated[
        float,
        Term(
            "margin ratio below which idle USDC is added",
            unit="ratio", default=3.5, gt=1, le=1e4, struct=STRUCT,
        ),
    ]  # fmt: skip
    deleverage_ratio: Annotated[
        float,
        Term(
            "margin ratio below which both legs shrink",
            unit="ratio", default=2.2, gt=1, le=1e4, struct=STRUCT,
        ),
    ]  # fmt: skip
    keeper_reward: Annotated[
        float,
        Term(
            "most a keeper call is paid, USDC",
            unit="USDC", default=5.0, ge=0, le=1e4, scale=Scale.USDC, struct=STRUCT,
        ),
    ]  # fmt: skip
    keeper_share: Annotated[
        float,
        Term(
            "most a keeper call is paid, fraction of the value it protects",
            unit="fraction", default=0.001, ge=0, le=0.05, struct=STRUCT,
        ),
    ]  # fmt: skip
    entry_fee: Annotated[
        float,
        Term(
            "fee on deposits that stays in the vault, fraction",
            unit="fraction", default=0.005, ge=0, le=0.1, struct=STRUCT,
        ),
    ]  # fmt: skip
    exit_fee: Annotated[
        float,
        Term(
            "fee on withdrawals that stays in the vault, fraction",
            unit="fraction", default=0.005, ge=0, le=0.1, struct=STRUCT,
        ),
    ]  # fmt: skip
    management_fee: Annotated[
        float,
        Term(
            "fee on assets, paid in shares, fraction per 365 days",
            unit="fraction/year", default=0.0, ge=0, le=0.1, struct=STRUCT,
        ),
    ]  # fmt: skip
    performance_fee: Annotated[
        float,
        Term(
            "fee on a share's gain above its high-water mark, paid in shares, fraction",
            unit="fraction", default=0.0, ge=0, le=0.5, struct=STRUCT,
        ),
    ]  # fmt: skip
    deposit_cap: Annotated[
        float,
        Term(
            "most the vault holds, USDC",
            unit="USDC", default=1e9, gt=0, le=1e15, scale=Scale.USDC, struct=STRUCT,
        ),
    ]  # fmt: skip
    beta_max: Annotated[
        float,
        Term(
            "largest hedge ratio in size, USD short per USD of LP delta",
            unit="USD/USD", default=3.0, gt=0, le=100, struct=STRUCT,
        ),
    ]  # fmt: skip
    beta_max_change: Annotated[
        float,
        Term(
            "largest change of a hedge ratio per post",
            unit="ratio", default=0.5, gt=0, le=100, struct=STRUCT,
        ),
    ]  # fmt: skip
    beta_interval: Annotated[
        int,
        Term(
            "least time between posts, hours",
            unit="seconds", default=12.0, ge=0, le=10_000, scale=Scale.INTEGER, struct=STRUCT,
            given=Given.HOURS,
        ),
    ]  # fmt: skip


@dataclass(frozen=True)
class VaultParameters(VaultTerms):
    """All a vault is deployed with: its terms, and what never changes.

    ``isolated``: each hedge in an account of its own; ``pledged``: the liquidity backs the vault's
    cross account.
    """

    isolated: bool
    pledged: bool
