"""The second hedge venue: from the configuration to Aave's parameters, and what must hold."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt
from typing import TYPE_CHECKING

from simulator.config.borrowing import covers
from simulator.config.venues import MAX_TICK
from simulator.protocol.lending import LendingTerms
from simulator.protocol.pool import TICK_SPACING
from simulator.protocol.terms import resolved
from simulator.types import USDC, USDC_DECIMALS
from simulator.world.protocol import (
    AaveLeg,
    AaveParameters,
    BackgroundRange,
    PoolParameters,
    ReserveParameters,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.config.fields import Fields
    from simulator.config.venues import Aave, AaveAsset, Reserve


def lent(config: Fields) -> tuple[str, ...]:
    """Hedge assets borrowed on Aave, in the order of the markets."""
    return tuple(m for m in config.markets if config.vault.venues.get(m) == "aave")


def aave(config: Fields) -> AaveParameters | None:
    """Aave's parameters; None where nothing is hedged there."""
    terms = config.aave
    if terms is None or not lent(config):
        return None
    return AaveParameters(
        **resolved(LendingTerms, terms),
        usdc=_reserve(config, USDC, terms.usdc),
        legs=tuple(
            AaveLeg(
                market=config.markets.index(symbol),
                reserve=_reserve(config, symbol, terms.assets[symbol]),
                pool=_pool(config, symbol, terms.assets[symbol]),
            )
            for symbol in lent(config)
        ),
    )


def _reserve(config: Fields, symbol: str, reserve: Reserve) -> ReserveParameters:
    return ReserveParameters(
        asset=config.symbols.index(symbol),
        **resolved(ReserveParameters, reserve),
    )


def _pool(config: Fields, symbol: str, asset: AaveAsset) -> PoolParameters:
    """A full-range pool of a hedge asset: L is half its USDC value over √P, in raw units."""
    token, spacing = config.assets[symbol], TICK_SPACING[asset.pool_fee_ppm]
    price = Fraction(token.price) / Fraction(config.assets[USDC].price)
    raw = price * Fraction(10) ** (USDC_DECIMALS - token.decimals)
    root = isqrt((raw.numerator << 192) // raw.denominator)
    usdc = asset.pool_usd / 2 / config.assets[USDC].price * 10**USDC_DECIMALS
    last = MAX_TICK // spacing * spacing
    background = BackgroundRange(-last, last, int(usdc / (root / 2**96)))
    return PoolParameters(asset.pool_fee_ppm, spacing, root, (background,))


def problems(config: Fields) -> Iterator[str]:
    """What is wrong with the second venue; names come first."""
    for symbol in config.vault.venues:
        if symbol not in config.markets:
            yield f"vault.venues = {symbol}: must be one of {', '.join(config.markets)}"
    borrowed = lent(config)
    if not borrowed:
        return
    if config.aave is None:
        yield f"aave = null: is required, as vault.venues.{borrowed[0]} = aave"
        return
    for symbol in borrowed:
        if symbol not in config.aave.assets:
            yield f"aave.assets: must have {symbol}, as vault.venues.{symbol} = aave"
        elif symbol == config.pool.base:
            yield f"vault.venues.{symbol} = aave: must be another asset than the pool's base"
        elif (config.vault.betas or {}).get(symbol, 0.0) < 0.0:
            yield f"vault.betas.{symbol}: must be at least 0, as the venue is short only"
    if all(symbol in config.aave.assets for symbol in borrowed):
        yield from _terms(config, config.aave)


def _terms(config: Fields, terms: Aave) -> Iterator[str]:
    """What Aave's configurator and the vault's constructor refuse."""
    ltv, threshold, bonus = terms.ltv, terms.liquidation_threshold, terms.liquidation_bonus
    if not ltv < threshold:
        yield f"aave.ltv = {ltv:g}: must be below {threshold:g}, aave.liquidation_threshold"
        return
    if not covers(threshold, bonus):
        yield (
            f"aave.liquidation_threshold = {threshold:g}: must be at most {1 / (1 + bonus):.4g}, "
            "or the collateral does not cover aave.liquidation_bonus"
        )
    multiple = (1.0 / ltv - 1.0) / (1.0 / threshold - 1.0)
    if config.vault.margin_target < multiple:
        yield (
            f"vault.margin_target = {config.vault.margin_target:g}: must be at least "
            f"{multiple:.4g}, the initial multiple of Aave's terms"
        )
    reserves = {USDC: terms.usdc, **{symbol: terms.assets[symbol] for symbol in lent(config)}}
    for symbol, reserve in reserves.items():
        if reserve.borrowed > reserve.supplied:
            yield (
                f"aave {symbol}.borrowed = {reserve.borrowed:g}: must be at most "
                f"{reserve.supplied:g}, what is supplied"
            )
    owed = sum(r.borrowed * config.assets[symbol].price for symbol, r in reserves.items())
    limit = ltv * terms.usdc.supplied * config.assets[USDC].price
    if owed > 0.999 * limit:
        yield (
            f"aave: others owe {owed:g} USD; must be below {limit:g}, what their USDC "
            "(aave.usdc.supplied) may borrow"
        )
