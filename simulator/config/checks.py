"""Checks across sections of a configuration: a problem is a line with field, value and range."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from math import ceil, isclose, sqrt
from typing import TYPE_CHECKING

from simulator.config import (
    borrowing,
    cohort_checks,
    correlation,
    documented,
    fault_checks,
    importance,
    lending,
    outside,
    process_checks,
    replays,
    stable_checks,
    staked_checks,
)
from simulator.config.agents import BUILT_IN
from simulator.config.agents.actor import MarginTrader
from simulator.config.fields import MAX_STEPS
from simulator.config.shock import WindowShock
from simulator.config.shocks import Decoupling, Depeg
from simulator.protocol.pool import TICK_SPACING
from simulator.types import USDC, USDC_DECIMALS
from simulator.world.parties import TAKEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from simulator.config.fields import Fields
    from simulator.config.venues import Vault

# Assets whose risk the ClearingHouse nets (contracts/SPEC.md §3.1).
MAX_RISK_ASSETS = 8
# What posts may move a hedge ratio by at most (contracts/SPEC.md §4.7).
BETA_DRIFT_PER_HOUR = 0.5


def problems(config: Fields) -> Iterator[str]:
    """What is wrong with a configuration whose fields are each valid; names come first."""
    broken = list(_names(config))
    if broken:  # what follows looks assets up by name
        yield from broken
        return
    yield from _time(config)
    yield from replays.problems(config)
    yield from _oracle(config)
    yield from staked_checks.problems(config)
    yield from stable_checks.problems(config)
    yield from _pool(config)
    yield from _clearing(config)
    yield from _vault(config)
    yield from lending.problems(config)
    yield from borrowing.problems(config)
    yield from outside.problems(config)
    yield from cohort_checks.problems(config)
    yield from documented.problems(config.documented)
    yield from process_checks.problems(config)
    yield from _shocks(config)
    yield from fault_checks.problems(config)
    if _whole_steps(config):
        yield from _correlations(config)
    yield from importance.problems(config)


# ------------------------------------------------------------------------------------------ names


def _names(config: Fields) -> Iterator[str]:
    assets = list(config.assets)
    if USDC not in config.assets:
        yield f"assets = {_list(assets)}: {USDC} is required"
    elif config.assets[USDC].decimals != USDC_DECIMALS:
        yield f"assets.USDC.decimals = {config.assets[USDC].decimals}: must be {USDC_DECIMALS}"
    risky = [symbol for symbol in assets if symbol != USDC]
    # A staked asset has no law of its own: its price follows from another's.
    drawn = [symbol for symbol in assets if config.assets[symbol].staked is None]
    clearing, vault, agents = config.clearing, config.vault, config.agents
    yield from _known("pool.base", [config.pool.base], risky)
    yield from _known("clearing.markets", clearing.markets, risky)
    yield from _known("clearing.collaterals", clearing.collaterals, assets)
    if USDC not in clearing.collaterals:
        yield f"clearing.collaterals = {_list(clearing.collaterals)}: {USDC} is required"
    yield from _known("oracle.feeds", config.oracle.feeds, assets)
    yield from _known("history.symbols", config.history.symbols, assets)
    yield from _known("history.oracle", config.history.oracle, assets)
    if config.gas.native_asset is not None:
        yield from _known("gas.native_asset", [config.gas.native_asset], assets)
    if config.common_jumps is not None:
        yield from _known("common_jumps.loading", config.common_jumps.loading, drawn)
    yield from _known("vault.betas", vault.betas or {}, list(clearing.markets))
    yield from _lending_names(config, risky)
    yield from _known("population", config.population, assets)
    if config.impact is not None:
        yield from _known("impact.depth_usd", config.impact.depth_usd, assets)
    yield from staked_checks.unknown(config)
    yield from _pairs("correlation.pairs", config.correlation.pairs, drawn)
    yield from _process_names(config, drawn)
    yield from _pairs("vault.assumed_correlation", vault.assumed_correlation or {}, drawn)
    for name in BUILT_IN:
        agent = getattr(agents, name)
        if isinstance(agent, MarginTrader):
            yield from _known(f"agents.{name}.margin", agent.margin, list(clearing.collaterals))
            market = getattr(agent, "market", None)
            if market is not None:
                yield from _known(f"agents.{name}.market", [market], list(clearing.markets))
    yield from _custom(config)
    for number, shock in enumerate(config.shocks):
        named = getattr(shock, "assets", None) or [getattr(shock, "asset", USDC)]
        allowed = drawn if isinstance(shock, Decoupling) else assets
        yield from _known(f"shocks.{number} ({shock.kind})", named, allowed)


def _lending_names(config: Fields, risky: list[str]) -> Iterator[str]:
    if config.aave is not None:
        yield from _known("aave.assets", config.aave.assets, risky)
    agent = config.agents.leg_arbitrageur
    if agent is not None:
        yield from _known("agents.leg_arbitrageur.assets", agent.assets, risky)
    yield from borrowing.unknown(config)


def _custom(config: Fields) -> Iterator[str]:
    for name, agent in config.agents.custom.items():
        field = f"agents.custom.{name}"
        yield from _known(f"{field}.margin", agent.margin or {}, list(config.clearing.collaterals))
        if name in BUILT_IN:
            yield f"{field}: must be a name that is no built-in agent's"
        lending = config.lending
        if name in TAKEN or (lending and name.removeprefix("borrower_") in lending.borrowers):
            yield f"{field}: must be another name: columns of a cascade have it for somebody else"


def _process_names(config: Fields, assets: list[str]) -> Iterator[str]:
    for field, named in process_checks.named_assets(config):
        yield from _known(field, named, assets)
    for field, pairs in process_checks.named_pairs(config):
        yield from _pairs(field, pairs, assets)


def _known(field: str, names: Iterable[str], allowed: list[str]) -> Iterator[str]:
    for name in names:
        if name not in allowed:
            yield f"{field} = {name}: must be one of {_list(allowed)}"


def _pairs(field: str, pairs: dict[str, float], assets: list[str]) -> Iterator[str]:
    for pair, value in pairs.items():
        parts = pair.split("/")
        if len(parts) != 2 or parts[0] == parts[1] or any(part not in assets for part in parts):
            yield f'{field} = {pair}: must be "A/B" with A and B two of {_list(assets)}'
        if not -1 <= value <= 1:
            yield f"{field}.{pair} = {value}: must be from -1 to 1"
    spelled = Counter("/".join(sorted(pair.split("/"))) for pair in pairs)
    yield from (f"{field} = {pair}: is given twice" for pair, times in spelled.items() if times > 1)


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "(none)"


# ------------------------------------------------------------------------------------- single rules


def _whole_steps(config: Fields) -> bool:
    """Whether the horizon is a whole number of steps; hours may be a third or a sixth.

    Of one step nothing can be said: a correlation wants two returns.
    """
    minutes = config.horizon_hours * 60
    return config.steps >= 2 and isclose(minutes, config.steps * config.step_minutes)


def _time(config: Fields) -> Iterator[str]:
    if not _whole_steps(config):
        yield (
            f"horizon_hours = {config.horizon_hours}: must be a whole number of steps of "
            f"{config.step_minutes} minutes, two or more"
        )
    elif config.steps > MAX_STEPS:
        yield (
            f"step_minutes = {config.step_minutes}: makes {config.steps} steps, must make at most "
            f"{MAX_STEPS}"
        )


def _oracle(config: Fields) -> Iterator[str]:
    reporters = config.oracle.reporters
    if config.oracle.needed > reporters:
        yield f"oracle.quorum = {config.oracle.needed}: must be at most {reporters}, the reporters"
    if 2 * config.oracle.needed <= reporters:
        yield (
            f"oracle.quorum = {config.oracle.needed}: must be more than half of {reporters}, the "
            "reporters"
        )
    for number, shock in enumerate(config.shocks):
        if (affected := getattr(shock, "reporters", None)) is not None and affected > reporters:
            yield (
                f"shocks.{number} ({shock.kind}).reporters = {affected}: must be at most "
                f"{reporters}, oracle.reporters"
            )
    for symbol in (None, *config.oracle.feeds):
        feed = config.oracle if symbol is None else config.oracle.feeds[symbol]
        field = "oracle" if symbol is None else f"oracle.feeds.{symbol}"
        beat = feed.beat(config.step_minutes)
        if feed.max_age_minutes < beat:
            yield (
                f"{field}.max_age_minutes = {feed.max_age_minutes}: must be at least {beat}, the "
                "heartbeat rounded up to a step, or every feed goes stale between rounds"
            )


def _pool(config: Fields) -> Iterator[str]:
    pool, spacing = config.pool, config.tick_spacing
    if pool.stable is not None:
        return
    if spacing != TICK_SPACING[pool.fee_ppm]:
        yield (
            f"pool.tick_spacing = {spacing}: must be {TICK_SPACING[pool.fee_ppm]}, the spacing of "
            f"the {pool.fee_ppm} ppm tier"
        )
    for number, item in enumerate(pool.background):
        field = f"pool.background.{number}"
        if item.half_width_percent is not None and item.half_width_ticks is not None:
            yield f"{field}: half_width_percent and half_width_ticks are given, at most one allowed"
        yield from _aligned(f"{field}.half_width_ticks", item.half_width_ticks, spacing)
        if (item.lowest_price is None) != (item.highest_price is None):
            yield f"{field}: lowest_price and highest_price are given both or not at all"
        elif item.lowest_price is not None and item.highest_price is not None:
            price = config.assets[pool.base].price / config.assets[USDC].price
            if not item.lowest_price <= price <= item.highest_price:
                yield (
                    f"{field}.lowest_price, highest_price = {item.lowest_price:g}, "
                    f"{item.highest_price:g}: must have the initial price {price:g} between them"
                )


def _aligned(field: str, ticks: int | None, spacing: int) -> Iterator[str]:
    if ticks is not None and ticks % spacing != 0:
        yield f"{field} = {ticks}: must be a multiple of the tick spacing {spacing}"


def _clearing(config: Fields) -> Iterator[str]:
    clearing = config.clearing
    portfolio = clearing.margin == "portfolio"
    factors = "initial_multiple" + " and gross_floor" * portfolio
    for symbol, market in clearing.markets.items():
        initial = clearing.floor * clearing.initial_multiple * market.maintenance_rate
        cost = market.half_spread + clearing.liquidation_penalty
        if initial <= cost:
            yield (
                f"clearing.markets.{symbol}.maintenance_rate = {market.maintenance_rate}: times "
                f"{factors} is {initial:g}, must exceed half_spread + liquidation_penalty "
                f"= {cost:g}, or a liquidation cannot restore the margin"
            )
    usdc = clearing.collaterals[USDC].haircut if USDC in clearing.collaterals else 0.0
    if usdc >= 1:
        yield f"clearing.collaterals.USDC.haircut = {usdc:g}: must be below 1"
    least = 1 - (1 - clearing.liquidation_penalty) * (1 - usdc)
    for symbol, collateral in clearing.collaterals.items():
        if symbol != USDC and collateral.haircut < least - 1e-15:
            yield (
                f"clearing.collaterals.{symbol}.haircut = {collateral.haircut:g}: must be from "
                f"{least:g} to 1, or selling it to a liquidator costs the account equity"
            )
    if clearing.lp_haircut < least - 1e-15:
        yield (
            f"clearing.lp_haircut = {clearing.lp_haircut:g}: must be from {least:g} to 1, or "
            "liquidating pledged liquidity costs the account equity"
        )
    if config.pledged and config.pool.base not in clearing.collaterals:
        yield (
            f"clearing.collaterals = {_list(clearing.collaterals)}: {config.pool.base}, the pool's "
            "base asset, is required where the vault pledges its liquidity (vault.pledged; null: "
            "with clearing.margin = portfolio)"
        )
    listed = {USDC, *clearing.markets, *clearing.collaterals}
    if len(listed) > MAX_RISK_ASSETS:
        yield (
            f"clearing.markets, clearing.collaterals = {_list(sorted(listed))}: must name at most "
            f"{MAX_RISK_ASSETS} assets in all, USDC included"
        )


def _vault(config: Fields) -> Iterator[str]:
    vault = config.vault
    given = (vault.range_half_width_percent is None) + (vault.range_half_width_ticks is None)
    if given != 1 and config.pool.stable is None:
        yield ("vault.range_half_width_percent, range_half_width_ticks: exactly one must be given")
    yield from _aligned(
        "vault.range_half_width_ticks", vault.range_half_width_ticks, config.tick_spacing
    )
    ratios = (vault.margin_target, vault.top_up_ratio, vault.deleverage_ratio)
    if not ratios[0] > ratios[1] > ratios[2] > 1:
        yield (
            "vault.margin_target, top_up_ratio, deleverage_ratio = "
            f"{', '.join(f'{ratio:g}' for ratio in ratios)}: must fall in this "
            "order and stay above 1"
        )
    if vault.margin_target < config.clearing.initial_multiple:
        yield (
            f"vault.margin_target = {vault.margin_target:g}: must be at least "
            f"{config.clearing.initial_multiple:g}, clearing.initial_multiple"
        )
    if vault.lp_allocation + vault.margin_allocation > 1 + 1e-12:
        yield (
            f"vault.lp_allocation + vault.margin_allocation = "
            f"{vault.lp_allocation + vault.margin_allocation:g}: must be at most 1"
        )
    if config.pledged and config.clearing.margin == "isolated":
        yield "vault.pledged = true: must be false or null with clearing.margin = isolated"
    read = {USDC, config.pool.base, *config.clearing.markets}
    lag = max(config.feed(symbol).deviation for symbol in read)
    for name in ("entry_fee", "exit_fee"):
        if getattr(vault, name) < lag:
            yield (
                f"vault.{name} = {getattr(vault, name):g}: must be at least {lag:g}, the largest "
                "deviation of the oracle's feeds, or depositors gain from trading against its lag"
            )
    yield from _never_hedges(config)
    yield from _never_invests(config)
    yield from _betas(vault)
    monitor = config.agents.breakdown_monitor
    if monitor is not None and monitor.false_alarm_hours < 4 * monitor.window_hours:
        yield (
            f"agents.breakdown_monitor.false_alarm_hours = {monitor.false_alarm_hours:g}: must be "
            f"at least {4 * monitor.window_hours:g}, four times its window_hours"
        )
    limits = None if monitor is None else monitor.limits
    for name, value in ({} if limits is None else limits.found_for).items():
        if getattr(monitor, name, None) != value:
            yield (
                f"agents.breakdown_monitor.{name} = {getattr(monitor, name, None)}: must be "
                f"{value:g}, for which its limits were found, or limits be null or other ones"
            )
    yield from _depositor(config)


def _depositor(config: Fields) -> Iterator[str]:
    depositor = config.agents.depositor
    if depositor is None:
        return
    if depositor.run_from < 1 and depositor.latency_blocks > 0:
        yield (
            f"agents.depositor.latency_blocks = {depositor.latency_blocks}: must be 0 where they "
            "run from a loss (run_from), or they ask again for what is on its way"
        )
    if depositor.run_to < depositor.run_from < 1:
        yield (
            f"agents.depositor.run_to = {depositor.run_to:g}: must be from "
            f"{depositor.run_from:g} (run_from) to 1"
        )
    if depositor.run_to < 1 and depositor.run_from == 1:
        yield (
            f"agents.depositor.run_to = {depositor.run_to:g}: has no effect while run_from is "
            "1 (nobody looks); must be 1, or run_from be less"
        )
    most = min(depositor.usdc, config.vault.deposit_cap)
    if depositor.initial_deposit > most:
        yield (
            f"agents.depositor.initial_deposit = {depositor.initial_deposit:g}: must be at "
            f"most {most:g}, the lesser of agents.depositor.usdc and vault.deposit_cap"
        )


def _never_hedges(config: Fields) -> Iterator[str]:
    """What no order of the vault would fill under, and it would be said to have survived."""
    perps = {s: m for s, m in config.clearing.markets.items() if s not in lending.lent(config)}
    if perps and config.clearing.maker_funds == 0:
        yield (
            "clearing.maker_funds = 0: must be above 0: a maker without money takes no risk, and "
            "the vault never hedges"
        )
    for symbol in perps:
        lag, spread = config.feed(symbol).deviation, config.half_spread(symbol)
        if config.vault.max_slippage <= spread:
            yield (
                f"vault.max_slippage = {config.vault.max_slippage:g}: must be above {spread:.4g}, "
                f"half the spread that clearing.markets.{symbol} charges where its feed may lag by "
                f"{lag:g}, or the vault never hedges"
            )


def _never_invests(config: Fields) -> Iterator[str]:
    """The cap on pledges against what the first deposit's liquidity is worth above its range."""
    vault, depositor = config.vault, config.agents.depositor
    if not config.pledged or depositor is None:
        return
    if vault.range_half_width_ticks is not None:
        root = 1.0001 ** (vault.range_half_width_ticks / 2)
    else:
        root = sqrt(1 + (vault.range_half_width_percent or 0.0) / 100)
    # L (√b - √a) over its worth at the centre, √b = root √p, √a = √p / root.
    most = depositor.initial_deposit * vault.lp_allocation * (root + 1) / 2
    if most > config.clearing.lp_cap_usd:
        yield (
            f"clearing.lp_cap_usd = {config.clearing.lp_cap_usd:g}: must be at least {most:g}, the "
            "most that the liquidity of agents.depositor.initial_deposit can be worth (above its "
            "range), or the vault never invests it"
        )


