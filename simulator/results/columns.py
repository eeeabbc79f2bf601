"""Every column of every frame a run leaves, with its unit and what it means: the one registry.

``<asset>``, ``<market>`` and ``<status>`` stand for each asset's symbol, each perp market's, each
refusal; ``<party>``, ``<venue>`` and ``<flow>`` for who can be forced to sell
(:mod:`simulator.world.parties`), where, and whether it was: nothing where nobody is leveraged but
the vault; ``<provider>`` for each agent that may provide liquidity. ``hedgesim metrics`` prints
those of ``paths`` that :mod:`~simulator.results.gates` knows; where these are declared:
:mod:`~simulator.results.registry`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.books.buckets import MEANINGS
from simulator.results.registry import CHANCES, METRICS
from simulator.results.statistics import OF_PROBABILITY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simulator.world.parties import Party


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


PATHS = tuple(Column(metric.name, metric.unit, metric.meaning) for metric in METRICS)

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
liquidated_<venue> | USD | liquidated there so far
impact_<flow> | log | move of the LP asset's log price by forced orders, by other flow
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
quantity | name | share_price, margin_ratio, lp_pnl, hedge_pnl, …; `strategy_<agent>`: who provides
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


def expanded(
    columns: Iterable[Column],
    assets: Iterable[str],
    markets: Iterable[str],
    statuses: Iterable[str],
    parties: Iterable[Party] = (),
    providers: Iterable[str] = (),
) -> list[str]:
    """Names of ``columns`` with each pattern written out, in no particular order."""
    rows = list(parties)
    of = {
        "<asset>": list(assets),
        "<market>": list(markets),
        "<status>": list(statuses),
        "<party>": [party.name for party in rows],
        "<venue>": list(dict.fromkeys(party.venue for party in rows)),
        "<flow>": ["forced", "other"] if rows else [],
        "<provider>": list(providers),
    }
    names = []
    for column in columns:
        (pattern,) = [mark for mark in of if mark in column.name] or [""]
        values = of[pattern] if pattern else [""]
        names += [
            column.name.replace(pattern, value) if pattern else column.name for value in values
        ]
    return names


@dataclass(frozen=True)
class Gated(Column):
    """A metric that a requirement may name, with its statistics, the default first."""

    statistics: tuple[str, ...]


def metrics() -> list[Gated]:
    """All that ``--require`` may name: probabilities, then per-path metrics in their order."""
    chances = [
        Gated(f"{name}_probability", "fraction", chance.meaning, OF_PROBABILITY)
        for name, (_, chance) in CHANCES.items()
    ]
    return chances + [
        Gated(metric.name, metric.unit, metric.meaning, metric.statistics)
        for metric in METRICS
        if metric.statistics
    ]
