"""Every column of every frame a run leaves, with its unit and what it means: the one registry.

``<asset>``, ``<market>`` and ``<status>`` stand for each asset's symbol, each perp market's, each
refusal. ``hedgesim metrics`` prints those of ``paths`` that :mod:`~simulator.results.gates` knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.agents.upkeep import PROTECTED
from simulator.results.buckets import MEANINGS
from simulator.results.limits import POOL, REFUSES, UNITS
from simulator.results.statistics import PROBABILITIES, statistics_of
from simulator.results.tallies import limit_column
from simulator.results.upkeep_limits import kinds_at
from simulator.world.actions import COUNTED

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Column:
    """A column, or all columns of one pattern: name, unit, meaning."""

    name: str
    unit: str
    meaning: str


def _table(text: str) -> tuple[Column, ...]:
    rows = (line.split("|") for line in text.strip().splitlines())
    return tuple(Column(*(cell.strip() for cell in row)) for row in rows)


#: Terms of the attribution; all USD.
_TERMS = tuple(Column(name, "USD", meaning) for name, meaning in MEANINGS.items())


def _of_limits() -> tuple[Column, ...]:
    """Three columns of each limit: in the pool, and in each market."""
    return tuple(
        Column(limit_column(place, kind, what), unit, meaning)
        for place, kinds in ((POOL, kinds_at(POOL)), ("<market>", kinds_at("<market>")))
        for kind in kinds
        for what, unit, meaning in (
            ("refusals", "number", f"refusals of the vault {REFUSES[kind]}"),
            ("asked", UNITS[kind], "what was asked there where that was furthest beyond"),
            ("value", UNITS[kind], "what was allowed there"),
        )
    )


_LIMITS = _of_limits()

#: By keeper function, in the keeper's order.
_UNDONE = tuple(
    Column(f"{kind.spec.task}_{name}", unit, meaning.format(kind.spec.called))
    for kind in PROTECTED
    for name, unit, meaning in (
        ("undone", "number", "steps at whose end a {} was due"),
        ("unpaid", "number", "of these, steps at which the reward was no more than gas"),
        ("undone_hours", "hours", "longest spell a {} was due"),
        ("undone_from", "hours", "when that spell began"),
        ("undone_as", "number", "Status that refused a {} then; 0: nobody called"),
    )
)

PATHS = (
    *_table("""
path | number | number of the path, from 0
weight | ratio | likelihood ratio of importance sampling; 1 in plain Monte Carlo
return | fraction | return of a share since the first deposit, entry fee included
return_from_fees | fraction | part of the return that entry and exit fees of others gave who stayed
pnl | USD | profit and loss of the vault: the sum of all terms of the attribution
flows | USD | deposited less redeemed
final_nav | USD | net asset value of the vault at the end
max_drawdown | fraction | largest fall of the share price from a peak before it
min_margin_ratio | ratio | lowest equity over maintenance margin; liquidation at 1
capital_efficiency | ratio | USD hedged per USD of initial margin required, mean over time
margin_to_nav | fraction | initial margin over net asset value while hedged, mean over time
liquidated | true/false | whether any position, pledge or loan of the vault was liquidated
"""),
    *(Column(name, "number", kind.spec.counts) for kind, name in COUNTED.items()),
    *_table("""
bad_debt | USDC | loss that no account, maker or insurance covered
adl_notional | USD | notional of the vault closed by auto-deleveraging
vault_fees | USD | worth of the fee receiver's shares at the end
queued | shares | shares still waiting to be redeemed at the end
latency_profit | USD | what the latency arbitrageur gained by timing the oracle
fees_kept | USD | entry and exit fees that stayed in the vault; no part of pnl
turnover | USD | notional the vault traded on its hedge
gas | USD | gas of all agents, refused calls included
upkeep_gas | USD | gas of the calls that keep the vault: keeper functions and posted betas
hedge_effectiveness | fraction | part of the LP leg's variance the hedge removed (Ederington 1979)
realised_correlation | correlation | of the base asset's returns with those of the hedge as posted
posted_beta_<market> | USD/USD | hedge ratio posted, mean over time: USD short per USD of LP delta
realised_beta_<market> | USD/USD | hedge ratio that would have had the least variance
basis_pnl | USD | LP delta and hedge on target together: how far the assets came apart
hedge_price | USD | hedge on target and off target together
trading_cost | USD | perp fees, spread and premium, pool fees and impact together
price_impact | USD | perp premium and pool impact together
"""),
    *_TERMS,
    *_table("""
residual | USD | largest part of the change of NAV left unexplained; checked against 1e-9 of NAV
largest_nav | USD | largest net asset value at the end of any step
refused_<status> | number | actions of all agents refused for that reason
funded_time | fraction | part of the time with shares outstanding
invested_time | fraction | part of that time with a position
idle_share | fraction | part of net asset value left idle, mean over that time
out_of_range | fraction | part of the time with a position that the price was outside its range
position_opened | hours | when the first position was opened
hedge_opened | hours | when the first hedge was opened
hedge_demanded | fraction | part of the funded time that a hedge was asked for
hedge_off_target | fraction | part of that time that the hedge was off by more than its band
hedge_held | fraction | part of the dollars of hedge asked for, summed over time, that was held
keeper_calls | number | calls of keeper functions, refused ones included
keepers_penniless | number | steps with a keeper function due and no idle USDC to pay for it
reward_needed | USD | what keepers would have acted for where they were not paid, mean
reward_needed_most | USD | the same, largest
reward_share_needed | fraction | the same per USD protected, mean
"""),
    *_UNDONE,
    *_table("""
