"""The hedge on Aave in the attribution: price moves and interest told apart.

Within a step interest stands still, so a step's growth of a debt is one factor G, found when time
moves. A debt d then counts as principal d/G at the price (the hedge's price risk) and d·(1 − 1/G)
owed (funding); USDC supplied alike. When time moves on, what was interest becomes principal.
Principal is owed in its asset, so the price of USDC does not touch it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.results import kernels as k

if TYPE_CHECKING:
    from simulator.types import Floats
    from simulator.world.base import Observation
    from simulator.world.protocol import AaveParameters


class LoanReading:
    """Adds the venue to readings of the vault's holdings (rows of :mod:`kernels`)."""

    def __init__(self, aave: AaveParameters, paths: int) -> None:
        self._assets = [leg.reserve.asset for leg in aave.legs]
        legs = len(self._assets)
        self._debt, self._supplied = np.zeros((legs, paths)), np.zeros(paths)
        self._debt_growth, self._supply_growth = np.ones((legs, paths)), np.ones(paths)
        self._owed, self._earned = np.zeros(paths), np.zeros(paths)  # of the latest reading, USDC

    def advance(self, last: Floats, state: Observation) -> None:
        """Time moved: interest so far becomes principal in ``last``, the step's growth is found."""
        last[k.BORROWED] -= self._owed * last[k.PRICE_U]
        last[k.SETTLED] += self._earned
        last[k.OWED] -= self._owed - self._earned
        self._debt_growth = _growth(state.aave_debt, self._debt)
        self._supply_growth = _growth(state.aave_supplied[0], self._supplied)

    def add(self, row: Floats, state: Observation, price: Floats) -> None:
        """The venue's part of a reading; ``price`` ``[A, paths]``."""
        self._debt, self._supplied = np.array(state.aave_debt), np.array(state.aave_supplied[0])
        usd = price[self._assets]
        principal, placed = self._debt / self._debt_growth, self._supplied / self._supply_growth
        self._owed = ((self._debt - principal) * usd).sum(axis=0) / price[0]
        self._earned = self._supplied - placed
        row[k.BORROWED] -= (principal * usd).sum(axis=0)
        row[k.SETTLED] += placed
        row[k.OWED] += self._owed - self._earned


def _growth(now: Floats, before: Floats) -> Floats:
    """``now / before``, one where there was nothing."""
    return np.divide(now, before, out=np.ones_like(before), where=before > 0.0)