def _betas(vault: Vault) -> Iterator[str]:
    if vault.beta_max_change > BETA_DRIFT_PER_HOUR * vault.beta_interval_hours:
        yield (
            f"vault.beta_max_change = {vault.beta_max_change:g}: must be at most "
            f"{BETA_DRIFT_PER_HOUR * vault.beta_interval_hours:g}, "
            f"{BETA_DRIFT_PER_HOUR:g} for each hour of beta_interval_hours"
        )
    for symbol, beta in (vault.betas or {}).items():
        if abs(beta) > vault.beta_max:
            yield (
                f"vault.betas.{symbol} = {beta}: must be from {-vault.beta_max:g} to "
                f"{vault.beta_max:g} (vault.beta_max)"
            )


# ------------------------------------------------------------------------------------------- shocks


def _shocks(config: Fields) -> Iterator[str]:
    windows: dict[str, list[tuple[float, float]]] = {}
    for number, shock in enumerate(config.shocks):
        field = f"shocks.{number} ({shock.kind})"
        if isinstance(shock, Depeg):
            yield from _anchors(config, field, shock)
            span = (shock.anchors[0][0], shock.anchors[-1][0])
            if any(
                span[0] < last and first < span[1] for first, last in windows.get(shock.asset, [])
            ):
                yield (
                    f"{field}.anchors = {span[0]:g} to {span[1]:g} h: must not overlap another "
                    f"depeg of {shock.asset}"
                )
            windows.setdefault(shock.asset, []).append(span)
        elif shock.at_hours >= config.horizon_hours:
            yield (
                f"{field}.at_hours = {shock.at_hours:g}: must be less than horizon_hours "
                f"({config.horizon_hours:g})"
            )
        elif isinstance(shock, WindowShock):
            step = config.step_minutes / 60
            first = ceil(shock.at_hours / step - 1e-9) * step
            if first >= shock.at_hours + shock.duration_hours:
                yield (
                    f"{field}.duration_hours = {shock.duration_hours:g}: must reach the step at "
                    f"{first:g} h, or nothing happens"
                )


