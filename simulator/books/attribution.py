"""Exact attribution of the vault's NAV: where every dollar came from and went.

The vault's holdings are read at the end of each step and around the vault's own operations. Between
two readings with no operation of the vault in between (a *gap*), holdings can change only through
the pool (amounts of the position, fees), the prices and the funding index, and the change of NAV
splits exactly, with ``b``/``a`` before/after and x, u the base asset and USDC::

    lp delta               (idle + lp + fees)_x,b · ΔP_x
    collateral revaluation (all USDC, perp margin and PnL included)_b · ΔP_u + Σ q_c,b · ΔP_c
    lp convexity           Δlp_x · P_x,a + Δlp_u · P_u,a   = ΔV − lp_x,b · ΔP_x − lp_u,b · ΔP_u
    lp fees                Δfees_x · P_x,a + Δfees_u · P_u,a; of a StableSwap, in which they stay,
                           V_a · (1 − d_b/d_a), d its invariant for a share, less in the convexity
    hedge on target        −D · Σ β_m · ΔI_m / I_m,b,  D = (idle + lp + fees)_x,b · P_x,b
    hedge off target       Σ s_m · ΔI_m · P_u,a − Σ d · ΔP_d − hedge on target
    funding                −Σ s · ΔF · P_u,a            (and interest on Aave, see readings.py)
    loss sharing           −Σ |s| · Δℓ · P_u,a          (losses of others, socialised)

β are the betas posted when the prices moved, d debts on Aave. LP delta and hedge on target together
are D · (r_x − Σ β_m r_m): the *basis*, how far the assets came apart; of one asset hedged with
itself at β = 1 it is nothing. Off target is what the hedge gained and lost by being another than D
and β ask for: refused, inside its band, behind the position's gamma, or paid in a USDC off its
dollar.

Across the vault's own operations (and liquidations of its accounts) prices stand still: the change
of the value of the holdings is deposits and redemptions (flows, no PnL), keeper rewards, penalty,
debt written off (absorbed by others), fees, spread and premium of what was traded (costs.py), and
the rest is the pools' price impact: what they gave beside the oracle's price, fees apart, and what
the position is worth more or less for being minted and burnt at the pool's price (NAV counts it at
the oracle's). An exit in kind is a flow of its part of NAV. Where the liquidation of another
account closes positions of the vault against it (auto-deleveraging), or the vault's own account is
closed bankrupt, that rest is loss sharing. Management and performance fees are new shares: they
move no dollar of NAV. Nor do entry and exit fees: they are in the flows, and the gain of those who
stay (entries.py).

The sum is checked against the NAV the world itself reports (floored at zero, as on chain), which is
never used to split anything.
"""

from __future__ import annotations

import numpy as np

from simulator.books import costs
from simulator.books.buckets import BUCKETS
from simulator.books.operations import (
    DEPOSIT,
    KEEPER_FUNCTIONS,
    LIQUIDATE,
    LIQUIDATE_LOAN,
    LIQUIDATE_PLEDGE,
    LIQUIDATIONS,
    REDEEM,
    REDEEM_IN_KIND,
    SETTLE_WITHDRAWALS,
    TRADE,
    on_vault,
)
from simulator.books.readings import (
    LOANS,
    READING,
    base_of,
    begin,
    move_on,
    read,
    usdc_of,
    value,
)
from simulator.model.kernel.codes import OK
from simulator.model.kernel.jit import copy_record, inner
from simulator.model.kernel.record import Layout, Member, Path, Record, each
from simulator.model.vault.valuation import Valuation, value_now
from simulator.model.venues.perps.margin import standing
from simulator.model.venues.perps.portfolio import USDC_ASSET

LP_DELTA, LP_CONVEXITY = BUCKETS.index("lp_delta"), BUCKETS.index("lp_convexity")
LP_FEES, FUNDING = BUCKETS.index("lp_fees"), BUCKETS.index("funding")
HEDGE_TARGET, HEDGE_DRIFT = BUCKETS.index("hedge_target"), BUCKETS.index("hedge_drift")
POOL_IMPACT = BUCKETS.index("pool_impact")
REVALUATION = BUCKETS.index("collateral_revaluation")
LOSS_SHARING, REWARDS = BUCKETS.index("loss_sharing"), BUCKETS.index("rewards")
PENALTY, WRITTEN_OFF = BUCKETS.index("liquidation_penalty"), BUCKETS.index("written_off")

