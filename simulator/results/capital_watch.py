"""As :mod:`simulator.books.capital`, on all paths at once, for worlds that keep no books yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.results.holdings import vault_sizes

if TYPE_CHECKING:
    from simulator.types import Floats
    from simulator.world.base import Observation
    from simulator.world.protocol import Protocol


class CapitalWatch:
    """Notional hedged at both venues against the initial margin it needs, per path.

    A loan on Aave needs debt/LTV of USDC supplied, of which the sale of what was borrowed brings
    the debt: the rest, μM of contracts/SPEC.md §4.8, is its margin. ``accounts``: the vault's.
    """

    def __init__(self, protocol: Protocol, accounts: range, paths: int) -> None:
        self._protocol, self._accounts = protocol, slice(accounts.start, accounts.stop)
        self._assets = np.array([m.asset for m in protocol.clearing.markets])
        self._multiple = protocol.clearing.initial_multiple
        aave = protocol.aave
        self._legs = [] if aave is None else [leg.reserve.asset for leg in aave.legs]
        self._beyond_debt = 0.0 if aave is None else 1.0 / aave.ltv - 1.0
        self._notional, self._margin = np.zeros(paths), np.zeros(paths)
        self._share, self._steps = np.zeros(paths), np.zeros(paths)

    def add(self, state: Observation, oracle_price: Floats) -> None:
        """Count one step; ``oracle_price`` ``[A, paths]``. Steps without a position count not."""
        margin = self._multiple * state.maintenance[self._accounts].sum(axis=0)
        if self._legs:
            debt = (state.aave_debt * oracle_price[self._legs]).sum(axis=0)
            margin += self._beyond_debt * debt
        sizes = np.abs(vault_sizes(state, self._protocol)[self._accounts]).sum(axis=0)
        held = (margin > 0.0) & (state.nav > 0.0)
        self._notional += (sizes * oracle_price[self._assets]).sum(axis=0)
        self._margin += margin
        np.add(self._share, np.divide(margin, state.nav, where=held, out=np.zeros_like(margin)),
               out=self._share)  # fmt: skip
        self._steps += held

    def efficiency(self) -> Floats:
        """USD hedged per USD of initial margin required, over all steps; NaN: never hedged."""
        out = np.full(self._margin.shape, np.nan)
        return np.divide(self._notional, self._margin, out=out, where=self._margin > 0.0)

    def share_of_nav(self) -> Floats:
        """Initial margin required over NAV, mean of the steps with a position; NaN: none."""
        out = np.full(self._share.shape, np.nan)
        return np.divide(self._share, self._steps, out=out, where=self._steps > 0.0)
