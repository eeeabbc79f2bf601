"""Which positions have made an account's debt (contracts/SPEC.md §3.5.12)."""

from __future__ import annotations

from simulator.model.kernel.jit import inner
from simulator.model.kernel.record import Path


@inner
def blame(w: Path, account: int) -> float:
    """Of all positions together: what the parts of a debt are in proportion to."""
    clearing = w.state.clearing
    total = 0.0
    for key in range(2 * w.tables.count.markets):
        total += clearing.blamed[account, key]
    return total


@inner
def note_debt(w: Path, account: int, market: int, size: float, before: float) -> None:
    """Blame a position of ``size`` for what the debt grew by since cash was ``before``.

    What came in meanwhile has paid all that was blamed on others in proportion.
    """
    clearing = w.state.clearing
    debt, old = max(-clearing.cash[account], 0.0), max(-before, 0.0)
    if debt <= old:
        return
    total = blame(w, account)
    if total > old:
        for key in range(2 * w.tables.count.markets):
            clearing.blamed[account, key] *= old / total
    key = 2 * market + 1 if size > 0.0 else 2 * market
    clearing.blamed[account, key] += debt - old
