"""The protocol's numbers as kernels read them: one record, made from the declared parameters.

What :mod:`simulator.world.protocol` declares is in it by its own name: fractions and USD as they
are, amounts that contracts compare with token balances in raw units (:data:`_RAW_USDC`, caps).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, get_type_hints

import numpy as np

from simulator.model.crowd import MEMBER
from simulator.model.kernel.record import (
    Counts,
    Layout,
    Member,
    View,
    counts_of,
    dtype_of,
    each,
    fill,
)
from simulator.model.pools.stableswap import records
from simulator.model.pools.stableswap.records import TABLE_LAYOUT as STABLE_TABLE
from simulator.model.pools.uniswap_v3.tick import sqrt_ratio_at_tick
from simulator.model.venues.margin_accounts import AAVE, PERPS
from simulator.protocol.borrowers import PERCENT, ListingTerms
from simulator.protocol.impact import ImpactTerms
from simulator.protocol.oracle import FeedParameters
from simulator.protocol.pool import PoolTerms
from simulator.protocol.terms import Scale, terms_of
from simulator.types import USDC_DECIMALS
from simulator.world.actions import ACTIONS
from simulator.world.crowd import members_of
from simulator.world.gas import GAS_UNITS
from simulator.world.parties import parties, venues
from simulator.world.protocol import (
    AGENT_KINDS,
    STABLE_FEE_ONE,
    AaveParameters,
    ClearingParameters,
    MarketParameters,
    ReserveParameters,
    VaultParameters,
)

if TYPE_CHECKING:
    from simulator.world.protocol import PoolParameters, Protocol

#: Built-in agents by code.
AGENT_CODE = {kind: code for code, kind in enumerate(AGENT_KINDS, start=1)}

_KIND = {float: "f8", int: "f8", bool: "?"}
_RAW_USDC = [name for name, t in terms_of(VaultParameters).items() if t.scale is Scale.USDC]


def _numbers(declared: type, axes: str = "", but: tuple[str, ...] = ()) -> Layout:
    """The numbers that a dataclass declares."""
    terms, kinds = terms_of(declared), get_type_hints(declared)
    found = [f.name for f in fields(declared) if kinds[f.name] in _KIND and f.name not in but]
    said = {name: (terms[name].unit, terms[name].sentence) for name in found if name in terms}
    return tuple(
        Member(name, _KIND[kinds[name]], tuple(axes.split()), *said.get(name, ())) for name in found
    )


def _whole(axes: str, *names: str) -> Layout:
    return tuple(Member(name, "i8", tuple(axes.split())) for name in names)


POOL_TABLE: Layout = (
    *_numbers(PoolTerms),
    Member("opening_sqrt_price", unit="raw"),
    *_whole("", "tick_count", "range_count"),
    *each("ticks", ("ticks", "1", "initialised background ticks, ascending")),
    *each("ticks", ("sqrt_prices", "raw", "√P there, as TickMath rounds it")),
    *_whole("ranges", "lower", "upper"),  # of each background range, index into ticks
    *each("ranges", ("liquidity", "raw L", "at depth factor 1")),
)
CLEARING_TABLE: Layout = (
    *_whole("markets", "asset", "market_row"),
    *_numbers(MarketParameters, "markets", ("asset",)),  # half_spread: as charged
    *_whole("collaterals", "collateral_asset", "collateral_row"),
    *each("collaterals", ("haircut", "1", ""), ("cap", "raw", ""), ("unit", "raw", "per token")),
    *_numbers(ClearingParameters),
    Member("pledged", "?", what="whether the vault's position backs account 0"),
    *_whole("", "base_collateral", "base_row"),  # -1: the base asset is not listed
    *each("", ("base_unit", "raw", "per base token"), ("usdc_unit", "raw", "per USDC")),
)
VAULT_TABLE: Layout = (
    *_whole("", "sub_count"),
    # Of each margin account the vault uses, its venue and which of that venue's accounts it is.
    *_whole("subs", "venue", "account"),
    *_whole("markets", "sub_of", "short_only"),  # where each hedge is held; 1: it cannot be long
    *_numbers(VaultParameters),
    *each("", ("base_unit", "raw", "per base token"), ("usdc_unit", "raw", "per USDC")),
)
AAVE_TABLE: Layout = (
    *_whole("markets", "leg_of"),  # leg that hedges instead of a market; -1: none
    *_whole("reserves", "asset"),
    *each("reserves", ("unit", "raw", "per whole token")),
    *_numbers(ReserveParameters, "reserves", ("asset", "supplied", "borrowed")),
    *_numbers(AaveParameters),
    Member("pools", POOL_TABLE, ("legs",)),
)
LENDING_TABLE: Layout = (
    *_whole("listings", "asset"),
    *each("listings", ("unit", "raw", "per whole token")),
    *_numbers(
        ListingTerms, "listings",
        ("asset", "supplied", "borrowed", "ltv", "liquidation_threshold", "liquidation_bonus",
         "supply_cap", "borrow_cap"),
    ),
    # Its own terms, or those of its eMode category.
    *each(
        "borrowers listings",
        ("threshold", "1e-4", "debt that is liquidated, of what the listing is worth"),
        ("bonus", "1e-4", "what is seized for the debt repaid"),
    ),
)  # fmt: skip
ORACLE_TABLE: Layout = (
    *_numbers(FeedParameters, "assets"),
    *each("assets", ("unit", "raw", "per token")),
)
OUTSIDE_TABLE: Layout = (
    Member("on", "?", what="whether flows move any price"),
    Member("feedback", "?", what="whether those of liquidations do"),
    *_whole("", "native", "trader_count"),
    *_whole("agents", "trader"),  # those who trade there what they take here
    *_numbers(ImpactTerms),
    *each(
        "assets",
        ("depth", "tokens", "that move the index by 1 %; 0: nothing does"),
        ("heartbeat", "seconds", "of its feed; 0: its rounds are as drawn"),
    ),
    *_whole("assets", "lag"),
    # Crowds: whose price they go by and whether as the oracle has it, which side, and where their
    # members lie in memory.
    *_whole("crowds", "crowd_asset", "crowd_at_oracle", "crowd_side"),
    *_whole("crowds", "crowd_count", "crowd_members"),
    *each("crowds", ("crowd_price", "USD", "of their asset at the start")),
)
FORCED_TABLE: Layout = (
    # Whose an account is, and a kind of liquidation that names none (-1: it does); who a crowd is.
    *_whole("accounts", "of_account"),
    *_whole("kinds", "of_kind", "worth"),  # and what of its fill a liquidation is worth
    *_whole("borrowers", "of_borrower"),
    *_whole("crowds", "of_crowd"),
    *_whole("parties", "venue"),  # where each is
)
TABLES: Layout = (
    Member("count", _whole("", *Counts.__dataclass_fields__)),
    Member("oracle", ORACLE_TABLE),
    # Its margin account, -1: none; and which of the built-in agents it is, 0: none.
    # And how many positions it may hold in the pool, the first of them among all.
    Member("agent", _whole("agents", "account", "kind", "first_position", "positions")),
    Member("provider", _whole("providers", "agent")),
    Member("gas", "f8", ("kinds",), "gas", "each kind of action costs who sends it"),
    Member("door", _whole("", "submit")),  # where the compiled door for actions lies, in a run
    Member("pool", POOL_TABLE),
    Member("stable", STABLE_TABLE),
    Member("clearing", CLEARING_TABLE),
    Member("vault", VAULT_TABLE),
    Member("aave", AAVE_TABLE),
    Member("lending", LENDING_TABLE),
    Member("outside", OUTSIDE_TABLE),
    Member("forced", FORCED_TABLE),
)


@dataclass(frozen=True, eq=False)
class Tables:
    """Every parameter: ``record`` ``[1]`` for kernels, ``view`` cut to the counts for Python.

    ``members``: of each crowd, which the record has the addresses of.
    """

    record: Any
    view: View
    counts: Counts
    members: tuple[Any, ...]


def _taken(source: Any, layout: Layout) -> dict[str, Any]:
    """What an object of the protocol declares of a layout."""
    return {m.name: getattr(source, m.name) for m in layout if hasattr(source, m.name)}


def _stacked(sources: tuple[Any, ...], layout: Layout) -> dict[str, Any]:
    """The same of several, each along the axis."""
    names = [m.name for m in layout if all(hasattr(source, m.name) for source in sources)]
    return {name: [getattr(source, name) for source in sources] for name in names}


def pool_values(parameters: PoolParameters) -> dict[str, Any]:
    """Constants of a pool; every end of a background range is an initialised tick."""
    ticks = parameters.initialised_ticks
    place = {tick: index for index, tick in enumerate(ticks)}
    return {
        **_taken(parameters, POOL_TABLE),
        "opening_sqrt_price": parameters.sqrt_price_x96 / 2**96,
        "tick_count": len(ticks),
        "range_count": len(parameters.background),
        "ticks": ticks,
        "sqrt_prices": [sqrt_ratio_at_tick(tick) / 2**96 for tick in ticks],
        "lower": [place[r.tick_lower] for r in parameters.background],
        "upper": [place[r.tick_upper] for r in parameters.background],
        "liquidity": [float(r.liquidity) for r in parameters.background],
    }


def stable_values(protocol: Protocol) -> dict[str, Any]:
    """Constants of the StableSwap that is the pool, as the record of one takes them."""
    terms = protocol.stable
    assert terms is not None
    return {
        "decimals": (protocol.assets[1].decimals, USDC_DECIMALS),
        "amplification": terms.amplification,
        "fee": float(terms.fee_raw),
        "off_peg": terms.off_peg_raw / STABLE_FEE_ONE,
        "opening": terms.opening,
    }


def _stable_table(protocol: Protocol) -> dict[str, Any]:
    """The same by name; where the pool is none zeros."""
    if protocol.stable is None:
        return {m.name: [] if m.axes else 0 for m in STABLE_TABLE}
    return records.values(**stable_values(protocol))


def _clearing_values(protocol: Protocol) -> dict[str, Any]:
    parameters = protocol.clearing
    collaterals = parameters.collaterals
    unit = np.array([_unit(protocol, c.asset) for c in collaterals])
    row = {asset: index for index, asset in enumerate(protocol.risk_assets)}
    listed = [c.asset for c in collaterals]
    return {
        **_taken(parameters, CLEARING_TABLE),
        **_stacked(parameters.markets, CLEARING_TABLE),
        **_stacked(collaterals, CLEARING_TABLE),
        "asset": [m.asset for m in parameters.markets],
        "market_row": [row[m.asset] for m in parameters.markets],
        "half_spread": [protocol.half_spread(m) for m in range(protocol.markets)],
        "collateral_asset": listed,
        "collateral_row": [row[c.asset] for c in collaterals],
        "cap": np.floor(np.array([c.cap for c in collaterals]) * unit),
        "unit": unit,
        "pledged": protocol.vault.pledged,
        "base_collateral": listed.index(1) if 1 in listed else -1,
        "base_row": row.get(1, -1),
        "base_unit": _unit(protocol, 1),
        "usdc_unit": 10.0**USDC_DECIMALS,
    }


def _unit(protocol: Protocol, asset: int) -> float:
    return float(10.0 ** protocol.assets[asset].decimals)


def _margin_accounts(protocol: Protocol) -> tuple[list[tuple[int, int]], list[int]]:
    """(venue and account of each that the vault uses, which holds each hedge), SPEC §4.7."""
    vault, lent = protocol.vault, protocol.leg_of
    held = [
        (AAVE, 0) if market in lent else (PERPS, market + 1 if vault.isolated else 0)
        for market in range(protocol.markets)
    ]
    used = {*held, *([(PERPS, 0)] if vault.pledged or not protocol.markets else [])}
    accounts = sorted(used)
    return accounts, [accounts.index(account) for account in held]


def _vault_values(protocol: Protocol) -> dict[str, Any]:
    accounts, sub_of = _margin_accounts(protocol)
    values = {
        **_taken(protocol.vault, VAULT_TABLE),
        "sub_count": len(accounts),
        "venue": [venue for venue, _ in accounts],
        "account": [account for _, account in accounts],
        "sub_of": sub_of,
        "short_only": [int(accounts[sub][0] == AAVE) for sub in sub_of],
        "base_unit": _unit(protocol, 1),
        "usdc_unit": 10.0**USDC_DECIMALS,
    }
    for name in _RAW_USDC:
        values[name] = np.floor(values[name] * values["usdc_unit"])
    return values


def _aave_values(protocol: Protocol) -> dict[str, Any]:
    """Constants of Aave and of its legs' pools; without Aave zeros."""
    aave = protocol.aave
    leg_of = [protocol.leg_of.get(market, -1) for market in range(protocol.markets)]
    values: dict[str, Any] = {m.name: [] if m.axes else 0.0 for m in AAVE_TABLE}
    values["leg_of"] = leg_of
    if aave is None:
        return values
    reserves = (aave.usdc, *(leg.reserve for leg in aave.legs))
    return {
        **values,
        **_taken(aave, _numbers(AaveParameters)),
        **_stacked(reserves, AAVE_TABLE),
        "unit": [_unit(protocol, reserve.asset) for reserve in reserves],
        "pools": [pool_values(leg.pool) for leg in aave.legs],
    }


