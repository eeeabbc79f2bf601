"""What of a configuration does nothing, or is missing: said at load, and in reports.

A limit that does not fit is :mod:`simulator.config.feasibility`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from simulator.config import lending
from simulator.config.feasibility import first_hedge
from simulator.config.shocks import DepthCut

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.config.models import Config

_HOURS_PER_DAY = 24.0
#: A charge of so many times the spread that is written is about that.
_ABOUT = 1.01
#: Funding the first hedge may come to unremarked, fraction of the first deposit.
_A_LITTLE = 0.001


@dataclass(frozen=True)
class Remark:
    """``finding``: a name of :mod:`simulator.results.diagnosis`; ``effective``: what counts."""

    finding: str
    field: str
    value: float | None
    effective: float | None
    text: str


def remarks(config: Config) -> list[Remark]:
    """Remarks on a configuration, a sentence each."""
    found = (_spreads, _ratios, _left_open, _flow, _skew, _outside, _borrowers, _monitor)
    return [remark for find in found for remark in find(config)]


def _spreads(config: Config) -> Iterator[Remark]:
    """Spreads below what a market charges because its feed lags."""

    def terms(symbol: str) -> tuple[str, float, float]:
        feed = f"oracle.feeds.{symbol}" if symbol in config.oracle.feeds else "oracle"
        return feed, config.feed(symbol).deviation, config.half_spread(symbol)

    below = [
        symbol
        for symbol, market in config.clearing.markets.items()
        if symbol not in lending.lent(config)
        and config.half_spread(symbol) > _ABOUT * market.half_spread
    ]
    for (feed, deviation, charged), symbols in groupby(sorted(below, key=terms), terms):
        markets = {symbol: config.clearing.markets[symbol] for symbol in symbols}
        first, market = next(iter(markets.items()))
        written = ", ".join(
            f"clearing.markets.{symbol}.half_spread = {each.half_spread:g}"
            for symbol, each in markets.items()
        )
        text = (
            f"{written} {'has' if len(markets) == 1 else 'have'} no effect: {charged:.4f} is "
            f"charged, the least where a feed may lag by {feed}.deviation = {deviation:g}"
        )
        field = f"clearing.markets.{first}.half_spread"
        yield Remark("no_effect", field, market.half_spread, charged, text)


def _ratios(config: Config) -> Iterator[Remark]:
    """Hedge ratios that nobody posts."""
    if config.agents.risk_manager is not None:
        return
    for name in ("betas", "assumed_correlation"):
        if getattr(config.vault, name):
            text = (
                f"vault.{name} has no effect: nobody posts hedge ratios (agents.risk_manager is "
                "null; {estimator: fixed} posts these once)"
            )
            yield Remark("no_effect", f"vault.{name}", None, None, text)


def _left_open(config: Config) -> Iterator[Remark]:
    """Accounts below zero that nobody closes, so that their debt is not seen."""
    liquidator = config.agents.liquidator
    if liquidator is not None and liquidator.unpaid_gas_usd == 0.0:
        text = (
            "agents.liquidator.unpaid_gas_usd = 0: nobody closes accounts that cannot pay the "
            "penalty; what they owe is in no figure of bad debt"
        )
        yield Remark("left_open", "agents.liquidator.unpaid_gas_usd", 0.0, None, text)


def _flow(config: Config) -> Iterator[Remark]:
    """Flow that is drawn and that nobody acts on."""
    orders, deposits = config.flow.orders, config.flow.deposits
    volume = orders.swap_usd_per_hour + orders.trade_usd_per_hour
    for name, amount, agent in (
        ("orders", volume, "noise_trader"),
        ("deposits", deposits.flow_per_day, "depositor"),
    ):
        if amount > 0.0 and getattr(config.agents, agent) is None:
            text = f"flow.{name} has no effect: nobody acts on it (agents.{agent} is null)"
            yield Remark("no_effect", f"flow.{name}", None, None, text)


def _outside(config: Config) -> Iterator[Remark]:
    """Depth that leaves a market which nothing moves, or comes and goes there."""
    if config.depth.volatility > 0.0 and config.depth.venues == ("outside",) and not config.impact:
        text = (
            "depth.volatility has no effect: nothing moves prices outside (impact is null); "
            "depth.venues may name pool and perp"
        )
        yield Remark("no_effect", "depth.venues", None, None, text)
    for number, shock in enumerate(config.shocks):
        if isinstance(shock, DepthCut) and shock.venue == "outside" and config.impact is None:
            text = (
                f"shocks.{number} (depth_cut) of venue outside has no effect: nothing moves prices "
                "there (impact is null)"
            )
            yield Remark("no_effect", f"shocks.{number}.venue", None, None, text)


def _monitor(config: Config) -> Iterator[Remark]:
    """A monitor with nothing to answer an alarm with."""
    monitor, margin = config.agents.breakdown_monitor, config.clearing.margin
    if monitor is not None and monitor.beta_multiple is None and margin != "portfolio":
        text = (
            "agents.breakdown_monitor has no effect: betas are left alone (beta_multiple is null), "
            f"and with clearing.margin = {margin} there is no covariance to widen"
        )
        yield Remark("no_effect", "agents.breakdown_monitor", None, None, text)


def _borrowers(config: Config) -> Iterator[Remark]:
    """Borrowers whom nobody liquidates, and who waits for borrowers that are not there."""
    agent = config.agents.borrower_liquidator
    if config.lending is not None and agent is None:
        text = (
            "lending.borrowers: nobody liquidates them (agents.borrower_liquidator is null), so "
            "that whatever becomes of them changes nothing else"
        )
        yield Remark("left_open", "agents.borrower_liquidator", None, None, text)
    if config.lending is None and agent is not None:
        text = "agents.borrower_liquidator has no effect: nobody borrows (lending is null)"
        yield Remark("no_effect", "agents.borrower_liquidator", None, None, text)
    if agent is not None and agent.sells == "outside" and agent.sale_half_life_hours > 0.0:
        field, hours = "agents.borrower_liquidator.sale_half_life_hours", agent.sale_half_life_hours
        text = (
            f"{field} = {hours:g} has no effect: what is seized is sold outside, at once "
            "(agents.borrower_liquidator.sells = outside; pool sells over time)"
        )
        yield Remark("no_effect", field, hours, 0.0, text)


def _skew(config: Config) -> Iterator[Remark]:
    """Funding that grows because nobody takes the other side of the hedge.

    At a skew that stays the daily rate grows by v·skew/K a day (contracts/SPEC.md §3.2), so that T
    days cost v·skew/K·T²/2 of the notional.
    """
    agents = config.agents
    if agents.perp_arbitrageur is not None or agents.risk_manager is None:
        return
    if agents.depositor is None:
        return
    days, cost = config.horizon_hours / _HOURS_PER_DAY, 0.0
    for symbol, usd in first_hedge(config).items():
        market = config.clearing.markets[symbol]
        if symbol not in lending.lent(config):
            skew = min(usd / market.skew_scale_usd, 1.0)
            cost += 0.5 * market.max_funding_velocity * skew * days**2 * usd
    if cost > _A_LITTLE * agents.depositor.initial_deposit:
        text = (
            "agents.perp_arbitrageur is null: nobody takes the other side of the hedge for the "
            "funding it pays, which grows as long as the skew stays: by the end about "
            f"${cost:,.0f} on the first hedge alone, were its skew the only one"
        )
        yield Remark("lonely_hedge", "agents.perp_arbitrageur", None, None, text)
