"""The ClearingHouse: its markets, the accounts, what stands behind them, the covariance.

Whole units, except collateral in raw token units.
"""

from __future__ import annotations

from simulator.protocol.state.variable import (
    Compared,
    Derived,
    Kept,
    Scale,
    Shown,
    Slot,
    Subject,
    Word,
)
from simulator.protocol.units import COVARIANCE_RAMP, SCALE_INTERVAL

_HOUSE = "ClearingHouse"
_STATE = Slot(_HOUSE, "state", like="last_market_state")
_POSITION = Slot(_HOUSE, "position")
# Losses taken over so far. The contracts round prices of whole positions against the account, so a
# debt covered in full leaves some 10⁻¹⁸ per unit of size: float64 has no room for that.
_LOSSES = Compared(dust=1.0)
# What a position remembers of the time it opened. A hedge closed to a few 10⁻¹⁸ of its size in one
# world and to nothing in the other owes nothing in both.
_ENTRY = Compared(of_size=1e-12)


class Clearing(Subject):
    """The ClearingHouse. ``rows`` are the risk assets under portfolio margin; gross: none."""

    # Markets.
    skew = Shown(
        "markets", "base units", "Σ of the sizes",
        Word("market", 0), _STATE.at("skew"),
    )  # fmt: skip
    skew_scale = Shown(
        "markets", "base units", "K",
        Word("market", 1), Slot(_HOUSE, "market", "skew_scale"),
    )  # fmt: skip
    # Never: the first change may be made at once.
    scaled_at = Kept(
        "markets", "seconds", "since the start, when K last changed", start=-SCALE_INTERVAL
    )
    opening_skew = Kept("markets", "base units", "when the block opened that traded last")
    funding_rate = Derived(
        "markets", "per day", "funding rate, accrued up to now",
        Word("funding", 2),
        kept=Kept("markets", "per day", "at funding_time",
                  group="accrual", stored=_STATE.at("funding_rate")),
    )  # fmt: skip
    funding_index = Derived(
        "markets", "USD per unit of size", "funding index, accrued up to now",
        Word("funding", 3),
        kept=Kept("markets", "USD per unit of size", "at funding_time",
                  group="accrual", stored=_STATE.at("funding_index")),
    )  # fmt: skip
    funding_time = Kept(
        "markets", "seconds", "since the start, of the last accrual",
        group="accrual", scale=Scale.TIME, stored=_STATE.at("updated_at"),
    )  # fmt: skip
    long_interest = Derived(
        "markets", "base units", "Σ of the long sizes; the short ones are this − skew",
        Word("backstop", 5), Slot(_HOUSE, "long_interest"),
    )  # fmt: skip
    loss_long = Derived(
        "markets", "USDC per unit of size",
        "loss socialised over the longs, what the maker lacks now counted in",
        Word("backstop", 6),
        kept=Kept("markets", "USDC", "socialised loss per unit of long size",
                  group="backstop", stored=Slot(_HOUSE, "loss_long")),
    )  # fmt: skip
    loss_short = Derived(
        "markets", "USDC per unit of size",
        "loss socialised over the shorts, what the maker lacks now counted in",
        Word("backstop", 7),
        kept=Kept("markets", "USDC", "socialised loss per unit of short size",
                  group="backstop", stored=Slot(_HOUSE, "loss_short")),
    )  # fmt: skip
    insurance_drawn = Shown(
        "markets", "USDC", "what losses took from the insurance fund, cumulative",
        Word("backstop", 8), Slot(_HOUSE, "insurance_drawn"), compared=_LOSSES,
    )  # fmt: skip
    maker_drawn = Shown(
        "markets", "USDC", "what losses took from the maker, cumulative",
        Word("backstop", 9), Slot(_HOUSE, "maker_drawn"), compared=_LOSSES,
    )  # fmt: skip
    premium_pool = Shown(
        "markets", "USDC", "paid for the skew and not yet earned by taking it back",
        Word("backstop", 10), Slot(_HOUSE, "premium_pool"),
    )  # fmt: skip
    maker_cash = Shown(
        "markets", "USDC", "what stands behind the market",
        Word("backstop", 11), Slot(_HOUSE, "maker_cash"),
    )  # fmt: skip
    unpaid_premium = Shown(
        "markets", "base units²",
        "of the potential of the skew what liquidations could not pay for",
        Word("backstop", 12, Scale.WAD_SQUARED), Slot(_HOUSE, "unpaid_premium"),
        compared=Compared(part_of="skew", power=2),
    )  # fmt: skip
    basis = Kept(
        "markets", "USD",
        "Σ(cost − s·funding_entry − |s|·loss_entry): what of the maker's debt does not move",
    )  # fmt: skip
    liquidated = Kept(
        "markets", "base units", "by which liquidations of that block have raised |k|"
    )

    # Accounts.
    cash = Shown(
        "accounts", "USDC", "the settled balance",
        Word("cash", 0), Slot(_HOUSE, "cash"),
    )  # fmt: skip
    asked = Kept(
        "accounts",
        "1",
        "turn in which the liquidation or the close that goes on took from whom; 0: not",
    )
    account_value = Derived("accounts", "USD", "value", Word("margin", 1))
    equity = Derived("accounts", "USD", "equity", Word("margin", 2))
    maintenance = Derived("accounts", "USD", "maintenance requirement", Word("margin", 3))
    collateral = Shown(
        "accounts collaterals", "tokens", "posted; that of USDC, which is cash, stays zero",
        Word("collateral", 0, Scale.COLLATERAL), Slot(_HOUSE, "collateral_balance"),
        raw=Scale.COLLATERAL,
    )  # fmt: skip
    total_collateral = Kept("collaterals", "raw", "held against the cap; USDC: deposited")
    size = Shown(
        "accounts markets", "base units", "size s of the position",
        Word("positions", 0), _POSITION.at("size"),
    )  # fmt: skip
    cost = Shown(
        "accounts markets", "USD", "at which it was opened",
        Word("positions", 1), _POSITION.at("cost"),
    )  # fmt: skip
    funding_entry = Shown(
        "accounts markets", "USD per unit of size", "funding index at the last settlement",
        Word("positions", 2), _POSITION.at("funding_index"), compared=_ENTRY,
    )  # fmt: skip
    loss_entry = Shown(
        "accounts markets", "USDC per unit of size", "socialised loss index of its side then",
        Word("positions", 3), _POSITION.at("loss_index"), compared=_ENTRY,
    )  # fmt: skip
    opened = Kept(
        "accounts markets", "1", "rank of the position's opening among those open; 0: none"
    )
    blamed = Kept(
        "accounts sides", "USDC",
        "by whose fills the debt grew, in proportion; a position is 2 market + 1 if long",
    )  # fmt: skip

    # The whole house.
    insurance_fund = Shown(
        "", "USDC", "what is in the insurance fund",
        Word("venue", 4), Slot(_HOUSE, "insurance_fund"),
    )  # fmt: skip
    bad_debt = Shown(
        "", "USDC", "cumulative",
        Word("venue", 5), Slot(_HOUSE, "bad_debt"), compared=_LOSSES,
    )  # fmt: skip
    gate_until = Kept("", "seconds", "since the start")
    covariance_time = Kept(
        "", "seconds", "since the start, of its post; below zero: it has arrived",
        start=-COVARIANCE_RAMP,
    )  # fmt: skip
    covariance = Kept(
        "rows factors", "per √day", "factor W of the daily covariance W·Wᵀ, now",
        group="covariance", scale=Scale.FACTOR,
    )  # fmt: skip
    covariance_before = Kept("rows factors", "per √day", "where it was when it was posted last")
    covariance_after = Kept("rows factors", "per √day", "where it is going")