pool_limit | number | limit that refused the vault most often in the pool (results/limits.py)
pool_limit_refusals | number | refusals of all limits there
pool_limit_asked | of limit | what was asked of that limit where it was furthest from what it allows
pool_limit_value | of limit | what it allows there
<market>_limit | number | limit that refused the vault most often in that market (results/limits.py)
<market>_limit_refusals | number | refusals of all limits there
<market>_limit_asked | of limit | what was asked of that limit where it was furthest from its value
<market>_limit_value | of limit | what it allows there
upkeep_refused_<status> | number | actions of those who run the vault refused for that reason
"""),
    *_LIMITS,
)

SERIES = (
    *_table("""
path | number | number of the path, from 0
step | number | step, from 0
hours | hours | time since the start
index_<asset> | USD | index price of a whole token
oracle_<asset> | USD | price the contracts read, of a whole token
pool_price | USDC | price of the base asset in the pool, of a whole token
nav | USD | net asset value of the vault
shares | shares | shares of the vault there are
share_price | ratio | price of a share over that of the first deposit
lp_value | USD | worth of the position, uncollected fees included
idle_value | USD | worth of what lies idle in the vault
margin_value | USD | worth of the vault's margin accounts
margin_ratio | ratio | equity over maintenance margin of its thinnest account
size_<market> | tokens | position of the vault, whole tokens; short is negative
beta_<market> | USD/USD | hedge ratio in force: USD short per USD of LP delta
delta_<asset> | USD | what the vault gains when that price moves by 100 %
net_delta | USD | what it gains when all prices but USDC's move by 100 % together
gamma | USD | second derivative of the position's worth by the base asset's log price
cross_gamma | USD | the same by the base asset's and USDC's
"""),
    *_TERMS,
    *_table("""
flows | USD | deposited less redeemed
rolling_correlation | correlation | of the base asset with the hedge over the last hours
"""),
)

EVENTS = _table("""
path | number | number of the path, from 0
step | number | step, from 0
hours | hours | time since the start
agent | name | who asked
action | name | what was asked
account | number | margin account; -1: none
market | number | perp market, in the order of the configuration; -1: none
status | name | OK, or why it was refused
amount_in | tokens | what was given, whole tokens (meaning by action: world/actions.py)
amount_out | tokens | what was received, whole tokens
""")

FAN = _table("""
quantity | name | share_price, margin_ratio, lp_pnl, hedge_pnl or rolling_correlation
step | number | step, from 0
hours | hours | time since the start
mean | of quantity | mean over all paths
p1 | of quantity | 1 % quantile over all paths
p5 | of quantity | 5 % quantile
p25 | of quantity | 25 % quantile
p50 | of quantity | median
p75 | of quantity | 75 % quantile
p95 | of quantity | 95 % quantile
p99 | of quantity | 99 % quantile
""")

#: By frame; the worst path's are as those of all recorded ones.
FRAMES: dict[str, tuple[Column, ...]] = {
    "paths": PATHS,
    "series": SERIES,
    "events": EVENTS,
    "fan": FAN,
    "attribution": _TERMS,
    "worst_series": SERIES,
    "worst_events": EVENTS,
}

_OF_PROBABILITY = {
    "liquidation": "part of the paths on which the vault was liquidated",
    "loss": "part of the paths on which a share lost money",
    "bad_debt": "part of the paths that left bad debt",
}


def expanded(
    columns: Iterable[Column],
    assets: Iterable[str],
    markets: Iterable[str],
    statuses: Iterable[str],
) -> list[str]:
    """Names of ``columns`` with each pattern written out, in no particular order."""
    of = {"<asset>": list(assets), "<market>": list(markets), "<status>": list(statuses)}
    names = []
    for column in columns:
        (pattern,) = [mark for mark in of if mark in column.name] or [""]
        values = of[pattern] if pattern else [""]
        names += [
            column.name.replace(pattern, value) if pattern else column.name for value in values
        ]
    return names


@dataclass(frozen=True)
class Metric(Column):
    """A metric that a requirement may name, with its statistics, the default first."""

    statistics: tuple[str, ...]


def metrics() -> list[Metric]:
    """All that ``--require`` may name: probabilities, then per-path metrics in their order."""
    known = statistics_of(column.name for column in PATHS)
    found = [
        Metric(
            f"{name}_probability", "fraction", _OF_PROBABILITY[name], ("estimate", "low", "high")
        )
        for name in PROBABILITIES
    ]
    return found + [
        Metric(column.name, column.unit, column.meaning, known[column.name])
        for column in PATHS
        if column.name in known
    ]