#: What is compared before and after a liquidation, an exit in kind or what meets the insolvent.
STANDING: Layout = (
    *each(
        "",
        ("nav", "USD", "where the action was asked for"),
        ("bad_debt", "USDC", "of all accounts"),
        ("value", "USD", "of the account that is liquidated"),
        ("taken", "1", "whether it was looked at for this action"),
    ),
    *each("subs markets", ("size", "base units", "of the vault's accounts")),
)
LAYOUT: Layout = (
    Member("buckets", "f8", (len(BUCKETS),), "USD", "cumulative; place k: BUCKETS[k]"),
    *each(
        "",
        ("flows", "USD", "deposited minus redeemed, cumulative"),
        ("residual", "USD", "largest |NAV − first NAV − flows − Σ buckets| after any step"),
        ("largest_nav", "USD", "largest |NAV| at the end of any step"),
        ("deleveraged", "USD", "notional of the vault closed against the insolvent, cumulative"),
        ("first_nav", "USD", "before anybody acted"),
        ("explicit", "USD", "of the open run of operations, already in a bucket"),
    ),
    Member("operating", "?", what="since the first of a run of vault operations, until it is told"),
    Member("last", READING, what="with which the path was last settled"),
    Member("next", READING, what="room for the one after"),
    Member("loans", LOANS),
    Member("before", STANDING),
    *each("assets", ("price", "USD", "of the step before")),
)


@inner
def advanced(w: Path) -> None:
    """Tell what a hedge on target gained as prices moved; take the very first reading."""
    book, price = w.book.attribution, w.now.price
    if w.now.step == 0.0:
        begin(w, book.loans)
        valuation = value_now(w)
        read(w, valuation, book.last, book.loans)
        book.first_nav = max(valuation.nav, 0.0)
    else:
        _follow_target(w)
        move_on(w, book.last, book.loans)
    for asset in range(w.tables.count.assets):
        book.price[asset] = price[asset]


@inner
def _follow_target(w: Path) -> None:
    """Move from off target to on target what a hedge of the posted betas gained.

    A market of β dollars short per dollar of the base asset gains −β times its return on them.
    """
    book, asset = w.book.attribution, w.tables.clearing.asset
    moved = 0.0
    for m in range(w.tables.count.markets):
        before = book.price[asset[m]]
        moved += w.state.vault.betas[m] * (w.now.price[asset[m]] - before) / before
    gained = -base_of(book.last) * book.last.base_price * moved
    book.buckets[HEDGE_TARGET] += gained
    book.buckets[HEDGE_DRIFT] -= gained


@inner
def acting(w: Path) -> None:
    """Open or close a run of vault operations."""
    book, kind, own = w.book.attribution, w.order.kind, on_vault(w)
    if own:
        costs.note(w)
    if kind == DEPOSIT:
        return  # it moves idle USDC and nothing else, which no gap counts
    told = kind in LIQUIDATIONS or kind in (LIQUIDATE_LOAN, REDEEM_IN_KIND) or _meets(w, own)
    book.before.taken = 1.0 if told else 0.0
    # What these do is told from the reading before, so it must be of this moment.
    if told or book.operating != own:
        _settle(w, value_now(w))
        book.operating = own
    if told:
        _stand(w)


@inner
def _meets(w: Path, own: bool) -> bool:
    """Whether the order may close positions of the vault against those of insolvent accounts.

    Its own hedges against anybody's, or somebody's position against one of the vault's.
    """
    if not own and w.order.kind != TRADE:
        return False
    accounts = w.tables.count.accounts if own else 1 + w.tables.count.markets
    found = False
    for account in range(accounts):
        found = found or standing(w, account).value < 0.0
    return found


@inner
def _stand(w: Path) -> None:
    before, order, markets = w.book.attribution.before, w.order, w.tables.count.markets
    before.nav = value(w, w.book.attribution.last)
    before.bad_debt = w.state.clearing.bad_debt
    before.value = standing(w, order.account).value if order.kind == LIQUIDATE else 0.0
    for account in range(1 + markets):
        for m in range(markets):
            before.size[account, m] = w.state.clearing.size[account, m]


@inner
def acted(w: Path) -> None:
    """Book what a vault operation moved for a named reason."""
    order, book, price = w.order, w.book.attribution, w.now.price[USDC_ASSET]
    kind = order.kind
    if order.status != OK:
        return
    if not on_vault(w):
        if kind in (LIQUIDATE, TRADE) and book.before.taken != 0.0 and _taken(w):
            _end_run(w, value_now(w), LOSS_SHARING)
        return
    closed = 0.0
    # A bankrupt's close is shared among others as a whole.
    if kind != LIQUIDATE or book.before.value >= 0.0:
        closed = costs.book(w, book.before.taken != 0.0)
        book.deleveraged += closed
    if kind in KEEPER_FUNCTIONS:
        costs.pay(w, REWARDS, order.amount_out * price)
    elif kind == DEPOSIT:
        _flow(w, order.amount_in * price)
    elif kind in (REDEEM, SETTLE_WITHDRAWALS):
        _flow(w, -order.amount_out * price)
    elif kind == REDEEM_IN_KIND:
        _flow(w, -order.amount_out * book.before.nav)
    else:
        _liquidated(w)
    if closed > 0.0:  # what a pool's price cost in the same operation is not told apart
        _end_run(w, value_now(w), LOSS_SHARING)


