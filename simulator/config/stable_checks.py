"""What does not go with a StableSwap as the vault's pool, which has no ranges and no ticks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.config.agents import BUILT_IN
from simulator.config.agents.actor import Actor
from simulator.protocol.pool import MAX_STABLE_FEE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.config.fields import Fields

_FEWEST_DECIMALS, _MOST_DECIMALS = 6, 18
_OF_RANGES = {
    "pool": ("fee_ppm", "tick_spacing", "background"),
    "vault": ("range_half_width_percent", "range_half_width_ticks", "recenter_threshold"),
}


def problems(config: Fields) -> Iterator[str]:
    """What does not fit."""
    terms = config.pool.stable
    if terms is None:
        if config.pool.stableswap is not None:
            yield "pool.stableswap: is of another pool; must be null, or pool.kind stableswap"
        return
    yield from _of_ranges(config)
    most = terms.fee * terms.off_peg_multiplier
    if most > MAX_STABLE_FEE * (1.0 + 1e-12):
        yield (
            f"pool.stableswap.fee times off_peg_multiplier = {most:g}: must be at most "
            f"{MAX_STABLE_FEE:g}, or a vault's limit on the price would not bound what it pays"
        )
    decimals = config.assets[config.pool.base].decimals
    if not _FEWEST_DECIMALS <= decimals <= _MOST_DECIMALS:
        yield (
            f"assets.{config.pool.base}.decimals = {decimals}: must be from {_FEWEST_DECIMALS} to "
            f"{_MOST_DECIMALS}, as a coin of the pool"
        )
    if config.pledged:
        yield (
            "vault.pledged (null: with clearing.margin = portfolio): must be false with pool.kind "
            "= stableswap, as the clearing house takes no shares for margin"
        )
    if config.impact is not None:
        yield (
            "impact: must be null with pool.kind = stableswap, where no arbitrageur works out how "
            "far its own trade moves the index"
        )


def _of_ranges(config: Fields) -> Iterator[str]:
    """What is of pools with ranges alone."""
    for section, names in _OF_RANGES.items():
        given = getattr(config, section)
        for name in names:
            if getattr(given, name) != type(given).model_fields[name].default:
                yield f"{section}.{name}: must be left out with pool.kind = stableswap"
    for name in BUILT_IN:
        agent = getattr(config.agents, name)
        if isinstance(agent, Actor) and agent.needs_ranges:
            yield (
                f"agents.{name}: must be null with pool.kind = stableswap; what it does is worked "
                "out for pools with ranges"
            )
