"""From a configuration in friendly units to the protocol both worlds are built from."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import zip_longest
from math import isqrt, log, log1p
from typing import TYPE_CHECKING

import numpy as np

from simulator.arguments import instance
from simulator.config import borrowing, cohorts, correlation, interruptions, lending
from simulator.config.agents import BUILT_IN
from simulator.config.agents.actor import Actor, MarginTrader
from simulator.config.agents.leveraged_trader import LeveragedTrader
from simulator.config.models import Config
from simulator.config.outside import impact
from simulator.config.venues import MAX_TICK
from simulator.hedging import stable_lp
from simulator.protocol.oracle import FeedParameters
from simulator.protocol.pool import PoolTerms, StableTerms
from simulator.protocol.terms import resolved
from simulator.protocol.vault import VaultTerms
from simulator.types import SECONDS_PER_DAY, SECONDS_PER_YEAR, USDC, USDC_DECIMALS
from simulator.world.protocol import (
    FACTOR_COLUMNS,
    FACTOR_SCALE,
    AgentSlot,
    BackgroundRange,
    ClearingParameters,
    CollateralParameters,
    MarketParameters,
    PoolParameters,
    Protocol,
    StableParameters,
    Token,
    VaultParameters,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from simulator.config.venues import BackgroundLiquidity

_LOG_TICK = log(1.0001)  # one tick is 1.0001 in price (Uniswap v3 whitepaper, eq. 6.1)


def resolve(config: Config) -> Protocol:
    """The protocol a configuration describes; assets and agents in their fixed order."""
    instance("config", config, Config, "a Config, as load_config gives it")
    symbols = config.symbols
    return Protocol(
        assets=tuple(
            Token(symbol, config.assets[symbol].decimals, config.assets[symbol].price)
            for symbol in symbols
        ),
        feeds=tuple(
            FeedParameters(**resolved(FeedParameters, config.feed(symbol))) for symbol in symbols
        ),
        pool=_pool(config),
        stable=_stable(config),
        clearing=_clearing(config),
        vault=_vault(config),
        agents=_agents(config),
        aave=lending.aave(config),
        lending=borrowing.market(config),
        impact=impact(config),
        outages=tuple(interruptions.outages(config)),
        congestions=tuple(interruptions.congestions(config)),
        halts=tuple(interruptions.halts(config)),
    )


def initial_betas(config: Config) -> tuple[float, ...]:
    """First hedge ratios by market, USD short per USD of LP delta.

    As configured, else the minimum-variance ratios Σ_hh⁻¹ σ_hl of the assumed correlation and
    volatilities; limited to ±beta_max, or to what is short on Aave, as the vault will have them.
    """
    from simulator.hedging.minimum_variance import hedge_ratios

    if config.vault.betas is not None:
        return tuple(config.vault.betas.get(market, 0.0) for market in config.markets)
    symbols = (config.pool.base, *config.markets)
    betas = hedge_ratios(correlation.assumed_covariance(config, symbols))
    limit, short_only = config.vault.beta_max, lending.lent(config)
    least = [0.0 if market in short_only else -limit for market in config.markets]
    return tuple(float(beta) for beta in np.clip(betas, least, limit))


# --------------------------------------------------------------------------------------------- pool


def _pool(config: Config) -> PoolParameters:
    base, usdc = config.assets[config.pool.base], config.assets[USDC]
    sqrt_price_x96 = _sqrt_price_x96(config, Fraction(base.price) / Fraction(usdc.price))
    tick = _tick_of(sqrt_price_x96)
    given = resolved(PoolTerms, config.pool) | {"tick_spacing": config.tick_spacing}
    if config.pool.stable is not None:
        return PoolParameters(**given, sqrt_price_x96=sqrt_price_x96, background=())
    return PoolParameters(
        **given,
        sqrt_price_x96=sqrt_price_x96,
        background=tuple(
            _range(config, item, sqrt_price_x96, tick) for item in config.pool.background
        ),
    )


def _stable(config: Config) -> StableParameters | None:
    """The StableSwap, with others' coins in it as arbitrage leaves them at the first prices."""
    terms = config.pool.stable
    if terms is None:
        return None
    coins = [config.assets[config.pool.base], config.assets[USDC]]
    prices = np.array([coin.price for coin in coins])
    held = stable_lp.balances(prices, 1.0, terms.amplification)
    held *= terms.value_usd / float(held @ prices)
    base, usdc = (int(x * 10**coin.decimals) for x, coin in zip(held, coins, strict=True))
    return StableParameters(**resolved(StableTerms, terms), opening=(base, usdc))


