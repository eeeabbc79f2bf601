"""The state variables of the model, declared once; the record of a path is made of this table.

A record holds one path, contiguous: a snapshot is a copy of it. Integer token units are held as
float64: exact for USDC (< 2⁵³ raw), to the last bits for 18-decimal tokens. P paths; the other axes
are named by what is counted along them (:class:`~simulator.model.kernel.record.Counts`).
"""

from __future__ import annotations

from simulator.model.kernel.record import Layout, Member, each

#: A Uniswap v3 pool.
POOL = (
    *each(
        "",
        ("sqrt_price", "raw", "sqrt(raw token1 / raw token0)"),
        ("tick", "1", "slot0.tick"),
        ("segment", "1", "number of background ticks <= tick"),
        ("depth", "1", "factor the profile was built with"),
    ),
    *each("segments", ("profile", "raw L", "background liquidity in each segment")),
)
#: The vault's position in the pool; where the vault pledges, it backs account 0.
POSITION = each(
    "",
    ("liquidity", "raw L", "L"),
    ("tick_lower", "1", "of its range"),
    ("tick_upper", "1", "of its range"),
    ("sqrt_lower", "raw", "√P at tick_lower"),
    ("sqrt_upper", "raw", "√P at tick_upper"),
    ("fees0", "raw base", "what a collect would pay, not yet floored"),
    ("fees1", "raw USDC", "what a collect would pay, not yet floored"),
)
#: The ClearingHouse. Whole units, except collateral in raw token units. Rows are the risk assets
#: under portfolio margin; the gross rule counts none.
CLEARING = (
    *each(
        "markets",
        ("skew", "base units", "Σ of the sizes"),
        ("skew_scale", "base units", "K"),
        ("scaled_at", "seconds", "since the start, when K last changed"),
        ("opening_skew", "base units", "when the block opened that traded last"),
        ("premium_pool", "USDC", "paid for the skew and not yet earned by taking it back"),
        (
            "unpaid_premium",
            "base units squared",
            "of the potential of the skew what liquidations could not pay for",
        ),
        ("maker_cash", "USDC", "what stands behind the market"),
        (
            "basis",
            "USD",
            "Σ(cost − s·funding_entry − |s|·loss_entry): what of the maker's debt does not move",
        ),
        ("liquidated", "base units", "by which liquidations of that block have raised |k|"),
        ("funding_rate", "per day", "at funding_time"),
        ("funding_index", "USD per unit of size", "at funding_time"),
        ("funding_time", "seconds", "since the start"),
        ("loss_long", "USDC", "socialised loss per unit of long size"),
        ("loss_short", "USDC", "socialised loss per unit of short size"),
        ("insurance_drawn", "USDC", "cumulative"),
        ("maker_drawn", "USDC", "cumulative"),
    ),
    *each(
        "accounts",
        ("cash", "USDC", "the settled balance"),
        ("asked", "1", "turn in which the liquidation that goes on deleveraged whom; 0: not"),
    ),
    *each("accounts collaterals", ("collateral", "raw", "posted; USDC's stays zero")),
    *each("collaterals", ("total_collateral", "raw", "held against the cap; USDC: deposited")),
    *each(
        "accounts markets",
        ("size", "base units", "s"),
        ("cost", "USD", "at which it was opened"),
        ("funding_entry", "USD per unit of size", "funding index at the last settlement"),
        ("loss_entry", "USDC per unit", "socialised loss index of its side then"),
        ("opened", "1", "rank of the position's opening among those open; 0: none"),
    ),
    *each(
        "accounts sides",
        (
            "blamed",
            "USDC",
            "by whose fills the debt grew, in proportion; a position is 2 market + 1 if long",
        ),
    ),
    *each(
        "",
        ("gate_until", "seconds", "since the start"),
        ("covariance_time", "seconds", "since the start, of its post; below zero: it has arrived"),
        ("insurance_fund", "USDC", "what is in it"),
        ("bad_debt", "USDC", "cumulative"),
    ),
    *each(
        "rows factors",
        ("covariance", "per √day", "factor W of the daily covariance W·Wᵀ, now"),
        ("covariance_before", "per √day", "where it was when it was posted last"),
        ("covariance_after", "per √day", "where it is going"),
    ),
)
#: Aave v3 where the vault hedges there: reserves are USDC, then the legs' assets; raw amounts.
AAVE = (
    *each(
        "reserves",
        ("liquidity_index", "1", "at updated_at"),
        ("borrow_index", "1", "at updated_at"),
        ("liquidity_rate", "per year", "of who supplies"),
        ("borrow_rate", "per year", "of who owes"),
        ("updated_at", "seconds", "since the start"),
        ("available", "raw", "not lent"),
        ("owed", "raw", "scaled debt of everyone"),
    ),
    *each("", ("supplied", "raw", "scaled USDC of the vault's venue")),
    *each("legs", ("debt", "raw", "its scaled debts")),
    Member("pools", POOL, ("legs",), what="in which the legs' assets are sold"),
    Member("nothing", POSITION, what="the vault's position in those pools: none"),
)
#: The HedgeVault, beside its position and its margin accounts 0 … M.
VAULT = (
    *each(
        "",
        ("shares", "raw", "total supply"),
        ("idle_usdc", "raw", "not placed"),
        ("idle_base", "raw", "not placed"),
        ("betas_time", "seconds", "since the start; -1 before the first post"),
        ("fee_shares", "raw", "of the supply, the fee receiver's"),
        ("high_water_mark", "USDC per share", "above which the performance fee is due"),
        ("fees_time", "seconds", "since the start, at the last accrual of fees"),
        ("recentred", "seconds", "since the start, at the last paid recenter"),
        ("requests", "1", "requests ever made"),
    ),
    *each("markets", ("betas", "1", "USD short per USD of LP delta")),
    *each(
        "agents",
        ("request", "raw", "shares of each agent waiting in the queue; 0: no request"),
        ("place", "1", "the request's place in line, counted from 1 over all time"),
    ),
)
#: What agents hold.
WALLET = (
    *each("agents assets", ("token", "raw", "by asset")),
    *each("agents", ("shares", "raw", "of the vault")),
)
#: The record of a path.
STATE: Layout = (
    Member("pool", POOL),
    Member("position", POSITION),
    Member("clearing", CLEARING),
    Member("vault", VAULT),
    Member("wallet", WALLET),
    Member("aave", AAVE),
)
#: What the market does to a path at one step.
MOMENT = (
    *each(
        "",
        ("clock", "seconds", "since the start"),
        ("step", "1", "of the run"),
        ("gas_usd", "USD", "per unit of gas"),
        ("pool_depth", "1", "factor of the background liquidity"),
        ("perp_depth", "1", "factor of the skew scales"),
        ("noise_swap", "USD", "of the noise traders: > 0 buys the base asset"),
        (
            "deposit_flow",
            "1",
            "what comes, of the first deposit; (< 0) the fraction of shares that leaves",
        ),
    ),
    *each(
        "assets",
        ("price", "USD", "per whole token, the oracle's last round"),
        ("updated_at", "seconds", "since the start, of that round"),
        ("index", "USD", "per whole token, elsewhere"),
    ),
    *each("markets", ("noise_trade", "USD", "of the noise traders: > 0 buys")),
)
