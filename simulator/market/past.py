"""Market paths as somebody sees them who lives in them: up to now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.market.paths import SINGLE, STACKED

if TYPE_CHECKING:
    from simulator.market.paths import MarketPaths
    from simulator.types import Floats

_ARRAYS = frozenset((*STACKED, *SINGLE))


class Past:
    """A window on :class:`~simulator.market.paths.MarketPaths`: its arrays end at a step.

    They are read-only views, made when first asked for: row ``step`` is the last, and there is no
    later one (IndexError). How many steps the run has is known from the beginning.
    """

    assets: tuple[str, ...]
    step_seconds: int
    first_path: int
    steps: int  # of the run, those to come too
    paths: int
    index: Floats  # [A, step+1, P], and so on
    oracle_price: Floats
    oracle_time: Floats
    gas_usd: Floats  # [step+1, P], and so on
    pool_depth: Floats
    perp_depth: Floats
    outside_depth: Floats
    noise_swap: Floats
    noise_trade: Floats
    deposit_flow: Floats

    def __init__(self, market: MarketPaths, step: int) -> None:
        self._market, self._end = market, step + 1

    if not TYPE_CHECKING:  # which goes by what is declared

        def __getattr__(self, name: str) -> object:
            if name in _ARRAYS:
                value = getattr(self._market, name)[..., : self._end, :]
                value.flags.writeable = False
            elif name in _KNOWN:
                value = getattr(self._market, name)
            else:
                raise AttributeError(f"{name}: nothing of a market; there are: {', '.join(_NAMES)}")
            self.__dict__[name] = value
            return value


_NAMES = tuple(Past.__annotations__)
_KNOWN = frozenset(_NAMES) - _ARRAYS