def _sqrt_price_x96(config: Config, price: Fraction) -> int:
    """floor(√(raw USDC per raw base) · 2⁹⁶) at a price, USDC per base token, exactly."""
    base = config.assets[config.pool.base]
    raw = price * Fraction(10) ** (USDC_DECIMALS - base.decimals)
    return isqrt((raw.numerator << 192) // raw.denominator)


def _tick_of(sqrt_price_x96: int) -> int:
    """Tick of a √price, within one of TickMath's; enough, as ranges are aligned outwards."""
    return int(2 * log(sqrt_price_x96 / 2**96) // _LOG_TICK)


def _range(
    config: Config, item: BackgroundLiquidity, sqrt_price_x96: int, tick: int
) -> BackgroundRange:
    """Tick-aligned range around the initial price, with the liquidity its value buys there.

    What follows the price has that liquidity from below the lowest price to above the highest.
    """
    half = item.half_width_ticks
    if item.half_width_percent is not None:
        half = round(log1p(item.half_width_percent / 100) / _LOG_TICK)
    lower, upper = _aligned_range(config, tick, tick, half)
    liquidity = int(item.value_usd / _value_of_one(config, sqrt_price_x96, lower, upper))
    if item.lowest_price is not None and item.highest_price is not None:
        reached = (Fraction(price) for price in (item.lowest_price, item.highest_price))
        low, high = (_tick_of(_sqrt_price_x96(config, price)) for price in reached)
        lower, upper = _aligned_range(config, low, high, half)
    return BackgroundRange(lower, upper, liquidity)


def _aligned_range(config: Config, low: int, high: int, half: int | None) -> tuple[int, int]:
    """Ticks from ``half`` below ``low`` to ``half`` above ``high``, aligned outwards; None: all."""
    spacing = config.tick_spacing
    last = MAX_TICK // spacing * spacing
    if half is None:
        return -last, last
    lower = max((low - half) // spacing * spacing, -last)
    upper = min(-((-high - half) // spacing) * spacing, last)
    return lower, upper


def _value_of_one(config: Config, sqrt_price_x96: int, lower: int, upper: int) -> float:
    """USD of one unit of L at √P in [√P_a, √P_b] (Uniswap v3 whitepaper, eq. 6.29 and 6.30).

    (1/√P − 1/√P_b) base + (√P − √P_a) USDC, raw units.
    """
    root = sqrt_price_x96 / 2**96
    root_lower, root_upper = (1.0001 ** (bound / 2) for bound in (lower, upper))
    base, usdc = config.assets[config.pool.base], config.assets[USDC]
    return (1 / root - 1 / root_upper) * base.price / 10**base.decimals + (
        root - root_lower
    ) * usdc.price / 10**USDC_DECIMALS


def _half_width(config: Config) -> int:
    """The vault's range half width in ticks; a percentage goes to the nearest aligned one."""
    vault, spacing = config.vault, config.tick_spacing
    if config.pool.stable is not None:
        return spacing  # shares have no range: any will do
    if vault.range_half_width_ticks is not None:
        return vault.range_half_width_ticks
    assert vault.range_half_width_percent is not None  # one of the two: checks.py
    ticks = log1p(vault.range_half_width_percent / 100) / _LOG_TICK
    return max(round(ticks / spacing), 1) * spacing


# ---------------------------------------------------------------------------------- clearing, vault


def _clearing(config: Config) -> ClearingParameters:
    clearing, symbols = config.clearing, config.symbols
    portfolio = clearing.margin == "portfolio"
    given = resolved(ClearingParameters, clearing)
    given |= {
        "gross_floor": clearing.floor,
        "risk_multiple": clearing.risk_multiple if portfolio else 0.0,
    }
    return ClearingParameters(
        markets=tuple(
            MarketParameters(
                asset=symbols.index(symbol),
                **resolved(MarketParameters, market, config.assets[symbol].price),
            )
            for symbol, market in clearing.markets.items()
        ),
        collaterals=tuple(
            CollateralParameters(
                asset=symbols.index(symbol),
                **resolved(CollateralParameters, clearing.collaterals[symbol]),
            )
            for symbol in basket(config)
        ),
        covariance_factor=covariance_factor(config) if portfolio else (),
        **given,
    )


def basket(config: Config) -> tuple[str, ...]:
    """Collaterals in the order of every array: USDC, then as written."""
    return (USDC, *(symbol for symbol in config.clearing.collaterals if symbol != USDC))


def covariance_factor(config: Config) -> tuple[tuple[int, ...], ...]:
    """Rows of 8 integers scaled 1e8: W of the daily covariance W·Wᵀ the venue is given at first.

    Diffusion volatilities and the assumed correlation, by :attr:`Protocol.risk_assets`; jumps and
    the shocks to come are not in it.
    """
    symbols = tuple(dict.fromkeys((USDC, *config.markets, *basket(config))))
    daily = correlation.assumed_covariance(config, symbols) * (SECONDS_PER_DAY / SECONDS_PER_YEAR)
    values, vectors = np.linalg.eigh(daily)
    factor = np.zeros((len(symbols), FACTOR_COLUMNS))
    # The symmetric root, as those posted later: from one to the next is then the shortest way.
    factor[:, : len(symbols)] = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return tuple(tuple(round(entry * FACTOR_SCALE) for entry in row) for row in factor.tolist())


def _vault(config: Config) -> VaultParameters:
    return VaultParameters(
        range_half_width=_half_width(config),
        isolated=config.clearing.margin == "isolated",
        pledged=config.pledged,
        **resolved(VaultTerms, config.vault),
    )


def _agents(config: Config) -> tuple[AgentSlot, ...]:
    """Slots in block order; cohorts of longs and of shorts take turns, so that either finds room.

    What each opens moves the skew its way, which is bounded.
    """
    slots: list[AgentSlot] = []
    leveraged: list[tuple[AgentSlot, ...]] = []
    place = 0
    for name in BUILT_IN:
        agent = getattr(config.agents, name)
        if isinstance(agent, LeveragedTrader):
            place = place if leveraged else len(slots)
            leveraged.append(tuple(_cohorts(config, name, agent)))
        elif agent is not None:
            slots.append(_slot(config, name, agent, getattr(agent, "margin", {})))
    if all(len(group) == 1 for group in leveraged):
        return (*slots[:place], *(slot for (slot,) in leveraged), *slots[place:])
    turns = zip_longest(*leveraged)
    return (*slots[:place], *(s for turn in turns for s in turn if s), *slots[place:])


def _cohorts(config: Config, name: str, agent: LeveragedTrader) -> Iterator[AgentSlot]:
    """The slots that a section of leveraged traders stands for."""
    called = cohorts.names(name, agent.cohorts)
    found = cohorts.traders(agent, config.assets[USDC].price)
    for own, one in zip(called, found, strict=True):
        slot = _slot(config, name, agent, one.margin)
        yield replace(slot, name=own, usdc=slot.usdc / agent.cohorts)


def _slot(config: Config, name: str, agent: Actor, margin: Mapping[str, float]) -> AgentSlot:
    collaterals, legs = basket(config), lending.lent(config)
    # A slice of the vault's margin account needs an account to go to.
    has_account = isinstance(agent, MarginTrader) or getattr(agent, "exit_in_kind", False)
    assets = getattr(agent, "assets", {})
    return AgentSlot(
        name=name,
        kind=name,
        latency_blocks=agent.latency_blocks,
        metrics=agent.counts(),
        trades_outside=agent.trades_outside and getattr(agent, "sells", "outside") == "outside",
        positions=agent.positions,
        usdc=agent.usdc,
        base=getattr(agent, "base", 0.0),
        has_account=has_account,
        margin=tuple(margin.get(c, 0.0) for c in collaterals) if has_account else (),
        hedge=tuple(assets.get(symbol, 0.0) for symbol in legs),
        listed=tuple(
            0.0 if symbol in legs else assets.get(symbol, 0.0)
            for symbol in borrowing.others(config)
        ),
    )