def _lending_values(protocol: Protocol) -> dict[str, Any]:
    """Constants of the lending market; where nobody borrows zeros."""
    lending = protocol.lending
    if lending is None:
        return {m.name: [] for m in LENDING_TABLE}
    terms = [
        [lending.terms(borrower, listing) for listing in range(len(lending.listings))]
        for borrower in range(len(lending.borrowers))
    ]
    return {
        **_stacked(lending.listings, LENDING_TABLE),
        "unit": [_unit(protocol, listing.asset) for listing in lending.listings],
        "threshold": [[round(one.liquidation_threshold * PERCENT) for one in row] for row in terms],
        "bonus": [[round((1.0 + one.liquidation_bonus) * PERCENT) for one in row] for row in terms],
    }


def _members(protocol: Protocol) -> tuple[Any, ...]:
    """Forced orders of each crowd, the first to come first, at the prices of the start."""
    found = []
    for crowd in protocol.impact.crowds if protocol.impact is not None else ():
        price = protocol.assets[crowd.asset].price
        members = members_of(crowd)
        made = np.zeros(len(members.trigger), MEMBER)
        made["trigger"], made["bankrupt"] = members.trigger * price, members.bankrupt * price
        made["amount"] = members.size / price
        found.append(made)
    return tuple(found)