def _anchors(config: Fields, field: str, shock: Depeg) -> Iterator[str]:
    hours = [anchor[0] for anchor in shock.anchors]
    if shock.leg_volatilities and len(shock.leg_volatilities) != len(hours) - 1:
        yield (
            f"{field}.leg_volatilities: has {len(shock.leg_volatilities)} entries, must have "
            f"{len(hours) - 1}, one between any two anchors"
        )
    if any(later <= earlier for earlier, later in pairwise(hours)):
        yield f"{field}.anchors = {hours}: hours must increase"
    for hour in hours:
        if hour > config.horizon_hours:
            yield (
                f"{field}.anchors = {hour:g} h: must be at most horizon_hours "
                f"({config.horizon_hours:g})"
            )
        steps = hour * 60 / config.step_minutes
        if abs(steps - round(steps)) > 1e-9:
            yield (
                f"{field}.anchors = {hour:g} h: must fall on a step of "
                f"{config.step_minutes} minutes"
            )


def _correlations(config: Fields) -> Iterator[str]:
    first = correlation.initial(config)
    if not correlation.is_positive_semidefinite(first):
        yield correlation.impossible("correlation", config.drawn, first)
        return
    given = correlation.assumed(config)
    if not correlation.is_positive_semidefinite(given):
        yield correlation.impossible("vault.assumed_correlation", config.drawn, given)
    for regime in correlation.regimes(config):
        if not correlation.is_positive_semidefinite(regime.correlation):
            hours = regime.first * config.step_minutes / 60
            yield correlation.impossible(f"shocks at {hours:g} h", config.drawn, regime.correlation)
