"""Prices of a pool's base token from its ticks (Uniswap v3 whitepaper, eq. 6.1: p = 1.0001^i)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.market.files.symbols import DOLLARS
from simulator.types import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.types import Floats

TICK_BASE = 1.0001


@dataclass(frozen=True)
class Pool:
    """Two tokens with their decimals, in the order of the pool."""

    token0: str
    decimals0: int
    token1: str
    decimals1: int

    @property
    def inverted(self) -> bool:
        """Whether token 1 is the base: token 0 is a dollar, and token 1 is none."""
        return self.token0 in DOLLARS and self.token1 not in DOLLARS

    @property
    def symbol(self) -> str:
        """Base and quote."""
        pair = (self.token1, self.token0) if self.inverted else (self.token0, self.token1)
        return "/".join(pair)

    def prices_at(self, ticks: Floats) -> Floats:
        """Quote per base, whole tokens, at each tick."""
        return self.prices(TICK_BASE**ticks * 10.0 ** (self.decimals0 - self.decimals1))

    def prices(self, relative: Floats) -> Floats:
        """Quote per base, of prices in whole tokens 1 per token 0."""
        return np.asarray(1.0 / relative if self.inverted else relative)


def parse(path: Path, text: str | None) -> Pool:
    """A pool written ``USDC:6/WETH:18``.

    Raises:
        InputError: nothing, or something else, was written.
    """
    match = re.fullmatch(r"([A-Za-z0-9.]+):(\d+)/([A-Za-z0-9.]+):(\d+)", text or "")
    if match is None:
        raise InputError(
            f"pool = {text or '(none)'}: {path} holds ticks or prices of a pool, not of which "
            "tokens; must be TOKEN0:DECIMALS/TOKEN1:DECIMALS as the pool has them, "
            "e.g. USDC:6/WETH:18"
        )
    return Pool(match[1].upper(), int(match[2]), match[3].upper(), int(match[4]))