def _outside_values(protocol: Protocol, members: tuple[Any, ...]) -> dict[str, Any]:
    """Constants of the market outside; where nothing moves it zeros."""
    impact = protocol.impact
    if impact is None:
        return {m.name: [] if m.axes else 0 for m in OUTSIDE_TABLE}
    traders = [agent for agent, slot in enumerate(protocol.agents) if slot.trades_outside]
    return {
        **_taken(impact, OUTSIDE_TABLE),
        "on": True,
        "depth": [d / a.price for d, a in zip(impact.depth, protocol.assets, strict=True)],
        "trader_count": len(traders),
        "trader": traders,
        "crowd_asset": [crowd.asset for crowd in impact.crowds],
        "crowd_side": [crowd.side for crowd in impact.crowds],
        "crowd_at_oracle": [int(crowd.at_oracle) for crowd in impact.crowds],
        "crowd_price": [protocol.assets[crowd.asset].price for crowd in impact.crowds],
        "crowd_count": [len(made) for made in members],
        "crowd_members": [made.ctypes.data for made in members],
    }


def _forced_values(protocol: Protocol) -> dict[str, Any]:
    """Who is who among those that can be forced to sell, by where the rows say they are found."""
    rows, places = parties(protocol), venues(protocol)
    account = {number: row for row, party in enumerate(rows) for number in party.accounts}
    kind = {one: row for row, party in enumerate(rows) for one in party.actions}
    borrower = {number: row for row, party in enumerate(rows) for number in party.borrowers}
    crowd = {party.crowd: row for row, party in enumerate(rows)}
    return {
        "of_account": [account.get(number, -1) for number in range(protocol.accounts)],
        "of_kind": [-1, *(kind.get(one, -1) for one in ACTIONS)],
        "worth": [0, *(int(one.spec.worth) for one in ACTIONS)],
        "of_borrower": [borrower[number] for number in sorted(borrower)],
        "of_crowd": [crowd[number] for number in range(sum(p.crowd >= 0 for p in rows))],
        "venue": [places.index(party.venue) for party in rows],
    }