@inner
def _liquidated(w: Path) -> None:
    """Book the liquidation of one of the vault's own accounts."""
    order, book, price = w.order, w.book.attribution, w.now.price[USDC_ASSET]
    if order.kind == LIQUIDATE:
        costs.pay(w, PENALTY, order.amount_out * price)
    elif order.kind == LIQUIDATE_PLEDGE:
        rate = w.tables.clearing.liquidation_penalty
        costs.pay(w, PENALTY, order.amount_in * price * rate / (1.0 - rate))
    elif order.kind == LIQUIDATE_LOAN:
        repaid = order.amount_in * w.now.price[w.tables.aave.asset[order.leg + 1]]
        costs.pay(w, PENALTY, order.amount_out * price - repaid)
    costs.pay(w, WRITTEN_OFF, (book.before.bad_debt - w.state.clearing.bad_debt) * price)
    if order.kind == LIQUIDATE and book.before.value < 0.0:
        _end_run(w, value_now(w), LOSS_SHARING)


@inner
def _taken(w: Path) -> bool:
    """Whether another's liquidation or trade closed positions of the vault; counts a winner's."""
    book, markets, taken = w.book.attribution, w.tables.count.markets, False
    notional = 0.0
    for account in range(1 + markets):
        for m in range(markets):
            change = abs(w.state.clearing.size[account, m] - book.before.size[account, m])
            taken = taken or change > 0.0
            notional += change * w.now.price[w.tables.clearing.asset[m]]
    if w.order.kind != TRADE:  # whom a trade closes is insolvent, as whoever is liquidated
        book.deleveraged += notional
    return taken


@inner
def _flow(w: Path, usd: float) -> None:
    book = w.book.attribution
    book.flows += usd
    if book.operating:
        book.explicit += usd


@inner
def stepped(w: Path, valuation: Valuation) -> None:
    """Explain the step and see what is left over."""
    book = w.book.attribution
    _settle(w, valuation)
    explained = book.first_nav + book.flows
    for k in range(book.buckets.size):
        explained += book.buckets[k]
    book.largest_nav = max(book.largest_nav, abs(explained))
    left = abs(_floored(explained) - _floored(valuation.nav))
    if not (left <= book.residual or np.isnan(book.residual)):  # NaN must not pass, and stays
        book.residual = left


@inner
def _floored(nav: float) -> float:
    """At zero, as on chain; NaN stays."""
    return 0.0 if nav < 0.0 else nav


@inner
def _settle(w: Path, valuation: Valuation) -> None:
    """Explain what changed since the path was last settled.

    Where the vault was operating, what is not explicit is what the pools' prices cost, and the run
    of operations ends; elsewhere the change is a gap.
    """
    book = w.book.attribution
    if book.operating:
        _end_run(w, valuation, POOL_IMPACT)
    else:
        read(w, valuation, book.next, book.loans)
        explain_gap(w, book.last, book.next)
        copy_record(book.last, book.next)


@inner
def _end_run(w: Path, valuation: Valuation, bucket: int) -> None:
    """Put what is not explicit since the last reading into one bucket."""
    book = w.book.attribution
    read(w, valuation, book.next, book.loans)
    book.buckets[bucket] += value(w, book.next) - value(w, book.last) - book.explicit
    book.explicit = 0.0
    book.operating = False
    copy_record(book.last, book.next)


@inner
def explain_gap(w: Path, before: Record, after: Record) -> None:
    """All that prices do to the hedge counts as off target until :func:`_follow_target`."""
    buckets, usdc, base = w.book.attribution.buckets, after.usdc_price, after.base_price
    buckets[LP_DELTA] += base_of(before) * (base - before.base_price)
    gained = (after.lp_base - before.lp_base) * base
    buckets[LP_CONVEXITY] += gained + (after.lp_usdc - before.lp_usdc) * usdc
    fees = (after.fees_base - before.fees_base) * base
    buckets[LP_FEES] += fees + (after.fees_usdc - before.fees_usdc) * usdc
    # Of fees that stay in the position, what it is worth more by them at these prices.
    stayed = (after.lp_base * base + after.lp_usdc * usdc) * (1.0 - before.unit / after.unit)
    buckets[LP_CONVEXITY] -= stayed
    buckets[LP_FEES] += stayed
    buckets[HEDGE_DRIFT] += (after.marked - before.marked) * usdc
    buckets[HEDGE_DRIFT] += after.borrowed - before.borrowed
    buckets[FUNDING] -= (after.owed - before.owed) * usdc
    buckets[LOSS_SHARING] -= (after.lost - before.lost) * usdc
    revaluation = usdc_of(before) * (usdc - before.usdc_price)
    for c in range(1, w.tables.count.collaterals):
        revaluation += before.held[c] * (after.price[c] - before.price[c])
    buckets[REVALUATION] += revaluation
