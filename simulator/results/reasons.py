"""Why a limit refused the vault: in words, with the field, its value and what would have done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.books.limit_kinds import POOL, Limit
from simulator.config.bounds import bounds
from simulator.config.feasibility import written

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.config import Config

# Less than this part of the margin asked for is no matter of a parameter's size.
_SCALES = 0.1


@dataclass(frozen=True)
class Reason:
    """Why something did not happen; "": unknown. ``figures``: field, value, need."""

    text: str = ""
    figures: tuple[str | None, float | None, float | None] = (None, None, None)

    @property
    def clause(self) -> str:
        """As the end of a sentence."""
        return f": {self.text}" if self.text else ""


def percent(part: float) -> str:
    """``12 %``, ``0.4 %``."""
    size = 100.0 * part
    return f"{size:.0f} %" if size >= 10.0 or size == 0.0 else f"{size:.2g} %"


def _inventory(config: Config, place: str, asked: float, value: float) -> Reason:
    """The skew that two fields allow, of which the lesser counts: both, where one alone is none."""
    market, scale = config.clearing.markets[place], config.clearing.skew_bound_usd(place)
    limits = {"max_skew_usd": market.max_skew_usd, "skew_scale_usd": scale}
    most = min(limits.values())
    # Dollars of the fields, at the first prices; they are tokens, worth something else by then.
    wanted = asked * (most / value if value > 0.0 else 1.0)
    found: list[tuple[str, float, float]] = []
    for name in sorted(limits, key=limits.__getitem__):
        if limits[name] < wanted or not found:
            field, now = f"clearing.markets.{place}.{name}", float(getattr(market, name))
            found.append((field, now, wanted * now / limits[name]))
    would = " and ".join(_would_do(config, *each) for each in found)
    text = (
        f"up to ${asked:,.0f} of skew in {place} was asked for, which takes ${value:,.0f} (the "
        "lesser of max_skew_usd and skew_scale_usd · φ · maintenance_rate / 2); "
        f"{would}{', both' if len(found) > 1 else ''}"
    )
    field, now, needed = found[0]
    return Reason(text, (field, now, advised(config, field, needed)))


def _side(config: Config, place: str, asked: float, value: float) -> Reason:
    found = _inventory(config, place, asked, value)
    text = f"${asked:,.0f} on one side of {place} was asked for, which takes four times the "
    text += f"inventory limit, ${value:,.0f}; {found.text.rpartition('; ')[2]}"
    return Reason(text, found.figures)


def advised(config: Config, field: str, needed: float) -> float | None:
    """A value that would have done; None where a configuration may not have it."""
    low, high = bounds(config, field)
    return needed if low <= float(written(needed)) <= high else None


def would_do(config: Config, field: str, needed: float, done: str = "would have done") -> str:
    """``6500 would have done``, and that it is none of those allowed where it is not."""
    text = f"{written(needed)} {done}"
    if advised(config, field, needed) is None:
        return f"{text}, beyond the {bounds(config, field)[1]:.4g} that is allowed"
    return text


def _would_do(config: Config, field: str, value: float, needed: float) -> str:
    return f"{field} = {value:g}, {would_do(config, field, needed)}"


def _simple(field: str, what: str, *, lost_on_the_way: bool = False) -> Any:
    """A limit in USD whose field allows in proportion.

    ``lost_on_the_way``: unless hardly anything is left, which no larger value brings back. Of
    nothing, or of what a maker lacks, no proportion says what would have done.
    """

    def reason(config: Config, place: str, asked: float, value: float) -> Reason:
        name = field.format(place=place)
        node: Any = config
        for part in name.split("."):
            node = node[part] if isinstance(node, dict) else getattr(node, part)
        text = f"{what.format(place=place)} ${asked:,.0f}, and ${value:,.0f} was there"
        if value <= 0.0 or (lost_on_the_way and value < _SCALES * asked):
            return Reason(text, (name, float(node), None))
        needed = float(node) * asked / value
        text += f"; {_would_do(config, name, node, needed)}"
        return Reason(text, (name, float(node), advised(config, name, needed)))

    return reason


def _slippage(config: Config, place: str, asked: float, value: float) -> Reason:
    what = f"an order in {place} cost up to about {percent(asked)}"
    text = f"{what}, and vault.max_slippage allows {percent(value)}"
    if place == POOL:
        what = f"the swap it begins with moves the pool's price by up to about {percent(asked)}"
        text = f"{what}, and vault.max_slippage allows {percent(value)}; {_deeper(config)}"
    field = "vault.max_slippage"
    return Reason(text, (field, config.vault.max_slippage, advised(config, field, asked)))


def _deeper(config: Config) -> str:
    """What else than a higher limit lets a swap through."""
    ranges = [item for item in config.pool.background if item.half_width_percent is not None
              or item.half_width_ticks is not None]  # fmt: skip
    if any(item.lowest_price is None for item in ranges):
        return (
            "it moves less in a deeper pool.background, or one that follows the price "
            "(lowest_price, highest_price) where that leaves its ranges"
        )
    return "it moves less in a deeper pool.background"


def _spot(config: Config, place: str, asked: float, value: float) -> Reason:
    text = (
        f"the pool's price was up to {percent(asked)} from the oracle's, and vault.max_slippage "
        f"allows {percent(value)}"
    )
    if config.agents.amm_arbitrageur is None:
        text += "; nobody brings the pool to the index (agents.amm_arbitrageur is null)"
    field = "vault.max_slippage"
    return Reason(text, (field, config.vault.max_slippage, advised(config, field, asked)))


#: The reason by limit: of the configuration, the place, what was asked for and what was allowed.
OF_LIMIT: Mapping[Limit, Callable[[Config, str, float, float], Reason]] = {
    Limit.INVENTORY: _inventory,
    Limit.SIDE: _side,
    Limit.OPEN_INTEREST: _simple(
        "clearing.markets.{place}.max_open_interest_usd", "open interest in {place} would have been"
    ),
    Limit.MAKER_RESERVE: _simple(
        "clearing.maker_funds", "the maker of {place} would have had to be worth"
    ),
    Limit.SLIPPAGE: _slippage,
    Limit.MARGIN: _simple(
        "vault.margin_allocation", "the hedge takes margin of", lost_on_the_way=True
    ),
    Limit.SPOT: _spot,
    Limit.LP_CAP: _simple("clearing.lp_cap_usd", "the pledge could be worth"),
}