def tables_of(protocol: Protocol) -> Tables:
    """Every parameter of a protocol, as kernels read it."""
    counts = counts_of(protocol)
    record = np.zeros(1, dtype_of(TABLES, counts.room()))
    members = _members(protocol)
    own = [protocol.account_of(j) if s.has_account else -1 for j, s in enumerate(protocol.agents)]
    values = {
        "count": _taken(counts, TABLES[0].kind),  # type: ignore[arg-type]
        "oracle": {
            **_stacked(protocol.feeds, ORACLE_TABLE),
            "unit": [_unit(protocol, asset) for asset in range(counts.assets)],
        },
        "agent": {
            "account": own,
            "kind": [AGENT_CODE.get(slot.kind, 0) for slot in protocol.agents],
            "first_position": [protocol.first_position(j) for j in range(counts.agents)],
            "positions": [slot.positions for slot in protocol.agents],
        },
        "provider": {"agent": list(protocol.providers)},
        "gas": [0.0, *(GAS_UNITS[kind] for kind in ACTIONS)],
        "door": {"submit": 0},
        "pool": pool_values(protocol.pool),
        "stable": _stable_table(protocol),
        "clearing": _clearing_values(protocol),
        "vault": _vault_values(protocol),
        "aave": _aave_values(protocol),
        "lending": _lending_values(protocol),
        "outside": _outside_values(protocol, members),
        "forced": _forced_values(protocol),
    }
    only = record.reshape(())
    fill(only, TABLES, values)
    return Tables(record, View(only, TABLES, counts), counts, members)
